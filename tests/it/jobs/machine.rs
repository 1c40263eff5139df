//! Random sequences of everything that can happen to a backup directory and its database, on a real
//! server, against what must always hold.
//!
//! `SNAPDUMP_TEST_SECONDS` says how long (12 by default, for each server), `SNAPDUMP_TEST_SEED`
//! chooses the sequences (1 by default); what they meet depends on the clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use snapdump::{
    BackupKind, BackupManager, BackupName, Context, CreateRequest, ErrorKind, JobId, JobKind,
    JobReport, JobState, JobStatus, ListRequest, ManagerOptions, RestoreMode, RestoreRequest,
    RetentionPolicy, RunningJob, TargetState, verify,
};

use super::child::Child;
use super::setup::{ended, open};
use crate::backup::{files_in, state};
use crate::compare::{Description, compare};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::connect;
use crate::sample_data::random::Random;

struct Machine {
    database: TestDatabase,
    directory: tempfile::TempDir,
    manager: BackupManager,
    random: Random,
    /// What the application has put into the database so far; the last is there now.
    version: u64,
    now: Description,
    /// What each good backup holds.
    backups: BTreeMap<BackupName, Description>,
    /// Files that this test has damaged.
    corrupt: BTreeSet<BackupName>,
    /// Every job that was ever started.
    jobs: BTreeSet<JobId>,
    /// What happens next, the last first.
    bag: Vec<u64>,
    log: Vec<String>,
}

/// How many numbers [`Machine::step`] draws from.
const ACTIONS: u64 = 16;

fn same(one: &Description, other: &Description) -> bool {
    compare(one, other).is_empty()
}

async fn manager_of(database: &TestDatabase, directory: &Path) -> BackupManager {
    open(connect(database), directory, ManagerOptions::default()).await
}

impl Machine {
    async fn new(server: &TestServer, seed: u64) -> Self {
        let database = server.database().await;
        let directory = tempfile::tempdir().unwrap();
        let manager = manager_of(&database, directory.path()).await;
        let now = state(&database).await;
        let mut machine = Self {
            database,
            directory,
            manager,
            random: Random::new(seed),
            version: 0,
            now,
            backups: BTreeMap::new(),
            corrupt: BTreeSet::new(),
            jobs: BTreeSet::new(),
            bag: Vec::new(),
            log: Vec::new(),
        };
        machine.change().await;
        // Something to restore, damage or delete.
        machine.create().await;
        machine
    }

    async fn step(&mut self) {
        match self.draw() {
            0 | 1 => self.change().await,
            2 | 3 => self.create().await,
            4 => self.create_and_cancel().await,
            5 => self.create_and_kill().await,
            6 | 7 => self.restore(false).await,
            8 | 9 => self.restore(true).await,
            10 | 11 => self.restore_and_kill().await,
            12 => self.delete().await,
            13 => self.prune().await,
            14 => self.corrupt(),
            _ => Box::pin(self.start_two()).await,
        }
        self.settle().await;
    }

    /// Each number once, in any order, before one comes again.
    fn draw(&mut self) -> u64 {
        if self.bag.is_empty() {
            for action in 0..ACTIONS {
                let place = usize::try_from(self.random.below(action + 1)).unwrap();
                self.bag.insert(place, action);
            }
        }
        self.bag.pop().unwrap()
    }

    /// The application does something.
    async fn change(&mut self) {
        self.version += 1;
        let version = self.version;
        self.log.push(format!("change to {version}"));
        let rows = 50 + self.random.below(3000);
        self.database
            .run(&[
                "CREATE TABLE IF NOT EXISTS data (id INT AUTO_INCREMENT PRIMARY KEY, \
                 version INT NOT NULL, text VARCHAR(200), KEY (version))",
                "DELETE FROM data WHERE id % 3 = 0",
                &format!(
                    "INSERT INTO data (version, text) WITH RECURSIVE n AS (SELECT 1 AS i UNION \
                     ALL SELECT i + 1 FROM n WHERE i < {}) SELECT {version}, REPEAT(SHA2(i, 256), 2) \
                     FROM n",
                    rows.min(999)
                ),
                &format!("DROP TABLE IF EXISTS only_{}", version.saturating_sub(2)),
                &format!("CREATE TABLE only_{version} (id INT PRIMARY KEY)"),
                &format!("INSERT INTO only_{version} VALUES ({version})"),
                &format!("CREATE OR REPLACE VIEW newest AS SELECT {version} AS version"),
                &format!("DROP PROCEDURE IF EXISTS tell_{}", version.saturating_sub(1)),
                &format!("CREATE PROCEDURE tell_{version}() SELECT {version}"),
            ])
            .await;
        self.now = state(&self.database).await;
    }

    async fn create(&mut self) {
        self.log.push("create".to_owned());
        let job = self.manager.create(CreateRequest::manual()).await.unwrap();
        self.jobs.insert(job.id());
        let report = job.wait().await.unwrap_or_else(|error| panic!("{}", error.chain()));
        let JobReport::Created { file, .. } = report else { panic!("{report:?}") };
        assert!(self.backups.insert(file, self.now.clone()).is_none());
    }

    fn moment(&mut self) -> Duration {
        Duration::from_millis(self.random.below(600))
    }

    async fn create_and_cancel(&mut self) {
        let moment = self.moment();
        self.log.push(format!("create, cancelled after {moment:?}"));
        let job = self.manager.create(CreateRequest::manual()).await.unwrap();
        self.jobs.insert(job.id());
        tokio::time::sleep(moment).await;
        job.cancel();
        self.created(&ended(&job).await);
    }

    /// What a backup job that may have been stopped has left.
    fn created(&mut self, status: &JobStatus) {
        if status.state == JobState::Completed {
            let file = status.file.clone().unwrap();
            assert!(self.backups.insert(file, self.now.clone()).is_none());
        } else {
            assert_eq!(status.state, JobState::Cancelled, "{status:?}");
        }
    }

    async fn create_and_kill(&mut self) {
        let moment = self.moment();
        self.log.push(format!("create, killed after {moment:?}"));
        let child = Child::create(&self.database, self.directory.path()).await;
        self.jobs.insert(child.job());
        tokio::time::sleep(moment).await;
        child.kill().await;
    }

    /// A backup of the model, of any kind.
    fn any_backup(&mut self) -> Option<BackupName> {
        let names: Vec<_> = self.backups.keys().chain(&self.corrupt).cloned().collect();
        let at = usize::try_from(self.random.below(names.len() as u64)).unwrap();
        names.get(at).cloned()
    }

    async fn restore(&mut self, cancelled: bool) {
        let Some(file) = self.any_backup() else { return };
        let moment = self.moment();
        let how = if cancelled { format!(", cancelled after {moment:?}") } else { String::new() };
        self.log.push(format!("restore {file}{how}"));
        let request = RestoreRequest::new(file.clone()).with_mode(RestoreMode::Replace);
        let job = match self.manager.restore(request).await {
            Ok(job) => job,
            Err(error) => {
                assert!(self.corrupt.contains(&file), "{}", error.chain());
                return;
            }
        };
        self.jobs.insert(job.id());
        if cancelled {
            tokio::time::sleep(moment).await;
            job.cancel();
        }
        let status = ended(&job).await;
        let now = state(&self.database).await;
        match status.target.unwrap() {
            TargetState::Restored => {
                assert_eq!(status.state, JobState::Completed);
                assert!(!self.corrupt.contains(&file), "a damaged file was restored: {status:?}");
                let wanted = &self.backups[&file];
                assert!(same(wanted, &now), "{:?}: {status:?}", compare(wanted, &now));
                self.keep_restore_point(&status).await;
                self.now = now;
            }
            TargetState::Untouched | TargetState::RolledBack => {
                assert_ne!(status.state, JobState::Completed);
                assert!(same(&self.now, &now), "{:?}: {status:?}", compare(&self.now, &now));
                if let Some(rollback) = &status.rollback {
                    assert!(rollback.succeeded, "{status:?}");
                }
                self.keep_restore_point(&status).await;
            }
            other => panic!("{other:?}: {status:?}"),
        }
        if !cancelled {
            let expected =
                if self.corrupt.contains(&file) { JobState::Failed } else { JobState::Completed };
            assert_eq!(status.state, expected, "{status:?}");
        }
    }

    /// The restore point of a job holds what was there when it began.
    async fn keep_restore_point(&mut self, status: &JobStatus) {
        // A job that is stopped between the two leaves a whole restore point without having
        // heard of it.
        if let Some(point) = &status.restore_point {
            let path = self.directory.path().join(point.as_str());
            verify(&path, &Context::new())
                .await
                .unwrap_or_else(|error| panic!("{}", error.chain()));
            self.backups.insert(point.clone(), self.now.clone());
        }
    }

    async fn restore_and_kill(&mut self) {
        let Some(file) = self.any_backup() else { return };
        let moment = self.moment();
        self.log.push(format!("restore {file}, killed after {moment:?}"));
        let child = Child::restore(
            &self.database,
            self.directory.path(),
            file.as_str(),
            RestoreMode::Replace,
        )
        .await;
        let Ok(job) = child.started.clone() else {
            assert!(self.corrupt.contains(&file), "{:?}", self.log);
            return;
        };
        self.jobs.insert(job);
        // While it runs, nobody else does.
        match self.manager.create(CreateRequest::manual()).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.chain());
                assert_eq!(RunningJob::of(&error).map(|running| running.id), Some(job));
                tokio::time::sleep(moment).await;
                child.kill().await;
            }
            Ok(mine) => {
                // It has come to its end.
                self.jobs.insert(mine.id());
                let theirs = child.ended().await;
                assert!(theirs.is_some());
                let mine = ended(&mine).await;
                assert_eq!(mine.state, JobState::Completed, "{mine:?}");
                let status = self.manager.job(job).await.unwrap();
                if status.target == Some(TargetState::Restored) {
                    self.keep_restore_point(&status).await;
                    self.now = self.backups[&file].clone();
                }
                self.backups.insert(mine.file.unwrap(), self.now.clone());
                return;
            }
        }
        let status = self.manager.job(job).await.unwrap();
        assert!(status.state.is_terminal(), "{status:?}");
        self.keep_restore_point(&status).await;
        if status.is_half_done() {
            // A restart finds it so, and one call puts it right.
            self.manager = manager_of(&self.database, self.directory.path()).await;
            let undo = self.manager.roll_back(job).await.unwrap();
            self.jobs.insert(undo.id());
            undo.wait().await.unwrap_or_else(|error| panic!("{}", error.chain()));
        } else if status.target == Some(TargetState::Restored) {
            self.now = self.backups[&file].clone();
        }
        let now = state(&self.database).await;
        assert!(same(&self.now, &now), "{:?}: {status:?}", compare(&self.now, &now));
    }

    async fn delete(&mut self) {
        let Some(file) = self.any_backup() else { return };
        self.log.push(format!("delete {file}"));
        self.manager.delete(&file, "DELETE".parse().unwrap()).await.unwrap();
        self.forget(&file);
    }

    fn forget(&mut self, file: &BackupName) {
        self.backups.remove(file);
        self.corrupt.remove(file);
    }

    async fn prune(&mut self) {
        let last = usize::try_from(self.random.below(4)).unwrap();
        self.log.push(format!("prune to {last}"));
        let policy =
            RetentionPolicy::new().keep_last(last).keep_restore_points(last, Duration::ZERO);
        let good = |list: &snapdump::BackupList| {
            list.backups
                .iter()
                .find(|info| info.kind == BackupKind::Manual && info.is_whole())
                .map(|info| info.name.clone())
        };
        let newest = good(&self.manager.list(ListRequest::default()).await.unwrap());
        let report = self.manager.prune(&policy, false).await.unwrap();
        for file in &report.removed {
            assert_ne!(Some(file), newest.as_ref());
            self.forget(file);
        }
    }

    /// A byte of a backup is not what it was.
    fn corrupt(&mut self) {
        let names: Vec<_> = self.backups.keys().cloned().collect();
        let at = usize::try_from(self.random.below(names.len() as u64)).unwrap();
        let Some(file) = names.get(at).cloned() else { return };
        let path = self.directory.path().join(file.as_str());
        let mut bytes = std::fs::read(&path).unwrap();
        let at = usize::try_from(self.random.below(bytes.len() as u64)).unwrap();
        self.log.push(format!("corrupt {file} at {at}"));
        bytes[at] ^= 1 << self.random.below(8);
        std::fs::write(&path, bytes).unwrap();
        self.backups.remove(&file);
        self.corrupt.insert(file);
    }

    /// Of two that start at the same time one does.
    async fn start_two(&mut self) {
        self.log.push("start two".to_owned());
        let other = manager_of(&self.database, self.directory.path()).await;
        let (one, two) = tokio::join!(
            self.manager.create(CreateRequest::manual()),
            other.create(CreateRequest::manual())
        );
        let ((Ok(job), Err(error)) | (Err(error), Ok(job))) = (one, two) else {
            panic!("not one of two: {:?}", self.log);
        };
        assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.chain());
        if let Some(running) = RunningJob::of(&error) {
            assert_eq!(running.id, job.id());
            other.job(running.id).await.unwrap();
        }
        self.jobs.insert(job.id());
        let status = ended(&job).await;
        self.created(&status);
    }

    /// What holds whenever nothing runs.
    async fn settle(&mut self) {
        self.manager = manager_of(&self.database, self.directory.path()).await;
        let now = state(&self.database).await;
        assert!(same(&self.now, &now), "{:?}", compare(&self.now, &now));
        let files = files_in(self.directory.path());
        let journal = files_in(&self.directory.path().join(".snapdump-jobs"));
        let mut all = files.iter().chain(&journal);
        assert!(!all.any(|name| name.ends_with(".partial")), "{files:?} {journal:?}");
        for name in files {
            let Ok(file) = name.parse::<BackupName>() else { continue };
            if self.corrupt.contains(&file) || self.backups.contains_key(&file) {
                continue;
            }
            // One that a process made and did not live to tell of, or a restore point that a job
            // was stopped behind: whole all the same.
            let path = self.directory.path().join(&name);
            verify(&path, &Context::new())
                .await
                .unwrap_or_else(|error| panic!("{}", error.chain()));
            self.backups.insert(file, self.now.clone());
        }
        let jobs = self.manager.jobs().await.unwrap();
        for id in &self.jobs {
            let status = self.manager.job(*id).await.unwrap();
            assert!(status.state.is_terminal() && !status.is_half_done(), "{status:?}");
        }
        self.one_at_a_time(&jobs);
        for job in &jobs {
            assert_saved_first(job);
        }
    }

    /// The times of jobs do not overlap.
    fn one_at_a_time(&self, jobs: &[JobStatus]) {
        for pair in jobs.windows(2) {
            let [later, earlier] = pair else { continue };
            let end = earlier.finished_at.unwrap();
            // The next one takes its locks while the last one returns from giving them back.
            assert!(end <= later.started_at, "{earlier:?} and {later:?}: {:?}", self.log);
        }
    }
}

/// Nothing has been restored over anything that was not saved.
fn assert_saved_first(job: &JobStatus) {
    if job.kind == JobKind::Restore && job.target != Some(TargetState::Untouched) {
        let point = job.restore_point.as_ref().unwrap_or_else(|| panic!("{job:?}"));
        assert_eq!(point.kind(), BackupKind::RestorePoint);
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

on_each_server! {
    /// At most one operation at a time; never a restore without its verified restore point; the
    /// data is before or after, never between; no unfinished file has a final name; every job
    /// answers.
    async fn whatever_happens_the_promises_hold(server: TestServer) {
        let seed = setting("SNAPDUMP_TEST_SEED").unwrap_or(1);
        let time = Duration::from_secs(setting("SNAPDUMP_TEST_SECONDS").unwrap_or(12));
        println!("{}: SNAPDUMP_TEST_SEED={seed}", server.name);
        let mut machine = Machine::new(&server, seed).await;
        let (start, mut steps) = (Instant::now(), 0);
        while start.elapsed() < time || steps < ACTIONS {
            Box::pin(machine.step()).await;
            steps += 1;
            println!("{}: {}", server.name, machine.log.last().map_or("", String::as_str));
        }
        println!("{}: {steps} steps, {} jobs", server.name, machine.jobs.len());
    }
}

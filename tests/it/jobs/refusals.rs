//! Jobs that do not start, or end before they have changed anything; and what hooks hear.

use std::sync::{Arc, Mutex};

use mysql_async::prelude::Queryable as _;
use snapdump::{
    BackupName, Compression, ConnectOptions, CreateRequest, DumpOptions, ErrorKind, JobHooks,
    JobState, JobStatus, KeepReason, ListRequest, ManagerOptions, RestoreRequest, RetentionPolicy,
    TargetState,
};

use super::setup::{backups_in, completed, ended, manager, manager_with, open};
use crate::backup::{Cleanup, files_in, present, state};
use crate::compare::compare;
use crate::roundtrip::connect;
use crate::sample::sample_database;

const DAMAGE: &str = "DROP TABLE loans;\nDROP TABLE copies;\n";

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn note(&self, what: &str, status: &JobStatus) {
        self.0.lock().unwrap().push(format!("{what} {} {}", status.kind, status.state));
    }
}

impl JobHooks for Heard {
    async fn started(&self, status: &JobStatus) {
        self.note("started", status);
        panic!("a hook that is broken");
    }

    async fn finished(&self, status: &JobStatus) {
        tokio::task::yield_now().await;
        self.note("finished", status);
    }

    async fn failed(&self, status: &JobStatus) {
        self.note("failed", status);
    }
}

on_each_server! {
    /// Without a restore point that was taken and verified nothing is touched.
    async fn what_cannot_be_saved_is_not_restored_over(server: TestServer) {
        let database = sample_database(&server, 50).await;
        let before = state(&database).await;
        // May change everything, and not read everything.
        let account = format!("u_{}", database.name);
        let _cleanup = Cleanup::new(&server, vec![format!("DROP USER '{account}'@'%'")]);
        let mut conn = server.conn().await;
        let name = &database.name;
        for sql in [
            format!("CREATE USER '{account}'@'%' IDENTIFIED BY 'p4ssw0rd!X'"),
            format!("GRANT SELECT, INSERT, DELETE, CREATE, DROP, ALTER ON {name}.* TO '{account}'@'%'"),
        ] {
            conn.query_drop(sql).await.unwrap();
        }
        conn.disconnect().await.unwrap();
        let limited = connect(&database).with_user(&account).with_password("p4ssw0rd!X");
        let directory = tempfile::tempdir().unwrap();
        let manager = open(limited, directory.path(), ManagerOptions::default()).await;
        std::fs::write(directory.path().join("script.sql"), DAMAGE).unwrap();
        let request = RestoreRequest::new("script.sql".parse().unwrap());
        let job = manager.restore(request).await.unwrap();
        let error = job.wait().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RestorePoint, "{}", error.chain());
        let status = ended(&job).await;
        assert_eq!((status.state, status.target), (JobState::Failed, Some(TargetState::Untouched)));
        assert_eq!((status.restore_point, status.rollback), (None, None));
        assert!(status.message.contains("nothing was changed"), "{}", status.message);
        assert!(compare(&before, &state(&database).await).is_empty());
        assert_eq!(backups_in(directory.path()), ["script.sql"]);
        assert!(!std::fs::read_dir(directory.path().join(".snapdump-jobs")).unwrap().any(|job| {
            std::fs::read_to_string(job.unwrap().path()).unwrap().contains("p4ssw0rd")
        }));
    }

    /// Damaged and unknown files are refused, and change nothing.
    async fn a_damaged_backup_is_refused(server: TestServer) {
        let database = sample_database(&server, 50).await;
        let (directory, manager) = manager(&database).await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        let file: BackupName = backups_in(directory.path()).remove(0).parse().unwrap();
        let path = directory.path().join(file.as_str());
        let good = std::fs::read(&path).unwrap();
        let before = state(&database).await;

        // In its middle: the end of the file does not tell.
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        for verifies in [true, false] {
            let job = if verifies {
                manager.verify(file.clone()).await.unwrap()
            } else {
                manager.restore(RestoreRequest::new(file.clone())).await.unwrap()
            };
            let error = job.wait().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Digest, "{}", error.chain());
            let touched = job.status().target;
            assert!(matches!(touched, None | Some(TargetState::Untouched)));
        }
        // Cut off: it is listed as what it is.
        std::fs::write(&path, &good[..middle]).unwrap();
        let list = manager.list(ListRequest::default()).await.unwrap();
        assert!(list.backups[0].problem.as_ref().unwrap().contains("fragment"));
        assert!(!list.backups[0].is_whole());
        let error = manager.restore(RestoreRequest::new(file.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Manifest);
        let missing = RestoreRequest::new("missing.sql".parse().unwrap());
        assert_eq!(manager.restore(missing).await.unwrap_err().kind(), ErrorKind::NotFound);
        let id = "0190b6a0-0000-7000-8000-000000000000".parse().unwrap();
        assert_eq!(manager.job(id).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(manager.roll_back(id).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(compare(&before, &state(&database).await).is_empty());

        // A link out of the directory is not followed.
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("x.sql"), DAMAGE).unwrap();
        std::os::unix::fs::symlink(outside.path().join("x.sql"), directory.path().join("x.sql"))
            .unwrap();
        let link = RestoreRequest::new("x.sql".parse().unwrap());
        assert_eq!(manager.restore(link).await.unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(manager.list(ListRequest::default()).await.unwrap().total, 1);
    }

    /// A disk without room refuses the job before it begins, and nothing is in the journal.
    async fn a_full_disk_refuses_the_job(server: TestServer) {
        let database = sample_database(&server, 50).await;
        let directory = tempfile::tempdir().unwrap();
        let place = snapdump::BackupDir::open(directory.path()).unwrap();
        let options = ManagerOptions::default().with_reserve(u64::MAX / 2);
        let manager =
            snapdump::BackupManager::open(connect(&database), place, options).await.unwrap();
        let error = manager.create(CreateRequest::manual()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{}", error.chain());
        assert!(manager.jobs().await.unwrap().is_empty());
        assert_eq!(files_in(directory.path()), [".snapdump-jobs", ".snapdump.lock"]);
        // Nothing keeps the next one out.
        let error = manager.create(CreateRequest::manual()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace);
    }

    /// Hooks hear of every start and end; a panic in one is no failure of the job.
    async fn hooks_hear_of_every_job(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)"]).await;
        let heard = Heard::default();
        let options = ManagerOptions::default().with_hooks(heard.clone());
        let (directory, manager) = manager_with(&database, options).await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        std::fs::write(directory.path().join("bad.sql"), "INSERT INTO nowhere VALUES (1);").unwrap();
        ended(&manager.restore(RestoreRequest::new("bad.sql".parse().unwrap())).await.unwrap()).await;
        assert_eq!(
            *heard.0.lock().unwrap(),
            [
                "started create queued",
                "finished create completed",
                "started restore queued",
                "failed restore failed"
            ]
        );
    }

    /// What the policy does not keep goes, the link follows, and a dry run only says so.
    async fn pruning_leaves_the_newest(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)"]).await;
        let (directory, manager) = manager(&database).await;
        for _ in 0..3 {
            completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        }
        std::fs::write(directory.path().join("foreign.sql"), "SELECT 1;").unwrap();
        let all = backups_in(directory.path());
        assert_eq!(all.len(), 4, "{all:?}");
        let policy = RetentionPolicy::new().keep_last(1);
        let planned = manager.prune(&policy, true).await.unwrap();
        assert_eq!((planned.removed.len(), backups_in(directory.path()).len()), (2, 4));
        assert_eq!(manager.prune(&policy, false).await.unwrap(), planned);
        let left = backups_in(directory.path());
        assert_eq!(left, ["foreign.sql", &all[3]]);
        assert_eq!(manager.directory().latest(&database.name).unwrap().as_str(), all[3]);
        assert_eq!(manager.prune(&policy, false).await.unwrap().removed, []);

        // The newest one looks whole by its end. It is kept, and none gives way to it.
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        // By when they were made: their names can be of later seconds.
        let listed = manager.list(ListRequest::default()).await.unwrap().backups;
        let ours: Vec<_> = listed.iter().filter(|info| info.is_whole()).map(|info| &info.name).collect();
        assert_eq!(ours.len(), 3, "{listed:?}");
        let newest = directory.path().join(ours[0].as_str());
        let mut bytes = std::fs::read(&newest).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 0x10;
        std::fs::write(&newest, bytes).unwrap();
        for dry_run in [true, false] {
            let report = manager.prune(&policy, dry_run).await.unwrap();
            let kept: Vec<_> =
                report.kept.iter().filter(|kept| kept.name.as_str() != "foreign.sql").collect();
            let [damaged, whole] = kept.try_into().unwrap();
            assert_eq!((&damaged.name, &whole.name), (ours[0], ours[1]));
            assert!(damaged.reasons.contains(&KeepReason::Damaged), "{report:?}");
            assert!(whole.reasons.contains(&KeepReason::NewestWhole), "{report:?}");
            assert_eq!(report.removed, [ours[2].clone()]);
        }
        let left = backups_in(directory.path());
        assert!([ours[0], ours[1]].iter().all(|name| left.iter().any(|left| left == name.as_str())));
        assert_eq!(left.len(), 3, "{left:?}");
        assert!(present(&database).await.contains("table t"));
    }
}

#[tokio::test]
async fn a_manager_writes_gzip_only() {
    let directory = tempfile::tempdir().unwrap();
    let place = snapdump::BackupDir::open(directory.path()).unwrap();
    let plain = DumpOptions::default().with_compression(Compression::None);
    let options = ManagerOptions::default().with_dump_options(plain);
    let opened = snapdump::BackupManager::open(ConnectOptions::new(), place, options).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Config);
}

/// What is written down about jobs goes nowhere else.
#[tokio::test]
async fn a_journal_that_is_a_link_is_refused() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = directory.path().join(".snapdump-jobs");
    std::os::unix::fs::symlink(elsewhere.path(), &journal).unwrap();
    let place = snapdump::BackupDir::open(directory.path()).unwrap();
    let options = ManagerOptions::default();
    let opened = snapdump::BackupManager::open(ConnectOptions::new(), place, options).await;
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{}", error.chain());
    assert_eq!(error.location().file, Some(journal.display().to_string()));
    assert_eq!(files_in(elsewhere.path()), [""; 0]);
}

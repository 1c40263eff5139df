//! **The property** of every fault, and nothing else: whatever was done to whom, this must hold.

use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::{
    BackupKind, BackupManager, BackupName, Context, CreateRequest, ErrorKind, Job, JobKind,
    JobState, JobStatus, ListRequest, ManagerOptions, RestoreRequest, RetentionPolicy, TargetState,
    verify,
};

use super::jobs::name;
use super::world::{DROP_NEW, End, SESSIONS_END, World};
use crate::backup::{assert_no_session_left, files_in};
use crate::compare::quote_name;
use crate::jobs::completed;
use crate::roundtrip::connect;

/// What a manager has in its directory beside backups and the links to the newest ones.
const OWN_FILES: [&str; 2] = [".snapdump-jobs", ".snapdump.lock"];

/// What was running when the fault came.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After<'a> {
    /// A dump or a restore by itself, which keeps no journal; the directory was empty.
    Operation,
    /// A job; the backup was in the directory.
    Job,
    /// Pruning, which must keep the backup and these, and nothing else once it is done.
    Pruning(&'a [&'a str]),
}

impl After<'_> {
    /// What was in the directory and must still be there.
    fn kept(self) -> Vec<BackupName> {
        match self {
            Self::Operation => Vec::new(),
            Self::Job => vec![name()],
            Self::Pruning(names) => {
                names.iter().map(|kept| kept.parse().unwrap()).chain([name()]).collect()
            }
        }
    }
}

/// What the fault has left.
#[derive(Debug)]
pub(crate) struct Found {
    /// What the target was.
    pub(crate) end: End,
    /// What is told of the last job, if it came so far as to be written down.
    pub(crate) status: Option<JobStatus>,
}

impl World {
    /// **The property.** Everything that ran has ended; somebody opens the directory. Then:
    ///
    /// - no query of ours is left on the server;
    /// - every listed backup verifies, none is lost, and no unfinished file is there;
    /// - no lock is left: each table can be locked, and the next job runs;
    /// - every job has ended and says how, and what it says of the target is true;
    /// - the target is as before or as after, or between the two with a restore point, and is
    ///   brought back by it to prove it.
    ///
    /// The directory is empty and the target as before when this returns.
    pub(crate) async fn assert_property(&self, after: After<'_>, what: &str) -> Found {
        let what = format!("{}, {what}", self.server.name);
        for database in [&self.source, &self.target] {
            assert_no_session_left(database, SESSIONS_END).await;
        }
        let manager = self.manager(&connect(&self.target), ManagerOptions::default()).await;
        let points = self.whole_restore_points(&manager, after, &what).await;
        let jobs = manager.jobs().await.unwrap();
        // Before it is looked at: after a crash MySQL counts the AUTO_INCREMENT of a table rightly
        // again once it has been opened.
        self.assert_no_lock_left(&what).await;
        let end = self.end().await;
        assert_told(after, &jobs, end, &what);

        // A roll-back may have done its work and not be able to say so of its restore.
        let half_done = jobs.iter().find(|status| status.is_half_done()).map(|status| status.id);
        let status = jobs.into_iter().next();
        if let Some(id) = half_done {
            completed(&when_free(|| manager.roll_back(id)).await).await;
        } else if end != End::Before {
            let told = status.as_ref().and_then(|status| status.restore_point.clone());
            let point = told.or(points.into_iter().next());
            let Some(point) = point else {
                panic!("{what}: {end:?}, no restore point: {:?}", self.differences().await)
            };
            let request = RestoreRequest::new(point);
            completed(&when_free(|| manager.restore(request.clone())).await).await;
            // What only the operation made is no part of the restore point.
            self.target.run(&DROP_NEW).await;
        }
        assert_eq!(self.differences().await, [""; 0], "{what}: not brought back");
        if let After::Pruning(_) = after {
            manager.prune(&RetentionPolicy::new().keep_last(1), false).await.unwrap();
            let mut left: Vec<_> =
                listed(&manager).await.into_iter().map(|(name, _)| name).collect();
            left.sort();
            let mut kept = after.kept();
            kept.sort();
            assert_eq!(left, kept, "{what}");
        }
        completed(&when_free(|| manager.create(CreateRequest::manual())).await).await;
        manager.shutdown(false).await;
        self.empty_directory();
        Found { end, status }
    }

    /// The restore points in a directory of which everything verifies, the newest first.
    async fn whole_restore_points(
        &self,
        manager: &BackupManager,
        after: After<'_>,
        what: &str,
    ) -> Vec<BackupName> {
        let backups = listed(manager).await;
        for file in files_in(self.directory.path()) {
            let is_listed = backups.iter().any(|(backup, _)| backup.as_str() == file);
            let is_known = OWN_FILES.contains(&file.as_str()) || file.starts_with("latest.");
            assert!(is_listed || is_known, "{what}: {file} is left");
        }
        for (backup, _) in &backups {
            if let Err(error) = verify(manager.directory().path_of(backup), &Context::new()).await {
                panic!("{what}: {backup} is listed: {}", error.chain());
            }
        }
        for kept in after.kept() {
            assert!(backups.iter().any(|(backup, _)| *backup == kept), "{what}: {kept} is lost");
        }
        let points = backups.into_iter().filter(|(_, kind)| *kind == BackupKind::RestorePoint);
        points.map(|(backup, _)| backup).collect()
    }

    /// Fails when a lock is left on a table. Which tables there are depends on how far a restore came.
    async fn assert_no_lock_left(&self, what: &str) {
        let mut conn = self.target.conn().await;
        let there: Vec<(String, String)> =
            conn.query("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'").await.unwrap();
        let tables: Vec<_> =
            there.iter().map(|(name, _)| format!("{} WRITE", quote_name(name))).collect();
        if !tables.is_empty() {
            conn.query_drop("SET SESSION lock_wait_timeout = 30").await.unwrap();
            let locked = conn.query_drop(format!("LOCK TABLES {}", tables.join(","))).await;
            assert!(locked.is_ok(), "{what}: {}", locked.unwrap_err());
        }
        conn.disconnect().await.unwrap();
    }
}

/// Asserts that each job says what has become of it, and the last one what the target is.
fn assert_told(after: After<'_>, jobs: &[JobStatus], end: End, what: &str) {
    for status in jobs {
        assert!(status.state.is_terminal(), "{what}: {status:?}");
        assert!(!status.message.is_empty(), "{what}");
        let failed = matches!(status.state, JobState::Failed | JobState::Cancelled);
        assert_eq!(status.error.is_some(), failed, "{what}: {status:?}");
        assert!(status.finished_at.unwrap() >= status.started_at, "{what}: {status:?}");
    }
    if let After::Operation = after {
        // Its caller was told; there is no journal.
        return assert!(jobs.is_empty(), "{what}: {jobs:?}");
    }
    // A job that is not there ended before it could be written down: nothing has happened.
    let last = jobs.first();
    let rolls_back = last.is_some_and(|status| status.kind == JobKind::RollBack);
    let told = match last.and_then(|status| status.target) {
        // It was to undo what another had left half done, and has not begun to.
        Some(TargetState::Untouched) if rolls_back => End::Between,
        None | Some(TargetState::Untouched | TargetState::RolledBack) => End::Before,
        Some(TargetState::Restored) => End::After,
        _ => End::Between,
    };
    // A process that was killed may have been about to change the target for the first time, or
    // just have changed it for the last time. What could not be compared is not said to be whole,
    // though it may be.
    let interrupted = last.is_some_and(|status| status.state == JobState::Interrupted);
    let whole = if rolls_back { End::Before } else { End::After };
    let may_be = told == End::Between && (interrupted || end == whole);
    assert!(end == told || may_be, "{what}: {end:?}, but told {told:?}: {last:?}");
}

/// The backups of a directory, the newest first.
async fn listed(manager: &BackupManager) -> Vec<(BackupName, BackupKind)> {
    let list = manager.list(ListRequest::default().with_limit(1_000)).await.unwrap();
    list.backups.into_iter().map(|backup| (backup.name, backup.kind)).collect()
}

/// Starts a job as soon as the server has noticed that the one before is dead.
async fn when_free(start: impl AsyncFn() -> snapdump::Result<Job>) -> Job {
    let since = Instant::now();
    loop {
        match start().await {
            Ok(job) => return job,
            Err(error) if error.kind() == ErrorKind::Busy && since.elapsed() < SESSIONS_END => {}
            Err(error) => panic!("{}", error.chain()),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

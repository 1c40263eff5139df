//! One operation at a time, among processes and hosts; and what becomes of the jobs of the dead.

use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    BackupManager, CreateRequest, Error, ErrorKind, JobKind, JobState, ListRequest, ManagerOptions,
    Phase, RestoreMode, RestoreRequest, RunningJob, TargetState,
};

use super::child::Child;
use super::setup::{backups_in, completed, manager, open};
use crate::backup::{files_in, sessions, state};
use crate::compare::compare;
use crate::harness::TestDatabase;
use crate::roundtrip::connect;
use crate::sample::sample_database;

/// Changes the database and then takes its time.
pub(crate) const SLOW: &str = "CREATE TABLE added (id INT);\n\
    DELETE FROM loans;\n\
    INSERT INTO added VALUES (1);\n\
    DO SLEEP(120);\n";

/// Waits until the slow script sleeps.
pub(crate) async fn asleep(database: &TestDatabase) {
    let mut conn = database.server.conn().await;
    for _ in 0..600 {
        let found = sessions(&mut conn, &database.name).await;
        if found.iter().any(|session| session.contains("DO SLEEP(120)")) {
            conn.disconnect().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the script never came to its sleep");
}

fn assert_busy(error: &Error, kind: JobKind, child: &Child) {
    assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.chain());
    let running = RunningJob::of(error).unwrap_or_else(|| panic!("{}", error.chain()));
    assert_eq!((running.id, running.kind), (child.job(), kind));
    assert_eq!(running.owner.pid, child.pid());
    assert!(!running.owner.host.is_empty());
    let since = chrono::Utc::now() - running.started_at;
    assert!(since.num_seconds() < 120, "{since}");
    assert!(error.is_retryable());
}

async fn again(database: &TestDatabase, directory: &Path) -> BackupManager {
    open(connect(database), directory, ManagerOptions::default()).await
}

on_each_server! {
    /// A restore in another process keeps everybody out, in its directory and in its database, and
    /// when it is killed one call brings back what was there.
    async fn a_process_that_dies_in_a_restore(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        std::fs::write(directory.path().join("script.sql"), SLOW).unwrap();
        std::fs::write(directory.path().join("other.sql"), SLOW).unwrap();
        let child = Child::restore(&database, directory.path(), "script.sql", RestoreMode::Merge).await;
        // By the directory.
        assert_busy(
            &manager.create(CreateRequest::manual()).await.unwrap_err(),
            JobKind::Restore,
            &child,
        );
        let error = manager.delete(&"other.sql".parse().unwrap(), "DELETE".parse().unwrap()).await;
        assert_busy(&error.unwrap_err(), JobKind::Restore, &child);
        // By the database, as from another host.
        let elsewhere = tempfile::tempdir().unwrap();
        let other = again(&database, elsewhere.path()).await;
        let error = other.create(CreateRequest::manual()).await.unwrap_err();
        assert_busy(&error, JobKind::Restore, &child);
        assert_eq!(other.jobs().await.unwrap(), []);
        // Another database is nobody's business.
        let neighbour = server.database().await;
        let third = tempfile::tempdir().unwrap();
        let free = again(&neighbour, third.path()).await;
        completed(&free.create(CreateRequest::manual()).await.unwrap()).await;

        let job = child.job();
        let status = manager.job(job).await.unwrap();
        assert!(!status.state.is_terminal(), "{status:?}");
        asleep(&database).await;
        child.kill().await;
        let status = manager.job(job).await.unwrap();
        assert_eq!(status.state, JobState::Interrupted);
        assert_eq!(status.target, Some(TargetState::Partial));
        assert!(!compare(&before, &state(&database).await).is_empty());

        // Whoever comes next finds it so, and knows the way back.
        let next = again(&database, directory.path()).await;
        let status = next.job(job).await.unwrap();
        assert!(status.is_half_done(), "{status:?}");
        assert!(backups_in(directory.path()).contains(&status.restore_point.unwrap().to_string()));
        let undo = completed(&next.roll_back(job).await.unwrap()).await;
        assert_eq!((undo.kind, undo.target), (JobKind::RollBack, Some(TargetState::RolledBack)));
        let lines: Vec<_> =
            compare(&before, &state(&database).await).iter().map(ToString::to_string).collect();
        assert_eq!(lines, [""; 0]);
        assert!(!next.job(job).await.unwrap().is_half_done());
        assert_eq!(next.roll_back(job).await.unwrap_err().kind(), ErrorKind::Config);
    }

    /// A backup that was being written by a process that is killed leaves nothing.
    async fn a_process_that_dies_in_a_backup(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let (directory, manager) = manager(&database).await;
        let mut blocker = database.conn().await;
        blocker.query_drop("LOCK TABLES loans WRITE").await.unwrap();
        let child = Child::create(&database, directory.path()).await;
        let partial = |name: &String| name.ends_with(".partial");
        while !files_in(directory.path()).iter().any(partial) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let job = child.job();
        child.kill().await;
        blocker.query_drop("UNLOCK TABLES").await.unwrap();
        blocker.disconnect().await.unwrap();
        assert!(files_in(directory.path()).iter().any(partial));
        let next = again(&database, directory.path()).await;
        assert!(!files_in(directory.path()).iter().any(partial));
        assert_eq!(next.list(ListRequest::default()).await.unwrap().total, 0);
        let status = next.job(job).await.unwrap();
        assert_eq!((status.kind, status.state), (JobKind::Create, JobState::Interrupted));
        assert_eq!((status.target, status.is_half_done()), (None, false));
        assert_eq!(manager.job(job).await.unwrap().state, JobState::Interrupted);
        completed(&next.create(CreateRequest::manual()).await.unwrap()).await;
    }

    /// The connection that keeps other hosts out is as good as the lock: without it the restore
    /// stops, and is rolled back.
    async fn a_lost_lock_stops_the_job(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        std::fs::write(directory.path().join("script.sql"), SLOW).unwrap();
        let request = RestoreRequest::new("script.sql".parse().unwrap());
        let job = manager.restore(request).await.unwrap();
        asleep(&database).await;
        let mut conn = server.conn().await;
        let holders: Vec<String> = sessions(&mut conn, &database.name)
            .await
            .into_iter()
            .filter(|session| session.contains("snapdump operation"))
            .collect();
        assert_eq!(holders.len(), 1);
        let (id, _) = holders[0].split_once(' ').unwrap();
        conn.query_drop(format!("KILL {id}")).await.unwrap();
        conn.disconnect().await.unwrap();
        let error = job.wait().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect, "{}", error.chain());
        assert!(error.to_string().contains("other hosts"), "{error}");
        let status = job.status();
        assert_eq!((status.state, status.phase), (JobState::Failed, Phase::Rollback));
        assert!(status.rollback.unwrap().succeeded);
        assert!(compare(&before, &state(&database).await).is_empty());
    }
}

//! Jobs that are stopped: by a call, by their time, by a guard, by the end of the program.

use std::time::Duration;

use futures::StreamExt as _;
use mysql_async::prelude::Queryable as _;
use snapdump::{
    CreateRequest, ErrorKind, JobKind, JobState, ManagerOptions, Phase, RestoreMode,
    RestoreRequest, RunningJob, TargetState, TlsMode,
};
use tokio::time::Instant;

use super::others::{SLOW, asleep};
use super::setup::{backups_in, completed, ended, manager, manager_with, open};
use crate::backup::{assert_no_session_left, files_in, state};
use crate::compare::compare;
use crate::faults::proxy::Proxy;
use crate::harness::{TestDatabase, soon};
use crate::roundtrip::connect;
use crate::sample::sample_database;

/// Waits until a job waits for the lock that somebody else has on a table.
async fn blocked(database: &TestDatabase) {
    let mut conn = database.server.conn().await;
    for _ in 0..600 {
        let found: Vec<String> = conn
            .query(format!(
                "SELECT INFO FROM information_schema.PROCESSLIST \
                 WHERE DB = '{}' AND STATE LIKE 'Waiting for table%'",
                database.name
            ))
            .await
            .unwrap();
        if !found.is_empty() {
            conn.disconnect().await.unwrap();
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the job never came to the locked table");
}

on_each_server! {
    /// In the middle of a dump: no query and no file is left, and it happens at once.
    async fn a_cancelled_backup_leaves_nothing(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let (directory, manager) = manager(&database).await;
        let mut blocker = database.conn().await;
        blocker.query_drop("LOCK TABLES loans WRITE").await.unwrap();
        let job = manager.create(CreateRequest::manual()).await.unwrap();
        let id = job.id();
        // Nobody needs to hold it.
        drop(job);
        let job = manager.handle(id).unwrap();
        blocked(&database).await;
        let since = Instant::now();
        job.cancel();
        assert_eq!(job.status().state, JobState::Stopping);
        job.cancel();
        assert_eq!(job.wait().await.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(since.elapsed() < soon(), "{:?}", since.elapsed());
        blocker.query_drop("UNLOCK TABLES").await.unwrap();
        blocker.disconnect().await.unwrap();
        assert_no_session_left(&database, soon()).await;
        let status = job.status();
        assert_eq!(status.state, JobState::Cancelled);
        job.cancel();
        assert_eq!(job.status(), status);
        assert_eq!(files_in(directory.path()), [".snapdump-jobs", ".snapdump.lock"]);
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
    }

    /// A job that is about to begin when the manager is shut down does not begin. Until it has an id
    /// that can be asked for, nobody is told one.
    async fn a_start_is_overtaken_by_the_shutdown(server: TestServer) {
        let database = sample_database(&server, 20).await;
        let direct = connect(&database).with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::hold_at(&direct, "GET_LOCK", 0).await;
        let directory = tempfile::tempdir().unwrap();
        let through = proxy.options(&direct);
        let manager = open(through, directory.path(), ManagerOptions::default()).await;
        let other = open(direct, directory.path(), ManagerOptions::default()).await;
        let starting = manager.clone();
        let start = tokio::spawn(async move { starting.create(CreateRequest::manual()).await });
        proxy.held().await;
        for beside in [&manager, &other] {
            let busy = beside.create(CreateRequest::manual()).await.unwrap_err();
            assert_eq!(busy.kind(), ErrorKind::Busy, "{}", busy.chain());
            assert!(RunningJob::of(&busy).is_none(), "{}", busy.chain());
            assert!(beside.jobs().await.unwrap().is_empty());
        }
        manager.shutdown(false).await;
        proxy.release();
        let error = start.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{}", error.chain());
        assert!(manager.running().is_none());
        assert!(manager.jobs().await.unwrap().is_empty());
        assert_eq!(files_in(directory.path()), [".snapdump-jobs", ".snapdump.lock"]);
        completed(&other.create(CreateRequest::manual()).await.unwrap()).await;
    }

    /// A restore is stopped in its statement, and rolled back; so it is when its time is up, and
    /// when its guard is dropped.
    async fn a_stopped_restore_is_rolled_back(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        std::fs::write(directory.path().join("script.sql"), SLOW).unwrap();
        let request = || RestoreRequest::new("script.sql".parse().unwrap());
        for way in ["cancel", "guard", "time", "shutdown"] {
            let timed = request().with_timeout(soon() * 2);
            let job = manager.restore(if way == "time" { timed } else { request() }).await.unwrap();
            asleep(&database).await;
            let since = Instant::now();
            let expected = match way {
                "cancel" => {
                    job.cancel();
                    JobState::Cancelled
                }
                "guard" => {
                    drop(job.clone().cancel_on_drop());
                    JobState::Cancelled
                }
                "shutdown" => {
                    manager.shutdown(true).await;
                    assert!(job.status().state.is_terminal());
                    JobState::Cancelled
                }
                _ => JobState::TimedOut,
            };
            let status = ended(&job).await;
            assert_eq!(status.state, expected, "{way}");
            let rollback = status.rollback.unwrap();
            assert!(rollback.succeeded, "{way}: {rollback:?}");
            if way != "time" {
                let stopped = since.elapsed().as_secs_f64() - rollback.seconds;
                assert!(stopped < soon().as_secs_f64(), "{way}: {stopped}");
            }
            assert_eq!(status.target, Some(TargetState::RolledBack));
            assert_no_session_left(&database, soon()).await;
            let lines: Vec<_> =
                compare(&before, &state(&database).await).iter().map(ToString::to_string).collect();
            assert_eq!(lines, [""; 0], "{way}");
        }
        let error = manager.create(CreateRequest::manual()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(error.to_string().contains("shutting down"), "{error}");
    }

    /// Wherever a restore is cancelled, it ends soon, and the database is before or after.
    async fn a_restore_can_be_cancelled_at_any_moment(server: TestServer) {
        let database = sample_database(&server, 600).await;
        let after = state(&database).await;
        let (directory, manager) = manager(&database).await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        let file = backups_in(directory.path()).remove(0);
        database.run(&["DELETE FROM loans", "CREATE TABLE mine (id INT)"]).await;
        let before = state(&database).await;
        let request = || RestoreRequest::new(file.parse().unwrap()).with_mode(RestoreMode::Replace);
        let whole = Instant::now();
        completed(&manager.restore(request()).await.unwrap()).await;
        let whole = whole.elapsed();
        database.run(&["DELETE FROM loans", "CREATE TABLE mine (id INT)"]).await;
        for step in 0..4 {
            let job = manager.restore(request()).await.unwrap();
            tokio::time::sleep(whole * step / 4).await;
            let since = Instant::now();
            job.cancel();
            let status = ended(&job).await;
            let rollback = status.rollback.as_ref().map_or(0.0, |rollback| rollback.seconds);
            let stopped = since.elapsed().as_secs_f64() - rollback;
            assert!(stopped < soon().as_secs_f64(), "{stopped}: {status:?}");
            assert_no_session_left(&database, soon()).await;
            let now = state(&database).await;
            match status.target.unwrap() {
                TargetState::Untouched | TargetState::RolledBack => {
                    assert!(compare(&before, &now).is_empty(), "{status:?}");
                }
                TargetState::Restored => {
                    assert!(compare(&after, &now).is_empty(), "{status:?}");
                    database.run(&["DELETE FROM loans", "CREATE TABLE mine (id INT)"]).await;
                }
                other => panic!("{other:?}: {status:?}"),
            }
        }
    }

    /// What is shown is never more than ten statuses a second, and the last one is the truth.
    async fn watching_is_cheap_and_ends_with_the_end(server: TestServer) {
        let database = sample_database(&server, 100).await;
        let options =
            ManagerOptions::default().with_timeout(JobKind::Restore, soon() * 2);
        let (directory, manager) = manager_with(&database, options).await;
        std::fs::write(directory.path().join("script.sql"), SLOW).unwrap();
        let request = RestoreRequest::new("script.sql".parse().unwrap());
        let job = manager.restore(request).await.unwrap();
        let mut changes = job.watch();
        let (mut last, mut seen) = (None::<Instant>, Vec::new());
        while let Some(status) = changes.next().await {
            let now = Instant::now();
            if let Some(last) = last
                && !status.state.is_terminal()
            {
                assert!(now - last >= Duration::from_millis(99), "{:?}", now - last);
            }
            last = Some(now);
            seen.push(status);
        }
        let end = seen.pop().unwrap();
        assert_eq!((end.state, &end), (JobState::TimedOut, &job.status()));
        assert!(seen.iter().any(|status| status.phase == Phase::Replay));
        assert!(seen.iter().any(|status| status.state == JobState::Stopping));
        // Whoever comes late sees the end, and no more.
        assert_eq!(job.watch().collect::<Vec<_>>().await, [end]);
    }
}

//! Restores that were left half done: they are seen, nothing takes what they left for a good state,
//! and there are three ways out.

use snapdump::{
    BackupKind, BackupManager, BackupName, CreateRequest, Databases, DumpOptions, ErrorKind,
    HalfDoneRestore, JobId, JobKind, ListRequest, ManagerOptions, RestoreMode, RestoreRequest,
    RetentionPolicy, TargetState,
};

use super::setup::{completed, ended, manager, open};
use crate::backup::{dump_into, number};
use crate::harness::TestDatabase;
use crate::roundtrip::connect;

/// Changes something, and then fails.
const BROKEN: &str = "DELETE FROM t;\nINSERT INTO t VALUES (7);\nINSERT INTO nowhere VALUES (1);\n";

/// A restore that is left half done, and its restore point.
async fn leave_half_done(manager: &BackupManager) -> (JobId, BackupName) {
    let directory = manager.directory().path();
    std::fs::write(directory.join("broken.sql"), BROKEN).unwrap();
    let request = RestoreRequest::new("broken.sql".parse().unwrap()).with_rollback(false);
    let status = ended(&manager.restore(request).await.unwrap()).await;
    assert!(status.is_half_done(), "{status:?}");
    (status.id, status.restore_point.unwrap())
}

async fn rows(database: &TestDatabase) -> i64 {
    number(database, "SELECT SUM(id) FROM t").await
}

/// Neither is a backup made nor the way back deleted.
async fn refuses(manager: &BackupManager, database: &TestDatabase, job: JobId, point: &BackupName) {
    let confirmed = "DELETE".parse().unwrap();
    for error in [
        manager.create(CreateRequest::manual()).await.unwrap_err(),
        manager.delete(point, confirmed).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::HalfDone, "{}", error.chain());
        assert!(!error.is_retryable());
        let found = HalfDoneRestore::of(&error).unwrap();
        assert_eq!((found.job, found.restore_point.as_ref()), (job, Some(point)));
        assert_eq!(found.databases, std::slice::from_ref(&database.name));
        assert!(error.chain().contains(&job.to_string()), "{}", error.chain());
    }
    assert!(manager.directory().path().join(point.as_str()).exists());
}

/// The newest backup that somebody would restore.
async fn newest(manager: &BackupManager) -> BackupName {
    let list = manager.list(ListRequest::default()).await.unwrap();
    list.backups.into_iter().find(|info| info.kind == BackupKind::Manual).unwrap().name
}

on_each_server! {
    async fn a_half_done_restore_is_never_taken_for_a_good_state(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"]).await;
        let (directory, manager) = manager(&database).await;
        let good = completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        let good = good.file.unwrap();

        // The first way out is back.
        let (job, point) = leave_half_done(&manager).await;
        refuses(&manager, &database, job, &point).await;
        assert_eq!(newest(&manager).await, good);
        assert_eq!(manager.directory().latest(&database.name).as_ref(), Some(&good));
        // Also after a restart; and what has nothing to do with it goes on.
        let again = open(connect(&database), directory.path(), ManagerOptions::default()).await;
        refuses(&again, &database, job, &point).await;
        completed(&again.verify(point.clone()).await.unwrap()).await;
        let neighbour = server.database().await;
        neighbour.run(&["CREATE TABLE t (id INT)"]).await;
        let other = open(connect(&neighbour), directory.path(), ManagerOptions::default()).await;
        completed(&other.create(CreateRequest::manual()).await.unwrap()).await;
        assert_eq!(rows(&database).await, 7);
        completed(&again.roll_back(job).await.unwrap()).await;
        assert_eq!(rows(&database).await, 3);
        assert_eq!(manager.job(job).await.unwrap().target, Some(TargetState::RolledBack));
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;

        // The second one is to take it as it is.
        let (job, point) = leave_half_done(&manager).await;
        let status = manager.accept(job).await.unwrap();
        assert_eq!((status.target, status.is_half_done()), (Some(TargetState::Accepted), false));
        assert_eq!(manager.job(job).await.unwrap(), status);
        assert_eq!(manager.accept(job).await.unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(manager.roll_back(job).await.unwrap_err().kind(), ErrorKind::Config);
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        manager.delete(&point, "DELETE".parse().unwrap()).await.unwrap();
        assert_eq!(rows(&database).await, 7);

        // The third one is forward: another restore, which saves what is there as always.
        let (job, _) = leave_half_done(&manager).await;
        let request = RestoreRequest::new(good).with_mode(RestoreMode::Replace);
        let status = completed(&manager.restore(request).await.unwrap()).await;
        assert!(status.restore_point.is_some());
        assert_eq!(manager.job(job).await.unwrap().target, Some(TargetState::Superseded));
        assert_eq!(rows(&database).await, 3);
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        assert_eq!(manager.accept(job).await.unwrap_err().kind(), ErrorKind::Config);
    }

    /// A restore into other databases does not make this one whole.
    async fn a_restore_elsewhere_does_not_settle_it(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"]).await;
        let (directory, manager) = manager(&database).await;
        let other = server.database().await;
        other.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
        let named = Databases::Named(vec![other.name.clone()]);
        let options = DumpOptions::default().with_databases(named);
        dump_into(&other, &directory.path().join("other.sql.gz"), &options).await;
        let (job, point) = leave_half_done(&manager).await;
        let request = RestoreRequest::new("other.sql.gz".parse().unwrap());
        completed(&manager.restore(request).await.unwrap()).await;
        refuses(&manager, &database, job, &point).await;
        completed(&manager.roll_back(job).await.unwrap()).await;
    }

    /// A record that cannot be read may be that of a restore that was left half done: what that
    /// needs is not removed, and what it left is not backed up.
    async fn a_damaged_record_is_not_overlooked(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"]).await;
        let (directory, manager) = manager(&database).await;
        let (job, point) = leave_half_done(&manager).await;
        let record = directory.path().join(format!(".snapdump-jobs/{job}.json"));
        let text = std::fs::read(&record).unwrap();
        std::fs::write(&record, b"\0\0\0").unwrap();
        let policy = RetentionPolicy::new().keep_restore_points(0, std::time::Duration::ZERO);
        for error in [
            manager.create(CreateRequest::manual()).await.unwrap_err(),
            manager.delete(&point, "DELETE".parse().unwrap()).await.unwrap_err(),
            manager.prune(&policy, true).await.unwrap_err(),
            manager.prune(&policy, false).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Io, "{}", error.chain());
            let file = record.display().to_string();
            assert_eq!(error.location().file.as_ref(), Some(&file), "{}", error.chain());
        }
        assert!(directory.path().join(point.as_str()).exists());
        // What can be read is listed all the same.
        assert!(manager.jobs().await.unwrap().iter().all(|status| status.id != job));
        std::fs::write(&record, text).unwrap();
        completed(&manager.roll_back(job).await.unwrap()).await;
        assert_eq!(rows(&database).await, 3);
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
    }

    /// A roll-back that does not succeed leaves what it was to undo, and both are settled by the next.
    async fn a_roll_back_that_fails_is_tried_again(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"]).await;
        let (directory, manager) = manager(&database).await;
        let (job, point) = leave_half_done(&manager).await;
        let path = directory.path().join(point.as_str());
        let aside = directory.path().join("aside");
        std::fs::rename(&path, &aside).unwrap();
        let failed = ended(&manager.roll_back(job).await.unwrap()).await;
        assert_eq!(failed.error.unwrap().kind, ErrorKind::NotFound);
        std::fs::rename(&aside, &path).unwrap();
        refuses(&manager, &database, job, &point).await;
        completed(&manager.roll_back(job).await.unwrap()).await;
        assert_eq!(rows(&database).await, 3);
        let jobs = manager.jobs().await.unwrap();
        assert!(!jobs.iter().any(snapdump::JobStatus::is_half_done), "{jobs:?}");
        let undone: Vec<_> = jobs.iter().map(|job| (job.kind, job.target)).collect();
        let back = Some(TargetState::RolledBack);
        assert_eq!(
            undone,
            [(JobKind::RollBack, back), (JobKind::RollBack, back), (JobKind::Restore, back)]
        );
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
    }
}

//! Disks that come to their end while a job runs: it fails, and takes away what it had begun.

use std::os::fd::AsFd as _;
use std::path::Path;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    BackupDir, BackupManager, CreateRequest, ErrorKind, JobState, ManagerOptions, RestoreRequest,
    TargetState,
};

use super::setup::{backups_in, completed, ended, manager};
use crate::backup::{assert_no_session_left, files_in, state};
use crate::compare::compare;
use crate::faults::child::{Child, Errand, JobTask, Limits, Task};
use crate::harness::{TestDatabase, TestServer, soon};
use crate::roundtrip::connect;

/// What fills the disk, and how much of that the reserve lacks: others write to the disk too.
const FILLING: u64 = 2 << 30;
const MARGIN: u64 = 1 << 30;

fn free(directory: &Path) -> u64 {
    let space = rustix::fs::statvfs(directory).unwrap();
    space.f_bavail * space.f_frsize
}

fn partial_files(directory: &Path) -> Vec<String> {
    files_in(directory).into_iter().filter(|name| name.ends_with(".partial")).collect()
}

/// A manager that wants nearly all of the room that there is now.
async fn greedy(database: &TestDatabase, directory: &Path) -> BackupManager {
    let options = ManagerOptions::default().with_reserve(free(directory) - MARGIN);
    let place = BackupDir::open(directory).unwrap();
    BackupManager::open(connect(database), place, options).await.unwrap()
}

/// Takes up room on the disk until it is dropped.
fn fill(directory: &Path) -> tempfile::TempPath {
    let file = tempfile::Builder::new().prefix(".filling").tempfile_in(directory).unwrap();
    let flags = rustix::fs::FallocateFlags::empty();
    rustix::fs::fallocate(file.as_file().as_fd(), flags, 0, FILLING).unwrap();
    file.into_temp_path()
}

/// Somebody else fills the disk while a backup is written, and while a restore point is.
#[tokio::test]
async fn a_disk_that_fills_up_stops_what_writes() {
    // One server is enough, and three of these would fill the disk for one another.
    let server = TestServer::mariadb_10_11();
    let database = server.database().await;
    database.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
    let before = state(&database).await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.sql"), "DELETE FROM t;\n").unwrap();
    for restores in [false, true] {
        let manager = greedy(&database, directory.path()).await;
        let mut blocker = database.conn().await;
        blocker.query_drop("LOCK TABLES t WRITE").await.unwrap();
        let job = if restores {
            manager.restore(RestoreRequest::new("a.sql".parse().unwrap())).await.unwrap()
        } else {
            manager.create(CreateRequest::manual()).await.unwrap()
        };
        let filling = fill(directory.path());
        let error = job.wait().await.unwrap_err();
        let status = ended(&job).await;
        let kind = if restores { ErrorKind::RestorePoint } else { ErrorKind::NoSpace };
        assert!(
            error.kind() == kind || error.kind() == ErrorKind::NoSpace,
            "{}: {status:?}",
            error.chain()
        );
        assert!(error.chain().contains("bytes left"), "{}", error.chain());
        assert_eq!(status.state, JobState::Failed, "{status:?}");
        assert_eq!(status.target, restores.then_some(TargetState::Untouched));
        drop(filling);
        blocker.disconnect().await.unwrap();
        assert_no_session_left(&database, soon()).await;
        assert_eq!(partial_files(directory.path()), [""; 0]);
        assert_eq!(backups_in(directory.path()), ["a.sql"]);
    }
    assert!(compare(&before, &state(&database).await).is_empty());
}

on_each_server! {
    /// A writer that fails at a byte of the file: of a backup, and of a restore point.
    async fn a_file_that_takes_no_more_bytes(server: TestServer) {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, bytes BLOB)",
                "INSERT INTO t (bytes) VALUES (RANDOM_BYTES(1000))",
                "INSERT INTO t (bytes) SELECT RANDOM_BYTES(1000) FROM t",
                "INSERT INTO t (bytes) SELECT RANDOM_BYTES(1000) FROM t",
                "INSERT INTO t (bytes) SELECT RANDOM_BYTES(1000) FROM t",
                "INSERT INTO t (bytes) SELECT RANDOM_BYTES(1000) FROM t",
                "INSERT INTO t (bytes) SELECT RANDOM_BYTES(1000) FROM t",
            ])
            .await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        let good = completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        let good = good.file.unwrap().to_string();
        let bytes = std::fs::read(directory.path().join(&good)).unwrap();
        for restore in [None, Some(good.clone())] {
            let job = restore.clone().map_or(JobTask::Create, JobTask::Restore);
            let task = Task::Job { directory: directory.path().to_owned(), job };
            let errand = Errand::new(database.url(), task);
            let half = u64::try_from(bytes.len()).unwrap() / 2;
            let limits = Limits { file_bytes: Some(half), ..Limits::default() };
            let ended = Child::start(&errand, &limits).end().await.unwrap();
            let kinds = match restore {
                None => [ErrorKind::Io, ErrorKind::NoSpace],
                Some(_) => [ErrorKind::RestorePoint; 2],
            };
            assert!(ended.kind.is_some_and(|kind| kinds.contains(&kind)), "{ended:?}");
            let status = manager.jobs().await.unwrap().remove(0);
            assert_eq!(status.state, JobState::Failed, "{status:?}");
            assert_eq!(status.target, restore.map(|_| TargetState::Untouched));
            // All else is as it was.
            assert_eq!(backups_in(directory.path()), std::slice::from_ref(&good));
            assert_eq!(partial_files(directory.path()), [""; 0]);
            assert!(std::fs::read(directory.path().join(&good)).unwrap() == bytes);
        }
        assert!(compare(&before, &state(&database).await).is_empty());
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
    }
}

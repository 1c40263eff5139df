//! Managers, and what tests ask of them.

use std::path::Path;

use snapdump::{
    BackupDir, BackupManager, ConnectOptions, Job, JobState, JobStatus, ManagerOptions,
};

use crate::harness::TestDatabase;
use crate::roundtrip::connect;

/// A manager of a test database over a new directory.
pub(crate) async fn manager(database: &TestDatabase) -> (tempfile::TempDir, BackupManager) {
    manager_with(database, ManagerOptions::default()).await
}

pub(crate) async fn manager_with(
    database: &TestDatabase,
    options: ManagerOptions,
) -> (tempfile::TempDir, BackupManager) {
    let directory = tempfile::tempdir().unwrap();
    let manager = open(connect(database), directory.path(), options).await;
    (directory, manager)
}

pub(crate) async fn open(
    connect: ConnectOptions,
    directory: &Path,
    options: ManagerOptions,
) -> BackupManager {
    let directory = BackupDir::open(directory).unwrap();
    BackupManager::open(connect, directory, options.with_reserve(1 << 20)).await.unwrap()
}

/// Waits until a job has ended, and returns what it stays.
pub(crate) async fn ended(job: &Job) -> JobStatus {
    let _ = job.wait().await;
    let status = job.status();
    assert!(status.state.is_terminal(), "{status:?}");
    status
}

/// Waits for a job that has to complete.
pub(crate) async fn completed(job: &Job) -> JobStatus {
    if let Err(error) = job.wait().await {
        panic!("{}", error.chain());
    }
    let status = job.status();
    assert_eq!(status.state, JobState::Completed, "{status:?}");
    status
}

/// The names of the backups that a directory shows, with hidden files and links left out.
pub(crate) fn backups_in(directory: &Path) -> Vec<String> {
    crate::backup::files_in(directory)
        .into_iter()
        .filter(|name| !name.starts_with('.') && !name.starts_with("latest."))
        .collect()
}

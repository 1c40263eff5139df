//! What each kind of job does when nothing goes wrong, and what can be seen of it.

use futures::StreamExt as _;
use snapdump::{
    BackupKind, ConnectOptions, CreateRequest, DeleteConfirmation, ErrorKind, JobKind, JobReport,
    JobState, ListRequest, ManagerOptions, RestoreRequest, TargetState,
};

use super::setup::{backups_in, completed, ended, manager, open};
use crate::backup::state;
use crate::compare::compare;
use crate::harness::TestDatabase;
use crate::roundtrip::connect;
use crate::sample::sample_database;

/// Changes something of every kind.
pub(crate) async fn damage(database: &TestDatabase) {
    database.run(&["CREATE TABLE new_one (id INT)", "DELETE FROM loans"]).await;
}

on_each_server! {
    /// What a process that died between two steps has left is put right by the next manager: links
    /// that lead to an older backup or nowhere, and files of the journal that were never finished.
    async fn what_the_dead_leave_is_put_right(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)"]).await;
        let (directory, manager) = manager(&database).await;
        for _ in 0..2 {
            completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        }
        let [old, new] = <[String; 2]>::try_from(backups_in(directory.path())).unwrap();
        let link = directory.path().join(format!("latest.{}.sql.gz", database.name));
        let gone = directory.path().join("latest.gone.sql.gz");
        let unfinished = directory.path().join(".snapdump-jobs/.snapdump-dead.partial");
        let lead = |link: &std::path::Path, to: &str| {
            let _ = std::fs::remove_file(link);
            std::os::unix::fs::symlink(to, link).unwrap();
        };
        let reopened = || open(connect(&database), directory.path(), ManagerOptions::default());

        // Between a backup's name and its link; and in the middle of writing a job down.
        lead(&link, &old);
        std::fs::write(&unfinished, "{").unwrap();
        let manager = reopened().await;
        assert_eq!(manager.directory().latest(&database.name).unwrap().as_str(), new);
        assert!(!unfinished.exists());
        // Somebody else has removed the newest one, and all of another database.
        std::fs::remove_file(directory.path().join(&new)).unwrap();
        lead(&gone, "backup-of-gone.sql.gz");
        let manager = reopened().await;
        assert_eq!(manager.directory().latest(&database.name).unwrap().as_str(), old);
        assert!(gone.symlink_metadata().is_err());
    }

    /// Backups are deleted by several at a time: each waits its turn.
    async fn several_delete_at_a_time(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)"]).await;
        let (directory, manager) = manager(&database).await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        let [file] = <[String; 1]>::try_from(backups_in(directory.path())).unwrap();
        let other = open(connect(&database), directory.path(), ManagerOptions::default()).await;
        let mut deletes = tokio::task::JoinSet::new();
        for number in 0..8 {
            let name = format!("copy-{number}.sql.gz");
            std::fs::copy(directory.path().join(&file), directory.path().join(&name)).unwrap();
            let manager = if number % 2 == 0 { manager.clone() } else { other.clone() };
            deletes.spawn(async move {
                manager.delete(&name.parse().unwrap(), "DELETE".parse().unwrap()).await
            });
        }
        while let Some(deleted) = deletes.join_next().await {
            deleted.unwrap().unwrap();
        }
        assert_eq!(backups_in(directory.path()), [file]);
    }

    /// Back up, damage, restore, list, download, delete.
    async fn a_backup_is_made_listed_restored_and_deleted(server: TestServer) {
        let database = sample_database(&server, 300).await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        let job = manager.create(CreateRequest::manual()).await.unwrap();
        assert_eq!(manager.running().unwrap().id(), job.id());
        let seen: Vec<_> = job.watch().collect().await;
        let status = completed(&job).await;
        assert_eq!(seen.last(), Some(&status));
        let Some(JobReport::Created { file, report }) = &status.report else { panic!("{status:?}") };
        assert_eq!((status.kind, file.kind()), (JobKind::Create, BackupKind::Manual));
        assert_eq!(status.progress.counters.rows_done, report.rows);
        assert_eq!(backups_in(directory.path()), [file.to_string()]);
        assert_eq!(manager.directory().latest(&database.name).as_ref(), Some(file));
        let list = manager.list(ListRequest::default()).await.unwrap();
        assert_eq!((list.total, list.total_bytes), (1, report.file_bytes));
        assert_eq!(list.backups[0].tables, Some(report.tables));
        assert_eq!(list.backups[0].databases.join(","), database.name);

        damage(&database).await;
        let job = manager.restore(RestoreRequest::new(file.clone())).await.unwrap();
        let status = completed(&job).await;
        assert_eq!(status.target, Some(TargetState::Restored));
        let Some(JobReport::Restored { report: restored, .. }) = &status.report else {
            panic!("{status:?}");
        };
        let told = &status.progress.counters;
        assert_eq!((told.tables_done, told.tables_total), (report.tables, report.tables));
        assert_eq!((told.rows_done, told.rows_total), (report.rows, report.rows));
        assert_eq!((told.bytes_done, told.bytes_total), (report.file_bytes, report.file_bytes));
        assert_eq!(told.statements_done, restored.statements);
        let point = status.restore_point.clone().unwrap();
        assert_eq!(point.kind(), BackupKind::RestorePoint);
        database.run(&["DROP TABLE new_one"]).await;
        let differences: Vec<_> =
            compare(&before, &state(&database).await).iter().map(ToString::to_string).collect();
        assert_eq!(differences, [""; 0]);

        completed(&manager.verify(point.clone()).await.unwrap()).await;
        let reader = manager.read(file, Some(1..3)).await.unwrap();
        assert_eq!(reader.size_bytes(), report.file_bytes);
        let bytes: Vec<_> = Box::pin(reader.into_stream()).collect().await;
        assert_eq!(bytes.len(), 1);
        assert_eq!(bytes[0].as_ref().unwrap().as_ref(), [0x8b, 8]);
        let whole: Vec<_> =
            Box::pin(manager.read(file, None).await.unwrap().into_stream()).collect().await;
        let whole: Vec<u8> = whole.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(whole, std::fs::read(directory.path().join(file.as_str())).unwrap());

        assert!("delete".parse::<DeleteConfirmation>().is_err());
        let confirmed = "DELETE".parse().unwrap();
        assert_eq!(manager.delete(file, confirmed).await.unwrap(), report.file_bytes);
        assert_eq!(manager.delete(file, confirmed).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(manager.directory().latest(&database.name), None);
        assert_eq!(backups_in(directory.path()), [point.to_string()]);

        let jobs = manager.jobs().await.unwrap();
        let kinds: Vec<_> = jobs.iter().map(|job| (job.kind, job.state)).collect();
        assert_eq!(
            kinds,
            [
                (JobKind::Verify, JobState::Completed),
                (JobKind::Restore, JobState::Completed),
                (JobKind::Create, JobState::Completed)
            ]
        );
    }
}

/// The journal keeps as many jobs as the options say, the last ones, and for their owner only.
#[tokio::test]
async fn the_journal_is_bounded() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.sql"), "SELECT 1;\n").unwrap();
    let open = || {
        let options = ManagerOptions::default().with_history(3);
        open(ConnectOptions::new(), directory.path(), options)
    };
    let manager = open().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        let job = manager.verify("a.sql".parse().unwrap()).await.unwrap();
        ended(&job).await;
        ids.insert(0, job.id());
    }
    let again = open().await;
    let kept: Vec<_> = again.jobs().await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(kept, ids[..3]);
    let folder = directory.path().join(".snapdump-jobs");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

//! Cancelled in each phase by its name: a job ends soon, with no query left on the server and no file
//! that is not whole, and the database is what it was before.
//!
//! A proxy holds the job at a statement of the phase, so that it is there for certain.

use std::path::Path;
use std::time::Duration;

use snapdump::{
    BackupManager, BackupName, ConnectOptions, CreateRequest, ErrorKind, Job, JobState, JobStatus,
    ManagerOptions, Phase, RestoreMode, RestoreRequest, TargetState, TlsMode,
};
use tokio::time::Instant;

use super::setup::{backups_in, completed, ended, open};
use crate::backup::{assert_no_session_left, files_in, state};
use crate::compare::{Description, compare};
use crate::faults::proxy::Proxy;
use crate::harness::{TestDatabase, TestServer, soon};
use crate::roundtrip::connect;

/// What passes to the server in the phases of a backup. The first connection is that of the lock.
const CREATE: [(Phase, &str, usize); 4] = [
    (Phase::Connect, "@@version_comment", 1),
    (Phase::Plan, "CONSISTENT SNAPSHOT", 0),
    (Phase::Tables, "SHOW CREATE TABLE `items`", 0),
    (Phase::Objects, "SHOW CREATE VIEW", 0),
];

/// The same for a restore, and whether the target may be changed by then.
const RESTORE: [(Phase, &str, bool); 5] = [
    (Phase::Check, "SELECT DATABASE(), @@character_set_database", false),
    (Phase::RestorePoint, "CONSISTENT SNAPSHOT", false),
    (Phase::RestorePoint, "SHOW CREATE TABLE `items`", false),
    (Phase::Replay, "CREATE TABLE `only_new`", true),
    (Phase::Compare, "COUNT(*) FROM `only_new`", true),
];

/// What only a rollback sends: it drops what the restore has added.
const ROLLBACK: &str = ".`only_new`";

/// A database, and a directory with a backup in it of something else.
pub(super) struct World {
    pub(super) database: TestDatabase,
    before: Description,
    pub(super) directory: tempfile::TempDir,
    pub(super) backup: BackupName,
}

impl World {
    pub(super) async fn make(server: &TestServer) -> Self {
        let source = server.database().await;
        source
            .run(&[
                "CREATE TABLE items (id INT PRIMARY KEY, text VARCHAR(20))",
                "INSERT INTO items VALUES (1, 'new'), (2, 'new')",
                "CREATE TABLE only_new (id INT PRIMARY KEY)",
                "INSERT INTO only_new VALUES (1), (2), (3)",
                "CREATE VIEW words AS SELECT text FROM items",
            ])
            .await;
        let directory = tempfile::tempdir().unwrap();
        let manager = open(connect(&source), directory.path(), ManagerOptions::default()).await;
        let made = completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE items (id INT PRIMARY KEY)",
                "INSERT INTO items VALUES (7)",
                "CREATE VIEW words AS SELECT id FROM items",
            ])
            .await;
        let before = state(&database).await;
        Self { database, before, directory, backup: made.file.unwrap() }
    }

    /// A manager whose connections pass a proxy that holds them at a text.
    async fn held_at(&self, text: &'static str, skip: usize) -> (Proxy, BackupManager) {
        let options = self.clear_text();
        let proxy = Proxy::hold_at(&options, text, skip).await;
        let via = proxy.options(&options);
        (proxy, open(via, self.directory.path(), ManagerOptions::default()).await)
    }

    pub(super) fn clear_text(&self) -> ConnectOptions {
        connect(&self.database).with_tls_mode(TlsMode::Disabled)
    }

    async fn manager(&self) -> BackupManager {
        open(connect(&self.database), self.directory.path(), ManagerOptions::default()).await
    }

    fn restore(&self) -> RestoreRequest {
        RestoreRequest::new(self.backup.clone()).with_mode(RestoreMode::Replace)
    }

    async fn assert_as_before(&self, what: &str) {
        let lines: Vec<_> = compare(&self.before, &state(&self.database).await)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines, [""; 0], "{}: {what}", self.database.server.name);
    }

    fn partial_files(&self) -> Vec<String> {
        let files = files_in(self.directory.path()).into_iter();
        files.filter(|name| name.ends_with(".partial")).collect()
    }
}

/// Waits until a job shows a phase.
async fn shows(job: &Job, phase: Phase) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while job.status().phase != phase {
        assert!(Instant::now() < deadline, "{phase}: {:?}", job.status());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Cancels a job that is held in a phase, and returns how it ended. It has ended in time while what
/// it waits for is still held.
pub(super) async fn cancelled(world: &World, job: &Job, proxy: Proxy, phase: Phase) -> JobStatus {
    proxy.held().await;
    shows(job, phase).await;
    let since = Instant::now();
    job.cancel();
    let status = ended(job).await;
    let rollback = status.rollback.as_ref().map_or(0.0, |rollback| rollback.seconds);
    let stopped = since.elapsed().as_secs_f64() - rollback;
    assert!(stopped < soon().as_secs_f64(), "{phase}: {stopped} s: {status:?}");
    assert_eq!(status.state, JobState::Cancelled, "{phase}: {status:?}");
    assert_eq!(status.error.as_ref().unwrap().kind, ErrorKind::Cancelled);
    proxy.release();
    assert_no_session_left(&world.database, soon()).await;
    proxy.stop().await;
    assert_eq!(world.partial_files(), [""; 0], "{phase}");
    status
}

on_each_server! {
    async fn a_backup_cancelled_in_each_phase(server: TestServer) {
        let world = World::make(&server).await;
        for (phase, text, skip) in CREATE {
            let (proxy, manager) = world.held_at(text, skip).await;
            let job = manager.create(CreateRequest::manual()).await.unwrap();
            let status = cancelled(&world, &job, proxy, phase).await;
            assert_eq!(status.target, None);
            assert_eq!(backups_in(world.directory.path()), [world.backup.to_string()], "{phase}");
        }
        let manager = world.manager().await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        world.assert_as_before("backups").await;
    }

    async fn a_restore_cancelled_in_each_phase(server: TestServer) {
        let world = World::make(&server).await;
        for (phase, text, changes) in RESTORE {
            let (proxy, manager) = world.held_at(text, 0).await;
            let job = manager.restore(world.restore()).await.unwrap();
            let status = cancelled(&world, &job, proxy, phase).await;
            let target = if changes { TargetState::RolledBack } else { TargetState::Untouched };
            assert_eq!(status.target, Some(target), "{phase}: {status:?}");
            world.assert_as_before(text).await;
        }
        completed(&world.manager().await.restore(world.restore()).await.unwrap()).await;
    }

    /// What puts a database right after a restore is not stopped by cancelling the restore again.
    async fn a_cancelled_rollback_of_a_restore_goes_on(server: TestServer) {
        let world = World::make(&server).await;
        let (proxy, manager) = world.held_at(ROLLBACK, 0).await;
        let script = "CREATE TABLE only_new (id INT);\nDELETE FROM items;\nINSERT INTO nowhere VALUES (1);\n";
        std::fs::write(world.directory.path().join("fails.sql"), script).unwrap();
        let request = RestoreRequest::new("fails.sql".parse().unwrap());
        let job = manager.restore(request).await.unwrap();
        proxy.held().await;
        shows(&job, Phase::Rollback).await;
        job.cancel();
        assert_eq!(job.status().state, JobState::Stopping);
        proxy.release();
        let status = ended(&job).await;
        assert_eq!((status.state, status.target), (JobState::Failed, Some(TargetState::RolledBack)));
        assert!(status.rollback.unwrap().succeeded);
        proxy.stop().await;
        world.assert_as_before("a rollback that is cancelled").await;
    }

    /// A roll-back that is a job of its own can be cancelled, and begun again.
    async fn a_cancelled_roll_back_can_be_begun_again(server: TestServer) {
        let world = World::make(&server).await;
        let plain = world.manager().await;
        let script = "CREATE TABLE only_new (id INT);\nDELETE FROM items;\nINSERT INTO nowhere VALUES (1);\n";
        std::fs::write(world.directory.path().join("fails.sql"), script).unwrap();
        let request = RestoreRequest::new("fails.sql".parse().unwrap()).with_rollback(false);
        let half_done = ended(&plain.restore(request).await.unwrap()).await;
        assert!(half_done.is_half_done());
        let (proxy, manager) = world.held_at(ROLLBACK, 0).await;
        let job = manager.roll_back(half_done.id).await.unwrap();
        let status = cancelled(&world, &job, proxy, Phase::Rollback).await;
        assert_eq!(status.target, Some(TargetState::Partial), "{status:?}");
        assert!(plain.job(half_done.id).await.unwrap().is_half_done());
        completed(&plain.roll_back(half_done.id).await.unwrap()).await;
        world.assert_as_before("a roll-back that is begun again").await;
    }
}

/// How often a phase that nothing can hold is tried to be met.
const TRIES: usize = 20;

/// Runs jobs until one is cancelled in a phase. Those that were quicker have completed, or been
/// cancelled in a later one.
async fn meets(phase: Phase, make: impl AsyncFn() -> Job) -> JobStatus {
    for _ in 0..TRIES {
        let job = make().await;
        while job.status().phase != phase && !job.status().state.is_terminal() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let since = Instant::now();
        job.cancel();
        let status = ended(&job).await;
        let stopped = since.elapsed();
        assert!(stopped < soon(), "{phase}: {stopped:?}");
        if status.state == JobState::Cancelled {
            assert_eq!(status.error.as_ref().unwrap().kind, ErrorKind::Cancelled, "{status:?}");
            if status.phase == phase {
                return status;
            }
        } else {
            assert_eq!(status.state, JobState::Completed, "{status:?}");
        }
    }
    panic!("{phase} was never met");
}

fn backup_of(directory: &Path) -> BackupName {
    let names = backups_in(directory);
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].parse().unwrap()
}

/// The phases in which only files are read and written: no server is asked, so nothing can hold them,
/// but a backup of 128 MB takes longer than the tenth of a second between two looks of a job at its
/// own phase.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_while_a_file_is_read() {
    let server = TestServer::mariadb_11_8();
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)",
            "INSERT INTO t (text) SELECT REPEAT(SHA2(seq, 512), 8192) FROM seq_1_to_128",
        ])
        .await;
    let directory = tempfile::tempdir().unwrap();
    let manager = open(connect(&database), directory.path(), ManagerOptions::default()).await;
    // The new backup is read back, and nobody has seen the end of it.
    let status = meets(Phase::Check, async || {
        for name in backups_in(directory.path()) {
            std::fs::remove_file(directory.path().join(name)).unwrap();
        }
        manager.create(CreateRequest::manual()).await.unwrap()
    })
    .await;
    assert_eq!(status.report, None);
    assert_eq!(backups_in(directory.path()), [""; 0]);

    completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
    let backup = backup_of(directory.path());
    meets(Phase::Check, async || manager.verify(backup.clone()).await.unwrap()).await;
    let status = meets(Phase::Check, async || {
        manager.restore(RestoreRequest::new(backup.clone())).await.unwrap()
    })
    .await;
    assert_eq!(status.target, Some(TargetState::Untouched));
    assert_no_session_left(&database, soon()).await;
    completed(&manager.verify(backup).await.unwrap()).await;
}

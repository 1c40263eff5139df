//! Disks that are full, and directories that change under a job. The full disk is a real one: a
//! small file system in memory, which root may mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    Context, DumpOptions, ErrorKind, JobState, ManagerOptions, TargetState, TlsMode, dump,
    dump_to_path, restore,
};

use super::child::{Child, Errand, JobTask, Limits, Task};
use super::figure;
use super::jobs::name;
use super::private::PrivateServer;
use super::property::{After, Found};
use super::proxy::Proxy;
use super::world::{End, World, make_old};
use crate::backup::{assert_error, files_in};
use crate::harness::TestServer;
use crate::roundtrip::connect;

/// A small file system in a directory; it goes with this value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, bytes: u64) -> Self {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "snapdump-test"]).arg(at);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "a disk that can be filled needs root: {said}");
        Self(at.to_owned())
    }

    /// Writes until nothing fits any more.
    fn fill(&self) -> PathBuf {
        use std::io::Write as _;
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        while file.write_all(&[0; 4_096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: somebody may still have a file open.
        let done = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// A dump that does not fit leaves nothing; a restore whose restore point does not fit does not
/// begin; a job that cannot even be written down changes nothing.
#[tokio::test]
async fn a_full_disk() {
    let server = TestServer::mariadb_11_8();
    let world = World::make(&server, 3_000).await;
    let disk = SmallDisk::mount(world.directory.path(), 64 << 10);
    let path = world.directory.path().join("dump.sql.gz");
    let from = connect(&world.source);
    let error =
        dump_to_path(&from, &path, &DumpOptions::default(), &Context::new()).await.unwrap_err();
    assert_error(&server, &error, ErrorKind::NoSpace, &["os error 28"]);
    assert_eq!(files_in(world.directory.path()), [""; 0]);
    figure("faults injected", 1);

    let filler = disk.fill();
    let to = connect(&world.target);
    let error =
        restore(&to, world.backup(), &world.restore_options(), &Context::new()).await.unwrap_err();
    assert_error(&server, &error, ErrorKind::RestorePoint, &["os error 28"]);
    assert_eq!(world.end().await, End::Before);
    assert_eq!(files_in(world.directory.path()), ["filler"]);
    figure("faults injected", 1);
    std::fs::remove_file(filler).unwrap();
    drop(disk);

    // The same for jobs, on a disk that becomes full while they run: before they have begun a file,
    // in the last page of which the rest might fit.
    let small = World::make(&server, 50).await;
    let text = "CONSISTENT SNAPSHOT";
    for task in [JobTask::Create, JobTask::Restore(name().to_string())] {
        let disk = SmallDisk::mount(small.directory.path(), 8 << 20);
        small.prepare_directory();
        let what = format!("a full disk at {text} of {task:?}");
        let child = held_job(&small, task, text, Limits::default()).await;
        let filler = disk.fill();
        let ended = child.finish().await;
        std::fs::remove_file(filler).unwrap();
        let Found { status, end } = small.assert_property(After::Job, &what).await;
        assert!(ended.kind.is_some(), "{what}");
        assert_eq!(end, End::Before, "{what}: {status:?}");
        figure("faults injected into jobs", 1);
    }
}

/// A job of a child that is held at a statement.
struct HeldJob {
    child: Child,
    proxy: Proxy,
}

async fn held_job(world: &World, task: JobTask, text: &'static str, limits: Limits) -> HeldJob {
    let options = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let (before, _) = world.server.url.rsplit_once(':').unwrap();
    let port = proxy.options(&options).port();
    let url = format!("{before}:{port}/{}", world.target.name);
    let directory = world.directory.path().to_owned();
    let errand = Errand::new(url, Task::Job { directory, job: task });
    let mut child = Child::start(&errand, &limits);
    proxy.held_before(child.ended()).await;
    HeldJob { child, proxy }
}

impl HeldJob {
    async fn finish(self) -> super::child::Ended {
        self.proxy.release();
        let ended = self.child.end().await.expect("it died");
        self.proxy.stop().await;
        ended
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The backup directory is removed, becomes read-only, or is another file system all at once, while
/// a job runs.
#[tokio::test]
async fn a_directory_that_changes_under_a_job() {
    let server = TestServer::mysql_9_7();
    let world = World::make(&server, 50).await;
    let directory = world.directory.path().to_owned();
    let restores = || JobTask::Restore(name().to_string());
    for (task, text) in [(JobTask::Create, "FROM `items`"), (restores(), "INSERT INTO `items`")] {
        // Read-only: for root too, when it does without the right to pass over permissions.
        world.prepare_directory();
        let limits = Limits { is_bound: true, ..Limits::default() };
        let held = held_job(&world, task.clone(), text, limits).await;
        let journal = directory.join(".snapdump-jobs");
        for folder in [&directory, &journal] {
            set_mode(folder, 0o500);
        }
        let ended = held.finish().await;
        for folder in [&directory, &journal] {
            set_mode(folder, 0o700);
        }
        let what = format!("read-only under {task:?}");
        if task == JobTask::Create {
            assert_eq!(ended.kind, Some(ErrorKind::Io), "{what}: {}", ended.chain);
        }
        let Found { status, .. } = world.assert_property(After::Job, &what).await;
        let ends = [JobState::Failed, JobState::Interrupted];
        assert!(ends.contains(&status.unwrap().state), "{what}");
        figure("faults injected into jobs", 1);

        // Another file system is mounted there.
        world.prepare_directory();
        let held = held_job(&world, task.clone(), text, Limits::default()).await;
        let disk = SmallDisk::mount(&directory, 8 << 20);
        let ended = held.finish().await;
        assert!(ended.kind.is_some() || task != JobTask::Create, "{}", ended.chain);
        let elsewhere = files_in(&directory);
        let backups = elsewhere.iter().filter(|file| file.ends_with(".sql.gz"));
        assert_eq!(backups.count(), 0, "written elsewhere: {elsewhere:?}");
        drop(disk);
        world.assert_property(After::Job, &format!("mounted over under {task:?}")).await;
        figure("faults injected into jobs", 1);
    }

    // Removed.
    world.prepare_directory();
    let held = held_job(&world, JobTask::Create, "FROM `items`", Limits::default()).await;
    remove_under_writers(&directory);
    let ended = held.finish().await;
    assert_eq!(ended.kind, Some(ErrorKind::Io), "{}", ended.chain);
    assert!(!directory.exists());
    std::fs::create_dir(&directory).unwrap();
    figure("faults injected into jobs", 1);
    world.prepare_directory();
    let held = held_job(&world, restores(), "INSERT INTO `items`", Limits::default()).await;
    // The way back is gone: it must not be said that it was gone.
    remove_under_writers(&directory);
    let ended = held.finish().await;
    assert!(!directory.exists());
    std::fs::create_dir(&directory).unwrap();
    let end = world.end().await;
    assert_eq!(ended.kind.is_none(), end == End::After, "{end:?} {}", ended.chain);
    figure("faults injected into jobs", 1);
}

/// The job goes on writing into its journal while its directory is being emptied.
fn remove_under_writers(directory: &Path) {
    let removed = (0..100).any(|_| std::fs::remove_dir_all(directory).is_ok());
    assert!(removed, "{} cannot be removed", directory.display());
}

/// The server's disk is full while a restore inserts: its own error, and a way back.
pub(super) async fn of_the_server(private: &PrivateServer) {
    let server = &private.server;
    let mut world = World::make(server, 9_000).await;
    world.target = server.database().await;
    let before_mount = private.data_directory().join(&world.target.name);
    let disk = private.small_disk(&world.target.name, 4 << 20);
    make_old(&world.target).await;
    let error = restore(&world.to(), world.backup(), &world.restore_options(), &Context::new())
        .await
        .unwrap_err();
    assert_error(server, &error, ErrorKind::Server, &[]);
    // The table is full, or error 28 of the system.
    let told = error.server().unwrap();
    assert!([1114, 1030, 3].contains(&told.number), "{}", error.chain());
    figure("faults injected", 1);

    // What the failed restore has made takes the room of what was there.
    let drops = ["SET foreign_key_checks = 0", "DROP TABLE IF EXISTS items, only_new"];
    world.target.run(&drops).await;
    let Found { end, .. } = world.assert_property(After::Operation, "its disk is full").await;
    assert_eq!(end, End::Between);
    // Its directory cannot be removed while something is mounted on it.
    let mut conn = private.conn().await;
    for table in ["ages", "items", "only_before"] {
        let kind = if table == "ages" { "VIEW" } else { "TABLE" };
        conn.query_drop(format!("DROP {kind} {}.{table}", world.target.name)).await.unwrap();
    }
    conn.disconnect().await.unwrap();
    drop(disk);
    assert!(before_mount.is_dir());
}

impl PrivateServer {
    /// A small file system for the files of a new database.
    fn small_disk(&self, database: &str, bytes: u64) -> impl Drop + use<> {
        use std::os::unix::fs::MetadataExt as _;
        let directory = self.data_directory().join(database);
        let owner = directory.metadata().unwrap();
        let options = directory.join("db.opt");
        let kept = std::fs::read(&options).ok();
        let disk = SmallDisk::mount(&directory, bytes);
        std::os::unix::fs::chown(&directory, Some(owner.uid()), Some(owner.gid())).unwrap();
        if let Some(kept) = kept {
            std::fs::write(&options, kept).unwrap();
            std::os::unix::fs::chown(&options, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        disk
    }
}

/// A slow consumer holds the dump up, and not in memory.
#[tokio::test]
async fn a_slow_consumer() {
    let server = TestServer::mariadb_10_11();
    let world = World::make(&server, 9_000).await;
    for _ in 0..2 {
        world.source.run(&["INSERT INTO items (word, data) SELECT word, data FROM items"]).await;
    }
    let (output, mut gate) = crate::gate::gated(1_000);
    let context = Context::new();
    let (from, watcher) = (connect(&world.source), context.clone());
    let options = crate::backup::plain().with_connections(1).with_compression_threads(1);
    let running = tokio::spawn(async move { dump(&from, output, &options, &context).await });
    gate.held().await;
    // It reads on until everything between the server and the output is full, and then stands still.
    let mut seen = (0, 0);
    while seen.1 < 10 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let rows = watcher.progress().rows_done;
        seen = if rows == seen.0 { (rows, seen.1 + 1) } else { (rows, 0) };
    }
    // A kilobyte each, in members of 2 MiB.
    assert!((1..16_000).contains(&seen.0), "{} rows of 36,000 are in memory", seen.0);
    gate.open();
    let report = running.await.unwrap().unwrap();
    assert!(report.rows > 36_000);
}

/// What is on a disk that cannot be written any more can still be restored from.
#[tokio::test]
async fn a_full_disk_can_be_rolled_back_from() {
    let server = TestServer::mariadb_10_11();
    let world = World::make(&server, 50).await;
    let disk = SmallDisk::mount(world.directory.path(), 8 << 20);
    world.prepare_directory();
    world.leave_half_done().await;
    let filler = disk.fill();
    // A rollback that cannot be written down does not begin.
    let manager = world.manager(&connect(&world.target), ManagerOptions::default()).await;
    let id = manager.jobs().await.unwrap().remove(0).id;
    let error = manager.roll_back(id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{}", error.chain());
    assert_eq!(world.end().await, End::Between);
    assert!(manager.job(id).await.unwrap().is_half_done());
    std::fs::remove_file(filler).unwrap();
    let Found { status, end } =
        world.assert_property(After::Job, "a rollback on a full disk").await;
    assert_eq!(end, End::Between);
    assert_eq!(status.unwrap().target, Some(TargetState::Partial));
    figure("faults injected into jobs", 1);
}

/// What comes by a pipe is copied to a temporary file first, which may not fit.
#[tokio::test]
async fn a_pipe_into_a_full_disk() {
    let server = TestServer::mysql_9_7();
    let world = World::make(&server, 3_000).await;
    let place = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(place.path(), 16 << 10);
    let backup = std::fs::read(world.backup()).unwrap();
    // More than fit onto the disk and into the pipe.
    assert!(backup.len() > 100_000, "{}", backup.len());
    let pipe = world.backup().with_file_name("pipe.sql.gz");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let limits = Limits { temporary: Some(place.path().to_owned()), ..Limits::default() };
    let url = server.url_of(&world.target.name);
    let errand = Errand::new(
        url,
        Task::Restore {
            backup: pipe.clone(),
            points: world.directory.path().to_owned(),
            connections: 2,
        },
    );
    let child = Child::start(&errand, &limits);
    // Opens when the child does, and is told when the child has gone.
    let writer = tokio::task::spawn_blocking(move || std::fs::write(pipe, backup));
    let ended = child.end().await.expect("it died");
    assert_eq!(ended.kind, Some(ErrorKind::NoSpace), "{}", ended.chain);
    let directory = place.path().display().to_string();
    for word in ["could not spool", &directory, "pipe.sql.gz", "os error 28"] {
        assert!(ended.chain.contains(word), "{}", ended.chain);
    }
    assert_eq!(writer.await.unwrap().unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(files_in(place.path()), [""; 0]);
    drop(disk);
    assert_eq!(
        world.assert_property(After::Operation, "a pipe into a full disk").await.end,
        End::Before
    );
    figure("faults injected", 1);
}

//! What happens to our own process: killed, asked to end, out of descriptors, out of disk.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use snapdump::{ErrorKind, TlsMode};

use super::child::{Child, Errand, Limits, Task};
use super::matrix::{DUMP_PHASES, RESTORE_PHASES};
use super::property::After;
use super::proxy::Proxy;
use super::world::{End, World};
use super::{depth, figure};
use crate::backup::files_in;
use crate::harness::TestServer;

/// The URL of a database by way of a proxy.
fn url_via(world: &World, proxy: &snapdump::ConnectOptions, database: &str) -> String {
    let (before, _) = world.server.url.rsplit_once(':').unwrap();
    format!("{before}:{}/{database}", proxy.port())
}

pub(super) fn dump_errand(world: &World, url: String) -> Errand {
    let task = Task::Dump { path: world.directory.path().join("dump.sql.gz"), in_pieces: false };
    Errand::new(url, task)
}

pub(super) fn restore_errand(world: &World, url: String, connections: usize) -> Errand {
    let points = world.directory.path().to_owned();
    let task = Task::Restore { backup: world.backup(), points, connections };
    Errand::new(url, task)
}

/// Kills a child at a statement, and returns what it has left unfinished.
async fn kill_at(world: &World, restores: bool, text: &'static str) -> usize {
    let database = if restores { &world.target } else { &world.source };
    let options = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let url = url_via(world, &proxy.options(&options), &database.name);
    let errand = if restores { restore_errand(world, url, 2) } else { dump_errand(world, url) };
    let mut child = Child::start(&errand, &Limits::default());
    proxy.held_before(child.ended()).await;
    figure("processes killed", 1);
    child.signal("KILL").await;
    assert_eq!(child.end().await, None);
    proxy.stop().await;
    let files = files_in(world.directory.path());
    files.iter().filter(|name| name.ends_with(".partial")).count()
}

on_each_server! {
    /// Nobody can clean up behind a process that is killed: what was not finished does not have a
    /// name that could be taken for a backup's.
    async fn killed_in_every_phase(server: TestServer) {
        let world = World::make(&server, 50).await;
        for (phase, text) in DUMP_PHASES {
            let what = format!("killed during a dump: {phase}");
            assert_eq!(kill_at(&world, false, text).await, 1, "{what}");
            assert_eq!(world.assert_property(After::Operation, &what).await.end, End::Before, "{what}");
        }
        for (phase, text, expected) in RESTORE_PHASES {
            let what = format!("killed during a restore: {phase}");
            kill_at(&world, true, text).await;
            assert_eq!(world.assert_property(After::Operation, &what).await.end, expected, "{what}");
        }
    }

    /// A panic in one of the tasks of a dump is an error of the dump.
    async fn a_task_of_a_dump_that_panics(server: TestServer) {
        let world = World::make(&server, 1_000).await;
        // So that the server knows that there is enough for several readers.
        world.source.run(&["ANALYZE TABLE items"]).await;
        for event in ["a reader begins", "packing a member"] {
            figure("faults injected", 1);
            let path = world.directory.path().join("dump.sql.gz");
            let url = server.url_of(&world.source.name);
            let mut errand = Errand::new(url, Task::Dump { path, in_pieces: true });
            errand.panics_at = Some(event.to_owned());
            let ended = Child::start(&errand, &Limits::default()).end().await.expect("it died");
            assert_eq!(ended.kind, Some(ErrorKind::Internal), "{event}: {}", ended.chain);
            assert!(ended.chain.contains("panicked"), "{event}: {}", ended.chain);
            assert_eq!(files_in(world.directory.path()), [""; 0], "{event}");
            assert_eq!(world.assert_property(After::Operation, event).await.end, End::Before, "{event}");
        }
    }

    /// A program that cancels on SIGTERM leaves nothing, in whatever phase it is.
    async fn asked_to_end(server: TestServer) {
        let world = World::make(&server, 50).await;
        for (phase, text) in DUMP_PHASES {
            let what = format!("asked to end during a dump: {phase}");
            ask_to_end_at(&world, false, text).await;
            assert_eq!(files_in(world.directory.path()), [""; 0], "{what}");
            assert_eq!(world.assert_property(After::Operation, &what).await.end, End::Before, "{what}");
        }
        for (phase, text, expected) in RESTORE_PHASES {
            let what = format!("asked to end during a restore: {phase}");
            ask_to_end_at(&world, true, text).await;
            assert_eq!(world.assert_property(After::Operation, &what).await.end, expected, "{what}");
        }
    }
}

/// Asks a child to end that a statement of it holds.
async fn ask_to_end_at(world: &World, restores: bool, text: &'static str) {
    let database = if restores { &world.target } else { &world.source };
    let options = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let url = url_via(world, &proxy.options(&options), &database.name);
    let mut errand = if restores { restore_errand(world, url, 2) } else { dump_errand(world, url) };
    errand.cancels = true;
    let mut child = Child::start(&errand, &Limits::default());
    proxy.held_before(child.ended()).await;
    figure("faults injected", 1);
    child.signal("TERM").await;
    let ended = child.end().await.expect("it died of the signal");
    assert_eq!(ended.kind, Some(ErrorKind::Cancelled), "{}", ended.chain);
    proxy.stop().await;
}

/// A disk that is full at byte N of a file, for N all over the file.
#[tokio::test]
async fn a_disk_that_is_full() {
    let server = TestServer::mysql_9_7();
    let world = World::make(&server, 600).await;
    let length = world.backup().metadata().unwrap().len();
    assert!(length > 20_000, "{length}");
    let places = depth(6, 60);
    // Not to the last byte: a manifest of another moment can be shorter.
    for place in 0..=places {
        figure("faults injected", 1);
        let limits =
            Limits { file_bytes: Some((length - 500) * place / places), ..Limits::default() };
        let url = server.url_of(&world.source.name);
        let ended = Child::start(&dump_errand(&world, url), &limits).end().await.unwrap();
        assert_eq!(ended.kind, Some(ErrorKind::Io), "{limits:?}: {}", ended.chain);
        assert!(ended.chain.contains("os error 27"), "{}", ended.chain);
        assert_eq!(files_in(world.directory.path()), [""; 0]);
    }
    // A restore whose restore point cannot be written changes nothing.
    for file_bytes in [0, 500] {
        let limits = Limits { file_bytes: Some(file_bytes), ..Limits::default() };
        let url = server.url_of(&world.target.name);
        let ended = Child::start(&restore_errand(&world, url, 1), &limits).end().await.unwrap();
        assert_eq!(ended.kind, Some(ErrorKind::RestorePoint), "{}", ended.chain);
        assert_eq!(files_in(world.directory.path()), [""; 0]);
        assert_eq!(world.assert_property(After::Operation, "a full disk").await.end, End::Before);
    }
}

/// A gigabyte or a megabyte: what a dump or a restore has in memory does not grow with it.
#[tokio::test]
async fn within_128_mebibytes() {
    let server = TestServer::mariadb_10_11();
    let world = World::make(&server, 9_000).await;
    for _ in 0..depth(0, 8) {
        world.source.run(&["INSERT INTO items (word, data) SELECT word, data FROM items"]).await;
    }
    let limits = Limits { data_bytes: Some(128 << 20), ..Limits::default() };
    let url = |database: &str| server.url_of(database);
    let ended = Child::start(&dump_errand(&world, url(&world.source.name)), &limits).end().await;
    let ended = ended.expect("killed");
    assert_eq!(ended.kind, None, "{}", ended.chain);
    assert!(ended.peak_bytes < 128 << 20, "{}", ended.peak_bytes);
    figure("peak bytes of a dump", ended.peak_bytes);
    let dumped = world.directory.path().join("dump.sql.gz");
    let empty = server.database().await;
    let points = world.directory.path().to_owned();
    let task = Task::Restore { backup: dumped.clone(), points, connections: 2 };
    let errand = Errand::new(url(&empty.name), task);
    let ended = Child::start(&errand, &limits).end().await.expect("killed");
    assert_eq!(ended.kind, None, "{}", ended.chain);
    assert!(ended.peak_bytes < 128 << 20, "{}", ended.peak_bytes);
    figure("peak bytes of a restore", ended.peak_bytes);
    std::fs::remove_file(dumped).unwrap();
}

/// However few file descriptors there are, it works or says why not.
#[tokio::test]
async fn out_of_file_descriptors() {
    let server = TestServer::mariadb_11_8();
    let world = World::make(&server, 200).await;
    let mut ends = Vec::new();
    for left in [0, 1, 2, 3, 4, 6, 9, 20] {
        for restores in [false, true] {
            let database = if restores { &world.target } else { &world.source };
            let url = server.url_of(&database.name);
            let mut errand =
                if restores { restore_errand(&world, url, 2) } else { dump_errand(&world, url) };
            errand.descriptors = Some(left);
            let ended = Child::start(&errand, &Limits::default()).end().await.unwrap();
            let kinds = [
                None,
                Some(ErrorKind::Io),
                Some(ErrorKind::Connect),
                Some(ErrorKind::RestorePoint),
            ];
            assert!(kinds.contains(&ended.kind), "{left}: {:?} {}", ended.kind, ended.chain);
            if ended.kind.is_some() {
                assert!(ended.chain.contains("os error 24"), "{left}: {}", ended.chain);
                let names = files_in(world.directory.path());
                assert!(names.iter().all(|name| !name.starts_with('.')), "{left}: {names:?}");
            }
            ends.push((
                ended.kind.is_none(),
                world.assert_property(After::Operation, &format!("{left} descriptors")).await.end,
            ));
        }
    }
    assert!(ends.contains(&(false, End::Before)) && ends.contains(&(true, End::After)), "{ends:?}");
}

/// Scripts of a thousand times their size: read in bounded memory, or refused.
#[tokio::test]
async fn bombs() {
    let server = TestServer::mariadb_11_8();
    let world = World::make(&server, 5).await;
    let scripts = tempfile::tempdir().unwrap();
    let bomb = scripts.path().join("bomb.sql.gz");
    let limits = Limits { data_bytes: Some(128 << 20), ..Limits::default() };
    for (start, filling, end, refusal) in [
        ("INSERT INTO items (word) VALUES ('", b'x', "');\n", Some(ErrorKind::Config)),
        ("", 0, "", Some(ErrorKind::Lex)),
        ("/* ", b'x', " */ SELECT 1;\n", None),
    ] {
        figure("faults injected", 1);
        write_bomb(&bomb, start, filling, end);
        let length = bomb.metadata().unwrap().len();
        assert!(length * 1_000 < BOMB_BYTES, "{length}");
        let points = world.directory.path().to_owned();
        let task = Task::Restore { backup: bomb.clone(), points, connections: 2 };
        let errand = Errand::new(server.url_of(&world.target.name), task);
        let ended = Child::start(&errand, &limits).end().await.expect("killed");
        assert_eq!(ended.kind, refusal, "{start}: {}", ended.chain);
        assert!(ended.peak_bytes < 128 << 20, "{start}: {}", ended.peak_bytes);
        figure("peak bytes of a bomb", ended.peak_bytes);
        assert_eq!(
            world.assert_property(After::Operation, &format!("a bomb: {start}")).await.end,
            End::Before,
            "{start}"
        );
    }
}

/// How much text a bomb has.
const BOMB_BYTES: u64 = 1 << 30;

/// A gigabyte of one byte, between a start and an end.
fn write_bomb(path: &Path, start: &str, filling: u8, end: &str) {
    let member = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let filled = member(&vec![filling; 64 << 20]).repeat(16);
    std::fs::write(path, [member(start.as_bytes()), filled, member(end.as_bytes())].concat())
        .unwrap();
}

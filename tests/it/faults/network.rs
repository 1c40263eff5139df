//! Connections that are cut or fall silent, with and without TLS, at every part of what passes.

use std::time::Instant;

use futures::future::join_all;
use snapdump::{
    ConnectOptions, Context, DumpOptions, DumpReport, ErrorKind, TlsMode, dump_to_path, restore,
};

use super::property::After;
use super::proxy::{Break, Fault, Proxy, Way};
use super::world::{BOUND, End, World};
use super::{chosen, depth, figure, is_soak};
use crate::backup::assert_error;
use crate::harness::TestServer;

/// How many places are tried on each way of each connection.
fn places() -> u64 {
    depth(2, 150)
}

/// The first bytes of a connection.
const EARLY: [u64; 12] = [5, 90, 600, 1, 2, 4, 16, 36, 64, 256, 1_024, 2_048];

/// Which of them are tried on a connection: greeting, handshake and login. In the quick form each
/// that is not the first has one of its own.
fn early(connection: usize) -> &'static [u64] {
    let own = connection % EARLY.len();
    match connection {
        _ if is_soak() => &EARLY,
        0 => &EARLY[..3],
        _ => &EARLY[own..=own],
    }
}

/// Faults spread over all that passed in a run without any.
fn spread(passed: &[(u64, u64)], how: Break) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (connection, &(up, down)) in passed.iter().enumerate() {
        for (way, bytes) in [(Way::ToServer, up), (Way::ToClient, down)] {
            faults.extend(early(connection).iter().map(|&at| Fault { connection, way, at, how }));
            for place in 0..places() {
                // Never behind the last byte: the goodbye of a finished operation harms nobody.
                let at = bytes * place / places() + place % 7;
                faults.push(Fault { connection, way, at, how });
            }
        }
    }
    faults
}

fn modes() -> [TlsMode; 2] {
    [TlsMode::Disabled, TlsMode::Required]
}

/// Asserts what a broken connection is reported as.
fn assert_broken(world: &World, error: &snapdump::Error, what: &str) {
    // A restore point that could not be taken says so; the cause is behind it.
    let kinds = [ErrorKind::Connect, ErrorKind::Protocol, ErrorKind::RestorePoint];
    assert!(kinds.contains(&error.kind()), "{what}: {} {}", error.kind(), error.chain());
    assert_error(&world.server, error, error.kind(), &[]);
}

/// Those of some faults that are tried on this server.
fn of_server(server: &TestServer, faults: Vec<Fault>) -> Vec<Fault> {
    let numbered = faults.into_iter().enumerate();
    numbered.filter(|(number, _)| chosen(server, *number)).map(|(_, fault)| fault).collect()
}

/// Three connections read rows, in pieces.
fn dump_options() -> DumpOptions {
    DumpOptions::default().with_connections(3).with_chunk_bytes(256 << 10).with_overwrite(true)
}

async fn dump_once(world: &World, options: &ConnectOptions, whole: &DumpReport, fault: Fault) {
    let what = format!("dump, {fault:?}");
    figure("faults injected", 1);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dump.sql.gz");
    let proxy = Proxy::start(options, Some(fault)).await;
    let connect = proxy.options(options);
    let since = Instant::now();
    let done = dump_to_path(&connect, &path, &dump_options(), &Context::new()).await;
    assert!(since.elapsed() < BOUND, "{what}: {:?}", since.elapsed());
    match done {
        Ok(report) => {
            // Where the last words of a session were lost, or a connection came to nothing that could
            // be done without. Nothing is missing then.
            assert_eq!((report.rows, &report.objects), (whole.rows, &whole.objects), "{what}");
            let verified = snapdump::verify(&path, &Context::new()).await.unwrap();
            assert_eq!(verified.rows, whole.rows, "{what}");
        }
        Err(error) => {
            assert!(proxy.has_broken(), "{what}: {}", error.chain());
            assert_broken(world, &error, &what);
            assert_eq!(crate::backup::files_in(directory.path()), [""; 0], "{what}");
        }
    }
    proxy.stop().await;
}

on_each_server! {
    /// All of these at once: each has a proxy and a file of its own.
    async fn a_dump_over_a_breaking_connection(server: TestServer) {
        let world = World::make(&server, 3_000).await;
        for mode in modes() {
            let options = world.from().with_tls_mode(mode);
            let proxy = Proxy::start(&options, None).await;
            let path = world.directory.path().join("whole.sql.gz");
            let connect = proxy.options(&options);
            let whole = dump_to_path(&connect, &path, &dump_options(), &Context::new()).await.unwrap();
            let passed = proxy.passed();
            assert!(passed.len() >= 4, "main, guard and helpers: {passed:?}");
            proxy.stop().await;
            for how in [Break::Cut, Break::Stall] {
                let faults = of_server(&server, spread(&passed, how));
                for some in faults.chunks(20) {
                    join_all(some.iter().map(|fault| dump_once(&world, &options, &whole, *fault))).await;
                }
            }
            let network_gone =
                Fault { connection: 0, way: Way::ToClient, at: passed[0].1 / 2, how: Break::Blackout };
            dump_once(&world, &options, &whole, network_gone).await;
            assert_eq!(world.assert_property(After::Operation, "dumps over a breaking connection").await.end, End::Before);
        }
    }

    async fn a_restore_over_a_breaking_connection(server: TestServer) {
        let world = World::make(&server, 3_000).await;
        for mode in modes() {
            let options = world.to().with_tls_mode(mode);
            let proxy = Proxy::start(&options, None).await;
            restore(&proxy.options(&options), world.backup(), &world.restore_options(), &Context::new())
                .await
                .unwrap();
            let passed = proxy.passed();
            proxy.stop().await;
            assert_eq!(world.assert_property(After::Operation, "no fault").await.end, End::After);

            // The connections of check, restore point (two) and replay.
            let mut faults = Vec::new();
            for (connection, &(up, down)) in passed.iter().enumerate() {
                for (way, bytes) in [(Way::ToServer, up), (Way::ToClient, down)] {
                    for &at in early(connection).iter().take(depth(1, 20).try_into().unwrap()) {
                        let how = [Break::Cut, Break::Stall][faults.len() % 2];
                        faults.push(Fault { connection, way, at, how });
                    }
                    for place in 1..=depth(1, 20) {
                        let how = [Break::Cut, Break::Stall][faults.len() % 2];
                        let at = bytes * place / (depth(1, 20) + 1);
                        faults.push(Fault { connection, way, at, how });
                    }
                }
            }
            let mut ends = Vec::new();
            for fault in of_server(&server, faults) {
                ends.push(restore_once(&world, &options, fault).await);
            }
            assert!(!ends.is_empty());
            // Who restores which rows is not the same each time, so a few places may all come late, or
            // early.
            let both = ends.contains(&End::Before) && ends.contains(&End::Between);
            assert!(both || !is_soak(), "{}: {ends:?}", server.name);
        }
    }
}

async fn restore_once(world: &World, options: &ConnectOptions, fault: Fault) -> End {
    let what = format!("restore, {fault:?}");
    figure("faults injected", 1);
    let proxy = Proxy::start(options, Some(fault)).await;
    let connect = proxy.options(options);
    let since = Instant::now();
    let done = restore(&connect, world.backup(), &world.restore_options(), &Context::new()).await;
    assert!(since.elapsed() < BOUND, "{what}: {:?}", since.elapsed());
    proxy.stop().await;
    match done {
        Ok(_) => {
            assert_eq!(
                world.assert_property(After::Operation, &what).await.end,
                End::After,
                "{what}"
            );
            End::After
        }
        Err(error) => {
            assert_broken(world, &error, &what);
            let end = world.assert_property(After::Operation, &what).await.end;
            // A restore that failed while it saved has changed nothing.
            if error.kind() == ErrorKind::RestorePoint {
                assert_eq!(end, End::Before, "{what}: {}", error.chain());
            }
            end
        }
    }
}

/// An answer that comes after it was given up is not taken for that of the next statement: the
/// connection is not used again.
#[tokio::test]
async fn an_answer_that_comes_too_late() {
    let server = TestServer::mariadb_10_11();
    let world = World::make(&server, 50).await;
    let options = world.from().with_tls_mode(TlsMode::Disabled);
    // The statement that takes the locks of several tables; when it fails, each is tried by itself.
    let proxy = Proxy::hold_at(&options, "FROM `items`", 0).await;
    let (connect, path) = (proxy.options(&options), world.directory.path().join("dump.sql.gz"));
    let running = tokio::spawn(async move {
        dump_to_path(&connect, path, &DumpOptions::default(), &Context::new()).await
    });
    proxy.held().await;
    // Until the answer is given up, three looks later at the earliest; the connection is then closed.
    let error = tokio::time::timeout(BOUND, running).await.expect("no end").unwrap().unwrap_err();
    assert_error(&server, &error, ErrorKind::Connect, &[]);
    proxy.release();
    proxy.stop().await;
    assert_eq!(
        world.assert_property(After::Operation, "an answer that comes too late").await.end,
        End::Before
    );
    figure("faults injected", 1);
}

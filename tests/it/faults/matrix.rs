//! The matrix: every fault in every phase. A proxy holds the operation at a statement of that
//! phase, so that the fault comes exactly there.

use std::time::Instant;

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, DumpOptions, ErrorKind, TlsMode, dump_to_path, restore};

use super::proxy::Proxy;
use super::world::{BOUND, End, World};
use super::{chosen, figure};
use crate::backup::assert_error;
use crate::harness::TestDatabase;

/// What passes to the server in the phases of a dump, in their order.
pub(super) const DUMP_PHASES: [(&str, &str); 5] = [
    ("snapshot", "CONSISTENT SNAPSHOT"),
    ("tables", "SHOW CREATE TABLE `items`"),
    ("rows", "FROM `items`"),
    ("views", "SHOW CREATE VIEW"),
    ("events", "SHOW CREATE EVENT"),
];

/// The same of a restore over something, and whether the target may be changed by then.
pub(super) const RESTORE_PHASES: [(&str, &str, bool); 6] = [
    ("check", "SELECT DATABASE(), @@character_set_database", false),
    ("restore point", "CONSISTENT SNAPSHOT", false),
    ("rows of the restore point", "FROM `items`", false),
    ("replay of definitions", "CREATE TABLE `only_new`", true),
    ("replay of rows", "INSERT INTO `items`", true),
    ("replay of views", "`words` AS ", true),
];

/// What is done to an operation that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Another client kills all of our connections.
    Kill,
    /// The network drops all of our connections.
    Cut,
    Cancel,
    /// The future is dropped.
    Drop,
}

const FAULTS: [Fault; 4] = [Fault::Kill, Fault::Cut, Fault::Cancel, Fault::Drop];

pub(super) async fn kill_all(database: &TestDatabase) {
    let mut conn = database.server.conn().await;
    let ids: Vec<u64> = conn
        .query(format!(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{}'",
            database.name
        ))
        .await
        .unwrap();
    assert!(!ids.is_empty());
    for id in ids {
        // One that is gone is one that followed another into death.
        match conn.query_drop(format!("KILL {id}")).await {
            Err(mysql_async::Error::Server(error)) if error.code == 1094 => {}
            killed => killed.unwrap(),
        }
    }
    conn.disconnect().await.unwrap();
}

/// Brings the fault on the held operation, and returns how it ended, if anybody hears of that.
async fn inject<T: Send + 'static>(
    fault: Fault,
    proxy: Proxy,
    database: &TestDatabase,
    context: &Context,
    running: tokio::task::JoinHandle<snapdump::Result<T>>,
) -> Option<snapdump::Error> {
    proxy.held().await;
    let mut proxy = Some(proxy);
    match fault {
        Fault::Kill => {
            kill_all(database).await;
            proxy.as_ref().unwrap().release();
        }
        Fault::Cut => proxy.take().unwrap().stop().await,
        Fault::Cancel => {
            context.cancel();
            proxy.as_ref().unwrap().release();
        }
        Fault::Drop => {
            running.abort();
            proxy.as_ref().unwrap().release();
        }
    }
    let since = Instant::now();
    let ended = tokio::time::timeout(BOUND, running).await.expect("no end");
    assert!(since.elapsed() < BOUND);
    // The connections through the proxy are needed up to here.
    drop(proxy);
    match ended {
        Ok(Ok(_)) => panic!("{fault:?}: the operation went on"),
        Ok(Err(error)) => Some(error),
        Err(stopped) => {
            assert!(stopped.is_cancelled(), "{fault:?}: {stopped}");
            None
        }
    }
}

fn assert_kind(world: &World, fault: Fault, what: &str, error: Option<&snapdump::Error>) {
    let Some(error) = error else { return assert_eq!(fault, Fault::Drop) };
    assert_error(&world.server, error, error.kind(), &[]);
    let kinds: &[ErrorKind] = match fault {
        Fault::Cancel => &[ErrorKind::Cancelled],
        _ => &[ErrorKind::Connect, ErrorKind::RestorePoint],
    };
    assert!(kinds.contains(&error.kind()), "{what}: {} {}", error.kind(), error.chain());
}

on_each_server! {
    async fn a_dump_in_every_phase(server: TestServer) {
        let world = World::make(&server, 50).await;
        let options = world.from().with_tls_mode(TlsMode::Disabled);
        let mut number = 0;
        for (phase, text) in DUMP_PHASES {
            for fault in FAULTS {
                number += 1;
                if !chosen(&server, number) {
                    continue;
                }
                figure("faults injected", 1);
                let what = format!("{fault:?} during a dump: {phase}");
                let proxy = Proxy::hold_at(&options, text, 0).await;
                let (context, path) =
                    (Context::new(), world.directory.path().join("dump.sql.gz"));
                let (connect, inner) = (proxy.options(&options), context.clone());
                let running = tokio::spawn(async move {
                    dump_to_path(&connect, path, &DumpOptions::default(), &inner).await
                });
                let error = inject(fault, proxy, &world.source, &context, running).await;
                assert_kind(&world, fault, &what, error.as_ref());
                assert_eq!(crate::backup::files_in(world.directory.path()), [""; 0], "{what}");
                assert_eq!(world.settle(&what).await, End::Before, "{what}");
            }
        }
    }

    async fn a_restore_in_every_phase(server: TestServer) {
        let world = World::make(&server, 50).await;
        let options = world.to().with_tls_mode(TlsMode::Disabled);
        let mut number = 0;
        for (phase, text, changes) in RESTORE_PHASES {
            for fault in FAULTS {
                number += 1;
                if !chosen(&server, number) {
                    continue;
                }
                figure("faults injected", 1);
                let what = format!("{fault:?} during a restore: {phase}");
                let proxy = Proxy::hold_at(&options, text, 0).await;
                let context = Context::new();
                let (connect, inner) = (proxy.options(&options), context.clone());
                let (backup, how) = (world.backup(), world.restore_options());
                let running =
                    tokio::spawn(async move { restore(&connect, backup, &how, &inner).await });
                let error = inject(fault, proxy, &world.target, &context, running).await;
                assert_kind(&world, fault, &what, error.as_ref());
                let end = world.settle(&what).await;
                assert_eq!(end, if changes { End::Between } else { End::Before }, "{what}");
            }
        }
    }
}

//! Several connections see one state, by every way in which they are given it, while transactions go
//! on without end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::archive::SnapshotRung;
use snapdump::{ConnectOptions, inspect};
use tokio::task::JoinHandle;

use crate::backup::plain;
use crate::faults::private::PrivateServer;
use crate::harness::TestDatabase;
use crate::roundtrip::{connect, scratch};

const TABLES: usize = 6;
/// The rows that are written to, each by a writer of its own.
const WRITTEN: [u32; 2] = [7, 8];
/// The dumps and the transactions of each way, at least.
const DUMPS: u32 = 30;
const TRANSACTIONS: u64 = 1500;

async fn tables(database: &TestDatabase) {
    for number in 0..TABLES {
        database
            .run(&[
                // Long values and more than a few rows: each table is taken on its own.
                &format!("CREATE TABLE t{number} (id INT PRIMARY KEY, n INT, x LONGTEXT)"),
                &format!(
                    "INSERT INTO t{number} (id, n) WITH RECURSIVE s AS (SELECT 1 AS id UNION ALL \
                     SELECT id + 1 FROM s WHERE id < 40) SELECT id, 0 FROM s"
                ),
            ])
            .await;
    }
}

/// Adds one to a row of every table, in one transaction, again and again.
async fn writer(
    database: &TestDatabase,
    row: u32,
    pause: Duration,
    stop: &Arc<AtomicBool>,
    written: &Arc<AtomicU64>,
) -> JoinHandle<()> {
    let mut conn = database.conn().await;
    let (stop, written) = (Arc::clone(stop), Arc::clone(written));
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            conn.query_drop("START TRANSACTION").await.unwrap();
            for number in 0..TABLES {
                let sql = format!("UPDATE t{number} SET n = n + 1 WHERE id = {row}");
                conn.query_drop(sql).await.unwrap();
            }
            conn.query_drop("COMMIT").await.unwrap();
            written.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(pause).await;
        }
        conn.disconnect().await.unwrap();
    })
}

/// Dumps again and again while transactions are written, each with a pause behind it. What one of
/// them writes to several tables is in every dump as a whole or not at all, whichever connection reads
/// which table. Returns how the connections were given one state, and how often.
async fn dumps(
    database: &TestDatabase,
    account: &ConnectOptions,
    pause: Duration,
) -> BTreeMap<String, u32> {
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = Vec::new();
    for row in WRITTEN {
        writers.push(writer(database, row, pause, &stop, &written).await);
    }
    let (_directory, path) = scratch();
    let options = plain().with_connections(3).with_overwrite(true);
    let mut rungs = BTreeMap::new();
    let (since, mut dumps) = (Instant::now(), 0);
    while dumps < DUMPS || written.load(Ordering::Relaxed) < TRANSACTIONS {
        assert!(since.elapsed() < Duration::from_secs(240), "{dumps} dumps, {written:?} written");
        snapdump::dump_to_path(account, &path, &options, &snapdump::Context::new()).await.unwrap();
        dumps += 1;
        let snapshot = inspect(&path).unwrap().manifest.snapshot;
        let connections = if snapshot.rung == SnapshotRung::OneConnection { 1 } else { 3 };
        assert_eq!(snapshot.connections, connections, "{snapshot:?}");
        let text = std::fs::read_to_string(&path).unwrap();
        for row in WRITTEN {
            let start = format!("({row},");
            let values: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix(&start))
                .map(|line| line.split(',').next().unwrap())
                .collect();
            assert_eq!(values.len(), TABLES);
            assert!(values.iter().all(|value| value == &values[0]), "{values:?} {snapshot:?}");
        }
        *rungs.entry(format!("{:?}", snapshot.rung)).or_insert(0) += 1;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }

    rungs
}

/// Asserts that it was this way, but for a few times at most when the server was in the way, and then
/// one connection read.
fn assert_mostly(rungs: &BTreeMap<String, u32>, rung: SnapshotRung) {
    let count = |rung: SnapshotRung| rungs.get(&format!("{rung:?}")).copied().unwrap_or(0);
    let (wanted, alone) = (count(rung), count(SnapshotRung::OneConnection));
    let all: u32 = rungs.values().sum();
    assert_eq!(wanted + alone, all, "{rungs:?}");
    assert!(wanted * 10 >= all * 8, "{rungs:?}");
}

on_each_server! {
    async fn several_connections_see_one_state(server: TestServer) {
        // Nobody else's transactions, statements or locks are in the way here.
        let private = PrivateServer::like(&server).await;
        let database = private.server.database().await;
        tables(&database).await;
        let root = connect(&database);
        let limited = private.plain_account(&database.name).await;
        let (none, some) = (Duration::ZERO, Duration::from_millis(10));
        let alone = |rungs: BTreeMap<String, u32>| rungs.into_keys().collect::<Vec<_>>();
        if server.is_mariadb() {
            assert_mostly(&dumps(&database, &root, none).await, SnapshotRung::BackupStage);
            // No way without a lock, and no right to take it.
            assert_eq!(alone(dumps(&database, &limited, none).await), ["OneConnection"]);
        } else {
            // It takes no lock, so every account may; there only has to be a moment without a commit.
            assert_mostly(&dumps(&database, &root, some).await, SnapshotRung::SameGtid);
            assert_mostly(&dumps(&database, &limited, some).await, SnapshotRung::SameGtid);
            // Whatever the way: without such a moment there is the lock.
            let rungs = dumps(&database, &root, none).await;
            assert!(rungs.len() > 1 || !rungs.contains_key("OneConnection"), "{rungs:?}");
            // Transactions without a GTID prove nothing.
            private.run(&["SET GLOBAL gtid_mode = ON_PERMISSIVE"]).await;
            assert_mostly(&dumps(&database, &root, none).await, SnapshotRung::GlobalReadLock);
            assert_eq!(alone(dumps(&database, &limited, none).await), ["OneConnection"]);
        }
        drop(database);
    }
}

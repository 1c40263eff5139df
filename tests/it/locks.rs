//! Locks: how long a dump waits for those of others, and how long others wait for its own.

use std::time::Duration;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use snapdump::archive::SnapshotRung;
use snapdump::{ConnectOptions, Context, DumpOptions, dump};

use crate::backup::plain;
use crate::faults::private::PrivateServer;
use crate::gate::gated;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::connect;

/// A large table, at which the dump is held up, and a small one that comes after it.
async fn database(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE a_large (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)",
            "INSERT INTO a_large (text) VALUES (REPEAT('x', 100000))",
            "CREATE TABLE m (id INT PRIMARY KEY, v INT)",
            "INSERT INTO m VALUES (1, 1), (2, 2)",
            "CREATE VIEW v AS SELECT id FROM m",
        ])
        .await;
    for _ in 0..7 {
        database.run(&["INSERT INTO a_large (text) SELECT text FROM a_large"]).await;
    }
    database
}

/// How many statements of others wait for a metadata lock in a database.
async fn waiting(conn: &mut Conn, database: &TestDatabase) -> u64 {
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{}' \
         AND STATE LIKE 'Waiting for table metadata lock'",
        database.name
    );
    // `MySQL` does not list any while one runs a statement with characters beyond the BMP.
    conn.query_first(sql).await.map_or(0, Option::unwrap_or_default)
}

on_each_server! {
    /// Whoever locks a table says nothing about the views of it.
    async fn a_view_that_waits_for_a_lock_is_not_broken(server: TestServer) {
        let (database, other) = (server.database().await, server.database().await);
        other.run(&["CREATE TABLE t (a INT)"]).await;
        let view = format!("CREATE VIEW v AS SELECT a FROM {}.t", other.name);
        database.run(&[&view]).await;
        let mut holder = other.conn().await;
        holder.query_drop("LOCK TABLES t WRITE").await.unwrap();
        let options = DumpOptions::default().with_lock_wait_seconds(1).with_connections(1);
        let context = Context::new();
        let error =
            dump(&connect(&database), Vec::new(), &options, &context).await.unwrap_err();
        assert!(error.chain().contains("`v`"), "{}", error.chain());
        holder.query_drop("UNLOCK TABLES").await.unwrap();
        holder.disconnect().await.unwrap();
        let report = dump(&connect(&database), Vec::new(), &options, &context).await.unwrap();
        assert_eq!(report.warnings, [""; 0]);
    }

    /// By option nobody can change a table before the dump ends, also one that is not read yet.
    async fn metadata_locks_are_kept_by_option(server: TestServer) {
        let database = database(&server).await;
        for connections in [1, 2] {
            let (output, mut gate) = gated(100_000);
            let connection = connect(&database);
            let options = plain()
                .with_compression_threads(1)
                .with_connections(connections)
                .with_metadata_locks_kept(true);
            let dumping = tokio::spawn(async move {
                dump(&connection, output, &options, &Context::new()).await
            });
            gate.held().await;
            let mut conn = database.conn().await;
            conn.query_drop("SET lock_wait_timeout = 1").await.unwrap();
            for change in ["ALTER TABLE m ADD COLUMN w INT", "RENAME TABLE m TO n", "DROP TABLE m"] {
                let error = conn.query_drop(change).await.unwrap_err();
                assert!(error.to_string().contains("1205"), "{change}: {error}");
            }
            // Rows are not locked; for a moment commits are, by a dump of another test.
            conn.query_drop("SET lock_wait_timeout = 60").await.unwrap();
            conn.query_drop("INSERT INTO m VALUES (3, 3)").await.unwrap();
            conn.query_drop("DELETE FROM m WHERE id = 3").await.unwrap();
            gate.open();
            assert_eq!(dumping.await.unwrap().unwrap().rows, 128 + 2);
            conn.query_drop("ALTER TABLE m ADD COLUMN w INT, ALGORITHM = COPY").await.unwrap();
            conn.query_drop("ALTER TABLE m DROP COLUMN w, ALGORITHM = COPY").await.unwrap();
            conn.disconnect().await.unwrap();
        }
    }

    /// The time to wait for a lock is an option: longer than by default, and shorter.
    async fn the_wait_for_a_lock_is_an_option(server: TestServer) {
        let database = database(&server).await;
        let mut holder = database.conn().await;
        holder.query_drop("LOCK TABLES m WRITE").await.unwrap();
        let short = DumpOptions::default().with_lock_wait_seconds(1);
        let error = dump(&connect(&database), Vec::new(), &short, &Context::new()).await.unwrap_err();
        assert!(error.to_string().contains("another session holds a lock"), "{error}");
        assert!(error.to_string().contains("with_lock_wait_seconds"), "{error}");

        let connection = connect(&database);
        let long = DumpOptions::default().with_lock_wait_seconds(600);
        let dumping = tokio::spawn(async move {
            dump(&connection, Vec::new(), &long, &Context::new()).await
        });
        let mut conn = server.conn().await;
        while waiting(&mut conn, &database).await == 0 {
            assert!(!dumping.is_finished(), "{:?}", dumping.await.unwrap());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // It is the default that would be over after this.
        tokio::time::sleep(Duration::from_millis(11_500)).await;
        holder.query_drop("UNLOCK TABLES").await.unwrap();
        assert_eq!(dumping.await.unwrap().unwrap().rows, 128 + 2);
        for conn in [holder, conn] {
            conn.disconnect().await.unwrap();
        }
    }
}

/// `FLUSH TABLES WITH READ LOCK` would wait for a statement that runs for long, and once it has
/// given up everybody who wants that statement's table would go on waiting: then one connection
/// reads, and no lock is asked for. When nothing is in the way, several read.
#[tokio::test]
async fn a_flush_that_would_stall_others_is_not_sent() {
    let private = PrivateServer::like(&TestServer::mysql_9_7()).await;
    // Without GTIDs, so that only the lock would let several connections read.
    private
        .run(&[
            "SET GLOBAL gtid_mode = ON_PERMISSIVE",
            "SET GLOBAL gtid_mode = OFF_PERMISSIVE",
            "SET GLOBAL gtid_mode = OFF",
        ])
        .await;
    let database = database(&private.server).await;
    let options = plain().with_connections(2);
    let dump_once = || async {
        dump(&connect(&database), Vec::new(), &options, &Context::new()).await.unwrap()
    };
    let report = dump_once().await;
    assert_eq!(report.snapshot.rung, SnapshotRung::GlobalReadLock);
    assert_eq!(report.snapshot.connections, 2);

    let mut conn = database.conn().await;
    let long = "SELECT SLEEP(3600) FROM m LIMIT 1";
    let held = "LOCK TABLES m READ";
    for statement in [long, held] {
        let mut other = database.conn().await;
        let id = other.id();
        let running = tokio::spawn(async move {
            let done = other.query_drop(statement).await;
            (other, done)
        });
        let seconds = |at_least: u32| {
            format!(
                "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                 WHERE ID = {id} AND TIME >= {at_least}"
            )
        };
        while conn.query_first::<u64, _>(seconds(1)).await.unwrap() != Some(1) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let report = dump_once().await;
        assert_eq!(report.snapshot.rung, SnapshotRung::OneConnection, "{statement}");
        conn.query_drop("SET lock_wait_timeout = 5").await.unwrap();
        // Nobody waits for a flush.
        let rows: Option<u64> = conn.query_first("SELECT COUNT(*) FROM m").await.unwrap();
        assert_eq!(rows, Some(2));
        conn.query_drop(format!("KILL {id}")).await.unwrap();
        drop(running.await);
    }

    // An account that cannot know what others do asks for no lock either.
    private
        .run(&[
            "CREATE USER blind@'%' IDENTIFIED BY 'secret'",
            &format!("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {}.* TO blind@'%'", database.name),
            "GRANT RELOAD, SHOW_ROUTINE ON *.* TO blind@'%'",
        ])
        .await;
    let blind: ConnectOptions = connect(&database).with_user("blind").with_password("secret");
    let report = dump(&blind, Vec::new(), &options, &Context::new()).await.unwrap();
    assert_eq!(report.snapshot.rung, SnapshotRung::OneConnection);
    conn.disconnect().await.unwrap();
}

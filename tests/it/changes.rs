//! Definitions that change while a dump runs: it fails and names the object, or the change came too
//! late to matter. It never holds a table of another time, or an empty one in its place.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, ErrorKind, ObjectKind, dump};

use crate::backup::plain;
use crate::gate::gated;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::connect;

/// A large table, at which the dump is held up.
async fn database(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE a_large (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)",
            "INSERT INTO a_large (text) VALUES (REPEAT('x', 100000))",
        ])
        .await;
    for _ in 0..7 {
        database.run(&["INSERT INTO a_large (text) SELECT text FROM a_large"]).await;
    }
    database
}

/// Small objects that the dump comes to after it; new ones, whatever was there.
async fn renew(database: &TestDatabase) {
    database
        .run(&[
            "DROP TABLE IF EXISTS m, n, m_old, z_new",
            "DROP VIEW IF EXISTS v",
            "DROP PROCEDURE IF EXISTS p",
            "DROP EVENT IF EXISTS e",
            "CREATE TABLE m (id INT PRIMARY KEY, v INT)",
            "INSERT INTO m VALUES (1, 1), (2, 2)",
            "CREATE TABLE n (id INT PRIMARY KEY, v INT)",
            "INSERT INTO n VALUES (10, 1), (20, 2), (30, 3)",
            "CREATE TABLE z_new (id INT PRIMARY KEY, v INT)",
            "CREATE VIEW v AS SELECT id FROM m",
            "CREATE PROCEDURE p() SELECT 1",
            "CREATE TRIGGER t BEFORE INSERT ON m FOR EACH ROW SET NEW.v = 1",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        ])
        .await;
    // The catalogue's times have no fraction of a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

/// Runs `changes` while the dump reads the large table, and returns what the dump ends with.
async fn dump_while(
    database: &TestDatabase,
    changes: &[&str],
) -> snapdump::Result<snapdump::DumpReport> {
    let (output, mut gate) = gated(100_000);
    let connection = connect(database);
    let options = plain().with_compression_threads(1);
    let dumping =
        tokio::spawn(async move { dump(&connection, output, &options, &Context::new()).await });
    gate.held().await;
    let mut conn = database.conn().await;
    for change in changes {
        conn.query_drop(*change).await.unwrap();
    }
    conn.disconnect().await.unwrap();
    gate.open();
    dumping.await.unwrap()
}

on_each_server! {
    /// Each kind of change to a table that is still to be read.
    async fn a_changed_table_fails_the_dump(server: TestServer) {
        let database = database(&server).await;
        for (name, changes) in [
            // The second name is gone then, which is noticed first where nothing else is.
            ("m|z_new", &["RENAME TABLE m TO m_old, z_new TO m"][..]),
            ("m|n", &["RENAME TABLE m TO m_old, n TO m, m_old TO n"]),
            ("m", &["ALTER TABLE m ADD COLUMN w INT DEFAULT 7"]),
            ("m", &["ALTER TABLE m MODIFY v BIGINT"]),
            ("m", &["ALTER TABLE m DROP COLUMN v"]),
            ("m", &["TRUNCATE TABLE m"]),
            ("m", &["TRUNCATE TABLE m", "INSERT INTO m VALUES (5, 5)"]),
            ("m", &["DROP TABLE m"]),
            ("m", &["DROP TABLE m", "CREATE TABLE m (id INT PRIMARY KEY, v INT)"]),
        ] {
            renew(&database).await;
            let error = dump_while(&database, changes).await.expect_err(changes[0]);
            let object = error.location().object.as_ref().unwrap();
            let names: Vec<&str> = name.split('|').collect();
            assert!(names.contains(&object.name()), "{changes:?}: {error:?}");
            assert_eq!(error.kind(), ErrorKind::Changed, "{changes:?}: {error:?}");
            assert!(error.is_retryable());
        }
    }

    /// Each kind of change to a view, routine, trigger or event.
    async fn a_changed_program_fails_the_dump(server: TestServer) {
        let database = database(&server).await;
        for (kind, change) in [
            (ObjectKind::View, "CREATE OR REPLACE VIEW v AS SELECT id + 1 AS id FROM m"),
            (ObjectKind::View, "DROP VIEW v"),
            (ObjectKind::Procedure, "ALTER PROCEDURE p COMMENT 'other'"),
            (ObjectKind::Procedure, "DROP PROCEDURE p"),
            (ObjectKind::Trigger, "DROP TRIGGER t"),
            (ObjectKind::Event, "ALTER EVENT e DO SELECT 2"),
        ] {
            renew(&database).await;
            let error = dump_while(&database, &[change]).await.expect_err(change);
            assert_eq!(error.kind(), ErrorKind::Changed, "{change}: {error:?}");
            let object = error.location().object.as_ref().unwrap();
            assert_eq!(object.kind(), kind, "{change}: {error:?}");
        }
    }

    /// Rows may change as they like, and what was not there at the start is not missed.
    async fn other_changes_do_not_matter(server: TestServer) {
        let database = database(&server).await;
        renew(&database).await;
        let changes = [
            "INSERT INTO m VALUES (3, 3)",
            "UPDATE n SET v = v + 1",
            "DELETE FROM n WHERE id = 10",
            "CREATE TABLE o (id INT)",
            "DROP TABLE o",
            "ANALYZE TABLE m",
        ];
        let report = dump_while(&database, &changes).await.unwrap();
        assert_eq!(report.rows, 128 + 2 + 3);
    }
}

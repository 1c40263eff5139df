//! Definitions that change while a dump runs: it fails and names the object, or the change came too
//! late to matter. It never holds a table of another time, or an empty one in its place.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::{ConnectOptions, Context, DumpReport, ErrorKind, ObjectKind, dump};

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

/// A second one, for a second connection to be held up at.
async fn another_large_table(database: &TestDatabase) {
    database
        .run(&["CREATE TABLE b_large LIKE a_large", "INSERT INTO b_large SELECT * FROM a_large"])
        .await;
}

/// Small objects that the dump comes to after it; new ones, whatever was there. They are created
/// within the second in which the dump begins, mostly, so that no time of creation tells anything.
async fn renew(database: &TestDatabase) {
    database
        .run(&[
            "DROP TABLE IF EXISTS m, n, m_old, z_new, r, s",
            "DROP VIEW IF EXISTS v",
            "DROP PROCEDURE IF EXISTS p",
            "DROP FUNCTION IF EXISTS f",
            "DROP EVENT IF EXISTS e",
            "ALTER DATABASE CHARACTER SET latin1",
            "CREATE TABLE m (id INT PRIMARY KEY, v INT)",
            "INSERT INTO m VALUES (1, 1), (2, 2)",
            "CREATE TABLE n (id INT PRIMARY KEY, v INT)",
            "INSERT INTO n VALUES (10, 1), (20, 2), (30, 3)",
            "CREATE TABLE z_new (id INT PRIMARY KEY, v INT)",
            "CREATE TABLE r (id INT PRIMARY KEY, w INT) PARTITION BY RANGE (id) \
             (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
            "INSERT INTO r VALUES (1, 1), (11, 1)",
            "CREATE TABLE s (id INT PRIMARY KEY, w INT)",
            "INSERT INTO s VALUES (2, 2), (3, 3)",
            "CREATE VIEW v AS SELECT id FROM m",
            "CREATE PROCEDURE p() SELECT 1",
            "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a",
            "CREATE TRIGGER t BEFORE INSERT ON m FOR EACH ROW SET NEW.v = 1",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        ])
        .await;
    if database.server.is_mariadb() {
        database.run(&["DROP SEQUENCE IF EXISTS q, q_old, q_new"]).await;
        database.run(&["CREATE SEQUENCE q", "CREATE SEQUENCE q_new INCREMENT 5"]).await;
    }
}

/// Runs `changes` while the dump reads the large table, and returns what the dump ends with.
async fn dump_while(
    database: &TestDatabase,
    connection: &ConnectOptions,
    connections: usize,
    changes: &[&str],
) -> snapdump::Result<DumpReport> {
    let (output, mut gate) = gated(100_000);
    let connection = connection.clone();
    let options = plain().with_compression_threads(1).with_connections(connections);
    let dumping =
        tokio::spawn(async move { dump(&connection, output, &options, &Context::new()).await });
    gate.held().await;
    let mut conn = database.conn().await;
    // A dump that held a lock would show here.
    conn.query_drop("SET lock_wait_timeout = 20").await.unwrap();
    for change in changes {
        conn.query_drop(*change).await.unwrap();
    }
    conn.disconnect().await.unwrap();
    gate.open();
    dumping.await.unwrap()
}

/// An account that may read everything, but is not told InnoDB's numbers of tables.
async fn account_without_process(database: &TestDatabase) -> ConnectOptions {
    let name = format!("u_{}", database.name);
    let routines = if database.server.is_mariadb() {
        format!("GRANT SELECT ON mysql.proc TO '{name}'@'%'")
    } else {
        format!("GRANT SHOW_ROUTINE ON *.* TO '{name}'@'%'")
    };
    database
        .run(&[
            &format!("DROP USER IF EXISTS '{name}'@'%'"),
            &format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'secret'"),
            &format!(
                "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {}.* TO '{name}'@'%'",
                database.name
            ),
            &routines,
        ])
        .await;
    connect(database).with_user(name).with_password("secret")
}

/// The names that the error may have, with `|` between them, and statements.
type ChangeOfTables = (&'static str, &'static [&'static str]);

/// Each kind of change to a table that is still to be read.
const CHANGES_OF_TABLES: &[ChangeOfTables] = &[
    // The second name is gone then, which is noticed first where nothing else is.
    ("m|z_new", &["RENAME TABLE m TO m_old, z_new TO m"]),
    ("m|n", &["RENAME TABLE m TO m_old, n TO m, m_old TO n"]),
    (
        "m|n",
        &["ALTER TABLE m RENAME m_old", "ALTER TABLE n RENAME m", "ALTER TABLE m_old RENAME n"],
    ),
    ("m", &["ALTER TABLE m ADD COLUMN w INT DEFAULT 7"]),
    ("m", &["ALTER TABLE m MODIFY v BIGINT"]),
    ("m", &["ALTER TABLE m DROP COLUMN v"]),
    ("m", &["ALTER TABLE m ALTER v SET DEFAULT 7"]),
    ("m", &["TRUNCATE TABLE m"]),
    ("m", &["TRUNCATE TABLE m", "INSERT INTO m VALUES (5, 5)"]),
    ("m", &["DROP TABLE m"]),
    ("m", &["DROP TABLE m", "CREATE TABLE m (id INT PRIMARY KEY, v INT)"]),
    ("r|s", &["ALTER TABLE r EXCHANGE PARTITION p0 WITH TABLE s"]),
    ("r", &["ALTER TABLE r TRUNCATE PARTITION p1"]),
    ("r", &["ALTER TABLE r DROP PARTITION p1"]),
    ("r", &["ALTER TABLE r ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))"]),
];

async fn assert_each_fails(
    database: &TestDatabase,
    connection: &ConnectOptions,
    cases: impl Iterator<Item = &'static ChangeOfTables>,
) {
    for (name, changes) in cases {
        renew(database).await;
        let error = dump_while(database, connection, 1, changes).await.expect_err(changes[0]);
        let object = error.location().object.as_ref().unwrap();
        let named = name.split('|').any(|name| name == object.name());
        // An account that cannot tell which table it was gets the first that it can have been.
        let cannot_tell = error.to_string().contains("GRANT PROCESS");
        assert!(named || cannot_tell, "{changes:?}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Changed, "{changes:?}: {error:?}");
        assert!(error.is_retryable());
    }
}

on_each_server! {
    /// Each kind of change to a table that is still to be read.
    async fn a_changed_table_fails_the_dump(server: TestServer) {
        let database = database(&server).await;
        assert_each_fails(&database, &connect(&database), CHANGES_OF_TABLES.iter()).await;
    }

    /// The same for an account that is told less.
    async fn a_changed_table_fails_the_dump_without_process(server: TestServer) {
        let database = database(&server).await;
        let account = account_without_process(&database).await;
        let hard = ["RENAME", "RENAME m_old", "TRUNCATE", "DROP TABLE", "EXCHANGE"];
        let cases = CHANGES_OF_TABLES.iter().filter(|(_, changes)| {
            let first = changes.first().unwrap();
            hard.iter().any(|word| first.contains(word))
        });
        assert_each_fails(&database, &account, cases).await;
        // Rows may change as they like there too.
        renew(&database).await;
        let changes = ["INSERT INTO m VALUES (3, 3)", "DELETE FROM r WHERE id = 1"];
        match dump_while(&database, &account, 1, &changes).await {
            Ok(report) => assert_eq!(report.rows, 128 + 2 + 3 + 2 + 2),
            // Other tests change tables of theirs at the same time, and it cannot tell whose.
            Err(error) => assert!(error.to_string().contains("GRANT PROCESS"), "{error:?}"),
        }
        database.run(&[&format!("DROP USER 'u_{}'@'%'", database.name)]).await;
    }

    /// The same with two connections: both are held up at a large table, and the others come later.
    async fn a_changed_table_fails_a_dump_by_several_connections(server: TestServer) {
        let database = database(&server).await;
        another_large_table(&database).await;
        for changes in [
            &["RENAME TABLE m TO m_old, n TO m, m_old TO n"][..],
            &["ALTER TABLE m ADD COLUMN w INT DEFAULT 7"],
            &["TRUNCATE TABLE m"],
            &["DROP TABLE m", "CREATE TABLE m (id INT PRIMARY KEY, v INT)"],
        ] {
            renew(&database).await;
            let error = dump_while(&database, &connect(&database), 2, changes).await.expect_err(changes[0]);
            assert_eq!(error.kind(), ErrorKind::Changed, "{changes:?}: {error:?}");
            let object = error.location().object.as_ref().unwrap();
            assert!(["m", "n"].contains(&object.name()), "{changes:?}: {error:?}");
        }
    }

    /// Each kind of change to the database, or to a sequence, view, routine, trigger or event.
    async fn a_changed_program_fails_the_dump(server: TestServer) {
        let database = database(&server).await;
        let replace = "DROP PROCEDURE p; CREATE PROCEDURE p() SELECT 2";
        let mut changes = vec![
            (ObjectKind::View, "CREATE OR REPLACE VIEW v AS SELECT id + 1 AS id FROM m"),
            (ObjectKind::View, "ALTER SQL SECURITY INVOKER VIEW v AS SELECT id FROM m"),
            (ObjectKind::View, "DROP VIEW v"),
            (ObjectKind::Procedure, "ALTER PROCEDURE p COMMENT 'other'"),
            (ObjectKind::Procedure, "ALTER PROCEDURE p SQL SECURITY INVOKER"),
            (ObjectKind::Procedure, "DROP PROCEDURE p"),
            (ObjectKind::Procedure, replace),
            (ObjectKind::Function, "ALTER FUNCTION f COMMENT 'other'"),
            (
                ObjectKind::Function,
                "DROP FUNCTION f; CREATE FUNCTION f(a BIGINT) RETURNS INT DETERMINISTIC RETURN a",
            ),
            (ObjectKind::Trigger, "DROP TRIGGER t"),
            (
                ObjectKind::Trigger,
                "DROP TRIGGER t; CREATE TRIGGER t AFTER INSERT ON m FOR EACH ROW SET @a = 1",
            ),
            (ObjectKind::Event, "ALTER EVENT e DO SELECT 2"),
            (ObjectKind::Event, "ALTER EVENT e ON SCHEDULE EVERY 2 DAY"),
            (ObjectKind::Event, "ALTER EVENT e COMMENT 'other'"),
        ];
        if server.is_mariadb() {
            changes.extend([
                // `MySQL` does not let it happen while a table of the database is being read.
                (ObjectKind::Database, "ALTER DATABASE CHARACTER SET utf8mb4"),
                (ObjectKind::Procedure, "CREATE OR REPLACE PROCEDURE p() SELECT 3"),
                (
                    ObjectKind::Trigger,
                    "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON m FOR EACH ROW SET @a = 1",
                ),
                (
                    ObjectKind::Event,
                    "CREATE OR REPLACE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 3",
                ),
                (ObjectKind::Sequence, "CREATE OR REPLACE SEQUENCE q INCREMENT 3"),
                (ObjectKind::Sequence, "ALTER SEQUENCE q MAXVALUE 1000"),
                (ObjectKind::Sequence, "DROP SEQUENCE q"),
                (ObjectKind::Sequence, "RENAME TABLE q TO q_old, q_new TO q"),
            ]);
        }
        for connections in [1, 2] {
            let mut seen = BTreeSet::new();
            if connections == 2 {
                another_large_table(&database).await;
                // One change of each kind is enough, but for views.
                changes.retain(|(kind, _)| *kind == ObjectKind::View || seen.insert(*kind));
            }
            for (kind, change) in &changes {
                renew(&database).await;
                let statements: Vec<&str> = change.split("; ").collect();
                let dumped =
                    dump_while(&database, &connect(&database), connections, &statements).await;
                let error = dumped.expect_err(change);
                let what = format!("{change} by {connections}: {error:?}");
                assert_eq!(error.kind(), ErrorKind::Changed, "{what}");
                assert_eq!(error.location().object.as_ref().unwrap().kind(), *kind, "{what}");
            }
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
        let report = dump_while(&database, &connect(&database), 1, &changes).await.unwrap();
        assert_eq!(report.rows, 128 + 2 + 3 + 2 + 2);
    }
}

on_each_server! {
    /// A lock that another session holds on a table ends the dump after a while, by name.
    async fn a_locked_table_is_waited_for_in_seconds(server: TestServer) {
        let database = database(&server).await;
        renew(&database).await;
        let mut conn = database.conn().await;
        conn.query_drop("LOCK TABLES m WRITE").await.unwrap();
        let started = Instant::now();
        let options = plain();
        let dumped = dump(&connect(&database), Vec::new(), &options, &Context::new()).await;
        let error = dumped.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
        assert_eq!(error.location().object.as_ref().unwrap().name(), "m", "{error:?}");
        assert!(error.to_string().contains("another session holds a lock"), "{error}");
        assert!(error.is_retryable());
        conn.disconnect().await.unwrap();
    }
}

/// Libraries are known to `MySQL` since 9.2, if its component for them is there.
#[tokio::test]
async fn a_changed_library_fails_the_dump() {
    let server = TestServer::mysql_9_7();
    let database = database(&server).await;
    let mut conn = database.conn().await;
    let create = "CREATE LIBRARY l LANGUAGE JAVASCRIPT AS 'export function f() { return 1 }'";
    conn.query_drop(create).await.unwrap();
    let changes = [
        "DROP LIBRARY l",
        "CREATE LIBRARY l LANGUAGE JAVASCRIPT AS 'export function f() { return 2 }'",
    ];
    let error = dump_while(&database, &connect(&database), 1, &changes).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed, "{error:?}");
    assert_eq!(error.location().object.as_ref().unwrap().kind(), ObjectKind::Library);
    conn.disconnect().await.unwrap();
}

//! What a script makes and then runs: a trigger, a function or a view that changes another database
//! is refused before the server has seen a statement of the script.

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, DumpOptions, ErrorKind, RestoreOptions, restore};

use super::damage::Recorder;
use super::forged::forged;
use crate::backup::{assert_error, dump_into, number, plain, restore_with};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::scratch;

const COUNT: &str = "SELECT COUNT(*) FROM t";

/// A database that no script of these tests may change.
async fn other(server: &TestServer) -> TestDatabase {
    let other = server.database().await;
    other.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1), (2)"]).await;
    other
}

/// Scripts that change the database `other` by what they make, each with the number of the statement
/// that does.
fn attacks() -> Vec<(String, u64, &'static str)> {
    let table = "CREATE TABLE a (id INT);\n";
    let trigger = "CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW DELETE FROM other.t;\n";
    let function = |name: &str, body: &str| {
        format!(
            "DELIMITER //\nCREATE FUNCTION {name}() RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
             BEGIN {body}; RETURN 1; END//\nDELIMITER ;\n"
        )
    };
    let reaching = function("f", "DELETE FROM other.t");
    vec![
        (format!("{table}{trigger}INSERT INTO a VALUES (1);\n"), 3, "the trigger 'g'"),
        (
            format!(
                "{table}CREATE TABLE b (id INT);\nCREATE TRIGGER h AFTER INSERT ON b FOR EACH ROW \
                 INSERT INTO a VALUES (NEW.id);\n{trigger}INSERT INTO b VALUES (1);\n"
            ),
            5,
            "the trigger 'g'",
        ),
        (
            format!("{table}{trigger}RENAME TABLE a TO c;\nINSERT INTO c VALUES (1);\n"),
            4,
            "the trigger 'g'",
        ),
        (format!("{table}{reaching}INSERT INTO a VALUES (7), (f());\n"), 3, "the function 'f'"),
        (format!("{reaching}SET @a = F ();\n"), 2, "the function 'f'"),
        (format!("{reaching}DO f();\n"), 2, "the function 'f'"),
        (
            format!("{reaching}CREATE VIEW v AS SELECT f() AS x;\nSELECT * FROM v;\n"),
            3,
            "the function 'f'",
        ),
        (
            format!("{table}{trigger}{}SELECT k();\n", function("k", "INSERT INTO a VALUES (1)")),
            4,
            "the trigger 'g'",
        ),
        (
            "CREATE VIEW v AS SELECT id FROM other.t;\nDELETE FROM v;\n".to_owned(),
            2,
            "the view 'v'",
        ),
    ]
}

on_each_server! {
    /// Nothing of the script is sent, and the other database is as it was. With leave it is not: the
    /// refusal is what keeps it.
    async fn a_script_does_not_run_what_reaches_another_database(server: TestServer) {
        let (_directory, path) = scratch();
        for (script, statement, words) in attacks() {
            let (target, other) = (server.database().await, other(&server).await);
            let recorder = Recorder::start(&target).await;
            std::fs::write(&path, script.replace("other.", &format!("{}.", other.name))).unwrap();
            let plain = RestoreOptions::default();
            let error =
                restore(&recorder.options, &path, &plain, &Context::new()).await.unwrap_err();
            let words = [words, "(with_other_databases)", "(statement "];
            assert_error(&server, &error, ErrorKind::Config, &words);
            assert_eq!(error.location().statement, Some(statement), "{script}: {error}");
            assert_eq!(recorder.sent(), [""; 0], "{script}");
            assert_eq!(number(&other, COUNT).await, 2, "{script}");

            restore_with(&target, &path, &plain.with_other_databases(true)).await;
            assert_eq!(number(&other, COUNT).await, 0, "{script}");
        }
    }

    /// Neither does a file of our own, in which the rows of a table may come before or after.
    async fn a_backup_of_ours_does_not_run_it_either(server: TestServer) {
        let (source, other) = (server.database().await, other(&server).await);
        source.run(&["CREATE TABLE a (id INT)", "INSERT INTO a VALUES (1)"]).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        let trigger = format!(
            "CREATE TRIGGER g BEFORE INSERT ON `a` FOR EACH ROW DELETE FROM {}.t;\nINSERT INTO `a`",
            other.name
        );
        std::fs::write(&path, forged(&path, "INSERT INTO `a`", &trigger)).unwrap();
        for connections in [1, 3] {
            let target = server.database().await;
            let recorder = Recorder::start(&target).await;
            let options = RestoreOptions::default().with_connections(connections);
            let error =
                restore(&recorder.options, &path, &options, &Context::new()).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &["'g'", &other.name]);
            assert_eq!(recorder.sent(), [""; 0]);
        }
        assert_eq!(number(&other, COUNT).await, 2);
    }

    /// Dumps make their programs after the rows, so nothing of them runs: an audit in another
    /// database is no obstacle, whoever made the dump.
    async fn a_dump_with_an_audit_in_another_database_needs_no_leave(server: TestServer) {
        let (source, other) = (server.database().await, other(&server).await);
        let into = format!("INSERT INTO {}.t VALUES", other.name);
        source
            .run(&[
                "CREATE TABLE a (id INT PRIMARY KEY, word TEXT)",
                "CREATE TABLE b (id INT PRIMARY KEY, audit INT)",
                "INSERT INTO a WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n \
                 WHERE i < 900) SELECT i, REPEAT('audit(1), ', 500) FROM n",
                "INSERT INTO b VALUES (1, 2)",
                &format!("CREATE TRIGGER audited AFTER INSERT ON a FOR EACH ROW {into} (NEW.id)"),
                "CREATE TRIGGER plain BEFORE INSERT ON b FOR EACH ROW SET NEW.audit = 3",
                &format!(
                    "CREATE FUNCTION audit(x INT) RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
                     BEGIN {into} (x); RETURN x; END"
                ),
                "CREATE VIEW v AS SELECT id AS x FROM a",
                &format!("CREATE VIEW w AS SELECT id FROM {}.t", other.name),
            ])
            .await;
        let before = number(&other, COUNT).await;
        let (directory, ours) = scratch();
        dump_into(&source, &ours, &DumpOptions::default()).await;
        let mut tools = vec!["--routines", "--triggers", "--complete-insert"];
        if !server.is_mariadb() {
            tools.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
        }
        let stock = directory.path().join("stock.sql");
        std::fs::write(&stock, source.stock_dump(&tools).await).unwrap();
        let points = tempfile::tempdir().unwrap();
        for file in [&ours, &stock] {
            for connections in [1, 3] {
                let fresh = server.database().await;
                let options = RestoreOptions::default()
                    .with_restore_point_directory(points.path())
                    .with_connections(connections);
                let recorder = Recorder::start(&fresh).await;
                restore(&recorder.options, file, &options, &Context::new()).await.unwrap();
                let sent = recorder.sent();
                if file == &ours {
                    // Each connection runs the start of the script for itself.
                    let starts = sent.iter().filter(|text| text.contains("@OLD_SQL_MODE=@@SQL_MODE"));
                    assert_eq!(starts.count() > 1, connections > 1, "{sent:?}");
                }
                restore_with(&source, file, &options).await;
                for database in [&source, &fresh] {
                    assert_eq!(number(database, "SELECT COUNT(*) FROM a").await, 900);
                    assert_eq!(number(database, "SELECT audit FROM b").await, 2);
                    let mut conn = database.conn().await;
                    let triggers: Vec<String> = conn
                        .query("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS \
                                WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1")
                        .await
                        .unwrap();
                    conn.disconnect().await.unwrap();
                    assert_eq!(triggers, ["audited", "plain"]);
                }
            }
        }
        assert_eq!(number(&other, COUNT).await, before);
    }
}

//! System-versioned tables with the rows of the past (`MariaDB`), by option.

use mysql_async::prelude::Queryable as _;
use snapdump::{
    Context, DumpOptions, ErrorKind, History, RestoreOptions, dump, dump_to_path, inspect, prepare,
};

use crate::backup::{dump_into, number, plain, restore_into, selector};
use crate::faults::private::PrivateServer;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, gunzip, scratch};
use crate::sample::differences;

fn with_history() -> DumpOptions {
    DumpOptions::default().with_history(History::Require)
}

/// Tables of every kind that keep the past, written to in the course of years.
async fn database(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    let at = |time: &str| format!("SET @@timestamp = UNIX_TIMESTAMP('{time}')");
    database
        .run(&[
            "SET time_zone = '+00:00'",
            &at("2020-01-01 10:00:00"),
            "CREATE TABLE hidden (id INT PRIMARY KEY, t TEXT CHARACTER SET latin1) \
             WITH SYSTEM VERSIONING",
            "CREATE TABLE named (id INT AUTO_INCREMENT PRIMARY KEY, v INT, \
             `from ``it` TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, \
             `to` TIMESTAMP(6) GENERATED ALWAYS AS ROW END, w INT AS (v * 2) STORED, \
             PERIOD FOR SYSTEM_TIME (`from ``it`, `to`)) WITH SYSTEM VERSIONING",
            "CREATE TABLE keyless (a INT, b INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING",
            "CREATE TABLE aria (a INT PRIMARY KEY, b BLOB) ENGINE=Aria TRANSACTIONAL=1 \
             PAGE_CHECKSUM=1 WITH SYSTEM VERSIONING",
            "CREATE TABLE parted (a INT PRIMARY KEY, b INT) WITH SYSTEM VERSIONING \
             PARTITION BY SYSTEM_TIME INTERVAL 1 YEAR STARTS '2020-01-01 00:00:00' \
             (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION pn CURRENT)",
            "CREATE TABLE both_times (id INT, s DATE, e DATE, PERIOD FOR app (s, e), \
             PRIMARY KEY (id, app WITHOUT OVERLAPS)) WITH SYSTEM VERSIONING",
            "CREATE TABLE all_gone (a INT PRIMARY KEY) WITH SYSTEM VERSIONING",
            "CREATE TABLE no_past (a INT PRIMARY KEY) WITH SYSTEM VERSIONING",
            "CREATE TABLE without_versions (a INT PRIMARY KEY)",
            "INSERT INTO hidden VALUES (1, 'é'), (2, 'b'), (3, NULL)",
            "INSERT INTO named (v) VALUES (1), (2)",
            "INSERT INTO keyless VALUES (1, 1), (1, 1), (2, NULL)",
            "INSERT INTO aria VALUES (1, x'00FF'), (2, 'x')",
            "INSERT INTO parted VALUES (1, 1), (2, 2)",
            "INSERT INTO both_times VALUES (1, '2020-01-01', '2021-01-01')",
            "INSERT INTO all_gone VALUES (1), (2)",
            "INSERT INTO no_past VALUES (1)",
            "INSERT INTO without_versions VALUES (1)",
        ])
        .await;
    let mut conn = database.conn().await;
    for (time, statements) in [
        (
            "2021-06-01 00:00:00.5",
            &[
                "UPDATE hidden SET t = CONCAT(t, 'x') WHERE id < 3",
                "UPDATE named SET v = 10 WHERE id = 1",
                "UPDATE keyless SET a = 5 WHERE a = 1",
                "DELETE FROM aria WHERE a = 1",
                "UPDATE parted SET b = 7",
                "UPDATE both_times FOR PORTION OF app FROM '2020-03-01' TO '2020-04-01' SET id = 2",
                "DELETE FROM all_gone",
            ][..],
        ),
        (
            "2022-10-30 01:30:00.000001",
            &[
                "UPDATE hidden SET t = 'last' WHERE id = 1",
                "DELETE FROM hidden WHERE id = 2",
                "INSERT INTO aria VALUES (1, 'again')",
                "UPDATE named SET v = v + 1",
            ],
        ),
    ] {
        conn.query_drop("SET time_zone = '+00:00'").await.unwrap();
        conn.query_drop(format!("SET @@timestamp = UNIX_TIMESTAMP('{time}')")).await.unwrap();
        for statement in statements {
            conn.query_drop(*statement).await.unwrap();
        }
    }
    conn.disconnect().await.unwrap();
    database
}

async fn count(database: &TestDatabase, from: &str) -> u64 {
    let count = number(database, &format!("SELECT COUNT(*) FROM {from}")).await;
    count.try_into().unwrap()
}

async fn versions(database: &TestDatabase, table: &str) -> u64 {
    count(database, &format!("{table} FOR SYSTEM_TIME ALL")).await
}

/// S7: Every version of every row comes back with its times: by our restore, by the stock client,
/// and from the stock tool's own dump of the history.
async fn every_version_comes_back(server: TestServer) {
    let source = database(&server).await;
    let (_directory, path) = scratch();
    let report = dump_into(&source, &path, &with_history()).await;
    assert_eq!(report.warnings, [""; 0]);
    for object in inspect(&path).unwrap().manifest.objects {
        let table = object.name.name();
        let all = versions_or_rows(&source, table).await;
        let current = count(&source, table).await;
        assert_eq!(object.rows, Some(all), "{object:?}");
        assert_eq!(object.history_rows, (all > current).then_some(all - current), "{object:?}");
    }
    let ours = server.database().await;
    assert!(restore_into(&ours, &path).await.compared);
    assert_eq!(differences(&source, &ours).await, [""; 0]);

    let theirs = server.database().await;
    theirs.stock_client(&gunzip(&path)).await.unwrap();
    assert_eq!(differences(&source, &theirs).await, [""; 0]);

    let script = source.stock_dump(&["--single-transaction", "--dump-history"]).await;
    std::fs::write(&path, script).unwrap();
    let ours = server.database().await;
    restore_into(&ours, &path).await;
    assert_eq!(differences(&source, &ours).await, [""; 0]);
}

async fn versions_or_rows(database: &TestDatabase, table: &str) -> u64 {
    if table == "without_versions" {
        count(database, table).await
    } else {
        versions(database, table).await
    }
}

/// Without the option the past is left out, and counted.
async fn it_is_left_out_by_default(server: TestServer) {
    let source = database(&server).await;
    let (_directory, path) = scratch();
    let report = dump_into(&source, &path, &plain()).await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("INSERT_HISTORY"), "{text}");
    for table in ["hidden", "named", "keyless", "aria", "parted", "both_times", "all_gone"] {
        let named = format!("`{table}` is system-versioned");
        assert!(report.warnings.iter().any(|warning| warning.contains(&named)), "{report:?}");
    }
    let target = server.database().await;
    restore_into(&target, &path).await;
    assert_eq!(versions(&target, "hidden").await, 2);
}

/// Versions that are numbered cannot be restored: refused by name, unless they may be left out.
async fn numbers_of_transactions_are_refused(server: TestServer) {
    let source = server.database().await;
    source
        .run(&[
            "CREATE TABLE numbered (a INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, \
             e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) \
             WITH SYSTEM VERSIONING ENGINE=InnoDB",
            "CREATE TABLE timed (a INT PRIMARY KEY) WITH SYSTEM VERSIONING",
            "INSERT INTO numbered (a) VALUES (1)",
            "INSERT INTO timed VALUES (1)",
            "UPDATE numbered SET a = 2",
            "UPDATE timed SET a = 2",
        ])
        .await;
    let error =
        dump(&connect(&source), Vec::new(), &with_history(), &Context::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.to_string().contains("`numbered`"), "{error}");
    assert!(!error.to_string().contains("`timed`"), "{error}");
    let options = with_history().without_rows_of(selector("numbered"));
    dump(&connect(&source), Vec::new(), &options, &Context::new()).await.unwrap();

    let options = DumpOptions::default().with_history(History::IfPossible);
    let (directory, path) = scratch();
    let report = dump_into(&source, &path, &options).await;
    assert!(report.warnings.iter().any(|warning| warning.contains("`numbered`")), "{report:?}");
    let target = server.database().await;
    restore_into(&target, &path).await;
    assert_eq!(versions(&target, "timed").await, 2);
    assert_eq!(versions(&target, "numbered").await, 1);

    // A restore point keeps what it can.
    let options = RestoreOptions::default().with_restore_point_directory(directory.path());
    let context = Context::new();
    let prepared = prepare(&connect(&target), &path, &options, &context).await.unwrap();
    let saved = inspect(prepared.restore_point().unwrap().path()).unwrap().manifest;
    let timed = saved.objects.iter().find(|object| object.name.name() == "timed").unwrap();
    assert_eq!(timed.history_rows, Some(1));
}

/// A server that is set to read as of some time in the past: a dump has the rows of now.
async fn rows_of_now_are_dumped_whatever_time_the_server_reads_at(server: TestServer) {
    let private = PrivateServer::like(&server).await;
    let (source, target) = (private.server.database().await, private.server.database().await);
    source
        .run(&[
            "CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING",
            "SET @@timestamp = UNIX_TIMESTAMP('2020-01-01')",
            "INSERT INTO t VALUES (1, 1)",
            "SET @@timestamp = DEFAULT",
            "UPDATE t SET v = 2",
        ])
        .await;
    private.run(&["SET GLOBAL system_versioning_asof = '2021-01-01'"]).await;
    assert_eq!(number(&source, "SELECT v FROM t").await, 1);
    let (_directory, path) = scratch();
    dump_into(&source, &path, &plain()).await;
    private.run(&["SET GLOBAL system_versioning_asof = DEFAULT"]).await;
    restore_into(&target, &path).await;
    assert_eq!(number(&target, "SELECT v FROM t").await, 2);
}

/// Makes the tests of a function for the servers that have system-versioned tables.
macro_rules! on_mariadb {
    ($($name:ident)+) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn mariadb_10_11() {
                Box::pin(super::$name(TestServer::mariadb_10_11())).await;
            }

            #[tokio::test]
            async fn mariadb_11_8() {
                Box::pin(super::$name(TestServer::mariadb_11_8())).await;
            }
        }
    )+};
}

on_mariadb! {
    every_version_comes_back it_is_left_out_by_default numbers_of_transactions_are_refused
    rows_of_now_are_dumped_whatever_time_the_server_reads_at
}

/// The end of time is another one on each of them: current rows are current on both.
#[tokio::test]
async fn current_rows_stay_current_on_a_later_release() {
    let source = database(&TestServer::mariadb_10_11()).await;
    let (_directory, path) = scratch();
    let options = with_history();
    dump_to_path(&connect(&source), &path, &options, &Context::new()).await.unwrap();
    let target = TestServer::mariadb_11_8().database().await;
    restore_into(&target, &path).await;
    for table in ["hidden", "named", "keyless", "aria", "parted", "all_gone", "no_past"] {
        assert_eq!(count(&source, table).await, count(&target, table).await, "{table}");
        assert_eq!(versions(&source, table).await, versions(&target, table).await, "{table}");
    }
}

/// Versions that a statement made and ended can be restored nowhere: the rest of the history is, where
/// that may be.
#[tokio::test]
async fn versions_that_were_current_at_no_time_are_told() {
    for server in [TestServer::mariadb_10_11(), TestServer::mariadb_11_8()] {
        let source = server.database().await;
        source
            .run(&[
                "CREATE TABLE t (a INT PRIMARY KEY, b INT) WITH SYSTEM VERSIONING",
                "CREATE TABLE n (a INT)",
                "CREATE TRIGGER g AFTER INSERT ON n FOR EACH ROW BEGIN \
                 INSERT INTO t VALUES (NEW.a, 1); DELETE FROM t WHERE a = NEW.a; END",
                "INSERT INTO t VALUES (1, 1), (2, 2)",
                "UPDATE t SET b = 3 WHERE a = 1",
                "INSERT INTO n VALUES (3), (4)",
            ])
            .await;
        let (_directory, path) = scratch();
        let connect_to = connect(&source);
        let context = Context::new();
        let error = dump_to_path(&connect_to, &path, &with_history(), &context).await.unwrap_err();
        let said = format!("2 versions of rows of table `{}`.`t` ended at the moment", source.name);
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(&said), "{error}");

        let options = DumpOptions::default().with_history(History::IfPossible);
        dump_into(&source, &path, &options).await;
        let manifest = inspect(&path).unwrap().manifest;
        assert!(manifest.warnings.iter().any(|line| line.contains(&said)), "{manifest:?}");
        let table = manifest.objects.iter().find(|entry| entry.name.name() == "t").unwrap();
        assert_eq!((table.rows, table.history_rows), (Some(3), Some(1)));
        let target = server.database().await;
        restore_into(&target, &path).await;
        let mut conn = target.conn().await;
        let sql = "SELECT a, b FROM t FOR SYSTEM_TIME ALL ORDER BY a, b";
        let rows: Vec<(i32, i32)> = conn.query(sql).await.unwrap();
        assert_eq!(rows, [(1, 1), (1, 3), (2, 2)]);
        conn.disconnect().await.unwrap();
    }
}

//! The value that a sequence gives next (`MariaDB`), also where the server has it in memory.
//!
//! On servers of these tests alone: whoever flushes tables empties those caches.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Value};
use snapdump::{ConnectOptions, Context, DumpOptions, dump_to_path, inspect};

use crate::backup::{dump_into, plain, restore_into};
use crate::faults::private::PrivateServer;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::scratch;

/// How many values are taken of each sequence at the end.
const TAKEN: u32 = 6;

/// Options for one connection: where several read, the lock of their snapshots empties the caches.
fn alone() -> DumpOptions {
    plain().with_connections(1)
}

const NONE: [String; 0] = [];

fn warnings(path: &Path) -> Vec<String> {
    inspect(path).unwrap().manifest.warnings
}

fn servers() -> [TestServer; 2] {
    [TestServer::mariadb_10_11(), TestServer::mariadb_11_8()]
}

/// Sequences of each step, cache and end, with so many values taken that the part in memory is new,
/// nearly, just or more than spent; some set ahead to a value that their steps do not lead to.
fn statements() -> (Vec<String>, Vec<String>) {
    let (mut names, mut statements) = (Vec::new(), Vec::new());
    for increment in [1i64, 3, -1, -7] {
        for cache in [0i64, 2, 10] {
            for (end, cycle) in [(i64::MAX / 2, ""), (25, ""), (25, " CYCLE")] {
                for taken in [0, 1, cache - 1, cache, cache + 1] {
                    for ahead in [None, Some(cache * increment.abs() / 2 + 2)] {
                        let name = format!("s{}", names.len());
                        let (low, high, start) =
                            if increment > 0 { (1, end, 2) } else { (-end, -1, -2) };
                        statements.push(format!(
                            "CREATE SEQUENCE {name} START WITH {start} MINVALUE {low} MAXVALUE {high} \
                             INCREMENT BY {increment} CACHE {cache}{cycle}"
                        ));
                        let take = format!("DO NEXTVAL({name})");
                        statements.extend((0..taken).map(|_| take.clone()));
                        if let Some(ahead) = ahead {
                            let value = ahead * increment.signum();
                            statements.push(format!("DO SETVAL({name}, {value}, 0)"));
                        }
                        names.push(name);
                    }
                }
            }
        }
    }
    (names, statements)
}

/// Runs statements of which some may fail: a spent sequence gives nothing more.
async fn run_all(database: &TestDatabase, statements: &[String]) {
    let mut conn = database.conn().await;
    for statement in statements {
        match conn.query_drop(statement).await {
            Err(mysql_async::Error::Server(error)) if error.code == 4084 => {}
            done => done.unwrap(),
        }
    }
    conn.disconnect().await.unwrap();
}

/// What the tables behind the sequences say.
async fn states(database: &TestDatabase, names: &[String]) -> Vec<Vec<Value>> {
    let mut conn = database.conn().await;
    let mut states = Vec::new();
    for name in names {
        let state: Option<mysql_async::Row> =
            conn.query_first(format!("SELECT * FROM {name}")).await.unwrap();
        states.push(state.unwrap().unwrap());
    }
    conn.disconnect().await.unwrap();
    states
}

async fn take(conn: &mut Conn, name: &str) -> String {
    match conn.query_first::<String, _>(format!("SELECT NEXTVAL({name})")).await {
        Ok(value) => value.unwrap(),
        Err(mysql_async::Error::Server(error)) => error.code.to_string(),
        Err(error) => panic!("{error}"),
    }
}

/// The next values of each sequence: the end of the test, for they are gone then.
async fn next_values(database: &TestDatabase, names: &[String]) -> Vec<Vec<String>> {
    let mut conn = database.conn().await;
    let mut all = Vec::new();
    for name in names {
        let mut values = Vec::new();
        for _ in 0..TAKEN {
            values.push(take(&mut conn, name).await);
        }
        all.push(values);
    }
    conn.disconnect().await.unwrap();
    all
}

#[tokio::test]
async fn a_sequence_goes_on_where_it_was() {
    for server in servers() {
        let private = PrivateServer::like(&server).await;
        let [source, twin, ours, client] = [
            private.server.database().await,
            private.server.database().await,
            private.server.database().await,
            private.server.database().await,
        ];
        let (names, statements) = statements();
        run_all(&source, &statements).await;
        run_all(&twin, &statements).await;
        let before = states(&source, &names).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &alone()).await;
        assert_eq!(warnings(&path), NONE);
        let text = std::fs::read(&path).unwrap();
        restore_into(&ours, &path).await;
        client.stock_client(&text).await.unwrap();

        let in_memory = String::from_utf8_lossy(&text).matches("DO NEXTVAL").count();
        assert!(in_memory > names.len() / 4, "{}: {in_memory} of {}", server.name, names.len());
        // The dump changed nothing: a database that nobody dumped goes on in the same way.
        let expected = next_values(&twin, &names).await;
        for database in [&source, &ours, &client] {
            let states = states(database, &names).await;
            let values = next_values(database, &names).await;
            for (number, name) in names.iter().enumerate() {
                let created = statements.iter().find(|text| text.contains(&format!(" {name} ")));
                let which = format!("{}, {}: {created:?}", server.name, database.name);
                assert_eq!(states[number], before[number], "{which}");
                assert_eq!(values[number], expected[number], "{which}");
            }
        }
        // The lock under which several connections begin empties the caches, also for the copy.
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        let copy = private.server.database().await;
        restore_into(&copy, &path).await;
        assert_eq!(next_values(&copy, &names).await, next_values(&source, &names).await);
    }
}

/// While others take values, a dump neither takes nor skips one, and finds one that is free.
#[tokio::test]
async fn a_dump_takes_no_value() {
    for server in servers() {
        let private = PrivateServer::like(&server).await;
        let source = private.server.database().await;
        source
            .run(&[
                "CREATE SEQUENCE s INCREMENT BY 2 CACHE 50",
                "CREATE TABLE t (id BIGINT DEFAULT NEXTVAL(s) PRIMARY KEY)",
            ])
            .await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut conn = source.conn().await;
        let writer = tokio::spawn({
            let stop = Arc::clone(&stop);
            async move {
                let mut rows = 0u64;
                while !stop.load(Ordering::Relaxed) {
                    conn.query_drop("INSERT INTO t VALUES ()").await.unwrap();
                    rows += 1;
                }
                conn.disconnect().await.unwrap();
                rows
            }
        });
        let (_directory, path) = scratch();
        for _ in 0..20 {
            dump_into(&source, &path, &alone().with_overwrite(true)).await;
            let target = private.server.database().await;
            assert_eq!(warnings(&path), NONE);
            restore_into(&target, &path).await;
            // There are no holes, so a value that was given out is a duplicate key.
            target.run(&["INSERT INTO t VALUES ()"]).await;
        }
        stop.store(true, Ordering::Relaxed);
        let rows = writer.await.unwrap();
        let mut conn = source.conn().await;
        let (lowest, highest, count): (u64, u64, u64) =
            conn.query_first("SELECT MIN(id), MAX(id), COUNT(*) FROM t").await.unwrap().unwrap();
        conn.disconnect().await.unwrap();
        assert_eq!((lowest, highest, count), (1, rows * 2 - 1, rows), "{}", server.name);
        assert!(rows > 500, "{rows}");
    }
}

/// Who may not set a sequence gets what its table says, which lies ahead, and is told so.
#[tokio::test]
async fn without_the_right_to_insert_the_rest_of_the_cache_is_skipped_with_a_warning() {
    for server in servers() {
        let private = PrivateServer::like(&server).await;
        let source = private.server.database().await;
        let name = &source.name;
        source
            .run(&[
                "CREATE SEQUENCE unused",
                "CREATE SEQUENCE used CACHE 10",
                "DO NEXTVAL(used)",
                "CREATE SEQUENCE huge CACHE 100001",
                "DO NEXTVAL(huge)",
                "CREATE SEQUENCE by_variable INCREMENT BY 0",
                "DO NEXTVAL(by_variable)",
                "CREATE USER reader IDENTIFIED BY 'x'",
                "GRANT BINLOG ADMIN ON *.* TO reader",
                &format!("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {name}.* TO reader"),
                "GRANT SELECT ON mysql.proc TO reader",
            ])
            .await;
        let reader = ConnectOptions::from_url(&private.server.url)
            .unwrap()
            .with_user("reader")
            .with_password("x")
            .with_database(name);
        let begin = format!(
            "the server may hold values of sequences of `{name}` in its cache, which are skipped in a \
             restore as after a restart: "
        );
        let dumped = async |expected: &[&str]| {
            let (_directory, path) = scratch();
            dump_to_path(&reader, &path, &alone(), &Context::new()).await.unwrap();
            let [warning] = &warnings(&path)[..] else { panic!("{:?}", warnings(&path)) };
            let rest = warning.strip_prefix(&begin).unwrap_or_else(|| panic!("{warning}"));
            for expected in expected {
                assert!(rest.contains(expected), "{rest}");
            }
            let target = private.server.database().await;
            restore_into(&target, &path).await;
            let mut conn = target.conn().await;
            let mut values = Vec::new();
            for name in ["unused", "used", "huge"] {
                values.push(take(&mut conn, name).await);
            }
            conn.disconnect().await.unwrap();
            values
        };
        let of_all = "`by_variable`, `huge`, `used`; ";
        let values = dumped(&[of_all, "auto_increment_increment"]).await;
        assert_eq!(values, ["1", "11", "100002"]);
        source.run(&["DROP SEQUENCE by_variable"]).await;
        let values = dumped(&["`huge`, `used`; ", "more than 100000 values"]).await;
        assert_eq!(values, ["1", "11", "100002"]);
        source.run(&["DROP SEQUENCE huge", "CREATE SEQUENCE huge"]).await;
        let values = dumped(&["`used`; ", "INSERT command denied"]).await;
        assert_eq!(values, ["1", "11", "1"]);

        source.run(&["GRANT INSERT ON *.* TO reader", "SET GLOBAL read_only = ON"]).await;
        let values = dumped(&["`used`; ", "--read-only"]).await;
        assert_eq!(values, ["1", "11", "1"]);
        source.run(&["SET GLOBAL read_only = OFF", "DO NEXTVAL(used)"]).await;
        let (_directory, path) = scratch();
        dump_to_path(&reader, &path, &alone(), &Context::new()).await.unwrap();
        assert_eq!(warnings(&path), NONE);
        let target = private.server.database().await;
        restore_into(&target, &path).await;
        let mut conn = target.conn().await;
        let mut of_source = source.conn().await;
        assert_eq!(take(&mut conn, "used").await, take(&mut of_source, "used").await);
        conn.disconnect().await.unwrap();
        of_source.disconnect().await.unwrap();
    }
}

//! A dump is one moment of the database, whatever is written meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};
use snapdump::{ConnectOptions, Context, DumpOptions, dump, inspect};

use crate::backup::{Cleanup, dump_into, number, plain, restore_into};
use crate::gate::gated;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};

const ACCOUNTS: u64 = 100;
const BULK_ROWS: u64 = 50_000;
/// The first money of each account.
const START: i64 = 1_000;

/// Accounts in two tables and a journal in two more, with a large table between them in the order
/// of the dump.
async fn bank(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    let accounts: Vec<_> = (1..=ACCOUNTS).map(|id| format!("({id},{START})")).collect();
    let accounts = accounts.join(",");
    database
        .run(&[
            "CREATE TABLE a_accounts (id INT PRIMARY KEY, balance BIGINT NOT NULL)",
            "CREATE TABLE z_accounts LIKE a_accounts",
            "CREATE TABLE b_pairs (id INT AUTO_INCREMENT PRIMARY KEY, amount BIGINT NOT NULL)",
            "CREATE TABLE y_pairs (id INT PRIMARY KEY, amount BIGINT NOT NULL)",
            "CREATE TABLE y_marks (mark VARCHAR(10))",
            "CREATE TABLE m_bulk (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))",
            &format!("INSERT INTO a_accounts VALUES {accounts}"),
            "INSERT INTO z_accounts SELECT * FROM a_accounts",
            "INSERT INTO m_bulk (text) VALUES (REPEAT('text ', 30))",
        ])
        .await;
    let mut conn = database.conn().await;
    for _ in 0..16 {
        let limit = BULK_ROWS;
        conn.query_drop(format!("INSERT INTO m_bulk (text) SELECT text FROM m_bulk LIMIT {limit}"))
            .await
            .unwrap();
    }
    conn.query_drop("DELETE FROM m_bulk ORDER BY id DESC LIMIT 1").await.unwrap();
    conn.disconnect().await.unwrap();
    assert!(number(&database, "SELECT COUNT(*) FROM m_bulk").await >= 50_000);
    database
}

/// Moves money from one table to the other and journals it in both journals, each in one
/// transaction, until told to stop. Returns how many times.
async fn transfer(mut conn: Conn, stop: Arc<AtomicBool>) -> u64 {
    let mut random = 88_172_645_463_325_252u64;
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (from, to) = (random % ACCOUNTS + 1, random / 1000 % ACCOUNTS + 1);
        let amount = random / 1_000_000 % 50 + 1;
        for statement in [
            "START TRANSACTION".to_owned(),
            format!("UPDATE a_accounts SET balance = balance - {amount} WHERE id = {from}"),
            format!("INSERT INTO b_pairs (amount) VALUES ({amount})"),
            format!("INSERT INTO y_pairs VALUES (LAST_INSERT_ID(), {amount})"),
            format!("UPDATE z_accounts SET balance = balance + {amount} WHERE id = {to}"),
            "COMMIT".to_owned(),
        ] {
            conn.query_drop(statement).await.unwrap();
        }
        done += 1;
    }
    conn.disconnect().await.unwrap();
    done
}

/// Asserts what every transaction keeps, in a database in which none is under way.
async fn assert_invariants(database: &TestDatabase) {
    let total = "(SELECT SUM(balance) FROM a_accounts) + (SELECT SUM(balance) FROM z_accounts)";
    let expected = 2 * i64::try_from(ACCOUNTS).unwrap() * START;
    assert_eq!(number(database, &format!("SELECT {total}")).await, expected);
    for (one, other) in [("b_pairs", "y_pairs"), ("y_pairs", "b_pairs")] {
        let alone = format!(
            "SELECT COUNT(*) FROM {one} AS one LEFT JOIN {other} AS other \
             ON other.id = one.id AND other.amount = one.amount WHERE other.id IS NULL"
        );
        assert_eq!(number(database, &alone).await, 0, "{one}");
    }
    let journal = number(database, "SELECT COALESCE(SUM(amount), 0) FROM y_pairs").await;
    let moved = number(database, "SELECT SUM(balance) FROM z_accounts").await;
    assert_eq!(moved - expected / 2, journal);
}

/// Where the server's binary log ends: file, position, GTIDs.
pub(crate) async fn end_of_log(
    conn: &mut Conn,
    server: &TestServer,
) -> (String, u64, Option<String>) {
    let show = if server.is_mariadb() { "SHOW MASTER STATUS" } else { "SHOW BINARY LOG STATUS" };
    let row: Row = conn.query_first(show).await.unwrap().unwrap();
    let gtid = if server.is_mariadb() { "@@gtid_binlog_pos" } else { "@@gtid_executed" };
    let gtid: String = conn.query_first(format!("SELECT {gtid}")).await.unwrap().unwrap();
    let gtid = gtid.replace('\n', "");
    (row.get(0).unwrap(), row.get(1).unwrap(), (!gtid.is_empty()).then_some(gtid))
}

/// A dump holds the metadata lock of the table that it is reading, and of no other, unless it says
/// so.
async fn alter_while_it_is_dumped(database: &TestDatabase, connection: ConnectOptions) {
    database
        .run(&[
            "CREATE TABLE a_first (id INT)",
            "CREATE TABLE b_large (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)",
            "CREATE TABLE c_last (id INT)",
            "INSERT INTO a_first VALUES (1)",
            "INSERT INTO b_large (text) VALUES (REPEAT('x', 100000))",
            "INSERT INTO b_large (text) SELECT text FROM b_large",
        ])
        .await;
    let mut conn = database.conn().await;
    // Far more than what fits into buffers on the way: 51 MB.
    for _ in 0..8 {
        conn.query_drop("INSERT INTO b_large (text) SELECT text FROM b_large").await.unwrap();
    }
    let (output, mut gate) = gated(100_000);
    let options = plain().with_compression_threads(1).with_connections(1);
    let context = Context::new();
    let watcher = context.clone();
    let dumping = tokio::spawn(async move { dump(&connection, output, &options, &context).await });
    gate.held().await;
    // What is in the buffers is not the dump's doing: wait until it stands still.
    let mut rows = u64::MAX;
    while watcher.progress().rows_done != rows {
        rows = watcher.progress().rows_done;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(watcher.progress().tables_done, 1);
    let object = watcher.progress().object.unwrap();
    assert_eq!(object.name(), "b_large");

    conn.query_drop("SET lock_wait_timeout = 2").await.unwrap();
    let altered = conn.query_drop("ALTER TABLE a_first ADD COLUMN more INT").await;
    if altered.is_ok() {
        conn.query_drop("DROP TABLE a_first").await.unwrap();
    }
    let refused = conn.query_drop("ALTER TABLE b_large ADD COLUMN more INT").await.unwrap_err();
    for refused in altered.as_ref().err().into_iter().chain([&refused]) {
        assert!(
            matches!(refused, mysql_async::Error::Server(error) if error.code == 1205),
            "{refused}"
        );
    }
    gate.open();
    let report = dumping.await.unwrap().unwrap();
    assert_eq!((report.tables, report.rows), (3, 1 + 512));
    let said: Vec<_> =
        report.warnings.iter().map(|warning| warning.contains("BINLOG ADMIN")).collect();
    assert_eq!(said, if altered.is_ok() { [].as_slice() } else { &[true] }, "{report:?}");
    conn.disconnect().await.unwrap();
}

on_each_server! {
    /// What one transaction wrote is in the dump as a whole or not at all.
    async fn a_transaction_is_in_the_dump_as_a_whole_or_not_at_all(server: TestServer) {
        let database = bank(&server).await;
        for round in 0..3 {
            let stop = Arc::new(AtomicBool::new(false));
            let writer = tokio::spawn(transfer(database.conn().await, Arc::clone(&stop)));
            // Some transfers before, some during and some after the snapshot.
            tokio::time::sleep(Duration::from_millis(100)).await;
            database.run(&[&format!("INSERT INTO y_marks VALUES ('early {round}')")]).await;

            let (output, mut gate) = gated(0);
            let connection = connect(&database);
            let options = plain().with_compression_threads(1);
            let dumping = tokio::spawn(async move {
                dump(&connection, output, &options, &Context::new()).await
            });
            // The first byte of the script is there, so the snapshot is.
            gate.held().await;
            let pairs = "SELECT COUNT(*) FROM y_pairs";
            let before = number(&database, pairs).await;
            database.run(&[&format!("INSERT INTO y_marks VALUES ('late {round}')")]).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            gate.open();
            let report = dumping.await.unwrap().unwrap();
            let after = number(&database, pairs).await;
            stop.store(true, Ordering::Relaxed);
            let done = writer.await.unwrap();
            assert!(done > 10, "the writer came to only {done} transfers");
            assert!(after > before, "nothing was written during the dump");
            assert!(report.rows > BULK_ROWS);

            let (_directory, path) = scratch();
            std::fs::write(&path, gate.bytes()).unwrap();
            drop(gate);
            let target = server.database().await;
            restore_into(&target, &path).await;
            assert_invariants(&target).await;
            let restored = number(&target, pairs).await;
            assert!(restored > 0 && restored <= before, "{restored} of {before} pairs");
            let marks = |mark: &str| {
                format!("SELECT COUNT(*) FROM y_marks WHERE mark = '{mark} {round}'")
            };
            assert_eq!(number(&target, &marks("early")).await, 1);
            assert_eq!(number(&target, &marks("late")).await, 0);
            assert_invariants(&database).await;
        }
    }

    /// F12: The manifest's place in the binary log is where the snapshot stands: the next change in
    /// the log is the first one that the dump does not hold.
    async fn the_log_goes_on_where_the_dump_ends(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE marks (id INT PRIMARY KEY)"]).await;
        let name = database.name.clone();
        let mut conn = database.conn().await;
        // The statement stands in the log in front of the rows that it changed.
        conn.query_drop(if server.is_mariadb() {
            "SET SESSION binlog_annotate_row_events = ON"
        } else {
            "SET SESSION binlog_rows_query_log_events = ON"
        })
        .await
        .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let writer = tokio::spawn(async move {
            let mut id = 0u64;
            while !stopped.load(Ordering::Relaxed) {
                id += 1;
                conn.query_drop(format!("INSERT INTO {name}.marks VALUES ({id})")).await.unwrap();
                // MySQL tells its place only when nothing is committed for a moment.
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
            conn.disconnect().await.unwrap();
        });
        let (_directory, path) = scratch();
        let mut compared = 0;
        let mut conn = server.conn().await;
        let deadline = Instant::now() + Duration::from_secs(60);
        while compared < 5 {
            assert!(Instant::now() < deadline, "{}: {compared} times only", server.name);
            let options = DumpOptions::default().with_overwrite(true);
            let report = dump_into(&database, &path, &options).await;
            let Some(place) = report.snapshot.binlog else { continue };
            // Let the writer write the next one.
            tokio::time::sleep(Duration::from_millis(120)).await;
            let events: Vec<Row> = conn
                .query(format!("SHOW BINLOG EVENTS IN '{}' FROM {}", place.file, place.position))
                .await
                .unwrap();
            let mark = format!("INSERT INTO {}.marks VALUES (", database.name);
            let next: u64 = events
                .iter()
                .find_map(|event| {
                    let info: String = event.get("Info").unwrap();
                    let (_, rest) = info.split_once(&mark)?;
                    rest.split_once(')')?.0.parse().ok()
                })
                .expect("the writer's statements are in the log");
            assert_eq!(report.rows + 1, next, "{}: {place:?}", server.name);
            assert_eq!(inspect(&path).unwrap().manifest.snapshot.binlog, Some(place));
            compared += 1;
        }
        conn.disconnect().await.unwrap();
        stop.store(true, Ordering::Relaxed);
        writer.await.unwrap();
    }

    /// On a server that is quiet the manifest says what the server itself says. Other tests may
    /// write at the same time: then the place is at least between those before and after the dump.
    async fn the_place_in_the_log_is_the_servers_own(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
        let mut conn = server.conn().await;
        let (_directory, path) = scratch();
        let mut told = 0;
        for _ in 0..40 {
            let before = end_of_log(&mut conn, &server).await;
            let options = DumpOptions::default().with_overwrite(true);
            let report = dump_into(&database, &path, &options).await;
            let after = end_of_log(&mut conn, &server).await;
            // MySQL does not tell it while others commit all the time.
            let Some(place) = report.snapshot.binlog else {
                assert!(!server.is_mariadb() && before != after);
                continue;
            };
            told += 1;
            assert_eq!(place.file, after.0);
            assert!((before.1..=after.1).contains(&place.position), "{before:?} {place:?}");
            if before == after {
                assert_eq!(report.snapshot.gtid, after.2);
                break;
            }
        }
        assert!(told > 0);
        conn.disconnect().await.unwrap();
    }

    async fn a_table_that_is_dumped_can_be_altered_before_the_dump_ends(server: TestServer) {
        let database = server.database().await;
        alter_while_it_is_dumped(&database, connect(&database)).await;
        // The same by an account that has what a dump needs, and no more.
        let database = server.database().await;
        let name = format!("u_{}", database.name);
        let undo = vec![format!("DROP USER IF EXISTS '{name}'@'%'")];
        let _cleanup = Cleanup::new(&server, undo);
        let routines = if server.is_mariadb() { "SELECT ON mysql.proc" } else { "SHOW_ROUTINE ON *.*" };
        database
            .run(&[
                &format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'secret'"),
                &format!(
                    "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {}.* TO '{name}'@'%'",
                    database.name
                ),
                &format!("GRANT {routines} TO '{name}'@'%'"),
                // Or a swap of tables would be suspected.
                &format!("GRANT PROCESS ON *.* TO '{name}'@'%'"),
            ])
            .await;
        let account = connect(&database).with_user(name).with_password("secret");
        alter_while_it_is_dumped(&database, account).await;
    }
}

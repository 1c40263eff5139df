//! The data of the benches, made in a private server at run time.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;

/// Makes an empty database, in place of one of that name.
pub(crate) async fn empty(conn: &mut Conn, name: &str) {
    run(conn, &format!("DROP DATABASE IF EXISTS {name}")).await;
    run(conn, &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).await;
}

pub(crate) async fn run(conn: &mut Conn, sql: &str) {
    if let Err(error) = conn.query_drop(sql).await {
        panic!("{error}: {sql:.200}");
    }
}

/// Numbers from 0, six digits of them, as a derived table `s` with the column `n`.
fn numbers() -> String {
    let union = "SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL \
                 SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL \
                 SELECT 8 UNION ALL SELECT 9";
    let digit = |name: &str| format!("({union}) {name}");
    format!(
        "(SELECT a.d + b.d*10 + c.d*100 + d.d*1000 + e.d*10000 + f.d*100000 AS n FROM {}, {}, {}, \
         {}, {}, {}) s",
        digit("a"),
        digit("b"),
        digit("c"),
        digit("d"),
        digit("e"),
        digit("f")
    )
}

/// A wide table and a narrow one of text.
pub(crate) async fn two_tables(conn: &mut Conn, database: &str, rows: u64) {
    start(conn, database).await;
    wide(conn, rows).await;
    narrow(conn, rows).await;
    analyze(conn, "wide, narrow").await;
}

/// The wide table alone.
pub(crate) async fn one_table(conn: &mut Conn, database: &str, rows: u64) {
    start(conn, database).await;
    wide(conn, rows).await;
    analyze(conn, "wide").await;
}

/// An empty database to fill. What fills it is not logged: it would only take room.
async fn start(conn: &mut Conn, database: &str) {
    run(conn, "SET SESSION sql_log_bin = 0").await;
    empty(conn, database).await;
    run(conn, &format!("USE {database}")).await;
}

/// A table of every common type with two indexes.
async fn wide(conn: &mut Conn, rows: u64) {
    run(
        conn,
        "CREATE TABLE wide (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, \
         b BIGINT, c DECIMAL(14,4), d DOUBLE, e DATE, f DATETIME(6), g VARCHAR(64), h TEXT, i JSON, \
         j BINARY(16), k TINYINT, KEY (a), KEY (g))",
    )
    .await;
    let numbers = numbers();
    let mut made = 0;
    while made < rows {
        let count = (rows - made).min(1_000_000);
        run(
            conn,
            &format!(
                "INSERT INTO wide (a,b,c,d,e,f,g,h,i,j,k) SELECT FLOOR(RAND(n + {made})*2000000000), \
                 n*7919, n/7, RAND()*1e6, DATE_ADD('2000-01-01', INTERVAL n%9000 DAY), \
                 DATE_ADD('2020-01-01', INTERVAL n*1.001 SECOND), CONCAT('customer ', n%5000, ' name'), \
                 CONCAT('Some text about order ', n, ', which isn''t long, ', \
                 REPEAT('lorem ipsum ', n%8)), CONCAT('{{\"id\": ',n,', \"tags\": [\"a\",\"b\"], \"x\": \
                 ',n/3,'}}'), UNHEX(LEFT(SHA2(n,256),32)), n%100 FROM {numbers} LIMIT {count}"
            ),
        )
        .await;
        made += count;
    }
}

async fn narrow(conn: &mut Conn, rows: u64) {
    run(
        conn,
        "CREATE TABLE narrow (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, t VARCHAR(100), \
         u VARCHAR(100))",
    )
    .await;
    let numbers = numbers();
    let mut made = 0;
    while made < rows {
        let count = (rows - made).min(1_000_000);
        run(
            conn,
            &format!(
                "INSERT INTO narrow (t,u) SELECT CONCAT('text number ', n, ' of the table'), \
                 SHA2(n + {made},224) FROM {numbers} LIMIT {count}"
            ),
        )
        .await;
        made += count;
    }
}

/// Many small tables, every tenth with a trigger, and a view and a function for every 25.
pub(crate) async fn small_tables(conn: &mut Conn, database: &str, tables: u64) {
    start(conn, database).await;
    for number in 0..tables {
        run(
            conn,
            &format!(
                "CREATE TABLE t{number} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, \
                 name VARCHAR(50) NOT NULL, at DATETIME, price DECIMAL(10,2), KEY (name))"
            ),
        )
        .await;
        run(
            conn,
            &format!(
                "INSERT INTO t{number} (name, at, price) VALUES ('one', '2024-01-01', 1.5), \
                 ('two''s', NULL, {number}), ('three', '2024-02-02 03:04:05', NULL)"
            ),
        )
        .await;
        if number % 10 == 0 {
            run(
                conn,
                &format!(
                    "CREATE TRIGGER g{number} BEFORE INSERT ON t{number} FOR EACH ROW \
                     SET NEW.price = COALESCE(NEW.price, 0)"
                ),
            )
            .await;
        }
        if number % 25 == 0 {
            run(conn, &format!("CREATE VIEW v{number} AS SELECT id, name FROM t{number}")).await;
            run(
                conn,
                &format!("CREATE FUNCTION f{number}(x INT) RETURNS INT DETERMINISTIC RETURN x + 1"),
            )
            .await;
        }
    }
}

/// One table of binary values of about 100 KB that do not compress.
pub(crate) async fn blobs(conn: &mut Conn, database: &str, megabytes: u64) {
    start(conn, database).await;
    run(conn, "CREATE TABLE blobs (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, b LONGBLOB)").await;
    let numbers = numbers();
    let value = format!("CONCAT({})", vec!["RANDOM_BYTES(1024)"; 100].join(","));
    for _ in 0..megabytes.div_ceil(10) {
        run(conn, &format!("INSERT INTO blobs (b) SELECT {value} FROM {numbers} LIMIT 100")).await;
    }
    analyze(conn, "blobs").await;
}

async fn analyze(conn: &mut Conn, tables: &str) {
    let _: Vec<mysql_async::Row> = conn.query(format!("ANALYZE TABLE {tables}")).await.unwrap();
}

/// The checksums of all tables of a database, by name, and how many programs and views it has.
pub(crate) async fn state(conn: &mut Conn, database: &str) -> Vec<(String, u64)> {
    let tables: Vec<String> = conn
        .query(format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{database}' \
             AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME"
        ))
        .await
        .unwrap();
    let mut sums = Vec::with_capacity(tables.len() + 4);
    for (what, schema) in [
        ("VIEWS", "TABLE_SCHEMA"),
        ("TRIGGERS", "TRIGGER_SCHEMA"),
        ("ROUTINES", "ROUTINE_SCHEMA"),
        ("EVENTS", "EVENT_SCHEMA"),
    ] {
        let sql =
            format!("SELECT COUNT(*) FROM information_schema.{what} WHERE {schema} = '{database}'");
        sums.push((what.to_owned(), conn.query_first(sql).await.unwrap().unwrap()));
    }
    for group in tables.chunks(100) {
        let list: Vec<_> = group.iter().map(|table| format!("{database}.{table}")).collect();
        let rows: Vec<(String, u64)> =
            conn.query(format!("CHECKSUM TABLE {}", list.join(","))).await.unwrap();
        sums.extend(rows.into_iter().zip(group).map(|((_, sum), name)| (name.clone(), sum)));
    }
    sums
}

/// Removes the binary logs that are full: those of many restores take more room than the data.
pub(crate) async fn purge_logs(conn: &mut Conn) {
    run(conn, "FLUSH BINARY LOGS").await;
    run(conn, "PURGE BINARY LOGS BEFORE NOW()").await;
}

//! Several connections read one state, cut large tables into pieces, and lose nothing between them.

use std::sync::{Arc, Mutex};

use mysql_async::Opts;
use mysql_async::prelude::Queryable as _;
use snapdump::archive::SnapshotRung;
use snapdump::{ConnectOptions, Context, DumpOptions, RestoreOptions, dump, inspect};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::backup::{dump_into, plain, restore_into, restore_with};
use crate::compare::{compare, describe};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::scratch;

/// Tables whose keys are of every kind that is cut, and of some that are not, each of a few hundred
/// rows of half a kilobyte.
async fn keys_of_all_kinds(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    let filler = "filler VARCHAR(600) NOT NULL DEFAULT (REPEAT('x', 500))";
    database
        .run(&[
            "CREATE TABLE digits (d INT PRIMARY KEY)",
            "INSERT INTO digits VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
            "CREATE TABLE numbers (n INT PRIMARY KEY)",
            "INSERT INTO numbers SELECT a.d + 10 * b.d + 100 * c.d - 500 \
             FROM digits a, digits b, digits c",
            &format!("CREATE TABLE close_numbers (id INT PRIMARY KEY, {filler})"),
            "INSERT INTO close_numbers (id) SELECT n FROM numbers",
            // Gaps, both ends of the type, and most rows in one corner.
            &format!("CREATE TABLE far_numbers (id BIGINT UNSIGNED PRIMARY KEY, {filler})"),
            "INSERT INTO far_numbers (id) SELECT n FROM numbers WHERE n >= 0",
            "INSERT INTO far_numbers (id) SELECT 18446744073709551615 - n * 3 FROM numbers \
             WHERE n BETWEEN 0 AND 200",
            "INSERT INTO far_numbers (id) SELECT 9000000000 + n * 100000000 FROM numbers \
             WHERE n BETWEEN 0 AND 99",
            &format!(
                "CREATE TABLE composite (a VARCHAR(20) COLLATE utf8mb4_bin, b DATE, c DECIMAL(8,2), \
                 {filler}, PRIMARY KEY (a, b, c))"
            ),
            "INSERT INTO composite (a, b, c) SELECT IF(n < 300, 'it''s \\\\ ä', CONCAT('k', n)), \
             DATE_ADD('2024-01-01', INTERVAL n MOD 7 DAY), n / 4 FROM numbers",
            &format!(
                "CREATE TABLE words (w VARCHAR(30) CHARACTER SET latin1 PRIMARY KEY, {filler})"
            ),
            "INSERT INTO words (w) SELECT CONCAT(CHAR(97 + n MOD 26), 'é', n + 500) FROM numbers",
            &format!("CREATE TABLE bytes (b VARBINARY(16) PRIMARY KEY, {filler})"),
            "INSERT INTO bytes (b) SELECT UNHEX(LEFT(SHA2(n, 224), 32)) FROM numbers WHERE n < 0",
            &format!("CREATE TABLE moments (at DATETIME(6) PRIMARY KEY, {filler})"),
            "INSERT INTO moments (at) SELECT DATE_ADD('2024-01-01', INTERVAL n * n * 13 MICROSECOND) \
             FROM numbers WHERE n >= 0",
            &format!(
                "CREATE TABLE parts (id INT PRIMARY KEY, {filler}) \
                 PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (0), \
                 PARTITION `p 1` VALUES LESS THAN (10), PARTITION p2 VALUES LESS THAN MAXVALUE)"
            ),
            "INSERT INTO parts (id) SELECT n FROM numbers",
            &format!("CREATE TABLE keyless (n INT, {filler}) PARTITION BY HASH (n) PARTITIONS 3"),
            "INSERT INTO keyless (n) SELECT n FROM numbers",
            &format!("CREATE TABLE members (m ENUM('z','y','x') PRIMARY KEY, {filler})"),
            "INSERT INTO members (m) VALUES ('x'), ('y'), ('z')",
            &format!("CREATE TABLE backwards (id INT, {filler}, PRIMARY KEY (id DESC))"),
            "INSERT INTO backwards (id) SELECT n FROM numbers",
            // Days that no calendar has, and those with a zero in them.
            "SET sql_mode = 'ALLOW_INVALID_DATES'",
            &format!("CREATE TABLE days (d DATE PRIMARY KEY, {filler})"),
            "INSERT INTO days (d) SELECT CONCAT(2000 + n DIV 100, '-', n DIV 10 MOD 10, '-', 22 + n MOD 10) \
             FROM numbers WHERE n >= 0",
            &format!("CREATE TABLE wrong_moments (at DATETIME PRIMARY KEY, {filler})"),
            "INSERT INTO wrong_moments (at) SELECT CONCAT(d, ' 12:00:01') FROM days",
            &format!("CREATE TABLE stamps (at TIMESTAMP(2) PRIMARY KEY, {filler})"),
            "INSERT INTO stamps (at) SELECT IF(n = 0, '0000-00-00', FROM_UNIXTIME(n * 9999.99)) \
             FROM numbers WHERE n >= 0",
            &format!("CREATE TABLE times (at TIME(3) PRIMARY KEY, {filler})"),
            "INSERT INTO times (at) SELECT SEC_TO_TIME(n * 3000.125) FROM numbers",
            // Letters that a collation takes for one another, and character sets of many bytes.
            &format!(
                "CREATE TABLE accents (w VARCHAR(9) COLLATE utf8mb4_unicode_ci PRIMARY KEY, {filler})"
            ),
            "INSERT INTO accents (w) SELECT CONCAT(ELT(1 + ABS(n) MOD 4, 'e', 'É', 'ê', 'ss'), n) FROM numbers",
            &format!("CREATE TABLE japanese (w VARCHAR(9) CHARACTER SET cp932 PRIMARY KEY, {filler})"),
            "INSERT INTO japanese (w) SELECT CONCAT(ELT(1 + ABS(n) MOD 4, 'ソ', '表', 'ｱ', '①'), n) FROM numbers",
            &format!("CREATE TABLE wide (w VARCHAR(9) CHARACTER SET utf16 PRIMARY KEY, {filler})"),
            "INSERT INTO wide (w) SELECT CONCAT(ELT(1 + ABS(n) MOD 3, '😀', 'ä', '~'), n) FROM numbers",
            "SET sql_mode = DEFAULT",
        ])
        .await;
    let mut conn = database.conn().await;
    let tables: Vec<String> = conn.query("SHOW TABLES").await.unwrap();
    for table in tables {
        // The estimates are what tells a large table.
        let _: Vec<mysql_async::Row> = conn.query(format!("ANALYZE TABLE {table}")).await.unwrap();
    }
    conn.disconnect().await.unwrap();
    database
}

/// An account that may read the database and nothing else.
async fn reader_of(database: &TestDatabase) -> ConnectOptions {
    let mut conn = database.server.conn().await;
    let user = format!("{}_reader", database.name);
    for statement in [
        format!("CREATE USER {user} IDENTIFIED BY 'Reader-1'"),
        format!("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON {}.* TO {user}", database.name),
        if database.server.is_mariadb() {
            format!("GRANT SELECT ON mysql.proc TO {user}")
        } else {
            format!("GRANT SHOW_ROUTINE ON *.* TO {user}")
        },
    ] {
        conn.query_drop(statement).await.unwrap();
    }
    conn.disconnect().await.unwrap();
    ConnectOptions::from_url(&database.server.url)
        .unwrap()
        .with_user(user)
        .with_password("Reader-1")
        .with_database(&database.name)
}

async fn drop_reader_of(database: &TestDatabase) {
    let mut conn = database.server.conn().await;
    conn.query_drop(format!("DROP USER {}_reader", database.name)).await.unwrap();
    conn.disconnect().await.unwrap();
}

/// A server between the client and the real one that counts the commands that want an answer.
async fn recording_proxy(server: &TestServer) -> (u16, Arc<Mutex<Vec<String>>>) {
    let opts = Opts::from_url(&server.url).unwrap();
    let target = (opts.ip_or_hostname().to_owned(), opts.tcp_port());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let commands = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&commands);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (target, recorder) = (target.clone(), Arc::clone(&recorder));
            tokio::spawn(async move {
                let server = TcpStream::connect(target).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let back = tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                });
                let mut header = [0; 4];
                while from_client.read_exact(&mut header).await.is_ok() {
                    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
                    let mut body = vec![0; usize::try_from(length).unwrap()];
                    from_client.read_exact(&mut body).await.unwrap();
                    // A command begins a conversation; COM_QUIT and COM_STMT_CLOSE have no answer.
                    if header[3] == 0 && !matches!(body.first(), Some(0x01 | 0x19)) {
                        let command = String::from_utf8_lossy(&body).into_owned();
                        recorder.lock().unwrap().push(command);
                    }
                    to_server.write_all(&header).await.unwrap();
                    to_server.write_all(&body).await.unwrap();
                }
                drop(to_server);
                back.abort();
            });
        }
    });
    (port, commands)
}

/// A database behind a proxy that listens on a port.
fn through(port: u16, database: &TestDatabase) -> ConnectOptions {
    let opts = Opts::from_url(&database.server.url).unwrap();
    let (password, name) = (opts.pass().unwrap(), &database.name);
    let url = format!("mysql://root:{password}@127.0.0.1:{port}/{name}?ssl-mode=disabled");
    ConnectOptions::from_url(&url).unwrap()
}

on_each_server! {
    /// S5: Pieces, partitions and whole tables together hold every row once.
    async fn pieces_make_up_the_whole(server: TestServer) {
        let database = keys_of_all_kinds(&server).await;
        let (_directory, path) = scratch();
        let options = plain().with_connections(3).with_chunk_bytes(64 << 10);
        let report = dump_into(&database, &path, &options).await;
        assert_eq!(report.snapshot.connections, 3);
        assert_ne!(report.snapshot.rung, SnapshotRung::OneConnection);
        let manifest = inspect(&path).unwrap().manifest;
        assert_eq!(manifest.snapshot, report.snapshot);

        // Each piece is a transaction of its own.
        let text = std::fs::read_to_string(&path).unwrap();
        let pieces = |table: &str| {
            text.split("START TRANSACTION;\n")
                .filter(|piece| piece.starts_with(&format!("INSERT INTO `{table}` ")))
                .count()
        };
        let cut = [
            "close_numbers", "far_numbers", "composite", "words", "bytes", "moments", "parts", "days",
            "wrong_moments", "stamps", "accents", "japanese", "wide",
        ];
        for table in cut {
            assert!((3..=40).contains(&pieces(table)), "{table}: {}", pieces(table));
        }
        assert_eq!(pieces("keyless"), 3);
        assert_eq!((pieces("backwards"), pieces("times")), (1, 1));
        // Shares a transaction with other small tables.
        assert_eq!(text.matches("INSERT INTO `members` ").count(), 1);

        let target = server.database().await;
        restore_into(&target, &path).await;
        let mut conn = server.conn().await;
        let before = describe(&mut conn, &database.name).await.unwrap();
        let after = describe(&mut conn, &target.name).await.unwrap();
        conn.disconnect().await.unwrap();
        let lines: Vec<_> = compare(&before, &after).iter().map(ToString::to_string).collect();
        assert_eq!(lines, [""; 0]);
    }

    /// However the keys lie, there are about as many queries as pieces that the rows fill.
    async fn gaps_between_keys_make_no_empty_pieces(server: TestServer) {
        const ROWS: u64 = 2000;
        const PIECE_BYTES: u64 = 64 << 10;
        // From 1 to 2000: the first key, and so on.
        let keys = [
            ("close", "n"),
            ("every_second", "n * 2"),
            ("sparse", "n * 50"),
            ("very_sparse", "n * 4000000000000000"),
            ("hole", "IF(n <= 1000, n, n + 1000000000)"),
            ("skewed", "IF(n <= 1990, n, n * 4000000000000000)"),
            ("both_ends", "CASE n WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 \
                           ELSE n END"),
            ("clusters", "n DIV 100 * 1000000000000 + n"),
        ];
        let database = server.database().await;
        let mut conn = database.conn().await;
        conn.query_drop("CREATE TABLE numbers (n BIGINT PRIMARY KEY)").await.unwrap();
        conn.query_drop(if server.is_mariadb() {
            "SET max_recursive_iterations = 100000"
        } else {
            "SET cte_max_recursion_depth = 100000"
        })
        .await
        .unwrap();
        conn.query_drop(format!(
            "INSERT INTO numbers WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s \
             WHERE n < {ROWS}) SELECT n FROM s"
        ))
        .await
        .unwrap();
        for (table, key) in keys {
            conn.query_drop(format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY, x VARCHAR(500))"))
                .await
                .unwrap();
            let insert = format!("INSERT INTO {table} SELECT {key}, REPEAT('x', 400) FROM numbers");
            conn.query_drop(insert).await.unwrap();
            let sql = format!("ANALYZE TABLE {table}");
            let _: Vec<mysql_async::Row> = conn.query(sql).await.unwrap();
        }
        let (port, commands) = recording_proxy(&server).await;
        let options = plain().with_connections(3).with_chunk_bytes(PIECE_BYTES);
        let report = dump(
            &through(port, &database),
            Vec::new(),
            &options,
            &Context::new(),
        )
        .await
        .unwrap();
        assert_eq!(report.rows, ROWS * (1 + keys.len() as u64));

        let commands = std::mem::take(&mut *commands.lock().unwrap());
        for (table, _) in keys {
            // As many rows as the dump takes for a piece, by what the server guesses.
            let sql = format!(
                "SELECT DATA_LENGTH DIV TABLE_ROWS FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = '{}' AND TABLE_NAME = '{table}'",
                database.name
            );
            let row_bytes: Option<u64> = conn.query_first(sql).await.unwrap();
            let pieces = ROWS.div_ceil(PIECE_BYTES / row_bytes.unwrap());
            let name = format!("`{table}`");
            let forced = commands
                .iter()
                .filter(|sql| sql.contains("FORCE INDEX (PRIMARY)") && sql.contains(&name))
                .count() as u64;
            // A query for the end of a piece, and one for its rows; a piece of numbers, which needs
            // only one, may be half full.
            assert!(forced >= pieces, "{table}: {forced} queries, {pieces} pieces");
            assert!(forced <= 2 * (pieces + 1) + 1, "{table}: {forced} queries, {pieces} pieces");
        }
        conn.disconnect().await.unwrap();
    }

    /// A range of keys makes the server pass over partitions in which it has no place.
    async fn rows_in_a_wrong_partition_are_read(server: TestServer) {
        let database = keys_of_all_kinds(&server).await;
        let exchange = "ALTER TABLE wrong EXCHANGE PARTITION p0 WITH TABLE numbers_too";
        // An older server always validates: there nothing is wrong.
        let unchecked = if server.name == "mariadb_10_11" { "" } else { " WITHOUT VALIDATION" };
        let last = if unchecked.is_empty() { 3_000_000 } else { 5 };
        database
            .run(&[
                "CREATE TABLE numbers_too (id INT PRIMARY KEY, filler CHAR(200) DEFAULT 'x')",
                "INSERT INTO numbers_too (id) SELECT n FROM numbers",
                &format!(
                    "CREATE TABLE wrong (id INT PRIMARY KEY, filler CHAR(200) DEFAULT 'x') \
                     PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN ({last}), \
                     PARTITION p1 VALUES LESS THAN MAXVALUE)"
                ),
                &format!("{exchange}{unchecked}"),
            ])
            .await;
        let mut conn = database.conn().await;
        let _: Vec<mysql_async::Row> = conn.query("ANALYZE TABLE wrong").await.unwrap();
        let there: Option<u64> = conn.query_first("SELECT COUNT(*) FROM numbers").await.unwrap();
        conn.disconnect().await.unwrap();
        let (_directory, path) = scratch();
        let options = DumpOptions::default().with_connections(2).with_chunk_bytes(16 << 10);
        dump_into(&database, &path, &options).await;
        let objects = inspect(&path).unwrap().manifest.objects;
        let entry = objects.iter().find(|entry| entry.name.name() == "wrong").unwrap();
        assert_eq!(entry.rows, there);
    }

    /// Indexes that are built after the rows are those that were there, in the same order.
    async fn indexes_that_were_put_off_come_back(server: TestServer) {
        let database = keys_of_all_kinds(&server).await;
        database
            .run(&[
                "ALTER TABLE close_numbers ADD COLUMN a INT, ADD COLUMN t TEXT, \
                 ADD KEY z (a), ADD KEY `a``b,` (filler(10), a) COMMENT 'it''s, (one)', \
                 ADD UNIQUE KEY u (id, a), ADD FULLTEXT KEY f (t)",
                "CREATE TABLE parent LIKE close_numbers",
                "ALTER TABLE parent ADD COLUMN code INT NOT NULL, ADD COLUMN other INT, \
                 ADD UNIQUE KEY code (code), ADD KEY other (other)",
                "INSERT INTO parent (id, code, other) SELECT n, n + 5000, n FROM numbers",
                "CREATE TABLE child LIKE close_numbers",
                "ALTER TABLE child ADD COLUMN near INT, ADD COLUMN v INT, ADD COLUMN up INT, \
                 ADD KEY (v), ADD UNIQUE KEY `both` (near, v), \
                 ADD FOREIGN KEY (near) REFERENCES close_numbers (id) ON DELETE CASCADE, \
                 ADD CONSTRAINT `to``code, FOREIGN` FOREIGN KEY (v) REFERENCES parent (code), \
                 ADD CONSTRAINT up FOREIGN KEY (up) REFERENCES child (id)",
                "INSERT INTO child (id, near, v, up) SELECT n, n, n + 5000, n FROM numbers",
            ])
            .await;
        let mut conn = database.conn().await;
        for table in ["close_numbers", "parent", "child"] {
            let sql = format!("ANALYZE TABLE {table}");
            let _: Vec<mysql_async::Row> = conn.query(sql).await.unwrap();
        }
        let (_directory, path) = scratch();
        let options = DumpOptions::default().with_connections(2).with_chunk_bytes(64 << 10);
        dump_into(&database, &path, &options).await;
        let before = describe(&mut conn, &database.name).await.unwrap();
        for (connections, bytes) in [(3, 0), (2, u64::MAX), (1, 0)] {
            let target = server.database().await;
            let options = RestoreOptions::default()
                .with_connections(connections)
                .with_deferred_index_bytes(bytes);
            restore_with(&target, &path, &options).await;
            // One of its own: dropping a database ends the connections that are in it.
            let mut conn = server.conn().await;
            let after = describe(&mut conn, &target.name).await.unwrap();
            let lines: Vec<_> = compare(&before, &after).iter().map(ToString::to_string).collect();
            assert_eq!(lines, [""; 0], "{connections} connections");
            // The keys are at work.
            for (statement, number) in [
                ("INSERT INTO child (id, v) VALUES (9999, 1)", 1452),
                ("INSERT INTO child (id, up) VALUES (9999, 9998)", 1452),
                ("DELETE FROM parent WHERE code = 5000", 1451),
                ("INSERT INTO parent (id, code) VALUES (9999, 5000)", 1062),
            ] {
                conn.query_drop(format!("USE {}", target.name)).await.unwrap();
                match conn.query_drop(statement).await.unwrap_err() {
                    mysql_async::Error::Server(error) => assert_eq!(error.code, number, "{error}"),
                    error => panic!("{error}"),
                }
            }
            conn.disconnect().await.unwrap();
        }
        conn.disconnect().await.unwrap();
    }

    /// Keys that would come back in another order, or without an option, are not put off.
    async fn indexes_that_would_not_come_back_stay(server: TestServer) {
        let database = keys_of_all_kinds(&server).await;
        let columns = "id INT PRIMARY KEY, a INT, b VARCHAR(600)";
        let rows = "SELECT n, n, REPEAT('x', 500)";
        database
            .run(&[
                &format!("CREATE TABLE s ({columns}, p POINT NOT NULL, KEY (b), SPATIAL KEY (p), KEY (a))"),
                &format!("INSERT INTO s {rows}, POINT(n, 1) FROM numbers"),
            ])
            .await;
        if server.is_mariadb() {
            database
                .run(&[
                    "SET sql_mode = 'IGNORE_BAD_TABLE_OPTIONS'",
                    &format!("CREATE TABLE o ({columns}, KEY (b) option_k = 'y', KEY (a))"),
                    &format!("INSERT INTO o {rows} FROM numbers"),
                    &format!(
                        "CREATE TABLE w ({columns}, since DATE NOT NULL, till DATE NOT NULL, \
                         PERIOD FOR p (since, till), UNIQUE KEY (b, a), \
                         UNIQUE KEY (a, p WITHOUT OVERLAPS), KEY (a))"
                    ),
                    &format!("INSERT INTO w {rows}, '2026-01-01', '2026-01-02' FROM numbers"),
                ])
                .await;
        }
        let (_directory, path) = scratch();
        let options = DumpOptions::default().with_connections(2).with_chunk_bytes(64 << 10);
        dump_into(&database, &path, &options).await;
        let mut conn = server.conn().await;
        let before = describe(&mut conn, &database.name).await.unwrap();
        for connections in [1, 3] {
            let target = server.database().await;
            let options = RestoreOptions::default()
                .with_connections(connections)
                .with_deferred_index_bytes(0);
            restore_with(&target, &path, &options).await;
            let mut conn = server.conn().await;
            let after = describe(&mut conn, &target.name).await.unwrap();
            let lines: Vec<_> = compare(&before, &after).iter().map(ToString::to_string).collect();
            assert_eq!(lines, [""; 0], "{connections} connections");
            conn.disconnect().await.unwrap();
        }
        conn.disconnect().await.unwrap();
    }

    /// One connection needs no privilege beyond reading, and the same rows give the same script.
    async fn one_connection_needs_no_privilege_and_is_repeatable(server: TestServer) {
        let database = server.database().await;
        database
            .run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (2), (1)"])
            .await;
        let limited = reader_of(&database).await;
        let options = plain().with_connections(1);
        let mut scripts = Vec::new();
        for _ in 0..2 {
            let mut output = Vec::new();
            let report = dump(&limited, &mut output, &options, &Context::new()).await.unwrap();
            assert_eq!(report.snapshot.rung, SnapshotRung::OneConnection);
            assert_eq!(report.snapshot.connections, 1);
            let text = String::from_utf8(output).unwrap();
            scripts.push(text.split("-- manifest ").next().unwrap().to_owned());
        }
        drop_reader_of(&database).await;
        assert_eq!(scripts[0], scripts[1]);
    }

    /// Small tables share their round trips; one whose rows are read by the binary protocol takes two
    /// of its own.
    async fn small_tables_take_few_round_trips(server: TestServer) {
        for (kind, expected) in [("INT", 1..=6), ("DOUBLE", 60..=96)] {
            let database = server.database().await;
            let mut conn = database.conn().await;
            let (port, commands) = recording_proxy(&server).await;
            let through_proxy = through(port, &database);
            let mut sent = Vec::new();
            for from in [0, 30] {
                for number in from..from + 30 {
                    let columns = format!("(id INT PRIMARY KEY, v {kind})");
                    conn.query_drop(format!("CREATE TABLE t{number} {columns}")).await.unwrap();
                }
                // A table of this very second costs a look at its numbers.
                tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
                let options = DumpOptions::default().with_connections(1);
                dump(&through_proxy, Vec::new(), &options, &Context::new()).await.unwrap();
                // How often the snapshot is begun depends on what other tests write meanwhile.
                let mut of_dump = std::mem::take(&mut *commands.lock().unwrap());
                let snapshot = of_dump.iter().rposition(|sql| sql.contains("CONSISTENT SNAPSHOT"));
                sent.push(of_dump.split_off(snapshot.unwrap()));
            }
            conn.disconnect().await.unwrap();
            let thirty_tables = sent[1].len() - sent[0].len();
            // And a few for all of them together.
            assert!(expected.contains(&thirty_tables), "{kind}: {thirty_tables} {sent:#?}");
        }
    }

    /// A server takes no text beyond its `max_allowed_packet`, however many columns small tables have.
    async fn texts_of_several_queries_stay_short(server: TestServer) {
        let database = server.database().await;
        let mut conn = database.conn().await;
        let columns: Vec<_> = (0..250).map(|n| format!("{}{n} INT", "c".repeat(55))).collect();
        for number in 0..12 {
            let sql = format!("CREATE TABLE t{number} ({})", columns.join(","));
            conn.query_drop(sql).await.unwrap();
            conn.query_drop(format!("INSERT INTO t{number} VALUES ()")).await.unwrap();
        }
        conn.disconnect().await.unwrap();
        let (port, commands) = recording_proxy(&server).await;
        let options = DumpOptions::default().with_connections(1);
        let report =
            dump(&through(port, &database), Vec::new(), &options, &Context::new()).await.unwrap();
        assert_eq!(report.rows, 12);
        let sent = commands.lock().unwrap();
        let of_rows: Vec<_> = sent.iter().filter(|sql| sql.contains("ccc0`,")).collect();
        assert_eq!(of_rows.len(), 3, "four of the tables at a time");
        assert!(of_rows.iter().all(|sql| sql.len() <= 64 << 10));
    }
}

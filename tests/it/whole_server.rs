//! What concerns a server as a whole, on servers that belong to the tests: dumps of everything by the
//! stock tools, and the limit of a packet.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder};
use snapdump::{
    ConnectOptions, Context, DumpOptions, ErrorKind, RestoreOptions, dump_to_path, restore,
};

use crate::backup::assert_error;
use crate::compare::{Description, compare, describe};
use crate::faults::private::PrivateServer;
use crate::harness::{run, stderr_of};
use crate::roundtrip::{gunzip, scratch};

/// The databases and the account that a dump of everything is to bring back.
async fn fill(private: &PrivateServer) {
    private
        .run(&[
            "CREATE DATABASE one CHARACTER SET latin1",
            "CREATE TABLE one.t (id INT PRIMARY KEY, word VARCHAR(20))",
            "INSERT INTO one.t VALUES (1, 'gr\u{fc}n'), (2, NULL)",
            "CREATE VIEW one.v AS SELECT id FROM one.t",
            "CREATE DATABASE two CHARACTER SET utf8mb4",
            "CREATE TABLE two.t (id INT PRIMARY KEY, word VARCHAR(20))",
            "INSERT INTO two.t SELECT * FROM one.t",
            "CREATE TRIGGER two.g BEFORE INSERT ON two.t FOR EACH ROW SET NEW.word = 'x; y'",
            "CREATE PROCEDURE two.p() SELECT COUNT(*) FROM one.v",
            "CREATE EVENT two.e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM one.t",
            "CREATE USER reader@'%' IDENTIFIED BY 'a pass word'",
            "GRANT SELECT ON one.* TO reader@'%'",
        ])
        .await;
}

const GONE: [&str; 4] =
    ["DROP DATABASE one", "DROP DATABASE two", "DROP USER reader@'%'", "FLUSH PRIVILEGES"];

async fn described(private: &PrivateServer) -> (Vec<Description>, Vec<String>) {
    // Accounts whose table was written to are read anew.
    private.run(&["FLUSH PRIVILEGES"]).await;
    let mut conn = private.server.conn().await;
    let mut all = Vec::new();
    for name in ["one", "two"] {
        all.push(describe(&mut conn, name).await.unwrap());
    }
    let grants = conn.query("SHOW GRANTS FOR reader@'%'").await.unwrap();
    conn.disconnect().await.unwrap();
    (all, grants)
}

fn assert_same(
    before: &(Vec<Description>, Vec<String>),
    after: &(Vec<Description>, Vec<String>),
    what: &str,
) {
    for (before, after) in before.0.iter().zip(&after.0) {
        let lines: Vec<_> = compare(before, after).iter().map(ToString::to_string).collect();
        assert_eq!(lines, [""; 0], "{what}: {}", before.database);
        assert_eq!(before.rows(), 2);
    }
    assert_eq!(before.1, after.1, "{what}");
}

/// A dump of everything holds the server's own databases, accounts and all: it takes every leave.
async fn everything(private: &PrivateServer) {
    let server = &private.server;
    fill(private).await;
    let before = described(private).await;
    let mut options = vec!["--all-databases", "--routines", "--events", "--triggers"];
    if !server.is_mariadb() {
        options.push("--set-gtid-purged=OFF");
    }
    let script = server.try_stock_dump(&options).await.unwrap();
    let (directory, path) = scratch();
    std::fs::write(&path, &script).unwrap();
    let connect = ConnectOptions::from_url(&server.url).unwrap();
    let points = directory.path().join("points");
    std::fs::create_dir(&points).unwrap();
    let plain = RestoreOptions::default().with_restore_point_directory(&points);
    let leave = plain.clone().with_other_databases(true);
    for (options, words) in [
        (plain.clone(), "'mysql'"),
        (leave.clone(), "with_server_statements"),
        (plain.with_server_statements(true), "with_other_databases"),
    ] {
        let context = Context::new();
        let error = restore(&connect, &path, &options, &context).await.unwrap_err();
        assert_error(server, &error, ErrorKind::Config, &["more"]);
        let mut all = std::iter::once(&error).chain(error.others());
        assert!(all.any(|error| error.to_string().contains(words)), "{}", error.chain());
        assert_eq!(context.progress().statements_done, 0);
    }
    assert_same(&before, &described(private).await, "refused");

    private.run(&GONE).await;
    let leave = leave.with_server_statements(true);
    let report = restore(&connect, &path, &leave, &Context::new())
        .await
        .unwrap_or_else(|error| panic!("{}: {}", server.name, error.chain()));
    assert_eq!(report.restore_point, None);
    assert_same(&before, &described(private).await, "ours");

    private.run(&GONE).await;
    let mut client = server.client();
    client.arg("--comments");
    let output = run(client, &script).await;
    assert!(output.status.success(), "{}: {}", server.name, stderr_of(&output));
    assert_same(&before, &described(private).await, "theirs");

    // Over databases that are there: those of its own the server keeps, the others are saved.
    let report = restore(&connect, &path, &leave, &Context::new())
        .await
        .unwrap_or_else(|error| panic!("{}: {}", server.name, error.chain()));
    let point = snapdump::inspect(report.restore_point.unwrap()).unwrap().manifest;
    let saved: Vec<_> = point.databases.iter().map(|database| database.name.as_str()).collect();
    assert_eq!(saved, ["one", "two"]);
    assert_same(&before, &described(private).await, "over what is there");

    // The server's own database is no place to restore into by mistake.
    std::fs::write(&path, "CREATE TABLE stray (id INT);\n").unwrap();
    let own = ConnectOptions::from_url(&server.url_of("mysql")).unwrap();
    let error =
        restore(&own, &path, &RestoreOptions::default(), &Context::new()).await.unwrap_err();
    assert_error(server, &error, ErrorKind::Config, &["'mysql'", "with_server_statements"]);
}

/// Rows that no packet of the usual size holds come back to the byte where it was raised, by us and
/// by the stock client; where it was not, the check says so before anything is sent.
async fn large_rows(private: &PrivateServer) {
    const RAISED: u64 = 256 << 20;
    let server = &private.server;
    let mut conn = server.conn().await;
    let usual: Option<u64> = conn.query_first("SELECT @@GLOBAL.max_allowed_packet").await.unwrap();
    conn.disconnect().await.unwrap();
    let set = |bytes: u64| format!("SET GLOBAL max_allowed_packet = {bytes}");
    private.run(&[&set(RAISED)]).await;
    private
        .run(&[
            "CREATE DATABASE large",
            "CREATE DATABASE back",
            "CREATE TABLE large.t (id INT PRIMARY KEY, b LONGBLOB)",
            "INSERT INTO large.t VALUES (1, REPEAT(x'80FE01AB', 16777216))",
            "INSERT INTO large.t VALUES (2, REPEAT(x'80', 70000000))",
        ])
        .await;
    let (_directory, path) = scratch();
    let of = |name: &str| ConnectOptions::from_url(&server.url_of(name)).unwrap();
    let report = dump_to_path(&of("large"), &path, &DumpOptions::default(), &Context::new())
        .await
        .unwrap_or_else(|error| panic!("{}: {}", server.name, error.chain()));
    assert_eq!(report.rows, 2);
    let warned = |warning: &String| warning.contains("max_allowed_packet");
    assert!(report.warnings.iter().all(warned) && report.warnings.len() == 1, "{report:?}");
    let digests = async |name: &str| {
        let mut conn = server.conn().await;
        let digests: Vec<(u32, u64, String)> = conn
            .query(format!("SELECT id, LENGTH(b), SHA2(b, 256) FROM {name}.t ORDER BY id"))
            .await
            .unwrap();
        conn.disconnect().await.unwrap();
        digests
    };
    let expected = digests("large").await;
    assert_eq!(expected.iter().map(|row| row.1).collect::<Vec<_>>(), [67_108_864, 70_000_000]);
    // What is copied from here on is not to wait in memory for the pages of the original.
    private.run(&["DROP DATABASE large", &set(usual.unwrap())]).await;

    let options = RestoreOptions::default();
    let context = Context::new();
    let error = restore(&of("back"), &path, &options, &context).await.unwrap_err();
    let words = ["max_allowed_packet", &usual.unwrap().to_string()];
    assert_error(server, &error, ErrorKind::Config, &words);
    assert_eq!(context.progress().statements_done, 0);
    let mut conn = server.conn().await;
    let tables: Vec<String> = conn.query("SHOW TABLES FROM back").await.unwrap();
    conn.disconnect().await.unwrap();
    assert_eq!(tables, [""; 0]);

    private.run(&[&set(RAISED)]).await;
    restore(&of("back"), &path, &options, &Context::new())
        .await
        .unwrap_or_else(|error| panic!("{}: {}", server.name, error.chain()));
    assert_eq!(digests("back").await, expected, "{}: ours", server.name);
    private.run(&["DROP TABLE back.t"]).await;
    let mut client = server.client();
    client.args(["--max-allowed-packet=1G", "back"]);
    let output = run(client, &gunzip(&path)).await;
    assert!(output.status.success(), "{}: {}", server.name, stderr_of(&output));
    assert_eq!(digests("back").await, expected, "{}: theirs", server.name);
    private.run(&["DROP DATABASE back", &set(usual.unwrap())]).await;
}

/// The longest statement that fits is restored; one byte more is refused before the first is sent,
/// as the server would refuse it.
async fn packets(private: &PrivateServer) {
    const LIMIT: usize = 1 << 20;
    let server = &private.server;
    private
        .run(&[
            &format!("SET GLOBAL max_allowed_packet = {LIMIT}"),
            "DROP DATABASE IF EXISTS packets",
            "CREATE DATABASE packets",
        ])
        .await;
    let connect = ConnectOptions::from_url(&server.url_of("packets")).unwrap();
    let (_directory, path) = scratch();
    let create = "CREATE TABLE IF NOT EXISTS first (id INT);\n";
    let statement = |length: usize| {
        let (head, tail) = ("DO LENGTH('", "')");
        format!("{head}{}{tail}", "x".repeat(length - head.len() - tail.len()))
    };
    // A packet has one byte before its statement and has to be shorter than the limit.
    let fits = LIMIT - 2;
    for length in [fits, fits + 1] {
        let script = format!("{create}\n{};\n", statement(length));
        std::fs::write(&path, &script).unwrap();
        let context = Context::new();
        let restored = restore(&connect, &path, &RestoreOptions::default(), &context).await;
        // The server's own word, on a connection that sends whatever it is given.
        let opts = Opts::from_url(&server.url_of("packets")).unwrap();
        let opts = OptsBuilder::from_opts(opts).max_allowed_packet(Some(LIMIT * 16));
        let mut bare = Conn::new(opts.prefer_socket(false)).await.unwrap();
        let taken = bare.query_drop(statement(length)).await;
        if length == fits {
            let report = restored.unwrap_or_else(|error| panic!("{}", error.chain()));
            assert_eq!(report.statements, 2);
            assert!(taken.is_ok(), "{}: {taken:?}", server.name);
            private.run(&["DROP TABLE packets.first"]).await;
        } else {
            let error = restored.unwrap_err();
            let bytes = format!("{length} bytes");
            let enough = format!("set it to {}", LIMIT + 1024);
            let words = ["max_allowed_packet", &bytes, &LIMIT.to_string(), &enough];
            assert_error(server, &error, ErrorKind::Config, &words);
            let place = error.location();
            assert_eq!((place.statement, place.line), (Some(2), Some(3)));
            assert_eq!(place.byte, Some(create.len() as u64 + 1));
            assert_eq!(place.excerpt.as_deref(), Some("DO LENGTH('…')"));
            assert_eq!(context.progress().statements_done, 0);
            assert!(taken.is_err(), "{}", server.name);
        }
    }
    // One that is never held in memory as a whole, and is all the same told to the byte.
    let length = LIMIT + (20 << 20);
    let (_other_directory, long) = scratch();
    std::fs::write(&long, format!("{create}\n{} \n;\nDO 1;\n", statement(length))).unwrap();
    let context = Context::new();
    let error = restore(&connect, &long, &RestoreOptions::default(), &context).await.unwrap_err();
    let words = [&format!("of {} bytes", length + 2), &format!("set it to {}", length + 1024)];
    assert_error(server, &error, ErrorKind::Config, &words.map(String::as_str));
    let place = error.location();
    assert_eq!((place.statement, place.line), (Some(2), Some(3)));
    assert_eq!(place.byte, Some(create.len() as u64 + 1));
    assert_eq!(place.excerpt.as_deref(), Some("DO LENGTH('…'"));
    assert_eq!(context.progress().statements_done, 0);
    let mut conn = server.conn().await;
    let tables: Vec<String> = conn.query("SHOW TABLES FROM packets").await.unwrap();
    assert_eq!(tables, [""; 0]);
    // What is set as the error says is enough.
    conn.query_drop(format!("SET GLOBAL max_allowed_packet = {}", LIMIT + 1024)).await.unwrap();
    conn.disconnect().await.unwrap();
    restore(&connect, &path, &RestoreOptions::default(), &Context::new())
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()));
}

on_each_server! {
    async fn dumps_of_everything_and_statements_at_the_limit(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        everything(&private).await;
        // On one of each kind: they take their time.
        if server.name != "mariadb_10_11" {
            large_rows(&private).await;
        }
        packets(&private).await;
    }
}

//! A single connection, or only its statement, that an administrator or a watchdog kills while the
//! server works on it.

use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, DumpOptions, ErrorKind, TlsMode, dump_to_path, restore};

use super::figure;
use super::property::After;
use super::proxy::Proxy;
use super::world::{BOUND, End, World, impatient};
use crate::backup::{assert_error, files_in};
use crate::harness::TestDatabase;
use crate::roundtrip::connect;

const KILLS: [&str; 2] = ["KILL QUERY", "KILL"];

/// Waits for a statement with `text` in it, and kills it, or its connection.
async fn kill(database: &TestDatabase, how: &str, text: &str) {
    let mut conn = database.server.conn().await;
    let query = format!(
        "SELECT ID FROM information_schema.PROCESSLIST \
         WHERE DB = '{}' AND COMMAND IN ('Query', 'Execute') AND INFO LIKE '%{text}%' \
         AND ID <> CONNECTION_ID()",
        database.name
    );
    let since = Instant::now();
    let id = loop {
        // MySQL fails while any connection runs a statement with characters beyond the BMP.
        let found: Vec<u64> = conn.query(&query).await.unwrap_or_default();
        if let Some(id) = found.first() {
            break *id;
        }
        assert!(since.elapsed() < BOUND, "{text} never ran");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    conn.query_drop(format!("{how} {id}")).await.unwrap();
    conn.disconnect().await.unwrap();
}

/// What the end of a killed statement is reported as.
fn assert_killed(world: &World, how: &str, error: &snapdump::Error) {
    let kind = error.kind();
    assert!([ErrorKind::Server, ErrorKind::Connect].contains(&kind), "{}", error.chain());
    assert_error(&world.server, error, kind, &[]);
    if how == "KILL QUERY" {
        let number = error.server().map(|server| server.number);
        assert_eq!(number, Some(1317), "{}", error.chain());
    }
}

on_each_server! {
    /// A query that is killed gives fewer rows: never is that taken for all of them.
    async fn a_query_of_rows_that_is_killed(server: TestServer) {
        let world = World::make(&server, 50).await;
        for how in KILLS {
            for connections in [1, 3] {
                figure("faults injected", 1);
                let what = format!("{how}, {connections} connections");
                let options = DumpOptions::default()
                    .with_connections(connections)
                    .with_where("items", "SLEEP(IF(id > 20, 60, 0)) = 0");
                let (from, path) = (connect(&world.source), world.directory.path().join("dump.sql.gz"));
                let running = tokio::spawn(async move {
                    dump_to_path(&from, path, &options, &Context::new()).await
                });
                kill(&world.source, how, "SLEEP(IF").await;
                let ended = tokio::time::timeout(BOUND, running).await.expect("no end").unwrap();
                assert_killed(&world, how, &ended.expect_err(&what));
                assert_eq!(files_in(world.directory.path()), [""; 0], "{what}");
                assert_eq!(world.assert_property(After::Operation, &what).await.end, End::Before, "{what}");
            }
        }
    }

    /// A statement of a replay that is killed, while it waits for a lock of somebody else.
    async fn a_statement_of_a_replay_that_is_killed(server: TestServer) {
        let world = World::make(&server, 50).await;
        let script = world.backup().with_file_name("script.sql");
        std::fs::write(&script, "INSERT INTO only_before VALUES (8);\nDELETE FROM items WHERE id < 3;\n")
            .unwrap();
        for how in KILLS {
            figure("faults injected", 1);
            let to = impatient(&connect(&world.target)).with_tls_mode(TlsMode::Disabled);
            let proxy = Proxy::hold_at(&to, "DELETE FROM items", 0).await;
            let (connect, path, options) =
                (proxy.options(&to), script.clone(), world.restore_options());
            let running =
                tokio::spawn(async move { restore(&connect, path, &options, &Context::new()).await });
            proxy.held().await;
            let mut other = world.target.conn().await;
            other.query_drop("LOCK TABLES items WRITE").await.unwrap();
            proxy.release();
            kill(&world.target, how, "DELETE FROM items").await;
            let error =
                tokio::time::timeout(BOUND, running).await.expect("no end").unwrap().unwrap_err();
            other.disconnect().await.unwrap();
            proxy.stop().await;
            assert_killed(&world, how, &error);
            assert_eq!(error.location().statement, Some(2), "{}", error.chain());
            // The first one had changed something; the restore point brings it back.
            assert_eq!(world.assert_property(After::Operation, how).await.end, End::Between, "{how}");
        }
    }
}

//! What an administrator can set for all connections changes neither what a dump reads nor what a
//! restore makes of it.

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, DumpOptions, dump_to_path, inspect, restore};

use crate::backup::{plain, state};
use crate::compare::compare;
use crate::faults::private::PrivateServer;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};

/// Global variables with values that cut answers off, refuse or end statements, hide rows, or give
/// values in another form.
fn settings(mariadb: bool) -> Vec<(&'static str, &'static [&'static str])> {
    let mut all: Vec<(_, &[_])> = vec![
        // The variables of a session are themselves told in so many rows.
        ("sql_select_limit", &["0", "1", "7", "10", "13", "14", "16", "25", "200"]),
        ("max_join_size", &["1"]),
        ("completion_type", &["1", "2"]),
        ("sql_mode", &["'PAD_CHAR_TO_FULL_LENGTH'", "'ANSI'"]),
    ];
    if mariadb {
        all.push(("system_versioning_asof", &["'2020-01-01 00:00:00'"]));
    } else {
        all.push(("max_execution_time", &["1"]));
    }
    all
}

async fn schema(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    let versioned = if server.is_mariadb() { " WITH SYSTEM VERSIONING" } else { "" };
    database
        .run(&[
            &format!("CREATE TABLE t (a INT PRIMARY KEY, c CHAR(20)){versioned}"),
            "INSERT INTO t WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s \
             WHERE n < 500) SELECT n, 'padded' FROM s",
            "CREATE VIEW v AS SELECT a FROM t",
            "CREATE PROCEDURE p() SELECT 1",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.c = NEW.c",
        ])
        .await;
    let tables: Vec<_> =
        (0..40).map(|n| format!("CREATE TABLE t{n} (a INT PRIMARY KEY)")).collect();
    database.run(&tables.iter().map(String::as_str).collect::<Vec<_>>()).await;
    database
}

on_each_server! {
    async fn settings_for_all_connections_change_nothing(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        let server = &private.server;
        let source = schema(server).await;
        let before = state(&source).await;
        let mut conn = server.conn().await;
        let (_directory, path) = scratch();
        for (variable, values) in settings(server.is_mariadb()) {
            for value in values {
                let setting = format!("{variable} = {value}");
                let target = server.database().await;
                conn.query_drop(format!("SET GLOBAL {setting}")).await.unwrap();
                let options: DumpOptions = plain().with_overwrite(true);
                let dumped = dump_to_path(&connect(&source), &path, &options, &Context::new()).await;
                let restored = restore(
                    &connect(&target),
                    &path,
                    &snapdump::RestoreOptions::default(),
                    &Context::new(),
                )
                .await;
                conn.query_drop(format!("SET GLOBAL {variable} = DEFAULT")).await.unwrap();
                dumped.unwrap_or_else(|error| panic!("{setting}: {}", error.chain()));
                let report =
                    restored.unwrap_or_else(|error| panic!("{setting}: {}", error.chain()));
                assert_eq!(inspect(&path).unwrap().manifest.warnings, [""; 0], "{setting}");
                assert_eq!(report.warnings, [""; 0], "{setting}");
                let mut differences = compare(&before, &state(&target).await);
                // The times at which rows were written.
                differences.retain(|difference| difference.attribute != "versions");
                assert!(differences.is_empty(), "{setting}: {differences:?}");
            }
        }
        conn.disconnect().await.unwrap();
    }
}

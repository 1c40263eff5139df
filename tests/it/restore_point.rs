//! What a restore saves before it changes anything.

use std::collections::BTreeSet;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    Context, DumpOptions, ErrorKind, RestoreMode, RestoreOptions, dump_to_path, inspect, prepare,
    restore,
};

use crate::roundtrip::{connect, scratch};

on_each_server! {
    /// A script that may name databases: saved are those, and the one of the connection, which it
    /// can change before it names any.
    async fn every_database_that_a_script_names_is_saved(server: TestServer) {
        let (first, second) = (server.database().await, server.database().await);
        first.run(&["CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)"]).await;
        second.run(&["CREATE TABLE u (a INT)"]).await;
        let (directory, path) = scratch();
        let script = format!("DROP TABLE t;\nUSE {};\nDROP TABLE u;\n", second.name);
        std::fs::write(&path, script).unwrap();
        let context = Context::new();
        let options = RestoreOptions::default().with_restore_point_directory(directory.path());

        let error = prepare(&connect(&first), &path, &options, &context).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{}", error.chain());

        let options = options.with_other_databases(true);
        let report = restore(&connect(&first), &path, &options, &context).await.unwrap();
        let point = report.restore_point.unwrap();
        let saved: BTreeSet<_> = inspect(&point).unwrap().manifest.databases.into_iter()
            .map(|database| database.name)
            .collect();
        assert_eq!(saved, BTreeSet::from([first.name.clone(), second.name.clone()]));

        // It brings back both.
        let empty = RestoreOptions::default();
        let report = restore(&connect(&first), &point, &empty, &context).await.unwrap();
        assert!(report.compared);
    }

    /// What comes into the target after it was saved would be dropped without a copy.
    async fn what_comes_after_the_restore_point_is_not_lost(server: TestServer) {
        let (source, target) = (server.database().await, server.database().await);
        source.run(&["CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)"]).await;
        target.run(&["CREATE TABLE old (a INT)"]).await;
        let (directory, path) = scratch();
        let context = Context::new();
        dump_to_path(&connect(&source), &path, &DumpOptions::default(), &context).await.unwrap();
        for mode in [RestoreMode::Merge, RestoreMode::Replace] {
            let options = RestoreOptions::default()
                .with_restore_point_directory(directory.path())
                .with_mode(mode);
            let prepared = prepare(&connect(&target), &path, &options, &context).await.unwrap();
            target.run(&["CREATE TABLE new (a INT)", "INSERT INTO new VALUES (7)"]).await;
            let error = prepared.apply(&context).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Changed, "{}", error.chain());
            assert!(error.to_string().contains("`new`"), "{error}");
            let mut conn = target.conn().await;
            let left: Vec<i32> = conn.query("SELECT a FROM new UNION ALL SELECT a FROM old").await.unwrap();
            assert_eq!(left, [7]);
            conn.disconnect().await.unwrap();
            // Without it, and with something less than before: nothing is lost.
            let prepared = {
                target.run(&["CREATE TABLE IF NOT EXISTS old (a INT)", "DROP TABLE new"]).await;
                prepare(&connect(&target), &path, &options, &context).await.unwrap()
            };
            target.run(&["DROP TABLE old"]).await;
            prepared.apply(&context).await.unwrap();
            target.run(&["DROP TABLE t", "CREATE TABLE old (a INT)"]).await;
        }
        // A database that was not there is not replaced either.
        let missing = server.future_database();
        let options = RestoreOptions::default().with_other_databases(true);
        let script = format!("CREATE DATABASE IF NOT EXISTS {0}; USE {0}; CREATE TABLE a (a INT);", missing.name);
        std::fs::write(&path, script).unwrap();
        let prepared = prepare(&connect(&target), &path, &options, &context).await.unwrap();
        let mut conn = server.conn().await;
        conn.query_drop(format!("CREATE DATABASE {}", missing.name)).await.unwrap();
        conn.query_drop(format!("CREATE TABLE {}.b (a INT)", missing.name)).await.unwrap();
        conn.disconnect().await.unwrap();
        assert_eq!(prepared.apply(&context).await.unwrap_err().kind(), ErrorKind::Changed);
    }
}

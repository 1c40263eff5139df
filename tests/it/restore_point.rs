//! What a restore saves before it changes anything.

use std::collections::BTreeSet;

use snapdump::{Context, ErrorKind, RestoreOptions, inspect, prepare, restore};

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
}

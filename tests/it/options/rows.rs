//! Which rows a dump holds, and in which statements.

use snapdump::{
    Context, DumpOptions, ErrorKind, Footer, RestoreOptions, dump_to_path, inspect, verify,
};

use crate::backup::{
    assert_error, dump_into, files_in, number, plain, restore_into, restore_with, selector,
};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};
use crate::sample::{differences, sample_database};

async fn numbers(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE big (id INT PRIMARY KEY, name VARCHAR(40))",
            "CREATE TABLE small (id INT PRIMARY KEY)",
            "CREATE TABLE `od``d.name` (id INT PRIMARY KEY)",
            "INSERT INTO big VALUES (1,'one'),(2,'two'),(3,'three'),(4,'four'),(5,NULL)",
            "INSERT INTO small VALUES (1),(2),(3)",
            "INSERT INTO `od``d.name` VALUES (1),(2)",
        ])
        .await;
    database
}

/// The rows of a table in a manifest, and whether a condition chose them.
fn rows_of(footer: &Footer, table: &str) -> (Option<u64>, bool) {
    let objects = &footer.manifest.objects;
    let entry = objects.iter().find(|entry| entry.name.name() == table).unwrap();
    (entry.rows, entry.filtered)
}

/// The INSERT statements of a plain file whose values hold no line break.
fn inserts(text: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"INSERT INTO ") {
        rest = &rest[at..];
        let end = memchr::memmem::find(rest, b";\n").unwrap();
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

on_each_server! {
    /// `--no-data`: the definitions are all there, and a table without rows is no filtered table.
    async fn no_rows_leaves_all_definitions(server: TestServer) {
        let database = numbers(&server).await;
        let (_directory, path) = scratch();
        let report =
            dump_into(&database, &path, &DumpOptions::default().with_rows(false)).await;
        assert_eq!((report.tables, report.rows), (3, 0));
        let footer = inspect(&path).unwrap();
        assert_eq!(rows_of(&footer, "big"), (None, false));

        let target = server.database().await;
        restore_into(&target, &path).await;
        assert_eq!(number(&target, "SELECT COUNT(*) FROM big").await, 0);
        database.run(&["DELETE FROM big", "DELETE FROM small", "DELETE FROM `od``d.name`"]).await;
        assert_eq!(differences(&database, &target).await, [""; 0]);
    }

    /// `--ignore-table-data`.
    async fn one_table_without_rows_is_empty_and_the_others_are_not(server: TestServer) {
        let database = numbers(&server).await;
        let (_directory, path) = scratch();
        let options = DumpOptions::default()
            .without_rows_of(selector("bi*"))
            .without_rows_of(selector("od`d.name"));
        let report = dump_into(&database, &path, &options).await;
        assert_eq!((report.tables, report.rows), (3, 3));
        let footer = inspect(&path).unwrap();
        assert_eq!(rows_of(&footer, "big"), (None, false));
        assert_eq!(rows_of(&footer, "small"), (Some(3), false));

        let target = server.database().await;
        restore_into(&target, &path).await;
        database.run(&["DELETE FROM big", "DELETE FROM `od``d.name`"]).await;
        assert_eq!(differences(&database, &target).await, [""; 0]);
    }

    /// `--no-create-info`: the rows go into tables that are there, and nothing is dropped.
    async fn rows_only_are_added_to_existing_tables(server: TestServer) {
        let database = numbers(&server).await;
        let target = server.database().await;
        let (directory, path) = scratch();
        let tables = directory.path().join("tables.sql.gz");
        dump_into(&database, &tables, &DumpOptions::default().with_rows(false)).await;
        restore_into(&target, &tables).await;
        target.run(&["INSERT INTO big VALUES (17, 'mine')"]).await;

        let report =
            dump_into(&database, &path, &DumpOptions::default().with_definitions(false)).await;
        assert_eq!((report.tables, report.rows), (3, 10));
        let manifest = inspect(&path).unwrap().manifest;
        assert!(manifest.objects.iter().all(|entry| !entry.definition));
        let over = RestoreOptions::default().with_restore_point_directory(directory.path());
        restore_with(&target, &path, &over).await;
        assert_eq!(number(&target, "SELECT COUNT(*) FROM big").await, 6);
        target.run(&["DELETE FROM big WHERE id = 17"]).await;
        assert_eq!(differences(&database, &target).await, [""; 0]);
    }

    /// `--where`, for one table by itself.
    async fn a_condition_chooses_rows_of_its_table_only(server: TestServer) {
        let database = numbers(&server).await;
        let (_directory, path) = scratch();
        let odd = format!("{}.od`d.name", database.name);
        let options = DumpOptions::default()
            // A comment and an OR must not reach beyond the condition.
            .with_where("big", "id = 2 OR name LIKE '%o%' -- not the rest")
            .with_where(odd, "id > 100");
        let report = dump_into(&database, &path, &options).await;
        assert_eq!(report.rows, 3 + 3);
        let footer = inspect(&path).unwrap();
        assert_eq!(rows_of(&footer, "big"), (Some(3), true));
        assert_eq!(rows_of(&footer, "small"), (Some(3), false));
        assert_eq!(rows_of(&footer, "od`d.name"), (Some(0), true));

        let target = server.database().await;
        restore_into(&target, &path).await;
        database.run(&["DELETE FROM big WHERE id IN (3, 5)", "DELETE FROM `od``d.name`"]).await;
        assert_eq!(differences(&database, &target).await, [""; 0]);
    }

    /// A condition that the server does not understand is the caller's to put right: a name in it
    /// that is not there does not mean that the table was changed.
    async fn a_condition_that_is_no_sql_fails_at_its_table(server: TestServer) {
        let database = numbers(&server).await;
        for condition in ["nonsense", "id = 1)", "id = ", "id IN (SELECT 1 FROM nowhere)", "f(1)"] {
            let (directory, path) = scratch();
            let options = DumpOptions::default().with_where("big", condition);
            let error = dump_to_path(&connect(&database), &path, &options, &Context::new())
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &["`big`", "condition"]);
            assert!(error.server().is_some() && !error.is_retryable());
            assert_eq!(files_in(directory.path()), [""; 0]);
        }
    }

    /// S8, S11: Statements stay below the packet that the target takes; only a row that is larger
    /// by itself goes beyond it, alone, and with a warning.
    async fn statements_fit_the_packet_of_the_target(server: TestServer) {
        const PACKET: usize = 64 << 10;
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE t (id INT PRIMARY KEY, text LONGTEXT, bytes LONGBLOB)",
                "INSERT INTO t VALUES (1, REPEAT('a', 900), NULL)",
                "INSERT INTO t SELECT id + 1, text, bytes FROM t",
                "INSERT INTO t SELECT id + 2, text, bytes FROM t",
                "INSERT INTO t SELECT id + 4, text, bytes FROM t",
                "INSERT INTO t SELECT id + 8, text, bytes FROM t",
                "INSERT INTO t SELECT id + 16, text, bytes FROM t",
                "INSERT INTO t SELECT id + 32, text, bytes FROM t",
                "INSERT INTO t SELECT id + 64, text, bytes FROM t",
                "INSERT INTO t SELECT id + 128, text, bytes FROM t",
                // Just below and above a quarter of the packet, in the midst of the others.
                "UPDATE t SET bytes = REPEAT(x'00ff', 8191) WHERE id = 40",
                "UPDATE t SET bytes = REPEAT(x'5c27', 8192) WHERE id = 41",
                "UPDATE t SET text = REPEAT('b', 200000) WHERE id = 100",
                "UPDATE t SET text = REPEAT('c', 60000) WHERE id = 101",
            ])
            .await;
        let (_directory, path) = scratch();
        let options = plain().with_target_max_allowed_packet(PACKET as u64);
        let report = dump_into(&database, &path, &options).await;
        let text = std::fs::read(&path).unwrap();
        let (large, small): (Vec<&[u8]>, Vec<&[u8]>) =
            inserts(&text).into_iter().partition(|statement| statement.len() > PACKET);
        assert!(small.len() >= 4, "{}", small.len());
        let [large] = large.as_slice() else { panic!("{} large statements", large.len()) };
        assert!(large.starts_with(b"INSERT INTO `t` (`id`,`text`,`bytes`) VALUES\n(100,'bbb"));
        assert!(large.ends_with(b"b',NULL)"));
        let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
        assert!(warning.contains("`t`") && warning.contains(&large.len().to_string()), "{warning}");
        let manifest = inspect(&path).unwrap().manifest;
        assert_eq!(manifest.warnings, report.warnings);
        assert_eq!(manifest.largest_statement_bytes, large.len() as u64);

        // Hexadecimal takes two bytes for one, an escaped string at the worst two as well but
        // mostly fewer.
        let has = |mark: &[u8]| memchr::memmem::find(&text, mark).is_some();
        assert!(has(b"(40,'aaa") && has(b",0x00FF00FF") || has(b",0x00ff00ff"));
        assert!(has(b",_binary '\\\\\\'\\\\\\'"));
        let target = server.database().await;
        restore_into(&target, &path).await;
        assert_eq!(differences(&database, &target).await, [""; 0]);
    }

    /// A packet smaller than any statement still makes a dump that holds everything.
    async fn a_tiny_packet_gives_one_row_per_statement(server: TestServer) {
        let database = sample_database(&server, 300).await;
        let (_directory, path) = scratch();
        for bytes in [0, 1, 700] {
            let options =
                plain().with_target_max_allowed_packet(bytes).with_overwrite(true);
            let report = dump_into(&database, &path, &options).await;
            assert!(!report.warnings.is_empty());
            assert_eq!(verify(&path, &Context::new()).await.unwrap().rows, report.rows);
        }
        let target = server.database().await;
        restore_into(&target, &path).await;
        assert_eq!(differences(&database, &target).await, [""; 0]);
    }
}

//! Restores over data, and restores that the server stops.

use std::io::Write as _;

use snapdump::{
    Context, DumpOptions, ErrorKind, Phase, RestoreOptions, inspect, prepare, restore, verify,
};

use crate::backup::{
    assert_error, assert_no_session_left, dump_into, files_in, number, present, restore_into,
    restore_with, state,
};
use crate::compare::compare;
use crate::harness::{TestDatabase, soon};
use crate::roundtrip::{connect, scratch};
use crate::sample::{differences, sample_database};

/// Another database's worth of data, of the same name in some of its tables.
async fn occupy(database: &TestDatabase) {
    database
        .run(&[
            "CREATE TABLE copies (id INT PRIMARY KEY, other TEXT)",
            "INSERT INTO copies VALUES (1, 'mine'), (2, 'too')",
            "CREATE VIEW mine AS SELECT other FROM copies",
            "CREATE PROCEDURE do_it() SELECT 1",
            "CREATE TRIGGER on_copies BEFORE INSERT ON copies FOR EACH ROW SET NEW.other = 'x'",
        ])
        .await;
}

on_each_server! {
    /// Anything at all in the target has to be saved first.
    async fn a_target_that_holds_anything_needs_a_restore_point(server: TestServer) {
        let source = sample_database(&server, 200).await;
        let (directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        for create in [
            "CREATE TABLE t (id INT)",
            "CREATE VIEW v AS SELECT 1 AS one",
            "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
            "CREATE PROCEDURE p() SELECT 1",
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @x = 1",
        ] {
            let target = server.database().await;
            target.run(&[create]).await;
            let before = present(&target).await;
            let context = Context::new();
            let options = RestoreOptions::default();
            let error = restore(&connect(&target), &path, &options, &context).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::RestorePoint, &[&target.name, "directory"]);
            assert_eq!(context.progress().statements_done, 0);
            assert_eq!(present(&target).await, before);

            // A restore point that cannot be written is none.
            let missing = directory.path().join("missing");
            let options = options.with_restore_point_directory(&missing);
            let error = restore(&connect(&target), &path, &options, &context).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::RestorePoint, &["could not be saved", "missing"]);
            assert_eq!(present(&target).await, before);
            assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
        }
    }

    /// The restore point holds what was there before, and is verified and finished before the
    /// first statement is sent.
    async fn a_restore_over_data_can_be_taken_back(server: TestServer) {
        let source = sample_database(&server, 500).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        let target = server.database().await;
        occupy(&target).await;
        let before = state(&target).await;

        let points = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(points.path());
        let context = Context::new();
        let prepared = prepare(&connect(&target), &path, &options, &context).await.unwrap();
        // Nothing is changed yet.
        assert!(compare(&before, &state(&target).await).is_empty());
        let point = prepared.restore_point().unwrap().path().to_owned();
        assert_eq!(files_in(points.path()), [point.file_name().unwrap().to_str().unwrap()]);
        let verified = verify(&point, &context).await.unwrap();
        assert_eq!(verified.rows, 2);
        assert_eq!(prepared.restore_point().unwrap().report().sha256, verified.sha256);

        let report = prepared.apply(&context).await.unwrap();
        assert_eq!(report.restore_point.as_deref(), Some(point.as_path()));
        assert!(report.compared);
        assert_eq!(number(&target, "SELECT COUNT(*) FROM copies").await, {
            number(&source, "SELECT COUNT(*) FROM copies").await
        });

        // Into another database, and over the one it was taken from.
        let elsewhere = server.database().await;
        restore_into(&elsewhere, &point).await;
        let lines: Vec<_> =
            compare(&before, &state(&elsewhere).await).iter().map(ToString::to_string).collect();
        assert_eq!(lines, [""; 0]);
        assert!(!inspect(&point).unwrap().manifest.names_databases);
    }

    /// A failure in the middle leaves the restore point, and it brings the target back.
    async fn a_restore_that_fails_can_be_taken_back(server: TestServer) {
        let target = server.database().await;
        occupy(&target).await;
        let before = state(&target).await;
        let (directory, _) = scratch();
        let script = directory.path().join("script.sql");
        std::fs::write(
            &script,
            "DROP TABLE copies;\nCREATE TABLE copies (id INT);\nINSERT INTO nowhere VALUES (1);\n",
        )
        .unwrap();
        let points = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(points.path());
        let context = Context::new();
        let error = restore(&connect(&target), &script, &options, &context).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Server, &["script.sql", "statement 3", "line 3"]);
        assert!(!compare(&before, &state(&target).await).is_empty());
        let [point] = files_in(points.path()).try_into().unwrap();
        let point = points.path().join(point);
        let saved = server.database().await;
        restore_into(&saved, &point).await;
        assert!(compare(&before, &state(&saved).await).is_empty());

        let again = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(again.path());
        restore_with(&target, &point, &options).await;
        let lines: Vec<_> =
            compare(&before, &state(&target).await).iter().map(ToString::to_string).collect();
        assert_eq!(lines, [""; 0]);
    }

    /// The place of a refused statement is that of its first byte in the text, compressed or not.
    async fn a_refused_statement_is_reported_by_number_line_and_byte(server: TestServer) {
        let before = "-- a comment\nCREATE TABLE t (id INT PRIMARY KEY);\n\
                      DELIMITER //\nCREATE PROCEDURE p()\nBEGIN\n  SELECT 1;\nEND//\nDELIMITER ;\n\
                      /* ä ✓ */ INSERT INTO t VALUES (1); INSERT INTO t VALUES\n(2);\n\n  ";
        let after = ";\nINSERT INTO t VALUES (9);\n";
        for (bad, number_of_error, excerpt) in [
            ("INSERT INTO t VALUES (3), (1)", 1062, "INSERT INTO t VALUES …"),
            ("INSERT INTO nowhere VALUES ('1')", 1146, "INSERT INTO nowhere VALUES …"),
            ("CREATE TABLE\n`a b` NONSENSE 'x'", 1064, "CREATE TABLE `a b` NONSENSE '…'"),
            ("CREATE TABLE t (id INT)", 1050, "CREATE TABLE t (id INT)"),
        ] {
            let script = format!("{before}{bad}{after}");
            for gzip in [false, true] {
                let (directory, path) = scratch();
                let bytes = if gzip {
                    let mut encoder =
                        flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                    encoder.write_all(script.as_bytes()).unwrap();
                    encoder.finish().unwrap()
                } else {
                    script.clone().into_bytes()
                };
                std::fs::write(&path, bytes).unwrap();
                let target = server.database().await;
                let context = Context::new();
                let error =
                    restore(&connect(&target), &path, &RestoreOptions::default(), &context)
                        .await
                        .unwrap_err();
                assert_error(&server, &error, ErrorKind::Server, &["backup.sql.gz"]);
                let place = error.location();
                assert_eq!(place.statement, Some(5), "{bad}");
                assert_eq!(place.byte, Some(before.len() as u64), "{bad}");
                let line = before.matches('\n').count() + 1;
                assert_eq!(place.line, Some(line as u64), "{bad}");
                assert_eq!(place.phase, Some(Phase::Replay));
                assert_eq!(error.server().unwrap().number, number_of_error);
                // What one sees shows none of the data.
                assert_eq!(place.excerpt.as_deref(), Some(excerpt), "{bad}");
                assert!(error.to_string().contains(excerpt), "{error}");
                // What came before it is there, what comes after it is not.
                assert_eq!(context.progress().statements_done, 4);
                assert_eq!(number(&target, "SELECT MAX(id) FROM t").await, 2);
                assert_no_session_left(&target, soon()).await;
                assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
            }
        }
    }

    /// A restored database that is not what the manifest says is found out.
    async fn a_result_that_differs_from_the_manifest_is_a_mismatch(server: TestServer) {
        let source = server.database().await;
        source.run(&["CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)"]).await;
        source.run(&["INSERT INTO a VALUES (1), (2)"]).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        let target = server.database().await;
        let options = RestoreOptions::default();
        let context = Context::new();
        let prepared = prepare(&connect(&target), &path, &options, &context).await.unwrap();
        // Somebody writes into the table as soon as it is there.
        let name = target.name.clone();
        let mut conn = target.conn().await;
        let meddler = tokio::spawn(async move {
            use mysql_async::prelude::Queryable as _;
            let insert = format!("INSERT INTO {name}.a VALUES (3)");
            while conn.query_drop(&insert).await.is_err() {
                tokio::task::yield_now().await;
            }
            conn.disconnect().await.unwrap();
        });
        let error = prepared.apply(&context).await.unwrap_err();
        meddler.await.unwrap();
        assert_error(&server, &error, ErrorKind::Mismatch, &["2 rows", "3"]);
        assert_eq!(error.location().object.as_ref().unwrap().name(), "a");
        assert_eq!(error.location().phase, Some(Phase::Compare));
        assert_eq!(differences(&source, &target).await.len(), 2);
    }
}

//! Histograms of columns (`MySQL`), beyond what the corpus has of them.

use std::io::Write as _;

use snapdump::{DumpOptions, RestoreOptions, inspect};

use crate::backup::{dump_into, restore_with, state};
use crate::compare::compare;
use crate::harness::TestServer;
use crate::roundtrip::scratch;

/// S20: behind the rows of all tables, and behind the indexes that are built after them.
#[tokio::test]
async fn histograms_come_after_the_indexes_of_large_tables() {
    let server = TestServer::mysql_9_7();
    let source = server.database().await;
    source
        .run(&[
            "SET cte_max_recursion_depth = 100000",
            "CREATE TABLE large (id INT PRIMARY KEY, a INT, b VARCHAR(200), KEY (a), UNIQUE (b, a))",
            "INSERT INTO large WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n \
             WHERE i < 20000) SELECT i, i % 100, CONCAT(REPEAT('x', 150), i) FROM n",
            "ANALYZE TABLE large UPDATE HISTOGRAM ON a WITH 10 BUCKETS AUTO UPDATE",
            "ANALYZE TABLE large UPDATE HISTOGRAM ON b WITH 10 BUCKETS",
            "CREATE TABLE small (id INT PRIMARY KEY, a INT)",
            "ANALYZE TABLE small UPDATE HISTOGRAM ON a",
        ])
        .await;
    let wanted = state(&source).await;
    let (directory, path) = scratch();
    dump_into(&source, &path, &DumpOptions::default().with_connections(3)).await;
    let index = inspect(&path).unwrap().index;
    assert!(index.members.iter().filter(|member| !member.parts.is_empty()).count() > 1);
    for connections in [1, 4] {
        let target = server.database().await;
        let options = RestoreOptions::default()
            .with_connections(connections)
            .with_deferred_index_bytes(1)
            .with_restore_point_directory(directory.path());
        // The second time over the first.
        for _ in 0..2 {
            let report = restore_with(&target, &path, &options).await;
            assert_eq!(report.warnings, [""; 0]);
            let differences = compare(&wanted, &state(&target).await);
            let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
            assert_eq!(differences, [""; 0], "{connections} connections");
        }
    }
}

/// The server says so in a row of an answer, not by an error.
#[tokio::test]
async fn a_histogram_that_the_server_does_not_take_is_told() {
    let server = TestServer::mysql_9_7();
    let (_directory, path) = scratch();
    let path = path.with_extension("");
    let mut script = std::fs::File::create(&path).unwrap();
    script
        .write_all(
            b"CREATE TABLE t (id INT PRIMARY KEY, a INT);\nINSERT INTO t VALUES (1, 1);\n\
              ANALYZE TABLE `t` UPDATE HISTOGRAM ON `a` WITH 3 BUCKETS;\n\
              /*!80031 ANALYZE TABLE t UPDATE HISTOGRAM ON a, id USING DATA '{}' */;\n",
        )
        .unwrap();
    let target = server.database().await;
    let report = restore_with(&target, &path, &RestoreOptions::default()).await;
    let told = |warning: &&String| warning.contains("did not do what a statement says");
    let told: Vec<_> = report.warnings.iter().filter(told).collect();
    let [warning] = told[..] else { panic!("{:?}", report.warnings) };
    for words in ["statement 4, line 4", ".t: ", "column 'a'", "column 'id'"] {
        assert!(warning.contains(words), "{warning}");
    }
}

/// Without rows it would be one of an empty table.
#[tokio::test]
async fn a_histogram_that_needs_rows_is_left_out_without_them() {
    let server = TestServer::mysql_9_7();
    let source = server.database().await;
    source
        .run(&[
            "CREATE TABLE t (id INT PRIMARY KEY, long_ones DECIMAL(40,0), a INT)",
            "INSERT INTO t VALUES (1, 1234567890123456789012345678901234567890, 5)",
            "ANALYZE TABLE t UPDATE HISTOGRAM ON long_ones, a",
        ])
        .await;
    let (_directory, path) = scratch();
    let report = dump_into(&source, &path, &DumpOptions::default().with_rows(false)).await;
    let told = |warning: &&String| warning.contains("`long_ones`") && warning.contains("left out");
    assert_eq!(report.warnings.iter().filter(told).count(), 1, "{:?}", report.warnings);
    let target = server.database().await;
    restore_with(&target, &path, &RestoreOptions::default()).await;
    let query =
        "SELECT COUNT(*) FROM information_schema.COLUMN_STATISTICS WHERE SCHEMA_NAME = DATABASE()";
    assert_eq!(crate::backup::number(&target, query).await, 1);
}

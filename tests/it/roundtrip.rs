//! The sample database through a dump and back, in every direction, compared as a whole.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use snapdump::{ConnectOptions, Context, DumpOptions, RestoreOptions, dump_to_path, restore};

use crate::backup::{Cleanup, dump_into, restore_into, state};
use crate::compare::compare;
use crate::harness::{TestDatabase, TestServer};
use crate::sample::{differences, sample_database};

/// Options that reach a test database as root.
pub(crate) fn connect(database: &TestDatabase) -> ConnectOptions {
    ConnectOptions::from_url(&database.server.url_of(&database.name)).unwrap()
}

/// A temporary directory and a file name in it.
pub(crate) fn scratch() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("backup.sql.gz");
    (directory, path)
}

/// The SQL text of a gzip file, by another inflater than the one under test would use.
pub(crate) fn gunzip(path: &Path) -> Vec<u8> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::MultiGzDecoder::new(file).read_to_end(&mut text).unwrap();
    text
}

on_each_server! {
    /// Our dump, restored by us.
    async fn dump_and_restore_keep_everything(server: TestServer) {
        let source = sample_database(&server, 5_000).await;
        let (_directory, path) = scratch();
        let context = Context::new();
        let report = dump_to_path(&connect(&source), &path, &DumpOptions::default(), &context)
            .await
            .unwrap();
        assert_eq!(report.warnings, [""; 0]);

        let target = server.database().await;
        let report = restore(&connect(&target), &path, &RestoreOptions::default(), &context)
            .await
            .unwrap();
        assert!(report.compared);
        assert_eq!(report.restore_point, None);
        assert_eq!(differences(&source, &target).await, [""; 0]);
    }

    /// Several connections restore what one connection restores.
    async fn connections_share_the_rows(server: TestServer) {
        let source = server.database().await;
        source
            .run(&[
                "CREATE TABLE small (id INT PRIMARY KEY, t TEXT)",
                "INSERT INTO small VALUES (1, 'one')",
                "CREATE TABLE wide (id INT AUTO_INCREMENT PRIMARY KEY, u BINARY(32), t TEXT, \
                 KEY (u), parent INT, FOREIGN KEY (parent) REFERENCES wide (id))",
                "INSERT INTO wide (u, t, parent) VALUES (UNHEX(SHA2('x', 256)), REPEAT('ab', 200), NULL)",
            ])
            .await;
        // 4,096 rows of about 3,300 bytes: several members.
        for _ in 0..12 {
            source
                .run(&["INSERT INTO wide (u, t, parent) SELECT UNHEX(SHA2(RAND(), 256)), \
                        REPEAT(SHA2(RAND(), 256), 50), id FROM wide"])
                .await;
        }
        let (_directory, path) = scratch();
        let context = Context::new();
        let report = dump_to_path(&connect(&source), &path, &DumpOptions::default(), &context)
            .await
            .unwrap();
        assert!(report.members > 6, "{report:?}");
        for connections in [1, 3] {
            let target = server.database().await;
            let options = RestoreOptions::default().with_connections(connections);
            restore(&connect(&target), &path, &options, &context).await.unwrap();
            assert_eq!(differences(&source, &target).await, [""; 0]);
        }
    }

    /// Our dump, restored by `gunzip | client`.
    async fn the_stock_client_restores_our_dump(server: TestServer) {
        let source = sample_database(&server, 5_000).await;
        let (_directory, path) = scratch();
        dump_to_path(&connect(&source), &path, &DumpOptions::default(), &Context::new())
            .await
            .unwrap();
        let target = server.database().await;
        target.stock_client(&gunzip(&path)).await.unwrap();
        assert_eq!(differences(&source, &target).await, [""; 0]);
    }

    /// The stock tool's dump, restored by us and by the stock client: the same result.
    async fn a_stock_dump_restores_as_the_stock_client_restores_it(server: TestServer) {
        let source = sample_database(&server, 5_000).await;
        let mut options = vec!["--routines", "--events", "--triggers", "--single-transaction"];
        if !server.is_mariadb() {
            options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
        }
        let script = source.stock_dump(&options).await;
        let theirs = server.database().await;
        theirs.stock_client(&script).await.unwrap();

        let (_directory, path) = scratch();
        std::fs::write(&path, &script).unwrap();
        let ours = server.database().await;
        let report = restore(&connect(&ours), &path, &RestoreOptions::default(), &Context::new())
            .await
            .unwrap();
        assert!(!report.compared);
        assert_eq!(differences(&theirs, &ours).await, [""; 0]);
    }
}

/// Months that were named in English come back in English, whatever the server speaks by default.
#[tokio::test]
async fn the_servers_locale_does_not_matter() {
    let server = TestServer::mysql_9_7();
    let source = server.database().await;
    source
        .run(&[
            "SET lc_time_names = 'en_US'",
            "CREATE TABLE t (d DATE, name VARCHAR(20) AS (MONTHNAME(d)) STORED)",
            "INSERT INTO t (d) VALUES ('2020-12-01'), ('2021-04-01')",
        ])
        .await;
    // What other tests compare does not depend on it.
    let _cleanup = Cleanup::new(&server, vec!["SET GLOBAL lc_time_names = 'en_US'".to_owned()]);
    source.run(&["SET GLOBAL lc_time_names = 'de_DE'"]).await;
    let (_directory, path) = scratch();
    let report = dump_into(&source, &path, &DumpOptions::default()).await;
    assert_eq!(report.warnings, [""; 0]);
    let before = state(&source).await;
    for by_client in [false, true] {
        let target = server.database().await;
        if by_client {
            target.stock_client(&gunzip(&path)).await.unwrap();
        } else {
            restore_into(&target, &path).await;
        }
        assert_eq!(compare(&before, &state(&target).await), [], "by the stock client: {by_client}");
    }
}

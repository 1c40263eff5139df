//! Dumps by the stock tools, under the options that change what they write: restored by us and by
//! the stock client, into databases that are compared as a whole.

use mysql_async::prelude::Queryable as _;
use snapdump::{Context, Databases, DumpOptions, ErrorKind, RestoreMode, RestoreOptions, restore};

use crate::backup::{Cleanup, assert_error, dump_into, number, restore_with};
use crate::harness::{self, TestDatabase, TestServer};
use crate::roundtrip::{connect, scratch};
use crate::sample::{differences, sample_database};

/// What a dump with these options is expected to be warned about; `None` for nothing.
type Case = (&'static [&'static str], Option<&'static str>);

const ALL_KINDS: [&str; 3] = ["--routines", "--events", "--triggers"];

const ANSI: &str = "--compatible=ansi";

/// Options that both tools have. Several go together where they touch different parts of a dump.
const OF_BOTH: [Case; 9] = [
    (&[], None),
    (&["--hex-blob", "--skip-extended-insert", "--complete-insert", "--single-transaction"], None),
    (&["--compact"], Some("nothing in the script")),
    (&["--skip-comments", "--skip-add-locks", "--skip-disable-keys"], Some("no comments")),
    (&["--skip-tz-utc", "--default-character-set=latin1", "--hex-blob"], None),
    (&["--no-data", "--skip-dump-date"], None),
    (&["--where=1=1", "--insert-ignore", "--order-by-primary", "--no-autocommit"], None),
    (&["--replace", "--skip-opt", "--create-options", "--quick"], None),
    // Their own clients refuse what this mode makes of stored programs.
    (&[ANSI, "--skip-routines", "--skip-events", "--skip-triggers"], None),
];
const OF_MYSQL: [Case; 4] = [
    (&["--set-gtid-purged=ON", "--single-transaction"], Some("GTID_PURGED")),
    (&["--set-gtid-purged=AUTO", "--skip-comments", "--hex-blob"], Some("no comments")),
    (&["--set-gtid-purged=COMMENTED", "--add-drop-trigger", "--tz-utc"], None),
    (&["--skip-generated-invisible-primary-key", "--network-timeout"], None),
];
/// The second one is of later releases.
const OF_MARIADB: [Case; 3] = [
    (&["--compatible=no_key_options,no_table_options", "--single-transaction"], None),
    (&["--dump-history", "--add-drop-trigger", "--order-by-size"], None),
    (&["--update-history", "--dump-history", "--skip-ssl-verify-server-cert"], None),
];

/// The options under which a tool of this server is called.
fn cases(server: &TestServer) -> Vec<Case> {
    let mut cases = OF_BOTH.to_vec();
    match server.name {
        "mysql_9_7" => cases.extend(OF_MYSQL),
        "mariadb_11_8" => cases.extend(OF_MARIADB),
        _ => cases.extend(OF_MARIADB.into_iter().take(2)),
    }
    cases
}

/// The stock client reads a script in the character set of the tool, and keeps comments in bodies.
async fn by_the_stock_client(database: &TestDatabase, script: &[u8], latin1: bool) {
    let mut options = vec!["--comments"];
    if latin1 {
        options.push("--default-character-set=latin1");
    }
    database.stock_client_with(&options, script).await.unwrap();
}

on_each_server! {
    async fn whatever_the_options_of_the_tool_the_result_is_that_of_its_client(server: TestServer) {
        let source = sample_database(&server, 60).await;
        let (_directory, path) = scratch();
        for (options, warned) in cases(&server) {
            let mut all: Vec<&str> = ALL_KINDS.to_vec();
            if !server.is_mariadb() {
                all.extend(["--no-tablespaces", "--set-gtid-purged=OFF"]);
            }
            all.extend(options);
            // It calls a function.
            let view = format!("--ignore-table={}.debtors", source.name);
            if options.contains(&ANSI) {
                all.push(&view);
            }
            let mut script = source.stock_dump(&all).await;
            if options.contains(&"--compact") {
                // Such a dump does not set by itself what it needs.
                let head = b"SET foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n";
                script = [head.as_slice(), &script].concat();
            }
            std::fs::write(&path, &script).unwrap();
            let latin1 = options.contains(&"--default-character-set=latin1");
            let (theirs, ours) = (server.database().await, server.database().await);
            // Their client would set it for the whole server.
            let lines = script.split_inclusive(|&byte| byte == b'\n');
            let kept = lines
                .filter(|line| memchr::memmem::find(line, b"@@GLOBAL.GTID_PURGED").is_none())
                .collect::<Vec<_>>()
                .concat();
            by_the_stock_client(&theirs, &kept, latin1).await;
            let mut restore_options = RestoreOptions::default().with_connections(1);
            if latin1 {
                restore_options = restore_options.with_default_charset("latin1").unwrap();
            }
            let report = restore_with(&ours, &path, &restore_options).await;
            assert_eq!(differences(&theirs, &ours).await, [""; 0], "{}: {options:?}", server.name);
            // The same by several connections, which share out the rows of every table.
            let shared = server.database().await;
            let several = restore_options.with_connections(3).with_deferred_index_bytes(0);
            restore_with(&shared, &path, &several).await;
            assert_eq!(differences(&theirs, &shared).await, [""; 0], "{}: {options:?}", server.name);
            let about = ["nothing in the script", "no comments", "cut off", "GTID_PURGED"];
            let said = report
                .warnings
                .iter()
                .find_map(|line| about.into_iter().find(|words| line.contains(words)));
            assert_eq!(said, warned, "{}: {options:?}: {:?}", server.name, report.warnings);
            let sandbox = report.warnings.iter().any(|line| line.contains("sandbox"));
            assert_eq!(sandbox, script.starts_with(b"/*M!999999\\-"), "{options:?}");
        }
    }

    /// What is asked about the target and done to it goes by its name, whatever the script is
    /// written in: taken for `ümläut` in the script's character set, a full database would pass for
    /// one that is not there.
    async fn the_script_s_character_set_is_for_the_script_only(server: TestServer) {
        let source = server.database().await;
        source
            .run(&[
                "CREATE TABLE `größe` (id INT PRIMARY KEY, `wört` VARCHAR(9), KEY `schlüssel` (`wört`))",
                "INSERT INTO `größe` VALUES (1, 'ä'), (2, 'ö')",
            ])
            .await;
        let (directory, ours) = scratch();
        let stock = directory.path().join("stock.sql");
        let latin1 = ["--default-character-set=latin1", "--skip-set-charset"];
        std::fs::write(&stock, source.stock_dump(&latin1).await).unwrap();
        dump_into(&source, &ours, &DumpOptions::default()).await;

        let name = format!("{}_ümläut", source.name);
        let drop = vec![format!("DROP DATABASE IF EXISTS `{name}`")];
        let _gone = Cleanup::new(&server, drop);
        source
            .run(&[
                &format!("CREATE DATABASE `{name}`"),
                &format!("CREATE TABLE `{name}`.`übrig` (id INT)"),
                &format!("INSERT INTO `{name}`.`übrig` VALUES (7)"),
            ])
            .await;
        let to = connect(&source).with_database(&name);
        let context = Context::new();
        let options = RestoreOptions::default()
            .with_default_charset("latin1")
            .unwrap()
            .with_connections(3)
            .with_deferred_index_bytes(0);
        for path in [&stock, &ours] {
            let error = restore(&to, path, &options, &context).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RestorePoint, "{}", error.chain());
            for mode in [RestoreMode::Merge, RestoreMode::Replace] {
                let options = options
                    .clone()
                    .with_mode(mode)
                    .with_restore_point_directory(directory.path());
                restore(&to, path, &options, &context)
                    .await
                    .unwrap_or_else(|error| panic!("{}: {}", server.name, error.chain()));
                let mut conn = server.conn().await;
                let tables: Vec<String> =
                    conn.query(format!("SHOW TABLES FROM `{name}`")).await.unwrap();
                let rows: Vec<(u32, String)> =
                    conn.query(format!("SELECT * FROM `{name}`.`größe` ORDER BY id")).await.unwrap();
                conn.disconnect().await.unwrap();
                let kept = if mode == RestoreMode::Merge { vec!["übrig"] } else { vec![] };
                assert_eq!(tables, [vec!["größe"], kept].concat());
                assert_eq!(rows, [(1, "ä".to_owned()), (2, "ö".to_owned())]);
                if mode == RestoreMode::Replace {
                    source.run(&[&format!("CREATE TABLE `{name}`.`übrig` (id INT)")]).await;
                }
            }
        }
    }

    /// Where rows are shared out among connections, the statement that fails is named as in a
    /// replay in order, and what follows the rows finds them all there.
    async fn shared_rows_are_whole_before_anything_else(server: TestServer) {
        let (_directory, path) = scratch();
        let rows = |from: u32, to: u32| {
            let values: Vec<_> = (from..to).map(|id| format!("({id},{})", id / 2)).collect();
            format!("INSERT INTO `t` VALUES {};\n", values.join(","))
        };
        let script = |inserts: &[String]| {
            format!(
                "-- MySQL dump 10.13  Distrib 9.7.4\n\
                 /*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;\n\
                 CREATE TABLE `t` (`id` int NOT NULL, `v` int, PRIMARY KEY (`id`), KEY `v` (`v`), \
                 CONSTRAINT `f` FOREIGN KEY (`v`) REFERENCES `u` (`id`)) ENGINE=InnoDB;\n\
                 LOCK TABLES `t` WRITE;\n{}UNLOCK TABLES;\n\
                 CREATE TABLE `u` (`id` int PRIMARY KEY) ENGINE=InnoDB;\n\
                 INSERT INTO `u` SELECT DISTINCT `v` FROM `t`;\n-- Dump completed\n",
                inserts.concat()
            )
        };
        let mut inserts: Vec<_> = (0..20).map(|part| rows(part * 50, part * 50 + 50)).collect();
        let options = RestoreOptions::default().with_connections(3).with_deferred_index_bytes(0);
        std::fs::write(&path, script(&inserts)).unwrap();
        let target = server.database().await;
        restore_with(&target, &path, &options).await;
        assert_eq!(number(&target, "SELECT COUNT(*) FROM t JOIN u ON u.id = t.v").await, 1000);

        inserts[7] = rows(10, 11);
        std::fs::write(&path, script(&inserts)).unwrap();
        let target = server.database().await;
        let error =
            restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Server, &["refused"]);
        // Either of the two with the key 10, whichever came second.
        assert!([Some(4), Some(11)].contains(&error.location().statement), "{error}");
        assert!(error.location().excerpt.is_some(), "{error}");
    }

    /// Rows that change those before them are not shared out.
    async fn rows_whose_order_matters_are_inserted_in_order(server: TestServer) {
        let (_directory, path) = scratch();
        let insert = |version: u32| {
            format!(
                "INSERT INTO `t` VALUES (1,{version}),(2,{version}) \
                 ON DUPLICATE KEY UPDATE `v` = VALUES(`v`);\n"
            )
        };
        let inserts = (0..60).map(insert).collect::<Vec<_>>().concat();
        let script = format!(
            "-- MySQL dump 10.13  Distrib 9.7.4\n\
             CREATE TABLE `t` (`id` int NOT NULL, `v` int, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n\
             LOCK TABLES `t` WRITE;\n{inserts}UNLOCK TABLES;\n-- Dump completed\n"
        );
        std::fs::write(&path, script).unwrap();
        let options = RestoreOptions::default().with_connections(3).with_deferred_index_bytes(0);
        let target = server.database().await;
        restore_with(&target, &path, &options).await;
        assert_eq!(number(&target, "SELECT SUM(v) FROM t").await, 118);
    }

    /// In some character sets a second byte looks like a backslash or a backtick. The tools put the
    /// character set aside around each definition, and take it back for the rows.
    async fn dumps_in_character_sets_whose_second_bytes_look_like_quotes(server: TestServer) {
        for (charset, text) in [
            ("sjis", "\u{30bd}\u{8868}\u{5341}"),
            ("cp932", "\u{30bd}\u{8868}\u{80fd}"),
            ("gbk", "\u{8a89}\u{7e37}\u{4e57}"),
            ("big5", "\u{8a31}\u{529f}\u{84cb}"),
        ] {
            let source = server.database_with(&format!("CHARACTER SET {charset}")).await;
            source
                .run(&[
                    &format!("CREATE TABLE first (t VARCHAR(30)) COMMENT '{text}'"),
                    &format!("INSERT INTO first VALUES ('{text}'), ('{text}; \\'{text}'), ('x')"),
                    &format!("CREATE TABLE second (t VARCHAR(30) COMMENT '{text}', KEY (t))"),
                    &format!("INSERT INTO second VALUES ('{text}'), ('a{text}')"),
                    &format!("CREATE VIEW v AS SELECT '{text}' AS t"),
                ])
                .await;
            let default = format!("--default-character-set={charset}");
            let mut options = vec![default.as_str(), "--triggers"];
            if !server.is_mariadb() {
                options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
            }
            let script = source.stock_dump(&options).await;
            assert!(script.contains(&b'\\') && std::str::from_utf8(&script).is_err(), "{charset}");
            let (theirs, ours) = (server.database().await, server.database().await);
            theirs.stock_client_with(&[&default], &script).await.unwrap();
            let (_directory, path) = scratch();
            std::fs::write(&path, &script).unwrap();
            // What the script says of itself is enough.
            restore_with(&ours, &path, &RestoreOptions::default()).await;
            assert_eq!(differences(&theirs, &ours).await, [""; 0], "{}: {charset}", server.name);
            let own = "SELECT COUNT(*) FROM first";
            assert_eq!(number(&ours, own).await, 3);
        }
    }

    /// A dump that names its databases, with everything in it that a server may say.
    async fn dumps_that_name_their_databases_need_leave(server: TestServer) {
        let (one, two) = (sample_database(&server, 40).await, server.database().await);
        two.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1), (2)"]).await;
        let mut options = vec!["--routines", "--events", "--triggers", "--add-drop-database"];
        if !server.is_mariadb() {
            options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
        }
        options.extend(["--databases", &one.name, &two.name]);
        let script = server.try_stock_dump(&options).await.unwrap();
        let (_directory, path) = scratch();
        std::fs::write(&path, &script).unwrap();
        let target = server.database().await;
        let plain = RestoreOptions::default();
        let error = restore(&connect(&target), &path, &plain, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Config, &[&one.name, "with_other_databases"]);

        // Under other names, beside what is there.
        let (copy, second) = (server.future_database(), server.future_database());
        let options = plain
            .with_other_databases(true)
            .with_rename(&one.name, &copy.name)
            .with_rename(&two.name, &second.name);
        let server_only = snapdump::ConnectOptions::from_url(&server.url).unwrap();
        restore(&server_only, &path, &options, &Context::new())
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        assert_eq!(number(&second, "SELECT COUNT(*) FROM t").await, 2);
        let theirs = [server.future_database(), server.future_database()];
        let text = put(&put(&script, &one.name, &theirs[0].name), &two.name, &theirs[1].name);
        let mut client = server.client();
        client.arg("--comments");
        let output = harness::run(client, &text).await;
        assert!(output.status.success(), "{}", harness::stderr_of(&output));
        assert_eq!(differences(&theirs[0], &copy).await, [""; 0]);
        assert_eq!(differences(&theirs[1], &second).await, [""; 0]);
    }

    /// Generated columns are those of the table that was created last under that name, in the database
    /// that is selected; and a row may say `DEFAULT` for them.
    async fn rows_beside_generated_columns_are_taken(server: TestServer) {
        let (one, two) = (server.database().await, server.database().await);
        one.run(&["CREATE TABLE t (id INT, total INT AS (id * 2) STORED)", "INSERT INTO t (id) VALUES (1)"])
            .await;
        two.run(&["CREATE TABLE t (id INT, total INT)", "INSERT INTO t VALUES (1, 5)"]).await;
        let (_directory, path) = scratch();
        let both = Databases::Named(vec![one.name.clone(), two.name.clone()]);
        dump_into(&one, &path, &DumpOptions::default().with_databases(both)).await;
        let (first, second) = (server.future_database(), server.future_database());
        let options = RestoreOptions::default()
            .with_rename(&one.name, &first.name)
            .with_rename(&two.name, &second.name);
        let server_only = snapdump::ConnectOptions::from_url(&server.url).unwrap();
        restore(&server_only, &path, &options, &Context::new())
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        assert_eq!(number(&first, "SELECT total FROM t").await, 2);
        assert_eq!(number(&second, "SELECT total FROM t").await, 5);

        let target = server.database().await;
        let path = path.with_file_name("script.sql");
        let script = "CREATE TABLE t (a INT, b INT AS (a + 1));\nINSERT INTO t VALUES (1, DEFAULT);\n\
                      INSERT INTO t SET a = 2;\nINSERT INTO t (a, b) VALUES (3, DEFAULT);\n\
                      DROP TABLE t;\nCREATE TABLE t (a INT, b INT);\nINSERT INTO t VALUES (1, 7);\n";
        std::fs::write(&path, script).unwrap();
        let context = Context::new();
        restore(&connect(&target), &path, &RestoreOptions::default(), &context)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        assert_eq!(number(&target, "SELECT b FROM t").await, 7);
    }

    /// What one family writes and the other does not have is named before anything is changed.
    async fn what_the_other_family_has_is_named_in_the_check(server: TestServer) {
        let target = server.database().await;
        let (_directory, path) = scratch();
        let cases: &[(&str, &str)] = if server.is_mariadb() {
            &[
                ("CREATE TABLE t (a int) COLLATE=utf8mb4_nowhere_ci", "utf8mb4_nowhere_ci"),
                ("CREATE LIBRARY l LANGUAGE JAVASCRIPT AS 'x'", "libraries"),
                ("CREATE TABLE t (a int, KEY `k` ((`a` + 1)))", "expressions"),
            ]
        } else {
            &[
                ("CREATE TABLE t (a int) COLLATE=utf8mb4_uca1400_ai_ci", "uca1400_ai_ci"),
                ("CREATE SEQUENCE s", "sequences"),
                ("CREATE TABLE t (a int) WITH SYSTEM VERSIONING", "system versioning"),
                (
                    "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a));\n\
                     INSERT INTO `t` VALUES (1, 1)",
                    "generated columns",
                ),
            ]
        };
        for (statement, words) in cases {
            let script = format!("CREATE TABLE first (a int);\n{statement};\n");
            std::fs::write(&path, script).unwrap();
            let context = Context::new();
            let options = RestoreOptions::default();
            let error = restore(&connect(&target), &path, &options, &context).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Unsupported, &[words]);
            assert!(error.location().statement >= Some(2), "{error}");
            assert!(crate::backup::present(&target).await.is_empty());
        }
        std::fs::write(&path, "CREATE TABLE t (a char(1)) COLLATE=utf8mb4_nowhere_ci;\n").unwrap();
        let options = RestoreOptions::default()
            .with_collation("utf8mb4_nowhere_ci", "utf8mb4_general_ci")
            .unwrap();
        let report = restore_with(&target, &path, &options).await;
        assert!(report.warnings.iter().any(|line| line.contains("utf8mb4_nowhere_ci by")));
        let query = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
                     AND TABLE_COLLATION = 'utf8mb4_general_ci'";
        assert_eq!(number(&target, query).await, 1);
    }
}

/// A script with one name in place of another.
pub(crate) fn put(script: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = script;
    while let Some(at) = memchr::memmem::find(rest, from.as_bytes()) {
        text.extend_from_slice(&rest[..at]);
        text.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    text.extend_from_slice(rest);
    text
}

/// GTIDs are those of the whole server, so this is for MySQL alone and only reads.
#[tokio::test]
async fn what_a_dump_says_about_gtids_is_left_out() {
    let server = TestServer::mysql_9_7();
    let target = server.database().await;
    let _gone = Cleanup::new(&server, Vec::new());
    let (_directory, path) = scratch();
    let script = "-- MySQL dump 10.13  Distrib 9.7.4\n\
                  SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\n\
                  SET @@SESSION.SQL_LOG_BIN= 0;\n\
                  SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5';\n\
                  CREATE TABLE t (id INT);\n\
                  SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;\n\
                  -- Dump completed\n";
    std::fs::write(&path, script).unwrap();
    let report = restore_with(&target, &path, &RestoreOptions::default()).await;
    assert!(report.warnings.iter().any(|line| line.contains("GTID_PURGED")), "{report:?}");
    assert_eq!(report.statements, 2);
}

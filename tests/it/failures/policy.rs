//! What a script may not do unasked: refused before the server has seen a statement of it.

use mysql_async::prelude::Queryable as _;
use snapdump::{
    Account, Context, Databases, DefinerPolicy, DumpOptions, ErrorKind, RestoreOptions, inspect,
    prepare, restore,
};

use crate::backup::{Cleanup, assert_error, dump_into, number, restore_with, state};
use crate::compare::compare;
use crate::foreign_dumps::put;
use crate::harness::{self, TestDatabase, TestServer};
use crate::roundtrip::{connect, gunzip, scratch};

/// The statements that an account has sent, as the server's performance figures count them.
struct Watched {
    user: String,
    database: TestDatabase,
    _gone: Cleanup,
}

impl Watched {
    async fn make(server: &TestServer) -> Self {
        let database = server.database().await;
        let user = database.name.clone();
        let account = format!("'{user}'@'%'");
        let gone = Cleanup::new(server, vec![format!("DROP USER IF EXISTS {account}")]);
        database
            .run(&[
                &format!("CREATE USER {account} IDENTIFIED BY 'pass word'"),
                &format!("GRANT ALL ON {}.* TO {account}", database.name),
                "CREATE TABLE keep (id INT PRIMARY KEY)",
                "INSERT INTO keep VALUES (1)",
            ])
            .await;
        Self { user, database, _gone: gone }
    }

    fn connect(&self) -> snapdump::ConnectOptions {
        connect(&self.database).with_user(&self.user).with_password("pass word")
    }
}

on_each_server! {
    /// Every class of statements, in a file between statements that are harmless.
    async fn what_leaves_the_database_is_refused_before_anything_is_changed(server: TestServer) {
        let watched = Watched::make(&server).await;
        let before = state(&watched.database).await;
        let (directory, path) = scratch();
        let points = directory.path().join("points");
        std::fs::create_dir(&points).unwrap();
        for (statement, words) in [
            ("USE other", "selects"),
            ("DROP TABLE other.t", "reaches into"),
            ("INSERT INTO `other`.t VALUES (1)", "reaches into"),
            ("RENAME TABLE keep TO other.keep", "reaches into"),
            ("/*!50000 DROP */ /* x */ DATABASE other", "drops"),
            ("GRANT ALL ON *.* TO x", "GRANT"),
            ("CREATE USER x", "CREATE USER"),
            ("SET @a = 1, @@global.general_log = 1", "SET GLOBAL"),
            ("INSTALL PLUGIN x SONAME 'x'", "INSTALL"),
            ("CREATE FUNCTION f RETURNS STRING SONAME 'x'", "SONAME"),
            ("SELECT 1 INTO OUTFILE '/tmp/x'", "INTO OUTFILE"),
            ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE keep", "file of the client"),
            ("SHUTDOWN", "SHUTDOWN"),
            ("CHANGE MASTER TO MASTER_HOST = 'x'", "CHANGE MASTER"),
            ("PREPARE s FROM @x", "PREPARE"),
            ("CALL p()", "CALL"),
            ("NONSENSE", "not known"),
            ("system ls", "command of the stock clients"),
            ("source x.sql", "command of the stock clients"),
            ("tee /tmp/x", "command of the stock clients"),
            ("DELIMITER //\nCREATE PROCEDURE p() SELECT 1; DROP DATABASE other//\nDELIMITER ", "drops"),
            // The server reads the rest under what it has just been told.
            (
                "DELIMITER //\nSET sql_mode = 'ANSI_QUOTES'; DROP DATABASE \"other\"//\nDELIMITER ",
                "sql_mode",
            ),
            (
                "DELIMITER //\nSET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\\'; \
                 DROP DATABASE other; -- '//\nDELIMITER ",
                "sql_mode",
            ),
            ("DELIMITER //\nSET NAMES gbk; SELECT 1//\nDELIMITER ", "character set"),
        ] {
            let script = format!("DROP TABLE keep;\n{statement};\nCREATE TABLE t (id INT);\nUSE too;\n");
            std::fs::write(&path, &script).unwrap();
            let options = RestoreOptions::default().with_restore_point_directory(&points);
            let context = Context::new();
            let error = restore(&watched.connect(), &path, &options, &context).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Config, &[words, "1 more"]);
            assert_eq!(error.location().statement, Some(2), "{statement}: {error}");
            assert_eq!(error.others().len(), 1, "{statement}");
            assert!(error.others()[0].to_string().contains("'too'"), "{statement}");
            assert_eq!(context.progress().statements_done, 0);
        }
        let lines: Vec<_> = compare(&before, &state(&watched.database).await)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines, [""; 0]);
        assert_eq!(crate::backup::files_in(&points), [""; 0]);
    }

    /// A file of our own is no exception, whatever its footer says.
    async fn a_backup_of_ours_is_judged_like_any_other(server: TestServer) {
        let source = server.database().await;
        source
            .run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)", "CREATE TABLE u LIKE t"])
            .await;
        let (_directory, path) = scratch();
        let options = DumpOptions::default().with_compression(snapdump::Compression::None);
        dump_into(&source, &path, &options).await;
        // A hostile writer makes a right footer; here only the bytes are changed, and the digest
        // is what is reported: damage comes before meaning.
        let text = std::fs::read(&path).unwrap();
        let hostile = String::from_utf8(text).unwrap().replacen("DROP TABLE IF EXISTS `t`", "DROP DATABASE abcdefghij", 1);
        std::fs::write(&path, hostile).unwrap();
        let target = server.database().await;
        let options = RestoreOptions::default();
        let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Digest, &["member"]);
    }

    /// What the check of a script could not see has no restore point.
    async fn a_database_that_only_the_replay_sees_is_not_changed(server: TestServer) {
        let (target, other) = (server.database().await, server.database().await);
        other.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
        let (directory, path) = scratch();
        let name = &other.name;
        let options = RestoreOptions::default()
            .with_other_databases(true)
            .with_restore_point_directory(directory.path());
        let hidden = "SET sql_mode = (SELECT CONCAT(@@sql_mode, ',ANSI_QUOTES'))";
        for change in [
            format!("{hidden}; USE \"{name}\"; DROP TABLE \"t\";"),
            format!("{hidden}; DELETE FROM \"{name}\".\"t\";"),
        ] {
            std::fs::write(&path, &change).unwrap();
            let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
            assert_error(&server, &error, ErrorKind::Unsupported, &[name, "did not see"]);
            assert_eq!(number(&other, "SELECT COUNT(*) FROM t").await, 1);
        }
        // Seen, and so saved.
        std::fs::write(&path, format!("DELETE FROM `{name}`.`t`;")).unwrap();
        let report = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap();
        assert!(report.restore_point.is_some());
        assert_eq!(number(&other, "SELECT COUNT(*) FROM t").await, 0);
        // A name that is not UTF-8 is not known.
        std::fs::write(&path, b"SET NAMES latin1; USE `b\xfccher`; DROP TABLE IF EXISTS t;").unwrap();
        let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Unsupported, &["not UTF-8"]);
        // Nor can a name of ours be put into such a script.
        let options = options.with_rename("books", "bücher");
        std::fs::write(&path, b"SET NAMES latin1; USE books; DROP TABLE IF EXISTS t;").unwrap();
        let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Unsupported, &["`bücher`", "utf8mb4"]);
    }

    /// The server takes back what was not committed when the connection ends.
    async fn a_transaction_that_stays_open_is_no_success(server: TestServer) {
        let target = server.database().await;
        target
            .run(&[
                "CREATE TABLE t (id INT PRIMARY KEY)",
                "CREATE FUNCTION fill() RETURNS INT DETERMINISTIC MODIFIES SQL DATA \
                 BEGIN INSERT INTO t VALUES (9); RETURN 1; END",
            ])
            .await;
        let (directory, path) = scratch();
        let options = RestoreOptions::default().with_restore_point_directory(directory.path());
        for (script, open) in [
            ("SET autocommit = 0; INSERT INTO t VALUES (1);", true),
            ("BEGIN; INSERT INTO t VALUES (1);", true),
            ("SET autocommit = 0; INSERT INTO t VALUES (1); COMMIT;", false),
            // What was done is committed; what was only read since may be left open.
            ("SET autocommit = 0; DELETE FROM t; INSERT INTO t VALUES (1); COMMIT; SELECT * FROM t;", false),
            ("DELETE FROM t; BEGIN; INSERT INTO t VALUES (1); SELECT * FROM t;", true),
            ("SET autocommit = 0; SELECT fill();", true),
        ] {
            std::fs::write(&path, script).unwrap();
            let done = restore(&connect(&target), &path, &options, &Context::new()).await;
            if open {
                let error = done.unwrap_err();
                assert_error(&server, &error, ErrorKind::Mismatch, &["COMMIT"]);
            } else {
                done.unwrap();
            }
            assert_eq!(number(&target, "SELECT COUNT(*) FROM t").await, i64::from(!open), "{script}");
        }
    }

    /// What the server does not say is said.
    async fn warnings_that_are_not_listed_are_told(server: TestServer) {
        let target = server.database().await;
        let (directory, path) = scratch();
        let options = RestoreOptions::default().with_restore_point_directory(directory.path());
        let script = "SET max_error_count = 0, sql_mode = ''; CREATE TABLE t (a VARCHAR(1)); \
                      INSERT INTO t VALUES ('long'); SET @m = 7, sql_log_bin = 0;";
        std::fs::write(&path, script).unwrap();
        // A setting beside one that is left out would be left out with it.
        let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Config, &["SQL_LOG_BIN"]);
        std::fs::write(&path, script.rsplit_once("SET").unwrap().0).unwrap();
        let report = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap();
        assert_eq!(report.server_warnings, 1);
        assert!(report.warnings.iter().any(|line| line.contains("max_error_count")), "{report:?}");
    }

    /// The server lists those of the last statement only.
    async fn warnings_of_several_statements_in_one_text_are_counted(server: TestServer) {
        let target = server.database().await;
        let (directory, path) = scratch();
        let options = RestoreOptions::default().with_restore_point_directory(directory.path());
        let insert = "INSERT INTO t VALUES ('long')";
        for (text, warnings) in [
            (format!("{insert}; SELECT 1"), 1),
            (format!("{insert}; {insert}"), 2),
            (format!("SELECT 1; {insert}; SELECT 2; SELECT 3; {insert}; DO 1"), 2),
            (format!("SELECT 1; {insert}"), 1),
            ("SELECT CAST('x' AS SIGNED)".to_owned(), 1),
        ] {
            let script = format!(
                "SET sql_mode = ''; DROP TABLE IF EXISTS t; CREATE TABLE t (a VARCHAR(1));\n\
                 DELIMITER //\n{text}//\n"
            );
            std::fs::write(&path, &script).unwrap();
            let report = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap();
            // DROP TABLE IF EXISTS has one when there is none.
            let others = report.server_warnings_by_number.get(&1051).copied().unwrap_or_default();
            assert_eq!(report.server_warnings - others, warnings, "{}: {text}", server.name);
            let listed: u64 = report.server_warnings_by_number.values().sum();
            let told = report.warnings.iter().any(|line| line.contains("does not list"));
            assert_eq!(told, listed < report.server_warnings, "{report:?}");
        }
    }

    /// Of two databases under one name the first would be lost.
    async fn two_databases_do_not_go_into_one(server: TestServer) {
        let (one, two) = (server.database().await, server.database().await);
        for database in [&one, &two] {
            database.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
        }
        let (directory, path) = scratch();
        let both = Databases::Named(vec![one.name.clone(), two.name.clone()]);
        let options = DumpOptions::default().with_databases(both);
        dump_into(&one, &path, &options).await;
        let options = RestoreOptions::default()
            .with_restore_point_directory(directory.path())
            .with_rename(&one.name, &two.name);
        let error = restore(&connect(&one), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Config, &[&two.name, "two databases"]);
    }

    /// GTIDs and the binary log of the session belong to replicas.
    async fn the_state_of_replication_is_left_out_with_a_warning(server: TestServer) {
        let target = server.database().await;
        let (_directory, path) = scratch();
        let script = "SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;\n\
                      SET @@SESSION.SQL_LOG_BIN= 0;\nCREATE TABLE t (on_ INT);\n\
                      INSERT INTO t SELECT @@SESSION.SQL_LOG_BIN;\n\
                      SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;\n";
        std::fs::write(&path, script).unwrap();
        let report = restore_with(&target, &path, &RestoreOptions::default()).await;
        let warning = report.warnings.iter().find(|line| line.contains("SQL_LOG_BIN")).unwrap();
        assert!(warning.contains("left out (2 times, first at statement 2"), "{warning}");
        assert_eq!(number(&target, "SELECT on_ FROM t").await, 1);
        assert_eq!(report.statements, 3);
        let sent = server.database().await;
        let options = RestoreOptions::default().with_replication_state(true);
        restore_with(&sent, &path, &options).await;
        assert_eq!(number(&sent, "SELECT on_ FROM t").await, 0);
    }

    /// Errors of the server are collected, and the restore still fails.
    async fn a_restore_that_goes_on_after_errors_still_fails(server: TestServer) {
        let target = server.database().await;
        let (_directory, path) = scratch();
        let script = "CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\n\
                      INSERT INTO t VALUES (1);\nINSERT INTO nowhere VALUES (1);\n\
                      INSERT INTO t VALUES (2);\n";
        std::fs::write(&path, script).unwrap();
        let options = RestoreOptions::default().with_continue_on_error(true);
        let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Server, &["statement 3", "1062", "23000", "1 more"]);
        assert_eq!(error.others()[0].server().unwrap().number, 1146);
        assert_eq!(error.others()[0].location().statement, Some(4));
        assert_eq!(error.others_total(), 1);
        assert_eq!(number(&target, "SELECT COUNT(*) FROM t").await, 2);
    }

    /// However many there are.
    async fn errors_beyond_a_hundred_are_counted(server: TestServer) {
        let target = server.database().await;
        let (_directory, path) = scratch();
        std::fs::write(&path, "INSERT INTO nowhere VALUES (1);\n".repeat(150)).unwrap();
        let options = RestoreOptions::default().with_continue_on_error(true);
        let error = restore(&connect(&target), &path, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Server, &["statement 1", "1146", "149 more"]);
        assert!((50..=100).contains(&error.others().len()), "{}", error.others().len());
        assert_eq!(error.others_total(), 149);
    }

    /// A character of this set may end in the byte of a backslash. The script says nothing of it.
    async fn a_script_is_cut_in_the_character_set_of_the_option(server: TestServer) {
        let target = server.database().await;
        let (_directory, path) = scratch();
        let script =
            b"CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf8mb4);\nINSERT INTO t VALUES ('\x95\x5c');\nDO 1;\n";
        std::fs::write(&path, script).unwrap();
        let context = Context::new();
        let plain = RestoreOptions::default();
        let error = restore(&connect(&target), &path, &plain, &context).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Lex, &["line 2"]);
        let sjis = plain.with_default_charset("sjis").unwrap();
        let report = restore(&connect(&target), &path, &sjis, &context).await.unwrap();
        assert_eq!(report.statements, 3);
        assert_eq!(number(&target, "SELECT a = '表' FROM t").await, 1);
    }

    /// Values that do not fit are cut under the dump's own mode; this must not pass unseen.
    async fn data_that_was_cut_is_reported_with_its_place(server: TestServer) {
        let target = server.database().await;
        let (_directory, path) = scratch();
        let script = "SET sql_mode = '';\nCREATE TABLE t (a VARCHAR(2), b TINYINT);\n\
                      INSERT INTO t VALUES ('ok', 1);\nINSERT INTO t VALUES ('long', 1000);\n\
                      INSERT INTO t VALUES ('long', 1);\n";
        std::fs::write(&path, script).unwrap();
        let report = restore_with(&target, &path, &RestoreOptions::default()).await;
        assert_eq!(report.server_warnings, 3);
        let by_number: Vec<_> = report.server_warnings_by_number.into_iter().collect();
        assert_eq!(by_number, [(1264, 1), (1265, 2)]);
        let first = report.warnings.iter().find(|line| line.contains("changed or left out")).unwrap();
        assert!(first.contains("statement 4, line 4"), "{first}");
        assert!(first.contains(": 3 warnings;"), "{first}");
    }

    /// A database gets another name, in a stock dump that names it and in one of ours.
    async fn a_database_is_restored_under_another_name(server: TestServer) {
        let source = crate::sample::sample_database(&server, 200).await;
        let (_directory, path) = scratch();
        let mut options = vec!["--databases", "--routines", "--events", "--triggers", "--add-drop-database"];
        if !server.is_mariadb() {
            options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
        }
        let script = source.stock_dump(&options).await;
        std::fs::write(&path, &script).unwrap();
        let target = server.database().await;
        let plain = RestoreOptions::default();
        let error = restore(&connect(&target), &path, &plain, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Config, &[&source.name, "with_rename"]);

        let renamed = plain.clone().with_rename(&source.name, &target.name).with_other_databases(true);
        restore_with(&target, &path, &renamed).await;
        // What the stock client makes of it, with the name put in by hand.
        let theirs = server.database().await;
        let text = put(&script, &source.name, &theirs.name);
        let output = harness::run(server.client(), &text).await;
        assert!(output.status.success(), "{}", harness::stderr_of(&output));
        assert_eq!(crate::sample::differences(&theirs, &target).await, [""; 0]);

        let dump = DumpOptions::default()
            .with_databases(Databases::Named(vec![source.name.clone()]));
        let path = path.with_file_name("named.sql.gz");
        dump_into(&source, &path, &dump).await;
        assert!(inspect(&path).unwrap().manifest.names_databases);
        let copy = server.future_database();
        let renamed = plain.clone().with_rename(&source.name, &copy.name);
        let server_only = snapdump::ConnectOptions::from_url(&server.url).unwrap();
        let report = restore(&server_only, &path, &renamed, &Context::new())
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        assert!(report.compared);
        assert_eq!(crate::sample::differences(&source, &copy).await, [""; 0]);

        let wrong = plain.with_rename("not there", "x");
        let error = restore(&connect(&target), &path, &wrong, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Config, &["not there"]);
    }

    /// Views, routines, triggers and events get the definer that the policy says, in our files and
    /// in those of the stock tools; accounts that are missing are named beforehand.
    async fn definers_are_kept_dropped_or_mapped(server: TestServer) {
        let source = server.database().await;
        let owner = format!("{}_o", source.name);
        let other = format!("{}_n", source.name);
        let _gone = Cleanup::new(
            &server,
            vec![
                format!("DROP USER IF EXISTS '{owner}'@'%'"),
                format!("DROP USER IF EXISTS '{other}'@'localhost'"),
            ],
        );
        let definer = format!("DEFINER='{owner}'@'%'");
        source
            .run(&[
                &format!("CREATE USER '{owner}'@'%'"),
                &format!("CREATE USER '{other}'@'localhost'"),
                "CREATE TABLE t (id INT)",
                &format!("CREATE {definer} VIEW v AS SELECT 1 AS one"),
                &format!("CREATE {definer} PROCEDURE p() SELECT 'DEFINER=`a`@`b`'"),
                &format!("CREATE {definer} FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1"),
                &format!("CREATE {definer} TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1"),
                &format!("CREATE {definer} EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a = 1"),
                &format!("GRANT ALL ON {}.* TO '{owner}'@'%'", source.name),
            ])
            .await;
        let (directory, ours) = scratch();
        dump_into(&source, &ours, &DumpOptions::default()).await;
        let stock = directory.path().join("stock.sql");
        let mut options = vec!["--routines", "--events", "--triggers"];
        if !server.is_mariadb() {
            options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
        }
        std::fs::write(&stock, source.stock_dump(&options).await).unwrap();
        assert!(!gunzip(&ours).is_empty());
        source.run(&[&format!("DROP USER '{owner}'@'%'")]).await;

        let map = DefinerPolicy::Map(vec![(
            Account::new(&owner, "%"),
            Account::new(&other, "localhost"),
        )]);
        let root = "root@localhost";
        for file in [&ours, &stock] {
            for (policy, expected, warned) in [
                (DefinerPolicy::Keep, format!("{owner}@%"), true),
                (DefinerPolicy::Drop, root.to_owned(), false),
                (map.clone(), format!("{other}@localhost"), false),
            ] {
                let target = server.database().await;
                let options = RestoreOptions::default().with_definer(policy);
                let context = Context::new();
                // Before anything is changed.
                let prepared = prepare(&connect(&target), file, &options, &context).await.unwrap();
                let missing = prepared.warnings().iter().any(|line| {
                    line.contains(&owner) && line.contains("no account")
                });
                assert_eq!(missing, warned, "{prepared:?}");
                let told = prepared.warnings().to_vec();
                let report = prepared.apply(&context).await.unwrap();
                assert!(report.warnings.starts_with(&told), "{report:?}");
                let mut conn = target.conn().await;
                let found: Vec<String> = conn
                    .query(
                        "SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() \
                         UNION ALL SELECT DEFINER FROM information_schema.ROUTINES \
                         WHERE ROUTINE_SCHEMA = DATABASE() \
                         UNION ALL SELECT DEFINER FROM information_schema.TRIGGERS \
                         WHERE TRIGGER_SCHEMA = DATABASE() \
                         UNION ALL SELECT DEFINER FROM information_schema.EVENTS \
                         WHERE EVENT_SCHEMA = DATABASE()",
                    )
                    .await
                    .unwrap();
                conn.disconnect().await.unwrap();
                assert_eq!(found.len(), 5);
                let dropped = expected == root && found.iter().all(|name| name.starts_with("root@"));
                assert!(dropped || found.iter().all(|name| *name == expected), "{found:?}");
            }
        }
    }
}

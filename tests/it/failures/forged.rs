//! Files with our signature, a footer in which every digest is right, and SQL that nobody dumped.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use snapdump::sql::split::{Dialect, SplitOptions, Splitter, Step};
use snapdump::{
    ConnectOptions, Context, Databases, DumpOptions, ErrorKind, RestoreOptions, inspect, restore,
    verify,
};

use super::damage::Recorder;
use crate::backup::{assert_error, dump_into, number, plain, present, restore_with};
use crate::harness::TestDatabase;
use crate::roundtrip::{connect, scratch};

/// A plain file in which `from` has become `to`, with a footer to it as FORMAT.md has it.
pub(super) fn forged(path: &std::path::Path, from: &str, to: &str) -> Vec<u8> {
    let footer = inspect(path).unwrap();
    assert!(!footer.compressed);
    let bytes = std::fs::read(path).unwrap();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    let mut index = serde_json::to_value(&footer.index).unwrap();
    let mut file = Vec::new();
    let mut changed = false;
    for (member, entry) in footer.index.members.iter().zip(index["members"].as_array_mut().unwrap())
    {
        let mut text = bytes[at(member.offset)..at(member.offset + member.length)].to_vec();
        if !changed && let Some(found) = memchr::memmem::find(&text, from.as_bytes()) {
            text.splice(found..found + from.len(), to.bytes());
            changed = true;
        }
        entry["offset"] = Value::from(file.len());
        entry["length"] = Value::from(text.len());
        entry["sql_bytes"] = Value::from(text.len());
        entry["crc32"] = Value::from(crc32fast::hash(&text));
        file.extend(text);
    }
    assert!(changed, "{from}");
    let manifest_at = file.len();
    let manifest = bytes
        [footer.index.members.last().map_or(0, |last| at(last.offset + last.length))..]
        .split_inclusive(|&byte| byte == b'\n')
        .filter(|line| line.starts_with(b"-- manifest "));
    file.extend(manifest.flatten());
    let index_at = file.len();
    for line in index.to_string().as_bytes().chunks(900) {
        file.extend_from_slice(b"-- index ");
        file.extend_from_slice(line);
        file.push(b'\n');
    }
    let end = file.len();
    let mut digest = String::new();
    for byte in Sha256::digest(&file) {
        write!(digest, "{byte:02x}").unwrap();
    }
    let trailer = format!(
        "-- snapdump trailer 1 manifest {manifest_at} index {index_at} end {end} sha256 {digest}"
    );
    file.extend_from_slice(format!("{trailer:<255}\n").as_bytes());
    file
}

/// The number, from 1, of the statement that begins at an offset of a script.
pub(super) fn number_at(script: &[u8], offset: usize, mariadb: bool) -> u64 {
    let dialect = if mariadb { Dialect::MariaDb } else { Dialect::MySql { dollar_quotes: true } };
    let mut splitter = Splitter::new(SplitOptions::new(dialect));
    let mut rest = script;
    loop {
        match splitter.step(rest, true).unwrap() {
            Step::Statement(statement) if statement.at.byte == offset as u64 => {
                return statement.number;
            }
            Step::Statement(statement) => rest = &rest[statement.consumed..],
            Step::Skip { consumed } => rest = &rest[consumed..],
            Step::More | Step::End => panic!("no statement at {offset}"),
        }
    }
}

async fn source(server: &crate::harness::TestServer) -> TestDatabase {
    let source = server.database().await;
    source
        .run(&[
            "CREATE TABLE a (id INT PRIMARY KEY, word VARCHAR(20))",
            "INSERT INTO a VALUES (1, 'one'), (2, 'two')",
            "CREATE TABLE b (id INT PRIMARY KEY)",
            "CREATE VIEW v AS SELECT id FROM a",
            "CREATE PROCEDURE p() SELECT 1",
        ])
        .await;
    source
}

on_each_server! {
    /// F23: The digests only say that nothing was damaged. What leaves the database is refused all
    /// the same, before the server has seen a statement.
    async fn a_right_footer_over_hostile_sql_does_not_help(server: TestServer) {
        let source = source(&server).await;
        let target = server.database().await;
        let recorder = Recorder::start(&target).await;
        let (_directory, path) = scratch();
        let named = plain().with_databases(Databases::Named(vec![source.name.clone()]));
        for (what, options) in [("one database", plain()), ("by name", named)] {
            let options = options.with_overwrite(true);
            dump_into(&source, &path, &options).await;
            let whole = std::fs::read(&path).unwrap();
            let own = if what == "by name" { source.name.as_str() } else { target.name.as_str() };
            for (hostile, words) in [
                ("DROP DATABASE other".to_owned(), "drops"),
                ("USE other; DROP TABLE t".to_owned(), "selects"),
                ("DROP TABLE other.t".to_owned(), "reaches into"),
                ("USE mysql; DELETE FROM user".to_owned(), "'mysql'"),
                ("INSERT INTO mysql.global_priv VALUES (1)".to_owned(), "'mysql'"),
                (format!("DROP DATABASE {own}_not"), "drops"),
                ("GRANT ALL ON *.* TO x".to_owned(), "GRANT"),
                ("SET GLOBAL general_log = 1".to_owned(), "SET GLOBAL"),
                ("/*!50000 SET */ /* x */ GLOBAL general_log = 1".to_owned(), "SET GLOBAL"),
                ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE a".to_owned(), "client"),
                ("PREPARE s FROM 'DROP DATABASE other'".to_owned(), "PREPARE"),
            ] {
                std::fs::write(&path, &whole).unwrap();
                let file = forged(&path, "INSERT INTO `a`", &format!("{hostile};\nINSERT INTO `a`"));
                std::fs::write(&path, file).unwrap();
                // It is a whole backup, as far as anybody can prove.
                verify(&path, &Context::new()).await.unwrap();
                let options = RestoreOptions::default();
                let error = restore(&recorder.options, &path, &options, &Context::new())
                    .await
                    .unwrap_err();
                assert_error(&server, &error, ErrorKind::Config, &[words]);
                assert!(error.location().statement.is_some(), "{error}");
                assert_eq!(recorder.sent(), [""; 0], "{what}: {hostile}");
            }
            assert!(present(&target).await.is_empty());
        }
    }

    /// What the script makes of itself has to be what the manifest says: neither less nor more.
    async fn a_script_that_makes_something_else_than_its_manifest_says_fails(server: TestServer) {
        let source = source(&server).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        let whole = std::fs::read(&path).unwrap();
        let insert = "INSERT INTO `a`";
        for (from, to, object, words) in [
            (insert, "CREATE TABLE extra (id INT);\nINSERT INTO `a`", "extra", "does not hold it"),
            (insert, "CREATE VIEW more AS SELECT 1 AS x;\nINSERT INTO `a`", "more", "does not hold it"),
            (insert, "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;\nINSERT INTO `a`", "f",
             "does not hold it"),
            ("CREATE TABLE `b`", "CREATE TABLE `c`", "b", "is not there"),
            (insert, "REPLACE INTO `a` VALUES (7, 'x');\nINSERT INTO `a`", "a", "3 are there"),
        ] {
            for connections in [1, 3] {
                std::fs::write(&path, &whole).unwrap();
                std::fs::write(&path, forged(&path, from, to)).unwrap();
                let target = server.database().await;
                let options = RestoreOptions::default().with_connections(connections);
                let context = Context::new();
                let error =
                    restore(&connect(&target), &path, &options, &context).await.unwrap_err();
                assert_error(&server, &error, ErrorKind::Mismatch, &[words]);
                let place = error.location();
                assert_eq!(place.object.as_ref().unwrap().name(), object, "{error}");
            }
        }
        // The file as it was, over a database that holds more: that stays, and is no mistake.
        std::fs::write(&path, &whole).unwrap();
        let target = server.database().await;
        target.run(&["CREATE TABLE extra (id INT)", "CREATE PROCEDURE q() SELECT 1"]).await;
        let points = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(points.path());
        let report = restore_with(&target, &path, &options).await;
        let counts: Vec<_> = report.objects.iter().map(|(kind, n)| (kind.word(), *n)).collect();
        assert_eq!(counts, [("table", 2), ("view", 1), ("procedure", 1)]);
        assert_eq!(report.rows, 2);
        assert_eq!(number(&target, "SELECT COUNT(*) FROM extra").await, 0);
    }

    /// However many connections replay, an error says where its statement stands in the script.
    async fn a_refused_statement_of_a_backup_is_found_by_its_place(server: TestServer) {
        let source = source(&server).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &plain()).await;
        let bad = "INSERT INTO `a` VALUES\n(1, 'again')";
        let to = format!("INSERT IGNORE INTO `a` VALUES (1, 'x');\n\n{bad};\nINSERT INTO `a`");
        let file = forged(&path, "INSERT INTO `a`", &to);
        std::fs::write(&path, &file).unwrap();
        let offset = memchr::memmem::find(&file, bad.as_bytes()).unwrap();
        let line = file[..offset].split(|&byte| byte == b'\n').count();
        for connections in [1, 3] {
            let target = server.database().await;
            let options = RestoreOptions::default().with_connections(connections);
            let error = restore(&connect(&target), &path, &options, &Context::new())
                .await
                .unwrap_err();
            assert_error(&server, &error, ErrorKind::Server, &["1062", "23000", "Duplicate"]);
            let place = error.location();
            assert_eq!(place.byte, Some(offset as u64), "{connections}: {error}");
            assert_eq!(place.line, Some(line as u64), "{connections}: {error}");
            let number = number_at(&file, offset, server.is_mariadb());
            assert_eq!(place.statement, Some(number), "{connections}: {error}");
            assert_eq!(place.excerpt.as_deref(), Some("INSERT INTO `a` VALUES …"));
        }
    }

    /// A statement is held in memory as a whole, so its length has a limit of its own.
    async fn a_statement_beyond_the_limit_is_refused_with_its_place(server: TestServer) {
        let target = server.database().await;
        let recorder = Recorder::start(&target).await;
        let (_directory, path) = scratch();
        let long = format!("INSERT INTO t VALUES ('{}')", "x".repeat(3_000));
        std::fs::write(&path, format!("CREATE TABLE t (a TEXT);\n\n{long};\nSELECT 1;\n")).unwrap();
        for (limit, refused) in [(long.len() - 1, true), (long.len(), false)] {
            let options = RestoreOptions::default().with_max_statement_bytes(limit);
            let restored = restore(&recorder.options, &path, &options, &Context::new()).await;
            if refused {
                let error = restored.unwrap_err();
                let limit = limit.to_string();
                assert_error(&server, &error, ErrorKind::Lex, &[&limit, "with_max_statement_bytes"]);
                assert_eq!((error.location().line, error.location().byte), (Some(3), Some(26)));
                assert_eq!(recorder.sent(), [""; 0]);
            } else {
                assert_eq!(restored.unwrap().statements, 3);
            }
        }
        let from_url: ConnectOptions = connect(&target);
        let dump = DumpOptions::default();
        let (_directory, ours) = scratch();
        snapdump::dump_to_path(&from_url, &ours, &dump, &Context::new()).await.unwrap();
        let options = RestoreOptions::default().with_max_statement_bytes(1_000);
        let empty = server.database().await;
        let error = restore(&connect(&empty), &ours, &options, &Context::new()).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Lex, &["1000 bytes"]);
    }
}

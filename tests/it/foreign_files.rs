//! Files of tools that cannot be run here, written after the shape of their real output, and those of
//! `mydumper`, which can: restored by us and by the stock client, into databases that are compared
//! as a whole.

use std::path::Path;

use mysql_async::Opts;
use snapdump::{RestoreOptions, RestoreReport};
use tokio::process::Command;

use crate::backup::restore_with;
use crate::harness::{TestDatabase, run, stderr_of};
use crate::roundtrip::scratch;
use crate::sample::{differences, sample_database};

/// The files, each with the words of the warning that it is restored with, if any.
const FILES: [(&str, &[u8], Option<&str>); 5] = [
    ("phpMyAdmin", include_bytes!("foreign_files/phpmyadmin.sql"), None),
    ("Adminer", include_bytes!("foreign_files/adminer.sql"), None),
    ("HeidiSQL", include_bytes!("foreign_files/heidisql.sql"), None),
    ("mysqldump 5.7", include_bytes!("foreign_files/mysqldump57.sql"), Some("GTID_PURGED")),
    ("mariadb-dump 12", include_bytes!("foreign_files/mariadb_dump12.sql"), Some("sandbox")),
];

/// The name that the file of `HeidiSQL` has for its database.
const NAMED: &str = "library";

/// What the stock client makes of a script; it keeps the comments of bodies.
async fn by_the_stock_client(database: &TestDatabase, script: &[u8]) {
    database.stock_client_with(&["--comments"], script).await.unwrap();
}

on_each_server! {
    async fn files_of_other_tools_become_what_the_stock_client_makes_of_them(server: TestServer) {
        for (tool, script, warned) in FILES {
            let (theirs, ours) = (server.database().await, server.database().await);
            let text = String::from_utf8(script.to_vec()).unwrap();
            let lines = text.split_inclusive('\n');
            // The stock client would set it, on MySQL, for the whole server.
            let kept: String = lines.filter(|line| !line.contains("GTID_PURGED")).collect();
            by_the_stock_client(&theirs, kept.replace(NAMED, &theirs.name).as_bytes()).await;

            let (directory, path) = scratch();
            std::fs::write(&path, script).unwrap();
            let mut options = RestoreOptions::default();
            if text.contains("CREATE DATABASE") {
                options = options.with_rename(NAMED, &ours.name);
            }
            let report = restore_with(&ours, &path, &options).await;
            assert_eq!(differences(&theirs, &ours).await, [""; 0], "{}: {tool}", server.name);
            let about = ["cut off", "whole", "GTID_PURGED", "sandbox"];
            let said: Vec<_> = about
                .into_iter()
                .filter(|words| report.warnings.iter().any(|line| line.contains(words)))
                .collect();
            let expected: Vec<_> = warned.into_iter().collect();
            assert_eq!(said, expected, "{}: {tool}: {:?}", server.name, report.warnings);

            if !text.to_lowercase().contains("foreign_key_checks") {
                // Its tables cannot be dropped in its own order.
                continue;
            }
            // The same once more over what is there: everything it makes, it drops first.
            let points = directory.path().join("points");
            std::fs::create_dir(&points).unwrap();
            let options = options.with_restore_point_directory(&points);
            restore_with(&ours, &path, &options).await;
            assert_eq!(differences(&theirs, &ours).await, [""; 0], "{}: {tool}", server.name);
        }
    }

    /// `mydumper` writes a folder. Its files of tables, rows and views behind one another are one
    /// script; the file of one table's rows is one too. Those of stored programs are for `myloader`
    /// alone: they have no `DELIMITER`.
    async fn files_of_mydumper_become_what_the_stock_client_makes_of_them(server: TestServer) {
        let source = sample_database(&server, 300).await;
        let directory = tempfile::tempdir().unwrap();
        let whole = directory.path().join("whole");
        // A view that calls a function, which is not there then.
        source.run(&["DROP VIEW debtors"]).await;
        mydumper(&source, &whole, &[]).await;
        let mut files: Vec<_> =
            whole.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| order(path).is_some());
        files.sort_by_key(|path| (order(path), path.clone()));
        assert!(files.len() > 10, "{files:?}");
        let mut script = Vec::new();
        for file in &files {
            script.extend(std::fs::read(file).unwrap());
            script.push(b'\n');
            if file == &files[0] {
                // Nothing in the files says under which mode their rows can be inserted. On MySQL it
                // takes columns whose default is the time for generated ones, and leaves them out.
                let settings = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', timestamp = 1700000000;\n";
                script.extend_from_slice(settings.as_bytes());
            }
        }
        let (theirs, ours) = (server.database().await, server.database().await);
        let report = both(&theirs, &ours, &script).await;
        assert!(report.warnings.iter().any(|line| line.contains("mydumper")), "{report:?}");
        assert_eq!(differences(&theirs, &ours).await, [""; 0], "{}", server.name);

        // One table, packed, its rows alone.
        let rows = directory.path().join("rows");
        source.run(&["CREATE TABLE alone (id INT PRIMARY KEY, t TEXT, b BLOB)"]).await;
        source.run(&["INSERT INTO alone VALUES (1, 'a\"b\\'c\\\\\n;', x'00FF27225C'), (2, NULL, '')"]).await;
        mydumper(&source, &rows, &["--compress", "--no-schemas", "--tables-list", "alone"]).await;
        let file = rows.join(format!("{}.alone.sql.gz", source.name));
        assert!(file.is_file(), "{:?}", rows.read_dir().unwrap().collect::<Vec<_>>());
        for database in [&theirs, &ours] {
            database.run(&["CREATE TABLE alone (id INT PRIMARY KEY, t TEXT, b BLOB)"]).await;
        }
        let points = directory.path().join("points");
        std::fs::create_dir(&points).unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(&points);
        restore_with(&ours, &file, &options).await;
        by_the_stock_client(&theirs, &crate::roundtrip::gunzip(&file)).await;
        assert_eq!(differences(&theirs, &ours).await, [""; 0], "{}", server.name);
        assert_eq!(crate::backup::number(&ours, "SELECT COUNT(*) FROM alone").await, 2);
    }
}

/// Restores a script by the stock client and by us.
async fn both(theirs: &TestDatabase, ours: &TestDatabase, script: &[u8]) -> RestoreReport {
    by_the_stock_client(theirs, script).await;
    let (_directory, path) = scratch();
    std::fs::write(&path, script).unwrap();
    restore_with(ours, &path, &RestoreOptions::default()).await
}

/// The place of a file of `mydumper` in a script of all of them; none for what is no part of it.
fn order(path: &Path) -> Option<u8> {
    let name = path.file_name()?.to_str()?;
    if name.ends_with("-schema.sql") {
        Some(0)
    } else if name.ends_with("-schema-view.sql") {
        Some(2)
    } else {
        // The database is there, under another name.
        let is_script = path.extension().is_some_and(|extension| extension == "sql");
        (is_script && !name.ends_with("-schema-create.sql")).then_some(1)
    }
}

async fn mydumper(database: &TestDatabase, directory: &Path, options: &[&str]) {
    let opts = Opts::from_url(&database.server.url).unwrap();
    let mut command = Command::new("mydumper");
    command
        .args(["--host", opts.ip_or_hostname(), "--port", &opts.tcp_port().to_string()])
        .args(["--user", "root", "--password", opts.pass().unwrap_or_default()])
        .args(["--database", &database.name, "--threads", "1", "--trx-consistency-only"])
        .arg("--outputdir")
        .arg(directory)
        .args(options);
    let there = Command::new("mydumper").arg("--version").output().await;
    assert!(there.is_ok(), "mydumper is missing: scripts/test installs it by apt; or install it");
    let output = run(command, b"").await;
    assert!(output.status.success(), "{}: {}", database.server.name, stderr_of(&output));
}

//! The example programs as processes (more of `serve` in `http/program.rs`): what their arguments mean, what they print,
//! and how they end.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use mysql_async::Opts;
use serde_json::Value;
use snapdump::{DumpOptions, inspect};
use tokio::process::Command;

use crate::backup::{dump_into, present};
use crate::harness::{self, TestDatabase, TestServer};
use crate::roundtrip::scratch;
use crate::sample::{differences, sample_database};

const PASSWORD_VARIABLE: &str = "SNAPDUMP_PASSWORD";

/// A program without anything that the environment of the tests may say about where to connect.
async fn program(name: &str) -> Command {
    let mut command = Command::new(harness::example(name).await);
    command.env_remove("SNAPDUMP_URL").env_remove(PASSWORD_VARIABLE).kill_on_drop(true);
    command
}

fn command(program: &Path, database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    // By the environment, because everybody can read arguments.
    command.env("SNAPDUMP_URL", database.url()).args(arguments).kill_on_drop(true);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The URL of a database, without the password, and the password.
fn url_and_password(database: &TestDatabase) -> (String, String) {
    let opts = Opts::from_url(&database.url()).unwrap();
    let user = opts.user().unwrap();
    let (host, port) = (opts.ip_or_hostname(), opts.tcp_port());
    let url = format!("mysql://{user}@{host}:{port}/{}", database.name);
    (url, opts.pass().unwrap().to_owned())
}

/// An option file with these lines, in the group `client`.
fn option_file(directory: &Path, lines: &[&str]) -> PathBuf {
    let path = directory.join("my.cnf");
    std::fs::write(&path, format!("[client]\n{}\n", lines.join("\n"))).unwrap();
    path
}

/// Asserts how a program ended, and that it says why when that is not well.
#[track_caller]
fn assert_code(output: &Output, code: i32) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    if code != 0 {
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(stderr.starts_with("error: "), "{stderr}");
    }
    if code == 1 {
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

on_each_server! {
    /// The report and the progress are JSON, with bytes, statements and how fast they went.
    async fn restore_tells_its_progress_and_its_result_to_programs(server: TestServer) {
        let source = sample_database(&server, 300).await;
        let (_directory, path) = scratch();
        dump_into(&source, &path, &DumpOptions::default()).await;
        let bytes = std::fs::read(&path).unwrap();
        let restore = harness::example("restore").await;
        let target = server.database().await;
        let output = harness::run(command(&restore, &target, &["--file", "-", "--json"]), &bytes).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        assert_eq!(differences(&source, &target).await, [""; 0]);

        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["compared"], true);
        assert_eq!(report["file_bytes"], bytes.len());
        assert!(report["objects"]["table"].as_u64().unwrap() > 5, "{report}");
        assert!(report["rows"].as_u64().unwrap() > 200, "{report}");
        let lines: Vec<Value> =
            stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let last = &lines.last().expect("a line of progress")["progress"];
        assert!(last["bytes_done"].as_u64().unwrap() > 1_000, "{last}");
        assert_eq!(last["statements_done"], report["statements"], "{last}");
        for rate in ["bytes_per_second", "statements_per_second", "elapsed"] {
            assert!(last[rate].as_f64().unwrap() > 0.0, "{rate}: {last}");
        }

        // What cannot be restored is one line for people, and no report.
        let empty = server.database().await;
        let cut = harness::run(command(&restore, &empty, &["--file", "-"]), &bytes[..bytes.len() - 1]).await;
        assert_code(&cut, 1);
        assert!(present(&empty).await.is_empty());
    }

    /// What a flag allows is refused without it.
    async fn what_flags_of_restore_allow(server: TestServer) {
        let restore = harness::example("restore").await;
        let other = server.database().await;
        let elsewhere = format!("CREATE TABLE {}.t (id INT);", other.name);
        let create = "CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf8mb4);\n";
        let wide = [create.as_bytes(), b"INSERT INTO t VALUES ('\x95\x5c');\nDO 1;\n"].concat();
        let head = if server.is_mariadb() {
            "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n"
        } else {
            "-- MySQL dump 10.13  Distrib 9.7.0\n"
        };
        let cut = format!("{head}{create}");
        let (script, mapped) = (
            "CREATE DEFINER=`nobody`@`nowhere` VIEW v AS SELECT 1 AS one;",
            "CREATE DEFINER=`a`@`b` VIEW v AS SELECT 1 AS one;",
        );
        let definer = "SELECT DEFINER LIKE 'root@%' FROM information_schema.VIEWS \
                       WHERE TABLE_SCHEMA = DATABASE()";
        let rows = "SELECT COUNT(*) = 1 FROM t";
        for (flags, script, fails, proof) in [
            (&["--allow-other-databases"][..], elsewhere.as_bytes(), true, "SELECT 1"),
            (&["--default-character-set", "sjis"], &wide, true, "SELECT a = '表' FROM t"),
            (&["--allow-incomplete"], cut.as_bytes(), true, "SELECT COUNT(*) = 0 FROM t"),
            (&["--definer", "drop"], script.as_bytes(), false, definer),
            (&["--definer", "map:a@b=root@localhost"], mapped.as_bytes(), false, definer),
        ] {
            for flagged in [false, true] {
                let target = server.database().await;
                let mut arguments = vec!["--file", "-"];
                arguments.extend(flags.iter().take(if flagged { flags.len() } else { 0 }));
                let ended = harness::run(command(&restore, &target, &arguments), script).await;
                assert_code(&ended, i32::from(fails && !flagged));
                if flagged {
                    assert_eq!(crate::backup::number(&target, proof).await, 1, "{flags:?}");
                } else if fails {
                    assert!(present(&target).await.is_empty(), "{flags:?}");
                } else {
                    // Nobody has that account, which is said.
                    let stderr = String::from_utf8_lossy(&ended.stderr);
                    assert!(stderr.contains("warning: "), "{stderr}");
                    assert_eq!(crate::backup::number(&target, proof).await, 0, "{flags:?}");
                }
            }
        }
        // Every statement is tried, and it fails all the same.
        let target = server.database().await;
        let script = format!("DO nonsense;\n{create}INSERT INTO t VALUES ('a');\n");
        let goes_on = ["--file", "-", "--continue-on-error"];
        let ended = harness::run(command(&restore, &target, &goes_on), script.as_bytes()).await;
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(crate::backup::number(&target, rows).await, 1);
    }

    /// A file for many servers never sends a restore to another one than the URL says; what the URL
    /// does not say is the file's.
    async fn the_url_wins_over_the_option_file(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE here (id INT)", "INSERT INTO here VALUES (7)"]).await;
        let other = server.database().await;
        let (directory, path) = scratch();
        let (url, password) = url_and_password(&database);
        let password = format!("password={password}");
        let elsewhere = ["host=elsewhere.invalid", "port=1", "user=nobody"];
        let in_other = format!("database={}", other.name);
        let lines = [&elsewhere[..], &[&in_other, &password]].concat();
        let file = option_file(directory.path(), &lines);
        let connect = ["--url", &url, "--option-file", text(&file)];

        let mut dump = program("dump").await;
        dump.args(connect).args(["--output", text(&path)]);
        assert_code(&harness::run(dump, b"").await, 0);
        let databases = inspect(&path).unwrap().manifest.databases;
        assert_eq!(databases[0].name, database.name);

        database.run(&["DELETE FROM here"]).await;
        let mut restore = program("restore").await;
        restore.args(connect).args(["--file", text(&path), "--backup-dir"]).arg(directory.path());
        assert_code(&harness::run(restore, b"").await, 0);
        assert_eq!(crate::backup::number(&database, "SELECT MAX(id) FROM here").await, 7);
        assert!(present(&other).await.is_empty());

        // Without the URL all of it counts.
        let mut dump = program("dump").await;
        dump.args(["--option-file", text(&file), "--output", text(&path), "--force"]);
        let refused = harness::run(dump, b"").await;
        assert_code(&refused, 1);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert!(stderr.contains("elsewhere.invalid"), "{stderr}");
    }

    /// No argument holds the password; the variable wins over the option file.
    async fn the_password_comes_from_the_environment(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE here (id INT)"]).await;
        let (directory, path) = scratch();
        let (url, password) = url_and_password(&database);
        let file = option_file(directory.path(), &["password=not-this-one"]);
        let arguments = ["--url", &url, "--option-file", text(&file), "--output", text(&path)];

        let mut wrong = program("dump").await;
        wrong.args(arguments);
        assert_code(&harness::run(wrong, b"").await, 1);
        let mut right = program("dump").await;
        right.args(arguments).env(PASSWORD_VARIABLE, &password);
        assert_code(&harness::run(right, b"").await, 0);

        for name in ["dump", "restore"] {
            let mut flag = program(name).await;
            flag.args(["--url", &url, "--password-from-environment", "s3cret"]);
            flag.args(if name == "dump" { ["--output", "x"] } else { ["--file", "x"] });
            let refused = harness::run(flag, b"").await;
            assert_code(&refused, 2);
            let stderr = String::from_utf8(refused.stderr).unwrap();
            assert!(stderr.contains("--password-from-environment"), "{stderr}");
        }
        let mut not_utf8 = program("dump").await;
        not_utf8.args(arguments).env(PASSWORD_VARIABLE, OsString::from_vec(b"s3cr\xfft".into()));
        let refused = harness::run(not_utf8, b"").await;
        assert_code(&refused, 2);
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert!(stderr.contains(PASSWORD_VARIABLE) && !stderr.contains("s3cr"), "{stderr}");
    }

    /// With several connections and with one; and where the dump itself is on standard output.
    async fn dump_reports_to_programs_wherever_the_dump_goes(server: TestServer) {
        let database = sample_database(&server, 300).await;
        let dump = harness::example("dump").await;
        let (_directory, path) = scratch();
        for connections in [1, 3] {
            let number = connections.to_string();
            let arguments = ["--parallel", &number, "--json", "--force", "--output", text(&path)];
            let output = harness::run(command(&dump, &database, &arguments), b"").await;
            assert_code(&output, 0);
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            // One is not written down; of several, as many are used as there is work for.
            let used = report["snapshot"]["connections"].as_u64().unwrap_or(1);
            assert!((1..=connections).contains(&used), "{report}");
        }

        let output = harness::run(command(&dump, &database, &["--json", "--output", "-"]), b"").await;
        assert_code(&output, 0);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let last = stderr.lines().last().expect("a line with the report");
        let report: Value = serde_json::from_str(last).unwrap();
        assert_eq!(report["file_bytes"], output.stdout.len());
        std::fs::write(&path, &output.stdout).unwrap();
        let footer = inspect(&path).unwrap();
        assert_eq!(report["sha256"], footer.sha256);
        assert_eq!(report["rows"], footer.manifest.rows());
    }
}

/// 0 for what was done, 1 for what failed.
#[tokio::test]
async fn a_program_ends_with_0_or_1() {
    let server = TestServer::mariadb_10_11();
    let source = server.database().await;
    source.run(&["CREATE TABLE t (id INT)", "INSERT INTO t VALUES (1)"]).await;
    let target = server.database().await;
    let (directory, path) = scratch();
    let dump = harness::example("dump").await;
    let output = ["--output", text(&path)];
    assert_code(&harness::run(command(&dump, &source, &output), b"").await, 0);
    // The file is there now.
    assert_code(&harness::run(command(&dump, &source, &output), b"").await, 1);

    let damaged = directory.path().join("damaged.sql.gz");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let restore = harness::example("restore").await;
    for (file, code) in [(&damaged, 1), (&path, 0)] {
        for name in ["inspect", "verify"] {
            let mut command = program(name).await;
            command.arg(file);
            let ended = harness::run(command, b"").await;
            assert_code(&ended, code);
            assert_eq!(ended.stdout.is_empty(), code == 1);
        }
        let ended = harness::run(command(&restore, &target, &["--file", text(file)]), b"").await;
        assert_code(&ended, code);
        assert_eq!(present(&target).await.is_empty(), code == 1);
    }
}

/// 2 for what nobody can have meant.
#[tokio::test]
async fn wrong_usage_ends_with_2() {
    for (name, arguments) in [
        ("dump", &[][..]),
        ("dump", &["--output", "x", "--no-such-option"]),
        ("dump", &["--output", "x", "--level", "10"]),
        ("dump", &["--output", "x"]),
        ("dump", &["--output", "x", "--url", "http://root@localhost/db"]),
        ("dump", &["--output", "x", "--url", "mysql://root@localhost/db?no-such-option=1"]),
        ("restore", &[]),
        ("restore", &["--file", "x"]),
        ("restore", &["--file", "x", "--url", ":nothing"]),
        ("restore", &["--file", "x", "--rename", "no-equals-sign"]),
        ("inspect", &[]),
        ("inspect", &["x", "--no-such-option"]),
        ("verify", &[]),
        ("verify", &["x", "y"]),
        #[cfg(feature = "http")]
        ("serve", &[]),
        #[cfg(feature = "http")]
        ("serve", &["--backup-dir", "x", "--listen", "nowhere"]),
        #[cfg(feature = "http")]
        ("serve", &["--backup-dir", "x", "--listen", "127.0.0.1:0"]),
    ] {
        let mut command = program(name).await;
        command.args(arguments);
        let ended = harness::run(command, b"").await;
        assert_eq!(ended.status.code(), Some(2), "{name} {arguments:?}");
        assert_code(&ended, 2);
    }
}

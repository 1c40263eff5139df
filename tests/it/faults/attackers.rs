//! What others may have written where we read: names and comments in the catalogue, the server's
//! version; and secrets, which must not come out anywhere.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use snapdump::{Context, DumpOptions, ErrorKind, RestoreOptions, TlsMode, dump_to_path, restore};

use super::child::{Child, Errand, JobTask, Task};
use super::figure;
use super::recorded::{Fake, Packet, Recorder};
use crate::backup::{dump_into, files_in, number, plain, restore_into, state};
use crate::compare::compare;
use crate::harness::{TestServer, stderr_of};
use crate::roundtrip::{connect, gunzip, scratch};

/// What follows the name of an object on a comment line, if nobody takes care.
const INJECTIONS: [&str; 5] = [
    "a\n\\! touch MARKER\n",
    "b\nsystem touch MARKER;\n-- ",
    "c`; DROP TABLE victim; -- ",
    "d*/; DROP TABLE victim; /*",
    // No carriage returns: the stock client makes `\n` of `\r\n`, in names too.
    "e\nDROP TABLE victim;\n#'\"\\",
];

on_each_server! {
    /// S4: CVE-2016-5483 and its kind: our own restore and the stock client take them for names.
    async fn names_and_comments_that_want_to_be_statements(server: TestServer) {
        let (source, ours, stock) =
            (server.database().await, server.database().await, server.database().await);
        let (directory, path) = scratch();
        let marker = directory.path().join("marker");
        for injection in INJECTIONS {
            // Names of 64 characters at most, and no blank at their end.
            let text = injection.replace("MARKER", "m");
            let name = format!("`{}x`", text.replace('`', "``"));
            let comment = injection
                .replace("MARKER", &marker.display().to_string())
                .replace('\\', "\\\\")
                .replace('\'', "''");
            let of = |kind: &str| name.replacen('`', &format!("`{kind}"), 1);
            source
                .run(&[
                    &format!(
                        "CREATE TABLE {name} (id INT COMMENT '{comment}', {} INT, KEY {} (id)) \
                         COMMENT '{comment}'",
                        of("c"),
                        of("k")
                    ),
                    &format!("INSERT INTO {name} VALUES (1, 1), (2, 2)"),
                    &format!("CREATE VIEW {} AS SELECT * FROM {name}", of("v")),
                    &format!(
                        "CREATE TRIGGER {} BEFORE INSERT ON {name} FOR EACH ROW SET NEW.id = 1",
                        of("t")
                    ),
                    &format!("CREATE PROCEDURE {}() COMMENT '{comment}' SELECT 1", of("p")),
                    &format!(
                        "CREATE FUNCTION {}() RETURNS INT DETERMINISTIC COMMENT '{comment}' RETURN 1",
                        of("f")
                    ),
                    &format!(
                        "CREATE EVENT {} ON SCHEDULE EVERY 1 DAY DISABLE COMMENT '{comment}' DO SELECT 1",
                        of("e")
                    ),
                ])
                .await;
        }
        dump_into(&source, &path, &DumpOptions::default()).await;
        let before = state(&source).await;
        for database in [&ours, &stock] {
            database.run(&["CREATE TABLE victim (id INT)", "INSERT INTO victim VALUES (7)"]).await;
        }
        let points = tempfile::tempdir().unwrap();
        let options = RestoreOptions::default().with_restore_point_directory(points.path());
        crate::backup::restore_with(&ours, &path, &options).await;
        // Where a command that names no directory would leave something.
        let home = tempfile::tempdir().unwrap();
        let client = async |script: &[u8]| {
            let mut client = server.client();
            client.arg("--comments").arg(&stock.name);
            client.current_dir(home.path());
            let output = crate::harness::run(client, script).await;
            assert!(output.status.success(), "{}: {}", server.name, stderr_of(&output));
            files_in(home.path())
        };
        assert_eq!(client(&gunzip(&path)).await, [""; 0], "{}", server.name);
        if server.is_mariadb() {
            // It would have: this is what the names want. MySQL's does not do it unasked.
            assert_eq!(client(b"\\! touch m\n").await, ["m"], "{}", server.name);
        }
        for database in [&ours, &stock] {
            assert_eq!(number(database, "SELECT id FROM victim").await, 7, "{}", server.name);
            database.run(&["DROP TABLE victim"]).await;
            let differences: Vec<_> =
                compare(&before, &state(database).await).iter().map(ToString::to_string).collect();
            assert_eq!(differences, [""; 0], "{}", server.name);
        }
        assert!(!marker.exists());
        assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
        figure("injections tried", INJECTIONS.len() as u64);
    }

    /// A program that logs everything there is to log, at every level, shows no password; nor does
    /// what it leaves in the directory.
    async fn no_output_has_a_secret_in_it(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE items (id INT)", "INSERT INTO items VALUES (1)"]).await;
        let password = mysql_async::Opts::from_url(&server.url).unwrap().pass().unwrap().to_owned();
        assert!(password.len() > 20);
        let wrong = "planted-wrong-password";
        let (right_url, wrong_url) = (
            server.url_of(&database.name),
            server.url_of(&database.name).replace(&password, wrong),
        );
        let closed = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let (before, _) = server.url.rsplit_once(':').unwrap();
        let unreachable = format!("{before}:{closed}/{}", database.name);
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("bad.sql"), "SELECT 1;\nNONSENSE;\n").unwrap();
        std::fs::write(directory.path().join("good.sql"), "CREATE TABLE more (id INT);\n").unwrap();
        let mut all = String::new();
        for url in [&right_url, &wrong_url, &unreachable] {
            for job in [
                JobTask::Create,
                JobTask::Restore("good.sql".to_owned()),
                JobTask::Restore("bad.sql".to_owned()),
            ] {
                let task = Task::Job { directory: directory.path().to_owned(), job };
                let errand = Errand::new(url.clone(), task);
                all.push_str(&Child::output(&errand).await);
            }
            #[cfg(feature = "http")]
            {
                let task = Task::Rest { directory: directory.path().to_owned() };
                let said = Child::output(&Errand::new(url.clone(), task)).await;
                assert!(said.contains(crate::faults::rest::LAST_WORDS), "{said}");
                all.push_str(&said);
            }
        }
        // What was logged was really captured.
        for word in ["TRACE", "DEBUG", "phase", "job started", "ConnectOptions", "refused"] {
            assert!(all.contains(word), "no {word} in {} bytes of output", all.len());
        }
        let mut files = 0;
        for folder in [directory.path().to_owned(), directory.path().join(".snapdump-jobs")] {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "json") {
                    all.push_str(&std::fs::read_to_string(path).unwrap());
                    files += 1;
                }
            }
        }
        assert!(files >= 3, "the journal has {files} jobs");
        #[cfg(feature = "http")]
        let secrets = [password.as_str(), wrong, crate::faults::rest::TOKEN, crate::faults::rest::WRONG_TOKEN];
        #[cfg(not(feature = "http"))]
        let secrets = [password.as_str(), wrong];
        for secret in secrets {
            assert!(!all.contains(secret), "{}: a secret is in the output", server.name);
        }
        figure("bytes of output searched for secrets", all.len() as u64);
    }
}

/// S4: CVE-2024-21096 and its kind: the version that a server claims stands on a comment line.
#[tokio::test]
async fn a_version_that_wants_to_be_a_command() {
    let server = TestServer::mariadb_11_8();
    let database = server.database().await;
    database.run(&["CREATE TABLE t (id INT)"]).await;
    let from = connect(&database).with_tls_mode(TlsMode::Disabled);
    let (_directory, path) = scratch();
    let options = plain().with_overwrite(true);
    let recorder = Recorder::start(&from).await;
    dump_to_path(&recorder.options(&from), &path, &options, &Context::new()).await.unwrap();
    let mut record = recorder.record().await;
    let mut changed = 0;
    for packet in record.iter_mut().flatten() {
        let Packet::FromServer(bytes) = packet else { continue };
        let mark = b"-MariaDB";
        for at in 0..bytes.len().saturating_sub(mark.len() + 8) {
            // As long as what it replaces, so that lengths stay right.
            if bytes[at..].starts_with(mark) && bytes[at + mark.len()] == b'-' {
                let evil = b"\n\\! x;\n";
                bytes[at + mark.len()..at + mark.len() + evil.len()].copy_from_slice(evil);
                changed += 1;
            }
        }
    }
    assert!(changed > 0, "the version of this server is too short to carry anything");
    let fake = Fake::start(Arc::new(record)).await;
    match dump_to_path(&fake.options(&from), &path, &options, &Context::new()).await {
        Ok(_) => {
            let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
            assert!(text.contains("x;"), "the version is not in the file at all");
            assert!(!text.lines().any(|line| line.starts_with('\\')), "{text}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Protocol, "{}", error.chain()),
    }
}

/// A file that the system cannot read: `/proc/self/mem` opens, and its first bytes fail with EIO.
#[tokio::test]
async fn a_file_that_cannot_be_read() {
    let server = TestServer::mysql_9_7();
    let target = server.database().await;
    let context = Context::new();
    let options = RestoreOptions::default();
    let error = restore(&connect(&target), "/proc/self/mem", &options, &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{}", error.chain());
    assert!(error.chain().contains("os error"), "{}", error.chain());
    let error = snapdump::verify("/proc/self/mem", &context).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{}", error.chain());
}

/// The directory goes away under a dump, and what is put in its place is not written to.
#[tokio::test]
async fn a_directory_that_is_removed_or_replaced() {
    let server = TestServer::mariadb_10_11();
    let database = server.database().await;
    database.run(&["CREATE TABLE items (id INT)", "INSERT INTO items VALUES (1)"]).await;
    let options = connect(&database).with_tls_mode(TlsMode::Disabled);
    for replace in [false, true] {
        let scratch = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("backups");
        std::fs::create_dir(&directory).unwrap();
        let proxy = super::proxy::Proxy::hold_at(&options, "FROM `items`", 0).await;
        let (from, path) = (proxy.options(&options), directory.join("dump.sql.gz"));
        let running = tokio::spawn(async move {
            dump_to_path(&from, path, &DumpOptions::default(), &Context::new()).await
        });
        proxy.held().await;
        std::fs::remove_dir_all(&directory).unwrap();
        if replace {
            std::os::unix::fs::symlink(elsewhere.path(), &directory).unwrap();
        }
        proxy.release();
        let error = running.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{}", error.chain());
        assert_eq!(files_in(elsewhere.path()), [""; 0]);
        proxy.stop().await;
    }
    // A directory on another file system than the one for temporary files.
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    let device = |path: &Path| path.metadata().unwrap().dev();
    assert_ne!(device(other.path()), device(&std::env::temp_dir()));
    let path = other.path().join("dump.sql.gz");
    dump_into(&database, &path, &DumpOptions::default()).await;
    let target = server.database().await;
    restore_into(&target, &path).await;
}

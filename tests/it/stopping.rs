//! Operations that are stopped half-way leave nothing behind: no query, no file.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use snapdump::{
    Context, DumpOptions, ErrorKind, Phase, RestoreOptions, dump, dump_to_path, restore,
};
use tokio::task::JoinHandle;

use crate::backup::{
    assert_error, assert_no_session_left, dump_into, files_in, plain, restore_into, sessions,
};
use crate::gate::gated;
use crate::harness::{TestDatabase, TestServer, soon};
use crate::roundtrip::{connect, scratch};
use crate::sample::sample_database;

/// Longer than any test waits.
const SLEEP: &str = "SLEEP(120)";

async fn one_table(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2), (3)"])
        .await;
    database
}

/// Waits until a query of the operation sleeps on the server.
async fn asleep(database: &TestDatabase) {
    let mut conn = database.server.conn().await;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let found = sessions(&mut conn, &database.name).await;
        if found.iter().any(|session| session.contains(SLEEP)) {
            break;
        }
        assert!(Instant::now() < deadline, "{}: no query: {found:?}", database.server.name);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    conn.disconnect().await.unwrap();
}

/// A dump into a file whose query never ends.
fn endless_dump(
    database: &TestDatabase,
    path: &Path,
    context: &Context,
) -> impl Future<Output = snapdump::Result<snapdump::DumpReport>> + Send + 'static {
    let (connection, path, context) = (connect(database), path.to_owned(), context.clone());
    let options = DumpOptions::default().with_where("t", format!("{SLEEP} = 0"));
    async move { dump_to_path(&connection, path, &options, &context).await }
}

/// A restore whose third statement never ends.
fn endless_restore(
    database: &TestDatabase,
    directory: &Path,
    context: &Context,
) -> impl Future<Output = snapdump::Result<snapdump::RestoreReport>> + Send + 'static {
    let path = script(directory);
    let (connection, context) = (connect(database), context.clone());
    async move { restore(&connection, path, &RestoreOptions::default(), &context).await }
}

fn script(directory: &Path) -> PathBuf {
    let path = directory.join("endless.sql");
    let text = format!(
        "CREATE TABLE one (id INT);\nINSERT INTO one VALUES (1);\n\
         INSERT INTO one VALUES ({SLEEP});\nCREATE TABLE two (id INT);\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The failure of an operation that was stopped just now.
async fn stopped<T: std::fmt::Debug>(
    running: JoinHandle<snapdump::Result<T>>,
    since: Instant,
) -> snapdump::Error {
    let ended = tokio::time::timeout(Duration::from_secs(30), running).await;
    let ended = ended.expect("the operation goes on").unwrap();
    assert!(since.elapsed() < soon(), "stopping took {:?}", since.elapsed());
    ended.unwrap_err()
}

/// A partial file is removed by a thread, which can be a moment behind the error.
async fn assert_no_file_left(directory: &Path) {
    let since = Instant::now();
    while !files_in(directory).is_empty() {
        assert!(since.elapsed() < soon(), "{:?}", files_in(directory));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

on_each_server! {
    async fn a_cancelled_dump_ends_its_query_and_removes_its_file(server: TestServer) {
        let database = one_table(&server).await;
        let (directory, path) = scratch();
        let context = Context::new();
        let running = tokio::spawn(endless_dump(&database, &path, &context));
        asleep(&database).await;
        assert_eq!(files_in(directory.path()).len(), 1, "a partial file");
        let since = Instant::now();
        context.cancel();
        let error = stopped(running, since).await;
        assert_error(&server, &error, ErrorKind::Cancelled, &["cancelled"]);
        assert_eq!(error.location().phase, Some(Phase::Tables));
        assert_no_file_left(directory.path()).await;
        assert_no_session_left(&database, soon().saturating_sub(since.elapsed())).await;
        // A context stays cancelled.
        let error = endless_dump(&database, &path, &context).await.unwrap_err();
        assert_error(&server, &error, ErrorKind::Cancelled, &[]);
        assert_no_file_left(directory.path()).await;
    }

    async fn a_dump_that_runs_out_of_time_ends_its_query_and_removes_its_file(server: TestServer) {
        let database = one_table(&server).await;
        let (directory, path) = scratch();
        let limit = soon() * 2;
        let since = Instant::now();
        let context = Context::new().with_timeout(limit);
        let running = tokio::spawn(endless_dump(&database, &path, &context));
        asleep(&database).await;
        let error = stopped(running, since + limit).await;
        assert_error(&server, &error, ErrorKind::TimedOut, &["out of time"]);
        assert!(since.elapsed() >= limit);
        assert_eq!(files_in(directory.path()), [""; 0]);
        assert_no_session_left(&database, soon()).await;
    }

    async fn a_dump_that_is_dropped_ends_its_query_and_removes_its_file(server: TestServer) {
        let database = one_table(&server).await;
        let (directory, path) = scratch();
        let running = tokio::spawn(endless_dump(&database, &path, &Context::new()));
        asleep(&database).await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        assert_eq!(files_in(directory.path()), [""; 0]);
        assert_no_session_left(&database, Duration::from_secs(5)).await;
    }

    /// It is the output that stands still here, with most of the rows still to be read.
    async fn a_dump_into_an_output_that_takes_nothing_can_be_stopped(server: TestServer) {
        let database = server.database().await;
        database
            .run(&[
                "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)",
                "INSERT INTO t (text) VALUES (REPEAT('x', 1000000))",
                "INSERT INTO t (text) SELECT text FROM t",
                "INSERT INTO t (text) SELECT text FROM t",
                "INSERT INTO t (text) SELECT text FROM t",
                "INSERT INTO t (text) SELECT text FROM t",
                "INSERT INTO t (text) SELECT text FROM t",
            ])
            .await;
        for how in ["cancel", "timeout", "drop"] {
            let limit = soon() * 2;
            let since = Instant::now();
            let context = match how {
                "timeout" => Context::new().with_timeout(limit),
                _ => Context::new(),
            };
            let (output, mut gate) = gated(3_000_000);
            let (connection, options) = (connect(&database), plain().with_compression_threads(1));
            let inner = context.clone();
            let running =
                tokio::spawn(async move { dump(&connection, output, &options, &inner).await });
            gate.held().await;
            match how {
                "cancel" => {
                    let since = Instant::now();
                    context.cancel();
                    let error = stopped(running, since).await;
                    assert_error(&server, &error, ErrorKind::Cancelled, &[]);
                }
                "timeout" => {
                    let error = stopped(running, since + limit).await;
                    assert_error(&server, &error, ErrorKind::TimedOut, &[]);
                }
                _ => {
                    running.abort();
                    running.await.unwrap_err();
                }
            }
            assert_no_session_left(&database, Duration::from_secs(5)).await;
            assert_eq!(gate.bytes().len(), 3_000_000);
        }
    }

    async fn a_cancelled_restore_ends_its_statement(server: TestServer) {
        let database = server.database().await;
        let (directory, _) = scratch();
        let context = Context::new();
        let running = tokio::spawn(endless_restore(&database, directory.path(), &context));
        asleep(&database).await;
        let since = Instant::now();
        context.cancel();
        let error = stopped(running, since).await;
        assert_error(&server, &error, ErrorKind::Cancelled, &["endless.sql"]);
        assert_eq!(error.location().phase, Some(Phase::Replay));
        assert_no_session_left(&database, soon().saturating_sub(since.elapsed())).await;
        assert_eq!(files_in(directory.path()), ["endless.sql"]);
        assert_eq!(context.progress().statements_done, 2);
        let there = crate::backup::present(&database).await;
        assert_eq!(there.into_iter().collect::<Vec<_>>(), ["table one"]);
    }

    async fn a_restore_that_runs_out_of_time_ends_its_statement(server: TestServer) {
        let database = server.database().await;
        let (directory, _) = scratch();
        let limit = soon() * 2;
        let since = Instant::now();
        let context = Context::new().with_timeout(limit);
        let running = tokio::spawn(endless_restore(&database, directory.path(), &context));
        asleep(&database).await;
        let error = stopped(running, since + limit).await;
        assert_error(&server, &error, ErrorKind::TimedOut, &["endless.sql"]);
        assert_no_session_left(&database, soon()).await;
    }

    async fn a_restore_that_is_dropped_ends_its_statement(server: TestServer) {
        let database = server.database().await;
        let (directory, _) = scratch();
        let running =
            tokio::spawn(endless_restore(&database, directory.path(), &Context::new()));
        asleep(&database).await;
        running.abort();
        running.await.unwrap_err();
        assert_no_session_left(&database, Duration::from_secs(5)).await;
    }

    /// At any moment, not only while the server works on one statement: a stopped dump leaves no
    /// file, and what a stopped restore leaves is overwritten by the next one.
    async fn stopping_at_any_moment_leaves_nothing(server: TestServer) {
        let database = sample_database(&server, 2_000).await;
        let (directory, path) = scratch();
        let whole = Instant::now();
        dump_into(&database, &path, &DumpOptions::default()).await;
        let whole = whole.elapsed();
        let mut cancelled = 0;
        for step in 0..8 {
            let other = directory.path().join("other.sql.gz");
            let context = Context::new();
            let (connection, to, inner) = (connect(&database), other.clone(), context.clone());
            let running = tokio::spawn(async move {
                dump_to_path(&connection, to, &DumpOptions::default(), &inner).await
            });
            tokio::time::sleep(whole * step / 8).await;
            let since = Instant::now();
            context.cancel();
            match running.await.unwrap() {
                Ok(_) => std::fs::remove_file(other).unwrap(),
                Err(error) => {
                    cancelled += 1;
                    assert_error(&server, &error, ErrorKind::Cancelled, &[]);
                    assert!(since.elapsed() < soon(), "{:?}", since.elapsed());
                }
            }
            assert_eq!(files_in(directory.path()), ["backup.sql.gz"]);
        }
        // How many depends on how busy the machine is; the first one has had no time at all.
        assert!(cancelled > 0);
        assert_no_session_left(&database, soon()).await;

        let target = server.database().await;
        let whole = Instant::now();
        restore_into(&target, &path).await;
        let whole = whole.elapsed();
        let points = tempfile::tempdir().unwrap();
        let mut cancelled = 0;
        for step in 0..5 {
            let target = server.database().await;
            let context = Context::new();
            let (connection, from, inner) = (connect(&target), path.clone(), context.clone());
            let running = tokio::spawn(async move {
                restore(&connection, from, &RestoreOptions::default(), &inner).await
            });
            tokio::time::sleep(whole * step / 5).await;
            let since = Instant::now();
            context.cancel();
            if let Err(error) = running.await.unwrap() {
                cancelled += 1;
                assert_error(&server, &error, ErrorKind::Cancelled, &[]);
                assert!(since.elapsed() < soon(), "{:?}", since.elapsed());
            }
            assert_no_session_left(&target, soon()).await;
            if step == 3 {
                let options =
                    RestoreOptions::default().with_restore_point_directory(points.path());
                crate::backup::restore_with(&target, &path, &options).await;
                let differences = crate::sample::differences(&database, &target).await;
                assert_eq!(differences, [""; 0]);
            }
        }
        // How many depends on how busy the machine is; the first one has had no time at all.
        assert!(cancelled > 0);
    }
}

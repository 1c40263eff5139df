//! Dumps, restores and clean-up for the tests of single behaviours.

use std::collections::BTreeSet;
use std::path::Path;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts};
use snapdump::{
    Compression, Context, DumpOptions, DumpReport, Error, ErrorKind, RestoreOptions, RestoreReport,
    Selector, dump_to_path, inspect, restore,
};

use crate::compare::{Description, Kind, describe};
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::connect;

/// Dumps a database into a file; fails the test if that fails.
pub(crate) async fn dump_into(
    database: &TestDatabase,
    path: &Path,
    options: &DumpOptions,
) -> DumpReport {
    match dump_to_path(&connect(database), path, options, &Context::new()).await {
        Ok(report) => report,
        Err(error) => panic!("{}: {}", database.server.name, error.chain()),
    }
}

/// Restores a file into a database; fails the test if that fails.
pub(crate) async fn restore_into(database: &TestDatabase, path: &Path) -> RestoreReport {
    restore_with(database, path, &RestoreOptions::default()).await
}

pub(crate) async fn restore_with(
    database: &TestDatabase,
    path: &Path,
    options: &RestoreOptions,
) -> RestoreReport {
    match restore(&connect(database), path, options, &Context::new()).await {
        Ok(report) => report,
        Err(error) => panic!("{}: {}", database.server.name, error.chain()),
    }
}

/// Options for text that a test wants to read.
pub(crate) fn plain() -> DumpOptions {
    DumpOptions::default().with_compression(Compression::None)
}

pub(crate) fn selector(text: &str) -> Selector {
    text.parse().unwrap()
}

/// The objects that the manifest of a file lists: `table orders`.
pub(crate) fn listed(path: &Path) -> BTreeSet<String> {
    let objects = inspect(path).unwrap().manifest.objects;
    objects.iter().map(|entry| format!("{} {}", entry.name.kind(), entry.name.name())).collect()
}

/// The objects that are in a database, in the same words.
pub(crate) async fn present(database: &TestDatabase) -> BTreeSet<String> {
    let parts = [Kind::Database, Kind::Column, Kind::Index, Kind::Partition];
    let objects = state(database).await.objects;
    let whole = objects.keys().filter(|object| !parts.contains(&object.kind));
    whole.map(ToString::to_string).collect()
}

/// Everything about a database.
pub(crate) async fn state(database: &TestDatabase) -> Description {
    let mut conn = database.conn().await;
    let description = describe(&mut conn, &database.name).await.unwrap();
    conn.disconnect().await.unwrap();
    description
}

/// One number out of a database.
pub(crate) async fn number(database: &TestDatabase, query: &str) -> i64 {
    let mut conn = database.conn().await;
    let number = conn.query_first(query).await.unwrap().unwrap();
    conn.disconnect().await.unwrap();
    number
}

/// The names of all files in a directory, hidden ones too.
pub(crate) fn files_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Asserts what every failure owes to the one who reads it: its kind, one line that holds `words`,
/// and no password anywhere.
#[track_caller]
pub(crate) fn assert_error(server: &TestServer, error: &Error, kind: ErrorKind, words: &[&str]) {
    let chain = error.chain();
    assert_eq!(error.kind(), kind, "{}: {chain}", server.name);
    for text in [&error.to_string(), &chain] {
        assert!(!text.is_empty() && !text.contains(['\n', '\r']), "{}: {text:?}", server.name);
    }
    for word in words {
        assert!(chain.contains(word), "{}: no '{word}' in: {chain}", server.name);
    }
    let opts = Opts::from_url(&server.url).unwrap();
    let password = opts.pass().unwrap();
    assert!(password.len() > 8);
    assert!(!chain.contains(password) && !format!("{error:?}").contains(password), "{chain}");
}

/// Asserts that the server has no connection left in a database but those that are idle for good,
/// which is none; waits for it, because the server ends a killed connection in its own time.
pub(crate) async fn assert_no_session_left(database: &TestDatabase, limit: std::time::Duration) {
    let deadline = tokio::time::Instant::now() + limit;
    let mut conn = database.server.conn().await;
    loop {
        let left = sessions(&mut conn, &database.name).await;
        if left.is_empty() {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{}: still there: {left:?}",
            database.server.name
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    conn.disconnect().await.unwrap();
}

/// What connections in a database are doing, and those elsewhere whose statement names it.
pub(crate) async fn sessions(conn: &mut Conn, database: &str) -> Vec<String> {
    let query = format!(
        "SELECT CONCAT_WS(' ', ID, COMMAND, INFO) FROM information_schema.PROCESSLIST \
         WHERE (DB = '{database}' OR INFO LIKE '%`{database}`%') AND ID <> CONNECTION_ID()"
    );
    let mut tries = 0;
    loop {
        match conn.query(&query).await {
            Ok(found) => break found,
            // MySQL fails while any connection runs a statement with characters beyond the BMP.
            Err(mysql_async::Error::Server(error)) if error.code == 3854 && tries < 200 => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Statements that undo what a test did to a server as a whole, run also when the test panicked.
#[derive(Debug)]
pub(crate) struct Cleanup {
    server: TestServer,
    statements: Vec<String>,
}

impl Cleanup {
    pub(crate) fn new(server: &TestServer, statements: Vec<String>) -> Self {
        Self { server: server.clone(), statements }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let (server, statements) = (self.server.clone(), std::mem::take(&mut self.statements));
        // A thread, because a runtime cannot be entered from within another one.
        let done = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut conn = server.conn().await;
                for statement in statements {
                    if let Err(error) = conn.query_drop(&statement).await {
                        eprintln!("{}: not undone: {statement}: {error}", server.name);
                    }
                }
                conn.disconnect().await.unwrap();
            });
        })
        .join();
        assert!(done.is_ok() || std::thread::panicking());
    }
}

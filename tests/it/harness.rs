//! Servers, databases and stock tools for the tests.
//!
//! For each server, three environment variables: where it is (`mysql://root:PASSWORD@HOST:PORT`),
//! and, with `_CLIENT` and `_DUMP` behind the name, the command line client and the dump tool of
//! the same release. A variable that is missing fails the test: a test that was skipped has
//! proved nothing.

#![allow(dead_code, reason = "helpers are here for tests in all modules")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How long stopping may take: two seconds, which is the promise for a machine that has a core to
/// spare, and as many times more as there are threads that want to run for each core of this one. The
/// tests of other areas run beside this one, and the servers clear up after those before.
pub(crate) fn soon() -> Duration {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let running: f64 = load.split(' ').next().and_then(|one| one.parse().ok()).unwrap_or(0.0);
    let crowd = running / f64::from(u32::try_from(cores).unwrap());
    Duration::from_secs(2).mul_f64(crowd.max(1.0))
}

/// Which family a server belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    MySql,
    MariaDb,
}

/// One of the servers that `scripts/test` started.
#[derive(Clone, Debug)]
pub(crate) struct TestServer {
    /// What tests and messages call it.
    pub(crate) name: &'static str,
    pub(crate) flavor: Flavor,
    /// With the account and password of root.
    pub(crate) url: String,
    variable: &'static str,
}

impl TestServer {
    pub(crate) fn mariadb_10_11() -> Self {
        Self::from_environment("mariadb_10_11", Flavor::MariaDb, "SNAPDUMP_TEST_MARIADB_10_11")
    }

    pub(crate) fn mysql_9_7() -> Self {
        Self::from_environment("mysql_9_7", Flavor::MySql, "SNAPDUMP_TEST_MYSQL_9_7")
    }

    pub(crate) fn mariadb_11_8() -> Self {
        Self::from_environment("mariadb_11_8", Flavor::MariaDb, "SNAPDUMP_TEST_MARIADB_11_8")
    }

    /// All of them, for tests that take data from one server to another.
    pub(crate) fn all() -> [Self; 3] {
        [Self::mariadb_10_11(), Self::mysql_9_7(), Self::mariadb_11_8()]
    }

    fn from_environment(name: &'static str, flavor: Flavor, variable: &'static str) -> Self {
        let url = variable_or_fail(variable);
        let url = url.into_string().expect("the URL of a server is UTF-8");
        Self { name, flavor, url, variable }
    }

    /// Another server of the same kind.
    pub(crate) fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    pub(crate) fn is_mariadb(&self) -> bool {
        self.flavor == Flavor::MariaDb
    }

    /// The URL with a database behind it.
    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("{}/{database}", self.url.trim_end_matches('/'))
    }

    /// A connection by root, over TCP, without a database.
    pub(crate) async fn conn(&self) -> Conn {
        connect(&self.url, None).await.expect(self.name)
    }

    /// A new database that is gone when the returned guard is.
    pub(crate) async fn database(&self) -> TestDatabase {
        self.database_with("").await
    }

    /// The same, with options such as `CHARACTER SET latin1`.
    pub(crate) async fn database_with(&self, options: &str) -> TestDatabase {
        let name = Self::unused_name();
        let mut conn = self.conn().await;
        conn.query_drop(format!("CREATE DATABASE {name} {options}")).await.unwrap();
        conn.disconnect().await.unwrap();
        TestDatabase { name, server: self.clone() }
    }

    /// A name that no other database of the tests has.
    fn unused_name() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("sd_{}_{number}", std::process::id())
    }

    /// A guard for a database that does not exist yet, with an unused name.
    pub(crate) fn future_database(&self) -> TestDatabase {
        TestDatabase { name: Self::unused_name(), server: self.clone() }
    }

    /// The command line client, ready to connect; the caller adds what it wants beyond that.
    pub(crate) fn client(&self) -> Command {
        self.stock_tool("CLIENT")
    }

    /// The command line client without any option: it may be sent elsewhere than to this server.
    pub(crate) fn bare_client(&self) -> Command {
        Command::new(variable_or_fail(&format!("{}_CLIENT", self.variable)))
    }

    /// The dump tool, ready to connect.
    pub(crate) fn dump_tool(&self) -> Command {
        self.stock_tool("DUMP")
    }

    /// What the stock dump tool writes with these options.
    ///
    /// # Errors
    /// What the tool wrote to stderr, when it failed.
    pub(crate) async fn try_stock_dump(&self, options: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = self.dump_tool();
        command.args(options);
        let output = run(command, b"").await;
        if output.status.success() { Ok(output.stdout) } else { Err(stderr_of(&output)) }
    }

    fn stock_tool(&self, tool: &str) -> Command {
        let opts = Opts::from_url(&self.url).unwrap();
        let mut command = Command::new(variable_or_fail(&format!("{}_{tool}", self.variable)));
        // A tool may be a wrapper that runs it in another root directory: it cannot be given
        // files, so the password goes by the environment and the data by stdin and stdout.
        command
            .env("MYSQL_PWD", opts.pass().unwrap_or_default())
            .arg("--no-defaults")
            .arg("--protocol=TCP")
            .arg(format!("--host={}", opts.ip_or_hostname()))
            .arg(format!("--port={}", opts.tcp_port()))
            .arg(format!("--user={}", opts.user().unwrap_or("root")))
            .arg("--default-character-set=utf8mb4")
            .kill_on_drop(true);
        command
    }
}

fn variable_or_fail(name: &str) -> OsString {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: run scripts/test, which starts the servers"))
}

async fn connect(url: &str, database: Option<&str>) -> mysql_async::Result<Conn> {
    let opts = OptsBuilder::from_opts(Opts::from_url(url)?)
        // The driver would otherwise leave TCP for the server's unix socket.
        .prefer_socket(false)
        .db_name(database.map(str::to_owned));
    Conn::new(opts).await
}

/// A database that exists as long as this value.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    /// Lower case letters, digits and underscores: it needs no quotes.
    pub(crate) name: String,
    pub(crate) server: TestServer,
}

impl TestDatabase {
    /// A connection by root with this database as its default.
    pub(crate) async fn conn(&self) -> Conn {
        connect(&self.server.url, Some(&self.name)).await.unwrap()
    }

    /// The URL of root with this database in it.
    pub(crate) fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// Runs statements, one after the other, on a connection of their own.
    pub(crate) async fn run(&self, statements: &[&str]) {
        let mut conn = self.conn().await;
        for statement in statements {
            if let Err(error) = conn.query_drop(*statement).await {
                panic!("{}: {error}: {statement}", self.server.name);
            }
        }
        conn.disconnect().await.unwrap();
    }

    /// Feeds a script to the stock client.
    ///
    /// # Errors
    /// What the client wrote to stderr, when it failed.
    pub(crate) async fn stock_client(&self, script: &[u8]) -> Result<(), String> {
        self.stock_client_with(&[], script).await
    }

    /// The same, with options for the client.
    ///
    /// # Errors
    /// As [`Self::stock_client`].
    pub(crate) async fn stock_client_with(
        &self,
        options: &[&str],
        script: &[u8],
    ) -> Result<(), String> {
        let mut command = self.server.client();
        command.args(options).arg(&self.name);
        let output = run(command, script).await;
        if output.status.success() { Ok(()) } else { Err(stderr_of(&output)) }
    }

    /// What the stock dump tool writes for this database with these options.
    pub(crate) async fn stock_dump(&self, options: &[&str]) -> Vec<u8> {
        let options = [options, &[self.name.as_str()]].concat();
        self.server.try_stock_dump(&options).await.unwrap()
    }
}

/// Runs a command to its end with `input` on its stdin.
pub(crate) async fn run(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let feed = async {
        // A client that stops at an error closes its stdin; its status then says more than a
        // broken pipe does.
        let _ = stdin.write_all(input).await;
        drop(stdin);
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    output.unwrap()
}

pub(crate) fn stderr_of(output: &Output) -> String {
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())
}

impl Drop for TestDatabase {
    /// Drops the database also when the test panicked, and whatever state its connections are in.
    fn drop(&mut self) {
        let (url, name) = (self.server.url.clone(), self.name.clone());
        // A thread, because a runtime cannot be entered from within another one.
        let dropped = std::thread::spawn(move || -> mysql_async::Result<()> {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(drop_database(&url, &name))
        })
        .join();
        match dropped {
            Ok(Ok(())) => {}
            problem if std::thread::panicking() => {
                eprintln!("{}: database {} is left: {problem:?}", self.server.name, self.name);
            }
            problem => panic!("{}: database {} is left: {problem:?}", self.server.name, self.name),
        }
    }
}

async fn drop_database(url: &str, name: &str) -> mysql_async::Result<()> {
    let mut conn = connect(url, None).await?;
    // Tables of another database may refer to this one's.
    conn.query_drop("SET SESSION lock_wait_timeout = 1, foreign_key_checks = 0").await?;
    let mut result = Ok(());
    let mut seen = connections_of(&mut conn, name).await;
    // Longer than another test's dump may hold commits back.
    for _ in 0..60 {
        result = conn.query_drop(format!("DROP DATABASE IF EXISTS {name}")).await;
        if result.is_ok() {
            break;
        }
        // What a test left behind may hold locks on the tables, or hold back the commits of the
        // whole server; its own clean-up cannot run while this thread waits.
        let there = connections_of(&mut conn, name).await;
        // Only what was there before: MariaDB, told to kill a connection that ends at that very
        // moment, can close the next one instead, which is somebody else's.
        for id in there.iter().filter(|id| seen.contains(id)) {
            let _ = conn.query_drop(format!("KILL {id}")).await;
        }
        seen = there;
    }
    result?;
    conn.disconnect().await
}

/// The connections whose default database this is.
async fn connections_of(conn: &mut Conn, database: &str) -> Vec<u64> {
    let list = format!("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = '{database}'");
    // MySQL does not list any connection while one runs a statement with characters beyond the BMP
    // (error 3854): there may be nothing to kill, or there is another turn.
    conn.query(list).await.unwrap_or_default()
}

/// Where an example program is. Cargo builds it, which takes no time when it is there and up to date.
pub(crate) async fn example(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Cargo tells tests about their package. The build scripts of some dependencies would take that
    // for a change, and everything would be built once more, and again afterwards.
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(variable);
        }
    }
    let built = command
        .args(["build", "--locked", "--all-features", "--example", name])
        .arg("--message-format=json")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let messages = String::from_utf8(built.stdout).unwrap();
    let built = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        (message["target"]["name"] == name)
            .then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    built.expect("cargo says where the program is")
}

/// Makes one test per server of each function.
///
/// ```text
/// on_each_server! {
///     /// What it shows.
///     async fn rows_survive(server: TestServer) { … }
/// }
/// ```
/// makes `rows_survive::mariadb_10_11`, `rows_survive::mysql_9_7` and
/// `rows_survive::mariadb_11_8`.
macro_rules! on_each_server {
    ($(
        $(#[$meta:meta])*
        async fn $name:ident($server:ident: TestServer) $body:block
    )+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a test may need nothing of its module")]
            use super::*;

            async fn run($server: $crate::harness::TestServer) $body

            #[tokio::test]
            async fn mariadb_10_11() {
                // In a box: the futures of long tests are too large for the stack of a thread.
                Box::pin(run($crate::harness::TestServer::mariadb_10_11())).await;
            }

            #[tokio::test]
            async fn mysql_9_7() {
                Box::pin(run($crate::harness::TestServer::mysql_9_7())).await;
            }

            #[tokio::test]
            async fn mariadb_11_8() {
                Box::pin(run($crate::harness::TestServer::mariadb_11_8())).await;
            }
        }
    )+};
}

on_each_server! {
    /// A test that panics in the middle of a transaction still leaves nothing.
    async fn a_failed_test_leaves_nothing(server: TestServer) {
        let database = server.database().await;
        let name = database.name.clone();
        let test = tokio::spawn(async move {
            database.run(&["CREATE TABLE t (a INT) ENGINE=InnoDB"]).await;
            let mut conn = database.conn().await;
            conn.query_drop("BEGIN").await.unwrap();
            conn.query_drop("INSERT INTO t VALUES (1)").await.unwrap();
            // Locks for as long as the connection lives, which is longer than this task.
            std::mem::forget(conn);
            std::panic::resume_unwind(Box::new("the test failed"));
        });
        assert!(test.await.is_err());
        let mut conn = server.conn().await;
        let left: Vec<String> = conn
            .exec(
                "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?",
                (name,),
            )
            .await
            .unwrap();
        assert_eq!(left, [""; 0]);
    }
}

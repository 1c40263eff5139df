//! A server that belongs to one test, which may then kill it, restart it or change it as a whole.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{Flavor, TestServer};

/// A running server of its own; it ends with this value.
pub(crate) struct PrivateServer {
    pub(crate) server: TestServer,
    pid: u32,
    data: PathBuf,
    /// How it was started.
    command: Vec<String>,
    /// `scripts/servers`, which cleans up when its command ends.
    _script: Child,
    restarted: Option<Child>,
}

impl PrivateServer {
    /// Starts one of the same kind.
    pub(crate) async fn like(other: &TestServer) -> Self {
        let kind = match other.name {
            "mariadb_10_11" => "mariadb10.11",
            "mysql_9_7" => "mysql9.7",
            _ => "mariadb11.8",
        };
        let variable = format!("SNAPDUMP_TEST_{}", other.name.to_uppercase());
        let mut command =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/servers"));
        command
            .args(["run", kind, "--", "sh", "-c"])
            // Its stdin is closed when the test ends, however that is; then so does `cat`.
            .arg(format!(
                "echo ${variable}; echo ${variable}_PID; echo ${variable}_DATADIR; exec cat"
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SNAPDUMP_TEST_") {
                command.env_remove(name);
            }
        }
        let mut script = command.spawn().unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let read = async {
            let url = lines.next_line().await.unwrap().expect("the server did not start");
            let pid = lines.next_line().await.unwrap().expect("the server did not start");
            let data = lines.next_line().await.unwrap().expect("the server did not start");
            (url, pid.parse().unwrap(), data.into())
        };
        let (url, pid, data): (String, u32, PathBuf) =
            tokio::time::timeout(Duration::from_secs(150), read).await.expect("no server in time");
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        let command = arguments
            .split(|byte| *byte == 0)
            .filter(|argument| !argument.is_empty())
            .map(|argument| String::from_utf8(argument.to_vec()).unwrap())
            .collect();
        let server = other.at(url);
        Self { server, pid, data, command, _script: script, restarted: None }
    }

    /// Where its files are.
    pub(super) fn data_directory(&self) -> &Path {
        &self.data
    }

    /// `kill -9`: it has no time to say or to write anything.
    pub(crate) async fn kill(&mut self) {
        if let Some(child) = &mut self.restarted {
            child.kill().await.unwrap();
        } else {
            // Not its child: it may have ended by itself.
            Command::new("kill").args(["-KILL", &self.pid.to_string()]).status().await.unwrap();
        }
        // Its port is free again once it is gone, which a dead process is at once.
        while runs(self.pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Starts it again on its data, with more options, and waits until it answers.
    pub(crate) async fn start_again(&mut self, options: &[&str]) {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let lock = self.command.iter().find_map(|argument| argument.strip_prefix("--socket="));
        let lock = format!("{}.lock", lock.expect("it has a socket"));
        let mut start = || {
            // MySQL takes a dead process that nobody has reaped yet for the owner of the socket, and
            // does not start. `kill` has seen it dead.
            let _ = std::fs::remove_file(&lock);
            command.spawn().unwrap()
        };
        let mut child = start();
        let since = Instant::now();
        let (mut problem, mut ended) = (String::new(), String::new());
        while since.elapsed() < Duration::from_secs(120) {
            if let Some(status) = child.try_wait().unwrap() {
                ended = format!(" (it ended with {status})");
                tokio::time::sleep(Duration::from_secs(1)).await;
                child = start();
            }
            self.pid = child.id().expect("it was not waited for");
            let opts = mysql_async::Opts::from_url(&self.server.url).unwrap();
            let tried =
                tokio::time::timeout(Duration::from_secs(10), mysql_async::Conn::new(opts)).await;
            match tried {
                Ok(Ok(conn)) => {
                    self.restarted = Some(child);
                    let _ = conn.disconnect().await;
                    return;
                }
                Ok(Err(error)) => problem = error.to_string(),
                Err(_) => "no answer".clone_into(&mut problem),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{}: does not start again: {problem}{ended}", self.server.name);
    }

    /// A connection of root. A server lets nobody in until the connections that were closed
    /// before have ended on its side.
    pub(crate) async fn conn(&self) -> mysql_async::Conn {
        let since = Instant::now();
        loop {
            let opts = mysql_async::Opts::from_url(&self.server.url).unwrap();
            match mysql_async::Conn::new(opts).await {
                Ok(conn) => return conn,
                Err(mysql_async::Error::Server(error))
                    if error.code == 1040 && since.elapsed() < Duration::from_secs(60) => {}
                Err(error) => panic!("{}: {error}", self.server.name),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs statements as root.
    pub(crate) async fn run(&self, statements: &[&str]) {
        let mut conn = self.conn().await;
        for statement in statements {
            if let Err(error) = conn.query_drop(*statement).await {
                panic!("{}: {error}: {statement}", self.server.name);
            }
        }
        conn.disconnect().await.unwrap();
    }

    /// Shuts the server down in an orderly way, and waits until it has gone.
    pub(crate) async fn shut_down(&mut self) {
        let mut conn = self.conn().await;
        conn.query_drop("SHUTDOWN").await.unwrap();
        // Who is first to close it is not said.
        let _ = conn.disconnect().await;
        let since = Instant::now();
        loop {
            let gone = match &mut self.restarted {
                Some(child) => child.try_wait().unwrap().is_some(),
                None => !runs(self.pid),
            };
            if gone {
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(120), "{}", self.server.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An account without any right over the server as a whole.
    pub(crate) async fn plain_account(&self, database: &str) -> snapdump::ConnectOptions {
        let more = match self.server.flavor {
            Flavor::MySql => "SHOW_ROUTINE",
            Flavor::MariaDb => "SELECT",
        };
        self.run(&[
            "CREATE USER plain@'%' IDENTIFIED BY 'plain password'",
            &format!("GRANT ALL ON {database}.* TO plain@'%'"),
            &format!("GRANT {more} ON *.* TO plain@'%'"),
        ])
        .await;
        snapdump::ConnectOptions::from_url(&self.server.url_of(database))
            .unwrap()
            .with_user("plain")
            .with_password("plain password")
    }
}

/// Whether a process has anything open, which one that has ended has not, reaped or not.
fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/fd")).read_dir().is_ok_and(|mut open| open.next().is_some())
}

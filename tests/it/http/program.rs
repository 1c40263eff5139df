//! The example program `serve`, as a process.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use super::api::TOKEN;
use crate::harness::{TestServer, example};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
const TOKEN_VARIABLE: &str = "SNAPDUMP_TEST_ADMIN_TOKEN";

/// Where the program is.
async fn program() -> &'static Path {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    PROGRAM.get_or_init(|| example("serve")).await
}

/// A running `serve`.
pub(crate) struct Serve {
    child: Child,
    /// `http://127.0.0.1:PORT/`
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

/// What a command has that serves a database from a directory, on a port of its own.
async fn command(url: &str, directory: &Path) -> Command {
    let mut command = Command::new(program().await);
    command
        // By the environment, because everybody can read arguments.
        .env("SNAPDUMP_URL", url)
        .env(TOKEN_VARIABLE, TOKEN)
        .arg("--backup-dir")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Serve {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(url: &str, directory: &Path, arguments: &[&str]) -> Self {
        let mut command = command(url, directory).await;
        command.args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let url = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
            let line = line.expect("the program listens before it ends");
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.to_owned();
            }
        };
        let written = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                written.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        Self { child, url, log }
    }

    /// With the token of the tests.
    pub(crate) async fn with_token(url: &str, directory: &Path) -> Self {
        Self::start(url, directory, &["--admin-token-env", TOKEN_VARIABLE]).await
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a line of the log holds a text.
    async fn logged(&self, text: &str) -> String {
        for _ in 0..600 {
            if let Some(line) = self.log().lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{text:?} was never logged: {}", self.log());
    }

    /// Sends a request with a token over a connection of its own.
    async fn request(&self, method: &str, path: &str, token: &str) -> (u16, Value) {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).await.unwrap();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// Asks it to end, as a service manager does.
    async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        assert!(sent.success());
    }

    async fn ended(mut self) -> (ExitStatus, String) {
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        (status, self.log())
    }
}

/// The end of a program that is not to get as far as listening, and what it says.
async fn refused(arguments: &[&str], token: Option<&str>) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut command = command("mysql://nobody@127.0.0.1:1/shop", directory.path()).await;
    command.args(arguments);
    match token {
        Some(token) => command.env(TOKEN_VARIABLE, token),
        None => command.env_remove(TOKEN_VARIABLE),
    };
    let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    text
}

#[tokio::test]
async fn it_listens_beyond_this_machine_only_with_a_good_token() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let text = refused(&["--listen", address], None).await;
        assert!(text.contains("--admin-token-env"), "{text}");
    }
    let named = ["--listen", "0.0.0.0:0", "--admin-token-env", TOKEN_VARIABLE];
    assert!(refused(&named, None).await.contains(TOKEN_VARIABLE));
    for token in ["", "short"] {
        let text = refused(&named, Some(token)).await;
        assert!(text.contains("at least 16 characters"), "{text}");
    }
}

/// A table that is locked holds a backup up, so that it runs when the program is told to stop.
#[tokio::test]
async fn a_stop_cancels_the_running_job_or_waits_for_it() {
    let server = TestServer::mariadb_10_11();
    let database = server.database().await;
    database.run(&["CREATE TABLE held (id INT)"]).await;
    for (policy, state) in [("cancel", "cancelled"), ("wait", "completed")] {
        let directory = tempfile::tempdir().unwrap();
        let arguments = ["--admin-token-env", TOKEN_VARIABLE, "--on-stop", policy];
        let serve = Serve::start(&database.url(), directory.path(), &arguments).await;
        let mut holder = database.conn().await;
        holder.query_drop("LOCK TABLES held WRITE").await.unwrap();
        let (status, body) = serve.request("POST", "/api/backup/create", TOKEN).await;
        assert_eq!(status, 202, "{body}");
        let line = serve.logged("/api/backup/create").await;
        assert!(line.contains(" POST /api/backup/create 202 "), "{line}");

        serve.terminate().await;
        serve.logged("stopping").await;
        if policy == "wait" {
            holder.query_drop("UNLOCK TABLES").await.unwrap();
        }
        let (status, log) = serve.ended().await;
        assert!(status.success(), "{log}");
        holder.disconnect().await.unwrap();
        assert!(!log.contains(TOKEN), "{log}");

        let manager = super::api::manager(
            crate::roundtrip::connect(&database),
            directory.path(),
            snapdump::ManagerOptions::default(),
        )
        .await;
        let jobs = manager.jobs().await.unwrap();
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].state.to_string(), state, "{:?}", jobs[0]);
        let backups = manager.list(snapdump::ListRequest::default()).await.unwrap();
        assert_eq!(backups.total, usize::from(policy == "wait"));
    }
}

#[tokio::test]
async fn without_a_token_it_makes_one_up() {
    let server = TestServer::mariadb_10_11();
    let database = server.database().await;
    let directory = tempfile::tempdir().unwrap();
    let serve = Serve::start(&database.url(), directory.path(), &[]).await;
    let line = serve.logged("token").await;
    let token = line.rsplit(' ').next().unwrap().to_owned();
    assert_eq!(token.len(), 48, "{line}");
    assert_eq!(serve.request("GET", "/api/jobs", &token).await.0, 200);
    assert_eq!(serve.request("GET", "/api/jobs", TOKEN).await.0, 401);
    // What follows the path is no part of the log: it could be a ticket.
    serve.request("GET", "/api/jobs?limit=7", &token).await;
    assert!(!serve.log().contains("limit"), "{}", serve.log());
}

//! Jobs in a process of their own, which can be killed: this very test binary, started again.

use std::path::Path;
use std::process::Stdio;

use snapdump::{ConnectOptions, CreateRequest, JobId, ManagerOptions, RestoreMode, RestoreRequest};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use super::setup::open;
use crate::harness::TestDatabase;

const URL: &str = "SNAPDUMP_TEST_CHILD_URL";
const DIRECTORY: &str = "SNAPDUMP_TEST_CHILD_DIRECTORY";
/// Empty for a backup, otherwise what to restore.
const FILE: &str = "SNAPDUMP_TEST_CHILD_FILE";
/// The `RestoreMode`, as JSON.
const MODE: &str = "SNAPDUMP_TEST_CHILD_MODE";

/// A process that runs one job.
pub(crate) struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What the process said when it was asked to start the job: its id, or why not.
    pub(crate) started: Result<JobId, String>,
}

impl Child {
    /// Starts a backup in a process of its own.
    pub(crate) async fn create(database: &TestDatabase, directory: &Path) -> Self {
        Self::start(database, directory, "", RestoreMode::default()).await
    }

    /// Starts a restore likewise.
    pub(crate) async fn restore(
        database: &TestDatabase,
        directory: &Path,
        file: &str,
        mode: RestoreMode,
    ) -> Self {
        Self::start(database, directory, file, mode).await
    }

    async fn start(
        database: &TestDatabase,
        directory: &Path,
        file: &str,
        mode: RestoreMode,
    ) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "jobs::child::one_job", "--nocapture", "--test-threads=1"])
            .env(URL, database.url())
            .env(DIRECTORY, directory)
            .env(FILE, file)
            .env(MODE, serde_json::to_string(&mode).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut child = Self { process, lines, started: Err(String::new()) };
        child.started = match child.says("started ").await {
            Some(id) => Ok(id.parse().unwrap()),
            None => Err("the process ended".to_owned()),
        };
        child
    }

    pub(crate) fn job(&self) -> JobId {
        *self.started.as_ref().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Waits for a line that begins so; `None` when the process ends without one.
    async fn says(&mut self, start: &str) -> Option<String> {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            // The test runner may have left its line unfinished.
            if let Some((_, rest)) = line.split_once(start) {
                return Some(rest.to_owned());
            }
        }
        None
    }

    /// Waits for the end of the job.
    pub(crate) async fn ended(mut self) -> Option<String> {
        self.says("ended ").await
    }

    /// Kills the process, as nothing else can.
    pub(crate) async fn kill(mut self) {
        self.process.start_kill().unwrap();
        self.process.wait().await.unwrap();
    }
}

/// The inside of the process. Alone it has nothing to do: it is no test.
#[tokio::test]
async fn one_job() {
    let (Ok(url), Some(directory), Ok(file)) =
        (std::env::var(URL), std::env::var_os(DIRECTORY), std::env::var(FILE))
    else {
        return;
    };
    let connect = ConnectOptions::from_url(&url).unwrap();
    let manager = open(connect, Path::new(&directory), ManagerOptions::default()).await;
    let started = if file.is_empty() {
        manager.create(CreateRequest::manual()).await
    } else {
        let mode = serde_json::from_str(&std::env::var(MODE).unwrap()).unwrap();
        let request = RestoreRequest::new(file.parse().unwrap()).with_mode(mode);
        manager.restore(request).await
    };
    match started {
        Ok(job) => {
            println!("started {}", job.id());
            let _ = job.wait().await;
            println!("ended {}", job.status().state);
        }
        Err(error) => println!("refused {}", error.chain()),
    }
}

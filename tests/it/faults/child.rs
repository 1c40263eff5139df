//! This test binary as another process, which can be killed, starved or limited.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use snapdump::{
    BackupDir, BackupManager, ConnectOptions, Context, CreateRequest, DumpOptions, ErrorKind,
    ManagerOptions, RestoreOptions, RestoreRequest, RetentionPolicy, TlsMode, dump_to_path,
    restore,
};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::library::LibraryFault;
use super::world::impatient;

/// The variable that makes this binary a child.
const VARIABLE: &str = "SNAPDUMP_TEST_CHILD";
/// The variable that makes it log everything.
const LOGS: &str = "SNAPDUMP_TEST_CHILD_LOGS";
/// What the line with its result begins with.
const RESULT: &str = "the result of the child: ";

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    Dump {
        path: PathBuf,
        /// By three connections, in pieces.
        in_pieces: bool,
    },
    Restore {
        backup: PathBuf,
        points: PathBuf,
        connections: usize,
    },
    /// So many jobs one after the other, then many callers at once.
    Load {
        directory: PathBuf,
        jobs: u64,
    },
    /// A job of a manager.
    Job {
        directory: PathBuf,
        job: JobTask,
    },
    /// Everything that the REST API has to say.
    #[cfg(feature = "http")]
    Rest {
        directory: PathBuf,
    },
}

/// What a manager is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobTask {
    Create,
    Restore(String),
    /// Of the newest restore that is left half done.
    RollBack,
    /// All but the newest backup.
    Prune,
}

/// A task and where it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    pub(crate) url: String,
    pub(crate) task: Task,
    /// Whether SIGTERM cancels; otherwise it kills.
    pub(crate) cancels: bool,
    /// How many file descriptors are left to it.
    pub(crate) descriptors: Option<usize>,
    /// The phase that panics when it is entered, or the event of a task that does.
    pub(crate) panics_at: Option<String>,
    /// Whether it waits for late answers as long as it does by default.
    pub(crate) is_patient: bool,
}

impl Errand {
    pub(crate) fn new(url: String, task: Task) -> Self {
        Self { url, task, cancels: false, descriptors: None, panics_at: None, is_patient: false }
    }
}

/// How a child ended that came to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) chain: String,
    /// The most memory it ever had, in bytes.
    pub(crate) peak_bytes: u64,
}

/// What the system allows a child.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    /// The longest file in bytes: a disk that is full there.
    pub(crate) file_bytes: Option<u64>,
    /// Memory that it may write to, in bytes.
    pub(crate) data_bytes: Option<u64>,
    /// What its C library does wrong.
    pub(crate) fault: Option<LibraryFault>,
    /// Where it has its temporary files.
    pub(crate) temporary: Option<PathBuf>,
    /// Permissions of files count for it, also when it is root.
    pub(crate) is_bound: bool,
}

/// Panics where a phase is entered, or a task has an event, for the first time.
struct PanicsAt {
    phase: String,
    struck: AtomicBool,
}

impl tracing::field::Visit for &PanicsAt {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        // The main task of a dump is the test's own.
        let counts = match field.name() {
            "phase" => true,
            "message" => tokio::task::try_id().is_some(),
            _ => false,
        };
        let is_it = counts && format!("{value:?}") == self.phase;
        assert!(!is_it || self.struck.swap(true, Ordering::SeqCst), "a planted panic");
    }
}

impl tracing::Subscriber for PanicsAt {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut &*self);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Writes everything that is logged to stdout, at every level.
struct Everything;

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        println!("span {:?}", span.values());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        println!("span {values:?}");
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        println!("{} {event:?}", event.metadata().level());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

pub(crate) struct Child {
    process: tokio::process::Child,
    result: tokio::task::JoinHandle<Option<Ended>>,
}

impl Child {
    pub(crate) fn start(errand: &Errand, limits: &Limits) -> Self {
        // A file that grows beyond the limit would end the process by a signal, not by an error.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
        if limits.is_bound && is_root() {
            command.args(["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]);
        }
        command.arg("prlimit");
        if let Some(directory) = &limits.temporary {
            command.env("TMPDIR", directory);
        }
        if let Some(fault) = &limits.fault {
            fault.arm(&mut command);
        }
        if let Some(bytes) = limits.file_bytes {
            command.arg(format!("--fsize={bytes}"));
        }
        if let Some(bytes) = limits.data_bytes {
            command.arg(format!("--data={bytes}"));
        }
        command
            .arg("--")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "faults::child::a_child", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, serde_json::to_string(errand).unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let result = tokio::spawn(async move {
            let mut result = None;
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("figure: ") {
                    println!("{line}");
                }
                if let Some((_, json)) = line.split_once(RESULT) {
                    result = Some(serde_json::from_str(json).unwrap());
                }
            }
            result
        });
        Self { process, result }
    }

    /// Everything that a child says which logs everything.
    pub(crate) async fn output(errand: &Errand) -> String {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "faults::child::a_child", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, serde_json::to_string(errand).unwrap())
            .env(LOGS, "yes")
            .env("RUST_BACKTRACE", "full")
            .output()
            .await
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.process.id().expect("the child has ended").to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().await.unwrap();
        assert!(status.success());
    }

    /// How it ended; `None` when it was killed.
    pub(crate) async fn end(mut self) -> Option<Ended> {
        self.ended().await
    }

    /// The same. Not to be called again once it has said how.
    pub(crate) async fn ended(&mut self) -> Option<Ended> {
        let ended = async {
            self.process.wait().await.unwrap();
            (&mut self.result).await.unwrap()
        };
        tokio::time::timeout(Duration::from_secs(600), ended).await.expect("the child goes on")
    }
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

async fn job(
    connect: ConnectOptions,
    directory: &Path,
    task: JobTask,
    cancels: bool,
) -> snapdump::Result<()> {
    let directory = BackupDir::open(directory)?;
    let options = ManagerOptions::default().with_reserve(1 << 20);
    let manager = BackupManager::open(connect, directory, options).await?;
    if cancels {
        let manager = manager.clone();
        let mut term = terminated();
        tokio::spawn(async move {
            term.recv().await;
            manager.shutdown(true).await;
        });
    }
    let job = match task {
        JobTask::Create => manager.create(CreateRequest::manual()).await?,
        JobTask::Restore(name) => {
            manager.restore(RestoreRequest::new(name.parse().unwrap())).await?
        }
        JobTask::RollBack => {
            let half_done = async || {
                let jobs = manager.jobs().await?;
                Ok::<_, snapdump::Error>(
                    jobs.iter().find(|job| job.is_half_done()).map(|job| job.id),
                )
            };
            // A record that could not be read is not listed.
            let id = match half_done().await? {
                Some(id) => id,
                None => half_done().await?.expect("nothing is half done"),
            };
            manager.roll_back(id).await?
        }
        JobTask::Prune => {
            return manager.prune(&RetentionPolicy::new().keep_last(1), false).await.map(drop);
        }
    };
    let done = job.wait().await;
    println!("{job:?} {:?} {done:?} {:?}", job.status(), manager.jobs().await);
    done.map(drop)
}

fn terminated() -> tokio::signal::unix::Signal {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap()
}

async fn run(errand: Errand) -> Ended {
    let context = Context::new();
    if errand.cancels {
        let context = context.clone();
        let mut term = terminated();
        tokio::spawn(async move {
            term.recv().await;
            context.cancel();
        });
    }
    let connect = ConnectOptions::from_url(&errand.url).unwrap().with_tls_mode(TlsMode::Disabled);
    let connect = if errand.is_patient { connect } else { impatient(&connect) };
    let logs = std::env::var_os(LOGS).is_some();
    if logs {
        tracing::subscriber::set_global_default(Everything).unwrap();
        tracing::trace!(?connect, %connect, "begins");
    }
    if let Some(phase) = errand.panics_at {
        tracing::subscriber::set_global_default(PanicsAt { phase, struck: AtomicBool::new(false) })
            .unwrap();
    }
    // Taken, and never given back.
    let mut taken = Vec::new();
    if let Some(left) = errand.descriptors {
        while let Ok(file) = std::fs::File::open("/dev/null") {
            taken.push(file);
        }
        taken.truncate(taken.len() - left);
    }
    let done = match errand.task {
        Task::Dump { path, in_pieces } => {
            let options = DumpOptions::default();
            let options = if in_pieces {
                options.with_connections(3).with_chunk_bytes(256 << 10)
            } else {
                options
            };
            dump_to_path(&connect, path, &options, &context).await.map(drop)
        }
        Task::Load { directory, jobs } => {
            super::load::run(&errand.url, connect, &directory, jobs).await;
            Ok(())
        }
        Task::Job { directory, job: task } => job(connect, &directory, task, errand.cancels).await,
        #[cfg(feature = "http")]
        Task::Rest { directory } => {
            super::rest::say_everything(connect, &directory).await;
            Ok(())
        }
        Task::Restore { backup, points, connections } => {
            let options = RestoreOptions::default()
                .with_restore_point_directory(points)
                .with_connections(connections);
            restore(&connect, backup, &options, &context).await.map(drop)
        }
    };
    drop(taken);
    if logs {
        println!("{done:?}");
    }
    Ended {
        kind: done.as_ref().err().map(snapdump::Error::kind),
        chain: done.err().map(|error| error.chain()).unwrap_or_default(),
        peak_bytes: peak_bytes(),
    }
}

/// What a child does. In this process, where nobody gives it an errand, it sees that an errand that
/// cannot be read is not taken for one that went well.
#[test]
fn a_child() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match std::env::var(VARIABLE) {
        Ok(json) => {
            let errand = serde_json::from_str(&json).unwrap();
            let ended = runtime.block_on(run(errand));
            println!("\n{RESULT}{}", serde_json::to_string(&ended).unwrap());
        }
        Err(_) => runtime.block_on(async {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "faults::child::a_child", "--nocapture"])
                .env(VARIABLE, "no errand")
                .output()
                .await
                .unwrap();
            assert!(!output.status.success());
            assert!(!String::from_utf8_lossy(&output.stdout).contains(RESULT));
        }),
    }
}

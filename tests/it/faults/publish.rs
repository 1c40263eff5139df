//! A backup while its file gets its name: the calls that do it are held one by one.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use snapdump::{JobState, TlsMode};

use super::child::{Child, Errand, JobTask, Limits, Task};
use super::figure;
use super::library::LibraryFault;
use super::processes::dump_errand;
use super::property::{After, Found};
use super::proxy::Proxy;
use super::world::{BOUND, End, try_all};
use crate::backup::files_in;
use crate::harness::TestServer;

/// What is done to a process that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is killed.
    Kill,
    /// It is told to cancel.
    Cancel,
    /// All of its connections are killed.
    Connections,
}

/// A child that waits for its disk.
struct Held {
    child: Child,
    /// It waits as long as this file is there.
    struck: PathBuf,
    _marks: tempfile::TempDir,
}

impl Held {
    /// Starts one that waits in the `fsync` of this number of files that match a pattern.
    async fn start(errand: &Errand, files: PathBuf, number: u64) -> Self {
        let marks = tempfile::tempdir().unwrap();
        let struck = marks.path().join("struck");
        let fault = LibraryFault::call(("fsync", "WAIT"), number, &files, &struck).await;
        let limits = Limits { fault: Some(fault), ..Limits::default() };
        let mut child = Child::start(errand, &limits);
        tokio::select! {
            () = until(|| struck.exists()) => {}
            ended = child.ended() => panic!("it ended before fsync {number}: {ended:?}"),
        }
        Self { child, struck, _marks: marks }
    }

    fn release(&self) {
        std::fs::remove_file(&self.struck).unwrap();
    }
}

async fn until(holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < BOUND, "it does not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_partial(name: &str) -> bool {
    name.starts_with(".snapdump-") && name.ends_with(".partial")
}

/// The bytes are synced, synced once more when the file is closed, and the name is synced.
#[tokio::test]
async fn a_dump_at_its_name() {
    let server = TestServer::mysql_9_7();
    let cases = [Fault::Kill, Fault::Cancel].map(|fault| (1..=3).map(move |at| (fault, at)));
    try_all(&server, 5, cases.into_iter().flatten().collect(), async |world, (fault, number)| {
        figure("faults injected", 1);
        let what = format!("{fault:?} at fsync {number} of a dump");
        let mut errand = dump_errand(world, world.server.url_of(&world.source.name));
        errand.cancels = true;
        let directory = world.directory.path();
        let held = Held::start(&errand, directory.to_owned(), number).await;
        if fault == Fault::Kill {
            figure("processes killed", 1);
            held.child.signal("KILL").await;
            assert_eq!(held.child.end().await, None, "{what}");
        } else {
            held.child.signal("TERM").await;
            if number == 1 {
                // A disk that does not answer is not waited for.
                until(|| files_in(directory).is_empty()).await;
            }
            held.release();
            let ended = held.child.end().await.expect("it died of the signal");
            // Once it gets its name it is there.
            assert_eq!(ended.kind.is_some(), number == 1, "{what}: {}", ended.chain);
        }
        let files = files_in(directory);
        match (fault, number) {
            (Fault::Kill, 1 | 2) => assert!(files.len() == 1 && is_partial(&files[0]), "{files:?}"),
            (_, 1) => assert_eq!(files, [""; 0], "{what}"),
            _ => assert_eq!(files, ["dump.sql.gz"], "{what}"),
        }
        assert_eq!(world.assert_property(After::Operation, &what).await.end, End::Before, "{what}");
    })
    .await;
}

#[tokio::test]
async fn a_backup_job_at_its_name() {
    let server = TestServer::mariadb_11_8();
    let cases = [Fault::Kill, Fault::Cancel, Fault::Connections];
    let cases = cases.map(|fault| (1..=2).map(move |number| (fault, number)));
    try_all(&server, 5, cases.into_iter().flatten().collect(), async |world, (fault, number)| {
        figure("faults injected into jobs", 1);
        let what = format!("{fault:?} at fsync {number} of a backup job");
        world.prepare_directory();
        let options = world.to().with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::start(&options, None).await;
        let (before, _) = world.server.url.rsplit_once(':').unwrap();
        let port = proxy.options(&options).port();
        let directory = world.directory.path().to_owned();
        let files = directory.join(".snapdump-*.partial");
        let task = Task::Job { directory: directory.clone(), job: JobTask::Create };
        let mut errand = Errand::new(format!("{before}:{port}/{}", world.target.name), task);
        errand.cancels = true;
        let held = Held::start(&errand, files, number).await;
        let has_partial = || files_in(&directory).iter().any(|file| is_partial(file));
        assert!(has_partial(), "{what}");
        match fault {
            Fault::Kill => held.child.signal("KILL").await,
            Fault::Cancel => {
                held.child.signal("TERM").await;
                if number == 1 {
                    until(|| !has_partial()).await;
                }
                held.release();
            }
            Fault::Connections => {
                proxy.kill_all(&world.server).await;
                held.release();
            }
        }
        let ended = held.child.end().await;
        proxy.stop().await;
        let Found { status, end } = world.assert_property(After::Job, &what).await;
        let status = status.unwrap();
        let state = match (fault, ended) {
            (Fault::Kill, None) => JobState::Interrupted,
            // The file is there by then, and read once more.
            (Fault::Cancel, Some(ended)) if number == 2 && ended.kind.is_none() => {
                JobState::Completed
            }
            (Fault::Cancel, Some(_)) => JobState::Cancelled,
            (Fault::Connections, Some(ended)) if ended.kind.is_none() => JobState::Completed,
            (Fault::Connections, Some(_)) => JobState::Failed,
            (_, ended) => panic!("{what}: {ended:?} {status:?}"),
        };
        assert_eq!(status.state, state, "{what}: {status:?}");
        assert_eq!(end, End::Before, "{what}");
    })
    .await;
}

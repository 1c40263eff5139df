//! Many jobs one after the other, and many callers while one runs: nothing is left of them.

use std::path::Path;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable as _;
use snapdump::{
    BackupManager, ConnectOptions, CreateRequest, DeleteConfirmation, DumpOptions, ErrorKind,
    JobState, ManagerOptions, RunningJob,
};

use super::child::{Child, Errand, Limits, Task};
use super::world::{BOUND, SESSIONS_END};
use super::{depth, figure, is_soak};
use crate::backup::assert_no_session_left;
use crate::jobs::open;
use crate::roundtrip::connect;

/// Callers at a time while a job runs.
const CALLERS: usize = 200;

fn descriptors() -> usize {
    Path::new("/proc/self/fd").read_dir().unwrap().count()
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

async fn one_job(manager: &BackupManager) {
    let job = manager.create(CreateRequest::manual()).await.unwrap();
    job.wait().await.unwrap();
    let file = job.status().file.unwrap();
    let confirmation: DeleteConfirmation = DeleteConfirmation::WORD.parse().unwrap();
    manager.delete(&file, confirmation).await.unwrap();
}

/// One job that takes long, and many callers that want another one meanwhile.
async fn many_callers(connect: &ConnectOptions, directory: &Path, prints: bool) {
    // A query that takes a while holds this one until it is cancelled.
    let slow = DumpOptions::default().with_where("items", "SLEEP(100) = 0");
    let slow = ManagerOptions::default().with_dump_options(slow);
    let manager = open(connect.clone(), directory, slow).await;
    let job = manager.create(CreateRequest::manual()).await.unwrap();
    let callers = (0..CALLERS).map(|_| {
        let manager = manager.clone();
        tokio::spawn(async move {
            let since = Instant::now();
            let refused = manager.create(CreateRequest::manual()).await;
            (since.elapsed(), refused.map(|job| job.id()))
        })
    });
    let mut answers = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        let (took, refused) = caller.await.unwrap();
        let error = refused.expect_err("two jobs at once");
        assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.chain());
        assert_eq!(RunningJob::of(&error).map(|running| running.id), Some(job.id()));
        answers.push(took);
    }
    if prints {
        assert_at_once("median microseconds to a Busy answer", answers);
    }
    #[cfg(feature = "http")]
    {
        let answers = super::rest::callers(&manager, &job, CALLERS).await;
        assert_eq!(answers.len(), CALLERS);
        if prints {
            assert_at_once("median microseconds to a Busy answer over HTTP", answers);
        }
    }
    job.cancel();
    job.wait().await.unwrap_err();
}

/// Who is told that it is busy is told so at once. Only `scripts/soak` has a program for it that is
/// optimised, and a machine that does nothing else.
fn assert_at_once(what: &str, times: Vec<Duration>) {
    let median = median(times);
    figure(what, median);
    assert!(!is_soak() || median < 50_000, "{what}: {median}");
}

fn median(mut times: Vec<Duration>) -> u64 {
    times.sort_unstable();
    u64::try_from(times[times.len() / 2].as_micros()).unwrap()
}

async fn number_of_sessions(control: &mut mysql_async::Conn) -> usize {
    let database: Option<String> = control.query_first("SELECT DATABASE()").await.unwrap();
    crate::backup::sessions(control, &database.unwrap()).await.len()
}

/// What the child does: in a process of its own, because it counts what the process has.
pub(super) async fn run(url: &str, connect: ConnectOptions, directory: &Path, jobs: u64) {
    let manager = open(connect.clone(), directory, ManagerOptions::default()).await;
    // What the first ones set up once stays.
    for _ in 0..3 {
        one_job(&manager).await;
    }
    many_callers(&connect, directory, false).await;
    let mut control = mysql_async::Conn::from_url(url).await.unwrap();
    let (open_before, resident_before) = (descriptors(), resident_bytes());
    let sessions_before = number_of_sessions(&mut control).await;
    let mut halfway = resident_before;
    for number in 0..jobs {
        if number == jobs / 2 {
            halfway = resident_bytes();
        }
        one_job(&manager).await;
    }
    // What is kept for each job would grow as fast to the end.
    let later = resident_bytes().saturating_sub(halfway);
    assert!(later < (6 << 20) + jobs * (2 << 10), "{later} bytes more than halfway");
    figure("bytes of memory that the later half of so many jobs took", later);
    many_callers(&connect, directory, true).await;
    // The last connections are closed in the background.
    let since = Instant::now();
    while descriptors() > open_before {
        assert!(since.elapsed() < BOUND, "{} descriptors, {open_before} before", descriptors());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while number_of_sessions(&mut control).await > sessions_before {
        assert!(since.elapsed() < SESSIONS_END, "connections are left, {sessions_before} before");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let grown = resident_bytes().saturating_sub(resident_before);
    assert!(grown < (12 << 20) + jobs * (20 << 10), "{grown} bytes more than before");
    figure("bytes of memory that so many jobs left", grown);
    figure("jobs run one after the other", jobs);
}

on_each_server! {
    async fn many_jobs_and_many_callers(server: TestServer) {
        let database = server.database().await;
        database
            .run(&["CREATE TABLE items (id INT)", "INSERT INTO items VALUES (1), (2), (3)"])
            .await;
        let directory = tempfile::tempdir().unwrap();
        let task = Task::Load { directory: directory.path().to_owned(), jobs: depth(12, 1_000) };
        let url = server.url_of(&database.name);
        let errand = Errand::new(url, task);
        let ended = Child::start(&errand, &Limits::default()).end().await.expect("it failed");
        assert_eq!(ended.kind, None);
        // Exactly those that were refused were not there.
        let manager = open(connect(&database), directory.path(), ManagerOptions::default()).await;
        let jobs = manager.jobs().await.unwrap();
        let cancelled = jobs.iter().filter(|job| job.state == JobState::Cancelled).count();
        // Of a thousand jobs the journal no longer has the first.
        assert_eq!(cancelled as u64, depth(2, 1), "{}", server.name);
        assert!(jobs.iter().all(|job| job.state.is_terminal()));
        // One after the other: each began when the one before had ended.
        for pair in jobs.windows(2) {
            assert!(pair[0].started_at >= pair[1].finished_at.unwrap(), "{pair:?}");
        }
        assert_no_session_left(&database, SESSIONS_END).await;
    }
}

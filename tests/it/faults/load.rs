//! Many jobs one after the other, and many callers while one runs: nothing is left of them.

use std::path::Path;
use std::time::Instant;

use snapdump::{
    BackupManager, ConnectOptions, CreateRequest, DeleteConfirmation, DumpOptions, ErrorKind,
    ManagerOptions, RunningJob,
};

use super::child::{Child, Errand, Limits, Task};
use super::{depth, figure};
use crate::backup::assert_no_session_left;
use crate::jobs::open;

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

/// What the child does: in a process of its own, because it counts what the process has.
pub(super) async fn run(connect: ConnectOptions, directory: &Path, jobs: u64) {
    let manager = open(connect.clone(), directory, ManagerOptions::default()).await;
    // What a first job sets up once stays.
    for _ in 0..3 {
        one_job(&manager).await;
    }
    let (open_before, resident_before) = (descriptors(), resident_bytes());
    for _ in 0..jobs {
        one_job(&manager).await;
    }
    let mut answers = Vec::new();
    // A query that takes a while holds this one until it is cancelled.
    let slow = DumpOptions::default().with_where("items", "SLEEP(100) = 0");
    let slow = ManagerOptions::default().with_dump_options(slow);
    let manager = open(connect, directory, slow).await;
    let job = manager.create(CreateRequest::manual()).await.unwrap();
    let callers = (0..CALLERS).map(|_| {
        let manager = manager.clone();
        tokio::spawn(async move {
            let since = Instant::now();
            let refused = manager.create(CreateRequest::manual()).await;
            (since.elapsed(), refused.map(|job| job.id()))
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        let (took, refused) = caller.await.unwrap();
        let error = refused.expect_err("two jobs at once");
        assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.chain());
        assert_eq!(RunningJob::of(&error).map(|running| running.id), Some(job.id()));
        answers.push(took);
    }
    answers.sort_unstable();
    figure(
        "median microseconds to a Busy answer",
        u64::try_from(answers[CALLERS / 2].as_micros()).unwrap(),
    );
    job.cancel();
    job.wait().await.unwrap_err();
    assert_eq!(descriptors(), open_before, "descriptors");
    let grown = resident_bytes().saturating_sub(resident_before);
    assert!(grown < 32 << 20, "{grown} bytes more than before");
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
        let errand = Errand { url, task, cancels: false, descriptors: None };
        let ended = Child::start(&errand, Limits::default()).end().await.expect("it failed");
        assert_eq!(ended.kind, None);
        assert_no_session_left(&database, std::time::Duration::from_secs(10)).await;
    }
}

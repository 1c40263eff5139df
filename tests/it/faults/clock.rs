//! A clock that is wrong, and jumps.

use std::path::Path;

use snapdump::{
    CreateRequest, JobKind, JobState, KeepReason, ListRequest, ManagerOptions, RetentionPolicy,
    TlsMode,
};

use super::child::{Child, Ended, Errand, JobTask, Limits, Task};
use super::figure;
use super::jobs::name;
use super::library::LibraryFault;
use super::proxy::Proxy;
use super::world::{End, World};
use crate::jobs::completed;
use crate::roundtrip::connect;

const DAY: i64 = 24 * 3600;

/// A job of a process whose clock is what the file says.
async fn start(world: &World, url: String, task: JobTask, clock: &Path) -> Child {
    figure("faults injected into jobs", 1);
    let directory = world.directory.path().to_owned();
    let errand = Errand::new(url, Task::Job { directory, job: task });
    let fault = Some(LibraryFault::clock(clock).await);
    Child::start(&errand, &Limits { fault, ..Limits::default() })
}

fn assert_went_well(ended: Option<Ended>, what: &str) {
    let ended = ended.expect("it died");
    assert_eq!(ended.kind, None, "{what}: {}", ended.chain);
}

on_each_server! {
    /// Jobs are listed in the order in which they ran, end after they began, and have files of
    /// their own, whatever the clock says; and nobody is misled by it to remove the newest backup.
    async fn a_clock_that_jumps(server: TestServer) {
        let world = World::make(&server, 5).await;
        world.prepare_directory();
        let scratch = tempfile::tempdir().unwrap();
        let clock = scratch.path().join("clock");
        let set = |seconds: i64| std::fs::write(&clock, seconds.to_string()).unwrap();
        let url = server.url_of(&world.target.name);
        let mut kinds = Vec::new();

        // 40 days ahead, then back by 50, then a restore a year ago.
        let restore = JobTask::Restore(name().to_string());
        for (seconds, task, kind) in [
            (40 * DAY, JobTask::Create, JobKind::Create),
            (-10 * DAY, JobTask::Create, JobKind::Create),
            (-365 * DAY, restore, JobKind::Restore),
        ] {
            set(seconds);
            let child = start(&world, url.clone(), task, &clock).await;
            assert_went_well(child.end().await, &format!("{seconds} seconds ahead"));
            kinds.push(kind);
        }
        assert_eq!(world.end().await, End::After);

        // Back by a day in the middle of a job.
        set(2 * DAY);
        let options = world.to().with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::hold_at(&options, "FROM `items`", 0).await;
        let (before, _) = server.url.rsplit_once(':').unwrap();
        let via = format!("{before}:{}/{}", proxy.options(&options).port(), world.target.name);
        let mut child = start(&world, via, JobTask::Create, &clock).await;
        proxy.held_before(child.ended()).await;
        set(DAY);
        proxy.release();
        assert_went_well(child.end().await, "back by a day");
        proxy.stop().await;
        kinds.push(JobKind::Create);

        // The right time.
        let manager = world.manager(&connect(&world.target), ManagerOptions::default()).await;
        let newest = completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        kinds.push(JobKind::Create);
        let jobs = manager.jobs().await.unwrap();
        let seen: Vec<_> = jobs.iter().rev().map(|job| job.kind).collect();
        assert_eq!(seen, kinds, "{}", server.name);
        for job in &jobs {
            assert_eq!(job.state, JobState::Completed, "{job:?}");
            assert!(job.finished_at.unwrap() >= job.started_at, "{job:?}");
            assert!(job.progress.elapsed_seconds < 3_600.0, "{job:?}");
        }
        // Four backups, a restore point, and what was there.
        let listed = manager.list(ListRequest::default().with_limit(100)).await.unwrap();
        assert_eq!(listed.total, 6, "{listed:?}");

        let policy = RetentionPolicy::new().keep_last(1);
        let report = manager.prune(&policy, false).await.unwrap();
        let newest = newest.file.unwrap();
        let reasons = |name: &snapdump::BackupName| {
            report.kept.iter().find(|kept| kept.name == *name).map(|kept| kept.reasons.clone())
        };
        assert!(reasons(&newest).unwrap().contains(&KeepReason::NewestWhole), "{report:?}");
        let future = |kept: &&snapdump::KeptBackup| kept.reasons.contains(&KeepReason::Future);
        assert_eq!(report.kept.iter().filter(future).count(), 2, "{report:?}");
        assert_eq!(report.removed.len(), 1, "{report:?}");
    }
}

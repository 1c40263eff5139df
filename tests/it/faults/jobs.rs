//! The matrix once more, for jobs: after a fault, whoever opens the directory again is told what
//! happened, and can put right what is half done.

use std::time::Duration;

use snapdump::{
    BackupManager, BackupName, ConnectOptions, CreateRequest, Job, JobHooks, JobKind, JobState,
    JobStatus, ListRequest, ManagerOptions, RestoreRequest, TargetState, TlsMode, verify,
};

use super::child::{Child, Errand, Limits, Task};
use super::matrix::{DUMP_PHASES, RESTORE_PHASES, kill_all};
use super::proxy::Proxy;
use super::world::{BOUND, End, World};
use super::{chosen, figure};
use crate::backup::{assert_no_session_left, files_in};
use crate::jobs::{completed, open};
use crate::roundtrip::connect;

/// What is done to a job that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Another client kills all of our connections.
    Kill,
    /// The network drops all of our connections, and takes no new ones.
    Cut,
    Cancel,
    /// The whole process is killed.
    Process,
}

const FAULTS: [Fault; 4] = [Fault::Kill, Fault::Cut, Fault::Cancel, Fault::Process];

fn name() -> BackupName {
    "backup.sql.gz".parse().unwrap()
}

impl World {
    /// A directory for a manager, with the backup in it.
    fn prepare_directory(&self) {
        for file in files_in(self.directory.path()) {
            let path = self.directory.path().join(file);
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else {
                std::fs::remove_file(path).unwrap();
            }
        }
        std::fs::copy(self.backup(), self.directory.path().join(name().as_str())).unwrap();
    }

    /// **The property**, for jobs. Everything that ran has ended; somebody opens the directory:
    ///
    /// - every listed backup verifies, and nothing unfinished is there;
    /// - the job has ended and says how; what it says of the target is true; what it calls half
    ///   done can be rolled back;
    /// - no query of ours is left on the server, and no lock: the next job runs.
    ///
    /// The target is as before when this returns.
    async fn settle_job(&self, what: &str) -> (JobStatus, End) {
        let what = format!("{}, {what}", self.server.name);
        assert_no_session_left(&self.target, Duration::from_secs(10)).await;
        let manager = self.manager(&connect(&self.target), ManagerOptions::default()).await;
        for file in files_in(self.directory.path()) {
            assert!(!file.ends_with(".partial"), "{what}: {file}");
        }
        let listed = manager.list(ListRequest::default().with_limit(1_000)).await.unwrap();
        assert!(listed.backups.iter().any(|backup| backup.name == name()), "{what}");
        for backup in listed.backups {
            let path = manager.directory().path_of(&backup.name);
            if let Err(error) = verify(&path, &snapdump::Context::new()).await {
                panic!("{what}: {} is listed: {}", backup.name, error.chain());
            }
        }
        let status = manager.jobs().await.unwrap().remove(0);
        assert!(status.state.is_terminal(), "{what}: {status:?}");
        assert!(!status.message.is_empty(), "{what}");
        let failed = matches!(status.state, JobState::Failed | JobState::Cancelled);
        assert_eq!(status.error.is_some(), failed, "{what}: {status:?}");

        let end = self.end().await;
        let told = match status.target {
            None | Some(TargetState::Untouched | TargetState::RolledBack) => End::Before,
            Some(TargetState::Restored) => End::After,
            _ => End::Between,
        };
        // A process that was killed may have been about to change the target for the first time.
        let may_be = status.state == JobState::Interrupted && told == End::Between;
        assert!(end == told || may_be, "{what}: {end:?}, but told {told:?}: {status:?}");
        if status.is_half_done() {
            completed(&manager.roll_back(status.id).await.unwrap()).await;
            assert_eq!(self.end().await, End::Before, "{what}");
        }
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        manager.shutdown(false).await;
        (status, end)
    }

    async fn manager(&self, connect: &ConnectOptions, options: ManagerOptions) -> BackupManager {
        open(connect.clone(), self.directory.path(), options).await
    }
}

/// Holds a job at a statement, brings a fault on it, and waits for its end.
async fn break_job(world: &World, restores: bool, text: &'static str, fault: Fault) {
    world.prepare_directory();
    let options = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let via = proxy.options(&options);
    if fault == Fault::Process {
        let directory = world.directory.path().to_owned();
        let restore = restores.then(|| name().to_string());
        let (before, _) = world.server.url.rsplit_once(':').unwrap();
        let url = format!("{before}:{}/{}", via.port(), world.target.name);
        let task = Task::Job { directory, restore };
        let errand = Errand { url, task, cancels: false, descriptors: None };
        let child = Child::start(&errand, Limits::default());
        proxy.held().await;
        child.signal("KILL").await;
        assert_eq!(child.end().await, None);
        proxy.stop().await;
        return;
    }
    // A rollback is tried again and again for this long.
    let options = ManagerOptions::default().with_timeout(JobKind::RollBack, Duration::from_secs(3));
    let manager = world.manager(&via, options).await;
    let job = start(&manager, restores).await;
    proxy.held().await;
    let mut proxy = Some(proxy);
    match fault {
        Fault::Kill => kill_all(&world.target).await,
        Fault::Cancel => job.cancel(),
        Fault::Cut => proxy.take().unwrap().stop().await,
        Fault::Process => unreachable!(),
    }
    if let Some(proxy) = &proxy {
        proxy.release();
    }
    let ended = tokio::time::timeout(BOUND, job.wait()).await.expect("no end");
    assert!(ended.is_err(), "{fault:?} at {text}: {:?}", job.status());
    if let Some(proxy) = proxy {
        proxy.stop().await;
    }
}

async fn start(manager: &BackupManager, restores: bool) -> Job {
    if restores {
        manager.restore(RestoreRequest::new(name())).await.unwrap()
    } else {
        manager.create(CreateRequest::manual()).await.unwrap()
    }
}

on_each_server! {
    async fn a_backup_job_in_every_phase(server: TestServer) {
        let world = World::make(&server, 50).await;
        let mut injected = 0;
        for (phase, text) in &DUMP_PHASES[..4] {
            for fault in FAULTS {
                injected += 1;
                if !chosen(&server, injected) {
                    continue;
                }
                let what = format!("{fault:?} during a backup job: {phase}");
                break_job(&world, false, text, fault).await;
                let (status, end) = world.settle_job(&what).await;
                assert_eq!(end, End::Before, "{what}");
                let state = match fault {
                    Fault::Process => JobState::Interrupted,
                    Fault::Cancel => JobState::Cancelled,
                    _ => JobState::Failed,
                };
                assert_eq!(status.state, state, "{what}: {status:?}");
                figure("faults injected into jobs", 1);
            }
        }
    }

    async fn a_restore_job_in_every_phase(server: TestServer) {
        let world = World::make(&server, 50).await;
        let mut injected = 0;
        for (phase, text, changes) in RESTORE_PHASES {
            for fault in FAULTS {
                injected += 1;
                if !chosen(&server, injected) {
                    continue;
                }
                let what = format!("{fault:?} during a restore job: {phase}");
                break_job(&world, true, text, fault).await;
                let (status, end) = world.settle_job(&what).await;
                match fault {
                    // The server is still there: it has been rolled back already.
                    Fault::Kill | Fault::Cancel => {
                        assert_eq!(end, End::Before, "{what}");
                        let target = if changes { TargetState::RolledBack } else { TargetState::Untouched };
                        assert_eq!(status.target, Some(target), "{what}: {status:?}");
                    }
                    Fault::Cut | Fault::Process if changes => {
                        assert_eq!(end, End::Between, "{what}");
                        assert!(status.is_half_done(), "{what}: {status:?}");
                    }
                    Fault::Cut | Fault::Process => assert_eq!(end, End::Before, "{what}"),
                }
                figure("faults injected into jobs", 1);
            }
        }
    }

    /// Hooks are the application's: what they do is no reason to lose a job.
    async fn a_hook_that_panics(server: TestServer) {
        struct Panics;
        impl JobHooks for Panics {
            async fn started(&self, _: &JobStatus) {
                panic!("a hook panics");
            }
            async fn finished(&self, _: &JobStatus) {
                panic!("a hook panics");
            }
        }
        let world = World::make(&server, 5).await;
        world.prepare_directory();
        let options = ManagerOptions::default().with_hooks(Panics);
        let manager = open(connect(&world.target), world.directory.path(), options).await;
        completed(&manager.create(CreateRequest::manual()).await.unwrap()).await;
        completed(&manager.restore(RestoreRequest::new(name())).await.unwrap()).await;
        assert_eq!(world.end().await, End::After);
    }
}

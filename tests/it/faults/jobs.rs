//! The matrix once more, for jobs: after a fault, whoever opens the directory again is told what
//! happened, and can put right what is half done.

use std::time::Duration;

use snapdump::{
    BackupManager, BackupName, ConnectOptions, CreateRequest, ErrorKind, Job, JobHooks, JobKind,
    JobState, JobStatus, ManagerOptions, RestoreRequest, TargetState, TlsMode,
};

use super::child::{Child, Errand, JobTask, Limits, Task};
use super::matrix::{DUMP_PHASES, Phase, RESTORE_PHASES};
use super::property::{After, Found};
use super::proxy::Proxy;
use super::world::{BOUND, End, World, try_all};
use super::{chosen, figure};
use crate::backup::files_in;
use crate::harness::TestServer;
use crate::jobs::{completed, open};
use crate::roundtrip::connect;

/// What is done to a job that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Another client kills all of our connections.
    Kill,
    /// The network drops all of our connections, and takes no new ones.
    Cut,
    /// Nothing passes any more, on no connection, and nobody is told.
    Blackout,
    Cancel,
    /// The whole process is ended by this signal.
    Process(&'static str),
    /// The process is asked to end by SIGTERM, and shuts its manager down.
    Term,
}

const FAULTS: [Fault; 7] = [
    Fault::Kill,
    Fault::Cut,
    Fault::Blackout,
    Fault::Cancel,
    Fault::Process("KILL"),
    Fault::Process("TERM"),
    Fault::Term,
];

/// What passes to the server in the phases of a rollback.
const ROLLBACK_PHASES: [(&str, &str); 4] = [
    ("drop", "DROP TABLE IF EXISTS"),
    ("definitions", "CREATE TABLE `only_before`"),
    ("rows", "INSERT INTO `items`"),
    ("views", "`ages` AS "),
];

/// The name of the backup in the directory.
pub(super) fn name() -> BackupName {
    "backup.sql.gz".parse().unwrap()
}

impl World {
    pub(super) fn empty_directory(&self) {
        for file in files_in(self.directory.path()) {
            let path = self.directory.path().join(file);
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    /// A directory for a manager, with the backup in it.
    pub(super) fn prepare_directory(&self) {
        self.empty_directory();
        std::fs::copy(self.backup(), self.directory.path().join(name().as_str())).unwrap();
    }

    /// Leaves a restore half done.
    pub(super) async fn leave_half_done(&self) {
        let options = self.to().with_tls_mode(TlsMode::Disabled);
        let proxy = Proxy::hold_at(&options, "INSERT INTO `items`", 0).await;
        let manager = self.manager(&proxy.options(&options), ManagerOptions::default()).await;
        let request = RestoreRequest::new(name()).with_rollback(false);
        let job = manager.restore(request).await.unwrap();
        proxy.held_before(job.wait()).await;
        proxy.stop().await;
        job.wait().await.unwrap_err();
        assert!(job.status().is_half_done(), "{:?}", job.status());
    }

    pub(super) async fn manager(
        &self,
        connect: &ConnectOptions,
        options: ManagerOptions,
    ) -> BackupManager {
        open(connect.clone(), self.directory.path(), options).await
    }
}

/// Holds a job at a statement, brings a fault on it, and waits for its end.
async fn break_job(world: &World, task: JobTask, text: &'static str, fault: Fault) {
    figure("faults injected into jobs", 1);
    world.prepare_directory();
    let rolls_back = task == JobTask::RollBack;
    if rolls_back {
        world.leave_half_done().await;
    }
    let options = world.to().with_tls_mode(TlsMode::Disabled);
    let proxy = Proxy::hold_at(&options, text, 0).await;
    let via = proxy.options(&options);
    if let Fault::Process(_) | Fault::Term = fault {
        let directory = world.directory.path().to_owned();
        let (before, _) = world.server.url.rsplit_once(':').unwrap();
        let url = format!("{before}:{}/{}", via.port(), world.target.name);
        let mut errand = Errand::new(url, Task::Job { directory, job: task });
        errand.cancels = fault == Fault::Term;
        let mut child = Child::start(&errand, &Limits::default());
        proxy.held_before(child.ended()).await;
        if let Fault::Process(signal) = fault {
            figure("processes killed", 1);
            child.signal(signal).await;
            assert_eq!(child.end().await, None);
        } else {
            child.signal("TERM").await;
            // What a restore has changed is put back; a roll-back that goes on could come to its end
            // before the signal is heard.
            if !rolls_back {
                proxy.release();
            }
            let ended = child.end().await.expect("it died of the signal");
            assert_eq!(ended.kind, Some(ErrorKind::Cancelled), "{}", ended.chain);
        }
        proxy.stop().await;
        return;
    }
    let mut options = ManagerOptions::default();
    if let (JobTask::Restore(_), Fault::Cut | Fault::Blackout) = (&task, fault) {
        // A rollback is tried again and again for this long.
        options = options.with_timeout(JobKind::RollBack, Duration::from_secs(3));
    }
    let manager = world.manager(&via, options).await;
    let job = start(&manager, &task).await;
    proxy.held_before(job.wait()).await;
    let mut proxy = Some(proxy);
    match fault {
        Fault::Kill => proxy.as_ref().unwrap().kill_all(&world.server).await,
        Fault::Cancel => job.cancel(),
        Fault::Blackout => proxy.as_ref().unwrap().blackout(),
        _ => proxy.take().unwrap().stop().await,
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

async fn start(manager: &BackupManager, task: &JobTask) -> Job {
    match task {
        JobTask::Restore(name) => {
            manager.restore(RestoreRequest::new(name.parse().unwrap())).await.unwrap()
        }
        JobTask::RollBack => {
            let id = manager.jobs().await.unwrap().remove(0).id;
            manager.roll_back(id).await.unwrap()
        }
        _ => manager.create(CreateRequest::manual()).await.unwrap(),
    }
}

/// How a job ends that has met a fault.
fn state_after(fault: Fault) -> JobState {
    match fault {
        Fault::Process(_) => JobState::Interrupted,
        Fault::Cancel | Fault::Term => JobState::Cancelled,
        _ => JobState::Failed,
    }
}

/// The cases of a matrix that are tried on this server.
fn cases<P: Phase>(server: &TestServer, phases: &[P]) -> Vec<(P, Fault)> {
    let all = phases.iter().flat_map(|phase| FAULTS.map(|fault| (*phase, fault)));
    // Where commits are held back, other tests would wait for the server to notice; a server of
    // its own has that case (`vanished_with_the_lock`).
    let all = all.filter(|(phase, fault)| *fault != Fault::Blackout || !phase.holds_commits());
    all.enumerate().filter(|(at, _)| chosen(server, *at)).map(|(_, case)| case).collect()
}

on_each_server! {
    async fn a_backup_job_in_every_phase(server: TestServer) {
        let cases = cases(&server, &DUMP_PHASES[..4]);
        try_all(&server, 50, cases, async |world, ((phase, text), fault)| {
            let what = format!("{fault:?} during a backup job: {phase}");
            break_job(world, JobTask::Create, text, fault).await;
            let Found { status, end } = world.assert_property(After::Job, &what).await;
            assert_eq!(end, End::Before, "{what}");
            let status = status.unwrap();
            assert_eq!(status.state, state_after(fault), "{what}: {status:?}");
        })
        .await;
    }

    async fn a_restore_job_in_every_phase(server: TestServer) {
        let cases = cases(&server, &RESTORE_PHASES);
        try_all(&server, 50, cases, async |world, ((phase, text, expected), fault)| {
            let what = format!("{fault:?} during a restore job: {phase}");
            break_job(world, JobTask::Restore(name().to_string()), text, fault).await;
            let Found { status, end } = world.assert_property(After::Job, &what).await;
            let status = status.unwrap();
            assert_eq!(status.state, state_after(fault), "{what}: {status:?}");
            let changes = expected != End::Before;
            match fault {
                // The server is still there: it has been rolled back already.
                Fault::Kill | Fault::Cancel | Fault::Term => {
                    assert_eq!(end, End::Before, "{what}");
                    let target =
                        if changes { TargetState::RolledBack } else { TargetState::Untouched };
                    assert_eq!(status.target, Some(target), "{what}: {status:?}");
                }
                Fault::Cut | Fault::Blackout | Fault::Process(_) if changes => {
                    assert_eq!(end, expected, "{what}");
                    assert!(status.is_half_done(), "{what}: {status:?}");
                }
                Fault::Cut | Fault::Blackout | Fault::Process(_) => {
                    assert_eq!(end, End::Before, "{what}");
                }
            }
        })
        .await;
    }

    /// A rollback that does not come to its end can be asked for again.
    async fn a_rollback_in_every_phase(server: TestServer) {
        let cases = cases(&server, &ROLLBACK_PHASES);
        try_all(&server, 50, cases, async |world, ((phase, text), fault)| {
            let what = format!("{fault:?} during a rollback: {phase}");
            break_job(world, JobTask::RollBack, text, fault).await;
            let Found { status, end } = world.assert_property(After::Job, &what).await;
            let status = status.unwrap();
            assert_eq!(status.kind, JobKind::RollBack, "{what}");
            assert_eq!(status.state, state_after(fault), "{what}: {status:?}");
            assert_eq!(end, End::Between, "{what}");
            assert!(status.is_half_done(), "{what}: {status:?}");
        })
        .await;
    }

    /// A panic in any phase fails the job and nothing else; what it has changed is put back.
    async fn a_panic_in_every_phase(server: TestServer) {
        let phases = [
            (JobTask::Create, "plan"),
            (JobTask::Create, "tables"),
            (JobTask::Create, "publish"),
            (JobTask::Create, "a reader begins"),
            (JobTask::Create, "packing a member"),
            (JobTask::Restore(name().to_string()), "check"),
            (JobTask::Restore(name().to_string()), "tables"),
            (JobTask::Restore(name().to_string()), "packing a member"),
            (JobTask::Restore(name().to_string()), "replay"),
            (JobTask::Restore(name().to_string()), "compare"),
            (JobTask::RollBack, "rollback"),
            (JobTask::RollBack, "replay"),
        ];
        let phases = phases.into_iter().enumerate();
        let chosen = phases.filter(|(number, _)| chosen(&server, *number)).map(|(_, case)| case);
        try_all(&server, 5, chosen.collect(), async |world, (task, phase)| {
            figure("faults injected into jobs", 1);
            let what = format!("a panic at {phase} of {task:?}");
            world.prepare_directory();
            if task == JobTask::RollBack {
                world.leave_half_done().await;
            }
            let url = world.server.url_of(&world.target.name);
            let directory = world.directory.path().to_owned();
            let mut errand = Errand::new(url, Task::Job { directory, job: task });
            errand.panics_at = Some(phase.to_owned());
            let ended = Child::start(&errand, &Limits::default()).end().await.expect("it died");
            assert!(ended.kind.is_some(), "{what}: it went well");
            let Found { status, .. } = world.assert_property(After::Job, &what).await;
            assert_eq!(status.unwrap().state, JobState::Failed, "{what}");
        })
        .await;
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

//! The steps that a job makes on its disk, one by one: a process that is ended before one of them,
//! and steps that fail. `store::crash` does the same with what the system has not yet made durable.

use snapdump::ErrorKind;

use super::child::{Child, Errand, JobTask, Limits, Task};
use super::jobs::name;
use super::library::LibraryFault;
use super::property::{After, Found};
use super::world::{End, World, try_all};
use super::{chosen, figure, is_soak};

/// Backups that are pruned but for the last one.
const PRUNED: [&str; 4] = [
    "manual_2026-01-01_00-00-01.sql.gz",
    "manual_2026-01-02_00-00-02.sql.gz",
    "manual_2026-01-03_00-00-03.sql.gz",
    "manual_2026-01-04_00-00-04.sql.gz",
];

/// Kinds of calls and what becomes of them; of each, as many are tried as the task makes.
fn kinds(task: &JobTask) -> &'static [(&'static str, &'static str)] {
    match task {
        // Its link to the newest backup; what else is renamed goes past the C library.
        JobTask::Create => &[
            ("fsync", "KILL"),
            ("fsync", "TERM"),
            ("fsync", "EIO"),
            ("write", "ENOSPC"),
            ("rename", "KILL"),
            ("rename", "EIO"),
            ("read", "EIO"),
        ],
        JobTask::Restore(_) | JobTask::RollBack => &[
            ("fsync", "KILL"),
            ("fsync", "TERM"),
            ("fsync", "EIO"),
            ("write", "ENOSPC"),
            ("read", "EIO"),
        ],
        JobTask::Prune => &[
            ("unlink", "KILL"),
            ("unlink", "TERM"),
            ("fsync", "KILL"),
            ("unlink", "EIO"),
            ("read", "EIO"),
        ],
    }
}

/// One job in a child, with one call that is the last one or fails. Says whether it came so far.
async fn break_step(world: &World, task: &JobTask, call: &str, what: &str, number: u64) -> bool {
    world.prepare_directory();
    match task {
        JobTask::RollBack => world.leave_half_done().await,
        JobTask::Prune => {
            for file in PRUNED {
                std::fs::copy(world.backup(), world.directory.path().join(file)).unwrap();
            }
        }
        _ => {}
    }
    let url = world.server.url_of(&world.target.name);
    let directory = world.directory.path().to_owned();
    let mut errand = Errand::new(url, Task::Job { directory, job: task.clone() });
    errand.cancels = what == "TERM";
    let marks = tempfile::tempdir().unwrap();
    let struck = marks.path().join("struck");
    let fault = LibraryFault::call((call, what), number, world.directory.path(), &struck).await;
    let limits = Limits { fault: Some(fault), ..Limits::default() };
    let ended = Child::start(&errand, &limits).end().await;
    let what = format!("{call} {number} of {task:?}: {what}");
    let struck = struck.exists();
    // One that came too late harmed nobody.
    figure("faults injected into jobs", struck.into());
    assert_eq!(ended.is_none(), struck && what.ends_with("KILL"), "{what}: {ended:?}");
    if let Some(ended) = &ended
        && let Some(kind) = ended.kind
    {
        let kinds =
            [ErrorKind::Io, ErrorKind::NoSpace, ErrorKind::RestorePoint, ErrorKind::Cancelled];
        assert!(kinds.contains(&kind), "{what}: {kind} {}", ended.chain);
    }
    let after = match task {
        JobTask::Prune => After::Pruning(&PRUNED[PRUNED.len() - 1..]),
        _ => After::Job,
    };
    let Found { status, end } = world.assert_property(after, &what).await;
    if ended.is_some_and(|ended| ended.kind.is_none()) {
        let done = if let JobTask::Restore(_) = task { End::After } else { End::Before };
        assert_eq!(end, done, "{what}: {status:?}");
    }
    struck
}

on_each_server! {
    async fn each_step_on_the_disk(server: TestServer) {
        let restore = JobTask::Restore(name().to_string());
        let mut cases = Vec::new();
        for task in [JobTask::Create, restore, JobTask::RollBack, JobTask::Prune] {
            for kind in kinds(&task) {
                cases.push((task.clone(), *kind));
            }
        }
        let cases: Vec<_> = cases
            .into_iter()
            .enumerate()
            .filter(|(number, _)| chosen(&server, *number))
            .map(|(_, case)| case)
            .collect();
        try_all(&server, 5, cases, async |world, (task, (call, what))| {
            // All of them, or in the quick form some: 1, 4, 9, 18, 35, 68.
            let (mut number, mut stride) = (1, if is_soak() { 1 } else { 3 });
            while number < 400 {
                let struck = break_step(world, &task, call, what, number).await;
                assert!(struck || number > 1, "{task:?} has no {call}");
                if !struck {
                    break;
                }
                number += stride;
                if !is_soak() {
                    stride = 2 * stride - 1;
                }
            }
        })
        .await;
    }
}

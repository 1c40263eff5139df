//! The task behind a job: runs its operation, shows its progress, and brings it to its end,
//! whatever happens to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::exclusive::Exclusive;
use super::handle::{Shared, WATCH_INTERVAL};
use super::hooks::Moment;
use super::manager::Inner;
use super::obstacle::RunningJob;
use super::operation::{Operation, put_back};
use super::progress::Pace;
use super::status::{JobError, JobKind, JobReport, JobState, RollbackReport, TargetState};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Phase;

/// How often the journal hears of a job's progress.
const JOURNAL_INTERVAL: Duration = Duration::from_secs(5);
/// How often the free space of the disk is looked at.
const SPACE_INTERVAL: Duration = Duration::from_millis(500);
/// The longest pause between two attempts to roll back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sees to it that a job ends when its task does, whatever ended that.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// A job from its start to its end.
pub(super) struct Task {
    /// Dropped before the locks are.
    #[expect(dead_code, reason = "it does its work when it is dropped")]
    ending: Ending,
    inner: Arc<Inner>,
    shared: Arc<Shared>,
    operation: Operation,
    exclusive: Exclusive,
    lock_names: Vec<String>,
}

impl Task {
    pub(super) fn new(
        inner: Arc<Inner>,
        shared: Arc<Shared>,
        operation: Operation,
        exclusive: Exclusive,
        lock_names: Vec<String>,
    ) -> Self {
        let ending = Ending(Arc::clone(&shared));
        Self { ending, inner, shared, operation, exclusive, lock_names }
    }

    /// Writes the job down, then tells those whom it stands in the way of which one it is.
    pub(super) async fn announce(&mut self) -> Result<()> {
        self.shared.write().await?;
        self.exclusive.sign(&RunningJob::from(&self.shared.status())).await
    }

    /// Ends a job that has not begun, and of which nobody has heard.
    pub(super) async fn give_up<T>(self, error: Error) -> Result<T> {
        let mut last = self.shared.status();
        last.state = JobState::of(error.kind());
        self.exclusive.release().await;
        self.shared.end(last, Err(error.clone()));
        Err(error)
    }

    pub(super) async fn run(self) {
        let (inner, shared) = (Arc::clone(&self.inner), Arc::clone(&self.shared));
        let touched = Arc::new(AtomicBool::new(false));
        let work = self.operation.clone().perform(inner, shared, Arc::clone(&touched));
        Box::pin(self.run_work(work, &touched)).await;
    }

    /// Runs the work of an operation, which says in `touched` when it begins to change the target.
    async fn run_work(
        mut self,
        work: impl Future<Output = Result<JobReport>> + Send + 'static,
        touched: &AtomicBool,
    ) {
        let shared = Arc::clone(&self.shared);
        tracing::info!("job started");
        // A hook that hangs holds up neither a cancel nor the end of the job's time.
        let started = call(&self.inner, Moment::Started, shared.status());
        let _ = shared.context.run(started).await;
        shared.update(|status| {
            // It may have been cancelled already.
            if status.state == JobState::Queued {
                status.state = JobState::Running;
            }
        });
        let rolls_back = self.operation.rolls_back();
        let done = self.watch_over(tokio::spawn(work.in_current_span())).await;
        let rollback = match &done {
            Ok(_) => None,
            Err(error) => self.clean_up(error, touched, rolls_back).await,
        };
        self.end(done, rollback).await;
    }

    /// Shows the progress of work until it ends. A panic in it becomes an error.
    async fn watch_over(&self, mut work: JoinHandle<Result<JobReport>>) -> Result<JobReport> {
        let mut pace = Pace::default();
        let mut tick = tokio::time::interval(WATCH_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut journalled, mut measured) = (Instant::now(), Instant::now());
        let mut phase = self.shared.context.progress().phase;
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    self.show(&mut pace);
                    return finished(done, "the job panicked").await;
                }
                _ = tick.tick() => {}
            }
            self.show(&mut pace);
            let now = Instant::now();
            if now - measured >= SPACE_INTERVAL {
                measured = now;
                self.check_space().await;
            }
            let entered = self.shared.context.progress().phase;
            if entered != phase || now - journalled >= JOURNAL_INTERVAL {
                (phase, journalled) = (entered, now);
                if let Err(error) = self.shared.write().await {
                    tracing::warn!(error = %error.chain(), "the journal was not written");
                }
            }
        }
    }

    fn show(&self, pace: &mut Pace) {
        let now = self.shared.context.progress();
        self.shared.update(|status| {
            status.phase = now.phase;
            pace.measure(&now, &mut status.progress);
            status.progress.counters = now;
            status.progress.elapsed_seconds = self.shared.begun.elapsed().as_secs_f64();
        });
    }

    /// Stops a job that writes when the disk comes to its end.
    async fn check_space(&self) {
        let phase = self.shared.context.progress().phase;
        let reads =
            matches!(phase, Phase::Check | Phase::Replay | Phase::Compare | Phase::Rollback);
        // The disk is no reason to stop what puts a database right.
        if reads || !matches!(self.shared.kind(), JobKind::Create | JobKind::Restore) {
            return;
        }
        let directory = self.inner.directory.clone();
        if let Ok(free) = super::blocking(move || directory.free_bytes()).await
            && free < self.inner.options.reserve()
        {
            self.shared.context.fail(no_space(free, self.inner.options.reserve()));
        }
    }

    /// Puts right what an operation has left that did not complete.
    async fn clean_up(
        &mut self,
        error: &Error,
        touched: &AtomicBool,
        rolls_back: bool,
    ) -> Option<RollbackReport> {
        let shared = Arc::clone(&self.shared);
        shared.update(|status| status.state = JobState::Stopping);
        let recovery = shared.recovery()?;
        if !touched.load(Ordering::SeqCst) {
            shared.set_recovery(None);
            shared.update(|status| status.target = Some(TargetState::Untouched));
            return None;
        }
        if !rolls_back {
            return None;
        }
        tracing::warn!(%error, "the restore did not succeed: putting the restore point back");
        let started = Instant::now();
        let context = shared.context.afresh(self.inner.options.timeout(JobKind::RollBack));
        let mut pause = Duration::from_millis(250);
        let done = loop {
            let done = match self.lock_again(&context).await {
                Ok(()) => {
                    let (inner, recovery) = (Arc::clone(&self.inner), recovery.clone());
                    let inside = context.clone();
                    let work = async move { put_back(&inner, &recovery, &inside).await };
                    self.watch_rollback(tokio::spawn(work.in_current_span())).await
                }
                Err(error) => Err(error),
            };
            match done {
                Err(error) if error.is_retryable() && context.check().is_ok() => {
                    tracing::warn!(error = %error.chain(), "the rollback is tried again");
                    if context.run(tokio::time::sleep(pause)).await.is_err() {
                        break Err(error);
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => break done,
            }
        };
        if done.is_ok() {
            shared.set_recovery(None);
            shared.update(|status| status.target = Some(TargetState::RolledBack));
        }
        Some(RollbackReport {
            succeeded: done.is_ok(),
            error: done.err().as_ref().map(JobError::from),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    async fn watch_rollback<T: Send + 'static>(
        &self,
        mut work: JoinHandle<Result<T>>,
    ) -> Result<()> {
        let mut pace = Pace::default();
        let mut tick = tokio::time::interval(WATCH_INTERVAL);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return finished(done, "the rollback panicked").await.map(drop),
                _ = tick.tick() => self.show(&mut pace),
            }
        }
    }

    /// Keeps other hosts out again, if the connection that did so is lost.
    async fn lock_again(&mut self, context: &Context) -> Result<()> {
        if self.exclusive.is_lost() {
            let job = RunningJob::from(&self.shared.status());
            let (inner, names) = (Arc::clone(&self.inner), self.lock_names.clone());
            let work = inner.lock_databases(&mut self.exclusive, &names, &job, context);
            context.run(work).await??;
        }
        Ok(())
    }

    /// Writes the end down, gives the locks back, tells everybody.
    async fn end(self, done: Result<JobReport>, rollback: Option<RollbackReport>) {
        let shared = Arc::clone(&self.shared);
        // What was restored, not what was locked: options can have given it other names.
        let restored = shared.recovery().map(|recovery| recovery.names()).unwrap_or_default();
        if done.is_ok() {
            shared.set_recovery(None);
        }
        let mut last = shared.status();
        last.updated_at = last.now();
        last.finished_at = Some(last.updated_at);
        last.rollback = rollback;
        last.progress.eta_seconds = None;
        last.progress.counters.object = None;
        match &done {
            Ok(report) => {
                last.state = JobState::Completed;
                last.progress.complete(report);
                // A restore has told the first of them before it began.
                last.warnings = warnings(report).to_vec();
                match report {
                    JobReport::Restored { .. } => last.target = Some(TargetState::Restored),
                    JobReport::RolledBack { .. } => last.target = Some(TargetState::RolledBack),
                    _ => {}
                }
                if let JobReport::Created { file, .. } = report
                    && let Err(error) = self.inner.renew_latest(file).await
                {
                    last.warnings.push(format!("the link to it was not made: {}", error.chain()));
                }
                last.report = Some(report.clone());
            }
            Err(error) => {
                last.state = JobState::of(error.kind());
                last.error = Some(JobError::from(error));
            }
        }
        last.say();
        if done.is_ok()
            && let Err(error) = self.inner.forget_half_done(&last, &restored).await
        {
            tracing::warn!(error = %error.chain(), "the journal was not brought up to date");
        }
        if let Err(error) = shared.write_as(last.clone()).await {
            if super::runtime_has_ended(&error) {
                return gone_with_the_runtime().await;
            }
            let text = format!("the end of the job is not in the journal: {}", error.chain());
            tracing::error!("{text}");
            last.warnings.push(text);
        }
        tracing::info!(state = %last.state, message = %last.message, "job ended");
        let moment = if done.is_ok() { Moment::Finished } else { Moment::Failed };
        call(&self.inner, moment, last.clone()).await;
        self.exclusive.release().await;
        shared.end(last, done);
    }
}

/// What a task of a job came to. A panic in it becomes an error.
async fn finished<T>(
    done: std::result::Result<Result<T>, JoinError>,
    panicked: &'static str,
) -> Result<T> {
    match done {
        Ok(done) => done,
        // Nothing of ours aborts it.
        Err(error) if error.is_cancelled() => gone_with_the_runtime().await,
        Err(error) => Err(Error::new(ErrorKind::Internal, panicked).with_source(error)),
    }
}

/// The runtime is about to drop the task that waits here: nothing that it would start is run any
/// more, and [`Ending`] writes down how the job was.
async fn gone_with_the_runtime<T>() -> T {
    std::future::pending().await
}

/// Calls a hook, in a task of its own so that a panic ends there.
async fn call(inner: &Arc<Inner>, moment: Moment, status: super::JobStatus) {
    let Some(hooks) = inner.options.hooks() else { return };
    let hooks = Arc::clone(hooks);
    let call = async move { hooks.call(moment, &status).await };
    // Aborted when this is dropped.
    let mut calling = JoinSet::new();
    calling.spawn(call.in_current_span());
    match tokio::time::timeout(inner.options.hook_timeout(), calling.join_next()).await {
        Ok(Some(Err(error))) => tracing::error!(?moment, %error, "a hook panicked"),
        Ok(_) => {}
        Err(_) => tracing::error!(?moment, "a hook took too long"),
    }
}

pub(super) fn no_space(free: u64, needed: u64) -> Error {
    Error::new(
        ErrorKind::NoSpace,
        format!("the disk of the backup directory has {free} bytes left, and needs {needed}"),
    )
}

fn warnings(report: &JobReport) -> &[String] {
    match report {
        JobReport::Created { report, .. } => &report.warnings,
        JobReport::Restored { report, .. } | JobReport::RolledBack { report: Some(report), .. } => {
            &report.warnings
        }
        JobReport::Verified { .. } | JobReport::RolledBack { report: None, .. } => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{BackupManager, JobHooks, JobStatus, ManagerOptions};
    use crate::restore::{RestoreOptions, Target};
    use crate::server::ConnectOptions;
    use crate::store::BackupDir;

    /// No server listens there.
    const NOWHERE: &str = "mysql://nobody@127.0.0.1:1/shop";

    async fn open(directory: &tempfile::TempDir, options: ManagerOptions) -> BackupManager {
        let directory = BackupDir::open(directory.path()).unwrap();
        let connect = ConnectOptions::from_url(NOWHERE).unwrap();
        BackupManager::open(connect, directory, options).await.unwrap()
    }

    /// A job that has the locks which need no server, and does what a test wants.
    async fn task(manager: &BackupManager, kind: JobKind) -> (Task, super::super::Job) {
        use crate::job::id::JobId;
        use crate::job::status::JobOwner;

        let status = JobStatus::new(JobId::new(), kind, JobOwner::this_process());
        let inner = Arc::clone(&manager.inner);
        let exclusive = Exclusive::take(&inner.slot, &inner.directory).await.unwrap();
        let shared = Arc::new(Shared::new(status, Context::new(), inner.journal.clone()));
        let file = "a.sql".parse().unwrap();
        let operation = match kind {
            JobKind::Restore => {
                Operation::Restore { file, options: RestoreOptions::default(), rollback: true }
            }
            _ => Operation::Verify { file },
        };
        let job = super::super::Job(Arc::clone(&shared));
        inner.remember(&job).unwrap();
        let mut task = Task::new(inner, shared, operation, exclusive, Vec::new());
        task.announce().await.unwrap();
        (task, job)
    }

    /// Nothing keeps the next job out.
    async fn assert_free(manager: &BackupManager) {
        let inner = &manager.inner;
        Exclusive::take(&inner.slot, &inner.directory).await.unwrap().release().await;
        assert!(manager.running().is_none());
    }

    #[tokio::test]
    async fn work_that_panics_is_a_failure_of_its_job() {
        let directory = tempfile::tempdir().unwrap();
        let manager = open(&directory, ManagerOptions::default()).await;
        let (task, job) = task(&manager, JobKind::Verify).await;
        task.run_work(async { panic!("a defect") }, &AtomicBool::new(false)).await;
        assert_eq!(job.wait().await.unwrap_err().kind(), ErrorKind::Internal);
        let status = manager.job(job.id()).await.unwrap();
        assert_eq!(status.state, JobState::Failed);
        assert_eq!(status.error.as_ref().unwrap().kind, ErrorKind::Internal);
        assert_free(&manager).await;
        // Another process is told the same.
        let other = open(&directory, ManagerOptions::default()).await;
        assert_eq!(other.job(job.id()).await.unwrap(), status);
    }

    /// The target is between before and after, and the way back cannot be gone either: that is told,
    /// and kept.
    #[tokio::test]
    async fn a_restore_that_panics_is_half_done() {
        let directory = tempfile::tempdir().unwrap();
        let options =
            ManagerOptions::default().with_timeout(JobKind::RollBack, Duration::from_millis(50));
        let manager = open(&directory, options).await;
        let (task, job) = task(&manager, JobKind::Restore).await;
        let before = crate::restore::Before::Absent;
        let targets = vec![Target { name: "shop".to_owned(), before, objects: Vec::new() }];
        let shared = Arc::clone(&task.shared);
        let work = async move {
            let recovery = super::super::journal::Recovery { targets, restore_point: None };
            shared.set_recovery(Some(recovery));
            shared.update(|status| status.target = Some(TargetState::Partial));
            panic!("a defect")
        };
        task.run_work(work, &AtomicBool::new(true)).await;
        assert_eq!(job.wait().await.unwrap_err().kind(), ErrorKind::Internal);
        let status = manager.job(job.id()).await.unwrap();
        assert!(status.is_half_done(), "{status:?}");
        assert!(!status.rollback.as_ref().unwrap().succeeded);
        assert_free(&manager).await;
        let half_done = manager.refuse_half_done(&["shop".to_owned()]).await.unwrap_err();
        assert_eq!(half_done.kind(), ErrorKind::HalfDone);
        manager.refuse_half_done(&["crm".to_owned()]).await.unwrap();
        manager.accept(job.id()).await.unwrap();
        manager.refuse_half_done(&[String::new()]).await.unwrap();
    }

    #[test]
    fn a_job_whose_runtime_ends_is_interrupted() {
        let directory = tempfile::tempdir().unwrap();
        let runtime = || tokio::runtime::Runtime::new().unwrap();
        let inside = runtime();
        let (manager, job) = inside.block_on(async {
            let manager = open(&directory, ManagerOptions::default()).await;
            let (task, job) = task(&manager, JobKind::Verify).await;
            tokio::spawn(async move {
                task.run_work(std::future::pending(), &AtomicBool::new(false)).await;
            });
            let mut running = job.0.subscribe();
            running.wait_for(|status| status.state == JobState::Running).await.unwrap();
            (manager, job)
        });
        inside.shutdown_timeout(Duration::from_secs(60));
        runtime().block_on(async {
            assert_eq!(job.wait().await.unwrap_err().kind(), ErrorKind::Internal);
            assert_eq!(manager.job(job.id()).await.unwrap().state, JobState::Interrupted);
            assert_free(&manager).await;
        });
    }

    /// What is started on a runtime that is about to end is not run, and looks as if it was aborted.
    #[test]
    fn a_job_that_starts_as_its_runtime_ends_is_interrupted() {
        #[derive(Debug, PartialEq)]
        enum At {
            /// Its task is not polled any more.
            Queue,
            Work,
            End,
        }
        for at in [At::Queue, At::Work, At::End] {
            let directory = tempfile::tempdir().unwrap();
            let inside = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let (started, has_started) = std::sync::mpsc::channel::<()>();
            let (shut_down, is_shut_down) = std::sync::mpsc::channel::<()>();
            let (manager, job) = inside.block_on(async {
                let manager = open(&directory, ManagerOptions::default()).await;
                let (task, job) = task(&manager, JobKind::Verify).await;
                // The only worker does nothing else until the runtime shuts down.
                let wait = move || {
                    started.send(()).unwrap();
                    is_shut_down.recv().unwrap();
                };
                if at == At::Queue {
                    tokio::spawn(async move { wait() });
                    has_started.recv().unwrap();
                    tokio::spawn(task.run());
                } else {
                    let ends = at == At::End;
                    tokio::spawn(async move {
                        wait();
                        if ends {
                            let error = Error::new(ErrorKind::Io, "the disk is gone");
                            task.end(Err(error), None).await;
                        } else {
                            task.run_work(std::future::pending(), &AtomicBool::new(false)).await;
                        }
                    });
                    has_started.recv().unwrap();
                }
                (manager, job)
            });
            inside.shutdown_background();
            shut_down.send(()).unwrap();
            tokio::runtime::Runtime::new().unwrap().block_on(async {
                let ended = tokio::time::timeout(Duration::from_secs(60), job.wait()).await;
                assert_eq!(ended.unwrap().unwrap_err().kind(), ErrorKind::Internal, "{at:?}");
                let status = manager.job(job.id()).await.unwrap();
                assert_eq!(status.state, JobState::Interrupted, "{at:?}");
                let another = open(&directory, ManagerOptions::default()).await;
                assert_eq!(another.job(job.id()).await.unwrap(), status, "{at:?}");
            });
        }
    }

    /// Hooks that hang at the start of a job and panic at its end.
    struct Broken;

    impl JobHooks for Broken {
        async fn started(&self, _: &JobStatus) {
            std::future::pending::<()>().await;
        }

        async fn finished(&self, _: &JobStatus) {
            panic!("a hook that is broken");
        }
    }

    #[tokio::test]
    async fn a_job_whose_first_hook_hangs_can_be_cancelled() {
        let directory = tempfile::tempdir().unwrap();
        let options = ManagerOptions::default()
            .with_hooks(Broken)
            .with_hook_timeout(Duration::from_secs(3600));
        let manager = open(&directory, options).await;
        let (task, job) = task(&manager, JobKind::Verify).await;
        let cancelled = Error::new(ErrorKind::Cancelled, "by the test");
        let running = tokio::spawn(async move {
            task.run_work(async { Err(cancelled) }, &AtomicBool::new(false)).await;
        });
        job.cancel();
        running.await.unwrap();
        assert_eq!(job.status().state, JobState::Cancelled);
    }

    #[tokio::test]
    async fn hooks_that_hang_or_panic_hold_no_job_up() {
        let directory = tempfile::tempdir().unwrap();
        let options = ManagerOptions::default()
            .with_hooks(Broken)
            .with_hook_timeout(Duration::from_millis(20));
        let manager = open(&directory, options).await;
        let (task, job) = task(&manager, JobKind::Verify).await;
        let report = JobReport::RolledBack { job: job.id(), report: None };
        task.run_work(async { Ok(report) }, &AtomicBool::new(false)).await;
        job.wait().await.unwrap();
        assert_eq!(manager.job(job.id()).await.unwrap().state, JobState::Completed);
        assert_free(&manager).await;
    }
}

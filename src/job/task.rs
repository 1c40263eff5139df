//! The task behind a job: runs its operation, shows its progress, and brings it to its end,
//! whatever happens to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::exclusive::Exclusive;
use super::handle::{Shared, WATCH_INTERVAL};
use super::hooks::Moment;
use super::manager::Inner;
use super::operation::{Operation, put_back};
use super::status::{
    JobError, JobKind, JobProgress, JobReport, JobState, RollbackReport, RunningJob, TargetState,
};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Phase, Progress};

/// How often the journal hears of a job's progress.
const JOURNAL_INTERVAL: Duration = Duration::from_secs(5);
/// How often the free space of the disk is looked at.
const SPACE_INTERVAL: Duration = Duration::from_millis(500);
/// How much the newest moment counts in a rate.
const RATE_WEIGHT: f64 = 0.2;
/// The longest pause between two attempts to roll back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A job from its start to its end.
pub(super) struct Task {
    pub(super) inner: Arc<Inner>,
    pub(super) shared: Arc<Shared>,
    pub(super) operation: Operation,
    pub(super) exclusive: Exclusive,
    pub(super) lock_names: Vec<String>,
}

impl Task {
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let kind = shared.status().kind;
        tracing::info!(id = %shared.id, %kind, "job started");
        self.hook(Moment::Started).await;
        shared.update(|status| {
            // It may have been cancelled already.
            if status.state == JobState::Queued {
                status.state = JobState::Running;
            }
        });
        let touched = Arc::new(AtomicBool::new(false));
        let rolls_back = self.operation.rolls_back();
        let work = self.operation.clone().perform(
            Arc::clone(&self.inner),
            Arc::clone(&shared),
            Arc::clone(&touched),
        );
        let done = self.watch_over(tokio::spawn(work)).await;
        let rollback = match &done {
            Ok(_) => None,
            Err(error) => self.clean_up(error, &touched, rolls_back).await,
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
                    return done.unwrap_or_else(|error| {
                        Err(Error::new(ErrorKind::Internal, "the job panicked").with_source(error))
                    });
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
            status.progress.count(now);
            let elapsed = Utc::now() - status.started_at;
            status.progress.elapsed_seconds = elapsed.as_seconds_f64().max(0.0);
        });
    }

    /// Stops a job that writes when the disk comes to its end.
    async fn check_space(&self) {
        let phase = self.shared.context.progress().phase;
        if matches!(phase, Phase::Replay | Phase::Compare | Phase::Rollback | Phase::Check) {
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
        tracing::warn!(
            id = %shared.id,
            error = %error,
            "the restore did not succeed: putting the restore point back"
        );
        let started = Instant::now();
        let context = shared.context.afresh(self.inner.options.timeout(JobKind::RollBack));
        let mut pause = Duration::from_millis(250);
        let done = loop {
            let done = match self.lock_again(&context).await {
                Ok(()) => {
                    let (inner, recovery) = (Arc::clone(&self.inner), recovery.clone());
                    let inside = context.clone();
                    let work = async move { put_back(&inner, &recovery, &inside).await };
                    self.watch_rollback(tokio::spawn(work)).await
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
                done = &mut work => {
                    return match done {
                        Ok(done) => done.map(drop),
                        Err(error) => Err(Error::new(
                            ErrorKind::Internal,
                            "the rollback panicked",
                        ).with_source(error)),
                    };
                }
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
        if done.is_ok() {
            shared.set_recovery(None);
        }
        let mut last = shared.status();
        last.finished_at = Some(Utc::now());
        last.updated_at = Utc::now();
        last.rollback = rollback;
        last.progress.eta_seconds = None;
        last.progress.object = None;
        match &done {
            Ok(report) => {
                last.state = JobState::Completed;
                last.progress.fraction = Some(1.0);
                total(&mut last.progress, report);
                last.warnings.extend_from_slice(warnings(report));
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
            && let Err(error) = self.inner.forget_half_done(&last, &self.lock_names).await
        {
            tracing::warn!(error = %error.chain(), "the journal was not brought up to date");
        }
        if let Err(error) = shared.write_as(last.clone()).await {
            let text = format!("the end of the job is not in the journal: {}", error.chain());
            tracing::error!(id = %shared.id, "{text}");
            last.warnings.push(text);
        }
        tracing::info!(id = %shared.id, state = %last.state, message = %last.message, "job ended");
        let moment = if done.is_ok() { Moment::Finished } else { Moment::Failed };
        call(&self.inner, moment, last.clone()).await;
        self.exclusive.release().await;
        shared.update(|status| *status = last);
        shared.end(done);
    }

    async fn hook(&self, moment: Moment) {
        call(&self.inner, moment, self.shared.status()).await;
    }
}

/// Calls a hook, in a task of its own so that a panic ends there.
async fn call(inner: &Arc<Inner>, moment: Moment, status: super::JobStatus) {
    let Some(hooks) = inner.options.hooks() else { return };
    let hooks = Arc::clone(hooks);
    let mut calling = tokio::spawn(async move { hooks.call(moment, &status).await });
    match tokio::time::timeout(inner.options.hook_timeout(), &mut calling).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(?moment, %error, "a hook panicked"),
        Err(_) => {
            calling.abort();
            tracing::error!(?moment, "a hook took too long");
        }
    }
}

pub(super) fn no_space(free: u64, needed: u64) -> Error {
    Error::new(
        ErrorKind::NoSpace,
        format!("the disk of the backup directory has {free} bytes left, and needs {needed}"),
    )
}

/// The numbers of a finished job are those of its report.
fn total(progress: &mut JobProgress, report: &JobReport) {
    match report {
        JobReport::Created { report, .. } => {
            progress.tables_done = report.tables;
            progress.tables_total = report.tables;
            progress.rows_done = report.rows;
            progress.rows_total = report.rows;
            progress.bytes_done = report.sql_bytes;
            progress.bytes_total = 0;
            progress.bytes_written = report.file_bytes;
        }
        JobReport::Restored { report, .. } | JobReport::RolledBack { report: Some(report), .. } => {
            progress.statements_done = report.statements;
            progress.bytes_done = report.file_bytes;
            progress.bytes_total = report.file_bytes;
        }
        JobReport::Verified { report, .. } => {
            progress.rows_done = report.rows;
            progress.rows_total = report.rows;
            progress.bytes_done = report.file_bytes;
            progress.bytes_total = report.file_bytes;
        }
        JobReport::RolledBack { report: None, .. } => {}
    }
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

/// Measures how fast a job is.
#[derive(Debug, Default)]
struct Pace {
    last: Option<(Instant, Phase, u64, u64)>,
}

impl Pace {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    fn measure(&mut self, now: &Progress, shown: &mut JobProgress) {
        let at = Instant::now();
        match self.last {
            Some((then, phase, rows, bytes))
                if phase == now.phase && now.rows_done >= rows && now.bytes_done >= bytes =>
            {
                let seconds = (at - then).as_secs_f64();
                if seconds > 0.01 {
                    let mix = |old: f64, new: u64| {
                        let new = new as f64 / seconds;
                        if old == 0.0 { new } else { old + RATE_WEIGHT * (new - old) }
                    };
                    shown.rows_per_second = mix(shown.rows_per_second, now.rows_done - rows);
                    shown.bytes_per_second = mix(shown.bytes_per_second, now.bytes_done - bytes);
                    self.last = Some((at, now.phase, now.rows_done, now.bytes_done));
                }
            }
            _ => {
                shown.rows_per_second = 0.0;
                shown.bytes_per_second = 0.0;
                self.last = Some((at, now.phase, now.rows_done, now.bytes_done));
            }
        }
        let (done, whole, rate) = match now.phase {
            Phase::Tables | Phase::RestorePoint => {
                (now.rows_done, now.rows_total, shown.rows_per_second)
            }
            Phase::Check | Phase::Replay | Phase::Rollback => {
                (now.bytes_done, now.bytes_total, shown.bytes_per_second)
            }
            _ => (0, 0, 0.0),
        };
        // The server's estimate can be too low, and nothing is done before it is.
        shown.fraction = (whole > 0).then(|| (done as f64 / whole as f64).min(0.99));
        shown.eta_seconds = (whole > done && rate > 0.0).then(|| (whole - done) as f64 / rate);
    }
}

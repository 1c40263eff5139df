//! A job as its callers hold it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::id::JobId;
use super::journal::{Journal, Record, Recovery, interrupt};
use super::status::{JobError, JobKind, JobReport, JobState, JobStatus};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// The time between two statuses of [`Job::watch`].
pub(super) const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// A job of this process. Clones are the same job; dropping all of them stops nothing.
#[derive(Clone)]
pub struct Job(pub(super) Arc<Shared>);

/// What a job's task and its handles share.
pub(super) struct Shared {
    pub(super) id: JobId,
    pub(super) context: Context,
    /// When it began: the clock of the system can be set meanwhile.
    pub(super) begun: Instant,
    status: watch::Sender<JobStatus>,
    /// Set once, when the job has ended and its hooks too.
    outcome: watch::Sender<Option<Result<JobReport>>>,
    /// How to undo what a restore has done so far.
    pub(super) recovery: Mutex<Option<Recovery>>,
    pub(super) journal: Journal,
}

impl Shared {
    pub(super) fn new(status: JobStatus, context: Context, journal: Journal) -> Self {
        Self {
            id: status.id,
            context,
            begun: Instant::now(),
            status: watch::Sender::new(status),
            outcome: watch::Sender::new(None),
            recovery: Mutex::new(None),
            journal,
        }
    }

    /// Changes the status, unless the job has ended.
    pub(super) fn update(&self, change: impl FnOnce(&mut JobStatus)) {
        self.status.send_if_modified(|status| {
            if status.state.is_terminal() {
                return false;
            }
            change(status);
            status.updated_at = status.now();
            status.say();
            true
        });
    }

    pub(super) fn status(&self) -> JobStatus {
        self.status.borrow().clone()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<JobStatus> {
        self.status.subscribe()
    }

    pub(super) fn recovery(&self) -> Option<Recovery> {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_recovery(&self, recovery: Option<Recovery>) {
        *self.recovery.lock().unwrap_or_else(PoisonError::into_inner) = recovery;
    }

    /// Ends a job whose task is gone before it was at its end: by a panic, or with its runtime. What
    /// is half done then is so in the journal too, as after the death of the process.
    pub(super) fn abandon(&self) {
        if self.outcome.borrow().is_some() {
            return;
        }
        // What it was doing may go on without it.
        self.context.cancel();
        let panicked = std::thread::panicking();
        let message = match self.status().state {
            _ if panicked => "the job panicked",
            JobState::Queued => "the job was given up before it began",
            _ => "the runtime of the job has ended",
        };
        let error = Error::new(ErrorKind::Internal, message);
        let recovery = self.recovery();
        let mut last = self.status();
        interrupt(&mut last, recovery.is_some());
        if panicked {
            last.state = JobState::Failed;
            last.error = Some(JobError::from(&error));
            last.say();
        }
        let written = self.journal.write(&Record::new(last.clone(), recovery));
        tracing::error!(id = %self.id, journalled = written.is_ok(), "{message}");
        self.end(last, Err(error));
    }

    pub(super) fn kind(&self) -> JobKind {
        self.status.borrow().kind
    }

    /// Ends the job with this status, unless it has ended: the one that stands in the journal.
    pub(super) fn end(&self, last: JobStatus, outcome: Result<JobReport>) {
        self.status.send_if_modified(|status| {
            let ends = !status.state.is_terminal();
            if ends {
                *status = last;
            }
            ends
        });
        self.outcome.send_replace(Some(outcome));
    }

    /// Writes down how the job is now. It is on the disk when this returns.
    pub(super) async fn write(self: &Arc<Self>) -> Result<()> {
        self.write_as(self.status()).await
    }

    pub(super) async fn write_as(self: &Arc<Self>, status: JobStatus) -> Result<()> {
        let record = Record::new(status, self.recovery());
        let journal = self.journal.clone();
        super::blocking(move || journal.write(&record)).await
    }
}

impl Job {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// How it is now.
    #[must_use]
    pub fn status(&self) -> JobStatus {
        self.0.status()
    }

    /// How it is now and whenever that changes, at most ten times a second. The last item is the
    /// status in which it stays. A slow reader misses statuses, but never the last one.
    pub fn watch(&self) -> impl Stream<Item = JobStatus> + Send + Unpin + use<> {
        let state = Some((self.0.subscribe(), None::<Instant>));
        Box::pin(futures::stream::unfold(state, |state| async move {
            let (mut receiver, last) = state?;
            if let Some(last) = last {
                // The end is told at once, everything else in its time.
                let pause = async {
                    tokio::time::sleep_until(last + WATCH_INTERVAL).await;
                };
                let mut end = receiver.clone();
                let ended =
                    async { end.wait_for(|status| status.state.is_terminal()).await.is_ok() };
                let waits = tokio::select! {
                    ended = ended => !ended,
                    () = pause => true,
                };
                if waits {
                    receiver.changed().await.ok()?;
                }
            }
            let status = receiver.borrow_and_update().clone();
            let next = (!status.state.is_terminal()).then(|| (receiver, Some(Instant::now())));
            Some((status, next))
        }))
    }

    /// Waits for its end, hooks included. Any number of tasks may wait; each gets the same answer.
    ///
    /// # Errors
    /// The error that ended the job: [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`],
    /// [`ErrorKind::RestorePoint`] when what the target holds could not be saved, and all those of
    /// [`dump_to_path`](crate::dump_to_path), [`prepare`](crate::prepare),
    /// [`apply`](crate::Prepared::apply) and [`verify`](crate::verify). [`ErrorKind::Internal`]
    /// after a panic, and when the runtime that the job ran on is gone.
    ///
    /// # Cancel safety
    /// Dropping the future stops only the waiting.
    pub async fn wait(&self) -> Result<JobReport> {
        let mut outcome = self.0.outcome.subscribe();
        let ended = outcome.wait_for(Option::is_some).await;
        ended.ok().and_then(|outcome| outcome.clone()).unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Internal, "the job is gone without an answer"))
        })
    }

    /// Stops the job: its queries on the server are killed and its unfinished file is removed; a
    /// restore that has begun is rolled back, which is not cancelled by calling this again.
    /// A job that has ended is not changed. Returns at once; [`wait`](Self::wait) for the end.
    pub fn cancel(&self) {
        self.0.update(|status| {
            status.state = JobState::Stopping;
        });
        self.0.context.cancel();
    }

    /// Binds the job to the returned guard: dropping it cancels the job.
    #[must_use]
    pub fn cancel_on_drop(self) -> CancelOnDrop {
        CancelOnDrop { job: self }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// A job that is cancelled when this is dropped.
#[derive(Debug)]
pub struct CancelOnDrop {
    job: Job,
}

impl Deref for CancelOnDrop {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.job.cancel();
    }
}

//! What every operation carries: the way to stop it, its deadline, and its progress.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Counters, Phase, Progress};

/// Cancellation, deadline and progress of one operation.
///
/// Clones share all three: keep one to watch and cancel, hand the other to the operation.
///
/// ```
/// use std::time::Duration;
/// use snapdump::Context;
///
/// let context = Context::new().with_timeout(Duration::from_secs(600));
/// let watcher = context.clone();
/// // … give `context` to `snapdump::dump_to_path`, and in another task:
/// println!("{} rows", watcher.progress().rows_done);
/// watcher.cancel();
/// ```
#[derive(Clone, Default)]
pub struct Context {
    token: CancellationToken,
    /// Why the operation has to stop, when it is not that somebody cancelled it.
    failure: Arc<OnceLock<Error>>,
    deadline: Option<Instant>,
    counters: Arc<Counters>,
    /// The phase that is shown whatever is entered; see [`within_phase`](Self::within_phase).
    shown: Option<Phase>,
}

impl Context {
    /// A context without a deadline.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time after which the operation ends with [`ErrorKind::TimedOut`], counted from
    /// this call. Clones made earlier are not changed.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        // A time that the clock cannot hold is no deadline.
        self.deadline = Instant::now().checked_add(timeout);
        self
    }

    /// Stops the operation: it ends with [`ErrorKind::Cancelled`] after its query on the server
    /// has been killed and its partial file removed. Calling it again changes nothing.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether [`cancel`](Self::cancel) has been called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Stops the operation like [`cancel`](Self::cancel), but it ends with this error. The first
    /// reason stays.
    pub(crate) fn fail(&self, error: Error) {
        if !self.is_cancelled() {
            let _ = self.failure.set(error);
            self.token.cancel();
        }
    }

    /// A context that shows its progress in this one, but has its own time and cannot be
    /// cancelled through this one: for what has to be put right after the operation was stopped.
    pub(crate) fn afresh(&self, timeout: Duration) -> Self {
        Self { counters: Arc::clone(&self.counters), ..Self::new().with_timeout(timeout) }
    }

    /// The state of the operation now.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.counters.read()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn enter(&self, phase: Phase) {
        tracing::debug!(%phase, "phase");
        self.counters.enter(phase, self.shown.unwrap_or(phase));
    }

    /// The same context for an operation that is one phase of another: its own phases are not
    /// shown, only its counters.
    pub(crate) fn within_phase(&self) -> Self {
        Self { shown: Some(self.counters.phase()), ..self.clone() }
    }

    /// The same context with a token of its own: cancelling the branch stops those who work under
    /// it and nobody else; cancelling the trunk stops the branch too.
    pub(crate) fn branch(&self) -> Self {
        Self { token: self.token.child_token(), ..self.clone() }
    }

    /// Cancels this context when what is returned is dropped.
    pub(crate) fn ended_on_drop(&self) -> DropGuard {
        self.token.clone().drop_guard()
    }

    /// Fails if the operation is to stop.
    pub(crate) fn check(&self) -> Result<()> {
        if self.token.is_cancelled() {
            return Err(self.stopped(ErrorKind::Cancelled));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(self.stopped(ErrorKind::TimedOut)),
            _ => Ok(()),
        }
    }

    /// Waits for `work`, or until the operation is to stop; then `work` is dropped.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T> + Send) -> Result<T> {
        let timer = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(self.stopped(ErrorKind::Cancelled)),
            done = work => Ok(done),
            () = timer => Err(self.stopped(ErrorKind::TimedOut)),
        }
    }

    /// Enters `phase` and runs `work` on the blocking pool. The thread gets a context of its own,
    /// which is cancelled also when the returned future is dropped.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        phase: Phase,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.enter(phase);
        let inner = self.branch();
        let _stop = inner.ended_on_drop();
        let span = tracing::Span::current();
        let work = move || span.in_scope(|| work(&inner));
        self.run(tokio::task::spawn_blocking(work)).await?.map_err(|error| {
            Error::new(ErrorKind::Internal, "a task panicked").with_source(error)
        })?
    }

    fn stopped(&self, kind: ErrorKind) -> Error {
        if let (ErrorKind::Cancelled, Some(failure)) = (kind, self.failure.get()) {
            return failure.clone();
        }
        let message = match kind {
            ErrorKind::Cancelled => "the operation was cancelled",
            _ => "the operation ran out of time",
        };
        Error::new(kind, message).at(|place| place.phase = Some(self.counters.phase()))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("cancelled", &self.is_cancelled())
            .field("deadline", &self.deadline)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_context_ends_a_wait_that_never_would() {
        let context = Context::new();
        let other = context.clone();
        let waiting = tokio::spawn(async move { other.run(std::future::pending::<()>()).await });
        context.cancel();
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert_eq!(context.check().unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[tokio::test]
    async fn a_failure_from_outside_ends_a_wait_with_its_own_error() {
        let context = Context::new();
        context.fail(Error::new(ErrorKind::Io, "no room"));
        context.fail(Error::new(ErrorKind::Io, "another"));
        let error = context.run(std::future::pending::<()>()).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Io, "no room"));
        let after = context.afresh(Duration::from_secs(60));
        after.check().unwrap();
        after.counters().rows_done.add(2);
        assert_eq!(context.progress().rows_done, 2);
    }

    #[test]
    fn an_operation_inside_another_shows_the_outer_phase() {
        let context = Context::new();
        context.enter(Phase::RestorePoint);
        let inner = context.within_phase();
        inner.enter(Phase::Tables);
        inner.counters().rows_done.add(3);
        let progress = context.progress();
        assert_eq!((progress.phase, progress.rows_done), (Phase::RestorePoint, 3));
        context.enter(Phase::Replay);
        assert_eq!(inner.progress().phase, Phase::Replay);
    }

    #[tokio::test]
    async fn a_deadline_ends_a_wait() {
        let context = Context::new().with_timeout(Duration::from_millis(5));
        let error = context.run(std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(context.check().unwrap_err().kind(), ErrorKind::TimedOut);
    }
}

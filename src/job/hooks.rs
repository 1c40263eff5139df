//! What an application has done when a job starts and ends.

use std::future::Future;
use std::pin::Pin;

use super::status::JobStatus;

/// Called when jobs start and end: for alerts, uploads and metrics.
///
/// A hook runs while its job still counts as running, so nothing else starts meanwhile, and
/// [`Job::wait`](super::Job::wait) waits for it. It has [limited
/// time](super::ManagerOptions::with_hook_timeout). A panic in a hook is logged, and changes
/// nothing about the job.
///
/// ```
/// use snapdump::{JobHooks, JobStatus};
///
/// struct Alert;
///
/// impl JobHooks for Alert {
///     async fn failed(&self, status: &JobStatus) {
///         eprintln!("backup job {}: {}", status.id, status.message);
///     }
/// }
///
/// let options = snapdump::ManagerOptions::default().with_hooks(Alert);
/// ```
pub trait JobHooks: Send + Sync {
    /// A job begins.
    fn started(&self, status: &JobStatus) -> impl Future<Output = ()> + Send {
        let _ = status;
        async {}
    }

    /// A job has completed.
    fn finished(&self, status: &JobStatus) -> impl Future<Output = ()> + Send {
        let _ = status;
        async {}
    }

    /// A job has ended without completing: it failed, was cancelled, or ran out of time.
    fn failed(&self, status: &JobStatus) -> impl Future<Output = ()> + Send {
        let _ = status;
        async {}
    }
}

/// The same trait in a form that can be kept behind a pointer.
pub(super) trait AnyHooks: Send + Sync {
    fn call<'a>(
        &'a self,
        moment: Moment,
        status: &'a JobStatus,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Started,
    Finished,
    Failed,
}

impl<T: JobHooks> AnyHooks for T {
    fn call<'a>(
        &'a self,
        moment: Moment,
        status: &'a JobStatus,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        match moment {
            Moment::Started => Box::pin(self.started(status)),
            Moment::Finished => Box::pin(self.finished(status)),
            Moment::Failed => Box::pin(self.failed(status)),
        }
    }
}

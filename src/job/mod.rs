//! Jobs over a backup directory: one operation at a time, restore point first, always a status to
//! show.
//!
//! [`BackupManager`] is the way in: `start` has its jobs, `files` its backups, `history` what became
//! of them. `exclusive` keeps operations apart, `task` runs one and brings it to its end, `operation`
//! says what each kind does, `journal` remembers them all.

mod exclusive;
mod files;
mod handle;
mod history;
mod hooks;
mod id;
mod journal;
mod list;
mod manager;
mod obstacle;
mod operation;
mod options;
mod progress;
mod prune;
mod reader;
mod start;
mod status;
mod task;

pub use files::DeleteConfirmation;
pub use handle::{CancelOnDrop, Job};
pub use hooks::JobHooks;
pub use id::{JobId, JobIdError};
pub use list::{BackupInfo, BackupList, ListRequest, Sort};
pub use manager::BackupManager;
pub use obstacle::{HalfDoneRestore, RunningJob};
pub use options::{CreateRequest, ManagerOptions, RestoreRequest};
pub use progress::JobProgress;
pub use prune::{KeepReason, KeptBackup, PruneReport, RetentionPolicy};
pub use reader::BackupReader;
pub use status::{
    JobError, JobKind, JobOwner, JobReport, JobState, JobStatus, RollbackReport, TargetState,
};

use crate::error::{Error, ErrorKind, Result};

/// Runs work that blocks on the file system.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.map_err(|error| {
        let message = if error.is_cancelled() {
            "the runtime has ended"
        } else {
            "a file operation panicked"
        };
        Error::new(ErrorKind::Internal, message).with_source(error)
    })?
}

/// Whether [`blocking`] did nothing, because its runtime is at its end.
fn runtime_has_ended(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<tokio::task::JoinError>())
        .is_some_and(tokio::task::JoinError::is_cancelled)
}

//! Jobs over a backup directory: one operation at a time, restore point first, always a status to
//! show.
//!
//! [`BackupManager`] is the way in. `exclusive` keeps operations apart, `task` runs one and brings
//! it to its end, `operation` says what each kind does, `journal` remembers them all.

mod exclusive;
mod handle;
mod hooks;
mod id;
mod journal;
mod list;
mod manager;
mod operation;
mod options;
mod prune;
mod reader;
mod status;
mod task;

pub use handle::{CancelOnDrop, Job};
pub use hooks::JobHooks;
pub use id::{JobId, JobIdError};
pub use list::{BackupInfo, BackupList, ListRequest, Sort};
pub use manager::{BackupManager, DeleteConfirmation};
pub use options::{CreateRequest, ManagerOptions, RestoreRequest};
pub use prune::{KeepReason, KeptBackup, PruneReport, RetentionPolicy};
pub use reader::BackupReader;
pub use status::{
    JobError, JobKind, JobOwner, JobProgress, JobReport, JobState, JobStatus, RollbackReport,
    RunningJob, TargetState,
};

use crate::error::{Error, ErrorKind, Result};

/// Runs work that blocks on the file system.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "a file operation panicked").with_source(error)
    })?
}

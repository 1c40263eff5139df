//! What each kind of job does between its locks and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::handle::Shared;
use super::id::JobId;
use super::journal::Recovery;
use super::manager::Inner;
use super::status::{JobReport, TargetState};
use crate::archive::verify;
use crate::context::Context;
use crate::dump::{DumpOptions, dump_to_path};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Phase;
use crate::restore::{RestoreOptions, prepare, roll_back};
use crate::store::BackupName;

/// What a job is to do.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Create { file: BackupName, options: DumpOptions },
    Restore { file: BackupName, options: RestoreOptions, rollback: bool },
    Verify { file: BackupName },
    RollBack { job: JobId, recovery: Recovery },
}

impl Operation {
    /// Whether a failure of it is followed by a rollback.
    pub(super) const fn rolls_back(&self) -> bool {
        matches!(self, Self::Restore { rollback: true, .. })
    }

    pub(super) async fn perform(
        self,
        inner: Arc<Inner>,
        shared: Arc<Shared>,
        touched: Arc<AtomicBool>,
    ) -> Result<JobReport> {
        let context = shared.context.clone();
        match self {
            Self::Create { file, options } => create(&inner, file, &options, &context).await,
            Self::Restore { file, options, .. } => {
                restore(&inner, &shared, file, &options, &touched).await
            }
            Self::Verify { file } => {
                let name = file.clone();
                let directory = inner.directory.clone();
                super::blocking(move || directory.open_file(&name)).await?;
                let report = verify(inner.directory.path_of(&file), &context).await?;
                Ok(JobReport::Verified { file, report })
            }
            Self::RollBack { job, recovery } => {
                touched.store(true, Ordering::SeqCst);
                shared.set_recovery(Some(recovery.clone()));
                shared.update(|status| {
                    status.target = Some(TargetState::Partial);
                    status.restore_point.clone_from(&recovery.restore_point);
                });
                shared.write().await?;
                let report = put_back(&inner, &recovery, &context).await?;
                shared.set_recovery(None);
                shared.update(|status| status.target = Some(TargetState::RolledBack));
                settle_restore(&inner, job, recovery).await.map_err(|error| {
                    let text = "the journal does not say that the restore is undone; roll it back \
                                again, so that other restores can begin";
                    Error::new(error.kind(), text).with_source(error)
                })?;
                Ok(JobReport::RolledBack { job, report })
            }
        }
    }
}

async fn create(
    inner: &Inner,
    file: BackupName,
    options: &DumpOptions,
    context: &Context,
) -> Result<JobReport> {
    let path = inner.directory.path_of(&file);
    let report = dump_to_path(&inner.connect, &path, options, context).await?;
    if inner.options.verification()
        && let Err(error) = verify(&path, context).await
    {
        // Whatever ended it, nobody has seen this backup to be good.
        let (directory, name) = (inner.directory.clone(), file.clone());
        super::blocking(move || directory.remove(&name)).await?;
        return Err(error);
    }
    Ok(JobReport::Created { file, report })
}

async fn restore(
    inner: &Arc<Inner>,
    shared: &Arc<Shared>,
    file: BackupName,
    options: &RestoreOptions,
    touched: &AtomicBool,
) -> Result<JobReport> {
    let context = &shared.context;
    let (directory, name) = (inner.directory.clone(), file.clone());
    // Not through a link; what follows opens it by its path.
    super::blocking(move || directory.open_file(&name)).await?;
    let path = inner.directory.path_of(&file);
    let prepared = prepare(&inner.connect, &path, options, context).await?;
    let restore_point = match prepared.restore_point() {
        Some(point) => Some(name_of(point.path())?),
        None => None,
    };
    shared.set_recovery(Some(Recovery {
        targets: prepared.targets().to_vec(),
        restore_point: restore_point.clone(),
    }));
    shared.update(|status| {
        status.restore_point = restore_point;
        status.target = Some(TargetState::Partial);
        status.warnings = prepared.warnings().to_vec();
    });
    // The way back is on the disk before anything is changed.
    shared.write().await.inspect_err(|_| {
        shared.set_recovery(None);
        shared.update(|status| status.target = Some(TargetState::Untouched));
    })?;
    let report = prepared.replay(context, touched).await?;
    Ok(JobReport::Restored { file, report })
}

fn name_of(path: &std::path::Path) -> Result<BackupName> {
    path.file_name()
        .and_then(|name| name.to_str()?.parse().ok())
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the restore point has no name"))
}

/// Makes the targets of a restore what they were.
pub(super) async fn put_back(
    inner: &Inner,
    recovery: &Recovery,
    context: &Context,
) -> Result<Option<crate::restore::RestoreReport>> {
    context.enter(Phase::Rollback);
    let path = match &recovery.restore_point {
        Some(name) => {
            let (directory, file) = (inner.directory.clone(), name.clone());
            super::blocking(move || directory.open_file(&file)).await?;
            Some(inner.directory.path_of(name))
        }
        None => None,
    };
    let options = inner.options.restore_options();
    roll_back(&inner.connect, &recovery.targets, path.as_deref(), options, context).await
}

/// Writes down that an earlier restore is undone, and with it every attempt to undo it.
async fn settle_restore(inner: &Inner, job: JobId, recovery: Recovery) -> Result<()> {
    let journal = inner.journal.clone();
    super::blocking(move || {
        journal.settle_half_done(TargetState::RolledBack, |status, its| {
            status.state.is_terminal() && (status.id == job || *its == recovery)
        })
    })
    .await
}

//! The restore point: what is in the target, dumped and verified before anything is changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono::Utc;

use crate::archive::verify;
use crate::context::Context;
use crate::dump::{Databases, DumpOptions, DumpReport, History, dump_to_path};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Phase;
use crate::server::ConnectOptions;
use crate::store::{BackupDir, BackupKind};

/// A verified backup of what a restore is about to overwrite.
///
/// There is no way to make one but to dump and verify it, and no way to restore over data without
/// one: [`Prepared`](super::Prepared) holds it.
///
/// ```compile_fail,E0451
/// # fn example(report: snapdump::DumpReport) {
/// let point = snapdump::RestorePoint { path: "not/saved.sql.gz".into(), report };
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RestorePoint {
    path: PathBuf,
    report: DumpReport,
}

impl RestorePoint {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    #[must_use]
    pub const fn report(&self) -> &DumpReport {
        &self.report
    }

    /// Dumps the databases `named`, or the connection's if there are none, into
    /// `pre-restore_YYYY-MM-DD_HH-MM-SS.sql.gz` (UTC) and verifies the file. Nothing of the target
    /// is changed.
    pub(super) async fn take(
        connect: &ConnectOptions,
        named: BTreeSet<String>,
        directory: &Path,
        context: &Context,
    ) -> Result<Self> {
        context.enter(Phase::RestorePoint);
        // The steps of the dump and of the check are not phases of the restore.
        let context = &context.within_phase();
        let databases = if named.is_empty() {
            Databases::Current
        } else {
            Databases::Named(named.into_iter().collect())
        };
        let options =
            DumpOptions::default().with_databases(databases).with_history(History::IfPossible);
        let path = unused_path(directory).map_err(not_saved)?;
        let report = dump_to_path(connect, &path, &options, context).await.map_err(not_saved)?;
        verify(&path, context).await.map_err(not_saved)?;
        tracing::info!(path = %path.display(), rows = report.rows, "restore point taken");
        Ok(Self { path, report })
    }
}

fn unused_path(directory: &Path) -> Result<PathBuf> {
    // Not made here: a directory that is not there is a mistake in the options.
    directory
        .read_dir()
        .map_err(|error| Error::io("could not read the directory", error))
        .map_err(|error| error.at(|place| place.file = Some(directory.display().to_string())))?;
    let directory = BackupDir::open(directory)?;
    let name = directory.unused_name(BackupKind::RestorePoint, Utc::now())?;
    Ok(directory.path_of(&name))
}

fn not_saved(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Cancelled | ErrorKind::TimedOut => error,
        _ => Error::new(
            ErrorKind::RestorePoint,
            "what is in the target could not be saved, so nothing was restored",
        )
        .with_source(error),
    }
}

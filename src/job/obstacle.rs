//! What keeps a job from starting: another one that runs, or a restore that was left half done.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id::JobId;
use super::journal::Record;
use super::status::{JobKind, JobOwner, JobStatus};
use crate::error::{Error, ErrorKind};
use crate::store::BackupName;

/// The job that keeps another from starting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunningJob {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The process that it belongs to.
    pub owner: JobOwner,
    /// When it began (UTC).
    pub started_at: DateTime<Utc>,
}

impl RunningJob {
    /// The job behind an error of the kind [`ErrorKind::Busy`]; absent when there is none to ask for:
    /// a job is still about to begin, backups are being deleted or pruned, or another host has the
    /// database and its connections are not visible to this account.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.cause()
    }

    pub(super) fn busy(self) -> Error {
        let message = "another operation is running: only one can at a time";
        Error::new(ErrorKind::Busy, message).with_source(self)
    }
}

impl From<&JobStatus> for RunningJob {
    fn from(status: &JobStatus) -> Self {
        Self {
            id: status.id,
            kind: status.kind,
            owner: status.owner.clone(),
            started_at: status.started_at,
        }
    }
}

impl fmt::Display for RunningJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.started_at.format("%Y-%m-%d %H:%M:%S UTC");
        write!(f, "job {} ({}) of {}, since {time}", self.id, self.kind, self.owner)
    }
}

impl std::error::Error for RunningJob {}

/// A restore that was left half done: what is in its databases is neither what was there before nor
/// what the file holds. It keeps them from being backed up, and its restore point from being deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HalfDoneRestore {
    /// The job, which [`roll_back`](crate::BackupManager::roll_back) undoes and
    /// [`accept`](crate::BackupManager::accept) leaves as it is.
    pub job: JobId,
    /// The databases that it was writing to.
    pub databases: Vec<String>,
    /// What they held before; absent when that was nothing.
    pub restore_point: Option<BackupName>,
    /// When it began (UTC).
    pub started_at: DateTime<Utc>,
}

impl HalfDoneRestore {
    /// The restore behind an error of the kind [`ErrorKind::HalfDone`].
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        error.cause()
    }

    /// The one in a record of the journal, if it can still be undone.
    pub(super) fn in_record(record: &Record) -> Option<Self> {
        let recovery = record.recovery.as_ref()?;
        Some(Self {
            job: record.status.id,
            databases: recovery.names(),
            restore_point: recovery.restore_point.clone(),
            started_at: record.status.started_at,
        })
    }

    /// Whether it has to do with one of these databases; the empty name stands for all of them.
    pub(super) fn concerns(&self, names: &[String]) -> bool {
        // On some servers the case of letters counts, on others not; refusing is the safe side.
        let same = |one: &String, other: &String| one.to_lowercase() == other.to_lowercase();
        names.iter().any(|name| name.is_empty() || self.databases.iter().any(|own| same(own, name)))
    }

    pub(super) fn error(self, message: &str) -> Error {
        Error::new(ErrorKind::HalfDone, message).with_source(self)
    }
}

impl fmt::Display for HalfDoneRestore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = crate::ident::one_line(&self.databases.join("', '"));
        write!(
            f,
            "job {} was to restore '{names}': roll it back, restore a backup, or accept",
            self.job
        )
    }
}

impl std::error::Error for HalfDoneRestore {}

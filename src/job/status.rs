//! What can be told about a job at any time: the same in memory, in the journal and in JSON.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::id::JobId;
use super::progress::JobProgress;
use crate::archive::VerifyReport;
use crate::dump::DumpReport;
use crate::error::{Error, ErrorKind};
use crate::progress::Phase;
use crate::restore::RestoreReport;
use crate::store::BackupName;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobKind {
    /// Makes a backup.
    Create,
    /// Restores one, over a restore point.
    Restore,
    /// Proves that one is undamaged.
    Verify,
    /// Puts the restore point of an earlier restore back.
    RollBack,
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Restore => "restore",
            Self::Verify => "verify",
            Self::RollBack => "roll back",
        })
    }
}

/// How far a job is: `queued → running → stopping → completed | failed | cancelled | timed_out`.
/// Any state may be skipped; the last four and `interrupted` never change again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// It has all its locks and is about to begin.
    Queued,
    /// It is under way; [`JobStatus::phase`] says where.
    Running,
    /// It is to end, and is ending its queries or putting the restore point back.
    Stopping,
    /// It has done what it was to do.
    Completed,
    /// It could not.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Its time was up.
    TimedOut,
    /// Its process died. A half-done restore can be [rolled back](crate::BackupManager::roll_back).
    Interrupted,
}

impl JobState {
    /// Whether it never changes again.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running | Self::Stopping)
    }

    pub(super) const fn of(error: ErrorKind) -> Self {
        match error {
            ErrorKind::Cancelled => Self::Cancelled,
            ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed out",
            Self::Interrupted => "interrupted",
        })
    }
}

/// What has become of the databases that a restore writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetState {
    /// As they were: no statement has been sent.
    Untouched,
    /// Between before and after. While the job runs this is on the way; afterwards it is left so.
    Partial,
    /// Restored, and compared with the manifest if the file has one.
    Restored,
    /// What they were before, from the restore point.
    RolledBack,
    /// It was left between before and after, and a later job has restored it.
    Superseded,
    /// It was left between before and after, and [somebody has taken it as it
    /// is](crate::BackupManager::accept).
    Accepted,
}

/// What a completed job has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobReport {
    /// A backup.
    Created {
        /// Its name.
        file: BackupName,
        /// What it holds.
        report: DumpReport,
    },
    /// A restored database.
    Restored {
        /// The backup it came from.
        file: BackupName,
        /// What was done.
        report: RestoreReport,
    },
    /// A backup that is proved to be undamaged.
    Verified {
        /// Its name.
        file: BackupName,
        /// What was read.
        report: VerifyReport,
    },
    /// A restore point that is back.
    RolledBack {
        /// The restore that it undoes.
        job: JobId,
        /// What was done; absent when the databases were empty before that restore.
        report: Option<RestoreReport>,
    },
}

/// A failure, as it is told and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What went wrong, on one line, without data of the database.
    pub message: String,
    /// The same with all causes. The server's own message among them can quote data.
    pub chain: String,
}

impl From<&Error> for JobError {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind(), message: error.to_string(), chain: error.chain() }
    }
}

/// How putting the restore point back went, after a restore that did not succeed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RollbackReport {
    /// Whether everything is as it was before the restore.
    pub succeeded: bool,
    /// Why not.
    pub error: Option<JobError>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Which process a job belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobOwner {
    /// The name of the host.
    pub host: String,
    /// The number of the process there.
    pub pid: u32,
}

impl JobOwner {
    pub(super) fn this_process() -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { host, pid: std::process::id() }
    }
}

impl fmt::Display for JobOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, crate::ident::one_line(&self.host))
    }
}

/// Everything about a job at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobStatus {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// How far it is.
    pub state: JobState,
    /// The step under way, or the last one.
    pub phase: Phase,
    /// The same for people, in one sentence.
    pub message: String,
    /// The backup that it makes or reads.
    pub file: Option<BackupName>,
    /// How far it has come, in numbers.
    pub progress: JobProgress,
    /// How many seconds it is expected to take; absent when nobody can tell.
    pub estimated_seconds: Option<u64>,
    /// How many bytes its backup or restore point is expected to have.
    pub estimated_bytes: Option<u64>,
    /// What a person should know, one sentence each.
    pub warnings: Vec<String>,
    /// What it has made; present when it is completed.
    pub report: Option<JobReport>,
    /// Why it did not complete.
    pub error: Option<JobError>,
    /// What has become of the target; present for restores and roll-backs.
    pub target: Option<TargetState>,
    /// What the target held before; absent until it is taken, and when the target was empty.
    pub restore_point: Option<BackupName>,
    /// How putting the restore point back went; absent when it was not needed, or not wanted.
    pub rollback: Option<RollbackReport>,
    /// The process that it belongs to.
    pub owner: JobOwner,
    /// When it began (UTC).
    pub started_at: DateTime<Utc>,
    /// When any of this last changed (UTC).
    pub updated_at: DateTime<Utc>,
    /// When it ended (UTC).
    pub finished_at: Option<DateTime<Utc>>,
}

impl JobStatus {
    /// The time, or when the clock has been set back, that of the last change: a job does not end
    /// before it began.
    pub(super) fn now(&self) -> DateTime<Utc> {
        Utc::now().max(self.updated_at)
    }

    pub(super) fn new(id: JobId, kind: JobKind, owner: JobOwner) -> Self {
        let now = Utc::now();
        Self {
            id,
            kind,
            state: JobState::Queued,
            phase: Phase::default(),
            message: String::new(),
            file: None,
            progress: JobProgress::default(),
            estimated_seconds: None,
            estimated_bytes: None,
            warnings: Vec::new(),
            report: None,
            error: None,
            target: matches!(kind, JobKind::Restore | JobKind::RollBack)
                .then_some(TargetState::Untouched),
            restore_point: None,
            rollback: None,
            owner,
            started_at: now,
            updated_at: now,
            finished_at: None,
        }
    }

    /// Whether it is a restore that was left half done, and nothing has put it right since.
    #[must_use]
    pub fn is_half_done(&self) -> bool {
        self.state.is_terminal() && self.target == Some(TargetState::Partial)
    }

    /// Says in one sentence what is going on.
    pub(super) fn say(&mut self) {
        self.message = match self.state {
            JobState::Queued => "Waiting to begin".to_owned(),
            JobState::Running | JobState::Stopping => self.doing(),
            JobState::Completed => match &self.report {
                Some(JobReport::Created { report, .. }) => format!(
                    "Backed up {} tables with {} rows into {} bytes",
                    report.tables, report.rows, report.file_bytes
                ),
                Some(JobReport::Restored { report, .. }) => {
                    format!("Restored by {} statements", report.statements)
                }
                Some(JobReport::Verified { report, .. }) => {
                    format!("Undamaged: {} rows in {} bytes", report.rows, report.file_bytes)
                }
                Some(JobReport::RolledBack { .. }) => "Put back what was there before".to_owned(),
                None => "Done".to_owned(),
            },
            JobState::Failed => format!("Failed{}", self.outcome()),
            JobState::Cancelled => format!("Cancelled{}", self.outcome()),
            JobState::TimedOut => format!("Ran out of time{}", self.outcome()),
            JobState::Interrupted => format!("Its process died{}", self.outcome()),
        };
    }

    fn doing(&self) -> String {
        let now = &self.progress.counters;
        let text = match self.phase {
            Phase::Rollback => "Putting back what was there before".to_owned(),
            _ if self.state == JobState::Stopping => return "Stopping".to_owned(),
            Phase::Connect => "Connecting".to_owned(),
            Phase::Plan => "Looking at what there is".to_owned(),
            Phase::Tables => format!("Dumping tables: {} of {}", now.tables_done, now.tables_total),
            Phase::Objects => "Dumping views and programs".to_owned(),
            Phase::Publish => "Finishing the file".to_owned(),
            Phase::Check => "Checking the file".to_owned(),
            Phase::RestorePoint => "Saving what is there now".to_owned(),
            Phase::Replay => "Restoring".to_owned(),
            Phase::Compare => "Comparing the result with the file".to_owned(),
        };
        if now.rows_done > 0 { format!("{text}, {} rows", now.rows_done) } else { text }
    }

    fn outcome(&self) -> String {
        let why = match &self.error {
            Some(error) if self.state == JobState::Failed => format!(": {}", error.message),
            _ => String::new(),
        };
        let after = match self.target {
            Some(TargetState::Untouched) => "; nothing was changed",
            Some(TargetState::RolledBack) => "; everything is as it was before",
            Some(TargetState::Partial) => "; the database is between before and after",
            Some(TargetState::Accepted) => "; the database was taken as it was left",
            Some(TargetState::Restored | TargetState::Superseded) | None => "",
        };
        why + after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_with_warnings_is_read_back_from_the_journal() {
        let json = r#"{"kind":"restored","file":"a.sql","report":{"statements":3,"file_bytes":9,
            "duration":0.5,"restore_point":null,"compared":false,"server_warnings":2,
            "server_warnings_by_number":{"1287":2},"warnings":[]}}"#;
        let written: serde_json::Value = serde_json::from_str(json).unwrap();
        let counted = &written["report"]["server_warnings_by_number"]["1287"];
        assert_eq!(counted, 2);
        let mut status = JobStatus::new(JobId::new(), JobKind::Restore, JobOwner::this_process());
        let report: JobReport = serde_json::from_str(json).unwrap();
        status.report = Some(report);
        let text = serde_json::to_string(&status).unwrap();
        assert_eq!(serde_json::from_str::<JobStatus>(&text).unwrap(), status);
    }
}

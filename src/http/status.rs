//! How a job is told to clients.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::{RETRY_AFTER_SECONDS, told};
use super::error_name::ErrorName;
use crate::job::{
    JobError, JobKind, JobOwner, JobProgress, JobReport, JobState, JobStatus, RollbackReport,
    TargetState,
};
use crate::progress::Phase;

/// A job, as `GET /api/jobs/{id}/status` and the events tell it.
#[derive(Debug, Serialize)]
#[allow(clippy::struct_field_names, reason = "the names are those of the contract")]
pub(super) struct Status {
    job_id: String,
    kind: JobKind,
    status: &'static str,
    /// It is still running, but is to end.
    stopping: bool,
    step: String,
    phase: Phase,
    filename: Option<String>,
    progress: Progress,
    estimated_seconds: Option<u64>,
    retry_after: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    warnings: Vec<String>,
    target: Option<TargetState>,
    restore_point: Option<String>,
    rollback: Option<Rollback>,
    owner: JobOwner,
    elapsed_seconds: f64,
    started_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

/// What `current` and `total` count.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Bytes,
    Rows,
    Statements,
}

#[derive(Debug, Serialize)]
struct Progress {
    current: u64,
    /// 0 when nobody can tell.
    total: u64,
    unit: Unit,
    percent: Option<f64>,
    object: Option<String>,
    tables_done: u64,
    tables_total: u64,
    rows_done: u64,
    rows_total: u64,
    bytes_done: u64,
    bytes_total: u64,
    bytes_written: u64,
    statements_done: u64,
    rows_per_second: f64,
    bytes_per_second: f64,
    remaining_seconds: Option<f64>,
}

/// A failure in the result of a job, with the same names as an answer of its own.
#[derive(Debug, Serialize)]
struct Failure {
    error: ErrorName,
    message: String,
    details: Value,
}

#[derive(Debug, Serialize)]
struct Rollback {
    succeeded: bool,
    error: Option<Failure>,
    seconds: f64,
}

impl Status {
    /// Whether the job goes on, so that asking again makes sense.
    pub(super) fn is_running(&self) -> bool {
        self.status == RUNNING
    }
}

const RUNNING: &str = "running";

const fn word(state: JobState) -> &'static str {
    match state {
        JobState::Queued | JobState::Running | JobState::Stopping => RUNNING,
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::TimedOut => "timed_out",
        JobState::Interrupted => "interrupted",
    }
}

impl From<JobStatus> for Status {
    fn from(job: JobStatus) -> Self {
        Self {
            job_id: job.id.to_string(),
            kind: job.kind,
            status: word(job.state),
            stopping: job.state == JobState::Stopping,
            step: job.message,
            phase: job.phase,
            filename: job.file.map(String::from),
            elapsed_seconds: job.progress.elapsed_seconds,
            progress: Progress::of(job.progress),
            estimated_seconds: job.estimated_seconds,
            retry_after: RETRY_AFTER_SECONDS,
            result: job.report.as_ref().map(result),
            error: job.error.map(Failure::from),
            warnings: job.warnings,
            target: job.target,
            restore_point: job.restore_point.map(String::from),
            rollback: job.rollback.map(Rollback::from),
            owner: job.owner,
            started_at: job.started_at,
            updated_at: job.updated_at,
            finished_at: job.finished_at,
        }
    }
}

impl Progress {
    fn of(now: JobProgress) -> Self {
        let done = now.counters;
        let (current, total, unit) = match done.phase {
            Phase::Check | Phase::Replay if done.bytes_total > 0 => {
                (done.bytes_done, done.bytes_total, Unit::Bytes)
            }
            Phase::Replay if done.rows_total == 0 => (done.statements_done, 0, Unit::Statements),
            _ => (done.rows_done, done.rows_total, Unit::Rows),
        };
        // The server's estimate of rows can be too low; more than everything is never told.
        let total = if total == 0 { 0 } else { total.max(current) };
        Self {
            current,
            total,
            unit,
            percent: now.fraction.map(|fraction| (fraction * 100.0).clamp(0.0, 100.0)),
            object: done.object.map(|object| object.to_string()),
            tables_done: done.tables_done,
            tables_total: done.tables_total,
            rows_done: done.rows_done,
            rows_total: done.rows_total,
            bytes_done: done.bytes_done,
            bytes_total: done.bytes_total,
            bytes_written: done.bytes_written,
            statements_done: done.statements_done,
            rows_per_second: now.rows_per_second,
            bytes_per_second: now.bytes_per_second,
            remaining_seconds: now.eta_seconds,
        }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self {
            error: told(error.kind).1,
            message: error.message,
            details: json!({"kind": error.kind, "cause": error.chain}),
        }
    }
}

impl From<RollbackReport> for Rollback {
    fn from(report: RollbackReport) -> Self {
        Self {
            succeeded: report.succeeded,
            error: report.error.map(Failure::from),
            seconds: report.seconds,
        }
    }
}

/// What a job has made, in the words of the list of backups.
fn result(report: &JobReport) -> Value {
    match report {
        JobReport::Created { file, report } => json!({
            "filename": file,
            "size_bytes": report.file_bytes,
            "sql_bytes": report.sql_bytes,
            "table_count": report.tables,
            "row_count": report.rows,
            "sha256": report.sha256,
            "duration_seconds": report.duration.as_secs_f64(),
        }),
        JobReport::Restored { file, report } => json!({
            "filename": file,
            "size_bytes": report.file_bytes,
            "statement_count": report.statements,
            "compared": report.compared,
            "duration_seconds": report.duration.as_secs_f64(),
        }),
        JobReport::Verified { file, report } => json!({
            "filename": file,
            "size_bytes": report.file_bytes,
            "sql_bytes": report.sql_bytes,
            "row_count": report.rows,
            "sha256": report.sha256,
        }),
        JobReport::RolledBack { job, report } => json!({
            "undone_job_id": job,
            "statement_count": report.as_ref().map_or(0, |report| report.statements),
            "duration_seconds": report.as_ref().map_or(0.0, |report| report.duration.as_secs_f64()),
        }),
    }
}

//! How far a job has come, and how fast it is.

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::status::JobReport;
use crate::ident::ObjectKind;
use crate::progress::{Phase, Progress};

/// How much the newest moment counts in a rate.
const RATE_WEIGHT: f64 = 0.2;

/// How far a job has come, in numbers. The counters are those of the phase under way, and of the
/// whole job once it is completed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct JobProgress {
    /// What is done, and the object being worked on.
    #[serde(flatten)]
    pub counters: Progress,
    /// How much of the phase is done, from 0 to 1; absent when nobody can tell. Where it follows
    /// the server's estimate of rows it can be far off.
    pub fraction: Option<f64>,
    /// Rows a second, over the last seconds.
    pub rows_per_second: f64,
    /// Bytes a second, of `bytes_done` over the last seconds.
    pub bytes_per_second: f64,
    /// Seconds until the end of the phase at this rate; absent when nobody can tell.
    pub eta_seconds: Option<f64>,
    /// Seconds since the job began.
    pub elapsed_seconds: f64,
}

impl JobProgress {
    /// That of a job that has completed: its numbers are those of its report.
    pub(super) fn complete(&mut self, report: &JobReport) {
        self.fraction = Some(1.0);
        match report {
            JobReport::Created { report, .. } => {
                self.counters.tables_done = report.tables;
                self.counters.tables_total = report.tables;
                self.counters.rows_done = report.rows;
                self.counters.rows_total = report.rows;
                self.counters.bytes_done = report.sql_bytes;
                self.counters.bytes_total = 0;
                self.counters.bytes_written = report.file_bytes;
            }
            JobReport::Restored { report, .. }
            | JobReport::RolledBack { report: Some(report), .. } => {
                self.counters.statements_done = report.statements;
                // A file of another tool does not say what it holds.
                if report.compared {
                    let tables = report.objects.get(&ObjectKind::Table).copied().unwrap_or(0);
                    self.counters.tables_done = tables;
                    self.counters.tables_total = tables;
                    self.counters.rows_done = report.rows;
                    self.counters.rows_total = report.rows;
                }
                self.counters.bytes_done = report.file_bytes;
                self.counters.bytes_total = report.file_bytes;
            }
            JobReport::Verified { report, .. } => {
                self.counters.rows_done = report.rows;
                self.counters.rows_total = report.rows;
                self.counters.bytes_done = report.file_bytes;
                self.counters.bytes_total = report.file_bytes;
            }
            JobReport::RolledBack { report: None, .. } => {}
        }
    }
}

/// Measures how fast a job is.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<(Instant, Phase, u64, u64)>,
}

impl Pace {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    pub(super) fn measure(&mut self, now: &Progress, shown: &mut JobProgress) {
        let at = Instant::now();
        match self.last {
            Some((then, phase, rows, bytes))
                if phase == now.phase && now.rows_done >= rows && now.bytes_done >= bytes =>
            {
                let seconds = (at - then).as_secs_f64();
                if seconds > 0.01 {
                    let mix = |old: f64, new: u64| {
                        let new = new as f64 / seconds;
                        if old == 0.0 { new } else { old + RATE_WEIGHT * (new - old) }
                    };
                    shown.rows_per_second = mix(shown.rows_per_second, now.rows_done - rows);
                    shown.bytes_per_second = mix(shown.bytes_per_second, now.bytes_done - bytes);
                    self.last = Some((at, now.phase, now.rows_done, now.bytes_done));
                }
            }
            _ => {
                shown.rows_per_second = 0.0;
                shown.bytes_per_second = 0.0;
                self.last = Some((at, now.phase, now.rows_done, now.bytes_done));
            }
        }
        let (done, whole, rate) = match now.phase {
            Phase::Tables | Phase::RestorePoint => {
                (now.rows_done, now.rows_total, shown.rows_per_second)
            }
            Phase::Check | Phase::Replay | Phase::Rollback => {
                (now.bytes_done, now.bytes_total, shown.bytes_per_second)
            }
            _ => (0, 0, 0.0),
        };
        // The server's estimate can be too low, and nothing is done before it is.
        shown.fraction = (whole > 0).then(|| (done as f64 / whole as f64).min(0.99));
        shown.eta_seconds = (whole > done && rate > 0.0).then(|| (whole - done) as f64 / rate);
    }
}

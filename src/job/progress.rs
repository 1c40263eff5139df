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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A job that is looked at every now and then.
    #[derive(Default)]
    struct Watched {
        pace: Pace,
        shown: JobProgress,
    }

    impl Watched {
        /// Looks as if so many seconds had passed since the last time, and returns how many those
        /// were at most.
        fn look(&mut self, seconds: u64, now: &Progress) -> f64 {
            let (begun, passed) = (Instant::now(), Duration::from_secs(seconds));
            if let Some((then, ..)) = &mut self.pace.last {
                *then = begun.checked_sub(passed).unwrap();
            }
            self.pace.measure(now, &mut self.shown);
            (passed + begun.elapsed()).as_secs_f64()
        }
    }

    fn dumping(rows_done: u64, bytes_done: u64) -> Progress {
        let phase = Phase::Tables;
        Progress { phase, rows_done, bytes_done, rows_total: 1000, ..Progress::default() }
    }

    fn reading(phase: Phase, bytes_done: u64) -> Progress {
        Progress { phase, bytes_done, bytes_total: 4000, rows_total: 7, ..Progress::default() }
    }

    fn assert_within(value: f64, from: f64, to: f64) {
        // As far as numbers are that were added and divided.
        let least = 1e-9 * to;
        assert!(value >= from - least && value <= to + least, "{value}: {from} to {to}");
    }

    fn assert_unknown(shown: &JobProgress) {
        assert_within(shown.rows_per_second + shown.bytes_per_second, 0.0, 0.0);
        assert_eq!(shown.eta_seconds, None);
    }

    #[test]
    fn rates_follow_what_is_done() {
        let mut job = Watched::default();
        // What was done before anybody looked says nothing about how fast.
        job.look(0, &dumping(50, 500));
        assert_unknown(&job.shown);
        assert_within(job.shown.fraction.unwrap(), 0.05, 0.05);
        let most = job.look(10, &dumping(250, 4500));
        assert_within(job.shown.rows_per_second, 200.0 / most, 20.0);
        assert_within(job.shown.bytes_per_second, 4000.0 / most, 400.0);
        assert_within(job.shown.fraction.unwrap(), 0.25, 0.25);
        let rate = job.shown.rows_per_second;
        assert_within(job.shown.eta_seconds.unwrap(), 750.0 / rate, 750.0 / rate);
        // A job that stands still loses a fifth of its rate with each look,
        job.look(10, &dumping(250, 4500));
        assert_within(job.shown.rows_per_second, 0.8 * rate, 0.8 * rate);
        // and what is new counts as much.
        let before = job.shown.rows_per_second;
        let most = job.look(10, &dumping(450, 4500));
        let old = 0.8 * before;
        assert_within(job.shown.rows_per_second, old + 0.2 * 200.0 / most, old + 0.2 * 20.0);
    }

    /// Between two looks of the same moment there is nothing to measure, and nothing is lost.
    #[test]
    fn no_time_gives_no_rate() {
        let mut job = Watched::default();
        job.look(0, &dumping(0, 0));
        // A clock that has not gone on.
        job.pace.last.as_mut().unwrap().0 += Duration::from_secs(3600);
        job.pace.measure(&dumping(100, 100), &mut job.shown);
        assert_unknown(&job.shown);
        assert_within(job.shown.fraction.unwrap(), 0.1, 0.1);
        let most = job.look(10, &dumping(200, 100));
        assert_within(job.shown.rows_per_second, 200.0 / most, 20.0);
    }

    #[test]
    fn another_phase_and_counters_that_start_again_have_no_rate_yet() {
        let mut job = Watched::default();
        job.look(0, &dumping(0, 0));
        job.look(10, &dumping(500, 500));
        job.look(10, &reading(Phase::Check, 1000));
        assert_unknown(&job.shown);
        let most = job.look(10, &reading(Phase::Check, 3000));
        assert_within(job.shown.bytes_per_second, 2000.0 / most, 200.0);
        // The next file: fewer bytes than before are done.
        job.look(10, &reading(Phase::Check, 500));
        assert_unknown(&job.shown);
        let most = job.look(10, &reading(Phase::Check, 1500));
        assert_within(job.shown.bytes_per_second, 1000.0 / most, 100.0);
    }

    /// What is counted depends on the phase, and some phases do not tell how much there is to do.
    #[test]
    fn the_end_is_told_where_it_can_be() {
        for (phase, fraction) in [
            (Phase::Connect, None),
            (Phase::Plan, None),
            (Phase::Tables, Some(0.0)),
            (Phase::Objects, None),
            (Phase::Publish, None),
            (Phase::Check, Some(0.25)),
            (Phase::RestorePoint, Some(0.0)),
            (Phase::Replay, Some(0.25)),
            (Phase::Compare, None),
            (Phase::Rollback, Some(0.25)),
        ] {
            let mut job = Watched::default();
            job.look(0, &reading(phase, 0));
            job.look(10, &reading(phase, 1000));
            assert_eq!(job.shown.fraction, fraction, "{phase}");
            // Rows are not done, so their end is not in sight.
            let ends = fraction.is_some_and(|fraction| fraction > 0.0);
            assert_eq!(job.shown.eta_seconds.is_some(), ends, "{phase}");
            if let Some(eta) = job.shown.eta_seconds {
                assert_within(eta, 30.0, 3000.0 / job.shown.bytes_per_second);
            }
        }
        // The server's estimate was too low: it is not over before it is over.
        let mut job = Watched::default();
        job.look(0, &dumping(0, 0));
        job.look(10, &dumping(5000, 0));
        assert_eq!((job.shown.fraction, job.shown.eta_seconds), (Some(0.99), None));
        // Nobody knows how much there is.
        job.look(10, &Progress { rows_total: 0, ..dumping(6000, 0) });
        assert_eq!((job.shown.fraction, job.shown.eta_seconds), (None, None));
    }
}

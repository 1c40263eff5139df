//! What an operation is doing: its phase and its counters, readable from any task at any time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, mem};

use serde::{Deserialize, Serialize};

use crate::ident::ObjectName;

/// A step of a dump, a restore or a verification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Connecting and setting the session up.
    #[default]
    Connect,
    /// Reading the catalogue and deciding what to dump.
    Plan,
    /// Dumping table definitions and rows.
    Tables,
    /// Dumping routines, views, triggers and events.
    Objects,
    /// Writing the footer, syncing and publishing the file.
    Publish,
    /// Reading a whole file to prove that it is undamaged.
    Check,
    /// Dumping and verifying what is about to be overwritten.
    RestorePoint,
    /// Sending the statements of a file to the server.
    Replay,
    /// Comparing the restored database with the manifest.
    Compare,
    /// Putting the restore point back after a restore that did not succeed.
    Rollback,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Plan => "plan",
            Self::Tables => "tables",
            Self::Objects => "objects",
            Self::Publish => "publish",
            Self::Check => "check",
            Self::RestorePoint => "restore point",
            Self::Replay => "replay",
            Self::Compare => "compare",
            Self::Rollback => "rollback",
        })
    }
}

/// The state of an operation at one moment.
///
/// All counters start again from zero with the phases [`Connect`](Phase::Connect),
/// [`Check`](Phase::Check) and [`Replay`](Phase::Replay), so what they count is always what is
/// under way now. The counters are read one after the other, not all at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Progress {
    /// The step under way.
    pub phase: Phase,
    /// The object being worked on, where there is one.
    pub object: Option<ObjectName>,
    /// Tables dumped, rows included.
    pub tables_done: u64,
    /// Tables to dump; 0 until the plan is made, and outside a dump.
    pub tables_total: u64,
    /// Rows dumped, or restored from a file of our own by several connections; 0 otherwise. It
    /// grows by the rows of a whole member at a time.
    pub rows_done: u64,
    /// Rows expected: the server's own estimate for a dump (it can be far off), the manifest's
    /// exact count for a restore by several connections; 0 when unknown, and otherwise.
    pub rows_total: u64,
    /// Bytes of SQL text written (dump), or bytes of the file read (check and replay).
    pub bytes_done: u64,
    /// Bytes of the file to read; 0 for a dump.
    pub bytes_total: u64,
    /// Bytes written to the output of a dump, after compression.
    pub bytes_written: u64,
    /// Statements sent to the server by a replay.
    pub statements_done: u64,
    /// How long the counters have been running, since they last started from zero; seconds with a
    /// fraction in JSON.
    #[serde(with = "seconds")]
    pub elapsed: Duration,
}

impl Progress {
    /// The mean number of bytes a second, of [`bytes_done`](Self::bytes_done), since the counters
    /// started; 0 as long as nobody can tell.
    #[must_use]
    pub fn bytes_per_second(&self) -> f64 {
        self.rate(self.bytes_done)
    }

    /// The same for rows.
    #[must_use]
    pub fn rows_per_second(&self) -> f64 {
        self.rate(self.rows_done)
    }

    /// The same for statements.
    #[must_use]
    pub fn statements_per_second(&self) -> f64 {
        self.rate(self.statements_done)
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    fn rate(&self, count: u64) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        // In a moment anything can happen any number of times a second.
        if seconds < 0.01 { 0.0 } else { count as f64 / seconds }
    }
}

/// The live counters behind [`Progress`]; cheap enough to bump for every member of a dump.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    current: Mutex<Current>,
    pub(crate) tables_done: Counter,
    pub(crate) tables_total: Counter,
    pub(crate) rows_done: Counter,
    pub(crate) rows_total: Counter,
    pub(crate) bytes_done: Counter,
    pub(crate) bytes_total: Counter,
    pub(crate) bytes_written: Counter,
    pub(crate) statements_done: Counter,
}

/// What is under way.
#[derive(Debug)]
struct Current {
    phase: Phase,
    object: Option<ObjectName>,
    /// When the counters started from zero.
    since: Instant,
}

impl Default for Current {
    fn default() -> Self {
        Self { phase: Phase::default(), object: None, since: Instant::now() }
    }
}

/// A counter that many tasks add to. No order is implied between counters.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// Enters a phase and shows it as `shown`. With the phases that begin an operation, or a part
    /// of one that counts other things, all counters start again from zero.
    pub(crate) fn enter(&self, phase: Phase, shown: Phase) {
        let mut current = self.lock();
        current.phase = shown;
        current.object = None;
        if matches!(phase, Phase::Connect | Phase::Check | Phase::Replay) {
            current.since = Instant::now();
            for counter in [
                &self.tables_done,
                &self.tables_total,
                &self.rows_done,
                &self.rows_total,
                &self.bytes_done,
                &self.bytes_total,
                &self.bytes_written,
                &self.statements_done,
            ] {
                counter.set(0);
            }
        }
    }

    /// Names the object being worked on.
    pub(crate) fn work_on(&self, object: Option<ObjectName>) {
        let previous = mem::replace(&mut self.lock().object, object);
        drop(previous);
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase
    }

    pub(crate) fn read(&self) -> Progress {
        let current = self.lock();
        let (phase, object) = (current.phase, current.object.clone());
        let elapsed = current.since.elapsed();
        drop(current);
        Progress {
            phase,
            object,
            elapsed,
            tables_done: self.tables_done.get(),
            tables_total: self.tables_total.get(),
            rows_done: self.rows_done.get(),
            rows_total: self.rows_total.get(),
            bytes_done: self.bytes_done.get(),
            bytes_total: self.bytes_total.get(),
            bytes_written: self.bytes_written.get(),
            statements_done: self.statements_done.get(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        // The guarded value is plain data, so a panic elsewhere cannot have left it half made.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How durations stand in the JSON of reports: seconds, with a fraction.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_starts_from_zero() {
        let counters = Counters::default();
        counters.rows_total.set(5);
        counters.statements_done.set(7);
        counters.enter(Phase::Tables, Phase::Tables);
        assert_eq!(counters.read().rows_total, 5);
        counters.enter(Phase::Replay, Phase::Replay);
        let now = counters.read();
        let elapsed = now.elapsed;
        assert_eq!(now, Progress { phase: Phase::Replay, elapsed, ..Progress::default() });
    }

    #[test]
    fn a_rate_is_what_was_counted_in_the_time_that_passed() {
        let elapsed = Duration::from_millis(500);
        let progress =
            Progress { bytes_done: 10, statements_done: 3, elapsed, ..Progress::default() };
        let rates = [
            progress.bytes_per_second(),
            progress.statements_per_second(),
            progress.rows_per_second(),
            Progress { elapsed: Duration::ZERO, ..progress }.bytes_per_second(),
        ];
        assert!(rates.iter().zip([20.0, 6.0, 0.0, 0.0]).all(|(is, want)| (is - want).abs() < 1e-9));
    }

    #[test]
    fn the_time_starts_again_with_the_counters() {
        let counters = Counters::default();
        counters.enter(Phase::Connect, Phase::Connect);
        while counters.read().elapsed < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        let before = Instant::now();
        counters.enter(Phase::Tables, Phase::Tables);
        assert!(counters.read().elapsed >= Duration::from_millis(20));
        counters.enter(Phase::Replay, Phase::Replay);
        assert!(counters.read().elapsed <= before.elapsed());
    }
}

//! What a replay did: statements, the server's warnings, and errors where it goes on after them.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::server::Session;

/// Warnings of the server that are kept in full.
const WARNINGS_KEPT: usize = 20;
/// Errors that are kept, where a replay goes on after them.
const ERRORS_KEPT: usize = 100;

/// Warnings that something will not be there in a later version of the server, as the variables that
/// every dump sets at its start. They are counted, and not told.
const DEPRECATIONS: [u16; 3] = [
    1287, // syntax or a variable that something else takes the place of
    1681, // syntax that nothing takes the place of
    3090, // an SQL mode (MySQL)
];

/// Warnings after which the target does not hold what the script says: a value was cut, replaced
/// or put into a range, or a row was left out.
const CHANGES_DATA: [u16; 19] = [
    1048, // a NULL became something else
    1062, // a row was left out, because its key was there
    1263, // a NULL became the default
    1264, // out of range
    1265, // data truncated
    1292, // truncated incorrect value
    1300, // invalid character string
    1364, // no default
    1366, // incorrect value
    1406, // data too long
    1411, // incorrect value of a function
    1452, // a row was left out, because of a foreign key
    1526, // a row was left out, because no partition takes it
    1586, // a row was left out, because its key was there
    1690, // out of range
    1748, // a row was left out, because it is of another partition
    3140, // invalid JSON text
    3819, // a row was left out, because of a check constraint (MySQL)
    4025, // the same (MariaDB)
];

/// What a replay did.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// Statements sent to the server, whether or not it took the last one.
    pub(super) statements: u64,
    /// Warnings that the server gave.
    pub(super) warnings_total: u64,
    /// How many of each number, as far as the server lists them.
    pub(super) warning_codes: BTreeMap<u16, u64>,
    /// The first of them.
    warnings: Vec<String>,
    /// What was left out, in our own words.
    notes: Vec<String>,
    /// Where the first warning was of those after which data is not what it was.
    changed_data: Option<String>,
    errors: Vec<Error>,
    errors_total: u64,
    /// Whether the transaction that is open has done more than read.
    pub(super) uncommitted: bool,
}

impl Replayed {
    /// Adds what another connection did.
    pub(super) fn add(&mut self, other: Self) {
        self.statements += other.statements;
        self.warnings_total += other.warnings_total;
        for (code, times) in other.warning_codes {
            *self.warning_codes.entry(code).or_default() += times;
        }
        let room = WARNINGS_KEPT.saturating_sub(self.warnings.len());
        self.warnings.extend(other.warnings.into_iter().take(room));
        self.notes.extend(other.notes);
        self.changed_data = self.changed_data.take().or(other.changed_data);
        self.errors_total += other.errors_total;
        let room = ERRORS_KEPT.saturating_sub(self.errors.len());
        self.errors.extend(other.errors.into_iter().take(room));
    }

    /// Takes a failed statement; ends the replay unless it goes on after errors of the server.
    pub(super) fn failed(&mut self, error: Error, goes_on: bool) -> Result<()> {
        if !goes_on || error.server().is_none() {
            return Err(error);
        }
        self.errors_total += 1;
        if self.errors.len() < ERRORS_KEPT {
            self.errors.push(error);
        }
        Ok(())
    }

    /// Takes note of what was left out.
    pub(super) fn note(&mut self, line: String) {
        self.notes.push(line);
    }

    /// What the replay came to: an error that ended it, or the first of those after which it went
    /// on; with the others of these behind it.
    pub(super) fn outcome(&mut self, sent: Result<()>) -> Result<()> {
        let total = std::mem::take(&mut self.errors_total);
        let mut errors = std::mem::take(&mut self.errors).into_iter();
        match sent {
            Err(last) if total == 0 => Err(last),
            Err(last) => Err(last.with_others(errors.collect(), total)),
            Ok(()) => match errors.next() {
                Some(first) => Err(first.with_others(errors.collect(), total.saturating_sub(1))),
                None => Ok(()),
            },
        }
    }

    /// Counts the server's warnings by number and keeps the first ones: data that was cut must not
    /// pass unseen.
    pub(super) async fn note_warnings(
        &mut self,
        session: &mut Session,
        place: impl Fn() -> String + Send,
    ) -> Result<()> {
        let warnings = session.warnings();
        if warnings == 0 {
            return Ok(());
        }
        self.warnings_total += warnings;
        for row in session.query("SHOW WARNINGS").await? {
            let number = row.text(1)?;
            let code: u16 = number.parse().unwrap_or(0);
            *self.warning_codes.entry(code).or_default() += 1;
            let message = String::from_utf8_lossy(row.bytes(2)?.unwrap_or_default()).into_owned();
            let line = || {
                format!(
                    "server {} {number} ({}): {}",
                    row.text(0).unwrap_or_default().to_lowercase(),
                    place(),
                    crate::ident::one_line(&message),
                )
            };
            if CHANGES_DATA.contains(&code) && self.changed_data.is_none() {
                self.changed_data = Some(line());
            }
            if self.warnings.len() < WARNINGS_KEPT && !DEPRECATIONS.contains(&code) {
                self.warnings.push(line());
            }
        }
        Ok(())
    }

    /// What a person should know, the worst first.
    pub(super) fn into_warnings(self) -> Vec<String> {
        let changed: u64 =
            CHANGES_DATA.iter().filter_map(|code| self.warning_codes.get(code)).sum();
        let mut lines = Vec::new();
        if let Some(first) = self.changed_data {
            lines.push(format!(
                "the server changed or left out data that did not fit: {changed} warnings; the \
                 first: {first}"
            ));
        }
        lines.extend(self.notes);
        lines.extend(self.warnings);
        let kept = u64::try_from(WARNINGS_KEPT).unwrap_or(u64::MAX);
        let listed: u64 = self.warning_codes.values().sum();
        if self.warnings_total > listed {
            lines.push(format!(
                "the server does not list {} of its {} warnings (max_error_count, or several \
                 statements in one text): data may have been changed or left out",
                self.warnings_total - listed,
                self.warnings_total
            ));
        }
        if self.warnings_total > kept {
            let codes: Vec<_> =
                self.warning_codes.iter().map(|(code, times)| format!("{code}: {times}")).collect();
            lines.push(format!(
                "{} warnings by the server in all, by number: {}",
                self.warnings_total,
                codes.join(", ")
            ));
        }
        lines
    }
}

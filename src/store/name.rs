//! The names of backups: a type that no name can leave its directory through.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// The longest name that the usual file systems take, in bytes.
const LONGEST_BYTES: usize = 255;
const TIME_FORMAT: &str = "%Y-%m-%d_%H-%M-%S";
const OURS_ENDING: &str = ".sql.gz";
const SCRIPT_ENDING: &str = ".sql";
const MANUAL: &str = "manual_";
const RESTORE_POINT: &str = "pre-restore_";
/// What the links to the newest backups begin with.
pub(super) const LATEST: &str = "latest.";

/// The name of a backup in a [`BackupDir`](super::BackupDir).
///
/// `manual_YYYY-MM-DD_HH-MM-SS.sql.gz` and `pre-restore_YYYY-MM-DD_HH-MM-SS.sql.gz` (UTC) are
/// made by the manager; any other name that ends in `.sql` or `.sql.gz` is a
/// [foreign](BackupKind::Foreign) file, listed and restored like the others. A name is one file
/// name: without separators, control characters or a leading dot, and at most 255 bytes long.
/// Names that begin with `latest.` are those of links and no backups.
///
/// ```
/// use snapdump::{BackupKind, BackupName, BackupNameError};
///
/// let name: BackupName = "manual_2026-01-29_22-08-29.sql.gz".parse()?;
/// assert_eq!(name.kind(), BackupKind::Manual);
/// assert_eq!(name.time().unwrap().to_rfc3339(), "2026-01-29T22:08:29+00:00");
/// assert_eq!("../shop.sql".parse::<BackupName>(), Err(BackupNameError::Character));
/// # Ok::<(), BackupNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupName(String);

/// Where a backup comes from, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BackupKind {
    /// Made by a job that creates a backup.
    Manual,
    /// Made before a restore, of what the restore was to overwrite.
    RestorePoint,
    /// Put there by somebody else.
    Foreign,
}

/// Why a text is no name of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupNameError {
    /// Nothing at all.
    #[error("the name of a backup is missing")]
    Empty,
    /// More than 255 bytes.
    #[error("the name of a backup may have at most {LONGEST_BYTES} bytes")]
    TooLong,
    /// A path separator or a control character.
    #[error("the name of a backup may hold no path separator and no control character")]
    Character,
    /// A leading dot: names of unfinished files and of the manager's own.
    #[error("the name of a backup may not begin with a dot")]
    Hidden,
    /// Another ending.
    #[error("the name of a backup ends in .sql or .sql.gz")]
    Ending,
    /// The link to the newest backup of a database.
    #[error("names that begin with '{LATEST}' are links to the newest backups, not backups")]
    Latest,
}

impl BackupName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the backup comes from.
    #[must_use]
    pub fn kind(&self) -> BackupKind {
        match self.parts() {
            Some((kind, _)) => kind,
            None => BackupKind::Foreign,
        }
    }

    /// The time in the name (UTC); absent in a foreign one.
    #[must_use]
    pub fn time(&self) -> Option<DateTime<Utc>> {
        self.parts().map(|(_, time)| time)
    }

    fn parts(&self) -> Option<(BackupKind, DateTime<Utc>)> {
        [(MANUAL, BackupKind::Manual), (RESTORE_POINT, BackupKind::RestorePoint)]
            .into_iter()
            .find_map(|(prefix, kind)| {
                let text = self.0.strip_prefix(prefix)?.strip_suffix(OURS_ENDING)?;
                let time = NaiveDateTime::parse_from_str(text, TIME_FORMAT).ok()?.and_utc();
                // The parser also takes `2026-1-2`, which is not how we write.
                (time.format(TIME_FORMAT).to_string() == text).then_some((kind, time))
            })
    }

    /// The name of a backup of our own that is made at a time.
    pub(super) fn of(kind: BackupKind, time: DateTime<Utc>) -> Self {
        let prefix = if kind == BackupKind::RestorePoint { RESTORE_POINT } else { MANUAL };
        Self(format!("{prefix}{}{OURS_ENDING}", time.format(TIME_FORMAT)))
    }
}

impl FromStr for BackupName {
    type Err = BackupNameError;

    fn from_str(text: &str) -> Result<Self, BackupNameError> {
        if text.is_empty() {
            Err(BackupNameError::Empty)
        } else if text.len() > LONGEST_BYTES {
            Err(BackupNameError::TooLong)
        } else if text.chars().any(|c| c.is_control() || matches!(c, '/' | '\\')) {
            Err(BackupNameError::Character)
        } else if text.starts_with('.') {
            Err(BackupNameError::Hidden)
        } else if text.starts_with(LATEST) {
            Err(BackupNameError::Latest)
        } else if [SCRIPT_ENDING, OURS_ENDING].iter().any(|ending| text.ends_with(ending)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BackupNameError::Ending)
        }
    }
}

impl TryFrom<String> for BackupName {
    type Error = BackupNameError;

    fn try_from(text: String) -> Result<Self, BackupNameError> {
        text.parse()
    }
}

impl From<BackupName> for String {
    fn from(name: BackupName) -> Self {
        name.0
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of the link to the newest backup of a database. What a file name cannot hold, or what
/// reads badly in one, is written as in a URL.
pub(super) fn latest(database: &str) -> Option<String> {
    const ESCAPED: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'$');
    let database = percent_encoding::utf8_percent_encode(database, ESCAPED);
    let name = format!("{LATEST}{database}{OURS_ENDING}");
    (name.len() <= LONGEST_BYTES).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_are() {
        for (text, kind, time) in [
            ("manual_2026-01-29_22-08-29.sql.gz", BackupKind::Manual, true),
            ("pre-restore_2026-01-29_22-08-29.sql.gz", BackupKind::RestorePoint, true),
            ("manual_2026-1-29_22-08-29.sql.gz", BackupKind::Foreign, false),
            ("manual_2026-02-30_22-08-29.sql.gz", BackupKind::Foreign, false),
            ("manual_2026-01-29_22-08-29.sql", BackupKind::Foreign, false),
            ("shop größe.sql", BackupKind::Foreign, false),
            ("a..b.sql.gz", BackupKind::Foreign, false),
        ] {
            let name: BackupName = text.parse().unwrap();
            assert_eq!((name.kind(), name.time().is_some()), (kind, time), "{text}");
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{text}\""));
        }
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        use BackupNameError::{Character, Empty, Ending, Hidden, Latest, TooLong};
        let long = format!("{}.sql", "a".repeat(252));
        for (text, why) in [
            ("", Empty),
            (long.as_str(), TooLong),
            ("../a.sql", Character),
            ("a/b.sql", Character),
            ("/etc/a.sql", Character),
            ("a\\b.sql", Character),
            ("a\0.sql", Character),
            ("a\n.sql", Character),
            ("a\u{85}.sql", Character),
            ("..", Hidden),
            (".sql", Hidden),
            (".snapdump-x.sql", Hidden),
            ("latest.shop.sql.gz", Latest),
            ("a.gz", Ending),
            ("a.SQL", Ending),
            ("manual_2026-01-29_22-08-29.sql.gz.partial", Ending),
        ] {
            assert_eq!(text.parse::<BackupName>(), Err(why), "{text:?}");
            let json = serde_json::to_string(text).unwrap();
            serde_json::from_str::<BackupName>(&json).unwrap_err();
        }
    }

    #[test]
    fn the_link_of_any_database_is_a_file_name() {
        assert_eq!(latest("shop").unwrap(), "latest.shop.sql.gz");
        assert_eq!(latest("../a b").unwrap(), "latest.%2E%2E%2Fa%20b.sql.gz");
        assert_eq!(latest(&"ж".repeat(64)), None);
    }
}

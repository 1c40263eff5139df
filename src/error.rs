//! The one error type: what kind of failure, where it happened, and what caused it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ident::ObjectName;
use crate::progress::Phase;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a program can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, URL, option file or argument that cannot be used as given.
    Config,
    /// The server could not be reached, or the connection broke.
    Connect,
    /// The server refused the account or its password.
    Auth,
    /// The account lacks a privilege; the message names the missing one.
    Privilege,
    /// Something that snapdump does not know how to keep; never skipped silently.
    Unsupported,
    /// The server answered a statement with an error; see [`Error::server`].
    Server,
    /// The server sent something that its protocol or its own catalogue does not allow.
    Protocol,
    /// What was read is not one state of the database: it changed under the dump.
    Changed,
    /// A script that cannot be split into statements.
    Lex,
    /// A backup file without its footer, or with one that is damaged or of another version.
    Manifest,
    /// Bytes of a file that do not match their checksum or digest.
    Digest,
    /// The restored database is not what the manifest says.
    Mismatch,
    /// Reading or writing a file or a stream failed.
    Io,
    /// A gzip stream that cannot be inflated.
    Codec,
    /// Another operation is running; [`RunningJob::of`](crate::RunningJob::of) says which.
    Busy,
    /// A restore was left half done, and what is to be done would take the state between before and
    /// after for a good one; [`HalfDoneRestore::of`](crate::HalfDoneRestore::of) says which.
    HalfDone,
    /// There is no backup or job of that name.
    NotFound,
    /// The disk is full, or would be.
    NoSpace,
    /// The operation was cancelled.
    Cancelled,
    /// The operation's time was up.
    TimedOut,
    /// What is there could not be saved, so nothing was restored over it.
    RestorePoint,
    /// A defect in snapdump.
    Internal,
}

impl ErrorKind {
    /// The kind as a lower-case word, the same as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Connect => "connect",
            Self::Auth => "auth",
            Self::Privilege => "privilege",
            Self::Unsupported => "unsupported",
            Self::Server => "server",
            Self::Protocol => "protocol",
            Self::Changed => "changed",
            Self::Lex => "lex",
            Self::Manifest => "manifest",
            Self::Digest => "digest",
            Self::Mismatch => "mismatch",
            Self::Io => "io",
            Self::Codec => "codec",
            Self::Busy => "busy",
            Self::HalfDone => "half_done",
            Self::NotFound => "not_found",
            Self::NoSpace => "no_space",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::RestorePoint => "restore_point",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a failure happened. Every part is absent when it is not known or has no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Location {
    /// The step of the operation.
    pub phase: Option<Phase>,
    /// The database object.
    pub object: Option<ObjectName>,
    /// The file, as the caller named it.
    pub file: Option<String>,
    /// The number of the statement in the script, from 1.
    pub statement: Option<u64>,
    /// The line of the statement's first byte, from 1.
    pub line: Option<u64>,
    /// The offset in bytes, from 0: in the SQL text for a statement, in the file otherwise.
    pub byte: Option<u64>,
    /// The start of the statement, 200 characters at most, without strings, rows and comments.
    pub excerpt: Option<String>,
}

impl Location {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            let written = write!(f, "{separator}{text}");
            separator = ", ";
            written
        };
        if let Some(object) = &self.object {
            part(f, format_args!("{object}"))?;
        }
        if let Some(file) = &self.file {
            part(f, format_args!("{}", crate::ident::one_line(file)))?;
        }
        if let Some(statement) = self.statement {
            part(f, format_args!("statement {statement}"))?;
        }
        if let Some(line) = self.line {
            part(f, format_args!("line {line}"))?;
        }
        if let Some(byte) = self.byte {
            part(f, format_args!("byte {byte}"))?;
        }
        if let Some(excerpt) = &self.excerpt {
            part(f, format_args!("in: {}", crate::ident::one_line(excerpt)))?;
        }
        Ok(())
    }
}

/// An error answer of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerError {
    /// The error number, such as 1045 (`ER_ACCESS_DENIED_ERROR`).
    pub number: u16,
    /// The five characters of the SQLSTATE.
    pub sqlstate: String,
    /// The server's own message. It can quote data of the failing statement.
    pub message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = crate::ident::one_line(&self.message);
        write!(f, "server error {} ({}): {message}", self.number, self.sqlstate)
    }
}

impl StdError for ServerError {}

type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// A failure of any operation in this crate.
///
/// One word wide and cheap to clone, so that any number of waiters can hold the same one.
/// `Display` prints this level only, on one line, without SQL data or passwords; the causes are
/// reached through [`source`](StdError::source), and [`Error::chain`] prints them all.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    location: Location,
    source: Option<Arc<BoxError>>,
    others: Vec<Error>,
    others_total: u64,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            message: message.into(),
            location: Location::default(),
            source: None,
            others: Vec::new(),
            others_total: 0,
        }))
    }

    #[cold]
    pub(crate) fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.map(|inner| inner.source = Some(Arc::new(source.into())))
    }

    /// Adds further failures of the same operation; of `total`, those in `others` are kept.
    #[cold]
    pub(crate) fn with_others(self, others: Vec<Self>, total: u64) -> Self {
        self.map(|inner| {
            inner.others = others;
            inner.others_total = total;
        })
    }

    /// Adds what the caller knows about the place; what is known already is kept, because the
    /// inner frame knows better.
    #[cold]
    pub(crate) fn at(self, fill: impl FnOnce(&mut Location)) -> Self {
        self.map(|inner| {
            let known = std::mem::take(&mut inner.location);
            fill(&mut inner.location);
            let location = &mut inner.location;
            location.phase = known.phase.or(location.phase);
            location.object = known.object.or(location.object.take());
            location.file = known.file.or(location.file.take());
            location.statement = known.statement.or(location.statement);
            location.line = known.line.or(location.line);
            location.byte = known.byte.or(location.byte);
            location.excerpt = known.excerpt.or(location.excerpt.take());
        })
    }

    /// Says that it happened in this file, whatever an inner frame called it.
    #[cold]
    pub(crate) fn in_file(self, name: &str) -> Self {
        self.map(|inner| inner.location.file = Some(name.to_owned()))
    }

    fn map(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::try_unwrap(self.0).unwrap_or_else(|shared| Inner::clone(&shared));
        change(&mut inner);
        Self(Arc::new(inner))
    }

    #[cold]
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    #[cold]
    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match source.kind() {
            Io::StorageFull | Io::QuotaExceeded => ErrorKind::NoSpace,
            _ => ErrorKind::Io,
        };
        Self::new(kind, message).with_source(source)
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where it happened.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.0.location
    }

    /// The server's answer, when the server is what failed the operation.
    #[must_use]
    pub fn server(&self) -> Option<&ServerError> {
        self.cause()
    }

    /// The first cause of a type.
    pub(crate) fn cause<T: StdError + 'static>(&self) -> Option<&T> {
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref::<T>() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }

    /// Further failures of the same operation, in the order in which they were met: what else a
    /// check has found, or a restore that goes on after errors. Only the first ones are kept;
    /// [`others_total`](Self::others_total) counts all.
    #[must_use]
    pub fn others(&self) -> &[Self] {
        &self.0.others
    }

    /// How many further failures there were, kept or not.
    #[must_use]
    pub fn others_total(&self) -> u64 {
        self.0.others_total
    }

    /// Whether the same call can succeed later without any change by a person: the server was
    /// not reachable, another operation was running, the schema changed under the dump, or the
    /// server asked for a retry (deadlock, lock wait).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect | ErrorKind::Busy | ErrorKind::Changed => true,
            // ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK.
            ErrorKind::Server => {
                self.server().is_some_and(|server| matches!(server.number, 1205 | 1213))
            }
            _ => false,
        }
    }

    /// The whole story on one line: this error and its causes.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            let part = crate::ident::one_line(&error.to_string());
            // Many error types repeat their source in their own text.
            if !text.contains(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            cause = error.source();
        }
        if self.0.others_total > 0 {
            let _ = fmt::Write::write_fmt(
                &mut text,
                format_args!("; and {} more", self.0.others_total),
            );
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::ident::one_line(&self.0.message))?;
        if self.0.location.is_empty() {
            return Ok(());
        }
        let place = self.0.location.to_string();
        if place.is_empty() { Ok(()) } else { write!(f, " ({place})") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("location", &self.0.location)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| {
            let source: &(dyn StdError + 'static) = &***source;
            source
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::ObjectKind;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn the_inner_place_wins_over_the_outer_one() {
        let error = Error::new(ErrorKind::Server, "statement failed")
            .at(|place| place.statement = Some(7))
            .at(|place| {
                place.statement = Some(1);
                place.file = Some("a.sql".into());
            });
        assert_eq!(error.location().statement, Some(7));
        assert_eq!(error.to_string(), "statement failed (a.sql, statement 7)");
    }

    #[test]
    fn the_server_error_is_found_through_the_chain() {
        let server =
            ServerError { number: 1213, sqlstate: "40001".into(), message: "Deadlock".into() };
        let error = Error::new(ErrorKind::Server, "could not read rows")
            .with_source(server)
            .at(|place| place.object = Some(ObjectName::new(ObjectKind::Table, "a", "b")));
        assert_eq!(error.server().map(|server| server.number), Some(1213));
        assert!(error.is_retryable());
        assert_eq!(
            error.chain(),
            "could not read rows (table `a`.`b`): server error 1213 (40001): Deadlock"
        );
    }

    #[test]
    fn messages_stay_on_one_line() {
        assert_eq!(Error::config("a\nb").to_string(), "a\\nb");
    }

    #[test]
    fn the_word_of_a_kind_is_its_json() {
        for kind in [ErrorKind::TimedOut, ErrorKind::RestorePoint, ErrorKind::Io] {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }
}

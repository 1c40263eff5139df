//! Sends the statements of a script to the server, in order, on one connection.

use bytes::{Buf as _, BytesMut};
use mysql_async::consts::StatusFlags;

use super::check::lex_error;
use super::source::{Source, Text};
use crate::error::{Error, ErrorKind, Result};
use crate::server::{Flavor, Session};
use crate::sql::charset::Charset;
use crate::sql::split::{Dialect, SplitOptions, Splitter, Statement, Step};
use crate::sql::statement::SetStatement;

/// Warnings of the server that are kept in full.
const WARNINGS_KEPT: usize = 20;

/// What a replay did.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// Statements sent to the server, whether or not it took the last one.
    pub(super) statements: u64,
    /// Warnings that the server gave.
    pub(super) warnings_total: u64,
    /// The first of them.
    pub(super) warnings: Vec<String>,
}

/// How a script for this server is to be read.
pub(super) fn split_options(flavor: Flavor, version: (u16, u16, u16)) -> SplitOptions {
    SplitOptions::new(match flavor {
        Flavor::MariaDb => Dialect::MariaDb,
        Flavor::MySql => Dialect::MySql { dollar_quotes: version >= (9, 0, 0) },
    })
}

/// Replays a script. `replayed` tells how far it came, also after a failure.
pub(super) async fn replay(
    session: &mut Session,
    source: &Source,
    replayed: &mut Replayed,
) -> Result<()> {
    let mut script = Script {
        splitter: Splitter::new(split_options(session.flavor(), session.version().number())),
        text: source.text(),
        buffer: BytesMut::new(),
        end: false,
    };
    follow(session, &mut script.splitter, SetStatement { sql_mode: true, charset: true }).await?;
    while let Some(statement) = script.next(session).await? {
        let text = script.buffer.get(statement.text.clone()).unwrap_or_default();
        replayed.statements = statement.number;
        session.execute(text).await.map_err(|error| at(refused(error), &statement))?;
        note_warnings(session, replayed, &statement).await?;
        let set = SetStatement::of(text);
        script.buffer.advance(statement.consumed);
        follow(session, &mut script.splitter, set).await.map_err(|error| at(error, &statement))?;
        session.context().counters().statements_done.set(statement.number);
    }
    Ok(())
}

fn refused(error: Error) -> Error {
    match error.server() {
        Some(server) => {
            Error::new(error.kind(), "the server refused a statement").with_source(server.clone())
        }
        None => error,
    }
}

fn at(error: Error, statement: &Statement) -> Error {
    error.at(|place| {
        place.statement = Some(statement.number);
        place.line = Some(statement.at.line);
        place.byte = Some(statement.at.byte);
    })
}

/// A script being read ahead of the server by at most a few pieces, and split no further than up
/// to the statement that is sent: a SET can change how the next one is read.
struct Script {
    splitter: Splitter,
    text: Text,
    buffer: BytesMut,
    end: bool,
}

impl Script {
    async fn next(&mut self, session: &Session) -> Result<Option<Statement>> {
        loop {
            let step =
                self.splitter.step(&self.buffer, self.end).map_err(|error| lex_error(&error))?;
            match step {
                Step::Statement(statement) => return Ok(Some(statement)),
                Step::Skip { consumed } => self.buffer.advance(consumed),
                Step::End => return Ok(None),
                Step::More => match session.context().run(self.text.next()).await?? {
                    Some(chunk) => {
                        self.buffer.extend_from_slice(&chunk.text);
                        session.context().counters().bytes_done.set(chunk.file_bytes);
                    }
                    None => self.end = true,
                },
            }
        }
    }
}

/// Tells the splitter what the server now thinks about escapes, quotes and character sets.
async fn follow(session: &mut Session, splitter: &mut Splitter, set: SetStatement) -> Result<()> {
    let flags = session.status_flags();
    splitter
        .set_no_backslash_escapes(flags.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES));
    if !(set.sql_mode || set.charset) {
        return Ok(());
    }
    let row = session.query_one("SELECT @@sql_mode, @@character_set_client").await?;
    let modes = row.text(0)?;
    let mode = |name: &str| modes.split(',').any(|mode| mode == name);
    splitter.set_no_backslash_escapes(mode("NO_BACKSLASH_ESCAPES"));
    splitter.set_ansi_quotes(mode("ANSI_QUOTES"));
    let charset = Charset::from_name(&row.text(1)?).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "the script cannot be read on").with_source(error)
    })?;
    splitter.set_charset(charset);
    Ok(())
}

/// Counts the server's warnings and keeps the first ones: data that was cut must not pass unseen.
async fn note_warnings(
    session: &mut Session,
    replayed: &mut Replayed,
    statement: &Statement,
) -> Result<()> {
    let warnings = u64::from(session.warnings());
    if warnings == 0 {
        return Ok(());
    }
    replayed.warnings_total += warnings;
    if replayed.warnings.len() >= WARNINGS_KEPT {
        return Ok(());
    }
    let limit = WARNINGS_KEPT - replayed.warnings.len();
    for row in session.query(&format!("SHOW WARNINGS LIMIT {limit}")).await? {
        replayed.warnings.push(format!(
            "statement {} (line {}): {} {}: {}",
            statement.number,
            statement.at.line,
            row.text(0)?,
            row.text(1)?,
            crate::ident::one_line(&String::from_utf8_lossy(row.bytes(2)?.unwrap_or_default())),
        ));
    }
    Ok(())
}

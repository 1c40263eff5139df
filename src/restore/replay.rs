//! Sends the statements of a script to the server, in order, on one connection.

use bytes::{Buf as _, BytesMut};
use mysql_async::consts::StatusFlags;

use super::check::lex_error;
use super::source::{Source, Text};
use crate::error::{Error, ErrorKind, Location, Result};
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

impl Replayed {
    /// Adds what another connection did.
    pub(super) fn add(&mut self, other: Self) {
        self.statements += other.statements;
        self.warnings_total += other.warnings_total;
        let room = WARNINGS_KEPT.saturating_sub(self.warnings.len());
        self.warnings.extend(other.warnings.into_iter().take(room));
    }
}

/// How a script for this server is to be read.
pub(super) fn split_options(flavor: Flavor, version: (u16, u16, u16)) -> SplitOptions {
    SplitOptions::new(match flavor {
        Flavor::MariaDb => Dialect::MariaDb,
        Flavor::MySql => Dialect::MySql { dollar_quotes: version >= (9, 0, 0) },
    })
}

/// Replays a whole script. `replayed` tells how far it came, also after a failure.
pub(super) async fn replay(
    session: &mut Session,
    source: &Source,
    replayed: &mut Replayed,
) -> Result<()> {
    let mut script = Script::new(session, Some(source.text()));
    follow(session, &mut script.splitter, SetStatement { sql_mode: true, charset: true }).await?;
    script
        .run(session, replayed, |place, statement| {
            place.statement = Some(statement.number);
            place.line = Some(statement.at.line);
            place.byte = Some(statement.at.byte);
        })
        .await
}

/// Replays the text of one member of our own, whose first byte is the byte `start` of the script.
/// It is read under the settings of the script's start, which the session must have.
pub(super) async fn replay_member(
    session: &mut Session,
    text: &[u8],
    start: u64,
    replayed: &mut Replayed,
) -> Result<()> {
    let mut script = Script::new(session, None);
    script.buffer.extend_from_slice(text);
    script.end = true;
    script
        .run(session, replayed, |place, statement| {
            place.byte = Some(start.saturating_add(statement.at.byte));
        })
        .await
}

/// A script being read ahead of the server by at most a few pieces, and split no further than up
/// to the statement that is sent: a SET can change how the next one is read.
struct Script {
    splitter: Splitter,
    /// Where more text comes from, if not all of it is in the buffer.
    text: Option<Text>,
    buffer: BytesMut,
    end: bool,
}

impl Script {
    fn new(session: &Session, text: Option<Text>) -> Self {
        let options = split_options(session.flavor(), session.version().number());
        Self { splitter: Splitter::new(options), text, buffer: BytesMut::new(), end: false }
    }

    /// Sends everything. `locate` says where a statement stands.
    async fn run(
        &mut self,
        session: &mut Session,
        replayed: &mut Replayed,
        locate: impl Fn(&mut Location, &Statement) + Send + Sync,
    ) -> Result<()> {
        while let Some(statement) = self.next(session).await? {
            let at = |error: Error| error.at(|place| locate(place, &statement));
            let text = self.buffer.get(statement.text.clone()).unwrap_or_default();
            replayed.statements += 1;
            session.execute(text).await.map_err(|error| at(refused(error)))?;
            note_warnings(session, replayed, || {
                let mut place = Location::default();
                locate(&mut place, &statement);
                place.to_string()
            })
            .await?;
            let set = SetStatement::of(text);
            self.buffer.advance(statement.consumed);
            follow(session, &mut self.splitter, set).await.map_err(at)?;
            session.context().counters().statements_done.add(1);
        }
        Ok(())
    }

    async fn next(&mut self, session: &Session) -> Result<Option<Statement>> {
        loop {
            let step =
                self.splitter.step(&self.buffer, self.end).map_err(|error| lex_error(&error))?;
            match step {
                Step::Statement(statement) => return Ok(Some(statement)),
                Step::Skip { consumed } => self.buffer.advance(consumed),
                Step::End => return Ok(None),
                Step::More => {
                    let chunk = match &mut self.text {
                        Some(text) => session.context().run(text.next()).await??,
                        None => None,
                    };
                    match chunk {
                        Some(chunk) => {
                            self.buffer.extend_from_slice(&chunk.text);
                            session.context().counters().bytes_done.set(chunk.file_bytes);
                        }
                        None => self.end = true,
                    }
                }
            }
        }
    }
}

fn refused(error: Error) -> Error {
    match error.server() {
        Some(server) => {
            Error::new(error.kind(), "the server refused a statement").with_source(server.clone())
        }
        None => error,
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
    place: impl Fn() -> String + Send,
) -> Result<()> {
    let warnings = u64::from(session.warnings());
    if warnings == 0 {
        return Ok(());
    }
    replayed.warnings_total += warnings;
    let room = WARNINGS_KEPT.saturating_sub(replayed.warnings.len());
    if room == 0 {
        return Ok(());
    }
    for row in session.query(&format!("SHOW WARNINGS LIMIT {room}")).await? {
        let message = String::from_utf8_lossy(row.bytes(2)?.unwrap_or_default()).into_owned();
        replayed.warnings.push(format!(
            "server {} {} ({}): {}",
            row.text(0)?.to_lowercase(),
            row.text(1)?,
            place(),
            crate::ident::one_line(&message),
        ));
    }
    Ok(())
}

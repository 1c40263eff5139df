//! Sends the statements of a script to the server: in order, on one connection, but for rows that
//! can be shared out (`spread.rs`).

use std::borrow::Cow;

use bytes::{Buf as _, Bytes, BytesMut};
use futures::future::try_join_all;
use mysql_async::consts::StatusFlags;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::check::{Start, lex_error, locate};
use super::encryption::{self, Kept};
use super::policy::{Policy, Verdict};
use super::replayed::Replayed;
use super::source::{Source, Text};
use super::spread::{Kind, Spread, Step as Sharing};
use super::strict::make_again;
use super::told::send;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::server::{ER_LOCK_DEADLOCK, Flavor, Session};
use crate::sql::charset::Charset;
use crate::sql::excerpt::excerpt;
use crate::sql::split::{Dialect, SplitOptions, Splitter, Statement, Step};
use crate::sql::token::{Reading, Tokens};

/// How a script for this server is to be cut.
pub(super) fn split_options(flavor: Flavor, version: (u16, u16, u16)) -> SplitOptions {
    SplitOptions::new(match flavor {
        Flavor::MariaDb => Dialect::MariaDb,
        Flavor::MySql => Dialect::MySql { dollar_quotes: version >= (9, 0, 0) },
    })
}

/// How this server reads a statement, at the start of a session.
pub(super) fn reading(flavor: Flavor, (major, minor, patch): (u16, u16, u16)) -> Reading {
    let split = split_options(flavor, (major, minor, patch));
    Reading {
        dialect: split.dialect,
        version: u32::from(major) * 10_000 + u32::from(minor) * 100 + u32::from(patch),
        charset: split.charset,
        ansi_quotes: split.ansi_quotes,
        no_backslash_escapes: split.no_backslash_escapes,
    }
}

/// Replays a whole script; with the help of other connections, if there is to be any. `replayed`
/// tells how far it came, also after a failure.
pub(super) async fn replay(
    session: &mut Session,
    source: &Source,
    policy: &Policy,
    spread: Option<Spread<'_>>,
    replayed: &mut Replayed,
) -> Result<()> {
    let mut script = Script::new(session, Some(source.text(policy.inflation_limit())), policy);
    script.spread = spread;
    let done = async {
        script.ask(session).await?;
        script.run(session, replayed, locate).await?;
        match &mut script.spread {
            Some(spread) => spread.close(session).await,
            None => Ok(()),
        }
    }
    .await;
    // Also after a failure: whatever still runs is killed before the caller hears of it.
    if let Some(spread) = script.spread {
        spread.end().await;
    }
    done
}

/// Replays the text of one member of our own, which stands at `start` in the script. It is read
/// under the settings of the script's start, which the session must have.
pub(super) async fn replay_member(
    session: &mut Session,
    text: Bytes,
    start: Start,
    policy: &Policy,
    replayed: &mut Replayed,
) -> Result<()> {
    let mut script = Script::new(session, None, policy);
    script.buffer.extend_from_slice(&text);
    script.deadlocks = Some(Deadlocks { text, mark: None, left: DEADLOCKS });
    script.end = true;
    script.run(session, replayed, |place, statement| start.locate(place, statement)).await
}

/// A script being read ahead of the server by at most a few pieces, and split no further than up
/// to the statement that is sent: a SET can change how the next one is read.
struct Script<'a> {
    splitter: Splitter,
    reading: Reading,
    policy: &'a Policy,
    /// Where more text comes from, if not all of it is in the buffer.
    text: Option<Text>,
    buffer: BytesMut,
    end: bool,
    /// The statement at the front of the buffer, if it has been looked at already.
    ahead: Option<Statement>,
    spread: Option<Spread<'a>>,
    /// What to do about them, where other connections of ours insert rows beside this one.
    deadlocks: Option<Deadlocks>,
    /// The number of the last statement that was counted as done.
    counted: u64,
    context: Context,
}

/// How many deadlocks of a transaction are endured before they are an error.
const DEADLOCKS: u32 = 20;

/// The server ends a deadlock by rolling back a transaction, of which every statement is then sent
/// again.
struct Deadlocks {
    /// All of the text.
    text: Bytes,
    mark: Option<Mark>,
    left: u32,
}

/// Where no transaction was open.
struct Mark {
    offset: usize,
    splitter: Splitter,
}

/// A statement that is sent by whoever is free.
struct Shared {
    statement: Statement,
    /// As it stands in the script.
    text: Bytes,
    /// As it is sent.
    sent: Bytes,
}

impl<'a> Script<'a> {
    fn new(session: &Session, text: Option<Text>, policy: &'a Policy) -> Self {
        let (flavor, version) = (session.flavor(), session.version().number());
        let mut split = split_options(flavor, version);
        split.max_statement_bytes = policy.max_statement_bytes();
        Self {
            splitter: Splitter::new(split),
            reading: reading(flavor, version),
            policy,
            text,
            buffer: BytesMut::new(),
            end: false,
            ahead: None,
            spread: None,
            deadlocks: None,
            counted: 0,
            context: session.context().clone(),
        }
    }

    /// Sends everything. `locate` says where a statement stands.
    async fn run(
        &mut self,
        session: &mut Session,
        replayed: &mut Replayed,
        locate: impl Fn(&mut Location, &Statement) + Send + Sync,
    ) -> Result<()> {
        let mut last = Replayed::default();
        let done = self.run_on(session, replayed, &mut last, locate).await;
        replayed.add(last);
        done
    }

    /// The same; `last` is of the statements of a transaction that is open.
    async fn run_on(
        &mut self,
        session: &mut Session,
        replayed: &mut Replayed,
        last: &mut Replayed,
        locate: impl Fn(&mut Location, &Statement) + Send + Sync,
    ) -> Result<()> {
        loop {
            if self.mark(session) {
                replayed.add(std::mem::take(last));
            }
            let Some(statement) = self.next().await? else { break };
            let at = |error: Error| error.at(|place| locate(place, &statement));
            let text = self.buffer.get(statement.text.clone()).unwrap_or_default();
            let semicolon = self.splitter.semicolon_delimits();
            let judged = self.policy.judge(text, &self.reading, semicolon).map_err(at)?;
            let Verdict::Send(sent) = judged.verdict else {
                self.buffer.advance(statement.consumed);
                continue;
            };
            let mut place = Location::default();
            locate(&mut place, &statement);
            self.policy
                .judge_run(text, &self.reading, semicolon, &judged.examined, &place)
                .map_err(at)?;
            let mut kind = Kind::Other;
            if let Some(spread) = &mut self.spread {
                let plain = judged.examined.is_plain();
                if plain {
                    kind = Kind::of(text, &self.reading);
                }
                match spread.before(session, &kind, plain).await.map_err(at)? {
                    Sharing::Send => {}
                    Sharing::LeaveOut => {
                        self.buffer.advance(statement.consumed);
                        continue;
                    }
                    Sharing::Share => {
                        self.ahead = Some(statement);
                        Box::pin(self.share(session, last, &locate)).await?;
                        continue;
                    }
                }
            }
            last.statements += 1;
            let mut asks = judged.examined.asks();
            let read = (&self.reading, &judged.examined);
            let done = match send(session, &sent, read, &place, last).await {
                Err(error) if self.policy.is_ours() => {
                    make_again(session, &sent, &self.reading, error, &place, last).await
                }
                done => done,
            };
            if let Err(error) = done {
                let text = excerpt(text, &self.reading);
                if is_deadlock(&error) && self.go_back() {
                    tracing::debug!(error = %error, "sending the transaction again");
                    *last = Replayed::default();
                    continue;
                }
                let statement = self.buffer.get(statement.text.clone()).unwrap_or_default();
                let kept = encryption::kept(session, statement, &error).await?;
                let error = at(refused(error)).at(|place| {
                    place.excerpt = Some(text).filter(|text| !text.is_empty());
                });
                // Whatever part of it was done.
                asks = true;
                match kept {
                    None => last.failed(error, self.policy.goes_on())?,
                    Some(Kept::Wanted) => {}
                    Some(Kept::Encryption) => last.note(format!(
                        "the database keeps its default encryption, which the script would end: the \
                         server lets nobody without TABLE_ENCRYPTION_ADMIN do so ({})",
                        error.location()
                    )),
                }
            } else {
                last.note_warnings(session, || {
                    let mut place = Location::default();
                    locate(&mut place, &statement);
                    place.to_string()
                })
                .await?;
                let text = self.buffer.get(statement.text.clone()).unwrap_or_default();
                replayed.uncommitted = session.is_in_transaction()
                    && (replayed.uncommitted || !only_reads(text, &self.reading));
                if let Some(spread) = &mut self.spread {
                    spread.after(statement.number, kind, &sent);
                }
            }
            self.buffer.advance(statement.consumed);
            self.follow(session, asks).await.map_err(at)?;
            if statement.number > self.counted {
                self.counted = statement.number;
                session.context().counters().statements_done.add(1);
            }
        }
        Ok(())
    }

    /// Takes note of where it is if no transaction is open, and says whether none is.
    fn mark(&mut self, session: &Session) -> bool {
        let commits = session.commits_by_itself();
        if let Some(deadlocks) = &mut self.deadlocks
            && commits
        {
            let offset = deadlocks.text.len() - self.buffer.len();
            if deadlocks.mark.as_ref().is_none_or(|mark| mark.offset != offset) {
                deadlocks.left = DEADLOCKS;
            }
            deadlocks.mark = Some(Mark { offset, splitter: self.splitter.clone() });
        }
        commits
    }

    /// Goes back to the start of the transaction that was rolled back, if that is known.
    fn go_back(&mut self) -> bool {
        let Some(Deadlocks { text, mark: Some(mark), left }) = &mut self.deadlocks else {
            return false;
        };
        if *left == 0 {
            return false;
        }
        *left -= 1;
        self.buffer = BytesMut::from(text.get(mark.offset..).unwrap_or_default());
        self.splitter = mark.splitter.clone();
        true
    }

    /// Has all connections send the statements that can be shared out, from the one at the front
    /// of the buffer to the first that cannot.
    async fn share(
        &mut self,
        session: &mut Session,
        replayed: &mut Replayed,
        locate: &(impl Fn(&mut Location, &Statement) + Send + Sync),
    ) -> Result<()> {
        let Some(mut spread) = self.spread.take() else { return Ok(()) };
        let helped = spread.take_helpers().await;
        let done = match helped {
            Ok(mut helpers) => {
                let (policy, reading) = (self.policy, self.reading.clone());
                let (script, rules) = (Mutex::new(&mut *self), &spread);
                let all = std::iter::once(session).chain(helpers.iter_mut());
                let workers = (0u32..).zip(all).map(|(number, session)| {
                    let (script, reading) = (&script, &reading);
                    let sending = async move {
                        tracing::trace!("sends rows");
                        let mut replayed = Replayed::default();
                        loop {
                            let next = script.lock().await.next_shared(rules, locate).await?;
                            let Some(shared) = next else { break };
                            send_shared(session, &shared, policy, reading, &mut replayed, locate)
                                .await?;
                        }
                        Ok::<_, Error>(replayed)
                    };
                    sending.instrument(tracing::debug_span!("connection", number))
                });
                let done = try_join_all(workers).await;
                spread.give_back(helpers);
                done
            }
            Err(error) => Err(error),
        };
        self.spread = Some(spread);
        for worker in done? {
            replayed.add(worker);
        }
        Ok(())
    }

    /// The next statement, if it can be shared out; otherwise it stays where it is.
    async fn next_shared(
        &mut self,
        spread: &Spread<'_>,
        locate: impl Fn(&mut Location, &Statement) + Send,
    ) -> Result<Option<Shared>> {
        let Some(statement) = self.next().await? else { return Ok(None) };
        let text = self.buffer.get(statement.text.clone()).unwrap_or_default();
        let semicolon = self.splitter.semicolon_delimits();
        let mut place = Location::default();
        locate(&mut place, &statement);
        let judged = self
            .policy
            .judge(text, &self.reading, semicolon)
            .and_then(|judged| {
                let examined = &judged.examined;
                self.policy.judge_run(text, &self.reading, semicolon, examined, &place)?;
                Ok(judged)
            })
            .map_err(|error| error.at(|place| locate(place, &statement)))?;
        let plain = judged.examined.is_plain();
        let sent = match judged.verdict {
            Verdict::Send(sent) if plain && spread.shares(&Kind::of(text, &self.reading)) => sent,
            _ => {
                self.ahead = Some(statement);
                return Ok(None);
            }
        };
        let text = Bytes::copy_from_slice(text);
        let sent = match sent {
            Cow::Borrowed(_) => text.clone(),
            Cow::Owned(edited) => edited.into(),
        };
        self.buffer.advance(statement.consumed);
        Ok(Some(Shared { statement, text, sent }))
    }

    async fn next(&mut self) -> Result<Option<Statement>> {
        if let Some(statement) = self.ahead.take() {
            return Ok(Some(statement));
        }
        loop {
            let step =
                self.splitter.step(&self.buffer, self.end).map_err(|error| lex_error(&error))?;
            match step {
                Step::Statement(statement) => return Ok(Some(statement)),
                Step::Skip { consumed } => self.buffer.advance(consumed),
                Step::End => return Ok(None),
                Step::More => {
                    let chunk = match &mut self.text {
                        Some(text) => self.context.run(text.next()).await??,
                        None => None,
                    };
                    match chunk {
                        Some(chunk) => {
                            self.buffer.extend_from_slice(&chunk.text);
                            self.context.counters().bytes_done.set(chunk.file_bytes);
                        }
                        None => self.end = true,
                    }
                }
            }
        }
    }

    /// Tells the splitter what the server now thinks about escapes, quotes and character sets.
    /// Escapes are told by every answer; for the rest it is asked where they can have changed.
    async fn follow(&mut self, session: &mut Session, asks: bool) -> Result<()> {
        if asks {
            return self.ask(session).await;
        }
        let flags = session.status_flags();
        let set = flags.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES);
        self.reading.no_backslash_escapes = set;
        self.splitter.set_no_backslash_escapes(set);
        Ok(())
    }

    async fn ask(&mut self, session: &mut Session) -> Result<()> {
        let row = session.query_one("SELECT @@sql_mode, @@character_set_client").await?;
        let modes = row.text(0)?;
        let mode = |name: &str| modes.split(',').any(|mode| mode == name);
        let charset = Charset::from_name(&row.text(1)?).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "the script cannot be read on").with_source(error)
        })?;
        self.reading.no_backslash_escapes = mode("NO_BACKSLASH_ESCAPES");
        self.reading.ansi_quotes = mode("ANSI_QUOTES");
        self.reading.charset = charset;
        self.splitter.set_no_backslash_escapes(self.reading.no_backslash_escapes);
        self.splitter.set_ansi_quotes(self.reading.ansi_quotes);
        self.splitter.set_charset(charset);
        Ok(())
    }
}

/// Whether a statement leaves nothing to be committed.
fn only_reads(text: &[u8], reading: &Reading) -> bool {
    const READING: [&str; 8] =
        ["SELECT", "SET", "USE", "SHOW", "DO", "EXPLAIN", "DESCRIBE", "START"];
    let reads = Tokens::new(text, reading).next().is_none_or(|verb| verb.is_any(&READING));
    // A function that it calls may do anything.
    reads && !text.contains(&b'(')
}

fn is_deadlock(error: &Error) -> bool {
    error.server().is_some_and(|server| server.number == ER_LOCK_DEADLOCK)
}

/// Sends a statement that is a transaction of its own; again if it was given up for a deadlock.
async fn insert(session: &mut Session, sql: &[u8]) -> Result<()> {
    for _ in 0..DEADLOCKS {
        match session.execute(sql).await {
            Err(error) if is_deadlock(&error) => {
                tracing::debug!(error = %error, "sending it again");
            }
            done => return done,
        }
    }
    session.execute(sql).await
}

/// Sends a statement that nothing else depends on until all of its kind are sent.
async fn send_shared(
    session: &mut Session,
    shared: &Shared,
    policy: &Policy,
    reading: &Reading,
    replayed: &mut Replayed,
    locate: impl Fn(&mut Location, &Statement) + Send + Sync,
) -> Result<()> {
    let Shared { statement, text, sent } = shared;
    replayed.statements += 1;
    if let Err(error) = insert(session, sent).await {
        let error = refused(error).at(|place| {
            locate(place, statement);
            place.excerpt = Some(excerpt(text, reading)).filter(|text| !text.is_empty());
        });
        return replayed.failed(error, policy.goes_on());
    }
    session.context().counters().statements_done.add(1);
    replayed
        .note_warnings(session, || {
            let mut place = Location::default();
            locate(&mut place, statement);
            place.to_string()
        })
        .await
}

fn refused(error: Error) -> Error {
    match error.server() {
        Some(server) => {
            Error::new(error.kind(), "the server refused a statement").with_source(server.clone())
        }
        None => error,
    }
}

//! The lock between hosts: `GET_LOCK` on a connection that is there for nothing else.
//!
//! While it has the lock, the connection sleeps on the server in a statement whose comment says who
//! it is. That keeps it alive, tells at once when it is lost, and shows the owner in the process
//! list to everybody who asks in vain and may see the account's connections.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::error_number::ER_QUERY_INTERRUPTED;
use super::error_number::mariadb::ER_STATEMENT_TIMEOUT;
use super::error_number::mysql::ER_QUERY_TIMEOUT;
use super::peer::Peer;
use super::session::Session;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result, ServerError};

/// How long one sleep on the server lasts. It is ended early when the lock is given back.
const SLEEP_SECONDS: u32 = 20;
/// How long the server may take to answer after a sleep is over before it counts as lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long giving a lock back may take.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a lock is asked for whose owner is about to leave, and how long between.
const TRIES: u32 = 20;
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// How many operations on single databases find room on one server at once. An operation on the
/// whole server takes all of the room.
const PLACES: u32 = 64;

/// What the comment of an owner begins and ends with.
const OWNER_START: &str = "/* snapdump operation ";
const OWNER_END: &str = " */";

/// A lock on databases that no other host has, for as long as this is there.
#[derive(Debug)]
pub(crate) struct OperationLock {
    holder: Option<JoinHandle<()>>,
    release: CancellationToken,
    /// Where the connection that has the lock sleeps.
    peer: Arc<Peer>,
}

/// How asking for the lock ended.
#[derive(Debug)]
pub(crate) enum Asked {
    Taken(Box<OperationLock>),
    /// Somebody has it. The text is what the owner says of itself, if it can be seen.
    Held(Option<String>),
}

impl OperationLock {
    /// Asks for the lock on all of these databases; the empty name stands for the whole server, and
    /// keeps everybody out. `owner` is what others are told; it may hold letters, digits and
    /// `"{}[]:,._+-`.
    ///
    /// When the connection is lost later, `context` fails.
    pub(crate) async fn ask(
        session: Session,
        databases: &[String],
        owner: &str,
        context: &Context,
    ) -> Result<Asked> {
        let mut session = session;
        let mut names: Vec<String> = databases.iter().map(|name| lock_name(name)).collect();
        // Everybody takes them in the same order.
        names.sort();
        names.dedup();
        for name in &names {
            if let Some(held) = take(&mut session, name).await? {
                session.close().await;
                return Ok(Asked::Held(held));
            }
        }
        let held = if databases.iter().any(String::is_empty) {
            take_all_places(&mut session).await?
        } else {
            take_place(&mut session).await?
        };
        if let Some(held) = held {
            session.close().await;
            return Ok(Asked::Held(held));
        }
        let peer = session.peer();
        let release = CancellationToken::new();
        let holding = hold(
            session,
            format!("DO SLEEP({SLEEP_SECONDS}) {OWNER_START}{}{OWNER_END}", plain(owner)),
            release.clone(),
            context.clone(),
        );
        // Of its own: whatever the caller is in ends long before the lock does.
        let span = tracing::debug_span!(parent: None, "lock", owner = plain(owner));
        let holder = tokio::spawn(holding.instrument(span));
        Ok(Asked::Taken(Box::new(Self { holder: Some(holder), release, peer })))
    }

    /// Whether the connection that has the lock is gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.holder.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Gives the lock back. It is free when this returns, if the server can be reached.
    pub(crate) async fn release(mut self) {
        self.release.cancel();
        let Some(holder) = self.holder.take() else { return };
        if holder.is_finished() {
            return;
        }
        if let Err(error) = self.peer.kill_query().await {
            tracing::debug!(error = %error.chain(), "could not end the sleep of the lock");
        }
        if tokio::time::timeout(RELEASE_TIMEOUT, holder).await.is_err() {
            tracing::debug!("the lock was not given back in time; its connection ends it");
        }
    }
}

impl Drop for OperationLock {
    fn drop(&mut self) {
        self.release.cancel();
        // Aborting drops the session, which kills the sleep, and with it the lock.
        if let Some(holder) = self.holder.take() {
            holder.abort();
        }
    }
}

/// Takes one lock. `Some` is what its owner says of itself.
async fn take(session: &mut Session, name: &str) -> Result<Option<Option<String>>> {
    for _ in 0..TRIES {
        let row = session.query_one(&format!("SELECT GET_LOCK('{name}', 0)")).await?;
        match row.optional_text(0)?.as_deref() {
            Some("1") => return Ok(None),
            Some("0") => {}
            _ => {
                return Err(Error::new(ErrorKind::Server, "the server could not give out a lock"));
            }
        }
        if let Some(owner) = owner_of(session, name).await? {
            return Ok(Some(Some(owner)));
        }
        // It is between two sleeps, or is leaving, or is not to be seen by this account.
        session.context().run(tokio::time::sleep(TRY_AGAIN)).await?;
    }
    Ok(Some(None))
}

/// Takes one of the places, whichever is free, so that nobody has the whole server meanwhile.
async fn take_place(session: &mut Session) -> Result<Option<Option<String>>> {
    let questions: Vec<_> =
        (0..PLACES).map(|place| format!("IS_FREE_LOCK('{}')", place_name(place))).collect();
    let question = format!("SELECT {}", questions.join(","));
    for _ in 0..TRIES {
        let row = session.query_one(&question).await?;
        for place in 0..PLACES {
            let column = usize::try_from(place).unwrap_or_default();
            if row.optional_text(column)?.as_deref() != Some("1") {
                continue;
            }
            let name = place_name(place);
            let taken = session.query_one(&format!("SELECT GET_LOCK('{name}', 0)")).await?;
            if taken.optional_text(0)?.as_deref() == Some("1") {
                return Ok(None);
            }
        }
        // All of them have one owner, or else as many operations run as there are places.
        if let Some(owner) = owner_of(session, &place_name(0)).await? {
            return Ok(Some(Some(owner)));
        }
        session.context().run(tokio::time::sleep(TRY_AGAIN)).await?;
    }
    Ok(Some(None))
}

/// Takes all of the places, so that nobody works on any database meanwhile.
async fn take_all_places(session: &mut Session) -> Result<Option<Option<String>>> {
    let questions: Vec<_> =
        (0..PLACES).map(|place| format!("GET_LOCK('{}', 0)", place_name(place))).collect();
    let row = session.query_one(&format!("SELECT {}", questions.join(","))).await?;
    for place in 0..PLACES {
        let column = usize::try_from(place).unwrap_or_default();
        if row.optional_text(column)?.as_deref() == Some("1") {
            continue;
        }
        if let Some(held) = take(session, &place_name(place)).await? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// What the owner of a lock says of itself now, if this account may see it.
async fn owner_of(session: &mut Session, name: &str) -> Result<Option<String>> {
    let row = session.query_one(&format!("SELECT IS_USED_LOCK('{name}')")).await?;
    let Some(id) = row.optional_number(0)? else { return Ok(None) };
    // Not from information_schema: MySQL fails there while any connection runs a statement with
    // characters beyond the BMP.
    for row in session.query("SHOW FULL PROCESSLIST").await? {
        if row.optional_number(0)? != Some(id) {
            continue;
        }
        let info = String::from_utf8_lossy(row.bytes(7)?.unwrap_or_default()).into_owned();
        let owner = info.split_once(OWNER_START).and_then(|(_, rest)| rest.split_once(OWNER_END));
        return Ok(owner.map(|(owner, _)| owner.to_owned()));
    }
    Ok(None)
}

/// Sleeps on the server until the lock is to be given back.
async fn hold(mut session: Session, sleep: String, release: CancellationToken, context: Context) {
    while !release.is_cancelled() {
        let limit = Duration::from_secs(u64::from(SLEEP_SECONDS)) + ANSWER_TIMEOUT;
        let slept = tokio::time::timeout(limit, session.execute(&sleep)).await;
        if release.is_cancelled() {
            break;
        }
        let lost = |error: Option<Error>| {
            let lost = Error::new(
                ErrorKind::Connect,
                "the connection that keeps other hosts from the database was lost, so the \
                 operation was stopped",
            );
            context.fail(match error {
                Some(error) => lost.with_source(error),
                None => lost,
            });
        };
        match slept {
            Ok(Ok(())) => {}
            // Somebody, or a time limit of the server, has ended this one statement; the lock is
            // still there.
            Ok(Err(error)) if error.server().is_some_and(only_the_statement) => {}
            Ok(Err(error)) => return lost(Some(error)),
            Err(_) => return lost(None),
        }
    }
    // Once more if the end of the sleep came late and hits this one.
    if session.execute("DO RELEASE_ALL_LOCKS()").await.is_err() {
        tracing::debug!("the locks end with their connection");
    }
    session.close().await;
}

fn only_the_statement(error: &ServerError) -> bool {
    [ER_QUERY_INTERRUPTED, ER_QUERY_TIMEOUT, ER_STATEMENT_TIMEOUT].contains(&error.number)
}

/// A lock name may have 64 characters, and so may the name of a database. The case of letters does
/// not count here on any server, so it must not in the name.
fn lock_name(database: &str) -> String {
    let digest = Sha256::digest(database.to_lowercase().as_bytes());
    digest.iter().take(16).fold("snapdump:".to_owned(), |mut name, byte| {
        for half in [byte >> 4, byte & 15] {
            name.extend(char::from_digit(u32::from(half), 16));
        }
        name
    })
}

/// The lock of a place; no database has its name, which is no digest.
fn place_name(place: u32) -> String {
    format!("snapdump:place:{place}")
}

/// Only what cannot end the comment or mean anything in it.
fn plain(owner: &str) -> String {
    owner.chars().filter(|c| c.is_ascii_alphanumeric() || "\"{}[]:,._+-".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_differ() {
        let long = lock_name(&"x".repeat(64));
        assert!(long.len() <= 64 && long.is_ascii());
        assert_eq!(lock_name("Shop"), lock_name("shop"));
        assert_ne!(lock_name("shop"), lock_name(""));
    }

    #[test]
    fn an_owner_cannot_leave_its_comment() {
        assert_eq!(plain("{\"host\":\"a*/ DROP\"}"), "{\"host\":\"aDROP\"}");
    }
}

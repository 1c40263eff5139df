//! The other end of a connection: waiting for what it owes, and no longer than it is at work.
//!
//! A statement may rightly take hours, and a connection whose other end has vanished may stay
//! silent for as long: nothing on the connection itself tells the two apart. So when an answer is
//! late, a second connection asks the server whether the first one is still at work.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};

use super::driver_error::from_driver;
use super::options::ConnectOptions;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// How long a look at a connection, or killing it, may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// How many looks in a row may find that the connection waits for a statement. What the server has
/// sent before the first one can still be on its way: a slow network takes its time over what the
/// system of the server holds for it, and a busy machine over handing it on.
const IDLE_LIMIT: u32 = 3;
/// How many looks in a row may find nobody to ask.
const UNREACHABLE_LIMIT: u32 = 2;
/// How many looks in a row the server may refuse to answer: it has no free connection, say.
const REFUSED_LIMIT: u32 = 10;
/// How many times the read timeout the next row may be late, whatever the server says it does.
const ROW_FACTOR: u32 = 10;
/// How long a server may say that it is at work on one statement. The index of the largest table is
/// made in days; who wants less gives the operation a deadline.
const LONGEST_STATEMENT: Duration = Duration::from_secs(7 * 24 * 3600);
/// What the slowest network that is waited for carries, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

/// Tells one server from another, as far as every version lets an account see.
pub(super) const IDENTITY: &str = "CONCAT_WS(':', @@hostname, @@port, @@server_id)";

/// The server's end of one connection.
#[derive(Debug)]
pub(super) struct Peer {
    options: ConnectOptions,
    /// The number of the connection on the server.
    id: u32,
    /// What tells the server from another behind the same address; see [`IDENTITY`].
    identity: String,
    /// When the connection was there already.
    since: Instant,
    longest_statement: Duration,
}

/// What a look at a connection has found.
#[derive(Debug)]
enum Look {
    AtWork,
    /// The connection is there and waits for a statement, so its answer is sent, or lost.
    Idle,
    Gone,
    /// The server answers, but not this question.
    Refused(Error),
    Unreachable(Error),
}

impl Peer {
    pub(super) fn new(options: &ConnectOptions, id: u32, identity: String) -> Self {
        Self {
            options: options.clone(),
            id,
            identity,
            since: Instant::now(),
            longest_statement: LONGEST_STATEMENT,
        }
    }

    /// Waits for the answer to a statement of so many bytes.
    pub(super) async fn answer<T>(
        &self,
        statement_bytes: usize,
        work: impl Future<Output = T> + Send,
    ) -> Result<T> {
        let bytes = u64::try_from(statement_bytes).unwrap_or(u64::MAX);
        let patience =
            self.options.read_timeout().saturating_add(Duration::from_secs(bytes / SLOWEST));
        // In a box, or every operation would be as large as this wait.
        self.wait(patience, None, Box::pin(work)).await
    }

    /// Waits for the next row of a result that is being sent.
    pub(super) async fn row<T>(&self, work: impl Future<Output = T> + Send) -> Result<T> {
        self.wait(self.options.read_timeout(), Some(ROW_FACTOR), pin!(work)).await
    }

    /// Waits for `work`, and looks after the connection whenever that took `patience` once more;
    /// not more often than `limit` times.
    async fn wait<T>(
        &self,
        patience: Duration,
        limit: Option<u32>,
        work: impl Future<Output = T> + Send,
    ) -> Result<T> {
        // The driver panics on some answers that break the protocol.
        let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
        // Most rows are there already: they need no timer.
        if let Poll::Ready(done) = futures::poll!(work.as_mut()) {
            return done.map_err(|_panic| self.broke_the_protocol());
        }
        let began = Instant::now();
        let (mut looks, mut idle, mut unreachable, mut refused) = (0, 0, 0, 0);
        loop {
            if let Ok(done) = tokio::time::timeout(patience, work.as_mut()).await {
                return done.map_err(|_panic| self.broke_the_protocol());
            }
            looks += 1;
            if limit.is_some_and(|limit| looks >= limit) {
                return Err(self.silent("rows have stopped to arrive"));
            }
            if began.elapsed() >= self.longest_statement {
                let seconds = self.longest_statement.as_secs();
                return Err(
                    self.silent(&format!("one statement takes more than {seconds} seconds"))
                );
            }
            let look = Box::pin(self.look()).await;
            tracing::debug!(id = self.id, ?look, "an answer is late");
            match look {
                Look::AtWork => (idle, unreachable, refused) = (0, 0, 0),
                Look::Idle => {
                    idle += 1;
                    if idle >= IDLE_LIMIT {
                        return Err(self.silent("its answer is lost"));
                    }
                }
                Look::Gone => return Err(self.silent("the server has closed the connection")),
                Look::Refused(error) => {
                    refused += 1;
                    if refused >= REFUSED_LIMIT {
                        return Err(self.silent("the server does not answer").with_source(error));
                    }
                }
                Look::Unreachable(error) => {
                    unreachable += 1;
                    if unreachable >= UNREACHABLE_LIMIT {
                        return Err(self.silent("it cannot be reached").with_source(error));
                    }
                }
            }
        }
    }

    async fn look(&self) -> Look {
        let looked = self.second_connection(async |control| {
            let rows: Vec<Row> = control
                .query("SHOW PROCESSLIST")
                .await
                .map_err(|error| from_driver(error, "could not ask what a connection does"))?;
            let own = rows.iter().find(|row| number(row.as_ref(0)) == Some(self.id.into()));
            Ok(match own.map(|row| row.as_ref(4)) {
                None => Look::Gone,
                Some(Some(Value::Bytes(command))) if command == b"Sleep" => Look::Idle,
                Some(_) => Look::AtWork,
            })
        });
        match looked.await {
            Ok(look) => look,
            Err(error) if error.server().is_some() => Look::Refused(error),
            Err(error) => Look::Unreachable(error),
        }
    }

    /// Kills the connection through a second one of the same account, which needs no privilege.
    ///
    /// Best effort: when the server cannot be reached any more there is nothing left to kill.
    pub(super) async fn kill(&self, conn: Conn) {
        let killed = Box::pin(self.second_connection(async |control| {
            control
                .query_drop(format!("KILL CONNECTION {}", self.id))
                .await
                .map_err(|error| from_driver(error, "could not kill the connection"))
        }));
        match killed.await {
            Ok(()) => tracing::debug!(id = self.id, "killed a connection"),
            Err(error) => {
                tracing::debug!(id = self.id, error = %error.chain(), "connection not killed");
            }
        }
        // Its socket is dead by now, so the driver's clean-up ends at once.
        drop(conn);
    }

    /// Ends the statement that runs on the connection, and leaves the connection.
    pub(super) async fn kill_query(&self) -> Result<()> {
        Box::pin(self.second_connection(async |control| {
            control
                .query_drop(format!("KILL QUERY {}", self.id))
                .await
                .map_err(|error| from_driver(error, "could not end a statement"))
        }))
        .await
    }

    /// Asks something over a second connection, for no longer than [`LOOK_TIMEOUT`]. A proxy may
    /// lead it to another server, and a server that was started anew counts its connections from the
    /// beginning: there the number means somebody else's connection. So both are excluded first.
    async fn second_connection<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Conn) -> Result<T>,
    ) -> Result<T> {
        let work = async {
            // A context of its own: the operation's can be cancelled already.
            let context = Context::new().with_timeout(LOOK_TIMEOUT);
            let mut control = self.options.connect(&context).await?;
            let same_server: Option<Row> = control
                .query_first(format!("SELECT {IDENTITY}"))
                .await
                .map_err(|error| from_driver(error, "could not ask for the server's identity"))?;
            let same_server = same_server.as_ref().and_then(|row| row.as_ref(0));
            if !matches!(same_server, Some(Value::Bytes(bytes)) if bytes == self.identity.as_bytes())
            {
                return Err(Error::new(
                    ErrorKind::Connect,
                    "the address leads to another server now",
                ));
            }
            let uptime: Option<Row> = control
                .query_first("SHOW GLOBAL STATUS LIKE 'Uptime'")
                .await
                .map_err(|error| from_driver(error, "could not ask how long the server has run"))?;
            let uptime = uptime.as_ref().and_then(|row| number(row.as_ref(1)));
            // The server counts whole seconds.
            if uptime.is_none_or(|uptime| uptime.saturating_add(1) < self.since.elapsed().as_secs())
            {
                return Err(Error::new(
                    ErrorKind::Connect,
                    "the server has been started anew since the connection was made",
                ));
            }
            let answer = ask(&mut control).await;
            // Closing it tells nothing new.
            let _ = control.disconnect().await;
            answer
        };
        let work = AssertUnwindSafe(work).catch_unwind();
        match tokio::time::timeout(LOOK_TIMEOUT, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(self.broke_the_protocol()),
            Err(_elapsed) => {
                Err(Error::new(ErrorKind::Connect, "the server does not answer in time"))
            }
        }
    }

    fn broke_the_protocol(&self) -> Error {
        Error::new(
            ErrorKind::Protocol,
            format!("the server at {} broke the protocol", self.options.place()),
        )
    }

    fn silent(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Connect,
            format!("waited in vain for the server at {}: {why}", self.options.place()),
        )
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    match value {
        Some(Value::Bytes(digits)) => std::str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::server::TlsMode;
    use crate::server::fake::{Fake, Rows};

    /// A server can say for ever that it is at work.
    #[tokio::test]
    async fn no_statement_is_waited_for_for_ever() {
        let queries = |query: &str| -> Rows {
            let row = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
            match query {
                "SHOW PROCESSLIST" => vec![row(&["7", "someone", "here", "", "Query"])],
                "SHOW GLOBAL STATUS LIKE 'Uptime'" => vec![row(&["Uptime", "1000000"])],
                _ if query.contains(IDENTITY) => vec![row(&["the same"])],
                _ => Vec::new(),
            }
        };
        let fake = Fake { queries: Some(Arc::new(queries)), ..Fake::default() };
        let (options, seen) = fake.start().await;
        let options =
            options.with_tls_mode(TlsMode::Disabled).with_read_timeout(Duration::from_millis(20));
        let peer = Peer {
            longest_statement: Duration::from_millis(500),
            ..Peer::new(&options, 7, "the same".to_owned())
        };
        let error = peer.answer(0, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.to_string().contains("one statement takes"), "{error}");
        assert!(seen.visits().len() > 2, "{:?}", seen.visits());
    }
}

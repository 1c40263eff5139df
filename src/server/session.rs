//! One connection and what it is used for: statements, result sets, and an end that leaves
//! nothing running on the server.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, QueryResult, Row, TextProtocol};
use tracing::Instrument as _;

use super::driver_error::from_driver;
use super::flavor::{Flavor, ServerVersion};
use super::options::ConnectOptions;
use super::peer::{IDENTITY, Peer};
use super::rows::{Answer, Rows, TextRow};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::split::Dialect;

/// How long saying goodbye may take before a connection is given up.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);
/// The most text that an answer read as a whole may have; the catalogue of a million columns has
/// less than a third of it.
const ANSWER_LIMIT_BYTES: usize = 1 << 30;

/// A connection that is used by one task for one operation.
///
/// A session that is dropped while a statement runs (its future was dropped, or an error was
/// returned in the middle of a result) kills that statement on the server: the driver alone would
/// read the rest of the result in the background, for as long as it takes.
pub(crate) struct Session {
    conn: Option<Conn>,
    peer: Arc<Peer>,
    context: Context,
    flavor: Flavor,
    version: ServerVersion,
    /// Whether names of databases and tables that differ by case are those of different ones.
    case_counts: bool,
    /// How many warnings the server had about what was executed last.
    warnings: u64,
    /// Set while an answer is under way.
    busy: bool,
}

/// Makes the server give every answer as a whole. Before anything is asked: by these variables an
/// administrator, or `init_connect`, can cut answers off, which says nothing, or refuse questions.
const WHOLE_ANSWERS: &str =
    "SET sql_select_limit = 18446744073709551615, max_join_size = 18446744073709551615";

impl Session {
    /// Connects and asks the server what it is.
    pub(crate) async fn open(options: &ConnectOptions, context: &Context) -> Result<Self> {
        let mut conn = options.connect(context).await?;
        let question =
            format!("SELECT @@version, @@version_comment, {IDENTITY}, @@lower_case_table_names");
        // Nothing that could be told apart from a late answer yet.
        let peer = Peer::new(options, conn.id(), String::new());
        context
            .run(peer.answer(0, conn.query_drop(WHOLE_ANSWERS)))
            .await??
            .map_err(|error| from_driver(error, "could not lift the limits of answers"))?;
        let row: Option<Row> = context
            .run(peer.answer(0, conn.query_first(question)))
            .await??
            .map_err(|error| from_driver(error, "could not ask the server for its version"))?;
        let row = row.map(TextRow).ok_or_else(no_single_row)?;
        let version = row.text(0)?;
        Ok(Self {
            flavor: Flavor::detect(&version, &row.text(1)?),
            version: version.parse()?,
            case_counts: row.text(3)? == "0",
            peer: Arc::new(Peer::new(options, conn.id(), row.text(2)?)),
            conn: Some(conn),
            context: context.clone(),
            warnings: 0,
            busy: false,
        })
    }

    pub(crate) const fn flavor(&self) -> Flavor {
        self.flavor
    }

    pub(crate) const fn version(&self) -> &ServerVersion {
        &self.version
    }

    /// How the server reads a script.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.flavor() {
            Flavor::MariaDb => Dialect::MariaDb,
            Flavor::MySql => Dialect::MySql { dollar_quotes: self.version().number().0 >= 9 },
        }
    }

    /// Whether names of databases and tables that differ by case are those of different ones (manual,
    /// Identifier Case Sensitivity).
    pub(crate) const fn case_counts(&self) -> bool {
        self.case_counts
    }

    pub(crate) const fn context(&self) -> &Context {
        &self.context
    }

    /// The server's end of the connection.
    pub(super) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    /// The driver's connection. It is there until the session is closed, which takes `self`.
    fn conn(&mut self) -> Result<&mut Conn> {
        self.conn.as_mut().ok_or_else(closed)
    }

    /// Takes the connection for a statement. One whose last answer was given up is not to be had: that
    /// answer may still come, and would be taken for the next one's.
    fn begin(&mut self) -> Result<()> {
        if self.busy {
            self.context.check()?;
            return Err(Error::new(
                ErrorKind::Connect,
                "the connection was given up in the middle of an answer",
            ));
        }
        self.busy = true;
        Ok(())
    }

    /// Runs a statement and reads its answer to the end, whatever it is.
    pub(crate) async fn execute(&mut self, sql: impl AsRef<[u8]> + Send) -> Result<()> {
        let (context, peer) = (self.context.clone(), Arc::clone(&self.peer));
        self.begin()?;
        let conn = self.conn()?;
        let sql = sql.as_ref();
        let run = async {
            let mut result: QueryResult<'_, '_, TextProtocol> = conn.query_iter(sql).await?;
            let mut warnings = 0;
            // Of several statements in one text each has warnings of its own. What the driver has
            // of one that returned rows is overwritten by what follows it.
            while let Some(columns) = result.columns() {
                if columns.is_empty() {
                    warnings += u64::from(result.warnings());
                }
                while result.next().await?.is_some() {}
                if !columns.is_empty() && result.columns().is_none() {
                    warnings += u64::from(result.warnings());
                }
            }
            Ok::<_, mysql_async::Error>(warnings)
        };
        let done = context.run(peer.answer(sql.len(), run)).await??;
        self.busy = still_busy(&done);
        self.warnings = done.map_err(|error| from_driver(error, "a statement failed"))?;
        Ok(())
    }

    /// Runs a statement that says in rows how it went, as `ANALYZE TABLE` does, and returns what it
    /// says of errors.
    pub(crate) async fn execute_told(&mut self, sql: &[u8]) -> Result<Vec<String>> {
        self.warnings = 0;
        let mut errors = Vec::new();
        for row in self.query_within(sql, ANSWER_LIMIT_BYTES).await? {
            let text = |column| {
                let bytes = row.bytes(column).ok().flatten().unwrap_or_default();
                String::from_utf8_lossy(bytes).into_owned()
            };
            // `Table`, `Op`, `Msg_type` and `Msg_text`.
            if text(2).eq_ignore_ascii_case("error") {
                errors.push(format!("{}: {}", text(0), text(3)));
            }
        }
        Ok(errors)
    }

    /// Runs a query by the text protocol and reads all rows of its first result set.
    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<TextRow>> {
        self.query_within(sql, ANSWER_LIMIT_BYTES).await
    }

    /// The same, with a limit to the text of the answer in bytes.
    async fn query_within(
        &mut self,
        sql: impl AsRef<[u8]> + Send,
        limit: usize,
    ) -> Result<Vec<TextRow>> {
        let sql = sql.as_ref();
        let (context, peer) = (self.context.clone(), Arc::clone(&self.peer));
        self.begin()?;
        let conn = self.conn()?;
        let read = async {
            let mut result: QueryResult<'_, '_, TextProtocol> = conn.query_iter(sql).await?;
            let mut rows = Vec::new();
            let mut bytes = 0usize;
            while let Some(row) = result.next().await? {
                let row = TextRow(row);
                bytes = bytes.saturating_add(row.memory());
                if bytes > limit {
                    return Ok(None);
                }
                rows.push(row);
            }
            result.drop_result().await?;
            Ok::<_, mysql_async::Error>(Some(rows))
        };
        let rows = context.run(peer.answer(sql.len(), read)).await??;
        self.busy = still_busy(&rows) || matches!(rows, Ok(None));
        rows.map_err(|error| from_driver(error, "a query failed"))?.ok_or_else(too_large)
    }

    /// Runs several queries as one text, in one round trip, and reads the rows of each. What the
    /// server refuses of one is the error of all.
    pub(crate) async fn query_each(&mut self, queries: &[String]) -> Result<Vec<Vec<TextRow>>> {
        let context = self.context.clone();
        let mut sets = Vec::with_capacity(queries.len());
        let mut bytes = 0usize;
        let mut rows = self.rows_of_each(queries).await?;
        while sets.len() < queries.len() {
            rows.begin_set()?;
            let mut set = Vec::new();
            while let Some(row) = context.run(rows.next_of_slow()).await?? {
                let row = TextRow(row);
                bytes = bytes.saturating_add(row.memory());
                if bytes > ANSWER_LIMIT_BYTES {
                    return Err(too_large());
                }
                set.push(row);
            }
            sets.push(set);
        }
        rows.end()?;
        Ok(sets)
    }

    /// Runs several queries as one text, by the text protocol. The rows of each are read one at a
    /// time, up to its `None`; then those of the next begin.
    pub(crate) async fn rows_of_each(&mut self, queries: &[String]) -> Result<Rows<'_>> {
        let context = self.context.clone();
        self.begin()?;
        let Self { conn, busy, peer, .. } = self;
        let conn = conn.as_mut().ok_or_else(closed)?;
        let sql = queries.join(";");
        match context.run(peer.answer(sql.len(), conn.query_iter(sql))).await?? {
            Ok(result) => Ok(Rows { result: Answer::Text(result), busy, peer }),
            Err(error) => {
                *busy = !matches!(error, mysql_async::Error::Server(_));
                Err(from_driver(error, "could not read rows"))
            }
        }
    }

    /// Runs a query that answers exactly one row.
    pub(crate) async fn query_one(&mut self, sql: &str) -> Result<TextRow> {
        let mut rows = self.query(sql).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => Err(no_single_row()),
        }
    }

    /// Has the server parse a statement and look up all that it names, without running it.
    pub(crate) async fn check_statement(&mut self, sql: &[u8]) -> Result<()> {
        let (context, peer) = (self.context.clone(), Arc::clone(&self.peer));
        self.begin()?;
        let conn = self.conn()?;
        let checked = async {
            let statement = conn.prep(sql).await?;
            conn.close(statement).await
        };
        let done = context.run(peer.answer(sql.len(), checked)).await??;
        self.busy = still_busy(&done);
        done.map_err(|error| from_driver(error, "the server does not take a statement"))
    }

    /// Runs a query by the binary protocol; the rows are read one at a time.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Rows<'_>> {
        let context = self.context.clone();
        self.begin()?;
        let Self { conn, busy, peer, .. } = self;
        let conn = conn.as_mut().ok_or_else(closed)?;
        match context.run(peer.answer(sql.len(), conn.exec_iter(sql, ()))).await?? {
            Ok(result) => Ok(Rows { result: Answer::Binary(result), busy, peer }),
            Err(error) => {
                *busy = !matches!(error, mysql_async::Error::Server(_));
                Err(from_driver(error, "could not read rows"))
            }
        }
    }

    /// The status flags of the last answer, as the protocol has them.
    pub(crate) fn status_flags(&self) -> mysql_async::consts::StatusFlags {
        self.conn.as_ref().and_then(Conn::last_ok_packet).map_or_else(
            mysql_async::consts::StatusFlags::empty,
            mysql_async::OkPacket::status_flags,
        )
    }

    /// Whether each statement is a transaction of its own, and none is open.
    pub(crate) fn commits_by_itself(&self) -> bool {
        use mysql_async::consts::StatusFlags;
        let flags = self.status_flags();
        flags.contains(StatusFlags::SERVER_STATUS_AUTOCOMMIT)
            && !flags.contains(StatusFlags::SERVER_STATUS_IN_TRANS)
    }

    /// Whether a transaction is open that has changed or read something.
    pub(crate) fn is_in_transaction(&self) -> bool {
        use mysql_async::consts::StatusFlags;
        self.status_flags().contains(StatusFlags::SERVER_STATUS_IN_TRANS)
    }

    /// How many warnings the server had about the last text that was [executed](Self::execute).
    pub(crate) const fn warnings(&self) -> u64 {
        self.warnings
    }

    /// Says goodbye and waits until the connection is closed. What it returns matters to nobody
    /// who already has his result, so failures are only logged.
    pub(crate) async fn close(mut self) {
        if self.busy {
            self.kill().await;
        } else if let Some(conn) = self.conn.take() {
            match tokio::time::timeout(GOODBYE_TIMEOUT, conn.disconnect()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the connection did not close cleanly"),
                Err(_) => tracing::debug!("the connection did not close in time"),
            }
        }
    }

    /// Ends what runs on the server, then the connection.
    async fn kill(mut self) {
        if let Some(conn) = self.conn.take() {
            self.peer.kill(conn).await;
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Internal, "the session is closed")
}

fn too_large() -> Error {
    Error::new(ErrorKind::Protocol, "the server's answer to a query is too large")
}

fn no_single_row() -> Error {
    Error::new(
        ErrorKind::Protocol,
        "the server answered other than one row to a query that has one",
    )
}

/// Whether the server can still be working on a statement whose call has come back. Its own error
/// ends the statement; any other failure leaves the connection in an unknown state.
pub(super) fn still_busy<T>(done: &mysql_async::Result<T>) -> bool {
    done.as_ref().is_err_and(|error| !matches!(error, mysql_async::Error::Server(_)))
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        if !self.busy {
            // Nothing is under way: the driver closes it in the background.
            return drop(conn);
        }
        let peer = Arc::clone(&self.peer);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move { peer.kill(conn).await }.in_current_span());
            }
            // Without a runtime the socket just closes, and the server notices on its next write.
            Err(_) => drop(conn),
        }
    }
}

//! Restores a file: checked as a whole, over a restore point, statement by statement.
//!
//! The order is what makes it safe: the file is read to its end before the server is touched; then
//! what is in the target is dumped, and that dump verified; only then is the first statement sent;
//! at the end the result is compared with the manifest.

mod accounts;
mod check;
mod compare;
mod definer;
mod destination;
mod differences;
mod encryption;
mod indexes;
mod offline;
mod options;
mod parallel;
mod point;
mod policy;
mod programs;
mod replay;
mod replayed;
mod rollback;
mod source;
mod spread;
mod strict;
mod told;
mod tool;

pub use definer::{Account, DefinerPolicy};
pub use options::{RestoreMode, RestoreOptions};
pub use point::RestorePoint;
#[cfg(test)]
pub(crate) use rollback::Before;
pub(crate) use rollback::{Target, roll_back};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;

use crate::archive::Index;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, quote_identifier};
use crate::progress::{Phase, seconds};
use crate::server::{ConnectOptions, Session, is_system_database};
use check::Checked;
use compare::Compared;
use destination::Destination;
use parallel::ParallelReplay;
use replayed::Replayed;
use source::Source;
use spread::Spread;

/// What a member has beyond its longest statement, in bytes.
const MEMBER_BYTES: u64 = 4 << 20;

/// The result of a finished restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestoreReport {
    /// Statements sent to the server.
    pub statements: u64,
    /// The length of the file in bytes.
    pub file_bytes: u64,
    /// From the start of the replay to the end of the comparison; seconds with a fraction in
    /// JSON.
    #[serde(with = "seconds")]
    pub duration: Duration,
    /// The restore point; absent when the target was empty.
    pub restore_point: Option<PathBuf>,
    /// Whether the result was compared with the manifest; a file of another tool has none.
    pub compared: bool,
    /// How many objects of each kind the comparison found, as many as the manifest has; empty
    /// without one.
    #[serde(default)]
    pub objects: BTreeMap<ObjectKind, u64>,
    /// How many rows it found in all tables, as many as the manifest has; 0 without one.
    #[serde(default)]
    pub rows: u64,
    /// Warnings that the server gave during the replay.
    pub server_warnings: u64,
    /// How many of them had each number, as far as the server listed them.
    #[serde(deserialize_with = "numbered")]
    pub server_warnings_by_number: BTreeMap<u16, u64>,
    /// What a person should know, one sentence each: first what the
    /// [check](Prepared::warnings) found, then what the replay did, the server's first warnings
    /// among it.
    pub warnings: Vec<String>,
}

/// Reads a map whose keys are numbers. JSON writes them as text, and where the report stands inside
/// a tagged value, serde does not turn them back by itself.
fn numbered<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<u16, u64>, D::Error> {
    let texts = BTreeMap::<String, u64>::deserialize(deserializer)?;
    let read = |(number, count): (String, u64)| number.parse().map(|number| (number, count));
    texts
        .into_iter()
        .map(read)
        .collect::<std::result::Result<_, _>>()
        .map_err(serde::de::Error::custom)
}

/// Restores a file into the database that `connect` names, or into the databases that the file
/// names itself. The same as [`prepare`] followed by [`Prepared::apply`].
///
/// # Errors
/// As those two.
///
/// # Cancel safety
/// Dropping the future kills its statement on the server. Once the replay has begun the target is
/// then between before and after, and the restore point holds what was there.
#[tracing::instrument(skip_all, fields(target = %connect, file = ?path.as_ref()))]
pub async fn restore(
    connect: &ConnectOptions,
    path: impl AsRef<Path>,
    options: &RestoreOptions,
    context: &Context,
) -> Result<RestoreReport> {
    // In boxes: the futures of those who call this stay small.
    let prepared = Box::pin(prepare(connect, path, options, context)).await?;
    Box::pin(prepared.apply(context)).await
}

/// Checks a file and saves what it would overwrite. The target is not changed.
///
/// A pipe, a terminal or a socket is copied to a temporary file first, as by [`prepare_reader`].
///
/// # Errors
/// - [`ErrorKind::Io`], [`ErrorKind::Codec`], [`ErrorKind::Lex`], [`ErrorKind::Manifest`],
///   [`ErrorKind::Digest`]: the file cannot be read, or is not whole.
/// - [`ErrorKind::Config`]: the script holds statements that the options do not allow
///   ([`Error::others`] has what else was found), one that is longer than the server takes, or
///   the target is not named anywhere.
/// - [`ErrorKind::RestorePoint`]: the target holds something and could not be saved, or no
///   directory was given to save it in.
/// - [`ErrorKind::Unsupported`]: the target holds something that this version does not know, or
///   the file something that the server does not have, such as a collation.
/// - [`ErrorKind::Connect`], [`ErrorKind::Auth`], [`ErrorKind::Server`],
///   [`ErrorKind::Protocol`]: the server.
/// - [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`]: by the context.
///
/// # Cancel safety
/// Dropping the future leaves nothing behind, at most a finished restore point.
#[tracing::instrument(skip_all, err(level = "debug"), fields(
    target = %connect,
    file = ?path.as_ref(),
))]
pub async fn prepare(
    connect: &ConnectOptions,
    path: impl AsRef<Path>,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Prepared> {
    let source = Source::open(path.as_ref(), context).await?;
    prepare_source(connect, source, options, context).await
}

/// The same as [`prepare`], for input that can be read only once: it is spooled to a temporary
/// file first, because the check comes before the restore.
///
/// # Errors
/// As [`prepare`].
///
/// # Cancel safety
/// As [`prepare`].
#[tracing::instrument(name = "prepare", skip_all, err(level = "debug"), fields(target = %connect))]
pub async fn prepare_reader(
    connect: &ConnectOptions,
    reader: impl AsyncRead + Unpin + Send,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Prepared> {
    context.enter(Phase::Check);
    let source = Source::spool(reader, context).await?;
    prepare_source(connect, source, options, context).await
}

async fn prepare_source(
    connect: &ConnectOptions,
    source: Source,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Prepared> {
    context.enter(Phase::Connect);
    let mut session = Session::open(connect, context).await?;
    let examined = Box::pin(examine(&mut session, connect, &source, options, context)).await;
    session.close().await;
    let (checked, targets) = examined?;
    let occupied: BTreeSet<String> = targets
        .iter()
        .filter(|target| target.is_occupied())
        .map(|target| target.name.clone())
        .collect();

    let restore_point = if occupied.is_empty() {
        None
    } else {
        let Some(directory) = options.restore_point_directory() else {
            let list = occupied.into_iter().collect::<Vec<_>>().join("', '");
            return Err(Error::new(
                ErrorKind::RestorePoint,
                format!(
                    "the database '{list}' is not empty: name a directory for the restore point \
                     that is taken before anything is changed"
                ),
            ));
        };
        // Where the script does not name its database, it goes into the connection's.
        let named = if checked.databases.is_empty() { BTreeSet::new() } else { occupied };
        Some(Box::pin(RestorePoint::take(connect, named, directory, context)).await?)
    };
    let (bytes, warnings) = (checked.file_bytes, checked.warnings.len());
    tracing::info!(bytes, warnings, "prepared");
    Ok(Prepared {
        connect: connect.clone(),
        options: options.clone(),
        source,
        checked,
        restore_point,
        targets,
    })
}

/// Checks the file against itself and against the server. Says what it found, and what the
/// databases are that it goes into.
async fn examine(
    session: &mut Session,
    connect: &ConnectOptions,
    source: &Source,
    options: &RestoreOptions,
    context: &Context,
) -> Result<(Checked, Vec<Target>)> {
    // The check of a large file can take longer than the server lets a session idle.
    session.set_up_for_replay(true).await?;
    if let Some(name) = connect.database()
        && is_system_database(name, session.case_counts())
        && !options.server_statements()
    {
        return Err(Error::config(format!(
            "the database '{name}' of the connection is the server's own: name another one, or allow \
             what changes the server (with_server_statements)"
        )));
    }
    let destination = Destination::ask(session, connect.database(), options).await?;
    let (path, check_options) = (source.path().to_owned(), options.clone());
    let mut checked = context
        .blocking(Phase::Check, move |context| {
            check::check(&path, &destination, &check_options, context)
        })
        .await
        // What was spooled has a name of its own, which nobody knows.
        .map_err(|error| error.in_file(source.name()))?;
    if let Some(footer) = &checked.footer {
        accounts::check(&footer.manifest, session.flavor())?;
    }
    let missing = destination::missing_definers(session, &checked.definers).await?;
    checked.warnings.extend(missing);
    checked.warnings.extend(
        checked
            .differences
            .judge(session)
            .await
            .map_err(|error| error.at(|place| place.file = Some(source.name().to_owned())))?,
    );
    let targets = rollback::survey(session, connect, &checked).await?;
    Ok((checked, targets))
}

/// A file that has been checked, and what it overwrites saved: ready to be restored.
///
/// Only [`prepare`] and [`prepare_reader`] make one, so that nothing is restored unchecked.
///
/// ```compile_fail,E0451
/// # fn example(mut prepared: snapdump::Prepared) {
/// let unsaved = snapdump::Prepared { restore_point: None, ..prepared };
/// # }
/// ```
#[derive(Debug)]
pub struct Prepared {
    connect: ConnectOptions,
    options: RestoreOptions,
    source: Source,
    checked: Checked,
    restore_point: Option<RestorePoint>,
    /// The databases that the file writes to, as they are before.
    targets: Vec<Target>,
}

impl Prepared {
    /// What the restore overwrites; `None` when the target holds nothing.
    #[must_use]
    pub const fn restore_point(&self) -> Option<&RestorePoint> {
        self.restore_point.as_ref()
    }

    /// What a person should know before the restore, one sentence each: definers without an account,
    /// storage engines that the server does not have, what will be left out. The
    /// [report](RestoreReport::warnings) begins with them.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.checked.warnings
    }

    /// Replays the file and compares the result with its manifest.
    ///
    /// # Errors
    /// - [`ErrorKind::Server`], [`ErrorKind::Privilege`]: the server refused a statement; the
    ///   place is its number, line and offset in the text, or its offset and table where several
    ///   connections replay, and the start of its text. No other statement is begun after it,
    ///   unless the options say so.
    /// - [`ErrorKind::Mismatch`]: the result is not what the manifest says, or the script leaves a
    ///   transaction open, whose changes the server takes back.
    /// - [`ErrorKind::Changed`]: something has come into the target since it was saved; nothing has
    ///   been changed.
    /// - [`ErrorKind::Unsupported`]: the script sets a character set that it cannot be read in, or
    ///   the result holds something that this version does not know.
    /// - [`ErrorKind::Config`]: a database of the manifest is not there after the replay.
    /// - [`ErrorKind::Connect`], [`ErrorKind::Auth`], [`ErrorKind::Protocol`],
    ///   [`ErrorKind::Io`], [`ErrorKind::Codec`], [`ErrorKind::Lex`]: the server or the file
    ///   failed.
    /// - [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`]: by the context.
    ///
    /// After any of these the target can be between before and after; the restore point holds
    /// what was there.
    ///
    /// # Cancel safety
    /// Dropping the future kills its statement on the server.
    pub async fn apply(self, context: &Context) -> Result<RestoreReport> {
        self.replay(context, &AtomicBool::new(false)).await
    }

    /// The databases that the file writes to, as they were before.
    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The same as [`apply`](Self::apply). `touched` tells, also after a failure and while it
    /// runs, whether the target can have changed.
    #[tracing::instrument(name = "apply", skip_all, err(level = "debug"), fields(
        target = %self.connect,
        file = self.source.name(),
    ))]
    pub(crate) async fn replay(
        &self,
        context: &Context,
        touched: &AtomicBool,
    ) -> Result<RestoreReport> {
        let started = Instant::now();
        context.enter(Phase::Replay);
        Box::pin(self.look_again(context)).await?;
        context.counters().bytes_total.set(self.checked.file_bytes);
        let mut session = Session::open(&self.connect, context).await?;
        let mut replayed = Replayed::default();
        let done = Box::pin(self.run(&mut session, context, &mut replayed, touched)).await;
        session.close().await;
        let compared = done.map_err(|error| {
            error.at(|place| {
                place.file = Some(self.source.name().to_owned());
                place.phase = Some(context.progress().phase);
            })
        })?;
        let (statements, server_warnings) = (replayed.statements, replayed.warnings_total);
        let server_warnings_by_number = replayed.warning_codes.clone();
        let mut warnings = self.checked.warnings.clone();
        warnings.extend(replayed.into_warnings());
        warnings.extend(compared.warnings);
        let rows = self.checked.footer.is_some().then_some(compared.rows);
        tracing::info!(statements, rows, warnings = warnings.len(), "applied");
        Ok(RestoreReport {
            statements,
            file_bytes: self.checked.file_bytes,
            duration: started.elapsed(),
            restore_point: self.restore_point.as_ref().map(|point| point.path().to_owned()),
            compared: self.checked.footer.is_some(),
            objects: compared.objects,
            rows: compared.rows,
            server_warnings,
            server_warnings_by_number,
            warnings,
        })
    }

    /// Fails if something has come into the targets that is not in the restore point: replacing a
    /// database, or rolling back, would drop it.
    async fn look_again(&self, context: &Context) -> Result<()> {
        if self.targets.is_empty() {
            return Ok(());
        }
        let mut session = Session::open(&self.connect, context).await?;
        session.set_up_for_replay(true).await?;
        let targets = rollback::survey(&mut session, &self.connect, &self.checked).await;
        session.close().await;
        rollback::refuse_newcomers(&self.targets, &targets?)
    }

    async fn run(
        &self,
        session: &mut Session,
        context: &Context,
        replayed: &mut Replayed,
        touched: &AtomicBool,
    ) -> Result<Compared> {
        session.set_up_for_replay(self.options.binlog()).await?;
        let policy = &self.checked.policy;
        touched.store(true, Ordering::SeqCst);
        if self.options.mode() == RestoreMode::Replace {
            rollback::empty_before_replace(session, &self.targets).await?;
        }
        session.read_as(self.options.default_charset()).await?;
        let connections = self.options.connections();
        let sent = match &self.checked.footer {
            // What does not tell how it is read is read in order, as the server says.
            Some(footer)
                if connections > 1
                    && self.checked.known_offline
                    && self.members_fit(&footer.index) =>
            {
                let path = self.source.path();
                let (connect, options) = (&self.connect, &self.options);
                context.counters().rows_total.set(footer.manifest.rows());
                let starts = &self.checked.starts;
                ParallelReplay { connect, options, path, footer, starts, policy, context }
                    .run(session, replayed)
                    .await
            }
            _ => {
                let checked = &self.checked;
                let spreads = connections > 1 && checked.known_offline && checked.stock;
                let (connect, options) = (&self.connect, &self.options);
                let spread = Spread::new(connect, options, &checked.large_tables, context);
                let spread = Some(spread).filter(|_| spreads);
                replay::replay(session, &self.source, policy, spread, replayed).await
            }
        };
        if self.options.mode() == RestoreMode::Merge && replayed.statements == 0 {
            touched.store(false, Ordering::SeqCst);
        }
        replayed.outcome(sent)?;
        if session.is_in_transaction() && replayed.uncommitted {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "the script leaves a transaction open at its end, whose changes are lost: it is \
                 incomplete, or a COMMIT is missing in it",
            ));
        }
        let Some(footer) = &self.checked.footer else { return Ok(Compared::default()) };
        context.enter(Phase::Compare);
        session.read_as("utf8mb4").await?;
        // The script may have left another database selected.
        if let Some(database) = self.connect.database() {
            session.execute(format!("USE {}", quote_identifier(database))).await?;
        }
        let stayed: &[Target] = match self.options.mode() {
            RestoreMode::Merge => &self.targets,
            RestoreMode::Replace => &[],
        };
        compare::compare(session, &footer.manifest, self.connect.database(), policy, stayed).await
    }

    /// Whether several connections can each hold a member, text and all. Those that we write are
    /// hardly longer than their longest statement.
    fn members_fit(&self, index: &Index) -> bool {
        let limit = u64::try_from(self.options.max_statement_bytes()).unwrap_or(u64::MAX);
        index.members.iter().all(|member| member.sql_bytes <= limit.saturating_add(MEMBER_BYTES))
    }
}

//! The consistent snapshot: one state of the server, under which one or several connections read
//! every row, and its place in the binary log.
//!
//! `START TRANSACTION WITH CONSISTENT SNAPSHOT` fixes the state for one connection. Several see the
//! same one only if nothing was committed between the first and the last of them. That is proved
//! without a lock where the server tells enough, otherwise ensured by a short lock if the account
//! may take it; if neither works out, one connection reads. Nothing in between: readers that may
//! differ by a transaction are never used. (That all of them name the same place in `MariaDB`'s
//! binary log is no proof: under load, readers with the same place were seen to differ.)

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::error_number::ER_LOCK_WAIT_TIMEOUT;
use super::flavor::Flavor;
use super::options::ConnectOptions;
use super::session::Session;
use crate::archive::{BinlogPosition, Snapshot, SnapshotRung};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// How often snapshots are opened anew to catch a moment in which nothing is committed.
const ATTEMPTS: u32 = 5;

/// How long that is tried where it lets several connections read without a lock: opening them takes
/// a millisecond or a few, so a busy server gets hundreds of attempts.
const TRY_FOR: Duration = Duration::from_secs(2);

/// How long others may be made to wait for the lock that is taken when that fails, in seconds.
const LOCK_SECONDS: u32 = 3;

/// How long the lock may be held while the snapshots are opened; usually it is a millisecond.
const HOLD_TIMEOUT: Duration = Duration::from_secs(3);

/// After how long without a word from us the server ends the connection that has the lock, in
/// seconds: a host that vanishes holds nobody up for longer.
const LOCKER_IDLE_SECONDS: u32 = 20;
/// A transaction's savepoint, to which a dump goes back after each table: that frees the table's
/// metadata lock and keeps the snapshot.
const SAVEPOINT: &str = "snapdump";

/// A snapshot that was opened.
pub(crate) struct Opened {
    pub(crate) snapshot: Snapshot,
    /// Whether the metadata locks of what is read stay until the readers end, because the server does
    /// not free them for this account.
    pub(crate) holds_locks: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Coordinates {
    binlog: Option<BinlogPosition>,
    gtid: Option<String>,
}

/// Opens the snapshot that all later reads of `readers` see. Readers that cannot be given the same
/// one are closed and taken out; the first always stays.
pub(crate) async fn start_snapshot(
    connect: &ConnectOptions,
    readers: &mut Vec<Session>,
) -> Result<Opened> {
    let Some(flavor) = readers.first().map(Session::flavor) else {
        return Err(Error::new(ErrorKind::Internal, "a snapshot needs a connection"));
    };
    let mut holds_locks = false;
    if flavor == Flavor::MariaDb {
        for reader in readers.iter_mut() {
            holds_locks |= !reader.stop_logging().await?;
        }
    }
    let several =
        if readers.len() > 1 && flavor == Flavor::MySql { same_gtid(readers).await? } else { None };
    let several = match several {
        None if readers.len() > 1 => under_lock(connect, readers).await?,
        several => several,
    };
    let (rung, coordinates) = if let Some(several) = several {
        several
    } else {
        for reader in readers.drain(1..) {
            reader.close().await;
        }
        let coordinates = match readers.first_mut() {
            Some(first) => first.start_alone().await?,
            None => Coordinates::default(),
        };
        (SnapshotRung::OneConnection, coordinates)
    };
    for reader in readers.iter_mut() {
        reader.keep_metadata_locks().await?;
    }
    let snapshot = Snapshot {
        rung,
        connections: u32::try_from(readers.len()).unwrap_or(u32::MAX),
        binlog: coordinates.binlog,
        gtid: coordinates.gtid,
    };
    Ok(Opened { snapshot, holds_locks })
}

type Several = Option<(SnapshotRung, Coordinates)>;

/// On `MySQL` with GTIDs a transaction owns its GTID from before its commit becomes visible until it
/// is in `gtid_executed`, which is after that. So if before the first and after the last snapshot
/// no GTID is owned and `gtid_executed` is the same, nothing became visible in between. Each pair is
/// read in the order in which a transaction that moves from one to the other cannot be missed.
async fn same_gtid(readers: &mut [Session]) -> Result<Several> {
    const EXECUTED: &str = "SELECT @@GLOBAL.gtid_executed";
    const OWNED: &str = "SELECT @@GLOBAL.gtid_owned";
    let started = Instant::now();
    let mut attempt = 0;
    while attempt < ATTEMPTS || started.elapsed() < TRY_FOR {
        attempt += 1;
        let Some(first) = readers.first_mut() else { return Ok(None) };
        let row = first.query_one("SELECT @@log_bin, @@gtid_mode").await?;
        if row.text(0)? != "1" || row.text(1)? != "ON" {
            return Ok(None);
        }
        let status = first.log_status().await?;
        let executed = first.query_one(EXECUTED).await?.text(0)?;
        let owned = first.query_one(OWNED).await?.text(0)?;
        begin_all(readers).await?;
        let Some(first) = readers.first_mut() else { return Ok(None) };
        let owned_after = first.query_one(OWNED).await?.text(0)?;
        let executed_after = first.query_one(EXECUTED).await?.text(0)?;
        if owned.is_empty() && owned_after.is_empty() && executed == executed_after {
            let gtid = executed.replace('\n', "");
            let gtid = (!gtid.is_empty()).then_some(gtid);
            // The place is that of the snapshots only if nothing was logged around them either.
            let same = status.gtid == gtid && status == first.log_status().await?;
            let binlog = status.binlog.filter(|_| same);
            return Ok(Some((SnapshotRung::SameGtid, Coordinates { binlog, gtid })));
        }
        tracing::debug!(attempt, "transactions were committed while the snapshots began");
    }
    Ok(None)
}

/// Opens the snapshots while a lock holds commits back. The lock lives on a connection of its own:
/// whatever happens to this operation, it ends with that connection.
async fn under_lock(connect: &ConnectOptions, readers: &mut [Session]) -> Result<Several> {
    let Some(first) = readers.first() else { return Ok(None) };
    let context = first.context().clone();
    let mut locker = Session::open(connect, &context).await?;
    let done = lock_and_begin(&mut locker, readers, &context).await;
    locker.close().await;
    done
}

async fn lock_and_begin(
    locker: &mut Session,
    readers: &mut [Session],
    context: &Context,
) -> Result<Several> {
    locker
        .execute(format!(
            "SET SESSION lock_wait_timeout = {LOCK_SECONDS}, wait_timeout = {LOCKER_IDLE_SECONDS}"
        ))
        .await?;
    if locker.flavor() == Flavor::MySql && !locker.may_flush().await? {
        tracing::debug!("others use tables for long, or may do so unseen: one connection reads");
        return Ok(None);
    }
    let (rung, lock, unlock): (_, &[&str], _) = match locker.flavor() {
        Flavor::MariaDb => (
            SnapshotRung::BackupStage,
            &["BACKUP STAGE START", "BACKUP STAGE BLOCK_COMMIT"],
            "BACKUP STAGE END",
        ),
        Flavor::MySql => {
            (SnapshotRung::GlobalReadLock, &["FLUSH TABLES WITH READ LOCK"], "UNLOCK TABLES")
        }
    };
    for statement in lock {
        match locker.execute(statement).await {
            Err(error) if is_refusal(&error) => {
                tracing::debug!(error = %error.chain(), "no lock, so one connection reads");
                return Ok(None);
            }
            done => done?,
        }
    }
    let begun = tokio::time::timeout(HOLD_TIMEOUT, async {
        begin_all(readers).await?;
        match locker.flavor() {
            Flavor::MariaDb => Ok(Coordinates::default()),
            Flavor::MySql => locker.log_status().await,
        }
    });
    let begun = context.run(begun).await?;
    locker.execute(unlock).await?;
    let Ok(begun) = begun else {
        return Err(Error::new(
            ErrorKind::Connect,
            "the snapshots could not be opened while commits were held back; nothing waits any more",
        ));
    };
    let mut coordinates = begun?;
    if rung == SnapshotRung::BackupStage
        && let Some(first) = readers.first_mut()
    {
        coordinates = first.coordinates_of_snapshot().await?;
    }
    Ok(Some((rung, coordinates)))
}

/// The account may not take the lock, or others held it up.
fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::Privilege
        || error.server().is_some_and(|server| server.number == ER_LOCK_WAIT_TIMEOUT)
}

/// Opens a snapshot on each, all at once: the shorter it takes, the fewer commits come between.
async fn begin_all(readers: &mut [Session]) -> Result<()> {
    join_all(readers.iter_mut().map(Session::begin_snapshot)).await.into_iter().collect()
}

impl Session {
    /// Opens a snapshot of this connection alone.
    async fn start_alone(&mut self) -> Result<Coordinates> {
        match self.flavor() {
            Flavor::MariaDb => {
                self.begin_snapshot().await?;
                self.coordinates_of_snapshot().await
            }
            Flavor::MySql => self.begin_snapshot_between_commits().await,
        }
    }

    /// `MariaDB` with its binary log on keeps metadata locks over a rollback to a savepoint, unless
    /// the session writes nothing to that log. A dump never does, but to say so takes a privilege;
    /// without it the locks of all tables are held until the dump ends. Returns whether they are
    /// freed.
    async fn stop_logging(&mut self) -> Result<bool> {
        match self.execute("SET SESSION sql_log_bin = OFF").await {
            Err(error) if error.kind() == ErrorKind::Privilege => {
                let logs = self.query_one("SELECT @@GLOBAL.log_bin").await?.text(0)? == "1";
                tracing::debug!(logs, "the account may not switch the binary log off");
                Ok(!logs)
            }
            done => done.map(|()| true),
        }
    }

    /// Keeps the metadata locks of what was read until now to the end of the transaction.
    pub(crate) async fn keep_metadata_locks(&mut self) -> Result<()> {
        // One of the same name takes the place of the one before it.
        self.execute(format!("SAVEPOINT {SAVEPOINT}")).await
    }

    /// Frees the metadata locks of what was read since the savepoint.
    pub(crate) async fn release_metadata_locks(&mut self) -> Result<()> {
        self.execute(format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}")).await
    }

    /// Has effect only under REPEATABLE READ, which the session has been set to.
    async fn begin_snapshot(&mut self) -> Result<()> {
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await
    }

    /// Whether `FLUSH TABLES WITH READ LOCK` will hardly have to wait (`MySQL`). It waits for every
    /// statement that reads a table, and everybody else who wants that table then waits for the
    /// flush: until the statement ends, also when the flush has been given up long before. So it is
    /// sent only if no statement has run for a second and nobody holds a table, and if the account
    /// may know that.
    async fn may_flush(&mut self) -> Result<bool> {
        let known = async {
            let held = "SELECT COUNT(*) FROM performance_schema.metadata_locks \
                        WHERE OBJECT_TYPE = 'TABLE' AND (LOCK_DURATION = 'EXPLICIT' \
                        OR LOCK_TYPE NOT IN ('SHARED', 'SHARED_READ', 'SHARED_WRITE', \
                        'SHARED_HIGH_PRIO', 'INTENTION_EXCLUSIVE'))";
            if self.query_one(held).await?.optional_number(0)? != Some(0) {
                return Ok::<_, Error>(false);
            }
            if !self.privileges().await?.global("PROCESS") {
                return Ok(false);
            }
            for row in self.query("SHOW PROCESSLIST").await? {
                // (Of a replica's threads it can be negative.)
                let (command, seconds) = (row.text(4)?, row.text(5)?.parse::<i64>());
                let idle = ["Sleep", "Daemon"].contains(&command.as_str())
                    || command.starts_with("Binlog Dump");
                if !idle && seconds.is_ok_and(|seconds| seconds > 0) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        match known.await {
            // It may not know, or the server does not tell.
            Err(error) if error.server().is_some() => Ok(false),
            known => known,
        }
    }

    /// `MariaDB` tells where in the binary log the snapshot of this very connection stands.
    async fn place_of_snapshot(&mut self) -> Result<Option<BinlogPosition>> {
        let rows = self.query("SHOW SESSION STATUS LIKE 'binlog\\_snapshot\\_%'").await?;
        let mut status = BTreeMap::new();
        for row in rows {
            status.insert(row.text(0)?.to_ascii_lowercase(), row.text(1)?);
        }
        let file = status.remove("binlog_snapshot_file").unwrap_or_default();
        let position = status.remove("binlog_snapshot_position").and_then(|at| at.parse().ok());
        let (false, Some(position)) = (file.is_empty(), position) else { return Ok(None) };
        Ok(Some(BinlogPosition::new(file, position)))
    }

    /// The GTIDs up to a place in `MariaDB`'s binary log, if the account may know.
    async fn gtid_at(&mut self, place: &BinlogPosition) -> Result<Option<String>> {
        let file = place.file.replace('\'', "''");
        let sql = format!("SELECT BINLOG_GTID_POS('{file}', {})", place.position);
        match self.query_one(&sql).await {
            Ok(row) => Ok(row.optional_text(0)?.filter(|gtid| !gtid.is_empty())),
            Err(error) if error.kind() == ErrorKind::Privilege => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn coordinates_of_snapshot(&mut self) -> Result<Coordinates> {
        let Some(place) = self.place_of_snapshot().await? else {
            return Ok(Coordinates::default());
        };
        let gtid = self.gtid_at(&place).await?;
        Ok(Coordinates { binlog: Some(place), gtid })
    }

    /// `MySQL` does not tell a snapshot's position. Without a lock the position is known only when
    /// nothing was committed around the moment at which the snapshot began: the same coordinates
    /// before and after. A server that commits all the time leaves it unknown.
    async fn begin_snapshot_between_commits(&mut self) -> Result<Coordinates> {
        for attempt in 1..=ATTEMPTS {
            let before = self.log_status().await?;
            self.begin_snapshot().await?;
            if before == Coordinates::default() {
                return Ok(before);
            }
            if before == self.log_status().await? {
                return Ok(before);
            }
            tracing::debug!(attempt, "transactions were committed while the snapshot began");
        }
        Ok(Coordinates::default())
    }

    /// Binary log position and GTID set of one moment, read by the server under its own locks
    /// (manual, The `log_status` Table; it needs `BACKUP_ADMIN`).
    async fn log_status(&mut self) -> Result<Coordinates> {
        let sql = "SELECT LOCAL->>'$.binary_log_file', LOCAL->>'$.binary_log_position', \
                   LOCAL->>'$.gtid_executed' FROM performance_schema.log_status";
        let row = match self.query_one(sql).await {
            Ok(row) => row,
            Err(error) if error.kind() == ErrorKind::Privilege => return Ok(Coordinates::default()),
            Err(error) => return Err(error),
        };
        let binlog = match (row.optional_text(0)?, row.optional_number(1)?) {
            (Some(file), Some(position)) => Some(BinlogPosition::new(file, position)),
            _ => None,
        };
        // The server breaks long sets into lines.
        let gtid = row.optional_text(2)?.map(|gtid| gtid.replace('\n', ""));
        Ok(Coordinates { binlog, gtid: gtid.filter(|gtid| !gtid.is_empty()) })
    }
}

//! The consistent snapshot: one transaction under which every row is read, and its place in the
//! binary log.

use std::collections::BTreeMap;

use super::flavor::Flavor;
use super::session::Session;
use crate::archive::{BinlogPosition, Snapshot, SnapshotRung};
use crate::error::{ErrorKind, Result};

/// How often a snapshot is opened anew to catch a moment in which nothing is committed.
const POSITION_ATTEMPTS: u32 = 5;

/// A transaction's savepoint, to which a dump goes back after each table: that frees the table's
/// metadata lock and keeps the snapshot.
const SAVEPOINT: &str = "snapdump";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Coordinates {
    binlog: Option<BinlogPosition>,
    gtid: Option<String>,
}

impl Session {
    /// Opens the snapshot that all later reads of this session see.
    pub(crate) async fn start_snapshot(&mut self) -> Result<Snapshot> {
        let coordinates = match self.flavor() {
            Flavor::MariaDb => {
                self.stop_logging().await?;
                self.begin_snapshot().await?;
                self.coordinates_of_snapshot().await?
            }
            Flavor::MySql => self.begin_snapshot_between_commits().await?,
        };
        self.execute(format!("SAVEPOINT {SAVEPOINT}")).await?;
        Ok(Snapshot {
            rung: SnapshotRung::OneConnection,
            binlog: coordinates.binlog,
            gtid: coordinates.gtid,
        })
    }

    /// `MariaDB` with its binary log on keeps metadata locks over a rollback to a savepoint, unless
    /// the session writes nothing to that log. A dump never does, but to say so takes a privilege;
    /// without it the locks of all tables are held until the dump ends.
    async fn stop_logging(&mut self) -> Result<()> {
        match self.execute("SET SESSION sql_log_bin = OFF").await {
            Err(error) if error.kind() == ErrorKind::Privilege => {
                tracing::debug!("without BINLOG ADMIN, metadata locks are held to the end");
                Ok(())
            }
            done => done,
        }
    }

    /// Frees the metadata locks of what was read since the snapshot began.
    pub(crate) async fn release_metadata_locks(&mut self) -> Result<()> {
        self.execute(format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}")).await
    }

    /// Has effect only under REPEATABLE READ, which the session has been set to.
    async fn begin_snapshot(&mut self) -> Result<()> {
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await
    }

    /// `MariaDB` tells where in the binary log the snapshot of this very connection stands.
    async fn coordinates_of_snapshot(&mut self) -> Result<Coordinates> {
        let rows = self.query("SHOW SESSION STATUS LIKE 'binlog\\_snapshot\\_%'").await?;
        let mut status = BTreeMap::new();
        for row in rows {
            status.insert(row.text(0)?.to_ascii_lowercase(), row.text(1)?);
        }
        let file = status.remove("binlog_snapshot_file").unwrap_or_default();
        let position = status.remove("binlog_snapshot_position").and_then(|at| at.parse().ok());
        let (false, Some(position)) = (file.is_empty(), position) else {
            return Ok(Coordinates::default());
        };
        let quoted = file.replace('\'', "''");
        let sql = format!("SELECT BINLOG_GTID_POS('{quoted}', {position})");
        let gtid = match self.query_one(&sql).await {
            Ok(row) => row.optional_text(0)?.filter(|gtid| !gtid.is_empty()),
            Err(error) if error.kind() == ErrorKind::Privilege => None,
            Err(error) => return Err(error),
        };
        Ok(Coordinates { binlog: Some(BinlogPosition::new(file, position)), gtid })
    }

    /// `MySQL` does not tell a snapshot's position. Without a lock the position is known only when
    /// nothing was committed around the moment at which the snapshot began: the same coordinates
    /// before and after. A server that commits all the time leaves it unknown.
    async fn begin_snapshot_between_commits(&mut self) -> Result<Coordinates> {
        for attempt in 1..=POSITION_ATTEMPTS {
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

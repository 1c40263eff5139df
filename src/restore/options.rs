//! How a file is restored.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a restore does with objects of the target that the file does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RestoreMode {
    /// They stay, as they do with the stock client. What the file holds replaces what is there.
    #[default]
    Merge,
    /// They go: every object of the databases that the file writes to is dropped before the first
    /// statement, so that these become what the file says.
    Replace,
}

/// Options of a restore. The defaults are the safe ones.
///
/// | option | default | the stock client's name for it |
/// |---|---|---|
/// | [`with_restore_point_directory`](Self::with_restore_point_directory) | none | none |
/// | [`with_mode`](Self::with_mode) | merge | none |
/// | [`with_other_databases`](Self::with_other_databases) | `false` | without `--one-database` |
/// | [`with_binlog`](Self::with_binlog) | `true` | `SET sql_log_bin=0` by hand |
/// | [`with_connections`](Self::with_connections) | the cores, at most 4 | none |
/// | [`with_incomplete`](Self::with_incomplete) | `false` | none; it never checks |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RestoreOptions {
    restore_point_directory: Option<PathBuf>,
    mode: RestoreMode,
    other_databases: bool,
    binlog: bool,
    incomplete: bool,
    connections: Option<usize>,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self {
            restore_point_directory: None,
            mode: RestoreMode::default(),
            other_databases: false,
            binlog: true,
            incomplete: false,
            connections: None,
        }
    }
}

impl RestoreOptions {
    /// Where the restore point is written before anything is changed. It is needed whenever the
    /// target holds anything.
    #[must_use]
    pub fn with_restore_point_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.restore_point_directory = Some(directory.into());
        self
    }

    /// Whether objects of the target that the file does not hold stay or go.
    #[must_use]
    pub fn with_mode(mut self, mode: RestoreMode) -> Self {
        self.mode = mode;
        self
    }

    /// Whether a script of another tool may create, drop and select databases by name. The restore
    /// point then holds those databases, and the one of the connection. Names such as
    /// `other.table` are not looked at. Our own files that name their databases need no such leave:
    /// their manifest says which they are.
    #[must_use]
    pub fn with_other_databases(mut self, allowed: bool) -> Self {
        self.other_databases = allowed;
        self
    }

    /// Whether the restore is written to the server's binary log, and so reaches its replicas.
    /// Leaving it out needs a privilege (`SUPER`, `BINLOG ADMIN` or `SYSTEM_VARIABLES_ADMIN`).
    #[must_use]
    pub fn with_binlog(mut self, binlog: bool) -> Self {
        self.binlog = binlog;
        self
    }

    /// Whether a dump by a stock tool that lacks its last line may be restored although it looks
    /// cut off. Our own files have to be whole whatever this says.
    #[must_use]
    pub fn with_incomplete(mut self, allowed: bool) -> Self {
        self.incomplete = allowed;
        self
    }

    /// How many connections replay the rows of a file of our own at a time; at least 1. Any other
    /// file is replayed in order on one.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// How many connections replay a file of our own.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(4))
            .max(1)
    }

    /// Where the restore point is written.
    #[must_use]
    pub fn restore_point_directory(&self) -> Option<&std::path::Path> {
        self.restore_point_directory.as_deref()
    }

    /// What happens to objects that the file does not hold.
    #[must_use]
    pub const fn mode(&self) -> RestoreMode {
        self.mode
    }

    /// Whether a script may create, drop and select databases by name.
    #[must_use]
    pub const fn other_databases(&self) -> bool {
        self.other_databases
    }

    /// Whether the restore is written to the binary log.
    #[must_use]
    pub const fn binlog(&self) -> bool {
        self.binlog
    }

    /// Whether a stock dump without its last line may be restored.
    #[must_use]
    pub const fn incomplete(&self) -> bool {
        self.incomplete
    }
}

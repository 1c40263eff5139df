//! What a dump is to hold and how it is written.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::select::Selector;
use crate::archive::Compression;
use crate::ident::ObjectKind;

/// Which databases a dump holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Databases {
    /// The database that the connection names. The file does not name it, so it restores into
    /// whatever database is selected (`mysqldump db`).
    #[default]
    Current,
    /// These. The file creates and selects them by name (`mysqldump --databases`).
    Named(Vec<String>),
    /// All but the server's own: `mysql`, `sys`, `information_schema`, `performance_schema` and
    /// `ndbinfo`. The file creates and selects them by name (`mysqldump --all-databases`, which
    /// holds `mysql` too).
    All,
}

/// What becomes of the `DEFINER` of views, routines, triggers and events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Definer {
    /// Kept as it is. Restoring it for another account needs the privilege `SET USER` (`MariaDB`)
    /// or `SET_ANY_DEFINER` (`MySQL`).
    #[default]
    Keep,
    /// Left out: the restoring account becomes the definer.
    Strip,
    /// Replaced by this account.
    Replace {
        /// The user part of the account.
        user: String,
        /// The host part of the account.
        host: String,
    },
}

/// What becomes of tables whose engine has no transactions (`MyISAM`, `MEMORY`, `CSV`, `Aria` …): no
/// snapshot covers them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NonTransactional {
    /// Each is locked against writing while it is read (`LOCK TABLES … READ`); where the account
    /// may not do that, it is read as it is, with a warning. The manifest names each and says how it
    /// was held.
    #[default]
    Lock,
    /// The same, but without the right to lock there is no dump.
    RequireLock,
    /// A dump that would hold rows of one fails, and names all of them.
    Refuse,
}

/// What becomes of the rows of the past that a system-versioned table keeps (`MariaDB`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum History {
    /// They are left out, and a warning counts them. The current rows are as new as their restore.
    #[default]
    Omit,
    /// They are dumped, and every row with the time from which, and to which, it was current. The
    /// server that it is restored on has to be `MariaDB` 10.11 or later, which lets these times be
    /// inserted. Where the server does not let anybody do that, or counts versions by numbers of
    /// transactions, the dump fails and names the tables.
    Require,
    /// The same, but tables whose history cannot be restored are dumped without it, with a warning.
    IfPossible,
}

/// Options of a dump. The defaults hold everything and are the safe ones.
///
/// | option | default | mysqldump's name for it |
/// |---|---|---|
/// | [`with_databases`](Self::with_databases) | the connection's | `--databases`, `--all-databases` |
/// | [`with_include`](Self::with_include) | everything | table names after the database, `--tables` |
/// | [`with_exclude`](Self::with_exclude) | nothing | `--ignore-table` |
/// | [`without_kind`](Self::without_kind) | nothing | `--skip-triggers`; routines and events are off there unless `--routines`, `--events` |
/// | [`with_rows`](Self::with_rows) | `true` | `--no-data` |
/// | [`without_rows_of`](Self::without_rows_of) | nothing | `--ignore-table-data` (mariadb-dump) |
/// | [`with_definitions`](Self::with_definitions) | `true` | `--no-create-info` |
/// | [`with_where`](Self::with_where) | all rows | `--where`, for all tables at once |
/// | [`with_definer`](Self::with_definer) | keep | none; `--skip-definer` in mysqlpump |
/// | [`with_compression`](Self::with_compression) | gzip | a pipe to `gzip` |
/// | [`with_target_max_allowed_packet`](Self::with_target_max_allowed_packet) | 16 MiB | `--max-allowed-packet`, `--net-buffer-length` |
/// | [`with_compression_threads`](Self::with_compression_threads) | the cores, at most 4 | none |
/// | [`with_connections`](Self::with_connections) | the cores, at most 4 | `--parallel` (mariadb-dump 11.5, into a directory) |
/// | [`with_chunk_bytes`](Self::with_chunk_bytes) | 16 MiB | `--chunk-filesize`, `--rows` (mydumper) |
/// | [`with_nontransactional`](Self::with_nontransactional) | lock each | none; `--lock-tables` excludes `--single-transaction` |
/// | [`with_history`](Self::with_history) | left out | `--dump-history` (mariadb-dump 10.11) |
/// | [`with_lock_wait_seconds`](Self::with_lock_wait_seconds) | 10, or 5 for `LOCK TABLES` | none: as long as the server's `lock_wait_timeout`, a year |
/// | [`with_metadata_locks_kept`](Self::with_metadata_locks_kept) | `false` | none; mysqldump frees them table by table too |
/// | [`with_accounts`](Self::with_accounts) | `false` | `--users` (mysqldump 9.4), `--system=users` (mariadb-dump) |
/// | [`with_partial`](Self::with_partial) | `false` | always on, and silent |
/// | [`with_overwrite`](Self::with_overwrite) | `false` | `--result-file` always overwrites |
///
/// What is always on: `--single-transaction`, `--quick`, `--hex-blob`, `--complete-insert`,
/// `--extended-insert`, `--add-drop-table`, `--tz-utc`, `--set-charset`, `--quote-names`,
/// `--order-by-primary`, and FLOAT values in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct DumpOptions {
    databases: Databases,
    include: Vec<Selector>,
    exclude: Vec<Selector>,
    without_kinds: BTreeSet<ObjectKind>,
    rows: bool,
    without_rows_of: Vec<Selector>,
    definitions: bool,
    conditions: BTreeMap<String, String>,
    definer: Definer,
    compression: Compression,
    target_max_allowed_packet: u64,
    compression_threads: Option<usize>,
    connections: Option<usize>,
    chunk_bytes: u64,
    overwrite: bool,
    partial: bool,
    accounts: bool,
    nontransactional: NonTransactional,
    history: History,
    lock_wait_seconds: Option<u32>,
    metadata_locks_kept: bool,
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self {
            databases: Databases::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            without_kinds: BTreeSet::new(),
            rows: true,
            without_rows_of: Vec::new(),
            definitions: true,
            conditions: BTreeMap::new(),
            definer: Definer::default(),
            compression: Compression::default(),
            target_max_allowed_packet: 16 << 20,
            compression_threads: None,
            connections: None,
            chunk_bytes: 16 << 20,
            overwrite: false,
            partial: false,
            accounts: false,
            nontransactional: NonTransactional::default(),
            history: History::default(),
            lock_wait_seconds: None,
            metadata_locks_kept: false,
        }
    }
}

impl DumpOptions {
    /// The databases to dump.
    #[must_use]
    pub fn with_databases(mut self, databases: Databases) -> Self {
        self.databases = databases;
        self
    }

    /// Dumps only what a selector matches. Several add up. A selector with a kind limits only
    /// objects of that kind; triggers of tables that are left out are left out too.
    #[must_use]
    pub fn with_include(mut self, selector: Selector) -> Self {
        self.include.push(selector);
        self
    }

    /// Leaves out what a selector matches, also where an include matches it. Several add up.
    #[must_use]
    pub fn with_exclude(mut self, selector: Selector) -> Self {
        self.exclude.push(selector);
        self
    }

    /// Leaves out all objects of a kind.
    #[must_use]
    pub fn without_kind(mut self, kind: ObjectKind) -> Self {
        self.without_kinds.insert(kind);
        self
    }

    /// Whether the rows of tables are dumped.
    #[must_use]
    pub fn with_rows(mut self, rows: bool) -> Self {
        self.rows = rows;
        self
    }

    /// Leaves out the rows of the tables that a selector matches, and keeps their definitions.
    #[must_use]
    pub fn without_rows_of(mut self, selector: Selector) -> Self {
        self.without_rows_of.push(selector);
        self
    }

    /// Whether definitions are dumped. Without them the file holds only rows, to be inserted into
    /// tables that are there already; what those held before stays.
    #[must_use]
    pub fn with_definitions(mut self, definitions: bool) -> Self {
        self.definitions = definitions;
        self
    }

    /// Dumps only the rows of `table` that meet `condition`, an SQL expression that is sent to
    /// the server as it is. `table` is a table's name, or `database.table`.
    #[must_use]
    pub fn with_where(mut self, table: impl Into<String>, condition: impl Into<String>) -> Self {
        self.conditions.insert(table.into(), condition.into());
        self
    }

    /// What becomes of definers.
    #[must_use]
    pub fn with_definer(mut self, definer: Definer) -> Self {
        self.definer = definer;
        self
    }

    /// How the file is compressed.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// The `max_allowed_packet` in bytes of the server that the dump will be restored on. INSERT
    /// statements stay below half of it, and below 1 MiB; a longer single row is written alone,
    /// with a warning if it is longer than this value. Below 1024, the server's own
    /// minimum, it counts as 1024.
    #[must_use]
    pub fn with_target_max_allowed_packet(mut self, bytes: u64) -> Self {
        self.target_max_allowed_packet = bytes.max(1024);
        self
    }

    /// How many threads compress; by default as many as there are cores, at most 4.
    #[must_use]
    pub fn with_compression_threads(mut self, threads: usize) -> Self {
        self.compression_threads = Some(threads);
        self
    }

    /// How many connections read tables; by default as many as there are cores, at most 4. Several
    /// are used only if they provably see one state, see
    /// [`SnapshotRung`](crate::archive::SnapshotRung); otherwise fewer read, and
    /// [`Snapshot::connections`](crate::archive::Snapshot::connections) says how many. One connection
    /// needs no privilege beyond reading, and then the same rows give the same file, up to its
    /// footer. Large tables are read in pieces, which stand in the file in the order in which they
    /// were finished.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// About how many bytes of rows a piece of a large table has, as the server counts them; at
    /// least 64 KiB. A table is large from one and a half times that, or from 200,000 rows, which
    /// are also the most that a piece has.
    #[must_use]
    pub fn with_chunk_bytes(mut self, bytes: u64) -> Self {
        self.chunk_bytes = bytes.max(64 << 10);
        self
    }

    /// Whether [`dump_to_path`](crate::dump_to_path) may replace a file that is there.
    #[must_use]
    pub fn with_overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Whether a dump may go on although the account's grants do not let it see everything. What
    /// may be missing then stands among the warnings of the report and the manifest.
    #[must_use]
    pub fn with_partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// Whether all accounts, roles and grants of the server are dumped too, with their hashed
    /// passwords. They can be restored on a server of the same flavour, if
    /// [`RestoreOptions::with_accounts`](crate::RestoreOptions::with_accounts) allows it: accounts
    /// that are there keep their password and everything else, and are granted what is missing.
    ///
    /// The server's own accounts (`mysql.sys`, `mariadb.sys` …) are left out, and so is `root` of
    /// the local host, which every installation makes for itself. Grants on single tables and
    /// routines that the file does not hold are left out with a warning. It needs databases that
    /// are named ([`Databases::Named`] or [`Databases::All`]), because grants name them, and the
    /// privilege SELECT on `mysql.*`.
    #[must_use]
    pub fn with_accounts(mut self, accounts: bool) -> Self {
        self.accounts = accounts;
        self
    }

    /// What becomes of tables without transactions.
    #[must_use]
    pub fn with_nontransactional(mut self, nontransactional: NonTransactional) -> Self {
        self.nontransactional = nontransactional;
        self
    }

    /// What becomes of tables without transactions.
    #[must_use]
    pub const fn nontransactional(&self) -> NonTransactional {
        self.nontransactional
    }

    /// What becomes of the rows of the past in system-versioned tables (`MariaDB`).
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// What becomes of the rows of the past in system-versioned tables.
    #[must_use]
    pub const fn history(&self) -> History {
        self.history
    }

    /// How many seconds the dump waits for a lock that another session holds on a table, at least 1.
    /// While it waits, others may queue behind it: for the lock of a table without transactions,
    /// everybody who writes to that table. By default it waits 10 seconds for definitions and 5 for
    /// that lock; this sets both.
    #[must_use]
    pub fn with_lock_wait_seconds(mut self, seconds: u32) -> Self {
        self.lock_wait_seconds = Some(seconds);
        self
    }

    /// How many seconds it waits for the metadata lock of an object.
    #[must_use]
    pub fn lock_wait_seconds(&self) -> u32 {
        self.lock_wait_seconds.unwrap_or(10).max(1)
    }

    /// How many seconds it waits for the lock of a table without transactions.
    pub(crate) fn read_lock_wait_seconds(&self) -> u32 {
        self.lock_wait_seconds.unwrap_or(5).max(1)
    }

    /// Whether the metadata locks of all tables are taken before the first one is read and kept to
    /// the end of the dump. Then nobody can alter, rename or drop one meanwhile: they wait, and
    /// everybody who uses that table after them waits behind them. Otherwise the lock of each table is
    /// freed when it has been read, and a table that was changed before that fails the dump.
    #[must_use]
    pub fn with_metadata_locks_kept(mut self, kept: bool) -> Self {
        self.metadata_locks_kept = kept;
        self
    }

    /// Whether the metadata locks of all tables are kept to the end of the dump.
    #[must_use]
    pub const fn metadata_locks_kept(&self) -> bool {
        self.metadata_locks_kept
    }

    /// Whether accounts, roles and grants are dumped.
    #[must_use]
    pub const fn accounts(&self) -> bool {
        self.accounts
    }

    /// Whether a dump may go on although the account does not see everything.
    #[must_use]
    pub const fn partial(&self) -> bool {
        self.partial
    }

    /// The databases to dump.
    #[must_use]
    pub const fn databases(&self) -> &Databases {
        &self.databases
    }

    /// What is dumped; everything if empty.
    #[must_use]
    pub fn include(&self) -> &[Selector] {
        &self.include
    }

    /// What is left out.
    #[must_use]
    pub fn exclude(&self) -> &[Selector] {
        &self.exclude
    }

    /// The kinds that are left out.
    #[must_use]
    pub const fn left_out_kinds(&self) -> &BTreeSet<ObjectKind> {
        &self.without_kinds
    }

    /// Whether rows are dumped.
    #[must_use]
    pub const fn rows(&self) -> bool {
        self.rows
    }

    /// The tables whose rows are left out.
    #[must_use]
    pub fn tables_without_rows(&self) -> &[Selector] {
        &self.without_rows_of
    }

    /// Whether definitions are dumped.
    #[must_use]
    pub const fn definitions(&self) -> bool {
        self.definitions
    }

    /// The row conditions, by table.
    #[must_use]
    pub const fn conditions(&self) -> &BTreeMap<String, String> {
        &self.conditions
    }

    /// What becomes of definers.
    #[must_use]
    pub const fn definer(&self) -> &Definer {
        &self.definer
    }

    /// How the file is compressed.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// The `max_allowed_packet` of the target, in bytes.
    #[must_use]
    pub const fn target_max_allowed_packet(&self) -> u64 {
        self.target_max_allowed_packet
    }

    /// How many threads compress.
    #[must_use]
    pub fn compression_threads(&self) -> usize {
        self.compression_threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(4))
    }

    /// About how many bytes of rows a piece of a large table has.
    #[must_use]
    pub fn chunk_bytes(&self) -> u64 {
        // Options that were read from somewhere have not passed the setter.
        self.chunk_bytes.max(64 << 10)
    }

    /// How many connections read tables; at least 1.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(4))
            .max(1)
    }

    /// Whether a file that is there may be replaced.
    #[must_use]
    pub const fn overwrite(&self) -> bool {
        self.overwrite
    }
}

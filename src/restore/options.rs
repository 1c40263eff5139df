//! How a file is restored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::definer::DefinerPolicy;
use crate::archive::INFLATION_LIMIT;
use crate::error::Result;
use crate::sql::charset::Charset;

/// The longest statement that a server can take: what one `max_allowed_packet` can be at most.
const MAX_STATEMENT_BYTES: usize = 1 << 30;

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
/// | [`with_rename`](Self::with_rename) | none | none |
/// | [`with_accounts`](Self::with_accounts) | `false` | none; it sends everything |
/// | [`with_server_statements`](Self::with_server_statements) | `false` | none; it sends everything |
/// | [`with_indirect_statements`](Self::with_indirect_statements) | `false` | none; it sends everything |
/// | [`with_replication_state`](Self::with_replication_state) | `false` | none; it sends everything |
/// | [`with_definer`](Self::with_definer) | keep | none |
/// | [`with_collation`](Self::with_collation) | none | none |
/// | [`with_default_charset`](Self::with_default_charset) | `utf8mb4` | `--default-character-set` |
/// | [`with_binlog`](Self::with_binlog) | `true` | `SET sql_log_bin=0` by hand |
/// | [`with_connections`](Self::with_connections) | the cores, at most 4; 4 create tables | none |
/// | [`with_deferred_index_bytes`](Self::with_deferred_index_bytes) | 16 MiB | `--optimize-keys` (myloader) |
/// | [`with_incomplete`](Self::with_incomplete) | `false` | none; it never checks |
/// | [`with_continue_on_error`](Self::with_continue_on_error) | `false` | `--force` |
/// | [`with_max_statement_bytes`](Self::with_max_statement_bytes) | 1 GiB | `--max-allowed-packet` |
/// | [`with_inflation_limit`](Self::with_inflation_limit) | 1,100 | none |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct RestoreOptions {
    restore_point_directory: Option<PathBuf>,
    mode: RestoreMode,
    other_databases: bool,
    renames: BTreeMap<String, String>,
    accounts: bool,
    server_statements: bool,
    indirect_statements: bool,
    replication_state: bool,
    definer: DefinerPolicy,
    collations: BTreeMap<String, String>,
    default_charset: String,
    binlog: bool,
    incomplete: bool,
    continue_on_error: bool,
    connections: Option<usize>,
    deferred_index_bytes: u64,
    max_statement_bytes: usize,
    inflation_limit: u64,
}

impl Default for RestoreOptions {
    fn default() -> Self {
        Self {
            restore_point_directory: None,
            mode: RestoreMode::default(),
            other_databases: false,
            renames: BTreeMap::new(),
            accounts: false,
            server_statements: false,
            indirect_statements: false,
            replication_state: false,
            definer: DefinerPolicy::Keep,
            collations: BTreeMap::new(),
            default_charset: "utf8mb4".to_owned(),
            binlog: true,
            incomplete: false,
            continue_on_error: false,
            connections: None,
            deferred_index_bytes: 16 << 20,
            max_statement_bytes: MAX_STATEMENT_BYTES,
            inflation_limit: INFLATION_LIMIT,
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

    /// Whether a script may leave the database that it is restored into: `USE`, `CREATE`, `ALTER`
    /// and `DROP DATABASE`, and names such as `other.table` in what it changes, calls or locks.
    /// The restore point then holds those databases, and the one of the connection. Our own files
    /// that name their databases need no such leave for those: their manifest says which they are.
    ///
    /// What is only read needs no leave, nor do the bodies of views and stored programs.
    #[must_use]
    pub fn with_other_databases(mut self, allowed: bool) -> Self {
        self.other_databases = allowed;
        self
    }

    /// Restores the database `from` under the name `to`, wherever the script selects, creates,
    /// alters or drops it, or names it in front of an object. Bodies of views and stored programs
    /// are left as they are; a warning names those that mention it.
    ///
    /// A file that does not name its database needs none of this: it goes into the database of
    /// the connection, whatever that is called. Two databases of a file cannot get one name: that is
    /// refused.
    #[must_use]
    pub fn with_rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.insert(from.into(), to.into());
        self
    }

    /// Whether a script may change accounts, roles and privileges: `CREATE USER`, `GRANT`,
    /// `SET PASSWORD` and the like. A restore point does not hold them.
    ///
    /// So may a file of our own with accounts
    /// ([`DumpOptions::with_accounts`](crate::DumpOptions::with_accounts)): those that are there
    /// already, the one that restores among them, keep their password and every other property,
    /// and are granted what is missing. No restore point covers accounts. Grants that name
    /// databases which the file does not hold need `with_other_databases` too, and partial revokes
    /// (`MySQL`), which spare the account that restores, `with_indirect_statements`.
    #[must_use]
    pub fn with_accounts(mut self, allowed: bool) -> Self {
        self.accounts = allowed;
        self
    }

    /// Whether a script may hold statements about the server as a whole (`SET GLOBAL`, `INSTALL`,
    /// `FLUSH`, `SHUTDOWN`, replication commands, files of the server …), and ones that are not
    /// known here. A restore point does not hold what they change.
    #[must_use]
    pub fn with_server_statements(mut self, allowed: bool) -> Self {
        self.server_statements = allowed;
        self
    }

    /// Whether a script may run what is not in its own text: `PREPARE`, `EXECUTE`, `CALL` and
    /// compound statements. Nothing is known about what these do; a restore point may not cover it.
    #[must_use]
    pub fn with_indirect_statements(mut self, allowed: bool) -> Self {
        self.indirect_statements = allowed;
        self
    }

    /// Whether `SET` statements about what replication has done (`gtid_purged`, `sql_log_bin` …)
    /// are sent. They are left out otherwise, with a warning: they belong to a copy that becomes a
    /// replica, not to data that comes back.
    #[must_use]
    pub fn with_replication_state(mut self, sent: bool) -> Self {
        self.replication_state = sent;
        self
    }

    /// What becomes of the `DEFINER` clauses.
    #[must_use]
    pub fn with_definer(mut self, policy: DefinerPolicy) -> Self {
        self.definer = policy;
        self
    }

    /// Puts the collation `to` in the place of `from`, wherever the script names it in a definition
    /// or a `SET`. This is for servers that do not have `from`; how text compares and sorts, and
    /// what a unique key takes for equal, can change by it. The report says how often it was done.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if one of them cannot be the name of a
    /// collation.
    pub fn with_collation(mut self, from: &str, to: &str) -> Result<Self> {
        for name in [from, to] {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(letter) {
                return Err(crate::error::Error::config(format!("'{name}' is no collation")));
            }
        }
        self.collations.insert(from.to_ascii_lowercase(), to.to_owned());
        Ok(self)
    }

    /// The character set that the script is written in until it says so itself, by the server's
    /// name for it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if no script can be read in it.
    pub fn with_default_charset(mut self, name: &str) -> Result<Self> {
        Charset::from_name(name).map_err(|error| {
            crate::error::Error::config("the default character set").with_source(error)
        })?;
        name.clone_into(&mut self.default_charset);
        Ok(self)
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

    /// Whether a restore goes on after a statement that the server refuses. It still ends as
    /// failed: the error is that of the first such statement, and has those of the others
    /// ([`Error::others`](crate::Error::others)). One connection replays then, whatever
    /// [`with_connections`](Self::with_connections) says.
    #[must_use]
    pub fn with_continue_on_error(mut self, goes_on: bool) -> Self {
        self.continue_on_error = goes_on;
        self
    }

    /// How many connections create the tables of a file of our own and replay their rows at a time, and
    /// the rows of large tables of a dump by `mysqldump` or `mariadb-dump`; at least 1. All else is
    /// replayed in order on one. By default, where there are two cores or more, four create tables.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// From how many bytes of SQL a table, replayed by several connections, gets its secondary indexes
    /// and foreign keys after its rows: building them at once is several times as fast. Only those of InnoDB tables are put off, and none that the server needs where
    /// it is, such as the only index that a foreign key of another table rests on. `u64::MAX` puts
    /// none off. If the restore fails in between, tables may lack such indexes and keys, as they may
    /// lack rows.
    #[must_use]
    pub fn with_deferred_index_bytes(mut self, bytes: u64) -> Self {
        self.deferred_index_bytes = bytes;
        self
    }

    /// How long a statement may be, in bytes; at most 1 GiB, which is the most that a server takes.
    /// A statement is held in memory as a whole, so this bounds the memory that a file can take:
    /// lower it for files of doubtful origin. The restore of a file with a longer one is refused
    /// before anything is changed, as is that of one longer than the server's `max_allowed_packet`,
    /// of which no more than that and 8 MiB is read.
    #[must_use]
    pub fn with_max_statement_bytes(mut self, bytes: usize) -> Self {
        self.max_statement_bytes = bytes;
        self
    }

    /// How many times its stored length the text of a compressed file of another tool may have,
    /// beyond 64 MiB of text. gzip never reaches the default. Raise it for a zstd file that holds
    /// the same few bytes again and again.
    #[must_use]
    pub fn with_inflation_limit(mut self, times: u64) -> Self {
        self.inflation_limit = times;
        self
    }

    /// How long a statement may be, in bytes.
    #[must_use]
    pub fn max_statement_bytes(&self) -> usize {
        self.max_statement_bytes.min(MAX_STATEMENT_BYTES)
    }

    /// How many times its stored length the text of a compressed file may have.
    #[must_use]
    pub const fn inflation_limit(&self) -> u64 {
        self.inflation_limit
    }

    /// From how many bytes of SQL a table gets its secondary indexes after its rows.
    #[must_use]
    pub const fn deferred_index_bytes(&self) -> u64 {
        self.deferred_index_bytes
    }

    /// How many connections create tables and replay rows.
    #[must_use]
    pub fn connections(&self) -> usize {
        if self.continue_on_error {
            return 1;
        }
        self.connections
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(4))
            .max(1)
    }

    /// How many of them create tables. Unless the caller has said a number these are 4: creating a
    /// table is more waiting, for the disk and for answers, than work.
    pub(super) fn creating_connections(&self) -> usize {
        const CREATING_CONNECTIONS: usize = 4;
        match (self.connections, self.connections()) {
            (None, 2..CREATING_CONNECTIONS) => CREATING_CONNECTIONS,
            (_, connections) => connections,
        }
    }

    /// The options under which the restore point of a restore with these comes back: as it is.
    pub(super) fn of_restore_point(&self) -> Self {
        Self { binlog: self.binlog, connections: self.connections, ..Self::default() }
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

    /// Whether a script may leave the database that it is restored into.
    #[must_use]
    pub const fn other_databases(&self) -> bool {
        self.other_databases
    }

    /// Which databases are restored under another name, and which.
    #[must_use]
    pub const fn renames(&self) -> &BTreeMap<String, String> {
        &self.renames
    }

    /// Whether a script may change accounts.
    #[must_use]
    pub const fn accounts(&self) -> bool {
        self.accounts
    }

    /// Whether a script may hold statements about the server as a whole.
    #[must_use]
    pub const fn server_statements(&self) -> bool {
        self.server_statements
    }

    /// Whether a script may run what is not in its own text.
    #[must_use]
    pub const fn indirect_statements(&self) -> bool {
        self.indirect_statements
    }

    /// Whether statements about the state of replication are sent.
    #[must_use]
    pub const fn replication_state(&self) -> bool {
        self.replication_state
    }

    /// What becomes of the `DEFINER` clauses.
    #[must_use]
    pub const fn definer(&self) -> &DefinerPolicy {
        &self.definer
    }

    /// Which collations take the place of which, by names in lower case.
    #[must_use]
    pub const fn collations(&self) -> &BTreeMap<String, String> {
        &self.collations
    }

    /// The character set that the script is written in until it says so itself.
    #[must_use]
    pub fn default_charset(&self) -> &str {
        &self.default_charset
    }

    /// Whether the restore is written to the binary log.
    #[must_use]
    pub const fn binlog(&self) -> bool {
        self.binlog
    }

    /// Whether a restore goes on after a statement that the server refuses.
    #[must_use]
    pub const fn continue_on_error(&self) -> bool {
        self.continue_on_error
    }

    /// Whether a stock dump without its last line may be restored.
    #[must_use]
    pub const fn incomplete(&self) -> bool {
        self.incomplete
    }
}

//! Reads everything a server will tell about one database, and lists how two databases differ.
//!
//! The integration tests and `examples/quickstart` judge the library with it, so it knows
//! nothing of the library: it shares no query, no decoding and no idea of what matters with the
//! code that it judges.
//!
//! **What is compared.** The database's own settings; every table, column, index and partition;
//! every row; views, triggers, functions, procedures, packages, libraries, events and sequences.
//! Each catalogue view is read with all its columns, apart from those named in
//! [`catalog::LEFT_OUT`], so an attribute that a future server adds is compared without a change
//! here. The text of `SHOW CREATE …` is compared byte by byte, but for two things that are no
//! part of the definition: the database's name in views (below), and in tables a character set
//! that the collation behind it implies (`text::without_implied_charset` says why).
//!
//! **Rows.** Values arrive over the binary protocol with `character_set_results` NULL, so text
//! comes in the bytes that the server stores, FLOAT and DOUBLE as bits, and temporal values as
//! fields. Where two stored values can look alike, a second expression tells them apart: the
//! number behind an ENUM or SET, the JSON type on MySQL. Rows are compared as a multiset, because
//! a table has no order.
//!
//! **Definitions.** Where the printed text of members or of a default is not the whole truth, the
//! bytes that the server keeps are read as well ([`exact`] says how).
//!
//! **Names of the two databases may differ.** Servers write the database's name in front of the
//! tables of some views, of every stored function a view calls, and of a sequence in a column's
//! default. There the quoted name followed by a dot is replaced by [`text::DATABASE_MARKER`].
//! Bodies of routines, triggers and events are kept by the server as they were typed, and compared
//! so.
//!
//! **Left out**: times of creation and change, statistics, histograms, grants and accounts, and
//! what belongs to the server instead of the database (origin of an event, tablespace files).

#![allow(dead_code, reason = "each crate that includes this module uses a part of it")]

pub(crate) mod catalog;
pub(crate) mod difference;
pub(crate) mod exact;
pub(crate) mod rows;
pub(crate) mod text;

use std::collections::BTreeMap;
use std::fmt;

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

pub(crate) use difference::compare;
pub(crate) use rows::TableData;

/// What kind of thing an [`Object`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Database,
    Table,
    Column,
    Index,
    Partition,
    View,
    Trigger,
    Function,
    Procedure,
    Package,
    PackageBody,
    Library,
    Event,
    Sequence,
}

/// One thing in a database: its kind and its name.
///
/// Names of columns, indexes and partitions have their table's name in front: `loans.due`. The
/// database itself has the empty name, since the two databases of a comparison may be named
/// differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl Object {
    pub(crate) fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Database => return f.write_str("database"),
            Kind::Table => "table",
            Kind::Column => "column",
            Kind::Index => "index",
            Kind::Partition => "partition",
            Kind::View => "view",
            Kind::Trigger => "trigger",
            Kind::Function => "function",
            Kind::Procedure => "procedure",
            Kind::Package => "package",
            Kind::PackageBody => "package body",
            Kind::Library => "library",
            Kind::Event => "event",
            Kind::Sequence => "sequence",
        };
        write!(f, "{kind} {}", self.name)
    }
}

/// Attribute names and their values as the server sent them; `None` is NULL.
pub(crate) type Attributes = BTreeMap<String, Option<Vec<u8>>>;

/// Everything about one database at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// The name it was read under.
    pub(crate) database: String,
    /// The definition of every object.
    pub(crate) objects: BTreeMap<Object, Attributes>,
    /// The rows of every base table, by table name.
    pub(crate) tables: BTreeMap<String, TableData>,
}

impl Description {
    /// Rows in all tables.
    pub(crate) fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
}

/// Reads everything about `database`.
///
/// Nothing may change the database meanwhile: the catalogue is not part of any snapshot. The
/// session of `conn` is changed (database, `sql_mode`, time zone, character sets) and stays so.
///
/// # Errors
/// Any error of the server, and an error of kind `Other` when there is no such database.
pub(crate) async fn describe(
    conn: &mut Conn,
    database: &str,
) -> Result<Description, mysql_async::Error> {
    let mariadb = prepare_session(conn, database).await?;
    let objects = catalog::read(conn, database, mariadb).await?;
    let mut tables = BTreeMap::new();
    for layout in rows::layouts(conn, database, mariadb).await? {
        let data = rows::read(conn, &layout).await?;
        tables.insert(layout.table, data);
    }
    Ok(Description { database: database.to_owned(), objects, tables })
}

/// Brings the session into the one state in which every answer is exact; true for MariaDB.
async fn prepare_session(conn: &mut Conn, database: &str) -> Result<bool, mysql_async::Error> {
    conn.query_drop("SET NAMES utf8mb4").await?;
    // NULL: results are not converted, so text comes as it is stored.
    conn.query_drop(
        "SET SESSION character_set_results = NULL, sql_mode = '', time_zone = '+00:00', \
         sql_quote_show_create = 1",
    )
    .await?;
    let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
    let mariadb = version.is_some_and(|text| text.contains("MariaDB"));
    conn.query_drop(if mariadb {
        "SET SESSION max_statement_time = 0"
    } else {
        // Without the first setting AUTO_INCREMENT may be a day old; without the second the
        // generated invisible primary key would be missing from every list of columns.
        "SET SESSION information_schema_stats_expiry = 0, \
         show_gipk_in_create_table_and_information_schema = ON, max_execution_time = 0"
    })
    .await?;
    // Inside its own database SHOW CREATE VIEW leaves the qualifier away where it can.
    conn.query_drop(format!("USE {}", quote_name(database))).await?;
    Ok(mariadb)
}

/// An identifier in backticks.
pub(crate) fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string literal, for a session whose `sql_mode` is empty.
pub(crate) fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

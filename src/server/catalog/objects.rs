//! The objects of a database, as far as a dump must know them before it reads them.

use std::collections::BTreeMap;

use super::column::{Column, Generated};
use crate::ident::{ObjectKind, quote_identifier};

/// A database and what it holds.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) charset: String,
    pub(crate) collation: String,
    /// `MariaDB`'s comment; `None` where the server keeps none.
    pub(crate) comment: Option<String>,
    /// Whether `MySQL` encrypts tables in it that do not say otherwise.
    pub(crate) encrypted: Option<bool>,
    /// Whether `MySQL` lets nobody change it.
    pub(crate) read_only: bool,
    /// Whether a foreign key of it names columns that are no unique key, as `MySQL` allows by option.
    pub(crate) loose_keys: bool,
    pub(crate) tables: Vec<Table>,
    /// Views with their column names; a broken view has none.
    pub(crate) views: BTreeMap<String, Vec<String>>,
    pub(crate) sequences: Vec<String>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) routines: Vec<Routine>,
    pub(crate) events: Vec<Event>,
}

/// A base table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) engine: Option<String>,
    /// Whether its engine has transactions, so that a snapshot covers it.
    pub(crate) transactional: bool,
    /// Whether it keeps the rows of the past too (`MariaDB`).
    pub(crate) versioned: bool,
    /// The columns that hold the times of row versions, if it does.
    pub(crate) period: Option<Period>,
    /// The server's own guess, for progress and for the order of work.
    pub(crate) rows_estimate: u64,
    /// The server's own guess at the bytes of its rows, likewise. It can be far behind.
    pub(crate) bytes_estimate: u64,
    /// All columns in their order, generated and invisible ones too.
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key in its order; empty without one.
    pub(crate) primary_key: Vec<KeyPart>,
    /// Whether the server computes anything of a row when it is inserted: generated columns, keys of
    /// expressions, or a constraint that no setting takes away.
    pub(crate) computes: bool,
    /// The names of its partitions, or of the partitions of those; empty if it has none.
    pub(crate) partitions: Vec<String>,
}

/// The columns of the time in which a version of a row was current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) start: Column,
    pub(crate) end: Column,
}

impl Period {
    /// The hidden columns of a table that names none.
    pub(super) fn hidden() -> Self {
        Self { start: Column::of_period("row_start"), end: Column::of_period("row_end") }
    }
}

/// A column of a primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPart {
    pub(crate) column: String,
    pub(crate) descending: bool,
    /// Only the start of the column is in the key.
    pub(crate) prefix: bool,
}

/// A trigger.
#[derive(Debug)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    pub(crate) table: String,
}

/// A library, stored function, procedure, package or package body.
#[derive(Debug)]
pub(crate) struct Routine {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
}

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    /// When it was created (Unix time), for one that ends: the server takes no event whose time
    /// is over, so it has to be created at that time again.
    pub(crate) created: Option<u64>,
    /// Whether a scheduler runs it.
    pub(crate) enabled: bool,
}

impl Database {
    pub(super) fn new(name: String, charset: String, collation: String) -> Self {
        Self {
            name,
            charset,
            collation,
            comment: None,
            encrypted: None,
            loose_keys: false,
            read_only: false,
            tables: Vec::new(),
            views: BTreeMap::new(),
            sequences: Vec::new(),
            triggers: Vec::new(),
            routines: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Everything in it, by kind and name.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (ObjectKind, &str)> {
        let tables = self.tables.iter().map(|table| (ObjectKind::Table, table.name.as_str()));
        tables.chain(self.programs())
    }

    /// Everything in it but its tables, by kind and name.
    pub(crate) fn programs(&self) -> impl Iterator<Item = (ObjectKind, &str)> {
        let sequences = self.sequences.iter().map(|name| (ObjectKind::Sequence, name.as_str()));
        let views = self.views.keys().map(|name| (ObjectKind::View, name.as_str()));
        let routines = self.routines.iter().map(|item| (item.kind, item.name.as_str()));
        let triggers = self.triggers.iter().map(|item| (ObjectKind::Trigger, item.name.as_str()));
        let events = self.events.iter().map(|item| (ObjectKind::Event, item.name.as_str()));
        sequences.chain(views).chain(routines).chain(triggers).chain(events)
    }

    /// Whether it holds no object at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
            && self.views.is_empty()
            && self.sequences.is_empty()
            && self.triggers.is_empty()
            && self.routines.is_empty()
            && self.events.is_empty()
    }
}

/// Engines that show rows of other tables, files or servers. A restore that inserted them would write
/// there, to what may be in use.
const ENGINES_OF_ROWS_ELSEWHERE: [&str; 7] =
    ["MRG_MYISAM", "FEDERATED", "SPIDER", "CONNECT", "OQGRAPH", "VP", "S3"];

impl Table {
    /// The columns whose values a dump holds: all but the generated ones.
    pub(crate) fn stored_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.generated == Generated::No)
    }

    /// The `ORDER BY` that costs nothing, because rows are stored in that order: the primary key
    /// of a clustered table. Other engines would have to sort the whole table first.
    pub(crate) fn free_order(&self) -> Option<String> {
        let clustered =
            self.engine.as_deref().is_some_and(|engine| ["InnoDB", "ROCKSDB"].contains(&engine));
        if !clustered
            || self.primary_key.is_empty()
            || self.primary_key.iter().any(|part| part.prefix)
        {
            return None;
        }
        let parts: Vec<_> = self
            .primary_key
            .iter()
            .map(|part| {
                let direction = if part.descending { " DESC" } else { "" };
                format!("{}{direction}", quote_identifier(&part.column))
            })
            .collect();
        Some(parts.join(","))
    }

    /// The columns of the primary key, if rows can be read in pieces of it: they are stored in its
    /// order, and comparing with literals follows that order.
    pub(crate) fn ordered_key(&self) -> Option<Vec<&Column>> {
        if self.engine.as_deref() != Some("InnoDB") || self.versioned || self.primary_key.is_empty()
        {
            return None;
        }
        let column = |part: &KeyPart| {
            let column = self.columns.iter().find(|column| column.name == part.column)?;
            let fits = !part.prefix && !part.descending && column.ordered;
            (fits && column.generated == Generated::No).then_some(column)
        };
        self.primary_key.iter().map(column).collect()
    }

    /// Whether it has a column whose values can be larger than 64 KiB.
    pub(crate) fn has_long_columns(&self) -> bool {
        self.columns.iter().any(|column| column.long)
    }

    /// Whether the rows that it shows live in other tables or servers.
    pub(crate) fn rows_live_elsewhere(&self) -> bool {
        self.engine.as_deref().is_some_and(|engine| {
            ENGINES_OF_ROWS_ELSEWHERE.iter().any(|other| engine.eq_ignore_ascii_case(other))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S9.
    #[test]
    fn rows_are_ordered_where_they_are_stored_in_that_order() {
        let order = |engine: &str, prefix| {
            let part = |column: &str, descending, prefix| KeyPart {
                column: column.into(),
                descending,
                prefix,
            };
            let table = Table {
                name: "t".into(),
                engine: Some(engine.into()),
                transactional: true,
                versioned: false,
                period: None,
                rows_estimate: 0,
                bytes_estimate: 0,
                columns: Vec::new(),
                primary_key: vec![part("a", true, false), part("b`", false, prefix)],
                computes: false,
                partitions: Vec::new(),
            };
            table.free_order()
        };
        for engine in ["InnoDB", "ROCKSDB"] {
            assert_eq!(order(engine, false).unwrap(), "`a` DESC,`b```");
            assert_eq!(order(engine, true), None);
        }
        assert_eq!(order("MyISAM", false), None);
    }
}

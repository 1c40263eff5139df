//! Random tables: types, character sets, defaults, indexes, generated columns, partitions.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

use super::value::{Features, Kind, Seed, kinds};

/// The last is `MySQL`'s alone.
const CHARSETS: [&str; 25] = [
    "utf8mb4", "latin1", "ascii", "ucs2", "utf16", "utf32", "cp932", "sjis", "gbk", "big5",
    "euckr", "gb2312", "ujis", "koi8r", "cp1251", "greek", "hebrew", "swe7", "hp8", "binary",
    "utf16le", "utf8mb3", "eucjpms", "latin2", "gb18030",
];

fn charsets(features: Features) -> std::ops::Range<usize> {
    0..CHARSETS.len() - usize::from(features.mariadb)
}

#[derive(Clone, Debug)]
pub(crate) struct Schema {
    charset: usize,
    pub(crate) tables: Vec<Table>,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    mariadb: bool,
    charset: Option<usize>,
    columns: Vec<Column>,
    checks: Vec<Check>,
    primary: Option<usize>,
    indexes: Vec<Index>,
    partitions: Option<(usize, u8)>,
    engine: &'static str,
    options: &'static str,
    rows: Vec<Vec<Option<Seed>>>,
}

#[derive(Clone, Debug)]
struct Column {
    kind: Kind,
    charset: Option<usize>,
    not_null: bool,
    default: Default,
    generated: Generated,
    invisible: bool,
    comment: Option<Seed>,
}

#[derive(Clone, Debug)]
enum Default {
    None,
    Literal(Seed),
    Expression,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Generated {
    No,
    Virtual,
    Stored,
}

#[derive(Clone, Debug)]
struct Index {
    column: usize,
    second: Option<usize>,
    unique: bool,
    descending: bool,
    invisible: bool,
}

#[derive(Clone, Debug)]
struct Check {
    column: usize,
    value: Seed,
    named: bool,
    enforced: bool,
}

pub(crate) fn schemas(features: Features) -> impl Strategy<Value = Schema> {
    (charsets(features), vec(tables(features), 1..3))
        .prop_map(|(charset, tables)| Schema { charset, tables })
}

fn tables(features: Features) -> impl Strategy<Value = Table> {
    let mariadb = features.mariadb;
    // `PAGE_CHECKSUM`: the server prints it of each table of Aria, and then says that it was asked
    // for.
    let engines = if mariadb {
        vec!["InnoDB", "InnoDB", "InnoDB", "MyISAM", "Aria PAGE_CHECKSUM=1", "MEMORY"]
    } else {
        vec!["InnoDB", "InnoDB", "InnoDB", "MyISAM", "MEMORY"]
    };
    let options = prop::sample::select(vec![
        "",
        "",
        "COMMENT='it''s \\\\ a `table`'",
        "ROW_FORMAT=DYNAMIC",
        "STATS_PERSISTENT=1 CHECKSUM=1",
    ]);
    vec(columns(features), 1..7).prop_flat_map(move |columns| {
        let count = columns.len();
        (
            prop::option::of(charsets(features)),
            Just(columns),
            vec(checks(count), 0..2),
            prop::option::of(0..count),
            vec(indexes(count), 0..3),
            prop::option::weighted(0.2, (0..count, 1..4u8)),
            prop::sample::select(engines.clone()),
            options.clone(),
            vec(vec(prop::option::weighted(0.9, any::<Seed>()), count), 0..8),
        )
            .prop_map(
                move |(
                    charset,
                    columns,
                    checks,
                    primary,
                    indexes,
                    partitions,
                    engine,
                    options,
                    rows,
                )| {
                    Table {
                        mariadb,
                        charset,
                        columns,
                        checks,
                        primary,
                        indexes,
                        partitions,
                        engine,
                        options,
                        rows,
                    }
                },
            )
    })
}

fn columns(features: Features) -> impl Strategy<Value = Column> {
    let default = prop_oneof![
        3 => Just(Default::None),
        2 => any::<Seed>().prop_map(Default::Literal),
        1 => Just(Default::Expression),
    ];
    let generated = prop_oneof![
        6 => Just(Generated::No),
        1 => Just(Generated::Virtual),
        1 => Just(Generated::Stored),
    ];
    (
        kinds(features),
        prop::option::of(charsets(features)),
        any::<bool>(),
        default,
        generated,
        prop::bool::weighted(0.1),
        prop::option::weighted(0.2, any::<Seed>()),
    )
        .prop_map(|(kind, charset, not_null, default, generated, invisible, comment)| Column {
            kind,
            charset,
            not_null,
            default,
            generated,
            invisible,
            comment,
        })
}

fn indexes(count: usize) -> impl Strategy<Value = Index> {
    (
        0..count,
        prop::option::of(0..count),
        prop::bool::weighted(0.3),
        any::<bool>(),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(column, second, unique, descending, invisible)| Index {
            column,
            second: second.filter(|second| *second != column),
            unique,
            descending,
            invisible,
        })
}

fn checks(count: usize) -> impl Strategy<Value = Check> {
    (0..count, any::<Seed>(), any::<bool>(), prop::bool::weighted(0.8))
        .prop_map(|(column, value, named, enforced)| Check { column, value, named, enforced })
}

impl Schema {
    pub(crate) fn database_options(&self) -> String {
        format!("CHARACTER SET {}", CHARSETS[self.charset])
    }

    /// The statement that creates a table.
    pub(crate) fn create(&self, number: usize) -> String {
        self.tables[number].create(number, CHARSETS[self.charset])
    }
}

impl Table {
    /// The statement that creates it, without what no server takes of it.
    fn create(&self, table: usize, charset_of_database: &str) -> String {
        let engine = self.engine();
        let charset = self.charset.map_or(charset_of_database, |set| CHARSETS[set]);
        let mut parts: Vec<String> =
            (0..self.columns.len()).map(|position| self.column(position, charset)).collect();
        let primary = self.primary.filter(|column| {
            let generated = self.is_generated(*column);
            let stored = self.columns[*column].generated == Generated::Stored;
            self.takes_index(*column) && (!generated || (stored && !self.mariadb))
        });
        if let Some(column) = primary {
            parts.push(format!("PRIMARY KEY ({})", self.key_part(column)));
        }
        for (number, index) in self.indexes.iter().enumerate() {
            if !self.takes_index(index.column) {
                continue;
            }
            let mut columns = self.key_part(index.column);
            if index.descending && (self.mariadb || engine == "InnoDB") {
                columns.push_str(" DESC");
            }
            if let Some(second) = index.second.filter(|second| self.takes_index(*second)) {
                write!(columns, ", {}", self.key_part(second)).unwrap();
            }
            parts.push(format!(
                "{}KEY `k {number}` ({columns}){}",
                if index.unique { "UNIQUE " } else { "" },
                // What takes the place of a primary key has to be seen.
                match (index.invisible && !index.unique, self.mariadb) {
                    (false, _) => "",
                    (true, true) => " IGNORED",
                    (true, false) => " INVISIBLE",
                },
            ));
        }
        for (number, check) in self.checks.iter().enumerate() {
            let name = format!("`c{}`", check.column);
            let column = &self.columns[check.column];
            let own = column.charset.map_or(charset, |set| CHARSETS[set]);
            // MariaDB wants literals in expressions to be in the character set of the table too.
            let condition = column.kind.condition(&name, &check.value, &[charset, own]);
            let named = if check.named {
                format!("CONSTRAINT `c {table} {number}` ")
            } else {
                String::new()
            };
            let enforced = if check.enforced || self.mariadb { "" } else { " NOT ENFORCED" };
            parts.push(format!("{named}CHECK ({condition}){enforced}"));
        }
        let charset = self
            .charset
            .map_or_else(String::new, |set| format!(" CHARACTER SET {}", CHARSETS[set]));
        let partitions = self.partitions.filter(|(column, _)| {
            let mut unique = self.indexes.iter().filter(|index| index.unique);
            !self.columns[*column].kind.needs_prefix()
                && (self.mariadb || engine == "InnoDB")
                && primary.is_none_or(|primary| primary == *column)
                && unique.all(|index| index.column == *column)
        });
        let partitions = partitions.map_or_else(String::new, |(column, count)| {
            format!(" PARTITION BY KEY (`c{column}`) PARTITIONS {count}")
        });
        format!(
            "CREATE TABLE `t {table}` ({}) ENGINE={engine}{charset} {}{partitions}",
            parts.join(", "),
            self.options
        )
    }

    /// The engine that was chosen, or one that takes every column.
    fn engine(&self) -> &'static str {
        let columns = 0..self.columns.len();
        let mut long = self.columns.iter().filter(|column| column.kind.needs_prefix());
        let memory = self.engine == "MEMORY";
        let generated = columns.into_iter().any(|one| self.is_generated(one));
        if memory && (generated || long.next().is_some()) { "InnoDB" } else { self.engine }
    }

    fn takes_index(&self, column: usize) -> bool {
        self.columns[column].kind.takes_index(self.mariadb)
    }

    fn key_part(&self, column: usize) -> String {
        let prefix = if self.columns[column].kind.needs_prefix() { "(9)" } else { "" };
        format!("`c{column}`{prefix}")
    }

    fn column(&self, position: usize, charset: &str) -> String {
        let column = &self.columns[position];
        let own = column.charset.map_or(charset, |set| CHARSETS[set]);
        let mut text = format!("`c{position}` {}", column.kind.sql());
        if let Some(set) = column.charset.filter(|_| column.kind.has_charset()) {
            write!(text, " CHARACTER SET {}", CHARSETS[set]).unwrap();
        }
        // Of a column that is not generated itself.
        let base = (0..position).find(|base| self.columns[*base].generated == Generated::No);
        if let (Generated::Virtual | Generated::Stored, Some(base)) = (column.generated, base) {
            let how = if column.generated == Generated::Virtual { "VIRTUAL" } else { "STORED" };
            write!(text, " GENERATED ALWAYS AS ({}) {how}", column.kind.expression_of(base))
                .unwrap();
        } else {
            if column.not_null {
                text.push_str(" NOT NULL");
            }
            match &column.default {
                Default::None => {}
                Default::Literal(seed) => {
                    let literal = column.kind.literal_in(seed, &[charset, own]);
                    if column.kind.needs_prefix() {
                        write!(text, " DEFAULT ({literal})").unwrap();
                    } else {
                        write!(text, " DEFAULT {literal}").unwrap();
                    }
                }
                Default::Expression => {
                    write!(text, " DEFAULT ({})", column.kind.default_expression()).unwrap();
                }
            }
        }
        // One of them has to be seen, and MariaDB wants a value for what is not.
        let valueless = column.not_null
            && matches!(column.default, Default::None)
            && !self.is_generated(position);
        if column.invisible && position > 0 && !(self.mariadb && valueless) {
            text.push_str(" INVISIBLE");
        }
        if let Some(seed) = &column.comment {
            write!(text, " COMMENT {}", seed.quoted_text(20)).unwrap();
        }
        text
    }

    fn is_generated(&self, position: usize) -> bool {
        self.columns[position].generated != Generated::No
            && (0..position).any(|base| self.columns[base].generated == Generated::No)
    }

    /// The statements that fill it, a row each.
    pub(crate) fn inserts(&self, number: usize) -> Vec<String> {
        let stored: Vec<usize> =
            (0..self.columns.len()).filter(|position| !self.is_generated(*position)).collect();
        let names: Vec<String> = stored.iter().map(|position| format!("`c{position}`")).collect();
        self.rows
            .iter()
            .map(|row| {
                let values: Vec<String> = stored
                    .iter()
                    .map(|position| match &row[*position] {
                        Some(seed) => self.columns[*position].kind.literal(seed),
                        None => "DEFAULT".to_owned(),
                    })
                    .collect();
                format!(
                    "INSERT IGNORE INTO `t {number}` ({}) VALUES ({})",
                    names.join(", "),
                    values.join(", ")
                )
            })
            .collect()
    }
}

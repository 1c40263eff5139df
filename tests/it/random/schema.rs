//! Random tables: types, character sets, defaults, indexes, generated columns, partitions.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

use super::value::{Kind, Seed, kinds};

const CHARSETS: [&str; 20] = [
    "utf8mb4", "latin1", "ascii", "ucs2", "utf16", "utf32", "cp932", "sjis", "gbk", "big5",
    "euckr", "gb2312", "ujis", "koi8r", "cp1251", "greek", "hebrew", "swe7", "hp8", "binary",
];

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

pub(crate) fn schemas(mariadb: bool) -> impl Strategy<Value = Schema> {
    (0..CHARSETS.len(), vec(tables(mariadb), 1..3))
        .prop_map(|(charset, tables)| Schema { charset, tables })
}

fn tables(mariadb: bool) -> impl Strategy<Value = Table> {
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
    vec(columns(mariadb), 1..7).prop_flat_map(move |columns| {
        let count = columns.len();
        (
            prop::option::of(0..CHARSETS.len()),
            Just(columns),
            prop::option::of(0..count),
            vec(indexes(count), 0..3),
            prop::option::weighted(0.2, (0..count, 1..4u8)),
            prop::sample::select(engines.clone()),
            options.clone(),
            vec(vec(prop::option::weighted(0.9, any::<Seed>()), count), 0..8),
        )
            .prop_map(
                move |(charset, columns, primary, indexes, partitions, engine, options, rows)| {
                    Table {
                        mariadb,
                        charset,
                        columns,
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

fn columns(mariadb: bool) -> impl Strategy<Value = Column> {
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
        kinds(mariadb),
        prop::option::of(0..CHARSETS.len()),
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

impl Schema {
    pub(crate) fn database_options(&self) -> String {
        format!("CHARACTER SET {}", CHARSETS[self.charset])
    }
}

impl Table {
    /// The statement that creates it.
    pub(crate) fn create(&self, number: usize) -> String {
        let mut parts: Vec<String> =
            (0..self.columns.len()).map(|position| self.column(position)).collect();
        if let Some(column) = self.primary {
            parts.push(format!("PRIMARY KEY ({})", self.key_part(column)));
        }
        for (number, index) in self.indexes.iter().enumerate() {
            let mut columns = self.key_part(index.column);
            if index.descending {
                columns.push_str(" DESC");
            }
            if let Some(second) = index.second {
                write!(columns, ", {}", self.key_part(second)).unwrap();
            }
            parts.push(format!(
                "{}KEY `k {number}` ({columns}){}",
                if index.unique { "UNIQUE " } else { "" },
                match (index.invisible, self.mariadb) {
                    (false, _) => "",
                    (true, true) => " IGNORED",
                    (true, false) => " INVISIBLE",
                },
            ));
        }
        let charset = self
            .charset
            .map_or_else(String::new, |set| format!(" CHARACTER SET {}", CHARSETS[set]));
        let partitions = self.partitions.map_or_else(String::new, |(column, count)| {
            format!(" PARTITION BY KEY (`c{column}`) PARTITIONS {count}")
        });
        format!(
            "CREATE TABLE `t {number}` ({}) ENGINE={}{charset} {}{partitions}",
            parts.join(", "),
            self.engine,
            self.options
        )
    }

    fn key_part(&self, column: usize) -> String {
        let prefix = if self.columns[column].kind.needs_prefix() { "(9)" } else { "" };
        format!("`c{column}`{prefix}")
    }

    fn column(&self, position: usize) -> String {
        let column = &self.columns[position];
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
                    let literal = column.kind.literal(seed);
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
        if column.invisible {
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

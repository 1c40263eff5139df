//! Pieces of a large table, so that several connections can read it.
//!
//! Pieces are cut off one at a time, in the order of the primary key, by whoever reads next. Where
//! the key is one integer and nearly every number is used, a piece is so many numbers. Everywhere
//! else its end is looked up: the key of the row that stands so many rows further on. So a piece
//! has never more rows than that, and gaps in the keys make none that are empty. A table without
//! such a key, and each of its partitions, is one piece.

use std::collections::VecDeque;

use super::history::Versions;
use super::rows::key_literals;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::server::{Column, ColumnKind, Session, Table};

/// The most rows that a piece has.
pub(super) const CHUNK_ROWS: u64 = 200_000;

/// A piece of a table's rows, as far as the query that reads it must know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Only the rows of this partition.
    pub(super) partition: Option<String>,
    /// Only the rows for which this is true.
    pub(super) range: Option<String>,
    /// Which versions of the rows.
    pub(super) versions: Versions,
    /// The SQL mode in which they are inserted, if it is not that of the script.
    pub(super) sql_mode: Option<&'static str>,
}

/// Where the rest of a table begins.
#[derive(Debug)]
pub(super) struct Cursor {
    /// The table's place in its database.
    pub(super) table: usize,
    rows: u64,
    at: At,
    /// The partitions after the one that is being read.
    partitions: VecDeque<String>,
    partition: Option<String>,
    /// That of each of its pieces.
    pub(super) sql_mode: Option<&'static str>,
}

#[derive(Debug)]
enum At {
    /// One integer as key, close together: where the next piece begins (the first one has no
    /// beginning) and ends, and the largest number.
    Numbers { from: Option<i128>, until: i128, last: i128 },
    /// After the row with this key, given as literals; from the start without.
    Keys(Option<Vec<String>>),
    /// All in one piece.
    Whole,
}

/// Whether there is a way to read a table in pieces.
pub(super) fn can_be_cut(table: &Table) -> bool {
    table.transactional
        && !table.versioned
        && (table.ordered_key().is_some() || table.partitions.len() > 1)
}

impl Cursor {
    /// At the start of a table of the session's database.
    pub(super) async fn new(
        session: &mut Session,
        place: usize,
        table: &Table,
        chunk_bytes: u64,
    ) -> Result<Self> {
        let row_bytes = table.bytes_estimate / table.rows_estimate.max(1);
        let rows = (chunk_bytes / row_bytes.max(1)).clamp(1, CHUNK_ROWS);
        let mut partitions: VecDeque<_> = table.partitions.iter().cloned().collect();
        let partition = partitions.pop_front();
        let at = match table.ordered_key() {
            // A range of keys would make the server leave out partitions in which it has no place: rows
            // that were put into a wrong one (`EXCHANGE PARTITION … WITHOUT VALIDATION`) with them.
            _ if partition.is_some() => At::Whole,
            None => At::Whole,
            Some(key) => match key.as_slice() {
                [column] if column.kind == ColumnKind::Integer => {
                    numbers(session, table, column, rows).await?.unwrap_or(At::Keys(None))
                }
                _ => At::Keys(None),
            },
        };
        Ok(Self { table: place, rows, at, partitions, partition, sql_mode: None })
    }

    /// Cuts off the next piece. What is left, if anything, is the second.
    pub(super) async fn next(
        mut self: Box<Self>,
        session: &mut Session,
        table: &Table,
    ) -> Result<(Chunk, Option<Box<Self>>)> {
        let (partition, sql_mode) = (self.partition.clone(), self.sql_mode);
        let key = table.ordered_key().unwrap_or_default();
        let range = match &mut self.at {
            At::Whole => None,
            At::Numbers { from, until, last } => {
                let name = key.first().map(|column| quote_identifier(&column.name));
                let name = name.unwrap_or_default();
                let start = from.map(|from| format!("{name} >= {from}"));
                // No end to the last piece: nothing depends on the largest number being right.
                if *until <= *last {
                    let range = and(start, Some(format!("{name} < {until}")));
                    *from = Some(*until);
                    *until = until.saturating_add(i128::from(self.rows));
                    return Ok((
                        Chunk { partition, range, sql_mode, ..Chunk::default() },
                        Some(self),
                    ));
                }
                start
            }
            At::Keys(after) => {
                let from = after.as_deref().map(|values| compare(&key, values, ">", ">"));
                let sql = boundary_query(table, &key, from.as_deref(), self.rows);
                if let Some(end) = key_literals(session, &sql, table, &key).await? {
                    let range = and(from, Some(compare(&key, &end, "<", "<=")));
                    *after = Some(end);
                    return Ok((
                        Chunk { partition, range, sql_mode, ..Chunk::default() },
                        Some(self),
                    ));
                }
                from
            }
        };
        let chunk = Chunk { partition, range, sql_mode, ..Chunk::default() };
        self.partition = self.partitions.pop_front();
        if self.partition.is_none() {
            return Ok((chunk, None));
        }
        Ok((chunk, Some(self)))
    }
}

/// Cuts by numbers where a piece of as many numbers as rows is at least half full.
async fn numbers(
    session: &mut Session,
    table: &Table,
    column: &Column,
    rows: u64,
) -> Result<Option<At>> {
    let name = quote_identifier(&column.name);
    let sql = format!("SELECT MIN({name}), MAX({name}) FROM {}", quote_identifier(&table.name));
    let row = session.query_one(&sql).await?;
    let number = |position| -> Result<Option<i128>> {
        let text = row.optional_text(position)?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(|_| Error::new(ErrorKind::Protocol, "the server's answer is not a number"))
    };
    let (Some(first), Some(last)) = (number(0)?, number(1)?) else { return Ok(None) };
    let used = last.saturating_sub(first) <= i128::from(table.rows_estimate).saturating_mul(2);
    if !used || last.saturating_sub(first) <= i128::from(rows) {
        return Ok(None);
    }
    Ok(Some(At::Numbers { from: None, until: first.saturating_add(i128::from(rows)), last }))
}

fn and(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("({one}) AND ({other})")),
        (one, other) => one.or(other),
    }
}

/// The condition that a row's key stands before or behind some values; `last` is the operator of
/// the last column. Spelled out, because not every server uses an index to compare whole keys.
fn compare(key: &[&Column], values: &[String], operator: &str, last: &str) -> String {
    let mut alternatives = Vec::with_capacity(key.len());
    let mut equal = String::new();
    for (position, (column, value)) in (1..).zip(key.iter().zip(values)) {
        let name = quote_identifier(&column.name);
        let operator = if position == key.len() { last } else { operator };
        alternatives.push(format!("({equal}{name} {operator} {value})"));
        equal = format!("{equal}{name} = {value} AND ");
    }
    alternatives.join(" OR ")
}

/// What stands behind `SELECT` where a key is compared: `MySQL` takes a day that no calendar has, such
/// as one that stands in the key, only in this SQL mode (Optimizer Hints, `SET_VAR`). To others it is
/// a comment.
pub(super) fn hint(key: &[&Column]) -> &'static str {
    let dated =
        |column: &&Column| matches!(column.kind, ColumnKind::Date | ColumnKind::DateTime(_));
    if key.iter().any(dated) { "/*+ SET_VAR(sql_mode='ALLOW_INVALID_DATES') */ " } else { "" }
}

fn boundary_query(table: &Table, key: &[&Column], from: Option<&str>, rows: u64) -> String {
    let names: Vec<_> = key.iter().map(|column| quote_identifier(&column.name)).collect();
    let names = names.join(",");
    let hint = if from.is_some() { hint(key) } else { "" };
    let sql = format!("SELECT {hint}{names} FROM {}", quote_identifier(&table.name));
    let from = from.map(|from| format!(" WHERE {from}")).unwrap_or_default();
    let skipped = rows.saturating_sub(1);
    format!("{sql} FORCE INDEX (PRIMARY){from} ORDER BY {names} LIMIT 1 OFFSET {skipped}")
}

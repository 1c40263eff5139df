//! Unsigned integers inside the JSON documents of `MySQL`.
//!
//! The server keeps them apart from signed ones and prints both alike, so that small ones come back as
//! signed. To ask for the type of every value of a document costs the server several times what
//! reading it does, and nearly every document has integers. So the first documents of each piece of a
//! table are asked about, and all of them only where one of those has an unsigned integer.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::error::Result;
use crate::ident::{ObjectName, quote_identifier};
use crate::server::{Column, Session};

/// How many bytes of documents are asked about: about a hundredth of a piece of a large table.
const LOOK_AT_BYTES: u64 = 192 << 10;
/// How many rows, where few of them have a document.
const LOOK_AT_ROWS: u64 = 20_000;

/// The documents of one piece of a table, as far as they were seen to have integers that may be
/// unsigned.
#[derive(Debug)]
pub(super) struct Integers {
    /// For each column whether a document in it has one.
    columns: Vec<AtomicBool>,
    /// The length of all documents so far.
    bytes: AtomicU64,
    /// The rows that were written until they had [`LOOK_AT_BYTES`], or were [`LOOK_AT_ROWS`].
    rows: AtomicU64,
    is_full: AtomicBool,
}

/// What was found out about the documents of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UnsignedIn {
    column: String,
    /// Documents with unsigned integers.
    documents: u64,
    /// The rows that were asked about, and those that there are.
    looked_at: u64,
    rows: u64,
    /// Why the server did not say.
    refused: Option<String>,
}

impl Integers {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns: std::iter::repeat_with(AtomicBool::default).take(columns).collect(),
            bytes: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
        }
    }

    /// Takes note of the length of a document. Whether it matters if there is an integer in it.
    pub(super) fn note_length(&self, column: usize, length: usize) -> bool {
        if !self.is_full.load(Relaxed) {
            self.bytes.fetch_add(super::count(length), Relaxed);
        }
        self.columns.get(column).is_some_and(|seen| !seen.load(Relaxed))
    }

    /// Takes note of an integer in a document.
    pub(super) fn note_integer(&self, column: usize) {
        if let Some(seen) = self.columns.get(column) {
            seen.store(true, Relaxed);
        }
    }

    /// Takes note of the end of a row.
    pub(super) fn end_row(&self) {
        if !self.is_full.load(Relaxed) {
            let rows = self.rows.fetch_add(1, Relaxed) + 1;
            let full = self.bytes.load(Relaxed) >= LOOK_AT_BYTES || rows >= LOOK_AT_ROWS;
            self.is_full.store(full, Relaxed);
        }
    }

    /// Has the server count the documents with unsigned integers among `rows` rows of a table: `query`
    /// makes a query for what is to be selected of them.
    pub(super) async fn ask(
        &self,
        session: &mut Session,
        (table, columns): (&str, &[&Column]),
        query: impl Fn(&str) -> String,
        rows: u64,
    ) -> Result<Vec<UnsignedIn>> {
        let seen = columns.iter().zip(&self.columns).filter(|(_, seen)| seen.load(Relaxed));
        let columns: Vec<_> = seen.map(|(column, _)| column.name.as_str()).collect();
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let counts: Vec<_> = columns.iter().map(|column| count_of(table, column)).collect();
        let counts = counts.join(",");
        let mut looked_at = self.rows.load(Relaxed).min(rows);
        let mut counted = None;
        if looked_at < rows {
            let names: Vec<_> = columns.iter().map(|column| quote_identifier(column)).collect();
            let some = format!(
                "SELECT {counts} FROM ({} LIMIT {looked_at}) AS {}",
                query(&names.join(",")),
                quote_identifier(table)
            );
            let some = numbers(session, &some, columns.len()).await?;
            let found = some.as_ref().is_ok_and(|counts| counts.iter().any(|count| *count > 0));
            counted = Some(some).filter(|_| !found);
        }
        let counted = if let Some(counted) = counted {
            counted
        } else {
            looked_at = rows;
            numbers(session, &query(&counts), columns.len()).await?
        };
        let refused = counted.as_ref().err().cloned();
        let mut counts = counted.unwrap_or_default().into_iter();
        let asked = columns.into_iter().map(|column| UnsignedIn {
            column: column.to_owned(),
            documents: counts.next().unwrap_or(0),
            looked_at,
            rows,
            refused: refused.clone(),
        });
        Ok(asked.collect())
    }
}

/// An expression that counts the documents of a column with unsigned integers.
fn count_of(table: &str, column: &str) -> String {
    // Each value that is no array is the first element of itself. Not as a condition: of that MySQL
    // 9.7 makes a join that finds nothing. (Nor does it take a column of a query that it merges.)
    format!(
        "SUM(EXISTS (SELECT 1 FROM JSON_TABLE({}.{}, '$**[0]' COLUMNS (v JSON PATH '$')) AS {values} \
         WHERE JSON_TYPE({values}.v) = 'UNSIGNED INTEGER' AND {values}.v <= {}))",
        quote_identifier(table),
        quote_identifier(column),
        i64::MAX,
        values = quote_identifier(&format!("values of {table}"))
    )
}

/// The numbers that a query answers; what the server says if it does not.
async fn numbers(
    session: &mut Session,
    sql: &str,
    count: usize,
) -> Result<std::result::Result<Vec<u64>, String>> {
    match session.query_one(sql).await {
        Ok(row) => {
            let numbers = (0..count).map(|place| Ok(row.optional_number(place)?.unwrap_or(0)));
            Ok(Ok(numbers.collect::<Result<_>>()?))
        }
        // A server without `JSON_TABLE`.
        Err(error) if error.server().is_some() => Ok(Err(error.chain())),
        Err(error) => Err(error),
    }
}

/// Adds what was found in one piece of a table to what was found in others.
pub(super) fn add(all: &mut Vec<UnsignedIn>, piece: Vec<UnsignedIn>) {
    for one in piece {
        match all.iter_mut().find(|other| other.column == one.column) {
            Some(other) => {
                other.documents = other.documents.saturating_add(one.documents);
                other.looked_at = other.looked_at.saturating_add(one.looked_at);
                other.rows = other.rows.saturating_add(one.rows);
                other.refused = other.refused.take().or(one.refused);
            }
            None => all.push(one),
        }
    }
}

/// What is to be said of a column.
pub(super) fn warning(table: &ObjectName, found: &UnsignedIn) -> Option<String> {
    let UnsignedIn { documents, looked_at, rows, .. } = found;
    let column = quote_identifier(&found.column);
    let signed = "unsigned, which the server prints like signed ones: they come back as those";
    if let Some(refused) = &found.refused {
        Some(format!(
            "{table}: whether integers in the JSON documents of column {column} are unsigned, and come \
             back as signed ones, could not be seen: {refused}"
        ))
    } else if *documents > 0 {
        let at_least = if looked_at < rows { "at least " } else { "" };
        Some(format!(
            "{table} has {at_least}{documents} JSON documents in column {column} with integers that \
             are {signed}"
        ))
    } else if looked_at < rows {
        Some(format!(
            "{table}: the integers in the JSON documents of column {column} are signed in {looked_at} \
             of {rows} rows; the others were not looked at, and may hold some that are {signed}"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::ObjectKind;

    fn found(documents: u64, looked_at: u64, rows: u64) -> UnsignedIn {
        UnsignedIn { column: "j".into(), documents, looked_at, rows, refused: None }
    }

    #[test]
    fn pieces_of_a_table_add_up() {
        let mut all = vec![found(0, 10, 10)];
        add(&mut all, vec![found(3, 20, 40), UnsignedIn { column: "k".into(), ..found(1, 1, 1) }]);
        assert_eq!(all[0], found(3, 30, 50));
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn what_was_not_looked_at_is_said() {
        let table = ObjectName::new(ObjectKind::Table, "d", "t");
        let says = |found: UnsignedIn| warning(&table, &found).unwrap_or_default();
        assert_eq!(says(found(0, 10, 10)), "");
        assert!(says(found(2, 10, 10)).contains(" has 2 JSON documents in column `j` "));
        assert!(says(found(2, 10, 11)).contains(" has at least 2 JSON documents "));
        assert!(says(found(0, 10, 11)).contains(" signed in 10 of 11 rows; "));
        let refused = UnsignedIn { refused: Some("no".into()), ..found(0, 1, 1) };
        assert!(says(refused).ends_with(" could not be seen: no"));
    }
}

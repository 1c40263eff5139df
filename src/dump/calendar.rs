//! Dates that are in no calendar, as 2023-02-31, and tables that compute something.
//!
//! The script's SQL mode has `ALLOW_INVALID_DATES`, because servers keep such dates. Under it they also
//! take a text for one where an expression makes a date of it, and computed NULL without it. So the
//! rows of tables that compute anything (generated columns, constraints, keys) are inserted without
//! that mode, unless there are such dates among them.

use crate::ident::quote_identifier;
use crate::server::{Column, ColumnKind};

/// The SQL mode of rows that have no such dates in tables that compute something.
pub(super) const CALENDAR_SQL_MODE: &str = "NO_AUTO_VALUE_ON_ZERO";

/// The columns that have dates.
pub(super) fn dates<'a>(columns: &[&'a Column]) -> Vec<&'a Column> {
    let is_date =
        |column: &&Column| matches!(column.kind, ColumnKind::Date | ColumnKind::DateTime(_));
    columns.iter().copied().filter(is_date).collect()
}

/// A condition that is true for rows with a date in one of these columns that is in no calendar, for a
/// session without `ALLOW_INVALID_DATES`. Zeros are no such dates.
pub(super) fn invalid_date(dates: &[&Column]) -> String {
    let tests: Vec<_> = dates
        .iter()
        .map(|column| {
            let name = quote_identifier(&column.name);
            format!("{name} IS NOT NULL AND CAST(CAST({name} AS CHAR) AS DATETIME(6)) IS NULL")
        })
        .collect();
    tests.join(" OR ")
}

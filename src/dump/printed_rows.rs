//! Rows printed as a dump prints them, without a server: for benches and tests of what that costs.

use mysql_async::Row;

use super::history::Versions;
use super::inserts::Inserts;
use super::rows::TableRows;
use crate::error::Result;
use crate::server::{Charset, Column, ColumnKind, Table};

/// Rows of a table that no server has.
#[derive(Debug)]
pub struct PrintedRows {
    table: Table,
}

impl Default for PrintedRows {
    /// Columns of integers, decimals, doubles, floats, dates, moments and times, of text in utf8mb4 and
    /// in latin1, of JSON and of bytes, in this order.
    fn default() -> Self {
        let kinds = [
            ColumnKind::Integer,
            ColumnKind::Decimal,
            ColumnKind::Double,
            ColumnKind::Float,
            ColumnKind::Date,
            ColumnKind::DateTime(6),
            ColumnKind::Time(3),
            ColumnKind::Text(Charset::Utf8),
            ColumnKind::Text(Charset::AsciiSuperset("latin1".into())),
            ColumnKind::Json,
            ColumnKind::Binary,
        ];
        let table = Table {
            name: "t".into(),
            engine: Some("InnoDB".into()),
            transactional: true,
            versioned: false,
            period: None,
            rows_estimate: 0,
            bytes_estimate: 0,
            columns: kinds.into_iter().map(|kind| Column::named("c", kind)).collect(),
            primary_key: Vec::new(),
            computes: false,
            partitions: Vec::new(),
        };
        Self { table }
    }
}

impl PrintedRows {
    /// Appends INSERT statements of the rows.
    ///
    /// # Errors
    /// When a value is of another type than its column.
    pub fn print<'r>(
        &self,
        out: &mut Vec<u8>,
        rows: impl IntoIterator<Item = &'r Row>,
    ) -> Result<()> {
        let table = TableRows::new(&self.table, &Versions::Current, 0, u64::MAX);
        let mut inserts = Inserts::new(&table, out);
        for row in rows {
            inserts.push(row)?;
        }
        inserts.close();
        Ok(())
    }
}

//! INSERT statements, each as long as a statement may be.

use mysql_async::Row;

use super::rows::TableRows;
use super::script::MEMBER_BYTES;
use crate::error::Result;
use crate::server::Rows;

/// What stands in front of the rows of a statement.
pub(super) const VALUES: &str = "VALUES\n";

/// INSERT statements being appended to the text of one member.
pub(super) struct Inserts<'a, 'b> {
    table: &'a TableRows<'a>,
    out: &'b mut Vec<u8>,
    /// Where the open statement starts, and how many rows it has.
    open: Option<(usize, u64)>,
    /// How many rows have been appended.
    pub(super) rows: u64,
    /// The longest statement in bytes.
    pub(super) largest: usize,
}

impl<'a, 'b> Inserts<'a, 'b> {
    pub(super) fn new(table: &'a TableRows<'a>, out: &'b mut Vec<u8>) -> Self {
        Self { table, out, open: None, rows: 0, largest: 0 }
    }

    /// Reads rows until the member is full (`false`) or there are no more (`true`).
    pub(super) async fn fill(&mut self, rows: &mut Rows<'_>) -> Result<bool> {
        loop {
            let Some(row) = rows.next().await? else {
                self.close();
                return Ok(true);
            };
            self.push(&row)?;
            if self.open.is_none() && self.out.len() >= MEMBER_BYTES {
                return Ok(false);
            }
        }
    }

    /// Appends a row to the open statement, or to one of its own.
    pub(super) fn push(&mut self, row: &Row) -> Result<()> {
        let (start, before) = match self.open {
            Some((start, rows)) => {
                self.out.extend_from_slice(b",\n");
                (start, rows)
            }
            None => (self.begin(), 0),
        };
        let row_at = self.out.len();
        self.table.push_row(self.out, row)?;
        self.rows += 1;
        self.open = Some((start, before + 1));
        if before > 0 && self.out.len() - start > self.table.packet_bytes {
            // This row made the statement too long for one packet, so it gets its own.
            let row = self.out.split_off(row_at);
            self.out.truncate(row_at - b",\n".len());
            self.open = Some((start, before));
            self.close();
            let start = self.begin();
            self.out.extend_from_slice(&row);
            self.open = Some((start, 1));
        }
        if let Some((start, _)) = self.open
            && self.out.len() - start >= self.table.insert_bytes
        {
            self.close();
        }
        Ok(())
    }

    fn begin(&mut self) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(self.table.insert.as_bytes());
        start
    }

    /// Ends the open statement.
    pub(super) fn close(&mut self) {
        if let Some((start, rows)) = self.open.take() {
            if rows == 1 && self.table.alone_as_query {
                let row = start + self.table.insert.len();
                self.out.splice(row - VALUES.len()..=row, *b"SELECT ");
                // The parenthesis behind it.
                self.out.pop();
            }
            self.largest = self.largest.max(self.out.len() - start);
            self.out.extend_from_slice(b";\n");
        }
    }
}

//! Rows as INSERT statements: one table at a time, streamed, never more in memory than a member.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use mysql_async::{Row, Value};

use super::calendar::{self, CALENDAR_SQL_MODE};
use super::cells::push_value;
use super::chunk::{self, Chunk};
use super::history::Versions;
use super::inserts::{Inserts, VALUES};
use super::script::Script;
use super::session_settings::{SCRIPT_SQL_MODE, set_sql_mode};
use super::unsigned::{Integers, UnsignedIn};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::server::{Column, ColumnKind, Generated, Rows, Session, Table};
use crate::sql::json;

/// INSERT statements are closed at this size: mysqldump's default, and well below the smallest
/// `max_allowed_packet` that is in use.
const INSERT_BYTES: usize = 1 << 20;

/// The rows of one table on their way into the script.
pub(super) struct TableRows<'a> {
    table: &'a Table,
    /// The table's position in the manifest.
    object: u32,
    pub(super) insert: String,
    columns: Vec<&'a Column>,
    /// Where a statement is closed, in bytes.
    pub(super) insert_bytes: usize,
    /// Whether a row that stands alone is written as a query. With `VALUES` the server refuses it, in
    /// any mode, where a generated column that is NOT NULL computes NULL; several such rows, and
    /// queries, get what the row had: the zero of the type.
    pub(super) alone_as_query: bool,
    /// What a statement may not exceed, unless a single row does, in bytes.
    pub(super) packet_bytes: usize,
    /// Set when a JSON document was written whose text may not say all of it.
    hides_types: AtomicBool,
    /// Where JSON documents with integers were written, which may be unsigned.
    integers: Integers,
}

/// What became of the rows of a table.
#[derive(Debug, Default, Clone)]
pub(super) struct RowsWritten {
    pub(super) rows: u64,
    /// The longest statement in bytes.
    pub(super) largest_statement_bytes: usize,
    /// Documents that come back with other types inside.
    pub(super) changed_documents: u64,
    /// Documents with unsigned integers that come back as signed ones, by columns.
    pub(super) unsigned: Vec<UnsignedIn>,
}

impl<'a> TableRows<'a> {
    pub(super) fn new(
        table: &'a Table,
        versions: &Versions,
        object: u32,
        target_max_allowed_packet: u64,
    ) -> Self {
        let columns: Vec<_> = table.stored_columns().chain(versions.times(table)).collect();
        let names: Vec<_> = columns.iter().map(|column| quote_identifier(&column.name)).collect();
        let computes = |column: &Column| column.generated == Generated::Stored && column.not_null;
        // No query gives a default.
        let by_default =
            |column: &&Column| column.kind == ColumnKind::Vector { empty_by_default: true };
        let alone_as_query = !table.versioned
            && table.columns.iter().any(computes)
            && !columns.is_empty()
            && !columns.iter().any(by_default);
        let packet_bytes = usize::try_from(target_max_allowed_packet).unwrap_or(usize::MAX);
        Self {
            object,
            insert: format!(
                "INSERT INTO {} ({}) {VALUES}",
                quote_identifier(&table.name),
                names.join(",")
            ),
            alone_as_query,
            integers: Integers::new(columns.len()),
            columns,
            insert_bytes: INSERT_BYTES.min(packet_bytes / 2),
            packet_bytes,
            hides_types: AtomicBool::new(false),
            table,
        }
    }

    /// The query that reads the rows, in the order of the primary key where that costs nothing.
    fn select(&self, chunk: &Chunk, condition: Option<&str>) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| column_expression(column)).collect();
        let list = if names.is_empty() { "1".to_owned() } else { names.join(",") };
        self.select_of(&list, chunk, condition)
    }

    /// The same query for other columns.
    fn select_of(&self, list: &str, chunk: &Chunk, condition: Option<&str>) -> String {
        let name = quote_identifier(&self.table.name);
        let key = chunk.range.as_ref().and_then(|_| self.table.ordered_key());
        let hint = key.map_or("", |key| chunk::hint(&key));
        let mut sql = format!("SELECT {hint}{list} FROM {name}{}", chunk.versions.of_table());
        if let Some(partition) = &chunk.partition {
            sql.push_str(" PARTITION (");
            sql.push_str(&quote_identifier(partition));
            sql.push(')');
        }
        let mut conditions: Vec<_> = chunk.versions.condition(self.table).into_iter().collect();
        if let Some(range) = &chunk.range {
            // Whatever the server's statistics say, the rest of the table is not to be read.
            sql.push_str(" FORCE INDEX (PRIMARY)");
            conditions.push(format!("({range})"));
        }
        if let Some(condition) = condition {
            // A line break ends a comment at the end of the condition.
            conditions.push(format!("({condition}\n)"));
        }
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        if let Some(order) = self.table.free_order() {
            sql.push_str(" ORDER BY ");
            sql.push_str(&order);
        }
        sql
    }

    /// Whether the text protocol has every value exactly, and nothing has to be asked of the rows
    /// afterwards: its numbers of FLOAT and DOUBLE lose digits.
    pub(super) fn is_exact_as_text(table: &Table) -> bool {
        let exact = |column: &Column| {
            !matches!(
                column.kind,
                ColumnKind::Float
                    | ColumnKind::Double
                    | ColumnKind::Json
                    | ColumnKind::Vector { .. }
            )
        };
        table.stored_columns().all(exact)
    }

    /// The table's position in the manifest.
    pub(super) const fn object(&self) -> u32 {
        self.object
    }

    /// The query for all rows of the table.
    pub(super) fn query(&self) -> String {
        self.select(&Chunk::default(), None)
    }

    /// Streams the rows of a piece into the script. `open_member` writes what a member has to start
    /// with.
    pub(super) async fn write(
        &self,
        session: &mut Session,
        script: &mut Script,
        chunk: &Chunk,
        condition: Option<&str>,
        open_member: impl Fn(&mut Script) + Send + Sync,
    ) -> Result<RowsWritten> {
        let context = session.context().clone();
        let sql_mode = chunk.sql_mode;
        let mut rows = match session.rows(&self.select(chunk, condition)).await {
            Ok(rows) => rows,
            Err(error) if condition.is_some() => {
                return Err(self.blame_condition(session, error).await);
            }
            Err(error) => return Err(error),
        };
        let mut written =
            self.write_set(&mut rows, script, &context, sql_mode, open_member).await?;
        drop(rows);
        script.commit();
        written.changed_documents = self.changed_documents(session, chunk, condition).await?;
        let query = |list: &str| self.select_of(list, chunk, condition);
        let of_table = (self.table.name.as_str(), self.columns.as_slice());
        written.unsigned = self.integers.ask(session, of_table, query, written.rows).await?;
        Ok(written)
    }

    /// The SQL mode in which the rows of a piece of a table that computes something are inserted: that of
    /// the script only if dates are among them that no other lets in.
    pub(super) async fn sql_mode(
        &self,
        session: &mut Session,
        chunk: &Chunk,
        condition: Option<&str>,
    ) -> Result<&'static str> {
        let dates = calendar::dates(&self.columns);
        if dates.is_empty() {
            return Ok(CALENDAR_SQL_MODE);
        }
        let names: Vec<_> = dates.iter().map(|column| quote_identifier(&column.name)).collect();
        let sql = format!(
            "SELECT 1 FROM ({}) AS {} WHERE {} LIMIT 1",
            self.select_of(&names.join(","), chunk, condition),
            quote_identifier(&self.table.name),
            calendar::invalid_date(&dates)
        );
        match session.query(&sql).await {
            Ok(rows) if rows.is_empty() => Ok(CALENDAR_SQL_MODE),
            Ok(_) => Ok(SCRIPT_SQL_MODE),
            Err(error) if condition.is_some() => Err(self.blame_condition(session, error).await),
            Err(error) => Err(error),
        }
    }

    /// Streams the rows of a set, up to its end, into the script, and leaves its transaction open.
    /// `sql_mode` is the one in which they are inserted, if it is not that of the script.
    pub(super) async fn write_set(
        &self,
        rows: &mut Rows<'_>,
        script: &mut Script,
        context: &Context,
        sql_mode: Option<&str>,
        open_member: impl Fn(&mut Script) + Send + Sync,
    ) -> Result<RowsWritten> {
        let mut written = RowsWritten::default();
        loop {
            let opens = script.is_empty();
            if opens {
                open_member(script);
            }
            if sql_mode.is_some() {
                // A transaction that has to be sent again is sent from its start, in the mode in which
                // the session is by then.
                script.commit();
            }
            let start = script.text().len();
            if let Some(mode) = sql_mode {
                script.statement(set_sql_mode(mode));
            }
            let began = script.begin_transaction();
            let mut inserts = Inserts::new(self, script.text());
            let end = context.run(inserts.fill(rows)).await??;
            let (rows_in_member, largest) = (inserts.rows, inserts.largest);
            if rows_in_member == 0 {
                script.take_back(start, began);
                if opens {
                    script.take_back(0, true);
                    return Ok(written);
                }
            }
            script.set_rows_apart(start, began, &open_member).await?;
            if sql_mode.is_some() && rows_in_member > 0 {
                script.commit();
                script.statement(set_sql_mode(SCRIPT_SQL_MODE));
            }
            script.part(self.object).rows += rows_in_member;
            script.note_statement(largest);
            context.counters().rows_done.add(rows_in_member);
            written.rows += rows_in_member;
            written.largest_statement_bytes = written.largest_statement_bytes.max(largest);
            if end {
                return Ok(written);
            }
            script.close_member().await?;
        }
    }

    /// Counts the documents that do not come back as they are: the server compares each with what
    /// its own text makes.
    async fn changed_documents(
        &self,
        session: &mut Session,
        chunk: &Chunk,
        condition: Option<&str>,
    ) -> Result<u64> {
        if !self.hides_types.load(Relaxed) {
            return Ok(0);
        }
        let mut tests = Vec::new();
        for column in self.columns.iter().filter(|column| column.kind == ColumnKind::Json) {
            let name = quote_identifier(&column.name);
            let text = format!("CAST({name} AS CHAR)");
            tests.push(format!(
                "NOT ({name} <=> CAST({text} AS JSON)) \
                 OR {text} <> CAST(CAST({text} AS JSON) AS CHAR)"
            ));
        }
        let range = chunk.range.as_ref().map(|range| format!(" AND ({range})"));
        let filter = condition.map(|text| format!(" AND ({text}\n)"));
        let partition = chunk.partition.as_ref();
        let partition = partition.map(|name| format!(" PARTITION ({})", quote_identifier(name)));
        let sql = format!(
            "SELECT COUNT(*) FROM {}{} WHERE ({}){}{}",
            quote_identifier(&self.table.name),
            partition.unwrap_or_default(),
            tests.join(" OR "),
            range.unwrap_or_default(),
            filter.unwrap_or_default()
        );
        Ok(session.query_one(&sql).await?.optional_number(0)?.unwrap_or(0))
    }

    /// What is wrong with a query that was refused: its condition, if it is right without one.
    async fn blame_condition(&self, session: &mut Session, error: Error) -> Error {
        let Some(server) = error.server().filter(|_| error.kind() == ErrorKind::Server).cloned()
        else {
            return error;
        };
        match session.query(&format!("{} LIMIT 0", self.select(&Chunk::default(), None))).await {
            Ok(_) => Error::config("the server refused the row condition of the table")
                .with_source(server),
            Err(_) => error,
        }
    }

    /// Appends one row as a parenthesised list of literals.
    pub(super) fn push_row(&self, out: &mut Vec<u8>, row: &Row) -> Result<()> {
        if self.columns.is_empty() {
            out.extend_from_slice(b"()");
            return Ok(());
        }
        let mut separator = b'(';
        for position in 0..self.columns.len() {
            out.push(separator);
            separator = b',';
            self.push_cell(out, row, position)?;
        }
        out.push(b')');
        self.integers.end_row();
        Ok(())
    }

    fn push_cell(&self, out: &mut Vec<u8>, row: &Row, position: usize) -> Result<()> {
        let (Some(value), Some(column)) = (row.as_ref(position), self.columns.get(position)) else {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the server sent a row with too few columns",
            ));
        };
        if let (ColumnKind::Json, Value::Bytes(document)) = (&column.kind, value) {
            self.look_into(document, position);
        }
        if let (ColumnKind::Vector { empty_by_default: false }, Value::Bytes(bytes)) =
            (&column.kind, value)
            && bytes.is_empty()
        {
            return Err(vector_of_no_length(&self.table.name, &column.name));
        }
        push_value(out, &column.kind, value, self.packet_bytes).map_err(|message| {
            Error::new(
                ErrorKind::Protocol,
                format!("the server sent {message} in column '{}'", column.name),
            )
        })
    }

    /// Looks for what the text of a JSON document may hide, as long as there is use in it.
    fn look_into(&self, document: &[u8], column: usize) {
        let wants_types = !self.hides_types.load(Relaxed);
        let wants_signs = self.integers.note_length(column, document.len());
        if !wants_types && !wants_signs {
            return;
        }
        let hidden = json::hidden(document);
        if hidden.type_ && wants_types {
            self.hides_types.store(true, Relaxed);
        }
        if hidden.sign && wants_signs {
            self.integers.note_integer(column);
        }
    }
}

/// The values of the first row of a query for the columns of a key, as literals; `None` if it has
/// no row.
pub(super) async fn key_literals(
    session: &mut Session,
    sql: &str,
    table: &Table,
    key: &[&Column],
) -> Result<Option<Vec<String>>> {
    let all = TableRows::new(table, &Versions::Current, 0, u64::MAX);
    let printer = TableRows { columns: key.to_vec(), ..all };
    let context = session.context().clone();
    let mut rows = session.rows(sql).await?;
    let mut first = None;
    while let Some(row) = context.run(rows.next()).await?? {
        let mut literals = Vec::with_capacity(key.len());
        for position in 0..key.len() {
            let mut literal = Vec::new();
            printer.push_cell(&mut literal, &row, position)?;
            // Text is written as it is only where it is valid UTF-8.
            literals.push(String::from_utf8_lossy(&literal).into_owned());
        }
        first.get_or_insert(literals);
    }
    Ok(first)
}

fn vector_of_no_length(table: &str, column: &str) -> Error {
    let (table, column) = (quote_identifier(table), quote_identifier(column));
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "a vector of no length is in the column {column}, and only the default of a column that \
             is NOT NULL and has no other default can write one: give those rows a value (UPDATE \
             {table} SET {column} = … WHERE LENGTH({column}) = 0), or leave the table out"
        ),
    )
}

/// What is read of a column.
fn column_expression(column: &Column) -> String {
    let name = quote_identifier(&column.name);
    match column.kind {
        ColumnKind::MemberNumber => format!("CAST({name} AS UNSIGNED)"),
        _ => name,
    }
}

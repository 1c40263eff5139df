//! Members and defaults of columns in the bytes that the server keeps.
//!
//! `SHOW CREATE TABLE` and the catalogue print in three-byte `utf8`: a character beyond the BMP
//! comes out as a question mark, and of characters that share a code point only one comes back. An
//! empty temporary table takes the columns over with all that they are, and its rows show them.

use super::printed::ExactColumn;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::server::{Column, ConnectOptions, Session};

/// Where the copy of the columns is. It hides a table of the same name from the one session that
/// looks at nothing else.
const COPY: &str = "snapdump_columns";

/// A connection for temporary tables, which the snapshot's transaction cannot make. It is opened
/// when it is first needed: few definitions have such characters.
pub(super) struct ExactText {
    connect: ConnectOptions,
    context: Context,
    lock_wait_seconds: u32,
    session: Option<Session>,
}

impl ExactText {
    pub(super) fn new(connect: &ConnectOptions, lock_wait_seconds: u32, context: &Context) -> Self {
        let (connect, context) = (connect.clone(), context.clone());
        Self { connect, context, lock_wait_seconds, session: None }
    }

    pub(super) async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }

    /// Reads the exact text of those columns of a table.
    pub(super) async fn read(
        &mut self,
        database: &str,
        table: &str,
        columns: &[&Column],
    ) -> Result<Vec<ExactColumn>> {
        if self.session.is_none() {
            let mut session = Session::open(&self.connect, &self.context).await?;
            session.set_up_for_dump(self.lock_wait_seconds).await?;
            self.session = Some(session);
        }
        let Some(session) = &mut self.session else {
            return Err(Error::new(ErrorKind::Internal, "the session was not kept"));
        };
        let database = quote_identifier(database);
        let copy = format!("{database}.{}", quote_identifier(COPY));
        let names: Vec<_> = columns.iter().map(|column| quote_identifier(&column.name)).collect();
        session
            .execute(format!(
                "CREATE TEMPORARY TABLE {copy} SELECT {} FROM {database}.{} LIMIT 0",
                names.join(","),
                quote_identifier(table)
            ))
            .await
            .map_err(|error| needs_temporary_table(error, columns, &database))?;
        let read = read_copy(session, &copy, columns).await;
        session.execute(format!("DROP TEMPORARY TABLE {copy}")).await?;
        read
    }
}

async fn read_copy(
    session: &mut Session,
    copy: &str,
    columns: &[&Column],
) -> Result<Vec<ExactColumn>> {
    session.execute(format!("INSERT INTO {copy} () VALUES ()")).await?;
    let mut exact = Vec::with_capacity(columns.len());
    for column in columns {
        let name = quote_identifier(&column.name);
        let default = if column.doubtful.default {
            let sql = format!("SELECT CHARSET({name}), HEX({name}) FROM {copy}");
            let row = session.query_one(&sql).await?;
            Some(format!("_{} {}", row.text(0)?, hex_literal(&row.text(1)?)))
        } else {
            None
        };
        exact.push(ExactColumn { name: column.name.clone(), members: None, default });
    }
    for (column, exact) in columns.iter().zip(&mut exact) {
        if column.doubtful.members > 0 {
            exact.members = Some(members(session, copy, column).await?);
        }
    }
    Ok(exact)
}

/// All members, each read from a row that has it alone.
async fn members(session: &mut Session, copy: &str, column: &Column) -> Result<Vec<String>> {
    let name = quote_identifier(&column.name);
    let numbers: Vec<u64> = (0..column.doubtful.members)
        .map(|position| {
            if column.doubtful.set { 1u64.wrapping_shl(position) } else { u64::from(position) + 1 }
        })
        .collect();
    // One more than there are is none: the catalogue was counted right.
    let beyond = if column.doubtful.set {
        1u64.checked_shl(column.doubtful.members)
    } else {
        Some(u64::from(column.doubtful.members) + 1)
    };
    session.execute(format!("DELETE FROM {copy}")).await?;
    let values: Vec<_> =
        beyond.iter().chain(&numbers).map(|number| format!("({number})")).collect();
    session.execute(format!("INSERT INTO {copy} ({name}) VALUES {}", values.join(","))).await?;
    let sql = format!("SELECT CAST({name} AS UNSIGNED), HEX({name}) FROM {copy} ORDER BY 1");
    let rows = session.query(&sql).await?;
    let read: Vec<u64> =
        rows.iter().map(|row| Ok(row.optional_number(0)?.unwrap_or(0))).collect::<Result<_>>()?;
    let expected: Vec<u64> = beyond.map(|_| 0).into_iter().chain(numbers).collect();
    if read != expected {
        return Err(Error::new(
            ErrorKind::Protocol,
            format!("column '{}' has other members than the catalogue says", column.name),
        ));
    }
    rows.iter()
        .skip(usize::from(beyond.is_some()))
        .map(|row| Ok(hex_literal(&row.text(1)?)))
        .collect()
}

fn hex_literal(digits: &str) -> String {
    if digits.is_empty() { "''".to_owned() } else { format!("0x{digits}") }
}

fn needs_temporary_table(error: Error, columns: &[&Column], database: &str) -> Error {
    if error.kind() != ErrorKind::Privilege {
        return error;
    }
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    Error::new(
        ErrorKind::Privilege,
        format!(
            "the server may print question marks for characters in the definition of {}; a \
             temporary table shows them: GRANT CREATE TEMPORARY TABLES ON {database}.*",
            names.join(", ")
        ),
    )
    .with_source(error)
}

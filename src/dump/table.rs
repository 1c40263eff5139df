//! The definition of a table as script text.

use super::exact::ExactText;
use super::options::DumpOptions;
use super::own_database::without_own_database;
use super::partition_values;
use super::printed::{self, SECONDARY_ENGINE};
use super::script::Script;
use super::session_settings::{SCRIPT_SQL_MODE, set_sql_mode};
use crate::error::{Error, ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::server::{Charset, Column, ColumnKind, Database, Flavor, Session, Table, TextRow};
use crate::sql::literal::push_string;
use crate::sql::one_statement::{NOT_ONE_STATEMENT, is_one_statement};

/// The SQL mode in which `MariaDB` keeps options that it does not know, and prints them as such.
const KEEPS_UNKNOWN_OPTIONS: &str = "IGNORE_BAD_TABLE_OPTIONS";

/// What `MariaDB` (11.8) prints in front of a literal that it has taken for a moment. The table keeps
/// the literal as it was written, which nothing tells.
const OF_LOCAL_TIME: &[u8] = b"TIMESTAMP/*WITH LOCAL TIME ZONE*/'";

/// What makes a table.
pub(super) struct Definition {
    statements: Vec<Vec<u8>>,
    /// What of it may be lost, one sentence each.
    pub(super) lost: Vec<String>,
}

impl Definition {
    pub(super) fn write(&self, script: &mut Script) {
        for statement in &self.statements {
            script.statement(statement);
        }
    }
}

/// The query that prints a table of the session's database.
pub(super) fn show_create(table: &Table) -> String {
    format!("SHOW CREATE TABLE {}", quote_identifier(&table.name))
}

/// What the server answers to [`show_create`].
pub(super) fn create_of(rows: &[TextRow]) -> Result<Vec<u8>> {
    let create = rows.first().map(|row| row.bytes(1)).transpose()?.flatten();
    create
        .map(<[u8]>::to_vec)
        .ok_or_else(|| Error::new(ErrorKind::Protocol, "the server printed no definition"))
}

/// The statements that make a table, of which `create` is what the server prints, if that has been asked
/// already.
pub(super) async fn definition(
    session: &mut Session,
    exact: &mut ExactText,
    create: Option<Vec<u8>>,
    database: &Database,
    table: &Table,
    options: &DumpOptions,
) -> Result<Definition> {
    let name = quote_identifier(&table.name);
    let mut lost: Vec<String> =
        partition_values::check(session, table).await?.into_iter().collect();
    let mut create = match create {
        Some(create) => create,
        None => create_of(&session.query(&show_create(table)).await?)?,
    };
    // In any other mode unknown options stand in a comment, and so does one of Aria's that the engine
    // does not have.
    let in_comment = |text: &[u8]| memchr::memmem::find(&create, text).is_some();
    let unknown_options = session.flavor() == Flavor::MariaDb
        && (in_comment(b"/* `") || in_comment(b"/* TRANSACTIONAL="));
    if unknown_options {
        session.execute(format!("SET sql_mode = '{KEEPS_UNKNOWN_OPTIONS}'")).await?;
        create = create_of(&session.query(&show_create(table)).await?)?;
        session.execute("SET sql_mode = ''").await?;
    }
    let mut create = without_own_database(&create, &database.name);
    if session.flavor() == Flavor::MySql && printed::holds(&create, SECONDARY_ENGINE) {
        create = with_secondary_engine(session, &create, table).await?;
    }
    if !is_one_statement(session.dialect(), &create) {
        return Err(Error::new(ErrorKind::Unsupported, NOT_ONE_STATEMENT));
    }
    lost.extend(put_exact_text(exact, &mut create, database, table, options).await?);
    if session.flavor() == Flavor::MariaDb && changes_when_run(&create, table) {
        lost.push(format!(
            "the literals in CHECK constraints and generated columns of table {}.{name} can come back as \
             others, or not at all: its default character set is binary, and beside columns of \
             several bytes for each character the server reads them otherwise than it prints them",
            quote_identifier(&database.name)
        ));
    }

    if printed::holds(&create, OF_LOCAL_TIME) {
        lost.push(format!(
            "table {}.{name} compares TIMESTAMPs with literals in CHECK constraints or generated \
             columns: the server reads those in the time zone of whoever opens the table first, and \
             prints what it has read, so they can come back as other moments",
            quote_identifier(&database.name)
        ));
    }

    let mut statements = vec![create];
    if unknown_options {
        let before = format!("SET sql_mode = CONCAT(@@sql_mode, ',{KEEPS_UNKNOWN_OPTIONS}')");
        statements.insert(0, before.into_bytes());
        statements.push(set_sql_mode(SCRIPT_SQL_MODE).into_bytes());
    }
    Ok(Definition { statements, lost })
}

/// Quotes the name of a secondary engine, which `MySQL` prints as it was given, whatever is in it.
async fn with_secondary_engine(
    session: &mut Session,
    create: &[u8],
    table: &Table,
) -> Result<Vec<u8>> {
    let mut sql = b"SELECT CREATE_OPTIONS FROM information_schema.TABLES \
                    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = "
        .to_vec();
    push_string(&mut sql, table.name.as_bytes());
    let options = session.query_one(&String::from_utf8_lossy(&sql)).await?.text(0)?;
    printed::with_secondary_engine(create, &options)
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, NOT_ONE_STATEMENT))
}

/// Whether the server may read a literal otherwise than it prints it: in an expression of a table whose
/// default character set is `binary`, beside a column whose characters have two or four bytes each.
fn changes_when_run(create: &[u8], table: &Table) -> bool {
    const WIDE: [&str; 4] = ["ucs2", "utf16", "utf16le", "utf32"];
    let wide = |column: &Column| match &column.kind {
        ColumnKind::Text(Charset::Other(name)) => WIDE.contains(&name.as_str()),
        _ => false,
    };
    let has = |text: &str| memchr::memmem::find(create, text.as_bytes()).is_some();
    has(" DEFAULT CHARSET=binary")
        && table.columns.iter().any(wide)
        && (has("CHECK (") || has(" GENERATED ALWAYS AS ("))
}

/// Replaces members and defaults that the server does not print exactly.
async fn put_exact_text(
    exact: &mut ExactText,
    create: &mut Vec<u8>,
    database: &Database,
    table: &Table,
    options: &DumpOptions,
) -> Result<Option<String>> {
    let doubtful: Vec<&Column> =
        table.columns.iter().filter(|column| column.doubtful.any()).collect();
    if doubtful.is_empty() {
        return Ok(None);
    }
    match exact.read(&database.name, &table.name, &doubtful).await {
        Ok(columns) => {
            for column in columns {
                *create = printed::with_exact_column(create, &column);
            }
            Ok(None)
        }
        Err(error) if error.kind() == ErrorKind::Privilege && options.partial() => {
            let names: Vec<_> = doubtful.iter().map(|column| column.name.as_str()).collect();
            Ok(Some(format!(
                "the server may print question marks for characters in the definition of table \
                 {}.{}, columns {}, and the account may not read them otherwise: {}",
                quote_identifier(&database.name),
                quote_identifier(&table.name),
                names.join(", "),
                error.chain()
            )))
        }
        Err(error) => Err(error),
    }
}

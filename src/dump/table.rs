//! The definition of a table as script text.

use super::exact::ExactText;
use super::options::DumpOptions;
use super::partition_values;
use super::printed;
use super::script::Script;
use crate::error::{ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::server::{Charset, Column, ColumnKind, Database, Flavor, Session, Table};

/// The SQL mode in which `MariaDB` keeps options that it does not know, and prints them as such.
const KEEPS_UNKNOWN_OPTIONS: &str = "IGNORE_BAD_TABLE_OPTIONS";

/// Writes the statements that make a table. Returns what of its definition may be lost, one sentence
/// each.
pub(super) async fn write_definition(
    session: &mut Session,
    exact: &mut ExactText,
    script: &mut Script,
    database: &Database,
    table: &Table,
    options: &DumpOptions,
) -> Result<Vec<String>> {
    let name = quote_identifier(&table.name);
    let mut lost: Vec<String> =
        partition_values::check(session, table).await?.into_iter().collect();
    let mut create = show_create(session, &name).await?;
    // In any other mode unknown options stand in a comment.
    let unknown_options =
        session.flavor() == Flavor::MariaDb && memchr::memmem::find(&create, b"/* `").is_some();
    if unknown_options {
        session.execute(format!("SET sql_mode = '{KEEPS_UNKNOWN_OPTIONS}'")).await?;
        create = show_create(session, &name).await?;
        session.execute("SET sql_mode = ''").await?;
    }
    let mut create = printed::without_own_database(&create, &database.name);
    lost.extend(put_exact_text(exact, &mut create, database, table, options).await?);
    if session.flavor() == Flavor::MariaDb && changes_when_run(&create, table) {
        lost.push(format!(
            "the literals in CHECK constraints and generated columns of table {}.{name} can come back as \
             others, or not at all: its default character set is binary, and beside columns of \
             several bytes for each character the server reads them otherwise than it prints them",
            quote_identifier(&database.name)
        ));
    }

    if unknown_options {
        script.statement(format!("SET sql_mode = CONCAT(@@sql_mode, ',{KEEPS_UNKNOWN_OPTIONS}')"));
    }
    script.statement(create);
    if unknown_options {
        script.statement(format!("SET sql_mode = '{}'", super::session_settings::SCRIPT_SQL_MODE));
    }
    Ok(lost)
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

async fn show_create(session: &mut Session, name: &str) -> Result<Vec<u8>> {
    let row = session.query_one(&format!("SHOW CREATE TABLE {name}")).await?;
    Ok(row.bytes(1)?.unwrap_or_default().to_vec())
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

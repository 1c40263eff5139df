//! Stored generated columns whose values a restore does not compute again.
//!
//! What an expression with a TIMESTAMP, or with the name of a month, gives depends on the session that
//! wrote the row: its time zone, its locale. A restore computes it in UTC and in English (FORMAT S1),
//! and no statement gives such a column another value. Where that makes a difference, the
//! server can count it.

use std::collections::BTreeSet;

use super::printed;
use super::session_settings::{SCRIPT_LOCALE, SCRIPT_SQL_MODE};
use crate::error::Result;
use crate::ident::quote_identifier;
use crate::server::{Column, ColumnKind, Generated, Session, Table};

/// Functions whose results depend on the time zone or the locale of the session.
const OF_THE_SESSION: [&str; 7] = [
    "from_unixtime(",
    "unix_timestamp(",
    "convert_tz(",
    "dayname(",
    "monthname(",
    "date_format(",
    "str_to_date(",
];

/// Compares the values of such columns with what a restore will compute, and says where they differ,
/// one sentence for each column. `condition` chooses the rows.
pub(super) async fn check(
    session: &mut Session,
    table: &Table,
    condition: Option<&str>,
) -> Result<Vec<String>> {
    if !table.columns.iter().any(|column| column.generated == Generated::Stored) {
        return Ok(Vec::new());
    }
    let name = quote_identifier(&table.name);
    let row = session.query_one(&format!("SHOW CREATE TABLE {name}")).await?;
    let create = String::from_utf8_lossy(row.bytes(1)?.unwrap_or_default()).into_owned();
    let doubtful: Vec<_> = depending_on_session(table, &create)
        .into_iter()
        .map(|(column, expression)| {
            let bits = printed::has_type(&create, &column.name, "bit(");
            (column, differs(column, bits, expression))
        })
        .collect();
    if doubtful.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<_> = doubtful.iter().map(|(_, differs)| format!("SUM({differs})")).collect();
    let condition = condition.map(|text| format!(" WHERE ({text}\n)")).unwrap_or_default();
    let sql = format!("SELECT {} FROM {name}{condition}", counts.join(","));
    let as_in_script =
        format!("SET sql_mode = '{SCRIPT_SQL_MODE}', lc_time_names = '{SCRIPT_LOCALE}'");
    session.execute(as_in_script).await?;
    let counted = session.query_one(&sql).await;
    let counted = match counted {
        Err(error) if error.server().is_none() => return Err(error),
        counted => counted,
    };
    session.execute("SET sql_mode = '', lc_time_names = DEFAULT").await?;
    let mut said = Vec::new();
    for (place, (column, _)) in doubtful.iter().enumerate() {
        let column = quote_identifier(&column.name);
        match &counted {
            Err(error) => said.push(format!(
                "table {name}: whether a restore computes the stored generated column {column} as it \
                 is could not be seen: {}",
                error.chain()
            )),
            Ok(row) => {
                let rows = row.optional_number(place)?.unwrap_or(0);
                if rows > 0 {
                    said.push(format!(
                        "table {name}: the stored generated column {column} has been computed in \
                         another time zone or locale in {rows} rows; a restore computes it in UTC \
                         and in English, and it will have other values there"
                    ));
                }
            }
        }
    }
    Ok(said)
}

/// The stored generated columns whose expressions depend on the session, by themselves or by other
/// columns, with the expressions.
fn depending_on_session<'a>(table: &'a Table, create: &'a str) -> Vec<(&'a Column, &'a str)> {
    let mut depending: BTreeSet<&str> = BTreeSet::new();
    let mut generated = Vec::new();
    for column in &table.columns {
        if let Some(expression) = printed::expression(create, &column.name) {
            generated.push((column, expression));
        } else if printed::has_type(create, &column.name, "timestamp") {
            depending.insert(&column.name);
        }
    }
    // As often as one column can depend on another.
    for _ in 0..=generated.len() {
        let before = depending.len();
        for (column, expression) in &generated {
            let lower = expression.to_ascii_lowercase();
            if OF_THE_SESSION.iter().any(|function| lower.contains(function))
                || depending.iter().any(|name| names(&lower, name))
            {
                depending.insert(&column.name);
            }
        }
        if depending.len() == before {
            break;
        }
    }
    generated.retain(|(column, _)| {
        column.generated == Generated::Stored && depending.contains(column.name.as_str())
    });
    generated
}

/// Whether an expression, in small letters, names a column: it is printed as somebody wrote it.
fn names(lower: &str, column: &str) -> bool {
    lower.contains(&quote_identifier(column).to_ascii_lowercase())
}

/// A condition that is true where a column has another value than its expression.
fn differs(column: &Column, bits: bool, expression: &str) -> String {
    let name = quote_identifier(&column.name);
    // Padding is no difference, and no character set is.
    let bytes = |text: &str| {
        format!("CAST(TRIM(TRAILING ' ' FROM CONVERT({text} USING utf8mb4)) AS BINARY)")
    };
    let (kept, computed) = match &column.kind {
        ColumnKind::Date => (name, format!("CAST(({expression}) AS DATE)")),
        ColumnKind::DateTime(digits) => {
            (name, format!("CAST(({expression}) AS DATETIME({digits}))"))
        }
        ColumnKind::Time(digits) => (name, format!("CAST(({expression}) AS TIME({digits}))")),
        ColumnKind::Binary if bits => (format!("{name} + 0"), format!("ROUND(({expression}))")),
        ColumnKind::Integer | ColumnKind::Year => (name, format!("ROUND(({expression}))")),
        ColumnKind::Decimal | ColumnKind::Double => (name, format!("({expression})")),
        ColumnKind::Json => (name, format!("CAST(({expression}) AS JSON)")),
        ColumnKind::Text(_) | ColumnKind::Ascii | ColumnKind::MemberNumber => {
            (bytes(&name), bytes(&format!("({expression})")))
        }
        // It has half the digits of what it is computed from: 24 bits.
        ColumnKind::Float => {
            return format!(
                "NOT ({name} <=> ({expression})) \
                 AND COALESCE(ABS({name} - ({expression})) > ABS({name}) * 1.2e-7, TRUE)"
            );
        }
        ColumnKind::Binary => (
            format!("TRIM(TRAILING 0x00 FROM CAST({name} AS BINARY))"),
            format!("TRIM(TRAILING 0x00 FROM CAST(({expression}) AS BINARY))"),
        ),
    };
    format!("NOT ({kept} <=> {computed})")
}

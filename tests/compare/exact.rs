//! Members and defaults of columns in the bytes that the server keeps.
//!
//! Servers print definitions in three-byte `utf8`: a default of one emoji looks like a default of a
//! question mark, in `SHOW CREATE TABLE` and in the catalogue. An empty temporary table takes the
//! columns over, and its rows show what they hold.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::{Attributes, quote_name};

/// The exact text of one column, as attributes of it.
pub(crate) async fn column(
    conn: &mut Conn,
    table: &str,
    name: &str,
    definition: &Attributes,
) -> Result<Attributes, mysql_async::Error> {
    let text = |attribute: &str| {
        let value = definition.get(attribute).and_then(Option::as_deref).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let (kind, default, extra) = (text("COLUMN_TYPE"), text("COLUMN_DEFAULT"), text("EXTRA"));
    let printable = |text: &str| text.is_ascii() && !text.contains('?');
    // What is computed has no text of its own, nor has a literal of a type without characters.
    let generated = !text("GENERATION_EXPRESSION").is_empty();
    let of_members = kind.starts_with("enum(") || kind.starts_with("set(");
    let literal = !generated
        && !extra.contains("DEFAULT_GENERATED")
        && !text("CHARACTER_SET_NAME").is_empty()
        && !kind.ends_with("text");
    let members = of_members && !printable(&kind);
    let default = literal && !printable(&default);
    if !members && !default {
        return Ok(Attributes::new());
    }
    let column = quote_name(name);
    conn.query_drop(format!(
        "CREATE TEMPORARY TABLE compare_column SELECT {column} FROM {} LIMIT 0",
        quote_name(table)
    ))
    .await?;
    let mut exact = Attributes::new();
    if default {
        conn.query_drop("INSERT INTO compare_column () VALUES ()").await?;
        let value: Option<Option<Vec<u8>>> =
            conn.query_first(format!("SELECT HEX({column}) FROM compare_column")).await?;
        exact.insert(String::from("exact default"), value.flatten());
        conn.query_drop("DELETE FROM compare_column").await?;
    }
    if members {
        // As many rows as a type can have members: those beyond the last are the same nothing.
        let is_set = kind.starts_with("set(");
        let numbers: Vec<String> = if is_set {
            (0..64).map(|bit| format!("({})", 1u64 << bit)).collect()
        } else {
            (1..=kind.matches("',").count() + 1).map(|number| format!("({number})")).collect()
        };
        conn.query_drop(format!("INSERT INTO compare_column VALUES {}", numbers.join(","))).await?;
        let rows: Vec<Option<Vec<u8>>> = conn
            .query(format!("SELECT HEX({column}) FROM compare_column ORDER BY {column} + 0"))
            .await?;
        let all: Vec<Vec<u8>> = rows.into_iter().map(Option::unwrap_or_default).collect();
        exact.insert(String::from("exact members"), Some(all.join(&b","[..])));
    }
    conn.query_drop("DROP TEMPORARY TABLE compare_column").await?;
    Ok(exact)
}

//! Values of partitions that the server does not print exactly.
//!
//! `MariaDB` keeps the code of a value and prints the character. Where several codes of a character set
//! stand for one character, another one comes back, to which the same rows need not belong. Nothing
//! shows the code, but the server says to which partition a row with the printed value would go.

use crate::error::{Error, ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::server::{Column, Flavor, Session, Table, string_literal};
use crate::sql::literal::push_hex;

/// Fails if a value of a partition would come back as another one. Returns a warning where that
/// cannot be told.
pub(super) async fn check(session: &mut Session, table: &Table) -> Result<Option<String>> {
    let doubtful = |column: &&Column| column.shared_codes().is_some();
    if session.flavor() != Flavor::MariaDb
        || table.partitions.is_empty()
        || !table.columns.iter().any(|column| doubtful(&column))
    {
        return Ok(None);
    }
    let sql = format!(
        "SELECT DISTINCT PARTITION_NAME, PARTITION_METHOD, PARTITION_EXPRESSION, \
         PARTITION_DESCRIPTION FROM information_schema.PARTITIONS \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {} AND PARTITION_METHOD LIKE '% COLUMNS'",
        string_literal(&table.name)
    );
    for row in session.query(&sql).await? {
        let (partition, description) = (row.text(0)?, row.text(3)?);
        if description.is_ascii() {
            continue;
        }
        let of_list = row.text(1)?.starts_with("LIST");
        let expression = row.text(2)?;
        let column =
            table.columns.iter().find(|column| expression == quote_identifier(&column.name));
        let Some(column) = column else {
            return Ok(Some(format!(
                "the server may print another code than it has for a character in the values of \
                 the partitions of table {}",
                quote_identifier(&table.name)
            )));
        };
        let Some(charset) = column.shared_codes() else { continue };
        for value in quoted(&description).filter(|value| !value.is_ascii()) {
            let mut literal = b"CONVERT(_utf8mb4 ".to_vec();
            push_hex(&mut literal, value.as_bytes());
            let sql = format!(
                "EXPLAIN PARTITIONS SELECT 1 FROM {} WHERE {expression} = {} USING {charset})",
                quote_identifier(&table.name),
                String::from_utf8_lossy(&literal)
            );
            let plan = session.query(&sql).await?;
            let there = plan.first().map(|row| row.text(3)).transpose()?.unwrap_or_default();
            let named = there.split(',').any(|name| {
                name.strip_prefix(&partition)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
            });
            // A value of a list belongs to its partition; the end of a range to the one behind it.
            if named != of_list {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "the partition '{partition}' has a value in {charset} of which the server \
                         prints the character and not the code, and the character has another one \
                         too: leave the table out, or partition it by other values"
                    ),
                ));
            }
        }
    }
    Ok(None)
}

/// The quoted texts of a list of literals.
fn quoted(list: &str) -> impl Iterator<Item = String> {
    let mut texts = Vec::new();
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\'' {
            continue;
        }
        let mut text = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.extend(chars.next()),
                '\'' if chars.next_if_eq(&'\'').is_none() => break,
                c => text.push(c),
            }
        }
        texts.push(text);
    }
    texts.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_taken_out_of_a_list() {
        let texts: Vec<_> = quoted(r"'Ⅰ',NULL,'it''s','\\',MAXVALUE,''").collect();
        assert_eq!(texts, ["Ⅰ", "it's", r"\", ""]);
    }
}

//! What is taken out of the text of definitions, because it is no part of them.

use super::quote_name;

/// Stands where the server wrote the database's own quoted name and a dot: in the text of views,
/// and in the default of a column that counts by a sequence.
pub(crate) const DATABASE_MARKER: &[u8] = b"<database>.";

/// `text` with [`DATABASE_MARKER`] for each mention of `database` in front of a name.
pub(crate) fn hide_database(text: &[u8], database: &str) -> Vec<u8> {
    let qualifier = format!("{}.", quote_name(database));
    replace_all(text, qualifier.as_bytes(), DATABASE_MARKER)
}

pub(crate) fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// `text` with `new` in every place of `old`.
fn replace_all(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(old) {
            out.extend_from_slice(new);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// `SHOW CREATE TABLE` without each `CHARACTER SET x` that stands before a `COLLATE`, which
/// implies it.
///
/// MySQL writes a column that took a collation from its table as `COLLATE y`, and the same column
/// as `CHARACTER SET x COLLATE y` once a table was made from that text: no dump can prevent it.
/// Character set and collation of every column are compared by the catalogue.
pub(crate) fn without_implied_charset(text: &[u8]) -> Vec<u8> {
    const CHARSET: &[u8] = b" CHARACTER SET ";
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let after_name = rest.strip_prefix(CHARSET).map(|name| {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = name.iter().take_while(|byte| is_part(byte)).count();
            name.get(length..).unwrap_or_default()
        });
        match after_name {
            Some(after) if after.starts_with(b" COLLATE ") => rest = after,
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

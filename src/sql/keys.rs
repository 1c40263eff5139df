//! Tables that a script makes without a primary key: a server of `MySQL` can refuse them.

use super::needs::{NO_COLUMNS, table_name};
use super::token::{Reading, Token, Tokens};

/// A table without a primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keyless {
    pub(crate) table: String,
    /// Whether the server cannot give it an invisible one either.
    pub(crate) takes_none: bool,
}

/// The table that a `CREATE TABLE` makes, if that is listed without a primary key. Not a temporary
/// one: nobody needs a key of those.
pub(crate) fn keyless(text: &[u8], reading: &Reading) -> Option<Keyless> {
    let mut tokens = Tokens::new(text, reading);
    tokens.take_if(|token| token.is("CREATE"))?;
    tokens.take_if(|token| token.is("TABLE"))?;
    while tokens.take_if(|token| token.is_any(&["IF", "NOT", "EXISTS"])).is_some() {}
    let (_, table) = table_name(&mut tokens)?;
    if !tokens.take_sign(b'(') || tokens.peek()?.is("LIKE") {
        return None;
    }
    let mut takes_none = false;
    let mut depth = 1usize;
    let (mut first, mut column) = (true, false);
    let mut before: Option<Token<'_>> = None;
    while depth > 0 {
        let token = tokens.next()?;
        if token.is_sign(b'(') {
            depth += 1;
        } else if token.is_sign(b')') {
            depth -= 1;
        } else if depth == 1 && first {
            column = !token.is_any(&NO_COLUMNS);
            takes_none |= column && token.value().eq_ignore_ascii_case("my_row_id");
        }
        if depth == 1 {
            let unique = before.is_some_and(|before| before.is("UNIQUE"));
            // `a INT KEY` is one too.
            if token.is("PRIMARY") || (column && !first && !unique && token.is("KEY")) {
                return None;
            }
            takes_none |= column && !first && token.is("AUTO_INCREMENT");
        }
        first = depth == 1 && token.is_sign(b',');
        before = Some(token);
    }
    while let Some(token) = tokens.next() {
        if token.is("PARTITION") && tokens.peek().is_some_and(|next| next.is("BY")) {
            takes_none = true;
        } else if token.is("ENGINE") {
            tokens.take_sign(b'=');
            let engine = tokens.next()?.value();
            if !engine.eq_ignore_ascii_case("InnoDB") {
                return Some(Keyless { table, takes_none: false });
            }
        }
    }
    Some(Keyless { table, takes_none })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::charset::Charset;
    use crate::sql::split::Dialect;

    #[test]
    fn tables_without_a_primary_key_are_found() {
        let reading = Reading {
            dialect: Dialect::MySql { dollar_quotes: true },
            version: 90_704,
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        };
        for (text, expected) in [
            ("CREATE TABLE `d`.`t` (a int, UNIQUE KEY (a)) ENGINE=InnoDB", Some(false)),
            ("CREATE TABLE IF NOT EXISTS t (a int UNIQUE KEY NOT NULL)", Some(false)),
            ("CREATE TABLE t (a int COMMENT 'PRIMARY KEY', `PRIMARY` int)", Some(false)),
            ("CREATE TABLE t (a int, KEY (a), b int AS (a) /* PRIMARY KEY */)", Some(false)),
            ("CREATE TABLE t (a int AUTO_INCREMENT, KEY (a))", Some(true)),
            ("CREATE TABLE t (a int AUTO_INCREMENT, KEY (a)) ENGINE=MyISAM", Some(false)),
            ("CREATE TABLE t (a int) /*!50100 PARTITION BY HASH (a) */", Some(true)),
            ("CREATE TABLE t (`My_row_id` int)", Some(true)),
            ("CREATE TABLE t (a int, PRIMARY KEY (a))", None),
            ("CREATE TABLE t (a int, CONSTRAINT c PRIMARY KEY (a))", None),
            ("CREATE TABLE t (a int PRIMARY KEY)", None),
            ("CREATE TABLE t (a int NOT NULL KEY, b int)", None),
            ("CREATE TABLE t (a int /*!80023 INVISIBLE */, /*!80023 PRIMARY KEY (a) */)", None),
            ("CREATE TABLE t LIKE u", None),
            ("CREATE TABLE t (LIKE u)", None),
            ("CREATE TEMPORARY TABLE t (a int)", None),
            ("INSERT INTO t VALUES (1)", None),
        ] {
            let found = keyless(text.as_bytes(), &reading);
            assert_eq!(found.map(|keyless| keyless.takes_none), expected, "{text}");
        }
    }
}

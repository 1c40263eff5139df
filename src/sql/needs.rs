//! What a definition needs of the server that takes it, where `MySQL` and `MariaDB` differ.

use std::ops::Range;

use super::split::Dialect;
use super::token::{Reading, Token, TokenKind, Tokens};

/// A name in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// Where it stands, quotes included.
    pub(crate) range: Range<usize>,
}

/// What a statement needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) collations: Vec<Named>,
    pub(crate) charsets: Vec<Named>,
    pub(crate) engines: Vec<Named>,
    /// What this server does not have, whatever its version.
    pub(crate) missing: Vec<&'static str>,
    /// Parts of a table that this server passes over, because they are written for others.
    pub(crate) passed_over: Vec<String>,
    /// A table that it creates and those of its columns that are generated.
    pub(crate) generated: Option<(String, Vec<String>)>,
}

/// What a definition or a `SET` needs; nothing for any other statement.
pub(crate) fn needs(text: &[u8], reading: &Reading) -> Needs {
    let mut found = Needs::default();
    let mut tokens = Tokens::new(text, reading);
    let Some(verb) = tokens.next() else { return found };
    if !verb.is_any(&["CREATE", "ALTER", "SET"]) {
        return found;
    }
    let kind = if verb.is("SET") { String::new() } else { kind_of(tokens.clone()) };
    let mysql = matches!(reading.dialect, Dialect::MySql { .. });
    if verb.is("CREATE") {
        let missing = match kind.as_str() {
            "SEQUENCE" if mysql => Some("sequences"),
            "PACKAGE" if mysql => Some("packages"),
            "LIBRARY" if !mysql => Some("libraries"),
            _ => None,
        };
        found.missing.extend(missing);
    }
    let table = kind == "TABLE";
    let (mut before, mut earlier): (Option<Token<'_>>, Option<Token<'_>>) = (None, None);
    let mut depth = 0usize;
    while let Some(token) = tokens.next() {
        if token.is_sign(b'(') {
            depth += 1;
        } else if token.is_sign(b')') {
            depth = depth.saturating_sub(1);
        }
        if let Some(passed) = tokens.take_passed().filter(|_| table) {
            found.passed_over.push(String::from_utf8_lossy(passed).into_owned());
        }
        let after = |word: &str| before.is_some_and(|before| before.is(word));
        let named = before.is_some_and(|before| before.is_sign(b'.') || before.is_sign(b'@'));
        let equals = tokens.peek().is_some_and(|next| next.is_sign(b'='));
        let of_session = token.is_any(&["COLLATION_CONNECTION", "COLLATION_DATABASE"])
            && verb.is("SET")
            && (equals || tokens.peek().is_some_and(|next| next.is_sign(b':')));
        // Of `@@variables`, but not of `@user_variables`.
        let of_session = of_session
            && (!named
                || earlier.is_some_and(|earlier| {
                    earlier.is_sign(b'@') || earlier.is_any(&["SESSION", "LOCAL"])
                }));
        let list = if of_session || (token.is("COLLATE") && !named) {
            Some(&mut found.collations)
        } else if (token.is("SET") && after("CHARACTER"))
            || (token.is("CHARSET") && is_option(kind.as_str(), before, depth, equals))
        {
            Some(&mut found.charsets)
        } else if token.is("ENGINE") && table {
            Some(&mut found.engines)
        } else {
            None
        };
        if let Some(list) = list {
            let mut ahead = tokens.clone();
            ahead.take_sign(b':');
            ahead.take_sign(b'=');
            if let Some(name) = ahead.next().filter(is_charset_name) {
                list.push(Named { name: name.value(), range: name.at..name.end() });
            }
        } else if table {
            let next = |word: &str| tokens.peek().is_some_and(|next| next.is(word));
            let missing = if mysql {
                let versioning = token.is("SYSTEM") && next("VERSIONING");
                let period = token.is("PERIOD") && next("FOR");
                let sequence = token.is("NEXTVAL");
                (versioning || period)
                    .then_some("system versioning")
                    .or(sequence.then_some("sequences"))
            } else {
                let expression = token.is_sign(b'(')
                    && before.is_some_and(|before| before.kind == TokenKind::Name)
                    && tokens.peek().is_some_and(|next| next.is_sign(b'('));
                expression.then_some("indexes over expressions")
            };
            found.missing.extend(missing.filter(|missing| !found.missing.contains(missing)));
        }
        (before, earlier) = (Some(token), before);
    }
    if table && verb.is("CREATE") {
        found.generated = Some(generated(text, reading)).filter(|(_, columns)| !columns.is_empty());
    }
    found
}

/// Whether the word `CHARSET`, which may also be the name of anything, is an option of a table, column
/// or database where it stands.
fn is_option(kind: &str, before: Option<Token<'_>>, depth: usize, equals: bool) -> bool {
    const TYPES: [&str; 6] = ["CHAR", "TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "LONG"];
    let Some(before) = before else { return true };
    match kind {
        "" => before.is("SET"),
        "TABLE" if depth > 0 => before.is_sign(b')') || before.is_any(&TYPES),
        "TABLE" => equals || before.is_sign(b')') || before.is("DEFAULT"),
        "DATABASE" | "SCHEMA" => equals || !before.is_any(&["DATABASE", "SCHEMA", "EXISTS"]),
        _ => false,
    }
}

fn is_charset_name(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Name | TokenKind::Text)
        && !token.is("DEFAULT")
}

/// The word for what a definition is about.
fn kind_of(tokens: Tokens<'_>) -> String {
    const KINDS: [&str; 13] = [
        "TABLE",
        "VIEW",
        "SEQUENCE",
        "PACKAGE",
        "LIBRARY",
        "PROCEDURE",
        "FUNCTION",
        "TRIGGER",
        "EVENT",
        "DATABASE",
        "SCHEMA",
        "INDEX",
        "USER",
    ];
    tokens
        .take(40)
        .find(|token| token.is_any(&KINDS))
        .map(|token| token.upper())
        .unwrap_or_default()
}

/// The name of the table that a statement creates, and its generated columns.
fn generated(text: &[u8], reading: &Reading) -> (String, Vec<String>) {
    let mut tokens = Tokens::new(text, reading).skip_while(|token| !token.is("TABLE")).skip(1);
    let mut table = String::new();
    for token in tokens.by_ref() {
        if token.is_sign(b'(') {
            break;
        }
        if token.is_name() && !token.is_any(&["IF", "NOT", "EXISTS"]) {
            table = token.value();
        }
    }
    let mut columns = Vec::new();
    let mut column: Option<String> = None;
    let mut depth = 1usize;
    let mut item = true;
    let mut before_as = false;
    for token in tokens {
        if depth == 1 && before_as && token.is_sign(b'(') {
            columns.extend(column.take());
        }
        before_as = token.is("AS");
        if token.is_sign(b'(') {
            depth += 1;
        } else if token.is_sign(b')') {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if item {
            column = Some(token.value());
        }
        item = depth == 1 && token.is_sign(b',');
    }
    (table, columns)
}

/// The table that an `INSERT` or `REPLACE` writes into and the columns that it names; no list when
/// it names none.
pub(crate) fn inserted(text: &[u8], reading: &Reading) -> Option<(String, Option<Vec<String>>)> {
    let mut tokens = Tokens::new(text, reading);
    tokens.next().filter(|verb| verb.is_any(&["INSERT", "REPLACE"]))?;
    let modifiers = ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"];
    while tokens.take_if(|token| token.is_any(&modifiers)).is_some() {}
    let mut table = tokens.next()?.value();
    if tokens.take_sign(b'.') {
        table = tokens.next()?.value();
    }
    if !tokens.take_sign(b'(') {
        return Some((table, None));
    }
    let columns = tokens
        .take_while(|token| !token.is_sign(b')'))
        .filter(Token::is_name)
        .map(|token| token.value());
    Some((table, Some(columns.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::charset::Charset;

    fn reading(mariadb: bool) -> Reading {
        Reading {
            dialect: if mariadb {
                Dialect::MariaDb
            } else {
                Dialect::MySql { dollar_quotes: true }
            },
            version: if mariadb { 101_119 } else { 90_704 },
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        }
    }

    fn found(text: &str, mariadb: bool) -> String {
        let needs = needs(text.as_bytes(), &reading(mariadb));
        let names = |list: &[Named]| {
            list.iter()
                .map(|named| {
                    assert!(text[named.range.clone()].contains(&named.name));
                    named.name.clone()
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        format!(
            "{}|{}|{}|{}|{}",
            names(&needs.collations),
            names(&needs.charsets),
            names(&needs.engines),
            needs.missing.join(" "),
            needs.passed_over.join(" ")
        )
    }

    #[test]
    fn what_a_definition_needs_is_found() {
        for (text, mariadb, expected) in [
            (
                "CREATE TABLE t (a varchar(9) CHARACTER SET latin1 COLLATE 'latin1_bin') ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci",
                true,
                "latin1_bin utf8mb4_0900_ai_ci|latin1 utf8mb4|InnoDB||",
            ),
            (
                "SET collation_connection = utf8mb4_uca1400_ai_ci",
                false,
                "utf8mb4_uca1400_ai_ci||||",
            ),
            ("/*!50003 SET character_set_client = utf8mb4 */", false, "||||"),
            ("CREATE SEQUENCE s", false, "|||sequences|"),
            ("CREATE SEQUENCE s", true, "||||"),
            (
                "CREATE TABLE t (a int DEFAULT nextval(`s`)) WITH SYSTEM VERSIONING",
                false,
                "|||sequences system versioning|",
            ),
            ("CREATE TABLE t (a int, KEY `k` ((`a` + 1)))", true, "|||indexes over expressions|"),
            ("CREATE TABLE t (a int /*!80023 INVISIBLE */)", true, "||||/*!80023 INVISIBLE */"),
            ("CREATE TABLE t (a int /*!80023 INVISIBLE */)", false, "||||"),
            ("CREATE LIBRARY l LANGUAGE JAVASCRIPT AS $$ x $$", true, "|||libraries|"),
            ("SET CHARSET latin1", true, "|latin1|||"),
            (
                "SET @@session.collation_connection := latin1_bin, @collation_connection = 'x'",
                true,
                "latin1_bin||||",
            ),
            ("SET @charset = 'english', @collate = 'x'", true, "||||"),
            ("CREATE DATABASE charset CHARSET latin1", true, "|latin1|||"),
            ("ALTER DATABASE CHARSET = latin1", true, "|latin1|||"),
            (
                "CREATE TABLE charset (charset varchar(9), b text CHARSET latin1, KEY (charset)) CHARSET cp932",
                true,
                "|latin1 cp932|||",
            ),
            (
                "CREATE TABLE t (a char(3) charset latin1) ENGINE=InnoDB charset=cp932",
                true,
                "|latin1 cp932|InnoDB||",
            ),
            // A word like others in queries and programs.
            (
                "CREATE PROCEDURE p() BEGIN SELECT charset FROM l; SELECT MAX(a) charset FROM l; END",
                true,
                "||||",
            ),
            ("CREATE PROCEDURE p() SELECT @@collation_connection INTO v", true, "||||"),
            (
                "CREATE TRIGGER t BEFORE INSERT ON l FOR EACH ROW SET NEW.charset = NEW.lang",
                true,
                "||||",
            ),
            (
                "CREATE FUNCTION f() RETURNS text CHARACTER SET latin1 RETURN a COLLATE latin1_bin",
                true,
                "latin1_bin|latin1|||",
            ),
            ("CREATE VIEW v AS SELECT charset, l.collate FROM l WHERE charset = 'x'", true, "||||"),
            ("INSERT INTO t VALUES ('COLLATE x')", true, "||||"),
            ("CREATE TABLE t (a int COMMENT 'COLLATE x ENGINE=y')", true, "||||"),
        ] {
            assert_eq!(found(text, mariadb), expected, "{text}");
        }
    }

    #[test]
    fn generated_columns_and_the_lists_of_inserts_are_found() {
        let create = "CREATE TABLE IF NOT EXISTS `d`.`t` (`a` int DEFAULT (1 + (2)), `b` int \
                      GENERATED ALWAYS AS (`a` + 1) STORED, c decimal(5,2), d int AS (a) VIRTUAL, \
                      KEY `k` (`a`), CHECK (a > (1))) ENGINE=InnoDB";
        let needs = needs(create.as_bytes(), &reading(false));
        assert_eq!(needs.generated, Some(("t".into(), vec!["b".into(), "d".into()])));
        let inserted = |text: &str| inserted(text.as_bytes(), &reading(false));
        assert_eq!(inserted("INSERT INTO `t` VALUES (1)"), Some(("t".into(), None)));
        assert_eq!(
            inserted("REPLACE INTO d.t (`a`, b) VALUES (1, 2)"),
            Some(("t".into(), Some(vec!["a".into(), "b".into()])))
        );
        assert_eq!(inserted("SELECT 1"), None);
    }
}

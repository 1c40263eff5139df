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
    /// The spatial reference systems of columns (`MySQL`).
    pub(crate) srids: Vec<u32>,
    /// The one that it makes.
    pub(crate) makes_srid: Option<u32>,
    /// What this server does not have, whatever its version.
    pub(crate) missing: Vec<&'static str>,
    /// Parts of a table that this server passes over, because they are written for others.
    pub(crate) passed_over: Vec<String>,
    /// The table that it creates.
    pub(crate) creates: Option<(TableName, Vec<Column>)>,
}

/// A table as a statement names it: the database, if it says one, and the table.
pub(crate) type TableName = (Option<String>, String);

/// A column of a table that a statement creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) generated: bool,
}

/// What a definition or a `SET` needs; nothing for any other statement.
pub(crate) fn needs(text: &[u8], reading: &Reading) -> Needs {
    let mut found = Needs::default();
    let mut tokens = Tokens::new(text, reading);
    let Some(verb) = tokens.next() else {
        found.passed_over.extend(tokens.take_passed().and_then(passed_statement));
        return found;
    };
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
    if verb.is("CREATE") && mysql {
        found.makes_srid = made_srid(tokens.clone());
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
                if token.is("SRID") && !named {
                    found.srids.extend(tokens.peek().as_ref().and_then(srid));
                }
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
        found.creates = created(text, reading);
    }
    found
}

/// What is lost when this server passes a whole statement over, where that is more than a setting.
fn passed_statement(comment: &[u8]) -> Option<String> {
    let histogram = memchr::memmem::find(comment, b" UPDATE HISTOGRAM ON ").is_some();
    (comment.starts_with(b"/*!8") && histogram).then(|| "UPDATE HISTOGRAM".to_owned())
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

/// The spatial reference system that is made, if `CREATE` is about one.
fn made_srid(mut tokens: Tokens<'_>) -> Option<u32> {
    while tokens.take_if(|token| token.is_any(&["OR", "REPLACE"])).is_some() {}
    for word in ["SPATIAL", "REFERENCE", "SYSTEM"] {
        tokens.take_if(|token| token.is(word))?;
    }
    tokens.find_map(|token| srid(&token))
}

fn srid(token: &Token<'_>) -> Option<u32> {
    if token.kind == TokenKind::Number { token.value().parse().ok() } else { None }
}

/// A name with or without a database in front of it.
pub(super) fn table_name(tokens: &mut Tokens<'_>) -> Option<TableName> {
    let first = tokens.next()?.value();
    if tokens.take_sign(b'.') {
        return Some((Some(first), tokens.next()?.value()));
    }
    Some((None, first))
}

/// What begins a part of a `CREATE TABLE` that is no column.
pub(super) const NO_COLUMNS: [&str; 9] =
    ["KEY", "INDEX", "PRIMARY", "UNIQUE", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK"];

/// The table that a `CREATE TABLE` creates, and the columns that it lists.
fn created(text: &[u8], reading: &Reading) -> Option<(TableName, Vec<Column>)> {
    let mut tokens = Tokens::new(text, reading);
    while !tokens.next()?.is("TABLE") {}
    while tokens.take_if(|token| token.is_any(&["IF", "NOT", "EXISTS"])).is_some() {}
    let table = table_name(&mut tokens)?;
    let mut columns = Vec::new();
    if !tokens.take_sign(b'(') {
        return Some((table, columns));
    }
    let mut depth = 1usize;
    let (mut first, mut column, mut after_as) = (true, false, false);
    for token in tokens {
        if depth == 1
            && column
            && after_as
            && token.is_sign(b'(')
            && let Some(Column { generated, .. }) = columns.last_mut()
        {
            *generated = true;
        }
        after_as = token.is("AS");
        if token.is_sign(b'(') {
            depth += 1;
        } else if token.is_sign(b')') {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if first {
            column = !token.is_any(&NO_COLUMNS);
            if column {
                columns.push(Column { name: token.value(), generated: false });
            }
        }
        first = depth == 1 && token.is_sign(b',');
    }
    Some((table, columns))
}

/// Where the rows of a statement go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inserted {
    pub(crate) table: TableName,
    /// The columns that it names; no list when it names none.
    columns: Option<Vec<String>>,
    /// Whether each value of its first row is more than `DEFAULT`.
    given: Vec<bool>,
}

impl Inserted {
    /// Whether it gives a value to one of these columns that is generated.
    pub(crate) fn gives_generated(&self, columns: &[Column]) -> bool {
        let generated = |name: &String| {
            let is = |column: &&Column| column.name.eq_ignore_ascii_case(name);
            columns.iter().find(is).is_some_and(|column| column.generated)
        };
        let given = self.given.iter();
        match &self.columns {
            Some(names) => names.iter().zip(given).any(|(name, given)| *given && generated(name)),
            // Some of its columns have no place in a row: the server knows which.
            None if columns.len() != self.given.len() => false,
            None => columns.iter().zip(given).any(|(column, given)| *given && column.generated),
        }
    }
}

/// What an `INSERT` or `REPLACE` of rows writes. Nothing for one of the rows of a query, and for one
/// whose columns are set one by one.
pub(crate) fn inserted(text: &[u8], reading: &Reading) -> Option<Inserted> {
    let mut tokens = Tokens::new(text, reading);
    tokens.next().filter(|verb| verb.is_any(&["INSERT", "REPLACE"]))?;
    let modifiers = ["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"];
    while tokens.take_if(|token| token.is_any(&modifiers)).is_some() {}
    let table = table_name(&mut tokens)?;
    let columns = tokens.take_sign(b'(').then(|| {
        let listed = tokens.by_ref().take_while(|token| !token.is_sign(b')'));
        listed.filter(Token::is_name).map(|token| token.value()).collect()
    });
    tokens.take_if(|token| token.is_any(&["VALUES", "VALUE"]))?;
    if !tokens.take_sign(b'(') {
        return None;
    }
    let mut given = Vec::new();
    let (mut depth, mut is_default, mut length) = (1usize, false, 0usize);
    for token in tokens {
        let ends = depth == 1 && (token.is_sign(b',') || token.is_sign(b')'));
        if ends {
            given.push(length > 0 && !(length == 1 && is_default));
            (is_default, length) = (false, 0);
            if token.is_sign(b')') {
                break;
            }
            continue;
        }
        if token.is_sign(b'(') {
            depth += 1;
        } else if token.is_sign(b')') {
            depth -= 1;
        }
        is_default = token.is("DEFAULT");
        length += 1;
    }
    Some(Inserted { table, columns, given })
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
            (
                "/*!80031 ANALYZE TABLE t UPDATE HISTOGRAM ON c USING DATA '{}' */",
                true,
                "||||UPDATE HISTOGRAM",
            ),
            ("/*!80031 ANALYZE TABLE t UPDATE HISTOGRAM ON c USING DATA '{}' */", false, "||||"),
            ("/*!80016 ALTER DATABASE ENCRYPTION = 'N' */", true, "||||"),
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
    fn spatial_reference_systems_are_found() {
        for (text, srids, makes) in [
            (
                "CREATE TABLE t (p point NOT NULL SRID 4326, q geometry /*!80003 SRID 9999 */)",
                vec![4326, 9999],
                None,
            ),
            ("ALTER TABLE t ADD p point SRID 7", vec![7], None),
            (
                "CREATE TABLE t (srid int DEFAULT 5, `SRID` int, a int COMMENT 'SRID 5' /* SRID 6 */)",
                vec![],
                None,
            ),
            ("CREATE TABLE t (p point /*!99999 SRID 5 */)", vec![], None),
            ("CREATE SPATIAL REFERENCE SYSTEM IF NOT EXISTS 9999 NAME 'x'", vec![], Some(9999)),
            ("CREATE OR REPLACE SPATIAL REFERENCE SYSTEM 7 NAME 'x'", vec![], Some(7)),
            ("CREATE SPATIAL INDEX i ON t (p)", vec![], None),
        ] {
            let needs = needs(text.as_bytes(), &reading(false));
            assert_eq!(needs.srids, srids, "{text}");
            assert_eq!(needs.makes_srid, makes, "{text}");
        }
    }

    #[test]
    fn generated_columns_and_the_lists_of_inserts_are_found() {
        let create = "CREATE TABLE IF NOT EXISTS `d`.`t` (`a` int DEFAULT (1 + (2)), `b` int \
                      GENERATED ALWAYS AS (`a` + 1) STORED, c decimal(5,2), d int AS (a) VIRTUAL, \
                      KEY `k` (`a`), CHECK (a > (1))) ENGINE=InnoDB";
        let needs = needs(create.as_bytes(), &reading(false));
        let (table, columns) = needs.creates.unwrap();
        assert_eq!(table, (Some("d".into()), "t".into()));
        let shown: Vec<_> =
            columns.iter().map(|column| (column.name.as_str(), column.generated)).collect();
        assert_eq!(shown, [("a", false), ("b", true), ("c", false), ("d", true)]);
        let gives = |text: &str| {
            inserted(text.as_bytes(), &reading(false)).map(|rows| rows.gives_generated(&columns))
        };
        for (text, expected) in [
            ("INSERT INTO `t` VALUES (1, 2, 3, 4)", Some(true)),
            ("INSERT INTO t VALUES (1, DEFAULT, 3, default), (1, 2, 3, 4)", Some(false)),
            ("INSERT INTO t VALUES (1, DEFAULT, (3), DEFAULT(a))", Some(true)),
            // Not one for each column: some are invisible.
            ("INSERT INTO t VALUES (1, 2, 3)", Some(false)),
            ("REPLACE INTO d.t (`a`, B) VALUES (1, 2)", Some(true)),
            ("INSERT IGNORE t (a, b) VALUE (1, DEFAULT)", Some(false)),
            ("INSERT INTO t (c, a) VALUES (f(1, 2), 2)", Some(false)),
            ("INSERT INTO t () VALUES ()", Some(false)),
            ("INSERT INTO t SET a = 1", None),
            ("INSERT INTO t SELECT 1, 2, 3, 4", None),
            ("INSERT INTO t (a, b) SELECT 1, 2", None),
            ("SELECT 1", None),
        ] {
            assert_eq!(gives(text), expected, "{text}");
        }
        let like = super::needs(b"CREATE TABLE a LIKE b", &reading(false)).creates;
        assert_eq!(like, Some(((None, "a".into()), Vec::new())));
    }
}

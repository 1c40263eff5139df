//! What the server prints of a definition, put right where its own text does not bring the
//! definition back.

use crate::ident::{ObjectName, quote_identifier};
use crate::sql::literal::push_string;

/// Has the server print a definition.
pub(super) fn show_create(object: &ObjectName) -> String {
    format!("SHOW CREATE {} {}", object.kind().sql(), quote_identifier(object.name()))
}

/// Puts a literal in the place of the comment that the server prints.
///
/// It prints comments in UTF-8 and with backslashes for escapes, also where it reads them in another
/// character set, or a backslash as a backslash.
pub(super) fn with_comment(create: &[u8], comment: &str, literal: &[u8]) -> Vec<u8> {
    let mut printed = String::new();
    for c in comment.chars() {
        match c {
            '\0' => printed.push_str(r"\0"),
            '\n' => printed.push_str(r"\n"),
            '\r' => printed.push_str(r"\r"),
            '\\' => printed.push_str(r"\\"),
            '\'' => printed.push_str("''"),
            c => printed.push(c),
        }
    }
    // The comment stands in front of any body, so the first one is it.
    replaced(create, format!(" COMMENT '{printed}'").as_bytes(), &[b" COMMENT ", literal].concat())
}

/// Puts a name that is quoted already in the place of the one that the server prints in UTF-8.
pub(super) fn with_name(create: &[u8], name: &str, quoted: &[u8]) -> Vec<u8> {
    // It stands behind the definer, and in front of all else.
    let found = quoted_both_ways(name).into_iter().filter_map(|printed| {
        let printed = format!(" {printed}");
        Some((memchr::memmem::find(create, printed.as_bytes())?, printed))
    });
    match found.min() {
        Some((_, printed)) => replaced(create, printed.as_bytes(), &[b" ", quoted].concat()),
        None => create.to_vec(),
    }
}

/// An identifier as the server prints it: under `ANSI_QUOTES` in double quotes.
pub(super) fn quoted_both_ways(name: &str) -> [String; 2] {
    [quote_identifier(name), format!("\"{}\"", name.replace('"', "\"\""))]
}

/// `text` with `new` in the first place of `old`.
fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let Some(at) = memchr::memmem::find(text, old) else {
        return text.to_vec();
    };
    let (before, rest) = text.split_at(at);
    [before, new, rest.get(old.len()..).unwrap_or_default()].concat()
}

/// What a column's members and default really are, as literals.
#[derive(Debug)]
pub(super) struct ExactColumn {
    pub(super) name: String,
    pub(super) members: Option<Vec<String>>,
    pub(super) default: Option<String>,
}

/// Puts the literals of a column in the place of those that the server prints.
pub(super) fn with_exact_column(create: &[u8], column: &ExactColumn) -> Vec<u8> {
    let Some(start) = type_of_column(create, &column.name) else { return create.to_vec() };
    let (before, mut rest) = create.split_at(start);
    let mut out = before.to_vec();
    if let Some(members) = &column.members
        && let Some(open) = rest.iter().position(|&byte| byte == b'(')
    {
        let (kind, list) = rest.split_at(open + 1);
        out.extend_from_slice(kind);
        out.extend_from_slice(members.join(",").as_bytes());
        rest = list.get(end_of(list, b')')..).unwrap_or_default();
    }
    if let Some(default) = &column.default {
        const WORD: &[u8] = b" DEFAULT ";
        let line = rest.get(..end_of(rest, b'\n')).unwrap_or_default();
        if let Some(at) = outside_quotes(line, b" DEFAULT '") {
            let (kept, literal) = rest.split_at(at + WORD.len());
            out.extend_from_slice(kept);
            out.extend_from_slice(default.as_bytes());
            rest = literal.get(quoted_length(literal)..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Where the type of a column begins in the definition of its table.
fn type_of_column(create: &[u8], column: &str) -> Option<usize> {
    let name = format!("\n  {} ", quote_identifier(column));
    outside_quotes(create, name.as_bytes()).map(|at| at + name.len())
}

/// What is printed of a column, and of all behind it, from its type on.
pub(super) fn type_of<'a>(create: &'a str, column: &str) -> Option<&'a str> {
    create.get(type_of_column(create.as_bytes(), column)?..)
}

/// What a generated column is computed by.
pub(super) fn expression<'a>(create: &'a str, column: &str) -> Option<&'a str> {
    const WORDS: &[u8] = b" GENERATED ALWAYS AS (";
    let start = type_of_column(create.as_bytes(), column)?;
    let line = create.as_bytes().get(start..)?;
    let line = line.get(..end_of(line, b'\n'))?;
    in_parentheses(create, start + outside_quotes(line, WORDS)? + WORDS.len())
}

/// The names of the constraints that are enforced, as they are printed, and what they ask (`MySQL`).
pub(super) fn checks(create: &str) -> Vec<(&str, &str)> {
    const BEGIN: &[u8] = b"\n  CONSTRAINT `";
    const WORDS: &str = " CHECK (";
    let (mut checks, mut at) = (Vec::new(), 0);
    while let Some(found) = create.as_bytes().get(at..).and_then(|rest| outside_quotes(rest, BEGIN))
    {
        let name = at + found + BEGIN.len() - 1;
        let end = name + create.as_bytes().get(name..).map_or(1, quoted_length);
        at = end;
        if !create.get(end..).is_some_and(|rest| rest.starts_with(WORDS)) {
            continue;
        }
        let Some(asked) = in_parentheses(create, end + WORDS.len()) else { break };
        at = end + WORDS.len() + asked.len() + 1;
        let enforced =
            !create.get(at..).is_some_and(|rest| rest.starts_with(" /*!80016 NOT ENFORCED"));
        if let Some(name) = create.get(name..end).filter(|_| enforced) {
            checks.push((name, asked));
        }
    }
    checks
}

/// What stands from `start` to the parenthesis that closes the one before it.
fn in_parentheses(create: &str, start: usize) -> Option<&str> {
    let (mut at, mut depth) = (start, 1usize);
    while depth > 0 {
        let rest = create.as_bytes().get(at..)?;
        match rest.first()? {
            b'\'' | b'`' => {
                at += quoted_length(rest);
                continue;
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    create.get(start..at - 1)
}

/// What stands in front of the name of a secondary engine (`MySQL`).
pub(super) const SECONDARY_ENGINE: &[u8] = b" SECONDARY_ENGINE=";

/// Puts the name of the secondary engine into quotes. `options` are those that the catalogue has of the
/// table; `None` if they do not tell where the name ends.
pub(super) fn with_secondary_engine(create: &[u8], options: &str) -> Option<Vec<u8>> {
    let start = outside_quotes(create, SECONDARY_ENGINE)? + SECONDARY_ENGINE.len();
    let (before, rest) = create.split_at(start);
    let (_, listed) = options.split_once("SECONDARY_ENGINE=\"")?;
    let (name, _) = listed.rsplit_once("\" SECONDARY_LOAD=\"")?;
    let behind = rest.strip_prefix(name.as_bytes())?;
    if !matches!(behind.first(), None | Some(b' ' | b'\n')) {
        return None;
    }
    let mut out = before.to_vec();
    push_string(&mut out, name.as_bytes());
    out.extend_from_slice(behind);
    Some(out)
}

/// Whether a text stands in a definition, and not in a name, comment or literal.
pub(super) fn holds(text: &[u8], wanted: &[u8]) -> bool {
    outside_quotes(text, wanted).is_some()
}

/// Where `wanted` begins first in `text`, strings and identifiers before it left out.
fn outside_quotes(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some((&byte, _)) = text.get(at..)?.split_first() {
        let rest = text.get(at..)?;
        if rest.starts_with(wanted) {
            return Some(at);
        }
        at += if matches!(byte, b'\'' | b'`') { quoted_length(rest) } else { 1 };
    }
    None
}

/// Where `end` stands first in `text` outside of quotes; the length of the text if it does not.
fn end_of(text: &[u8], end: u8) -> usize {
    outside_quotes(text, &[end]).unwrap_or(text.len())
}

/// Takes out of an event that it is not kept after its end, which is so without a word: under the SQL mode
/// `HIGH_NOT_PRECEDENCE` the servers print that and cannot read it.
pub(super) fn event_of_high_not(create: &[u8]) -> Vec<u8> {
    const WORDS: &[u8] = b" ON COMPLETION NOT PRESERVE";
    match outside_quotes(create, WORDS) {
        // Behind the name and the schedule, and in front of the comment and the body.
        Some(at) => {
            let (before, rest) = create.split_at(at);
            [before, rest.get(WORDS.len()..).unwrap_or_default()].concat()
        }
        None => create.to_vec(),
    }
}

/// Takes a database's own name out of the list of libraries that a `JavaScript` routine uses.
pub(super) fn libraries_without_own_database(create: &[u8], database: &str) -> Vec<u8> {
    const LIST: &[u8] = b"\n    LANGUAGE JAVASCRIPT\n    USING (";
    let Some(at) = memchr::memmem::find(create, LIST) else {
        return create.to_vec();
    };
    let (before, mut rest) = create.split_at(at + LIST.len());
    let qualifier = format!("{}.", quote_identifier(database)).into_bytes();
    let mut out = before.to_vec();
    while let Some(&first) = rest.first() {
        if first == b')' {
            break;
        }
        if let Some(name) = rest.strip_prefix(qualifier.as_slice()) {
            rest = name;
        }
        let length = if rest.first() == Some(&b'`') { quoted_length(rest) } else { 1 };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        out.extend_from_slice(piece);
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// The query in the definition of a view.
pub(super) fn query_of_view<'a>(create: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let head = format!(" VIEW {} ", quote_identifier(name));
    let at = memchr::memmem::find(create, head.as_bytes())? + head.len();
    let mut rest = create.get(at..)?;
    if rest.first() == Some(&b'(') {
        // The names of the columns.
        while *rest.first()? != b')' {
            let length = if rest.first() == Some(&b'`') { quoted_length(rest) } else { 1 };
            rest = rest.get(length..)?;
        }
        rest = rest.strip_prefix(b") ")?;
    }
    let query = rest.strip_prefix(b"AS ")?;
    let query = query.strip_suffix(b" WITH CASCADED CHECK OPTION").unwrap_or(query);
    Some(query.strip_suffix(b" WITH LOCAL CHECK OPTION").unwrap_or(query))
}

/// The length of the string or identifier that `text` starts with, quotes included; of all of it
/// if it does not end. Its first byte is the quote.
pub(super) fn quoted_length(text: &[u8]) -> usize {
    let Some((&quote, mut rest)) = text.split_first() else { return 0 };
    let mut length = 1;
    loop {
        let Some(at) = rest.iter().position(|&byte| byte == quote || byte == b'\\') else {
            return text.len();
        };
        // A backslash escapes in strings only.
        let escape = rest.get(at) == Some(&b'\\');
        let doubled = !escape && rest.get(at + 1) == Some(&quote);
        let step = if doubled || (escape && quote == b'\'') { 2 } else { 1 };
        length += at + step;
        rest = rest.get(at + step..).unwrap_or_default();
        if !escape && !doubled {
            return length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S15.
    #[test]
    fn the_constraints_that_are_enforced_are_found() {
        let create = "CREATE TABLE `t` (\n  `a` int DEFAULT NULL COMMENT '\n  CONSTRAINT `x` CHECK (1)',\n  \
                      CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `o` (`a`),\n  \
                      CONSTRAINT `t_chk_1` CHECK ((`a` > (1 + _utf8mb4')'))),\n  \
                      CONSTRAINT `no` CHECK ((`a` > 2)) /*!80016 NOT ENFORCED */,\n  \
                      CONSTRAINT `a``b` CHECK (true)\n) ENGINE=InnoDB";
        assert_eq!(
            checks(create),
            [("`t_chk_1`", "(`a` > (1 + _utf8mb4')'))"), ("`a``b`", "true")]
        );
    }

    #[test]
    fn the_name_of_a_secondary_engine_is_quoted() {
        const TABLE: &str =
            "CREATE TABLE `t` (\n  `a` int COMMENT ' SECONDARY_ENGINE=no'\n) COMMENT='c'";
        let quoted = |name: &str, options: &str, behind: &str| {
            let create = format!("{TABLE} SECONDARY_ENGINE={name}{behind}");
            with_secondary_engine(create.as_bytes(), options)
                .map(|create| String::from_utf8(create).unwrap())
        };
        let listed = |name: &str| format!("SECONDARY_ENGINE=\"{name}\" SECONDARY_LOAD=\"0\"");
        for (name, literal) in [("RAPID", "'RAPID'"), ("x y", "'x y'"), ("a'b\\", r"'a\'b\\'")] {
            for behind in
                ["", " SECONDARY_ENGINE_ATTRIBUTE='x'", "\n/*!50100 PARTITION BY KEY () */"]
            {
                let expected = format!("{TABLE} SECONDARY_ENGINE={literal}{behind}");
                assert_eq!(quoted(name, &listed(name), behind), Some(expected));
            }
        }
        // Not told by the catalogue, or by something else in it.
        assert_eq!(quoted("x", "", ""), None);
        let other = format!("COMPRESSION=\"SECONDARY_ENGINE=\"x\"\" {}", listed("x; DROP"));
        assert_eq!(quoted("x; DROP", &other, ""), None);
    }

    #[test]
    fn a_comment_is_printed_for_the_mode_in_which_it_is_read() {
        let create =
            br"CREATE PROCEDURE `p`() COMMENT 'it''s \\ \n' SELECT ' COMMENT ''it''s \\ \n'''";
        let expected =
            b"CREATE PROCEDURE `p`() COMMENT 'it''s \\ \n' SELECT ' COMMENT ''it''s \\\\ \\n'''";
        assert_eq!(with_comment(create, "it's \\ \n", b"'it''s \\ \n'"), expected);
        assert_eq!(with_comment(b"CREATE", "", b"''"), b"CREATE");
    }

    /// S15.
    #[test]
    fn a_name_is_printed_in_the_character_set_in_which_it_is_read() {
        let create = "CREATE DEFINER=`é`@`%` PROCEDURE `é`() SELECT 'é'".as_bytes();
        let head = "CREATE DEFINER=`é`@`%` PROCEDURE ".as_bytes();
        let expected = [head, b"`\xE9`() SELECT '", "é'".as_bytes()].concat();
        assert_eq!(with_name(create, "é", b"`\xE9`"), expected);
        let ansi = String::from_utf8(create.to_vec()).unwrap().replace('`', "\"");
        let ansi = with_name(ansi.as_bytes(), "é", b"`\xE9`");
        let head = "CREATE DEFINER=\"é\"@\"%\" PROCEDURE ".as_bytes();
        assert_eq!(ansi, [head, b"`\xE9`() SELECT '", "é'".as_bytes()].concat());
    }

    /// S6.
    #[test]
    fn members_and_defaults_are_replaced_in_their_column_only() {
        let create = "CREATE TABLE `t` (\n  `e` enum('?','b)') DEFAULT '?' COMMENT ' DEFAULT ''?',\n  \
                      `it's` set('?','it''s ?') NOT NULL,\n  `v` varchar(5) DEFAULT 'it''s ?',\n  \
                      KEY `e` (`e`)\n)";
        let replaced = |name: &str, members: Option<&[&str]>, default: Option<&str>| {
            let column = ExactColumn {
                name: name.to_owned(),
                members: members.map(|list| list.iter().map(|&text| text.to_owned()).collect()),
                default: default.map(str::to_owned),
            };
            String::from_utf8(with_exact_column(create.as_bytes(), &column)).unwrap()
        };
        let exact = replaced("e", Some(&["0x01", "'b)'"]), Some("_x 0x01"));
        let printed = "enum('?','b)') DEFAULT '?' COMMENT";
        assert_eq!(exact, create.replace(printed, "enum(0x01,'b)') DEFAULT _x 0x01 COMMENT"));
        let exact = replaced("it's", Some(&["0x02", "''"]), Some("none"));
        assert_eq!(exact, create.replace("set('?','it''s ?')", "set(0x02,'')"));
        let exact = replaced("v", None, Some("_x 0x03"));
        assert_eq!(exact, create.replace("DEFAULT 'it''s ?'", "DEFAULT _x 0x03"));
        assert_eq!(replaced("gone", None, Some("1")), create);
    }

    #[test]
    fn expressions_of_generated_columns_are_found() {
        let create = "CREATE TABLE `t` (\n  `ts` timestamp NULL COMMENT ' GENERATED ALWAYS AS (x)',\n  \
                      `g` varchar(9) GENERATED ALWAYS AS (concat(`a)`,')',_utf8mb4'(')) STORED,\n  \
                      `open` int GENERATED ALWAYS AS (1\n";
        assert_eq!(expression(create, "g"), Some("concat(`a)`,')',_utf8mb4'(')"));
        for none in ["ts", "open", "gone"] {
            assert_eq!(expression(create, none), None);
        }
        assert!(type_of(create, "ts").unwrap().starts_with("timestamp NULL"));
        assert!(type_of(create, "g").unwrap().starts_with("varchar(9)"));
    }

    #[test]
    fn the_query_of_a_view_is_found() {
        let query = |create: &'static str| query_of_view(create.as_bytes(), "v`").unwrap();
        assert_eq!(
            query("CREATE DEFINER=`a`@`b` VIEW `v``` AS select 1 AS `a`"),
            b"select 1 AS `a`"
        );
        assert_eq!(
            query("CREATE VIEW `v``` (`a)`,`b`` AS `) AS select 1,2 WITH CASCADED CHECK OPTION"),
            b"select 1,2"
        );
        assert_eq!(query_of_view(b"CREATE VIEW `w` AS select 1", "v"), None);
    }

    /// S6.
    #[test]
    fn libraries_lose_the_name_of_their_database() {
        let create = "CREATE FUNCTION `f`() RETURNS int\n    LANGUAGE JAVASCRIPT\n    USING \
                      (`d`.`l` AS `a`, `d`.`m``)`, `e`.`d`)\nAS $$ `d`.x() $$";
        let expected = "CREATE FUNCTION `f`() RETURNS int\n    LANGUAGE JAVASCRIPT\n    USING \
                        (`l` AS `a`, `m``)`, `e`.`d`)\nAS $$ `d`.x() $$";
        let text = libraries_without_own_database(create.as_bytes(), "d");
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}

//! What the server prints of a definition, put right where its own text does not bring the
//! definition back.

use crate::ident::quote_identifier;

/// Replaces the comment in a statement by one that says the same under `NO_BACKSLASH_ESCAPES`.
///
/// The server prints comments with backslashes for escapes under every SQL mode, also under the
/// one in which it reads a backslash as a backslash.
pub(super) fn comment_without_escapes(create: &[u8], comment: &str) -> Vec<u8> {
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
    let printed = format!(" COMMENT '{printed}'");
    // The comment stands in front of any body, so the first one is it.
    let Some(at) = memchr::memmem::find(create, printed.as_bytes()) else {
        return create.to_vec();
    };
    let (before, rest) = create.split_at(at);
    let literal = format!(" COMMENT '{}'", comment.replace('\'', "''"));
    [before, literal.as_bytes(), rest.get(printed.len()..).unwrap_or_default()].concat()
}

/// Takes a database's own name out of the definition of a table or view in it, where the server
/// prints it although that database is the current one: before a sequence, and before a column of
/// a table in a view that the server could not resolve. With the name in it the copy in another
/// database would use the sequence of this one.
pub(super) fn without_own_database(create: &[u8], database: &str) -> Vec<u8> {
    let qualifier = format!("{}.", quote_identifier(database)).into_bytes();
    let mut out = Vec::with_capacity(create.len());
    let mut rest = create;
    while let Some(&first) = rest.first() {
        if let Some(name) = rest.strip_prefix(qualifier.as_slice()) {
            let of_sequence = [&b"nextval("[..], b"lastval(", b"setval("]
                .iter()
                .any(|function| ends_with(&out, function));
            let of_column =
                name.get(quoted_length(name)..).is_some_and(|text| text.starts_with(b".`"));
            if of_sequence || of_column {
                rest = name;
                continue;
            }
        }
        let length = if matches!(first, b'\'' | b'`') { quoted_length(rest) } else { 1 };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        out.extend_from_slice(piece);
        rest = after;
    }
    out
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let start = text.len().saturating_sub(end.len());
    text.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
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

    #[test]
    fn a_comment_is_printed_for_the_mode_in_which_it_is_read() {
        let create =
            br"CREATE PROCEDURE `p`() COMMENT 'it''s \\ \n' SELECT ' COMMENT ''it''s \\ \n'''";
        let expected =
            b"CREATE PROCEDURE `p`() COMMENT 'it''s \\ \n' SELECT ' COMMENT ''it''s \\\\ \\n'''";
        assert_eq!(comment_without_escapes(create, "it's \\ \n"), expected);
        assert_eq!(comment_without_escapes(b"CREATE", ""), b"CREATE");
    }

    fn stripped(create: &str) -> String {
        String::from_utf8(without_own_database(create.as_bytes(), "d`b")).unwrap()
    }

    #[test]
    fn sequences_and_columns_lose_the_name_of_their_database() {
        assert_eq!(stripped("a int DEFAULT nextval(`d``b`.`s`)"), "a int DEFAULT nextval(`s`)");
        assert_eq!(stripped("select `d``b`.`t`.`a` from `t`"), "select `t`.`a` from `t`");
        for kept in [
            "COMMENT 'nextval(`d``b`.`s`)'",
            "DEFAULT nextval(`other`.`s`)",
            r"DEFAULT 'it''s \'nextval(`d``b`.`s`)'",
            "`x``nextval(``d````b``.`",
            // A column of a table with an alias like the database.
            "select `d``b`.`a` from `t` `d``b`",
        ] {
            assert_eq!(stripped(kept), kept);
        }
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

//! Takes a database's own name out of the definition of a table or view in it.
//!
//! The server leaves it out where that database is the current one, but for sequences, and for views
//! that name several databases or a table function, or whose definer may not read what they show.
//! With the name in it the copy in another database would use what is in this one.

use std::collections::BTreeSet;

use super::printed::quoted_length;
use crate::ident::quote_identifier;

/// A name with all that stands in front of it, dots between them.
struct Name<'a> {
    at: usize,
    /// Quoted.
    parts: Vec<&'a [u8]>,
    /// Whether it stands where a query names a table.
    is_table: bool,
}

/// What keeps the name of the database where it is.
struct Kept {
    /// Whether a name without a database can be that of something in the query itself: the database's
    /// name is that of a table in it as well, or there are common table expressions.
    tables: bool,
    /// Names of tables that are aliases or names in another database, too, in lower case.
    ambiguous: BTreeSet<String>,
}

/// The definition, which the server has printed, without the name.
pub(super) fn without_own_database(create: &[u8], database: &str) -> Vec<u8> {
    let database = quote_identifier(database);
    let own = database.as_bytes();
    let names = names(create);
    let kept = Kept::of(create, &names, own);
    let mut out = Vec::with_capacity(create.len());
    let mut copied = 0;
    for name in &names {
        if name.parts.first() == Some(&own) && !kept.keeps(create, name) {
            out.extend_from_slice(create.get(copied..name.at).unwrap_or_default());
            copied = name.at + own.len() + 1;
        }
    }
    out.extend_from_slice(create.get(copied..).unwrap_or_default());
    out
}

/// Whether a view names a table without a database that an alias or a table of another database could be
/// meant by as well.
pub(super) fn is_ambiguous(create: &[u8]) -> bool {
    let names = names(create);
    let kept = Kept::of(create, &names, b"");
    names.iter().any(|name| match name.parts.as_slice() {
        [table] => name.is_table && kept.ambiguous.contains(&lower(table)),
        _ => false,
    })
}

impl Kept {
    fn of(create: &[u8], names: &[Name<'_>], own: &[u8]) -> Self {
        let head = outside_quotes(create, |text| text.starts_with(b" AS ")).unwrap_or_default();
        let common = outside_quotes(create, |text| {
            text.starts_with(b"with ") && !text.starts_with(b"with rollup")
        });
        let mut kept = Self { tables: common.is_some(), ambiguous: BTreeSet::new() };
        // Only where a table of another database is named does any table need the name of its own.
        let is_other = |name: &&Name<'_>| match name.parts.as_slice() {
            [first, _] => name.is_table && *first != own,
            _ => false,
        };
        let others = names.iter().filter(|name| name.at > head).any(|name| is_other(&name));
        for name in names.iter().filter(|name| name.at > head) {
            match name.parts.as_slice() {
                // An alias of a table: that of a column stands behind AS, and MySQL quotes the name
                // of a common table expression.
                [alias]
                    if !name.is_table
                        && !before(create, name.at).ends_with(b" AS ")
                        && !create.get(name.at + alias.len()..).is_some_and(is_common_table) =>
                {
                    if others {
                        kept.ambiguous.insert(lower(alias));
                    }
                    kept.tables |= *alias == own;
                }
                [first, table] if name.is_table && *first != own => {
                    kept.ambiguous.insert(lower(table));
                }
                // A column of a table with an alias like the database.
                [first, _] if !name.is_table && !of_sequence(create, name.at) => {
                    kept.tables |= *first == own;
                }
                _ => {}
            }
        }
        kept
    }

    fn keeps(&self, create: &[u8], name: &Name<'_>) -> bool {
        match name.parts.as_slice() {
            [_, table] if name.is_table => self.tables || self.ambiguous.contains(&lower(table)),
            [_, table, _] => self.ambiguous.contains(&lower(table)),
            // Of the view itself, where the server prints it from elsewhere.
            [_, _] if before(create, name.at).ends_with(b" VIEW ") => false,
            [_, _] => !of_sequence(create, name.at),
            _ => true,
        }
    }
}

/// The names in a definition, in their order.
fn names(create: &[u8]) -> Vec<Name<'_>> {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(rest) = create.get(at..).filter(|rest| !rest.is_empty()) {
        match rest.first() {
            Some(b'\'') => at += quoted_length(rest),
            Some(b'`') => {
                let mut name = Name { at, parts: Vec::new(), is_table: false };
                while let Some(rest) = create.get(at..).filter(|rest| rest.first() == Some(&b'`')) {
                    let (part, behind) = rest.split_at(quoted_length(rest));
                    name.parts.push(part);
                    at += part.len() + usize::from(behind.starts_with(b".`"));
                    if !behind.starts_with(b".`") {
                        break;
                    }
                }
                let front = before(create, name.at);
                let open = front.iter().rev().take_while(|&&byte| byte == b'(').count();
                let front = front.get(..front.len() - open).unwrap_or_default();
                // A function stands there in `trim(… from …)`.
                name.is_table = create.get(at) != Some(&b'(')
                    && [&b" from "[..], b"join "].iter().any(|word| ends_with(front, word));
                names.push(name);
            }
            _ => at += 1,
        }
    }
    names
}

/// Where a text is found first that is not in a name or string.
fn outside_quotes(create: &[u8], found: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let mut at = 0;
    while let Some(rest) = create.get(at..).filter(|rest| !rest.is_empty()) {
        if found(rest) {
            return Some(at);
        }
        at += if matches!(rest.first(), Some(b'\'' | b'`')) { quoted_length(rest) } else { 1 };
    }
    None
}

fn is_common_table(behind: &[u8]) -> bool {
    behind.starts_with(b" as (") || behind.starts_with(b" (")
}

fn before(create: &[u8], at: usize) -> &[u8] {
    create.get(..at).unwrap_or_default()
}

fn of_sequence(create: &[u8], at: usize) -> bool {
    let front = before(create, at);
    [&b"nextval("[..], b"lastval(", b"setval("].iter().any(|function| ends_with(front, function))
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let start = text.len().saturating_sub(end.len());
    text.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(create: &str) -> String {
        String::from_utf8(without_own_database(create.as_bytes(), "d`b")).unwrap()
    }

    /// S6.
    #[test]
    fn tables_that_could_be_others_are_found() {
        let of = |query: &str| is_ambiguous(format!("CREATE VIEW `v` AS {query}").as_bytes());
        assert!(of("select 1 from `t` where exists(select 1 from `o`.`t` where `t`.`a`)"));
        assert!(of("select 1 from `t` where exists(select 1 from `o`.`u` `t` where `t`.`a`)"));
        assert!(!of("select `t`.`a` AS `t` from (`t` join `o`.`u` on(`t`.`a`))"));
        // In the database itself nothing else can be meant.
        assert!(!of("select `orders`.`id` from (select 1 AS `id` from `orders`) `orders`"));
        assert!(!of("select `status`,count(0) AS `orders` from `orders` order by `orders`"));
        assert!(!of(
            "with recursive `n` as (select 1 AS `i` union all select `n`.`i` from `n`) select 1"
        ));
    }

    /// S6.
    #[test]
    fn sequences_tables_and_columns_lose_the_name_of_their_database() {
        for (printed, expected) in [
            ("a int DEFAULT nextval(`d``b`.`s`)", "a int DEFAULT nextval(`s`)"),
            ("select `d``b`.`t`.`a` from `t`", "select `t`.`a` from `t`"),
            ("CREATE VIEW `d``b`.`v` AS select 1", "CREATE VIEW `v` AS select 1"),
            (
                "CREATE DEFINER=`d``b`@`%` VIEW `d``b` AS select `d``b`.`t`.`a` AS `d``b` from \
                 ((`d``b`.`t` join `d``b`.`u` `x`) join JSON_TABLE(`d``b`.`t`.`c`, '`d``b`.`t`' COLUMNS \
                 (`x` int PATH '$')) `j`) group by `d``b`.`t`.`a` with rollup",
                "CREATE DEFINER=`d``b`@`%` VIEW `d``b` AS select `t`.`a` AS `d``b` from \
                 ((`t` join `u` `x`) join JSON_TABLE(`t`.`c`, '`d``b`.`t`' COLUMNS \
                 (`x` int PATH '$')) `j`) group by `t`.`a` with rollup",
            ),
            (
                "select `d``b`.`t`.`a` from `d``b`.`t` join `o`.`u` where exists(select 1 from `d``b`.`u` \
                 where `o`.`u`.`x` = `d``b`.`u`.`x` and `d``b`.`t`.`b`)",
                "select `t`.`a` from `t` join `o`.`u` where exists(select 1 from `d``b`.`u` \
                 where `o`.`u`.`x` = `d``b`.`u`.`x` and `t`.`b`)",
            ),
        ] {
            assert_eq!(stripped(printed), expected);
        }
        for kept in [
            "COMMENT 'nextval(`d``b`.`s`)'",
            "DEFAULT nextval(`other`.`s`)",
            r"DEFAULT 'it''s \'nextval(`d``b`.`s`)'",
            "`x``nextval(``d````b``.`",
            // A column of a table with an alias like the database.
            "select `d``b`.`a` from `t` `d``b`",
            "select extract(day from `d``b`.`a`) from `d``b`.`t` `d``b` join JSON_TABLE('', '')",
            "with t as (select 1 AS `a`)select `q`.`a` from (`d``b`.`t` `q` join `t`)",
            "select trim('x' from `d``b`.`f`())",
            // They would be those of the other table.
            "VIEW `v` AS select 1 from `d``b`.`t` where exists(select 1 from `o`.`T` where `d``b`.`t`.`a`)",
            "VIEW `v` AS select `d``b`.`t`.`a` from `d``b`.`t` join `o`.`u` `t`",
        ] {
            assert_eq!(stripped(kept), kept);
        }
    }
}

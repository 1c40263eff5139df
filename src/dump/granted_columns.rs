//! Columns in grants: those of a column stay when it is dropped, and no server takes them again.

use std::collections::{BTreeMap, BTreeSet};

use super::printed::quoted_length;
use crate::error::Result;
use crate::ident::quote_identifier;
use crate::server::{GrantStatement, Session};
use crate::sql::literal::push_string;

/// What a privilege is on, in the text of a grant.
struct Privilege<'a> {
    name: &'a str,
    /// Quoted; none for one that is not on columns.
    columns: Vec<&'a str>,
}

/// The columns of tables and views as they are asked for, in lower case.
#[derive(Default)]
pub(super) struct KnownColumns(BTreeMap<(String, String), BTreeSet<String>>);

impl KnownColumns {
    /// A grant without the columns that are gone, and what there is to say about it. Nothing of it is
    /// left if all of them are.
    pub(super) async fn checked(
        &mut self,
        session: &mut Session,
        grant: &GrantStatement,
    ) -> Result<(Option<String>, Option<String>)> {
        let whole = (Some(grant.sql.clone()), None);
        let (Some(object), Some((privileges, rest))) = (&grant.object, privileges(&grant.sql))
        else {
            return Ok(whole);
        };
        if privileges.iter().all(|privilege| privilege.columns.is_empty()) {
            return Ok(whole);
        }
        let key = (object.database.clone(), object.name.clone());
        if !self.0.contains_key(&key) {
            let columns = columns(session, &key.0, &key.1).await?;
            self.0.insert(key.clone(), columns);
        }
        let there = self.0.get(&key);
        let is_there = |column: &str| {
            let name = column.get(1..column.len() - 1).unwrap_or_default();
            let name = name.replace("``", "`").to_lowercase();
            there.is_some_and(|there| there.contains(&name))
        };
        let Some(left) = without(&privileges, rest, is_there) else { return Ok(whole) };
        let what = if left.is_some() { "columns of a grant were" } else { "a grant was" };
        let warning = format!(
            "{what} left out, because {}.{} does not have them any more: {}",
            quote_identifier(&key.0),
            quote_identifier(&key.1),
            grant.sql
        );
        Ok((left, Some(warning)))
    }
}

async fn columns(session: &mut Session, database: &str, name: &str) -> Result<BTreeSet<String>> {
    let mut sql =
        b"SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ".to_vec();
    push_string(&mut sql, database.as_bytes());
    sql.extend_from_slice(b" AND TABLE_NAME = ");
    push_string(&mut sql, name.as_bytes());
    let rows = session.query(&String::from_utf8_lossy(&sql)).await?;
    rows.iter().map(|row| Ok(row.text(0)?.to_lowercase())).collect()
}

/// The privileges that a line of `SHOW GRANTS` names, and what follows them.
fn privileges(sql: &str) -> Option<(Vec<Privilege<'_>>, &str)> {
    let mut rest = sql.strip_prefix("GRANT ")?;
    let mut found = Vec::new();
    loop {
        let end = [" (", ", ", " ON "].iter().filter_map(|end| rest.find(end)).min()?;
        let (name, behind) = rest.split_at(end);
        rest = behind;
        let mut columns = Vec::new();
        if let Some(list) = rest.strip_prefix(" (") {
            rest = list;
            while rest.starts_with('`') {
                let (column, behind) = rest.split_at_checked(quoted_length(rest.as_bytes()))?;
                columns.push(column);
                rest = behind.strip_prefix(", ").unwrap_or(behind);
            }
            rest = rest.strip_prefix(')')?;
        }
        found.push(Privilege { name, columns });
        if rest.starts_with(" ON ") {
            return Some((found, rest));
        }
        rest = rest.strip_prefix(", ")?;
    }
}

/// The grant without columns that are not there, if any is: nothing if there is nothing left.
#[expect(clippy::option_option, reason = "what is left, if it is less")]
fn without(
    privileges: &[Privilege<'_>],
    rest: &str,
    is_there: impl Fn(&str) -> bool,
) -> Option<Option<String>> {
    let mut less = false;
    let mut left = Vec::new();
    for Privilege { name, columns } in privileges {
        let there: Vec<&str> = columns.iter().copied().filter(|column| is_there(column)).collect();
        less |= there.len() < columns.len();
        if columns.is_empty() {
            left.push((*name).to_owned());
        } else if !there.is_empty() {
            left.push(format!("{name} ({})", there.join(", ")));
        }
    }
    less.then(|| (!left.is_empty()).then(|| format!("GRANT {}{rest}", left.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S19.
    #[test]
    fn columns_that_are_gone_are_taken_out() {
        let of = |sql: &str| {
            let (privileges, rest) = privileges(sql).unwrap();
            without(&privileges, rest, |column| column != "`b) ON ``c`")
        };
        let some = |sql: &str| Some(Some(sql.to_owned()));
        assert_eq!(
            of(
                "GRANT SELECT (`a`, `b) ON ``c`), INSERT (`b) ON ``c`), DELETE HISTORY ON `d`.`t` TO `u`"
            ),
            some("GRANT SELECT (`a`), DELETE HISTORY ON `d`.`t` TO `u`")
        );
        assert_eq!(of("GRANT UPDATE (`b) ON ``c`) ON `d`.`t` TO `u`"), Some(None));
        assert_eq!(of("GRANT UPDATE (`x`), SELECT ON `d`.`t` TO `u`"), None);
        assert_eq!(of("GRANT SELECT ON `d`.`t` TO `u`"), None);
        assert!(privileges("GRANT `r` TO `u`").is_none());
        assert!(privileges("SET DEFAULT ROLE `r` FOR `u`").is_none());
    }
}

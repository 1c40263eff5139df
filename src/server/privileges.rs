//! What the account may read, by its own grants.
//!
//! The catalogue shows an account only what it may see, so an empty list of triggers proves
//! nothing; the grants say whether there could be more.

use std::collections::{BTreeMap, BTreeSet};

use super::flavor::Flavor;
use super::session::Session;
use crate::error::Result;
use crate::ident::quote_identifier;

/// A set of privileges on one level: everything, a pattern of databases, or one object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    /// Upper case; `ALL PRIVILEGES` stands for every one.
    privileges: Vec<String>,
    level: Level,
    /// A partial revoke (`MySQL`) takes away instead.
    revoked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Global,
    /// A pattern in which `%` and `_` are wildcards unless a backslash stands before them.
    Database(String),
    Object(String, String),
}

/// The privileges of the session's account and of the roles that it has active.
#[derive(Clone, Debug, Default)]
pub(crate) struct Privileges {
    /// Of the account, of its active role and of everybody, each by itself: the server looks up the
    /// databases of each by itself too.
    grantees: Vec<Vec<Grant>>,
    /// Whether patterns of databases are names (`MySQL`, `partial_revokes`).
    patterns_are_names: bool,
    /// Whether the account has roles of which none is active.
    pub(crate) idle_roles: bool,
    /// `'user'@'host'`, for messages.
    pub(crate) account: String,
}

impl Session {
    /// Reads the account's grants, those of its roles included.
    pub(crate) async fn privileges(&mut self) -> Result<Privileges> {
        let mut privileges = Privileges::default();
        let row = self.query_one("SELECT CURRENT_USER(), CURRENT_ROLE()").await?;
        let (account, roles) = (row.text(0)?, row.text(1)?);
        privileges.account = account;
        let active = !roles.is_empty() && roles != "NONE";
        let own = match self.flavor() {
            // MySQL lists the roles as accounts already, quoted and separated by commas. Those that
            // roles have of their own are printed with them, by both servers.
            Flavor::MySql if active => format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}"),
            _ => "SHOW GRANTS".to_owned(),
        };
        let own = self.lines(&own).await?;
        privileges.idle_roles = !active && own.iter().any(|line| is_role_grant(line));
        let mut grantees = vec![own];
        match self.flavor() {
            Flavor::MySql => {
                let sql = "SHOW VARIABLES LIKE 'partial_revokes'";
                let row = self.query(sql).await?;
                privileges.patterns_are_names =
                    row.first().map(|row| row.text(1)).transpose()?.as_deref() == Some("ON");
            }
            Flavor::MariaDb => {
                if active {
                    let sql = format!("SHOW GRANTS FOR {}", quote_identifier(&roles));
                    grantees.push(self.lines(&sql).await?);
                }
                match self.lines("SHOW GRANTS FOR PUBLIC").await {
                    Ok(lines) => grantees.push(lines),
                    // Nothing was ever granted to it, or the server is older than it.
                    Err(error) if error.server().is_some() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let parse = |lines: Vec<String>| lines.iter().filter_map(|line| parse(line)).collect();
        privileges.grantees = grantees.into_iter().map(parse).collect();
        Ok(privileges)
    }

    async fn lines(&mut self, sql: &str) -> Result<Vec<String>> {
        let text =
            |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        self.query(sql).await?.iter().map(|row| Ok(text(row.bytes(0)?))).collect()
    }
}

impl Privileges {
    /// Whether a privilege holds for all objects of all databases.
    pub(crate) fn global(&self, privilege: &str) -> bool {
        let has = |grant: &&Grant| grant.level == Level::Global && grant.has(privilege);
        self.grantees.iter().flatten().any(|grant| has(&grant) && !grant.revoked)
    }

    /// The databases that partial revokes name (`MySQL`). One of which everything was taken away is not
    /// even listed.
    pub(crate) fn restricted_databases(&self) -> BTreeSet<&str> {
        let revoked = self.grantees.iter().flatten().filter(|grant| grant.revoked);
        revoked
            .filter_map(|grant| match &grant.level {
                Level::Database(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Whether a privilege holds for all objects of a database.
    pub(crate) fn on_database(&self, privilege: &str, database: &str) -> bool {
        let revoked = self.grantees.iter().flatten().any(|grant| {
            // What is taken away, is of a database by its name.
            let of_it = matches!(&grant.level, Level::Database(name) if name == database);
            of_it && grant.revoked && grant.has(privilege)
        });
        let granted = |grants: &Vec<Grant>| self.granted_on_database(grants, privilege, database);
        self.grantees.iter().any(granted) || (self.global(privilege) && !revoked)
    }

    /// Of all patterns that match a database only the most specific one counts: the one with the
    /// longest beginning before its first wildcard. Where several are equal in that, nobody knows
    /// which one the server takes, so all of them have to have the privilege.
    fn granted_on_database(&self, grants: &[Grant], privilege: &str, database: &str) -> bool {
        let mut patterns: BTreeMap<(usize, &str), bool> = BTreeMap::new();
        for grant in grants.iter().filter(|grant| !grant.revoked) {
            let Level::Database(pattern) = &grant.level else { continue };
            let (matches, rank) = if self.patterns_are_names {
                (pattern == database, usize::MAX)
            } else {
                (matches(pattern, database), rank(pattern))
            };
            if matches {
                *patterns.entry((rank, pattern)).or_default() |= grant.has(privilege);
            }
        }
        let Some(((best, _), _)) = patterns.last_key_value() else { return false };
        let best = *best;
        patterns.iter().filter(|((rank, _), _)| *rank == best).all(|(_, has)| *has)
    }

    /// Whether a privilege holds for one table or view.
    pub(crate) fn on_table(&self, privilege: &str, database: &str, table: &str) -> bool {
        self.on_database(privilege, database)
            || self.grantees.iter().flatten().any(|grant| match &grant.level {
                Level::Object(d, t) => d == database && t == table && grant.has(privilege),
                _ => false,
            })
    }
}

impl Grant {
    fn has(&self, privilege: &str) -> bool {
        self.privileges.iter().any(|own| {
            own == privilege
                || ((own == "ALL PRIVILEGES" || own == "ALL") && privilege != "GRANT OPTION")
        })
    }
}

/// Whether a line of `SHOW GRANTS` grants a role.
fn is_role_grant(line: &str) -> bool {
    line.strip_prefix("GRANT ").is_some_and(|rest| rest.starts_with(['`', '"', '\'']))
}

/// How specific a pattern is: the place of its first wildcard.
fn rank(pattern: &str) -> usize {
    let mut bytes = pattern.bytes().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'%' | b'_' => return place,
            _ => {}
        }
    }
    usize::MAX
}

/// Reads one line of `SHOW GRANTS`; `None` for what is no privilege on tables (roles, proxies,
/// routines).
fn parse(line: &str) -> Option<Grant> {
    let (rest, revoked) = match (line.strip_prefix("GRANT "), line.strip_prefix("REVOKE ")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return None,
    };
    let (list, rest) = rest.split_once(" ON ")?;
    let mut chars = rest.chars().peekable();
    let database = name(&mut chars)?;
    if chars.next() != Some('.') {
        // `ON FUNCTION …`, `ON PROCEDURE …`, or a proxied account.
        return None;
    }
    let object = name(&mut chars)?;
    let level = match (database, object) {
        (Name::Any, Name::Any) => Level::Global,
        (Name::Quoted(database), Name::Any) => Level::Database(database),
        (Name::Quoted(database), Name::Quoted(object)) => Level::Object(database, object),
        (Name::Any, Name::Quoted(_)) => return None,
    };
    Some(Grant { privileges: split_list(list), level, revoked })
}

/// One half of the level of a grant.
enum Name {
    /// A star.
    Any,
    Quoted(String),
}

fn name(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Name> {
    match chars.next()? {
        '*' => Some(Name::Any),
        quote @ ('`' | '"') => {
            let mut name = String::new();
            while let Some(c) = chars.next() {
                if c == quote {
                    if chars.peek() != Some(&quote) {
                        return Some(Name::Quoted(name));
                    }
                    chars.next();
                }
                name.push(c);
            }
            None
        }
        _ => None,
    }
}

/// The privileges of a list. One that is limited to some columns is left out: it does not let an
/// account read the whole of anything.
fn split_list(list: &str) -> Vec<String> {
    let mut privileges = Vec::new();
    let mut depth = 0u32;
    let mut limited = false;
    let mut current = String::new();
    for c in list.chars().chain([',']) {
        match c {
            '(' => {
                depth += 1;
                limited = true;
            }
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let privilege = std::mem::take(&mut current).trim().to_ascii_uppercase();
                if !limited && !privilege.is_empty() {
                    privileges.push(privilege);
                }
                limited = false;
            }
            c if depth == 0 => current.push(c),
            _ => {}
        }
    }
    privileges
}

/// Whether a database's name matches the pattern of a grant.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    matches_from(&pattern, &name)
}

fn matches_from(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['%', rest @ ..] => (0..=name.len())
            .any(|skipped| name.get(skipped..).is_some_and(|name| matches_from(rest, name))),
        ['\\', literal, rest @ ..] => {
            name.split_first().is_some_and(|(c, name)| c == literal && matches_from(rest, name))
        }
        ['_', rest @ ..] => name.split_first().is_some_and(|(_, name)| matches_from(rest, name)),
        [literal, rest @ ..] => {
            name.split_first().is_some_and(|(c, name)| c == literal && matches_from(rest, name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privileges(lines: &[&str]) -> Privileges {
        Privileges {
            grantees: vec![lines.iter().filter_map(|line| parse(line)).collect()],
            ..Privileges::default()
        }
    }

    #[test]
    fn grants_of_every_level_count() {
        let own = privileges(&[
            "GRANT USAGE ON *.* TO `b`@`%`",
            "GRANT SELECT, SHOW VIEW ON `shop`.* TO `b`@`%`",
            "GRANT TRIGGER ON `logs\\_%`.* TO `b`@`%`",
            "GRANT SELECT (`a`, `b`), INSERT ON `x`.`t` TO `b`@`%`",
            "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `b`@`%`",
            "GRANT `role`@`%` TO `b`@`%`",
            "GRANT PROXY ON ``@`` TO `root`@`localhost` WITH GRANT OPTION",
        ]);
        assert!(own.on_database("SELECT", "shop"));
        assert!(!own.on_database("SELECT", "shop2"));
        assert!(own.on_database("TRIGGER", "logs_2026"));
        assert!(!own.on_database("TRIGGER", "logsx2026"));
        assert!(own.on_table("INSERT", "x", "t"));
        // Of some columns only.
        assert!(!own.on_table("SELECT", "x", "t"));
        assert!(!own.global("SELECT"));
    }

    #[test]
    fn only_the_most_specific_pattern_counts() {
        let own = privileges(&[
            "GRANT SELECT ON `shop`.* TO `b`@`%`",
            "GRANT EVENT ON `sh%`.* TO `b`@`%`",
            "GRANT TRIGGER ON `s_op`.* TO `b`@`%`",
            "GRANT SELECT, EVENT ON `lo%`.* TO `b`@`%`",
            "GRANT SELECT ON `lo_s`.* TO `b`@`%`",
        ]);
        assert!(own.on_database("SELECT", "shop"));
        assert!(!own.on_database("EVENT", "shop"));
        assert!(!own.on_database("TRIGGER", "shop"));
        assert!(own.on_database("EVENT", "shed"));
        // Equally specific: what both have.
        assert!(own.on_database("SELECT", "logs"));
        assert!(!own.on_database("EVENT", "logs"));
        // Each grantee by itself: the account's pattern hides nothing of the role's.
        let mut roles = privileges(&["GRANT SELECT ON `shop`.* TO `b`@`%`"]);
        roles.grantees.extend(privileges(&["GRANT EVENT ON `sh%`.* TO `r`"]).grantees);
        assert!(roles.on_database("EVENT", "shop") && roles.on_database("SELECT", "shop"));
        let literal = Privileges { patterns_are_names: true, ..own };
        assert!(!literal.on_database("EVENT", "shed"));
        assert!(literal.on_database("SELECT", "shop"));
    }

    #[test]
    fn all_privileges_and_partial_revokes() {
        let own = privileges(&[
            "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
            "REVOKE SELECT ON `secret`.* FROM `root`@`localhost`",
        ]);
        assert!(own.on_database("EVENT", "a`b"));
        assert!(!own.on_database("SELECT", "secret"));
        assert!(own.on_database("TRIGGER", "secret"));
    }
}

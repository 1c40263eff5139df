//! What the account may read, by its own grants.
//!
//! The catalogue shows an account only what it may see, so an empty list of triggers proves
//! nothing; the grants say whether there could be more.

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
    grants: Vec<Grant>,
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
        let mut questions = vec!["SHOW GRANTS".to_owned()];
        if !roles.is_empty() && roles != "NONE" {
            match self.flavor() {
                // MySQL lists the roles as accounts already, quoted and separated by commas.
                Flavor::MySql => {
                    questions = vec![format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}")];
                }
                Flavor::MariaDb => {
                    questions.push(format!("SHOW GRANTS FOR {}", quote_identifier(&roles)));
                }
            }
        }
        for question in questions {
            for row in self.query(&question).await? {
                let text = String::from_utf8_lossy(row.bytes(0)?.unwrap_or_default()).into_owned();
                privileges.grants.extend(parse(&text));
            }
        }
        Ok(privileges)
    }
}

impl Privileges {
    /// Whether a privilege holds for all objects of all databases.
    pub(crate) fn global(&self, privilege: &str) -> bool {
        let has = |grant: &&Grant| grant.level == Level::Global && grant.has(privilege);
        self.grants.iter().any(|grant| has(&grant) && !grant.revoked)
    }

    /// Whether a privilege holds for all objects of a database.
    pub(crate) fn on_database(&self, privilege: &str, database: &str) -> bool {
        let names = |grant: &&Grant| match &grant.level {
            Level::Database(pattern) => matches(pattern, database) && grant.has(privilege),
            _ => false,
        };
        let revoked = self.grants.iter().any(|grant| grant.revoked && names(&grant));
        let granted = self.grants.iter().any(|grant| !grant.revoked && names(&grant));
        granted || (self.global(privilege) && !revoked)
    }

    /// Whether a privilege holds for one table or view.
    pub(crate) fn on_table(&self, privilege: &str, database: &str, table: &str) -> bool {
        self.on_database(privilege, database)
            || self.grants.iter().any(|grant| match &grant.level {
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
            grants: lines.iter().filter_map(|line| parse(line)).collect(),
            account: String::new(),
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

//! The server's accounts: statements that make them again, with hashed passwords.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::is_system_database;
use super::flavor::Flavor;
use super::role_admins;
use super::rows::TextRow;
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::quote_identifier;
use crate::sql::literal::push_string;
use crate::sql::one_statement::{NOT_ONE_STATEMENT, is_one_statement};

/// Accounts that every installation makes for itself, and that are never dumped.
pub(super) const OWN_ACCOUNTS: [(&str, &str); 8] = [
    ("mysql.sys", "localhost"),
    ("mysql.session", "localhost"),
    ("mysql.infoschema", "localhost"),
    ("mariadb.sys", "localhost"),
    ("mysql", "localhost"),
    ("root", "localhost"),
    ("root", "127.0.0.1"),
    ("root", "::1"),
];

/// `MariaDB`'s role that everybody has.
const PUBLIC: &str = "PUBLIC";

/// An account or a role; a role of `MariaDB` has no host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Account {
    user: String,
    host: String,
    role: bool,
}

impl Account {
    fn is_public(&self) -> bool {
        self.role && self.user == PUBLIC
    }

    /// Quoted, as statements name it.
    fn sql(&self, flavor: Flavor) -> String {
        match flavor {
            _ if self.is_public() => PUBLIC.to_owned(),
            Flavor::MariaDb if self.role => quote_identifier(&self.user),
            _ => format!("{}@{}", quote_identifier(&self.user), quote_identifier(&self.host)),
        }
    }

    /// As people read it.
    fn name(&self) -> String {
        if self.host.is_empty() {
            self.user.clone()
        } else {
            format!("{}@{}", self.user, self.host)
        }
    }
}

/// What a grant is on, where it is less than a whole database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantedObject {
    /// `TABLE` for tables, views and sequences, otherwise the word that the server prints.
    pub(crate) kind: String,
    pub(crate) database: String,
    pub(crate) name: String,
}

/// One statement that grants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GrantStatement {
    pub(crate) sql: String,
    pub(crate) object: Option<GrantedObject>,
}

/// All accounts of a server but its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// `user@host`; roles of `MariaDB` without a host.
    pub(crate) names: Vec<String>,
    /// Those of the server itself, which are left out.
    pub(crate) left_out: Vec<String>,
    /// Statements that create them, in an order in which each finds the roles that it needs.
    pub(crate) create: Vec<String>,
    /// Statements that grant what they may, and say which roles are active from the start.
    pub(crate) grants: Vec<GrantStatement>,
    /// What is lost, one sentence each.
    pub(crate) warnings: Vec<String>,
}

impl Session {
    /// Reads all accounts.
    ///
    /// # Errors
    /// `Privilege` if the account may not read those of others.
    pub(crate) async fn accounts(&mut self) -> Result<Accounts> {
        match self.all_accounts().await {
            Err(error) if error.kind() == ErrorKind::Privilege => {
                let server = error.server().cloned();
                let error = Error::new(
                    ErrorKind::Privilege,
                    "the account may not read the accounts of the server: GRANT SELECT ON `mysql`.*",
                );
                Err(match server {
                    Some(server) => error.with_source(server),
                    None => error,
                })
            }
            read => read,
        }
    }

    async fn all_accounts(&mut self) -> Result<Accounts> {
        let mut accounts = self.read_accounts().await?;
        if self.flavor() == Flavor::MariaDb {
            role_admins::administer(&mut accounts, &self.roles_of_others().await?);
        }
        Ok(accounts)
    }

    async fn read_accounts(&mut self) -> Result<Accounts> {
        let flavor = self.flavor();
        let mut accounts = Accounts::default();
        let mut all = self.account_list().await?;
        all.retain(|account| {
            let own = OWN_ACCOUNTS.contains(&(account.user.as_str(), account.host.as_str()));
            if own {
                accounts.left_out.push(format!("account {}", account.name()));
            }
            !own
        });
        if flavor == Flavor::MySql {
            // Hashes hold any byte.
            self.execute("SET SESSION print_identified_with_as_hex = ON").await?;
            accounts.warnings = self.second_passwords(&all).await?;
            accounts.warnings.extend(self.former_passwords(&all).await?);
            all = in_order_of_roles(all, &self.default_roles().await?);
        }
        let certificates = self.certificates().await?;
        for account in &all {
            accounts.names.push(account.name());
            let name = account.sql(flavor);
            if flavor == Flavor::MariaDb && account.role {
                if !account.is_public() {
                    accounts.create.push(format!("CREATE ROLE IF NOT EXISTS {name}"));
                }
            } else {
                for row in self.query(&format!("SHOW CREATE USER {name}")).await? {
                    let mut text = row.text(0)?;
                    if let Some(certificate) = certificates.get(&account.name()) {
                        text = certificate.quoted_in(&text).ok_or_else(|| not_one(account))?;
                    }
                    self.expect_one_statement(&text, account)?;
                    accounts.create.push(match text.strip_prefix("CREATE USER ") {
                        Some(rest) => format!("CREATE USER IF NOT EXISTS {rest}"),
                        None => text,
                    });
                }
            }
        }
        let mut seen = BTreeSet::new();
        for account in &all {
            for row in self.query(&format!("SHOW GRANTS FOR {}", account.sql(flavor))).await? {
                let line = row.text(0)?;
                self.expect_one_statement(&line, account)?;
                // The grants of a role's roles are printed with its own.
                if seen.insert(line.clone()) {
                    accounts.grants.push(grant_statement(flavor, account, &line));
                }
            }
        }
        Ok(accounts)
    }

    fn expect_one_statement(&self, text: &str, account: &Account) -> Result<()> {
        if is_one_statement(self.dialect(), text.as_bytes()) {
            return Ok(());
        }
        Err(not_one(account))
    }

    /// What accounts of `MySQL` ask of the certificate of a client, by name.
    async fn certificates(&mut self) -> Result<BTreeMap<String, Certificate>> {
        if self.flavor() == Flavor::MariaDb {
            return Ok(BTreeMap::new());
        }
        let sql = "SELECT User, Host, x509_subject, x509_issuer, ssl_cipher FROM mysql.user \
                   WHERE ssl_type = 'SPECIFIED'";
        let rows = self.query(sql).await?;
        let certificate = |row: &TextRow| {
            let account = Account { user: row.text(0)?, host: row.text(1)?, role: false };
            let [subject, issuer, cipher] = [row.text(2)?, row.text(3)?, row.text(4)?];
            Ok((account.name(), Certificate { subject, issuer, cipher }))
        };
        rows.iter().map(certificate).collect()
    }

    /// All accounts, roles last.
    async fn account_list(&mut self) -> Result<Vec<Account>> {
        let role = match self.flavor() {
            // A role is an account that nobody can use to log in.
            Flavor::MySql => {
                "account_locked = 'Y' AND password_expired = 'Y' AND authentication_string = ''"
            }
            Flavor::MariaDb => "is_role = 'Y'",
        };
        let sql = format!(
            "SELECT User, Host, IF({role}, 1, 0) FROM mysql.user WHERE User <> '{}' ORDER BY 3, 1, 2",
            role_admins::STAND_IN
        );
        let rows = self.query(&sql).await?;
        let account = |row: &TextRow| {
            Ok(Account { user: row.text(0)?, host: row.text(1)?, role: row.text(2)? == "1" })
        };
        rows.iter().map(account).collect()
    }

    /// The roles that an account of `MySQL` has from the start, by account.
    async fn default_roles(&mut self) -> Result<BTreeMap<(String, String), Vec<(String, String)>>> {
        let sql =
            "SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles";
        let mut roles: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in self.query(sql).await? {
            let account = (row.text(0)?, row.text(1)?);
            roles.entry(account).or_default().push((row.text(2)?, row.text(3)?));
        }
        Ok(roles)
    }

    /// `MySQL` keeps a second password for a while (`RETAIN CURRENT PASSWORD`) and does not print
    /// it.
    async fn second_passwords(&mut self, all: &[Account]) -> Result<Vec<String>> {
        let sql = "SELECT User, Host FROM mysql.user \
                   WHERE JSON_CONTAINS_PATH(User_attributes, 'one', '$.additional_password')";
        let mut warnings = Vec::new();
        for row in self.query(sql).await? {
            let (user, host) = (row.text(0)?, row.text(1)?);
            if all.iter().any(|account| account.user == user && account.host == host) {
                warnings.push(format!(
                    "the account {user}@{host} has a second password, which is not in the dump"
                ));
            }
        }
        Ok(warnings)
    }

    /// `MySQL` remembers passwords that an account may not use again (`PASSWORD HISTORY`), and prints
    /// none.
    async fn former_passwords(&mut self, all: &[Account]) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT User, Host FROM mysql.password_history ORDER BY 1, 2";
        let mut warnings = Vec::new();
        for row in self.query(sql).await? {
            let (user, host) = (row.text(0)?, row.text(1)?);
            if all.iter().any(|account| account.user == user && account.host == host) {
                warnings.push(format!(
                    "the account {user}@{host} has a password history, which is not in the dump: its \
                     former passwords can be used again"
                ));
            }
        }
        Ok(warnings)
    }
}

fn not_one(account: &Account) -> Error {
    let text = format!("account {}: {NOT_ONE_STATEMENT}", account.name());
    Error::new(ErrorKind::Unsupported, text)
}

/// What an account asks of the certificate of its client.
#[derive(Debug)]
struct Certificate {
    subject: String,
    issuer: String,
    cipher: String,
}

impl Certificate {
    /// The clause, each text as `literal` makes it.
    fn clause(&self, literal: impl Fn(&str) -> String) -> String {
        let texts =
            [("SUBJECT", &self.subject), ("ISSUER", &self.issuer), ("CIPHER", &self.cipher)];
        let given = texts.into_iter().filter(|(_, text)| !text.is_empty());
        let mut clause = vec![" REQUIRE".to_owned()];
        clause.extend(given.map(|(word, text)| format!(" {word} {}", literal(text))));
        clause.concat()
    }

    /// `create` with literals in the place of what `MySQL` prints: the texts in quotes, whatever is in
    /// them. `None` if it does not print that.
    fn quoted_in(&self, create: &str) -> Option<String> {
        let printed = self.clause(|text| format!("'{text}'"));
        let (before, behind) = create.split_once(&printed)?;
        (!behind.contains(&printed)).then(|| format!("{before}{}{behind}", self.clause(literal)))
    }
}

/// Puts accounts behind those that are their default roles: `CREATE USER` wants those to be there.
fn in_order_of_roles(
    all: Vec<Account>,
    roles: &BTreeMap<(String, String), Vec<(String, String)>>,
) -> Vec<Account> {
    let mut ordered: Vec<Account> = Vec::with_capacity(all.len());
    let mut waiting = all;
    loop {
        let before = waiting.len();
        let still: BTreeSet<(String, String)> =
            waiting.iter().map(|one| (one.user.clone(), one.host.clone())).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|account| {
            let key = (account.user.clone(), account.host.clone());
            roles.get(&key).is_none_or(|of| of.iter().all(|role| !still.contains(role)))
        });
        ordered.extend(ready);
        waiting = rest;
        // The server does not let roles be granted in a circle; should it, the rest goes as it is.
        if waiting.is_empty() || waiting.len() == before {
            ordered.extend(waiting);
            return ordered;
        }
    }
}

/// A line of `SHOW GRANTS` as a statement that changes nothing of an account but what it may do.
fn grant_statement(flavor: Flavor, account: &Account, line: &str) -> GrantStatement {
    let object = granted_object(line);
    let mut sql = line.to_owned();
    if flavor == Flavor::MariaDb
        && let Some(to) = find_outside_quotes(line, " TO ")
    {
        // The password and other properties of the account are in it.
        let rest = line.get(to + " TO ".len()..).unwrap_or_default();
        if let Some(end) = find_outside_quotes(rest, " IDENTIFIED ")
            .or_else(|| find_outside_quotes(rest, " REQUIRE "))
            .or_else(|| find_outside_quotes(rest, " WITH MAX_"))
        {
            let (grantee, properties) = rest.split_at(end);
            sql = format!("{} TO {grantee}", line.get(..to).unwrap_or_default());
            if find_outside_quotes(properties, "GRANT OPTION").is_some() {
                sql.push_str(" WITH GRANT OPTION");
            }
        }
    }
    if sql.starts_with("REVOKE ") {
        // What somebody may not do any more: never the one who restores.
        sql = unless_current(&account.name(), &sql);
    }
    GrantStatement { sql, object }
}

/// Statements that run one only if the account is not the one that runs them.
fn unless_current(account: &str, sql: &str) -> String {
    format!(
        "SET @snapdump_grant = IF(CURRENT_USER() = {}, 'DO 0', {});\n\
         PREPARE snapdump_grant FROM @snapdump_grant;\n\
         EXECUTE snapdump_grant;\n\
         DEALLOCATE PREPARE snapdump_grant",
        literal(account),
        literal(sql)
    )
}

fn literal(text: &str) -> String {
    let mut literal = Vec::new();
    push_string(&mut literal, text.as_bytes());
    String::from_utf8_lossy(&literal).into_owned()
}

/// What a grant is on, if that is a single object.
fn granted_object(line: &str) -> Option<GrantedObject> {
    let at = find_outside_quotes(line, " ON ")?;
    let rest = line.get(at + " ON ".len()..)?;
    let start = rest.find(['`', '*'])?;
    let word = rest.get(..start)?.trim();
    let mut parts = rest.get(start..)?;
    let mut names = Vec::new();
    while let Some(quoted) = parts.strip_prefix('`') {
        let mut name = String::new();
        let mut chars = quoted.char_indices().peekable();
        let end = loop {
            match chars.next()? {
                (_, '`') if chars.peek().is_some_and(|(_, next)| *next == '`') => {
                    chars.next();
                    name.push('`');
                }
                (at, '`') => break at + 1,
                (_, c) => name.push(c),
            }
        };
        names.push(name);
        parts = quoted.get(end..)?;
        match parts.strip_prefix('.') {
            Some(more) => parts = more,
            None => break,
        }
    }
    let [database, name] = <[String; 2]>::try_from(names).ok()?;
    let kind = if word.is_empty() { "TABLE" } else { word };
    Some(GrantedObject { kind: kind.to_owned(), database, name })
}

/// Where `needle` stands first outside of quotes.
fn find_outside_quotes(text: &str, needle: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            None => {
                if text.get(at..).is_some_and(|rest| rest.starts_with(needle)) {
                    return Some(at);
                }
                if matches!(c, '`' | '\'' | '"') {
                    quote = Some(c);
                }
            }
            Some(_) if escaped => escaped = false,
            Some('\'' | '"') if c == '\\' => escaped = true,
            // A doubled quote closes and opens again.
            Some(open) if c == open => quote = None,
            Some(_) => {}
        }
    }
    None
}

impl GrantedObject {
    /// Whether it belongs to the server itself, and so is there.
    pub(crate) fn is_of_server(&self, case_counts: bool) -> bool {
        is_system_database(&self.database, case_counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account { user: "u".into(), host: "%".into(), role: false }
    }

    /// S19.
    #[test]
    fn a_grant_of_mariadb_loses_the_password() {
        let of = |line| grant_statement(Flavor::MariaDb, &account(), line).sql;
        assert_eq!(
            of("GRANT PROCESS ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*7B9 WITH GRANT OPTION' \
                REQUIRE SSL WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5"),
            "GRANT PROCESS ON *.* TO `u`@`%` WITH GRANT OPTION"
        );
        assert_eq!(
            of("GRANT USAGE ON *.* TO ` IDENTIFIED `@`%` REQUIRE X509"),
            "GRANT USAGE ON *.* TO ` IDENTIFIED `@`%`"
        );
        for same in [
            "GRANT SELECT (`a TO b`) ON `d`.`t` TO `u`@`%` WITH GRANT OPTION",
            "GRANT `r` TO `u`@`%` WITH ADMIN OPTION",
            "SET DEFAULT ROLE `r` FOR `u`@`%`",
        ] {
            assert_eq!(of(same), same);
        }
    }

    /// S19.
    #[test]
    fn single_objects_are_told_from_databases() {
        let of =
            |line| granted_object(line).map(|object| (object.kind, object.database, object.name));
        let some = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(
            of("GRANT SELECT (`a ON b`), INSERT ON `d``x`.`t.u` TO `u`@`%`"),
            some("TABLE", "d`x", "t.u")
        );
        assert_eq!(
            of("GRANT EXECUTE ON PROCEDURE `d`.`p` TO `u`@`%`"),
            some("PROCEDURE", "d", "p")
        );
        assert_eq!(of("GRANT SELECT ON `d`.* TO `u`@`%`"), None);
        assert_eq!(of("GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"), None);
        assert_eq!(of("GRANT `r`@`%` TO `u`@`%`"), None);
        assert_eq!(of("GRANT PROXY ON `a`@`b` TO `u`@`%`"), None);
    }

    /// S19.
    #[test]
    fn accounts_follow_their_default_roles() {
        let named = |user: &str| Account { user: user.into(), host: "%".into(), role: false };
        let key = |user: &str| (user.to_owned(), "%".to_owned());
        let roles = BTreeMap::from([(key("a"), vec![key("b")]), (key("b"), vec![key("c")])]);
        let ordered = in_order_of_roles(vec![named("a"), named("b"), named("c")], &roles);
        let order: Vec<_> = ordered.iter().map(|account| account.user.as_str()).collect();
        assert_eq!(order, ["c", "b", "a"]);
    }

    /// S19.
    #[test]
    fn what_is_taken_away_is_never_taken_from_the_restoring_account() {
        let sql = grant_statement(Flavor::MySql, &account(), "REVOKE SELECT ON `d`.* FROM `u`@`%`");
        assert!(sql.sql.contains("IF(CURRENT_USER() = 'u@%', 'DO 0', 'REVOKE SELECT"), "{sql:?}");
    }
}

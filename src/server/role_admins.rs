//! Roles of `MariaDB` whose administrator is not the account that creates them.
//!
//! `CREATE ROLE` makes the current user the administrator, and only an administrator may grant a
//! role. So that the one who restores can grant a role and does not keep it, a role of our own, which
//! is dropped at the end, is the administrator while the script runs. A role that is there already is
//! not touched.

use std::collections::BTreeSet;

use super::accounts::{Accounts, GrantStatement, OWN_ACCOUNTS};
use super::session::Session;
use crate::error::Result;
use crate::ident::quote_identifier;

/// The role that administers others while they are restored.
pub(super) const STAND_IN: &str = "snapdump_stand_in";

impl Session {
    /// The roles that no account of the server itself administers. Those that one of them does are
    /// left to whoever restores.
    pub(super) async fn roles_of_others(&mut self) -> Result<BTreeSet<String>> {
        let own: Vec<_> =
            OWN_ACCOUNTS.iter().map(|(user, host)| format!("('{user}', '{host}')")).collect();
        let sql = format!(
            "SELECT User FROM mysql.user WHERE is_role = 'Y' AND User NOT IN (SELECT Role \
             FROM mysql.roles_mapping WHERE Admin_option = 'Y' AND (User, Host) IN ({}))",
            own.join(", ")
        );
        self.query(&sql).await?.iter().map(|row| row.text(0)).collect()
    }
}

/// Puts the stand-in where these roles are created, and takes it away when all is granted.
pub(super) fn administer(accounts: &mut Accounts, roles: &BTreeSet<String>) {
    let creates: BTreeSet<String> = roles
        .iter()
        .map(|role| format!("CREATE ROLE IF NOT EXISTS {}", quote_identifier(role)))
        .collect();
    let stand_in = quote_identifier(STAND_IN);
    // What is left of a restore that failed.
    let left = format!("GRANT {stand_in} TO ");
    accounts.grants.retain(|grant| !grant.sql.starts_with(&left));
    let mut first = None;
    for (at, sql) in accounts.create.iter_mut().enumerate() {
        if creates.contains(sql.as_str()) {
            first.get_or_insert(at);
            *sql = format!("{sql} WITH ADMIN {stand_in}");
        }
    }
    if let Some(at) = first {
        // One that is left administers what is there already.
        accounts.create.insert(at, format!("CREATE ROLE IF NOT EXISTS {stand_in}"));
        let sql = format!("DROP ROLE {stand_in}");
        accounts.grants.push(GrantStatement { sql, object: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S19.
    #[test]
    fn a_stand_in_administers_roles_of_others() {
        let created = ["CREATE USER IF NOT EXISTS `a`", "CREATE ROLE IF NOT EXISTS `a`"];
        let mut accounts = Accounts::default();
        accounts.create.extend(created.map(str::to_owned));
        let sql = "GRANT `snapdump_stand_in` TO `boss`@`%` WITH ADMIN OPTION".to_owned();
        accounts.grants.push(GrantStatement { sql, object: None });
        administer(&mut accounts, &BTreeSet::from(["b".to_owned()]));
        assert_eq!(accounts.create, created);
        assert_eq!(accounts.grants, []);
        administer(&mut accounts, &BTreeSet::from(["a".to_owned()]));
        assert_eq!(
            accounts.create[1..],
            [
                "CREATE ROLE IF NOT EXISTS `snapdump_stand_in`",
                "CREATE ROLE IF NOT EXISTS `a` WITH ADMIN `snapdump_stand_in`"
            ]
        );
        assert_eq!(accounts.grants[0].sql, "DROP ROLE `snapdump_stand_in`");
    }
}

//! Accounts, roles and grants in the script: accounts first, so that definers are there, and grants
//! last, when there is something to grant them on.

use std::collections::BTreeSet;

use super::granted_columns::KnownColumns;
use super::plan::Plan;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::server::{Accounts, ConnectOptions, Session};

/// What the script holds of the accounts.
pub(super) struct AccountsPlan {
    /// A connection of its own, outside the snapshot.
    session: Session,
    accounts: Accounts,
    grants: Vec<String>,
    warnings: Vec<String>,
}

impl AccountsPlan {
    /// Reads the accounts, and leaves out grants on objects that the file does not hold: a server
    /// refuses those.
    pub(super) async fn read(
        connect: &ConnectOptions,
        context: &Context,
        plan: &Plan,
        lock_wait_seconds: u32,
    ) -> Result<Self> {
        if !plan.names_databases {
            return Err(Error::config(
                "accounts can be dumped only with databases that are named, because grants name \
                 them: ask for named or all databases",
            ));
        }
        let mut session = Session::open(connect, context).await?;
        session.set_up_for_dump(lock_wait_seconds).await?;
        let accounts = session.accounts().await?;
        let held: BTreeSet<(&str, &str, &str)> = plan
            .databases
            .iter()
            .flat_map(|database| {
                let tables = database.tables.iter().map(|table| ("TABLE", table.name.as_str()));
                let programs = database.programs().map(|(kind, name)| match kind.sql() {
                    "VIEW" | "SEQUENCE" => ("TABLE", name),
                    word => (word, name),
                });
                tables.chain(programs).map(|(kind, name)| (kind, database.name.as_str(), name))
            })
            .collect();
        let mut grants = Vec::new();
        let mut warnings = accounts.warnings.clone();
        let mut known = KnownColumns::default();
        for grant in &accounts.grants {
            match &grant.object {
                Some(object) if object.is_of_server(session.case_counts()) => {
                    grants.push(grant.sql.clone());
                }
                Some(object)
                    if !held.contains(&(
                        object.kind.as_str(),
                        object.database.as_str(),
                        object.name.as_str(),
                    )) =>
                {
                    warnings.push(format!(
                        "a grant was left out, because the file does not hold what it is on: {}",
                        grant.sql
                    ));
                }
                _ => {
                    let (left, warning) = known.checked(&mut session, grant).await?;
                    grants.extend(left);
                    warnings.extend(warning);
                }
            }
        }
        Ok(Self { session, accounts, grants, warnings })
    }

    /// The statements that grant what can be restored.
    pub(super) fn grants(&self) -> &[String] {
        &self.grants
    }

    /// What is lost, one sentence each.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The server's own accounts, which are left out.
    pub(super) fn left_out(&self) -> &[String] {
        &self.accounts.left_out
    }

    /// The statements that create them.
    pub(super) fn create(&self) -> &[String] {
        &self.accounts.create
    }

    /// The accounts and roles, as people write them; fails if one was made, changed or dropped
    /// since they were read.
    pub(super) async fn check(mut self) -> Result<Vec<String>> {
        let now = self.session.accounts().await?;
        self.session.close().await;
        if now == self.accounts {
            return Ok(self.accounts.names);
        }
        Err(Error::new(
            ErrorKind::Changed,
            "accounts or grants were changed while the dump ran; run the dump again",
        ))
    }
}

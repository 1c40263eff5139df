//! The check of the account's privileges before anything is read.

use super::options::{DumpOptions, NonTransactional};
use super::plan::Plan;
use super::still;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, quote_identifier};
use crate::server::{Flavor, Privileges, Session};

/// Finds what the account could not see. The catalogue alone would not tell: to an account without
/// the privilege `TRIGGER`, a database with triggers looks like one without.
///
/// Returns what may be missing from the dump, one sentence each; fails with all of it unless the
/// options allow a partial dump.
pub(super) async fn check(
    session: &mut Session,
    plan: &Plan,
    options: &DumpOptions,
) -> Result<Vec<String>> {
    still::refuse(plan, options)?;
    let privileges = session.privileges().await?;
    let missing = missing(&privileges, session.flavor(), plan, options);
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let account = &privileges.account;
    if options.partial() {
        return Ok(missing
            .iter()
            .map(|grant| format!("the account {account} lacks {grant}, so objects may be missing"))
            .collect());
    }
    Err(Error::new(
        ErrorKind::Privilege,
        format!(
            "the account {account} does not see everything that there may be; missing: {}. Grant \
             it, leave the kind out, or allow a partial dump",
            missing.join("; ")
        ),
    ))
}

fn missing(
    privileges: &Privileges,
    flavor: Flavor,
    plan: &Plan,
    options: &DumpOptions,
) -> Vec<String> {
    let mut missing = Vec::new();
    let wants = |kind| options.definitions() && !options.left_out_kinds().contains(&kind);
    for database in &plan.databases {
        let mut need = |privilege: &str, name: &str| {
            if !privileges.on_database(privilege, name) {
                missing.push(format!("GRANT {privilege} ON {}.*", quote_identifier(name)));
            }
        };
        let name = database.name.as_str();
        // With include patterns the tables that are asked for are known by name; without them a
        // table that the account does not see would be missing unnoticed.
        let all_tables = options.include().is_empty();
        if all_tables {
            need("SELECT", name);
        }
        if wants(ObjectKind::View) && !database.views.is_empty() {
            let every = database.views.keys();
            if !every.clone().all(|view| privileges.on_table("SHOW VIEW", name, view)) {
                need("SHOW VIEW", name);
            }
        }
        if wants(ObjectKind::Trigger) {
            let tables = &database.tables;
            let seen = !all_tables
                && tables.iter().all(|table| privileges.on_table("TRIGGER", name, &table.name));
            if !seen {
                need("TRIGGER", name);
            }
        }
        if wants(ObjectKind::Event) {
            need("EVENT", name);
        }
        let routines = [
            ObjectKind::Function,
            ObjectKind::Procedure,
            ObjectKind::Package,
            ObjectKind::PackageBody,
            ObjectKind::Library,
        ];
        let routines = routines.into_iter().any(wants);
        if routines && !sees_routines(privileges, flavor, name) {
            missing.push(match flavor {
                Flavor::MySql => "GRANT SHOW_ROUTINE ON *.*".to_owned(),
                Flavor::MariaDb => "GRANT SELECT ON `mysql`.`proc`".to_owned(),
            });
        }
    }
    if options.nontransactional() == NonTransactional::RequireLock {
        for table in still::tables(plan, options) {
            let database = table.database_name().unwrap_or_default();
            if !privileges.on_database("LOCK TABLES", database) {
                missing.push(format!("GRANT LOCK TABLES ON {}.*", quote_identifier(database)));
            }
        }
    }
    missing.sort();
    missing.dedup();
    missing
}

/// Routines are listed to whoever may do anything with them, but their bodies are shown only to
/// these (manuals, `SHOW CREATE PROCEDURE`).
fn sees_routines(privileges: &Privileges, flavor: Flavor, database: &str) -> bool {
    match flavor {
        Flavor::MySql => privileges.global("SHOW_ROUTINE") || privileges.global("SELECT"),
        Flavor::MariaDb => {
            privileges.on_table("SELECT", "mysql", "proc")
                || privileges.on_database("SHOW CREATE ROUTINE", database)
        }
    }
}

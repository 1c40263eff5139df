//! The check of the account's privileges before anything is read.

use super::options::{Databases, DumpOptions, NonTransactional};
use super::plan::Plan;
use super::program;
use super::still;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Database, Flavor, Privileges, Session, is_system_database};

/// Finds what the account could not see. The catalogue alone would not tell: to an account without
/// the privilege `TRIGGER`, a database with triggers looks like one without.
///
/// Returns what may be missing from the dump, one sentence each; fails with all of it unless the
/// options allow a partial dump. In that case what can be seen and not read is taken out of the plan.
pub(super) async fn check(
    session: &mut Session,
    plan: &mut Plan,
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
        let mut warnings: Vec<String> = missing
            .iter()
            .map(|grant| format!("the account {account} lacks {grant}, so objects may be missing"))
            .collect();
        warnings.extend(leave_out(session, plan, options, &privileges).await?);
        return Ok(warnings);
    }
    let roles = if privileges.idle_roles {
        " (the account has roles, and none of them is active: SET DEFAULT ROLE)"
    } else {
        ""
    };
    Err(Error::new(
        ErrorKind::Privilege,
        format!(
            "the account {account} does not see everything that there may be; missing: {}{roles}. \
             Grant it, leave the kind out, or allow a partial dump",
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
    let wants = |kind| wants(options, kind);
    if *options.databases() == Databases::All
        && !privileges.global("SHOW DATABASES")
        && !privileges.global("SELECT")
    {
        missing.push("GRANT SHOW DATABASES ON *.*".to_owned());
    }
    if *options.databases() == Databases::All {
        let listed = |name: &str| plan.databases.iter().any(|database| database.name == name);
        let hidden = privileges
            .restricted_databases()
            .into_iter()
            .filter(|name| !listed(name) && !is_system_database(name, true));
        missing.extend(hidden.map(|name| format!("GRANT SELECT ON {}.*", quote_identifier(name))));
    }
    for database in &plan.databases {
        let name = database.name.as_str();
        let mut need = |privilege: &str, object: Option<&str>| {
            let has = match object {
                Some(object) => privileges.on_table(privilege, name, object),
                None => privileges.on_database(privilege, name),
            };
            if !has {
                let level = object.map_or_else(|| "*".to_owned(), quote_identifier);
                missing.push(format!("GRANT {privilege} ON {}.{level}", quote_identifier(name)));
            }
            has
        };
        // A table that is named is there, or the dump fails; any other that the account does not see
        // would be missing unnoticed.
        let named = tables_are_named(plan, options);
        if named {
            let views = database.views.keys().map(String::as_str);
            let tables = database.tables.iter().map(|table| table.name.as_str());
            for object in tables.chain(views) {
                // Of single columns it is not enough: the others are not even listed.
                need("SELECT", Some(object));
            }
        } else {
            need("SELECT", None);
        }
        if wants(ObjectKind::View) {
            let mut views = database.views.keys();
            if views.any(|view| !privileges.on_table("SHOW VIEW", name, view)) {
                need("SHOW VIEW", None);
            }
        }
        if wants(ObjectKind::Trigger) {
            let tables = &database.tables;
            let seen = named
                && tables.iter().all(|table| privileges.on_table("TRIGGER", name, &table.name));
            if !seen {
                need("TRIGGER", None);
            }
        }
        if wants(ObjectKind::Event) {
            need("EVENT", None);
        }
        if ROUTINES.into_iter().any(wants) && !sees_routines(privileges, flavor, name) {
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

const ROUTINES: [ObjectKind; 5] = [
    ObjectKind::Function,
    ObjectKind::Procedure,
    ObjectKind::Package,
    ObjectKind::PackageBody,
    ObjectKind::Library,
];

fn wants(options: &DumpOptions, kind: ObjectKind) -> bool {
    options.definitions() && !options.left_out_kinds().contains(&kind)
}

/// Whether every table that is asked for is asked for by its name.
fn tables_are_named(plan: &Plan, options: &DumpOptions) -> bool {
    let of_tables = || {
        let all = options.include().iter();
        all.filter(|selector| {
            selector.covers(ObjectKind::Table) || selector.covers(ObjectKind::View)
        })
    };
    // A name alone can be that of a table in each of several databases.
    let one = |name: &str| plan.databases.len() == 1 || name.contains('.');
    of_tables().next().is_some()
        && of_tables().all(|selector| selector.is_name() && one(&selector.to_string()))
}

/// Routines are listed to whoever may do anything with them, but their bodies are shown only to
/// these (manuals, `SHOW CREATE PROCEDURE`).
fn sees_routines(privileges: &Privileges, flavor: Flavor, database: &str) -> bool {
    match flavor {
        // The second for the whole server, but not for a database of which it was taken away.
        Flavor::MySql => {
            privileges.global("SHOW_ROUTINE")
                || (privileges.global("SELECT") && privileges.on_database("SELECT", database))
        }
        Flavor::MariaDb => {
            privileges.on_table("SELECT", "mysql", "proc")
                || privileges.on_database("SHOW CREATE ROUTINE", database)
        }
    }
}

/// Takes out of the plan what is listed to the account and not shown. One sentence for each.
async fn leave_out(
    session: &mut Session,
    plan: &mut Plan,
    options: &DumpOptions,
    privileges: &Privileges,
) -> Result<Vec<String>> {
    let flavor = session.flavor();
    let mut warnings = Vec::new();
    let Plan { databases, left_out, .. } = plan;
    for database in databases {
        let name = database.name.clone();
        let mut out = |kind: ObjectKind, object: &str, privilege: &str| {
            let object = ObjectName::new(kind, &name, object);
            warnings.push(format!("{object} was left out: the account lacks {privilege} on it"));
            left_out.push(object.to_string());
        };
        let reads = |object: &str| privileges.on_table("SELECT", &name, object);
        let Database { tables, views, triggers, routines, .. } = database;
        tables.retain(|table| {
            let reads = reads(&table.name);
            if !reads {
                out(ObjectKind::Table, &table.name, "SELECT");
            }
            reads
        });
        let on_table = |table: &str| tables.iter().any(|known| known.name == table);
        triggers.retain(|trigger| {
            let there = on_table(&trigger.table);
            if !there {
                out(ObjectKind::Trigger, &trigger.name, "SELECT on its table, which is lacking");
            }
            there
        });
        views.retain(|view, _| {
            let shows = reads(view) && privileges.on_table("SHOW VIEW", &name, view);
            if !shows {
                out(ObjectKind::View, view, "SELECT or SHOW VIEW");
            }
            shows
        });
        if ROUTINES.into_iter().any(|kind| wants(options, kind))
            && !sees_routines(privileges, flavor, &name)
        {
            let mut shown = Vec::new();
            for routine in std::mem::take(routines) {
                let object = ObjectName::new(routine.kind, &name, &routine.name);
                if program::is_shown(session, &object).await? {
                    shown.push(routine);
                } else {
                    out(routine.kind, &routine.name, "the right to see its body");
                }
            }
            *routines = shown;
        }
    }
    Ok(warnings)
}

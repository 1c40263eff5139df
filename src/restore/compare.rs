//! The restored databases compared with the manifest of the file.

use std::collections::BTreeSet;

use super::policy::Policy;
use crate::archive::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Database, Session};

/// Fails unless every object of the manifest is there and every table has as many rows as the
/// file holds. Tables that the file only adds rows to, and views that it keeps as comments, are
/// left out: nothing is known about them.
pub(super) async fn compare(
    session: &mut Session,
    manifest: &Manifest,
    target: Option<&str>,
    policy: &Policy,
) -> Result<()> {
    let mut found: BTreeSet<(ObjectKind, String, String)> = BTreeSet::new();
    let fold = session.query_one("SELECT @@lower_case_table_names").await?.text(0)? != "0";
    let case = |name: &str| if fold { name.to_lowercase() } else { name.to_owned() };
    for database in &manifest.databases {
        let name = if manifest.names_databases {
            policy.renamed(&database.name)
        } else {
            target.unwrap_or_default().to_owned()
        };
        let restored = session.database(&name).await?;
        for (kind, object) in objects(&restored) {
            found.insert((kind, case(&database.name), case(object)));
        }
    }
    for entry in manifest.objects.iter().filter(|entry| entry.definition) {
        let name = &entry.name;
        let database = name.database_name().unwrap_or_default();
        if !found.contains(&(name.kind(), case(database), case(name.name()))) {
            return Err(mismatch("the file holds it, but it is not there after the restore", name));
        }
        let Some(expected) = entry.rows else { continue };
        let table = if manifest.names_databases {
            let database = policy.renamed(database);
            format!("{}.{}", quote_identifier(&database), quote_identifier(name.name()))
        } else {
            quote_identifier(name.name())
        };
        session.context().counters().work_on(Some(name.clone()));
        let mut rows = count(session, &table).await?;
        if let Some(past) = entry.history_rows {
            let current = expected.saturating_sub(past);
            if rows != current {
                return Err(mismatch(
                    &format!(
                        "the file holds {current} current rows, but {rows} are there after the \
                         restore"
                    ),
                    name,
                ));
            }
            rows = count(session, &format!("{table} FOR SYSTEM_TIME ALL")).await?;
        }
        if rows != expected {
            return Err(mismatch(
                &format!("the file holds {expected} rows, but {rows} are there after the restore"),
                name,
            ));
        }
    }
    Ok(())
}

async fn count(session: &mut Session, table: &str) -> Result<u64> {
    let row = session.query_one(&format!("SELECT COUNT(*) FROM {table}")).await?;
    Ok(row.optional_number(0)?.unwrap_or(0))
}

fn mismatch(message: &str, object: &ObjectName) -> Error {
    Error::new(ErrorKind::Mismatch, message).at(|place| place.object = Some(object.clone()))
}

fn objects(database: &Database) -> impl Iterator<Item = (ObjectKind, &str)> {
    let tables = database.tables.iter().map(|item| (ObjectKind::Table, item.name.as_str()));
    tables.chain(database.programs())
}

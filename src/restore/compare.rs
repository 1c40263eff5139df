//! The restored databases compared with the manifest of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::Policy;
use super::rollback::Target;
use crate::archive::{DatabaseEntry, Manifest, ObjectEntry};
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::Session;

/// What a comparison found, which is what the manifest says.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Objects by kind.
    pub(super) objects: BTreeMap<ObjectKind, u64>,
    /// The rows of all tables.
    pub(super) rows: u64,
}

/// Fails unless the databases hold every object of the manifest, each table with as many rows as
/// the file has, and nothing else but what stayed of before. What the file only adds rows to, and
/// views that it keeps as comments, are not counted: nothing is known about them.
pub(super) async fn compare(
    session: &mut Session,
    manifest: &Manifest,
    target: Option<&str>,
    policy: &Policy,
    stayed: &[Target],
) -> Result<Compared> {
    let fold = !session.case_counts();
    let case = |name: &str| if fold { name.to_lowercase() } else { name.to_owned() };
    let mut compared = Compared::default();
    for database in &manifest.databases {
        let name = if manifest.names_databases {
            policy.renamed(&database.name)
        } else {
            target.unwrap_or_default().to_owned()
        };
        let restored = session.database(&name).await?;
        let mut found: BTreeSet<_> =
            restored.objects().map(|(kind, name)| (kind, case(name))).collect();
        for entry in in_database(manifest, database) {
            let known = (entry.name.kind(), case(entry.name.name()));
            let there = found.remove(&known);
            if !entry.definition {
                continue;
            }
            if !there {
                return Err(mismatch(
                    "the file holds it, but it is not there after the restore",
                    &entry.name,
                ));
            }
            *compared.objects.entry(known.0).or_default() += 1;
        }
        for (kind, object) in stayed
            .iter()
            .filter(|before| case(&before.name) == case(&restored.name))
            .flat_map(|before| &before.objects)
        {
            found.remove(&(*kind, case(object)));
        }
        if let Some((kind, object)) = found.first() {
            let of_kind = found.iter().filter(|(other, _)| other == kind).count();
            return Err(mismatch(
                &format!(
                    "it is there after the restore, but was not before, and the file does not hold \
                     it; it is one of {of_kind} of its kind"
                ),
                &ObjectName::new(*kind, &restored.name, object),
            ));
        }
    }
    for entry in manifest.objects.iter().filter(|entry| entry.definition) {
        let name = &entry.name;
        let Some(expected) = entry.rows else { continue };
        let table = if manifest.names_databases {
            let database = policy.renamed(name.database_name().unwrap_or_default());
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
        compared.rows = compared.rows.saturating_add(rows);
    }
    Ok(compared)
}

/// The objects of one database of a manifest.
fn in_database<'a>(
    manifest: &'a Manifest,
    database: &'a DatabaseEntry,
) -> impl Iterator<Item = &'a ObjectEntry> {
    manifest
        .objects
        .iter()
        .filter(|entry| entry.name.database_name() == Some(database.name.as_str()))
}

async fn count(session: &mut Session, table: &str) -> Result<u64> {
    let row = session.query_one(&format!("SELECT COUNT(*) FROM {table}")).await?;
    Ok(row.optional_number(0)?.unwrap_or(0))
}

fn mismatch(message: &str, object: &ObjectName) -> Error {
    Error::new(ErrorKind::Mismatch, message).at(|place| place.object = Some(object.clone()))
}

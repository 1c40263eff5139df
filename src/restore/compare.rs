//! The restored databases compared with the manifest of the file.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::Policy;
use super::rollback::Target;
use crate::archive::{DatabaseEntry, Manifest, ObjectEntry};
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Session, TextRow};

/// What a comparison found, which is what the manifest says.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Objects by kind.
    pub(super) objects: BTreeMap<ObjectKind, u64>,
    /// The rows of all tables.
    pub(super) rows: u64,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
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
            if !there && entry.name.kind() == ObjectKind::Event && runs_events(session).await? {
                compared.warnings.push(format!(
                    "{} is not there: its time is over and it was not to be kept, or the server's \
                     scheduler has run it meanwhile",
                    entry.name
                ));
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
    let counts = counts(manifest, policy);
    for group in counts.chunks(COUNTS_AT_A_TIME) {
        session.context().counters().work_on(group.first().map(|count| count.table.clone()));
        for (count, rows) in group.iter().zip(count_rows(session, group).await?) {
            let Count { expected, what, .. } = count;
            if rows != *expected {
                return Err(mismatch(
                    &format!(
                        "the file holds {expected} {what}, but {rows} are there after the restore"
                    ),
                    &count.table,
                ));
            }
            if *what == ALL_ROWS {
                compared.rows = compared.rows.saturating_add(rows);
            }
        }
    }
    Ok(compared)
}

/// Whether the server's scheduler is at work: it drops events whose time is over.
async fn runs_events(session: &mut Session) -> Result<bool> {
    Ok(session.query_one("SELECT @@GLOBAL.event_scheduler").await?.text(0)? == "ON")
}

/// How many counts are asked for in one text.
const COUNTS_AT_A_TIME: usize = 50;

const ALL_ROWS: &str = "rows";
const CURRENT_ROWS: &str = "current rows";

/// How many rows a table has to have.
struct Count {
    table: ObjectName,
    query: String,
    expected: u64,
    /// Which rows are counted.
    what: &'static str,
}

fn counts(manifest: &Manifest, policy: &Policy) -> Vec<Count> {
    let mut counts = Vec::new();
    for entry in manifest.objects.iter().filter(|entry| entry.definition) {
        let Some(expected) = entry.rows else { continue };
        let name = &entry.name;
        let table = if manifest.names_databases {
            let database = policy.renamed(name.database_name().unwrap_or_default());
            format!("{}.{}", quote_identifier(&database), quote_identifier(name.name()))
        } else {
            quote_identifier(name.name())
        };
        let mut add = |query, expected, what| {
            counts.push(Count { table: name.clone(), query, expected, what });
        };
        let query = format!("SELECT COUNT(*) FROM {table}");
        if let Some(past) = entry.history_rows {
            let all = format!("{query} FOR SYSTEM_TIME ALL");
            add(query, expected.saturating_sub(past), CURRENT_ROWS);
            add(all, expected, ALL_ROWS);
        } else {
            add(query, expected, ALL_ROWS);
        }
    }
    counts
}

async fn count_rows(session: &mut Session, counts: &[Count]) -> Result<Vec<u64>> {
    let queries: Vec<_> = counts.iter().map(|count| count.query.clone()).collect();
    match session.query_each(&queries).await {
        Ok(answers) => answers.iter().map(|rows| number(rows.first())).collect(),
        // One by one, so that the error names its table.
        Err(error) if error.server().is_some() => {
            let mut rows = Vec::with_capacity(counts.len());
            for count in counts {
                session.context().counters().work_on(Some(count.table.clone()));
                let counted = session.query_one(&count.query).await;
                let counted = counted
                    .map_err(|error| error.at(|place| place.object = Some(count.table.clone())))?;
                rows.push(number(Some(&counted))?);
            }
            Ok(rows)
        }
        Err(error) => Err(error),
    }
}

fn number(row: Option<&TextRow>) -> Result<u64> {
    let number = row.map(|row| row.optional_number(0)).transpose()?.flatten();
    number.ok_or_else(|| Error::new(ErrorKind::Protocol, "the server did not count rows"))
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

fn mismatch(message: &str, object: &ObjectName) -> Error {
    Error::new(ErrorKind::Mismatch, message).at(|place| place.object = Some(object.clone()))
}

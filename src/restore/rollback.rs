//! The way back: what the databases of a restore were before it, and making them that again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::check::{self, Checked};
use super::destination::Destination;
use super::options::RestoreOptions;
use super::source::Source;
use super::{Prepared, RestoreReport};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::progress::Phase;
use crate::server::{ConnectOptions, ER_BAD_DB_ERROR, Session, is_system_database};
use crate::sql::encryption;
use crate::sql::literal::push_string;

/// A database that a restore writes to, as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// What was there.
    pub(crate) before: Before,
    /// The objects in it.
    #[serde(skip)]
    pub(crate) objects: Vec<(ObjectKind, String)>,
}

/// What a database was before a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Before {
    /// Not there.
    Absent,
    /// There, without any object; with these defaults.
    Empty(Defaults),
    /// In use: the restore point has what it held. With these defaults.
    Occupied(Defaults),
}

/// What a database has besides its objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Defaults {
    charset: String,
    collation: String,
    /// `None` where the server keeps none.
    #[serde(default)]
    comment: Option<String>,
    /// Whether tables are encrypted; `None` where the server does not say it of databases.
    #[serde(default)]
    encrypted: Option<bool>,
}

impl Defaults {
    /// As options of `CREATE DATABASE` and `ALTER DATABASE`; without the encryption, which a server lets
    /// few accounts set.
    fn options(&self) -> Vec<u8> {
        let mut options =
            format!("CHARACTER SET = {} COLLATE = {}", self.charset, self.collation).into_bytes();
        if let Some(comment) = &self.comment {
            options.extend_from_slice(b" COMMENT = ");
            push_string(&mut options, comment.as_bytes());
        }
        options
    }
}

impl Target {
    pub(super) fn is_occupied(&self) -> bool {
        matches!(self.before, Before::Occupied(_))
    }
}

/// Looks at every database that a script writes to, but for the server's own: these need leave of
/// their own, cannot be saved by a dump, and must not be emptied.
pub(super) async fn survey(
    session: &mut Session,
    connect: &ConnectOptions,
    checked: &Checked,
) -> Result<Vec<Target>> {
    let mut names = checked.databases.clone();
    match connect.database() {
        // Also before a script selects the first one itself.
        Some(name) if checked.changes_target || names.is_empty() => {
            names.insert(name.to_owned());
        }
        None if names.is_empty() => {
            return Err(Error::config(
                "the file does not say into which database it goes: name one",
            ));
        }
        _ => {}
    }
    let case_counts = session.case_counts();
    names.retain(|name| !is_system_database(name, case_counts));
    let mut targets = Vec::new();
    for name in names {
        let mut objects = Vec::new();
        // The server is asked to use it, because it knows when two spellings are one name; the
        // databases that are its own count like any other.
        let before = match session.execute(format!("USE {}", quote_identifier(&name))).await {
            // One that is not there yet is made by the script.
            Err(error) if error.server().is_some_and(|found| found.number == ER_BAD_DB_ERROR) => {
                Before::Absent
            }
            Err(error) => return Err(error),
            Ok(()) => {
                let defaults = session
                    .query_one("SELECT DATABASE(), @@character_set_database, @@collation_database")
                    .await?;
                let database = session.database(&defaults.text(0)?).await?;
                objects.extend(database.objects().map(|(kind, name)| (kind, name.to_owned())));
                let empty = database.is_empty();
                let defaults = Defaults {
                    charset: defaults.text(1)?,
                    collation: defaults.text(2)?,
                    comment: database.comment,
                    encrypted: database.encrypted,
                };
                if empty { Before::Empty(defaults) } else { Before::Occupied(defaults) }
            }
        };
        targets.push(Target { name, before, objects });
    }
    Ok(targets)
}

/// Fails for the first object that was not there before.
pub(super) fn refuse_newcomers(before: &[Target], now: &[Target]) -> Result<()> {
    for target in now {
        let old = before.iter().find(|old| old.name == target.name);
        let old = old.map(|old| old.objects.iter().collect::<BTreeSet<_>>()).unwrap_or_default();
        if let Some((kind, name)) = target.objects.iter().find(|object| !old.contains(object)) {
            return Err(Error::new(
                ErrorKind::Changed,
                "it has come into the database since that was saved, so nothing is restored: it \
                 would be lost without a copy; try again when nobody makes objects in it",
            )
            .at(|place| place.object = Some(ObjectName::new(*kind, &target.name, name))));
        }
    }
    Ok(())
}

/// Makes every target what it was: all that is in it now goes, and what the restore point holds
/// comes back. The restore point is checked as a whole before anything is dropped.
#[tracing::instrument(skip_all, err(level = "debug"), fields(target = %connect, ?restore_point))]
pub(crate) async fn roll_back(
    connect: &ConnectOptions,
    targets: &[Target],
    restore_point: Option<&Path>,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Option<RestoreReport>> {
    context.enter(Phase::Rollback);
    // Its steps are not phases of the restore.
    let context = &context.within_phase();
    if restore_point.is_none() && targets.iter().any(Target::is_occupied) {
        return Err(Error::new(ErrorKind::RestorePoint, "there is no restore point to go back to"));
    }
    // What the options say of the file that was restored does not hold for the restore point.
    let options = &options.of_restore_point();
    let mut session = Session::open(&connect.clone().without_database(), context).await?;
    let checked = match restore_point {
        Some(path) => {
            let destination = Destination::ask(&mut session, connect.database(), options).await?;
            Some(check_restore_point(path, destination, options, context).await?)
        }
        None => None,
    };
    let emptied = empty_targets(&mut session, targets, options).await;
    session.close().await;
    emptied?;
    let (Some(path), Some(checked)) = (restore_point, checked) else {
        tracing::info!("rolled back");
        return Ok(None);
    };
    let prepared = Prepared {
        connect: connect.clone(),
        options: options.clone(),
        source: Source::file(path),
        checked,
        restore_point: None,
        targets: Vec::new(),
    };
    let report = prepared.replay(context, &AtomicBool::new(false)).await?;
    tracing::info!("rolled back");
    Ok(Some(report))
}

async fn check_restore_point(
    path: &Path,
    destination: Destination,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Checked> {
    let (file, options) = (path.to_owned(), options.clone());
    let checked = context
        .blocking(Phase::Check, move |context| check::check(&file, &destination, &options, context))
        .await?;
    if checked.footer.is_none() {
        return Err(Error::new(ErrorKind::RestorePoint, "this is no restore point")
            .at(|place| place.file = Some(path.display().to_string())));
    }
    Ok(checked)
}

async fn empty_targets(
    session: &mut Session,
    targets: &[Target],
    options: &RestoreOptions,
) -> Result<()> {
    session.set_up_for_replay(options.binlog()).await?;
    // Comments are written with backslashes.
    session.execute("SET SESSION sql_mode = ''").await?;
    for target in targets {
        let name = quote_identifier(&target.name);
        match &target.before {
            Before::Absent => session.execute(format!("DROP DATABASE IF EXISTS {name}")).await?,
            Before::Empty(defaults) | Before::Occupied(defaults) => {
                let options = defaults.options();
                let statement = |begin: String| [begin.as_bytes(), &options].concat();
                // The script may have dropped it as a whole.
                session
                    .execute(statement(format!("CREATE DATABASE IF NOT EXISTS {name} ")))
                    .await?;
                empty_database(session, &target.name).await?;
                session.execute(statement(format!("ALTER DATABASE {name} "))).await?;
                encrypt_again(session, target, defaults).await?;
            }
        }
    }
    Ok(())
}

/// Gives a database its default encryption again, if it has another one now.
async fn encrypt_again(session: &mut Session, target: &Target, defaults: &Defaults) -> Result<()> {
    let Some(encrypted) = defaults.encrypted else { return Ok(()) };
    if session.database(&target.name).await?.encrypted == Some(encrypted) {
        return Ok(());
    }
    session.execute(format!("USE {}", quote_identifier(&target.name))).await?;
    match session.execute(encryption::statement(encrypted)).await {
        // The database has been emptied: its objects come before its defaults.
        Err(error) if error.server().is_some() => {
            tracing::warn!(database = target.name, encrypted, error = %error.chain(),
                "the database keeps another default encryption than it had");
            Ok(())
        }
        done => done,
    }
}

/// Drops every object of the databases that a restore is to replace as a whole.
pub(super) async fn empty_before_replace(session: &mut Session, targets: &[Target]) -> Result<()> {
    for target in targets.iter().filter(|target| target.is_occupied()) {
        empty_database(session, &target.name).await?;
    }
    Ok(())
}

/// How often what came in while a database was being emptied is dropped as well: a statement of a
/// process that has died may still be at work.
const ROUNDS: usize = 5;

/// Drops every object of a database. Foreign keys do not hold it up.
async fn empty_database(session: &mut Session, database: &str) -> Result<()> {
    let checks = session.query_one("SELECT @@SESSION.foreign_key_checks").await?.text(0)?;
    session.execute("SET SESSION foreign_key_checks = 0").await?;
    let mut objects = objects_to_drop(session, database).await?;
    for _ in 0..ROUNDS {
        for (kind, name) in &objects {
            session
                .execute(format!(
                    "DROP {} IF EXISTS {}.{}",
                    kind.sql(),
                    quote_identifier(database),
                    quote_identifier(name)
                ))
                .await?;
        }
        objects = objects_to_drop(session, database).await?;
        if objects.is_empty() {
            break;
        }
    }
    session.execute(format!("SET SESSION foreign_key_checks = {checks}")).await?;
    match objects.first() {
        None => Ok(()),
        Some((kind, name)) => Err(Error::new(
            ErrorKind::Changed,
            format!("{kind} '{name}' came into the database while it was being emptied"),
        )),
    }
}

/// The objects of a database in an order in which they can be dropped. Triggers go with their
/// tables.
async fn objects_to_drop(
    session: &mut Session,
    database: &str,
) -> Result<Vec<(ObjectKind, String)>> {
    let schema = session.in_database(database);
    let mut queries = vec![
        // First, so that none of them runs in between.
        format!(
            "SELECT EVENT_NAME, 'EVENT' FROM information_schema.EVENTS \
             WHERE {}",
            schema.by("EVENT_SCHEMA")
        ),
        format!(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES \
             WHERE {}",
            schema.by("TABLE_SCHEMA")
        ),
        format!(
            "SELECT ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES \
             WHERE {}",
            schema.by("ROUTINE_SCHEMA")
        ),
    ];
    let libraries = "SELECT 1 FROM information_schema.TABLES \
                     WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'LIBRARIES'";
    if !session.query(libraries).await?.is_empty() {
        queries.push(format!(
            "SELECT LIBRARY_NAME, 'LIBRARY' FROM information_schema.LIBRARIES \
             WHERE {}",
            schema.by("LIBRARY_SCHEMA")
        ));
    }
    let mut objects = Vec::new();
    for query in queries {
        let rows = session.query(&query).await?;
        let views = session.views_among(&schema, &rows).await?;
        for row in rows {
            let name = row.text(0)?;
            let (order, kind) = match row.text(1)?.as_str() {
                "EVENT" => (0, ObjectKind::Event),
                _ if views.contains(&name) => (1, ObjectKind::View),
                "VIEW" => (1, ObjectKind::View),
                "BASE TABLE" | "SYSTEM VERSIONED" => (2, ObjectKind::Table),
                // The defaults of columns use them.
                "SEQUENCE" => (3, ObjectKind::Sequence),
                "PACKAGE BODY" => (4, ObjectKind::PackageBody),
                "PACKAGE" => (5, ObjectKind::Package),
                "FUNCTION" => (6, ObjectKind::Function),
                "PROCEDURE" => (7, ObjectKind::Procedure),
                "LIBRARY" => (8, ObjectKind::Library),
                // Another session's; they are not part of the database.
                "TEMPORARY" | "LOCAL TEMPORARY" | "TEMPORARY SEQUENCE" => continue,
                other => {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        format!("'{name}' is of the type {other}, which snapdump does not know"),
                    ));
                }
            };
            objects.push((order, kind, name));
        }
    }
    objects.sort_by_key(|(order, _, _)| *order);
    Ok(objects.into_iter().map(|(_, kind, name)| (kind, name)).collect())
}

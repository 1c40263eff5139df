//! Decides what a dump holds: the catalogue, narrowed down by the options.

use std::cell::Cell;

use super::options::{Databases, DumpOptions};
use super::select::Selector;
use crate::error::{Error, Result};
use crate::ident::{ObjectKind, ObjectName};
use crate::server::{Database, Session};

/// What is dumped, and what the manifest says about the rest.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) databases: Vec<Database>,
    /// Whether the script creates and selects its databases.
    pub(super) names_databases: bool,
    /// What was left out, for the manifest.
    pub(super) left_out: Vec<String>,
}

impl Plan {
    /// The names of the databases that the options ask for.
    pub(super) async fn names(
        session: &mut Session,
        current: Option<&str>,
        options: &DumpOptions,
    ) -> Result<Vec<String>> {
        match options.databases() {
            Databases::Current => current.map(|name| vec![name.to_owned()]).ok_or_else(|| {
                Error::config(
                    "no database to dump: name one in the connection, or ask for named or all \
                     databases",
                )
            }),
            Databases::Named(names) if names.is_empty() => {
                Err(Error::config("the list of databases to dump is empty"))
            }
            Databases::Named(names) => Ok(names.clone()),
            Databases::All => session.database_names().await,
        }
    }

    /// Reads the catalogue of the databases and narrows it down.
    pub(super) async fn make(
        session: &mut Session,
        names: Vec<String>,
        options: &DumpOptions,
    ) -> Result<Self> {
        let mut databases: Vec<Database> = Vec::with_capacity(names.len());
        for name in names {
            let database = session.database(&name).await?;
            // Two spellings of one name, or the same name twice.
            if databases.iter().all(|known| known.name != database.name) {
                databases.push(database);
            }
        }
        let filter = Filter::new(options);
        let mut left_out = Vec::new();
        for database in &mut databases {
            filter.apply(database, &mut left_out);
        }
        filter.finish(&databases)?;
        Ok(Self {
            databases,
            names_databases: !matches!(options.databases(), Databases::Current),
            left_out,
        })
    }

    /// The tables of all databases.
    pub(super) fn tables(&self) -> usize {
        self.databases.iter().map(|database| database.tables.len()).sum()
    }

    /// The server's guess of all rows.
    pub(super) fn rows_estimate(&self) -> u64 {
        let tables = self.databases.iter().flat_map(|database| &database.tables);
        tables.map(|table| table.rows_estimate).fold(0, u64::saturating_add)
    }
}

/// Applies include and exclude patterns, and remembers which of them ever matched.
struct Filter<'a> {
    options: &'a DumpOptions,
    include: Vec<Pattern<'a>>,
    exclude: Vec<Pattern<'a>>,
    without_rows: Vec<Pattern<'a>>,
}

struct Pattern<'a> {
    selector: &'a Selector,
    matched: Cell<bool>,
}

impl Pattern<'_> {
    fn matches(&self, object: &ObjectName) -> bool {
        let matches = self.selector.matches(object);
        self.matched.set(self.matched.get() || matches);
        matches
    }
}

fn patterns(selectors: &[Selector]) -> Vec<Pattern<'_>> {
    let pattern = |selector| Pattern { selector, matched: Cell::new(false) };
    selectors.iter().map(pattern).collect()
}

impl<'a> Filter<'a> {
    fn new(options: &'a DumpOptions) -> Self {
        Self {
            options,
            include: patterns(options.include()),
            exclude: patterns(options.exclude()),
            without_rows: patterns(options.tables_without_rows()),
        }
    }

    /// Removes from `database` what the options leave out.
    fn apply(&self, database: &mut Database, left_out: &mut Vec<String>) {
        let name = database.name.clone();
        let mut keep = |kind: ObjectKind, object: &str| {
            let object = ObjectName::new(kind, &name, object);
            let kept = self.keeps(&object);
            if !kept {
                left_out.push(object.to_string());
            }
            kept
        };
        database.sequences.retain(|sequence| keep(ObjectKind::Sequence, sequence));
        database.tables.retain(|table| keep(ObjectKind::Table, &table.name));
        database.routines.retain(|routine| keep(routine.kind, &routine.name));
        database.views.retain(|view, _| keep(ObjectKind::View, view));
        database.events.retain(|event| keep(ObjectKind::Event, &event.name));
        let tables: Vec<_> = database.tables.iter().map(|table| table.name.as_str()).collect();
        database.triggers.retain(|trigger| {
            let object = ObjectName::new(ObjectKind::Trigger, &name, &trigger.name);
            // The patterns are asked first, so that one that matches only a trigger of a table
            // that is left out counts as used.
            let kept = self.keeps(&object) && tables.contains(&trigger.table.as_str());
            if !kept {
                left_out.push(object.to_string());
            }
            kept
        });
        for table in &database.tables {
            let object = ObjectName::new(ObjectKind::Table, &name, &table.name);
            for pattern in &self.without_rows {
                pattern.matches(&object);
            }
        }
    }

    fn keeps(&self, object: &ObjectName) -> bool {
        let kind = object.kind();
        if self.options.left_out_kinds().contains(&kind) {
            return false;
        }
        // Every pattern is asked, so that each one that matches anything counts as used.
        let any = |patterns: &[Pattern<'_>]| {
            patterns.iter().filter(|pattern| pattern.matches(object)).count() > 0
        };
        let limited = self.include.iter().any(|pattern| pattern.selector.covers(kind));
        let included = any(&self.include);
        let excluded = any(&self.exclude);
        (included || !limited) && !excluded
    }

    /// Fails for a pattern or a condition that matched nothing: it is a mistake, and a backup
    /// with a mistake in its options is found out only when it is needed.
    fn finish(&self, databases: &[Database]) -> Result<()> {
        let lists = [
            ("include", &self.include),
            ("exclude", &self.exclude),
            ("without rows", &self.without_rows),
        ];
        for (list, patterns) in lists {
            if let Some(unused) = patterns.iter().find(|pattern| !pattern.matched.get()) {
                return Err(Error::config(format!(
                    "the {list} pattern '{}' matches no object",
                    unused.selector
                )));
            }
        }
        for name in self.options.conditions().keys() {
            let known = databases.iter().any(|database| {
                database.tables.iter().any(|table| names_table(name, &database.name, &table.name))
            });
            if !known {
                return Err(Error::config(format!(
                    "there is a row condition for table '{name}', which is not dumped"
                )));
            }
        }
        Ok(())
    }
}

/// Whether `name`, a table's name or `database.table`, means this table.
pub(super) fn names_table(name: &str, database: &str, table: &str) -> bool {
    name == table
        || name
            .strip_prefix(database)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| rest == table)
}

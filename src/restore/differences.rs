//! What a script needs and the server does not have: named in the check, and never put right
//! silently.

use std::collections::{BTreeMap, BTreeSet};

use super::check::Seen;
use super::policy::Policy;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::ident::quote_identifier;
use crate::server::{Flavor, Session};
use crate::sql::keys::keyless;
use crate::sql::needs::{Column, TableName, inserted, needs};
use crate::sql::policy::{Examined, Role};
use crate::sql::split::Dialect;
use crate::sql::token::Reading;

/// `ER_UNKNOWN_COLLATION`.
const UNKNOWN_COLLATION: u16 = 1273;
/// `ER_UNKNOWN_CHARACTER_SET`.
const UNKNOWN_CHARSET: u16 = 1115;

/// What the definitions of a script need, and where first.
#[derive(Clone, Debug, Default)]
pub(super) struct Differences {
    collations: BTreeMap<String, Seen>,
    charsets: BTreeMap<String, Seen>,
    engines: BTreeMap<String, Seen>,
    missing: BTreeMap<&'static str, Seen>,
    passed_over: BTreeMap<String, Seen>,
    /// Collations that are replaced.
    mapped: BTreeMap<String, Seen>,
    /// Spatial reference systems of columns, and those that the script makes.
    srids: BTreeMap<u32, Seen>,
    srids_made: BTreeSet<u32>,
    /// Tables without a primary key, and those of them that can have no invisible one.
    keyless: Option<First>,
    takes_none: Option<First>,
    /// Rows that give values to generated columns, by table.
    values: BTreeMap<String, Seen>,
    /// The database that the script has selected, if it has.
    selected: Option<String>,
    /// The columns of the tables with generated ones, by database and table, that the script has
    /// created.
    generated: BTreeMap<TableName, Vec<Column>>,
}

/// Tables that have something in common.
#[derive(Clone, Debug)]
struct First {
    table: String,
    seen: Seen,
}

impl First {
    fn see(first: &mut Option<Self>, table: &str, place: &Location) {
        let new =
            || Self { table: table.to_owned(), seen: Seen { times: 0, first: place.clone() } };
        first.get_or_insert_with(new).seen.times += 1;
    }
}

fn see<K: Ord>(seen: &mut BTreeMap<K, Seen>, key: K, place: &Location) {
    let seen = seen.entry(key).or_insert_with(|| Seen { times: 0, first: place.clone() });
    seen.times += 1;
}

impl Differences {
    /// Looks at a statement.
    pub(super) fn see(
        &mut self,
        text: &[u8],
        reading: &Reading,
        examined: &Examined,
        policy: &Policy,
        place: &Location,
    ) {
        let found = needs(text, reading);
        for named in found.collations {
            let name = named.name.to_ascii_lowercase();
            match policy.collation(&name) {
                Some(to) => {
                    see(&mut self.mapped, format!("{name} by {to}"), place);
                    see(&mut self.collations, to.to_owned(), place);
                }
                None => see(&mut self.collations, name, place),
            }
        }
        for named in found.charsets {
            see(&mut self.charsets, named.name.to_ascii_lowercase(), place);
        }
        for named in found.engines {
            see(&mut self.engines, named.name.to_ascii_lowercase(), place);
        }
        for missing in found.missing {
            see(&mut self.missing, missing, place);
        }
        for passed in found.passed_over {
            see(&mut self.passed_over, passed, place);
        }
        for srid in found.srids {
            see(&mut self.srids, srid, place);
        }
        self.srids_made.extend(found.makes_srid);
        if matches!(reading.dialect, Dialect::MySql { .. }) {
            if let Some(keyless) = keyless(text, reading) {
                First::see(&mut self.keyless, &keyless.table, place);
                if keyless.takes_none {
                    First::see(&mut self.takes_none, &keyless.table, place);
                }
            }
            if let Some(used) = examined.databases.iter().find(|named| named.role == Role::Use) {
                self.selected = Some(used.name.clone());
            }
            if let Some((table, columns)) = found.creates {
                let table = self.qualified(table);
                if columns.iter().any(|column| column.generated) {
                    self.generated.insert(table, columns);
                } else {
                    self.generated.remove(&table);
                }
            } else if !self.generated.is_empty()
                && let Some(rows) = inserted(text, reading)
                && let Some(columns) = self.generated.get(&self.qualified(rows.table.clone()))
                && rows.gives_generated(columns)
            {
                see(&mut self.values, rows.table.1, place);
            }
        }
    }

    /// A table with the database that it is in, as far as the script says.
    fn qualified(&self, (database, table): TableName) -> TableName {
        (database.or_else(|| self.selected.clone()), table)
    }

    /// Asks the server about what the script needs. An error for what it would refuse; sentences
    /// about what it would take otherwise than it is meant.
    pub(super) async fn judge(&self, session: &mut Session) -> Result<Vec<String>> {
        let server = session.flavor();
        let mut refusals = Vec::new();
        for (name, seen) in &self.collations {
            let question = format!("SELECT _utf8mb4'' COLLATE {}", quote_identifier(name));
            if is_unknown(session.query(&question).await, UNKNOWN_COLLATION)? {
                refusals.push(refusal(seen, format!(
                    "the server does not have the collation '{name}', which the script names {} \
                     times: say which one takes its place (with_collation)",
                    seen.times
                )));
            }
        }
        for (name, seen) in &self.charsets {
            let question = format!("SELECT CONVERT('' USING {})", quote_identifier(name));
            if is_unknown(session.query(&question).await, UNKNOWN_CHARSET)? {
                refusals.push(refusal(
                    seen,
                    format!("the server does not have the character set '{name}'"),
                ));
            }
        }
        for (what, seen) in &self.missing {
            refusals.push(refusal(seen, format!("{server} has no {what}, and the script does")));
        }
        for (table, seen) in &self.values {
            refusals.push(refusal(
                seen,
                format!(
                    "the rows of the table '{table}' give values to its generated columns, which \
                 {server} refuses: dump it with a list of columns that leaves them out"
                ),
            ));
        }
        refusals.extend(self.srids_missing(session).await?);
        let settings = settings_for_tables(session).await?;
        refusals.extend(settings.iter().filter_map(|(name, value)| self.refused_by(name, value)));
        let total = u64::try_from(refusals.len()).unwrap_or(u64::MAX);
        let mut refusals = refusals.into_iter();
        if let Some(first) = refusals.next() {
            return Err(first.with_others(refusals.collect(), total.saturating_sub(1)));
        }
        let mut warnings = self.engines_missing(session, server).await?;
        warnings.extend(settings.iter().filter_map(|(name, value)| changes_tables(name, value)));
        for (passed, seen) in &self.passed_over {
            warnings.push(format!(
                "{} in tables is for other servers, and this one passes it over ({} times, first \
                 at {})",
                crate::ident::one_line(passed),
                seen.times,
                seen.first
            ));
        }
        for (pair, seen) in &self.mapped {
            warnings.push(format!(
                "the collation {pair}, as the options say ({} times, first at {})",
                seen.times, seen.first
            ));
        }
        Ok(warnings)
    }

    /// Spatial reference systems that neither the server has nor the script makes.
    async fn srids_missing(&self, session: &mut Session) -> Result<Vec<Error>> {
        let wanted: Vec<_> =
            self.srids.iter().filter(|(srid, _)| !self.srids_made.contains(srid)).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<_> = wanted.iter().map(|(srid, _)| srid.to_string()).collect();
        let sql = format!(
            "SELECT SRS_ID FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS \
             WHERE SRS_ID IN ({})",
            list.join(",")
        );
        let rows = session.query(&sql).await?;
        let there = rows.iter().map(|row| row.optional_number(0)).collect::<Result<Vec<_>>>()?;
        let is_there = |srid: u32| there.contains(&Some(u64::from(srid)));
        let missing = wanted.into_iter().filter(|(srid, _)| !is_there(**srid));
        Ok(missing
            .map(|(srid, seen)| {
                refusal(seen, format!(
                    "the server does not have the spatial reference system {srid}, which {} columns \
                     have: make it first (CREATE SPATIAL REFERENCE SYSTEM)",
                    seen.times
                ))
            })
            .collect())
    }

    /// What the server refuses under a setting that the restore could not take back.
    fn refused_by(&self, name: &str, value: &str) -> Option<Error> {
        let (tables, what) = match (name.to_ascii_lowercase().as_str(), value) {
            ("sql_require_primary_key", "ON") => {
                (&self.keyless, "refuses tables without a primary key")
            }
            ("sql_generate_invisible_primary_key", "ON") => (
                &self.takes_none,
                "refuses tables without a primary key that have partitions, an AUTO_INCREMENT column \
                 or a column `my_row_id`",
            ),
            _ => return None,
        };
        let First { table, seen } = tables.as_ref()?;
        Some(refusal(
            seen,
            format!(
                "the server has {name} = ON, under which it {what}; the script has {} of them, the first \
             is {}: restore with an account that has SESSION_VARIABLES_ADMIN, or set it to OFF for \
             the restore (SET GLOBAL {name} = OFF)",
                seen.times,
                quote_identifier(table)
            ),
        ))
    }

    async fn engines_missing(&self, session: &mut Session, server: Flavor) -> Result<Vec<String>> {
        if self.engines.is_empty() {
            return Ok(Vec::new());
        }
        let rows = session
            .query(
                "SELECT LOWER(ENGINE) FROM information_schema.ENGINES \
                 WHERE SUPPORT IN ('YES', 'DEFAULT')",
            )
            .await?;
        let there = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        Ok(self
            .engines
            .iter()
            // Other names of engines that the servers know.
            .filter(|(name, _)| {
                !there.contains(name) && !["heap", "merge"].contains(&name.as_str())
            })
            .map(|(name, seen)| {
                format!(
                    "this {server} does not have the storage engine '{name}' ({} tables, the \
                     first at {}): it refuses them, or makes them of another one, as its sql_mode \
                     says",
                    seen.times, seen.first
                )
            })
            .collect())
    }
}

/// Settings of the server under which it makes other tables than a script says, or none, as it has
/// them now.
async fn settings_for_tables(session: &mut Session) -> Result<Vec<(String, String)>> {
    let rows = session
        .query(
            "SHOW SESSION VARIABLES WHERE Variable_name IN ('sql_require_primary_key', \
             'sql_generate_invisible_primary_key', 'explicit_defaults_for_timestamp', \
             'enforce_storage_engine')",
        )
        .await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// What a setting does to tables that are made under it, if anything.
fn changes_tables(name: &str, value: &str) -> Option<String> {
    let what = match (name.to_ascii_lowercase().as_str(), value) {
        ("sql_generate_invisible_primary_key", "ON") => {
            "InnoDB tables without a primary key get an invisible column"
        }
        ("explicit_defaults_for_timestamp", "OFF") => {
            "TIMESTAMP columns that are NOT NULL get defaults that the script does not give them"
        }
        ("enforce_storage_engine", engine) if !["", "NULL"].contains(&engine) => {
            "tables are made of that storage engine, whatever the script says"
        }
        _ => return None,
    };
    Some(format!("the server has {name} = {value}: {what}"))
}

fn refusal(seen: &Seen, message: String) -> Error {
    Error::new(ErrorKind::Unsupported, message).at(|place| *place = seen.first.clone())
}

/// Whether the server says that it does not know a name. Any other answer means that it does.
fn is_unknown<T>(answer: Result<T>, number: u16) -> Result<bool> {
    match answer {
        Ok(_) => Ok(false),
        Err(error) => match error.server() {
            Some(server) => Ok(server.number == number),
            None => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_other_tables_are_named() {
        for (name, value) in [
            ("sql_generate_invisible_primary_key", "ON"),
            ("explicit_defaults_for_timestamp", "OFF"),
            ("enforce_storage_engine", "Aria"),
        ] {
            let warning = changes_tables(name, value).unwrap();
            assert!(warning.contains(&format!("{name} = {value}: ")), "{warning}");
        }
        for (name, value) in [
            ("sql_generate_invisible_primary_key", "OFF"),
            ("explicit_defaults_for_timestamp", "ON"),
            ("enforce_storage_engine", ""),
        ] {
            assert_eq!(changes_tables(name, value), None);
        }
    }
}

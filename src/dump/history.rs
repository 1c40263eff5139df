//! Rows of the past in system-versioned tables (`MariaDB`), and which of them can be restored.

use super::options::{DumpOptions, History};
use super::plan::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Column, ColumnKind, Period, Session, Table};

/// The setting under which times of row versions can be inserted.
const INSERT_HISTORY: &str = "system_versioning_insert_history";

/// Saves it and sets it, for the script.
pub(super) const ALLOW_INSERT: &str = "/*M!101100 SET @OLD_SYSTEM_VERSIONING_INSERT_HISTORY=@@SYSTEM_VERSIONING_INSERT_HISTORY, \
     SYSTEM_VERSIONING_INSERT_HISTORY=1 */";

/// Puts it back.
pub(super) const PUT_BACK: &str =
    "/*M!101100 SET SYSTEM_VERSIONING_INSERT_HISTORY=@OLD_SYSTEM_VERSIONING_INSERT_HISTORY */";

/// Which versions of its rows are read of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Versions {
    /// The current ones, without their times.
    #[default]
    Current,
    /// The current ones, and the time since which they are current.
    CurrentSince,
    /// Those of the past, with both times. `current` is what stands as the end of current ones, as a
    /// literal; without it there are none.
    Past { current: Option<String> },
}

impl Versions {
    /// The columns of the times that are read with the rows.
    pub(super) fn times<'a>(&self, table: &'a Table) -> Vec<&'a Column> {
        match (self, &table.period) {
            (Self::CurrentSince, Some(period)) => vec![&period.start],
            (Self::Past { .. }, Some(period)) => vec![&period.start, &period.end],
            _ => Vec::new(),
        }
    }

    /// What stands behind the table's name in a query.
    pub(super) const fn of_table(&self) -> &'static str {
        match self {
            Self::Past { .. } => " FOR SYSTEM_TIME ALL",
            _ => "",
        }
    }

    /// The condition of the query. Versions that ended when they began no server takes.
    pub(super) fn condition(&self, table: &Table) -> Option<String> {
        let (Self::Past { current }, Some(period)) = (self, &table.period) else { return None };
        let lasted = format!("NOT ({})", no_time(period));
        Some(match current {
            Some(end) => format!("{} <> {end} AND {lasted}", quote_identifier(&period.end.name)),
            None => lasted,
        })
    }
}

/// A condition that is true for a version that was current at no time: its transaction made and ended
/// it, or nearly so.
fn no_time(period: &Period) -> String {
    let [start, end] = [&period.start, &period.end].map(|column| quote_identifier(&column.name));
    format!("{start} >= {end}")
}

/// Says how many versions of a table's rows were current at no time, which the script does not hold:
/// no query for a moment gives one. Fails if the history is required.
pub(super) async fn note_momentary(
    session: &mut Session,
    table: &Table,
    object: &ObjectName,
    options: &DumpOptions,
) -> Result<Option<String>> {
    let Some(period) = &table.period else { return Ok(None) };
    let sql = format!(
        "SELECT COUNT(*) FROM {} FOR SYSTEM_TIME ALL WHERE {}",
        quote_identifier(&table.name),
        no_time(period)
    );
    let rows = session.query_one(&sql).await?.optional_number(0)?.unwrap_or(0);
    if rows == 0 {
        return Ok(None);
    }
    let sentence = format!(
        "{rows} versions of rows of {object} ended at the moment in which they began, and no server \
         lets those be restored"
    );
    match options.history() {
        History::Require => Err(unsupported(sentence)),
        _ => Ok(Some(format!("{sentence}: they are left out"))),
    }
}

/// The rows of the past of a table. Current rows are told by their end, the last moment that the
/// server can hold: which one that is depends on its release.
pub(super) async fn past(session: &mut Session, table: &Table) -> Result<Versions> {
    let Some(period) = &table.period else { return Ok(Versions::Current) };
    let end = quote_identifier(&period.end.name);
    let sql = format!("SELECT {end} FROM {} LIMIT 1", quote_identifier(&table.name));
    let row = session.query(&sql).await?;
    let current = row.first().map(|row| row.text(0)).transpose()?;
    Ok(Versions::Past { current: current.map(|end| format!("'{end}'")) })
}

/// Whether the history of a table is dumped. ([`settle`] has said what becomes of it.)
pub(super) fn is_kept(table: &Table, options: &DumpOptions) -> bool {
    options.history() != History::Omit && counts_by_time(table)
}

/// Whether the versions of a table's rows have times. They can have numbers of transactions instead,
/// which no other server knows.
fn counts_by_time(table: &Table) -> bool {
    let times = |column: &Column| matches!(column.kind, ColumnKind::DateTime(_));
    table.period.as_ref().is_some_and(|period| times(&period.start) && times(&period.end))
}

/// What becomes of the history on this server. Fails with the names of the tables whose history
/// cannot be restored, if the options require it.
pub(super) async fn settle(
    session: &mut Session,
    plan: &Plan,
    options: &DumpOptions,
) -> Result<History> {
    let wanted = options.history();
    let versioned = |by_time: bool| {
        let all = plan.databases.iter().flat_map(move |database| {
            let tables = database.tables.iter();
            tables
                .filter(move |table| table.versioned && counts_by_time(table) == by_time)
                .map(|table| ObjectName::new(ObjectKind::Table, &database.name, &table.name))
        });
        let left_out = options.tables_without_rows();
        let names = all.filter(|name| !left_out.iter().any(|selector| selector.matches(name)));
        names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (by_number, by_time) = (versioned(false), versioned(true));
    if wanted == History::Omit || !options.rows() || (by_number.is_empty() && by_time.is_empty()) {
        return Ok(wanted);
    }
    if wanted == History::Require && !by_number.is_empty() {
        return Err(unsupported(format!(
            "the versions of the rows of {by_number} have numbers of transactions instead of \
             times, so their history cannot be restored: leave out their rows, or their history"
        )));
    }
    if !by_time.is_empty() && !may_be_inserted(session).await? {
        return match wanted {
            History::Require => Err(unsupported(format!(
                "no server of this release and settings lets the history of {by_time} be \
                 restored: that takes {INSERT_HISTORY} (MariaDB 10.11) and secure_timestamp = NO"
            ))),
            _ => Ok(History::Omit),
        };
    }
    Ok(wanted)
}

/// Whether the server would let times of row versions be inserted.
async fn may_be_inserted(session: &mut Session) -> Result<bool> {
    let rows = session
        .query(&format!(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('{INSERT_HISTORY}', 'secure_timestamp')"
        ))
        .await?;
    let mut known = false;
    let mut free = true;
    for row in rows {
        if row.text(0)?.eq_ignore_ascii_case(INSERT_HISTORY) {
            known = true;
        } else {
            // `SUPER` lets the accounts with that privilege.
            free = ["NO", "SUPER"].contains(&row.text(1)?.as_str());
        }
    }
    Ok(known && free)
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

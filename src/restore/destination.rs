//! What a check has to know about the server that a file goes to.

use std::collections::BTreeMap;

use super::check::Seen;
use super::definer::Account;
use super::offline;
use super::options::RestoreOptions;
use super::replay::{reading, split_options};
use crate::error::{Error, Result};
use crate::server::Session;
use crate::sql::charset::Charset;
use crate::sql::split::SplitOptions;
use crate::sql::token::Reading;

/// How much longer than the server takes a statement may be for its length to be told, in bytes.
/// Beyond that it is refused unread.
const TOO_LONG_BYTES: u64 = 8 << 20;

/// The server and the session that a script would meet.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// The database of the connection.
    pub(super) database: Option<String>,
    /// Whether the server sees one name in two letter cases.
    pub(super) fold: bool,
    /// How a script is cut at its start.
    pub(super) split: SplitOptions,
    /// How a statement is read at its start.
    pub(super) reading: Reading,
    /// The `sql_mode` of the session.
    pub(super) session_mode: String,
    /// The `sql_mode` that the server gives to new sessions.
    pub(super) default_mode: String,
    /// The longest packet that the server takes, in bytes.
    pub(super) max_allowed_packet: u64,
}

impl Destination {
    /// Asks the server.
    pub(super) async fn ask(
        session: &mut Session,
        database: Option<&str>,
        options: &RestoreOptions,
    ) -> Result<Self> {
        let charset = Charset::from_name(options.default_charset())
            .map_err(|error| Error::config("the default character set").with_source(error))?;
        let row = session
            .query_one(
                "SELECT @@lower_case_table_names, @@session.sql_mode, @@global.sql_mode, \
                 @@session.max_allowed_packet",
            )
            .await?;
        let (flavor, version) = (session.flavor(), session.version().number());
        let (mut split, mut reading) = (split_options(flavor, version), reading(flavor, version));
        let session_mode = row.text(1)?;
        offline::start(&mut split, &mut reading, &session_mode, charset);
        let max_allowed_packet = row.optional_number(3)?.unwrap_or(u64::MAX);
        let known = max_allowed_packet.saturating_add(TOO_LONG_BYTES);
        split.max_statement_bytes =
            options.max_statement_bytes().min(usize::try_from(known).unwrap_or(usize::MAX));
        Ok(Self {
            database: database.map(str::to_owned),
            fold: row.text(0)? != "0",
            split,
            reading,
            session_mode,
            default_mode: row.text(2)?,
            max_allowed_packet,
        })
    }
}

/// A sentence about each definer that the server has no account for. What it owns can be made by
/// those who may name any definer, and then cannot be used.
pub(super) async fn missing_definers(
    session: &mut Session,
    definers: &BTreeMap<Account, Seen>,
) -> Result<Vec<String>> {
    if definers.is_empty() {
        return Ok(Vec::new());
    }
    // Some SQL modes give CHAR with its padding.
    let sql = "SELECT TRIM(TRAILING ' ' FROM User), TRIM(TRAILING ' ' FROM Host) FROM mysql.user";
    let rows = match session.query(sql).await {
        Ok(rows) => rows,
        Err(error) if error.server().is_some() => {
            return Ok(vec![
                "whether the server has the accounts that the script names as definers is not \
                 known: the account may not read mysql.user"
                    .to_owned(),
            ]);
        }
        Err(error) => return Err(error),
    };
    let accounts = rows
        .iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?.to_lowercase())))
        .collect::<Result<Vec<_>>>()?;
    let missing = definers.iter().filter(|(account, _)| {
        !accounts
            .iter()
            .any(|(user, host)| user == account.user() && *host == account.host().to_lowercase())
    });
    Ok(missing
        .map(|(account, seen)| {
            format!(
                "the definer '{account}' of {} objects (the first at {}) has no account on \
                 the server: they may not be made, or not work, until it has one",
                seen.times, seen.first
            )
        })
        .collect())
}

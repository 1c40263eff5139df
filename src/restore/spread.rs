//! Rows of a dump of a stock tool, inserted by several connections.
//!
//! Such a script says for each table: drop it, make it, lock it, insert its rows, unlock it. The
//! rows of a table that the script itself has just made do not depend on their order, so the
//! statements that insert them are shared out; everything else waits until they are all there, and
//! finds the state that it would have found in a replay in order. While its rows come, the table has
//! no secondary indexes (`indexes.rs`).
//!
//! Only large tables are worth that. Which they are, the check has counted ([`Tally`]).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::indexes::{PutOff, definition, lines, name_of};
use super::options::RestoreOptions;
use crate::context::Context;
use crate::error::Result;
use crate::ident::{ObjectKind, ObjectName};
use crate::server::{ConnectOptions, Session, has_no_free_connection};
use crate::sql::token::{Reading, Token, Tokens};

/// From how many bytes of `INSERT` statements the rows of a table are shared out, unless its
/// indexes are put off for fewer.
const SPREAD_BYTES: u64 = 8 << 20;

/// What a statement is to those who share rows out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Makes a table of the selected database.
    Create(String),
    /// Locks this one table for writing.
    Lock(String),
    /// Switches the building of its indexes off or on; nothing to InnoDB.
    Keys(String),
    /// Inserts rows that it holds itself; with the columns that it names, if it names any.
    Insert(String, Vec<String>),
    /// Changes what following statements mean: `SET`.
    Setting,
    /// Selects a database, in which another table may have the same name.
    Use,
    Other,
}

impl Kind {
    /// Looks at the first words only, and of an `INSERT` for one word.
    pub(super) fn of(text: &[u8], reading: &Reading) -> Self {
        let mut tokens = Tokens::new(text, reading);
        let Some(verb) = tokens.next() else { return Self::Other };
        let found = match verb.upper().as_str() {
            // Not with `IF NOT EXISTS`: a table that was there can have rows, and triggers to which
            // the order of new ones matters.
            "CREATE" if tokens.take_word("TABLE") => {
                name(&mut tokens).filter(|_| tokens.take_sign(b'(')).map(Self::Create)
            }
            "LOCK" if tokens.take_word("TABLES") => name(&mut tokens)
                .filter(|_| tokens.take_word("WRITE") && tokens.next().is_none())
                .map(Self::Lock),
            "ALTER" if tokens.take_word("TABLE") => name(&mut tokens)
                .filter(|_| tokens.take_word("DISABLE") || tokens.take_word("ENABLE"))
                .filter(|_| tokens.take_word("KEYS") && tokens.next().is_none())
                .map(Self::Keys),
            "INSERT" if tokens.take_word("INTO") => name(&mut tokens)
                .and_then(|table| Some(Self::Insert(table, columns_of_rows(&mut tokens)?)))
                .filter(|_| !changes_rows(text, tokens)),
            "SET" => Some(Self::Setting),
            "USE" => Some(Self::Use),
            _ => None,
        };
        found.unwrap_or(Self::Other)
    }
}

/// A quoted name without a database in front.
fn name(tokens: &mut Tokens<'_>) -> Option<String> {
    let name = tokens.take_if(|token| token.text.starts_with(b"`"))?.value();
    tokens.peek().filter(|next| !next.is_sign(b'.')).map(|_| name)
}

/// The columns that are named in front of `VALUES`; `None` if that word does not follow.
fn columns_of_rows(tokens: &mut Tokens<'_>) -> Option<Vec<String>> {
    let mut columns = Vec::new();
    if tokens.take_sign(b'(') {
        while let Some(column) = tokens.take_if(Token::is_name) {
            columns.push(column.value());
            if !tokens.take_sign(b',') {
                break;
            }
        }
        tokens.take_sign(b')').then_some(())?;
    }
    tokens.take_word("VALUES").then_some(columns)
}

/// Whether rows that come later change those that are there (`ON DUPLICATE KEY UPDATE`): their order
/// matters then. `rest` is what stands behind `VALUES`.
fn changes_rows(text: &[u8], rest: Tokens<'_>) -> bool {
    // The word is rare, and looked for many times faster than tokens are cut.
    const WORD: &[u8] = b"DUPLICATE";
    let said = memchr::memchr2_iter(b'P', b'p', text).any(|at| {
        let word = at.checked_sub(2).and_then(|start| text.get(start..start + WORD.len()));
        word.is_some_and(|word| word.eq_ignore_ascii_case(WORD))
    });
    said && rest.into_iter().any(|token| token.is("DUPLICATE"))
}

/// Counts the rows that follow the statement that makes their table.
#[derive(Debug)]
pub(super) struct Tally {
    threshold: u64,
    /// The table that was made last: the number of the statement, its name, and its rows in bytes.
    open: Option<(u64, String, u64)>,
    large: LargeTables,
}

/// The bytes of the `INSERT` statements of each large table, by the number of the statement that
/// makes it.
pub(super) type LargeTables = BTreeMap<u64, u64>;

impl Tally {
    pub(super) fn new(options: &RestoreOptions) -> Self {
        let threshold = SPREAD_BYTES.min(options.deferred_index_bytes());
        Self { threshold, open: None, large: LargeTables::new() }
    }

    pub(super) fn see(&mut self, number: u64, text: &[u8], reading: &Reading) {
        match Kind::of(text, reading) {
            Kind::Create(table) => {
                self.end();
                self.open = Some((number, table, 0));
            }
            Kind::Insert(table, _) => match &mut self.open {
                Some((_, open, bytes)) if *open == table => {
                    *bytes = bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
                }
                _ => self.end(),
            },
            Kind::Lock(_) | Kind::Keys(_) | Kind::Setting => {}
            Kind::Use | Kind::Other => self.end(),
        }
    }

    fn end(&mut self) {
        if let Some((number, _, bytes)) = self.open.take()
            && bytes > 0
            && bytes >= self.threshold
        {
            self.large.insert(number, bytes);
        }
    }

    pub(super) fn finish(mut self) -> LargeTables {
        self.end();
        self.large
    }
}

/// The connections that help with rows, and the table that they are about.
pub(super) struct Spread<'a> {
    connect: &'a ConnectOptions,
    options: &'a RestoreOptions,
    context: &'a Context,
    large: &'a LargeTables,
    helpers: Vec<Session>,
    /// What was set since the helpers were last used, or since the start.
    settings: Vec<Bytes>,
    table: Table,
    /// Whether the session may be in a state that the settings do not tell.
    lost: bool,
}

#[derive(Debug)]
enum Table {
    None,
    /// Made by the last statement but for settings; its rows take so many bytes.
    Made(String, u64),
    /// Its rows are being shared out.
    Open(Open),
}

#[derive(Debug)]
struct Open {
    name: String,
    /// Its `AUTO_INCREMENT` column: rows without a value for it get one by their order.
    counted: Option<String>,
    put_off: Option<PutOff>,
}

impl Open {
    /// Whether a statement inserts rows whose order does not matter.
    fn takes(&self, name: &str, columns: &[String]) -> bool {
        self.name == name
            && self.counted.as_ref().is_none_or(|counted| {
                columns.is_empty() || columns.iter().any(|column| column == counted)
            })
    }
}

/// What is to be done with a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Send,
    /// It is not needed.
    LeaveOut,
    /// It is shared out, and those behind it that [`Spread::shares`] says so of.
    Share,
}

impl<'a> Spread<'a> {
    pub(super) fn new(
        connect: &'a ConnectOptions,
        options: &'a RestoreOptions,
        large: &'a LargeTables,
        context: &'a Context,
    ) -> Self {
        let (helpers, settings) = (Vec::new(), Vec::new());
        let table = Table::None;
        Self { connect, options, context, large, helpers, settings, table, lost: false }
    }

    /// Says what is to be done with a statement, and makes the table whole before anything else
    /// than its rows comes. `plain` says that the statement is one, and that all it does stands in
    /// its text: after any other the state of the session is no longer known.
    pub(super) async fn before(
        &mut self,
        session: &mut Session,
        kind: &Kind,
        plain: bool,
    ) -> Result<Step> {
        self.lost |= !plain;
        if let Kind::Lock(name) | Kind::Insert(name, _) = kind
            && matches!(&self.table, Table::Made(made, _) if made == name)
        {
            self.open(session).await?;
        }
        match (&self.table, kind) {
            (Table::Made(..), Kind::Setting) => {}
            (Table::Made(made, _), Kind::Keys(name)) if made == name => {}
            (Table::Open(open), Kind::Keys(name)) if open.name == *name => {}
            // It would keep the helpers out.
            (Table::Open(open), Kind::Lock(name)) if open.name == *name => {
                return Ok(Step::LeaveOut);
            }
            _ if self.shares(kind) => return Ok(Step::Share),
            _ => self.close(session).await?,
        }
        Ok(Step::Send)
    }

    /// Whether a statement inserts rows into the open table.
    pub(super) fn shares(&self, kind: &Kind) -> bool {
        match (&self.table, kind) {
            (Table::Open(open), Kind::Insert(name, columns)) => open.takes(name, columns),
            _ => false,
        }
    }

    /// Takes note of a statement that was sent.
    pub(super) fn after(&mut self, number: u64, kind: Kind, sent: &[u8]) {
        match kind {
            Kind::Create(name) => {
                if let Some(bytes) = self.large.get(&number).filter(|_| !self.lost) {
                    self.table = Table::Made(name, *bytes);
                }
            }
            Kind::Setting | Kind::Use => self.settings.push(Bytes::copy_from_slice(sent)),
            _ => {}
        }
    }

    /// Prepares the table that was made for rows from several connections, if it can take them.
    async fn open(&mut self, session: &mut Session) -> Result<()> {
        let Table::Made(name, bytes) = std::mem::replace(&mut self.table, Table::None) else {
            return Ok(());
        };
        // In a transaction that stays open the connections would wait for one another.
        if !session.commits_by_itself() {
            return Ok(());
        }
        // Our own statements can name the table in UTF-8 only.
        let charsets =
            session.query_one("SELECT @@character_set_client, @@character_set_results").await?;
        for column in 0..2 {
            if !charsets.optional_text(column)?.is_some_and(|charset| charset.starts_with("utf8")) {
                return Ok(());
            }
        }
        let database = session.query_one("SELECT DATABASE()").await?.text(0)?;
        let table = ObjectName::new(ObjectKind::Table, database, &name);
        let create = definition(session, &table).await?;
        if !takes_rows_in_any_order(&create) {
            return Ok(());
        }
        // After an error that is passed over they might not come back.
        let put_off =
            if bytes >= self.options.deferred_index_bytes() && !self.options.continue_on_error() {
                PutOff::take(session, &table).await?
            } else {
                None
            };
        self.table = Table::Open(Open { name, counted: auto_increment(&create), put_off });
        Ok(())
    }

    /// The helpers, in the state in which the session is; made when they are first needed. They
    /// are to be given back.
    pub(super) async fn take_helpers(&mut self) -> Result<Vec<Session>> {
        let settings = std::mem::take(&mut self.settings);
        let (binlog, charset) = (self.options.binlog(), self.options.default_charset());
        let wanted = self.options.connections().saturating_sub(1);
        while self.helpers.len() < wanted {
            let mut helper = match Session::open(self.connect, self.context).await {
                Ok(helper) => helper,
                // Slower is better than half done: what was there before is gone by now.
                Err(error) if has_no_free_connection(&error) => {
                    tracing::debug!(error = %error, "going on with fewer connections");
                    break;
                }
                Err(error) => return Err(error),
            };
            helper.set_up_for_replay(binlog).await?;
            helper.read_as(charset).await?;
            self.helpers.push(helper);
        }
        for helper in &mut self.helpers {
            for sql in &settings {
                helper.execute(sql).await?;
            }
        }
        Ok(std::mem::take(&mut self.helpers))
    }

    pub(super) fn give_back(&mut self, helpers: Vec<Session>) {
        self.helpers = helpers;
    }

    /// Makes the open table whole: its indexes are built. At the end of the script, too.
    pub(super) async fn close(&mut self, session: &mut Session) -> Result<()> {
        if let Table::Open(open) = std::mem::replace(&mut self.table, Table::None)
            && let Some(put_off) = open.put_off
        {
            put_off.put_back(session).await?;
            put_off.finish(session).await?;
        }
        Ok(())
    }

    /// Closes the helpers; what still runs on them is killed.
    pub(super) async fn end(self) {
        for helper in self.helpers {
            helper.close().await;
        }
    }
}

/// Whether the rows of a table come out the same in whichever order they are inserted: they are
/// stored by a primary key that they bring along, and the server writes nothing of its own beside
/// them.
fn takes_rows_in_any_order(create: &str) -> bool {
    let options = create.lines().find(|line| line.starts_with(')')).unwrap_or_default();
    lines(create).iter().any(|line| line.starts_with("PRIMARY KEY "))
        && options.contains("ENGINE=InnoDB")
        && !create.contains(" INVISIBLE")
        && !create.contains("SYSTEM VERSIONING")
}

/// The `AUTO_INCREMENT` column of a table.
fn auto_increment(create: &str) -> Option<String> {
    let lines = lines(create);
    let line = lines.iter().find(|line| line.contains(" AUTO_INCREMENT"))?;
    let (name, _) = name_of(line)?;
    Some(name.get(1..name.len() - 1)?.replace("``", "`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::replay::reading;
    use crate::server::Flavor;

    fn kind(text: &str) -> Kind {
        Kind::of(text.as_bytes(), &reading(Flavor::MySql, (9, 7, 4)))
    }

    #[test]
    fn statements_of_stock_dumps_are_told_apart() {
        let name = || "a`b".to_owned();
        for (text, wanted) in [
            ("CREATE TABLE `a``b` (\n  `id` int)", Kind::Create(name())),
            ("CREATE TABLE IF NOT EXISTS `a``b` (`id` int)", Kind::Other),
            ("CREATE TABLE `a``b` LIKE `c`", Kind::Other),
            ("CREATE TABLE `d`.`a``b` (`id` int)", Kind::Other),
            ("CREATE TEMPORARY TABLE `a``b` (`id` int)", Kind::Other),
            ("LOCK TABLES `a``b` WRITE", Kind::Lock(name())),
            ("LOCK TABLES `a``b` WRITE, `c` WRITE", Kind::Other),
            ("LOCK TABLES `a``b` READ", Kind::Other),
            ("/*!40000 ALTER TABLE `a``b` DISABLE KEYS */", Kind::Keys(name())),
            ("/*!40000 ALTER TABLE `a``b` ENABLE KEYS */", Kind::Keys(name())),
            ("ALTER TABLE `a``b` ADD KEY (`c`)", Kind::Other),
            ("INSERT INTO `a``b` VALUES (1),(2)", Kind::Insert(name(), Vec::new())),
            (
                "INSERT INTO `a``b` (`c`, d) VALUES (1,2)",
                Kind::Insert(name(), vec!["c".into(), "d".into()]),
            ),
            ("INSERT INTO `a``b` SELECT * FROM `c`", Kind::Other),
            (
                "INSERT INTO `a``b` VALUES (1) ON DUPLICATE KEY UPDATE `c` = VALUES(`c`)",
                Kind::Other,
            ),
            ("INSERT INTO `a``b` VALUES (1) AS n on Duplicate key update c = n.c", Kind::Other),
            (
                "INSERT INTO `a``b` VALUES ('on duplicate key update'),('DUPLICATE')",
                Kind::Insert(name(), Vec::new()),
            ),
            ("INSERT IGNORE INTO `a``b` VALUES (1)", Kind::Other),
            ("INSERT INTO `d`.`a``b` VALUES (1)", Kind::Other),
            ("/*!40101 SET NAMES utf8mb4 */", Kind::Setting),
            ("USE `d`", Kind::Use),
            ("UNLOCK TABLES", Kind::Other),
            (
                "/*!50003 CREATE*/ /*!50003 TRIGGER t BEFORE INSERT ON u FOR EACH ROW SET @a = 1 */",
                Kind::Other,
            ),
        ] {
            assert_eq!(kind(text), wanted, "{text}");
        }
    }

    #[test]
    fn rows_that_the_server_numbers_keep_their_order() {
        let create = "CREATE TABLE `t` (\n  `i``d` int NOT NULL AUTO_INCREMENT,\n  `b` int,\n  \
                      PRIMARY KEY (`i``d`)\n) ENGINE=InnoDB";
        assert!(takes_rows_in_any_order(create));
        assert!(!takes_rows_in_any_order(&create.replace("InnoDB", "MyISAM")));
        assert!(!takes_rows_in_any_order(&create.replace("PRIMARY KEY", "UNIQUE KEY `u`")));
        assert!(!takes_rows_in_any_order(&create.replace("NOT NULL", "NOT NULL INVISIBLE")));
        let counted = auto_increment(create);
        assert_eq!(counted.as_deref(), Some("i`d"));
        let open = Open { name: "t".into(), counted, put_off: None };
        let columns = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(open.takes("t", &[]) && open.takes("t", &columns(&["b", "i`d"])));
        assert!(!open.takes("t", &columns(&["b"])) && !open.takes("u", &[]));
    }

    #[test]
    fn rows_count_only_behind_the_statement_that_makes_their_table() {
        let options = RestoreOptions::default().with_deferred_index_bytes(30);
        let reading = reading(Flavor::MariaDb, (10, 11, 19));
        let mut tally = Tally::new(&options);
        for (number, text) in (1..).zip([
            "CREATE TABLE `a` (`id` int)",
            "SET @x = 1",
            "LOCK TABLES `a` WRITE",
            "INSERT INTO `a` VALUES (1)",
            "INSERT INTO `a` VALUES (2)",
            "UNLOCK TABLES",
            "INSERT INTO `a` VALUES (3)",
            "CREATE TABLE `b` (`id` int)",
            "INSERT INTO `b` VALUES (1)",
            "CREATE TABLE `c` (`id` int)",
            "INSERT INTO `b` VALUES (2)",
            "CREATE TABLE `d` (`id` int)",
            "INSERT INTO `d` VALUES (1), (2), (3)",
            "CREATE TABLE `e` (`id` int)",
            "USE `other`",
            "INSERT INTO `e` VALUES (1), (2), (3)",
        ]) {
            tally.see(number, text.as_bytes(), &reading);
        }
        assert_eq!(tally.finish(), LargeTables::from([(1, 52), (12, 36)]));
    }
}

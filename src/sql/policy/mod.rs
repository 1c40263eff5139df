//! What a statement reaches beyond the tables of the selected database.
//!
//! A restore asks this of every statement before anything is changed, and again before it is sent.
//! Nothing here decides: it says what stands there, token by token, so that a word in a string, a
//! comment or a name is never taken for a statement, and code in a versioned comment always is.
//!
//! # What counts
//!
//! - A name such as `other.t` counts where the statement changes what it names, calls it, or locks
//!   it. Where it is only read (`SELECT`, the `LIKE` and `REFERENCES` of a table), it does not.
//! - The bodies of views, routines, triggers and events count by themselves ([`Program`]): creating
//!   them runs nothing, and databases that belong together refer to one another there. What runs them
//!   is another question ([`runs`]).
//! - Of the rows of an `INSERT`, what they call by a name such as `other.f` counts.
//! - Several statements in one text, as another `DELIMITER` allows them, count one by one.

mod body;
mod call;
mod definition;
mod program;
mod run;
mod setting;
#[cfg(test)]
mod tests;
mod view;

use std::ops::Range;

pub(crate) use body::{Program, ProgramKind};
pub(crate) use run::{Made, Run, runs};
pub(crate) use setting::{CharsetSource, ModeSource, Settings};

use super::token::{Reading, Token, Tokens};

/// Where a statement reaches, apart from databases that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Accounts, roles, passwords and privileges.
    Accounts,
    /// The server as a whole: its variables, files, plugins, replication, life; and statements
    /// that are not known here.
    Server,
    /// Statements that are not in the text: prepared ones, calls, compound statements.
    Indirect,
    /// What replication has done so far: GTIDs, and whether the session writes the binary log.
    ReplicationState,
    /// A file of the client.
    ClientFile,
    /// A command that the stock clients run themselves (manual, mysql Client Commands).
    ClientCommand,
}

/// Words that the stock clients take for commands at the start of a line, and no server knows.
const CLIENT_COMMANDS: [&str; 22] = [
    "CHARSET",
    "CLEAR",
    "CONNECT",
    "EDIT",
    "EGO",
    "EXIT",
    "GO",
    "NOPAGER",
    "NOTEE",
    "NOWARNING",
    "PAGER",
    "PRINT",
    "PROMPT",
    "QUERY_ATTRIBUTES",
    "QUIT",
    "REHASH",
    "RESETCONNECTION",
    "SOURCE",
    "STATUS",
    "SYSTEM",
    "TEE",
    "WARNINGS",
];

/// How a database is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// By `USE`.
    Use,
    /// By `CREATE DATABASE`.
    Create,
    /// By `ALTER DATABASE`.
    Alter,
    /// By `DROP DATABASE`.
    Drop,
    /// In front of something that the statement changes or calls.
    Qualifier,
    /// In front of something that the statement only refers to.
    Reference,
}

/// A database that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Where the name stands in the statement, quotes included.
    pub(crate) range: Range<usize>,
}

/// A `DEFINER` clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefinerClause {
    pub(crate) user: String,
    /// Empty for a role.
    pub(crate) host: String,
    /// Where the clause stands in the statement.
    pub(crate) range: Range<usize>,
}

/// What was found in a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examined {
    /// What it reaches, and the words that say so.
    pub(crate) reaches: Vec<(Reach, String)>,
    /// The databases that it names.
    pub(crate) databases: Vec<Mention>,
    /// Its `DEFINER` clauses; one at most in a single statement.
    pub(crate) definers: Vec<DefinerClause>,
    /// Whether it can change something in the selected database, or in one that it names.
    pub(crate) changes: bool,
    /// What it sets.
    pub(crate) settings: Settings,
    /// How many statements it is for the server.
    pub(crate) parts: usize,
    /// The stored programs and views that it makes.
    pub(crate) programs: Vec<Program>,
    /// The names of tables that it renames, old and new.
    pub(crate) renames: Vec<String>,
}

impl Examined {
    /// Whether it is one statement, and all that it does to the session stands in its text.
    pub(crate) fn is_plain(&self) -> bool {
        let indirect = |(reach, _): &(Reach, String)| *reach == Reach::Indirect;
        self.parts <= 1 && !self.reaches.iter().any(indirect)
    }

    /// Whether the statement can have changed how the next one is read, so that the server has to
    /// be asked.
    pub(crate) fn asks(&self) -> bool {
        self.settings.sql_mode.is_some()
            || self.settings.charset.is_some()
            || self.reaches.iter().any(|(reach, _)| *reach == Reach::Indirect)
    }
}

/// Examines a statement. `several` says whether it can be more than one for the server.
pub(crate) fn examine(text: &[u8], reading: &Reading, several: bool) -> Examined {
    let mut examiner = Examiner::new(text, reading);
    examiner.each(several, |examiner, _, _| examiner.found.parts += 1);
    let mut found = examiner.found;
    // What was looked at twice.
    found.databases.sort_by_key(|mention| mention.range.start);
    found.databases.dedup();
    found
}

/// Whether a text can be more than one statement for the server.
pub(crate) fn can_be_several(text: &[u8], semicolon_delimits: bool) -> bool {
    memchr::memchr(b';', text).is_some()
        && (!semicolon_delimits
            || memchr::memmem::find(text, b"/*!").is_some()
            || memchr::memmem::find(text, b"/*M!").is_some())
}

struct Examiner<'a> {
    tokens: Tokens<'a>,
    found: Examined,
    /// The token taken last.
    last: Option<Token<'a>>,
    /// Whether the program that is created or altered is an event.
    event: bool,
    /// Whether it is a package.
    package: bool,
    /// Whether the statement stands behind `SET STATEMENT … FOR`.
    for_statement: bool,
    /// What the statement makes, if its body is still to be examined.
    made: Option<Program>,
}

impl<'a> Examiner<'a> {
    fn new(text: &'a [u8], reading: &'a Reading) -> Self {
        Self {
            tokens: Tokens::new(text, reading),
            found: Examined::default(),
            last: None,
            event: false,
            package: false,
            for_statement: false,
            made: None,
        }
    }

    /// Examines statement by statement. `seen` gets the tokens of each, and whether it has the body
    /// of a stored program.
    fn each(&mut self, several: bool, mut seen: impl FnMut(&mut Self, Tokens<'a>, bool)) {
        loop {
            let start = self.tokens.clone();
            let program = self.statement();
            seen(self, start, program);
            let body = self.tokens.clone();
            if several && program {
                self.pass_body();
            } else if several {
                while self.next().is_some() {}
            }
            if let Some(made) = self.made.take() {
                let left = if several { self.tokens.rest().len() } else { 0 };
                self.body(made, body, left);
            }
            while several && self.tokens.take_sign(b';') {}
            if !several || self.tokens.peek().is_none() {
                break;
            }
            // The server reads the rest otherwise than it is read here.
            let settings = &self.found.settings;
            if settings.sql_mode.is_some() || settings.charset.is_some() {
                self.reach(
                    Reach::Indirect,
                    "another sql_mode or character set for other statements of the same text",
                );
            }
        }
    }

    /// The next token of this statement; none at its end.
    fn next(&mut self) -> Option<Token<'a>> {
        self.last = self.tokens.take_if(|token| !token.is_sign(b';'));
        self.last
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.peek().filter(|token| !token.is_sign(b';'))
    }

    fn take(&mut self, word: &str) -> bool {
        self.tokens.take_word(word)
    }

    /// Takes any of these words, in any order and number.
    fn take_all(&mut self, words: &[&str]) {
        while self.tokens.take_if(|token| token.is_any(words)).is_some() {}
    }

    fn reach(&mut self, reach: Reach, words: impl Into<String>) {
        self.found.reaches.push((reach, words.into()));
    }

    fn mention(&mut self, name: &Token<'a>, role: Role) {
        self.found.databases.push(Mention { name: name.value(), role, range: name.at..name.end() });
    }

    /// Takes a name, perhaps with that of a database in front, and returns it without that.
    fn qualified(&mut self, role: Role) -> Option<Token<'a>> {
        // MySQL takes `.t` for a table of the selected database.
        self.tokens.take_sign(b'.');
        let first = self.tokens.take_if(Token::is_name)?;
        if !self.tokens.take_sign(b'.') {
            return Some(first);
        }
        self.mention(&first, role);
        self.tokens.take_if(Token::is_name)
    }

    /// Takes everything, up to a word at the outer level that stops it, and reports each name with
    /// that of a database in front.
    fn all_qualified(&mut self, role: Role) {
        while let Some(token) = self.peek() {
            if token.is_name() {
                self.qualified(role);
                // Whatever follows a second dot belongs to the same name.
                while self.tokens.take_sign(b'.') {
                    self.next();
                }
            } else {
                self.next();
            }
        }
    }

    /// Examines one statement. Says whether it creates a stored program, whose body may hold the
    /// signs that end statements.
    fn statement(&mut self) -> bool {
        while self.tokens.take_sign(b'(') {}
        let Some(verb) = self.next() else { return false };
        let word = verb.upper();
        self.found.changes |= !matches!(
            word.as_str(),
            "USE"
                | "SET"
                | "SHOW"
                | "LOCK"
                | "UNLOCK"
                | "START"
                | "COMMIT"
                | "ROLLBACK"
                | "SAVEPOINT"
                | "RELEASE"
                | "BEGIN"
                | "CREATE"
                | "ALTER"
                | "DROP"
        );
        match word.as_str() {
            "USE" => {
                if let Some(name) = self.tokens.take_if(Token::is_name) {
                    self.mention(&name, Role::Use);
                }
            }
            "CREATE" => return self.create(),
            "ALTER" => return self.alter(),
            "DROP" => self.drop(),
            "RENAME" => {
                if self.take("USER") {
                    self.reach(Reach::Accounts, "RENAME USER");
                } else {
                    self.take_all(&["TABLE", "TABLES"]);
                    self.renames_ahead();
                    self.all_qualified(Role::Qualifier);
                }
            }
            "TRUNCATE" => {
                self.take("TABLE");
                self.qualified(Role::Qualifier);
            }
            "INSERT" | "REPLACE" => {
                self.take_all(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"]);
                self.qualified(Role::Qualifier);
                self.values();
            }
            "UPDATE" => self.tables_until(&["SET"]),
            "DELETE" => self.tables_until(&["WHERE", "ORDER", "LIMIT", "RETURNING"]),
            "LOAD" => self.load(),
            "LOCK" | "UNLOCK" => {
                if self.take("INSTANCE") {
                    self.reach(Reach::Server, format!("{word} INSTANCE"));
                } else {
                    self.take_all(&["TABLE", "TABLES"]);
                    self.all_qualified(Role::Qualifier);
                }
            }
            "START" => {
                if !self.take("TRANSACTION") {
                    self.reach_words(Reach::Server, &verb);
                }
            }
            "HANDLER" => {
                self.qualified(Role::Qualifier);
            }
            "ANALYZE" | "CHECK" | "CHECKSUM" | "OPTIMIZE" | "REPAIR" => {
                self.take_all(&["LOCAL", "NO_WRITE_TO_BINLOG"]);
                if self.peek().is_some_and(|token| token.is_any(&["TABLE", "TABLES", "VIEW"])) {
                    self.next();
                    self.all_qualified(Role::Qualifier);
                } else {
                    self.explained();
                }
            }
            "EXPLAIN" | "DESCRIBE" | "DESC" => self.explained(),
            "WITH" => {
                self.calls_ahead();
                if self.pass_until(&["SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE", "VALUES"]) {
                    return self.statement();
                }
            }
            "SET" => return self.set(),
            "GRANT" | "REVOKE" => self.reach(Reach::Accounts, word),
            "PREPARE" | "EXECUTE" | "CALL" => self.reach(Reach::Indirect, word),
            "BEGIN" => {
                if !self.take("WORK") && self.peek().is_some() {
                    self.reach(Reach::Indirect, "BEGIN NOT ATOMIC");
                }
            }
            "IF" | "CASE" | "LOOP" | "WHILE" | "REPEAT" | "FOR" | "DECLARE" => {
                self.reach(Reach::Indirect, word);
            }
            "SELECT" | "VALUES" | "TABLE" | "DO" => self.reads(),
            "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "XA" | "DEALLOCATE" | "SHOW" => {}
            word => self.other(word, &verb),
        }
        false
    }

    /// What is left is about the server, or not known; either way it needs leave.
    fn other(&mut self, word: &str, verb: &Token<'a>) {
        if CLIENT_COMMANDS.contains(&word) {
            self.reach(Reach::ClientCommand, word);
        } else {
            self.reach_words(Reach::Server, verb);
        }
    }

    /// Reports a statement by its first two words.
    fn reach_words(&mut self, reach: Reach, verb: &Token<'a>) {
        let mut words = String::from_utf8_lossy(verb.text).into_owned();
        if let Some(second) = self.peek().filter(|_| !verb.upper().is_empty()) {
            let second = second.upper();
            if !second.is_empty() {
                words.push(' ');
                words.push_str(&second);
            }
        }
        words.truncate(words.char_indices().nth(40).map_or(words.len(), |(at, _)| at));
        self.reach(reach, words);
    }

    /// `EXPLAIN` and, in `MariaDB`, `ANALYZE` of another statement, which may run it.
    fn explained(&mut self) {
        let verbs =
            ["SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE", "VALUES", "WITH", "TABLE", "ALTER"];
        if self.pass_until(&verbs) {
            self.statement();
        }
    }

    /// Takes everything in front of one of these words at the outer level. Says whether it is
    /// there.
    fn pass_until(&mut self, words: &[&str]) -> bool {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            if depth == 0 && token.is_any(words) {
                return true;
            }
            if token.is_sign(b'(') {
                depth += 1;
            } else if token.is_sign(b')') {
                depth = depth.saturating_sub(1);
            }
            self.next();
        }
        false
    }

    /// The tables of `UPDATE` and `DELETE`: a name with another in front is a database's there
    /// where a table can stand, and a table's or an alias's elsewhere.
    fn tables_until(&mut self, stop: &[&str]) {
        self.calls_ahead();
        let mut place = true;
        let mut depth = 0usize;
        // How deep in parentheses the condition of a join stands that is being read.
        let mut condition: Option<usize> = None;
        while let Some(token) = self.peek() {
            if depth == 0 && token.is_any(stop) {
                break;
            }
            if token.is_any(&["LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"]) && place {
                self.next();
                continue;
            }
            if token.is_any(&["FROM", "JOIN", "STRAIGHT_JOIN", "USING"]) {
                condition = None;
                place = true;
            } else if token.is_any(&["ON"]) {
                condition = Some(depth);
            } else if token.is_sign(b',') {
                condition = condition.filter(|begun| depth > *begun);
                place = condition.is_none();
            } else if token.is_sign(b'{') && place {
                // An outer join in the way of ODBC: `{ OJ t LEFT JOIN u … }`.
                self.next();
            } else if token.is_sign(b'(') {
                depth += 1;
            } else if token.is_sign(b')') {
                depth = depth.saturating_sub(1);
            } else {
                if place && token.is_name() {
                    self.qualified(Role::Qualifier);
                    place = false;
                    continue;
                }
                place = false;
            }
            self.next();
        }
        self.reads();
    }

    /// Everything that is left of a statement that reads: what it calls, and where it writes.
    fn reads(&mut self) {
        while let Some(token) = self.peek() {
            if token.is("INTO") {
                self.next();
                if let Some(file) = self.peek()
                    && file.is_any(&["OUTFILE", "DUMPFILE"])
                {
                    self.reach(Reach::Server, format!("INTO {}", file.upper()));
                }
                while self.tokens.take_sign(b'@') {
                    self.changed_variable();
                    self.tokens.take_sign(b',');
                }
                continue;
            }
            if token.is_sign(b'@') {
                self.next();
                let mut ahead = self.tokens.clone();
                ahead.next();
                if ahead.take_sign(b':') {
                    self.changed_variable();
                }
                continue;
            }
            if !token.is_name() {
                self.next();
                continue;
            }
            self.next();
            self.call(&token);
        }
    }

    fn load(&mut self) {
        if self.take("INDEX") {
            self.all_qualified(Role::Qualifier);
            return;
        }
        let what = self.peek().map(|token| token.upper()).unwrap_or_default();
        let mut local = false;
        while let Some(token) = self.next() {
            local |= token.is("LOCAL");
            if token.is_any(&["INFILE", "INTO"]) {
                break;
            }
        }
        while let Some(token) = self.peek() {
            if token.is("TABLE") {
                self.next();
                self.qualified(Role::Qualifier);
                break;
            }
            self.next();
        }
        if local {
            self.reach(Reach::ClientFile, format!("LOAD {what} LOCAL"));
        } else {
            self.reach(Reach::Server, format!("LOAD {what}"));
        }
    }
}

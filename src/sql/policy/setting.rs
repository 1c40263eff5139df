//! `SET`: what it reaches, and what it changes about reading the statements after it.

use super::{Examiner, Reach};
use crate::sql::token::{Token, TokenKind, Tokens};

/// Variables about what replication has done, and whether this session takes part in it.
const REPLICATION_STATE: [&str; 11] = [
    "SQL_LOG_BIN",
    "GTID_PURGED",
    "GTID_NEXT",
    "GTID_EXECUTED",
    "GTID_SLAVE_POS",
    "GTID_BINLOG_STATE",
    "GTID_DOMAIN_ID",
    "GTID_SEQ_NO",
    "SERVER_ID",
    "PSEUDO_SLAVE_MODE",
    "PSEUDO_REPLICA_MODE",
];

/// Where a value of `sql_mode` comes from, as far as the text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModeSource {
    /// A list of modes.
    Modes(String),
    /// The value that the session has.
    Session,
    /// The value that the server gives to new sessions.
    Default,
    /// What a user variable holds.
    Variable(String),
    /// The values of all of these, one behind the other.
    Together(Vec<ModeSource>),
    /// The first of these that is not NULL.
    FirstOf(Vec<ModeSource>),
    /// Only the server knows.
    Unknown,
}

/// Where a client character set comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CharsetSource {
    /// Its name.
    Named(String),
    /// The one that the session has.
    Session,
    /// What a user variable holds, whose name is in lower case.
    Variable(String),
    /// Something that the text does not tell.
    Unknown,
}

impl From<Option<Token<'_>>> for CharsetSource {
    fn from(name: Option<Token<'_>>) -> Self {
        name.map_or(Self::Unknown, |name| Self::Named(name.value()))
    }
}

/// What a `SET` statement changes about reading what follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The new value of `sql_mode`.
    pub(crate) sql_mode: Option<ModeSource>,
    /// The new client character set.
    pub(crate) charset: Option<CharsetSource>,
    /// User variables, in lower case, that are set to a value of `sql_mode`.
    pub(crate) saved: Vec<(String, ModeSource)>,
    /// The same for those that are set to a client character set.
    pub(crate) saved_charsets: Vec<(String, CharsetSource)>,
}

impl Settings {
    /// Whether it changes nothing about reading.
    pub(crate) const fn is_empty(&self) -> bool {
        self.sql_mode.is_none() && self.charset.is_none() && self.saved.is_empty()
    }
}

/// The scope of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Session,
    Server,
}

impl<'a> Examiner<'a> {
    /// The statement after `SET`. Says whether what it runs creates a stored program.
    pub(super) fn set(&mut self) -> bool {
        if self.take("STATEMENT") {
            // MariaDB: variables for one statement, which follows. The server takes no such
            // statement there.
            if std::mem::replace(&mut self.for_statement, true) {
                self.reach(Reach::Indirect, "SET STATEMENT");
                return false;
            }
            let program = self.pass_until(&["FOR"]) && {
                self.next();
                self.statement()
            };
            self.for_statement = false;
            return program;
        }
        let mut scope = Scope::Session;
        let mut state = false;
        let mut others = false;
        loop {
            scope = self.scope().unwrap_or(scope);
            let Some(first) = self.next() else { break };
            match first.upper().as_str() {
                "NAMES" => {
                    others = true;
                    self.found.settings.charset = Some(self.next().into());
                    if self.take("COLLATE") {
                        self.next();
                    }
                }
                "CHARACTER" | "CHARSET" => {
                    others = true;
                    self.take("SET");
                    self.found.settings.charset = Some(self.next().into());
                }
                "PASSWORD" | "ROLE" => {
                    self.reach(Reach::Accounts, format!("SET {}", first.upper()));
                }
                "DEFAULT" => self.reach(Reach::Accounts, "SET DEFAULT ROLE"),
                "RESOURCE" => self.reach(Reach::Server, "SET RESOURCE GROUP"),
                "TRANSACTION" => {
                    others = true;
                    if scope == Scope::Server {
                        self.reach(Reach::Server, "SET GLOBAL TRANSACTION");
                    }
                    self.pass_value();
                }
                _ if first.is_sign(b'@') && !self.peek_sign(b'@') => {
                    others = true;
                    self.user_variable();
                }
                _ => {
                    let (scope, name) = self.variable(first, scope);
                    let replication = REPLICATION_STATE.contains(&name.as_str());
                    state |= replication;
                    others |= !replication;
                    if scope == Scope::Server && !replication {
                        self.reach(Reach::Server, format!("SET GLOBAL {name}"));
                    } else if replication {
                        self.reach(Reach::ReplicationState, format!("SET {name}"));
                    }
                    self.assigned(&name, scope);
                }
            }
            self.pass_value();
            if !self.tokens.take_sign(b',') {
                break;
            }
        }
        if state && others {
            // It cannot be left out as a whole.
            for (reach, _) in &mut self.found.reaches {
                if *reach == Reach::ReplicationState {
                    *reach = Reach::Server;
                }
            }
        }
        false
    }

    fn peek_sign(&self, sign: u8) -> bool {
        self.peek().is_some_and(|token| token.is_sign(sign))
    }

    fn scope(&mut self) -> Option<Scope> {
        let word = self.tokens.take_if(|token| {
            token.is_any(&["GLOBAL", "PERSIST", "PERSIST_ONLY", "SESSION", "LOCAL"])
        })?;
        Some(if word.is_any(&["SESSION", "LOCAL"]) { Scope::Session } else { Scope::Server })
    }

    /// The name of a system variable in upper case, of which the first token is taken.
    fn variable(&mut self, first: Token<'a>, scope: Scope) -> (Scope, String) {
        let (mut scope, mut name) = (scope, first);
        if first.is_sign(b'@') {
            self.tokens.take_sign(b'@');
            scope = Scope::Session;
            let mut ahead = self.tokens.clone();
            let prefix = ahead.next();
            if ahead.take_sign(b'.') {
                scope = self.scope().unwrap_or(scope);
                if prefix.is_some_and(|prefix| {
                    !prefix.is_any(&["GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY"])
                }) {
                    self.next();
                }
                self.tokens.take_sign(b'.');
            }
            match self.next() {
                Some(token) => name = token,
                None => return (scope, String::new()),
            }
        }
        let mut text = name.value().to_ascii_uppercase();
        // A variable of a component, or of a structured one: `a.b`.
        while self.tokens.take_sign(b'.') {
            text.push('.');
            text.push_str(&self.next().map(|part| part.value()).unwrap_or_default());
        }
        (scope, text)
    }

    fn take_equals(&mut self) {
        self.tokens.take_sign(b':');
        self.tokens.take_sign(b'=');
    }

    fn user_variable(&mut self) {
        let Some(name) = self.next() else { return };
        let mut name_text = name.value().to_lowercase();
        while self.tokens.take_sign(b'.') {
            name_text.push('.');
            name_text.push_str(&self.next().map(|part| part.value()).unwrap_or_default());
        }
        self.take_equals();
        let source = mode_source(&mut self.tokens.clone(), 0);
        let charset = charset_source(&mut self.tokens.clone());
        // Whatever it is, what the variable held before is gone.
        self.found.settings.saved_charsets.push((name_text.clone(), charset));
        self.found.settings.saved.push((name_text, source));
    }

    /// Takes the name of a user variable that gets a value which the text does not tell.
    pub(super) fn changed_variable(&mut self) {
        if let Some(name) = self.tokens.take_if(Token::is_name) {
            let name = name.value().to_lowercase();
            self.found.settings.saved_charsets.push((name.clone(), CharsetSource::Unknown));
            self.found.settings.saved.push((name, ModeSource::Unknown));
        }
    }

    fn assigned(&mut self, name: &str, scope: Scope) {
        self.take_equals();
        if scope == Scope::Server {
            return;
        }
        match name {
            "SQL_MODE" => {
                let source = mode_source(&mut self.tokens.clone(), 0);
                self.found.settings.sql_mode = Some(source);
            }
            "CHARACTER_SET_CLIENT" => {
                let source = charset_source(&mut self.tokens.clone());
                self.found.settings.charset = Some(source);
            }
            _ => {}
        }
    }

    /// Passes over a value, up to the comma behind it. What it calls is noted.
    fn pass_value(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            if depth == 0 && token.is_sign(b',') {
                return;
            }
            self.next();
            if token.is_sign(b'(') {
                depth += 1;
            } else if token.is_sign(b')') {
                depth = depth.saturating_sub(1);
            } else if token.is_name() {
                self.call(&token);
            }
        }
    }
}

/// How deep an expression for `sql_mode` is looked into.
const DEEPEST: usize = 16;

/// Reads a value for `character_set_client`, up to the comma or the end behind it.
fn charset_source(tokens: &mut Tokens<'_>) -> CharsetSource {
    let Some(first) = tokens.next() else { return CharsetSource::Unknown };
    let source = match first.kind {
        TokenKind::Word | TokenKind::Name | TokenKind::Text => CharsetSource::Named(first.value()),
        TokenKind::Sign(b'@') if tokens.take_sign(b'@') => {
            let scoped = |token: &Token<'_>| token.is_any(&["SESSION", "LOCAL"]);
            if tokens.take_if(scoped).is_some() {
                tokens.take_sign(b'.');
            }
            match tokens.next() {
                Some(name) if name.is("CHARACTER_SET_CLIENT") => CharsetSource::Session,
                _ => CharsetSource::Unknown,
            }
        }
        TokenKind::Sign(b'@') => match tokens.next() {
            Some(name) => CharsetSource::Variable(name.value().to_lowercase()),
            None => CharsetSource::Unknown,
        },
        _ => CharsetSource::Unknown,
    };
    let ends = tokens.peek().is_none_or(|token| token.is_sign(b',') || token.is_sign(b';'));
    if ends { source } else { CharsetSource::Unknown }
}

/// Reads an expression for `sql_mode`, up to the comma or the end behind it. One that is nested deeper
/// than anybody writes is not known.
fn mode_source(tokens: &mut Tokens<'_>, depth: usize) -> ModeSource {
    if depth > DEEPEST {
        return ModeSource::Unknown;
    }
    let source = mode_term(tokens, depth);
    let ends = tokens
        .peek()
        .is_none_or(|token| [b',', b';', b')'].iter().any(|sign| token.is_sign(*sign)));
    if ends { source } else { ModeSource::Unknown }
}

fn mode_term(tokens: &mut Tokens<'_>, depth: usize) -> ModeSource {
    let Some(first) = tokens.next() else { return ModeSource::Unknown };
    match first.kind {
        TokenKind::Word | TokenKind::Name if first.is("DEFAULT") => ModeSource::Default,
        TokenKind::Word if first.is_any(&["CONCAT", "IFNULL"]) && tokens.take_sign(b'(') => {
            let together = first.is("CONCAT");
            let mut parts = Vec::new();
            loop {
                parts.push(mode_source(tokens, depth + 1));
                if !tokens.take_sign(b',') {
                    break;
                }
            }
            if !tokens.take_sign(b')') {
                ModeSource::Unknown
            } else if together {
                ModeSource::Together(parts)
            } else {
                ModeSource::FirstOf(parts)
            }
        }
        // Without quotes it is a single mode.
        TokenKind::Word | TokenKind::Name | TokenKind::Text => ModeSource::Modes(first.value()),
        TokenKind::Sign(b'@') if tokens.take_sign(b'@') => {
            let Some(mut name) = tokens.next() else { return ModeSource::Unknown };
            let mut global = false;
            if tokens.take_sign(b'.') {
                global = name.is("GLOBAL");
                match tokens.next() {
                    Some(token) => name = token,
                    None => return ModeSource::Unknown,
                }
            }
            match (name.is("SQL_MODE"), global) {
                (true, false) => ModeSource::Session,
                (true, true) => ModeSource::Default,
                _ => ModeSource::Unknown,
            }
        }
        TokenKind::Sign(b'@') => match tokens.next() {
            Some(name) => ModeSource::Variable(name.value().to_lowercase()),
            None => ModeSource::Unknown,
        },
        _ => ModeSource::Unknown,
    }
}

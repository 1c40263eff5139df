//! What stored programs and views do when they run.
//!
//! The body of a program is walked word by word, without a grammar of control statements: a word
//! that can begin a statement is taken for one wherever it stands. So more may be found than is
//! there, never less.

use super::{Examiner, Mention, Role};
use crate::sql::token::{Token, TokenKind, Tokens};

/// A stored program or a view that a statement makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) kind: ProgramKind,
    /// Its name, without that of a database.
    pub(crate) name: String,
    /// The table of a trigger, likewise.
    pub(crate) table: Option<String>,
    /// The databases of what it changes, calls or locks by name; for a view, of what it shows, which
    /// can be changed through it.
    pub(crate) databases: Vec<Mention>,
    /// Whether any of these is that of more than what a view shows.
    pub(crate) calls: bool,
    /// What hides from its text what it does.
    pub(crate) hidden: Option<String>,
}

/// What a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgramKind {
    Function,
    Procedure,
    Package,
    Trigger,
    Event,
    View,
}

impl ProgramKind {
    /// By the word behind `CREATE`.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "FUNCTION" => Self::Function,
            "PROCEDURE" => Self::Procedure,
            "PACKAGE" => Self::Package,
            "TRIGGER" => Self::Trigger,
            "EVENT" => Self::Event,
            _ => Self::View,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Package => "package",
            Self::Trigger => "trigger",
            Self::Event => "event",
            Self::View => "view",
        }
    }
}

impl Program {
    pub(super) fn new(
        kind: ProgramKind,
        name: Option<Token<'_>>,
        table: Option<Token<'_>>,
    ) -> Self {
        Self {
            kind,
            name: name.map(|name| name.value()).unwrap_or_default(),
            table: table.map(|table| table.value()),
            databases: Vec::new(),
            calls: false,
            hidden: None,
        }
    }
}

/// How many statements up to the next `;` are examined. The body of a program has few, and each is
/// read to that sign.
const STATEMENTS: usize = 32;

/// Words of a head behind which the body stands at the latest.
const BODY: [&str; 16] = [
    "BEGIN", "RETURN", "IF", "CASE", "WHILE", "LOOP", "REPEAT", "FOR", "DECLARE", "AS", "IS",
    "SELECT", "INSERT", "UPDATE", "DELETE", "CALL",
];

/// Words behind which a statement can begin, as far as it can be the call of a procedure without
/// `CALL`.
const STARTS: [&str; 11] = [
    "BEGIN",
    "THEN",
    "ELSE",
    "LOOP",
    "REPEAT",
    "DO",
    "AS",
    "IS",
    "FOUND",
    "SQLEXCEPTION",
    "SQLWARNING",
];

/// The walk through a body.
#[derive(Default)]
struct Walk<'a> {
    before: Option<Token<'a>>,
    /// The one before that.
    earlier: Option<Token<'a>>,
    /// Parentheses that are open.
    depth: usize,
    /// Whether the body has begun for certain.
    past_head: bool,
    /// The statements since the last `;`.
    statements: usize,
    hidden: Option<String>,
}

impl Walk<'_> {
    fn after(&self, words: &[&str]) -> bool {
        self.before.is_some_and(|before| before.is_any(words))
    }

    fn after_sign(&self, sign: u8) -> bool {
        self.before.is_some_and(|before| before.is_sign(sign))
    }

    fn hides(&mut self, what: &str) {
        self.hidden.get_or_insert_with(|| what.to_owned());
    }
}

impl<'a> Examiner<'a> {
    /// Examines what stands between these tokens and the last `left` bytes.
    pub(super) fn body(&mut self, mut made: Program, tokens: Tokens<'a>, left: usize) {
        let outer = std::mem::take(&mut self.found);
        let (after, last) = (self.tokens.clone(), self.last);
        let (event, package) = (self.event, self.package);
        made.hidden = self.walk(tokens.clone(), left);
        made.calls = !self.found.databases.is_empty();
        if made.kind == ProgramKind::View {
            self.shown(tokens, left);
        }
        (self.tokens, self.last, self.made) = (after, last, None);
        (self.event, self.package) = (event, package);
        made.databases = std::mem::replace(&mut self.found, outer).databases;
        made.databases.retain(|mention| mention.role != Role::Reference);
        made.databases.sort_by_key(|mention| mention.range.start);
        made.databases.dedup();
        self.found.programs.push(made);
    }

    /// Says what hides what the body does.
    fn walk(&mut self, mut tokens: Tokens<'a>, left: usize) -> Option<String> {
        let mut walk = Walk::default();
        while tokens.rest().len() > left {
            let from = tokens.clone();
            let Some(token) = tokens.next() else { break };
            if token.is_sign(b';') {
                walk.statements = 0;
            } else if token.is_sign(b'(') {
                walk.depth += 1;
            } else if token.is_sign(b')') {
                walk.depth = walk.depth.saturating_sub(1);
            } else if token.is_name() && !walk.after_sign(b'.') && !walk.after_sign(b'@') {
                self.tokens = tokens.clone();
                self.call(&token);
                self.tokens = tokens.clone();
                self.direct_call(&token, &walk);
                self.tokens = tokens.clone();
                self.body_word(&token, from, &mut walk);
            }
            (walk.before, walk.earlier) = (Some(token), walk.before);
        }
        walk.hidden
    }

    /// A procedure that is called by its name alone, as the mode `ORACLE` allows it.
    fn direct_call(&mut self, token: &Token<'a>, walk: &Walk<'a>) {
        // `<<label>>` of the mode ORACLE, not a comparison; and `:NEW.id` of its triggers is no call.
        let labelled = walk.earlier.is_some_and(|earlier| earlier.is_sign(b'>'));
        let row = token.is_any(&["NEW", "OLD"]);
        let starts = walk.before.is_none_or(|before| {
            before.is_any(&STARTS)
                || before.is_sign(b';')
                || (before.is_sign(b':') && !row)
                || (before.is_sign(b'>') && labelled)
                || matches!(before.kind, TokenKind::Text | TokenKind::Number)
        });
        if starts && self.tokens.take_sign(b'.') {
            self.next();
            while self.tokens.take_sign(b'.') {
                self.next();
            }
            if self.peek().is_none() {
                self.mention(token, Role::Qualifier);
            }
        }
    }

    /// A word with which a statement can begin; `from` begins with it.
    fn body_word(&mut self, token: &Token<'a>, from: Tokens<'a>, walk: &mut Walk<'a>) {
        match token.upper().as_str() {
            // Functions have these names, too.
            "INSERT" | "REPLACE" => {
                self.take_all(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"]);
                self.qualified(Role::Qualifier);
            }
            "TRUNCATE" => {
                self.take("TABLE");
                self.qualified(Role::Qualifier);
            }
            "CALL" => {
                self.qualified(Role::Qualifier);
            }
            // Not those of foreign keys and of ON DUPLICATE KEY.
            "UPDATE" | "DELETE" if walk.after(&["ON", "KEY"]) => {}
            "UPDATE" | "DELETE" | "CREATE" | "ALTER" | "DROP" | "RENAME" | "LOCK" | "LOAD" => {
                walk.statements += 1;
                if walk.statements > STATEMENTS {
                    walk.hides("more statements than are examined");
                } else {
                    self.tokens = from;
                    self.statement();
                }
            }
            "PREPARE" if self.next().is_some_and(|name| name.is_name()) && self.take("FROM") => {
                walk.hides("PREPARE");
            }
            "EXECUTE" if self.next().is_some_and(|name| name.is_name()) => walk.hides("EXECUTE"),
            "LANGUAGE" if walk.depth == 0 && !walk.past_head => {
                if let Some(language) = self.next().filter(|language| !language.is("SQL")) {
                    walk.hides(&format!("LANGUAGE {}", language.value()));
                }
            }
            _ => {}
        }
        walk.past_head |= token.is_any(&BODY) || (token.is("SET") && !walk.after(&["CHARACTER"]));
    }
}

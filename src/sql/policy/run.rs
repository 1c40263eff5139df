//! Whether a statement runs what the script has made before.
//!
//! Names are compared without those of databases, and without letter case: a name in another
//! database counts as well.

use std::collections::BTreeSet;

use super::Examiner;
use crate::sql::token::{Reading, Token, Tokens};

/// What a script has made, by names in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    /// Tables with triggers.
    pub(crate) tables: BTreeSet<String>,
    pub(crate) views: BTreeSet<String>,
    pub(crate) functions: BTreeSet<String>,
    pub(crate) packages: BTreeSet<String>,
    /// Whether reading a view can call something.
    pub(crate) views_call: bool,
    /// Whether names beyond ASCII may have been written in several character sets, so that one does
    /// not look like itself.
    pub(crate) mixed: bool,
}

impl Made {
    /// Whether rows that are written to it can run something.
    fn fires(&self, name: &Token<'_>) -> bool {
        let name = name.value().to_lowercase();
        let known = |names: &BTreeSet<String>| {
            names.contains(&name)
                || (self.mixed && !name.is_ascii() && names.iter().any(|known| !known.is_ascii()))
        };
        known(&self.tables) || known(&self.views)
    }

    /// Whether a name that is called is that of a function. The server compares those without
    /// accents.
    fn calls(&self, name: &str) -> bool {
        let names = &self.functions;
        names.contains(name)
            || (!names.is_empty() && !name.is_ascii())
            || names.iter().any(|known| !known.is_ascii())
    }

    /// Whether only what is written to can run anything.
    fn fires_only(&self) -> bool {
        self.functions.is_empty() && self.packages.is_empty() && !self.views_call
    }
}

/// What a statement runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    /// Changes the rows of a table that has triggers, or of a view.
    Changes(String),
    /// Calls a function.
    Calls(String),
    /// Reads a view.
    Reads(String),
}

/// What the first statement in the text that runs any of these runs.
pub(crate) fn runs(text: &[u8], reading: &Reading, several: bool, made: &Made) -> Option<Run> {
    let mut run = None;
    Examiner::new(text, reading).each(several, |_, start, program| {
        if !program && run.is_none() {
            run = Statement { tokens: start, made }.runs();
        }
    });
    run
}

/// A statement up to its end.
struct Statement<'a, 'm> {
    tokens: Tokens<'a>,
    made: &'m Made,
}

impl<'a> Statement<'a, '_> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.tokens.take_if(|token| !token.is_sign(b';'))
    }

    fn take_all(&mut self, words: &[&str]) {
        while self.tokens.take_if(|token| token.is_any(words)).is_some() {}
    }

    fn runs(mut self) -> Option<Run> {
        while self.tokens.take_sign(b'(') {}
        let verb = self.next()?;
        match verb.upper().as_str() {
            "INSERT" | "REPLACE" => {
                self.take_all(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"]);
                self.target().or_else(|| self.rest(false))
            }
            "CREATE" => {
                self.take_all(&["OR", "REPLACE", "TEMPORARY"]);
                if !self.tokens.take_word("TABLE") {
                    return None;
                }
                // Nothing in front of a query can call anything.
                while !self.next()?.is_any(&["SELECT", "VALUES", "TABLE"]) {}
                self.rest(true)
            }
            "ALTER" | "DROP" | "RENAME" | "TRUNCATE" | "LOCK" | "UNLOCK" | "USE" | "START"
            | "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "GRANT" | "REVOKE" => None,
            "ANALYZE" | "CHECK" | "CHECKSUM" | "OPTIMIZE" | "REPAIR" => {
                self.take_all(&["LOCAL", "NO_WRITE_TO_BINLOG"]);
                let tables = |token: &Token<'_>| token.is_any(&["TABLE", "TABLES", "VIEW"]);
                if self.tokens.take_if(tables).is_some() { None } else { self.anything(false) }
            }
            "SELECT" | "VALUES" | "TABLE" | "DO" => self.rest(true),
            "SET" if !self.tokens.take_word("STATEMENT") => self.rest(false),
            word => self.anything(["UPDATE", "DELETE", "LOAD"].contains(&word)),
        }
    }

    /// What a statement of no simple form runs; whether it changes rows, another word can say too.
    fn anything(self, changes: bool) -> Option<Run> {
        self.changed(changes).or_else(|| self.rest(true))
    }

    /// Takes the name of the table that rows are inserted into.
    fn target(&mut self) -> Option<Run> {
        self.tokens.take_sign(b'.');
        let mut name = self.tokens.take_if(Token::is_name)?;
        while self.tokens.take_sign(b'.') {
            name = self.tokens.take_if(Token::is_name)?;
        }
        self.made.fires(&name).then(|| Run::Changes(name.value()))
    }

    /// Looks for a table or view that is changed, and takes nothing. Any that is named counts.
    fn changed(&self, mut changes: bool) -> Option<Run> {
        let mut named = None;
        for token in self.tokens.clone().take_while(|token| !token.is_sign(b';')) {
            changes |= token.is_any(&["INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD"]);
            if named.is_none() && token.is_name() && self.made.fires(&token) {
                named = Some(token);
            }
        }
        named.filter(|_| changes).map(|token| Run::Changes(token.value()))
    }

    /// What the rest of the statement calls, and which views it reads: without a word that says that
    /// it reads, none.
    fn rest(mut self, mut reads: bool) -> Option<Run> {
        if self.made.fires_only() {
            return None;
        }
        while let Some(token) = self.next() {
            reads |= token.is_any(&["SELECT", "TABLE"]);
            if !token.is_name() || token.is("VALUES") {
                continue;
            }
            let called = self.tokens.peek().is_some_and(|next| next.is_sign(b'('));
            let qualifies = self.tokens.peek().is_some_and(|next| next.is_sign(b'.'));
            let views = reads && self.made.views_call;
            if !called && !qualifies && !views {
                continue;
            }
            let name = token.value().to_lowercase();
            if (called && self.made.calls(&name))
                || (qualifies && self.made.packages.contains(&name))
            {
                return Some(Run::Calls(token.value()));
            }
            if views && self.made.views.contains(&name) {
                return Some(Run::Reads(token.value()));
            }
        }
        None
    }
}

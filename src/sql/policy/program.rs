//! Where the body of a stored program ends.
//!
//! Under another `DELIMITER` a text such as `CREATE PROCEDURE … BEGIN … END; DROP DATABASE x` is
//! two statements to the server. The second one must not pass as a part of the body, so the end of
//! the body is found here; where that is in doubt, it is found too early, never too late.

use super::Examiner;
use crate::sql::token::{Token, TokenKind};

/// What is open in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// `BEGIN`, and what else is ended by a statement `END …`.
    Block,
    /// `REPEAT`, whose `END REPEAT` follows a condition.
    Repeat,
    /// `CASE` as a statement.
    Case,
    /// `CASE` as an expression, behind whose `THEN` no statement stands.
    CaseValue,
    /// What stands between `AS` and `BEGIN` in the mode `ORACLE`, and all of a package.
    Declarations,
}

/// Words that statements in a body begin with, as far as they cannot stand in the head of a
/// program.
const VERBS: [&str; 18] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "CALL", "WITH", "DO", "DROP", "CREATE", "ALTER",
    "TRUNCATE", "SIGNAL", "OPEN", "EXECUTE", "PREPARE", "REPLACE", "GRANT", "LOCK",
];

/// Words that cannot be labels. In the mode `ORACLE` a colon behind them belongs to `:NEW` or `:OLD`.
const NO_LABELS: [&str; 9] =
    ["BEGIN", "LOOP", "REPEAT", "CASE", "IF", "WHILE", "THEN", "ELSE", "DO"];

/// The walk through a body.
#[derive(Default)]
struct Body<'a> {
    open: Vec<Open>,
    /// Parentheses that are open.
    depth: usize,
    /// Whether a statement can begin here.
    start: bool,
    /// Whether the head of the program, or of one in a package, is over.
    past_head: bool,
    /// Whether the head has said `RETURNS`. Otherwise its `RETURN` is that of the mode `ORACLE`.
    returns: bool,
    before: Option<Token<'a>>,
}

impl<'a> Examiner<'a> {
    /// Passes over the rest of a program, up to the sign that ends it.
    pub(super) fn pass_body(&mut self) {
        let mut body = Body { start: true, past_head: self.event, ..Body::default() };
        if self.event {
            self.pass_schedule();
        }
        if self.package {
            self.pass_characteristics();
            (body.open, body.past_head) = (vec![Open::Declarations], true);
        }
        while let Some(token) = self.tokens.peek() {
            if token.is_sign(b';') {
                if body.open.is_empty() {
                    return;
                }
                self.tokens.next();
                // A routine of a package that is only declared.
                body.past_head |= body.open.last() == Some(&Open::Declarations);
                body.start = true;
                body.before = None;
                continue;
            }
            self.tokens.next();
            self.body_token(token, &mut body);
            body.before = Some(token);
        }
    }

    /// What stands between the name of a package and its declarations. `AS` or `IS` is there in the
    /// mode `ORACLE` only.
    fn pass_characteristics(&mut self) {
        while let Some(token) =
            self.tokens.take_if(|token| token.is_any(&["COMMENT", "SQL", "AS", "IS"]))
        {
            if token.is("COMMENT") {
                self.tokens.take_if(|token| token.kind == TokenKind::Text);
            } else if token.is("SQL") && self.tokens.take_word("SECURITY") {
                self.next();
            }
        }
    }

    /// What stands in front of the body of an event, `DO` included.
    fn pass_schedule(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.next() {
            if token.is_sign(b'(') {
                depth += 1;
            } else if token.is_sign(b')') {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && token.is("DO") {
                return;
            }
        }
    }

    fn body_token(&mut self, token: Token<'a>, body: &mut Body<'a>) {
        if token.is_sign(b'(') {
            body.depth += 1;
        } else if token.is_sign(b')') {
            body.depth = body.depth.saturating_sub(1);
        }
        let after = |word: &str| body.before.is_some_and(|before| before.is(word));
        let after_sign = |sign| body.before.is_some_and(|before| before.is_sign(sign));
        let named = after_sign(b'.')
            || after_sign(b'@')
            || ["FOLLOWS", "PRECEDES", "OF"].iter().any(|word| !body.past_head && after(word));
        let labelled =
            !token.is_any(&NO_LABELS) && self.tokens.peek().is_some_and(|next| next.is_sign(b':'));
        let begins = body.start && !named && !labelled;
        let can_start = begins || (!body.past_head && body.depth == 0 && !named && !labelled);
        let verb = token.is_any(&VERBS)
            || (token.is("SET") && !after("CHARACTER"))
            || (token.is("RETURN") && body.returns);
        body.returns |= token.is("RETURNS");
        body.start = false;
        if named || labelled {
            // A name, whatever word it is.
        } else if token.is("CASE") {
            body.open.push(if can_start { Open::Case } else { Open::CaseValue });
            body.past_head = true;
        } else if token.is("END") {
            self.end_of(body, begins);
        } else if can_start && token.is_any(&["REPEAT", "BEGIN", "LOOP"]) {
            match body.open.last_mut() {
                // That of a routine in a package may have a head of its own in front.
                Some(top @ Open::Declarations) if token.is("BEGIN") && body.past_head => {
                    *top = Open::Block;
                }
                _ if token.is("REPEAT") => body.open.push(Open::Repeat),
                _ => body.open.push(Open::Block),
            }
            (body.start, body.past_head) = (true, true);
        } else if (begins
            && token.is("FOR")
            && !self.tokens.peek().is_some_and(|next| next.is("EACH")))
            || (can_start && token.is_any(&["IF", "WHILE"]))
        {
            body.open.push(Open::Block);
            body.past_head = true;
        } else if token.is("HANDLER") && self.tokens.take_word("FOR") {
            self.pass_conditions();
            body.start = true;
        } else if begins
            && token.is_any(&["PROCEDURE", "FUNCTION"])
            && body.open.last() == Some(&Open::Declarations)
        {
            // One more head, in a package.
            body.past_head = false;
        } else if !body.past_head && body.depth == 0 && token.is_any(&["AS", "IS"]) {
            // What a text in another language stands behind has no declarations.
            if self.tokens.peek().is_some_and(|next| next.kind != TokenKind::Text) {
                body.open.push(Open::Declarations);
                (body.start, body.past_head) = (true, true);
            }
        } else if begins && token.is_sign(b'<') {
            // A label of the mode ORACLE: <<name>>.
            while self.tokens.peek().is_some_and(|next| next.is_name() || next.is_sign(b'<')) {
                self.tokens.next();
            }
            while self.tokens.take_sign(b'>') {}
            body.start = true;
        } else if token.is_any(&["THEN", "ELSE"]) {
            body.start = body.open.last() != Some(&Open::CaseValue);
        } else if token.is("DO") {
            // That of a loop, not the statement.
            body.start = !can_start;
            body.past_head = true;
        } else if token.is("LOOP") || token.is_sign(b':') {
            body.start = true;
        } else if can_start && verb {
            body.past_head = true;
        }
    }

    /// The conditions of a handler, behind which its statement stands.
    fn pass_conditions(&mut self) {
        loop {
            let Some(first) = self.tokens.take_if(|token| !token.is_sign(b';')) else { return };
            if first.is("NOT") {
                self.tokens.take_word("FOUND");
            } else if first.is("SQLSTATE") {
                self.tokens.take_word("VALUE");
                self.tokens.take_if(|token| token.kind == TokenKind::Text);
            }
            if !self.tokens.take_sign(b',') {
                return;
            }
        }
    }

    /// Closes what an `END` ends.
    fn end_of(&mut self, body: &mut Body<'a>, begins_statement: bool) {
        match body.open.last() {
            Some(Open::Case) => {
                body.open.pop();
                self.tokens.take_word("CASE");
            }
            Some(Open::CaseValue) => {
                body.open.pop();
            }
            Some(Open::Repeat) if self.tokens.take_word("REPEAT") => {
                body.open.pop();
            }
            Some(Open::Block | Open::Declarations) if begins_statement => {
                body.open.pop();
                self.tokens.take_if(|token| token.is_any(&["IF", "LOOP", "WHILE", "FOR"]));
            }
            _ => {}
        }
    }
}

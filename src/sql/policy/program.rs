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
    /// What stands between `AS` or `DECLARE` and `BEGIN` in the mode `ORACLE`, and all of a package.
    Declarations,
}

/// Words that belong to the type of what a function returns.
const OF_TYPES: [&str; 19] = [
    "OF",
    "TYPE",
    "UNSIGNED",
    "SIGNED",
    "ZEROFILL",
    "BINARY",
    "ASCII",
    "UNICODE",
    "BYTE",
    "PRECISION",
    "VARYING",
    "CHAR",
    "CHARACTER",
    "VARCHAR",
    "VARCHARACTER",
    "VARBINARY",
    "COMPRESSED",
    "CHARSET",
    "COLLATE",
];

/// Words that cannot be labels. In the mode `ORACLE` a colon behind them belongs to `:NEW` or `:OLD`.
const NO_LABELS: [&str; 9] =
    ["BEGIN", "LOOP", "REPEAT", "CASE", "IF", "WHILE", "THEN", "ELSE", "DO"];

/// The walk through a body.
#[derive(Default)]
struct Body<'a> {
    open: Vec<Open>,
    /// Whether a statement can begin here.
    start: bool,
    /// Whether a `WHILE` or `FOR` waits for its `DO` or `LOOP`.
    loops: bool,
    /// Whether this is the body of a routine in a package, whose `BEGIN` is not the package's.
    routine: bool,
    before: Option<Token<'a>>,
}

impl<'a> Examiner<'a> {
    /// Passes over the rest of a program, up to the sign that ends it.
    pub(super) fn pass_body(&mut self) {
        let mut body = Body { start: true, ..Body::default() };
        if self.event {
            self.pass_schedule();
        } else if self.package {
            self.pass_characteristics();
            // They are there in the mode ORACLE only.
            self.tokens.take_if(|token| token.is_any(&["AS", "IS"]));
            body.open.push(Open::Declarations);
        } else {
            self.pass_head(&mut body);
        }
        while let Some(token) = self.tokens.peek() {
            if token.is_sign(b';') {
                if body.open.is_empty() {
                    return;
                }
                self.tokens.next();
                (body.start, body.loops, body.routine) = (true, false, false);
                body.before = None;
                continue;
            }
            self.tokens.next();
            self.body_token(token, &mut body);
            body.before = Some(token);
        }
    }

    /// What stands between the name of a routine, or the table of a trigger, and the body.
    ///
    /// Only what a head can hold is passed over: behind another word no body begins any more.
    fn pass_head(&mut self, body: &mut Body<'a>) {
        let mut ahead = self.tokens.clone();
        if ahead.take_word("FOR") && ahead.take_word("EACH") && ahead.take_word("ROW") {
            self.tokens = ahead;
            if self.tokens.take_if(|token| token.is_any(&["FOLLOWS", "PRECEDES"])).is_some() {
                self.tokens.take_if(Token::is_name);
            }
            return;
        }
        self.pass_parentheses();
        if self.tokens.take_if(|token| token.is_any(&["RETURNS", "RETURN"])).is_some() {
            self.pass_type();
        }
        self.pass_characteristics();
        let mut ahead = self.tokens.clone();
        // What a text in another language stands behind has no declarations.
        if ahead.take_if(|token| token.is_any(&["AS", "IS"])).is_some()
            && ahead.peek().is_some_and(|next| next.kind != TokenKind::Text)
        {
            self.tokens = ahead;
            body.open.push(Open::Declarations);
            body.routine = false;
        }
    }

    /// Parentheses with all that is in them, if they are next.
    fn pass_parentheses(&mut self) {
        if !self.tokens.take_sign(b'(') {
            return;
        }
        let mut depth = 1usize;
        while depth > 0
            && let Some(token) = self.next()
        {
            if token.is_sign(b'(') {
                depth += 1;
            } else if token.is_sign(b')') {
                depth -= 1;
            }
        }
    }

    /// The type of what a function returns.
    fn pass_type(&mut self) {
        self.tokens.take_if(Token::is_name);
        self.pass_parentheses();
        while let Some(token) = self.tokens.take_if(|token| {
            token.is_any(&OF_TYPES) || [b'.', b'%'].iter().any(|sign| token.is_sign(*sign))
        }) {
            let charset = token.is_any(&["CHAR", "CHARACTER"]) && self.tokens.take_word("SET");
            if charset || token.is_any(&["OF", "CHARSET", "COLLATE"]) || token.upper().is_empty() {
                // A name, whatever word it is.
                self.tokens.take_if(|token| token.is_name() || token.kind == TokenKind::Text);
            }
            self.pass_parentheses();
        }
    }

    /// The characteristics of a routine or package.
    fn pass_characteristics(&mut self) {
        const WORDS: [&str; 10] = [
            "COMMENT",
            "SQL",
            "LANGUAGE",
            "NOT",
            "DETERMINISTIC",
            "CONTAINS",
            "NO",
            "READS",
            "MODIFIES",
            "USING",
        ];
        while let Some(token) = self.tokens.take_if(|token| token.is_any(&WORDS)) {
            if token.is("COMMENT") {
                self.tokens.take_if(|token| token.kind == TokenKind::Text);
            } else if token.is("SQL") && self.tokens.take_word("SECURITY") {
                self.next();
            } else if token.is("LANGUAGE") {
                self.tokens.take_if(Token::is_name);
            } else if token.is_any(&["READS", "MODIFIES"]) && self.tokens.take_word("SQL") {
                self.tokens.take_word("DATA");
            } else if token.is("USING") {
                self.pass_parentheses();
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
        let after_sign = |sign| body.before.is_some_and(|before| before.is_sign(sign));
        let labelled =
            !token.is_any(&NO_LABELS) && self.tokens.peek().is_some_and(|next| next.is_sign(b':'));
        // A name, whatever word it is.
        let named = after_sign(b'.') || after_sign(b'@') || labelled;
        let begins = std::mem::take(&mut body.start) && !named;
        if named {
            return;
        }
        let word = token.upper();
        match word.as_str() {
            "CASE" => body.open.push(if begins { Open::Case } else { Open::CaseValue }),
            "END" => self.end_of(body, begins),
            "BEGIN" if begins => {
                match body.open.last_mut() {
                    Some(top @ Open::Declarations) if !body.routine => *top = Open::Block,
                    _ => body.open.push(Open::Block),
                }
                (body.start, body.routine) = (true, false);
            }
            "REPEAT" if begins => {
                body.open.push(Open::Repeat);
                body.start = true;
            }
            "LOOP" if begins => {
                body.open.push(Open::Block);
                body.start = true;
            }
            "IF" | "WHILE" | "FOR" if begins => {
                body.open.push(Open::Block);
                body.loops = word != "IF";
            }
            // Not the statement DO.
            "DO" | "LOOP" => body.start = std::mem::take(&mut body.loops),
            // The mode ORACLE has declarations in front of the first BEGIN of triggers and events; in
            // other modes no body begins so.
            "DECLARE" if begins && body.open.is_empty() => {
                body.open.push(Open::Declarations);
                body.start = true;
            }
            "PROCEDURE" | "FUNCTION" if begins && body.open.last() == Some(&Open::Declarations) => {
                // One more head, in a package.
                self.tokens.take_if(Token::is_name);
                (body.start, body.routine) = (true, true);
                self.pass_head(body);
            }
            "HANDLER" if self.tokens.take_word("FOR") => {
                self.pass_conditions();
                body.start = true;
            }
            "THEN" | "ELSE" => body.start = body.open.last() != Some(&Open::CaseValue),
            _ if token.is_sign(b':') => body.start = true,
            _ if begins && token.is_sign(b'<') => {
                // A label of the mode ORACLE: <<name>>.
                while self.tokens.peek().is_some_and(|next| next.is_name() || next.is_sign(b'<')) {
                    self.tokens.next();
                }
                while self.tokens.take_sign(b'>') {}
                body.start = true;
            }
            _ => {}
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

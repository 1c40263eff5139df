//! Functions and sequences of other databases among values.
//!
//! A statement of rows is long, and hardly ever calls anything: its tokens are cut only where its
//! bytes say that it may.

use super::{Examiner, Role};
use crate::sql::token::{Reading, Token};
use crate::sql::{is_identifier, is_space};

impl<'a> Examiner<'a> {
    /// Takes what belongs to a name that was just taken, and reports it if it is a function that is
    /// called by a name with that of a database in front, or moves a sequence that is named so.
    pub(super) fn call(&mut self, token: &Token<'a>) {
        let moves = token.is_any(&["NEXTVAL", "SETVAL"]) && self.tokens.take_sign(b'(');
        let next_value = token.is("VALUE") && self.take("FOR");
        if moves || next_value {
            self.qualified(Role::Qualifier);
        } else if self.tokens.take_sign(b'.') {
            let mut function = self.tokens.take_if(Token::is_name).is_some();
            // MariaDB's packages: `database.package.function`.
            while self.tokens.take_sign(b'.') {
                function = self.next().is_some_and(|token| token.is_name());
            }
            if function && self.peek().is_some_and(|token| token.is_sign(b'(')) {
                self.mention(token, Role::Qualifier);
            }
        }
    }

    /// Reports what the rest of the statement calls, and takes nothing.
    pub(super) fn calls_ahead(&mut self) {
        let (tokens, last) = (self.tokens.clone(), self.last);
        self.reads();
        (self.tokens, self.last) = (tokens, last);
    }

    /// Takes all that is left of a statement of rows, if it may call anything.
    pub(super) fn values(&mut self) {
        if !may_call(self.tokens.rest(), self.tokens.reading()) {
            return;
        }
        while let Some(token) = self.next() {
            if token.is_name() {
                self.call(&token);
            }
        }
    }
}

/// Whether what stands in the text may call something: strings are not told from code.
fn may_call(text: &[u8], reading: &Reading) -> bool {
    may_name_function(text, reading) || may_move_sequence(text)
}

/// Whether `NEXTVAL`, `SETVAL` or `VALUE FOR` stands in the text, as far as that is told fast.
fn may_move_sequence(text: &[u8]) -> bool {
    let is = |start: Option<usize>, word: &[u8]| {
        let found = start.and_then(|start| text.get(start..start + word.len()));
        found.is_some_and(|found| found.eq_ignore_ascii_case(word))
    };
    memchr::memchr2_iter(b'V', b'v', text).any(|at| {
        let behind = || text.get(at + 5..).unwrap_or_default();
        is(Some(at), b"VAL")
            && (is(at.checked_sub(4), b"NEXT")
                || is(at.checked_sub(3), b"SET")
                || (is(Some(at), b"VALUE") && {
                    let rest = behind().trim_ascii_start();
                    is_comment(rest)
                        || rest.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"FOR"))
                }))
    })
}

/// Whether a dot stands in the text behind which, but for white space and comments, there may be a
/// name and an opening parenthesis; strings are not told from code.
fn may_name_function(text: &[u8], reading: &Reading) -> bool {
    memchr::memchr_iter(b'.', text).any(|dot| {
        let rest = text.get(dot + 1..).unwrap_or_default().trim_ascii_start();
        let length = rest.iter().take_while(|&&byte| is_identifier(byte)).count();
        let (word, behind) = rest.split_at(length);
        match (word, behind) {
            // The fraction of a number, which is what most dots are for.
            ([b'0'..=b'9', digits @ ..], _) if digits.iter().all(u8::is_ascii_digit) => false,
            ([], [b'`', ..]) => true,
            ([], [b'"', ..]) => reading.ansi_quotes,
            ([], behind) => is_comment(behind),
            (_, behind) => {
                let blanks = behind.iter().take_while(|&&byte| is_space(byte) || byte == 0).count();
                let behind = behind.get(blanks..).unwrap_or_default();
                behind.first() == Some(&b'(') || is_comment(behind)
            }
        }
    })
}

/// Whether a comment begins or ends here.
fn is_comment(text: &[u8]) -> bool {
    matches!(text, [b'#' | 0, ..] | [b'-', b'-', ..] | [b'/', b'*', ..] | [b'*', b'/', ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::charset::Charset;
    use crate::sql::split::Dialect;

    #[test]
    fn rows_hardly_ever_look_like_calls() {
        let mut reading = Reading {
            dialect: Dialect::MariaDb,
            version: 101_119,
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        };
        let may = |text: &str, reading: &Reading| may_call(text.as_bytes(), reading);
        for text in ["(1.5,-.25,1.e3,'a.b','End. Next','x...')", "('he said.\"', 'z.')", "", "."] {
            assert!(!may(text, &reading), "{text}");
        }
        for text in [
            "o.f(1)",
            "`o` . `f` (1)",
            "o./**/f(1)",
            "o.f/**/(1)",
            "o.#\nf(1)",
            "o.1f (1)",
            "o/*!.*/f()",
        ] {
            assert!(may(text, &reading), "{text}");
        }
        for text in ["(SETVAL(o.s,1))", "nextval (s)", "NEXT VALUE FOR s", "next value/**/for s"] {
            assert!(may(text, &reading), "{text}");
        }
        for text in ["(a) VALUES (1,'value, valued','vV')", "v", "va", "value"] {
            assert!(!may(text, &reading), "{text}");
        }
        assert!(!may("o.\"f\"(1)", &reading));
        reading.ansi_quotes = true;
        assert!(may("o.\"f\"(1)", &reading));
    }
}

//! Cuts one statement into words, names, literals and signs, as the server that gets it reads it.
//!
//! Unlike the splitter this knows the server's version, because what stands in `/*!80000 … */` is
//! code for one server and nothing for another.

use std::borrow::Cow;

use memchr::memchr;

use super::charset::Charset;
use super::split::Dialect;
use super::{is_identifier, is_space};

/// How a statement is read: by which server, under which settings.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// Whose SQL it is.
    pub(crate) dialect: Dialect,
    /// The server's version as versioned comments write it: 90704 for 9.7.4, 101119 for 10.11.19.
    pub(crate) version: u32,
    /// The client character set.
    pub(crate) charset: Charset,
    /// Whether `ANSI_QUOTES` is in the SQL mode.
    pub(crate) ansi_quotes: bool,
    /// Whether `NO_BACKSLASH_ESCAPES` is in the SQL mode.
    pub(crate) no_backslash_escapes: bool,
}

impl Reading {
    /// Whether the server runs what stands in a versioned comment of this number.
    fn runs(&self, version: u32, of_mariadb: bool) -> bool {
        let mariadb = self.dialect == Dialect::MariaDb;
        // Numbers of MySQL 5.7 and later say nothing to MariaDB, whose own start at 100000.
        let foreign = mariadb && !of_mariadb && (50_700..=99_999).contains(&version);
        version <= self.version && !foreign
    }

    fn dollar_quotes(&self) -> bool {
        self.dialect == Dialect::MySql { dollar_quotes: true }
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A keyword or a bare name.
    Word,
    /// A name in backticks, or in double quotes under `ANSI_QUOTES`.
    Name,
    /// A string.
    Text,
    /// A number that begins with a digit.
    Number,
    /// Any other byte.
    Sign(u8),
}

/// A piece of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    /// Its bytes, quotes included.
    pub(crate) text: &'a [u8],
    /// Where it starts in the statement.
    pub(crate) at: usize,
}

impl Token<'_> {
    /// Where it ends.
    pub(crate) const fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// Whether it is this word, in any letter case and without quotes.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether it is one of these words.
    pub(crate) fn is_any(&self, words: &[&str]) -> bool {
        self.kind == TokenKind::Word && words.iter().any(|word| self.is(word))
    }

    pub(crate) fn is_sign(&self, sign: u8) -> bool {
        self.kind == TokenKind::Sign(sign)
    }

    /// Whether it can be the name of something: a word, a quoted name, or what starts with a
    /// digit, which is allowed behind a dot.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Name | TokenKind::Number)
    }

    /// The word in upper case; empty for anything else.
    pub(crate) fn upper(&self) -> String {
        match self.kind {
            TokenKind::Word => String::from_utf8_lossy(self.text).to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// The name or the text of a string, without its quotes. Escapes by backslash are resolved as
    /// far as names of accounts, databases and settings can hold them.
    pub(crate) fn value(&self) -> String {
        let inner = match (self.kind, self.text) {
            (TokenKind::Name | TokenKind::Text, [quote, inner @ ..]) if *quote != b'$' => {
                let inner = inner.strip_suffix(&[*quote]).unwrap_or(inner);
                undoubled(inner, *quote, self.kind == TokenKind::Text)
            }
            (_, text) => Cow::Borrowed(text),
        };
        String::from_utf8_lossy(&inner).into_owned()
    }
}

fn undoubled(inner: &[u8], quote: u8, escapes: bool) -> Cow<'_, [u8]> {
    if memchr::memchr2(quote, b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == quote || (escapes && byte == b'\\') {
            out.extend(bytes.next());
        } else {
            out.push(byte);
        }
    }
    Cow::Owned(out)
}

/// The tokens of a statement; comments and white space are passed over.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    text: &'a [u8],
    pos: usize,
    reading: &'a Reading,
    /// Inside a versioned comment that the server runs.
    conditional: bool,
    /// The comment that the server passes over last, although it holds code for others.
    passed: Option<&'a [u8]>,
}

impl<'a> Tokens<'a> {
    pub(crate) const fn new(text: &'a [u8], reading: &'a Reading) -> Self {
        Self { text, pos: 0, reading, conditional: false, passed: None }
    }

    /// The next token, which stays where it is.
    pub(crate) fn peek(&self) -> Option<Token<'a>> {
        self.clone().next()
    }

    /// The versioned comment that was passed over on the way to the last token, if any: code for
    /// other servers than this.
    pub(crate) const fn take_passed(&mut self) -> Option<&'a [u8]> {
        self.passed.take()
    }

    /// Takes the next token if it is this word.
    pub(crate) fn take_word(&mut self, word: &str) -> bool {
        self.take_if(|token| token.is(word)).is_some()
    }

    /// Takes the next token if it is this sign.
    pub(crate) fn take_sign(&mut self, sign: u8) -> bool {
        self.take_if(|token| token.is_sign(sign)).is_some()
    }

    pub(crate) fn take_if(&mut self, wanted: impl FnOnce(&Token<'a>) -> bool) -> Option<Token<'a>> {
        let mut ahead = self.clone();
        let token = ahead.next().filter(wanted)?;
        *self = ahead;
        Some(token)
    }

    /// How they are read.
    pub(crate) const fn reading(&self) -> &'a Reading {
        self.reading
    }

    /// What no token has been cut from yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            match rest {
                [byte, ..] if is_space(*byte) || *byte == 0 => self.pos += 1,
                [b'*', b'/', ..] if self.conditional => {
                    self.conditional = false;
                    self.pos += 2;
                }
                [b'#', ..] => self.skip_line(),
                [b'-', b'-'] => self.pos += 2,
                [b'-', b'-', next, ..] if is_space(*next) || next.is_ascii_control() => {
                    self.skip_line();
                }
                [b'/', b'*', ..] => self.skip_comment(rest),
                _ => return,
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.pos += memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    }

    /// Passes over a comment, or enters it where it is code for this server.
    fn skip_comment(&mut self, rest: &'a [u8]) {
        let (head, of_mariadb) = match rest {
            [b'/', b'*', b'!', ..] => (3, false),
            [b'/', b'*', b'M', b'!', ..] if self.reading.dialect == Dialect::MariaDb => (4, true),
            _ => {
                let body = rest.get(2..).unwrap_or_default();
                let end = memchr::memmem::find(body, b"*/").map_or(rest.len(), |end| end + 4);
                self.pos += end;
                return;
            }
        };
        let body = rest.get(head..).unwrap_or_default();
        let digits = body.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        // Fewer than five digits are no version but the start of the code.
        if digits < 5 {
            self.conditional = true;
            self.pos += head;
            return;
        }
        let version = body
            .iter()
            .take(digits)
            .fold(0, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0')));
        if self.reading.runs(version, of_mariadb) {
            self.conditional = true;
            self.pos += head + digits;
        } else {
            let length = head + passed_length(body);
            self.passed = rest.get(..length);
            self.pos += length;
        }
    }

    /// The length of the string or name that starts at the front of `rest`.
    fn quoted(&self, rest: &[u8], quote: u8, escapes: bool) -> usize {
        let charset = self.reading.charset;
        let mut pos = 1;
        loop {
            let tail = rest.get(pos..).unwrap_or_default();
            let found = if charset.is_ascii_safe() {
                if escapes { memchr::memchr2(quote, b'\\', tail) } else { memchr(quote, tail) }
            } else {
                tail.iter()
                    .position(|&byte| byte == quote || (escapes && byte == b'\\') || byte >= 0x80)
            };
            let Some(found) = found else { return rest.len() };
            pos += found;
            match rest.get(pos..).unwrap_or_default() {
                [byte, next, ..] if *byte == quote && *next == quote => pos += 2,
                [byte, ..] if *byte == quote => return pos + 1,
                [b'\\', ..] if escapes => pos += 2,
                wide => pos += charset.step(wide, true).unwrap_or(1),
            }
            if pos >= rest.len() {
                return rest.len();
            }
        }
    }

    /// The length of a `$tag$ … $tag$` string at the front of `rest`.
    fn dollar_quoted(&self, rest: &[u8]) -> Option<usize> {
        if rest.first() != Some(&b'$') || !self.reading.dollar_quotes() {
            return None;
        }
        let tag = rest.get(1..)?.iter().take_while(|&&byte| byte != b'$' && is_identifier(byte));
        let length = tag.count() + 2;
        let tag = rest.get(..length).filter(|tag| tag.ends_with(b"$"))?;
        let end = memchr::memmem::find(rest.get(length..)?, tag);
        Some(end.map_or(rest.len(), |end| length + end + length))
    }

    fn bare(&self, rest: &[u8]) -> usize {
        let mut length = 0;
        while let Some(&byte) = rest.get(length) {
            if !is_identifier(byte) {
                break;
            }
            length += self
                .reading
                .charset
                .step(rest.get(length..).unwrap_or_default(), true)
                .unwrap_or(1);
        }
        length.min(rest.len())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        let rest = self.rest();
        let &first = rest.first()?;
        let escapes = !self.reading.no_backslash_escapes;
        let (kind, length) = match first {
            b'`' => (TokenKind::Name, self.quoted(rest, b'`', false)),
            b'"' if self.reading.ansi_quotes => (TokenKind::Name, self.quoted(rest, b'"', false)),
            b'\'' | b'"' => (TokenKind::Text, self.quoted(rest, first, escapes)),
            byte if is_identifier(byte) => {
                if let Some(length) = self.dollar_quoted(rest) {
                    (TokenKind::Text, length)
                } else {
                    let length = self.bare(rest);
                    let word = rest.get(..length).unwrap_or_default();
                    (if is_number(word) { TokenKind::Number } else { TokenKind::Word }, length)
                }
            }
            byte => (TokenKind::Sign(byte), 1),
        };
        let at = self.pos;
        self.pos += length;
        Some(Token { kind, text: rest.get(..length).unwrap_or_default(), at })
    }
}

/// How much of a versioned comment, after its opening, a server passes over: up to its end, with
/// one level of comments inside.
fn passed_length(body: &[u8]) -> usize {
    let mut pos = 0;
    let mut inner = false;
    loop {
        let rest = body.get(pos..).unwrap_or_default();
        let Some(found) = memchr::memchr2(b'*', b'/', rest) else { return body.len() };
        pos += found;
        match body.get(pos..).unwrap_or_default() {
            [b'*', b'/', ..] if inner => {
                inner = false;
                pos += 2;
            }
            [b'*', b'/', ..] => return pos + 2,
            [b'/', b'*', ..] if !inner => {
                inner = true;
                pos += 2;
            }
            _ => pos += 1,
        }
    }
}

/// Whether a run of identifier bytes is a number: digits, an exponent, or `0x` and `0b` literals.
fn is_number(word: &[u8]) -> bool {
    match word {
        [b'0', b'x', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        [b'0', b'b', digits @ ..] => digits.iter().all(|digit| matches!(digit, b'0' | b'1')),
        _ => {
            let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, rest) = word.split_at(digits);
            let exponent = match rest {
                [] => true,
                [b'e' | b'E', power @ ..] => power.iter().all(u8::is_ascii_digit),
                _ => false,
            };
            !digits.is_empty() && exponent
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn mysql() -> Reading {
        Reading {
            dialect: Dialect::MySql { dollar_quotes: true },
            version: 90704,
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        }
    }

    fn mariadb() -> Reading {
        Reading { dialect: Dialect::MariaDb, version: 101_119, ..mysql() }
    }

    fn tokens(text: &str, reading: &Reading) -> String {
        let tokens = Tokens::new(text.as_bytes(), reading)
            .map(|token| String::from_utf8_lossy(token.text).into_owned());
        tokens.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn comments_are_passed_over_and_code_in_them_is_not() {
        for (text, expected) in [
            ("a/* x */b -- y\nc # z\nd--1", "a|b|c|d|-|-|1"),
            ("/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/", "CREATE|DEFINER|=|`a`|@|`b`"),
            ("/*!99999 DROP */ x", "x"),
            ("/*!999999 a /* ' */ b */ x", "x"),
            ("/*!80000 a */ /*!080000 b */ /*!100000 c */", "a|b"),
            ("/*! a /* b */ c */ d", "a|c|d"),
            ("/*!123 a */", "123|a"),
            ("/*M! a */ b", "b"),
            ("/*+ hint */ a", "a"),
            ("a */ b", "a|*|/|b"),
        ] {
            assert_eq!(tokens(text, &mysql()), expected, "{text}");
        }
        for (text, expected) in [
            ("/*M! a */ b", "a|b"),
            ("/*M!100300 a */ /*M!110000 b */", "a"),
            ("/*!50503 a */ /*!80000 b */ /*!100100 c */ /*!50700 d */", "a|c"),
            ("/*M!80000 a */", "a"),
        ] {
            assert_eq!(tokens(text, &mariadb()), expected, "{text}");
        }
    }

    #[test]
    fn quotes_are_read_under_the_mode_and_the_character_set() {
        assert_eq!(
            tokens(r#"'it''s \' x' "a\"" `a``\` y"#, &mysql()),
            r#"'it''s \' x'|"a\""|`a``\`|y"#
        );
        let strict = Reading { no_backslash_escapes: true, ansi_quotes: true, ..mysql() };
        assert_eq!(tokens(r#"'a\' "b\" c"#, &strict), r#"'a\'|"b\"|c"#);
        assert_eq!(Tokens::new(b"\"b\"", &strict).next().unwrap().kind, TokenKind::Name);
        let sjis = Reading { charset: Charset::Sjis, ..mysql() };
        let text = b"'\x83\\' x";
        assert_eq!(Tokens::new(text, &sjis).count(), 2);
        assert_eq!(Tokens::new(text, &mysql()).count(), 1);
        assert_eq!(tokens("$a$ ; ' $a$ b", &mysql()), "$a$ ; ' $a$|b");
        assert_eq!(tokens("$a$ b", &mariadb()), "$a$|b");
        assert_eq!(tokens("'open", &mysql()), "'open");
    }

    #[test]
    fn names_and_texts_lose_their_quotes() {
        let value = |text: &str| Tokens::new(text.as_bytes(), &mysql()).next().unwrap().value();
        assert_eq!(value("`a``b`"), "a`b");
        assert_eq!(value(r"'it''s \'x\' '"), "it's 'x' ");
        assert_eq!(value("`a\\b`"), "a\\b");
        assert_eq!(value("shop"), "shop");
    }

    #[test]
    fn numbers_are_told_from_names_that_begin_with_a_digit() {
        let kind = |text: &str| Tokens::new(text.as_bytes(), &mysql()).next().unwrap().kind;
        for number in ["1", "12e5", "0x1F", "0b01"] {
            assert_eq!(kind(number), TokenKind::Number, "{number}");
        }
        for word in ["1a", "e5", "x1", "_a", "é"] {
            assert_eq!(kind(word), TokenKind::Word, "{word}");
        }
    }
}

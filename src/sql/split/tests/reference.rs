//! A second lexer: slow, over the whole input at once, one token after the other. It shares
//! nothing with the first but the types of the answer.

use super::drive::Outcome;
use super::*;

const BLANK: &[u8] = b" \t\n\x0b\x0c\r";

struct Reference<'a> {
    options: SplitOptions,
    input: &'a [u8],
    delimiter: Vec<u8>,
    command: Option<Position>,
    /// The end of the last wide character of text.
    wide_end: usize,
}

/// One token of text.
enum Token {
    /// White space between statements, or a comment that nobody needs.
    Nothing(usize),
    /// Part of a statement, up to this offset.
    Code(usize),
    /// Part of a statement, after which the text is inside `/*!`, or is no longer.
    Executable(usize, bool),
    /// A delimiter, up to this offset.
    Delimiter(usize),
    /// A whole statement, up to the line feed at this offset.
    Use(usize),
    /// A whole `DELIMITER` command.
    Command(usize, Vec<u8>),
}

/// The script as the clients read it, minus what they get wrong.
pub(super) fn lex(options: &SplitOptions, input: &[u8]) -> Outcome {
    let mut reference = Reference {
        options: options.clone(),
        input,
        delimiter: b";".to_vec(),
        command: None,
        wide_end: 0,
    };
    let mut statements = Vec::new();
    let error = reference.run(&mut statements).err();
    Outcome { statements, error }
}

impl Reference<'_> {
    fn run(&mut self, statements: &mut Vec<(Vec<u8>, Position)>) -> Result<(), LexError> {
        if self.input.starts_with(b"\xFE\xFF") || self.input.starts_with(b"\xFF\xFE") {
            return Err(LexError::Utf16 { at: self.place(0) });
        }
        let mut here = if self.input.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
        let mut start = None;
        let mut executable = None;
        while here < self.input.len() {
            let token = match self.token(here, start, executable.is_some()) {
                Ok(token) => token,
                Err((place, error)) => {
                    let rest = &self.input[here..];
                    if b"'\"`$".contains(&rest[0]) || rest.starts_with(b"/*+") {
                        start = start.or(Some(here));
                    }
                    self.check_length(start, place)?;
                    return Err(error);
                }
            };
            let next = match token {
                Token::Nothing(next) => next,
                Token::Code(next) => {
                    start = start.or(Some(here));
                    if self.input[here] >= 0x80 && next - here > 1 {
                        self.wide_end = next;
                    }
                    next
                }
                Token::Executable(next, inside) => {
                    start = start.or(Some(here));
                    executable = inside.then_some(here);
                    next
                }
                Token::Delimiter(next) => {
                    self.check_length(start, here)?;
                    if let Some(start) = start.take() {
                        self.give(start, here, statements);
                    }
                    executable = None;
                    next
                }
                Token::Use(line_end) => {
                    self.check_length(Some(here), line_end)?;
                    self.give(here, line_end, statements);
                    line_end + 1
                }
                Token::Command(next, delimiter) => {
                    self.command = (delimiter != b";").then(|| self.place(here));
                    self.delimiter = delimiter;
                    next
                }
            };
            here = next;
        }
        self.check_length(start, here)?;
        let Some(start) = start else { return Ok(()) };
        if let Some(open) = executable {
            return Err(self.unclosed(open, Construct::Comment).1);
        }
        if let Some(set_at) = self.command {
            return Err(LexError::Undelimited {
                delimiter: show(&self.delimiter),
                set_at,
                at: self.place(start),
            });
        }
        self.give(start, here, statements);
        Ok(())
    }

    fn check_length(&self, start: Option<usize>, to: usize) -> Result<(), LexError> {
        let limit = self.options.max_statement_bytes;
        match start {
            Some(start) if to - start > limit => {
                Err(LexError::TooLarge { limit, at: self.place(start) })
            }
            _ => Ok(()),
        }
    }

    fn give(&mut self, start: usize, end: usize, statements: &mut Vec<(Vec<u8>, Position)>) {
        let mut text = self.input[start..end].to_vec();
        while BLANK.contains(text.last().unwrap()) {
            text.pop();
        }
        let options = &mut self.options;
        react(&text, |change| match change {
            Change::Backslash(set) => options.no_backslash_escapes = set,
            Change::Ansi(set) => options.ansi_quotes = set,
            Change::Charset(charset) => options.charset = charset,
        });
        statements.push((text, self.place(start)));
    }

    fn token(
        &self,
        here: usize,
        start: Option<usize>,
        executable: bool,
    ) -> Result<Token, (usize, LexError)> {
        let input = self.input;
        let byte = input[here];
        let end = input.len();
        if start.is_none() && self.is_command(here) {
            return self.command(here);
        }
        if start.is_none()
            && let Some(line_end) = self.use_line(here)
        {
            return Ok(Token::Use(line_end));
        }
        if input[here..].starts_with(&self.delimiter) {
            return Ok(Token::Delimiter(here + self.delimiter.len()));
        }
        if start.is_none() && BLANK.contains(&byte) {
            return Ok(Token::Nothing(here + 1));
        }
        if byte == b'\'' || byte == b'"' || byte == b'`' {
            return self.quoted(here).map(Token::Code);
        }
        let dashes = input[here..].starts_with(b"--")
            && (start.is_none()
                || here + 2 == end
                || input[here + 2] <= 32
                || input[here + 2] == 127);
        if byte == b'#' || dashes {
            let from = here + if dashes { 2 } else { 1 };
            return self.line(from).map(Token::Nothing);
        }
        if input[here..].starts_with(b"/*") {
            return self.slash(here);
        }
        if executable && input[here..].starts_with(b"*/") {
            return Ok(Token::Executable(here + 2, false));
        }
        if byte == b'\\' {
            let command = input.get(here + 1);
            return match command {
                Some(b'N') => Ok(Token::Code(here + 2)),
                Some(b'g' | b'G') => Ok(Token::Delimiter(here + 2)),
                Some(b'-') if start.is_none() => Ok(Token::Nothing(here + 2)),
                _ => Err((
                    here,
                    LexError::ClientCommand {
                        command: command
                            .filter(|&&byte| byte > 32 && byte < 127)
                            .map(|&byte| char::from(byte)),
                        at: self.place(here),
                    },
                )),
            };
        }
        if byte == 0 {
            return Err(self.nul(here));
        }
        if let Some(quote) = self.dollar_quote(here, start) {
            let mut close = here + quote.len();
            while close < end {
                if input[close..].starts_with(&quote) {
                    return Ok(Token::Code(close + quote.len()));
                }
                close += 1;
            }
            return Err(self.unclosed(here, Construct::DollarQuotes));
        }
        Ok(Token::Code(here + self.width(here)))
    }

    fn quoted(&self, open: usize) -> Result<usize, (usize, LexError)> {
        let quote = self.input[open];
        let (what, escapes) = match quote {
            b'\'' => (Construct::SingleQuotes, !self.options.no_backslash_escapes),
            b'"' => (
                Construct::DoubleQuotes,
                !self.options.no_backslash_escapes && !self.options.ansi_quotes,
            ),
            _ => (Construct::Backticks, false),
        };
        let mut here = open + 1;
        while here < self.input.len() {
            if self.input[here] == quote {
                return Ok(here + 1);
            }
            here += if escapes && self.input[here] == b'\\' { 2 } else { self.width(here) };
        }
        Err(self.unclosed(open, what))
    }

    fn line(&self, from: usize) -> Result<usize, (usize, LexError)> {
        for here in from..self.input.len() {
            match self.input[here] {
                b'\n' => return Ok(here + 1),
                0 => return Err(self.nul(here)),
                _ => {}
            }
        }
        Ok(self.input.len())
    }

    fn slash(&self, here: usize) -> Result<Token, (usize, LexError)> {
        let rest = &self.input[here..];
        let maria = self.options.dialect == Dialect::MariaDb;
        let body = if rest.starts_with(b"/*!") {
            3
        } else if maria && rest.starts_with(b"/*M!") {
            4
        } else {
            let end = self.block(here, 0)?;
            return Ok(if rest.starts_with(b"/*+") {
                Token::Code(end)
            } else {
                Token::Nothing(end)
            });
        };
        if rest[body..].starts_with(b"999999") {
            return self.block(here, 1).map(Token::Nothing);
        }
        let mut close = body;
        while close < rest.len() && close < body + 6 && rest[close].is_ascii_digit() {
            close += 1;
        }
        if rest[close..].starts_with(b"*/") || rest[close..].starts_with(b" */") {
            return self.block(here, 0).map(Token::Nothing);
        }
        Ok(Token::Executable(here + body, true))
    }

    fn block(&self, open: usize, levels: usize) -> Result<usize, (usize, LexError)> {
        let mut here = open + 2;
        let mut depth = 0;
        while here < self.input.len() {
            let rest = &self.input[here..];
            if rest.starts_with(b"*/") && depth == 0 {
                return Ok(here + 2);
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                here += 2;
            } else if rest.starts_with(b"/*") && depth < levels {
                depth += 1;
                here += 2;
            } else if rest[0] == 0 {
                return Err(self.nul(here));
            } else {
                here += 1;
            }
        }
        Err(self.unclosed(open, Construct::Comment))
    }

    fn dollar_quote(&self, here: usize, start: Option<usize>) -> Option<Vec<u8>> {
        let nine = Dialect::MySql { dollar_quotes: true };
        if self.options.dialect != nine || self.input[here] != b'$' {
            return None;
        }
        // Inside an identifier it is a letter. A wide character is a letter too, whatever its last
        // byte looks like.
        let in_statement = start.is_some_and(|start| start < here);
        if in_statement {
            let last = self.input[here - 1];
            let letter = last.is_ascii_alphanumeric() || last == b'_' || last == b'$';
            if letter || last >= 0x80 || self.wide_end == here {
                return None;
            }
        }
        let mut end = here + 1;
        while end < self.input.len() {
            let byte = self.input[end];
            if byte == b'$' {
                return Some(self.input[here..=end].to_vec());
            }
            if !byte.is_ascii_alphanumeric() && byte != b'_' && byte < 0x80 {
                return None;
            }
            end += self.width(end);
        }
        None
    }

    /// The end of a line that says `USE` and one name.
    fn use_line(&self, here: usize) -> Option<usize> {
        let rest = &self.input[here..];
        let len = rest.iter().position(|&byte| byte == b'\n')?;
        let line = &rest[..len];
        let words: Vec<&[u8]> = line.splitn(2, |byte| b" \t".contains(byte)).collect();
        let wide = !self.options.charset.is_ascii_safe() && !line.is_ascii();
        let ended = line.windows(self.delimiter.len()).any(|window| window == self.delimiter);
        if len >= 300 || words.len() < 2 || wide || ended || !words[0].eq_ignore_ascii_case(b"use")
        {
            return None;
        }
        let name = words[1].trim_ascii();
        let good = if name.len() > 2 && name[0] == b'`' && name[name.len() - 1] == b'`' {
            let mut inside = name[1..name.len() - 1].iter();
            loop {
                match inside.next() {
                    None => break true,
                    Some(0) => break false,
                    Some(b'`') if inside.next() != Some(&b'`') => break false,
                    Some(_) => {}
                }
            }
        } else {
            let letter =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"_$".contains(byte) || *byte >= 0x80;
            !name.is_empty() && name.iter().all(letter)
        };
        good.then_some(here + len)
    }

    fn is_command(&self, here: usize) -> bool {
        let rest = &self.input[here..];
        rest.len() >= 9
            && rest[..9].eq_ignore_ascii_case(b"DELIMITER")
            && (rest.len() == 9 || BLANK.contains(&rest[9]))
    }

    fn command(&self, here: usize) -> Result<Token, (usize, LexError)> {
        let fail = |fault| {
            let at = self.place(here);
            Err((here, LexError::Delimiter { fault, at }))
        };
        let line = self.input[here + 9..].split(|&byte| byte == b'\n').next().unwrap();
        let line_end = here + 9 + line.len();
        let mut words = line;
        while let [first, rest @ ..] = words {
            if !BLANK.contains(first) {
                break;
            }
            words = rest;
        }
        let (argument, used) = match words.first() {
            None => return fail(DelimiterFault::Missing),
            Some(quote) if b"'\"`".contains(quote) => {
                let parts: Vec<&[u8]> = words[1..].split(|byte| byte == quote).collect();
                if parts[0].len() > 15 {
                    return fail(DelimiterFault::TooLong);
                }
                if parts.len() < 2 {
                    return fail(DelimiterFault::Unclosed);
                }
                (parts[0], parts[0].len() + 2)
            }
            Some(_) => {
                let word = words.split(|byte| BLANK.contains(byte)).next().unwrap();
                (word, word.len())
            }
        };
        if argument.is_empty() {
            return fail(DelimiterFault::Missing);
        }
        if argument.len() > 15 {
            return fail(DelimiterFault::TooLong);
        }
        if argument.contains(&b'\\') {
            return fail(DelimiterFault::Backslash);
        }
        if argument.contains(&0) {
            return fail(DelimiterFault::Nul);
        }
        let next = self.line(line_end - words.len() + used)?;
        Ok(Token::Command(next, argument.to_vec()))
    }

    /// The bytes of the character at `here`, by the server's rules for each set.
    fn width(&self, here: usize) -> usize {
        let byte = |offset: usize| self.input.get(here + offset).copied().unwrap_or(0);
        let (a, b, c, d) = (byte(0), byte(1), byte(2), byte(3));
        let two = match self.options.charset {
            Charset::Utf8 | Charset::AsciiSafe => false,
            Charset::Sjis => {
                a > 0x80
                    && a <= 0xFC
                    && !(0xA0..0xE0).contains(&a)
                    && (0x40..=0xFC).contains(&b)
                    && b != 0x7F
            }
            Charset::Gbk | Charset::Gb18030 => {
                a > 0x80 && a < 0xFF && (0x40..0xFF).contains(&b) && b != 0x7F
            }
            Charset::Big5 => {
                a > 0xA0 && a < 0xFA && ((0x40..0x7F).contains(&b) || (0xA1..0xFF).contains(&b))
            }
            Charset::EucKr => {
                a > 0x80 && a < 0xFF && (b.is_ascii_alphabetic() || (0x81..0xFF).contains(&b))
            }
        };
        let four = self.options.charset == Charset::Gb18030
            && (0x81..0xFF).contains(&a)
            && b.is_ascii_digit()
            && (0x81..0xFF).contains(&c)
            && d.is_ascii_digit();
        if four {
            4
        } else if two {
            2
        } else {
            1
        }
    }

    fn unclosed(&self, open: usize, what: Construct) -> (usize, LexError) {
        let at = self.place(open);
        (self.input.len(), LexError::Unclosed { what, at })
    }

    fn nul(&self, here: usize) -> (usize, LexError) {
        (here, LexError::Nul { at: self.place(here) })
    }

    fn place(&self, byte: usize) -> Position {
        let lines = self.input[..byte].split(|&byte| byte == b'\n').count();
        at(lines as u64, byte as u64)
    }
}

//! The start of a statement, for messages: enough to find it again, and none of the data in it.

use super::statement::begins_like_sql;
use super::token::{Reading, TokenKind, Tokens};

/// How much of a statement is shown, in characters.
const EXCERPT_CHARS: usize = 200;

/// The start of a statement on one line. Strings are left out everywhere, numbers too where they
/// can be data, and rows as a whole; so are comments. Empty for what is no statement.
pub(crate) fn excerpt(text: &[u8], reading: &Reading) -> String {
    let mut shown = String::new();
    if !begins_like_sql(text) {
        return shown;
    }
    let mut tokens = Tokens::new(text, reading);
    let verb = tokens.peek().map(|token| token.upper()).unwrap_or_default();
    let defines = matches!(verb.as_str(), "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "RENAME");
    let has_rows = matches!(verb.as_str(), "INSERT" | "REPLACE");
    let mut end = 0;
    let mut chars = 0;
    for token in &mut tokens {
        if chars >= EXCERPT_CHARS {
            shown.push('…');
            break;
        }
        if end > 0 && token.at > end {
            shown.push(' ');
            chars += 1;
        }
        end = token.end();
        let piece = match token.kind {
            TokenKind::Text => "'…'".to_owned(),
            TokenKind::Number if !defines => "…".to_owned(),
            _ => crate::ident::one_line(&String::from_utf8_lossy(token.text)),
        };
        for c in piece.chars().take(EXCERPT_CHARS.saturating_sub(chars)) {
            shown.push(c);
            chars += 1;
        }
        if has_rows && token.is_any(&["VALUES", "VALUE", "SELECT", "SET"]) {
            shown.push_str(" …");
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::charset::Charset;
    use crate::sql::split::Dialect;

    #[test]
    fn an_excerpt_names_the_statement_and_shows_no_data() {
        let reading = Reading {
            dialect: Dialect::MariaDb,
            version: 101_119,
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        };
        let shown = |text: &str| excerpt(text.as_bytes(), &reading);
        for (text, expected) in [
            (
                "INSERT INTO `t` (a, b) VALUES\n(1,'secret'),(2,'x')",
                "INSERT INTO `t` (a, b) VALUES …",
            ),
            ("REPLACE t SET a = 'secret'", "REPLACE t SET …"),
            (
                "CREATE TABLE t (\n  a varchar(20) DEFAULT 'secret' -- secret\n)",
                "CREATE TABLE t ( a varchar(20) DEFAULT '…' )",
            ),
            ("UPDATE t SET a = 'secret', b = 17", "UPDATE t SET a = '…', b = …"),
            ("SELECT 0xABCD, x'41'", "SELECT …, x'…'"),
            ("secret, secret", ""),
            ("INSERT INTO t\nVALUES", "INSERT INTO t VALUES …"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        let long = shown(&format!("CREATE TABLE t (a{})", ", b".repeat(500)));
        assert_eq!(long.chars().count(), EXCERPT_CHARS + 1);
    }
}

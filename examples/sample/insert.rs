//! Literals, and multi-row INSERT statements of bounded size.

use std::fmt::Write as _;

/// A statement is sent when it is longer than this: well under every server's packet limit.
const FULL: usize = 512 << 10;

/// A growing `INSERT INTO … VALUES (…), (…)`.
pub(crate) struct Insert {
    head: String,
    sql: String,
    rows: u64,
}

impl Insert {
    pub(crate) fn into(table_and_columns: &str) -> Self {
        Self {
            head: format!("INSERT INTO {table_and_columns} VALUES "),
            sql: String::new(),
            rows: 0,
        }
    }

    /// Adds one row, given as its values with commas between them.
    pub(crate) fn push(&mut self, values: &str) {
        self.sql.push_str(if self.rows == 0 { "(" } else { ",\n(" });
        self.sql.push_str(values);
        self.sql.push(')');
        self.rows += 1;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sql.len() >= FULL
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The statement; what follows starts an empty one.
    pub(crate) fn take(&mut self) -> String {
        self.rows = 0;
        let values = std::mem::take(&mut self.sql);
        format!("{}{values}", self.head)
    }
}

/// A string literal, for a session whose `sql_mode` is empty.
pub(crate) fn text(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\0' => literal.push_str("\\0"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// A hexadecimal literal: bytes without a character set. Empty bytes are `x''`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut literal = String::with_capacity(bytes.len() * 2 + 3);
    literal.push_str("x'");
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(literal, "{byte:02X}");
    }
    literal.push('\'');
    literal
}

/// What `value` makes, or NULL.
pub(crate) fn optional(there: bool, value: impl FnOnce() -> String) -> String {
    if there { value() } else { String::from("NULL") }
}

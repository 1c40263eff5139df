//! Names in the character set of the client that made a program.

use crate::error::{Error, ErrorKind, Result};
use crate::server::{Session, string_literal};

/// The character set in which the text of a program or view has to be sent, unless it is Unicode's.
pub(super) fn other_than_utf8(client: &str) -> Option<&str> {
    Some(client).filter(|name| !name.starts_with("utf8"))
}

/// Whether a client of a character set reads a name as it stands. In `swe7` letters have taken the
/// places of some signs of ASCII.
pub(super) fn reads_alike(name: &str, charset: &str) -> bool {
    const LETTERS_OF_SWE7: &[u8] = b"@[\\]^`{|}~";
    let is_sign = |byte| !LETTERS_OF_SWE7.contains(&byte);
    name.is_ascii() && (charset != "swe7" || name.bytes().all(is_sign))
}

/// A quoted identifier in another character set. The server does it: it knows where a quote is half
/// a character. The quote is the byte 0x60, also in `swe7`, where that is a letter.
pub(super) async fn identifier(
    session: &mut Session,
    name: &str,
    charset: &str,
) -> Result<Vec<u8>> {
    let text = string_literal(name);
    let sql = format!(
        "SELECT CONCAT(_{charset} 0x60, REPLACE(CONVERT({text} USING {charset}), \
         _{charset} 0x60, _{charset} 0x6060), _{charset} 0x60), {}",
        is_kept(&text, charset)
    );
    let row = session.query_one(&sql).await?;
    if row.text(1)? != "1" {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "the name '{name}' in it cannot be written in {charset}, the character set of the \
                 client that made it: make it anew in utf8mb4, or leave it out"
            ),
        ));
    }
    Ok(row.bytes(0)?.unwrap_or_default().to_vec())
}

/// The SQL expression that is 1 where a text of Unicode survives in another character set.
pub(super) fn is_kept(text: &str, charset: &str) -> String {
    format!(
        "CONVERT(CONVERT({text} USING {charset}) USING utf8mb4) COLLATE utf8mb4_bin = \
         CONVERT({text} USING utf8mb4)"
    )
}

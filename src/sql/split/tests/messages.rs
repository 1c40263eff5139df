//! What errors say.

use super::failures::*;
use super::*;

#[test]
fn messages_say_where_and_what_to_do() {
    let messages: Vec<String> = [
        unclosed(Construct::SingleQuotes, 3, 41),
        command('!', 1, 0),
        command(None, 1, 0),
        delimiter(DelimiterFault::TooLong, 2, 9),
        left(";;", at(1, 0), at(2, 13)),
        too_large(1024, 7, 99),
    ]
    .iter()
    .map(LexError::to_string)
    .collect();
    assert_eq!(
        messages,
        [
            "the single-quoted string opened at line 3, byte 41 is still open at the end; the script is cut off, or its quoting does not fit the SQL mode",
            "\\! at line 1, byte 0 is a client command, which is never run; remove it",
            "a backslash at line 1, byte 0 is a client command, which is never run; remove it",
            "delimiter command at line 2, byte 9 cannot be used: its argument is longer than 15 bytes",
            "the statement at line 2, byte 13 is not ended by the delimiter ;; set at line 1, byte 0; the script is cut off or lacks it at its end",
            "the statement at line 7, byte 99 is longer than 1024 bytes; raise the limit if it is meant to be",
        ]
    );
}

#[test]
fn an_error_knows_its_place() {
    assert_eq!(nul(3, 9).position(), at(3, 9));
    assert_eq!(left("x", at(1, 0), at(2, 5)).position(), at(2, 5));
}

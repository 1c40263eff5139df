//! JSON documents as `MySQL` prints them, as far as their text does not say what they hold.
//!
//! The server keeps dates, times, exact decimals and binary strings in a document as such, but
//! prints them like strings and doubles. Read back, they are strings and doubles. It also keeps
//! unsigned integers apart from signed ones, and prints both alike.

use std::fmt::{self, Write as _};

/// What the text of a document may hide: only the server can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// A value that may be of another type than its text says, as a string that looks like a printed
    /// date.
    pub(crate) type_: bool,
    /// An integer that would be read as a signed one and may be unsigned.
    pub(crate) sign: bool,
}

/// Looks for what the text of a document may hide.
pub(crate) fn hidden(document: &[u8]) -> Hidden {
    let mut hidden = Hidden::default();
    let mut rest = document;
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b'"' => {
                let length = string_length(after);
                hidden.type_ |= is_like_printed_type(after.get(..length).unwrap_or_default());
                rest = after.get(length + 1..).unwrap_or_default();
            }
            b'-' | b'0'..=b'9' => {
                let in_number =
                    |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e');
                let length = rest.iter().take_while(|byte| in_number(byte)).count();
                let (number, behind) = rest.split_at(length);
                if is_small_natural(number) {
                    hidden.sign = true;
                } else {
                    hidden.type_ |= is_decimal(number);
                }
                rest = behind;
            }
            _ => rest = after,
        }
    }
    hidden
}

/// Whether a number is an integer that both kinds of integers can hold.
fn is_small_natural(number: &[u8]) -> bool {
    const DIGITS_OF_MAX: usize = 19;
    number.iter().all(u8::is_ascii_digit)
        && (number.len() < DIGITS_OF_MAX
            || std::str::from_utf8(number).is_ok_and(|text| text.parse::<i64>().is_ok()))
}

/// The length of a string up to the quote that ends it.
fn string_length(text: &[u8]) -> usize {
    let mut start = 0;
    while let Some(at) = text.get(start..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        let at = start + at;
        if text.get(at) == Some(&b'"') {
            return at;
        }
        start = at + 2;
    }
    text.len()
}

/// Whether a string has the form in which the server prints a DATE, DATETIME, TIME or BLOB.
fn is_like_printed_type(text: &[u8]) -> bool {
    const DATE: &[u8] = b"dddd-dd-dd";
    const TIME: &[u8] = b":dd:dd.dddddd";
    if text.starts_with(b"base64:type") {
        return true;
    }
    if has_form(text.get(..DATE.len()), DATE) {
        return match text.get(DATE.len()..) {
            Some([]) => true,
            Some([b' ', time @ ..]) => has_form(time.get(2..), TIME),
            _ => false,
        };
    }
    let time = text.strip_prefix(b"-").unwrap_or(text);
    let hours = time.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (2..=3).contains(&hours) && has_form(time.get(hours..), TIME)
}

/// Whether the text is as long as `form`, and has digits where that has `d`.
fn has_form(text: Option<&[u8]>, form: &[u8]) -> bool {
    text.is_some_and(|text| {
        text.len() == form.len()
            && text.iter().zip(form).all(|(byte, wanted)| {
                if *wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted }
            })
    })
}

/// Whether a number is printed otherwise than the server prints an integer or a double: so it
/// prints nothing but exact decimals.
fn is_decimal(number: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return true };
    if text.contains('e') {
        return false;
    }
    let Some((_, fraction)) = text.split_once('.') else {
        return text.parse::<i64>().is_err() && text.parse::<u64>().is_err();
    };
    let Ok(double) = text.parse::<f64>() else { return true };
    // Most doubles are printed by the shortest digits, without an exponent and with one zero behind
    // the point of a whole one.
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format(double);
    if !shortest.contains('e') {
        return shortest != text;
    }
    let plain = if fraction == "0" { text.trim_end_matches(".0") } else { text };
    !is_printed_as(double, plain)
}

/// Whether this is how a double is printed without an exponent; without making a string of it.
fn is_printed_as(double: f64, text: &str) -> bool {
    struct Rest<'a>(&'a str);

    impl fmt::Write for Rest<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let mut rest = Rest(text);
    write!(rest, "{double}").is_ok() && rest.0.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_text_shows_hides_nothing() {
        for document in [
            "null",
            "[-1, 18446744073709551615, -9223372036854775808, 9223372036854775808]",
            "[1.5, 1.0, -0.0, 1e35, 1.7976931348623157e308, 0.1, -0.00001]",
            "[10000000000000000.0, 123456789012345680000.0, 0.0000012, -0.000000000000001]",
            r#"{"a": "2023-01-01T10:00:00", "b": "10:00", "c": "2023-1-1", "d": "say \"1.10\""}"#,
            r#""2023-01-01 10:00:00""#,
            r#"{"1.10": true}"#,
        ] {
            assert_eq!(hidden(document.as_bytes()), Hidden::default(), "{document}");
        }
    }

    #[test]
    fn what_may_be_a_date_a_time_a_decimal_or_bytes_is_found() {
        for document in [
            r#""2023-01-01""#,
            r#"{"a": [1, {"b": "2023-01-01 10:00:00.000000"}]}"#,
            r#""10:00:00.000000""#,
            r#"["-838:59:59.000000"]"#,
            r#""base64:type15:AP8=""#,
            r#"{"x\\": "0000-00-00"}"#,
            "1.10",
            "[0.10]",
            "99999999999999999999999999999999999.5",
            "10000000000000000.00",
            "123456789012345678901.0",
            "0.00000120",
            "0.000000000000001000000000000000001",
            "18446744073709551616",
        ] {
            assert!(hidden(document.as_bytes()).type_, "{document}");
        }
        // No document at all ends too.
        assert_eq!(hidden(b"\"abc\\"), Hidden::default());
    }

    #[test]
    fn an_integer_may_be_unsigned() {
        for document in ["0", r#"{"a": [1.5, {"b": 9223372036854775807}]}"#] {
            assert_eq!(hidden(document.as_bytes()), Hidden { type_: false, sign: true });
        }
        assert_eq!(hidden(br#"["5", 5, "2023-01-01"]"#), Hidden { type_: true, sign: true });
    }
}

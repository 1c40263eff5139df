//! JSON documents as `MySQL` prints them, as far as their text does not say what they hold.
//!
//! The server keeps dates, times, exact decimals and binary strings in a document as such, but
//! prints them like strings and doubles. Read back, they are strings and doubles.

/// Whether a value in the document may be of a type that its text does not show. A string that
/// looks like a printed date is one such: only the server can tell.
pub(crate) fn may_hide_a_type(document: &[u8]) -> bool {
    let mut rest = document;
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b'"' => {
                let length = string_length(after);
                if is_like_printed_type(after.get(..length).unwrap_or_default()) {
                    return true;
                }
                rest = after.get(length + 1..).unwrap_or_default();
            }
            b'-' | b'0'..=b'9' => {
                let in_number =
                    |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e');
                let length = rest.iter().take_while(|byte| in_number(byte)).count();
                let (number, behind) = rest.split_at(length);
                if is_decimal(number) {
                    return true;
                }
                rest = behind;
            }
            _ => rest = after,
        }
    }
    false
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
    // A whole double is printed with one zero behind its point.
    let shortest = text.parse::<f64>().map(|double| double.to_string());
    let plain = if fraction == "0" { text.trim_end_matches(".0") } else { text };
    shortest.as_deref() != Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_text_shows_hides_nothing() {
        for document in [
            "null",
            "[1, -1, 18446744073709551615, -9223372036854775808]",
            "[1.5, 1.0, -0.0, 1e35, 1.7976931348623157e308, 0.1, -0.00001]",
            r#"{"a": "2023-01-01T10:00:00", "b": "10:00", "c": "2023-1-1", "d": "say \"1.10\""}"#,
            r#""2023-01-01 10:00:00""#,
            r#"{"1.10": true}"#,
        ] {
            assert!(!may_hide_a_type(document.as_bytes()), "{document}");
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
            "18446744073709551616",
        ] {
            assert!(may_hide_a_type(document.as_bytes()), "{document}");
        }
        // No document at all ends too.
        assert!(!may_hide_a_type(b"\"abc\\"));
    }
}

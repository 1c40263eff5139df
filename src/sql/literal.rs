//! Values as SQL literals, appended to a buffer.
//!
//! What is written here is read by the server under a `sql_mode` without `NO_BACKSLASH_ESCAPES`
//! and with `utf8mb4` as client character set; the start of every dump sets both. The escapes
//! are those of the manual's String Literals page.

use std::io::Write as _;

use memchr::memchr_iter;

/// What a byte becomes inside a quoted string; 0 where it stays as it is.
///
/// Line breaks are escaped too, although the server would take them: stock clients fold CR LF
/// inside strings, and a row then stays on its line.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const ESCAPES: [u8; 256] = {
    let mut table = [0u8; 256];
    table[0x00] = b'0';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[0x1a] = b'Z';
    table[b'\'' as usize] = b'\'';
    table[b'\\' as usize] = b'\\';
    table
};

const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Two hexadecimal digits for each byte.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const HEX: [[u8; 2]; 256] = {
    let mut table = [[0u8; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [HEX_DIGITS[byte >> 4], HEX_DIGITS[byte & 15]];
        byte += 1;
    }
    table
};

/// Two decimal digits for each number below 100.
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler"
)]
const PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0u8; 2]; 100];
    let mut number = 0;
    while number < 100 {
        table[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    table
};

/// Appends `'text'`, escaped.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len().saturating_add(2));
    out.push(b'\'');
    let mut rest = text;
    // Most cells need no escape at all, so whole runs are copied at once.
    while let Some(at) = next_special(rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let Some((&byte, after)) = special.split_first() {
            out.extend_from_slice(&[b'\\', escape_of(byte)]);
            rest = after;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'\'');
}

/// Where the first byte stands that has to be escaped.
fn next_special(text: &[u8]) -> Option<usize> {
    let mut passed = 0;
    // The compiler makes vector instructions of this: no byte of a block decides by itself.
    for block in text.as_chunks::<16>().0 {
        let special = block.iter().fold(0, |any, &byte| {
            let is = |other| u8::from(byte == other);
            any | is(0) | is(b'\n') | is(b'\r') | is(0x1a) | is(b'\'') | is(b'\\')
        });
        if special != 0 {
            break;
        }
        passed += block.len();
    }
    let rest = text.get(passed..).unwrap_or_default();
    rest.iter().position(|&byte| escape_of(byte) != 0).map(|at| passed + at)
}

#[expect(clippy::indexing_slicing, reason = "a byte is always below 256")]
const fn escape_of(byte: u8) -> u8 {
    ESCAPES[byte as usize]
}

/// Appends `0x…`, or `''` for no bytes, because `0x` alone is no literal.
pub(crate) fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.is_empty() {
        out.extend_from_slice(b"''");
        return;
    }
    out.extend_from_slice(b"0x");
    let start = out.len();
    out.resize(start.saturating_add(bytes.len().saturating_mul(2)), 0);
    let digits = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>().0;
    for (digits, &byte) in digits.iter_mut().zip(bytes) {
        #[expect(clippy::indexing_slicing, reason = "a byte is always below 256")]
        {
            *digits = HEX[usize::from(byte)];
        }
    }
}

/// Appends an integer.
pub(crate) fn push_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a DOUBLE as the shortest text that reads back to the same bits.
///
/// Returns `false`, with nothing appended, for values that SQL has no literal for (NaN and the
/// infinities; no server stores them).
pub(crate) fn push_double(out: &mut Vec<u8>, value: f64) -> bool {
    if !value.is_finite() {
        return false;
    }
    if value == 0.0 {
        // `-0.0` would be a DECIMAL literal, which has no negative zero.
        out.extend_from_slice(if value.is_sign_negative() { b"-0e0" } else { b"0" });
        return true;
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    true
}

/// Appends a FLOAT as the shortest text that the server reads back to the same bits.
///
/// The server parses the text as a double and then rounds it to a float. Rounding twice can miss
/// the float whose own shortest text it was; then the double that equals it exactly is printed.
/// So it is when the text lies above the largest float: the server would cut it, with a warning.
pub(crate) fn push_float(out: &mut Vec<u8>, value: f32) -> bool {
    if !value.is_finite() {
        return false;
    }
    if value == 0.0 {
        return push_double(out, f64::from(value));
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    #[expect(clippy::cast_possible_truncation, reason = "the server's own rounding, on purpose")]
    let survives = text.parse::<f64>().is_ok_and(|double| {
        double.abs() <= f64::from(f32::MAX) && (double as f32).to_bits() == value.to_bits()
    });
    if !survives {
        return push_double(out, f64::from(value));
    }
    out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    true
}

/// A calendar date and a time of day as the protocol carries them. Every part may be zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DateParts {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    pub(crate) microsecond: u32,
}

/// Appends `'YYYY-MM-DD'`.
pub(crate) fn push_date(out: &mut Vec<u8>, date: &DateParts) {
    out.push(b'\'');
    push_calendar(out, date);
    out.push(b'\'');
}

/// Appends `'YYYY-MM-DD hh:mm:ss[.f…]'` with `digits` fraction digits (0 to 6).
pub(crate) fn push_datetime(out: &mut Vec<u8>, date: &DateParts, digits: u8) {
    out.push(b'\'');
    push_calendar(out, date);
    out.push(b' ');
    push_padded(out, u32::from(date.hour), 2);
    out.push(b':');
    push_padded(out, u32::from(date.minute), 2);
    out.push(b':');
    push_padded(out, u32::from(date.second), 2);
    push_fraction(out, date.microsecond, digits);
    out.push(b'\'');
}

/// Appends `'[-]hhh:mm:ss[.f…]'`; a TIME spans ±838 hours.
pub(crate) fn push_time(
    out: &mut Vec<u8>,
    negative: bool,
    days: u32,
    time: &DateParts,
    digits: u8,
) {
    out.push(b'\'');
    if negative {
        out.push(b'-');
    }
    push_padded(out, days.saturating_mul(24).saturating_add(u32::from(time.hour)), 2);
    out.push(b':');
    push_padded(out, u32::from(time.minute), 2);
    out.push(b':');
    push_padded(out, u32::from(time.second), 2);
    push_fraction(out, time.microsecond, digits);
    out.push(b'\'');
}

fn push_calendar(out: &mut Vec<u8>, date: &DateParts) {
    push_padded(out, u32::from(date.year), 4);
    out.push(b'-');
    push_padded(out, u32::from(date.month), 2);
    out.push(b'-');
    push_padded(out, u32::from(date.day), 2);
}

fn push_fraction(out: &mut Vec<u8>, microsecond: u32, digits: u8) {
    let digits = digits.min(6);
    if digits > 0 {
        out.push(b'.');
        push_padded(out, microsecond / 10u32.pow(u32::from(6 - digits)), usize::from(digits));
    }
}

fn push_padded(out: &mut Vec<u8>, value: u32, width: usize) {
    // Nearly all that is printed here is pairs of digits.
    let pair = |value: u32| PAIRS.get(usize::try_from(value).unwrap_or(usize::MAX));
    match (width, pair(value), pair(value / 100), pair(value / 10_000)) {
        (2, Some(only), ..) => return out.extend_from_slice(only),
        (4, _, Some(first), _) => {
            out.extend_from_slice(first);
            return push_padded(out, value % 100, 2);
        }
        (6, _, _, Some(first)) => {
            out.extend_from_slice(first);
            return push_padded(out, value % 10_000, 4);
        }
        _ => {}
    }
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(value).as_bytes();
    for _ in text.len()..width {
        out.push(b'0');
    }
    out.extend_from_slice(text);
}

/// Appends text as SQL comment lines (`-- text`): a line break inside it starts a new comment
/// line, so that nothing of it can become a statement (CVE-2016-5483).
pub(crate) fn push_comment(out: &mut Vec<u8>, text: &[u8]) {
    let mut start = 0;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        out.extend_from_slice(b"-- ");
        for &byte in text.get(start..end).unwrap_or_default() {
            // A lone CR ends a line for some readers; NUL stops some clients.
            out.push(if matches!(byte, b'\r' | 0) { b' ' } else { byte });
        }
        out.push(b'\n');
        start = end.saturating_add(1);
    }
}

/// Appends formatted text. Writing to a vector cannot fail.
pub(crate) fn push_fmt(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a vector takes any bytes");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_of(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// S12.
    #[test]
    fn strings_escape_what_clients_and_servers_trip_over() {
        let text = text_of(|out| push_string(out, b"a'b\\c\0d\ne\rf\x1ag\"h"));
        assert_eq!(text, r#"'a\'b\\c\0d\ne\rf\Zg"h'"#);
        assert_eq!(text_of(|out| push_string(out, b"")), "''");
    }

    /// S11.
    #[test]
    fn no_bytes_are_an_empty_string_not_null() {
        assert_eq!(text_of(|out| push_hex(out, b"")), "''");
        assert_eq!(text_of(|out| push_hex(out, b"\x00\xff\x1a")), "0x00FF1A");
    }

    /// S11.
    #[test]
    fn zero_and_whole_doubles() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0e0"),
            (1.0, "1"),
            (16_777_216.0, "16777216"),
            (1e16, "1e16"),
            (0.1, "0.1"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(text_of(|out| assert!(push_double(out, value))), text);
        }
    }

    /// S11.
    #[test]
    fn the_largest_float_is_not_exceeded() {
        let text = text_of(|out| assert!(push_float(out, f32::MAX)));
        assert_eq!(text, "3.4028234663852886e38");
        assert!(text.parse::<f64>().unwrap() <= f64::from(f32::MAX));
    }

    /// S13.
    #[test]
    fn what_sql_cannot_write_is_refused() {
        let mut out = Vec::new();
        assert!(!push_double(&mut out, f64::NAN));
        assert!(!push_double(&mut out, f64::NEG_INFINITY));
        assert!(!push_float(&mut out, f32::INFINITY));
        assert!(out.is_empty());
    }

    /// S11.
    #[test]
    fn dates_and_times_keep_zero_parts_and_fractions() {
        let zero = DateParts::default();
        assert_eq!(text_of(|out| push_date(out, &zero)), "'0000-00-00'");
        let moment = DateParts {
            year: 2026,
            month: 3,
            day: 0,
            hour: 7,
            minute: 8,
            second: 9,
            microsecond: 120_000,
        };
        assert_eq!(text_of(|out| push_datetime(out, &moment, 0)), "'2026-03-00 07:08:09'");
        assert_eq!(text_of(|out| push_datetime(out, &moment, 2)), "'2026-03-00 07:08:09.12'");
        let longest = DateParts { hour: 22, minute: 59, second: 59, microsecond: 999_999, ..zero };
        let text = text_of(|out| push_time(out, true, 34, &longest, 6));
        assert_eq!(text, "'-838:59:59.999999'");
    }

    #[test]
    fn numbers_are_padded_and_never_cut() {
        for (value, width, text) in [
            (0, 2, "00"),
            (7, 2, "07"),
            (99, 2, "99"),
            (100, 2, "100"),
            (838, 2, "838"),
            (7, 4, "0007"),
            (9999, 4, "9999"),
            (10_000, 4, "10000"),
            (1, 6, "000001"),
            (120_045, 6, "120045"),
            (1_000_000, 6, "1000000"),
            (12, 3, "012"),
            (4, 1, "4"),
        ] {
            assert_eq!(text_of(|out| push_padded(out, value, width)), text);
        }
    }

    /// S4.
    #[test]
    fn a_line_break_in_a_comment_stays_a_comment() {
        let text = text_of(|out| push_comment(out, b"a\nDROP TABLE x;\rb\0c"));
        assert_eq!(text, "-- a\n-- DROP TABLE x; b c\n");
    }

    proptest! {
        /// S11.
        #[test]
        fn every_double_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = text_of(|out| { push_double(out, value); });
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
        }

        /// S11.
        #[test]
        fn every_float_reads_back_through_a_double(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = text_of(|out| { push_float(out, value); });
            #[expect(clippy::cast_possible_truncation, reason = "the server's own rounding")]
            let back = text.parse::<f64>().unwrap() as f32;
            prop_assert_eq!(back.to_bits(), bits);
        }

        /// S12.
        #[test]
        fn a_string_literal_has_no_bare_quote_or_line_break(
            bytes: Vec<u8>,
            plain in 0usize..70,
        ) {
            // Long runs without anything special, too.
            let bytes = [vec![b'x'; plain], bytes, vec![b'y'; plain]].concat();
            let mut out = Vec::new();
            push_string(&mut out, &bytes);
            let inside = &out[1..out.len() - 1];
            let mut back = Vec::new();
            let mut rest = inside.iter();
            while let Some(&byte) = rest.next() {
                prop_assert!(!matches!(byte, b'\'' | b'\n' | b'\r' | 0));
                back.push(if byte == b'\\' {
                    match rest.next().unwrap() {
                        b'0' => 0,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b'Z' => 0x1a,
                        &other => other,
                    }
                } else {
                    byte
                });
            }
            prop_assert_eq!(back, bytes);
        }
    }
}

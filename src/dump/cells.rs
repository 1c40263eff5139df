//! A value of a row as a literal.

use mysql_async::Value;

use crate::server::{Charset, ColumnKind};
use crate::sql::literal::{
    DateParts, push_date, push_datetime, push_double, push_float, push_hex, push_integer,
    push_string, push_time,
};

/// Appends a value of a row as a literal; what is wrong with it, if it is none of its column's kind.
/// `packet_bytes` is what a statement may not exceed.
pub(super) fn push_value(
    out: &mut Vec<u8>,
    kind: &ColumnKind,
    value: &Value,
    packet_bytes: usize,
) -> Result<(), &'static str> {
    match (kind, value) {
        (_, Value::NULL) => out.extend_from_slice(b"NULL"),
        (ColumnKind::Integer | ColumnKind::Year | ColumnKind::MemberNumber, Value::Int(number)) => {
            push_integer(out, *number);
        }
        (
            ColumnKind::Integer | ColumnKind::Year | ColumnKind::MemberNumber,
            Value::UInt(number),
        ) => push_integer(out, *number),
        (
            ColumnKind::Integer | ColumnKind::Year | ColumnKind::MemberNumber,
            Value::Bytes(digits),
        ) => push_digits(out, digits)?,
        (ColumnKind::Date | ColumnKind::DateTime(_) | ColumnKind::Time(_), Value::Bytes(text)) => {
            push_moment(out, text)?;
        }
        (ColumnKind::Decimal, Value::Bytes(digits)) => {
            let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
            if digits.is_empty() || !digits.iter().all(plain) {
                return Err("a decimal that is not one");
            }
            out.extend_from_slice(digits);
        }
        (ColumnKind::Float, Value::Float(number)) => {
            if !push_float(out, *number) {
                return Err("a float that SQL cannot write");
            }
        }
        (ColumnKind::Double, Value::Double(number)) => {
            if !push_double(out, *number) {
                return Err("a double that SQL cannot write");
            }
        }
        (ColumnKind::Vector { empty_by_default: true }, Value::Bytes(bytes))
            if bytes.is_empty() =>
        {
            out.extend_from_slice(b"DEFAULT");
        }
        (ColumnKind::Binary | ColumnKind::Vector { .. }, Value::Bytes(bytes)) => {
            push_bytes(out, bytes, packet_bytes);
        }
        (ColumnKind::Json, Value::Bytes(bytes)) => push_text(out, &Charset::Utf8, bytes),
        (ColumnKind::Text(charset), Value::Bytes(bytes)) => push_text(out, charset, bytes),
        (ColumnKind::Ascii, Value::Bytes(bytes)) => push_string(out, bytes),
        (ColumnKind::Date, Value::Date(..)) => push_date(out, &date_parts(value)),
        (ColumnKind::DateTime(digits), Value::Date(..)) => {
            push_datetime(out, &date_parts(value), *digits);
        }
        (ColumnKind::Time(digits), &Value::Time(negative, days, hour, minute, second, us)) => {
            let time = DateParts { hour, minute, second, microsecond: us, ..Default::default() };
            push_time(out, negative, days, &time, *digits);
        }
        _ => return Err("a value of another type than the catalogue says"),
    }
    Ok(())
}

/// Hexadecimal doubles the size, so where that would not fit into a packet the bytes are
/// written as an escaped string.
fn push_bytes(out: &mut Vec<u8>, bytes: &[u8], packet_bytes: usize) {
    if bytes.len() < packet_bytes / 4 {
        push_hex(out, bytes);
    } else {
        out.extend_from_slice(b"_binary ");
        push_string(out, bytes);
    }
}

/// Text arrives in the bytes that are stored. Where those mean the same in utf8mb4 they are
/// written as they are; otherwise in their own character set, in hexadecimal.
fn push_text(out: &mut Vec<u8>, charset: &Charset, bytes: &[u8]) {
    let (plain, introducer) = match charset {
        Charset::Utf8 => (std::str::from_utf8(bytes).is_ok(), None),
        Charset::AsciiSuperset(name) => (bytes.is_ascii(), Some(name)),
        Charset::Other(name) => (bytes.is_empty(), Some(name)),
    };
    if plain {
        return push_string(out, bytes);
    }
    if let Some(name) = introducer {
        out.push(b'_');
        out.extend_from_slice(name.as_bytes());
        out.push(b' ');
    }
    push_hex(out, bytes);
}

/// An integer of the text protocol, which pads those of a ZEROFILL column.
fn push_digits(out: &mut Vec<u8>, text: &[u8]) -> Result<(), &'static str> {
    let (sign, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (&b"-"[..], digits),
        None => (&b""[..], text),
    };
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    let zeros = zeros.min(digits.len().saturating_sub(1));
    let digits = digits.get(zeros..).unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err("an integer that is none");
    }
    out.extend_from_slice(sign);
    out.extend_from_slice(digits);
    Ok(())
}

/// A date, a time or both, which the text protocol has as the literals do.
fn push_moment(out: &mut Vec<u8>, text: &[u8]) -> Result<(), &'static str> {
    let plain = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b' ');
    if text.is_empty() || !text.iter().all(plain) {
        return Err("a time that is none");
    }
    push_string(out, text);
    Ok(())
}

fn date_parts(value: &Value) -> DateParts {
    match *value {
        Value::Date(year, month, day, hour, minute, second, microsecond) => {
            DateParts { year, month, day, hour, minute, second, microsecond }
        }
        _ => DateParts::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S13.
    #[test]
    fn a_number_that_is_none_ends_the_dump() {
        for (kind, value) in [
            (ColumnKind::Double, Value::Double(f64::NAN)),
            (ColumnKind::Double, Value::Double(f64::INFINITY)),
            (ColumnKind::Float, Value::Float(f32::NEG_INFINITY)),
            // As the text protocol could have them.
            (ColumnKind::Integer, Value::Bytes(b"".to_vec())),
            (ColumnKind::Integer, Value::Bytes(b"-".to_vec())),
            (ColumnKind::Year, Value::Bytes(b"1); DROP TABLE t".to_vec())),
            (ColumnKind::Date, Value::Bytes(b"".to_vec())),
            (ColumnKind::Time(0), Value::Bytes(b"01:02:03'".to_vec())),
            (ColumnKind::DateTime(3), Value::Bytes(b"now".to_vec())),
        ] {
            push_value(&mut Vec::new(), &kind, &value, usize::MAX).unwrap_err();
        }
        for (text, literal) in [("00042", "42"), ("0000", "0"), ("-007", "-7"), ("10", "10")] {
            let mut out = Vec::new();
            let value = Value::Bytes(text.as_bytes().to_vec());
            push_value(&mut out, &ColumnKind::Integer, &value, usize::MAX).unwrap();
            assert_eq!(out, literal.as_bytes());
        }
    }
}

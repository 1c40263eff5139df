//! What the fuzz targets and the benches need of private modules. Not part of the API: it changes
//! without notice.

use std::io::{self, Read as _};
use std::path::Path;

use crate::archive::{Compression, INFLATION_LIMIT, SqlReader};
pub use crate::dump::printed_rows::PrintedRows;
use crate::error::Result;
use crate::sql::literal;

/// A file's text, inflated where it is compressed, in the pieces in which a restore reads it.
///
/// # Errors
/// When the file cannot be read, or its compressed data is damaged.
pub fn read_script(path: &Path, mut piece: impl FnMut(&[u8])) -> io::Result<()> {
    let mut reader = SqlReader::open(path, INFLATION_LIMIT)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            read => piece(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// The stored bytes of one member with this text.
///
/// # Errors
/// When the text cannot be compressed.
pub fn pack_member(text: Vec<u8>, compression: Compression) -> Result<Vec<u8>> {
    Ok(crate::archive::Packer::new(compression).pack(text)?.bytes)
}

/// A value to be written as a literal.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Text, in quotes.
    Text(&'a [u8]),
    /// Bytes, in hexadecimal.
    Bytes(&'a [u8]),
    /// An integer.
    Integer(i64),
    /// A DOUBLE.
    Double(f64),
    /// A FLOAT.
    Float(f32),
    /// A DATETIME(6): year, month, day, hour, minute, second, microsecond.
    DateTime(u16, [u8; 5], u32),
}

/// Appends the literal of a value. Returns `false`, with nothing appended, when SQL has none for it.
pub fn push_literal(out: &mut Vec<u8>, value: Value<'_>) -> bool {
    match value {
        Value::Text(text) => literal::push_string(out, text),
        Value::Bytes(bytes) => literal::push_hex(out, bytes),
        Value::Integer(integer) => literal::push_integer(out, integer),
        Value::Double(double) => return literal::push_double(out, double),
        Value::Float(float) => return literal::push_float(out, float),
        Value::DateTime(year, [month, day, hour, minute, second], microsecond) => {
            let parts = literal::DateParts { year, month, day, hour, minute, second, microsecond };
            literal::push_datetime(out, &parts, 6);
        }
    }
    true
}

/// Appends text as lines of SQL comments.
pub fn push_comment(out: &mut Vec<u8>, text: &str) {
    literal::push_comment(out, text.as_bytes());
}

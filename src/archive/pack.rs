//! Packs the text of a member.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::GzBuilder;
use libdeflater::{CompressionLvl, Compressor};

use super::member::Compression;
use crate::error::{Error, ErrorKind, Result};

/// The longest text that is compressed in one call, in bytes. A call needs room for the largest
/// result that there can be; only a huge row, and the footer of a huge dump, are longer than this.
const ONE_CALL_BYTES: usize = 8 << 20;

/// A member's bytes as they go into the file.
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    pub(super) sql_bytes: u64,
    pub(super) crc32: u32,
    /// The buffer that held the SQL text, empty again.
    pub(super) spare: Vec<u8>,
}

/// Packs members, several at a time; its clones share what is kept from one to the next.
#[derive(Clone)]
pub(crate) struct Packer {
    compression: Compression,
    idle: Arc<Mutex<Vec<OneCall>>>,
}

/// A compressor, and room for its results.
struct OneCall {
    compressor: Compressor,
    output: Vec<u8>,
}

impl Packer {
    pub(crate) fn new(compression: Compression) -> Self {
        Self { compression, idle: Arc::default() }
    }

    pub(super) const fn compression(&self) -> Compression {
        self.compression
    }

    /// Packs SQL text into one member. Slow for a runtime thread: for the blocking pool.
    pub(crate) fn pack(&self, mut sql: Vec<u8>) -> Result<Packed> {
        let sql_bytes = u64::try_from(sql.len()).unwrap_or(u64::MAX);
        let bytes = match self.compression {
            Compression::None => {
                let crc32 = crc32fast::hash(&sql);
                return Ok(Packed { bytes: sql, sql_bytes, crc32, spare: Vec::new() });
            }
            Compression::Gzip(level) if sql.len() <= ONE_CALL_BYTES => {
                self.in_one_call(&sql, level)?
            }
            Compression::Gzip(level) => in_pieces(&sql, level)?,
        };
        // RFC 1952, 2.3.1: the last eight bytes are the checksum and the length of the text.
        let crc32 = bytes
            .last_chunk()
            .map_or(0, |[crc32 @ .., _, _, _, _]: &[u8; 8]| u32::from_le_bytes(*crc32));
        sql.clear();
        Ok(Packed { bytes, sql_bytes, crc32, spare: sql })
    }

    fn in_one_call(&self, sql: &[u8], level: u8) -> Result<Vec<u8>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut call = match idle {
            Some(call) => call,
            None => OneCall::new(level)?,
        };
        let bound = call.compressor.gzip_compress_bound(sql.len());
        if call.output.len() < bound {
            call.output.resize(bound, 0);
        }
        let length = call.compressor.gzip_compress(sql, &mut call.output).map_err(failed)?;
        let bytes = call.output.get(..length).unwrap_or_default().to_vec();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Ok(bytes)
    }
}

impl OneCall {
    fn new(level: u8) -> Result<Self> {
        let level = CompressionLvl::new(i32::from(level))
            .map_err(|error| failed(format!("level {level}: {error:?}")))?;
        Ok(Self { compressor: Compressor::new(level), output: Vec::new() })
    }
}

fn in_pieces(sql: &[u8], level: u8) -> Result<Vec<u8>> {
    // Level 1 of this compressor is not the other's: its result is half as large again.
    let level = flate2::Compression::new(u32::from(level.max(2)));
    // No time and no system in the header: the same rows give the same bytes.
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::with_capacity(sql.len() / 3), level);
    encoder.write_all(sql).and_then(|()| encoder.finish()).map_err(failed)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Internal, "could not compress a member").with_source(error)
}

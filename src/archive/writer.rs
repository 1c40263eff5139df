//! Writes a file: members packed on the blocking pool, written in the order they were given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::footer;
use super::manifest::Manifest;
use super::member::{Compression, Index, Member, Part, Section};
use super::pack::{Packed, Packer};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

/// Buffers kept for reuse; more would only hold memory.
const SPARE_BUFFERS: usize = 4;
/// The largest one that is kept, in bytes.
const SPARE_BYTES: usize = 8 << 20;

/// Text buffers that go round between those who make members and the writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// An empty buffer, used before if there is one.
    pub(crate) fn take(&self, capacity: usize) -> Vec<u8> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| Vec::with_capacity(capacity))
    }

    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that a huge row has blown up would stay that large.
        if spare.len() < SPARE_BUFFERS && buffer.capacity() <= SPARE_BYTES {
            spare.push(buffer);
        }
    }
}

/// The text of a member and what the index says of it.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) section: Section,
    pub(crate) database: Option<u32>,
    pub(crate) parts: Vec<Part>,
    pub(crate) sql: Vec<u8>,
}

/// A finished file.
#[derive(Debug)]
pub(crate) struct Written {
    /// Bytes written to the output.
    pub(crate) bytes: u64,
    /// Bytes of SQL text before the manifest.
    pub(crate) sql_bytes: u64,
    /// Members before the manifest.
    pub(crate) members: u64,
    /// The digest in the trailer, in hexadecimal.
    pub(crate) sha256: String,
}

/// Writes the members of one file, then its footer.
///
/// Only [`finish`](Self::finish) makes a file whole: whatever is dropped before it is a fragment
/// that every reader refuses.
pub(crate) struct ArchiveWriter<'a, W> {
    output: W,
    packer: Packer,
    context: &'a Context,
    /// Members being packed, oldest first. Its length is what bounds memory.
    packing: VecDeque<(Draft, JoinHandle<Result<Packed>>)>,
    packing_limit: usize,
    buffers: Buffers,
    digest: Sha256,
    offset: u64,
    sql_bytes: u64,
    members: Vec<Member>,
}

impl<'a, W: AsyncWrite + Unpin + Send> ArchiveWriter<'a, W> {
    /// `workers` is how many members may be packed at a time.
    pub(crate) fn new(
        output: W,
        compression: Compression,
        workers: usize,
        context: &'a Context,
    ) -> Self {
        Self {
            output,
            packer: Packer::new(compression),
            context,
            packing: VecDeque::new(),
            packing_limit: workers.max(1),
            buffers: Buffers::default(),
            digest: Sha256::new(),
            offset: 0,
            sql_bytes: 0,
            members: Vec::new(),
        }
    }

    /// Where the texts of members that are written go, to be filled again.
    pub(crate) fn buffers(&self) -> Buffers {
        self.buffers.clone()
    }

    /// Adds members as they come, until nobody can send any more.
    pub(crate) async fn append_all(&mut self, mut drafts: mpsc::Receiver<Draft>) -> Result<()> {
        while let Some(draft) = self.context.run(drafts.recv()).await? {
            self.append(draft).await?;
        }
        Ok(())
    }

    /// Adds a member. Waits while too many are being packed, so a slow output slows the reader.
    pub(crate) async fn append(&mut self, mut draft: Draft) -> Result<()> {
        if draft.sql.is_empty() {
            return Ok(());
        }
        while self.packing.len() >= self.packing_limit {
            self.write_oldest().await?;
        }
        let sql = std::mem::take(&mut draft.sql);
        let packed = self.pack(sql);
        self.packing.push_back((draft, packed));
        Ok(())
    }

    fn pack(&self, text: Vec<u8>) -> JoinHandle<Result<Packed>> {
        let packer = self.packer.clone();
        let span = tracing::Span::current();
        tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            tracing::trace!(bytes = text.len(), "packing a member");
            packer.pack(text)
        })
    }

    async fn write_footer_member(&mut self, text: Vec<u8>) -> Result<()> {
        let packed = packed(self.context, self.pack(text)).await?;
        self.write(&packed.bytes).await
    }

    async fn write_oldest(&mut self) -> Result<()> {
        let Some((draft, packing)) = self.packing.pop_front() else {
            return Ok(());
        };
        let packed = packed(self.context, packing).await?;
        let offset = self.offset;
        self.write(&packed.bytes).await?;
        self.members.push(Member {
            section: draft.section,
            database: draft.database,
            offset,
            length: self.offset - offset,
            sql_bytes: packed.sql_bytes,
            crc32: packed.crc32,
            parts: draft.parts,
        });
        self.sql_bytes += packed.sql_bytes;
        self.context.counters().bytes_done.add(packed.sql_bytes);
        // Without compression the text itself was the member.
        let plain = packed.spare.capacity() == 0;
        self.buffers.give_back(if plain { packed.bytes } else { packed.spare });
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.write_undigested(bytes).await
    }

    async fn write_undigested(&mut self, bytes: &[u8]) -> Result<()> {
        self.context
            .run(self.output.write_all(bytes))
            .await?
            .map_err(|error| Error::io("could not write the backup", error))?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.offset += length;
        self.context.counters().bytes_written.add(length);
        Ok(())
    }

    /// Writes what is still being packed, then manifest, index and trailer, and flushes.
    pub(crate) async fn finish(mut self, manifest: &Manifest) -> Result<(Written, W)> {
        while !self.packing.is_empty() {
            self.write_oldest().await?;
        }
        let index = Index { members: std::mem::take(&mut self.members) };
        let members = u64::try_from(index.members.len()).unwrap_or(u64::MAX);

        let manifest_at = self.offset;
        let text = footer::comment_lines(footer::MANIFEST_PREFIX, manifest)?;
        self.write_footer_member(text).await?;
        let index_at = self.offset;
        let text = footer::comment_lines(footer::INDEX_PREFIX, &index)?;
        self.write_footer_member(text).await?;

        let sha256 = hex(&std::mem::take(&mut self.digest).finalize());
        let trailer =
            footer::Trailer { manifest_at, index_at, end: self.offset, sha256: sha256.clone() };
        self.write_undigested(&trailer.bytes(self.packer.compression() != Compression::None))
            .await?;
        self.context
            .run(self.output.flush())
            .await?
            .map_err(|error| Error::io("could not write the backup", error))?;
        let written = Written { bytes: self.offset, sql_bytes: self.sql_bytes, members, sha256 };
        Ok((written, self.output))
    }
}

async fn packed(context: &Context, packing: JoinHandle<Result<Packed>>) -> Result<Packed> {
    context.run(packing).await?.map_err(|error| {
        Error::new(ErrorKind::Internal, "packing a member panicked").with_source(error)
    })?
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

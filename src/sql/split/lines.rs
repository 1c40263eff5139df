//! Byte offsets and line numbers of a buffer whose front keeps being dropped.

use memchr::memchr_iter;

use super::error::Position;

/// Counts every byte's line feeds once, as the scan goes along.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// The buffer's first byte, as an offset in the input.
    base: u64,
    /// The line of the byte at `counted`.
    line: u64,
    /// Up to where in the buffer line feeds are counted.
    counted: usize,
}

impl Lines {
    pub(super) const fn new() -> Self {
        Self { base: 0, line: 1, counted: 0 }
    }

    /// The place of `bytes[at]`. Places are best asked for in ascending order.
    pub(super) fn place(&mut self, bytes: &[u8], at: usize) -> Position {
        if at < self.counted {
            // What was looked for ahead is not there. Counting goes back with the scan, so that
            // the places that follow are not far from it.
            self.line = self.line.saturating_sub(line_feeds(bytes, at, self.counted));
        } else {
            self.line += line_feeds(bytes, self.counted, at);
        }
        self.counted = at;
        self.reached()
    }

    /// Up to where bytes are counted.
    pub(super) const fn reached(&self) -> Position {
        Position { byte: self.base + self.counted as u64, line: self.line }
    }

    /// The caller drops `consumed` bytes, which are counted.
    pub(super) const fn consume(&mut self, consumed: usize) {
        self.base += consumed as u64;
        self.counted = self.counted.saturating_sub(consumed);
    }
}

fn line_feeds(bytes: &[u8], from: usize, to: usize) -> u64 {
    let between = bytes.get(from..to).unwrap_or_default();
    memchr_iter(b'\n', between).count() as u64
}

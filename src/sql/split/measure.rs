//! The length of a statement that is too long to be kept.

use super::Splitter;
use super::input::Input;
use super::scan::{Flow, Mode};

/// What [`Splitter::measure`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measured {
    /// The statement goes on. Drop `consumed` bytes from the front, and call again with more;
    /// `passed` bytes of the statement have been dropped then.
    More { consumed: usize, passed: u64 },
    /// So many bytes, up to its delimiter.
    Whole(u64),
    /// So many bytes at least: what follows cannot be cut, or cannot be dropped piece by piece.
    AtLeast(u64),
}

impl Splitter {
    /// Goes on in a statement that [`step`](Self::step) has refused because of its length, and tells
    /// how long it is. Nothing can be done with the splitter afterwards.
    ///
    /// `buffer` holds what is left of the statement, as for `step`. `passed` is how many of its bytes
    /// were dropped before, as the last call said.
    pub(crate) fn measure(&mut self, buffer: &[u8], end: bool, passed: u64) -> Measured {
        let start = self.start.map_or(0, |start| start.offset);
        let length = |to: usize| {
            passed.saturating_add(u64::try_from(to.saturating_sub(start)).unwrap_or(u64::MAX))
        };
        match self.scan(Input { bytes: buffer, end }) {
            Ok(Flow::Delimiter(_)) => return Measured::Whole(length(self.pos)),
            Ok(Flow::Continue | Flow::Starved) if end => {
                let whole = self.mode.construct().is_none();
                let length = length(buffer.len());
                return if whole { Measured::Whole(length) } else { Measured::AtLeast(length) };
            }
            Ok(Flow::Continue | Flow::Starved) => {}
            Err(_) => return Measured::AtLeast(length(self.pos)),
        }
        // A tag is compared with its first bytes; what is said of a `$` depends on the byte before.
        let kept = match self.mode {
            Mode::Dollar { .. } => return Measured::AtLeast(length(self.pos)),
            Mode::Tag => self.decided(),
            _ => self.pos,
        };
        if self.mode == Mode::Tag && kept != self.open {
            return Measured::AtLeast(length(self.pos));
        }
        let consumed = kept.saturating_sub(1);
        let passed = length(consumed);
        self.lines.place(buffer, self.pos);
        self.drop_front(consumed);
        Measured::More { consumed, passed }
    }
}

//! Takes an input apart.

/// Hands out the front of an input, byte by byte, and zeros when there is nothing left.
pub struct Front<'a>(&'a [u8]);

impl<'a> Front<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    /// One of the choices.
    pub fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

//! SQL text as bytes: literals out of values, statements out of scripts. No I/O, no driver.

pub(crate) mod literal;

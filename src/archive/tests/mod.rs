//! The file format: what is written is found again, and nothing else passes for it.

mod bombs;
mod build;
mod damage;
mod footer;
mod hostile;
mod zstd;

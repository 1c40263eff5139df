//! Logical backup of MySQL and MariaDB, in process.

pub mod context;
pub mod error;
pub mod ident;
pub mod progress;

pub use context::Context;
pub use error::{Error, ErrorKind, Result};

//! Logical backup of MySQL and MariaDB, in process.

pub mod archive;
pub mod context;
pub mod dump;
pub mod error;
pub mod ident;
pub mod progress;
pub mod restore;
pub mod server;
// Not part of the API: public for the fuzz targets and benches only.
#[doc(hidden)]
pub mod sql;
mod store;

pub use archive::{Compression, Footer, Manifest, VerifyReport, inspect, verify};
pub use context::Context;
pub use dump::{Databases, Definer, DumpOptions, DumpReport, Selector, dump, dump_to_path};
pub use error::{Error, ErrorKind, Result};
pub use ident::{ObjectKind, ObjectName};
pub use progress::{Phase, Progress};
pub use restore::{
    Prepared, RestoreOptions, RestorePoint, RestoreReport, prepare, prepare_reader, restore,
};
pub use server::{ConnectOptions, Flavor, ServerIdentity, ServerVersion, TlsMode};

//! Logical backup of MySQL and MariaDB, in process.
//!
//! The crate dumps databases from a consistent snapshot into one standard `.sql.gz`, and restores
//! such files and those of the stock tools, without any external program. What it promises, and
//! what it does not do yet, stands in README.md; the file format in FORMAT.md; the security model in
//! SECURITY.md.
//!
//! # Connect
//!
//! [`ConnectOptions`] come from a URL, an option file of the stock clients, setters, or all of them.
//!
//! ```no_run
//! # async fn example() -> snapdump::Result<()> {
//! use snapdump::{ConnectOptions, Context, TlsMode};
//!
//! let server = ConnectOptions::from_option_file("/home/backup/.my.cnf")?
//!     .with_url("mysql://db.example/shop")?
//!     .with_tls_mode(TlsMode::VerifyIdentity);
//! let identity = server.check_connection(&Context::new()).await?;
//! println!("{} {}", identity.flavor, identity.version);
//! # Ok(())
//! # }
//! ```
//!
//! # Dump
//!
//! [`dump_to_path`] makes a file that has its name only when it is whole; [`dump()`] writes into any
//! [`AsyncWrite`](tokio::io::AsyncWrite). [`DumpOptions`] say what is in it, by [`Selector`]s, and
//! how it is written. The [`DumpReport`] counts what it holds.
//!
//! ```no_run
//! # async fn example(server: snapdump::ConnectOptions) -> snapdump::Result<()> {
//! use snapdump::{Compression, Context, Databases, DumpOptions, dump_to_path};
//!
//! let options = DumpOptions::default()
//!     .with_databases(Databases::Named(vec!["shop".into(), "crm".into()]))
//!     .with_exclude("table:*_old".parse()?)
//!     .without_rows_of("shop.log_*".parse()?)
//!     .with_compression(Compression::gzip(6)?);
//! let report = dump_to_path(&server, "/backup/both.sql.gz", &options, &Context::new()).await?;
//! for warning in &report.warnings {
//!     eprintln!("{warning}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Restore
//!
//! [`prepare`] reads and checks the whole file, then saves what the target holds into a
//! [`RestorePoint`]; [`Prepared::apply`] sends the statements and compares the result with the
//! manifest. [`restore()`] is both. [`prepare_reader`] takes input that can be read only once.
//!
//! ```no_run
//! # async fn example(server: snapdump::ConnectOptions) -> snapdump::Result<()> {
//! use snapdump::{Context, RestoreOptions, prepare};
//!
//! let context = Context::new();
//! let options = RestoreOptions::default().with_restore_point_directory("/backup");
//! let prepared = prepare(&server, "/backup/shop.sql.gz", &options, &context).await?;
//! let point = prepared.restore_point().map(|point| point.path().to_owned());
//! if let Err(error) = prepared.apply(&context).await {
//!     // The target is between before and after now.
//!     eprintln!("{}; what was there is in {point:?}", error.chain());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Watch and cancel
//!
//! Every operation takes a [`Context`]. Its clones read the [`Progress`] and cancel; with a timeout
//! the operation ends by itself. Either way its query on the server is killed before the operation
//! returns, if the server can be reached within five seconds.
//!
//! ```no_run
//! # async fn example(server: snapdump::ConnectOptions) -> snapdump::Result<()> {
//! use std::time::Duration;
//! use snapdump::{Context, DumpOptions, ErrorKind, dump_to_path};
//!
//! let context = Context::new().with_timeout(Duration::from_secs(600));
//! let watcher = context.clone();
//! tokio::spawn(async move {
//!     tokio::time::sleep(Duration::from_secs(5)).await;
//!     let progress = watcher.progress();
//!     println!("{}: {} of about {} rows", progress.phase, progress.rows_done, progress.rows_total);
//!     watcher.cancel();
//! });
//! match dump_to_path(&server, "/backup/shop.sql.gz", &DumpOptions::default(), &context).await {
//!     Err(error) if error.kind() == ErrorKind::Cancelled => println!("cancelled, no file is left"),
//!     done => println!("{} rows", done?.rows),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Jobs
//!
//! A [`BackupManager`] makes, restores, verifies, lists, prunes and deletes the backups of a
//! [`BackupDir`] by [`Job`]s, one at a time among all processes and hosts. A restore that does not
//! succeed is rolled back to its restore point.
//!
//! ```no_run
//! # async fn example(server: snapdump::ConnectOptions) -> snapdump::Result<()> {
//! use snapdump::{BackupDir, BackupManager, CreateRequest, ManagerOptions, RunningJob};
//!
//! let directory = BackupDir::open("/var/backups/shop")?;
//! let manager = BackupManager::open(server, directory, ManagerOptions::default()).await?;
//! match manager.create(CreateRequest::manual()).await {
//!     Ok(job) => println!("{:?}", job.wait().await?),
//!     Err(error) => match RunningJob::of(&error) {
//!         Some(running) => println!("wait for {running}"),
//!         None => return Err(error),
//!     },
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Inspect and verify
//!
//! [`inspect`] reads manifest and index from the end of a backup, whatever its size; [`verify`]
//! reads all of it and proves that every byte is as it was written.
//!
//! ```no_run
//! # async fn example() -> snapdump::Result<()> {
//! use snapdump::{Context, inspect, verify};
//!
//! let manifest = inspect("/backup/shop.sql.gz")?.manifest;
//! println!("{} rows of {}", manifest.rows(), manifest.created_at);
//! verify("/backup/shop.sql.gz", &Context::new()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! There is one [`Error`]. Its [`kind`](Error::kind) says what a program can do about it, its
//! [`location`](Error::location) where it happened, and [`server`](Error::server) what the server
//! answered. [`chain`](Error::chain) prints the whole story on one line.
//!
//! # Log
//!
//! Everything logs to [`tracing`](https://docs.rs/tracing), and installs nothing. At the level info
//! are the spans of the operations, `dump`, `verify`, `restore`, `prepare`, `apply` and `roll_back`;
//! `job`, which outlives what has started it; and `request` of the router, without the query. At the
//! level debug are `table` of a dump, `connection` of a restore and `lock` of a job. Whatever thread
//! does the work, its events are inside. They name servers, accounts, databases, tables and files, and
//! never hold a password, a token or a statement with its values; of data they hold at most what a
//! server quotes in the message of an error, such as the key of a duplicate row.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `tls` | yes | TLS to the server, by rustls with the ring provider. Without it only [`TlsMode::Disabled`] and [`TlsMode::Preferred`], which then never encrypts, can be used. |
//! | `http` | no | `http`: a REST API and an admin page, as an `axum::Router`. |
//! | `zstd` | no | Restores `.sql.zst`. |

pub mod archive;
pub mod context;
pub mod dump;
pub mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod ident;
#[doc(hidden)]
pub mod internals;
pub mod job;
pub mod progress;
pub mod restore;
pub mod server;
// Not part of the API: public for the fuzz targets and benches only.
#[doc(hidden)]
pub mod sql;
pub mod store;

pub use archive::{Compression, Footer, Held, Manifest, VerifyReport, inspect, verify};
pub use context::Context;
pub use dump::{
    Databases, Definer, DumpOptions, DumpReport, History, NonTransactional, Selector, dump,
    dump_to_path,
};
pub use error::{Error, ErrorKind, Result};
pub use ident::{ObjectKind, ObjectName};
pub use job::{
    BackupInfo, BackupList, BackupManager, BackupReader, CancelOnDrop, CreateRequest,
    DeleteConfirmation, HalfDoneRestore, Job, JobError, JobHooks, JobId, JobIdError, JobKind,
    JobOwner, JobProgress, JobReport, JobState, JobStatus, KeepReason, KeptBackup, ListRequest,
    ManagerOptions, PruneReport, RestoreRequest, RetentionPolicy, RollbackReport, RunningJob, Sort,
    TargetState,
};
pub use progress::{Phase, Progress};
pub use restore::{
    Account, DefinerPolicy, Prepared, RestoreMode, RestoreOptions, RestorePoint, RestoreReport,
    prepare, prepare_reader, restore,
};
pub use server::{ConnectOptions, Flavor, ServerIdentity, ServerVersion, TlsMode};
pub use store::{BackupDir, BackupKind, BackupName, BackupNameError};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

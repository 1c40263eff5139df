//! Dumps databases into one file: `dump --url mysql://backup@localhost/shop --output shop.sql.gz`
//!
//! The password is read from `SNAPDUMP_PASSWORD` or an option file.

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cli::{ConnectArgs, bytes, grouped, print_json, print_warnings, tell_json};
use snapdump::{
    Compression, Context, Databases, Definer, DumpOptions, DumpReport, History, NonTransactional,
    ObjectKind, Result, Selector, dump, dump_to_path,
};

/// Dump MySQL and MariaDB databases, consistently and completely, into one file
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Args {
    #[command(flatten)]
    connect: ConnectArgs,
    /// The file to write; - for standard output
    #[arg(long, short)]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Dump these databases by name instead of the one in the URL
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "all_databases")]
    databases: Vec<String>,
    /// Dump all databases but the server's own
    #[arg(long)]
    all_databases: bool,
    /// Dump only what matches, such as 'orders_*', 'table:log?', 'shop.*'; can be repeated
    #[arg(long, value_name = "[KIND:]GLOB")]
    include: Vec<Selector>,
    /// Leave out what matches; can be repeated
    #[arg(long, value_name = "[KIND:]GLOB")]
    exclude: Vec<Selector>,
    /// Leave out a kind: table, view, trigger, function, procedure, event, sequence, package
    #[arg(long, value_name = "KIND")]
    skip: Vec<ObjectKind>,
    /// Definitions without rows
    #[arg(long)]
    no_data: bool,
    /// Leave out the rows of matching tables; can be repeated
    #[arg(long, value_name = "GLOB")]
    no_data_of: Vec<Selector>,
    /// Rows without definitions
    #[arg(long, conflicts_with = "no_data")]
    no_schema: bool,
    /// Only the rows of a table that meet a condition: 'orders=id > 100'; can be repeated
    #[arg(long = "where", value_name = "TABLE=CONDITION", value_parser = condition)]
    conditions: Vec<(String, String)>,
    /// What becomes of definers: keep, strip, or an account to put in their place (user@host)
    #[arg(long, default_value = "keep", value_name = "POLICY", value_parser = definer)]
    definer: Definer,
    /// gzip level from 1 (fast) to 9 (small); 0 for plain text
    #[arg(long, default_value_t = default_level(), value_parser = clap::value_parser!(u8).range(0..=9))]
    level: u8,
    /// How many connections read tables, and how many threads compress; the cores, at most 4, by
    /// default
    #[arg(long, value_name = "N")]
    parallel: Option<usize>,
    /// The `max_allowed_packet` in bytes of the server to restore on
    #[arg(long, value_name = "BYTES")]
    max_allowed_packet: Option<u64>,
    /// Go on although the account does not see everything; warns of what may be missing
    #[arg(long)]
    allow_partial: bool,
    /// Fail if a table that is read has no transactions, so that no snapshot covers it
    #[arg(long)]
    refuse_nontransactional: bool,
    /// Dump the rows of the past in system-versioned tables too (MariaDB)
    #[arg(long)]
    with_history: bool,
    /// How long to wait for a lock that another session holds on a table; 10 (5 for the lock of a
    /// table without transactions) by default
    #[arg(long, value_name = "SECONDS")]
    lock_wait: Option<u32>,
    /// Keep all tables from being altered until the dump ends
    #[arg(long)]
    keep_metadata_locks: bool,
    /// Dump all accounts, roles and grants of the server too, with hashed passwords
    #[arg(long)]
    users: bool,
    /// Print the report as JSON; with `--output -` as the last line of standard error
    #[arg(long)]
    json: bool,
}

/// The level of the library.
fn default_level() -> u8 {
    match Compression::default() {
        Compression::Gzip(level) => level,
        _ => 0,
    }
}

fn condition(text: &str) -> Result<(String, String), String> {
    let (table, condition) = text.split_once('=').ok_or("not TABLE=CONDITION")?;
    Ok((table.to_owned(), condition.to_owned()))
}

fn definer(text: &str) -> Result<Definer, String> {
    match text {
        "keep" => Ok(Definer::Keep),
        "strip" => Ok(Definer::Strip),
        account => {
            let (user, host) = account.rsplit_once('@').ok_or("not keep, strip or user@host")?;
            Ok(Definer::Replace { user: user.to_owned(), host: host.to_owned() })
        }
    }
}

impl Args {
    fn options(&self) -> Result<DumpOptions> {
        let mut options = DumpOptions::default()
            .with_rows(!self.no_data)
            .with_definitions(!self.no_schema)
            .with_definer(self.definer.clone())
            .with_overwrite(self.force)
            .with_partial(self.allow_partial)
            .with_accounts(self.users)
            .with_metadata_locks_kept(self.keep_metadata_locks)
            .with_compression(match self.level {
                0 => Compression::None,
                level => Compression::gzip(level)?,
            });
        if self.with_history {
            options = options.with_history(History::Require);
        }
        if let Some(seconds) = self.lock_wait {
            options = options.with_lock_wait_seconds(seconds);
        }
        if self.refuse_nontransactional {
            options = options.with_nontransactional(NonTransactional::Refuse);
        }
        if self.all_databases {
            options = options.with_databases(Databases::All);
        } else if !self.databases.is_empty() {
            options = options.with_databases(Databases::Named(self.databases.clone()));
        }
        options = self.include.iter().cloned().fold(options, DumpOptions::with_include);
        options = self.exclude.iter().cloned().fold(options, DumpOptions::with_exclude);
        options = self.no_data_of.iter().cloned().fold(options, DumpOptions::without_rows_of);
        options = self.skip.iter().copied().fold(options, DumpOptions::without_kind);
        for (table, condition) in &self.conditions {
            options = options.with_where(table, condition);
        }
        if let Some(number) = self.parallel {
            options = options.with_connections(number).with_compression_threads(number);
        }
        if let Some(bytes) = self.max_allowed_packet {
            options = options.with_target_max_allowed_packet(bytes);
        }
        Ok(options)
    }

    async fn run(&self, context: Context) -> Result<()> {
        let connect = self.connect.options()?;
        let options = self.options()?;
        let to_stdout = self.output.as_os_str() == "-";
        let report = if to_stdout {
            dump(&connect, tokio::io::stdout(), &options, &context).await?
        } else {
            dump_to_path(&connect, &self.output, &options, &context).await?
        };
        print_warnings(&report.warnings);
        match (self.json, to_stdout) {
            (true, false) => print_json(&report),
            (true, true) => tell_json(&report),
            (false, _) => self.summary(&report),
        }
        Ok(())
    }

    fn summary(&self, report: &DumpReport) {
        eprintln!(
            "{}: {} tables, {} rows, {} of SQL in {}, {:.1} s",
            self.output.display(),
            grouped(report.tables),
            grouped(report.rows),
            bytes(report.sql_bytes),
            bytes(report.file_bytes),
            report.duration.as_secs_f64(),
        );
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    cli::run(args.json, |context| async move { args.run(context).await })
}

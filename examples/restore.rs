//! Restores a file: `restore --url mysql://root@localhost/shop --file shop.sql.gz`
//!
//! What the target holds is saved into `--backup-dir` first.

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

mod cli;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use cli::{ConnectArgs, grouped, print_json, print_warnings, rates};
use snapdump::{Context, DefinerPolicy, RestoreOptions, Result, prepare, prepare_reader};

/// Restore a .sql or .sql.gz file into a MySQL or MariaDB server
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
struct Args {
    #[command(flatten)]
    connect: ConnectArgs,
    /// The file to restore; - for standard input
    #[arg(long, short)]
    file: PathBuf,
    /// Where the restore point is written; needed when the target is not empty
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// Let the script select, create, alter and drop databases by name, and change what is in them
    #[arg(long)]
    allow_other_databases: bool,
    /// Let the script change accounts and privileges
    #[arg(long)]
    allow_accounts: bool,
    /// Let the script hold statements about the server as a whole, such as SET GLOBAL
    #[arg(long)]
    allow_server_statements: bool,
    /// Let the script run what is not in its own text: PREPARE, EXECUTE, CALL
    #[arg(long)]
    allow_indirect_statements: bool,
    /// Send what the script says about replication (`gtid_purged`, `sql_log_bin`) instead of leaving it out
    #[arg(long)]
    replication_state: bool,
    /// Restore the database FROM under the name TO; can be given several times
    #[arg(long, value_name = "FROM=TO", value_parser = pair)]
    rename: Vec<(String, String)>,
    /// What becomes of definers: keep, drop, or map:FROM=TO (user@host each, more behind commas)
    #[arg(long, value_name = "POLICY", default_value = "keep")]
    definer: DefinerPolicy,
    /// Put the collation TO in the place of FROM, which the server lacks; can be given several times
    #[arg(long, value_name = "FROM=TO", value_parser = pair)]
    map_collation: Vec<(String, String)>,
    /// The character set of the script until it says so itself
    #[arg(long, value_name = "CHARSET", default_value = "utf8mb4")]
    default_character_set: String,
    /// Restore a stock dump although its last line is missing
    #[arg(long)]
    allow_incomplete: bool,
    /// Go on after statements that the server refuses; the restore still fails
    #[arg(long)]
    continue_on_error: bool,
    /// Do not write the restore to the server's binary log
    #[arg(long)]
    skip_binlog: bool,
    /// How many connections replay a file of our own
    #[arg(long, value_name = "N")]
    parallel: Option<usize>,
    /// The longest statement that the script may hold, in bytes (1 GiB)
    #[arg(long, value_name = "BYTES")]
    max_statement_bytes: Option<usize>,
    /// How many times its length a compressed file may inflate to, beyond 64 MiB (1100)
    #[arg(long, value_name = "TIMES")]
    inflation_limit: Option<u64>,
    /// Print the report as JSON, and every second the progress as a line of JSON on standard error
    #[arg(long)]
    json: bool,
}

/// Two names with `=` between them.
fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("write FROM=TO")?;
    Ok((from.to_owned(), to.to_owned()))
}

impl Args {
    async fn run(&self, context: Context) -> Result<()> {
        let connect = self.connect.options()?;
        let mut options = RestoreOptions::default()
            .with_other_databases(self.allow_other_databases)
            .with_accounts(self.allow_accounts)
            .with_server_statements(self.allow_server_statements)
            .with_indirect_statements(self.allow_indirect_statements)
            .with_replication_state(self.replication_state)
            .with_definer(self.definer.clone())
            .with_default_charset(&self.default_character_set)?
            .with_incomplete(self.allow_incomplete)
            .with_continue_on_error(self.continue_on_error)
            .with_binlog(!self.skip_binlog);
        for (from, to) in &self.map_collation {
            options = options.with_collation(from, to)?;
        }
        for (from, to) in &self.rename {
            options = options.with_rename(from, to);
        }
        if let Some(directory) = &self.backup_dir {
            options = options.with_restore_point_directory(directory);
        }
        if let Some(connections) = self.parallel {
            options = options.with_connections(connections);
        }
        if let Some(bytes) = self.max_statement_bytes {
            options = options.with_max_statement_bytes(bytes);
        }
        if let Some(times) = self.inflation_limit {
            options = options.with_inflation_limit(times);
        }
        let telling = self.json.then(|| {
            let watcher = context.clone();
            tokio::spawn(async move { cli::tell(&watcher).await })
        });
        let prepared = if self.file.as_os_str() == "-" {
            prepare_reader(&connect, tokio::io::stdin(), &options, &context).await?
        } else {
            prepare(&connect, &self.file, &options, &context).await?
        };
        let restore_point = prepared.restore_point().map(|point| point.path().to_owned());
        if let Some(path) = &restore_point {
            eprintln!("restore point: {}", path.display());
        }
        // Also for those whose restore fails then.
        print_warnings(prepared.warnings());
        let told = prepared.warnings().len();
        let report = prepared.apply(&context).await?;
        let progress = context.progress();
        if let Some(telling) = telling {
            telling.abort();
            // The last line says what was done in all, and how fast.
            eprintln!("{}", cli::line_of(&progress));
        }
        print_warnings(report.warnings.get(told..).unwrap_or_default());
        if self.json {
            print_json(&report);
        } else {
            eprintln!(
                "{}: {} statements, {:.1} s, {}{}",
                self.file.display(),
                grouped(report.statements),
                report.duration.as_secs_f64(),
                rates(&progress),
                if report.compared {
                    format!(
                        "; {} objects and {} rows compared with the manifest",
                        grouped(report.objects.values().sum()),
                        grouped(report.rows)
                    )
                } else {
                    String::new()
                },
            );
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    cli::run(args.json, |context| async move { args.run(context).await })
}

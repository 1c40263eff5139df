//! What the example programs share: connection arguments, progress bars, and how they end.

#![allow(dead_code, reason = "each program uses its own part")]

use std::future::Future;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use snapdump::server::Password;
use snapdump::{ConnectOptions, Context, Phase, Progress, Result};

/// Where the password is looked for: what stands in the arguments can be read by every user of the
/// machine.
const PASSWORD_VARIABLE: &str = "SNAPDUMP_PASSWORD";

/// Where to connect. The password is best given by `SNAPDUMP_PASSWORD` or an option file.
#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    /// mysql://user@host:port/database, with options such as ?ssl-mode=verify-identity; the password
    /// is best given by the environment variable `SNAPDUMP_PASSWORD`, or an option file
    #[arg(long, env = "SNAPDUMP_URL", hide_env_values = true)]
    url: Option<String>,
    #[arg(long, value_name = "FILE", help = option_file_help())]
    option_file: Option<PathBuf>,
    #[arg(skip = password_of_the_environment())]
    password: Option<Password>,
}

fn option_file_help() -> String {
    let groups = ConnectOptions::OPTION_GROUPS.map(|group| format!("[{group}]")).join(", ");
    format!("An option file such as ~/.my.cnf, of which {groups} are read; the URL wins over it")
}

/// Ends the program, as wrong usage does, if there is one that cannot be used.
fn password_of_the_environment() -> Option<Password> {
    let password = std::env::var_os(PASSWORD_VARIABLE)?.into_string().unwrap_or_else(|_| {
        let text = format!("the password in {PASSWORD_VARIABLE} is not UTF-8\n");
        clap::Error::raw(clap::error::ErrorKind::InvalidUtf8, text).exit()
    });
    Some(password.into())
}

impl ConnectArgs {
    /// What is said for this call alone wins over the file, which is there for many. Ends the
    /// program, as wrong usage does, when nothing says where to connect or the URL is none.
    pub(crate) fn options(&self) -> Result<ConnectOptions> {
        if self.url.is_none() && self.option_file.is_none() {
            let text = "where is the server? Give --url, or --option-file\n";
            clap::Error::raw(clap::error::ErrorKind::MissingRequiredArgument, text).exit();
        }
        let mut options = match &self.option_file {
            Some(path) => ConnectOptions::from_option_file(path)?,
            None => ConnectOptions::new(),
        };
        if let Some(url) = &self.url {
            // Not by clap, which shows what it refuses, password and all.
            options = options.with_url(url).unwrap_or_else(|error| {
                let text = format!("--url: {}\n", error.chain());
                clap::Error::raw(clap::error::ErrorKind::ValueValidation, text).exit()
            });
        }
        Ok(match &self.password {
            Some(password) => options.with_password(password.clone()),
            None => options,
        })
    }
}

/// Runs `work` to its end: Ctrl-C cancels it, progress is shown on a terminal, and an error is
/// printed on one line. 0 for success, 1 for failure; clap exits with 2 for wrong usage.
pub(crate) fn run<T, F>(quiet: bool, work: impl FnOnce(Context) -> F) -> ExitCode
where
    F: Future<Output = Result<T>>,
{
    let context = Context::new();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        let watcher = context.clone();
        let interrupted = context.clone();
        let bars = (!quiet && std::io::stderr().is_terminal())
            .then(|| tokio::spawn(async move { show(&watcher).await }));
        let signal = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                interrupted.cancel();
            }
        });
        let done = work(context).await;
        signal.abort();
        if let Some(bars) = bars {
            bars.abort();
            // Waits until the bar is cleared, so that nothing is printed over it.
            let _ = bars.await;
        }
        done
    });
    // A read from standard input that was cancelled would hold the program up for ever.
    runtime.shutdown_timeout(Duration::from_secs(6));
    match done {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}

/// A bar that is cleared when its task ends.
struct ClearedBar(ProgressBar);

impl Drop for ClearedBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows progress, and never ends; dropping the future clears the bar.
pub(crate) async fn show(context: &Context) {
    let bar = ClearedBar(ProgressBar::no_length());
    let style = |template: &str| {
        ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━─")
    };
    let sized = style("{spinner} {prefix:>14} {bar:28} {percent:>3}% {elapsed:>4} {wide_msg}");
    let open = style("{spinner} {prefix:>14} {elapsed:>4} {wide_msg}");
    let mut phase = None;
    loop {
        let progress = context.progress();
        if phase != Some(progress.phase) {
            phase = Some(progress.phase);
            bar.0.reset_elapsed();
        }
        bar.0.set_prefix(progress.phase.to_string());
        bar.0.set_message(message(&progress));
        let (done, total) = share(&progress);
        if total > 0 {
            bar.0.set_style(sized.clone());
            bar.0.set_length(total);
            bar.0.set_position(done.min(total));
        } else {
            bar.0.set_style(open.clone());
            bar.0.unset_length();
        }
        bar.0.tick();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How much of the phase is done. The server's guess of the rows is never taken for a promise:
/// a bar that it would run over stays just below its end.
fn share(progress: &Progress) -> (u64, u64) {
    match progress.phase {
        Phase::Tables | Phase::RestorePoint if progress.rows_total > 0 => {
            (progress.rows_done, progress.rows_total.max(progress.rows_done + 1))
        }
        Phase::Check | Phase::Replay => (progress.bytes_done, progress.bytes_total),
        _ => (0, 0),
    }
}

fn message(progress: &Progress) -> String {
    let object = progress.object.as_ref().map(ToString::to_string).unwrap_or_default();
    match progress.phase {
        Phase::Tables | Phase::Objects => format!(
            "{} rows, {} written  {object}",
            grouped(progress.rows_done),
            bytes(progress.bytes_written)
        ),
        Phase::Check => {
            format!("{}, {}/s", bytes(progress.bytes_done), rate_of_bytes(progress))
        }
        Phase::Replay => format!(
            "{} of {}, {}/s; {} statements, {}/s",
            bytes(progress.bytes_done),
            bytes(progress.bytes_total),
            rate_of_bytes(progress),
            grouped(progress.statements_done),
            grouped(whole(progress.statements_per_second())),
        ),
        _ => object,
    }
}

/// How fast it went.
pub(crate) fn rates(progress: &Progress) -> String {
    let statements = grouped(whole(progress.statements_per_second()));
    format!("{}/s of the file, {statements} statements/s", rate_of_bytes(progress))
}

fn rate_of_bytes(progress: &Progress) -> String {
    bytes(whole(progress.bytes_per_second()))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate for people")]
fn whole(rate: f64) -> u64 {
    rate.round() as u64
}

/// Prints the progress as one JSON object a line on standard error, once a second, and never ends.
pub(crate) async fn tell(context: &Context) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        eprintln!("{}", line_of(&context.progress()));
    }
}

/// The progress as JSON on one line, with its rates.
pub(crate) fn line_of(progress: &Progress) -> String {
    let mut value = serde_json::to_value(progress).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        for (name, rate) in [
            ("bytes_per_second", progress.bytes_per_second()),
            ("statements_per_second", progress.statements_per_second()),
        ] {
            fields.insert(name.to_owned(), rate.into());
        }
    }
    serde_json::json!({ "progress": value }).to_string()
}

/// A number with its thousands set apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size for people.
pub(crate) fn bytes(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A result for programs, on standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    print_line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// The same on one line of standard error, for a program whose standard output is something else.
pub(crate) fn tell_json(value: &impl serde::Serialize) {
    eprintln!("{}", serde_json::to_string(value).unwrap_or_default());
}

/// A line on standard output. A reader that has gone away (`| head`) is no failure.
pub(crate) fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Warnings, on standard error.
pub(crate) fn print_warnings(warnings: &[String]) {
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

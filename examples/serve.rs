//! Serves the REST API and the admin page of one backup directory.
//!
//! `SNAPDUMP_PASSWORD=… SNAPDUMP_ADMIN_TOKEN=… serve --url mysql://backup@db.example/shop
//! --backup-dir /backup --listen 127.0.0.1:8080 --admin-token-env SNAPDUMP_ADMIN_TOKEN`
//!
//! Without a token it makes one up, prints it, and listens on loopback addresses only. It speaks
//! plain HTTP: across a network, put a proxy with TLS in front of it.

#![allow(clippy::print_stderr, reason = "a command line program talks on standard error")]

mod cli;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use clap::{Parser, ValueEnum};
use cli::ConnectArgs;
use snapdump::http::BearerToken;
use snapdump::{BackupDir, BackupManager, JobKind, ManagerOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long open connections may go on after everything else has ended.
const PATIENCE: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error>;

/// Serve the REST API and the admin page of a backup directory
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    connect: ConnectArgs,
    /// Where the backups are; made if it is not there
    #[arg(long, value_name = "DIR")]
    backup_dir: PathBuf,
    /// The address to listen on; with port 0 the system chooses one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The environment variable that holds the token of the administrator
    #[arg(long, value_name = "NAME")]
    admin_token_env: Option<String>,
    /// How many seconds a job may take
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    /// What becomes of a running job when the program is told to stop
    #[arg(long, value_enum, default_value_t = OnStop::Cancel)]
    on_stop: OnStop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnStop {
    /// Cancel it: a restore that has begun is rolled back
    Cancel,
    /// Let it end first; a second signal cancels it
    Wait,
}

impl Args {
    /// The token, and whether it was made up.
    fn token(&self) -> Result<(String, bool), Failure> {
        match &self.admin_token_env {
            Some(name) => match std::env::var(name) {
                Ok(token) => Ok((token, false)),
                Err(error) => Err(format!("the token in {name} cannot be used: {error}").into()),
            },
            None if self.listen.ip().is_loopback() => Ok((made_up_token()?, true)),
            None => Err(format!(
                "{} can be reached by other machines: name the environment variable that holds \
                 the token by --admin-token-env",
                self.listen
            )
            .into()),
        }
    }
}

fn made_up_token() -> Result<String, Failure> {
    let mut secret = [0; 24];
    getrandom::fill(&mut secret)?;
    Ok(secret.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

async fn serve(args: Args) -> Result<(), Failure> {
    let (token, made_up) = args.token()?;
    let authorizer = BearerToken::new(&token)?;
    let timeout = Duration::from_secs(args.timeout);
    let options = [JobKind::Create, JobKind::Restore, JobKind::Verify, JobKind::RollBack]
        .into_iter()
        .fold(ManagerOptions::default(), |options, kind| options.with_timeout(kind, timeout));
    let manager =
        BackupManager::open(args.connect.options()?, BackupDir::open(&args.backup_dir)?, options)
            .await?;
    let listener = TcpListener::bind(args.listen).await?;
    let address = listener.local_addr()?;

    let app: Router = snapdump::http::router(manager.clone(), authorizer).layer(from_fn(log));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    eprintln!("listening on http://{address}/");
    if made_up {
        eprintln!("token of the administrator, until this program ends: {token}");
    }

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());

    let mut signals = Signals::new()?;
    signals.next().await;
    let _ = stop.send(());
    if args.on_stop == OnStop::Wait {
        match manager.running() {
            Some(job) => eprintln!("stopping after the running job ({})", job.status().message),
            None => eprintln!("stopping"),
        }
        tokio::select! {
            () = manager.shutdown(false) => {}
            () = signals.next() => {}
        }
    } else {
        eprintln!("stopping");
    }
    // Returns at once when nothing runs any more.
    manager.shutdown(true).await;
    // Events end with their job; what is left are downloads and clients that keep a line open.
    match tokio::time::timeout(PATIENCE, server).await {
        Ok(ended) => ended??,
        Err(_) => eprintln!("some connections were cut off"),
    }
    Ok(())
}

/// What asks the program to end: Ctrl-C, or SIGTERM from a service manager.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Writes a line for each request, with the path only: what follows it can hold a ticket.
async fn log(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let line = format!("{peer} {} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let time = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ");
    let milliseconds = begun.elapsed().as_millis();
    // A log that cannot be written must not end the service.
    let _ = writeln!(
        std::io::stderr(),
        "{time} {line} {} {milliseconds} ms",
        response.status().as_u16()
    );
    response
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(serve(args));
    runtime.shutdown_timeout(Duration::from_secs(6));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let why = match error.downcast_ref::<snapdump::Error>() {
                Some(error) => error.chain(),
                None => error.to_string(),
            };
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

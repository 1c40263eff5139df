//! The stock clients, and what they make of a case.

use std::time::Duration;

use snapdump::sql::charset::Charset;
use snapdump::sql::split::{Dialect, SplitOptions};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::given::show;
use super::recorder::{Role, Sent, record};
use super::{Case, Outcome};
use crate::harness::{Flavor, TestServer, run, stderr_of};

/// A statement in a form in which those of the clients can be compared with it. A database that is
/// selected by a query is the same as one selected by a command of the protocol.
pub(super) fn comparable(text: &[u8]) -> String {
    let name = match text.split_at_checked(4) {
        Some((word, name)) if word.eq_ignore_ascii_case(b"use ") => name,
        _ => return show(text),
    };
    let blank = name.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
    let name = &name[blank..];
    if name.starts_with(b"\n") {
        return show(text);
    }
    let name = name.trim_ascii_end();
    match name.strip_prefix(b"`").and_then(|name| name.strip_suffix(b"`")) {
        Some(quoted) => selecting(&show(quoted).replace("``", "`")),
        None => selecting(&show(name)),
    }
}

fn selecting(database: &str) -> String {
    format!("USE {database}")
}

/// A client, with the options it is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    /// `mysql` 9.7, which keeps comments and runs no commands but `DELIMITER` and `\C`.
    MySql,
    /// `mariadb` 10.11 with `--comments`, so that comments are compared too.
    MariaDb,
    /// `mariadb` 11.8 as it is by default: without comments.
    Stripping,
}

impl Client {
    pub(super) const ALL: [Self; 3] = [Self::MySql, Self::MariaDb, Self::Stripping];

    /// A statement that it sent, or nothing if it sent none to speak of.
    fn statement(self, sent: &Sent) -> Option<String> {
        match sent {
            Sent::Database(name) => Some(selecting(&show(name))),
            Sent::Query(text) => match without_leading_comments(text, self.flavor()) {
                [] => None,
                text => Some(comparable(text)),
            },
        }
    }

    fn flavor(self) -> Flavor {
        if self == Self::MySql { Flavor::MySql } else { Flavor::MariaDb }
    }

    /// The options of the case, with this client's SQL.
    pub(super) fn options(self, case: &Case) -> SplitOptions {
        let dialect = match (self.flavor(), case.options.dialect) {
            (Flavor::MariaDb, _) => Dialect::MariaDb,
            (Flavor::MySql, Dialect::MariaDb) => Dialect::MySql { dollar_quotes: true },
            (Flavor::MySql, dialect @ Dialect::MySql { .. }) => dialect,
        };
        SplitOptions { dialect, ..case.options.clone() }
    }

    fn command(self, charset: Charset, port: u16) -> Command {
        let server = match self {
            Self::MySql => TestServer::mysql_9_7(),
            Self::MariaDb => TestServer::mariadb_10_11(),
            Self::Stripping => TestServer::mariadb_11_8(),
        };
        let mut command = server.bare_client();
        command.args(["--no-defaults", "--protocol=TCP", "--host=127.0.0.1", "--user=any"]);
        command.arg(format!("--port={port}"));
        command.arg(format!("--default-character-set={}", name_of(charset)));
        match self {
            Self::MySql => command.arg("--ssl-mode=DISABLED"),
            // Nothing of a script may run a program or write a file here.
            Self::MariaDb => command.args(["--sandbox", "--skip-ssl", "--comments"]),
            Self::Stripping => command.args(["--sandbox", "--skip-ssl"]),
        };
        command.kill_on_drop(true);
        command
    }

    /// What the client makes of the case.
    pub(super) async fn run(self, case: &Case) -> (Outcome, String) {
        let options = self.options(case);
        let role = Role {
            flavor: self.flavor(),
            dollar_quotes: options.dialect == Dialect::MySql { dollar_quotes: true },
            no_backslash_escapes: options.no_backslash_escapes,
            ansi_quotes: options.ansi_quotes,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = run(self.command(options.charset, port), &case.script);
        let both = async { tokio::join!(client, record(listener, role)) };
        let (output, sent) = tokio::time::timeout(Duration::from_secs(60), both)
            .await
            .unwrap_or_else(|_| panic!("{self:?} does not end with {}", case.name));
        let statements = sent.unwrap().iter().filter_map(|sent| self.statement(sent)).collect();
        (Outcome { statements, refused: !output.status.success() }, stderr_of(&output))
    }
}

fn name_of(charset: Charset) -> &'static str {
    match charset {
        Charset::Utf8 => "utf8mb4",
        Charset::AsciiSafe => "latin1",
        Charset::Sjis => "sjis",
        Charset::Gbk => "gbk",
        Charset::Gb18030 => "gb18030",
        Charset::Big5 => "big5",
        Charset::EucKr => "euckr",
    }
}

/// What a client sends, without what never matters: white space and plain comments in front of a
/// statement, and texts that hold nothing else. The clients send both, and the servers answer
/// that all is well.
fn without_leading_comments(text: &[u8], flavor: Flavor) -> &[u8] {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        let line = rest.starts_with(b"#")
            || rest.starts_with(b"--") && rest.get(2).is_none_or(u8::is_ascii_whitespace);
        let code = rest.starts_with(b"/*!")
            || rest.starts_with(b"/*+")
            || rest.starts_with(b"/*M!") && flavor == Flavor::MariaDb;
        let end = if line {
            rest.iter().position(|&byte| byte == b'\n')
        } else if rest.starts_with(b"/*") && !code {
            rest.windows(2).skip(2).position(|pair| pair == b"*/").map(|at| at + 3)
        } else {
            return rest;
        };
        match end {
            Some(end) => rest = &rest[end + 1..],
            None if line => return &[],
            None => return rest,
        }
    }
}

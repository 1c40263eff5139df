//! A server that runs nothing: it takes every statement, answers that all is well, and remembers
//! the bytes. What a stock client makes of a script can then be compared byte by byte.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::given::{Change, react};
use crate::harness::Flavor;

const SERVER_STATUS_AUTOCOMMIT: u16 = 0x0002;
const SERVER_STATUS_NO_BACKSLASH_ESCAPES: u16 = 0x0200;
/// Only `MariaDB` has this one.
const SERVER_STATUS_ANSI_QUOTES: u16 = 0x8000;

const COM_QUIT: u8 = 0x01;
const COM_INIT_DB: u8 = 0x02;
const COM_QUERY: u8 = 0x03;

/// Long password, connect with database, 4.1 protocol, transactions, secure connection, multiple
/// statements, multiple results, authentication plugins: what the clients need, and no more.
const CAPABILITIES: u32 =
    0x0000_0001 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x1_0000 | 0x2_0000 | 0x8_0000;

/// What kind of server is played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role {
    pub(super) flavor: Flavor,
    /// Whether `$tag$` is a quote; the `MySQL` client asks, by a query, when it connects.
    pub(super) dollar_quotes: bool,
    pub(super) no_backslash_escapes: bool,
    pub(super) ansi_quotes: bool,
}

impl Role {
    fn version(self) -> &'static str {
        match (self.flavor, self.dollar_quotes) {
            (Flavor::MariaDb, _) => "5.5.5-10.11.19-MariaDB",
            (Flavor::MySql, false) => "8.4.0",
            (Flavor::MySql, true) => "9.7.0",
        }
    }

    fn plugin(self) -> &'static str {
        match self.flavor {
            Flavor::MariaDb => "mysql_native_password",
            Flavor::MySql => "caching_sha2_password",
        }
    }

    fn status(self) -> u16 {
        let mut status = SERVER_STATUS_AUTOCOMMIT;
        if self.no_backslash_escapes {
            status |= SERVER_STATUS_NO_BACKSLASH_ESCAPES;
        }
        if self.ansi_quotes && self.flavor == Flavor::MariaDb {
            status |= SERVER_STATUS_ANSI_QUOTES;
        }
        status
    }

    /// Whether the client sends this on its own when it connects.
    fn is_greeting(self, query: &[u8]) -> bool {
        self.flavor == Flavor::MySql && (query == b"select $$" || query == VERSION_COMMENT)
    }
}

const VERSION_COMMENT: &[u8] = b"select @@version_comment limit 1";

/// What arrived from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Query(Vec<u8>),
    /// A database selected by a command of the protocol, not by a query.
    Database(Vec<u8>),
}

/// Serves one connection to its end.
pub(super) async fn record(listener: TcpListener, role: Role) -> io::Result<Vec<Sent>> {
    let (stream, _) = listener.accept().await?;
    let mut connection = Connection { stream, role, sequence: 0 };
    connection.send(&greeting(role)).await?;
    connection.receive().await?;
    connection.send_ok().await?;
    let mut sent = Vec::new();
    while let Some(packet) = connection.receive().await? {
        let Some((&command, body)) = packet.split_first() else { continue };
        match command {
            COM_QUIT => break,
            COM_QUERY if sent.is_empty() && role.is_greeting(body) => {
                connection.answer_greeting(body).await?;
            }
            COM_QUERY => {
                react(body, |change| match change {
                    Change::Backslash(on) => connection.role.no_backslash_escapes = on,
                    Change::Ansi(on) => connection.role.ansi_quotes = on,
                    Change::Charset(_) => {}
                });
                sent.push(Sent::Query(body.to_vec()));
                connection.send_ok().await?;
            }
            COM_INIT_DB => {
                // Before a client selects a database, it asks which one is.
                sent.pop_if(|last| *last == Sent::Query(b"SELECT DATABASE()".to_vec()));
                sent.push(Sent::Database(body.to_vec()));
                connection.send_ok().await?;
            }
            other => return Err(io::Error::other(format!("unexpected command {other}"))),
        }
    }
    Ok(sent)
}

struct Connection {
    stream: TcpStream,
    role: Role,
    /// The number of the next packet.
    sequence: u8,
}

impl Connection {
    /// The next packet, or `None` when the client is gone.
    async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut header = [0; 4];
        match self.stream.read_exact(&mut header).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            result => result?,
        };
        let [a, b, c, sequence] = header;
        let mut body = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
        self.stream.read_exact(&mut body).await?;
        self.sequence = sequence.wrapping_add(1);
        Ok(Some(body))
    }

    async fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let [a, b, c, _] = u32::try_from(body.len()).unwrap().to_le_bytes();
        let packet = [&[a, b, c, self.sequence], body].concat();
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&packet).await
    }

    /// No rows, no warnings; and the modes that a client has to know for reading on.
    async fn send_ok(&mut self) -> io::Result<()> {
        let [low, high] = self.role.status().to_le_bytes();
        self.send(&[0, 0, 0, low, high, 0, 0]).await
    }

    async fn answer_greeting(&mut self, query: &[u8]) -> io::Result<()> {
        if query == VERSION_COMMENT {
            return self.send_ok().await;
        }
        // A syntax error if it is an open quote, else a column that does not exist.
        let number: u16 = if self.role.dollar_quotes { 1064 } else { 1054 };
        self.send(&[&[0xFF], &number.to_le_bytes()[..], b"#42000no"].concat()).await
    }
}

/// The server's first packet.
fn greeting(role: Role) -> Vec<u8> {
    let [low, high, upper_low, upper_high] = CAPABILITIES.to_le_bytes();
    let status = role.status().to_le_bytes();
    let mut packet = vec![10];
    packet.extend_from_slice(role.version().as_bytes());
    packet.extend_from_slice(b"\0\x01\0\0\0saltsalt\0");
    packet.extend_from_slice(&[low, high, 45, status[0], status[1], upper_low, upper_high, 21]);
    packet.extend_from_slice(&[0; 10]);
    packet.extend_from_slice(b"saltsaltsalt\0");
    packet.extend_from_slice(role.plugin().as_bytes());
    packet.push(0);
    packet
}

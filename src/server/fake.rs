//! A server that plays its part up to the end of the login, and answers queries as a test wants,
//! for tests of what no real server would say.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server::ConnectOptions;

#[cfg(feature = "tls")]
pub(super) use rustls::ServerConfig as TlsConfig;
/// Without the feature no fake has TLS.
#[cfg(not(feature = "tls"))]
#[derive(Clone)]
pub(super) enum TlsConfig {}

const CLIENT_SSL: u32 = 0x800;
const COM_QUERY: u8 = 3;
/// Both in autocommit.
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const EOF: &[u8] = &[0xfe, 0, 0, 2, 0];
/// Protocol 4.1, secure connection, plugins, connect attributes, database, transactions.
const CAPABILITIES: u32 = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x8_0000 | 0x10_0000;

/// What the server says at the end of the login.
#[derive(Clone)]
pub(super) enum Answer {
    Ok,
    Error(u16, &'static str),
    /// Asks for another account plugin with these data, and answers the client's reply so.
    Switch(&'static str, &'static [u8], &'static [u8]),
    Close,
}

/// How the server begins.
#[derive(Clone)]
pub(super) enum Greeting {
    Proper,
    /// These bytes instead.
    Bytes(&'static [u8]),
    Silence,
}

/// The rows that answer a query, in short texts; without any it is answered as a statement that has
/// none.
pub(super) type Rows = Vec<Vec<String>>;

type Queries = dyn Fn(&str) -> Rows + Send + Sync;

#[derive(Clone)]
pub(super) struct Fake {
    pub(super) greeting: Greeting,
    pub(super) answer: Answer,
    pub(super) tls: Option<Arc<TlsConfig>>,
    /// What answers queries; without it none is ever answered.
    pub(super) queries: Option<Arc<Queries>>,
}

/// What a running fake saw, by connection.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Vec<Visit>>>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) is_encrypted: bool,
    pub(super) has_logged_in: bool,
}

impl Seen {
    fn arrived(&self) -> usize {
        let mut visits = self.0.lock().unwrap();
        visits.push(Visit::default());
        visits.len() - 1
    }

    fn note(&self, visit: usize, change: fn(&mut Visit)) {
        change(&mut self.0.lock().unwrap()[visit]);
    }

    pub(super) fn visits(&self) -> Vec<Visit> {
        self.0.lock().unwrap().clone()
    }
}

impl Default for Fake {
    fn default() -> Self {
        Self { greeting: Greeting::Proper, answer: Answer::Ok, tls: None, queries: None }
    }
}

impl Fake {
    /// Starts it on a loopback port. It ends with the runtime of the test.
    pub(super) async fn start(self) -> (ConnectOptions, Seen) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen::default();
        let log = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = self.clone();
                let log = log.clone();
                tokio::spawn(async move {
                    let visit = log.arrived();
                    // An error is a client that went away, which many tests want.
                    let _ = fake.serve(stream, |change| log.note(visit, change)).await;
                });
            }
        });
        let options = ConnectOptions::new()
            .with_host("127.0.0.1")
            .with_port(port)
            .with_user("someone")
            .with_password("KNOWN-SECRET");
        (options, seen)
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        note: impl Fn(fn(&mut Visit)),
    ) -> std::io::Result<()> {
        match self.greeting {
            Greeting::Proper => write(&mut stream, 0, &greeting(self.tls.is_some())).await?,
            Greeting::Bytes(bytes) => return stream.write_all(bytes).await,
            Greeting::Silence => return std::future::pending().await,
        }
        let first = read(&mut stream).await?;
        let wants_tls = first
            .1
            .get(..4)
            .is_some_and(|flags| u32::from_le_bytes(flags.try_into().unwrap()) & CLIENT_SSL != 0);
        if !wants_tls {
            return self.finish(stream, first.0, note).await;
        }
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(config));
            let mut stream = match acceptor.accept(stream).into_fallible().await {
                Ok(stream) => stream,
                Err((error, mut stream)) => {
                    // Closing with bytes unread would reset the connection, and take the alert
                    // that says why from the client.
                    stream.read_to_end(&mut Vec::new()).await?;
                    return Err(error);
                }
            };
            note(|visit| visit.is_encrypted = true);
            let (number, _) = read(&mut stream).await?;
            return self.finish(stream, number, note).await;
        }
        Ok(())
    }

    async fn finish(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        number: u8,
        note: impl Fn(fn(&mut Visit)),
    ) -> std::io::Result<()> {
        note(|visit| visit.has_logged_in = true);
        let number = number.wrapping_add(1);
        match &self.answer {
            Answer::Ok => write(&mut stream, number, OK).await?,
            Answer::Error(code, message) => {
                let mut packet = vec![0xff];
                packet.extend(code.to_le_bytes());
                packet.extend(b"#HY000");
                packet.extend(message.as_bytes());
                write(&mut stream, number, &packet).await?;
            }
            Answer::Switch(plugin, data, reply) => {
                let mut packet = vec![0xfe];
                packet.extend(plugin.as_bytes());
                packet.push(0);
                packet.extend(*data);
                write(&mut stream, number, &packet).await?;
                let (number, _) = read(&mut stream).await?;
                write(&mut stream, number.wrapping_add(1), reply).await?;
            }
            Answer::Close => return Ok(()),
        }
        if let Some(queries) = &self.queries {
            loop {
                let (_, command) = read(&mut stream).await?;
                let Some((&COM_QUERY, text)) = command.split_first() else { return Ok(()) };
                let rows = queries(&String::from_utf8_lossy(text));
                let mut number = 0;
                for packet in result(&rows) {
                    number += 1;
                    write(&mut stream, number, &packet).await?;
                }
            }
        }
        // Until the client goes.
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.map(drop)
    }
}

/// The packets of an answer (manual, Text Resultset).
fn result(rows: &Rows) -> Vec<Vec<u8>> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let Some(first) = rows.first() else { return vec![OK.to_vec()] };
    let mut packets = vec![vec![u8::try_from(first.len()).unwrap()]];
    for _ in first {
        // Catalogue, schema, two names of the table, two of the column; utf8mb4, VAR_STRING.
        let mut column = ["def", "", "", "", "c", ""].map(text).concat();
        column.extend([12, 45, 0, 255, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0]);
        packets.push(column);
    }
    packets.push(EOF.to_vec());
    packets.extend(rows.iter().map(|row| row.iter().flat_map(|value| text(value)).collect()));
    packets.push(EOF.to_vec());
    packets
}

fn greeting(has_tls: bool) -> Vec<u8> {
    let capabilities = CAPABILITIES | if has_tls { CLIENT_SSL } else { 0 };
    let [low0, low1, high0, high1] = capabilities.to_le_bytes();
    let mut packet = vec![10];
    packet.extend(b"9.7.4\0");
    packet.extend(7_u32.to_le_bytes());
    packet.extend(b"abcdefgh\0");
    packet.extend([low0, low1, 45, 2, 0, high0, high1, 21]);
    packet.extend([0; 10]);
    packet.extend(b"ijklmnopqrst\0");
    packet.extend(b"mysql_native_password\0");
    packet
}

async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    number: u8,
    packet: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(packet.len()).unwrap() | (u32::from(number) << 24);
    stream.write_all(&length.to_le_bytes()).await?;
    stream.write_all(packet).await?;
    stream.flush().await
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<(u8, Vec<u8>)> {
    let header = stream.read_u32_le().await?;
    let mut packet = vec![0; (header & 0xff_ffff) as usize];
    stream.read_exact(&mut packet).await?;
    Ok((u8::try_from(header >> 24).unwrap(), packet))
}

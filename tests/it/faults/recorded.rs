//! A conversation with a real server, recorded packet by packet, and a fake server that has nothing
//! else to say: it answers whatever it is asked by what came next in the record.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use snapdump::{ConnectOptions, TlsMode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

/// One packet, header and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    FromClient,
    FromServer(Vec<u8>),
}

/// What passed on each connection, in the order in which they were made.
pub(super) type Record = Vec<Vec<Packet>>;

/// Reads one packet as it is, header and all.
pub(super) async fn packet(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; 4];
    from.read_exact(&mut packet).await?;
    let length = u32::from_le_bytes([packet[0], packet[1], packet[2], 0]) as usize;
    packet.resize(4 + length, 0);
    from.read_exact(&mut packet[4..]).await?;
    Ok(packet)
}

/// Records what passes between the client and a server. Clear text only.
pub(super) struct Recorder {
    port: u16,
    record: Arc<Mutex<Record>>,
    _tasks: JoinSet<()>,
}

impl Recorder {
    pub(super) async fn start(to: &ConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let record = Arc::new(Mutex::new(Record::new()));
        let (upstream, inner) = ((to.host().to_owned(), to.port()), Arc::clone(&record));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                let number = {
                    let mut record = inner.lock().await;
                    record.push(Vec::new());
                    record.len() - 1
                };
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let record = Arc::clone(&inner);
                connections.spawn(async move {
                    while let Ok(bytes) = packet(&mut from_client).await {
                        record.lock().await[number].push(Packet::FromClient);
                        if to_server.write_all(&bytes).await.is_err() {
                            break;
                        }
                    }
                });
                let record = Arc::clone(&inner);
                connections.spawn(async move {
                    while let Ok(bytes) = packet(&mut from_server).await {
                        record.lock().await[number].push(Packet::FromServer(bytes.clone()));
                        if to_client.write_all(&bytes).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { port, record, _tasks: tasks }
    }

    pub(super) fn options(&self, to: &ConnectOptions) -> ConnectOptions {
        at(to, self.port)
    }

    pub(super) async fn record(self) -> Record {
        self.record.lock().await.clone()
    }
}

fn at(to: &ConnectOptions, port: u16) -> ConnectOptions {
    to.clone().with_host("127.0.0.1").with_port(port).with_tls_mode(TlsMode::Disabled)
}

/// A server that says what was recorded. It never compares what it is asked.
pub(super) struct Fake {
    port: u16,
    _tasks: JoinSet<()>,
}

impl Fake {
    pub(super) async fn start(record: Arc<Record>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let next = AtomicUsize::new(0);
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (record, number) = (Arc::clone(&record), next.fetch_add(1, Ordering::Relaxed));
                connections.spawn(async move {
                    if let Some(script) = record.get(number) {
                        // An error is a client that went away.
                        let _ = play(script, client).await;
                    }
                });
            }
        });
        Self { port, _tasks: tasks }
    }

    pub(super) fn options(&self, to: &ConnectOptions) -> ConnectOptions {
        at(to, self.port)
    }
}

async fn play(script: &[Packet], client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from, mut to) = client.into_split();
    let mut pending = Vec::new();
    for item in script {
        match item {
            Packet::FromServer(bytes) => pending.extend_from_slice(bytes),
            Packet::FromClient => {
                to.write_all(&pending).await?;
                pending.clear();
                packet(&mut from).await?;
            }
        }
    }
    to.write_all(&pending).await
}

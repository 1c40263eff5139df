//! Somebody between client and server who takes the offer of TLS away.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use snapdump::{ConnectOptions, Context, ErrorKind, TlsMode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::figure;
use super::recorded::packet;

/// The offer, in the second byte of the capabilities (manual, `Protocol::HandshakeV10`).
const CLIENT_SSL: u8 = 0x08;

/// Passes everything on, but for the server's offer of TLS.
struct Stripper {
    port: u16,
    /// What clients have said, connection after connection.
    said: Arc<Mutex<Vec<u8>>>,
    _task: JoinSet<()>,
}

impl Stripper {
    async fn start(server: &ConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let upstream = (server.host().to_owned(), server.port());
        let said = Arc::new(Mutex::new(Vec::new()));
        let (mut task, log) = (JoinSet::new(), Arc::clone(&said));
        task.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                pass(client, TcpStream::connect(&upstream).await.unwrap(), &log).await;
            }
        });
        Self { port, said, _task: task }
    }

    fn has_heard(&self, text: &str) -> bool {
        self.said.lock().unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes())
    }
}

async fn pass(client: TcpStream, server: TcpStream, said: &Mutex<Vec<u8>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let mut greeting = packet(&mut from_server).await.unwrap();
    // Behind the header, the protocol and the version: number, eight bytes of salt, a filler.
    let version = greeting[5..].iter().position(|byte| *byte == 0).unwrap();
    let offer = &mut greeting[5 + version + 1 + 4 + 8 + 1 + 1];
    assert_ne!(*offer & CLIENT_SSL, 0, "the server offers no TLS");
    *offer &= !CLIENT_SSL;
    to_client.write_all(&greeting).await.unwrap();
    let up = async {
        let mut buffer = vec![0; 4_096];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            said.lock().unwrap().extend_from_slice(&buffer[..length]);
            if to_server.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    };
    // Either of them may go.
    tokio::select! {
        () = up => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

on_each_server! {
    /// S4: `preferred` then goes on in clear text, as it says it does; no mode that asks for TLS says as
    /// much as the name of the account.
    async fn an_offer_of_tls_that_is_taken_away(server: TestServer) {
        let directory = std::env::var_os("SNAPDUMP_TEST_TLS_DIR").expect("see scripts/servers");
        let direct = ConnectOptions::from_url(&server.url).unwrap();
        let direct = direct.with_ssl_ca(PathBuf::from(directory).join("ca.pem"));
        let user = direct.user().unwrap().to_owned();
        for mode in TlsMode::ALL {
            figure("attempts to take TLS away", 1);
            let what = format!("{}, {mode}", server.name);
            let direct = direct.clone().with_tls_mode(mode);
            let honest = direct.check_connection(&Context::new()).await.unwrap();
            assert_eq!(honest.cipher.is_some(), mode != TlsMode::Disabled, "{what}");

            let stripper = Stripper::start(&direct).await;
            let options = direct.with_host("127.0.0.1").with_port(stripper.port);
            let reached = options.check_connection(&Context::new()).await;
            if let TlsMode::Disabled | TlsMode::Preferred = mode {
                assert_eq!(reached.unwrap().cipher, None, "{what}");
                assert!(stripper.has_heard(&user), "{what}: not by this way");
            } else {
                let error = reached.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Connect, "{what}: {}", error.chain());
                let words = format!("offers no TLS, which ssl-mode {mode} asks for");
                assert!(error.to_string().ends_with(&words), "{what}: {error}");
                assert!(!stripper.has_heard(&user), "{what}");
                assert!(!stripper.has_heard("snapdump"), "{what}");
            }
        }
    }
}

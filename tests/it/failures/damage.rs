//! A backup damaged in every way, restored through a recorder: no statement of it reaches the
//! server.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use snapdump::{
    Compression, ConnectOptions, Context, DumpOptions, ErrorKind, RestoreOptions, TlsMode, inspect,
    restore,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::backup::dump_into;
use crate::harness::TestDatabase;
use crate::roundtrip::{connect, scratch};
use crate::sample::sample_database;

/// What a restore asks before it sends anything of the file.
const QUESTIONS: [&str; 7] = [
    "SET sql_select_limit = ",
    "SELECT @@",
    "SET NAMES '",
    "SHOW SESSION VARIABLES",
    "SET SESSION ",
    // Of the connection that ends another one.
    "SHOW GLOBAL STATUS LIKE 'Uptime'",
    "KILL CONNECTION ",
];

/// A proxy that keeps the statements that pass.
pub(super) struct Recorder {
    pub(super) options: ConnectOptions,
    statements: Arc<Mutex<Vec<String>>>,
    _task: tokio::task::JoinHandle<()>,
}

impl Recorder {
    pub(super) async fn start(database: &TestDatabase) -> Self {
        let to = connect(database).with_tls_mode(TlsMode::Disabled);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options =
            to.clone().with_host("127.0.0.1").with_port(listener.local_addr().unwrap().port());
        let statements = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&statements);
        let address = format!("{}:{}", to.host(), to.port());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&kept)));
            }
        });
        Self { options, statements, _task: task }
    }

    /// The statements since the last call that are none of the questions.
    pub(super) fn sent(&self) -> Vec<String> {
        let all = std::mem::take(&mut *self.statements.lock().unwrap());
        assert!(!all.is_empty(), "nothing passed the recorder");
        all.into_iter()
            .filter(|text| !QUESTIONS.iter().any(|question| text.starts_with(question)))
            .collect()
    }
}

async fn pass(client: TcpStream, server: TcpStream, kept: Arc<Mutex<Vec<String>>>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    loop {
        let mut header = [0; 4];
        if from_client.read_exact(&mut header).await.is_err() {
            break;
        }
        let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let mut packet = vec![0; length as usize];
        if from_client.read_exact(&mut packet).await.is_err() {
            break;
        }
        // COM_QUERY; the packets of a login have higher numbers.
        if header[3] == 0 && packet.first() == Some(&3) {
            kept.lock().unwrap().push(String::from_utf8_lossy(&packet[1..]).into_owned());
        }
        let whole = [header.as_slice(), &packet].concat();
        if to_server.write_all(&whole).await.is_err() {
            break;
        }
    }
    back.abort();
}

/// The regions of a file: its indexed members, and what follows them.
fn regions(path: &std::path::Path) -> Vec<(String, Range<usize>)> {
    let footer = inspect(path).unwrap();
    let at = |bytes: u64| usize::try_from(bytes).unwrap();
    let mut regions: Vec<_> = footer
        .index
        .members
        .iter()
        .map(|member| {
            let range = at(member.offset)..at(member.offset + member.length);
            (format!("{:?}", member.section), range)
        })
        .collect();
    let end = regions.last().unwrap().1.end;
    let file = at(footer.file_bytes);
    let trailer = file - if footer.compressed { 279 } else { 256 };
    regions.push(("manifest and index".to_owned(), end..trailer));
    regions.push(("trailer".to_owned(), trailer..file));
    regions
}

/// The damaged files, each with what was done to it.
fn damaged(bytes: &[u8], regions: &[(String, Range<usize>)]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    // The same places in every run, and others in every file.
    let mut state = bytes.len() as u64 | 1;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for (number, (name, region)) in regions.iter().enumerate() {
        let name = format!("{name} ({number})");
        let without = [&bytes[..region.start], &bytes[region.end..]].concat();
        files.push((format!("{name} deleted"), without));
        let twice = [&bytes[..region.end], &bytes[region.start..]].concat();
        files.push((format!("{name} twice"), twice));
        for cut in [region.start, region.start + region.len() / 2, region.end - 1] {
            files.push((format!("cut at {cut}, in {name}"), bytes[..cut].to_vec()));
        }
        for _ in 0..2 {
            let at = region.start + random(region.len());
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << random(8);
            files.push((format!("byte {at} changed, in {name}"), changed));
        }
        let at = region.start + random(region.len());
        let taken = [&bytes[..at], &bytes[at + 1..]].concat();
        files.push((format!("byte {at} taken out, in {name}"), taken));
    }
    if let Some(pair) = regions.windows(2).find(|pair| pair[0].0 != pair[1].0) {
        let (one, two) = (pair[0].1.clone(), pair[1].1.clone());
        let swapped =
            [&bytes[..one.start], &bytes[two.clone()], &bytes[one], &bytes[two.end..]].concat();
        files.push(("two members swapped".to_owned(), swapped));
    }
    files
}

on_each_server! {
    /// F22.
    async fn nothing_of_a_damaged_backup_reaches_the_server(server: TestServer) {
        let source = sample_database(&server, 40).await;
        let target = server.database().await;
        let recorder = Recorder::start(&target).await;
        for compression in [Compression::default(), Compression::None] {
            let (_directory, path) = scratch();
            let options = DumpOptions::default().with_compression(compression);
            dump_into(&source, &path, &options).await;
            let bytes = std::fs::read(&path).unwrap();
            let regions = regions(&path);
            assert!(regions.len() > 8, "{regions:?}");
            let files = damaged(&bytes, &regions);
            assert!(files.len() > 60);
            crate::faults::figure("damaged backups, each refused unread", files.len() as u64);
            for (what, file) in files {
                std::fs::write(&path, &file).unwrap();
                let options = RestoreOptions::default();
                let restored = restore(&recorder.options, &path, &options, &Context::new()).await;
                let Err(error) = restored else { panic!("restored: {compression:?}, {what}") };
                let kinds = [ErrorKind::Manifest, ErrorKind::Digest, ErrorKind::Codec, ErrorKind::Lex];
                assert!(kinds.contains(&error.kind()), "{what}: {}", error.chain());
                assert_eq!(recorder.sent(), [""; 0], "{compression:?}, {what}");
            }
            // The recorder sees what a whole file sends.
            if compression == Compression::None {
                std::fs::write(&path, &bytes).unwrap();
                let options = RestoreOptions::default();
                let report = restore(&recorder.options, &path, &options, &Context::new())
                    .await
                    .unwrap_or_else(|error| panic!("{}", error.chain()));
                let sent = recorder.sent().len();
                assert!(sent as u64 > report.statements / 2, "{sent} of {}", report.statements);
            }
        }
    }
}

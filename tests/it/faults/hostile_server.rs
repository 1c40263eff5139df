//! A server that breaks its protocol in every way: recorded conversations of real servers, with
//! packets changed, cut, doubled, left out, put into another order, or replaced by nonsense.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use snapdump::{
    ConnectOptions, Context, DumpOptions, Error, ErrorKind, RestoreOptions, TlsMode, dump_to_path,
    restore,
};

use super::recorded::{Fake, Packet, Record, Recorder};
use super::world::{BOUND, World, impatient};
use super::{depth, figure};
use crate::backup::files_in;
use crate::harness::TestServer;
use crate::roundtrip::connect;

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// What is done to one packet of the server.
const CHANGES: [&str; 16] = [
    "a bit",
    "a byte",
    "several bytes",
    "shorter",
    "longer",
    "empty",
    "header too long",
    "header too short",
    "sequence number",
    "left out",
    "twice",
    "an error",
    "asks for a file",
    "in place of the next",
    "renumbered in place of the next",
    "another answer",
];

/// Packets that mean something, wherever they come.
const ERROR: &[u8] = b"\xff\x28\x04#42000half a mess\xe4ge";
const ASKS_FOR_A_FILE: &[u8] = b"\xfb/etc/passwd";

fn framed(payload: &[u8], sequence: u8) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap() | (u32::from(sequence) << 24);
    [&length.to_le_bytes()[..], payload].concat()
}

/// A conversation of which one packet is not what it was.
struct Lie {
    record: Record,
    what: String,
    /// Whether nobody can believe it: the numbers of packets are wrong that the operation has to
    /// read before it asks on.
    is_found: bool,
}

/// Changes one packet of a conversation.
fn mutate(record: &Record, numbers: &mut Numbers) -> Lie {
    let mut record = record.clone();
    let spoken: Vec<usize> = (0..record.len()).filter(|at| !record[*at].is_empty()).collect();
    let connection = spoken[numbers.below(spoken.len())];
    let script = &mut record[connection];
    let from_server: Vec<usize> =
        (0..script.len()).filter(|at| matches!(script[*at], Packet::FromServer(_))).collect();
    let at = from_server[numbers.below(from_server.len())];
    let Packet::FromServer(bytes) = script[at].clone() else { unreachable!() };
    let payload = bytes[4..].to_vec();
    let change = CHANGES[numbers.below(CHANGES.len())];
    let what = format!("connection {connection}, packet {at}: {change}");
    let asks_on = connection == 0 && script[at..].contains(&Packet::FromClient);
    if change.contains("next") || change.contains("answer") {
        disorder(script, at, change, numbers);
        let is_next = change == "in place of the next"
            && script.get(at + 1) == Some(&Packet::FromServer(bytes));
        return Lie { record, what, is_found: asks_on && is_next };
    }
    let mut changed = bytes.clone();
    match change {
        "a bit" => {
            let place = 4 + numbers.below(payload.len());
            if let Some(byte) = changed.get_mut(place) {
                *byte ^= 1 << numbers.below(8);
            }
        }
        "a byte" => {
            let place = 4 + numbers.below(payload.len());
            if let Some(byte) = changed.get_mut(place) {
                *byte = numbers.byte();
            }
        }
        "several bytes" => {
            for _ in 0..=numbers.below(8) {
                let place = 4 + numbers.below(payload.len());
                if let Some(byte) = changed.get_mut(place) {
                    *byte = numbers.byte();
                }
            }
        }
        "shorter" => changed = framed(&payload[..numbers.below(payload.len())], bytes[3]),
        "longer" => {
            let mut longer = payload.clone();
            longer.extend((0..=numbers.below(40)).map(|_| numbers.byte()));
            changed = framed(&longer, bytes[3]);
        }
        "empty" => changed = framed(b"", bytes[3]),
        "header too long" => changed[2] = changed[2].wrapping_add(1 + numbers.byte() % 200),
        "header too short" => changed[0] = changed[0].wrapping_sub(1 + numbers.byte() % 3),
        "sequence number" => changed[3] = changed[3].wrapping_add(1 + numbers.byte() % 255),
        "left out" => changed.clear(),
        "twice" => changed.extend_from_slice(&bytes),
        "an error" => changed = framed(ERROR, bytes[3]),
        _ => changed = framed(ASKS_FOR_A_FILE, bytes[3]),
    }
    script[at] = Packet::FromServer(changed);
    if numbers.below(4) == 0 {
        script.truncate(at + 1);
    }
    Lie { record, what, is_found: asks_on && change == "sequence number" }
}

/// Whole packets in another order: two are exchanged, as they are or as if they were numbered so;
/// or the server answers what it was asked before, or will be.
fn disorder(script: &mut [Packet], at: usize, change: &str, numbers: &mut Numbers) {
    if change == "another answer" {
        let answers = answers(script);
        let this = answers.iter().position(|answer| answer.contains(&at)).unwrap();
        let other = (this + 1 + numbers.below(answers.len() - 1)) % answers.len();
        let said: Vec<u8> =
            script[answers[other].clone()].iter().flat_map(bytes_of).copied().collect();
        for packet in &mut script[answers[this].clone()] {
            *packet = Packet::FromServer(Vec::new());
        }
        script[at] = Packet::FromServer(said);
        return;
    }
    let later = &script[at + 1..];
    let Some(next) = later.iter().position(|packet| *packet != Packet::FromClient) else { return };
    script.swap(at, at + 1 + next);
    if change.starts_with("renumbered") {
        let [first, second] = script.get_disjoint_mut([at, at + 1 + next]).unwrap();
        if let (Packet::FromServer(first), Packet::FromServer(second)) = (first, second) {
            std::mem::swap(&mut first[3], &mut second[3]);
        }
    }
}

/// Where the answers of a server are in a conversation.
fn answers(script: &[Packet]) -> Vec<Range<usize>> {
    let mut answers: Vec<Range<usize>> = Vec::new();
    for (at, packet) in script.iter().enumerate() {
        match answers.last_mut() {
            _ if *packet == Packet::FromClient => {}
            Some(last) if last.end == at => last.end += 1,
            _ => answers.push(at..at + 1),
        }
    }
    answers
}

fn bytes_of(packet: &Packet) -> &[u8] {
    match packet {
        Packet::FromServer(bytes) => bytes,
        Packet::FromClient => &[],
    }
}

/// Asserts what an operation with a lying server may end in.
fn assert_typed(what: &str, since: Instant, error: &Error) {
    assert!(since.elapsed() < BOUND, "{what}: {:?}", since.elapsed());
    assert!(error.kind() != ErrorKind::Internal, "{what}: {}", error.chain());
    let chain = error.chain();
    assert!(!chain.contains('\n') && chain.len() < 4_000, "{what}: {chain}");
    // Debug is for logs: it must not spread, and must not fail, either.
    assert!(format!("{error:?}").len() < 20_000, "{what}");
}

fn quickly(options: &ConnectOptions) -> ConnectOptions {
    impatient(options)
        .with_connect_timeout(Duration::from_millis(800))
        .with_read_timeout(Duration::from_millis(80))
        .with_tls_mode(TlsMode::Disabled)
}

/// How many lies of each kind were told, and what became of them.
#[derive(Debug, Default)]
struct Told(BTreeMap<String, u64>);

impl Told {
    /// Tells so many lies, some of them at once: most of the time of each is waiting.
    async fn all(lies: u64, tell: impl AsyncFn(u64) -> Option<ErrorKind>) -> Self {
        let mut told = Self::default();
        let mut ends = stream::iter(0..lies).map(|lie| tell(lie)).buffer_unordered(8);
        while let Some(kind) = ends.next().await {
            told.note(kind);
        }
        drop(ends);
        told
    }

    fn note(&mut self, kind: Option<ErrorKind>) {
        let word = kind.map_or_else(|| "believed".to_owned(), |kind| kind.to_string());
        *self.0.entry(word).or_default() += 1;
    }

    fn print(&self, server: &TestServer, operation: &str) {
        println!("{}: lies during a {operation}: {:?}", server.name, self.0);
        figure("lies told by servers", self.0.values().sum());
    }
}

on_each_server! {
    async fn a_dump_of_a_lying_server(server: TestServer) {
        let world = World::make(&server, 20).await;
        let from = connect(&world.source).with_tls_mode(TlsMode::Disabled);
        let path = world.directory.path().join("dump.sql.gz");
        let options = DumpOptions::default();
        let record = {
            let recorder = Recorder::start(&from).await;
            dump_to_path(&recorder.options(&from), &path, &options, &Context::new()).await.unwrap();
            recorder.record().await
        };
        assert!(record.len() >= 2, "session and guard");
        // The truth first, twice told.
        std::fs::remove_file(&path).unwrap();
        let fake = Fake::start(Arc::new(record.clone())).await;
        dump_to_path(&fake.options(&from), &path, &options, &Context::new()).await.unwrap();
        let from = quickly(&from);

        let lie = async |seed| {
            let Lie { record, what, is_found } = mutate(&record, &mut Numbers(seed));
            let what = format!("{}, seed {seed}, {what}", server.name);
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("dump.sql.gz");
            let fake = Fake::start(Arc::new(record)).await;
            let since = Instant::now();
            let context = Context::new();
            match dump_to_path(&fake.options(&from), &path, &options, &context).await {
                Ok(_) => {
                    // Whatever was said in it, it is a whole file.
                    snapdump::verify(&path, &context).await.unwrap();
                    assert!(!is_found, "{what}: believed");
                    assert_eq!(files_in(directory.path()), ["dump.sql.gz"], "{what}");
                    None
                }
                Err(error) => {
                    assert_typed(&what, since, &error);
                    assert_eq!(files_in(directory.path()), [""; 0], "{what}");
                    Some(error.kind())
                }
            }
        };
        let told = Told::all(depth(250, 20_000), lie).await;
        told.print(&server, "dump");
    }

    async fn a_restore_into_a_lying_server(server: TestServer) {
        let world = World::make(&server, 20).await;
        let target = server.database().await;
        let to = connect(&target).with_tls_mode(TlsMode::Disabled);
        let options = RestoreOptions::default().with_connections(1);
        let backup = world.backup();
        let record = {
            let recorder = Recorder::start(&to).await;
            restore(&recorder.options(&to), &backup, &options, &Context::new()).await.unwrap();
            recorder.record().await
        };
        let fake = Fake::start(Arc::new(record.clone())).await;
        restore(&fake.options(&to), &backup, &options, &Context::new()).await.unwrap();
        let to = quickly(&to);
        let lie = async |seed| {
            let Lie { record, what, is_found } = mutate(&record, &mut Numbers(seed));
            let what = format!("{}, seed {seed}, {what}", server.name);
            let fake = Fake::start(Arc::new(record)).await;
            let since = Instant::now();
            let done = restore(&fake.options(&to), &backup, &options, &Context::new()).await;
            assert!(!is_found || done.is_err(), "{what}: believed");
            done.err().map(|error| {
                assert_typed(&what, since, &error);
                error.kind()
            })
        };
        let told = Told::all(depth(120, 20_000), lie).await;
        told.print(&server, "restore");
    }
}

//! A TCP proxy between snapdump and a server, which breaks connections where a test wants it.
//!
//! It does not care what passes, so it works for TLS too; only [`Proxy::hold_at`] looks for text.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use snapdump::ConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::harness::TestServer;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Both sides see it closed.
    Cut,
    /// Nothing passes any more, and nobody is told: a half-open connection.
    Stall,
    /// The same for this and all later connections: the network is gone.
    Blackout,
}

/// Where it ends: at this byte of this connection, both counted from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) connection: usize,
    pub(crate) way: Way,
    pub(crate) at: u64,
    pub(crate) how: Break,
}

#[derive(Debug)]
struct State {
    upstream: String,
    fault: Option<Fault>,
    hold: Option<Hold>,
    /// Bytes that passed, by connection: to the server, to the client.
    passed: std::sync::Mutex<Vec<Arc<[AtomicU64; 2]>>>,
    /// The ports from which the server is reached now: it knows the connections by them. One that is
    /// closed may be somebody else's the next moment.
    ports: std::sync::Mutex<Vec<u16>>,
    broken: watch::Sender<bool>,
    blackout: watch::Sender<bool>,
    /// Whether a connection that the server has closed stays open for the client.
    keeps: AtomicBool,
}

/// A point at which the traffic waits for the test.
#[derive(Debug)]
struct Hold {
    text: &'static str,
    /// How often the text passes before it is held.
    skip: AtomicUsize,
    held: Notify,
    release: Notify,
}

/// A proxy that lives as long as this value; then all of its connections are cut.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
    tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(to: &ConnectOptions, fault: Option<Fault>) -> Self {
        Self::start_with(to, fault, None).await
    }

    /// A proxy that stops, before it hands it on, at the packet to the server that has `text` in
    /// it, after `skip` others. Clear text only.
    pub(crate) async fn hold_at(to: &ConnectOptions, text: &'static str, skip: usize) -> Self {
        let hold = Hold {
            text,
            skip: AtomicUsize::new(skip),
            held: Notify::new(),
            release: Notify::new(),
        };
        Self::start_with(to, None, Some(hold)).await
    }

    async fn start_with(to: &ConnectOptions, fault: Option<Fault>, hold: Option<Hold>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            upstream: format!("{}:{}", to.host(), to.port()),
            fault,
            hold,
            passed: std::sync::Mutex::default(),
            ports: std::sync::Mutex::default(),
            broken: watch::Sender::new(false),
            blackout: watch::Sender::new(false),
            keeps: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        let inner = Arc::clone(&state);
        tasks.spawn(async move {
            // Aborted with this task.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&inner);
                connections.spawn(async move {
                    // An error is a connection that has ended.
                    let _ = state.serve(client).await;
                });
            }
        });
        Self { port, state, tasks }
    }

    /// The same options, by way of this proxy.
    pub(crate) fn options(&self, to: &ConnectOptions) -> ConnectOptions {
        to.clone().with_host("127.0.0.1").with_port(self.port)
    }

    /// How many bytes have passed on each connection: to the server, to the client.
    pub(crate) fn passed(&self) -> Vec<(u64, u64)> {
        let passed = self.state.passed.lock().unwrap();
        passed
            .iter()
            .map(|ways| (ways[0].load(Ordering::SeqCst), ways[1].load(Ordering::SeqCst)))
            .collect()
    }

    /// Lets another client kill all connections that are open.
    pub(crate) async fn kill_all(&self, server: &TestServer) {
        let mut conn = server.conn().await;
        let ports = || self.state.ports.lock().unwrap().clone();
        let before = ports();
        let first = through(&mut conn, &before).await;
        // Only what stays: MariaDB, told to kill a connection that ends at that very moment, can close
        // the next one instead, which is somebody else's.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let second = through(&mut conn, &before).await;
        let after = ports();
        let mut killed = 0;
        for (id, port) in second {
            if !after.contains(&port) || !first.contains(&(id, port)) {
                continue;
            }
            killed += 1;
            // One that is gone is one that followed another into death.
            match conn.query_drop(format!("KILL {id}")).await {
                Err(mysql_async::Error::Server(error)) if error.code == 1094 => {}
                killed => killed.unwrap(),
            }
        }
        assert!(killed > 0, "{}: no connection of {before:?}", server.name);
        conn.disconnect().await.unwrap();
    }

    /// Whether the fault has happened.
    pub(crate) fn has_broken(&self) -> bool {
        *self.state.broken.borrow()
    }

    /// Waits until the text has come that this proxy holds.
    pub(crate) async fn held(&self) {
        let held = self.state.hold.as_ref().unwrap().held.notified();
        tokio::time::timeout(Duration::from_secs(120), held).await.unwrap_or_else(|_| {
            panic!("the text never came: {:?}", self.state.hold.as_ref().map(|hold| hold.text))
        });
    }

    /// Waits until the text has come that this proxy holds, in something that must not end before.
    pub(crate) async fn held_before<T: std::fmt::Debug>(&self, end: impl Future<Output = T>) {
        tokio::select! {
            biased;
            () = self.held() => {}
            ended = end => panic!(
                "it ended before {:?} came: {ended:?}",
                self.state.hold.as_ref().map(|hold| hold.text)
            ),
        }
    }

    /// Lets the held text pass.
    pub(crate) fn release(&self) {
        self.state.hold.as_ref().unwrap().release.notify_one();
    }

    /// Lets nothing pass any more, on connections of now or later, and tells nobody.
    pub(crate) fn blackout(&self) {
        self.state.blackout.send_replace(true);
    }

    /// From now on a connection that ends is silent instead, as if the server's host had gone.
    pub(crate) fn keep_open(&self) {
        self.state.keeps.store(true, Ordering::SeqCst);
    }

    /// Closes all connections and takes no more.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl State {
    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        let (number, counts) = {
            let mut passed = self.passed.lock().unwrap();
            let counts: Arc<[AtomicU64; 2]> = Arc::default();
            passed.push(Arc::clone(&counts));
            (passed.len() - 1, counts)
        };
        let mut blackout = self.blackout.subscribe();
        if *blackout.borrow() {
            return std::future::pending().await;
        }
        let server = TcpStream::connect(&self.upstream).await?;
        let _port = OpenPort::new(&self.ports, server.local_addr()?.port());
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        // Owned here: a connection that has fallen silent is open until this ends.
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let [up_count, down_count] = &*counts;
        let up = self.relay(number, Way::ToServer, up_count, &mut from_client, &mut to_server);
        let down = self.relay(number, Way::ToClient, down_count, &mut from_server, &mut to_client);
        let both = async {
            tokio::select! {
                ended = up => ended,
                ended = down => ended,
            }
        };
        let dark = async { blackout.wait_for(|dark| *dark).await.map(drop) };
        let ended = tokio::select! {
            ended = both => match ended {
                Err(_) | Ok(None) if self.keeps.load(Ordering::SeqCst) => Some(Break::Stall),
                ended => ended?,
            },
            _ = dark => Some(Break::Blackout),
        };
        match ended {
            Some(Break::Cut) | None => Ok(()),
            Some(Break::Stall | Break::Blackout) => std::future::pending().await,
        }
    }

    /// Copies bytes one way until one side closes or the fault happens.
    async fn relay(
        &self,
        number: usize,
        way: Way,
        count: &AtomicU64,
        from: &mut OwnedReadHalf,
        to: &mut OwnedWriteHalf,
    ) -> io::Result<Option<Break>> {
        let fault = self.fault.filter(|fault| fault.connection == number && fault.way == way);
        let hold = self.hold.as_ref().filter(|_| way == Way::ToServer);
        let mut sought = hold.map(Sought::new);
        let mut buffer = vec![0; 64 * 1024];
        let mut passed = 0u64;
        loop {
            let left = fault.map_or(u64::MAX, |fault| fault.at - passed);
            if let Some(fault) = fault
                && left == 0
            {
                self.broken.send_replace(true);
                if fault.how == Break::Blackout {
                    self.blackout.send_replace(true);
                }
                return Ok(Some(fault.how));
            }
            let room = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let read = from.read(&mut buffer[..room]).await?;
            if read == 0 {
                return Ok(None);
            }
            if let (Some(hold), Some(sought)) = (hold, &mut sought)
                && sought.is_in(&buffer[..read])
            {
                let turn = hold.skip.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |skip| {
                    Some(skip.wrapping_sub(1))
                });
                if turn == Ok(0) {
                    hold.held.notify_one();
                    hold.release.notified().await;
                }
            }
            to.write_all(&buffer[..read]).await?;
            passed += read as u64;
            count.store(passed, Ordering::SeqCst);
        }
    }
}

/// The connections that the server has from these ports.
async fn through(conn: &mut mysql_async::Conn, ports: &[u16]) -> Vec<(u64, u16)> {
    let all: Vec<(u64, String)> =
        conn.query("SELECT ID, HOST FROM information_schema.PROCESSLIST").await.unwrap();
    let port = |host: &str| host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    let all = all.into_iter().filter_map(|(id, host)| Some((id, port(&host)?)));
    all.filter(|(_, port)| ports.contains(port)).collect()
}

/// A port in a list, as long as this value lives.
struct OpenPort<'a> {
    ports: &'a std::sync::Mutex<Vec<u16>>,
    port: u16,
}

impl<'a> OpenPort<'a> {
    fn new(ports: &'a std::sync::Mutex<Vec<u16>>, port: u16) -> Self {
        ports.lock().unwrap().push(port);
        Self { ports, port }
    }
}

impl Drop for OpenPort<'_> {
    fn drop(&mut self) {
        self.ports.lock().unwrap().retain(|port| *port != self.port);
    }
}

/// The text of a [`Hold`], which can come in two pieces.
struct Sought {
    finder: memchr::memmem::Finder<'static>,
    /// The end of what has passed, shorter than the text.
    end: Vec<u8>,
}

impl Sought {
    fn new(hold: &Hold) -> Self {
        Self { finder: memchr::memmem::Finder::new(hold.text), end: Vec::new() }
    }

    /// Whether the text ends in what comes now.
    fn is_in(&mut self, bytes: &[u8]) -> bool {
        self.end.extend_from_slice(bytes);
        let found = self.finder.find(&self.end).is_some();
        let kept = self.end.len().min(self.finder.needle().len() - 1);
        self.end.drain(..self.end.len() - kept);
        found
    }
}

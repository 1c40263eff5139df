//! An output that a test can hold up, so that a dump stands still where the test wants it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::sync::watch;

/// What the test keeps of an [`Output`].
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    state: Arc<Mutex<State>>,
    /// Whether the output has refused a byte because the gate is closed.
    held: watch::Receiver<bool>,
}

#[derive(Debug)]
struct State {
    bytes: Vec<u8>,
    /// How many bytes pass while the gate is closed.
    free: usize,
    open: bool,
    waiting: Option<Waker>,
}

/// Takes as many bytes as the gate lets pass, and waits for it to open.
#[derive(Debug)]
pub(crate) struct Output {
    state: Arc<Mutex<State>>,
    held: watch::Sender<bool>,
}

/// An output that takes `free` bytes until its gate is opened.
pub(crate) fn gated(free: usize) -> (Output, Gate) {
    let state = Arc::new(Mutex::new(State { bytes: Vec::new(), free, open: false, waiting: None }));
    let (sender, receiver) = watch::channel(false);
    (Output { state: Arc::clone(&state), held: sender }, Gate { state, held: receiver })
}

impl Gate {
    /// Waits until the output is being held up.
    pub(crate) async fn held(&mut self) {
        let held = self.held.wait_for(|held| *held);
        tokio::time::timeout(Duration::from_secs(60), held)
            .await
            .expect("the dump never wrote as much as that")
            .expect("the dump ended before it wrote as much as that");
    }

    pub(crate) fn open(&self) {
        let mut state = self.state.lock().unwrap();
        state.open = true;
        if let Some(waker) = state.waiting.take() {
            waker.wake();
        }
    }

    /// What has been written.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state.lock().unwrap().bytes.clone()
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock().unwrap();
        let room = if state.open { bytes.len() } else { state.free - state.bytes.len() };
        let taken = &bytes[..bytes.len().min(room)];
        if taken.is_empty() && !bytes.is_empty() {
            state.waiting = Some(context.waker().clone());
            drop(state);
            self.held.send_replace(true);
            return Poll::Pending;
        }
        state.bytes.extend_from_slice(taken);
        Poll::Ready(Ok(taken.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

//! Tickets: addresses of one download that hold for a minute, without a header.
//!
//! A browser downloads to the disk only what it is sent to by address, and an address carries no
//! token. So the page, which has the token, asks for a ticket first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq as _;

use crate::error::{Error, ErrorKind, Result};
use crate::store::BackupName;

/// How long a download can be begun with a ticket. One that has begun goes on.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);
/// How many tickets hold at once; the oldest goes for another.
const MOST: usize = 256;
const SECRET_BYTES: usize = 32;

/// The tickets of one router. They die with it.
#[derive(Default)]
pub(super) struct Tickets(Mutex<VecDeque<Ticket>>);

struct Ticket {
    secret: [u8; SECRET_BYTES],
    file: BackupName,
    /// Who asked for it.
    holder: String,
    issued: Instant,
}

impl Tickets {
    /// A ticket for a file, as the text that goes into its address.
    pub(super) fn issue(&self, file: BackupName, holder: &str) -> Result<String> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret).map_err(|error| {
            Error::new(ErrorKind::Internal, "the system gives no random numbers").with_source(error)
        })?;
        let text = hex(&secret);
        let mut tickets = self.lock();
        forget_old(&mut tickets, Instant::now());
        if tickets.len() >= MOST {
            tickets.pop_front();
        }
        let holder = holder.to_owned();
        tickets.push_back(Ticket { secret, file, holder, issued: Instant::now() });
        Ok(text)
    }

    /// Who a ticket for a file was given to, if it holds. It may be used again until its time is up:
    /// browsers ask twice, and go on with a download that broke off.
    pub(super) fn holder(&self, file: &BackupName, text: &str) -> Option<String> {
        self.holder_at(file, text, Instant::now())
    }

    fn holder_at(&self, file: &BackupName, text: &str, now: Instant) -> Option<String> {
        let mut tickets = self.lock();
        forget_old(&mut tickets, now);
        // All of them are compared, in constant time each.
        let mut found = None;
        for ticket in tickets.iter() {
            let same = bool::from(hex(&ticket.secret).as_bytes().ct_eq(text.as_bytes()));
            if same && ticket.file == *file {
                found = Some(ticket.holder.clone());
            }
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Ticket>> {
        // No line that holds the lock leaves the queue half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_old(tickets: &mut VecDeque<Ticket>, now: Instant) {
    tickets.retain(|ticket| now.saturating_duration_since(ticket.issued) < LIFETIME);
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> BackupName {
        name.parse().unwrap()
    }

    #[test]
    fn a_ticket_opens_its_own_file_for_a_minute() {
        let tickets = Tickets::default();
        let text = tickets.issue(file("a.sql"), "ada").unwrap();
        assert_eq!(text.len(), 64);
        assert_eq!(tickets.holder(&file("a.sql"), &text).as_deref(), Some("ada"));
        assert_eq!(tickets.holder(&file("a.sql"), &text).as_deref(), Some("ada"));
        assert_eq!(tickets.holder(&file("b.sql"), &text), None);
        assert_eq!(tickets.holder(&file("a.sql"), &text[1..]), None);
        assert_eq!(tickets.holder(&file("a.sql"), ""), None);
        assert_eq!(tickets.holder(&file("a.sql"), &"0".repeat(64)), None);
        let later = Instant::now() + LIFETIME;
        assert_eq!(tickets.holder_at(&file("a.sql"), &text, later), None);
        assert_eq!(tickets.holder(&file("a.sql"), &text), None, "it has been forgotten");
    }

    #[test]
    fn only_so_many_tickets_hold() {
        let tickets = Tickets::default();
        let first = tickets.issue(file("a.sql"), "ada").unwrap();
        for _ in 0..MOST {
            tickets.issue(file("a.sql"), "ada").unwrap();
        }
        assert_eq!(tickets.holder(&file("a.sql"), &first), None);
        assert_eq!(tickets.lock().len(), MOST);
    }
}

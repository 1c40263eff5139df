//! The SQL script of a dump on its way into the archive: statements are collected into members.

use tokio::sync::mpsc;

use crate::archive::{Buffers, Draft, Part, Section};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::literal::push_fmt;

/// A member is closed when its text has reached this size. Two INSERT statements of the usual
/// size make one; FORMAT.md says why about this much is right.
pub(super) const MEMBER_BYTES: usize = 2 << 20;

/// A member that creates tables is closed behind the table with which it reaches this size, so that
/// a restore can create tables on several connections.
const TABLES_BYTES: usize = 64 << 10;

/// Rows of a table that make this much text in one go do not stay in the member that creates it: a
/// restore can insert them beside those of others, and build the indexes of the table after them.
const ROWS_APART_BYTES: usize = 256 << 10;

const START_TRANSACTION: &[u8] = b"START TRANSACTION;\n";

/// What a member usually needs: it is full after the statement that passes its size.
const BUFFER_BYTES: usize = MEMBER_BYTES + (1 << 20) + (64 << 10);

/// Collects statements into members and hands full ones to the archive. Several scripts can feed
/// one archive: their members follow one another in the order in which they are handed over.
pub(super) struct Script {
    /// `None` once it is closed.
    members: Option<mpsc::Sender<Draft>>,
    buffers: Buffers,
    context: Context,
    draft: Draft,
    /// Whether the text of the member ends inside a transaction.
    in_transaction: bool,
    largest_statement_bytes: u64,
}

impl Script {
    pub(super) fn new(members: mpsc::Sender<Draft>, buffers: Buffers, context: Context) -> Self {
        let draft =
            Draft { section: Section::Start, database: None, parts: Vec::new(), sql: Vec::new() };
        Self {
            members: Some(members),
            buffers,
            context,
            draft,
            in_transaction: false,
            largest_statement_bytes: 0,
        }
    }

    /// Starts a section: what follows is in members of its own.
    pub(super) async fn section(&mut self, section: Section, database: Option<u32>) -> Result<()> {
        self.close_member().await?;
        self.draft.section = section;
        self.draft.database = database;
        Ok(())
    }

    /// [Closes](Self::close_member) the member if it has reached its size.
    pub(super) async fn close_full_member(&mut self) -> Result<()> {
        if self.is_full() { self.close_member().await } else { Ok(()) }
    }

    /// Closes the member if it holds what this does not go with: what creates tables, with their
    /// rows, and rows of tables that other members create can be replayed at different times.
    pub(super) async fn begin_table(&mut self, creates: bool) -> Result<()> {
        self.commit();
        if self.draft.parts.iter().any(|part| part.definition != creates) {
            self.close_member().await?;
        }
        Ok(())
    }

    /// Closes the member if it creates tables, but not this one, of which rows follow.
    pub(super) async fn begin_rows(&mut self, object: u32) -> Result<()> {
        let creates_it = |part: &Part| part.definition && part.object == object;
        if self.creates_tables() && !self.draft.parts.iter().any(creates_it) {
            self.close_member().await?;
        }
        Ok(())
    }

    /// Begins a transaction, unless one is open: many rows share the cost of making them durable.
    /// It ends with the member, so that it never grows with the table. Returns whether it began.
    pub(super) fn begin_transaction(&mut self) -> bool {
        let begins = !self.in_transaction;
        if begins {
            self.text().extend_from_slice(START_TRANSACTION);
            self.in_transaction = true;
        }
        begins
    }

    /// Ends the open transaction, if there is one.
    pub(super) fn commit(&mut self) {
        if std::mem::take(&mut self.in_transaction) {
            self.text().extend_from_slice(b"COMMIT;\n");
        }
    }

    /// Takes back what stands behind `at`; `began` is whether the transaction began there.
    pub(super) fn take_back(&mut self, at: usize, began: bool) {
        self.draft.sql.truncate(at);
        self.in_transaction &= !began;
    }

    /// Leaves the rows that stand behind `rows_at` alone in the member, if they are many and it
    /// creates tables. `began` is whether their transaction begins with them; `open` writes what a
    /// member has to start with.
    pub(super) async fn set_rows_apart(
        &mut self,
        rows_at: usize,
        began: bool,
        open: impl Fn(&mut Self),
    ) -> Result<()> {
        let rows_bytes = self.draft.sql.len().saturating_sub(rows_at);
        if rows_bytes < ROWS_APART_BYTES || !self.creates_tables() {
            return Ok(());
        }
        // The definitions are copied, which are short. A row can have any length.
        let mut before = self.buffers.take(BUFFER_BYTES);
        before.extend(self.draft.sql.iter().take(rows_at));
        let mut text = std::mem::replace(&mut self.draft.sql, before);
        self.in_transaction = !began;
        self.close_member().await?;
        open(self);
        let mut start = std::mem::take(&mut self.draft.sql);
        if !began {
            start.extend_from_slice(START_TRANSACTION);
        }
        text.splice(..rows_at, start.iter().copied());
        self.buffers.give_back(start);
        self.draft.sql = text;
        self.in_transaction = true;
        Ok(())
    }

    /// Hands the member to the archive and starts the next one of the same section. Waits while
    /// the archive is behind.
    pub(super) async fn close_member(&mut self) -> Result<()> {
        if self.draft.sql.is_empty() {
            return Ok(());
        }
        self.commit();
        let next = Draft {
            section: self.draft.section,
            database: self.draft.database,
            parts: Vec::new(),
            sql: Vec::new(),
        };
        let full = std::mem::replace(&mut self.draft, next);
        // The archive says itself why it stopped, and that error is the one that counts.
        let gone = || Error::new(ErrorKind::Internal, "the archive takes no more members");
        let members = self.members.as_ref().ok_or_else(gone)?;
        self.context.run(members.send(full)).await?.map_err(|_| gone())
    }

    /// Ends the script: no more members come from it.
    pub(super) fn close(&mut self) {
        self.members = None;
    }

    /// Whether the member has reached its size.
    fn is_full(&self) -> bool {
        self.draft.sql.len() >= if self.creates_tables() { TABLES_BYTES } else { MEMBER_BYTES }
    }

    fn creates_tables(&self) -> bool {
        self.draft.parts.iter().any(|part| part.definition)
    }

    /// The text of the member, to append comments and whole statements to.
    pub(super) fn text(&mut self) -> &mut Vec<u8> {
        if self.draft.sql.capacity() == 0 {
            // Only now: a script that is waiting for something to write holds no buffer.
            self.draft.sql = self.buffers.take(BUFFER_BYTES);
        }
        &mut self.draft.sql
    }

    /// Whether a member ends before the statement that is appended next.
    pub(super) fn is_empty(&self) -> bool {
        self.draft.sql.is_empty()
    }

    /// The share of a table in this member; made when it is first asked for.
    pub(super) fn part(&mut self, object: u32) -> &mut Part {
        let parts = &mut self.draft.parts;
        let place = parts.iter().rposition(|part| part.object == object).unwrap_or_else(|| {
            parts.push(Part::new(object));
            parts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found, or pushed")]
        &mut parts[place]
    }

    /// Appends a statement and its delimiter.
    pub(super) fn statement(&mut self, sql: impl AsRef<[u8]>) {
        let sql = sql.as_ref();
        let text = self.text();
        text.extend_from_slice(sql);
        text.extend_from_slice(b";\n");
        self.note_statement(sql.len());
    }

    /// Appends a comment line. The text must be on one line.
    pub(super) fn comment(&mut self, text: std::fmt::Arguments<'_>) {
        let line = crate::ident::one_line(&text.to_string());
        push_fmt(self.text(), format_args!("\n-- {line}\n"));
    }

    /// Remembers the length of a statement that was appended as text.
    pub(super) fn note_statement(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.largest_statement_bytes = self.largest_statement_bytes.max(bytes);
    }

    /// The length of the longest statement so far, in bytes.
    pub(super) const fn largest_statement_bytes(&self) -> u64 {
        self.largest_statement_bytes
    }
}

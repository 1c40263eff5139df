//! The check of a whole file before its first statement is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::definer::Account;
use super::destination::Destination;
use super::differences::Differences;
use super::offline::Offline;
use super::options::RestoreOptions;
use super::policy::{Policy, Verdict};
use super::spread::{LargeTables, Tally};
use super::tool::{Marks, Tool};
use crate::archive::{
    Footer, Origin, SIGNATURE, Section, Seen as Verified, SqlReader, inspect, origin, read_error,
    verify_file_with,
};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::sql::charset::Charset;
use crate::sql::excerpt::excerpt;
use crate::sql::split::{LexError, Measured, Position, Splitter, Statement, Step};
use crate::sql::statement::begins_like_sql;

/// How much text is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// How much memory is kept for the next statement, in bytes.
const SPARE_BYTES: usize = 8 << 20;
/// How many things that are wrong with a script are reported beyond the first.
const ERRORS_KEPT: usize = 20;

/// What the check found out about a file.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The manifest and the index of a file of our own.
    pub(crate) footer: Option<Footer>,
    /// Where the text of each of its members starts.
    pub(super) starts: Vec<Start>,
    /// The databases that the script creates, selects or reaches into by name, by the names that
    /// they get. Empty when it restores into whatever database is selected.
    pub(crate) databases: BTreeSet<String>,
    /// Whether it changes anything in the database of the connection.
    pub(super) changes_target: bool,
    /// The length of the file in bytes.
    pub(crate) file_bytes: u64,
    /// The accounts that it names as definers, and how often.
    pub(super) definers: BTreeMap<Account, Seen>,
    /// What it needs of the server.
    pub(super) differences: Differences,
    /// What becomes of each statement.
    pub(super) policy: Policy,
    /// Whether the text alone tells how it is to be read, from its start to its end, and each member
    /// by itself.
    pub(super) known_offline: bool,
    /// Whether it is a dump by one of the servers' own tools.
    pub(super) stock: bool,
    /// The tables whose rows are worth sharing out.
    pub(super) large_tables: LargeTables,
    /// What a person should know, one sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Where the text of a member starts in the script.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    /// The statements before it.
    statements: u64,
    /// The line breaks before it.
    lines: u64,
    /// The bytes before it.
    bytes: u64,
}

impl Start {
    /// Says where a statement of the member stands in the script.
    pub(super) fn locate(&self, place: &mut Location, statement: &Statement) {
        place.statement = Some(self.statements.saturating_add(statement.number));
        place.line = Some(self.lines.saturating_add(statement.at.line));
        place.byte = Some(self.bytes.saturating_add(statement.at.byte));
    }
}

/// How often something was seen, and where first.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) times: u64,
    pub(super) first: Location,
}

/// Checks a file of any origin. Blocks.
pub(super) fn check(
    path: &Path,
    destination: &Destination,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Checked> {
    let mut file = File::open(path).map_err(|error| Error::io("could not open the file", error))?;
    let file_bytes = file.metadata().map_err(read_error)?.len();
    context.counters().bytes_total.set(file_bytes);
    let policy = Policy::new(options, destination.database.as_deref(), destination.fold);
    if origin(&mut file)? == Origin::Snapdump {
        let footer = inspect(path)?;
        let manifest = &footer.manifest;
        let named = if manifest.names_databases {
            manifest.databases.iter().map(|database| database.name.clone()).collect()
        } else {
            Vec::new()
        };
        let policy = match manifest.databases.as_slice() {
            [database] if !manifest.names_databases => policy.with_source(&database.name),
            _ => policy.with_own(named.iter().cloned()),
        };
        let databases = renamed(&named, &policy)?;
        let mut scan = Scan::new(destination, policy, options);
        let mut starts = vec![Start::default()];
        let mut here = Start::default();
        // Whether the bytes are right comes before what they say.
        let mut scanned = Ok(());
        verify_file_with(path, context, &mut |seen| match seen {
            Verified::Text(text) => {
                if scanned.is_ok() {
                    scanned = scan.feed(text, false);
                }
                let breaks = memchr::memchr_iter(b'\n', text).count();
                here.lines += u64::try_from(breaks).unwrap_or(u64::MAX);
                here.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
            }
            Verified::MemberEnd => {
                let member = footer.index.members.get(starts.len() - 1);
                scan.member_ends(member.map(|member| member.section));
                here.statements = scan.statements;
                starts.push(here);
            }
        })?;
        scanned?;
        scan.feed(&[], true)?;
        let mut checked = scan.finish(options)?;
        checked.starts = starts;
        checked.databases.extend(databases);
        checked.policy = checked.policy.with_checked(&checked.databases, true);
        checked.footer = Some(footer);
        checked.file_bytes = file_bytes;
        return Ok(checked);
    }
    let mut reader = SqlReader::open(path, options.inflation_limit()).map_err(read_error)?;
    let mut scan = Scan::new(destination, policy, options);
    let mut marks = Marks::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        context.check()?;
        let read = reader.read(&mut chunk).map_err(read_error)?;
        let text = chunk.get(..read).unwrap_or_default();
        marks.see(text);
        if marks.head().starts_with(SIGNATURE.as_bytes()) {
            return Err(Error::new(
                ErrorKind::Manifest,
                "the text is that of a backup by snapdump, but the file is not as it was written: \
                 restore the original",
            ));
        }
        scan.feed(text, read == 0)?;
        context.counters().bytes_done.set(reader.file_bytes());
        if read == 0 {
            break;
        }
    }
    if scan.statements == 0 {
        return Err(Error::new(ErrorKind::Lex, "the file holds no SQL statement"));
    }
    let cut = marks.judge(options)?;
    let mut checked = scan.finish(options)?;
    checked.stock = matches!(marks.tool(), Some(Tool::Mysqldump | Tool::MariadbDump));
    if !reader.checksums() {
        checked.warnings.insert(
            0,
            "the file is compressed by zstd without checksums: some damage to it cannot be seen"
                .to_owned(),
        );
    }
    if marks.sandbox() {
        checked.warnings.insert(
            0,
            "the script asks for the sandbox mode of the client: the line is left out, because no \
             client command is ever run"
                .to_owned(),
        );
    }
    if let Some(warning) = cut {
        checked.warnings.insert(0, warning);
    }
    checked.file_bytes = file_bytes;
    // Where it names no database, it goes into the connection's, which is looked at then.
    let target = checked.changes_target || checked.databases.is_empty();
    checked.policy = checked.policy.with_checked(&checked.databases, target);
    Ok(checked)
}

/// The names that the databases of a file of our own get, each another one.
fn renamed(named: &[String], policy: &Policy) -> Result<BTreeSet<String>> {
    let mut databases: BTreeSet<String> = BTreeSet::new();
    for name in named {
        let target = policy.renamed(name);
        if databases.iter().any(|other| policy.same(other, &target)) {
            return Err(Error::config(format!(
                "two databases of the file would go into '{target}': give them different names"
            )));
        }
        databases.insert(target);
    }
    Ok(databases)
}

/// A script being read to its end, piece by piece.
struct Scan<'a> {
    destination: &'a Destination,
    policy: Policy,
    splitter: Splitter,
    offline: Offline,
    buffer: Vec<u8>,
    statements: u64,
    /// Whether the database of the connection is the selected one.
    in_target: bool,
    changes_target: bool,
    databases: BTreeSet<String>,
    definers: BTreeMap<Account, Seen>,
    differences: Differences,
    skipped: BTreeMap<String, Seen>,
    /// Definitions that name a database which is renamed, in their bodies.
    unrenamed: Vec<String>,
    renamed: BTreeSet<String>,
    /// Where the text ceased to tell how it is to be read.
    lost: Option<Location>,
    /// A statement that is longer than the server takes, of which nothing is kept.
    too_long: Option<TooLong>,
    members: Members,
    refusals: Vec<Error>,
    refusals_total: u64,
    tally: Tally,
}

impl<'a> Scan<'a> {
    fn new(destination: &'a Destination, policy: Policy, options: &RestoreOptions) -> Self {
        Self {
            tally: Tally::new(options),
            destination,
            policy,
            splitter: Splitter::new(destination.split.clone()),
            offline: Offline::new(
                destination.reading.clone(),
                destination.session_mode.clone(),
                destination.default_mode.clone(),
            ),
            buffer: Vec::new(),
            statements: 0,
            in_target: destination.database.is_some(),
            changes_target: false,
            databases: BTreeSet::new(),
            definers: BTreeMap::new(),
            differences: Differences::default(),
            skipped: BTreeMap::new(),
            unrenamed: Vec::new(),
            renamed: BTreeSet::new(),
            lost: None,
            too_long: None,
            members: Members::default(),
            refusals: Vec::new(),
            refusals_total: 0,
        }
    }

    /// Takes the next piece of the text; the last one says so.
    fn feed(&mut self, text: &[u8], end: bool) -> Result<()> {
        // Usually nothing but the rest of one statement is left of the last piece.
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.extend_from_slice(text);
        let mut consumed = 0;
        loop {
            let rest = buffer.get(consumed..).unwrap_or_default();
            if self.too_long.is_some() {
                consumed += self.measure(rest, end)?;
                break;
            }
            match self.splitter.step(rest, end) {
                Ok(Step::Statement(statement)) => {
                    let text = rest.get(statement.text.clone()).unwrap_or_default();
                    self.statement(text, &statement)?;
                    consumed += statement.consumed;
                }
                Ok(Step::Skip { consumed: skipped }) => consumed += skipped,
                Ok(Step::More | Step::End) => break,
                Err(LexError::TooLarge { limit, at }) if self.is_beyond_packet(limit) => {
                    self.too_long = Some(TooLong {
                        at,
                        excerpt: excerpt(rest, &self.offline.reading),
                        passed_bytes: 0,
                    });
                }
                Err(error) => return Err(self.lex(&error)),
            }
        }
        buffer.drain(..consumed);
        // One long statement must not hold its memory to the end.
        if buffer.capacity() > SPARE_BYTES {
            buffer.shrink_to(CHUNK_BYTES);
        }
        self.buffer = buffer;
        Ok(())
    }

    /// Looks whether the member that has ended, and the next one, mean by themselves what they mean
    /// behind the others: several connections replay them in another order.
    fn member_ends(&mut self, section: Option<Section>) {
        let programs = self.policy.programs_total();
        let made = programs > self.members.programs;
        // Among tables, there must be nothing that rows can set off.
        let depends = self.members.open || (made && section == Some(Section::Tables));
        let reading = &self.offline.reading;
        let open = !self.buffer.trim_ascii().is_empty()
            || !self.splitter.semicolon_delimits()
            || reading.charset != Charset::Utf8
            || reading.ansi_quotes
            || reading.no_backslash_escapes;
        self.members = Members { programs, open, depend: self.members.depend || depends };
    }

    /// Whether what is beyond a limit to the length of statements is beyond the server's too.
    fn is_beyond_packet(&self, limit: usize) -> bool {
        u64::try_from(limit).is_ok_and(|limit| limit > self.destination.max_allowed_packet)
    }

    /// Reads on in a statement that is too long. Returns how many bytes are not needed any more, and
    /// fails when it knows how long the statement is.
    fn measure(&mut self, rest: &[u8], end: bool) -> Result<usize> {
        let Some(too_long) = &mut self.too_long else { return Ok(0) };
        let (bytes, at_least) = match self.splitter.measure(rest, end, too_long.passed_bytes) {
            Measured::More { consumed, passed } => {
                too_long.passed_bytes = passed;
                return Ok(consumed);
            }
            Measured::Whole(bytes) => (bytes, ""),
            Measured::AtLeast(bytes) => (bytes, "at least "),
        };
        let error = too_long_for(self.destination, bytes, at_least).at(|place| {
            place.statement = Some(self.statements + 1);
            place.line = Some(too_long.at.line);
            place.byte = Some(too_long.at.byte);
            place.excerpt = Some(too_long.excerpt.clone()).filter(|text| !text.is_empty());
        });
        let mut refusals = std::mem::take(&mut self.refusals);
        if refusals.is_empty() {
            return Err(error);
        }
        let first = refusals.remove(0);
        refusals.push(error);
        Err(first.with_others(refusals, self.refusals_total))
    }

    fn lex(&self, error: &LexError) -> Error {
        let error = lex_error(error);
        match &self.lost {
            Some(place) => Error::new(
                ErrorKind::Lex,
                format!(
                    "the script cannot be read; since {place} it does not tell under which \
                     sql_mode or in which character set it is to be read"
                ),
            )
            .with_source(error),
            None => error,
        }
    }

    fn statement(&mut self, text: &[u8], statement: &Statement) -> Result<()> {
        let mut place = Location::default();
        locate(&mut place, statement);
        let at = |error: Error| error.at(|here| locate(here, statement));
        if self.statements == 0 && !begins_like_sql(text) {
            return Err(at(Error::new(
                ErrorKind::Lex,
                "this is no SQL script: its first statement does not begin like one",
            )));
        }
        self.statements += 1;
        self.tally.see(statement.number, text, &self.offline.reading);
        let semicolon = self.splitter.semicolon_delimits();
        let mut sent_bytes = text.len();
        let judged = self.policy.judge(text, &self.offline.reading, semicolon).and_then(|judged| {
            let (reading, examined) = (&self.offline.reading, &judged.examined);
            self.policy.judge_run(text, reading, semicolon, examined, &place)?;
            Ok(judged)
        });
        match judged {
            Ok(judged) => {
                sent_bytes = judged.sent_bytes();
                self.in_target = judged.selects_target.unwrap_or(self.in_target);
                self.changes_target |=
                    judged.names_target || (self.in_target && judged.examined.changes);
                self.databases.extend(judged.databases);
                self.renamed.extend(judged.renamed);
                for definer in judged.definers {
                    see(&mut self.definers, definer, &place);
                }
                let (reading, examined) = (&self.offline.reading, &judged.examined);
                self.differences.see(text, reading, examined, &self.policy, &place);
                if let Some(name) =
                    self.policy.names_renamed(text, &self.offline.reading, &judged.examined)
                    && self.unrenamed.len() < ERRORS_KEPT
                {
                    self.unrenamed.push(format!(
                        "a definition ({place}) names the database '{name}' in its body, where it is \
                         not renamed"
                    ));
                }
                if let Verdict::Skip(words) = judged.verdict {
                    see(&mut self.skipped, words, &place);
                } else if !judged.examined.settings.is_empty() {
                    self.offline.follow(&judged.examined.settings, &mut self.splitter);
                    if self.offline.is_lost() {
                        self.lost.get_or_insert(place);
                    }
                }
            }
            Err(error) => self.refuse(at(error), text),
        }
        // The packet has one byte in front of the statement, and must be shorter than the limit.
        let sent_bytes = u64::try_from(sent_bytes).unwrap_or(u64::MAX);
        if sent_bytes.saturating_add(1) >= self.destination.max_allowed_packet {
            self.refuse(at(too_long_for(self.destination, sent_bytes, "")), text);
        }
        Ok(())
    }

    fn refuse(&mut self, error: Error, text: &[u8]) {
        self.refusals_total += 1;
        if self.refusals.len() <= ERRORS_KEPT {
            let excerpt = excerpt(text, &self.offline.reading);
            self.refusals.push(error.at(|place| {
                place.excerpt = Some(excerpt).filter(|text| !text.is_empty());
            }));
        }
    }

    fn finish(self, options: &RestoreOptions) -> Result<Checked> {
        let mut refusals = self.refusals.into_iter();
        if let Some(first) = refusals.next() {
            return Err(first.with_others(refusals.collect(), self.refusals_total - 1));
        }
        for from in options.renames().keys() {
            if !self.renamed.contains(from) {
                return Err(Error::config(format!(
                    "the script does not name the database '{from}', so it cannot be renamed; what \
                     names no database goes into that of the connection"
                )));
            }
        }
        let mut warnings = self.unrenamed;
        for (words, seen) in &self.skipped {
            warnings.push(format!(
                "{words} is left out ({} times, first at {}): it is about replication, not about \
                 the data",
                seen.times, seen.first
            ));
        }
        if let Some(place) = &self.lost {
            warnings.push(format!(
                "since {place} the script does not tell under which sql_mode or in which character \
                 set it is to be read; it was checked as if under none and in utf8mb4, and is \
                 replayed as the server says"
            ));
        }
        Ok(Checked {
            footer: None,
            starts: Vec::new(),
            databases: self.databases,
            changes_target: self.changes_target,
            file_bytes: 0,
            definers: self.definers,
            differences: self.differences,
            policy: self.policy,
            known_offline: self.lost.is_none() && !self.members.depend,
            stock: false,
            large_tables: self.tally.finish(),
            warnings,
        })
    }
}

/// The members of a file of our own, as far as they have been read.
#[derive(Clone, Copy, Debug, Default)]
struct Members {
    /// How many programs they make.
    programs: u64,
    /// Whether the last one ends within a statement, or what follows is read otherwise than at the
    /// start of the script.
    open: bool,
    /// Whether one of them depends on those before it.
    depend: bool,
}

/// A statement that is longer than the server takes.
struct TooLong {
    at: Position,
    excerpt: String,
    /// How many of its bytes have been read and dropped.
    passed_bytes: u64,
}

fn too_long_for(destination: &Destination, bytes: u64, at_least: &str) -> Error {
    let limit = destination.max_allowed_packet;
    Error::config(format!(
        "a statement of {at_least}{bytes} bytes is longer than the server takes, whose \
         max_allowed_packet is {limit}: set it to {} or more (SET GLOBAL max_allowed_packet = …) for \
         the restore",
        bytes.saturating_add(1025) / 1024 * 1024,
    ))
}

fn see<K: Ord>(seen: &mut BTreeMap<K, Seen>, key: K, place: &Location) {
    let seen = seen.entry(key).or_insert_with(|| Seen { times: 0, first: place.clone() });
    seen.times += 1;
}

/// Says where a statement stands.
pub(super) fn locate(place: &mut Location, statement: &Statement) {
    place.statement = Some(statement.number);
    place.line = Some(statement.at.line);
    place.byte = Some(statement.at.byte);
}

pub(super) fn lex_error(error: &LexError) -> Error {
    let at = error.position();
    let how = match error {
        LexError::TooLarge { .. } => " (with_max_statement_bytes)",
        _ => "",
    };
    Error::new(ErrorKind::Lex, format!("{error}{how}")).at(|place| {
        place.line = Some(at.line);
        place.byte = Some(at.byte);
    })
}

//! The check of a whole file before its first statement is sent.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::options::RestoreOptions;
use super::source::read_error;
use crate::archive::{Footer, Origin, SqlReader, inspect, origin, verify_file};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::charset::Charset;
use crate::sql::split::{LexError, SplitOptions, Splitter, Step};
use crate::sql::statement::{DatabaseStatement, SetStatement, begins_like_sql, client_charset};

/// How much text is read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// What the check found out about a file.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The manifest and the index of a file of our own.
    pub(crate) footer: Option<Footer>,
    /// The databases that the script creates or selects by name. Empty when it restores into
    /// whatever database is selected.
    pub(crate) databases: BTreeSet<String>,
    /// The length of the file in bytes.
    pub(crate) file_bytes: u64,
    /// What a person should know, one sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Checks a file of any origin. Blocks.
pub(crate) fn check(
    path: &Path,
    split: &SplitOptions,
    options: &RestoreOptions,
    context: &Context,
) -> Result<Checked> {
    let mut file = File::open(path).map_err(|error| Error::io("could not open the file", error))?;
    let file_bytes = file.metadata().map_err(read_error)?.len();
    context.counters().bytes_total.set(file_bytes);
    if origin(&mut file)? == Origin::Snapdump {
        verify_file(path, context)?;
        let footer = inspect(path)?;
        let manifest = &footer.manifest;
        let databases = if manifest.names_databases {
            manifest.databases.iter().map(|database| database.name.clone()).collect()
        } else {
            BTreeSet::new()
        };
        return Ok(Checked { footer: Some(footer), databases, file_bytes, warnings: Vec::new() });
    }
    check_script(path, split, options, file_bytes, context)
}

/// Reads a foreign script to its end: it must be whole as gzip, as statements, and as what its
/// header says it is.
fn check_script(
    path: &Path,
    split: &SplitOptions,
    options: &RestoreOptions,
    file_bytes: u64,
    context: &Context,
) -> Result<Checked> {
    let mut reader = SqlReader::open(path).map_err(read_error)?;
    let mut splitter = Splitter::new(split.clone());
    let mut marks = Marks::default();
    let mut databases = BTreeSet::new();
    let mut buffer: Vec<u8> = Vec::new();
    let mut consumed = 0;
    let mut statements = 0u64;
    let mut end = false;
    loop {
        let rest = buffer.get(consumed..).unwrap_or_default();
        match splitter.step(rest, end).map_err(|error| lex_error(&error))? {
            Step::Statement(statement) => {
                let text = rest.get(statement.text.clone()).unwrap_or_default();
                let place = |error: Error| {
                    error.at(|place| {
                        place.statement = Some(statement.number);
                        place.line = Some(statement.at.line);
                        place.byte = Some(statement.at.byte);
                    })
                };
                if statements == 0 && !begins_like_sql(text) {
                    return Err(place(Error::new(
                        ErrorKind::Lex,
                        "this is no SQL script: its first statement does not begin like one",
                    )));
                }
                statements += 1;
                follow(text, &mut splitter);
                if let Some(about) = DatabaseStatement::of(text) {
                    if !options.other_databases() {
                        return Err(place(leaves_the_database(about.name())));
                    }
                    databases.insert(about.name().to_owned());
                }
                consumed += statement.consumed;
            }
            Step::Skip { consumed: skipped } => consumed += skipped,
            Step::More => {
                buffer.drain(..consumed);
                consumed = 0;
                context.check()?;
                let start = buffer.len();
                buffer.resize(start + CHUNK_BYTES, 0);
                let read = buffer
                    .get_mut(start..)
                    .map_or(Ok(0), |free| reader.read(free))
                    .map_err(read_error)?;
                buffer.truncate(start + read);
                marks.see(buffer.get(start..).unwrap_or_default());
                end = read == 0;
                context.counters().bytes_done.set(reader.file_bytes());
            }
            Step::End => break,
        }
    }
    if statements == 0 {
        return Err(Error::new(ErrorKind::Lex, "the file holds no SQL statement"));
    }
    let warnings = marks.judge(options)?;
    Ok(Checked { footer: None, databases, file_bytes, warnings })
}

/// Follows, as well as the script alone allows, what a SET statement changes about reading it.
/// During the replay the server itself is asked.
fn follow(statement: &[u8], splitter: &mut Splitter) {
    let set = SetStatement::of(statement);
    if set.sql_mode {
        let text = statement.to_ascii_uppercase();
        let says = |mode: &[u8]| memchr::memmem::find(&text, mode).is_some();
        splitter.set_no_backslash_escapes(says(b"NO_BACKSLASH_ESCAPES"));
        splitter.set_ansi_quotes(says(b"ANSI"));
    }
    if set.charset {
        // A variable that puts the former one back: scripts begin with one that is ASCII-safe.
        let charset = client_charset(statement).and_then(|name| Charset::from_name(&name).ok());
        splitter.set_charset(charset.unwrap_or_default());
    }
}

fn leaves_the_database(name: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!(
            "the script names the database '{name}' itself; allow it to use databases by name, \
             or take these statements out"
        ),
    )
}

pub(super) fn lex_error(error: &LexError) -> Error {
    let at = error.position();
    Error::new(ErrorKind::Lex, error.to_string()).at(|place| {
        place.line = Some(at.line);
        place.byte = Some(at.byte);
    })
}

/// The first and the last bytes of a script: stock tools write a header, and a last line only
/// when they got that far.
#[derive(Debug, Default)]
struct Marks {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Marks {
    const HEAD_BYTES: usize = 1024;
    const TAIL_BYTES: usize = 512;

    fn see(&mut self, text: &[u8]) {
        let missing = Self::HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(text.iter().take(missing));
        self.tail.extend_from_slice(text);
        let surplus = self.tail.len().saturating_sub(Self::TAIL_BYTES);
        self.tail.drain(..surplus);
    }

    fn judge(&self, options: &RestoreOptions) -> Result<Vec<String>> {
        let says = |text: &[u8], mark: &str| memchr::memmem::find(text, mark.as_bytes()).is_some();
        let stock =
            ["-- MySQL dump ", "-- MariaDB dump "].iter().any(|mark| says(&self.head, mark));
        if !stock || says(&self.tail, "-- Dump completed") {
            return Ok(Vec::new());
        }
        let message = "the dump lacks the line 'Dump completed' with which the tool that wrote it \
                       ends a whole one, so it was cut off";
        if options.incomplete() {
            Ok(vec![message.to_owned()])
        } else {
            Err(Error::new(ErrorKind::Manifest, message))
        }
    }
}

//! Which tool wrote a script, by its header, and whether it got to the end.

use super::options::RestoreOptions;
use crate::error::{Error, ErrorKind, Result};

/// A tool whose dumps are known by their first lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Mysqldump,
    MariadbDump,
    Mydumper,
    PhpMyAdmin,
    Adminer,
    HeidiSql,
}

impl Tool {
    const ALL: [Self; 6] = [
        Self::Mysqldump,
        Self::MariadbDump,
        Self::Mydumper,
        Self::PhpMyAdmin,
        Self::Adminer,
        Self::HeidiSql,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mysqldump => "mysqldump",
            Self::MariadbDump => "mariadb-dump",
            Self::Mydumper => "mydumper",
            Self::PhpMyAdmin => "phpMyAdmin",
            Self::Adminer => "Adminer",
            Self::HeidiSql => "HeidiSQL",
        }
    }

    /// Whether a line of the header is this tool's.
    fn wrote(self, line: &[u8]) -> bool {
        match self {
            // Until 10.5 or so MariaDB's tool gave the name of MySQL's.
            Self::Mysqldump => line.starts_with(b"-- MySQL dump "),
            Self::MariadbDump => line.starts_with(b"-- MariaDB dump "),
            Self::Mydumper => {
                line == b"/*!40101 SET NAMES binary*/;" || line.starts_with(b"-- mydumper ")
            }
            Self::PhpMyAdmin => line.starts_with(b"-- phpMyAdmin SQL Dump"),
            Self::Adminer => line.starts_with(b"-- Adminer ") && line.ends_with(b" dump"),
            Self::HeidiSql => line.starts_with(b"-- HeidiSQL Version:"),
        }
    }

    /// What a whole dump ends with: the tool's last line, or the statements that put the session
    /// back. `None` where nothing tells.
    fn is_whole(self, marks: &Marks) -> Option<bool> {
        match self {
            Self::Mysqldump | Self::MariadbDump => {
                Some(marks.last_line().starts_with(COMPLETED) && !marks.overtaken)
            }
            Self::PhpMyAdmin | Self::HeidiSql => marks.puts_back(),
            // A line with the time at which it ended: `-- 2024-05-01 12:00:00`, with ` UTC` behind
            // it in newer versions.
            Self::Adminer => Some(is_time_line(marks.last_line())),
            Self::Mydumper => None,
        }
    }
}

fn is_time_line(line: &[u8]) -> bool {
    let pattern = b"-- 0000-00-00 00:00:00";
    let (Some(head), tail) = (line.get(..pattern.len()), line.get(pattern.len()..)) else {
        return false;
    };
    let same = |(byte, wanted): (&u8, &u8)| {
        if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted }
    };
    head.iter().zip(pattern).all(same) && matches!(tail, Some(b"" | b" UTC"))
}

/// The first and the last bytes of a script, and the dumps of stock tools in it.
#[derive(Debug, Default)]
pub(super) struct Marks {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Dumps that have begun, and that are completed.
    begun: u64,
    completed: u64,
    /// Whether one began before the one in front of it was complete.
    overtaken: bool,
    /// The end of the text that was seen, where such a line may have begun.
    edge: Vec<u8>,
}

/// What a line of a comment begins with, the line break before it included.
const LINE: &[u8] = b"\n-- ";
const COMPLETED: &[u8] = b"-- Dump completed";

impl Marks {
    const HEAD_BYTES: usize = 4096;
    const TAIL_BYTES: usize = 2048;
    /// As long as the longest beginning of a line that is looked for.
    const MARK_BYTES: usize = COMPLETED.len();

    pub(super) fn see(&mut self, text: &[u8]) {
        if self.head.is_empty() {
            // A line like others.
            self.edge.push(b'\n');
        }
        let missing = Self::HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(text.iter().take(missing));
        let new = text.get(text.len().saturating_sub(Self::TAIL_BYTES)..).unwrap_or_default();
        self.tail.extend_from_slice(new);
        let surplus = self.tail.len().saturating_sub(Self::TAIL_BYTES);
        self.tail.drain(..surplus);
        let mut joined = std::mem::take(&mut self.edge);
        joined.extend_from_slice(text);
        let mut seen = joined.len().saturating_sub(LINE.len() - 1);
        for at in memchr::memmem::find_iter(&joined, LINE) {
            let line = joined.get(at + 1..).unwrap_or_default();
            if line.len() < Self::MARK_BYTES {
                // The rest of it comes with the next piece.
                seen = at;
                break;
            }
            if line.starts_with(COMPLETED) {
                self.completed += 1;
            } else if [Tool::Mysqldump, Tool::MariadbDump].iter().any(|tool| tool.wrote(line)) {
                self.overtaken |= self.begun > self.completed;
                self.begun += 1;
            }
        }
        joined.drain(..seen);
        self.edge = joined;
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The tool that wrote it. Only lines in front of the first row or definition count.
    pub(super) fn tool(&self) -> Option<Tool> {
        let lines = self.head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        lines
            .take_while(|line| {
                line.is_empty()
                    || line.starts_with(b"--")
                    || line.starts_with(b"/*")
                    || line.starts_with(b"\xef\xbb\xbf")
            })
            .find_map(|line| {
                let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
                Tool::ALL.into_iter().find(|tool| tool.wrote(line))
            })
    }

    /// Whether the first line asks the client for its sandbox mode.
    pub(super) fn sandbox(&self) -> bool {
        let first = self.head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        [&b"/*!999999\\-"[..], b"/*M!999999\\-"].iter().any(|mark| first.starts_with(mark))
    }

    fn last_line(&self) -> &[u8] {
        let text = self.tail.trim_ascii_end();
        text.rsplit(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii()
    }

    /// Whether the session's settings, which the head saves into `@OLD_…`, are put back at the
    /// end; `None` if the head saves none.
    fn puts_back(&self) -> Option<bool> {
        let says = |text: &[u8], mark: &[u8]| memchr::memmem::find(text, mark).is_some();
        let saves = says(&self.head, b"@OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT");
        let last = says(&self.tail, b"CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT");
        // Statements stand behind it in the tail, but no rows.
        let lines = self.tail.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let behind = lines.skip_while(|line| !says(line, b"=@OLD_CHARACTER_SET_CLIENT"));
        let only = behind.skip(1).all(|line| {
            line.is_empty()
                || line.starts_with(b"--")
                || line.starts_with(b"/*!")
                || line.starts_with(b"/*M!")
        });
        saves.then_some(last && only)
    }

    /// An error if the script looks cut off, and otherwise what a person should know about it.
    pub(super) fn judge(&self, options: &RestoreOptions) -> Result<Option<String>> {
        let tool = self.tool();
        let (whole, end) = match tool {
            Some(tool @ (Tool::Mysqldump | Tool::MariadbDump)) => {
                (tool.is_whole(self), "the line 'Dump completed'")
            }
            Some(tool @ Tool::Adminer) => (tool.is_whole(self), "the line with the time"),
            Some(tool) => (tool.is_whole(self), "the statements that put the session back"),
            None => (self.puts_back(), "the statements that put the session back"),
        };
        match (whole, tool) {
            (Some(true), Some(_)) => Ok(None),
            (Some(true), None) => Ok(Some(
                "the script has no comments that say whether it is whole; it puts the session back \
                 at its end as a whole one does"
                    .to_owned(),
            )),
            (Some(false), _) => {
                let by = tool.map_or("the tool that wrote it", Tool::name);
                let message = format!(
                    "the dump lacks {end} with which {by} ends a whole one, so it was cut off"
                );
                if options.incomplete() {
                    Ok(Some(message))
                } else {
                    Err(Error::new(
                        ErrorKind::Manifest,
                        format!("{message}; allow it (with_incomplete) to restore what is there"),
                    ))
                }
            }
            (None, tool) => {
                let by = tool.map_or(String::new(), |tool| format!(" by {}", tool.name()));
                Ok(Some(format!(
                    "nothing in the script{by} says whether it is whole: it has no last line or \
                     statement of a kind that is known"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str) -> Marks {
        let mut marks = Marks::default();
        for piece in text.as_bytes().chunks(7) {
            marks.see(piece);
        }
        marks
    }

    const SAVES: &str = "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n";
    const BACK: &str = "/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n";
    const ROWS: &str = "INSERT INTO t VALUES (1);\n";

    #[test]
    fn a_dump_in_front_of_another_has_to_be_whole() {
        for head in ["-- MySQL dump 10.13  Distrib 9.7.4\n", "/*M!1*/ \n-- MariaDB dump 10.19\n"] {
            let whole = format!("{head}{ROWS}-- Dump completed on 2026-01-01\n");
            for (text, expected) in [
                (format!("{whole}{whole}\n{whole}"), true),
                (format!("{head}{ROWS}{whole}"), false),
                (format!("{whole}{head}{ROWS}{whole}"), false),
                (format!("{whole}{head}{ROWS}"), false),
            ] {
                let judged = marks(&text).judge(&RestoreOptions::default());
                assert_eq!(judged.is_ok(), expected, "{text}");
                let mut at_once = Marks::default();
                at_once.see(text.as_bytes());
                assert_eq!(at_once.judge(&RestoreOptions::default()).is_ok(), expected, "{text}");
            }
        }
    }

    #[test]
    fn tools_are_known_by_their_header_and_whole_by_their_end() {
        for (head, end, tool) in [
            (
                "-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)\n--\n",
                "-- Dump completed on 2026-01-01  1:02:03\n",
                Tool::Mysqldump,
            ),
            (
                "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19-11.8.9-MariaDB\n",
                "-- Dump completed\n\n",
                Tool::MariadbDump,
            ),
            (
                "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n",
                BACK,
                Tool::PhpMyAdmin,
            ),
            (
                "-- Adminer 4.8.1 MySQL 8.0.36 dump\n\nSET NAMES utf8;\n",
                "-- 2024-05-01 12:00:00\n",
                Tool::Adminer,
            ),
            (
                "-- Adminer 5.0.4 MariaDB 10.11.6 dump\n\nSET NAMES utf8;\n",
                "-- 2025-05-01 12:00:00 UTC\n",
                Tool::Adminer,
            ),
            (
                "-- -----\n-- Host:   127.0.0.1\n-- HeidiSQL Version:   12.6.0.6765\n-- -----\n\n/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n",
                "/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;\n/*!40111 SET SQL_NOTES=IFNULL(@OLD_SQL_NOTES, 1) */;\n",
                Tool::HeidiSql,
            ),
        ] {
            let whole = marks(&format!("{head}{ROWS}{end}"));
            assert_eq!(whole.tool(), Some(tool));
            assert_eq!(whole.judge(&RestoreOptions::default()).unwrap(), None, "{tool:?}");
            let cut = marks(&format!("{head}{ROWS}"));
            let error = cut.judge(&RestoreOptions::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Manifest);
            assert!(error.to_string().contains(tool.name()), "{error}");
            // A row that looks like the last line is none.
            let row = format!("{head}INSERT INTO t VALUES ('{end}');\n");
            assert!(marks(&row).judge(&RestoreOptions::default()).is_err(), "{tool:?}");
            let allowed = RestoreOptions::default().with_incomplete(true);
            assert!(cut.judge(&allowed).unwrap().unwrap().contains("cut off"));
        }
    }

    #[test]
    fn scripts_without_a_header_are_warned_about() {
        let judge = |text: &str| marks(text).judge(&RestoreOptions::default());
        assert!(judge(&format!("{SAVES}{ROWS}{BACK}")).unwrap().unwrap().contains("no comments"));
        assert!(judge(&format!("{SAVES}{ROWS}")).is_err());
        assert!(judge(ROWS).unwrap().unwrap().contains("nothing in the script"));
        let mydumper = judge(&format!("/*!40101 SET NAMES binary*/;\n{ROWS}")).unwrap().unwrap();
        assert!(mydumper.contains("mydumper"));
        // The header of a tool in a row is no header.
        assert_eq!(marks("INSERT INTO t VALUES ('\n-- MySQL dump \n');\n").tool(), None);
    }

    #[test]
    fn the_sandbox_line_is_seen() {
        assert!(marks("/*M!999999\\- enable the sandbox mode */ \n").sandbox());
        assert!(marks("/*!999999\\- enable the sandbox mode */\n").sandbox());
        assert!(!marks("-- MariaDB dump\n/*M!999999\\- x */").sandbox());
    }
}

//! What a script changes about reading itself, as far as its text tells.
//!
//! During the replay the server is asked instead.

use std::collections::BTreeMap;

use crate::sql::charset::Charset;
use crate::sql::policy::{CharsetSource, ModeSource, Settings};
use crate::sql::split::{SplitOptions, Splitter};
use crate::sql::token::Reading;

/// The state of a session, followed without a server.
#[derive(Clone, Debug)]
pub(super) struct Offline {
    pub(super) reading: Reading,
    /// The session's `sql_mode`; `None` once the text does not tell it.
    mode: Option<String>,
    /// The `sql_mode` of new sessions.
    default_mode: String,
    /// User variables that the script has set; `None` inside if the text does not tell to what.
    variables: BTreeMap<String, Option<String>>,
    /// The character sets that user variables hold, likewise.
    charsets: BTreeMap<String, Option<Charset>>,
    /// Whether the text tells the character set.
    charset_known: bool,
}

impl Offline {
    pub(super) fn new(reading: Reading, session_mode: String, default_mode: String) -> Self {
        Self {
            reading,
            mode: Some(session_mode),
            default_mode,
            variables: BTreeMap::new(),
            charsets: BTreeMap::new(),
            charset_known: true,
        }
    }

    /// Whether the text does not tell how it is to be read from here on.
    pub(super) const fn is_lost(&self) -> bool {
        self.mode.is_none() || !self.charset_known
    }

    /// Follows a statement that sets something.
    pub(super) fn follow(&mut self, settings: &Settings, splitter: &mut Splitter) {
        // A statement reads all its values before it sets any.
        let saved: Vec<_> = settings
            .saved
            .iter()
            .map(|(name, source)| (name.clone(), self.value(source)))
            .collect();
        let saved_charsets: Vec<_> = settings
            .saved_charsets
            .iter()
            .map(|(name, source)| (name.clone(), self.charset(source)))
            .collect();
        let charset = settings.charset.as_ref().map(|source| self.charset(source));
        if let Some(source) = &settings.sql_mode {
            self.mode = self.value(source);
            let modes = self.mode.clone().unwrap_or_default();
            self.reading.no_backslash_escapes = has_mode(&modes, &["NO_BACKSLASH_ESCAPES"]);
            self.reading.ansi_quotes = has_mode(&modes, QUOTING);
        }
        for (name, value) in saved {
            self.variables.insert(name, value);
        }
        self.charsets.extend(saved_charsets);
        if let Some(charset) = charset {
            // Where nothing tells, most are ASCII-safe; the replay asks the server.
            self.charset_known = charset.is_some();
            self.reading.charset = charset.unwrap_or_default();
        }
        splitter.set_no_backslash_escapes(self.reading.no_backslash_escapes);
        splitter.set_ansi_quotes(self.reading.ansi_quotes);
        splitter.set_charset(self.reading.charset);
    }

    fn charset(&self, source: &CharsetSource) -> Option<Charset> {
        match source {
            CharsetSource::Named(name) => Charset::from_name(name).ok(),
            CharsetSource::Session => self.charset_known.then_some(self.reading.charset),
            CharsetSource::Variable(name) => self.charsets.get(name).copied().flatten(),
            CharsetSource::Unknown => None,
        }
    }

    fn value(&self, source: &ModeSource) -> Option<String> {
        match source {
            ModeSource::Modes(modes) => Some(modes.clone()),
            ModeSource::Session => self.mode.clone(),
            ModeSource::Default => Some(self.default_mode.clone()),
            // One that the script has not set is NULL, and the server refuses that as a mode.
            ModeSource::Variable(name) => self.variables.get(name).cloned().flatten(),
            ModeSource::Together(parts) => parts.iter().map(|part| self.value(part)).collect(),
            ModeSource::FirstOf(parts) => {
                let set = |part: &&ModeSource| match part {
                    ModeSource::Variable(name) => self.variables.contains_key(name),
                    _ => true,
                };
                parts.iter().find(set).and_then(|part| self.value(part))
            }
            ModeSource::Unknown => None,
        }
    }
}

/// Modes that make `"` a quote of names: the mode itself and those that stand for several.
const QUOTING: &[&str] = &["ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"];

fn has_mode(modes: &str, wanted: &[&str]) -> bool {
    modes
        .split(',')
        .any(|mode| wanted.iter().any(|wanted| mode.trim().eq_ignore_ascii_case(wanted)))
}

/// How a script is read at the start of a session with these modes.
pub(super) fn start(split: &mut SplitOptions, reading: &mut Reading, mode: &str, charset: Charset) {
    reading.no_backslash_escapes = has_mode(mode, &["NO_BACKSLASH_ESCAPES"]);
    reading.ansi_quotes = has_mode(mode, QUOTING);
    reading.charset = charset;
    split.no_backslash_escapes = reading.no_backslash_escapes;
    split.ansi_quotes = reading.ansi_quotes;
    split.charset = charset;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::policy::examine;
    use crate::sql::split::Dialect;

    fn reading() -> Reading {
        Reading {
            dialect: Dialect::MariaDb,
            version: 101_119,
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        }
    }

    /// As the stock tools put a character set aside around each definition.
    #[test]
    fn the_charset_is_followed_through_variables_and_back() {
        let mut splitter = Splitter::new(SplitOptions::new(Dialect::MariaDb));
        let start = Reading { charset: Charset::Gbk, ..reading() };
        let mut offline = Offline::new(start, String::new(), String::new());
        for (text, charset) in [
            ("SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT", Charset::Gbk),
            ("/*!40101 SET NAMES sjis */", Charset::Sjis),
            ("/*!40101 SET @saved_cs_client     = @@character_set_client */", Charset::Sjis),
            ("/*!50503 SET character_set_client = utf8mb4 */", Charset::Utf8),
            ("SET character_set_client = @saved_cs_client", Charset::Sjis),
            (
                "SET @two = @@session.character_set_client, character_set_client = big5",
                Charset::Big5,
            ),
            ("SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT", Charset::Gbk),
            ("SET character_set_client = @TWO", Charset::Sjis),
            ("SET character_set_client = @@global.character_set_client", Charset::Utf8),
            ("SET character_set_client = @never", Charset::Utf8),
            ("SET @name = 'gbk'", Charset::Utf8),
            ("SET character_set_client = @name", Charset::Gbk),
            ("SELECT 'big5' INTO @name", Charset::Gbk),
            ("SET character_set_client = @name", Charset::Utf8),
            ("SET @name = 'gbk'", Charset::Utf8),
            ("SELECT @other := 1, @name := 'big5' FROM t", Charset::Utf8),
            ("SET character_set_client = @name", Charset::Utf8),
            ("SET character_set_client = CONCAT(@name, '')", Charset::Utf8),
        ] {
            let settings = examine(text.as_bytes(), &offline.reading, false).settings;
            offline.follow(&settings, &mut splitter);
            assert_eq!(offline.reading.charset, charset, "{text}");
            if text.starts_with("SET character_set_client") {
                let unknown = ["@@global", "@never", "CONCAT(", "= @name"]
                    .iter()
                    .any(|source| text.contains(source) && charset == Charset::Utf8);
                assert_eq!(offline.is_lost(), unknown, "{text}");
            }
        }
    }

    #[test]
    fn the_mode_is_followed_through_variables_and_back() {
        let reading = reading();
        let mut splitter = Splitter::new(SplitOptions::new(Dialect::MariaDb));
        let mut offline =
            Offline::new(reading, "STRICT_ALL_TABLES".into(), "NO_BACKSLASH_ESCAPES".into());
        for (text, escapes, ansi, lost) in [
            ("SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_BACKSLASH_ESCAPES'", false, false, false),
            ("SET @saved = @@sql_mode", false, false, false),
            ("SET sql_mode = ansi", true, true, false),
            ("SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')", false, true, false),
            ("SET sql_mode = @saved", false, false, false),
            ("SET sql_mode = @OLD_SQL_MODE", true, false, false),
            ("SET sql_mode = DEFAULT", false, false, false),
            ("SET sql_mode = IFNULL(@never, '')", true, false, false),
            ("SET sql_mode = IFNULL(@saved, '')", false, false, false),
            ("SET sql_mode = (SELECT 'ANSI')", true, false, true),
            ("SET @lost = @@sql_mode", true, false, true),
            ("SET sql_mode = ''", true, false, false),
            ("SET sql_mode = @lost", true, false, true),
        ] {
            let settings = examine(text.as_bytes(), &offline.reading, false).settings;
            offline.follow(&settings, &mut splitter);
            let state = (
                !offline.reading.no_backslash_escapes,
                offline.reading.ansi_quotes,
                offline.is_lost(),
            );
            assert_eq!(state, (escapes, ansi, lost), "{text}");
        }
    }
}

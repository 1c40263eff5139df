//! Which server it is: the two flavours and their version numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The family of a server: what decides the SQL that it speaks, far more than its version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Flavor {
    /// `MySQL` and what is built from it, such as Percona Server or Aurora.
    MySql,
    /// `MariaDB`.
    MariaDb,
}

impl Flavor {
    /// Tells the flavour from the texts of `@@version` and `@@version_comment`.
    ///
    /// The number is no help: `MariaDB` went from 5.5 to 10.0, `MySQL` from 5.7 to 8.0, and either
    /// can announce any number to its clients.
    #[must_use]
    pub fn detect(version: &str, comment: &str) -> Self {
        let says_mariadb = |text: &str| text.to_ascii_lowercase().contains("mariadb");
        if says_mariadb(version) || says_mariadb(comment) { Self::MariaDb } else { Self::MySql }
    }
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        })
    }
}

/// A server's version: the number, and the text it came from.
///
/// Ordered by number; the text decides only between equal numbers. Compare
/// [`number`](Self::number) where the text must not matter.
///
/// ```
/// use snapdump::ServerVersion;
///
/// # fn main() -> snapdump::Result<()> {
/// let version: ServerVersion = "10.11.19-MariaDB-0+deb12u1-log".parse()?;
/// assert_eq!(version.number(), (10, 11, 19));
/// assert!(version.number() >= (10, 5, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerVersion {
    // The order of the fields is the order of versions.
    major: u16,
    minor: u16,
    patch: u16,
    text: String,
}

impl ServerVersion {
    /// The major number, such as 10 of 10.11.19.
    #[must_use]
    pub const fn major(&self) -> u16 {
        self.major
    }

    /// The minor number, such as 11 of 10.11.19.
    #[must_use]
    pub const fn minor(&self) -> u16 {
        self.minor
    }

    /// The patch number, such as 19 of 10.11.19; 0 when the server names none.
    #[must_use]
    pub const fn patch(&self) -> u16 {
        self.patch
    }

    /// Major, minor and patch number, to compare with.
    #[must_use]
    pub const fn number(&self) -> (u16, u16, u16) {
        (self.major, self.minor, self.patch)
    }

    /// The text as the server gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for ServerVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // MariaDB 10 puts 5.5.5- before its version in the handshake, for replicas that know
        // one-digit major numbers only.
        let own = match text.strip_prefix("5.5.5-") {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            _ => text,
        };
        let end = own.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(own.len());
        let numbers = own.get(..end).unwrap_or_default();
        let mut parts = numbers.split('.').map(str::parse::<u16>);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), patch) => Ok(Self {
                major,
                minor,
                patch: patch.and_then(Result::ok).unwrap_or(0),
                text: text.to_owned(),
            }),
            _ => Err(Error::new(ErrorKind::Protocol, format!("`{text}` is not a server version"))),
        }
    }
}

impl TryFrom<String> for ServerVersion {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ServerVersion> for String {
    fn from(version: ServerVersion) -> Self {
        version.text
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_servers_in_the_field() {
        for (text, number) in [
            ("9.7.4", (9, 7, 4)),
            ("9.7.4-1", (9, 7, 4)),
            ("8.0.42-0ubuntu0.24.04.1", (8, 0, 42)),
            ("8.0.36-28", (8, 0, 36)),
            ("5.7.44-log", (5, 7, 44)),
            ("26.7", (26, 7, 0)),
            ("8.0.mysql_aurora.3.04.0", (8, 0, 0)),
            ("10.11.19-MariaDB-0+deb12u1-log", (10, 11, 19)),
            ("5.5.5-10.4.2-MariaDB", (10, 4, 2)),
            ("5.5.5-log", (5, 5, 5)),
            ("5.5.5-m3", (5, 5, 5)),
        ] {
            let version: ServerVersion = text.parse().unwrap();
            assert_eq!(version.number(), number, "{text}");
            assert_eq!(version.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "MariaDB", "10", "10.", ".1.2", "99999.1.1", "-1.2.3"] {
            let error = text.parse::<ServerVersion>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let version = |text: &str| text.parse::<ServerVersion>().unwrap();
        assert!(version("9.7.4") < version("10.5.0-MariaDB"));
        assert!(version("8.0.9") < version("8.0.36"));
        assert!(version("5.5.5-10.4.2-MariaDB") > version("10.4.1-MariaDB"));
    }

    #[test]
    fn a_version_is_its_text_in_json() {
        let version: ServerVersion = "9.7.4-log".parse().unwrap();
        let json = serde_json::to_string(&version).unwrap();
        assert_eq!(json, "\"9.7.4-log\"");
        assert_eq!(serde_json::from_str::<ServerVersion>(&json).unwrap(), version);
        assert_eq!(serde_json::to_string(&Flavor::MySql).unwrap(), "\"mysql\"");
        assert_eq!(serde_json::to_string(&Flavor::MariaDb).unwrap(), "\"mariadb\"");
    }

    #[test]
    fn the_flavor_is_in_the_text() {
        for (version, comment, flavor) in [
            ("9.7.4", "MySQL Community Server - GPL", Flavor::MySql),
            ("8.0.36-28", "Percona Server (GPL), Release 28", Flavor::MySql),
            ("10.11.19-MariaDB-0+deb12u1", "Debian 12", Flavor::MariaDb),
            // `--version=8.0.30` on a MariaDB server.
            ("8.0.30", "mariadb.org binary distribution", Flavor::MariaDb),
        ] {
            assert_eq!(Flavor::detect(version, comment), flavor, "{version}");
        }
    }
}

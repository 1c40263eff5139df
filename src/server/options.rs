//! Where to connect, as whom, and how: what a user says about the server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::utf8_percent_encode;

use crate::error::Result;

use super::tls::{TLS_MODE_WORDS, TlsMode};
use super::{connect_url, option_file};

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 3306;
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A password: `Debug` prints `[redacted]`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The password itself, for handing it on.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(password)
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self(password.to_owned())
    }
}

/// Where to connect, as whom, and how.
///
/// Made from a URL, from an option file of the stock clients, from setters, or from all of them:
/// a later call wins over an earlier one, and what a call does not name stays as it was.
///
/// ```
/// use snapdump::{ConnectOptions, TlsMode};
///
/// # fn main() -> snapdump::Result<()> {
/// let options = ConnectOptions::from_url("mysql://backup:s%40cret@db.example:3307/shop?ssl-mode=required")?
///     .with_ssl_ca("/etc/shop/ca.pem")
///     .with_tls_mode(TlsMode::VerifyIdentity);
/// assert_eq!(options.password().map(|password| password.expose()), Some("s@cret"));
/// // Neither text holds the password.
/// assert_eq!(options.to_string(), "mysql://backup@db.example:3307/shop");
/// assert!(!format!("{options:?}").contains("cret"));
/// # Ok(())
/// # }
/// ```
///
/// # Keys
///
/// These are the keys of URLs (`mysql://host/?key=value&…`) and of option files (`key = value`),
/// where `_` and `-` are the same. The first five stand in their own places in a URL:
/// `mysql://user:password@host:port/database`.
///
/// | key | default | option of mysqldump | meaning |
/// |---|---|---|---|
/// | `host` | `localhost` | `--host` | Name or IP address (IPv6 in brackets), always over TCP: for the socket, which stock clients take for `localhost`, give `socket`. |
/// | `port` | `3306` | `--port` | TCP port. |
/// | `user` | none | `--user` | Account; must be given, the login name of the operating system is not used. |
/// | `password` | none | `--password` | |
/// | `database` | none | first argument | The database that the session begins in. |
/// | `socket` | none | `--socket` | Path of the unix socket to connect over, in place of a host. |
/// | `ssl-mode` | `preferred` | `--ssl-mode` | A [`TlsMode`]; with `ssl-ca` and no mode chosen, `verify-ca`. On a socket there is no TLS, and the modes from `required` on are an error there. |
/// | `ssl-ca` | none | `--ssl-ca` | File of the only certificate authorities trusted; without it those of Mozilla's list that is built in. |
/// | `ssl-cert` | none | `--ssl-cert` | File of the client certificate; by default the one of `ssl-key`. |
/// | `ssl-key` | none | `--ssl-key` | File of its private key, without a passphrase; by default the one of `ssl-cert`. |
/// | `connect-timeout` | `10` | none (`--connect-timeout` of mysql) | Seconds from the name look-up to the end of the login. |
/// | `read-timeout` | `60` | none | Seconds after which a late answer makes snapdump ask, by a second connection, whether the server is still at work on it. If it is not, or nobody can be asked twice, the operation fails; a statement that runs on for hours does not. Rows that have begun to arrive may stop for ten times as long. |
/// | `prefer-socket` | `false` | none | Move a TCP connection to a loopback address over to the socket that the server names; that connection is not encrypted. Wrong where a forwarded port leads to another machine. |
///
/// LOAD DATA LOCAL is never answered, a password is never sent in clear text, and the format of
/// passwords before MySQL 4.1 is refused: none of these has a key.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    // Set by name only; `None` with a socket, or by default.
    host: Option<String>,
    port: u16,
    socket: Option<PathBuf>,
    user: Option<String>,
    password: Option<Password>,
    database: Option<String>,
    // `None` until one is chosen.
    tls_mode: Option<TlsMode>,
    ssl_ca: Option<PathBuf>,
    ssl_cert: Option<PathBuf>,
    ssl_key: Option<PathBuf>,
    connect_timeout: Duration,
    read_timeout: Duration,
    prefer_socket: bool,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            host: None,
            port: DEFAULT_PORT,
            socket: None,
            user: None,
            password: None,
            database: None,
            tls_mode: None,
            ssl_ca: None,
            ssl_cert: None,
            ssl_key: None,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
            read_timeout: DEFAULT_READ_TIMEOUT,
            prefer_socket: false,
        }
    }
}

impl ConnectOptions {
    /// The groups of an option file that [`from_option_file`](Self::from_option_file) reads: those
    /// of the stock dump programs, and `snapdump`.
    pub const OPTION_GROUPS: [&str; 6] =
        ["client", "client-server", "client-mariadb", "mysqldump", "mariadb-dump", "snapdump"];

    /// Options for `localhost`, port 3306, with no user yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The options of a URL: `mysql://user:password@host:port/database?key=value&…`, every part but
    /// the scheme optional; `mariadb://` means the same.
    ///
    /// User name, password, database and values are percent-decoded, so `@ : / ? # %` and blanks
    /// in them are written as `%40 %3A %2F %3F %23 %25 %20`. For the keys see
    /// [above](Self#keys).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for what is not such a URL, an unknown key,
    /// or a bad value. The text never quotes the URL, because of its password.
    pub fn from_url(url: &str) -> Result<Self> {
        Self::default().with_url(url)
    }

    /// Sets what the URL names, and leaves the rest as it was: so a URL with host and database can
    /// stand on an option file with user and password.
    ///
    /// # Errors
    /// As [`from_url`](Self::from_url).
    pub fn with_url(self, url: &str) -> Result<Self> {
        connect_url::apply(self, url)
    }

    /// The options in an option file of the stock clients, such as `~/.my.cnf`, from the groups
    /// [`OPTION_GROUPS`](Self::OPTION_GROUPS).
    ///
    /// # Errors
    /// As [`with_option_file`](Self::with_option_file).
    pub fn from_option_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::default().with_option_file(path, &Self::OPTION_GROUPS)
    }

    /// Sets what these groups of an option file name, and leaves the rest as it was.
    ///
    /// The file is read as the stock clients read it: groups, comments, quotes, escapes,
    /// `!include` and `!includedir`, `loose-`, and the last value of an option wins whatever its
    /// group is. Options that are no [keys](Self#keys) belong to other programs and are ignored.
    /// `ssl`, `ssl-verify-server-cert` (and `skip-ssl` …) of MariaDB set the TLS mode, and
    /// `protocol=tcp` puts the socket out of use. A socket counts only where the host is
    /// `localhost` or not given, in the file or before it.
    ///
    /// Unlike the stock clients it makes an error of a file that everybody may write to, of an
    /// include that is missing or nested deeper than 10, of a password without a value (there is
    /// nobody to ask), and of options that would narrow what is trusted and are not supported
    /// (`ssl-capath`, `ssl-crl`, …). A relative include is looked for beside the file that names
    /// it. Login paths (`.mylogin.cnf`) are not read.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with file and line, for a file that cannot
    /// be read, parsed or trusted, and for a bad value of a key.
    pub fn with_option_file(self, path: impl AsRef<Path>, groups: &[&str]) -> Result<Self> {
        option_file::apply(self, path.as_ref(), groups)
    }

    /// Connects over TCP to this host: a name or an IP address, an IPv6 address with or without
    /// brackets. Takes back [`with_socket`](Self::with_socket).
    #[must_use]
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        let host = host.into();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        self.host = Some(bare.map_or_else(|| host.clone(), str::to_owned));
        self.socket = None;
        self
    }

    /// Sets the TCP port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Connects over this unix socket. Takes back [`with_host`](Self::with_host).
    #[must_use]
    pub fn with_socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = Some(socket.into());
        self.host = None;
        self
    }

    /// Sets the user name of the account.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the password of the account.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Password>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets the database that the session begins in.
    #[must_use]
    pub fn with_database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// The same without a database, for a session that must begin whether it is there or not.
    pub(crate) fn without_database(mut self) -> Self {
        self.database = None;
        self
    }

    /// Sets how much protection the connection must have.
    #[must_use]
    pub fn with_tls_mode(mut self, mode: TlsMode) -> Self {
        self.tls_mode = Some(mode);
        self
    }

    /// Trusts only the certificate authorities in this file (PEM, or one in DER).
    #[must_use]
    pub fn with_ssl_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl_ca = Some(path.into());
        self
    }

    /// Shows the server this client certificate (PEM; the chain may follow in the same file).
    #[must_use]
    pub fn with_ssl_cert(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl_cert = Some(path.into());
        self
    }

    /// Sets the file of the client certificate's private key (PEM, without a passphrase).
    #[must_use]
    pub fn with_ssl_key(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl_key = Some(path.into());
        self
    }

    /// Sets how long connecting may take, from the name look-up to the end of the login.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets after how long a late answer makes snapdump look after the connection; see
    /// [the key](Self#keys) `read-timeout`.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Moves a TCP connection to a loopback address over to the unix socket that the server names.
    #[must_use]
    pub fn with_prefer_socket(mut self, prefer: bool) -> Self {
        self.prefer_socket = prefer;
        self
    }

    /// The host of a TCP connection.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(DEFAULT_HOST)
    }

    /// The port of a TCP connection.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The unix socket, if that is where the connection goes.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// The user name of the account.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password of the account.
    #[must_use]
    pub fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }

    /// The database that the session begins in.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The TLS mode: the one that was set; else [`TlsMode::VerifyCa`] if there is a CA, as in the
    /// stock clients, and [`TlsMode::Preferred`] if there is none.
    #[must_use]
    pub fn tls_mode(&self) -> TlsMode {
        self.tls_mode.unwrap_or(match self.ssl_ca {
            Some(_) => TlsMode::VerifyCa,
            None => TlsMode::Preferred,
        })
    }

    /// The file of the trusted certificate authorities.
    #[must_use]
    pub fn ssl_ca(&self) -> Option<&Path> {
        self.ssl_ca.as_deref()
    }

    /// The file of the client certificate.
    #[must_use]
    pub fn ssl_cert(&self) -> Option<&Path> {
        self.ssl_cert.as_deref()
    }

    /// The file of the client certificate's key.
    #[must_use]
    pub fn ssl_key(&self) -> Option<&Path> {
        self.ssl_key.as_deref()
    }

    /// How long connecting may take.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// After how long a late answer makes snapdump look after the connection.
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.read_timeout
    }

    /// Whether a loopback connection moves to the unix socket.
    #[must_use]
    pub fn prefer_socket(&self) -> bool {
        self.prefer_socket
    }

    /// Whether a host was set by name.
    pub(super) fn has_host(&self) -> bool {
        self.host.is_some()
    }

    /// Whether the TLS mode was set, and does not only follow from the CA.
    pub(super) fn has_tls_mode(&self) -> bool {
        self.tls_mode.is_some()
    }

    /// The server as messages name it: `host:port` or the path of the socket.
    pub(crate) fn place(&self) -> String {
        match &self.socket {
            Some(socket) => socket.display().to_string(),
            None if self.host().contains(':') => format!("[{}]:{}", self.host(), self.port),
            None => format!("{}:{}", self.host(), self.port),
        }
    }
}

impl fmt::Display for ConnectOptions {
    /// The options as a URL without the password and without the keys, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text| utf8_percent_encode(text, connect_url::ESCAPED);
        f.write_str("mysql://")?;
        if let Some(user) = &self.user {
            write!(f, "{}@", encode(user))?;
        }
        match &self.socket {
            Some(_) => f.write_str(DEFAULT_HOST)?,
            None => f.write_str(&self.place())?,
        }
        if let Some(database) = &self.database {
            write!(f, "/{}", encode(database))?;
        }
        if let Some(socket) = &self.socket {
            let path = socket.to_string_lossy();
            let path = utf8_percent_encode(&path, connect_url::ESCAPED_IN_PATH);
            write!(f, "?socket={path}")?;
        }
        Ok(())
    }
}

/// A setting that URLs and option files write as text.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Whether it is a key of URLs, and not one of the parts with a place of their own.
    pub(super) in_url: bool,
    /// What a value may be, as messages say it.
    pub(super) values: &'static str,
    /// Sets it; `None` for a value that it cannot have.
    pub(super) set: fn(&mut ConnectOptions, &str) -> Option<()>,
}

const ANY_TEXT: &str = "a text";
const ANY_PATH: &str = "a path";

/// Every setting, in the order of the table in the documentation of [`ConnectOptions`].
pub(super) const KEYS: [Key; 13] = [
    part("host", "a host name or an IP address", |options, value| {
        let value = text(value)?;
        *options = std::mem::take(options).with_host(value);
        Some(())
    }),
    part("port", "a number from 1 to 65535", |options, value| {
        options.port = value.parse().ok().filter(|port| *port > 0)?;
        Some(())
    }),
    part("user", ANY_TEXT, |options, value| {
        options.user = Some(value.to_owned());
        Some(())
    }),
    part("password", ANY_TEXT, |options, value| {
        options.password = Some(value.into());
        Some(())
    }),
    part("database", ANY_TEXT, |options, value| {
        options.database = Some(text(value)?);
        Some(())
    }),
    key("socket", ANY_PATH, |options, value| {
        let value = text(value)?;
        *options = std::mem::take(options).with_socket(value);
        Some(())
    }),
    key("ssl-mode", TLS_MODE_WORDS, |options, value| {
        options.tls_mode = Some(value.parse().ok()?);
        Some(())
    }),
    key("ssl-ca", ANY_PATH, |options, value| {
        options.ssl_ca = Some(text(value)?.into());
        Some(())
    }),
    key("ssl-cert", ANY_PATH, |options, value| {
        options.ssl_cert = Some(text(value)?.into());
        Some(())
    }),
    key("ssl-key", ANY_PATH, |options, value| {
        options.ssl_key = Some(text(value)?.into());
        Some(())
    }),
    key("connect-timeout", "a number of seconds from 1 to 86400", |options, value| {
        let seconds = value.parse().ok()?;
        (1..=86_400).contains(&seconds).then(|| {
            options.connect_timeout = Duration::from_secs(seconds);
        })
    }),
    key("read-timeout", "a number of seconds from 1 to 86400", |options, value| {
        let seconds = value.parse().ok()?;
        (1..=86_400).contains(&seconds).then(|| {
            options.read_timeout = Duration::from_secs(seconds);
        })
    }),
    key("prefer-socket", "true, false", |options, value| {
        options.prefer_socket = boolean(value)?;
        Some(())
    }),
];

const fn key(
    name: &'static str,
    values: &'static str,
    set: fn(&mut ConnectOptions, &str) -> Option<()>,
) -> Key {
    Key { name, in_url: true, values, set }
}

const fn part(
    name: &'static str,
    values: &'static str,
    set: fn(&mut ConnectOptions, &str) -> Option<()>,
) -> Key {
    Key { in_url: false, ..key(name, values, set) }
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

/// A boolean as option files write it.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table in the documentation: key and default.
    fn documented() -> Vec<(String, String)> {
        include_str!("options.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("/// | `"))
            .map(|row| {
                let mut cells = row.split('|').map(|cell| cell.trim().trim_matches('`'));
                let mut cell = || cells.next().unwrap().to_owned();
                (cell(), cell())
            })
            .collect()
    }

    #[test]
    fn the_table_of_keys_is_the_list_of_keys() {
        let documented: Vec<String> = documented().into_iter().map(|(key, _)| key).collect();
        let parsed: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(documented, parsed);
    }

    #[test]
    fn the_defaults_in_the_table_are_the_defaults() {
        for ((name, default), key) in documented().into_iter().zip(&KEYS) {
            if default == "none" {
                continue;
            }
            let mut options = ConnectOptions::default();
            (key.set)(&mut options, &default).unwrap();
            let same = |options: &ConnectOptions| {
                (
                    options.place(),
                    options.tls_mode(),
                    options.connect_timeout(),
                    options.read_timeout(),
                    options.prefer_socket(),
                )
            };
            assert_eq!(same(&options), same(&ConnectOptions::default()), "{name}");
        }
        let default = format!("{:?}", ConnectOptions::default());
        for none in ["user", "password", "database", "socket", "ssl_ca"] {
            assert!(default.contains(&format!("{none}: None")), "{none}");
        }
    }

    #[test]
    fn host_and_socket_take_each_other_back() {
        let options =
            ConnectOptions::new().with_host("db").with_socket("/run/s").with_host("[::1]");
        assert_eq!((options.host(), options.socket()), ("::1", None));
        assert_eq!(options.place(), "[::1]:3306");
        let options = options.with_socket("/run/s");
        assert_eq!(options.host(), "localhost");
        assert_eq!(options.place(), "/run/s");
        assert_eq!(options.with_user("a b").to_string(), "mysql://a%20b@localhost?socket=/run/s");
    }

    #[test]
    fn a_ca_without_a_mode_is_verified() {
        let options = ConnectOptions::new().with_ssl_ca("ca.pem");
        assert_eq!(options.tls_mode(), TlsMode::VerifyCa);
        let options = options.with_tls_mode(TlsMode::Preferred);
        assert_eq!(options.tls_mode(), TlsMode::Preferred);
    }
}

//! Where to connect, as whom, and how: what a user says about the server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tls::TlsMode;

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 3306;
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

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
            prefer_socket: false,
        }
    }
}

impl ConnectOptions {
    /// Options for `localhost`, port 3306, with no user yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    /// Whether a loopback connection moves to the unix socket.
    #[must_use]
    pub fn prefer_socket(&self) -> bool {
        self.prefer_socket
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

//! The act of connecting: one attempt or two, bounded in time, with errors a person can act on.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use mysql_async::{Conn, DriverError, Opts, OptsBuilder};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};

use super::driver_error::{from_driver, kind_of_answer, server_error};
use super::error_number::{
    ER_BAD_DB_ERROR, ER_CON_COUNT_ERROR, ER_DBACCESS_DENIED_ERROR, ER_HOST_IS_BLOCKED,
    ER_HOST_NOT_PRIVILEGED, ER_MUST_CHANGE_PASSWORD_LOGIN, ER_SECURE_TRANSPORT_REQUIRED,
    ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED, mariadb, mysql,
};
use super::identity::{ServerIdentity, identify};
use super::options::ConnectOptions;
use super::peer::Peer;
use super::tls::{Encryption, TlsFiles, TlsMode};

/// The largest packet there is. The server's own limit is the one that counts; the client must
/// never cut below it.
const MAX_ALLOWED_PACKET_BYTES: usize = 1 << 30;
/// How long an idle connection may be before the kernel asks the peer whether it is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);
/// The driver's idea of the session's `wait_timeout`, used only by its pool, which is not used.
const WAIT_TIMEOUT_SECONDS: usize = 31_536_000;
/// Statements are prepared once per table; a cache would only keep them open on the server.
const STATEMENT_CACHE_SIZE: usize = 2;
/// How long a polite goodbye may take.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How one attempt goes: what was looked up and read before it.
struct Route<'a> {
    addresses: &'a [IpAddr],
    encryption: Encryption,
    #[cfg_attr(
        not(feature = "tls"),
        expect(dead_code, reason = "used with the feature `tls` only")
    )]
    files: &'a TlsFiles,
}

impl ConnectOptions {
    /// Connects, asks the server who it is, and disconnects: the work of a "test connection"
    /// button.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for options that cannot be used, an unreadable certificate, or an
    /// unknown database; [`ErrorKind::Connect`] when the server cannot be reached in time, has no
    /// free connection, or TLS fails; [`ErrorKind::Auth`] when it refuses the account;
    /// [`ErrorKind::Privilege`] when the account has no right on the database;
    /// [`ErrorKind::Cancelled`] and [`ErrorKind::TimedOut`] as the context says.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub async fn check_connection(&self, context: &Context) -> Result<ServerIdentity> {
        let mut conn = self.connect(context).await?;
        let peer = Peer::new(self, conn.id(), String::new());
        let identity = context.run(peer.answer(0, identify(&mut conn))).await?;
        let goodbye = tokio::time::timeout(DISCONNECT_TIMEOUT, conn.disconnect());
        if let Ok(Ok(Err(error))) = context.run(goodbye).await {
            tracing::debug!(%error, "could not close the connection politely");
        }
        identity?
    }

    /// Connects. The session is as the server begins one.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    pub(crate) async fn connect(&self, context: &Context) -> Result<Conn> {
        self.check()?;
        context.check()?;
        let limit = self.connect_timeout();
        let work = tokio::time::timeout(limit, self.connect_without_limit());
        context.run(work).await?.unwrap_or_else(|_elapsed| {
            Err(Error::new(
                ErrorKind::Connect,
                format!("could not connect to {} within {} s", self.place(), limit.as_secs_f64()),
            ))
        })
    }

    async fn connect_without_limit(&self) -> Result<Conn> {
        let files = match self.first_encryption() {
            Encryption::Off => TlsFiles::none(),
            _ => TlsFiles::read(self).await?,
        };
        let addresses = self.look_up().await?;
        let mut route =
            Route { addresses: &addresses, encryption: self.first_encryption(), files: &files };
        loop {
            let error = match self.attempt(&route).await? {
                Ok(conn) => return Ok(conn),
                Err(error) => error,
            };
            match self.next_encryption(route.encryption, &error) {
                Some(encryption) => route.encryption = encryption,
                None => return Err(self.failure(error)),
            }
        }
    }

    /// How the first attempt is encrypted.
    fn first_encryption(&self) -> Encryption {
        let moves = self.moves_to_socket();
        if self.socket().is_some() || moves {
            Encryption::Off
        } else {
            Encryption::first(self.tls_mode())
        }
    }

    /// How to try again after a failed attempt, if the mode allows a weaker one.
    fn next_encryption(&self, tried: Encryption, error: &mysql_async::Error) -> Option<Encryption> {
        match (self.tls_mode(), tried) {
            (TlsMode::Preferred, Encryption::Unverified) if is_without_tls(error) => {
                Some(Encryption::Off)
            }
            #[cfg(feature = "tls")]
            (TlsMode::VerifyCa, Encryption::SameName) if super::tls::is_name_mismatch(error) => {
                Some(Encryption::AnyName)
            }
            _ => None,
        }
    }

    /// Whether the driver is to move to the unix socket that the server names. Asked of a server
    /// elsewhere, that path would lead to another server, on this machine.
    fn moves_to_socket(&self) -> bool {
        let is_loopback = self.host() == "localhost"
            || self.host().parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.prefer_socket() && is_loopback && !self.tls_mode().is_required()
    }

    async fn look_up(&self) -> Result<Vec<IpAddr>> {
        if self.socket().is_some() {
            return Ok(Vec::new());
        }
        let unknown = || Error::new(ErrorKind::Connect, format!("unknown host `{}`", self.host()));
        let found: Vec<IpAddr> = tokio::net::lookup_host((self.host(), self.port()))
            .await
            .map_err(|cause| unknown().with_source(cause))?
            .map(|address| address.ip())
            .collect();
        if found.is_empty() {
            return Err(unknown());
        }
        Ok(found)
    }

    async fn attempt(
        &self,
        route: &Route<'_>,
    ) -> Result<std::result::Result<Conn, mysql_async::Error>> {
        let opts = self.driver_opts(route)?;
        // The driver panics on some answers that break the protocol of an account plugin.
        AssertUnwindSafe(Conn::new(opts)).catch_unwind().await.map_err(|_panic| {
            Error::new(
                ErrorKind::Protocol,
                format!("the server at {} broke the protocol of the login", self.place()),
            )
        })
    }

    /// Only the second attempt of [`TlsMode::VerifyCa`].
    #[cfg(test)]
    #[cfg(feature = "tls")]
    pub(super) async fn attempt_any_name(
        &self,
    ) -> Result<std::result::Result<Conn, mysql_async::Error>> {
        let route = Route {
            addresses: &self.look_up().await?,
            encryption: Encryption::AnyName,
            files: &TlsFiles::read(self).await?,
        };
        self.attempt(&route).await
    }

    /// The driver's options for one attempt.
    fn driver_opts(&self, route: &Route<'_>) -> Result<Opts> {
        let builder = OptsBuilder::default()
            .ip_or_hostname(self.host())
            .tcp_port(self.port())
            .user(self.user())
            .pass(self.password().map(super::Password::expose))
            .db_name(self.database())
            .tcp_keepalive(Some(TCP_KEEPALIVE))
            .tcp_nodelay(true)
            .stmt_cache_size(STATEMENT_CACHE_SIZE)
            .max_allowed_packet(Some(MAX_ALLOWED_PACKET_BYTES))
            .wait_timeout(Some(WAIT_TIMEOUT_SECONDS))
            .prefer_socket(self.moves_to_socket())
            .secure_auth(true)
            .enable_cleartext_plugin(false)
            .connect_attribute("program_name", "snapdump")
            .connect_attribute("_client_version", env!("CARGO_PKG_VERSION"));
        let builder = match self.socket() {
            Some(socket) => {
                let path = socket
                    .to_str()
                    .ok_or_else(|| Error::config("the path of the socket is not UTF-8"))?;
                builder.socket(Some(path))
            }
            None => builder.resolved_ips(Some(route.addresses)),
        };
        #[cfg(feature = "tls")]
        let builder = builder.ssl_opts(super::tls::ssl_opts(route.encryption, route.files));
        Ok(builder.into())
    }

    /// Refuses options that contradict each other, before anything is tried.
    fn check(&self) -> Result<()> {
        if self.user().unwrap_or_default().is_empty() {
            return Err(Error::config(
                "no user name is given (mysql://user@host, with_user, or `user` in an option file)",
            ));
        }
        // The protocol ends these texts by a NUL.
        if [self.user(), self.database()].into_iter().flatten().any(|text| text.contains('\0')) {
            return Err(Error::config("the user or the database name has a NUL in it"));
        }
        if self.connect_timeout().is_zero() {
            return Err(Error::config("the connect timeout is zero"));
        }
        if self.read_timeout().is_zero() {
            return Err(Error::config("the read timeout is zero"));
        }
        if self.socket().is_none() && (self.host().is_empty() || self.port() == 0) {
            return Err(Error::config("the host is empty or the port is 0"));
        }
        let mode = self.tls_mode();
        // A mode that only follows from a CA does not bind on a socket, which needs no TLS.
        let binds = mode.is_required() && (self.socket().is_none() || self.has_tls_mode());
        if !binds {
            return Ok(());
        }
        if cfg!(not(feature = "tls")) {
            return Err(Error::config(format!(
                "ssl-mode {mode} needs snapdump's crate feature `tls`"
            )));
        }
        if self.socket().is_some() {
            return Err(Error::config(format!(
                "a unix socket cannot be encrypted, and ssl-mode {mode} asks for it"
            )));
        }
        if self.prefer_socket() {
            return Err(Error::config(format!(
                "a unix socket cannot be encrypted: ssl-mode {mode} and prefer-socket exclude each other"
            )));
        }
        Ok(())
    }

    /// Our error for a failed attempt.
    fn failure(&self, error: mysql_async::Error) -> Error {
        #[cfg(feature = "tls")]
        if let Some(failure) = super::tls::failure(&error, self) {
            return failure;
        }
        let place = self.place();
        let user = self.user().unwrap_or_default();
        match error {
            mysql_async::Error::Server(answer) => self.refusal(answer),
            _ if is_without_tls(&error) => Error::new(
                ErrorKind::Connect,
                format!(
                    "the server at {place} offers no TLS, which ssl-mode {} asks for",
                    self.tls_mode()
                ),
            ),
            // To hide which accounts exist, MySQL makes up a plugin for those that do not.
            mysql_async::Error::Driver(DriverError::UnknownAuthPlugin { name }) => Error::new(
                ErrorKind::Auth,
                format!(
                    "the account `{user}` does not exist at {place}, or logs in by the plugin \
                     `{name}`, which is not supported"
                ),
            ),
            mysql_async::Error::Driver(DriverError::CleartextPluginDisabled) => Error::new(
                ErrorKind::Auth,
                format!(
                    "the server at {place} asks for the password in clear text, which is not supported"
                ),
            ),
            mysql_async::Error::Driver(DriverError::MysqlOldPasswordDisabled) => Error::new(
                ErrorKind::Auth,
                format!(
                    "the account `{user}` has a password of the insecure format before MySQL 4.1"
                ),
            ),
            mysql_async::Error::Driver(DriverError::ConnectionClosed) => from_driver(
                error,
                format!("the server at {place} closed the connection during the login"),
            ),
            mysql_async::Error::Io(_) => {
                from_driver(error, format!("could not connect to {place}"))
            }
            _ => from_driver(error, format!("could not log in to {place}")),
        }
    }

    /// Our error for a server that answered the login with an error.
    fn refusal(&self, answer: mysql_async::ServerError) -> Error {
        let place = self.place();
        let user = self.user().unwrap_or_default();
        let database = self.database().unwrap_or_default();
        let answer = server_error(answer);
        let kind = kind_of_answer(answer.number);
        let (kind, message) = match answer.number {
            ER_BAD_DB_ERROR => {
                (ErrorKind::Config, format!("unknown database `{database}` on {place}"))
            }
            ER_SECURE_TRANSPORT_REQUIRED => (
                ErrorKind::Config,
                format!(
                    "the server at {place} takes encrypted connections only; ssl-mode is {}",
                    self.tls_mode()
                ),
            ),
            ER_DBACCESS_DENIED_ERROR => {
                (kind, format!("the account `{user}` has no right on the database `{database}`"))
            }
            ER_CON_COUNT_ERROR | ER_TOO_MANY_USER_CONNECTIONS | ER_USER_LIMIT_REACHED => {
                (kind, format!("the server at {place} has no free connection for `{user}`"))
            }
            ER_HOST_IS_BLOCKED | ER_HOST_NOT_PRIVILEGED => {
                (kind, format!("the server at {place} takes no connections from this host"))
            }
            ER_MUST_CHANGE_PASSWORD_LOGIN => {
                (kind, format!("the password of the account `{user}` has expired"))
            }
            // MariaDB's numbers are errors of bulk loads to MySQL, which no login can end in.
            mysql::ER_ACCOUNT_HAS_BEEN_LOCKED
            | mysql::ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK
            | mariadb::ER_ACCOUNT_HAS_BEEN_LOCKED
            | mariadb::ER_USER_IS_BLOCKED => {
                (ErrorKind::Auth, format!("the account `{user}` is locked"))
            }
            _ if kind == ErrorKind::Auth => (
                kind,
                format!(
                    "the server at {place} refused the account `{user}`; check user and password"
                ),
            ),
            _ => (kind, format!("the server at {place} refused the connection")),
        };
        Error::new(kind, message).with_source(answer)
    }
}

/// Whether the server does not offer TLS at all.
fn is_without_tls(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer))
}

/// Whether the server takes no more connections, from anybody or from this account.
pub(crate) fn has_no_free_connection(error: &Error) -> bool {
    error.server().is_some_and(|answer| {
        [ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED]
            .contains(&answer.number)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::server::fake::{Answer, Fake, Greeting};

    async fn failure(options: &ConnectOptions) -> Error {
        let error = options.connect(&Context::new()).await.unwrap_err();
        for text in [error.chain(), format!("{error:?}")] {
            assert!(!text.contains("KNOWN-SECRET"), "{text}");
        }
        error
    }

    async fn answered(answer: Answer) -> Error {
        let fake = Fake { answer, ..Fake::default() };
        let (options, _) = fake.start().await;
        failure(&options.with_database("shop")).await
    }

    #[tokio::test]
    async fn a_login_that_goes_well() {
        let (options, seen) = Fake::default().start().await;
        let conn = options.connect(&Context::new()).await.unwrap();
        assert_eq!(conn.id(), 7);
        assert_eq!(conn.opts().max_allowed_packet(), Some(1 << 30));
        assert!(!conn.opts().prefer_socket());
        assert!(conn.opts().local_infile_handler().is_none());
        conn.disconnect().await.unwrap();
        let visits = seen.visits();
        // One that learned that there is no TLS, one without.
        #[cfg(feature = "tls")]
        assert_eq!(visits.len(), 2);
        assert!(visits.iter().all(|visit| !visit.is_encrypted));
    }

    /// A peer that is gone is noticed though nobody waits for it: the kernel asks after half a minute.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_asks_after_a_silent_peer() {
        let (options, _) = Fake::default().start().await;
        let conn = options.connect(&Context::new()).await.unwrap();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        // Columns (proc(5)): number, our end, their end, state, queues, timer and when it ends.
        let to_fake = format!(":{:04X}", options.port());
        let sockets: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|columns| columns[2].ends_with(&to_fake) && columns[3] == "01")
            .collect();
        assert!(!sockets.is_empty(), "{table}");
        for socket in sockets {
            let (timer, when) = socket[5].split_once(':').unwrap();
            assert_eq!(timer, "02", "no keepalive: {socket:?}");
            // In hundredths of a second; a little of it is over.
            let when = u64::from_str_radix(when, 16).unwrap();
            assert!((2_000..=3_000).contains(&when), "{when}");
        }
        conn.disconnect().await.unwrap();
    }

    #[tokio::test]
    async fn the_answers_of_a_server_have_kinds_and_words() {
        for (number, kind, words) in [
            (1045, ErrorKind::Auth, "refused the account `someone`"),
            (1698, ErrorKind::Auth, "check user and password"),
            (1130, ErrorKind::Auth, "takes no connections from this host"),
            (3118, ErrorKind::Auth, "is locked"),
            (4151, ErrorKind::Auth, "is locked"),
            (1862, ErrorKind::Auth, "has expired"),
            (1049, ErrorKind::Config, "unknown database `shop`"),
            (3159, ErrorKind::Config, "encrypted connections only"),
            (1044, ErrorKind::Privilege, "no right on the database `shop`"),
            (1040, ErrorKind::Connect, "no free connection"),
            (1053, ErrorKind::Connect, "refused the connection"),
            (1105, ErrorKind::Server, "refused the connection"),
        ] {
            let error = answered(Answer::Error(number, "because")).await;
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            let server = error.server().unwrap();
            assert_eq!((server.number, &*server.message), (number, "because"));
        }
    }

    #[tokio::test]
    async fn account_plugins_that_cannot_be_used_are_named() {
        let error = answered(Answer::Switch("dialog", b"Password: ", b"")).await;
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().contains("plugin `dialog`"), "{error}");
        let error = answered(Answer::Switch("mysql_clear_password", b"", b"")).await;
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().contains("clear text"), "{error}");
        let error = answered(Answer::Switch("mysql_old_password", b"12345678", b"")).await;
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().contains("before MySQL 4.1"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_breaks_the_protocol_is_an_error() {
        for (greeting, kind) in [
            (Greeting::Bytes(b""), ErrorKind::Connect),
            (Greeting::Bytes(b"\x05\0\0\0"), ErrorKind::Connect),
            (Greeting::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ErrorKind::Connect),
            (Greeting::Bytes(b"\x01\0\0\0\x0a"), ErrorKind::Connect),
        ] {
            let fake = Fake { greeting, ..Fake::default() };
            let (options, _) = fake.start().await;
            assert_eq!(failure(&options).await.kind(), kind);
        }
        let error = answered(Answer::Close).await;
        assert_eq!(error.kind(), ErrorKind::Connect);
    }

    #[tokio::test]
    async fn a_panic_of_the_driver_is_an_error() {
        // It expects 32 bytes, and unwraps what it makes of others.
        let salt = b"\x01P\x00123456789012345678";
        let error = answered(Answer::Switch("parsec", b"short", salt)).await;
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("broke the protocol"), "{error}");
    }

    #[tokio::test]
    async fn the_plugins_of_mariadb_are_known() {
        let denied = b"\xff\x15\x04#28000no";
        let salt = &[b'x'; 32];
        for plugin in ["client_ed25519", "parsec", "caching_sha2_password"] {
            let error = answered(Answer::Switch(plugin, salt, denied)).await;
            assert_eq!(error.kind(), ErrorKind::Auth, "{plugin}: {}", error.chain());
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_waited_for_no_longer_than_asked() {
        let fake = Fake { greeting: Greeting::Silence, ..Fake::default() };
        let (options, _) = fake.start().await;
        let options = options.with_connect_timeout(Duration::from_millis(300));
        let error = failure(&options).await;
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.to_string().ends_with("within 0.3 s"), "{error}");

        let options = options.with_connect_timeout(Duration::from_secs(60));
        let context = Context::new().with_timeout(Duration::from_millis(100));
        let error = options.connect(&context).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);

        let context = Context::new();
        let begun = Instant::now();
        let (result, ()) = tokio::join!(options.connect(&context), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            context.cancel();
        });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(begun.elapsed() < Duration::from_secs(5));
        let error = options.connect(&context).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }

    #[tokio::test]
    async fn places_where_nobody_listens_are_named() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let options = ConnectOptions::new().with_user("me");
        let error = failure(&options.clone().with_host("127.0.0.1").with_port(port)).await;
        assert_eq!(error.kind(), ErrorKind::Connect);
        let expected = format!("could not connect to 127.0.0.1:{port}");
        assert_eq!(error.to_string(), expected);
        assert!(error.chain().contains("refused"), "{}", error.chain());

        let error = failure(&options.clone().with_host("no-such-host.invalid")).await;
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert_eq!(error.to_string(), "unknown host `no-such-host.invalid`");

        #[cfg(unix)]
        {
            let error = failure(&options.with_socket("/nowhere/mysql.sock")).await;
            assert_eq!(error.kind(), ErrorKind::Connect);
            assert_eq!(error.to_string(), "could not connect to /nowhere/mysql.sock");
        }
    }

    #[tokio::test]
    async fn contradicting_options_are_refused_before_connecting() {
        let options = ConnectOptions::new().with_user("me");
        for (options, words) in [
            (ConnectOptions::new(), "no user name"),
            (ConnectOptions::new().with_user("a\0b"), "NUL"),
            (options.clone().with_host(""), "host is empty"),
            (options.clone().with_port(0), "port is 0"),
            (options.clone().with_connect_timeout(Duration::ZERO), "timeout is zero"),
            (
                options.clone().with_socket("/s").with_tls_mode(TlsMode::Required),
                if cfg!(feature = "tls") {
                    "a unix socket cannot be encrypted"
                } else {
                    "crate feature `tls`"
                },
            ),
        ] {
            let error = failure(&options).await;
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn only_a_loopback_connection_without_required_tls_moves_to_the_socket() {
        let options = ConnectOptions::new().with_prefer_socket(true);
        assert!(options.moves_to_socket());
        assert!(options.clone().with_host("::1").moves_to_socket());
        assert!(!options.clone().with_host("10.0.0.1").moves_to_socket());
        assert!(!options.clone().with_host("db").moves_to_socket());
        let required = options.with_tls_mode(TlsMode::Required);
        assert!(!required.moves_to_socket());
        assert!(!ConnectOptions::new().moves_to_socket());
    }
}

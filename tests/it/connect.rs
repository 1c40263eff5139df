//! Connecting: every way to say where, every TLS mode, and what goes wrong.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use mysql_async::prelude::Queryable;
use snapdump::{ConnectOptions, Context, Error, ErrorKind, Flavor, ServerIdentity, TlsMode};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::TestServer;

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: run scripts/test, which starts the servers"))
        .into()
}

fn tls_file(name: &str) -> PathBuf {
    variable("SNAPDUMP_TEST_TLS_DIR").join(name)
}

fn socket_of(server: &TestServer) -> PathBuf {
    variable(&format!("SNAPDUMP_TEST_{}_SOCKET", server.name.to_uppercase()))
}

/// Root, over TCP.
fn options_of(server: &TestServer) -> ConnectOptions {
    ConnectOptions::from_url(&server.url).unwrap()
}

async fn check(options: &ConnectOptions) -> ServerIdentity {
    match options.check_connection(&Context::new()).await {
        Ok(identity) => identity,
        Err(error) => panic!("{options}: {}", error.chain()),
    }
}

/// The error of a connection that must fail, which must not tell the password.
async fn failure(options: &ConnectOptions) -> Error {
    let error = match options.check_connection(&Context::new()).await {
        Ok(identity) => panic!("{options}: connected to {identity:?}"),
        Err(error) => error,
    };
    if let Some(password) = options.password() {
        for text in [error.chain(), format!("{error:?}"), format!("{options:?}")] {
            assert!(!text.contains(password.expose()), "{text}");
        }
    }
    error
}

#[track_caller]
fn assert_error(error: &Error, kind: ErrorKind, number: Option<u16>, words: &str) {
    let story = error.chain();
    assert_eq!(error.kind(), kind, "{story}");
    assert_eq!(error.server().map(|server| server.number), number, "{story}");
    assert!(story.contains(words), "{story}");
    assert!(!story.contains('\n'), "{story}");
}

/// Runs `work` with a new account, made by `CREATE USER … IDENTIFIED BY …` and `requirement`.
async fn with_account<F>(
    server: &TestServer,
    password: &str,
    requirement: &str,
    work: impl FnOnce(ConnectOptions) -> F,
) where
    F: Future<Output = ()>,
{
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("sd_{}_{number}", std::process::id());
    let quoted = password.replace('\\', "\\\\").replace('\'', "''");
    let mut conn = server.conn().await;
    conn.query_drop(format!("CREATE USER '{name}'@'%' IDENTIFIED BY '{quoted}' {requirement}"))
        .await
        .unwrap();
    let options = options_of(server).with_user(&name).with_password(password);
    let result = AssertUnwindSafe(work(options)).catch_unwind().await;
    conn.query_drop(format!("DROP USER '{name}'@'%'")).await.unwrap();
    conn.disconnect().await.unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// The server by the address 127.0.0.2, which its certificate does not name.
async fn by_another_name(server: &TestServer) -> ConnectOptions {
    let options = options_of(server);
    let target = (options.host().to_owned(), options.port());
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let target = target.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(target).await.unwrap();
                // It ends in an error when a test gives up, as many here do.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    options.with_host("127.0.0.2").with_port(port)
}

on_each_server! {
    /// Flavour and version are told from the server's texts, the cipher from the connection.
    async fn a_server_says_who_it_is(server: TestServer) {
        let identity = check(&options_of(&server)).await;
        let (flavor, number) = match server.name {
            "mysql_9_7" => (Flavor::MySql, (9, 7)),
            "mariadb_10_11" => (Flavor::MariaDb, (10, 11)),
            _ => (Flavor::MariaDb, (11, 8)),
        };
        assert_eq!(identity.flavor, flavor);
        assert_eq!((identity.version.major(), identity.version.minor()), number);
        assert!(identity.cipher.is_some(), "preferred, and the server has TLS");

        let disabled = options_of(&server).with_tls_mode(TlsMode::Disabled);
        assert_eq!(check(&disabled).await.cipher, None);
    }

    /// Over the socket there is no TLS, whatever would be right over TCP.
    async fn a_unix_socket(server: TestServer) {
        let options = options_of(&server).with_socket(socket_of(&server));
        assert_eq!(check(&options).await.cipher, None);
        let with_ca = options.clone().with_ssl_ca(tls_file("ca.pem"));
        assert_eq!(check(&with_ca).await.cipher, None);
        let error = failure(&options.with_tls_mode(TlsMode::Required)).await;
        assert_error(&error, ErrorKind::Config, None, "cannot be encrypted");
    }

    /// Only asked for does the connection move to the socket, and then without TLS.
    async fn the_socket_is_preferred_on_request(server: TestServer) {
        let options = options_of(&server).with_prefer_socket(true);
        assert_eq!(check(&options).await.cipher, None);
        let error = failure(&options.with_tls_mode(TlsMode::Required)).await;
        assert_error(&error, ErrorKind::Config, None, "exclude each other");
    }

    /// The right CA: every mode, by both names of the certificate.
    async fn every_tls_mode_with_the_right_ca(server: TestServer) {
        for host in ["127.0.0.1", "localhost"] {
            for mode in TlsMode::ALL {
                let options = options_of(&server)
                    .with_host(host)
                    .with_ssl_ca(tls_file("ca.pem"))
                    .with_tls_mode(mode);
                let cipher = check(&options).await.cipher;
                assert_eq!(cipher.is_some(), mode != TlsMode::Disabled, "{mode}");
            }
        }
    }

    /// Another CA: the modes that verify refuse the server, the others do not look at it.
    async fn every_tls_mode_with_another_ca(server: TestServer) {
        for mode in TlsMode::ALL {
            let options = options_of(&server)
                .with_ssl_ca(tls_file("other-ca.pem"))
                .with_tls_mode(mode);
            if mode < TlsMode::VerifyCa {
                check(&options).await;
            } else {
                let error = failure(&options).await;
                assert_error(&error, ErrorKind::Connect, None, "does not come from the CA");
            }
        }
        // No CA: none of the public ones has signed the certificate.
        for mode in [TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
            let error = failure(&options_of(&server).with_tls_mode(mode)).await;
            assert_error(&error, ErrorKind::Connect, None, "give its CA by ssl-ca");
        }
        // A CA without a mode is verified.
        let error = failure(&options_of(&server).with_ssl_ca(tls_file("other-ca.pem"))).await;
        assert_error(&error, ErrorKind::Connect, None, "ssl-mode verify-ca");
    }

    /// A host that the certificate does not name: only the strictest mode minds.
    async fn every_tls_mode_with_another_host(server: TestServer) {
        let options = by_another_name(&server).await.with_ssl_ca(tls_file("ca.pem"));
        for mode in TlsMode::ALL {
            let options = options.clone().with_tls_mode(mode);
            if mode == TlsMode::VerifyIdentity {
                let error = failure(&options).await;
                assert_error(&error, ErrorKind::Connect, None, "another host than `127.0.0.2`");
            } else {
                check(&options).await;
            }
        }
        // The right host does not make up for the wrong CA.
        let options = options.with_ssl_ca(tls_file("other-ca.pem"));
        let error = failure(&options.with_tls_mode(TlsMode::VerifyCa)).await;
        assert_error(&error, ErrorKind::Connect, None, "does not come from the CA");
    }

    /// An account that needs a client certificate.
    async fn a_client_certificate(server: TestServer) {
        with_account(&server, "pw-x509", "REQUIRE X509", |options| async move {
            let error = failure(&options).await;
            assert_error(&error, ErrorKind::Auth, Some(1045), "refused the account");
            let options = options
                .with_ssl_cert(tls_file("client-cert.pem"))
                .with_ssl_key(tls_file("client-key.pem"));
            assert!(check(&options).await.cipher.is_some());
            let verified = options.clone().with_ssl_ca(tls_file("ca.pem"));
            assert!(check(&verified).await.cipher.is_some());

            let mixed = options.with_ssl_key(tls_file("server-key.pem"));
            let error = failure(&mixed).await;
            assert_error(&error, ErrorKind::Config, None, "do not belong together");
        })
        .await;
    }

    /// An account that needs encryption, and a connection without.
    async fn an_account_that_requires_tls(server: TestServer) {
        with_account(&server, "pw-ssl", "REQUIRE SSL", |options| async move {
            check(&options).await;
            let error = failure(&options.with_tls_mode(TlsMode::Disabled)).await;
            assert_error(&error, ErrorKind::Auth, Some(1045), "refused the account");
        })
        .await;
    }

    /// Wrong password, unknown user.
    async fn an_account_that_is_refused(server: TestServer) {
        let error = failure(&options_of(&server).with_password("not-this-one")).await;
        assert_error(&error, ErrorKind::Auth, Some(1045), "refused the account `root`");
        let error = failure(&options_of(&server).with_user("nobody-here")).await;
        // MySQL may ask for a plugin that is not supported here, to hide which accounts exist.
        assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.chain());
        assert!(error.to_string().contains("account `nobody-here`"), "{error}");
        // MySQL asks for the password by its RSA key here, for want of TLS.
        let options = options_of(&server).with_tls_mode(TlsMode::Disabled);
        let error = failure(&options.with_password("not-this-one")).await;
        assert_error(&error, ErrorKind::Auth, Some(1045), "check user and password");
    }

    /// A locked account is told from a wrong password.
    async fn a_locked_account(server: TestServer) {
        with_account(&server, "pw-locked", "ACCOUNT LOCK", |options| async move {
            let error = failure(&options).await;
            assert_eq!(error.kind(), ErrorKind::Auth, "{}", error.chain());
            assert!(error.to_string().ends_with("is locked"), "{error}");
        })
        .await;
    }

    /// A database that is not there, and one that the account may not see.
    async fn a_database_that_cannot_be_used(server: TestServer) {
        let error = failure(&options_of(&server).with_database("no such db")).await;
        assert_error(&error, ErrorKind::Config, Some(1049), "unknown database `no such db`");
        with_account(&server, "pw-db", "", |options| async move {
            let error = failure(&options.with_database("mysql")).await;
            assert_error(&error, ErrorKind::Privilege, Some(1044), "no right on the database");
        })
        .await;
    }

    /// Every character that means something in a URL, in SQL or in an option file.
    async fn a_password_of_special_characters(server: TestServer) {
        let password = "p@ss:/?#[]%&=+ '\"\\;é!";
        with_account(&server, password, "", |options| async move {
            for mode in [TlsMode::Preferred, TlsMode::Disabled] {
                check(&options.clone().with_tls_mode(mode)).await;
            }
            let encoded = password.bytes().fold(String::new(), |url, byte| format!("{url}%{byte:02X}"));
            let user = options.user().unwrap();
            let (host, port) = (options.host(), options.port());
            let url = format!("mysql://{user}:{encoded}@{host}:{port}");
            check(&ConnectOptions::from_url(&url).unwrap()).await;

            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("my.cnf");
            let escaped = password.replace('\\', "\\\\").replace('"', "\\\"");
            let text = format!(
                "[client]\nhost={host}\nport={port}\n[mysqldump]\nuser={user}\npassword=\"{escaped}\"\n\
                 ssl_mode = VERIFY_IDENTITY # strict\nssl-ca={}\n",
                tls_file("ca.pem").display()
            );
            std::fs::write(&file, text).unwrap();
            let options = ConnectOptions::from_option_file(&file).unwrap();
            assert!(check(&options).await.cipher.is_some());
        })
        .await;
    }

    /// A context that has ended stops the work, and says which end it was.
    async fn a_context_that_has_ended(server: TestServer) {
        let context = Context::new();
        context.cancel();
        let error = options_of(&server).check_connection(&context).await.unwrap_err();
        assert_error(&error, ErrorKind::Cancelled, None, "cancelled");
        let context = Context::new().with_timeout(std::time::Duration::ZERO);
        let error = options_of(&server).check_connection(&context).await.unwrap_err();
        assert_error(&error, ErrorKind::TimedOut, None, "out of time");
    }
}

/// A port where nobody listens.
#[tokio::test]
async fn a_refused_port() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("mysql://root:pw-refused@127.0.0.1:{port}");
    let error = failure(&ConnectOptions::from_url(&url).unwrap()).await;
    assert_error(&error, ErrorKind::Connect, None, "could not connect to 127.0.0.1:");
    assert!(error.is_retryable());
}

//! TLS modes against a server with every kind of certificate.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::context::Context;
use crate::error::ErrorKind;
use crate::server::ConnectOptions;
use crate::server::fake::{Answer, Fake, Seen};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Issuer {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::ExplicitNoCa;
    params
}

/// A certificate for these names, as its PEM and its key's.
fn issue(params: &CertificateParams, issuer: &Issuer) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

struct World {
    directory: tempfile::TempDir,
    authority: Issuer,
}

impl World {
    fn new() -> Self {
        use_ring();
        let world = Self { directory: tempfile::tempdir().unwrap(), authority: authority("right") };
        world.file("ca.pem", &world.authority.pem());
        world.file("other-ca.pem", &authority("other").pem());
        world
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn server(&self, params: &CertificateParams) -> (ConnectOptions, Seen) {
        self.server_of(params, false).await
    }

    async fn server_of(
        &self,
        params: &CertificateParams,
        asks_for_certificate: bool,
    ) -> (ConnectOptions, Seen) {
        let (certificate, key) = issue(params, &self.authority);
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = if asks_for_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            ServerConfig::builder().with_client_cert_verifier(verifier.unwrap())
        } else {
            ServerConfig::builder().with_no_client_auth()
        };
        let fake = Fake {
            tls: Some(Arc::new(config.with_single_cert(chain, key).unwrap())),
            ..Fake::default()
        };
        fake.start().await
    }
}

fn use_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether the login was reached over TLS, by connection; and the error.
async fn connect(options: ConnectOptions, seen: &Seen) -> (Vec<(bool, bool)>, Option<Error>) {
    let error = match options.connect(&Context::new()).await {
        Ok(conn) => {
            conn.disconnect().await.unwrap();
            None
        }
        Err(error) => Some(error),
    };
    let visits = seen.visits();
    let visits = visits.iter().map(|v| (v.is_encrypted, v.has_logged_in));
    (visits.collect(), error)
}

const LOGIN: (bool, bool) = (true, true);

#[tokio::test]
async fn without_a_mode_that_verifies_any_certificate_will_do() {
    let world = World::new();
    let (options, seen) = world.server(&params(&["elsewhere.example"])).await;
    let other =
        options.clone().with_ssl_ca(world.path("other-ca.pem")).with_tls_mode(TlsMode::Required);
    let preferred = options.clone();
    let disabled = options.with_tls_mode(TlsMode::Disabled);
    assert_eq!(connect(preferred, &seen).await.0, [LOGIN]);
    assert_eq!(connect(other, &seen).await.0, [LOGIN, LOGIN]);
    let (visits, error) = connect(disabled, &seen).await;
    assert_eq!(visits, [LOGIN, LOGIN, (false, true)]);
    assert!(error.is_none());
}

#[tokio::test]
async fn verify_ca_takes_any_host_name_of_the_right_authority() {
    let world = World::new();
    for names in [&["elsewhere.example"][..], &["10.9.8.7"], &[]] {
        for host in ["localhost", "127.0.0.1"] {
            let (options, seen) = world.server(&params(names)).await;
            let options = options.with_host(host).with_ssl_ca(world.path("ca.pem"));
            assert_eq!(options.tls_mode(), TlsMode::VerifyCa);
            let (visits, error) = connect(options.clone(), &seen).await;
            assert!(error.is_none(), "{names:?} {host} {error:?}");
            // The attempt with the name, which did not come to the login, and the one without.
            assert_eq!(visits.last(), Some(&LOGIN));
            assert_eq!(visits.iter().filter(|visit| visit.1).count(), 1);

            let options = options.with_tls_mode(TlsMode::VerifyIdentity);
            let error = connect(options, &seen).await.1.unwrap();
            assert_eq!(error.kind(), ErrorKind::Connect);
            let words = format!("is for another host than `{host}` (ssl-mode verify-identity)");
            assert!(error.to_string().ends_with(&words), "{error}");
            assert_eq!(seen.visits().iter().filter(|v| v.has_logged_in).count(), 1);
        }
    }
}

#[tokio::test]
async fn verify_identity_takes_the_host_it_connects_to() {
    let world = World::new();
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        let (options, seen) = world.server(&params(&["localhost", "127.0.0.1"])).await;
        let options = options.with_ssl_ca(world.path("ca.pem")).with_tls_mode(mode);
        assert_eq!(connect(options.clone(), &seen).await.0, [LOGIN]);
        let by_name = options.with_host("localhost");
        assert_eq!(connect(by_name, &seen).await.0, [LOGIN, LOGIN]);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_never_sees_a_login() {
    let world = World::new();
    let right_name = params(&["localhost", "127.0.0.1"]);
    for (params, mode) in [
        (&right_name, TlsMode::VerifyCa),
        (&right_name, TlsMode::VerifyIdentity),
        (&params(&["elsewhere.example"]), TlsMode::VerifyCa),
        // Names that look like the error of the host name check.
        (&params(&["NotValidForName"]), TlsMode::VerifyCa),
    ] {
        let (options, seen) = world.server(params).await;
        let options = options.with_ssl_ca(world.path("other-ca.pem")).with_tls_mode(mode);
        let (visits, error) = connect(options.clone(), &seen).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Connect);
        let text = error.to_string();
        assert!(text.contains("does not come from the CA in `"), "{text}");
        assert!(text.contains("other-ca.pem"), "{text}");
        assert!(visits.iter().all(|visit| !visit.1), "{visits:?}");
    }
    // Nor one that has the name of the right one.
    let (options, seen) = world.server(&right_name).await;
    let impostor = world.file("impostor.pem", &authority("right").pem());
    let (visits, error) = connect(options.with_ssl_ca(impostor), &seen).await;
    let text = error.unwrap().to_string();
    assert!(text.contains("does not come from the CA in `"), "{text}");
    assert!(visits.iter().all(|visit| !visit.1), "{visits:?}");
    // Without a CA file: none of the public ones either.
    let (options, seen) = world.server(&right_name).await;
    let options = options.with_tls_mode(TlsMode::VerifyIdentity);
    let (visits, error) = connect(options, &seen).await;
    let text = error.unwrap().to_string();
    assert!(text.contains("does not come from a public CA"), "{text}");
    assert!(visits.iter().all(|visit| !visit.1), "{visits:?}");
}

#[tokio::test]
async fn the_authority_is_verified_when_the_name_is_not() {
    // Straight to the second attempt of verify-ca, with a certificate for its very name.
    let world = World::new();
    for name in ["elsewhere.example", "notvalidforname"] {
        let (options, seen) = world.server(&params(&[name])).await;
        let options = options.with_ssl_ca(world.path("other-ca.pem"));
        let error = options.attempt_any_name().await.unwrap().unwrap_err();
        assert!(!is_name_mismatch(&error), "{error}");
        assert!(seen.visits().iter().all(|visit| !visit.has_logged_in));
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let world = World::new();
    let mut old = params(&["127.0.0.1"]);
    old.not_before = date_time_ymd(2001, 1, 1);
    old.not_after = date_time_ymd(2002, 1, 1);
    let (options, seen) = world.server(&old).await;
    let options = options.with_ssl_ca(world.path("ca.pem"));
    let (visits, error) = connect(options, &seen).await;
    let error = error.unwrap();
    assert!(error.to_string().contains("has expired"), "{error}");
    assert!(visits.iter().all(|visit| !visit.1), "{visits:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_by_every_mode_that_asks_for_it() {
    for mode in [TlsMode::Required, TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        let (options, seen) = Fake::default().start().await;
        let (visits, error) = connect(options.with_tls_mode(mode), &seen).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Connect);
        let words = format!("offers no TLS, which ssl-mode {mode} asks for");
        assert!(error.to_string().ends_with(&words), "{error}");
        assert_eq!(visits, [(false, false)]);
    }
}

#[tokio::test]
async fn a_failed_handshake_is_not_tried_again_in_clear_text() {
    // A server that wants a client certificate, and there is none.
    let world = World::new();
    let (options, seen) = world.server_of(&params(&["127.0.0.1"]), true).await;
    assert_eq!(options.tls_mode(), TlsMode::Preferred);
    let (visits, error) = connect(options, &seen).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    let text = error.to_string();
    assert!(text.contains("refused the client certificate"), "{text}");
    assert!(visits.iter().all(|visit| !visit.1), "{visits:?}");
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let world = World::new();
    let mut client = params(&[]);
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (certificate, key) = issue(&client, &world.authority);
    let cert_file = world.file("cert.pem", &certificate);
    let key_file = world.file("key.pem", &key);
    let both = world.file("both.pem", &format!("{certificate}{key}"));
    let (options, seen) = world.server_of(&params(&["127.0.0.1"]), true).await;
    let with_both = options.clone().with_ssl_cert(both.clone());
    let with_key = options.clone().with_ssl_key(both);
    let options = options.with_ssl_cert(cert_file).with_ssl_key(key_file);
    for options in [options.clone(), with_both, with_key] {
        let (visits, error) = connect(options, &seen).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(visits.last(), Some(&LOGIN));
    }

    let stranger = issue(&client, &authority("other"));
    let (_, other_key) = issue(&client, &world.authority);
    let broken = options.clone().with_ssl_key(world.file("other.pem", &other_key));
    let error = connect(broken, &seen).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("do not belong together"), "{error}");

    // Of the right authority by name, but not by signature.
    let impostor = issue(&client, &authority("right"));
    let impostor = options
        .clone()
        .with_ssl_cert(world.file("i.pem", &impostor.0))
        .with_ssl_key(world.file("ik.pem", &impostor.1));
    let error = connect(impostor, &seen).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);

    let stranger = options
        .with_ssl_cert(world.file("s.pem", &stranger.0))
        .with_ssl_key(world.file("sk.pem", &stranger.1));
    let error = connect(stranger, &seen).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Connect);
    let text = error.to_string();
    assert!(text.contains("refused the client certificate"), "{text}");
}

#[tokio::test]
async fn files_that_hold_something_else_are_named() {
    let world = World::new();
    let (options, seen) = world.server(&params(&["127.0.0.1"])).await;
    let text = world.file("text", "nothing\n");
    let (certificate, key) = issue(&params(&[]), &world.authority);
    let cert = world.file("cert.pem", &certificate);
    let key = world.file("key.pem", &key);
    let locked = world.file(
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let missing = world.path("missing.pem");
    for (options, words, file) in [
        (options.clone().with_ssl_ca(&missing), "could not read the CA certificate", &missing),
        (options.clone().with_ssl_ca(&text), "no usable certificate", &text),
        (options.clone().with_ssl_ca(&key), "no usable certificate", &key),
        (
            options.clone().with_ssl_cert(&missing),
            "could not read the client certificate",
            &missing,
        ),
        (options.clone().with_ssl_cert(&text), "no client certificate", &text),
        (options.clone().with_ssl_cert(&cert), "no client key", &cert),
        (options.clone().with_ssl_cert(&cert).with_ssl_key(&locked), "a passphrase", &locked),
    ] {
        let error = connect(options, &seen).await.1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(words), "{error}");
        let named = error.location().file.clone();
        assert_eq!(named, Some(file.display().to_string()));
    }
    assert!(seen.visits().is_empty());
}

#[tokio::test]
async fn an_error_answer_comes_through_tls() {
    let world = World::new();
    let (certificate, key) = issue(&params(&["127.0.0.1"]), &world.authority);
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let fake =
        Fake { answer: Answer::Error(1045, "no"), tls: Some(Arc::new(config)), ..Fake::default() };
    let (options, seen) = fake.start().await;
    let (visits, error) = connect(options, &seen).await;
    assert_eq!(visits, [LOGIN]);
    assert_eq!(error.unwrap().kind(), ErrorKind::Auth);
}

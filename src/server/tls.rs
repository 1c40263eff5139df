//! How the connection is encrypted, and what is checked of the server's certificate.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How much protection the connection must have, by the manual's words for `ssl-mode`.
///
/// Ordered from the weakest to the strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsMode {
    /// Never encrypt.
    Disabled,
    /// Encrypt if the server offers TLS, else go on in clear text; nothing is verified.
    ///
    /// The server's answer is what decides, so this keeps out listeners, not somebody who can
    /// change what passes. As with the stock clients, only a server without TLS makes the
    /// connection go on in clear text: a TLS handshake that fails is an error.
    #[default]
    Preferred,
    /// Encrypt or fail; the certificate is not verified.
    Required,
    /// Encrypt, and verify that the certificate comes from a trusted authority, whatever host it
    /// names.
    VerifyCa,
    /// As [`VerifyCa`](Self::VerifyCa), and verify that the certificate names the host connected
    /// to.
    ///
    /// Only a `subjectAltName` counts, as in browsers. The certificates that servers make for
    /// themselves have none, so they need [`VerifyCa`](Self::VerifyCa) with their own CA.
    VerifyIdentity,
}

impl TlsMode {
    /// Every mode, from the weakest to the strongest.
    pub const ALL: [Self; 5] =
        [Self::Disabled, Self::Preferred, Self::Required, Self::VerifyCa, Self::VerifyIdentity];

    /// The value of `ssl-mode` in URLs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Preferred => "preferred",
            Self::Required => "required",
            Self::VerifyCa => "verify-ca",
            Self::VerifyIdentity => "verify-identity",
        }
    }

    /// Whether a connection in clear text is refused.
    pub(crate) fn is_required(self) -> bool {
        self >= Self::Required
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for TlsMode {
    type Err = Error;

    /// Takes the words of URLs and of option files: `verify-ca` and `VERIFY_CA`.
    fn from_str(text: &str) -> Result<Self> {
        let word = text.to_ascii_lowercase().replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|mode| mode.word() == word)
            .ok_or_else(|| Error::config(format!("ssl-mode must be one of {TLS_MODE_WORDS}")))
    }
}

pub(super) const TLS_MODE_WORDS: &str = "disabled, preferred, required, verify-ca, verify-identity";

/// How one attempt to connect is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    Off,
    /// TLS without any check of the certificate.
    Unverified,
    /// TLS with a certificate from a trusted authority for any host.
    #[cfg_attr(
        not(feature = "tls"),
        expect(dead_code, reason = "used with the feature `tls` only")
    )]
    AnyName,
    /// TLS with a certificate from a trusted authority for this host.
    SameName,
}

impl Encryption {
    /// What a connection in this mode begins with.
    pub(super) fn first(mode: TlsMode) -> Self {
        match mode {
            TlsMode::Disabled => Self::Off,
            TlsMode::Preferred if cfg!(not(feature = "tls")) => Self::Off,
            TlsMode::Preferred | TlsMode::Required => Self::Unverified,
            TlsMode::VerifyCa | TlsMode::VerifyIdentity => Self::SameName,
        }
    }
}

#[cfg(feature = "tls")]
pub(super) use with::{TlsFiles, failure, is_name_mismatch, ssl_opts};
#[cfg(not(feature = "tls"))]
pub(super) use without::TlsFiles;

#[cfg(not(feature = "tls"))]
mod without {
    use crate::error::Result;
    use crate::server::ConnectOptions;

    /// The certificates that a connection needs: none without TLS.
    pub(in crate::server) struct TlsFiles;

    impl TlsFiles {
        pub(in crate::server) fn none() -> Self {
            Self
        }

        #[expect(clippy::unused_async, reason = "the same call as with the feature `tls`")]
        pub(in crate::server) async fn read(_options: &ConnectOptions) -> Result<Self> {
            Ok(Self)
        }
    }
}

#[cfg(feature = "tls")]
mod with {
    use std::path::Path;

    use mysql_async::{ClientIdentity, IoError, SslOpts};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{AlertDescription, CertificateError};

    use super::Encryption;
    use crate::error::{Error, ErrorKind, Result};
    use crate::server::ConnectOptions;

    /// The host name of an attempt that takes a certificate for any host.
    ///
    /// The driver skips the host name check by looking for this text in the error of the check.
    /// rustls no longer writes it there by itself, but it does quote the host name, and the driver
    /// lets one choose that name. The check of the name comes last, so everything else about the
    /// certificate has been verified by then.
    const ANY_NAME: &str = "NotValidForName";

    /// The certificates and the key that a connection needs, read and checked before connecting,
    /// so that an error names the file.
    pub(in crate::server) struct TlsFiles {
        ca: Option<Vec<u8>>,
        identity: Option<(Vec<u8>, Vec<u8>)>,
    }

    impl TlsFiles {
        pub(in crate::server) fn none() -> Self {
            Self { ca: None, identity: None }
        }

        pub(in crate::server) async fn read(options: &ConnectOptions) -> Result<Self> {
            let ca = match options.ssl_ca() {
                Some(path) => Some(read_ca(path).await?),
                None => None,
            };
            // As with the stock clients, one file can hold both.
            let cert = options.ssl_cert().or(options.ssl_key());
            let key = options.ssl_key().or(options.ssl_cert());
            let identity = match (cert, key) {
                (Some(cert), Some(key)) => Some((read_cert(cert).await?, read_key(key).await?)),
                _ => None,
            };
            Ok(Self { ca, identity })
        }
    }

    async fn read(path: &Path, what: &str) -> Result<Vec<u8>> {
        tokio::fs::read(path).await.map_err(|cause| {
            Error::config(format!("could not read the {what}"))
                .with_source(cause)
                .at(|place| place.file = Some(path.display().to_string()))
        })
    }

    fn unusable(path: &Path, message: &str) -> Error {
        Error::config(message).at(|place| place.file = Some(path.display().to_string()))
    }

    async fn read_ca(path: &Path) -> Result<Vec<u8>> {
        let bytes = read(path, "CA certificate").await?;
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            found.push(certificate.map_err(|_| unusable(path, "the CA file is damaged"))?);
        }
        if found.is_empty() {
            found.push(CertificateDer::from(bytes.as_slice()));
        }
        let mut roots = rustls::RootCertStore::empty();
        for certificate in found {
            roots
                .add(certificate)
                .map_err(|_| unusable(path, "the CA file holds no usable certificate"))?;
        }
        Ok(bytes)
    }

    async fn read_cert(path: &Path) -> Result<Vec<u8>> {
        let bytes = read(path, "client certificate").await?;
        let is_pem = std::str::from_utf8(&bytes).is_ok();
        if is_pem && CertificateDer::from_pem_slice(&bytes).is_err() {
            return Err(unusable(path, "the file holds no client certificate"));
        }
        Ok(bytes)
    }

    async fn read_key(path: &Path) -> Result<Vec<u8>> {
        let bytes = read(path, "client key").await?;
        let is_pem = std::str::from_utf8(&bytes).is_ok();
        if is_pem && PrivateKeyDer::from_pem_slice(&bytes).is_err() {
            let text = String::from_utf8_lossy(&bytes);
            let message = if text.contains("ENCRYPTED") {
                "client keys with a passphrase are not supported"
            } else {
                "the file holds no client key"
            };
            return Err(unusable(path, message));
        }
        Ok(bytes)
    }

    /// The driver's options for one attempt.
    pub(in crate::server) fn ssl_opts(encryption: Encryption, files: &TlsFiles) -> Option<SslOpts> {
        if encryption == Encryption::Off {
            return None;
        }
        use_ring_unless_chosen();
        let verified = encryption != Encryption::Unverified;
        let roots: Vec<_> = files.ca.iter().map(|ca| ca.clone().into()).collect();
        let identity = files
            .identity
            .as_ref()
            .map(|(cert, key)| ClientIdentity::new(cert.clone().into(), key.clone().into()));
        let any_name = encryption == Encryption::AnyName;
        Some(
            SslOpts::default()
                // A CA that is given is the only one trusted.
                .with_disable_built_in_roots(files.ca.is_some())
                .with_root_certs(roots)
                .with_client_identity(identity)
                .with_danger_accept_invalid_certs(!verified)
                .with_danger_skip_domain_validation(any_name)
                .with_danger_tls_hostname_override(any_name.then_some(ANY_NAME)),
        )
    }

    /// The driver takes the process's crypto provider, and rustls panics if there is none and two
    /// are linked. So name one, unless the application has.
    fn use_ring_unless_chosen() {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // It fails when another thread was quicker, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
    }

    /// The TLS library's error in a driver error, if it is one.
    fn tls_cause(error: &mysql_async::Error) -> Option<&rustls::Error> {
        match error {
            mysql_async::Error::Io(IoError::Tls(mysql_async::TlsError::Tls(cause))) => Some(cause),
            mysql_async::Error::Io(IoError::Io(cause)) => cause.get_ref()?.downcast_ref(),
            _ => None,
        }
    }

    /// Whether everything about the certificate is right but the host it names.
    pub(in crate::server) fn is_name_mismatch(error: &mysql_async::Error) -> bool {
        matches!(
            tls_cause(error),
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            ))
        )
    }

    /// Our error, if TLS is what failed.
    pub(in crate::server) fn failure(
        error: &mysql_async::Error,
        options: &ConnectOptions,
    ) -> Option<Error> {
        let mode = options.tls_mode();
        let place = options.place();
        let (kind, message) = match error {
            mysql_async::Error::Io(IoError::Tls(mysql_async::TlsError::InvalidDnsName(_))) => (
                ErrorKind::Config,
                format!("`{}` is not a host name that TLS can use", options.host()),
            ),
            _ => match tls_cause(error)? {
                rustls::Error::InvalidCertificate(problem) => {
                    (ErrorKind::Connect, certificate_message(problem, options, &place))
                }
                rustls::Error::AlertReceived(
                    AlertDescription::CertificateRequired
                    | AlertDescription::BadCertificate
                    | AlertDescription::UnsupportedCertificate
                    | AlertDescription::CertificateRevoked
                    | AlertDescription::CertificateExpired
                    | AlertDescription::CertificateUnknown
                    | AlertDescription::UnknownCA,
                ) => (
                    ErrorKind::Connect,
                    format!("the server at {place} refused the client certificate"),
                ),
                rustls::Error::InconsistentKeys(_) => (
                    ErrorKind::Config,
                    "the client certificate and the client key do not belong together".into(),
                ),
                _ => (
                    ErrorKind::Connect,
                    format!("the TLS handshake with {place} failed (ssl-mode {mode})"),
                ),
            },
        };
        let source = match tls_cause(error) {
            Some(cause) => cause.to_string(),
            None => error.to_string(),
        };
        Some(Error::new(kind, message).with_source(TlsFailure(source)))
    }

    fn certificate_message(
        problem: &CertificateError,
        options: &ConnectOptions,
        place: &str,
    ) -> String {
        let wrong = match problem {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("is for another host than `{}`", options.host())
            }
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::InvalidPurpose
            | CertificateError::InvalidPurposeContext { .. } => match options.ssl_ca() {
                Some(ca) => format!("does not come from the CA in `{}`", ca.display()),
                None => "does not come from a public CA; give its CA by ssl-ca".into(),
            },
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "has expired".into()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "is not valid yet".into()
            }
            _ => "cannot be verified".into(),
        };
        let mode = options.tls_mode();
        format!("the certificate of {place} {wrong} (ssl-mode {mode})")
    }

    /// The TLS library's text, without its types.
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct TlsFailure(String);
}

#[cfg(test)]
#[cfg(feature = "tls")]
mod handshake_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_words_of_url_and_option_file_are_one_mode() {
        for mode in TlsMode::ALL {
            assert_eq!(mode.word().parse::<TlsMode>().unwrap(), mode);
            let manual = mode.word().replace('-', "_").to_uppercase();
            assert_eq!(manual.parse::<TlsMode>().unwrap(), mode);
            assert!(TLS_MODE_WORDS.split(", ").any(|word| word == mode.word()));
        }
        let error = "none".parse::<TlsMode>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    #[test]
    fn modes_are_ordered_by_strength() {
        assert!(TlsMode::ALL.is_sorted());
        assert!(TlsMode::Required.is_required());
        assert!(!TlsMode::Preferred.is_required());
    }
}

//! Connection URLs: `mysql://user:password@host:port/database?key=value`.
//!
//! No error here quotes what it read: any part of a malformed URL can be the password.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str};
use url::Url;

use crate::error::{Error, Result};

use super::options::{ConnectOptions, KEYS};

/// What is percent-encoded in the parts of a URL that is printed.
pub(super) const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for a path in a value, where a slash means nothing else.
pub(super) const ESCAPED_IN_PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// Sets what the URL names.
pub(super) fn apply(mut options: ConnectOptions, url: &str) -> Result<ConnectOptions> {
    // The URL library drops some of these silently, which would change a password.
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(malformed("it has a blank or a control character in it"));
    }
    let (authority, path, query) = split(url)?;
    // A user without a host is no URL to the library, but means the default host, or a socket.
    let no_host = authority.is_empty() || authority.ends_with('@');
    let placeholder = if no_host { "localhost" } else { "" };
    let url = Url::parse(&format!("mysql://{authority}{placeholder}"))
        .map_err(|error| malformed(&error.to_string()))?;

    if !url.username().is_empty() {
        options = options.with_user(decode(url.username(), "user name")?);
    }
    if let Some(password) = url.password() {
        options = options.with_password(decode(password, "password")?);
    }
    let host = url.host_str().filter(|_| !no_host);
    if let Some(host) = host {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !(host.starts_with('[') || host.chars().all(is_plain)) {
            return Err(malformed("the host is neither a name in ASCII nor an IP address"));
        }
        options = options.with_host(host);
    }
    if let Some(port) = url.port() {
        if port == 0 {
            return Err(malformed("the port is 0"));
        }
        options = options.with_port(port);
    }
    let database = decode(path, "database")?;
    if !database.is_empty() {
        options = options.with_database(database);
    }

    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name, "name of a key")?.replace('_', "-");
        let Some(key) = KEYS.iter().find(|key| key.in_url && key.name == name) else {
            return Err(Error::config(format!(
                "unknown key `{name}` in the connection URL; the keys are {}",
                url_keys()
            )));
        };
        if seen.contains(&key.name) {
            return Err(malformed(&format!("the key `{name}` is in it twice")));
        }
        seen.push(key.name);
        if key.name == "socket" && host.is_some_and(|host| host != "localhost") {
            return Err(malformed("it names both a host and a socket"));
        }
        let value = decode(value, &format!("value of `{name}`"))?;
        (key.set)(&mut options, &value)
            .ok_or_else(|| malformed(&format!("`{name}` must be {}", key.values)))?;
    }
    Ok(options)
}

/// The authority (user, password, host and port), the path without its slash, and the query.
fn split(url: &str) -> Result<(&str, &str, &str)> {
    let rest = ["mysql://", "mariadb://"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme))
        .ok_or_else(|| malformed("it does not begin with mysql:// or mariadb://"))?;
    let start = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(start);
    // With one of `/?#` in a user name or password the URL ends earlier than was meant, and parts
    // of the password would be taken for the database or for a key.
    if rest.contains(['@', '#']) {
        return Err(malformed("the characters / ? # @ in its parts must be percent-encoded"));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.contains('/') {
        return Err(malformed("it has more than a database in its path"));
    }
    Ok((authority, path, query))
}

fn decode(text: &str, what: &str) -> Result<String> {
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| malformed(&format!("the {what} is not UTF-8")))
}

fn malformed(why: &str) -> Error {
    Error::config(format!("cannot use the connection URL: {why}"))
}

fn url_keys() -> String {
    let names: Vec<&str> = KEYS.iter().filter(|key| key.in_url).map(|key| key.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::path::Path;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;
    use crate::server::TlsMode;

    fn parse(url: &str) -> ConnectOptions {
        ConnectOptions::from_url(url).unwrap()
    }

    fn refusal(url: &str) -> String {
        let error = ConnectOptions::from_url(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        error.chain()
    }

    fn password(options: &ConnectOptions) -> Option<&str> {
        options.password().map(crate::server::Password::expose)
    }

    #[test]
    fn every_part_of_a_url() {
        let options = parse(
            "mysql://us%40er:p%2Fw%3A%C3%A9+@db.example:3307/sh%20op?ssl-mode=VERIFY_CA\
             &ssl_ca=/etc/c+a.pem&ssl-cert=%2Fc.pem&ssl-key=k.pem&connect-timeout=3&read-timeout=4\
             &prefer-socket=1",
        );
        assert_eq!(options.user(), Some("us@er"));
        assert_eq!(password(&options), Some("p/w:é+"));
        assert_eq!(options.host(), "db.example");
        assert_eq!(options.port(), 3307);
        assert_eq!(options.database(), Some("sh op"));
        assert_eq!(options.tls_mode(), TlsMode::VerifyCa);
        assert_eq!(options.ssl_ca(), Some(Path::new("/etc/c+a.pem")));
        assert_eq!(options.ssl_cert(), Some(Path::new("/c.pem")));
        assert_eq!(options.ssl_key(), Some(Path::new("k.pem")));
        assert_eq!(options.connect_timeout(), Duration::from_secs(3));
        assert_eq!(options.read_timeout(), Duration::from_secs(4));
        assert!(options.prefer_socket());
    }

    #[test]
    fn parts_may_be_missing() {
        let options = parse("mysql://");
        assert_eq!(options.place(), "localhost:3306");
        assert_eq!((options.user(), options.database()), (None, None));
        assert_eq!(parse("mariadb://a@h/").database(), None);
        assert_eq!(parse("mysql://a@h?ssl-mode=disabled").host(), "h");
        assert_eq!(parse("mysql://a@[::1]:3307/b").place(), "[::1]:3307");
        assert_eq!(parse("mysql://a@h/..").database(), Some(".."));
        assert_eq!(password(&parse("mysql://a:p@w@h")), Some("p@w"));
        assert_eq!(parse("mysql://a:b@").host(), "localhost");
        let options = parse("mysql://a@/b?socket=/run/my%20sql.sock");
        assert_eq!(options.socket(), Some(Path::new("/run/my sql.sock")));
        assert!(parse("mysql://a@localhost?socket=/s").socket().is_some());
    }

    #[test]
    fn a_url_stands_on_what_was_said_before() {
        let options = ConnectOptions::new()
            .with_user("me")
            .with_password("pw")
            .with_socket("/run/s")
            .with_port(3307)
            .with_url("mysql://db.example/shop")
            .unwrap();
        assert_eq!(options.to_string(), "mysql://me@db.example:3307/shop");
        assert_eq!(password(&options), Some("pw"));
    }

    #[test]
    fn unknown_keys_and_bad_values_are_named() {
        assert_eq!(
            refusal("mysql://a@h/b?ssl-made=required"),
            "unknown key `ssl-made` in the connection URL; the keys are socket, ssl-mode, ssl-ca, \
             ssl-cert, ssl-key, connect-timeout, read-timeout, prefer-socket"
        );
        assert_eq!(
            refusal("mysql://a@h/b?ssl-mode=on"),
            "cannot use the connection URL: `ssl-mode` must be disabled, preferred, required, \
             verify-ca, verify-identity"
        );
        for url in [
            "mysql://h?password=x",
            "mysql://h?connect-timeout=0",
            "mysql://h?connect-timeout=",
            "mysql://h?prefer-socket=maybe",
            "mysql://h?ssl-ca=",
            "mysql://h?ssl-ca=a&ssl_ca=b",
            "mysql://h?socket=/s",
            "mysql://h:0",
            "mysql://h:99999",
            "mysql://h/a/b",
            "mysql://h/a%ff",
            "mysql://h%20x/a",
            "mysql://ex\u{e4}mple/a",
            "mysql://[::1/a",
            "mysql:h/a",
            "postgres://h/a",
            "h/a",
            "",
        ] {
            refusal(url);
        }
    }

    #[test]
    fn a_password_that_splits_the_url_is_not_shown() {
        for url in [
            "mysql://root:12/secret@h/db",
            "mysql://root:12?secret@h/db",
            "mysql://root:12#secret@h/db",
            "mysql://root:secret/x@h/db",
            "mysql://root:secret@h:port/db",
            "mysql://root:secret@h/db?x=y",
            "mysql://root:secret@h /db",
            "root:secret@h/db",
            "secret://root@h/db",
            "mysql:root:secret@h/db",
        ] {
            let text = refusal(url);
            assert!(!text.contains("secret"), "{text}");
        }
    }

    /// Any text, with the characters that matter in URLs more often than by chance.
    fn text() -> impl Strategy<Value = String> {
        proptest::string::string_regex("([a-z@:/?#%&=+ \\\\\\[\\]\"'\t]|\\PC){1,12}").unwrap()
    }

    fn host() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z][a-z0-9_-]{0,8}(\\.[a-z][a-z0-9-]{0,5}){0,2}",
            any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
            any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            host in host(), port in 1_u16.., user in text(), database in text(),
            socket in proptest::option::of(text()),
        ) {
            let mut options = ConnectOptions::new()
                .with_user(&user).with_database(&database).with_password("pw");
            options = match socket {
                Some(socket) => options.with_socket(socket),
                None => options.with_host(host).with_port(port),
            };
            let read = parse(&options.to_string());
            prop_assert_eq!(read.user(), Some(user.as_str()));
            prop_assert_eq!(read.database(), Some(database.as_str()));
            prop_assert_eq!(read.socket(), options.socket());
            // An IPv6 address has more than one spelling.
            let address = |options: &ConnectOptions| {
                options.host().parse::<IpAddr>().map_err(|_| options.host().to_owned())
            };
            prop_assert_eq!(address(&read), address(&options));
            prop_assert_eq!(read.port(), options.port());
            prop_assert_eq!(password(&read), None);
        }

        #[test]
        fn a_password_survives_its_encoding_and_is_never_shown(
            user in text(), middle in text(), host in host(),
        ) {
            let secret = format!("x{middle}KNOWN-SECRET{middle}");
            let encoded = percent_encoding::utf8_percent_encode(&secret, NON_ALPHANUMERIC);
            let user = percent_encoding::utf8_percent_encode(&user, NON_ALPHANUMERIC);
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let options = parse(&format!("mysql://{user}:{encoded}@{host}/db"));
            prop_assert_eq!(password(&options), Some(secret.as_str()));
            for text in [options.to_string(), format!("{options:?}"), format!("{options:#?}")] {
                prop_assert!(!text.contains("KNOWN-SECRET"), "{}", text);
            }
        }

        #[test]
        fn no_error_shows_a_password(
            before in text(), after in text(), tail in text(), scheme in "(mysql|mariadb|x)(:|:/|://)",
        ) {
            // Not encoded, so that anything can happen to it.
            let url = format!("{scheme}root:{before}KNOWNSECRET{after}@host/{tail}");
            match ConnectOptions::from_url(&url) {
                Ok(options) => {
                    let text = format!("{options:?} {options}");
                    prop_assert!(!text.contains("KNOWNSECRET"), "{}", text);
                }
                Err(error) => {
                    let text = format!("{error} {error:?} {}", error.chain());
                    prop_assert!(!text.contains("KNOWNSECRET"), "{}", text);
                }
            }
        }
    }
}

//! Option files of the stock clients, such as `~/.my.cnf`.
//!
//! [`Reader`] takes a file apart as the clients do (groups, comments, quotes, escapes, includes);
//! [`apply`] gives the options meaning.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::options::{ConnectOptions, KEYS, Key, boolean};
use super::tls::TlsMode;

/// How deep files may include each other: the stock clients' limit.
const MAX_DEPTH: usize = 10;
/// An option file is a page or two; this only keeps a wrong path from filling the memory.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Options that narrow whom the stock clients trust. Without support for them the connection would
/// be less safe than the file says.
const UNSUPPORTED: [&str; 5] = ["ssl-capath", "ssl-crl", "ssl-crlpath", "ssl-fp", "ssl-fplist"];

/// Sets what the groups of the file name.
pub(super) fn apply(
    mut options: ConnectOptions,
    path: &Path,
    groups: &[&str],
) -> Result<ConnectOptions> {
    let mut reader = Reader { groups, settings: Vec::new() };
    reader.read(path, 0)?;

    let mut host = None;
    let mut socket = None;
    let mut is_tcp = false;
    let mut tls = TlsFlags::default();
    for setting in reader.settings {
        match setting.name.as_str() {
            "host" => host = Some(setting),
            "socket" => socket = Some(setting),
            "protocol" => is_tcp = setting.text()?.eq_ignore_ascii_case("tcp"),
            // To the stock clients a 0 is their default, and theirs is also ours.
            "port" | "connect-timeout" if setting.text()? == "0" => {}
            name if UNSUPPORTED.contains(&name) => {
                if !setting.text()?.is_empty() {
                    return Err(setting.refused(&format!(
                        "the option `{name}` is not supported; name the trusted CA by `ssl-ca`"
                    )));
                }
            }
            name => {
                if let Some(key) = KEYS.iter().find(|key| key.name == name) {
                    if name == "ssl-mode" {
                        tls = TlsFlags::default();
                    }
                    setting.set(key, &mut options)?;
                } else {
                    tls.note(&setting)?;
                }
            }
        }
    }
    tls.apply(&mut options);

    // As with the stock clients, a socket counts only for `localhost`: the socket of a file that
    // all programs share must not turn a connection to another host into one to this machine.
    if let Some(host) = host {
        host.set_named("host", &mut options)?;
    }
    let is_local = !options.has_host() || options.host() == "localhost";
    if let Some(socket) = socket
        && is_local
        && !is_tcp
    {
        socket.set_named("socket", &mut options)?;
    }
    Ok(options)
}

/// The switches of `MariaDB` (and of `MySQL` before 8.0) for what `ssl-mode` says in one word.
#[derive(Default)]
struct TlsFlags {
    ssl: Option<bool>,
    verify: Option<bool>,
}

impl TlsFlags {
    fn note(&mut self, setting: &Setting) -> Result<()> {
        let (is_on, name) = match setting.name.as_str() {
            name if name.starts_with("enable-") => (true, name.trim_start_matches("enable-")),
            name if name.starts_with("disable-") => (false, name.trim_start_matches("disable-")),
            name if name.starts_with("skip-") => (false, name.trim_start_matches("skip-")),
            name => (true, name),
        };
        let flag = match name {
            "ssl" => &mut self.ssl,
            "ssl-verify-server-cert" => &mut self.verify,
            _ => return Ok(()),
        };
        let value = match &setting.value {
            None => true,
            Some(_) => boolean(&setting.text()?)
                .ok_or_else(|| setting.refused(&format!("`{name}` must be true, false")))?,
        };
        *flag = Some(value == is_on);
        Ok(())
    }

    fn apply(self, options: &mut ConnectOptions) {
        let mode = match (self.ssl, self.verify) {
            (_, Some(true)) => TlsMode::VerifyIdentity,
            (Some(false), _) => TlsMode::Disabled,
            (Some(true), Some(false)) => TlsMode::Required,
            // It asks for TLS, and takes back nothing of what is asked for already.
            (Some(true), None) => options.tls_mode().max(TlsMode::Required),
            (None, Some(false)) => TlsMode::Preferred,
            (None, None) => return,
        };
        *options = std::mem::take(options).with_tls_mode(mode);
    }
}

/// One option of a group that was asked for.
struct Setting {
    /// With `-` for `_`, and without `loose-`.
    name: String,
    value: Option<Vec<u8>>,
    file: PathBuf,
    line: u64,
}

impl Setting {
    fn text(&self) -> Result<String> {
        let bytes = self.value.clone().unwrap_or_default();
        String::from_utf8(bytes)
            .map_err(|_| self.refused(&format!("the value of `{}` is not UTF-8", self.name)))
    }

    fn set(&self, key: &Key, options: &mut ConnectOptions) -> Result<()> {
        if self.value.is_none() {
            return Err(self.refused(&format!("the option `{}` needs a value", key.name)));
        }
        (key.set)(options, &self.text()?)
            .ok_or_else(|| self.refused(&format!("`{}` must be {}", key.name, key.values)))
    }

    fn set_named(&self, name: &str, options: &mut ConnectOptions) -> Result<()> {
        KEYS.iter().filter(|key| key.name == name).try_for_each(|key| self.set(key, options))
    }

    fn refused(&self, message: &str) -> Error {
        refused(&self.file, self.line, message)
    }
}

#[cold]
fn refused(file: &Path, line: u64, message: &str) -> Error {
    Error::config(message).at(|place| {
        place.file = Some(file.display().to_string());
        place.line = Some(line);
    })
}

#[cold]
fn unreadable(file: &Path, message: &str) -> Error {
    Error::config(message).at(|place| place.file = Some(file.display().to_string()))
}

struct Reader<'a> {
    groups: &'a [&'a str],
    settings: Vec<Setting>,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, depth: usize) -> Result<()> {
        let bytes = load(path)?;
        let mut group = None;
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.trim_ascii();
            match line.first() {
                None | Some(b'#' | b';') => {}
                Some(b'!') => self.include(line, path, number, depth)?,
                Some(b'[') => {
                    let end = line.iter().position(|byte| *byte == b']');
                    let name = end.and_then(|end| line.get(1..end)).ok_or_else(|| {
                        refused(path, number, "the name of a group does not end in ]")
                    })?;
                    group = Some(name.trim_ascii_end());
                }
                Some(_) => {
                    let group = group.ok_or_else(|| {
                        refused(path, number, "an option stands before the first [group]")
                    })?;
                    if self.groups.iter().any(|name| name.as_bytes() == group) {
                        self.settings.push(setting(line, path, number));
                    }
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, line: &[u8], path: &Path, number: u64, depth: usize) -> Result<()> {
        let line = String::from_utf8_lossy(line);
        let (directive, target) =
            line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((&line, ""));
        let target = target.trim();
        let is_directory = match directive {
            "!include" => false,
            "!includedir" => true,
            _ => return Err(refused(path, number, "unknown directive")),
        };
        if target.is_empty() {
            return Err(refused(path, number, "an include needs a path"));
        }
        if depth >= MAX_DEPTH {
            return Err(refused(path, number, "includes are nested too deep"));
        }
        let beside = path.parent().unwrap_or(Path::new(""));
        let target = beside.join(target);
        if !is_directory {
            return self.read(&target, depth + 1);
        }
        let unreadable = |cause: std::io::Error| {
            refused(path, number, "could not read the included directory").with_source(cause)
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&target).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.extension().is_some_and(|ending| ending == "cnf") {
                files.push(file);
            }
        }
        files.sort();
        files.iter().try_for_each(|file| self.read(file, depth + 1))
    }
}

/// The bytes of a file that nobody else can have written.
fn load(path: &Path) -> Result<Vec<u8>> {
    let failed = |cause| unreadable(path, "could not read the option file").with_source(cause);
    // Asked first, because opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(unreadable(path, "the option file is not a regular file"));
    }
    let file = File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o002 != 0 {
            return Err(unreadable(
                path,
                "everybody may write to the option file, so it is not trusted",
            ));
        }
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(path, "the option file is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// Takes a line `name` or `name = value` apart.
fn setting(line: &[u8], file: &Path, number: u64) -> Setting {
    let line = without_comment(line).trim_ascii_end();
    let mut parts = line.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default().trim_ascii_end();
    let name = String::from_utf8_lossy(name).replace('_', "-");
    let name = match name.strip_prefix("loose-") {
        Some(name) => name.to_owned(),
        None => name,
    };
    Setting {
        name,
        value: parts.next().map(|value| unescape(unquote(value.trim_ascii_start()))),
        file: file.to_owned(),
        line: number,
    }
}

/// Cuts a comment off: it begins at a `#` outside quotes. A quote can begin anywhere, and a
/// backslash counts within quotes only.
fn without_comment(line: &[u8]) -> &[u8] {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, &byte) in line.iter().enumerate() {
        if matches!(byte, b'\'' | b'"') && !is_escaped {
            match quote {
                None => quote = Some(byte),
                Some(open) if open == byte => quote = None,
                Some(_) => {}
            }
        }
        if byte == b'#' && quote.is_none() {
            return line.get(..at).unwrap_or(line);
        }
        is_escaped = quote.is_some() && byte == b'\\' && !is_escaped;
    }
    line
}

fn unquote(value: &[u8]) -> &[u8] {
    match value {
        [open @ (b'\'' | b'"'), inner @ .., close] if open == close => inner,
        _ => value,
    }
}

/// Resolves escapes, which count with and without quotes.
fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'b') => out.push(0x08),
            Some(b's') => out.push(b' '),
            Some(plain @ (b'"' | b'\'' | b'\\')) => out.push(plain),
            Some(other) => out.extend([b'\\', other]),
            None => out.push(b'\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new(files: &[(&str, &str)]) -> Self {
            let directory = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = directory.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Self(directory)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn options(&self) -> Result<ConnectOptions> {
            ConnectOptions::from_option_file(self.path("my.cnf"))
        }
    }

    fn parse(text: &str) -> ConnectOptions {
        Files::new(&[("my.cnf", text)]).options().unwrap()
    }

    fn refusal(text: &str) -> String {
        let files = Files::new(&[("my.cnf", text)]);
        let error = files.options().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{text}");
        let path = files.path("my.cnf");
        error.chain().replace(&path.display().to_string(), "my.cnf")
    }

    fn password(options: &ConnectOptions) -> Option<String> {
        options.password().map(|password| password.expose().to_owned())
    }

    #[test]
    fn a_usual_file() {
        let options = parse(
            "# comment\n; comment\n\n[mysqld]\nport=1\nssl-crl=/crl\n\
             [client]\nuser = me\npassword=\"p w\" # comment\r\nhost=db.example\n\
             port= 3307\nconnect_timeout=5\nssl_mode=VERIFY_IDENTITY\nssl-ca=/ca.pem\n\
             loose-ssl-cert=/cert.pem\ndefault-character-set=utf8mb4\nno-auto-rehash\n\
             [mysqldump ] # x\nuser=other\n[ mysqldump]\nuser=none\n[snapdump]\ndatabase=shop\nprefer-socket=off\n",
        );
        // Blanks count before the name of a group, but not behind it.
        assert_eq!(options.user(), Some("other"));
        assert_eq!(password(&options).as_deref(), Some("p w"));
        assert_eq!(options.place(), "db.example:3307");
        assert_eq!(options.connect_timeout(), Duration::from_secs(5));
        assert_eq!(options.tls_mode(), TlsMode::VerifyIdentity);
        assert_eq!(options.ssl_ca(), Some(Path::new("/ca.pem")));
        assert_eq!(options.ssl_cert(), Some(Path::new("/cert.pem")));
        assert_eq!(options.database(), Some("shop"));
    }

    #[test]
    fn quotes_escapes_and_comments_of_values() {
        for (written, read) in [
            ("plain", "plain"),
            ("a#b", "a"),
            ("'a#b'", "a#b"),
            ("\"a#b\" # c", "a#b"),
            ("it's#5", "it's#5"),
            ("\"a\\\"#b\"", "a\"#b"),
            ("a=b", "a=b"),
            ("  a b\t ", "a b"),
            ("'a", "'a"),
            ("'", "'"),
            ("''", ""),
            ("", ""),
            ("a\\sb\\tc\\nd\\re\\bf\\\\g\\xh\\", "a b\tc\nd\re\u{8}f\\g\\xh\\"),
            ("'\\''", "'"),
            ("a;b", "a;b"),
            ("\"a'b\"", "a'b"),
            ("'a\"#b\"#c'", "a\"#b\"#c"),
            ("\"a\\\\\"#b", "a\\"),
            ("é", "é"),
        ] {
            let options = parse(&format!("[client]\npassword={written}\n"));
            assert_eq!(password(&options).as_deref(), Some(read), "{written}");
        }
    }

    #[test]
    fn the_last_value_of_the_groups_asked_for_wins() {
        let text = "[snapdump]\nuser=a\n[client]\nuser=b\n[other]\nuser=c\n";
        assert_eq!(parse(text).user(), Some("b"));
        let files = Files::new(&[("my.cnf", text)]);
        let options = ConnectOptions::new()
            .with_user("z")
            .with_password("pw")
            .with_option_file(files.path("my.cnf"), &["other"])
            .unwrap();
        assert_eq!(options.user(), Some("c"));
        assert_eq!(password(&options).as_deref(), Some("pw"));
    }

    #[test]
    fn a_socket_counts_for_the_local_host_only() {
        let socket = Some(Path::new("/s"));
        assert_eq!(parse("[client]\nsocket=/s\nport=1").socket(), socket);
        assert_eq!(parse("[client]\nsocket=/s\nhost=localhost").socket(), socket);
        let other = parse("[client]\nhost=db\nsocket=/s");
        assert_eq!((other.host(), other.socket()), ("db", None));
        assert_eq!(parse("[client]\nsocket=/s\nprotocol=TCP").socket(), None);
        let files = Files::new(&[("my.cnf", "[client]\nsocket=/s\n")]);
        let options = ConnectOptions::new()
            .with_host("db")
            .with_option_file(files.path("my.cnf"), &["client"])
            .unwrap();
        assert_eq!((options.host(), options.socket()), ("db", None));
    }

    #[test]
    fn the_tls_switches_of_mariadb() {
        for (text, mode) in [
            ("ssl", TlsMode::Required),
            ("ssl=1\nssl-ca=/ca", TlsMode::VerifyCa),
            ("skip-ssl", TlsMode::Disabled),
            ("ssl=0", TlsMode::Disabled),
            ("disable-ssl=0", TlsMode::Required),
            ("ssl_verify_server_cert", TlsMode::VerifyIdentity),
            ("ssl\nssl-verify-server-cert=ON", TlsMode::VerifyIdentity),
            ("ssl\nskip-ssl-verify-server-cert", TlsMode::Required),
            ("disable-ssl-verify-server-cert", TlsMode::Preferred),
            ("ssl\nssl-mode=disabled", TlsMode::Disabled),
            ("ssl-mode=verify_ca\nssl", TlsMode::VerifyCa),
            ("ssl-ca=/ca", TlsMode::VerifyCa),
            ("skip-networking", TlsMode::Preferred),
        ] {
            let options = parse(&format!("[client]\n{text}\n"));
            assert_eq!(options.tls_mode(), mode, "{text}");
        }
    }

    #[test]
    fn includes_are_followed_where_they_stand() {
        let files = Files::new(&[
            ("my.cnf", "!include one.cnf\n[client]\nport=3\n!includedir conf.d\nuser=last\n"),
            ("one.cnf", "[client]\nport=2\ndatabase=one\n"),
            ("conf.d/b.cnf", "[client]\ndatabase=b\nuser=b\n"),
            ("conf.d/a.cnf", "[client]\ndatabase=a\n"),
            ("conf.d/c.txt", "[client]\ndatabase=c\n"),
        ]);
        let options = files.options().unwrap();
        assert_eq!(options.port(), 3);
        assert_eq!(options.database(), Some("b"));
        assert_eq!(options.user(), Some("last"));
    }

    #[test]
    fn errors_name_file_and_line() {
        assert_eq!(
            refusal("[client]\nuser=a\nport=x\n"),
            "`port` must be a number from 1 to 65535 (my.cnf, line 3)"
        );
        assert_eq!(
            refusal("[client]\npassword\n"),
            "the option `password` needs a value (my.cnf, line 2)"
        );
        assert_eq!(
            refusal("user=a\n"),
            "an option stands before the first [group] (my.cnf, line 1)"
        );
        for text in [
            "[client\nuser=a",
            "[client]\nssl-mode=on",
            "[client]\nssl=perhaps",
            "[client]\nssl-crl=/crl.pem",
            "[client]\nssl-capath=/etc/ssl",
            "!include missing.cnf",
            "!includedir missing",
            "!include",
            "!exclude a",
            "!include my.cnf",
        ] {
            refusal(text);
        }
    }

    #[test]
    fn a_file_that_cannot_be_trusted_or_read_is_refused() {
        let missing = ConnectOptions::from_option_file("/nowhere/my.cnf").unwrap_err();
        assert!(missing.chain().contains("/nowhere/my.cnf"), "{missing}");
        let directory = ConnectOptions::from_option_file("/").unwrap_err();
        assert_eq!(directory.kind(), ErrorKind::Config);
        let not_utf8 = Files::new(&[]);
        std::fs::write(not_utf8.path("my.cnf"), b"[client]\npassword=\xff\n").unwrap();
        assert_eq!(not_utf8.options().unwrap_err().location().line, Some(2));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let files = Files::new(&[("my.cnf", "[client]\nuser=a\n")]);
            let mode = std::fs::Permissions::from_mode(0o666);
            std::fs::set_permissions(files.path("my.cnf"), mode).unwrap();
            let text = files.options().unwrap_err().to_string();
            assert!(text.starts_with("everybody may write"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let files = Files::new(&[]);
            let mut text = b"[client]\n".to_vec();
            text.extend(bytes.iter().filter(|byte| **byte != b'!'));
            std::fs::write(files.path("my.cnf"), text).unwrap();
            let _ = files.options();
        }

        #[test]
        fn no_error_shows_a_value(name in "[a-z-]{1,16}|ssl|port|ssl-mode|host", around in "\\PC{0,6}") {
            let text = format!("[client]\npassword={around}KNOWNSECRET\n{name}={around}KNOWNSECRET\nport=x\n");
            let files = Files::new(&[("my.cnf", &text)]);
            let error = files.options().unwrap_err();
            let text = format!("{error} {error:?} {}", error.chain());
            prop_assert!(!text.contains("KNOWNSECRET"), "{}", text);
        }
    }
}

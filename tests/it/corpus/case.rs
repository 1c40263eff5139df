//! One case: what is loaded, and what is expected of its trips.

use crate::harness::{TestDatabase, TestServer, run, stderr_of};

/// A case of the corpus, as it applies to one server.
///
/// The head of a script (its first lines, as long as they are comments) can ask for:
///
/// ```text
/// -- charset: latin1                the character set of the client that loads the script
/// -- databases: 2                   so many databases, called {{1}}, {{2}}, … in the script;
///                                   they are dumped by name
/// -- stock loses: what and why      what the stock tools bring back differs from the source
/// -- stock fails: what and why      the stock tools cannot dump it, or not restore their dump
/// -- stock hangs: what and why      the stock dump tool never ends
/// -- stock refused: text            our restore refuses the stock dump with this text
/// -- warning: text                  a warning of our dump has this text in it
/// -- lost: view v                   our dump says that it is broken and keeps it as a comment
/// -- changed: table t, row           what our dump brings back differs in the lines that begin so;
///                                   a warning says it
/// -- refused: text                  our dump fails with an error that has this text in it
/// -- afterwards: statement          undoes what the script did to the server as a whole
/// ```
///
/// Behind the key may stand ` on mysql`, ` on mariadb` or the name of one server. All of these
/// are checked: a case that no longer loses what it says fails, and so does a warning without
/// such a line. Anything else in the head is prose.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Databases that are dumped by name; 0 for one that is dumped as the connection's.
    pub(crate) databases: usize,
    charset: Option<String>,
    pub(crate) stock_loses: Option<String>,
    pub(crate) stock_fails: Option<String>,
    pub(crate) stock_hangs: Option<String>,
    pub(crate) stock_refused: Option<String>,
    pub(crate) warnings: Vec<String>,
    /// Objects that are not restored, each of which a warning names.
    pub(crate) lost: Vec<String>,
    /// Beginnings of the differences that a warning speaks of.
    pub(crate) changed: Vec<String>,
    pub(crate) refused: Option<String>,
    /// What root runs at the end, however the case went.
    pub(crate) afterwards: Vec<String>,
}

impl Case {
    pub(crate) fn of_script(name: &'static str, script: &[u8], server: &TestServer) -> Self {
        let mut case = Self { name, ..Self::default() };
        for line in script.split(|&byte| byte == b'\n') {
            let Some(line) = line.strip_prefix(b"-- ") else { break };
            let line = String::from_utf8_lossy(line);
            if let Some((key, value)) = line.split_once(": ") {
                case.ask(key, value, server);
            }
        }
        case
    }

    fn ask(&mut self, key: &str, value: &str, server: &TestServer) {
        let (key, applies) = match key.split_once(" on ") {
            Some((key, "mysql")) => (key, !server.is_mariadb()),
            Some((key, "mariadb")) => (key, server.is_mariadb()),
            Some((key, name)) => (key, server.name == name),
            None => (key, true),
        };
        if !applies {
            return;
        }
        let value = value.to_owned();
        match key {
            "charset" => self.charset = Some(value),
            "databases" => self.databases = value.parse().unwrap(),
            "stock loses" => self.stock_loses = Some(value),
            "stock fails" => self.stock_fails = Some(value),
            "stock hangs" => self.stock_hangs = Some(value),
            "stock refused" => self.stock_refused = Some(value),
            "warning" => self.warnings.push(value),
            "lost" => self.lost.push(value),
            "changed" => self.changed.push(value),
            "refused" => self.refused = Some(value),
            "afterwards" => self.afterwards.push(value),
            _ => {}
        }
    }

    /// Feeds the script to the stock client; returns the databases that it filled.
    pub(crate) async fn load(&self, script: &[u8], server: &TestServer) -> Vec<TestDatabase> {
        // Without the first MariaDB's client takes the comments out of bodies.
        let mut options = vec!["--comments", "--binary-mode"];
        let charset;
        if let Some(name) = &self.charset {
            charset = format!("--default-character-set={name}");
            options.push(&charset);
        }
        if self.databases == 0 {
            let source = server.database().await;
            let loaded = source.stock_client_with(&options, script).await;
            loaded.unwrap_or_else(|error| panic!("{} on {}: {error}", self.name, server.name));
            return vec![source];
        }
        let sources: Vec<_> = (0..self.databases).map(|_| server.future_database()).collect();
        let mut script = script.to_vec();
        for (number, source) in sources.iter().enumerate() {
            script = replace(&script, &format!("{{{{{}}}}}", number + 1), &source.name);
        }
        let mut client = server.client();
        client.args(options);
        let output = run(client, &script).await;
        assert!(
            output.status.success(),
            "{} on {}: {}",
            self.name,
            server.name,
            stderr_of(&output)
        );
        sources
    }
}

fn replace(text: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from.as_bytes()) {
            out.extend_from_slice(to.as_bytes());
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    out
}

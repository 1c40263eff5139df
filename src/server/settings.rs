//! The session state under which a dump reads: set, then asked back and compared.

use std::collections::BTreeMap;

use super::catalog::string_literal;
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};

/// Session variables that change what is read, or end a long read, and what a dump needs them to
/// be. A server that does not have one is not asked to set it.
///
/// Sources: the manual's Server System Variables pages of both servers.
const DUMP_SETTINGS: &[(&str, &str)] = &[
    // What the text of definitions and values looks like.
    ("sql_mode", ""),
    ("time_zone", "+00:00"),
    ("sql_quote_show_create", "ON"),
    // MySQL: generated invisible primary keys are columns like others.
    ("show_gipk_in_create_table_and_information_schema", "ON"),
    // How much is read. MariaDB: rows as they are, not as they were at some time in the past.
    ("system_versioning_asof", "DEFAULT"),
    ("sql_select_limit", "18446744073709551615"),
    ("max_join_size", "18446744073709551615"),
    // MySQL: `information_schema` must not answer from a cache.
    ("information_schema_stats_expiry", "0"),
    // What would end a long read, in seconds (milliseconds for max_execution_time).
    ("wait_timeout", "604800"),
    ("net_read_timeout", "86400"),
    ("net_write_timeout", "86400"),
    ("max_execution_time", "0"),
    ("max_statement_time", "0.000000"),
    ("idle_transaction_timeout", "0"),
    ("idle_readonly_transaction_timeout", "0"),
    ("idle_write_transaction_timeout", "0"),
    ("autocommit", "ON"),
    // What a COMMIT and a ROLLBACK do besides: begin another transaction, or close the connection.
    ("completion_type", "NO_CHAIN"),
];

/// Those of the settings that a restore needs too: what would end a long statement or the connection,
/// leave a transaction open, or hide rows from the comparison at the end.
const REPLAY_SETTINGS: [&str; 10] = [
    "system_versioning_asof",
    "completion_type",
    "wait_timeout",
    "net_read_timeout",
    "net_write_timeout",
    "max_execution_time",
    "max_statement_time",
    "idle_transaction_timeout",
    "idle_readonly_transaction_timeout",
    "idle_write_transaction_timeout",
];

/// How long a statement of a restore waits for somebody else's lock on a table, in seconds, where
/// the server would wait longer (a year by default).
const REPLAY_LOCK_WAIT_SECONDS: u64 = 300;

/// Settings of `MySQL` under which it refuses tables without a key, or makes them with one more column,
/// and what they are to be while a script is replayed. Few accounts may set them (manual,
/// `SESSION_VARIABLES_ADMIN`).
const KEY_SETTINGS: [(&str, &str); 2] =
    [("sql_require_primary_key", "OFF"), ("sql_generate_invisible_primary_key", "OFF")];

impl Session {
    /// Puts the session into the state under which definitions and rows are read exactly, and
    /// proves that the server took it. It waits so many seconds for somebody else's lock: a dump
    /// gives up instead of queueing behind a lock while others queue behind it.
    pub(crate) async fn set_up_for_dump(&mut self, lock_wait_seconds: u32) -> Result<()> {
        // Text goes to the server as utf8mb4 and comes back in the bytes that are stored: a NULL
        // result character set turns conversion off (manual, Connection Character Sets).
        self.execute("SET NAMES utf8mb4").await?;
        self.execute("SET character_set_results = NULL").await?;
        let before = self.variables().await?;
        for (name, wanted) in DUMP_SETTINGS {
            if before.get(*name).is_some_and(|value| value != wanted) {
                self.execute(set_statement(name, wanted)).await?;
            }
        }
        self.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        self.execute(format!("SET SESSION lock_wait_timeout = {lock_wait_seconds}")).await?;

        let after = self.variables().await?;
        for (name, wanted) in DUMP_SETTINGS {
            if let Some(value) = after.get(*name)
                && value != wanted
            {
                return Err(refused(name, wanted, value));
            }
        }
        // The server has a limit of its own, of a year, and cuts longer ones down.
        let wait = after.get("lock_wait_timeout").and_then(|value| value.parse().ok());
        if wait.is_none_or(|wait: u32| wait > lock_wait_seconds) {
            let value = after.get("lock_wait_timeout").map_or("", String::as_str);
            return Err(refused("lock_wait_timeout", &lock_wait_seconds.to_string(), value));
        }
        for name in ["character_set_client", "character_set_connection"] {
            let value = after.get(name).map_or("", String::as_str);
            if value != "utf8mb4" {
                return Err(refused(name, "utf8mb4", value));
            }
        }
        Ok(())
    }

    /// Takes away what would end a long statement, a long pause of the script or, by a COMMIT, the
    /// connection, and bounds the wait for somebody else's lock; also what would add a key to a table,
    /// if the account may, so that the copy is like the original. Everything else stays as the server
    /// gives it to the stock client: the script sets what it needs. Names are sent and told in UTF-8 until
    /// [`read_as`](Self::read_as) says otherwise.
    pub(crate) async fn set_up_for_replay(&mut self, binlog: bool) -> Result<()> {
        self.read_as("utf8mb4").await?;
        let before = self.variables().await?;
        for (name, wanted) in DUMP_SETTINGS {
            if REPLAY_SETTINGS.contains(name)
                && before.get(*name).is_some_and(|value| value != wanted)
            {
                self.execute(set_statement(name, wanted)).await?;
            }
        }
        let lock_wait = before.get("lock_wait_timeout").and_then(|value| value.parse::<u64>().ok());
        if lock_wait.is_some_and(|seconds| seconds > REPLAY_LOCK_WAIT_SECONDS) {
            let limit = REPLAY_LOCK_WAIT_SECONDS.to_string();
            self.execute(set_statement("lock_wait_timeout", &limit)).await?;
        }
        for (name, wanted) in KEY_SETTINGS {
            if before.get(name).is_some_and(|value| value != wanted) {
                match self.execute(set_statement(name, wanted)).await {
                    // The check says what that means for the script.
                    Err(error) if error.kind() == ErrorKind::Privilege => {}
                    done => done?,
                }
            }
        }
        if !binlog {
            self.execute("SET SESSION sql_log_bin = OFF").await?;
        }
        Ok(())
    }

    /// Tells the server the character set of what is sent from now on. A script has one of its own,
    /// in which nothing of ours may be sent: names would be those of other objects.
    pub(crate) async fn read_as(&mut self, charset: &str) -> Result<()> {
        self.execute(format!("SET NAMES {}", string_literal(charset))).await
    }

    async fn variables(&mut self) -> Result<BTreeMap<String, String>> {
        let mut names = vec!["'character_set_client'", "'character_set_connection'"]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        names.push("'lock_wait_timeout'".to_owned());
        let settings = DUMP_SETTINGS.iter().chain(&KEY_SETTINGS);
        names.extend(settings.map(|(name, _)| format!("'{name}'")));
        let list = names.join(",");
        let rows =
            self.query(&format!("SHOW SESSION VARIABLES WHERE Variable_name IN ({list})")).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
    }
}

fn set_statement(name: &str, value: &str) -> String {
    let number =
        !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if number || ["ON", "DEFAULT"].contains(&value) {
        format!("SET SESSION {name} = {value}")
    } else {
        format!("SET SESSION {name} = '{value}'")
    }
}

fn refused(name: &str, wanted: &str, value: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the server keeps {name} at '{value}' where a dump needs '{wanted}'"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::context::Context;
    use crate::server::TlsMode;
    use crate::server::fake::{Fake, Rows};

    const FOREIGN: &str = "7000000";

    /// The session variables of a server that answers every `SET` with OK, and keeps one of them
    /// as it was.
    struct Server {
        variables: BTreeMap<String, String>,
        kept: &'static str,
        is_set_up: bool,
    }

    impl Server {
        /// One that has all variables, at values that no dump wants.
        fn that_keeps(kept: &'static str) -> Self {
            let names = DUMP_SETTINGS.iter().map(|(name, _)| *name).chain(OTHERS);
            let variables =
                names.map(|name| (name.to_owned(), FOREIGN.to_owned())).collect::<BTreeMap<_, _>>();
            Self { variables, kept, is_set_up: false }
        }

        fn answer(&mut self, query: &str) -> Rows {
            if query.starts_with("SELECT @@version") {
                return vec![["9.7.4", "a comment", "host:3306:1", "0"].map(str::to_owned).into()];
            }
            if query.starts_with("SHOW SESSION VARIABLES") {
                let asked = |name: &str| query.contains(&format!("'{name}'"));
                let told = self.variables.iter().filter(|(name, _)| asked(name));
                return told.map(|(name, value)| vec![name.clone(), value.clone()]).collect();
            }
            if let Some(charset) = query.strip_prefix("SET NAMES ") {
                self.set("character_set_client", charset);
                self.set("character_set_connection", charset);
            } else if let Some(level) = query.strip_prefix("SET SESSION TRANSACTION ") {
                assert_eq!(level, "ISOLATION LEVEL REPEATABLE READ");
                self.is_set_up = true;
            } else if let Some(setting) = query.strip_prefix("SET SESSION ") {
                let (name, value) = setting.split_once(" = ").unwrap();
                assert!(self.variables.contains_key(name), "there is no {name}");
                self.set(name, value.trim_matches('\''));
            }
            Vec::new()
        }

        fn set(&mut self, name: &str, value: &str) {
            if name != self.kept {
                self.variables.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// What is set beside the table.
    const OTHERS: [&str; 3] =
        ["lock_wait_timeout", "character_set_client", "character_set_connection"];

    /// Sets a session up for a dump, and returns what the server has then.
    async fn set_up(server: Server) -> (Result<()>, Server) {
        let server = Arc::new(Mutex::new(Some(server)));
        let told = Arc::clone(&server);
        let queries = move |query: &str| told.lock().unwrap().as_mut().unwrap().answer(query);
        let fake = Fake { queries: Some(Arc::new(queries)), ..Fake::default() };
        let (options, _) = fake.start().await;
        let options = options.with_tls_mode(TlsMode::Disabled);
        let mut session = Session::open(&options, &Context::new()).await.unwrap();
        let done = session.set_up_for_dump(5).await;
        session.close().await;
        let server = server.lock().unwrap().take().unwrap();
        (done, server)
    }

    #[tokio::test]
    async fn a_dump_sets_all_that_changes_what_it_reads() {
        let (done, server) = set_up(Server::that_keeps("nothing")).await;
        done.unwrap();
        assert!(server.is_set_up);
        for (name, wanted) in DUMP_SETTINGS {
            assert_eq!(server.variables[*name], *wanted, "{name}");
        }
        let others = OTHERS.map(|name| server.variables[name].as_str());
        assert_eq!(others, ["5", "utf8mb4", "utf8mb4"]);
    }

    #[tokio::test]
    async fn a_server_that_only_says_that_it_has_set_it_is_found_out() {
        for kept in DUMP_SETTINGS.iter().map(|(name, _)| *name).chain(OTHERS) {
            let (done, server) = set_up(Server::that_keeps(kept)).await;
            let error = done.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{kept}");
            let words = format!("keeps {kept} at '{FOREIGN}'");
            assert!(error.to_string().contains(&words), "{kept}: {error}");
            assert_eq!(server.variables[kept], FOREIGN);
        }
    }

    /// Each server lacks some, and would refuse to set them.
    #[tokio::test]
    async fn what_a_server_does_not_have_is_not_set() {
        for (lacked, _) in DUMP_SETTINGS {
            let mut server = Server::that_keeps("nothing");
            server.variables.remove(*lacked);
            let (done, server) = set_up(server).await;
            done.unwrap();
            assert!(!server.variables.contains_key(*lacked), "{lacked}");
        }
    }
}

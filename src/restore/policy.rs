//! What of a script reaches the server, statement by statement, and in which form.
//!
//! The same judgement is passed twice: in the check, which finds everything before anything is
//! changed, and again before a statement is sent, when the server itself has said how it reads.
//!
//! | class of statement | default | option |
//! |---|---|---|
//! | `USE`, `CREATE`, `ALTER` or `DROP DATABASE` of another database; names such as `other.t` in what is changed, called or locked | refuse | `with_other_databases` |
//! | changes to a table with a trigger of the script or to a view of it, and calls of its functions, once any program of the script does the above in its body, or holds `PREPARE` or `EXECUTE` | refuse | `with_other_databases` |
//! | the same of the server's own databases (`mysql`, `sys` …) | refuse | `with_other_databases` and `with_server_statements` |
//! | `DROP DATABASE` of the database restored into | refuse | `with_other_databases` |
//! | accounts: `CREATE`, `ALTER`, `DROP`, `RENAME USER` and `ROLE`, `GRANT`, `REVOKE`, `SET PASSWORD`, `SET ROLE`, `SET DEFAULT ROLE` | refuse | `with_accounts` |
//! | the server: `SET GLOBAL` and `PERSIST`, `INSTALL`, `UNINSTALL`, `SONAME`, `INTO OUTFILE` and `DUMPFILE`, `LOAD DATA`, `SHUTDOWN`, `RESTART`, `KILL`, `FLUSH`, `RESET`, `PURGE`, replication commands, `BINLOG`, tablespaces, servers, and every statement that is not known | refuse | `with_server_statements` |
//! | statements that are not in the text: `PREPARE`, `EXECUTE`, `CALL`, compound statements | refuse | `with_indirect_statements` |
//! | `SET` of `gtid_purged`, `sql_log_bin` and the like | skip, with a warning | `with_replication_state` |
//! | `LOAD DATA LOCAL`, `LOAD XML LOCAL` | refuse | none |
//! | the sandbox line of `MariaDB` | skip, with a warning | none: no client command is ever run |
//! | everything else | send | |

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::definer::Account;
use super::options::RestoreOptions;
use super::programs::{Programs, Reaching};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::ident::quote_identifier;
use crate::server::is_system_database;
use crate::sql::charset::Charset;
use crate::sql::needs::needs;
use crate::sql::policy::{
    Examined, Mention, Program, ProgramKind, Reach, Role, can_be_several, examine,
};
use crate::sql::token::{Reading, Tokens};

/// The policy of one restore.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    options: RestoreOptions,
    /// The database of the connection.
    target: Option<String>,
    /// Whether it is for a file of our own.
    ours: bool,
    /// The databases of a file of our own, by the names that they get.
    own: BTreeSet<String>,
    /// The database that a file of our own was made of, if it names none and goes into another one.
    source: Option<String>,
    /// Whether the server sees one name in two letter cases.
    fold: bool,
    /// What was looked at before anything is changed, once the check is over.
    checked: Option<Reached>,
    /// What the script has made so far that runs when others of its statements do.
    programs: Programs,
}

/// What a script changes, as far as its check could see.
#[derive(Clone, Debug)]
struct Reached {
    databases: BTreeSet<String>,
    target: bool,
}

/// What becomes of a statement.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// It is sent, as it is or with names put in place of others.
    Send(Cow<'a, [u8]>),
    /// It is left out; these words say what it is.
    Skip(String),
}

/// A judgement with what it rests on.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    pub(super) verdict: Verdict<'a>,
    pub(super) examined: Examined,
    /// The other databases that it names, by the names that they get.
    pub(super) databases: BTreeSet<String>,
    /// The definers that its objects get.
    pub(super) definers: Vec<Account>,
    /// Whether it selects the database of the connection, or another one, if it selects any.
    pub(super) selects_target: Option<bool>,
    /// Whether it names the database of the connection as one that it changes.
    pub(super) names_target: bool,
    /// The databases that were renamed in it.
    pub(super) renamed: BTreeSet<String>,
}

impl Judged<'_> {
    /// How long what is sent of the statement is, in bytes; 0 if it is left out.
    pub(super) fn sent_bytes(&self) -> usize {
        match &self.verdict {
            Verdict::Send(text) => text.len(),
            Verdict::Skip(_) => 0,
        }
    }
}

impl Policy {
    pub(super) fn new(options: &RestoreOptions, target: Option<&str>, fold: bool) -> Self {
        Self {
            options: options.clone(),
            target: target.map(str::to_owned),
            ours: false,
            own: BTreeSet::new(),
            source: None,
            fold,
            checked: None,
            programs: Programs::default(),
        }
    }

    /// The same for the replay: other databases than these, and the target if it was not to be
    /// changed, are not covered by a restore point, and are refused.
    pub(super) fn with_checked(mut self, databases: &BTreeSet<String>, target: bool) -> Self {
        self.checked = Some(Reached { databases: databases.clone(), target });
        // The script begins anew.
        self.programs = Programs::default();
        self
    }

    /// The same for a file of our own, whose databases need no leave.
    pub(super) fn with_own(mut self, databases: impl IntoIterator<Item = String>) -> Self {
        self.ours = true;
        self.own = databases.into_iter().map(|name| self.renamed(&name)).collect();
        self
    }

    /// The same for a file of our own that names no database, and was made of this one.
    pub(super) fn with_source(mut self, database: &str) -> Self {
        self.ours = true;
        self.source = (!self.is_target(database)).then(|| database.to_owned());
        self
    }

    /// Whether it is for a file of our own.
    pub(super) const fn is_ours(&self) -> bool {
        self.ours
    }

    /// Whether a replay goes on after a statement that the server refuses.
    pub(super) const fn goes_on(&self) -> bool {
        self.options.continue_on_error()
    }

    /// How long a statement may be, in bytes.
    pub(super) fn max_statement_bytes(&self) -> usize {
        self.options.max_statement_bytes()
    }

    /// How many times its stored length the text of a compressed file may have.
    pub(super) const fn inflation_limit(&self) -> u64 {
        self.options.inflation_limit()
    }

    /// What takes the place of a collation, given in lower case.
    pub(super) fn collation(&self, name: &str) -> Option<&str> {
        self.options.collations().get(name).map(String::as_str)
    }

    /// A database that is renamed, or is not the target, and that the body of a view or stored
    /// program names all the same.
    pub(super) fn names_renamed(
        &self,
        text: &[u8],
        reading: &Reading,
        examined: &Examined,
    ) -> Option<String> {
        if self.options.renames().is_empty() && self.source.is_none() {
            return None;
        }
        let left = |name: &str| {
            let source = self.source.as_deref().is_some_and(|source| self.same(source, name));
            source || self.rename(name).is_some()
        };
        let mut tokens = Tokens::new(text, reading);
        tokens.next().filter(|verb| verb.is_any(&["CREATE", "ALTER"]))?;
        while let Some(token) = tokens.next() {
            let renamed = examined.databases.iter().any(|named| named.range.start == token.at);
            if token.is_name() && tokens.take_sign(b'.') && !renamed {
                let name = token.value();
                if left(&name) {
                    return Some(name);
                }
            }
        }
        None
    }

    /// The name under which a database is restored.
    pub(super) fn renamed(&self, name: &str) -> String {
        self.rename(name).map_or_else(|| name.to_owned(), str::to_owned)
    }

    fn rename(&self, name: &str) -> Option<&str> {
        let renames: &BTreeMap<String, String> = self.options.renames();
        renames.iter().find(|(from, _)| self.same(from, name)).map(|(_, to)| to.as_str())
    }

    pub(super) fn same(&self, one: &str, other: &str) -> bool {
        one == other || (self.fold && one.to_lowercase() == other.to_lowercase())
    }

    fn is_target(&self, name: &str) -> bool {
        self.target.as_deref().is_some_and(|target| self.same(target, name))
    }

    /// Judges a statement. `semicolon` says whether `;` is what ends statements where it stands.
    pub(super) fn judge<'a>(
        &self,
        text: &'a [u8],
        reading: &Reading,
        semicolon: bool,
    ) -> Result<Judged<'a>> {
        let examined = examine(text, reading, can_be_several(text, semicolon));
        let skip = self.judge_reaches(&examined)?;
        let mut databases = BTreeSet::new();
        let mut renamed = BTreeSet::new();
        let (mut selects_target, mut names_target) = (None, false);
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        for mention in &examined.databases {
            let name = match self.rename(&mention.name) {
                Some(to) => {
                    edits.push((mention.range.clone(), quote_identifier(to)));
                    renamed.insert(mention.name.clone());
                    to
                }
                None => mention.name.as_str(),
            };
            match mention.role {
                Role::Use => selects_target = Some(self.is_target(name)),
                Role::Reference => {}
                _ => names_target |= self.is_target(name),
            }
            if self.judge_database(mention, name)? {
                self.judge_unseen(name)?;
                databases.insert(name.to_owned());
            }
        }
        if names_target
            && let Some(reached) = self.checked.as_ref().filter(|reached| !reached.target)
            && let Some(target) =
                self.target.as_ref().filter(|name| !reached.databases.contains(*name))
        {
            return Err(unseen(target));
        }
        if !self.options.collations().is_empty() {
            for named in needs(text, reading).collations {
                let to = self.collation(&named.name.to_ascii_lowercase());
                edits.extend(to.map(|to| (named.range, to.to_owned())));
            }
        }
        let mut definers = Vec::new();
        for clause in &examined.definers {
            let named = Account::new(&clause.user, &clause.host);
            let becomes = self.options.definer().account(&named);
            if becomes.as_ref() != Some(&named) {
                let text = becomes.as_ref().map(|account| format!("DEFINER={}", account.quoted()));
                edits.push((clause.range.clone(), text.unwrap_or_default()));
            }
            definers.extend(becomes);
        }
        if reading.charset != Charset::Utf8
            && let Some((_, edit)) = edits.iter().find(|(_, edit)| !edit.is_ascii())
        {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{edit} cannot be put into the statement, which is not in utf8mb4: choose a name \
                     in ASCII"
                ),
            ));
        }
        let verdict = match skip {
            Some(words) => Verdict::Skip(words),
            None => Verdict::Send(edited(text, edits)),
        };
        Ok(Judged { verdict, examined, databases, definers, selects_target, names_target, renamed })
    }

    /// Refuses a statement that runs what the script has made before, if any of that does what its
    /// statements may not. `place` is that of the statement.
    pub(super) fn judge_run(
        &self,
        text: &[u8],
        reading: &Reading,
        semicolon: bool,
        examined: &Examined,
        place: &Location,
    ) -> Result<()> {
        let several = can_be_several(text, semicolon);
        self.programs.note(examined, reading, place, |program| self.reaching(program));
        self.programs.judge(text, reading, several)
    }

    /// How many stored programs and views the script has made so far.
    pub(super) fn programs_total(&self) -> u64 {
        self.programs.total()
    }

    /// What a program does that no statement may.
    fn reaching(&self, program: &Program) -> Option<Reaching> {
        // Nothing but the server's clock runs one.
        if program.kind == ProgramKind::Event {
            return None;
        }
        for mention in &program.databases {
            let name = &mention.name;
            // Nothing is changed through a view of it.
            if program.kind == ProgramKind::View && name.eq_ignore_ascii_case("information_schema")
            {
                continue;
            }
            // Names in bodies are not renamed.
            if self.judge_database(mention, name).is_ok() {
                continue;
            }
            let option = if is_system_database(name, !self.fold) {
                "with_other_databases and with_server_statements"
            } else {
                "with_other_databases"
            };
            let name = crate::ident::one_line(name);
            return Some(Reaching { does: format!("reaches into the database '{name}'"), option });
        }
        let hidden = program.hidden.as_ref()?;
        // Under a trigger or function no server prepares a statement, and `CALL` needs leave by itself.
        if program.kind == ProgramKind::Procedure
            && ["PREPARE", "EXECUTE"].contains(&hidden.as_str())
        {
            return None;
        }
        let allowed = self.options.other_databases() || self.options.indirect_statements();
        (!allowed).then(|| Reaching {
            does: format!("runs what is not in its text ({})", crate::ident::one_line(hidden)),
            option: "with_other_databases",
        })
    }

    /// Refuses what may not reach the server; the words of what is to be left out otherwise.
    fn judge_reaches(&self, examined: &Examined) -> Result<Option<String>> {
        let mut skip = None;
        for (reach, words) in &examined.reaches {
            let (allowed, what, option) = match reach {
                Reach::ClientFile => (false, "reads a file of the client", None),
                Reach::ClientCommand => {
                    (false, "is a command of the stock clients, and none is ever run", None)
                }
                Reach::Accounts => (
                    self.options.accounts(),
                    "changes accounts or privileges",
                    Some("with_accounts"),
                ),
                Reach::Server => (
                    self.options.server_statements(),
                    "is about the server as a whole, or not known",
                    Some("with_server_statements"),
                ),
                Reach::Indirect => (
                    self.options.indirect_statements(),
                    "runs what is not in its own text",
                    Some("with_indirect_statements"),
                ),
                Reach::ReplicationState => {
                    if !self.options.replication_state() {
                        skip = Some(words.clone());
                    }
                    continue;
                }
            };
            if !allowed {
                return Err(refusal(&format!("{words} {what}"), option));
            }
        }
        match skip {
            // What stands beside it in one text would be left out with it.
            Some(words) if examined.parts > 1 => Err(refusal(
                &format!("{words} stands in one text with other statements"),
                Some("with_replication_state"),
            )),
            skip => Ok(skip),
        }
    }

    /// An error for a database that the check did not see.
    fn judge_unseen(&self, name: &str) -> Result<()> {
        match &self.checked {
            Some(reached) if !reached.databases.iter().any(|known| self.same(known, name)) => {
                Err(unseen(name))
            }
            _ => Ok(()),
        }
    }

    /// Whether a database that is named is another one than that which is restored into; an error
    /// if it may not be.
    fn judge_database(&self, mention: &Mention, name: &str) -> Result<bool> {
        if mention.role == Role::Reference {
            return Ok(false);
        }
        if name.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the script names the database '{name}' in bytes that are not UTF-8, so it is not \
                     known which one it is: dump it anew in utf8mb4, or without the names of databases"
                ),
            ));
        }
        if is_system_database(name, !self.fold)
            && !(self.options.other_databases() && self.options.server_statements())
        {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "the script names '{name}', which is the server's own database: what is in it \
                     changes accounts, plugins and the like, and no restore point holds it; allow it \
                     (with_other_databases and with_server_statements), or dump the databases by \
                     name"
                ),
            ));
        }
        let own = self.own.iter().any(|own| self.same(own, name));
        if own {
            return Ok(true);
        }
        if self.is_target(name) && mention.role != Role::Drop {
            return Ok(false);
        }
        if self.options.other_databases() {
            return Ok(true);
        }
        let does = match mention.role {
            Role::Use => "selects",
            Role::Create => "creates",
            Role::Alter => "alters",
            Role::Drop => "drops",
            Role::Qualifier | Role::Reference => "reaches into",
        };
        let rename = match &self.target {
            Some(target) if !self.is_target(name) => {
                format!(", or restore '{name}' under the name '{target}' (with_rename)")
            }
            _ => String::new(),
        };
        Err(Error::new(
            ErrorKind::Config,
            format!(
                "the script {does} the database '{name}' by name; allow it to use other databases \
                 (with_other_databases){rename}"
            ),
        ))
    }
}

fn refusal(what: &str, option: Option<&str>) -> Error {
    let how = match option {
        Some(option) => format!("allow it ({option}), or take it out of the script"),
        None => "take it out of the script".to_owned(),
    };
    Error::new(ErrorKind::Config, format!("{what}, which a restore does not do unasked: {how}"))
}

/// The text with some of its ranges replaced.
fn edited(text: &[u8], mut edits: Vec<(Range<usize>, String)>) -> Cow<'_, [u8]> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut done = 0;
    for (range, replacement) in edits {
        out.extend_from_slice(text.get(done..range.start).unwrap_or_default());
        out.extend_from_slice(replacement.as_bytes());
        done = range.end;
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// An error for what only the replay has seen.
fn unseen(name: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "a statement changes the database '{name}', which the check of the script did not see \
             because the script changes how it is read: nothing of that database was saved"
        ),
    )
}

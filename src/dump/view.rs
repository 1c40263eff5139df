//! A view as script text, and what stands in for it until everything that it reads is there.

use tokio::sync::Mutex;

use super::converted;
use super::definer;
use super::guard::Guard;
use super::options::Definer;
use super::own_database::{is_ambiguous, without_own_database};
use super::printed::{self, show_create};
use super::script::Script;
use super::session_settings::set_charset;
use crate::error::{Error, ErrorKind, Result, ServerError};
use crate::ident::{ObjectName, quote_identifier};
use crate::server::{
    ER_CANT_AGGREGATE_2COLLATIONS, ER_CANT_AGGREGATE_3COLLATIONS, ER_CANT_AGGREGATE_NCOLLATIONS,
    ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_NO_SUCH_USER, ER_SP_DOES_NOT_EXIST,
    ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED, ER_VIEW_INVALID, ER_VIEW_RECURSIVE,
    ER_WRONG_VALUE, Flavor, Session, is_missing_or_changed, string_literal,
};
use crate::sql::literal::push_comment;

/// Writes a view of constants with the columns of the real one, so that whatever refers to the
/// view can be created before it.
pub(super) fn write_stand_in(script: &mut Script, name: &str, columns: &[String]) {
    let name = quote_identifier(name);
    script.statement(format!("DROP TABLE IF EXISTS {name}"));
    script.statement(format!("DROP VIEW IF EXISTS {name}"));
    let columns: Vec<_> =
        columns.iter().map(|column| format!("1 AS {}", quote_identifier(column))).collect();
    if !columns.is_empty() {
        script.statement(format!("CREATE VIEW {name} AS SELECT {}", columns.join(",")));
    }
}

/// A view as the server describes it.
#[derive(Debug)]
pub(super) struct View {
    pub(super) object: ObjectName,
    pub(super) create: Vec<u8>,
    charset_client: String,
    collation_connection: String,
    /// Why the view cannot be used, in the server's words, if it cannot.
    broken: Option<String>,
    /// Whether the text names the view's own database, because nobody can do without.
    names_database: bool,
}

impl View {
    /// Reads a view of the session's current database: the server then leaves out that
    /// database's name, so that the view can be restored into another one.
    pub(super) async fn read(
        session: &mut Session,
        guard: &Mutex<Guard>,
        object: ObjectName,
        definer: &Definer,
    ) -> Result<Self> {
        let mut view = Self::printed(session, guard, object).await?;
        let charset = converted::other_than_utf8(&view.charset_client);
        // The server prints a view in one character set, its definer with it.
        view.create = definer::applied_in(session, &view.create, definer, None, charset).await?;
        Ok(view)
    }

    async fn printed(
        session: &mut Session,
        guard: &Mutex<Guard>,
        object: ObjectName,
    ) -> Result<Self> {
        let mut row = session.query_one(&show_create(&object)).await;
        if would_write(&row) {
            let mut guard = guard.lock().await;
            let session = guard.session_in(object.database_name().unwrap_or_default()).await?;
            row = session.query_one(&show_create(&object)).await;
        }
        let mut row = match row {
            Ok(row) => row,
            Err(error) => return Self::unprintable(session, object, error).await,
        };
        // MySQL leaves out the name of the current database, come what may, and never of another.
        if session.flavor() == Flavor::MySql && is_ambiguous(row.bytes(1)?.unwrap_or_default()) {
            let database = quote_identifier(object.database_name().unwrap_or_default());
            let name = quote_identifier(object.name());
            let mut guard = guard.lock().await;
            let session = guard.session_in("information_schema").await?;
            row = session.query_one(&format!("SHOW CREATE VIEW {database}.{name}")).await?;
        }
        let printed = row.bytes(1)?.unwrap_or_default();
        let create = without_own_database(printed, object.database_name().unwrap_or_default());
        let stripped = create != printed;
        let mut view = Self {
            object,
            create,
            charset_client: row.text(2)?,
            collation_connection: row.text(3)?,
            broken: None,
            names_database: false,
        };
        if stripped && view.calls_unknown(session, guard).await? {
            // A function of a package, which some servers know by three names or in a mode of their own.
            view.create = printed.to_vec();
            view.names_database = true;
        }
        let probe = format!("SELECT 1 FROM {} LIMIT 0", quote_identifier(view.object.name()));
        let mut looked = session.query(&probe).await.map(drop);
        if would_write(&looked) {
            let mut guard = guard.lock().await;
            // Not run, for then it could write.
            looked =
                guard.session_in(view.database()).await?.check_statement(probe.as_bytes()).await;
        }
        if let Err(error) = looked {
            let number = error.server().map(|server| server.number);
            view.broken = match number {
                // Nobody can read it, because its definer is gone or lacks rights, or because what
                // it reads is gone. Its text alone tells whether it can be created.
                Some(ER_NO_SUCH_USER | ER_VIEW_INVALID) => view.why_broken(session, guard).await?,
                _ => reason(error, session.flavor())?,
            };
        }
        Ok(view)
    }

    /// A view that the server cannot print: one that reads itself, or (`MariaDB`) one where what stands
    /// behind `FOR SYSTEM_TIME` makes no sense any more. The catalogue holds the text.
    async fn unprintable(session: &mut Session, object: ObjectName, error: Error) -> Result<Self> {
        let is_gone = error.server().is_some_and(|told| is_missing_or_changed(told.number));
        let Some(broken) =
            reason(error.clone(), session.flavor()).ok().flatten().filter(|_| !is_gone)
        else {
            return Err(error);
        };
        let is_recursive = error.server().is_some_and(|told| told.number == ER_VIEW_RECURSIVE);
        if session.flavor() == Flavor::MySql && !is_recursive {
            // It may be whole.
            return Err(error);
        }
        // MySQL does not tell it otherwise.
        let algorithm = match session.flavor() {
            Flavor::MariaDb => "ALGORITHM",
            Flavor::MySql => "'UNDEFINED'",
        };
        let database = object.database_name().unwrap_or_default();
        let sql = format!(
            "SELECT VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, CHARACTER_SET_CLIENT, \
             COLLATION_CONNECTION, {algorithm} FROM information_schema.VIEWS \
             WHERE {} AND TABLE_NAME = {name} AND CAST(TABLE_NAME AS BINARY) = {name}",
            session.in_database(database).by("TABLE_SCHEMA"),
            name = string_literal(object.name())
        );
        let rows = session.query(&sql).await?;
        let row = rows.first().filter(|row| row.text(0).is_ok_and(|query| !query.is_empty()));
        let Some(row) = row else { return Err(error) };
        let definer = row.text(2)?;
        let (user, host) = definer.rsplit_once('@').unwrap_or((&definer, ""));
        let check = match row.text(1)?.as_str() {
            "NONE" => String::new(),
            check => format!(" WITH {check} CHECK OPTION"),
        };
        let create = format!(
            "CREATE ALGORITHM={} DEFINER={}@{} SQL SECURITY {} VIEW {} AS {}{check}",
            row.text(6)?,
            quote_identifier(user),
            quote_identifier(host),
            row.text(3)?,
            quote_identifier(object.name()),
            row.text(0)?,
        );
        Ok(Self {
            create: without_own_database(create.as_bytes(), database),
            charset_client: row.text(4)?,
            collation_connection: row.text(5)?,
            broken: Some(broken),
            object,
            names_database: false,
        })
    }

    fn database(&self) -> &str {
        self.object.database_name().unwrap_or_default()
    }

    /// Has the server look at the view's query by itself.
    async fn check_query(&self, session: &mut Session, guard: &Mutex<Guard>) -> Result<Result<()>> {
        let checked = self.check_query_by(session).await?;
        if !would_write(&checked) {
            return Ok(checked);
        }
        let mut guard = guard.lock().await;
        self.check_query_by(guard.session_in(self.database()).await?).await
    }

    async fn check_query_by(&self, session: &mut Session) -> Result<Result<()>> {
        let Some(query) = printed::query_of_view(&self.create, self.object.name()) else {
            return Ok(Ok(()));
        };
        session.execute(set_charset(&self.charset_client, &self.collation_connection)).await?;
        let checked = session.check_statement(query).await;
        session.execute("SET NAMES utf8mb4").await?;
        session.execute("SET character_set_results = NULL").await?;
        Ok(checked)
    }

    /// What the server says to the view's query by itself, if it does not take it.
    async fn why_broken(
        &self,
        session: &mut Session,
        guard: &Mutex<Guard>,
    ) -> Result<Option<String>> {
        match self.check_query(session, guard).await? {
            Ok(()) => Ok(None),
            Err(error) => reason(error, session.flavor()),
        }
    }

    /// Whether the server knows no function of a name that the view's query calls.
    async fn calls_unknown(&self, session: &mut Session, guard: &Mutex<Guard>) -> Result<bool> {
        match self.check_query(session, guard).await? {
            Ok(()) => Ok(false),
            Err(error) => match error.server() {
                Some(told) => Ok(told.number == ER_SP_DOES_NOT_EXIST),
                None => Err(error),
            },
        }
    }

    /// What is lost of it where it is restored into another database.
    pub(super) fn lost(&self) -> Option<String> {
        self.names_database.then(|| {
            format!(
                "{} calls a function of a package by the name of its database, as this server \
                 needs it: restored into another one, it calls the function of this",
                self.object
            )
        })
    }

    /// A view with a text and nothing else.
    #[cfg(test)]
    pub(super) fn of_text(object: ObjectName, create: &str) -> Self {
        Self {
            object,
            create: create.into(),
            charset_client: String::new(),
            collation_connection: String::new(),
            broken: None,
            names_database: false,
        }
    }

    /// Writes the view. One that is broken on the server cannot be created by anyone, so its
    /// text is kept as a comment, and the reason is returned as a warning.
    pub(super) fn write(&self, script: &mut Script) -> Option<String> {
        script.comment(format_args!("{}", self.object));
        if let Some(reason) = &self.broken {
            let settings = set_charset(&self.charset_client, &self.collation_connection);
            push_comment(script.text(), settings.as_bytes());
            push_comment(script.text(), &self.create);
            // What stands in for it would pass for it.
            script
                .statement(format!("DROP VIEW IF EXISTS {}", quote_identifier(self.object.name())));
            return Some(format!(
                "{} is broken on the server and was kept as a comment: {reason}",
                self.object
            ));
        }
        script.statement(format!("DROP VIEW IF EXISTS {}", quote_identifier(self.object.name())));
        script.statement(set_charset(&self.charset_client, &self.collation_connection));
        script.statement(&self.create);
        script.statement("SET NAMES utf8mb4");
        None
    }
}

/// Whether the server will not even look at a statement in a transaction that only reads, because of
/// what a function in it does.
fn would_write<T>(looked: &Result<T>) -> bool {
    let told = looked.as_ref().err().and_then(Error::server);
    told.is_some_and(|told| told.number == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
}

/// Why a view is broken, in the words of the server's own error; the error itself where that does not
/// say so: of a lock, a limit, a disk or a connection it tells nothing about the view.
fn reason(error: Error, flavor: Flavor) -> Result<Option<String>> {
    match error.server() {
        // It may be whole; this account cannot tell.
        Some(_) if error.kind() == ErrorKind::Privilege => Err(error),
        Some(server) if is_about_text(server, flavor) => Ok(Some(server.message.clone())),
        _ => Err(error),
    }
}

/// Whether an error is about what a statement says: of the SQLSTATE classes for syntax and access
/// rules (42) and for the number of columns or rows (21), or one of those of `HY000` that are.
fn is_about_text(error: &ServerError, flavor: Flavor) -> bool {
    const OF_LIMITS: [u16; 2] = [ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED];
    const GENERAL: [u16; 7] = [
        ER_VIEW_INVALID,
        ER_VIEW_RECURSIVE,
        ER_WRONG_VALUE,
        ER_NO_SUCH_USER,
        ER_CANT_AGGREGATE_2COLLATIONS,
        ER_CANT_AGGREGATE_3COLLATIONS,
        ER_CANT_AGGREGATE_NCOLLATIONS,
    ];
    let class = error.sqlstate.get(..2).unwrap_or_default();
    (matches!(class, "42" | "21") && !OF_LIMITS.contains(&error.number))
        || GENERAL.contains(&error.number)
        // About `FOR SYSTEM_TIME` and system-versioned tables.
        || (flavor == Flavor::MariaDb && (4100..4200).contains(&error.number))
}

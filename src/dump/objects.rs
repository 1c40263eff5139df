//! The definitions of routines, views, triggers, events and sequences as script text.

use super::definer;
use super::options::{Definer, DumpOptions};
use super::printed;
use super::script::Script;
use crate::error::{Error, ErrorKind, Result, ServerError};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{
    Database, ER_CANT_AGGREGATE_2COLLATIONS, ER_CANT_AGGREGATE_3COLLATIONS,
    ER_CANT_AGGREGATE_NCOLLATIONS, ER_NO_SUCH_USER, ER_TOO_MANY_USER_CONNECTIONS,
    ER_USER_LIMIT_REACHED, ER_VIEW_INVALID, ER_WRONG_VALUE, Flavor, Session, is_missing_or_changed,
    string_literal,
};
use crate::sql::literal::push_comment;

/// The SQL mode of the script itself, to which it goes back after an object of another mode.
pub(super) const SCRIPT_SQL_MODE: &str = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO";

/// A stored program as the server describes it: its text and the session state in which it was
/// created, which the server keeps with it and which a restore has to reproduce.
#[derive(Debug)]
struct StoredProgram {
    create: Vec<u8>,
    sql_mode: String,
    charsets: Option<Charsets>,
    time_zone: Option<String>,
    /// The time at which it has to be created, in seconds of Unix time.
    timestamp: Option<u64>,
}

/// The client's character set, the connection's collation and the database's, at the time when a
/// program was created.
#[derive(Debug)]
struct Charsets {
    client: String,
    connection: String,
    database: String,
}

/// Where the parts of a stored program stand in the answer to `SHOW CREATE` of its kind.
struct Answer {
    sql_mode: usize,
    time_zone: Option<usize>,
    create: usize,
    /// The two collations follow. A library has none of the three.
    charset_client: Option<usize>,
}

impl StoredProgram {
    async fn read(session: &mut Session, object: &ObjectName) -> Result<Self> {
        let answer = match object.kind() {
            ObjectKind::Event => {
                Answer { sql_mode: 1, time_zone: Some(2), create: 3, charset_client: Some(4) }
            }
            ObjectKind::Library => {
                Answer { sql_mode: 1, time_zone: None, create: 2, charset_client: None }
            }
            _ => Answer { sql_mode: 1, time_zone: None, create: 2, charset_client: Some(3) },
        };
        let row = session.query_one(&show_create(object)).await?;
        let create = row.bytes(answer.create)?.map(<[u8]>::to_vec).ok_or_else(|| {
            // The server answers NULL to an account that may not see the body.
            Error::new(
                ErrorKind::Privilege,
                format!(
                    "the account may not read the definition: grant it {}",
                    match object.kind() {
                        ObjectKind::Trigger => "TRIGGER on the table",
                        ObjectKind::Event => "EVENT on the database",
                        _ =>
                            "SHOW_ROUTINE or SELECT on *.* (MySQL), SHOW CREATE ROUTINE on the \
                              database or SELECT on mysql.proc (MariaDB)",
                    }
                ),
            )
        })?;
        let charsets = answer
            .charset_client
            .map(|column| {
                Ok::<_, Error>(Charsets {
                    client: row.text(column)?,
                    connection: row.text(column + 1)?,
                    database: row.text(column + 2)?,
                })
            })
            .transpose()?;
        Ok(Self {
            create,
            sql_mode: row.text(answer.sql_mode)?,
            charsets,
            time_zone: answer.time_zone.map(|column| row.text(column)).transpose()?,
            timestamp: None,
        })
    }

    /// Puts right the texts that the server prints otherwise than it reads them when the program is
    /// created: the comment under `NO_BACKSLASH_ESCAPES`, and comment and name, which it prints in
    /// UTF-8 around a body that is in the character set of the client that made it.
    async fn rewrite_texts(&mut self, session: &mut Session, object: &ObjectName) -> Result<()> {
        let no_escapes = self.sql_mode.contains("NO_BACKSLASH_ESCAPES");
        let charset = self.charsets.as_ref().map(|own| own.client.clone());
        let charset = charset.filter(|name| !name.starts_with("utf8"));
        if !no_escapes && charset.is_none() {
            return Ok(());
        }
        let (view, prefix, condition) = match object.kind() {
            // Its text is printed as it was written.
            ObjectKind::Trigger => return Ok(()),
            ObjectKind::Event => ("EVENTS", "EVENT", String::new()),
            ObjectKind::Library => ("LIBRARIES", "LIBRARY", String::new()),
            kind => ("ROUTINES", "ROUTINE", format!(" AND ROUTINE_TYPE = '{}'", kind.sql())),
        };
        // The server does it: it knows where a quote is half a character.
        let charset = charset.as_deref().unwrap_or("utf8mb4");
        let comment = format!("CONVERT({prefix}_COMMENT USING {charset})");
        let literal = if no_escapes {
            format!("CONCAT('''', REPLACE({comment}, '''', ''''''), '''')")
        } else {
            format!(r"REPLACE(REPLACE(QUOTE({comment}), '\r', '\\r'), '\n', '\\n')")
        };
        let sql = format!(
            "SELECT {prefix}_COMMENT, {literal}, \
             CONCAT('`', REPLACE(CONVERT({prefix}_NAME USING {charset}), '`', '``'), '`') \
             FROM information_schema.{view} \
             WHERE {} AND {prefix}_NAME = {}{condition}",
            session
                .in_database(object.database_name().unwrap_or_default())
                .by(&format!("{prefix}_SCHEMA")),
            string_literal(object.name())
        );
        let row = session.query_one(&sql).await?;
        let (literal, name) =
            (row.bytes(1)?.unwrap_or_default(), row.bytes(2)?.unwrap_or_default());
        self.create = printed::with_comment(&self.create, &row.text(0)?, literal);
        if !object.name().is_ascii() {
            self.create = printed::with_name(&self.create, object.name(), name);
        }
        Ok(())
    }

    fn write(
        &self,
        script: &mut Script,
        database: &Database,
        object: &ObjectName,
        options: &DumpOptions,
    ) -> Option<String> {
        // The object keeps the default collation that its database had when it was created.
        let charsets = self.charsets.as_ref();
        let other_collation =
            charsets.map(|own| own.database.as_str()).filter(|own| *own != database.collation);
        // A part of a database does not change the defaults of another one, not even for a moment:
        // what those are, the script could not put back.
        let kept = options.include().is_empty();
        let lost = other_collation.filter(|_| !kept).map(|collation| {
            format!(
                "{object} was created in a database with the collation {collation}; restored from \
                 a dump of a part, it takes that of the database it is restored into"
            )
        });
        let other_collation = other_collation.filter(|_| kept);
        if let Some(collation) = other_collation {
            script.statement(format!("ALTER DATABASE COLLATE = {collation}"));
        }
        if let Some(time_zone) = &self.time_zone {
            script.statement(format!("SET time_zone = {}", string_literal(time_zone)));
        }
        if let Some(timestamp) = self.timestamp {
            script.statement(format!("SET timestamp = {timestamp}"));
        }
        script.statement(format!("SET sql_mode = {}", string_literal(&self.sql_mode)));
        // Under this SQL mode: MariaDB 10.11 knows of packages only in Oracle mode.
        script.statement(format!(
            "DROP {} IF EXISTS {}",
            object.kind().sql(),
            quote_identifier(object.name())
        ));
        if let Some(own) = charsets {
            script.statement(set_charset(&own.client, &own.connection));
        }

        let create = definer::apply(&self.create, options.definer());
        push_delimited(script.text(), &create);
        script.note_statement(create.len());

        if charsets.is_some() {
            script.statement("SET NAMES utf8mb4");
        }
        script.statement(format!("SET sql_mode = '{SCRIPT_SQL_MODE}'"));
        if self.timestamp.is_some() {
            script.statement("SET timestamp = DEFAULT");
        }
        if self.time_zone.is_some() {
            script.statement("SET time_zone = '+00:00'");
        }
        if other_collation.is_some() {
            script.statement(format!("ALTER DATABASE COLLATE = {}", database.collation));
        }
        lost
    }
}

fn set_charset(client: &str, collation: &str) -> String {
    format!(
        "SET character_set_client = {client}, character_set_results = {client}, \
         collation_connection = {collation}"
    )
}

fn show_create(object: &ObjectName) -> String {
    format!("SHOW CREATE {} {}", object.kind().sql(), quote_identifier(object.name()))
}

/// Whether the server shows the text of a routine to the account, and does not only list it.
pub(super) async fn is_shown(session: &mut Session, object: &ObjectName) -> Result<bool> {
    let database = quote_identifier(object.database_name().unwrap_or_default());
    let name = quote_identifier(object.name());
    let sql = format!("SHOW CREATE {} {database}.{name}", object.kind().sql());
    match session.query(&sql).await {
        Ok(rows) => Ok(match rows.first() {
            Some(row) => row.bytes(2)?.is_some(),
            None => false,
        }),
        Err(error) if error.server().is_some() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Appends a statement that may hold the usual delimiter.
fn push_delimited(text: &mut Vec<u8>, create: &[u8]) {
    let delimiter = delimiter_for(create);
    text.extend_from_slice(format!("DELIMITER {delimiter}\n").as_bytes());
    text.extend_from_slice(create);
    // On a line of its own: the body may end in a comment.
    text.extend_from_slice(format!("\n{delimiter}\nDELIMITER ;\n").as_bytes());
}

/// A delimiter that the text does not contain. `;;` is what people expect to see; stock clients
/// take up to 15 bytes.
fn delimiter_for(text: &[u8]) -> String {
    let free = |delimiter: &str| memchr::memmem::find(text, delimiter.as_bytes()).is_none();
    if let Some(delimiter) = [";;", "//", "$$"].into_iter().find(|delimiter| free(delimiter)) {
        return delimiter.to_owned();
    }
    // A text of n bytes cannot hold n different numbers, so this ends.
    let mut number = 0u64;
    loop {
        let delimiter = format!("//{number}//");
        if free(&delimiter) {
            return delimiter;
        }
        number += 1;
    }
}

/// Writes a stored function, procedure, package, trigger or event. Returns what is lost of it.
pub(super) async fn write_program(
    session: &mut Session,
    script: &mut Script,
    database: &Database,
    object: &ObjectName,
    options: &DumpOptions,
) -> Result<Option<String>> {
    let mut program = StoredProgram::read(session, object).await?;
    if object.kind() == ObjectKind::Event {
        let event = database.events.iter().find(|event| event.name == object.name());
        program.timestamp = event.and_then(|event| event.created);
    }
    program.create = printed::libraries_without_own_database(&program.create, &database.name);
    program.rewrite_texts(session, object).await?;
    script.comment(format_args!("{object}"));
    Ok(program.write(script, database, object, options))
}

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
}

impl View {
    /// Reads a view of the session's current database: the server then leaves out that
    /// database's name, so that the view can be restored into another one.
    pub(super) async fn read(session: &mut Session, object: ObjectName) -> Result<Self> {
        let row = match session.query_one(&show_create(&object)).await {
            Ok(row) => row,
            Err(error) => return Self::unprintable(session, object, error).await,
        };
        let create = printed::without_own_database(
            row.bytes(1)?.unwrap_or_default(),
            object.database_name().unwrap_or_default(),
        );
        let mut view = Self {
            object,
            create,
            charset_client: row.text(2)?,
            collation_connection: row.text(3)?,
            broken: None,
        };
        let probe = format!("SELECT 1 FROM {} LIMIT 0", quote_identifier(view.object.name()));
        if let Err(error) = session.query(&probe).await {
            let number = error.server().map(|server| server.number);
            view.broken = match number {
                // Nobody can read it, because its definer is gone or lacks rights, or because what
                // it reads is gone. Its text alone tells whether it can be created.
                Some(ER_NO_SUCH_USER | ER_VIEW_INVALID) => view.why_broken(session).await?,
                _ => reason(error)?,
            };
        }
        Ok(view)
    }

    /// A view that the server cannot print, as `MariaDB` cannot where what stands behind `FOR
    /// SYSTEM_TIME` makes no sense any more. Its catalogue holds the text.
    async fn unprintable(session: &mut Session, object: ObjectName, error: Error) -> Result<Self> {
        let is_gone = error.server().is_some_and(|told| is_missing_or_changed(told.number));
        let Some(broken) = reason(error.clone()).ok().flatten().filter(|_| !is_gone) else {
            return Err(error);
        };
        if session.flavor() != Flavor::MariaDb {
            return Err(error);
        }
        let database = object.database_name().unwrap_or_default();
        let sql = format!(
            "SELECT VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, CHARACTER_SET_CLIENT, \
             COLLATION_CONNECTION, ALGORITHM FROM information_schema.VIEWS \
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
            create: printed::without_own_database(create.as_bytes(), database),
            charset_client: row.text(4)?,
            collation_connection: row.text(5)?,
            broken: Some(broken),
            object,
        })
    }

    /// What the server says to the view's query by itself, if it does not take it.
    async fn why_broken(&self, session: &mut Session) -> Result<Option<String>> {
        let Some(query) = printed::query_of_view(&self.create, self.object.name()) else {
            return Ok(None);
        };
        session.execute(set_charset(&self.charset_client, &self.collation_connection)).await?;
        let checked = session.check_statement(query).await;
        session.execute("SET NAMES utf8mb4").await?;
        session.execute("SET character_set_results = NULL").await?;
        match checked {
            Ok(()) => Ok(None),
            Err(error) => reason(error),
        }
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
        }
    }

    /// Writes the view. One that is broken on the server cannot be created by anyone, so its
    /// text is kept as a comment, and the reason is returned as a warning.
    pub(super) fn write(&self, script: &mut Script, policy: &Definer) -> Option<String> {
        script.comment(format_args!("{}", self.object));
        let create = definer::apply(&self.create, policy);
        if let Some(reason) = &self.broken {
            let settings = set_charset(&self.charset_client, &self.collation_connection);
            push_comment(script.text(), settings.as_bytes());
            push_comment(script.text(), &create);
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
        script.statement(&create);
        script.statement("SET NAMES utf8mb4");
        None
    }
}

/// Why a view is broken, in the words of the server's own error; the error itself where that does not
/// say so: of a lock, a limit, a disk or a connection it tells nothing about the view.
fn reason(error: Error) -> Result<Option<String>> {
    match error.server() {
        // It may be whole; this account cannot tell.
        Some(_) if error.kind() == ErrorKind::Privilege => Err(error),
        Some(server) if is_about_text(server) => Ok(Some(server.message.clone())),
        _ => Err(error),
    }
}

/// Whether an error is about what a statement says: of the SQLSTATE classes for syntax and access
/// rules (42) and for the number of columns or rows (21), or one of those of `HY000` that are.
fn is_about_text(error: &ServerError) -> bool {
    const OF_LIMITS: [u16; 2] = [ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED];
    const GENERAL: [u16; 6] = [
        ER_VIEW_INVALID,
        ER_WRONG_VALUE,
        ER_NO_SUCH_USER,
        ER_CANT_AGGREGATE_2COLLATIONS,
        ER_CANT_AGGREGATE_3COLLATIONS,
        ER_CANT_AGGREGATE_NCOLLATIONS,
    ];
    let class = error.sqlstate.get(..2).unwrap_or_default();
    (matches!(class, "42" | "21") && !OF_LIMITS.contains(&error.number))
        || GENERAL.contains(&error.number)
        // MariaDB's, about `FOR SYSTEM_TIME` and system-versioned tables.
        || (4100..4200).contains(&error.number)
}

/// Writes a sequence and the value that it will give next.
pub(super) async fn write_sequence(
    session: &mut Session,
    script: &mut Script,
    object: &ObjectName,
) -> Result<()> {
    let name = quote_identifier(object.name());
    let create = session.query_one(&show_create(object)).await?;
    let state = session
        .query_one(&format!(
            "SELECT next_not_cached_value, cycle_count, \
             IF(increment >= 0, IF(next_not_cached_value < start_value, minimum_value, NULL), \
             IF(next_not_cached_value > start_value, maximum_value, NULL)) FROM {name}"
        ))
        .await?;
    script.comment(format_args!("{object}"));
    script.statement(format!("DROP SEQUENCE IF EXISTS {name}"));
    script.statement(create.bytes(1)?.unwrap_or_default());
    if let Some(first) = state.optional_text(2)? {
        // SETVAL does not go back, and says nothing.
        script.statement(format!("ALTER SEQUENCE {name} RESTART WITH {first}"));
    }
    // The last two say that the value has not been given out, and how often it began again.
    script.statement(format!("DO SETVAL({name}, {}, 0, {})", state.text(0)?, state.text(1)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::sql::split::{Dialect, SplitOptions, Splitter, Step};

    #[test]
    fn a_delimiter_never_stands_in_the_body() {
        assert_eq!(delimiter_for(b"BEGIN SELECT 1; END"), ";;");
        assert_eq!(delimiter_for(b"a;;b"), "//");
        assert_eq!(delimiter_for(b"a;;b//c$$d"), "//0//");
        assert_eq!(delimiter_for(b"a;;b//c$$d//0//"), "//1//");
    }

    /// What a body can be made of; quotes and comments are closed, as they are in every body that
    /// a server has.
    const PIECES: &[&str] = &[
        "BEGIN",
        "END",
        ";",
        ";;",
        "//",
        "//0//",
        "SET a = 1",
        "';'",
        "';;\\' //'",
        "\"$;\"",
        "`;;`",
        "/* ; ' */",
        "-- ; it's\n",
        "# ;;\n",
        "\r\n",
        "DELIMITER //",
        "\\N",
        "/*!50003 a */",
        "é",
    ];

    proptest! {
        /// Only the white space at its ends is not kept.
        #[test]
        fn bodies_are_cut_out_again(
            bodies in vec(vec(select(PIECES), 1..12), 1..4),
            dollar_quotes: bool,
        ) {
            let bodies: Vec<String> =
                bodies.iter().map(|pieces| format!("CREATE x {}", pieces.join(" "))).collect();
            let mut script = b"SELECT 1;\n".to_vec();
            for body in &bodies {
                push_delimited(&mut script, body.as_bytes());
                script.extend_from_slice(b"SELECT 2;\n");
            }
            for dialect in [Dialect::MariaDb, Dialect::MySql { dollar_quotes }] {
                let mut splitter = Splitter::new(SplitOptions::new(dialect));
                let mut rest = script.as_slice();
                let mut found = Vec::new();
                loop {
                    match splitter.step(rest, true).unwrap() {
                        Step::Statement(statement) => {
                            found.push(rest[statement.text.clone()].to_vec());
                            rest = &rest[statement.consumed..];
                        }
                        Step::Skip { consumed } => rest = &rest[consumed..],
                        Step::More | Step::End => break,
                    }
                }
                let mut wanted = vec![b"SELECT 1".to_vec()];
                for body in &bodies {
                    wanted.push(body.trim_ascii_end().as_bytes().to_vec());
                    wanted.push(b"SELECT 2".to_vec());
                }
                prop_assert_eq!(&found, &wanted);
            }
        }
    }
}

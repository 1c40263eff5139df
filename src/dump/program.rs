//! A stored program as script text: a function, procedure, package, library, trigger or event.

use std::collections::BTreeSet;

use super::converted;
use super::definer;
use super::options::{Definer, DumpOptions};
use super::printed::{self, show_create};
use super::script::Script;
use super::session_settings::{SCRIPT_SQL_MODE, set_charset, set_sql_mode};
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{
    Database, ER_BAD_FIELD_ERROR, ER_PARSE_ERROR, Flavor, Session, Trigger, string_literal,
};
use crate::sql::charset::Charset;
use crate::sql::literal::push_comment;
use crate::sql::token::{Reading, Token, Tokens};

/// What became of a stored program in the script.
pub(super) struct Written {
    /// Whether the script makes it.
    pub(super) definition: bool,
    /// What is lost of it, one sentence each.
    pub(super) lost: Vec<String>,
}

/// Writes a stored function, procedure, package, trigger or event.
pub(super) async fn write_program(
    session: &mut Session,
    script: &mut Script,
    database: &Database,
    object: &ObjectName,
    options: &DumpOptions,
) -> Result<Written> {
    let mut program = StoredProgram::read(session, object).await?;
    if object.kind() == ObjectKind::Event {
        let event = database.events.iter().find(|event| event.name == object.name());
        program.timestamp = event.and_then(|event| {
            // A scheduler at work would run, at once, what is made at a time that is over: then it is
            // made now, which the server answers by not keeping it.
            let at = event.created?;
            Some(if event.enabled {
                format!("IF(@@GLOBAL.event_scheduler = 'ON', 0, {at})")
            } else {
                at.to_string()
            })
        });
    }
    if object.kind() == ObjectKind::Event && program.sql_mode.contains("HIGH_NOT_PRECEDENCE") {
        program.create = printed::event_of_high_not(&program.create);
    }
    program.create = printed::libraries_without_own_database(&program.create, &database.name);
    let trigger = database
        .triggers
        .iter()
        .find(|trigger| object.kind() == ObjectKind::Trigger && trigger.name == object.name());
    // MariaDB prints a trigger as it was written.
    let table = trigger.filter(|_| session.flavor() == Flavor::MySql);
    let table = table.map(|trigger| trigger.table.as_str());
    let missing = match trigger {
        Some(trigger) => program.missing_column(session, database, trigger).await?,
        None => None,
    };
    if let Some(column) = missing {
        // Its text as it is: nobody reads it but people.
        program.write_as_comment(script, object);
        let lost = format!(
            "{object} is broken on the server and was kept as a comment: it names the column \
             '{column}' of its table, which has none of that name any more"
        );
        return Ok(Written { definition: false, lost: vec![lost] });
    }
    let lost = program.rewrite_texts(session, object, table, options.definer()).await?;
    script.comment(format_args!("{object}"));
    let other = program.write(script, database, object, options);
    Ok(Written { definition: true, lost: lost.into_iter().chain(other).collect() })
}

/// A stored program as the server describes it: its text and the session state in which it was
/// created, which the server keeps with it and which a restore has to reproduce.
#[derive(Debug)]
struct StoredProgram {
    create: Vec<u8>,
    sql_mode: String,
    charsets: Option<Charsets>,
    time_zone: Option<String>,
    /// The time at which it has to be created, in seconds of Unix time, as an expression.
    timestamp: Option<String>,
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
        let row = match session.query_one(&show_create(object)).await {
            Err(error) if error.server().is_some_and(|told| told.number == ER_PARSE_ERROR) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the server itself cannot read its definition any more (nor run it): drop it \
                     or make it anew, where its names are of letters that the client's character set \
                     has in the places of ASCII's signs (swe7) from a client of utf8mb4; or leave it out",
                )
                .with_source(error));
            }
            answer => answer?,
        };
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

    /// Puts right what the server prints otherwise than it reads it when the program is created:
    /// the comment under `NO_BACKSLASH_ESCAPES`, and names, definer and comment, which it prints in
    /// UTF-8 around a body that is in the character set of the client that made it. Returns what is
    /// lost of it.
    async fn rewrite_texts(
        &mut self,
        session: &mut Session,
        object: &ObjectName,
        table: Option<&str>,
        policy: &Definer,
    ) -> Result<Option<String>> {
        let charset = self.charsets.as_ref().map(|own| own.client.clone());
        let charset = charset.as_deref().and_then(converted::other_than_utf8);
        let mut known = None;
        let mut lost = None;
        if charset.is_some() || self.sql_mode.contains("NO_BACKSLASH_ESCAPES") {
            let row = session.query_one(&self.query_texts(session, object, charset)).await?;
            if let Some(literal) = row.bytes(2)? {
                self.create = printed::with_comment(&self.create, &row.text(1)?, literal);
            }
            if row.text(3)? != "1" {
                lost = Some(format!(
                    "the comment of {object} cannot be written in {}, the character set of the \
                     client that made it: it has question marks in place of some characters",
                    charset.unwrap_or("utf8mb4")
                ));
            }
            known = row.optional_text(0)?;
        }
        self.create =
            definer::applied_in(session, &self.create, policy, known.as_deref(), charset).await?;
        // The program's own name stands in front of that of a trigger's table.
        for name in [Some(object.name()), table].into_iter().flatten() {
            if let Some(charset) = charset.filter(|charset| !converted::reads_alike(name, charset))
            {
                let converted = converted::identifier(session, name, charset).await?;
                self.create = printed::with_name(&self.create, name, &converted);
            }
        }
        Ok(lost)
    }

    /// Asks for the definer, the comment, the comment as a literal in the character set, and whether
    /// it survives that.
    fn query_texts(&self, session: &Session, object: &ObjectName, charset: Option<&str>) -> String {
        let (view, prefix, condition) = match object.kind() {
            ObjectKind::Trigger => ("TRIGGERS", "TRIGGER", String::new()),
            ObjectKind::Event => ("EVENTS", "EVENT", String::new()),
            ObjectKind::Library => ("LIBRARIES", "LIBRARY", String::new()),
            kind => ("ROUTINES", "ROUTINE", format!(" AND ROUTINE_TYPE = '{}'", kind.sql())),
        };
        let charset = charset.unwrap_or("utf8mb4");
        let stored = format!("{prefix}_COMMENT");
        let comment = format!("CONVERT({stored} USING {charset})");
        // By bytes: in swe7 a backslash is a letter. None of those that are looked for is ever half a
        // character.
        let literal = if self.sql_mode.contains("NO_BACKSLASH_ESCAPES") {
            format!("CONCAT(0x27, REPLACE(CAST({comment} AS BINARY), 0x27, 0x2727), 0x27)")
        } else {
            format!(
                "REPLACE(REPLACE(CAST(QUOTE({comment}) AS BINARY), 0x0D, 0x5C72), 0x0A, 0x5C6E)"
            )
        };
        let comment = match object.kind() {
            // It has none, and the rest is printed as it was written.
            ObjectKind::Trigger => "NULL, NULL, 1".to_owned(),
            _ => format!("{stored}, {literal}, {}", converted::is_kept(&stored, charset)),
        };
        let definer = if object.kind() == ObjectKind::Library { "NULL" } else { "DEFINER" };
        format!(
            "SELECT {definer}, {comment} FROM information_schema.{view} WHERE {} \
             AND {prefix}_NAME = {name} AND CAST({prefix}_NAME AS BINARY) = {name}{condition}",
            session
                .in_database(object.database_name().unwrap_or_default())
                .by(&format!("{prefix}_SCHEMA")),
            name = string_literal(object.name())
        )
    }

    /// A column that the text of a trigger takes from `NEW` or `OLD` and that its table does not have:
    /// the server lets columns go that triggers name, and nobody can make the trigger any more.
    async fn missing_column(
        &self,
        session: &mut Session,
        database: &Database,
        trigger: &Trigger,
    ) -> Result<Option<String>> {
        let table = database.tables.iter().find(|table| table.name == trigger.table);
        let (Some(table), Some(named)) = (table, self.columns_of_rows(session)) else {
            return Ok(None);
        };
        let known: BTreeSet<_> =
            table.columns.iter().map(|column| column.name.to_lowercase()).collect();
        // Others are not read for certain in every character set.
        let client = self.charsets.as_ref().map_or("", |own| own.client.as_str());
        let unknown = |name: &&String| {
            converted::reads_alike(name, client) && !known.contains(&name.to_lowercase())
        };
        for name in named.iter().filter(unknown) {
            let table = quote_identifier(&table.name);
            let sql = format!("SELECT {} FROM {table} LIMIT 0", quote_identifier(name));
            // There are some that no list has, as the times of row versions.
            let seen = session.query(&sql).await;
            session.release_metadata_locks().await?;
            match seen.map_err(|error| (error.server().map(|told| told.number), error)) {
                Err((Some(ER_BAD_FIELD_ERROR), _)) => return Ok(Some(name.clone())),
                Err((None, error)) => return Err(error),
                // This account may not look.
                Ok(_) | Err((Some(_), _)) => {}
            }
        }
        Ok(None)
    }

    /// The columns that a trigger takes from its rows, where its text can be read.
    fn columns_of_rows(&self, session: &Session) -> Option<Vec<String>> {
        let (major, minor, patch) = session.version().number();
        let reading = Reading {
            dialect: session.dialect(),
            version: u32::from(major) * 10_000 + u32::from(minor) * 100 + u32::from(patch),
            charset: Charset::from_name(&self.charsets.as_ref()?.client).ok()?,
            ansi_quotes: ["ANSI", "ORACLE"].iter().any(|mode| self.sql_mode.contains(mode)),
            no_backslash_escapes: self.sql_mode.contains("NO_BACKSLASH_ESCAPES"),
        };
        columns_of_rows(&self.create, &reading)
    }

    /// Keeps the text of a program that nobody can make for those who read it.
    fn write_as_comment(&self, script: &mut Script, object: &ObjectName) {
        script.comment(format_args!("{object}"));
        if let Some(own) = &self.charsets {
            push_comment(script.text(), set_charset(&own.client, &own.connection).as_bytes());
        }
        push_comment(script.text(), &self.create);
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
        if let Some(timestamp) = &self.timestamp {
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

        push_delimited(script.text(), &self.create);
        script.note_statement(self.create.len());

        if charsets.is_some() {
            script.statement("SET NAMES utf8mb4");
        }
        script.statement(set_sql_mode(SCRIPT_SQL_MODE));
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

/// The columns that a trigger takes from `NEW` and `OLD`. `None` where these may mean something else
/// as well: a variable, or a table.
fn columns_of_rows(create: &[u8], reading: &Reading) -> Option<Vec<String>> {
    let mut columns = Vec::new();
    let mut tokens = Tokens::new(create, reading);
    // A part of a longer name, or of one of a variable.
    let mut goes_on = false;
    while let Some(token) = tokens.next() {
        if token.is_any(&["NEW", "OLD"]) && !goes_on {
            if !tokens.take_sign(b'.') {
                return None;
            }
            columns.push(tokens.take_if(Token::is_name)?.value());
        }
        goes_on = token.is_sign(b'.') || token.is_sign(b'@');
    }
    Some(columns)
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

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::sql::split::{Dialect, SplitOptions, Splitter, Step};

    #[test]
    fn columns_of_a_triggers_rows_are_found() {
        let reading = Reading {
            dialect: Dialect::MariaDb,
            version: 110_800,
            charset: Charset::Utf8,
            ansi_quotes: false,
            no_backslash_escapes: false,
        };
        let columns = |body: &str| columns_of_rows(body.as_bytes(), &reading);
        let found = columns("SET NEW.a = OLD . `b c`, @new.x = 'NEW.d' -- OLD.e");
        assert_eq!(found.unwrap(), ["a", "b c"]);
        assert_eq!(columns("SET t.new.a = 1").unwrap(), [""; 0]);
        assert_eq!(columns("BEGIN DECLARE new ROW (a INT); SET new.a = OLD.b; END"), None);
        assert_eq!(
            columns("INSERT INTO u VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.b"),
            None
        );
    }

    /// S16.
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
        /// S16: Only the white space at its ends is not kept.
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

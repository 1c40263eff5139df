//! What a database holds, read by a handful of set-based queries per database.

mod column;
mod computations;
mod fingerprint;
mod histograms;
mod in_database;
mod objects;

pub(crate) use column::{Charset, Column, ColumnKind, Generated};
pub(crate) use fingerprint::{Fingerprints, InnodbIds, TableState, TableStates};
pub(crate) use histograms::Histogram;
pub(crate) use objects::{Database, Event, KeyPart, Period, Routine, Table, Trigger};

use std::collections::{BTreeMap, BTreeSet};

use self::column::Doubtful;
use self::in_database::InDatabase;
use super::flavor::Flavor;
use super::rows::TextRow;
use super::session::Session;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName};

/// Databases that belong to the server. They cannot be restored as databases.
const SYSTEM_DATABASES: [&str; 5] =
    ["information_schema", "performance_schema", "mysql", "sys", "ndbinfo"];

/// Whether a database is the server's own. Where case counts in names, `Sys` is somebody else's; it
/// never counts in the names of the first two.
pub(crate) fn is_system_database(name: &str, case_counts: bool) -> bool {
    let [schemas @ .., _, _, _] = SYSTEM_DATABASES;
    schemas.iter().any(|own| name.eq_ignore_ascii_case(own))
        || if case_counts {
            SYSTEM_DATABASES.contains(&name)
        } else {
            SYSTEM_DATABASES.iter().any(|own| name.eq_ignore_ascii_case(own))
        }
}

impl Session {
    /// The names of all databases that are not the server's own, in order of name.
    pub(crate) async fn database_names(&mut self) -> Result<Vec<String>> {
        let rows = self
            .query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME")
            .await?;
        let mut names = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        let case_counts = self.case_counts();
        names.retain(|name| !is_system_database(name, case_counts));
        Ok(names)
    }

    /// How many bytes the rows of these databases have on the server, by its own estimate; the
    /// empty name stands for all databases.
    pub(crate) async fn data_bytes(&mut self, databases: &[String]) -> Result<u64> {
        let list: Vec<_> = databases
            .iter()
            .map(|name| format!("({})", self.in_database(name).by("TABLE_SCHEMA")))
            .collect();
        let chosen = if list.is_empty() || databases.iter().any(String::is_empty) {
            String::new()
        } else {
            format!("WHERE {}", list.join(" OR "))
        };
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(DATA_LENGTH), 0) AS UNSIGNED) \
             FROM information_schema.TABLES {chosen}"
        );
        Ok(self.query_one(&sql).await?.optional_number(0)?.unwrap_or(0))
    }

    /// Everything that a database holds.
    pub(crate) async fn database(&mut self, name: &str) -> Result<Database> {
        let schema = self.in_database(name);
        let sql = format!(
            "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME \
             FROM information_schema.SCHEMATA WHERE {}",
            schema.by("SCHEMA_NAME")
        );
        let rows = self.query(&sql).await?;
        let Some(row) = rows.first() else {
            return Err(Error::config(format!("there is no database '{name}' on the server"))
                .at(|place| place.object = Some(ObjectName::database(name))));
        };
        let mut database = Database::new(row.text(0)?, row.text(1)?, row.text(2)?);
        self.read_database_options(&schema, &mut database).await?;
        self.read_tables(&schema, &mut database).await?;
        self.read_columns(&schema, &mut database).await?;
        self.read_computations(&schema, &mut database).await?;
        self.read_primary_keys(&schema, &mut database).await?;
        self.read_partitions(&schema, &mut database).await?;
        self.read_foreign_keys(&schema, &mut database).await?;
        self.read_triggers(&schema, &mut database).await?;
        self.read_libraries(&schema, &mut database).await?;
        self.read_routines(&schema, &mut database).await?;
        self.read_events(&schema, &mut database).await?;
        Ok(database)
    }

    /// What a database has besides its character set, where the server knows of it.
    async fn read_database_options(
        &mut self,
        schema: &InDatabase,
        database: &mut Database,
    ) -> Result<()> {
        let known = self
            .query(
                "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA = 'information_schema' \
                 AND TABLE_NAME IN ('SCHEMATA', 'SCHEMATA_EXTENSIONS') \
                 AND COLUMN_NAME IN ('SCHEMA_COMMENT', 'DEFAULT_ENCRYPTION', 'OPTIONS')",
            )
            .await?;
        for row in known {
            let (view, column) = (row.text(0)?, row.text(1)?);
            let sql = format!(
                "SELECT {column} FROM information_schema.{view} WHERE {}",
                schema.by("SCHEMA_NAME")
            );
            let value = match self.query(&sql).await?.first() {
                Some(row) => row.text(0)?,
                None => continue,
            };
            match column.as_str() {
                "SCHEMA_COMMENT" => database.comment = Some(value),
                "DEFAULT_ENCRYPTION" => database.encrypted = Some(value == "YES"),
                _ => database.read_only = value.contains("READ ONLY=1"),
            }
        }
        Ok(())
    }

    /// The engines that have transactions, in lower case.
    async fn transactional_engines(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT LOWER(ENGINE) FROM information_schema.ENGINES \
                   WHERE TRANSACTIONS = 'YES' AND SAVEPOINTS = 'YES'";
        self.query(sql).await?.iter().map(|row| row.text(0)).collect()
    }

    async fn read_tables(&mut self, schema: &InDatabase, database: &mut Database) -> Result<()> {
        let engines = self.transactional_engines().await?;
        let sql = format!(
            "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH \
             FROM information_schema.TABLES \
             WHERE {} ORDER BY TABLE_NAME",
            schema.by("TABLE_SCHEMA")
        );
        let rows = self.query(&sql).await?;
        let views = self.views_among(schema, &rows).await?;
        for row in rows {
            let (table, mut kind) = (row.text(0)?, row.text(1)?);
            if views.contains(&table) {
                "VIEW".clone_into(&mut kind);
            }
            let engine = row.optional_text(2)?;
            let known = |engine: &String| engines.contains(&engine.to_lowercase());
            match kind.as_str() {
                "BASE TABLE" | "SYSTEM VERSIONED" => database.tables.push(Table {
                    name: table,
                    transactional: engine.as_ref().is_none_or(known),
                    engine,
                    versioned: kind == "SYSTEM VERSIONED",
                    period: None,
                    rows_estimate: row.optional_number(3)?.unwrap_or(0),
                    bytes_estimate: row.optional_number(4)?.unwrap_or(0),
                    columns: Vec::new(),
                    primary_key: Vec::new(),
                    computes: false,
                    partitions: Vec::new(),
                }),
                "VIEW" => {
                    database.views.insert(table, Vec::new());
                }
                "SEQUENCE" => database.sequences.push(table),
                // Another session's; it is not part of the database.
                "TEMPORARY" | "LOCAL TEMPORARY" | "TEMPORARY SEQUENCE" => {}
                other => {
                    return Err(unknown(
                        &database.name,
                        &table,
                        &format!("is of the type {other}, which snapdump does not know"),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Which of these tables are views, which `MariaDB` calls base tables where it cannot open them.
    /// Such a table has no engine; but a damaged one has none either. The rows begin with the columns
    /// `TABLE_NAME`, `TABLE_TYPE` and `ENGINE`.
    pub(crate) async fn views_among(
        &mut self,
        schema: &InDatabase,
        tables: &[TextRow],
    ) -> Result<BTreeSet<String>> {
        let mut doubtful = BTreeSet::new();
        for row in tables {
            if row.text(1)? == "BASE TABLE" && row.optional_text(2)?.is_none() {
                doubtful.insert(row.text(0)?);
            }
        }
        if doubtful.is_empty() {
            return Ok(doubtful);
        }
        let sql = format!(
            "SELECT TABLE_NAME FROM information_schema.VIEWS WHERE {}",
            schema.by("TABLE_SCHEMA")
        );
        let mut views = BTreeSet::new();
        for row in self.query(&sql).await? {
            views.extend(doubtful.take(&row.text(0)?));
        }
        Ok(views)
    }

    async fn read_columns(&mut self, schema: &InDatabase, database: &mut Database) -> Result<()> {
        let sql = format!(
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_SET_NAME, DATETIME_PRECISION, \
             GENERATION_EXPRESSION, COLUMN_TYPE, COLUMN_DEFAULT, EXTRA, IS_NULLABLE \
             FROM information_schema.COLUMNS WHERE {} \
             ORDER BY TABLE_NAME, ORDINAL_POSITION",
            schema.by("TABLE_SCHEMA")
        );
        let rows = self.query(&sql).await?;
        let flavor = self.flavor();
        let mut tables = by_name(&mut database.tables);
        for row in rows {
            let (table, name) = (row.text(0)?, row.text(1)?);
            if let Some(table) = tables.get_mut(table.as_str()) {
                let column = column_of(&row, name, flavor).map_err(|error| {
                    error.at(|place| {
                        place.object =
                            Some(ObjectName::new(ObjectKind::Table, &database.name, &table.name));
                    })
                })?;
                if table.versioned {
                    let period = table.period.get_or_insert_with(Period::hidden);
                    match row.text(5)?.as_str() {
                        "ROW START" => period.start = column.clone(),
                        "ROW END" => period.end = column.clone(),
                        _ => {}
                    }
                }
                table.columns.push(column);
            } else if let Some(columns) = database.views.get_mut(&table) {
                columns.push(name);
            }
        }
        Ok(())
    }

    async fn read_primary_keys(
        &mut self,
        schema: &InDatabase,
        database: &mut Database,
    ) -> Result<()> {
        let sql = format!(
            "SELECT TABLE_NAME, COLUMN_NAME, COLLATION, SUB_PART \
             FROM information_schema.STATISTICS \
             WHERE {} AND INDEX_NAME = 'PRIMARY' \
             ORDER BY TABLE_NAME, SEQ_IN_INDEX",
            schema.by("TABLE_SCHEMA")
        );
        let rows = self.query(&sql).await?;
        let mut tables = by_name(&mut database.tables);
        for row in rows {
            if let Some(table) = tables.get_mut(row.text(0)?.as_str()) {
                table.primary_key.push(KeyPart {
                    column: row.text(1)?,
                    descending: row.text(2)? == "D",
                    prefix: row.optional_number(3)?.is_some(),
                });
            }
        }
        Ok(())
    }

    async fn read_partitions(
        &mut self,
        schema: &InDatabase,
        database: &mut Database,
    ) -> Result<()> {
        let sql = format!(
            "SELECT TABLE_NAME, COALESCE(SUBPARTITION_NAME, PARTITION_NAME) \
             FROM information_schema.PARTITIONS \
             WHERE {} AND PARTITION_NAME IS NOT NULL \
             ORDER BY TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION",
            schema.by("TABLE_SCHEMA")
        );
        let rows = self.query(&sql).await?;
        let mut tables = by_name(&mut database.tables);
        for row in rows {
            if let Some(table) = tables.get_mut(row.text(0)?.as_str()) {
                table.partitions.push(row.text(1)?);
            }
        }
        Ok(())
    }

    async fn read_foreign_keys(
        &mut self,
        schema: &InDatabase,
        database: &mut Database,
    ) -> Result<()> {
        if self.flavor() == Flavor::MySql {
            // Absent where the columns are no unique key (manual, REFERENTIAL_CONSTRAINTS).
            let sql = format!(
                "SELECT 1 FROM information_schema.REFERENTIAL_CONSTRAINTS \
                 WHERE {} AND UNIQUE_CONSTRAINT_NAME IS NULL LIMIT 1",
                schema.by("CONSTRAINT_SCHEMA")
            );
            database.loose_keys = !self.query(&sql).await?.is_empty();
        }
        Ok(())
    }

    async fn read_triggers(&mut self, schema: &InDatabase, database: &mut Database) -> Result<()> {
        // Creation order is execution order, so this order keeps it.
        let sql = format!(
            "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS \
             WHERE {} ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, \
             EVENT_MANIPULATION, ACTION_ORDER",
            schema.by("TRIGGER_SCHEMA")
        );
        for row in self.query(&sql).await? {
            database.triggers.push(Trigger { name: row.text(0)?, table: row.text(1)? });
        }
        Ok(())
    }

    /// Whether the server has libraries: `MySQL` since 9.2.
    async fn knows_libraries(&mut self) -> Result<bool> {
        let known = self
            .query(
                "SELECT 1 FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'LIBRARIES'",
            )
            .await?;
        Ok(!known.is_empty())
    }

    /// Libraries come before the routines that use them.
    async fn read_libraries(&mut self, schema: &InDatabase, database: &mut Database) -> Result<()> {
        if !self.knows_libraries().await? {
            return Ok(());
        }
        let sql = format!(
            "SELECT LIBRARY_NAME FROM information_schema.LIBRARIES \
             WHERE {} ORDER BY LIBRARY_NAME",
            schema.by("LIBRARY_SCHEMA")
        );
        for row in self.query(&sql).await? {
            database.routines.push(Routine { kind: ObjectKind::Library, name: row.text(0)? });
        }
        Ok(())
    }

    async fn read_routines(&mut self, schema: &InDatabase, database: &mut Database) -> Result<()> {
        let sql = format!(
            "SELECT ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES \
             WHERE {} ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
            schema.by("ROUTINE_SCHEMA")
        );
        for row in self.query(&sql).await? {
            let (name, kind) = (row.text(0)?, row.text(1)?);
            let kind = match kind.as_str() {
                "FUNCTION" => ObjectKind::Function,
                "PROCEDURE" => ObjectKind::Procedure,
                "PACKAGE" => ObjectKind::Package,
                "PACKAGE BODY" => ObjectKind::PackageBody,
                other => {
                    return Err(unknown(
                        &database.name,
                        &name,
                        &format!("is a routine of the type {other}, which snapdump does not know"),
                    ));
                }
            };
            database.routines.push(Routine { kind, name });
        }
        Ok(())
    }

    async fn read_events(&mut self, schema: &InDatabase, database: &mut Database) -> Result<()> {
        let sql = format!(
            "SELECT EVENT_NAME, \
             IF(COALESCE(EXECUTE_AT, ENDS) IS NULL, NULL, UNIX_TIMESTAMP(CREATED)), \
             STATUS = 'ENABLED' FROM information_schema.EVENTS WHERE {} ORDER BY EVENT_NAME",
            schema.by("EVENT_SCHEMA")
        );
        for row in self.query(&sql).await? {
            database.events.push(Event {
                name: row.text(0)?,
                created: row.optional_number(1)?,
                enabled: row.text(2)? == "1",
            });
        }
        Ok(())
    }
}

fn column_of(row: &TextRow, name: String, flavor: Flavor) -> Result<Column> {
    let data_type = row.text(2)?;
    let charset = row.optional_text(3)?;
    let precision = row.optional_number(4)?.and_then(|digits| u8::try_from(digits).ok());
    let extra = row.text(8)?;
    let generated = if row.optional_text(5)?.is_none_or(|expression| expression.is_empty()) {
        Generated::No
    } else if extra.contains("VIRTUAL") {
        Generated::Virtual
    } else {
        Generated::Stored
    };
    let column_type = row.text(6)?;
    let default = match flavor {
        // Quotes tell a literal from an expression. That of a text type is kept as it was written.
        Flavor::MariaDb => row
            .optional_text(7)?
            .filter(|text| text.starts_with('\'') && !data_type.ends_with("text")),
        // An expression is told by a word. A literal that its text cannot say is printed in
        // hexadecimal by this server, so a question mark is one.
        Flavor::MySql => row.optional_text(7)?.filter(|text| !text.contains('?')),
    };
    let expression = extra.contains("DEFAULT_GENERATED");
    let default = default.filter(|_| generated == Generated::No && !expression);
    let kind = ColumnKind::of(&data_type, &column_type, charset.as_deref(), precision);
    let kind = kind.ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!("column '{name}' is of the type {data_type}, which snapdump does not know"),
        )
    })?;
    let kind = match kind {
        ColumnKind::Vector { .. } => {
            let nothing_given = row.optional_text(7)?.is_none() && !expression;
            ColumnKind::Vector { empty_by_default: row.text(9)? == "NO" && nothing_given }
        }
        kind => kind,
    };
    let doubtful = Doubtful::of(&column_type, charset.as_deref(), default.as_deref());
    Ok(Column {
        name,
        kind,
        generated,
        not_null: row.text(9)? == "NO",
        doubtful,
        ordered: column::is_ordered(&data_type),
        long: column::is_long(&data_type),
    })
}

fn unknown(database: &str, name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("'{name}' {what}"))
        .at(|place| place.object = Some(ObjectName::database(database)))
}

/// A string literal that no SQL mode reads differently: quotes are doubled, and backslashes are
/// written as hexadecimal.
pub(crate) fn string_literal(text: &str) -> String {
    if text.contains('\\') {
        let mut literal = b"_utf8mb4 ".to_vec();
        crate::sql::literal::push_hex(&mut literal, text.as_bytes());
        String::from_utf8_lossy(&literal).into_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn by_name(tables: &mut [Table]) -> BTreeMap<String, &mut Table> {
    tables.iter_mut().map(|table| (table.name.clone(), table)).collect()
}

#[cfg(test)]
mod tests {
    use super::is_system_database;

    #[test]
    fn case_can_make_a_database_somebody_elses() {
        assert!(is_system_database("sys", true) && is_system_database("Sys", false));
        assert!(!is_system_database("Sys", true) && !is_system_database("shop", false));
        // These are made up by the server, whatever the case.
        assert!(is_system_database("INFORMATION_SCHEMA", true));
    }
}

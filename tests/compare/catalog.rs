//! The definitions: what `information_schema` and `SHOW CREATE …` say about each object.

use std::collections::{BTreeMap, BTreeSet};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use super::exact;
use super::text::{contains, hide_database, without_implied_charset};
use super::{Attributes, Kind, Object, quote_name, quote_text};

/// Columns of catalogue views that say nothing about the definition of an object.
pub(crate) const LEFT_OUT: &[&str] = &[
    // Where the object is. Its own name is its key here, and the database's name may differ.
    "CATALOG_NAME",
    "SCHEMA_NAME",
    "TABLE_CATALOG",
    "TABLE_SCHEMA",
    "INDEX_SCHEMA",
    "TRIGGER_CATALOG",
    "TRIGGER_SCHEMA",
    "EVENT_OBJECT_CATALOG",
    "EVENT_OBJECT_SCHEMA",
    "ROUTINE_CATALOG",
    "ROUTINE_SCHEMA",
    "SPECIFIC_CATALOG",
    "SPECIFIC_SCHEMA",
    "EVENT_CATALOG",
    "EVENT_SCHEMA",
    "LIBRARY_CATALOG",
    "LIBRARY_SCHEMA",
    // When it was made, changed or used.
    "CREATED",
    "LAST_ALTERED",
    "LAST_EXECUTED",
    "CREATE_TIME",
    "UPDATE_TIME",
    "CHECK_TIME",
    // Statistics and storage.
    "VERSION",
    "TABLE_ROWS",
    "AVG_ROW_LENGTH",
    "DATA_LENGTH",
    "MAX_DATA_LENGTH",
    "INDEX_LENGTH",
    "MAX_INDEX_LENGTH",
    "DATA_FREE",
    "CHECKSUM",
    "CARDINALITY",
    "TABLESPACE_NAME",
    // Properties of the account that reads, of the one that made it, of session and server.
    "PRIVILEGES",
    "TEMPORARY",
    "ORIGINATOR",
    "CREATOR",
];

/// One row of a catalogue query: column names and values.
struct Record(Vec<(String, Option<Vec<u8>>)>);

impl Record {
    fn from_row(row: Row) -> Self {
        let names: Vec<String> =
            row.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
        let values = row.unwrap().into_iter().map(|value| match value {
            Value::NULL => None,
            Value::Bytes(bytes) => Some(bytes),
            // The text protocol sends nothing but bytes.
            other => Some(other.as_sql(true).into_bytes()),
        });
        Self(names.into_iter().zip(values).collect())
    }

    /// The value of a column as text, empty where it is NULL or not there.
    fn text(&self, name: &str) -> String {
        self.0
            .iter()
            .find(|(column, _)| column == name)
            .and_then(|(_, value)| value.as_deref())
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .unwrap_or_default()
    }

    /// The columns that define the object, each name with `prefix` in front.
    fn attributes(self, prefix: &str) -> impl Iterator<Item = (String, Option<Vec<u8>>)> {
        self.0
            .into_iter()
            .filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()))
            .map(move |(name, value)| (format!("{prefix}{name}"), value))
    }
}

/// Reads the definition of every object in `database`.
pub(crate) async fn read(
    conn: &mut Conn,
    database: &str,
    mariadb: bool,
) -> Result<BTreeMap<Object, Attributes>, mysql_async::Error> {
    let mut reader = Reader { conn, database, objects: BTreeMap::new() };
    reader.database(mariadb).await?;
    reader.tables().await?;
    reader.parts_of_tables().await?;
    reader.views().await?;
    reader.triggers().await?;
    reader.routines().await?;
    reader.events().await?;
    if !mariadb {
        reader.histograms().await?;
        reader.libraries().await?;
    }
    Ok(reader.objects)
}

struct Reader<'a> {
    conn: &'a mut Conn,
    database: &'a str,
    objects: BTreeMap<Object, Attributes>,
}

impl Reader<'_> {
    async fn query(&mut self, sql: String) -> Result<Vec<Record>, mysql_async::Error> {
        let rows: Vec<Row> = self.conn.query(sql).await?;
        Ok(rows.into_iter().map(Record::from_row).collect())
    }

    /// All columns of the rows of an `information_schema` view that belong to the database.
    async fn catalog(
        &mut self,
        view: &str,
        schema_column: &str,
    ) -> Result<Vec<Record>, mysql_async::Error> {
        self.columns_of_catalog("*", view, schema_column).await
    }

    async fn columns_of_catalog(
        &mut self,
        columns: &str,
        view: &str,
        schema_column: &str,
    ) -> Result<Vec<Record>, mysql_async::Error> {
        let name = quote_text(self.database);
        // The first condition is the one that servers can look up by; it ignores case, so that a
        // database whose name differs only in case would be taken for this one.
        self.query(format!(
            "SELECT {columns} FROM information_schema.{view} \
             WHERE {schema_column} = {name} AND CAST({schema_column} AS BINARY) = {name}"
        ))
        .await
    }

    fn add(
        &mut self,
        object: Object,
        attributes: impl IntoIterator<Item = (String, Option<Vec<u8>>)>,
    ) {
        self.objects.entry(object).or_default().extend(attributes);
    }

    /// Adds what `SHOW CREATE` says. What the server refuses to show is an attribute as well: a
    /// view over a table that is gone is broken in both databases, or in one.
    async fn add_show_create(
        &mut self,
        object: Object,
        what: &str,
        name: &str,
    ) -> Result<(), mysql_async::Error> {
        let sql = format!("SHOW CREATE {what} {}", quote_name(name));
        let records = match self.query(sql).await {
            Ok(records) => records,
            Err(mysql_async::Error::Server(error)) => {
                let text = format!("{} {}", error.code, error.message).into_bytes();
                self.add(object, [(String::from("SHOW CREATE error"), Some(text))]);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for record in records {
            let attributes: Vec<_> = record
                .0
                .into_iter()
                .filter(|(column, _)| column != "Created")
                .map(|(column, value)| {
                    let value = value.map(|text| match object.kind {
                        Kind::View => hide_database(&text, self.database),
                        // The server prints where the libraries of a JavaScript routine are.
                        Kind::Function | Kind::Procedure
                            if contains(&text, b"\n    LANGUAGE JAVASCRIPT\n") =>
                        {
                            hide_database(&text, self.database)
                        }
                        Kind::Table => {
                            let text = hide_database(&text, self.database);
                            without_implied_charset(&text)
                        }
                        _ => text,
                    });
                    (column, value)
                })
                .collect();
            self.add(object.clone(), attributes);
        }
        Ok(())
    }

    async fn database(&mut self, mariadb: bool) -> Result<(), mysql_async::Error> {
        let mut records = self.catalog("SCHEMATA", "SCHEMA_NAME").await?;
        if records.is_empty() {
            return Err(mysql_async::Error::Other(
                format!("there is no database {}", quote_name(self.database)).into(),
            ));
        }
        if !mariadb {
            records.extend(self.catalog("SCHEMATA_EXTENSIONS", "SCHEMA_NAME").await?);
        }
        for record in records {
            self.add(Object::new(Kind::Database, ""), record.attributes(""));
        }
        Ok(())
    }

    async fn tables(&mut self) -> Result<(), mysql_async::Error> {
        let views = self.names_of_views().await?;
        for record in self.catalog("TABLES", "TABLE_SCHEMA").await? {
            let name = record.text("TABLE_NAME");
            let (kind, what) = match record.text("TABLE_TYPE").as_str() {
                // Of a view this catalogue knows nothing but an error message when it is broken, and
                // may call it a table then.
                "VIEW" | "SYSTEM VIEW" => continue,
                _ if views.contains(&name) => continue,
                "SEQUENCE" => (Kind::Sequence, "SEQUENCE"),
                _ if record.text("TEMPORARY") == "Y" => continue,
                _ => (Kind::Table, "TABLE"),
            };
            let object = Object::new(kind, name.clone());
            let mut attributes: Attributes = record.attributes("").collect();
            // A counter that was never moved is shown as NULL or as 1.
            if let Some(counter @ None) = attributes.get_mut("AUTO_INCREMENT") {
                *counter = Some(b"1".to_vec());
            }
            self.add(object.clone(), attributes);
            self.add_show_create(object.clone(), what, &name).await?;
            if kind == Kind::Sequence {
                let sql = format!("SELECT * FROM {}", quote_name(&name));
                for state in self.query(sql).await? {
                    self.add(object.clone(), state.attributes(""));
                }
            }
        }
        Ok(())
    }

    /// Columns (of views too: a stand-in that was never replaced shows here), indexes, partitions.
    async fn parts_of_tables(&mut self) -> Result<(), mysql_async::Error> {
        for record in self.catalog("COLUMNS", "TABLE_SCHEMA").await? {
            let (table, column) = (record.text("TABLE_NAME"), record.text("COLUMN_NAME"));
            let name = format!("{table}.{column}");
            let mut attributes: Attributes = record
                .attributes("")
                .map(|(column, value)| match value {
                    Some(text) if column == "COLUMN_DEFAULT" => {
                        (column, Some(hide_database(&text, self.database)))
                    }
                    value => (column, value),
                })
                .collect();
            if self.objects.contains_key(&Object::new(Kind::Table, table.clone())) {
                attributes.extend(exact::column(self.conn, &table, &column, &attributes).await?);
            }
            self.add(Object::new(Kind::Column, name), attributes);
        }
        for record in self.catalog("STATISTICS", "TABLE_SCHEMA").await? {
            let name = format!("{}.{}", record.text("TABLE_NAME"), record.text("INDEX_NAME"));
            let prefix = format!("part {} ", record.text("SEQ_IN_INDEX"));
            self.add(Object::new(Kind::Index, name), record.attributes(&prefix));
        }
        for record in self.catalog("PARTITIONS", "TABLE_SCHEMA").await? {
            let partition = record.text("PARTITION_NAME");
            if partition.is_empty() {
                continue;
            }
            let name = format!("{}.{partition}", record.text("TABLE_NAME"));
            let sub = record.text("SUBPARTITION_NAME");
            let prefix = if sub.is_empty() { String::new() } else { format!("{sub} ") };
            self.add(Object::new(Kind::Partition, name), record.attributes(&prefix));
        }
        Ok(())
    }

    async fn views(&mut self) -> Result<(), mysql_async::Error> {
        for record in self.catalog("VIEWS", "TABLE_SCHEMA").await? {
            let object = Object::new(Kind::View, record.text("TABLE_NAME"));
            let attributes: Vec<_> = record
                .attributes("")
                .map(|(column, value)| {
                    let value = value.map(|text| hide_database(&text, self.database));
                    (column, value)
                })
                .collect();
            self.add(object, attributes);
        }
        for name in self.names_of_views().await? {
            self.add_show_create(Object::new(Kind::View, name.clone()), "VIEW", &name).await?;
        }
        Ok(())
    }

    /// With all its columns, the catalogue leaves out views that the server cannot open.
    async fn names_of_views(&mut self) -> Result<BTreeSet<String>, mysql_async::Error> {
        let records = self.columns_of_catalog("TABLE_NAME", "VIEWS", "TABLE_SCHEMA").await?;
        Ok(records.iter().map(|record| record.text("TABLE_NAME")).collect())
    }

    async fn triggers(&mut self) -> Result<(), mysql_async::Error> {
        for record in self.catalog("TRIGGERS", "TRIGGER_SCHEMA").await? {
            let name = record.text("TRIGGER_NAME");
            let object = Object::new(Kind::Trigger, name.clone());
            self.add(object.clone(), record.attributes(""));
            self.add_show_create(object, "TRIGGER", &name).await?;
        }
        Ok(())
    }

    async fn routines(&mut self) -> Result<(), mysql_async::Error> {
        for record in self.catalog("ROUTINES", "ROUTINE_SCHEMA").await? {
            let name = record.text("ROUTINE_NAME");
            let what = record.text("ROUTINE_TYPE");
            let object = Object::new(routine_kind(&what), name.clone());
            self.add(object.clone(), record.attributes(""));
            self.add_show_create(object, &what, &name).await?;
        }
        // The types of parameters, whose character set may come from the database's.
        for record in self.catalog("PARAMETERS", "SPECIFIC_SCHEMA").await? {
            let kind = routine_kind(&record.text("ROUTINE_TYPE"));
            let object = Object::new(kind, record.text("SPECIFIC_NAME"));
            let prefix = format!("parameter {} ", record.text("ORDINAL_POSITION"));
            // Packages have members with parameters, but are listed as routines by themselves.
            if self.objects.contains_key(&object) {
                self.add(object, record.attributes(&prefix));
            }
        }
        Ok(())
    }

    async fn events(&mut self) -> Result<(), mysql_async::Error> {
        for record in self.catalog("EVENTS", "EVENT_SCHEMA").await? {
            let name = record.text("EVENT_NAME");
            let object = Object::new(Kind::Event, name.clone());
            self.add(object.clone(), record.attributes(""));
            self.add_show_create(object, "EVENT", &name).await?;
        }
        Ok(())
    }

    /// What MySQL knows of the values of columns, but not since when.
    async fn histograms(&mut self) -> Result<(), mysql_async::Error> {
        let columns = "TABLE_NAME, COLUMN_NAME, \
                       JSON_REMOVE(HISTOGRAM, '$.\"last-updated\"') AS HISTOGRAM";
        for record in self.columns_of_catalog(columns, "COLUMN_STATISTICS", "SCHEMA_NAME").await? {
            let name = format!("{}.{}", record.text("TABLE_NAME"), record.text("COLUMN_NAME"));
            let histogram = Some(record.text("HISTOGRAM").into_bytes());
            self.add(Object::new(Kind::Column, name), [("HISTOGRAM".to_owned(), histogram)]);
        }
        Ok(())
    }

    /// JavaScript libraries of MySQL 9.2 and later.
    async fn libraries(&mut self) -> Result<(), mysql_async::Error> {
        let found = self
            .query(String::from(
                "SELECT 1 FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = 'information_schema' AND TABLE_NAME = 'LIBRARIES'",
            ))
            .await?;
        if found.is_empty() {
            return Ok(());
        }
        for record in self.catalog("LIBRARIES", "LIBRARY_SCHEMA").await? {
            let name = record.text("LIBRARY_NAME");
            let object = Object::new(Kind::Library, name.clone());
            self.add(object.clone(), record.attributes(""));
            self.add_show_create(object, "LIBRARY", &name).await?;
        }
        Ok(())
    }
}

fn routine_kind(routine_type: &str) -> Kind {
    match routine_type {
        "FUNCTION" => Kind::Function,
        "PACKAGE" => Kind::Package,
        "PACKAGE BODY" => Kind::PackageBody,
        _ => Kind::Procedure,
    }
}

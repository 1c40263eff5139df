//! The rows: every value of every column, hashed row by row while they stream by.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};
use sha2::{Digest as _, Sha256};

use super::{quote_name, quote_text};

/// Rows of a table are kept while they take no more than this, so that a difference can be named
/// by row and column. Of larger tables only count and digest remain.
const KEEP_BYTES: usize = 16 << 20;

/// One expression of the row query, and how reports name it.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    expression: String,
    is_key: bool,
}

/// What to read of one table.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) table: String,
    slots: Vec<Slot>,
    /// For a system-versioned table: the expressions for a query of all its row versions.
    versions: Option<Vec<String>>,
}

/// An order-independent digest of a multiset of rows: the sum of their SHA-256 hashes.
///
/// A sum, because equal rows would cancel each other out in an exclusive or.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest([u64; 4]);

impl Digest {
    fn add(&mut self, hash: &RowHash) {
        for (sum, lane) in self.0.iter_mut().zip(hash.chunks_exact(8)) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(lane);
            *sum = sum.wrapping_add(u64::from_le_bytes(bytes));
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
    }
}

pub(crate) type RowHash = [u8; 32];

/// One row that was kept.
#[derive(Clone, Debug)]
pub(crate) struct KeptRow {
    pub(crate) hash: RowHash,
    pub(crate) values: Vec<Value>,
}

/// The rows of one table.
#[derive(Clone, Debug)]
pub(crate) struct TableData {
    pub(crate) rows: u64,
    pub(crate) digest: Digest,
    /// Of a system-versioned table: all versions of all rows with their periods. A dump of the
    /// current rows cannot bring these back.
    pub(crate) versions: Option<(u64, Digest)>,
    pub(crate) slots: Vec<Slot>,
    /// All rows, unless they were too many.
    pub(crate) kept: Option<Vec<KeptRow>>,
}

impl TableData {
    /// The primary key of a row as text, if the table has one.
    pub(crate) fn key_of(&self, row: &KeptRow) -> Option<String> {
        let mut key = String::new();
        for (slot, value) in self.slots.iter().zip(&row.values) {
            if slot.is_key {
                let separator = if key.is_empty() { "" } else { ", " };
                let _ = write!(key, "{separator}{}={}", slot.name, show(value));
            }
        }
        (!key.is_empty()).then_some(key)
    }
}

/// Name, data type, whether it is a bound of a system-versioning period, and `COLUMN_KEY`.
type Column = (String, String, bool, String);

/// What to read of each base table of `database`, by table name.
pub(crate) async fn layouts(
    conn: &mut Conn,
    database: &str,
    mariadb: bool,
) -> Result<Vec<Layout>, mysql_async::Error> {
    let name = quote_text(database);
    let in_database = format!("TABLE_SCHEMA = {name} AND CAST(TABLE_SCHEMA AS BINARY) = {name}");
    let mut tables: Vec<(String, String)> = conn
        .query(format!(
            "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE {in_database} \
             AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') ORDER BY TABLE_NAME"
        ))
        .await?;
    // Some that are broken are listed as tables as well.
    let views: Vec<String> = conn
        .query(format!("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE {in_database}"))
        .await?;
    tables.retain(|(name, _)| !views.contains(name));
    // All at once: a server may open every table of the database for each such query.
    let all_columns: Vec<(String, String, String, bool, String)> = conn
        .query(format!(
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, \
             COALESCE(GENERATION_EXPRESSION IN ('ROW START', 'ROW END'), 0), COLUMN_KEY \
             FROM information_schema.COLUMNS WHERE {in_database} ORDER BY ORDINAL_POSITION"
        ))
        .await?;
    let mut columns: HashMap<String, Vec<Column>> = HashMap::new();
    for (table, column, data_type, is_period, key) in all_columns {
        let column = (column, data_type, is_period, key);
        columns.entry(table).or_default().push(column);
    }
    let layouts = tables.into_iter().map(|(table, table_type)| {
        let columns = columns.remove(&table).unwrap_or_default();
        layout(table, &columns, table_type == "SYSTEM VERSIONED", mariadb)
    });
    Ok(layouts.collect())
}

fn layout(table: String, columns: &[Column], versioned: bool, mariadb: bool) -> Layout {
    let mut slots = Vec::new();
    let mut periods = Vec::new();
    for (column, data_type, is_period, key) in columns {
        let expression = quote_name(column);
        // The period of a row version is the time of the write: a restore cannot repeat it.
        if *is_period {
            periods.push(expression);
            continue;
        }
        slots.push(Slot {
            name: column.clone(),
            expression: expression.clone(),
            is_key: key == "PRI",
        });
        let second = match data_type.as_str() {
            // '' is a legal member of both; as the error value of ENUM it has the number 0.
            "enum" | "set" => format!("CAST({expression} AS UNSIGNED)"),
            // A date inside JSON prints like a string.
            "json" if !mariadb => format!("JSON_TYPE({expression})"),
            _ => continue,
        };
        slots.push(Slot { name: second.clone(), expression: second, is_key: false });
    }
    let versions = versioned.then(|| {
        if periods.is_empty() {
            // WITH SYSTEM VERSIONING alone makes two columns that no catalogue lists.
            periods.extend([String::from("ROW_START"), String::from("ROW_END")]);
        }
        let current = slots.iter().map(|slot| slot.expression.clone());
        current.chain(periods).collect()
    });
    Layout { table, slots, versions }
}

/// Reads all rows of a table.
pub(crate) async fn read(
    conn: &mut Conn,
    layout: &Layout,
) -> Result<TableData, mysql_async::Error> {
    let expressions: Vec<&str> = layout.slots.iter().map(|slot| slot.expression.as_str()).collect();
    let table = quote_name(&layout.table);
    let current = stream(conn, &expressions.join(", "), &table, true).await?;
    let versions = match &layout.versions {
        None => None,
        Some(expressions) => {
            let from = format!("{table} FOR SYSTEM_TIME ALL");
            let all = stream(conn, &expressions.join(", "), &from, false).await?;
            Some((all.rows, all.digest))
        }
    };
    Ok(TableData {
        rows: current.rows,
        digest: current.digest,
        versions,
        slots: layout.slots.clone(),
        kept: current.kept,
    })
}

struct Streamed {
    rows: u64,
    digest: Digest,
    kept: Option<Vec<KeptRow>>,
}

async fn stream(
    conn: &mut Conn,
    expressions: &str,
    from: &str,
    keep: bool,
) -> Result<Streamed, mysql_async::Error> {
    let mut streamed = Streamed { rows: 0, digest: Digest::default(), kept: keep.then(Vec::new) };
    let mut room = KEEP_BYTES;
    let mut encoded = Vec::new();
    let sql = format!("SELECT {expressions} FROM {from}");
    // A prepared statement, even without parameters: that is what makes the answer binary.
    let result = conn.exec_iter(sql, ()).await?;
    result
        .for_each_and_drop(|row: Row| {
            let values = row.unwrap();
            encoded.clear();
            for value in &values {
                encode(value, &mut encoded);
            }
            let hash: RowHash = Sha256::digest(&encoded).into();
            streamed.rows += 1;
            streamed.digest.add(&hash);
            let cost = encoded.len() + values.len() * size_of::<Value>();
            match room.checked_sub(cost) {
                Some(left) => room = left,
                None => streamed.kept = None,
            }
            if let Some(kept) = &mut streamed.kept {
                kept.push(KeptRow { hash, values });
            }
        })
        .await?;
    Ok(streamed)
}

/// An encoding in which two values are equal only if they are the same to the last bit: the type,
/// the length where it varies, and the content. (`0.0 == -0.0` is one reason not to compare values
/// with `==`.)
pub(crate) fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::NULL => out.push(0),
        Value::Bytes(bytes) => {
            out.push(1);
            out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        Value::Int(number) => {
            out.push(2);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::UInt(number) => {
            out.push(3);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Value::Float(number) => {
            out.push(4);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Double(number) => {
            out.push(5);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Value::Date(year, month, day, hour, minute, second, micros) => {
            out.push(6);
            out.extend_from_slice(&year.to_le_bytes());
            out.extend_from_slice(&[*month, *day, *hour, *minute, *second]);
            out.extend_from_slice(&micros.to_le_bytes());
        }
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            out.push(7);
            out.push(u8::from(*negative));
            out.extend_from_slice(&days.to_le_bytes());
            out.extend_from_slice(&[*hours, *minutes, *seconds]);
            out.extend_from_slice(&micros.to_le_bytes());
        }
    }
}

/// A value for a report: exact, and readable where it can be both.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => format!("'{}'", bytes.escape_ascii()),
        Value::Float(number) => format!("{number:e} (bits {:08x})", number.to_bits()),
        Value::Double(number) => format!("{number:e} (bits {:016x})", number.to_bits()),
        other => other.as_sql(true),
    }
}

//! Histograms of columns: written when the rows are there, so that the server does not compute anew
//! what it keeps up to date while they come in.

use std::sync::Arc;

use super::run::Dump;
use crate::archive::Section;
use crate::error::Result;
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Database, Histogram};
use crate::sql::literal::push_string;

impl Dump {
    /// The histograms of the tables of a database, in members of their own.
    pub(super) async fn histograms(&mut self, number: u32, database: &Database) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        self.section(Section::Tables, number).await?;
        let histograms = self.main.session.histograms(&database.name).await?;
        self.main.session.release_metadata_locks().await?;
        for histogram in histograms {
            let is_its = |name: &String| *name == histogram.table;
            let Some(table) = database.tables.iter().find(|table| is_its(&table.name)) else {
                continue;
            };
            let rows = shared.has_rows(&database.name, table)
                && shared.condition(&database.name, table).is_none();
            let object = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
            let statement = statement(&histogram);
            if ends_its_comment(&statement) {
                self.warnings.push(format!(
                    "the histogram of the column {} of {object} is left out: a server that passes it \
                     over would take the */ in it for its end",
                    quote_identifier(&histogram.column)
                ));
                continue;
            }
            if !histogram.exact {
                self.warnings.push(inexact(&object, &histogram.column, rows));
                if !rows {
                    continue;
                }
            }
            let script = &mut self.main.script;
            shared.select_database(script, database);
            script.statement(statement);
            script.close_full_member().await?;
        }
        Ok(())
    }
}

/// What makes a histogram again: from its document, or from the rows where that would not do.
fn statement(histogram: &Histogram) -> Vec<u8> {
    let (table, column) = (quote_identifier(&histogram.table), quote_identifier(&histogram.column));
    // The release notes: 8.0.31 has `USING DATA`, 8.4.0 `AUTO UPDATE`. The document says itself
    // whether it is to be updated.
    let from_rows = !histogram.exact && histogram.auto_update;
    let version = if from_rows { 80_400 } else { 80_031 };
    let mut sql =
        format!("/*!{version} ANALYZE TABLE {table} UPDATE HISTOGRAM ON {column} ").into_bytes();
    if histogram.exact {
        sql.extend_from_slice(b"USING DATA ");
        push_string(&mut sql, &histogram.data);
    } else {
        let update = if from_rows { " AUTO UPDATE" } else { "" };
        sql.extend_from_slice(format!("WITH {} BUCKETS{update}", histogram.buckets).as_bytes());
    }
    sql.extend_from_slice(b" */");
    sql
}

/// Whether a server that does not execute the comment would find its end before the end.
fn ends_its_comment(statement: &[u8]) -> bool {
    memchr::memmem::find(statement, b"*/") != Some(statement.len().saturating_sub(2))
}

fn inexact(table: &ObjectName, column: &str, rows: bool) -> String {
    let column = quote_identifier(column);
    let what = if rows { "is computed anew from the rows" } else { "is left out" };
    format!(
        "the histogram of the column {column} of {table} {what}: the server would not read decimals \
         of so many digits back"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(exact: bool, auto_update: bool) -> String {
        let histogram = Histogram {
            table: "a`b".into(),
            column: "c".into(),
            data: br#"{"buckets": ["'"]}"#.to_vec(),
            exact,
            auto_update,
            buckets: 7,
        };
        String::from_utf8(statement(&histogram)).unwrap()
    }

    /// S20.
    #[test]
    fn no_name_ends_the_comment() {
        for (column, ends) in [("a*b/c", false), ("*/ DROP TABLE t -- ", true), ("*", false)] {
            let histogram = Histogram {
                table: "t".into(),
                column: column.into(),
                data: b"{}".to_vec(),
                exact: true,
                auto_update: false,
                buckets: 7,
            };
            assert_eq!(ends_its_comment(&statement(&histogram)), ends, "{column}");
        }
    }

    /// S20.
    #[test]
    fn a_histogram_is_made_of_its_document_where_that_is_exact() {
        let of_document = r#"/*!80031 ANALYZE TABLE `a``b` UPDATE HISTOGRAM ON `c` USING DATA '{"buckets": ["\'"]}' */"#;
        assert_eq!(text_of(true, false), of_document);
        assert_eq!(text_of(true, true), of_document);
        assert_eq!(
            text_of(false, false),
            "/*!80031 ANALYZE TABLE `a``b` UPDATE HISTOGRAM ON `c` WITH 7 BUCKETS */"
        );
        assert_eq!(
            text_of(false, true),
            "/*!80400 ANALYZE TABLE `a``b` UPDATE HISTOGRAM ON `c` WITH 7 BUCKETS AUTO UPDATE */"
        );
    }
}

//! Databases with their sequences, tables and rows, and stand-ins for their views.

use std::sync::Arc;

use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::guard::at_object;
use super::reader::{Reader, TableWork};
use super::run::Dump;
use super::sequence::{self, write_sequence};
use super::unsigned;
use super::view::write_stand_in;
use super::{cause, count};
use crate::archive::{ObjectEntry, Section};
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::Database;
use crate::sql::encryption;
use crate::sql::literal::push_string;

/// How many tables a statement drops at a time.
const TABLES_IN_DROP: usize = 100;

impl Dump {
    /// Databases, sequences, tables with their rows, and stand-ins for views.
    pub(super) async fn tables(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let definitions = shared.options.definitions();
        for (number, database) in (0u32..).zip(&shared.plan.databases) {
            self.use_database(database).await?;
            self.database(number, database).await?;
            if definitions {
                self.section(Section::Sequences, number).await?;
                let (mut unread, mut waited) = (Vec::new(), None);
                for name in &database.sequences {
                    let object = self.enter_object(ObjectKind::Sequence, database, name);
                    let Reader { session, script, .. } = &mut self.main;
                    shared.select_database(script, database);
                    let written =
                        write_sequence(session, &shared.guard, script, &object, &mut waited).await;
                    unread.extend(at_object(written, &object)?);
                    self.objects.push(ObjectEntry::new(object));
                    self.main.script.close_full_member().await?;
                }
                self.warnings.extend(sequence::warning(&unread));
            }
            self.tables_of(number, database).await?;
            if definitions {
                self.histograms(number, database).await?;
                self.section(Section::StandIns, number).await?;
                for (name, columns) in &database.views {
                    shared.select_database(&mut self.main.script, database);
                    write_stand_in(&mut self.main.script, name, columns);
                    self.main.script.close_full_member().await?;
                }
            }
        }
        Ok(())
    }

    async fn database(&mut self, number: u32, database: &Database) -> Result<()> {
        self.section(Section::Database, number).await?;
        let shared = Arc::clone(&self.shared);
        if !shared.options.definitions() {
            return Ok(());
        }
        // A whole database keeps its defaults; a few tables out of it do not change another's.
        let whole = shared.options.include().is_empty();
        let name = quote_identifier(&database.name);
        let Reader { session, script, .. } = &mut self.main;
        script.comment(format_args!("{}", ObjectName::database(&database.name)));
        if shared.plan.names_databases {
            let sql = format!("SHOW CREATE DATABASE IF NOT EXISTS {name}");
            let row = session.query_one(&sql).await?;
            let create = row.bytes(1)?.unwrap_or_default();
            if whole && database.encrypted.is_some() {
                script.statement(encryption::left_out_of(create));
            } else {
                script.statement(create);
            }
            script.statement(format!("USE {name}"));
        }
        if whole {
            let mut sql = format!(
                "ALTER DATABASE CHARACTER SET = {} COLLATE = {}",
                database.charset, database.collation
            )
            .into_bytes();
            if let Some(comment) = &database.comment {
                sql.extend_from_slice(b" COMMENT = ");
                push_string(&mut sql, comment.as_bytes());
            }
            script.statement(sql);
            if let Some(encrypted) = database.encrypted {
                script.statement(encryption::statement(encrypted));
            }
            if database.read_only {
                self.warnings
                    .push(format!("database {name} is read only; a copy that is restored is not"));
            }
        }
        // Before the first table comes: a foreign key is refused as long as the table that it names
        // is another one than it needs, even while keys are not checked. Many in one statement: one by
        // one, it takes a server half as long to find that there is no table as to create it.
        for tables in database.tables.chunks(TABLES_IN_DROP) {
            let names: Vec<_> = tables.iter().map(|table| quote_identifier(&table.name)).collect();
            shared.select_database(script, database);
            script.statement(format!("DROP TABLE IF EXISTS {}", names.join(",")));
            script.close_full_member().await?;
        }
        Ok(())
    }

    /// The tables of one database, by all readers.
    async fn tables_of(&mut self, number: u32, database: &Database) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let first_object = self.objects.len();
        let readers = self.helpers.len() + 1;
        let work = TableWork::new(number, database, first_object, readers, &shared)?;
        for table in &database.tables {
            let name = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
            let mut entry = ObjectEntry::new(name);
            entry.engine.clone_from(&table.engine);
            entry.definition = shared.options.definitions();
            self.objects.push(entry);
        }
        // What stands before the tables is handed over before any of them.
        self.main.script.close_member().await?;
        self.read_tables(work).await?;

        let target = shared.options.target_max_allowed_packet();
        let mut found = vec![(0, 0u64, Vec::new()); database.tables.len()];
        for reader in self.helpers.iter_mut().chain([&mut self.main]) {
            self.warnings.append(&mut reader.warnings);
            for share in reader.shares.drain(..) {
                let Ok(place) = usize::try_from(share.object) else { continue };
                if let Some(entry) = self.objects.get_mut(place) {
                    entry.rows = Some(entry.rows.unwrap_or(0).saturating_add(share.rows));
                    entry.filtered = share.filtered;
                    entry.held = share.held;
                    if share.history_rows > 0 {
                        let rows = entry.history_rows.unwrap_or(0);
                        entry.history_rows = Some(rows.saturating_add(share.history_rows));
                    }
                }
                if let Some((largest, changed, unsigned)) = found.get_mut(place - first_object) {
                    unsigned::add(unsigned, share.unsigned);
                    *largest = share.largest_statement_bytes.max(*largest);
                    *changed = changed.saturating_add(share.changed_documents);
                }
            }
        }
        for (table, (largest, changed, unsigned)) in database.tables.iter().zip(found) {
            let object = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
            if changed > 0 {
                self.warnings.push(format!(
                    "{object} has {changed} JSON documents with dates, times, decimals or binary \
                     strings inside, which the server prints like strings and doubles: they come \
                     back as those"
                ));
            }
            let of_column = |found| unsigned::warning(&object, found);
            self.warnings.extend(unsigned.iter().filter_map(of_column));
            if count(largest) > target {
                self.warnings.push(format!(
                    "{object} has a row whose INSERT statement takes {largest} bytes: the server \
                     that it is restored on needs a max_allowed_packet above that"
                ));
            }
        }
        Ok(())
    }

    /// Has the readers do the work. The first that fails stops the others.
    async fn read_tables(&mut self, work: TableWork) -> Result<()> {
        if self.helpers.is_empty() || !work.is_worth_sharing() {
            return self.main.read_tables(&work).await;
        }
        let context = self.main.context().clone();
        let work = Arc::new(work);
        let mut helping = JoinSet::new();
        for mut reader in self.helpers.drain(..) {
            let work = Arc::clone(&work);
            let reading = async move {
                let done = reader.read_tables(&work).await;
                (reader, done)
            };
            helping.spawn(reading.in_current_span());
        }
        let main = async {
            let done = self.main.read_tables(&work).await;
            if done.is_err() {
                context.cancel();
            }
            done
        };
        let helpers = async {
            let mut first = Ok(());
            while let Some(ended) = helping.join_next().await {
                let done = match ended {
                    Ok((reader, done)) => {
                        self.helpers.push(reader);
                        done
                    }
                    Err(panic) => {
                        Err(Error::new(ErrorKind::Internal, "a reader panicked").with_source(panic))
                    }
                };
                if done.is_err() {
                    context.cancel();
                    first = cause(first, done);
                }
            }
            first
        };
        let (main, helpers) = tokio::join!(main, helpers);
        cause(main, helpers)
    }
}

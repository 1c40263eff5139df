//! Tables that are read as a whole, many small ones in few round trips: one text of several
//! statements locks them all and prints their definitions, and another one reads the rows of those
//! of which nothing else has to be asked. In the script those rows are one transaction: what makes it
//! durable costs a restore more than the rows of most of them.

use std::sync::Arc;

use tracing::Instrument as _;

use super::guard::at_object;
use super::history::Versions;
use super::reader::{Reader, Share, TableWork, position, span_of, table_at};
use super::rows::TableRows;
use super::table::{Definition, create_of, show_create};
use crate::error::{Error, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Database, Table};

/// A table that is being read.
struct Member<'a> {
    table: &'a Table,
    object: ObjectName,
    /// Its place among the manifest's objects.
    position: u32,
    /// What the server prints for it, if it has been asked.
    create: Option<Vec<u8>>,
}

/// A table whose definition has been read, and whose rows come next.
type Read<'a> = (ObjectName, Option<Definition>, TableRows<'a>, Option<&'static str>);

/// How long a text of several queries may be, in bytes: a server takes none beyond its
/// `max_allowed_packet`, of which few have less than a mebibyte.
const QUERIES_BYTES: usize = 64 << 10;

/// How many of the first tables can be asked for in one text; one at least.
fn queries_that_fit(group: &[Read<'_>]) -> usize {
    let lengths = group.iter().map(|(_, _, rows, _)| rows.query().len());
    let ends = lengths.scan(0usize, |end, length| {
        *end = end.saturating_add(length);
        Some(*end)
    });
    ends.take_while(|end| *end <= QUERIES_BYTES).count().max(1)
}

impl Reader {
    /// Reads tables of a database, all under their metadata locks.
    pub(super) async fn whole_tables(
        &mut self,
        tables: &TableWork,
        database: &Database,
        places: &[usize],
    ) -> Result<()> {
        let mut creates = self.lock_and_print(database, places).await?.into_iter();
        let mut group = Vec::new();
        let mut names = Vec::with_capacity(places.len());
        for &place in places {
            let table = table_at(database, place)?;
            names.push(table.name.as_str());
            let object = ObjectName::new(ObjectKind::Table, &database.name, &table.name);
            let position = position(tables, place);
            let member = Member { table, object, position, create: creates.next().flatten() };
            // A server, or what stands before it, that did not take several statements at once will not
            // take them now.
            let grouped = places.len() > 1 && member.create.is_some();
            if grouped && self.only_rows_are_asked(database, table) {
                group.push(member);
                continue;
            }
            self.group(database, std::mem::take(&mut group)).await?;
            let Member { table, object, position, create } = member;
            self.enter_table(database, table);
            let reading = self.table(database, table, &object, position, create);
            let done = reading.instrument(span_of(&object)).await;
            at_object(done, &object)?;
            self.context().counters().tables_done.add(1);
        }
        self.group(database, group).await?;
        self.settle(database, &names).await
    }

    /// Takes the metadata locks of tables whose rows are read next: until they are freed, definition
    /// and rows of each are of one table.
    pub(super) async fn lock_tables(
        &mut self,
        database: &Database,
        places: &[usize],
    ) -> Result<()> {
        let looks = self.looks(database, places)?;
        if looks.is_empty() {
            return Ok(());
        }
        match self.session.query(&at_all(&looks)).await {
            Err(error) if error.server().is_some() => self.lock_one_by_one(&looks).await,
            done => done.map(drop),
        }
    }

    /// The same; returns what the server prints for each table, or nothing where that has to be asked
    /// again.
    pub(super) async fn lock_and_print(
        &mut self,
        database: &Database,
        places: &[usize],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        if !self.shared.options.definitions() {
            self.lock_tables(database, places).await?;
            return Ok(vec![None; places.len()]);
        }
        let looks = self.looks(database, places)?;
        let mut queries = Vec::with_capacity(places.len().saturating_add(1));
        if !looks.is_empty() {
            queries.push(at_all(&looks));
        }
        for &place in places {
            queries.push(show_create(table_at(database, place)?));
        }
        match self.session.query_each(&queries).await {
            Ok(answers) => {
                let prints = answers.iter().skip(usize::from(!looks.is_empty()));
                prints.map(|rows| create_of(rows).map(Some)).collect()
            }
            // Only what the server says can be the fault of one table. Asked one by one, it names it.
            Err(error) if error.server().is_some() => {
                self.lock_one_by_one(&looks).await?;
                Ok(vec![None; places.len()])
            }
            Err(error) => Err(error),
        }
    }

    /// What locks each table whose rows are read.
    fn looks(&self, database: &Database, places: &[usize]) -> Result<Vec<(ObjectName, String)>> {
        let mut looks = Vec::with_capacity(places.len());
        for &place in places {
            let table = table_at(database, place)?;
            if self.shared.has_rows(&database.name, table) {
                let look = format!("(SELECT 1 FROM {} LIMIT 0)", quote_identifier(&table.name));
                looks.push((ObjectName::new(ObjectKind::Table, &database.name, &table.name), look));
            }
        }
        Ok(looks)
    }

    async fn lock_one_by_one(&mut self, looks: &[(ObjectName, String)]) -> Result<()> {
        for (object, look) in looks {
            self.context().counters().work_on(Some(object.clone()));
            at_object(self.session.query(look).await, object)?;
        }
        Ok(())
    }

    /// Whether nothing but the rows of a table is to be read after its definition.
    fn only_rows_are_asked(&self, database: &Database, table: &Table) -> bool {
        table.transactional
            && !table.versioned
            && !table.columns.is_empty()
            && TableRows::is_exact_as_text(table)
            && self.shared.has_rows(&database.name, table)
            && self.shared.condition(&database.name, table).is_none()
    }

    /// Reads the rows of such tables by one text.
    async fn group(&mut self, database: &Database, members: Vec<Member<'_>>) -> Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        // Nothing can be asked between the rows, so all definitions come first.
        let mut group = Vec::with_capacity(members.len());
        let target = self.shared.options.target_max_allowed_packet();
        for member in members {
            self.enter_table(database, member.table);
            let definition = self.definition(database, member.table, member.create).await;
            let definition = at_object(definition, &member.object)?;
            let sql_mode = self.compare_computed(database, member.table).await;
            let sql_mode = at_object(sql_mode, &member.object)?;
            let rows = TableRows::new(member.table, &Versions::Current, member.position, target);
            group.push((member.object, definition, rows, sql_mode));
        }
        let mut rest = group.as_slice();
        while !rest.is_empty() {
            let (now, after) = rest.split_at(queries_that_fit(rest));
            rest = after;
            self.blamed_rows_of_group(database, now).await?;
        }
        Ok(())
    }

    /// The same as [`rows_of_group`](Self::rows_of_group), with the right table in an error.
    async fn blamed_rows_of_group(
        &mut self,
        database: &Database,
        group: &[Read<'_>],
    ) -> Result<()> {
        let mut reached = 0;
        match self.rows_of_group(database, group, &mut reached).await {
            Err(error) if error.server().is_some() => {
                // The error of a query can arrive at the end of the rows before it.
                for (object, _, rows, _) in group.iter().skip(reached) {
                    let look = format!("{} LIMIT 0", rows.query());
                    at_object(self.session.query(&look).await, object)?;
                }
                let object = group.get(reached).map(|(object, ..)| object);
                object.map_or(Err(error.clone()), |object| at_object(Err(error), object))
            }
            done => done,
        }
    }

    /// `reached` is how many of the tables have been read to their end.
    async fn rows_of_group(
        &mut self,
        database: &Database,
        group: &[Read<'_>],
        reached: &mut usize,
    ) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let context = self.context().clone();
        let queries: Vec<_> = group.iter().map(|(_, _, rows, _)| rows.query()).collect();
        let Self { session, script, shares, .. } = self;
        // Definitions first, so that the rows of all of them make one transaction.
        for (object, definition, rows, _) in group {
            let (position, definition) = (rows.object(), definition.as_ref());
            script.close_full_member().await?;
            shared.begin_table(script, database, object, position, definition).await?;
        }
        let mut answer = session.rows_of_each(&queries).await?;
        for (object, _, rows, sql_mode) in group {
            context.counters().work_on(Some(object.clone()));
            let reading = async {
                answer.begin_set()?;
                script.close_full_member().await?;
                script.begin_rows(rows.object()).await?;
                let open = |script: &mut _| shared.select_database(script, database);
                let written =
                    rows.write_set(&mut answer, script, &context, *sql_mode, open).await?;
                shares.push(Share::new(rows.object(), written));
                Ok::<_, Error>(())
            };
            let done = reading.instrument(span_of(object)).await;
            match done {
                // Which table it belongs to is found out.
                Err(error) if error.server().is_some() => return Err(error),
                done => at_object(done, object)?,
            }
            *reached += 1;
            context.counters().tables_done.add(1);
        }
        script.commit();
        answer.end()
    }
}

fn at_all(looks: &[(ObjectName, String)]) -> String {
    let looks: Vec<_> = looks.iter().map(|(_, look)| look.as_str()).collect();
    looks.join(" UNION ALL ")
}

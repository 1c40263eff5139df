//! Replays a file of our own with several connections.
//!
//! The members of a file are independent once the tables of their rows are there, so within the
//! tables of one database those that create tables are spread over the connections first, and then
//! the rest, which is nearly all of a large file. Triggers do not exist yet then, and foreign keys
//! are not checked, so the order of tables and rows does not matter. Large tables get their
//! secondary indexes when their last row is there, and their foreign keys when every table is full.
//! Histograms come last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::try_join_all;
use tracing::Instrument as _;

use super::check::Start;
use super::indexes::PutOff;
use super::options::RestoreOptions;
use super::policy::Policy;
use super::replay::replay_member;
use super::replayed::Replayed;
use crate::archive::{Footer, Member, Section, read_member};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::server::{ConnectOptions, Session, has_no_free_connection};

/// A file being replayed by several connections.
pub(super) struct ParallelReplay<'a> {
    pub(super) connect: &'a ConnectOptions,
    pub(super) options: &'a RestoreOptions,
    pub(super) path: &'a Path,
    pub(super) footer: &'a Footer,
    /// Where the text of each member starts.
    pub(super) starts: &'a [Start],
    pub(super) policy: &'a Policy,
    pub(super) context: &'a Context,
}

/// A table whose indexes wait for its rows.
struct Waiting {
    indexes: PutOff,
    /// How many members with rows of it are still to be replayed.
    members: AtomicUsize,
}

impl ParallelReplay<'_> {
    /// Replays the whole file. `session` does everything that has an order.
    pub(super) async fn run(&self, session: &mut Session, replayed: &mut Replayed) -> Result<()> {
        let members = self.placed_members();
        let mut helpers: Vec<Session> = Vec::new();
        let mut rest = members.as_slice();
        let mut done = Ok(());
        while let Some((first, _)) = rest.first() {
            let same = |member: &Member| {
                member.section == Section::Tables && member.database == first.database
            };
            let length = rest.iter().take_while(|(member, _)| same(member)).count().max(1);
            let (run, after) = rest.split_at(length);
            rest = after;
            done = if length > 1 {
                self.tables(session, &mut helpers, run, replayed).await
            } else {
                self.in_order(session, run, replayed).await
            };
            if done.is_err() {
                break;
            }
        }
        // Also after a failure: whatever still runs is killed before the caller hears of it.
        for helper in helpers {
            helper.close().await;
        }
        done
    }

    /// The members, each with where its text starts in the script.
    fn placed_members(&self) -> Vec<(&Member, Start)> {
        self.footer.index.members.iter().zip(self.starts.iter().copied()).collect()
    }

    async fn in_order(
        &self,
        session: &mut Session,
        members: &[(&Member, Start)],
        replayed: &mut Replayed,
    ) -> Result<()> {
        for &placed in members {
            self.member(session, placed, replayed).await?;
        }
        Ok(())
    }

    /// The tables of one database: what creates them first, then the rest.
    async fn tables(
        &self,
        session: &mut Session,
        helpers: &mut Vec<Session>,
        members: &[(&Member, Start)],
        replayed: &mut Replayed,
    ) -> Result<()> {
        let creates = |member: &Member| member.parts.iter().any(|part| part.definition);
        // S20: what stands behind all rows is about whole tables.
        let of_tables = |(member, _): &(&Member, Start)| !member.parts.is_empty();
        let length = members.iter().rposition(of_tables).map_or(0, |last| last + 1);
        let (members, behind) = members.split_at(length);
        let (first, rest): (Vec<_>, Vec<_>) =
            members.iter().copied().partition(|(member, _)| creates(member));
        if are_independent(first.iter().map(|(member, _)| *member)) {
            let connections = self.options.creating_connections();
            self.share_out(session, helpers, connections, &first, &BTreeMap::new(), replayed)
                .await?;
            // None of them waits idle for the next database while rows are inserted for hours.
            while helpers.len() >= self.options.connections().max(1) {
                let Some(helper) = helpers.pop() else { break };
                helper.close().await;
            }
        } else {
            self.in_order(session, &first, replayed).await?;
        }
        let waiting = self.put_indexes_off(session, &first, &rest).await?;
        let connections = self.options.connections();
        self.share_out(session, helpers, connections, &rest, &waiting, replayed).await?;
        for table in waiting.values() {
            table.indexes.finish(session).await?;
        }
        self.in_order(session, behind, replayed).await
    }

    /// Shares members out among the connections.
    async fn share_out(
        &self,
        session: &mut Session,
        helpers: &mut Vec<Session>,
        connections: usize,
        members: &[(&Member, Start)],
        waiting: &BTreeMap<u32, Waiting>,
        replayed: &mut Replayed,
    ) -> Result<()> {
        let wanted = connections.min(members.len()).saturating_sub(1);
        while helpers.len() < wanted {
            match self.helper(replayed).await {
                Ok(helper) => helpers.push(helper),
                // Slower is better than half done: what was there before is gone by now.
                Err(error) if has_no_free_connection(&error) => {
                    tracing::debug!(error = %error, "going on with fewer connections");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let next = AtomicUsize::new(0);
        let all = std::iter::once(session).chain(helpers.iter_mut().take(wanted));
        let workers = (0u32..).zip(all).map(|(number, session)| {
            let next = &next;
            let working = async move {
                let mut replayed = Replayed::default();
                while let Some(&placed) = members.get(next.fetch_add(1, Ordering::Relaxed)) {
                    self.member(session, placed, &mut replayed).await?;
                    for part in &placed.0.parts {
                        // Whoever inserts the last rows builds the indexes; the others go on.
                        if let Some(table) = waiting.get(&part.object)
                            && table.members.fetch_sub(1, Ordering::AcqRel) == 1
                        {
                            table.indexes.put_back(session).await?;
                        }
                    }
                }
                Ok::<_, Error>(replayed)
            };
            working.instrument(tracing::debug_span!("connection", number))
        });
        for worker in try_join_all(workers).await? {
            replayed.add(worker);
        }
        Ok(())
    }

    /// Takes the secondary indexes and foreign keys off the tables that were just made and whose rows, all of them
    /// still to come, are many.
    async fn put_indexes_off(
        &self,
        session: &mut Session,
        first: &[(&Member, Start)],
        rest: &[(&Member, Start)],
    ) -> Result<BTreeMap<u32, Waiting>> {
        let mut waiting = BTreeMap::new();
        if self.policy.goes_on() {
            // After an error that is passed over nobody would come to put them back.
            return Ok(waiting);
        }
        for part in first.iter().flat_map(|(member, _)| &member.parts) {
            let of_table: Vec<_> = rest
                .iter()
                .filter(|(member, _)| member.parts.iter().any(|other| other.object == part.object))
                .collect();
            let bytes: u64 = of_table.iter().map(|(member, _)| member.sql_bytes).sum();
            let entry = usize::try_from(part.object)
                .ok()
                .and_then(|position| self.footer.manifest.objects.get(position));
            if let Some(entry) = entry
                && part.definition
                && part.rows == 0
                && !of_table.is_empty()
                && bytes >= self.options.deferred_index_bytes()
                && entry.engine.as_deref() == Some("InnoDB")
                && let Some(indexes) = PutOff::take(session, &entry.name).await?
            {
                let members = AtomicUsize::new(of_table.len());
                waiting.insert(part.object, Waiting { indexes, members });
            }
        }
        Ok(waiting)
    }

    /// One more connection, with the settings of the script's start.
    async fn helper(&self, replayed: &mut Replayed) -> Result<Session> {
        let mut session = Session::open(self.connect, self.context).await?;
        session.set_up_for_replay(self.options.binlog()).await?;
        session.read_as(self.options.default_charset()).await?;
        for &placed in &self.placed_members() {
            if placed.0.section == Section::Start {
                self.member(&mut session, placed, replayed).await?;
            }
        }
        Ok(session)
    }

    async fn member(
        &self,
        session: &mut Session,
        (member, start): (&Member, Start),
        replayed: &mut Replayed,
    ) -> Result<()> {
        let (path, compressed, wanted) =
            (self.path.to_owned(), self.footer.compressed, member.clone());
        let span = tracing::Span::current();
        let reading = tokio::task::spawn_blocking(move || {
            let _entered = span.entered();
            tracing::trace!(bytes = wanted.sql_bytes, "reading a member");
            read_member(&path, &wanted, compressed)
        });
        let text = self.context.run(reading).await?.map_err(|error| {
            Error::new(ErrorKind::Internal, "reading a member panicked").with_source(error)
        })??;
        let object = member.parts.first().and_then(|part| {
            let position = usize::try_from(part.object).ok()?;
            Some(&self.footer.manifest.objects.get(position)?.name)
        });
        // With one table only in the member, the place of an error is known to be in it.
        let object = object.filter(|_| member.parts.len() == 1);
        replay_member(session, text.into(), start, self.policy, replayed)
            .await
            .map_err(|error| error.at(|place| place.object = object.cloned()))?;
        let counters = self.context.counters();
        counters.bytes_done.add(member.length);
        counters.rows_done.add(member.parts.iter().map(|part| part.rows).sum());
        Ok(())
    }
}

/// Whether members that create tables need none of the others: a reader cannot rely on F6, which is
/// how they have been cut since they are shared out.
fn are_independent<'a>(creating: impl Iterator<Item = &'a Member>) -> bool {
    let mut created = BTreeSet::new();
    creating
        .flat_map(|member| &member.parts)
        .all(|part| part.definition && created.insert(part.object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Part;

    fn member(parts: &[(u32, bool)]) -> Member {
        let parts = parts.iter().map(|&(object, definition)| {
            let mut part = Part::new(object);
            part.definition = definition;
            part
        });
        Member {
            section: Section::Tables,
            database: Some(0),
            offset: 0,
            length: 1,
            sql_bytes: 1,
            crc32: 0,
            parts: parts.collect(),
        }
    }

    /// F6.
    #[test]
    fn members_that_hold_rows_of_others_are_not_shared_out() {
        let independent = |members: &[Member]| are_independent(members.iter());
        assert!(independent(&[member(&[(0, true), (1, true)]), member(&[(2, true)])]));
        // The rest of the rows of a table before the definition of the next one.
        assert!(!independent(&[member(&[(0, true)]), member(&[(0, false), (1, true)])]));
        assert!(!independent(&[member(&[(0, true)]), member(&[(0, true)])]));
    }
}

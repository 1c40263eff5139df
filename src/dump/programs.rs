//! Routines, views, triggers and events.

use std::sync::Arc;

use super::guard::at_object;
use super::program::write_program;
use super::reader::Reader;
use super::run::Dump;
use super::view::View;
use super::view_order;
use crate::archive::{ObjectEntry, Section};
use crate::error::Result;
use crate::ident::ObjectKind;
use crate::server::Database;

impl Dump {
    /// Routines, views, triggers and events, when every table of every database is there: they
    /// can refer to objects of other databases.
    pub(super) async fn programs(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let plan = &shared.plan;
        // The libraries of every database first: a routine cannot be made without those it uses.
        for libraries in [true, false] {
            for (number, database) in (0u32..).zip(&plan.databases) {
                let routines = database
                    .routines
                    .iter()
                    .filter(|item| (item.kind == ObjectKind::Library) == libraries)
                    .map(|item| (item.kind, item.name.as_str()));
                self.section_of_programs(Section::Routines, number, database, routines).await?;
            }
        }
        self.views().await?;
        for (number, database) in (0u32..).zip(&plan.databases) {
            let triggers = database.triggers.iter();
            let triggers = triggers.map(|item| (ObjectKind::Trigger, item.name.as_str()));
            self.section_of_programs(Section::Triggers, number, database, triggers).await?;
        }
        for (number, database) in (0u32..).zip(&plan.databases) {
            let events = database.events.iter();
            let events = events.map(|item| (ObjectKind::Event, item.name.as_str()));
            self.section_of_programs(Section::Events, number, database, events).await?;
        }
        Ok(())
    }

    async fn section_of_programs<'b>(
        &mut self,
        section: Section,
        number: u32,
        database: &Database,
        programs: impl Iterator<Item = (ObjectKind, &'b str)> + Send,
    ) -> Result<()> {
        self.section(section, number).await?;
        self.use_database(database).await?;
        let shared = Arc::clone(&self.shared);
        for (kind, name) in programs {
            let object = self.enter_object(kind, database, name);
            let Reader { session, script, .. } = &mut self.main;
            shared.select_database(script, database);
            let written = write_program(session, script, database, &object, &shared.options);
            let written = at_object(written.await, &object)?;
            self.warnings.extend(written.lost);
            let mut entry = ObjectEntry::new(object);
            entry.definition = written.definition;
            self.objects.push(entry);
            self.main.script.close_full_member().await?;
        }
        Ok(())
    }

    async fn views(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let (plan, definer) = (&shared.plan, shared.options.definer());
        let mut views: Vec<(u32, View)> = Vec::new();
        for (number, database) in (0u32..).zip(&plan.databases) {
            self.use_database(database).await?;
            for name in database.views.keys() {
                let object = self.enter_object(ObjectKind::View, database, name);
                let view = {
                    let session = &mut self.main.session;
                    View::read(session, &shared.guard, object.clone(), definer).await
                };
                views.push((number, at_object(view, &object)?));
                self.main.session.release_metadata_locks().await?;
            }
        }
        let order = view_order::order(&views.iter().map(|(_, view)| view).collect::<Vec<_>>());
        let mut current = None;
        for position in order {
            let Some((number, view)) = views.get(position) else { continue };
            if current != Some(*number) {
                self.section(Section::Views, *number).await?;
                current = Some(*number);
            }
            if let Some(database) =
                usize::try_from(*number).ok().and_then(|number| plan.databases.get(number))
            {
                shared.select_database(&mut self.main.script, database);
            }
            let broken = view.write(&mut self.main.script);
            let mut entry = ObjectEntry::new(view.object.clone());
            entry.definition = broken.is_none();
            self.warnings.extend(broken.or_else(|| view.lost()));
            self.objects.push(entry);
            self.main.script.close_full_member().await?;
        }
        Ok(())
    }
}

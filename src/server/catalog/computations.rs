//! Which tables compute something of the rows that are inserted.

use super::{Column, Database, Generated, InDatabase, by_name};
use crate::error::Result;
use crate::server::{Flavor, Session};

/// The first release with constraints of CHECK; keys of expressions came before them.
const HAS_CHECKS: (u16, u16, u16) = (8, 0, 16);

impl Session {
    /// Sets [`computes`](super::Table::computes). (`MariaDB` has no keys of expressions, and its
    /// constraints can be set aside.)
    pub(super) async fn read_computations(
        &mut self,
        schema: &InDatabase,
        database: &mut Database,
    ) -> Result<()> {
        for table in &mut database.tables {
            let computed = |column: &Column| column.generated != Generated::No;
            table.computes = table.columns.iter().any(computed);
        }
        if self.flavor() != Flavor::MySql || self.version().number() < HAS_CHECKS {
            return Ok(());
        }
        let schema = schema.by("TABLE_SCHEMA");
        let sql = format!(
            "SELECT TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS \
             WHERE {schema} AND CONSTRAINT_TYPE = 'CHECK' \
             UNION SELECT TABLE_NAME FROM information_schema.STATISTICS \
             WHERE {schema} AND EXPRESSION IS NOT NULL"
        );
        let rows = self.query(&sql).await?;
        let mut tables = by_name(&mut database.tables);
        for row in rows {
            if let Some(table) = tables.get_mut(row.text(0)?.as_str()) {
                table.computes = true;
            }
        }
        Ok(())
    }
}

//! Columns whose spatial reference system (`MySQL`) somebody has made: other servers lack it.

use super::options::DumpOptions;
use super::plan::Plan;
use crate::error::Result;
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{Flavor, Session};

/// A sentence for each such column that is dumped with its definition.
pub(super) async fn check(
    session: &mut Session,
    plan: &Plan,
    options: &DumpOptions,
) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    // Release notes of MySQL 8.0.3.
    if session.flavor() != Flavor::MySql
        || session.version().number() < (8, 0, 3)
        || !options.definitions()
    {
        return Ok(warnings);
    }
    for database in &plan.databases {
        // The server comes with those of EPSG, under their numbers, and with 0.
        let sql = format!(
            "SELECT TABLE_NAME, COLUMN_NAME, CAST(SRS_ID AS CHAR) \
             FROM information_schema.ST_GEOMETRY_COLUMNS \
             WHERE {} AND SRS_ID <> 0 AND SRS_ID NOT IN \
             (SELECT SRS_ID FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS \
             WHERE ORGANIZATION = 'EPSG' AND ORGANIZATION_COORDSYS_ID = SRS_ID)",
            session.in_database(&database.name).by("TABLE_SCHEMA")
        );
        for row in session.query(&sql).await? {
            let (table, column, srid) = (row.text(0)?, row.text(1)?, row.text(2)?);
            if database.tables.iter().any(|dumped| dumped.name == table) {
                warnings.push(format!(
                    "the column {} of {} has the SRID {srid}, which does not come with the server: \
                     where it is restored, that has to be there (CREATE SPATIAL REFERENCE SYSTEM)",
                    quote_identifier(&column),
                    ObjectName::new(ObjectKind::Table, &database.name, &table)
                ));
            }
        }
    }
    Ok(warnings)
}

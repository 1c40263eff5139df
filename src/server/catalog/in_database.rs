//! Picks what belongs to one database out of the catalogue.

use super::string_literal;
use crate::server::session::Session;

/// The name of a database, to compare columns of `information_schema` with. Most of these have a
/// collation that does not tell `Shop` from `shop` (`MariaDB`), which can be two databases.
#[derive(Clone, Debug)]
pub(crate) struct InDatabase {
    literal: String,
    exact: bool,
}

impl InDatabase {
    /// The condition that a column holds this name.
    pub(crate) fn by(&self, column: &str) -> String {
        let literal = &self.literal;
        // The plain comparison is what the server finds the database by without reading all of them.
        if self.exact {
            format!("{column} = {literal} AND CAST({column} AS BINARY) = {literal}")
        } else {
            format!("{column} = {literal}")
        }
    }
}

impl Session {
    /// How to pick what is in a database out of the catalogue.
    pub(crate) fn in_database(&self, name: &str) -> InDatabase {
        InDatabase { literal: string_literal(name), exact: self.case_counts() }
    }
}

//! Which tables a view shows.

use super::{Examiner, Role};
use crate::sql::token::Tokens;

/// What stands at a place of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Elsewhere,
    /// A table can stand here.
    Table,
    /// Behind a table, or in the condition of a join.
    Joined,
}

/// A level of parentheses.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    place: Place,
    /// Whether it has a `SELECT`: the `FROM` of a function such as `TRIM` names no table.
    selects: bool,
}

impl<'a> Examiner<'a> {
    /// Reports the databases of the tables that stand in the `FROM` clauses between these tokens
    /// and the last `left` bytes.
    pub(super) fn shown(&mut self, mut tokens: Tokens<'a>, left: usize) {
        let mut outer: Vec<Level> = Vec::new();
        let mut level = Level::default();
        while tokens.rest().len() > left {
            let Some(token) = tokens.next() else { break };
            if token.is_sign(b'(') {
                outer.push(level);
                level.selects = false;
                if level.place == Place::Joined {
                    level.place = Place::Elsewhere;
                }
            } else if token.is_sign(b')') {
                level = outer.pop().unwrap_or_default();
                if level.place == Place::Table {
                    level.place = Place::Joined;
                }
            } else if token.is("SELECT") {
                level = Level { place: Place::Elsewhere, selects: true };
            } else if token.is("FROM") && level.selects
                || token.is("TABLE")
                || token.is("JOIN")
                || token.is("STRAIGHT_JOIN") && level.place != Place::Elsewhere
            {
                level.place = Place::Table;
            } else if token.is_any(&["WHERE", "GROUP", "HAVING", "ORDER", "LIMIT"]) {
                level.place = Place::Elsewhere;
            } else if token.is_sign(b',') && level.place == Place::Joined {
                level.place = Place::Table;
            } else if token.is_sign(b'{') && level.place == Place::Table {
                // An outer join in the way of ODBC: `{ OJ t LEFT JOIN u … }`.
                tokens.next();
            } else if level.place == Place::Table && token.is_name() {
                level.place = Place::Joined;
                if tokens.take_sign(b'.') {
                    self.mention(&token, Role::Qualifier);
                    tokens.next();
                }
            }
        }
    }
}

//! The order in which views are created: each one after those it is built on.

use std::collections::BTreeMap;

use super::view::View;

/// The positions of `views` in an order in which every view follows the views it names.
///
/// The server prints the definition of a view with every name in backticks, so the names in it
/// can be found without understanding the rest. A name that only looks like a view (an alias of
/// the same spelling) adds an edge that does no harm; should such edges form a circle, it is cut
/// somewhere, and the stand-ins, which are there already, still let every view be created.
pub(super) fn order(views: &[&View]) -> Vec<usize> {
    let names: BTreeMap<(&str, &str), usize> =
        views.iter().enumerate().map(|(position, view)| (key(view), position)).collect();
    let needs: Vec<Vec<usize>> = views
        .iter()
        .map(|view| {
            let (own_database, _) = key(view);
            let mut needed: Vec<usize> = table_names(&view.create)
                .into_iter()
                .filter_map(|(database, name)| {
                    let database = database.as_deref().unwrap_or(own_database);
                    names.get(&(database, name.as_str())).copied()
                })
                .collect();
            needed.sort_unstable();
            needed.dedup();
            needed
        })
        .collect();

    // Depth first, without recursion: views can be stacked deeper than a thread's stack.
    let mut order = Vec::with_capacity(views.len());
    let mut seen = vec![false; views.len()];
    for first in 0..views.len() {
        let mut stack = vec![(first, 0)];
        while let Some((view, next)) = stack.pop() {
            if next == 0 {
                match seen.get_mut(view) {
                    Some(seen) if !*seen => *seen = true,
                    _ => continue,
                }
            }
            match needs.get(view).and_then(|needs| needs.get(next)) {
                Some(&needed) => {
                    stack.push((view, next + 1));
                    stack.push((needed, 0));
                }
                None => order.push(view),
            }
        }
    }
    order
}

fn key(view: &View) -> (&str, &str) {
    (view.object.database_name().unwrap_or_default(), view.object.name())
}

/// All names in a view's text that can be those of tables: `` `name` `` or `` `database`.`name` ``.
fn table_names(create: &[u8]) -> Vec<(Option<String>, String)> {
    let text = String::from_utf8_lossy(create);
    let mut names = Vec::new();
    let mut chars = text.chars().peekable();
    let mut qualifier: Option<String> = None;
    while let Some(c) = chars.next() {
        match c {
            '\'' => skip_string(&mut chars),
            '`' => {
                let name = identifier(&mut chars);
                if chars.peek() == Some(&'.') {
                    chars.next();
                    // Also a table in front of its column, so it counts for itself too.
                    names.push((None, name.clone()));
                    qualifier = Some(name);
                    continue;
                }
                names.push((qualifier.take(), name));
            }
            _ => {}
        }
        qualifier = None;
    }
    names
}

fn identifier(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(c) = chars.next() {
        if c == '`' {
            if chars.peek() != Some(&'`') {
                break;
            }
            chars.next();
        }
        name.push(c);
    }
    name
}

fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            // A doubled quote ends one string and starts the next.
            '\'' => break,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::{ObjectKind, ObjectName};

    fn view(database: &str, name: &str, text: &str) -> View {
        View::of_text(ObjectName::new(ObjectKind::View, database, name), text)
    }

    fn names(views: &[View]) -> Vec<String> {
        let order = order(&views.iter().collect::<Vec<_>>());
        order.into_iter().map(|position| views[position].object.name().to_owned()).collect()
    }

    /// F7.
    #[test]
    fn a_view_follows_what_it_is_built_on_in_any_database() {
        let views = [
            view("a", "a1", "CREATE VIEW `a1` AS select `b2`.`x` AS `x` from `b2`"),
            view("a", "b2", "CREATE VIEW `b2` AS select 'it''s `a1`' AS `x` from `z`.`c3`"),
            view("z", "c3", "CREATE VIEW `c3` AS select 1 AS `x`"),
        ];
        assert_eq!(names(&views), ["c3", "b2", "a1"]);
    }

    #[test]
    fn an_alias_that_makes_a_circle_loses_no_view() {
        let views = [
            view("d", "a", "CREATE VIEW `a` AS select 1 AS `b`"),
            view("d", "b", "CREATE VIEW `b` AS select `a`.`b` AS `b` from `a`"),
        ];
        assert_eq!(names(&views).len(), 2);
    }
}

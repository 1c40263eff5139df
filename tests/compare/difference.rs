//! How two descriptions differ.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;

use mysql_async::Value;

use super::rows::{KeptRow, RowHash, TableData, encode, show};
use super::{Attributes, Description, Kind, Object};

/// Rows of a table that are named, of each sort; the difference of the digests stands before them.
const NAMED_ROWS: usize = 50;

/// The attribute of a [`Difference`] about an object or a row that only one side has.
pub(crate) const EXISTS: &str = "exists";

/// The attribute of a [`Difference`] about the rows of a table as a whole.
pub(crate) const DATA: &str = "data";

/// One thing that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) object: Object,
    /// The key of the row, where the difference is in a row.
    pub(crate) row: Option<String>,
    /// A catalogue column, a column of a row, [`EXISTS`] or [`DATA`].
    pub(crate) attribute: String,
    pub(crate) left: String,
    pub(crate) right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        if let Some(row) = &self.row {
            write!(f, ", row {row}")?;
        }
        let Self { attribute, left, right, .. } = self;
        write!(f, ", {attribute}: {left} | {right}")
    }
}

/// Everything in which `left` and `right` differ, by object; empty when they are the same.
pub(crate) fn compare(left: &Description, right: &Description) -> Vec<Difference> {
    let mut differences = Vec::new();
    let objects: BTreeSet<&Object> = left.objects.keys().chain(right.objects.keys()).collect();
    for object in objects {
        match (left.objects.get(object), right.objects.get(object)) {
            (Some(left), Some(right)) => attributes(object, left, right, &mut differences),
            (left, right) => differences.push(Difference {
                object: object.clone(),
                row: None,
                attribute: EXISTS.to_owned(),
                left: left.is_some().to_string(),
                right: right.is_some().to_string(),
            }),
        }
    }
    // A table that only one side has was reported above.
    for (name, left) in &left.tables {
        if let Some(right) = right.tables.get(name) {
            rows(&Object::new(Kind::Table, name), left, right, &mut differences);
        }
    }
    differences
}

fn attributes(
    object: &Object,
    left: &Attributes,
    right: &Attributes,
    differences: &mut Vec<Difference>,
) {
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for name in names {
        let (left, right) = (left.get(name), right.get(name));
        if left != right {
            let (left, right) = show_pair(left, right);
            differences.push(Difference {
                object: object.clone(),
                row: None,
                attribute: name.clone(),
                left,
                right,
            });
        }
    }
}

/// Both values of an attribute, cut to the surroundings of the first byte that differs.
fn show_pair(left: Option<&Option<Vec<u8>>>, right: Option<&Option<Vec<u8>>>) -> (String, String) {
    let bytes = |value: Option<&Option<Vec<u8>>>| value.cloned().flatten();
    let (left_bytes, right_bytes) = (bytes(left), bytes(right));
    let same = match (&left_bytes, &right_bytes) {
        (Some(left), Some(right)) => left.iter().zip(right).take_while(|(l, r)| l == r).count(),
        _ => 0,
    };
    let show = |value: Option<&Option<Vec<u8>>>| match value {
        None => String::from("(none)"),
        Some(None) => String::from("NULL"),
        Some(Some(bytes)) => excerpt(bytes, same),
    };
    (show(left), show(right))
}

/// The bytes around position `at`, escaped.
fn excerpt(bytes: &[u8], at: usize) -> String {
    const BEFORE: usize = 30;
    const AFTER: usize = 50;
    let start = at.saturating_sub(BEFORE).min(bytes.len());
    let end = at.saturating_add(AFTER).min(bytes.len());
    let shown = bytes.get(start..end).unwrap_or_default();
    let before = if start > 0 { "…" } else { "" };
    let after = if end < bytes.len() { "…" } else { "" };
    format!("'{before}{}{after}'", shown.escape_ascii())
}

fn rows(object: &Object, left: &TableData, right: &TableData, differences: &mut Vec<Difference>) {
    let mut report = |row: Option<String>, attribute: &str, left: String, right: String| {
        differences.push(Difference {
            object: object.clone(),
            row,
            attribute: attribute.to_owned(),
            left,
            right,
        });
    };
    if left.versions != right.versions {
        let show = |data: &TableData| match data.versions {
            None => String::from("(none)"),
            Some((count, digest)) => format!("{count} row versions, {digest}"),
        };
        report(None, "versions", show(left), show(right));
    }
    if (left.rows, left.digest) == (right.rows, right.digest) {
        return;
    }
    let show_all = |data: &TableData| format!("{} rows, {}", data.rows, data.digest);
    report(None, DATA, show_all(left), show_all(right));
    let (Some(left_rows), Some(right_rows)) = (&left.kept, &right.kept) else {
        return;
    };
    let (pairs, only_left, only_right) = pair(left, left_rows, right, right_rows);
    for (one, other) in pairs.into_iter().take(NAMED_ROWS) {
        let label = label(left, one);
        for ((slot, left), right) in left.slots.iter().zip(&one.values).zip(&other.values) {
            if encoded(left) != encoded(right) {
                let (left, right) = show_values(left, right);
                report(Some(label.clone()), &slot.name, left, right);
            }
        }
    }
    let truth = |value: bool| value.to_string();
    for row in only_left.into_iter().take(NAMED_ROWS) {
        report(Some(label(left, row)), EXISTS, truth(true), truth(false));
    }
    for row in only_right.into_iter().take(NAMED_ROWS) {
        report(Some(label(right, row)), EXISTS, truth(false), truth(true));
    }
}

/// Rows that differ but belong together, rows of the left side only, rows of the right side only.
type Paired<'a> = (Vec<(&'a KeptRow, &'a KeptRow)>, Vec<&'a KeptRow>, Vec<&'a KeptRow>);

/// Pairs the rows that are not the same on both sides: by primary key, and without one in the
/// order in which they came.
fn pair<'a>(
    left: &TableData,
    left_rows: &'a [KeptRow],
    right: &TableData,
    right_rows: &'a [KeptRow],
) -> Paired<'a> {
    let mut waiting: HashMap<Option<String>, VecDeque<&KeptRow>> = HashMap::new();
    for row in without(right_rows, left_rows) {
        waiting.entry(right.key_of(row)).or_default().push_back(row);
    }
    let (mut pairs, mut only_left) = (Vec::new(), Vec::new());
    for row in without(left_rows, right_rows) {
        let partner = waiting.get_mut(&left.key_of(row)).and_then(VecDeque::pop_front);
        match partner {
            Some(partner) => pairs.push((row, partner)),
            None => only_left.push(row),
        }
    }
    let only_right = waiting.into_values().flatten().collect();
    (pairs, only_left, only_right)
}

/// The primary key of a row, or all of it.
fn label(table: &TableData, row: &KeptRow) -> String {
    table.key_of(row).unwrap_or_else(|| {
        let values: Vec<String> = row.values.iter().map(show).collect();
        format!("({})", values.join(", "))
    })
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes);
    bytes
}

/// The rows of `one` that `other` has not, counting equal rows.
fn without<'a>(one: &'a [KeptRow], other: &[KeptRow]) -> Vec<&'a KeptRow> {
    let mut counts: HashMap<&RowHash, u64> = HashMap::new();
    for row in other {
        *counts.entry(&row.hash).or_default() += 1;
    }
    let mut left_over = Vec::new();
    for row in one {
        match counts.get_mut(&row.hash) {
            Some(count) if *count > 0 => *count -= 1,
            _ => left_over.push(row),
        }
    }
    left_over
}

fn show_values(left: &Value, right: &Value) -> (String, String) {
    if let (Value::Bytes(left), Value::Bytes(right)) = (left, right) {
        let left = Some(left.clone());
        let right = Some(right.clone());
        return show_pair(Some(&left), Some(&right));
    }
    (show(left), show(right))
}

//! The tables of options in the documentation: complete, and with the defaults that there are.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use snapdump::{DumpOptions, JobKind, ManagerOptions, RestoreOptions};

const DUMP: &str = include_str!("../../../src/dump/options.rs");
const RESTORE: &str = include_str!("../../../src/restore/options.rs");
const MANAGER: &str = include_str!("../../../src/job/options.rs");

/// The rows of the table in front of a type: the method, and the default as it stands there.
fn rows<'a>(source: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let (before, _) = source.split_once(&format!("pub struct {name} {{")).unwrap();
    let (_, documentation) = before.rsplit_once("\n\n").unwrap();
    let row = |line: &'a str| {
        let mut cells = line.strip_prefix("/// | [`")?.split(" | ");
        let method = cells.next().unwrap();
        let (method, link) = method.split_once("`](Self::").unwrap();
        assert_eq!(link.trim_end_matches(')'), method);
        Some((method, cells.next().unwrap().trim_end_matches(" |")))
    };
    documentation.lines().filter_map(row).collect()
}

/// The methods that set an option.
fn setters<'a>(source: &'a str, name: &str) -> BTreeSet<&'a str> {
    let (_, methods) = source.split_once(&format!("\nimpl {name} {{")).unwrap();
    let (methods, _) = methods.split_once("\n}\n").unwrap();
    methods
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("pub fn "))
        .filter(|line| line.starts_with("with"))
        .map(|line| line.split(['(', '<']).next().unwrap())
        .collect()
}

/// Asserts that each setter is in the table once, and nothing else is.
fn assert_complete(source: &str, name: &str) {
    let rows = rows(source, name);
    let documented: BTreeSet<&str> = rows.iter().map(|(method, _)| *method).collect();
    assert_eq!(documented, setters(source, name), "{name}");
    assert_eq!(documented.len(), rows.len(), "{name}: one is there twice");
}

/// The fields of options as they are read from a configuration.
fn fields(options: impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(options).unwrap() {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

/// Asserts that each field has a row, and that the row tells its default. `names` has the fields
/// that are called otherwise than their methods.
fn assert_defaults(rows: &[(&str, &str)], mut fields: Map<String, Value>, names: &[(&str, &str)]) {
    for (method, default) in rows {
        let field = match names.iter().find(|(other, _)| other == method) {
            Some((_, field)) => field,
            None => method.strip_prefix("with_").unwrap(),
        };
        let value = fields.remove(field).unwrap_or_else(|| panic!("{method} is no field {field}"));
        let default = default.trim_matches('`');
        let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
        match &value {
            Value::Bool(value) => assert_eq!(default, value.to_string(), "{method}"),
            Value::Number(value) => {
                let documented = match default.split_once(' ') {
                    Some((size, "MiB")) => number(size) << 20,
                    Some((size, "GiB")) => number(size) << 30,
                    _ => number(default),
                };
                assert_eq!(value.as_u64(), Some(documented), "{method}");
            }
            // What is not set: the table says what is meant then, in words.
            Value::Null => assert!(!["true", "false"].contains(&default), "{method}"),
            Value::Array(_) | Value::Object(_) if is_empty(&value) => {
                let words = ["everything", "nothing", "all rows", "none"];
                assert!(words.contains(&default), "{method}: {default}");
            }
            Value::String(value) => {
                let words = match value.as_str() {
                    "current" => "the connection's",
                    "lock" => "lock each",
                    "omit" => "left out",
                    other => other,
                };
                assert_eq!(default, words, "{method}");
            }
            Value::Object(value) => assert_eq!([default], *value.keys().collect::<Vec<_>>()),
            Value::Array(_) => panic!("{method}: {value}"),
        }
    }
    assert!(fields.is_empty(), "not in the table: {fields:?}");
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

#[test]
fn every_option_of_a_dump_is_in_the_table() {
    assert_complete(DUMP, "DumpOptions");
    let names = [
        ("without_kind", "without_kinds"),
        ("without_rows_of", "without_rows_of"),
        ("with_where", "conditions"),
    ];
    assert_defaults(&rows(DUMP, "DumpOptions"), fields(DumpOptions::default()), &names);
}

#[test]
fn every_option_of_a_restore_is_in_the_table() {
    assert_complete(RESTORE, "RestoreOptions");
    let names = [("with_rename", "renames"), ("with_collation", "collations")];
    assert_defaults(&rows(RESTORE, "RestoreOptions"), fields(RestoreOptions::default()), &names);
}

#[test]
fn every_option_of_a_manager_is_in_the_table() {
    assert_complete(MANAGER, "ManagerOptions");
}

#[test]
fn a_job_of_each_kind_may_take_ten_minutes() {
    let rows = rows(MANAGER, "ManagerOptions");
    assert!(rows.contains(&("with_timeout", "10 minutes for each kind of job")), "{rows:?}");
    let kinds = [JobKind::Create, JobKind::Restore, JobKind::Verify, JobKind::RollBack];
    for kind in kinds {
        // Each has a time of its own.
        let other = ManagerOptions::default().with_timeout(kind, Duration::from_secs(1));
        for one in kinds {
            let seconds = if one == kind { 1 } else { 600 };
            assert_eq!(other.timeout(one), Duration::from_secs(seconds), "{kind:?} {one:?}");
        }
    }
}

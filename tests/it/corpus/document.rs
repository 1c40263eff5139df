//! COMPARE.md is held by the cases that it speaks of.

use std::collections::BTreeSet;
use std::path::Path;

use super::{SCRIPTS, generated};

/// The cases whose head says that the stock tools lose or fail, as the document names cases:
/// folder and name.
fn told_of_stock_tools() -> BTreeSet<String> {
    let tells = |script: &[u8]| {
        script.split(|&byte| byte == b'\n').map_while(|line| line.strip_prefix(b"-- ")).any(
            |line| {
                [&b"stock loses"[..], b"stock fails", b"stock hangs"]
                    .iter()
                    .any(|key| line.starts_with(key))
            },
        )
    };
    let mut cases = BTreeSet::new();
    for (folder, names) in SCRIPTS {
        for name in *names {
            if tells(
                &std::fs::read(cases_directory().join(folder).join(format!("{name}.sql"))).unwrap(),
            ) {
                cases.insert(format!("{folder}/{name}"));
            }
        }
    }
    for (name, head) in generated::NAMES.iter().zip(generated::HEADS) {
        if tells(&head()) {
            cases.insert(format!("generated/{name}"));
        }
    }
    cases
}

pub(super) fn cases_directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/corpus/cases")
}

/// Every case that the document names is there, and every case in which the stock tools lose
/// something or fail is named.
#[test]
fn the_comparison_names_its_cases() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("COMPARE.md");
    let document = std::fs::read_to_string(document).unwrap();
    let folders = SCRIPTS.iter().map(|(folder, _)| *folder).chain(["generated"]);
    let folders: Vec<_> = folders.collect();
    let named: BTreeSet<String> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.split_once('/').is_some_and(|(folder, _)| folders.contains(&folder)))
        .map(str::to_owned)
        .collect();
    let mut known: BTreeSet<String> =
        generated::NAMES.iter().map(|name| format!("generated/{name}")).collect();
    for (folder, names) in SCRIPTS {
        known.extend(names.iter().map(|name| format!("{folder}/{name}")));
    }
    let unknown: Vec<_> = named.difference(&known).collect();
    let told = told_of_stock_tools();
    let missing: Vec<_> = told.difference(&named).collect();
    assert!(unknown.is_empty() && missing.is_empty(), "unknown {unknown:?}, missing {missing:?}");
}

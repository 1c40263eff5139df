//! The rules of FORMAT.md on files that were written once and are never changed.
//!
//! Whatever a later version of the crate does, it must read these files. The comment of a test begins
//! with the rules that it checks, here and everywhere else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and may say why"
)]

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use snapdump::archive::{Section, SnapshotRung};
use snapdump::{Context, ErrorKind, Footer, ObjectKind, ObjectName, inspect, verify};

/// The frozen files, with what they hold.
const FILES: [Frozen; 2] = [
    Frozen {
        name: "format-1/named-databases.sql",
        compressed: false,
        objects: 11,
        rows: 47,
        sha256: "80b0aaa172347d163efd14b0e76c59ab091d66d99ecabf5cbef2d2429d30b4c4",
    },
    Frozen {
        name: "format-1/one-database.sql.gz",
        compressed: true,
        objects: 9,
        rows: 28,
        sha256: "b823897cc9fdb93233a17abbd1f1f8751dcb6eb6e0a7187b5f55ea316bab0cac",
    },
];

const FORMAT_MD: &str = include_str!("../FORMAT.md");

struct Frozen {
    name: &'static str,
    compressed: bool,
    objects: u64,
    rows: u64,
    sha256: &'static str,
}

impl Frozen {
    fn path(&self) -> PathBuf {
        fixtures().join(self.name)
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    /// The text of a part of the file.
    fn text(&self, from: u64, to: u64) -> Vec<u8> {
        let stored =
            self.bytes()[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()].to_vec();
        if !self.compressed {
            return stored;
        }
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(&stored[..]).read_to_end(&mut text).unwrap();
        text
    }

    fn trailer_bytes(&self) -> u64 {
        if self.compressed { 279 } else { 256 }
    }

    /// The numbers in the trailer: manifest, index and end; and the digest.
    fn trailer(&self) -> ([u64; 3], String) {
        let length = u64::try_from(self.bytes().len()).unwrap();
        let text = String::from_utf8(self.text(length - self.trailer_bytes(), length)).unwrap();
        assert_eq!((text.len(), text.ends_with(" \n")), (256, true));
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        let [dashes, program, word, version, m, manifest, i, index, e, end, s, sha256] = words[..]
        else {
            panic!("{text}")
        };
        assert_eq!(
            [dashes, program, word, version, m, i, e, s],
            ["--", "snapdump", "trailer", "1", "manifest", "index", "end", "sha256"]
        );
        ([manifest, index, end].map(|number| number.parse().unwrap()), sha256.to_owned())
    }

    fn footer(&self) -> Footer {
        inspect(self.path()).unwrap()
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// F26.
#[test]
fn every_frozen_file_is_tested() {
    let mut found = BTreeSet::new();
    for folder in std::fs::read_dir(fixtures()).unwrap().map(Result::unwrap) {
        if folder.file_type().unwrap().is_dir() {
            for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
                let (folder, file) = (folder.file_name(), file.file_name());
                found.insert(format!("{}/{}", folder.to_str().unwrap(), file.to_str().unwrap()));
            }
        }
    }
    assert_eq!(found, FILES.map(|file| file.name.to_owned()).into());
}

/// F21, F22, F26.
#[tokio::test]
async fn frozen_files_are_verified() {
    for file in FILES {
        let report = verify(file.path(), &Context::new()).await.unwrap();
        assert_eq!((report.objects, report.rows), (file.objects, file.rows), "{}", file.name);
        assert_eq!(report.sha256, file.sha256);
        assert_eq!(report.file_bytes, u64::try_from(file.bytes().len()).unwrap());
    }
}

/// F12.
#[test]
fn the_manifest_says_what_is_in_the_file() {
    let [named, one] = FILES.map(|file| file.footer().manifest);
    for manifest in [&named, &one] {
        assert_eq!((manifest.format, manifest.flavor.as_str()), (1, "MariaDB"));
        assert_eq!(manifest.snapshot.rung, SnapshotRung::OneConnection);
        assert!(manifest.snapshot.binlog.is_some() && manifest.snapshot.gtid.is_some());
        assert_eq!(manifest.warnings.len(), 1, "the broken view");
    }
    assert!(named.names_databases && !one.names_databases);
    let databases: Vec<_> = named.databases.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(databases, ["fixture_shop", "fixture_log"]);
    assert_eq!(one.left_out, ["event `fixture_shop`.`tidy`"]);

    let object = |kind, name: &str| {
        let name = ObjectName::new(kind, "fixture_shop", name);
        one.objects.iter().find(|object| object.name == name).unwrap()
    };
    let sales = object(ObjectKind::Table, "sales");
    assert_eq!((sales.rows, sales.filtered, sales.definition), (Some(25), true, true));
    assert_eq!(object(ObjectKind::Table, "scratch").rows, None);
    assert!(!object(ObjectKind::View, "broken").definition);
    assert!(object(ObjectKind::View, "a_total").definition);
}

/// F4, F5, F16, F17, F18.
#[test]
fn signature_and_trailer_stand_where_they_should() {
    for file in FILES {
        let length = u64::try_from(file.bytes().len()).unwrap();
        let text = file.text(0, length);
        assert!(text.starts_with(b"-- snapdump format 1\n"), "{}", file.name);
        let ([manifest, index, end], sha256) = file.trailer();
        assert_eq!(end, length - file.trailer_bytes());
        assert_eq!(sha256, file.sha256);
        assert!(file.text(manifest, index).starts_with(b"-- manifest {"));
        assert!(file.text(index, end).starts_with(b"-- index {"));
    }
}

/// F10, F11.
#[test]
fn footer_lines_are_short_and_ascii() {
    for file in FILES {
        let ([manifest, _, end], _) = file.trailer();
        let text = file.text(manifest, end);
        assert!(text.is_ascii() && text.ends_with(b"\n"));
        let mut long = 0;
        for line in std::str::from_utf8(&text).unwrap().lines() {
            let json = line.strip_prefix("-- manifest ").or_else(|| line.strip_prefix("-- index "));
            let bytes = json.unwrap().len();
            assert!(bytes <= 900, "{bytes}");
            long += usize::from(bytes == 900);
        }
        assert!(long >= 2, "neither object fits on one line");
    }
}

/// F2, F14.
#[test]
fn members_follow_one_another() {
    for file in FILES {
        let ([manifest, ..], _) = file.trailer();
        let mut next = 0;
        for member in file.footer().index.members {
            assert_eq!(member.offset, next);
            next += member.length;
            let text = file.text(member.offset, next);
            assert_eq!(u64::try_from(text.len()).unwrap(), member.sql_bytes);
            assert!(text.ends_with(b"\n"));
        }
        assert_eq!(next, manifest);
    }
}

/// F7, F9.
#[test]
fn sections_stand_in_their_order() {
    use Section::{
        Database, End, Events, Routines, Sequences, StandIns, Start, Tables, Triggers, Views,
    };
    let [named, one] = FILES.map(|file| {
        let members = file.footer().index.members;
        members.iter().map(|member| (member.section, member.database)).collect::<Vec<_>>()
    });
    assert_eq!(
        one.iter().map(|member| member.0).collect::<Vec<_>>(),
        [Start, Database, Sequences, Tables, StandIns, Routines, Views, Triggers, End]
    );
    let (first, second) = (Some(0), Some(1));
    assert_eq!(
        named,
        [
            (Start, None),
            (Database, first),
            (Sequences, first),
            (Tables, first),
            (StandIns, first),
            (Database, second),
            (Tables, second),
            (Routines, first),
            (Views, first),
            (Triggers, first),
            (Events, first),
            (End, None),
        ]
    );
    for member in FILES[0].footer().index.members {
        if matches!(member.section, Tables | Routines | Views | Triggers | Events) {
            let text = FILES[0].text(member.offset, member.offset + member.length);
            assert!(text.starts_with(b"USE `fixture_"), "{:?}", member.section);
        }
    }
}

/// F13, F15.
#[test]
fn the_parts_of_a_table_add_up() {
    for file in FILES {
        let footer = file.footer();
        for (position, object) in (0u32..).zip(&footer.manifest.objects) {
            let parts = footer.index.members.iter().flat_map(|member| &member.parts);
            let own: Vec<_> = parts.filter(|part| part.object == position).collect();
            if object.name.kind() == ObjectKind::Table {
                let rows: u64 = own.iter().map(|part| part.rows).sum();
                assert_eq!(rows, object.rows.unwrap_or(0), "{}", object.name);
                assert!(own.iter().any(|part| part.definition));
            } else {
                assert!(own.is_empty(), "{}", object.name);
            }
        }
    }
}

/// F18, F21: A gunzipped backup is a script, and no backup any more.
#[test]
fn a_backup_that_was_gunzipped_is_refused() {
    let file = &FILES[1];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gunzipped.sql");
    let text = file.text(0, u64::try_from(file.bytes().len()).unwrap());
    std::fs::write(&path, text).unwrap();
    assert_eq!(inspect(&path).unwrap_err().kind(), ErrorKind::Manifest);
}

/// The names of all fields in a JSON value.
fn fields(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                fields(value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, names)),
        _ => {}
    }
}

/// The names in the first column of the table that follows a rule of FORMAT.md.
fn documented_fields(rule: &str) -> BTreeSet<String> {
    let after = FORMAT_MD.split(&format!("- **{rule}.**")).nth(1).unwrap();
    let rows = after.lines().skip_while(|line| !line.trim().starts_with('|'));
    rows.take_while(|line| line.trim().starts_with('|'))
        .filter_map(|line| line.trim().strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect()
}

/// F12, F13.
#[test]
fn every_field_is_documented() {
    let (mut manifest, mut index) = (BTreeSet::new(), BTreeSet::new());
    for file in FILES {
        let footer = file.footer();
        fields(&serde_json::to_value(&footer.manifest).unwrap(), &mut manifest);
        fields(&serde_json::to_value(&footer.index).unwrap(), &mut index);
    }
    // Fields that a file of these two has no reason to hold.
    manifest.extend(["accounts", "connections", "held", "history_rows"].map(str::to_owned));
    assert_eq!(manifest, documented_fields("F12"));
    assert_eq!(index, documented_fields("F13"));
}

/// The rules that a comment begins with: `/// F6, S1: …`.
fn rules_of(line: &str) -> Option<Vec<&str>> {
    let text = line.trim_start().trim_start_matches('/').strip_prefix(' ')?;
    let rules: Vec<_> = text.split([':', '.']).next()?.split(", ").collect();
    let is_rule = |word: &&str| {
        let number = word.strip_prefix(['F', 'S']);
        number.is_some_and(|number| number.parse::<u8>().is_ok())
    };
    (line.trim_start().starts_with("//") && rules.iter().all(is_rule)).then_some(rules)
}

fn collect_rules(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            collect_rules(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            found.extend(text.lines().filter_map(rules_of).flatten().map(str::to_owned));
        }
    }
}

/// A promise that nothing holds is soon none; nor is there a test for what is promised no more.
#[test]
fn every_rule_is_named_by_a_test() {
    let rules = FORMAT_MD.lines().filter_map(|line| line.strip_prefix("- **")?.split_once(".**"));
    let rules: BTreeSet<_> = rules.map(|(rule, _)| rule.to_owned()).collect();
    let mut named = BTreeSet::new();
    for directory in ["src", "tests"] {
        collect_rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), &mut named);
    }
    assert_eq!(named, rules);
}

#[test]
fn the_example_of_format_md_is_the_end_of_a_frozen_file() {
    let example = FORMAT_MD.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let mut bytes = Vec::new();
    for line in example.lines() {
        // `00000000: 1f8b 0800 …  ....`
        let digits: String = line[10..49].split_ascii_whitespace().collect();
        for pair in digits.as_bytes().chunks(2) {
            let pair = std::str::from_utf8(pair).unwrap();
            bytes.push(u8::from_str_radix(pair, 16).unwrap());
        }
    }
    let file = FILES[1].bytes();
    assert_eq!(bytes, file[file.len() - 279..]);
    let ([manifest, index, end], _) = FILES[1].trailer();
    for words in [
        format!("which has {}:", "4,363"),
        format!(
            "the manifest at {manifest}, the index at {index}, and the trailer itself at {end}."
        ),
    ] {
        assert!(FORMAT_MD.contains(&words), "{words}");
    }
    assert_eq!(file.len(), 4363);
}

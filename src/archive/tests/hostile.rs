//! Footers that no dump ever wrote, with every checksum right.

use serde_json::{Value, json};

use super::super::footer::Trailer;
use super::super::*;
use super::build::{
    FORMS, assemble, assemble_text, inspect_bytes, manifest, small, small_json, verify_bytes,
};
use crate::error::ErrorKind;

/// Asserts that a file is refused for what its footer says.
fn assert_refused(file: &[u8], what: &str) {
    let error = match verify_bytes(file) {
        Ok(report) => panic!("{what} passes: {report:?}"),
        Err(error) => error,
    };
    assert!(
        matches!(error.kind(), ErrorKind::Manifest | ErrorKind::Digest),
        "{what}: {} {}",
        error.kind(),
        error.chain()
    );
    assert!(!error.chain().contains('\n'), "{what}: {}", error.chain());
    assert!(error.chain().len() < 1000, "{what}: {}", error.chain());
}

/// F23.
#[test]
fn a_file_put_together_by_hand_passes() {
    for form in FORMS {
        let (manifest, index) = small_json(form);
        let file = assemble(form, &manifest, &index);
        verify_bytes(&file).unwrap();
        let own = small(form);
        assert_eq!(inspect_bytes(&file).unwrap().index, inspect_bytes(&own).unwrap().index);
    }
}

/// F14, F22.
#[test]
fn numbers_that_contradict_the_file_are_refused() {
    let max = u64::MAX;
    let numbers = [json!(0), json!(1), json!(max), json!(max - 1), json!(max / 2 + 1)];
    for form in FORMS {
        let (manifest, index) = small_json(form);
        for field in ["offset", "length", "sql_bytes", "crc32"] {
            for member in 0..4 {
                for number in &numbers {
                    let mut index = index.clone();
                    if index["members"][member][field] == *number {
                        continue;
                    }
                    index["members"][member][field] = number.clone();
                    let what = format!("{form:?}, {field} {number} of member {member}");
                    assert_refused(&assemble(form, &manifest, &index), &what);
                }
            }
        }
    }
}

/// F14, F21.
#[test]
fn members_that_overlap_or_leave_a_gap_are_refused() {
    for form in FORMS {
        let (manifest, index) = small_json(form);
        let members = index["members"].as_array().unwrap().clone();
        let with = |members: Vec<Value>| json!({ "members": members });
        let mut cases = vec![("no members", with(Vec::new()))];
        for position in 0..members.len() {
            let mut fewer = members.clone();
            fewer.remove(position);
            cases.push(("one member less", with(fewer)));
            let mut more = members.clone();
            more.insert(position, members[position].clone());
            cases.push(("one member twice", with(more)));
        }
        let mut swapped = members.clone();
        swapped.swap(1, 2);
        cases.push(("two members swapped", with(swapped)));
        let mut joined = members.clone();
        let (one, two) = (members[1].clone(), members[2].clone());
        let sum = |field: &str| one[field].as_u64().unwrap() + two[field].as_u64().unwrap();
        joined.remove(2);
        joined[1]["length"] = json!(sum("length"));
        joined[1]["sql_bytes"] = json!(sum("sql_bytes"));
        cases.push(("two members as one", with(joined)));
        for (what, index) in cases {
            assert_refused(&assemble(form, &manifest, &index), &format!("{form:?}, {what}"));
        }
    }
}

/// F21.
#[test]
fn members_of_objects_and_databases_that_are_not_there_are_refused() {
    for form in FORMS {
        let (manifest, index) = small_json(form);
        for number in [2u32, 1 << 31, u32::MAX] {
            let mut object = index.clone();
            object["members"][1]["parts"][0]["object"] = json!(number);
            assert_refused(&assemble(form, &manifest, &object), "an object that is not there");
            let mut database = index.clone();
            database["members"][1]["database"] = json!(number);
            assert_refused(&assemble(form, &manifest, &database), "a database that is not there");
        }
    }
}

/// F12, F13, F21.
#[test]
fn values_of_another_type_are_refused() {
    let values = [
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("1"),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
    ];
    for form in FORMS {
        let (manifest, index) = small_json(form);
        for value in &values {
            for field in ["offset", "length", "sql_bytes", "crc32", "section"] {
                let mut index = index.clone();
                index["members"][0][field] = value.clone();
                assert_refused(&assemble(form, &manifest, &index), &format!("{field} {value}"));
            }
            let mut manifest = manifest.clone();
            manifest["format"] = value.clone();
            assert_refused(&assemble(form, &manifest, &index), &format!("format {value}"));
        }
        for number in ["18446744073709551616", "1e400", "00", "0x1", "--1", "NaN"] {
            let index = index.to_string().replacen(":0,", &format!(":{number},"), 1);
            let file = assemble_text(form, &manifest.to_string(), &index, |_| {});
            assert_refused(&file, number);
        }
    }
}

/// F10, F21.
#[test]
fn a_footer_that_is_no_json_is_refused() {
    let deep = "[".repeat(200_000);
    let object = r#"{"a":"#.repeat(50_000);
    for form in FORMS {
        let (manifest, index) = small_json(form);
        let (manifest, index) = (manifest.to_string(), index.to_string());
        for text in ["", "{", "null", "[]", "{}", "nonsense", &deep, &object] {
            let what = &text[..text.len().min(20)];
            // An empty text makes an empty member, which no reader must trip over either.
            assert_refused(&assemble_text(form, text, &index, |_| {}), what);
            assert_refused(&assemble_text(form, &manifest, text, |_| {}), what);
        }
        let twice = format!("{manifest}{manifest}");
        assert_refused(&assemble_text(form, &twice, &index, |_| {}), "two manifests");
        // White space to a reader of JSON, and a line without its prefix.
        let line = format!("{index}\n");
        assert_refused(&assemble_text(form, &manifest, &line, |_| {}), "a line of its own");
    }
}

/// F25.
#[test]
fn fields_that_are_not_known_are_passed_over() {
    for form in FORMS {
        let (mut manifest, mut index) = small_json(form);
        manifest["later"] = json!({"a": [1, 2, 3]});
        manifest["snapshot"]["later"] = json!(1);
        manifest["databases"][0]["later"] = json!("x");
        manifest["objects"][0]["later"] = json!(null);
        index["later"] = json!(-1.5);
        index["members"][0]["later"] = json!([]);
        index["members"][1]["parts"][0]["later"] = json!(true);
        let file = assemble(form, &manifest, &index);
        verify_bytes(&file).unwrap();
        assert_eq!(inspect_bytes(&file).unwrap().manifest, super::build::manifest());
    }
}

/// F12, F13.
#[test]
fn fields_that_are_missing_are_not_made_up() {
    for form in FORMS {
        let (manifest, index) = small_json(form);
        let without = |value: &Value, pointer: &str, field: &str| {
            let mut value = value.clone();
            let removed =
                value.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field);
            assert!(removed.is_some(), "{pointer} {field}");
            value
        };
        let fields: Vec<String> = manifest.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields.len(), 12);
        for field in &fields {
            let file = assemble(form, &without(&manifest, "", field), &index);
            assert_refused(&file, &format!("no {field}"));
        }
        for (pointer, field) in [
            ("/snapshot", "rung"),
            ("/databases/0", "name"),
            ("/databases/0", "charset"),
            ("/objects/0", "kind"),
            ("/objects/0", "name"),
        ] {
            let file = assemble(form, &without(&manifest, pointer, field), &index);
            assert_refused(&file, &format!("no {pointer}/{field}"));
        }
        for field in ["section", "offset", "length", "sql_bytes", "crc32"] {
            let file = assemble(form, &manifest, &without(&index, "/members/0", field));
            assert_refused(&file, &format!("no {field}"));
        }
        for field in ["object", "definition", "rows"] {
            let file = assemble(form, &manifest, &without(&index, "/members/1/parts/0", field));
            assert_refused(&file, &format!("no {field}"));
        }
        assert_refused(&assemble(form, &manifest, &without(&index, "", "members")), "no members");
    }
}

#[test]
fn row_counts_beyond_all_numbers_do_no_harm() {
    for form in FORMS {
        let (mut manifest, index) = small_json(form);
        manifest["objects"][0]["rows"] = json!(u64::MAX);
        manifest["objects"][1]["rows"] = json!(u64::MAX);
        manifest["largest_statement_bytes"] = json!(u64::MAX);
        let file = assemble(form, &manifest, &index);
        assert_eq!(verify_bytes(&file).unwrap().rows, u64::MAX);
    }
}

/// F24.
#[test]
fn a_newer_format_is_named() {
    for form in FORMS {
        let (manifest, index) = small_json(form);
        let mut newer = manifest.clone();
        newer["format"] = json!(2);
        let in_manifest = assemble(form, &newer, &index);
        // The same in the trailer; a gzip trailer's checksum is made right again.
        let mut in_trailer = assemble(form, &manifest, &index);
        let mark = b"-- snapdump trailer 1";
        let at = memchr::memmem::rfind(&in_trailer, mark).unwrap();
        in_trailer[at + mark.len() - 1] = b'2';
        if form != Compression::None {
            let crc = crc32fast::hash(&in_trailer[at..at + 256]).to_le_bytes();
            in_trailer.splice(at + 256..at + 260, crc);
        }
        for file in [in_manifest, in_trailer] {
            let error = inspect_bytes(&file).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Manifest);
            let message = error.to_string();
            assert!(message.contains("format 2") && message.contains("newer"), "{message}");
            assert_refused(&file, "a newer format");
        }
    }
}

/// F16, F21.
#[test]
fn places_that_contradict_the_file_are_refused() {
    for form in FORMS {
        let (manifest, index) = small_json(form);
        let (manifest, index) = (manifest.to_string(), index.to_string());
        for number in [0, 1, 2, 1 << 40, u64::MAX - 1, u64::MAX] {
            let file = assemble_text(form, &manifest, &index, |at| at.manifest_at = number);
            assert_refused(&file, &format!("manifest at {number}"));
            let file = assemble_text(form, &manifest, &index, |at| at.index_at = number);
            assert_refused(&file, &format!("index at {number}"));
            let file = assemble_text(form, &manifest, &index, |at| at.end = number);
            assert_refused(&file, &format!("end at {number}"));
        }
        let swap = |at: &mut Trailer| {
            std::mem::swap(&mut at.manifest_at, &mut at.index_at);
        };
        assert_refused(&assemble_text(form, &manifest, &index, swap), "swapped");
        for digest in ["", "0", &"0".repeat(64)] {
            let spoil = |at: &mut Trailer| at.sha256 = digest.to_owned();
            assert_refused(&assemble_text(form, &manifest, &index, spoil), "another digest");
        }
    }
    // What the cases above are spoiled versions of.
    assert_eq!(inspect_bytes(&small(FORMS[0])).unwrap().manifest, manifest());
}

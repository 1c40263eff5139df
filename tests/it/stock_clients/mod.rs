//! The cases of the splitter, run through the real stock clients.
//!
//! A client reads a case as its script and sends what it makes of it to a [`recorder`]. That must
//! be what the splitter finds, statement by statement, except for what stands in [`differences`].

mod client;
mod differences;
mod recorder;

#[path = "../../../src/sql/split/tests/cases.rs"]
mod cases;
#[path = "../../../src/sql/split/tests/failures.rs"]
mod failures;
#[path = "../../../src/sql/split/tests/given.rs"]
mod given;

use std::collections::HashMap;
use std::fmt::Write as _;

use futures::StreamExt as _;
use snapdump::sql::charset::Charset;
use snapdump::sql::split::{
    Construct, DelimiterFault, Dialect, LexError, Position, SplitOptions, Splitter, Step,
};

use self::client::{Client, comparable};
use self::differences::{DIFFERENCES, Difference};
use self::given::*;

/// One case of the table: what the unit tests make a test of each.
struct Case {
    name: &'static str,
    options: SplitOptions,
    script: Vec<u8>,
}

/// The unit tests' macro of this name makes tests; here the same lines become data.
macro_rules! splits_to {
    ($($name:ident $([$options:expr])?: $script:expr => [$($text:expr),* $(,)?] $(, $error:expr)?;)*) => {
        pub(in super::super) fn all() -> Vec<Case> {
            vec![$({
                let options = [$($options,)? maria()];
                let _: (&[&[u8]], &[LexError]) = (&[$($text.as_ref()),*], &[$($error)?]);
                Case {
                    name: case_name(concat!(module_path!(), "::", stringify!($name))),
                    options: options[0].clone(),
                    script: bytes(&$script),
                }
            }),*]
        }
    };
}
use splits_to;

/// The last two parts of a path: the group of the case, and its own name.
fn case_name(path: &'static str) -> &'static str {
    let parts = path.rmatch_indices("::").nth(1).map_or(0, |(at, _)| at + 2);
    &path[parts..]
}

fn all_cases() -> Vec<Case> {
    [
        cases::delimiters::all(),
        cases::use_lines::all(),
        cases::quotes::all(),
        cases::dollars::all(),
        cases::comments::all(),
        cases::version_comments::all(),
        cases::bytes_of_text::all(),
        cases::whole_dumps::all(),
        failures::at_the_end::all(),
        failures::commands::all(),
        failures::delimiter_commands::all(),
        failures::bad_bytes::all(),
        failures::limits::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What becomes of a script.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    statements: Vec<String>,
    /// Whether the reading ended with an error.
    refused: bool,
}

fn ours(options: &SplitOptions, script: &[u8]) -> Outcome {
    let mut splitter = Splitter::new(options.clone());
    let mut rest = script;
    let mut statements = Vec::new();
    loop {
        match splitter.step(rest, true) {
            Ok(Step::Statement(statement)) => {
                let text = &rest[statement.text.clone()];
                react(text, |change| change.tell(&mut splitter));
                statements.push(comparable(text));
                rest = &rest[statement.consumed..];
            }
            Ok(Step::Skip { consumed }) => rest = &rest[consumed..],
            Ok(Step::More) => unreachable!("nothing follows"),
            Ok(Step::End) => return Outcome { statements, refused: false },
            Err(_) => return Outcome { statements, refused: true },
        }
    }
}

/// Every case, through every client.
///
/// What stands in the list of differences must really differ, and all else must be the same: a case
/// whose difference is gone has to leave the list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_splitter_finds_what_the_stock_clients_send() {
    let cases = all_cases();
    assert!(cases.len() >= 400, "{} cases", cases.len());
    let mut listed = listed();
    let runs: Vec<_> = Client::ALL
        .into_iter()
        .flat_map(|client| cases.iter().map(move |case| (client, case)))
        .collect();
    let mut runs = futures::stream::iter(runs)
        .map(|(client, case)| async move { (client, case, client.run(case).await) })
        .buffer_unordered(4);
    let mut wrong = String::new();
    while let Some((client, case, (theirs, message))) = runs.next().await {
        let ours = ours(&client.options(case), &case.script);
        let intended = listed.remove(&(client, case.name.to_owned()));
        let verdict = match (ours == theirs, intended) {
            (true, None) | (false, Some(_)) => continue,
            (true, Some(they)) => format!("the same, and listed as: {they}"),
            (false, None) => "not the same".to_owned(),
        };
        let script = show(&case.script);
        let _ = writeln!(
            wrong,
            "{client:?}, {}: {verdict}\n  {script}\n  ours   {ours:?}\n  theirs {theirs:?} {message}",
            case.name
        );
    }
    for (client, name) in listed.keys() {
        let _ = writeln!(wrong, "{client:?}, {name}: listed, and no such case");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The list of differences, by client and case.
fn listed() -> HashMap<(Client, String), &'static str> {
    let mut listed = HashMap::new();
    for Difference { they, we, cases } in DIFFERENCES {
        assert!(
            they.ends_with('.') && we.ends_with('.'),
            "a difference without its reason: {they}"
        );
        for (clients, names) in *cases {
            for (client, name) in
                clients.iter().flat_map(|client| names.iter().map(move |name| (client, name)))
            {
                let known = listed.insert((*client, (*name).to_owned()), *they);
                assert_eq!(known, None, "{name} is listed twice for {client:?}");
            }
        }
    }
    listed
}

//! Holds the floors of ARCHITECTURE.md against the code.
//!
//! A module imports only from lower floors, and within its floor only from modules listed before
//! it. The sources are taken apart into tokens, so that comments, doc comments and strings never
//! count and the insides of macros do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and may say why"
)]

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The floors from the ground up, each with its modules. `lib` stands for `src/lib.rs`.
const FLOORS: [&[&str]; 8] = [
    &["ident", "progress", "error", "context"],
    &["sql"],
    &["archive", "store"],
    &["server"],
    &["dump"],
    &["restore"],
    &["job"],
    &["http", "internals", "lib"],
];

/// Modules that never see each other, wherever they stand.
const STRANGERS: [(&str, &str); 2] = [("server", "store"), ("store", "server")];

/// Imports that only one file of a module may make.
const ONLY_IN: [(&str, &str, &str); 1] = [("restore", "dump", "src/restore/point.rs")];

/// The only places that may name the driver; a name that ends in `/` is a folder.
const DRIVER_IN: [&str; 6] = [
    "src/server/",
    "src/dump/rows.rs",
    "src/dump/cells.rs",
    "src/dump/inserts.rs",
    "src/dump/printed_rows.rs",
    "src/restore/replay.rs",
];

/// What `sql` must not know: bytes come in and go out, and nobody waits.
const NOT_IN_SQL: [&str; 5] = ["async", "await", "futures", "mysql_async", "tokio"];

/// One source file.
struct Source {
    /// Its path from the root of the repository, with slashes.
    path: String,
    text: String,
}

/// Something that a file names: the path from the root of the crate, or a single word.
struct Named {
    path: Vec<String>,
    line: usize,
}

/// What a file names.
#[derive(Default)]
struct Names {
    /// Paths into this crate, made absolute.
    paths: Vec<Named>,
    /// Every identifier and keyword.
    words: Vec<Named>,
    /// Modules that it declares in files of their own.
    modules: Vec<String>,
}

impl Names {
    fn of(source: &Source) -> Self {
        let tokens: TokenStream = match source.text.parse() {
            Ok(tokens) => tokens,
            Err(error) => panic!("{}: {error}", source.path),
        };
        let mut names = Self::default();
        names.walk(tokens, &module_of(&source.path));
        names
    }

    /// Reads the tokens of a group that stands in the module `here`.
    fn walk(&mut self, tokens: TokenStream, here: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Group(group) => self.walk(group.stream(), here),
                TokenTree::Ident(word) => {
                    let text = word.to_string();
                    let line = word.span().start().line;
                    self.words.push(Named { path: vec![text.clone()], line });
                    match text.as_str() {
                        "mod" => {
                            if let Some(inside) = self.module(&tokens, at, here) {
                                at = inside;
                            }
                        }
                        "crate" | "self" | "super" if !follows_colons(&tokens, at) => {
                            at = self.path(&tokens, at, here);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Reads `mod name;` or `mod name { … }`, and returns the position of the braces.
    fn module(&mut self, tokens: &[TokenTree], at: usize, here: &[String]) -> Option<usize> {
        let TokenTree::Ident(name) = tokens.get(at + 1)? else { return None };
        match tokens.get(at + 2)? {
            TokenTree::Punct(end) if end.as_char() == ';' => self.modules.push(name.to_string()),
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                let inside: Vec<_> = here.iter().cloned().chain([name.to_string()]).collect();
                self.walk(body.stream(), &inside);
                return Some(at + 2);
            }
            _ => {}
        }
        None
    }

    /// Reads a path that begins with `crate`, `self` or `super`, and returns the position of its
    /// last token.
    fn path(&mut self, tokens: &[TokenTree], at: usize, here: &[String]) -> usize {
        let line = tokens[at].span().start().line;
        let base = match tokens[at].to_string().as_str() {
            "crate" => Vec::new(),
            "super" => here[..here.len().saturating_sub(1)].to_vec(),
            _ => here.to_vec(),
        };
        if colons(tokens, at + 1) {
            return self.rest(tokens, at + 3, base, line);
        }
        // `pub(crate)`, `pub(super)` and `self.field` import nothing; `use crate as x` does.
        if tokens[at].to_string() == "crate" && tokens.len() > 1 {
            self.paths.push(Named { path: base, line });
        }
        at
    }

    /// Reads what follows the `::` after `base`, from the position `at` on.
    fn rest(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        mut base: Vec<String>,
        line: usize,
    ) -> usize {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => {
                match word.to_string().as_str() {
                    "self" => {}
                    "super" => drop(base.pop()),
                    name => base.push(name.to_owned()),
                }
                if colons(tokens, at + 1) {
                    return self.rest(tokens, at + 3, base, line);
                }
                self.paths.push(Named { path: base, line });
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma =
                    |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
                for tree in inside.split(is_comma).filter(|tree| !tree.is_empty()) {
                    let line = tree[0].span().start().line;
                    self.rest(tree, 0, base.clone(), line);
                }
            }
            // A star, or the `<` of type arguments.
            _ => {
                base.push("*".to_owned());
                self.paths.push(Named { path: base, line });
            }
        }
        at
    }
}

/// Whether `::` stands at the position.
fn colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(at) && colon(at + 1)
}

fn follows_colons(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && colons(tokens, at - 2)
}

/// The module that a file is, as its path from the root of the crate.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// Floor and place on it.
fn place_of(module: &str) -> Option<(usize, usize)> {
    FLOORS.iter().enumerate().find_map(|(floor, modules)| {
        modules.iter().position(|name| *name == module).map(|place| (floor, place))
    })
}

/// Why `from` may not import `to`, if so.
fn objection(source: &Source, from: &str, to: &str) -> Option<&'static str> {
    let (Some(own), Some(other)) = (place_of(from), place_of(to)) else {
        return Some("names no module of the table");
    };
    if other.0 > own.0 {
        Some("looks up to a higher floor")
    } else if other.0 == own.0 && other.1 > own.1 {
        Some("looks ahead on its own floor")
    } else if STRANGERS.contains(&(from, to)) {
        Some("sees a stranger")
    } else if ONLY_IN.iter().any(|rule| (rule.0, rule.1) == (from, to) && rule.2 != source.path) {
        Some("is left to another file")
    } else {
        None
    }
}

/// Every violation in these files, one line each.
fn violations(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let names = Names::of(source);
        let own = module_of(&source.path).first().cloned().unwrap_or_else(|| "lib".to_owned());
        let mut report = |named: &Named, why: &str| {
            let (path, line, what) = (&source.path, named.line, named.path.join("::"));
            found.push(format!("{path}:{line}: `{what}` {why}"));
        };
        for named in &names.paths {
            let to = named.path.first().map_or("", String::as_str);
            if to != own
                && own != "lib"
                && let Some(why) = objection(source, &own, to)
            {
                report(named, why);
            }
        }
        let may_drive = |place: &str| {
            source.path == place || place.ends_with('/') && source.path.starts_with(place)
        };
        for word in &names.words {
            let text = word.path[0].as_str();
            if own == "sql" && NOT_IN_SQL.contains(&text) {
                report(word, "does not belong into pure text");
            } else if text == "mysql_async" && !DRIVER_IN.into_iter().any(may_drive) {
                report(word, "is the driver, which only the server knows");
            }
        }
    }
    found
}

/// All files of `src`.
fn sources() -> Vec<Source> {
    fn collect(folder: &Path, root: &Path, found: &mut Vec<Source>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let inside = path.strip_prefix(root).unwrap();
                let parts: Vec<_> =
                    inside.components().map(|part| part.as_os_str().to_str().unwrap()).collect();
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(Source { path: parts.join("/"), text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join("src"), root, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

#[test]
fn every_import_goes_down() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    assert_eq!(violations(&sources), [""; 0]);
}

#[test]
fn every_module_has_a_floor() {
    let sources = sources();
    let root = sources.iter().find(|source| source.path == "src/lib.rs").unwrap();
    let declared: BTreeSet<String> =
        Names::of(root).modules.into_iter().chain(["lib".to_owned()]).collect();
    let listed: BTreeSet<String> =
        FLOORS.iter().flat_map(|modules| modules.iter().map(ToString::to_string)).collect();
    assert_eq!(declared, listed);
}

/// The rows of the table in ARCHITECTURE.md begin ``| floor | `module` |``.
#[test]
fn architecture_md_has_the_same_floors() {
    let text = include_str!("../ARCHITECTURE.md");
    let table = text.split("<!-- floors -->").nth(1).unwrap();
    let table = table.split("<!-- end of floors -->").next().unwrap();
    let mut rows = Vec::new();
    for line in table.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let [_, floor, module, what, _] = cells[..]
            && let Ok(floor) = floor.parse::<usize>()
        {
            assert!(!what.is_empty(), "{line}");
            rows.push((floor, module.trim_matches('`').to_owned()));
        }
    }
    let mut expected = Vec::new();
    for (floor, modules) in FLOORS.iter().enumerate().rev() {
        expected.extend(modules.iter().map(|module| (floor, (*module).to_owned())));
    }
    assert_eq!(rows, expected);
}

fn planted(path: &str, text: &str) -> Vec<String> {
    violations(&[Source { path: path.to_owned(), text: text.to_owned() }])
}

#[test]
fn planted_violations_are_found() {
    let up = |module: &str, line: usize, path: &str| {
        vec![format!("{module}:{line}: `{path}` looks up to a higher floor")]
    };
    for (path, text, what) in [
        ("src/server/session.rs", "use crate::dump::Selector;", "dump::Selector"),
        ("src/sql/mod.rs", "fn f() { crate::archive::inspect() }", "archive::inspect"),
        ("src/ident.rs", "macro_rules! m { () => { $crate::sql::x() } }", "sql::x"),
        ("src/dump/mod.rs", "use super::restore::Prepared;", "restore::Prepared"),
        ("src/dump/rows.rs", "use super::super::restore::Prepared;", "restore::Prepared"),
        ("src/dump/rows.rs", "use crate::{error::Error, restore::{self}};", "restore"),
        ("src/error.rs", "mod tests { use super::super::server::Session; }", "server::Session"),
        ("src/error.rs", "mod tests { use super::{super::server::{a, b}}; }", "server::a"),
        ("src/store/mod.rs", "pub(in crate::server) fn f() {}", "server"),
        ("src/archive/mod.rs", "fn f() { println!(\"{}\", crate::server::x()); }", "server::x"),
        ("src/archive/mod.rs", "fn f() -> crate::server::Rows<'static> {}", "server::Rows"),
        (
            "src/archive/mod.rs",
            "type T = Vec<crate::server::Rows<crate::error::Error>>;",
            "server::Rows",
        ),
        (
            "src/archive/mod.rs",
            "fn f(x: u8) { match x { _ => self::super::dump::x() } }",
            "dump::x",
        ),
        (
            "src/archive/mod.rs",
            "#[serde(with = \"x\", default)] struct S(crate::dump::D);",
            "dump::D",
        ),
    ] {
        let found = planted(path, text);
        assert_eq!(found.first(), up(path, 1, what).first(), "{text}");
    }
    assert_eq!(
        planted("src/progress.rs", "//! x\n\nuse crate::error::Error;"),
        ["src/progress.rs:3: `error::Error` looks ahead on its own floor"]
    );
    assert_eq!(
        planted("src/server/mod.rs", "use crate::store::StagedFile;"),
        ["src/server/mod.rs:1: `store::StagedFile` sees a stranger"]
    );
    assert_eq!(
        planted("src/restore/mod.rs", "use crate::dump::DumpOptions;"),
        ["src/restore/mod.rs:1: `dump::DumpOptions` is left to another file"]
    );
    for (text, what) in [
        // Through the names that lib.rs gives out, or the whole crate under another name.
        ("use crate::ErrorKind;", "ErrorKind"),
        ("use crate::*;", "*"),
        ("use crate as root;", ""),
        ("use crate::{self as root};", ""),
    ] {
        let expected = format!("src/dump/plan.rs:1: `{what}` names no module of the table");
        assert_eq!(planted("src/dump/plan.rs", text), [expected], "{text}");
    }
    assert_eq!(
        planted("src/sql/split/mod.rs", "async fn f() {}"),
        ["src/sql/split/mod.rs:1: `async` does not belong into pure text"]
    );
    assert_eq!(
        planted("src/dump/plan.rs", "use mysql_async::Row;"),
        ["src/dump/plan.rs:1: `mysql_async` is the driver, which only the server knows"]
    );
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for (path, text) in [
        ("src/ident.rs", "// use crate::dump::x;\n/* crate::dump /* */ crate::dump */"),
        ("src/ident.rs", "//! [x](crate::dump)\n/// [`crate::dump::x`]\nfn f() {}"),
        ("src/ident.rs", "const A: &str = r#\"use \" crate::dump::x\"#; const B: char = '\"';"),
        ("src/ident.rs", "fn f<'a>(x: &'a str) -> &'a str { \"\\\"crate::dump\"; x }"),
        ("src/ident.rs", "pub(crate) fn f() {} pub(super) fn g() {} fn h(self) { self.dump }"),
        ("src/ident.rs", "mod tests { use super::*; use super::super::ident::x; }"),
        ("src/dump/rows.rs", "use super::script::Script; use self::inner::x; use crate::dump::y;"),
        ("src/dump/rows.rs", "use crate::{error::{Error, Result}, sql::literal::push_hex};"),
        ("src/restore/point.rs", "use crate::dump::dump_to_path;"),
        ("src/lib.rs", "pub use dump::dump; use crate::restore::restore;"),
    ] {
        assert_eq!(planted(path, text), [""; 0], "{text}");
    }
}

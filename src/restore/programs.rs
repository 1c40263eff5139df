//! What a script makes that its later statements run: triggers, functions, views.
//!
//! A program may do in its body what no statement of the script may do by itself: databases that
//! belong together refer to one another, and creating it runs nothing. Dumps make programs after
//! the rows that would set them off. So it is refused only that a statement runs one: once any
//! program of the script reaches too far, none of them is run any more, because they call one
//! another.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::ident::one_line;
use crate::sql::charset::Charset;
use crate::sql::policy::{Examined, Made, Program, ProgramKind, Run, runs};
use crate::sql::token::Reading;

/// How many programs that reach too far are remembered; the first is named.
const REACHING_KEPT: usize = 3;

/// The programs that a script has made so far. Clones share them, because several connections can
/// replay one script.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs(Arc<Mutex<State>>);

/// What a program does that no statement may.
#[derive(Clone, Debug)]
pub(super) struct Reaching {
    /// As in "the trigger 't' reaches into the database 'd'".
    pub(super) does: String,
    /// What allows it.
    pub(super) option: &'static str,
}

#[derive(Debug, Default)]
struct State {
    /// Shared with those who look through the rows of a statement, for which nobody else has to wait.
    made: Arc<Made>,
    reaching: Arc<Vec<(String, Reaching)>>,
    /// How many were made.
    total: u64,
}

impl Programs {
    /// How many programs the script has made.
    pub(super) fn total(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).total
    }

    /// Takes note of what a statement makes. `reaching` says what is not allowed of it.
    pub(super) fn note(
        &self,
        examined: &Examined,
        reading: &Reading,
        place: &Location,
        reaching: impl Fn(&Program) -> Option<Reaching>,
    ) {
        if examined.programs.is_empty() && examined.renames.is_empty() {
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.note_charset(reading);
        for program in &examined.programs {
            state.add(program, place, reaching(program));
        }
        // Also of those that the same text has made.
        state.rename(&examined.renames);
    }

    /// Refuses a statement that runs any of them, if one of them does what is not allowed.
    pub(super) fn judge(&self, text: &[u8], reading: &Reading, several: bool) -> Result<()> {
        let (made, reaching) = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.reaching.is_empty() {
                return Ok(());
            }
            state.note_charset(reading);
            (Arc::clone(&state.made), Arc::clone(&state.reaching))
        };
        let Some((program, Reaching { does, option })) = reaching.first() else {
            return Ok(());
        };
        let run = match runs(text, reading, several, &made) {
            None => return Ok(()),
            Some(Run::Changes(name)) => format!("changes '{}'", one_line(&name)),
            Some(Run::Calls(name)) => format!("calls '{}'", one_line(&name)),
            Some(Run::Reads(name)) => format!("reads '{}'", one_line(&name)),
        };
        Err(Error::new(
            ErrorKind::Config,
            format!(
                "the statement {run}, which runs what the script has made, and {program} {does}: \
                 allow it ({option}), or take it out of the script"
            ),
        ))
    }
}

impl State {
    fn note_charset(&mut self, reading: &Reading) {
        if reading.charset != Charset::Utf8 && !self.made.mixed {
            Arc::make_mut(&mut self.made).mixed = true;
        }
    }

    fn add(&mut self, program: &Program, place: &Location, reaching: Option<Reaching>) {
        self.total += 1;
        let made = Arc::make_mut(&mut self.made);
        let name = program.name.to_lowercase();
        match program.kind {
            ProgramKind::Trigger => {
                made.tables.insert(program.table.as_deref().unwrap_or_default().to_lowercase());
            }
            ProgramKind::View => {
                made.views.insert(name);
                made.views_call |= reaching.is_some() && program.calls;
            }
            ProgramKind::Function => {
                made.functions.insert(name);
                made.views_call = true;
            }
            ProgramKind::Package => {
                made.packages.insert(name);
                made.views_call = true;
            }
            ProgramKind::Procedure | ProgramKind::Event => {}
        }
        if let Some(reaching) = reaching
            && self.reaching.len() < REACHING_KEPT
        {
            let (word, name) = (program.kind.word(), one_line(&program.name));
            let program = format!("the {word} '{name}' ({place})");
            Arc::make_mut(&mut self.reaching).push((program, reaching));
        }
    }

    /// Triggers go with their table to its new name.
    fn rename(&mut self, names: &[String]) {
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let made = Arc::make_mut(&mut self.made);
        for known in [&mut made.tables, &mut made.views] {
            if names.iter().any(|name| known.contains(name)) {
                known.extend(names.iter().cloned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::RestoreOptions;
    use super::super::policy::Policy;
    use super::super::replay::reading;
    use super::*;
    use crate::server::Flavor;
    use crate::sql::split::{Dialect, SplitOptions, Splitter, Step};

    /// Judges a script for the database `x`. The number of the statement that is refused, and why.
    fn judged(script: &str, policy: &Policy) -> Option<(u64, String)> {
        let reading = reading(Flavor::MariaDb, (11, 8, 9));
        let mut splitter = Splitter::new(SplitOptions::new(Dialect::MariaDb));
        let mut rest = script.as_bytes();
        loop {
            match splitter.step(rest, true).unwrap() {
                Step::Statement(statement) => {
                    let text = &rest[statement.text.clone()];
                    let semicolon = splitter.semicolon_delimits();
                    let place =
                        Location { statement: Some(statement.number), ..Location::default() };
                    let done = policy.judge(text, &reading, semicolon).and_then(|judged| {
                        policy.judge_run(text, &reading, semicolon, &judged.examined, &place)
                    });
                    if let Err(error) = done {
                        return Some((statement.number, error.to_string()));
                    }
                    rest = &rest[statement.consumed..];
                }
                Step::Skip { consumed } => rest = &rest[consumed..],
                Step::More | Step::End => return None,
            }
        }
    }

    fn policy(options: &RestoreOptions) -> Policy {
        Policy::new(options, Some("x"), false)
    }

    const TRIGGER: &str = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW DELETE FROM o.t;\n";
    const FUNCTION: &str = "CREATE FUNCTION f() RETURNS INT RETURN o.f();\n";

    #[test]
    fn what_reaches_too_far_is_not_run() {
        for (script, number, words) in [
            (format!("{TRIGGER}INSERT INTO t VALUES (1)"), 2, "changes 't'"),
            (format!("{TRIGGER}RENAME TABLE t TO u; INSERT INTO u VALUES (1)"), 3, "changes 'u'"),
            (format!("{TRIGGER}CREATE VIEW v AS SELECT * FROM t; UPDATE v SET a = 1"), 3, "'v'"),
            (
                format!(
                    "CREATE TRIGGER h AFTER INSERT ON a FOR EACH ROW INSERT INTO t VALUES (1); \
                     {TRIGGER}INSERT INTO a VALUES (1)"
                ),
                3,
                "changes 'a'",
            ),
            (format!("{FUNCTION}INSERT INTO t VALUES (f())"), 2, "calls 'f'"),
            (format!("{FUNCTION}CREATE VIEW v AS SELECT f(); SELECT * FROM v"), 3, "reads 'v'"),
            (
                format!("CREATE FUNCTION x() RETURNS INT RETURN 1; {TRIGGER}SELECT x()"),
                3,
                "calls 'x'",
            ),
            ("CREATE VIEW v AS SELECT * FROM o.t; INSERT INTO v VALUES (1)".into(), 2, "'v'"),
            ("CREATE VIEW v AS SELECT o.f(); SELECT * FROM v".into(), 2, "reads 'v'"),
            (format!("DELIMITER //\n{TRIGGER}INSERT INTO t VALUES (1)//"), 1, "changes 't'"),
            (
                format!("DELIMITER //\n{TRIGGER}RENAME TABLE t TO u//INSERT INTO u VALUES (1)//"),
                2,
                "changes 'u'",
            ),
            ("CREATE VIEW v AS SELECT * FROM {OJ o.t}; INSERT INTO v VALUES (1)".into(), 2, "'v'"),
        ] {
            let (refused, error) = judged(&script, &policy(&RestoreOptions::default()))
                .unwrap_or_else(|| panic!("{script}"));
            assert_eq!(refused, number, "{script}: {error}");
            assert!(error.contains(words), "{script}: {error}");
            assert!(error.contains("the database 'o'"), "{script}: {error}");
            assert!(error.contains("(with_other_databases)"), "{script}: {error}");
            let allowed = RestoreOptions::default().with_other_databases(true);
            assert_eq!(judged(&script, &policy(&allowed)), None);
        }
    }

    #[test]
    fn what_dumps_make_is_not_refused() {
        for script in [
            format!("INSERT INTO t VALUES (1); {TRIGGER}INSERT INTO u VALUES (1), ('f(1)')"),
            format!("{TRIGGER}CREATE TABLE u (a INT); DROP TABLE IF EXISTS t; USE x"),
            format!("{FUNCTION}INSERT INTO f (a) VALUES (1)"),
            // Into the database itself.
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW DELETE FROM x.u; \
             INSERT INTO t VALUES (1)"
                .into(),
            "CREATE FUNCTION f() RETURNS INT RETURN x.g(); SELECT f()".into(),
            // Only the server's clock runs it.
            "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM o.t; \
             CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1; INSERT INTO t VALUES (1)"
                .into(),
            // Comparisons and rows are no calls; nobody but CALL runs a procedure that prepares.
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW DELETE FROM u WHERE a > NEW.b; \
             INSERT INTO t VALUES (1)"
                .into(),
            "DELIMITER //\nCREATE PROCEDURE p() BEGIN PREPARE s FROM 'SELECT 1'; EXECUTE s; END//\n\
             DELIMITER ;\nCREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1; INSERT INTO t VALUES (1)"
                .into(),
            "CREATE VIEW v AS SELECT * FROM information_schema.TABLES; \
             CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1; INSERT INTO t VALUES (1)"
                .into(),
            // What is only read.
            "CREATE VIEW v AS SELECT * FROM o.t; SELECT * FROM v".into(),
        ] {
            assert_eq!(judged(&script, &policy(&RestoreOptions::default())), None, "{script}");
        }
    }

    #[test]
    fn whose_database_it_is_counts_as_it_does_for_statements() {
        let text = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW DELETE FROM a.u; \
                    INSERT INTO t VALUES (1)";
        let plain = RestoreOptions::default();
        let own = |options: &RestoreOptions| policy(options).with_own(["a".to_owned()]);
        assert_eq!(judged(text, &own(&plain)), None);
        // Bodies are not renamed, so it is another one by then.
        let renamed = plain.clone().with_rename("a", "b");
        assert!(judged(text, &own(&renamed)).is_some());
        assert!(judged(text, &policy(&plain)).is_some());
        let (_, error) = judged(
            &text.replace("a.u", "mysql.user"),
            &policy(&plain.clone().with_other_databases(true)),
        )
        .unwrap();
        assert!(error.contains("with_other_databases and with_server_statements"), "{error}");
        let hidden = "CREATE FUNCTION f() RETURNS INT BEGIN EXECUTE IMMEDIATE 'x'; RETURN 1; END";
        let script = format!("DELIMITER //\n{hidden}//\nSELECT f()//");
        let (number, error) = judged(&script, &policy(&plain)).unwrap();
        assert_eq!(number, 2);
        assert!(error.contains("not in its text (EXECUTE)"), "{error}");
        for options in
            [plain.clone().with_other_databases(true), plain.with_indirect_statements(true)]
        {
            assert_eq!(judged(&script, &policy(&options)), None);
        }
    }

    #[test]
    fn a_replay_begins_anew() {
        let policy = policy(&RestoreOptions::default());
        let script = format!("INSERT INTO t VALUES (1); {TRIGGER}");
        assert_eq!(judged(&script, &policy), None);
        assert!(judged(&script, &policy).is_some());
        let policy = policy.with_checked(&std::collections::BTreeSet::new(), true);
        assert_eq!(judged(&script, &policy), None);
    }
}

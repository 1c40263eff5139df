//! `CREATE`, `ALTER` and `DROP`.

use super::{DefinerClause, Examiner, Program, ProgramKind, Reach, Role};
use crate::sql::token::{Token, TokenKind};

impl<'a> Examiner<'a> {
    /// Everything between the verb and the kind of the object.
    fn pass_prelude(&mut self) {
        while let Some(token) = self.peek() {
            if token.is("DEFINER") {
                self.next();
                self.definer(&token);
            } else if token.is("ALGORITHM") {
                self.next();
                self.tokens.take_sign(b'=');
                self.next();
            } else if token.is("SQL") {
                self.next();
                self.take("SECURITY");
                self.next();
            } else if token.is("SPATIAL") {
                // An index, or a reference system.
                let mut ahead = self.tokens.clone();
                ahead.next();
                if !ahead.take_word("INDEX") {
                    return;
                }
                self.next();
            } else if token.is_any(&[
                "OR",
                "REPLACE",
                "AGGREGATE",
                "TEMPORARY",
                "UNIQUE",
                "FULLTEXT",
                "ONLINE",
                "OFFLINE",
                "IGNORE",
            ]) {
                self.next();
            } else {
                return;
            }
        }
    }

    /// The account behind `DEFINER`.
    fn definer(&mut self, keyword: &Token<'a>) {
        if !self.tokens.take_sign(b'=') {
            return;
        }
        let Some(user) = self.next() else { return };
        let mut end = user.end();
        if user.is_any(&["CURRENT_USER", "CURRENT_ROLE"]) {
            if self.tokens.take_sign(b'(') {
                self.tokens.take_sign(b')');
            }
            // Whoever restores becomes the definer: there is nothing to keep or to map.
            return;
        }
        let mut host = String::new();
        if self.tokens.take_sign(b'@') {
            let Some(first) = self.next() else { return };
            host = first.value();
            end = first.end();
            // A bare host may hold signs.
            if first.kind != TokenKind::Text && first.kind != TokenKind::Name {
                while let Some(more) = self.peek().filter(|more| more.at == end) {
                    let sign = [b'.', b'-', b'%'].iter().any(|sign| more.is_sign(*sign));
                    if !sign && !more.is_name() {
                        break;
                    }
                    self.next();
                    host.push_str(&more.value());
                    end = more.end();
                }
            }
        }
        self.found.definers.push(DefinerClause {
            user: user.value(),
            host,
            range: keyword.at..end,
        });
    }

    fn if_exists(&mut self) {
        let mut ahead = self.tokens.clone();
        if ahead.take_word("IF") {
            ahead.take_word("NOT");
            if ahead.take_word("EXISTS") {
                self.tokens = ahead;
            }
        }
    }

    /// The statement after `CREATE`. Says whether it creates a stored program.
    pub(super) fn create(&mut self) -> bool {
        self.pass_prelude();
        let Some(kind) = self.next() else { return false };
        let word = kind.upper();
        self.found.changes |= !matches!(word.as_str(), "DATABASE" | "SCHEMA");
        match word.as_str() {
            "DATABASE" | "SCHEMA" => {
                self.if_exists();
                if let Some(name) = self.tokens.take_if(Token::is_name) {
                    self.mention(&name, Role::Create);
                }
            }
            "TABLE" => {
                self.if_exists();
                self.qualified(Role::Qualifier);
                self.table();
            }
            "SEQUENCE" | "LIBRARY" => {
                self.if_exists();
                self.qualified(Role::Qualifier);
            }
            "VIEW" => self.view(),
            // MySQL's views that show rows as JSON documents.
            "JSON" if self.take("RELATIONAL") && self.take("DUALITY") && self.take("VIEW") => {
                self.view();
            }
            "INDEX" => {
                self.if_exists();
                if self.pass_until(&["ON"]) {
                    self.next();
                    self.qualified(Role::Qualifier);
                }
            }
            "FUNCTION" | "PROCEDURE" | "EVENT" | "PACKAGE" => {
                (self.event, self.package) = (word == "EVENT", word == "PACKAGE");
                self.take("BODY");
                self.if_exists();
                let name = self.qualified(Role::Qualifier);
                if word == "FUNCTION" && self.is_loadable() {
                    self.reach(Reach::Server, "CREATE FUNCTION SONAME");
                    return false;
                }
                self.made = Some(Program::new(ProgramKind::of(&word), name, None));
                return true;
            }
            "TRIGGER" => {
                (self.event, self.package) = (false, false);
                self.if_exists();
                let name = self.qualified(Role::Qualifier);
                let mut table = None;
                if self.pass_until(&["ON"]) {
                    self.next();
                    table = self.qualified(Role::Qualifier);
                }
                self.made = Some(Program::new(ProgramKind::Trigger, name, table));
                return true;
            }
            "USER" | "ROLE" => self.reach(Reach::Accounts, format!("CREATE {word}")),
            _ => self.reach(Reach::Server, format!("CREATE {word}")),
        }
        false
    }

    /// The name of a view, behind which stands what it selects.
    fn view(&mut self) {
        self.if_exists();
        let name = self.qualified(Role::Qualifier);
        self.made = Some(Program::new(ProgramKind::View, name, None));
    }

    /// Whether the function comes from a library of the server.
    fn is_loadable(&self) -> bool {
        let mut ahead = self.tokens.clone();
        ahead.take_word("RETURNS") && {
            ahead.next();
            ahead.take_word("SONAME")
        }
    }

    /// What is behind the name of a table, when it is created or altered.
    fn table(&mut self) {
        while let Some(token) = self.next() {
            if token.is_any(&["REFERENCES", "LIKE"]) {
                self.qualified(Role::Reference);
            } else if token.is("UNION") {
                // The tables of MERGE, which a row that is inserted goes into.
                self.tokens.take_sign(b'=');
                if self.tokens.take_sign(b'(') {
                    while self.peek().is_some_and(|token| !token.is_sign(b')')) {
                        self.qualified(Role::Qualifier);
                        if !self.tokens.take_sign(b',') {
                            self.next();
                        }
                    }
                }
            } else if token.is_any(&["NEXTVAL", "SETVAL"]) && self.tokens.take_sign(b'(') {
                self.qualified(Role::Reference);
            } else if token.is_any(&["SELECT", "VALUES"]) {
                self.reads();
            }
        }
    }

    /// The statement after `ALTER`. Says whether it has the body of a stored program.
    pub(super) fn alter(&mut self) -> bool {
        self.pass_prelude();
        let Some(kind) = self.next() else { return false };
        let word = kind.upper();
        self.found.changes |= !matches!(word.as_str(), "DATABASE" | "SCHEMA");
        match word.as_str() {
            "DATABASE" | "SCHEMA" => {
                let options = [
                    "CHARACTER",
                    "CHARSET",
                    "COLLATE",
                    "DEFAULT",
                    "ENCRYPTION",
                    "READ",
                    "COMMENT",
                    "SET",
                ];
                if let Some(name) =
                    self.tokens.take_if(|token| token.is_name() && !token.is_any(&options))
                {
                    self.mention(&name, Role::Alter);
                }
            }
            "TABLE" => {
                self.if_exists();
                let table = self.qualified(Role::Qualifier);
                self.altered_table(table);
            }
            "VIEW" => self.view(),
            "EVENT" | "SEQUENCE" | "FUNCTION" | "PROCEDURE" | "LIBRARY" => {
                self.if_exists();
                self.qualified(Role::Qualifier);
                (self.event, self.package) = (word == "EVENT", word == "PACKAGE");
                if self.event && self.pass_until(&["RENAME", "DO"]) && self.take("RENAME") {
                    self.take("TO");
                    self.qualified(Role::Qualifier);
                }
                return self.event;
            }
            "USER" | "ROLE" => self.reach(Reach::Accounts, format!("ALTER {word}")),
            _ => self.reach(Reach::Server, format!("ALTER {word}")),
        }
        false
    }

    fn altered_table(&mut self, table: Option<Token<'a>>) {
        let mut ahead = self.tokens.clone();
        let mut with = false;
        while let Some(token) = ahead.next().filter(|token| !token.is_sign(b';')) {
            let renamed = token.is("RENAME")
                && !ahead.peek().is_some_and(|token| token.is_any(&["COLUMN", "INDEX", "KEY"]));
            let exchanged = with && token.is("TABLE");
            // `EXCHANGE PARTITION … WITH TABLE`, `CONVERT TABLE … TO PARTITION` and `CONVERT
            // PARTITION … TO TABLE` (MariaDB).
            with = token.is_any(&["WITH", "CONVERT", "TO"]);
            if renamed || exchanged {
                while ahead
                    .take_if(|token| token.is_any(&["TO", "AS"]) || token.is_sign(b'='))
                    .is_some()
                {}
                let here = std::mem::replace(&mut self.tokens, ahead);
                let name = self.qualified(Role::Qualifier);
                if renamed {
                    let names = [table, name].into_iter().flatten();
                    self.found.renames.extend(names.map(|name| name.value()));
                }
                ahead = std::mem::replace(&mut self.tokens, here);
            } else if token.is("IMPORT") && ahead.peek().is_some_and(|next| next.is("TABLESPACE")) {
                self.reach(Reach::Server, "IMPORT TABLESPACE");
            }
        }
        self.table();
    }

    /// Notes the names of a `RENAME TABLE`, and takes nothing.
    pub(super) fn renames_ahead(&mut self) {
        let mut ahead = self.tokens.clone();
        while let Some(token) = ahead.next().filter(|token| !token.is_sign(b';')) {
            if token.is_name() {
                self.found.renames.push(token.value());
            }
        }
    }

    pub(super) fn drop(&mut self) {
        self.take("TEMPORARY");
        let Some(kind) = self.next() else { return };
        let word = kind.upper();
        self.found.changes |= !matches!(word.as_str(), "DATABASE" | "SCHEMA");
        match word.as_str() {
            "DATABASE" | "SCHEMA" => {
                self.if_exists();
                if let Some(name) = self.tokens.take_if(Token::is_name) {
                    self.mention(&name, Role::Drop);
                }
            }
            "TABLE" | "TABLES" | "VIEW" | "SEQUENCE" | "FUNCTION" | "PROCEDURE" | "TRIGGER"
            | "EVENT" | "PACKAGE" | "LIBRARY" | "INDEX" => self.all_qualified(Role::Qualifier),
            "PREPARE" => {}
            "USER" | "ROLE" => self.reach(Reach::Accounts, format!("DROP {word}")),
            _ => self.reach(Reach::Server, format!("DROP {word}")),
        }
    }
}

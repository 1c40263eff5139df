//! The session settings at the start of a script, and their end.

use super::history;
use super::run::Dump;
use crate::archive::{FORMAT_VERSION, SIGNATURE, Section};
use crate::error::Result;
use crate::server::Flavor;
use crate::sql::literal::push_fmt;

/// The SQL mode of the script itself, to which it goes back after an object of another mode.
pub(super) const SCRIPT_SQL_MODE: &str = "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO";

/// The language of months and days, where something may be computed from them.
pub(super) const SCRIPT_LOCALE: &str = "en_US";

impl Dump {
    /// Session settings, saved and set. Versioned comments, as stock dumps have them. Nothing here
    /// depends on the time: the same rows give the same bytes, up to the manifest.
    pub(super) async fn start(&mut self) -> Result<()> {
        let with_history = self.keeps_history();
        let with_loose_keys = self.has_loose_keys();
        let with_locale = self.needs_locale();
        let (flavor, script) = (self.main.session.flavor(), &mut self.main.script);
        script.section(Section::Start, None).await?;
        let text = script.text();
        push_fmt(text, format_args!("{SIGNATURE}{FORMAT_VERSION}\n"));
        push_fmt(
            text,
            format_args!("-- Logical backup by snapdump {}\n", env!("CARGO_PKG_VERSION")),
        );
        let server = crate::ident::one_line(&format!(
            "Server: {flavor} {}",
            self.main.session.version().as_str()
        ));
        push_fmt(text, format_args!("-- {server}\n"));
        text.extend_from_slice(
            b"-- The last lines of this file are its footer. Without them it is a fragment.\n\n",
        );
        for sql in [
            "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */",
            "/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */",
            "/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */",
            "/*!50503 SET NAMES utf8mb4 */",
            "/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */",
            "/*!40103 SET TIME_ZONE='+00:00' */",
            "/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */",
            "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */",
        ] {
            script.statement(sql);
        }
        script.statement(format!(
            "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='{SCRIPT_SQL_MODE}' */"
        ));
        script.statement("/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */");
        if with_history {
            script.statement(history::ALLOW_INSERT);
        }
        if with_locale {
            script.statement(format!(
                "/*!50112 SET @OLD_LC_TIME_NAMES=@@LC_TIME_NAMES, LC_TIME_NAMES='{SCRIPT_LOCALE}' */"
            ));
        }
        if with_loose_keys {
            // Setting it takes a privilege, so it is only set where it has to be.
            script.statement(
                "/*!80400 SET @OLD_RESTRICT_FK=@@RESTRICT_FK_ON_NON_STANDARD_KEY, \
                 RESTRICT_FK_ON_NON_STANDARD_KEY=OFF */",
            );
        }
        if flavor == Flavor::MariaDb {
            // Rows can be older than a constraint. Other servers take this for a comment.
            script.statement(
                "/*M!100201 SET @OLD_CHECK_CONSTRAINT_CHECKS=@@CHECK_CONSTRAINT_CHECKS, \
                 CHECK_CONSTRAINT_CHECKS=0 */",
            );
        }
        Ok(())
    }

    /// Session settings put back.
    pub(super) async fn end(&mut self) -> Result<()> {
        let with_history = self.keeps_history();
        let with_loose_keys = self.has_loose_keys();
        let with_locale = self.needs_locale();
        let (flavor, script) = (self.main.session.flavor(), &mut self.main.script);
        script.section(Section::End, None).await?;
        script.text().push(b'\n');
        if with_locale {
            script.statement("/*!50112 SET LC_TIME_NAMES=@OLD_LC_TIME_NAMES */");
        }
        if with_loose_keys {
            script.statement("/*!80400 SET RESTRICT_FK_ON_NON_STANDARD_KEY=@OLD_RESTRICT_FK */");
        }
        if with_history {
            script.statement(history::PUT_BACK);
        }
        if flavor == Flavor::MariaDb {
            script.statement(
                "/*M!100201 SET CHECK_CONSTRAINT_CHECKS=@OLD_CHECK_CONSTRAINT_CHECKS */",
            );
        }
        for sql in [
            "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */",
            "/*!40101 SET SQL_MODE=@OLD_SQL_MODE */",
            "/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */",
            "/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */",
            "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */",
            "/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */",
            "/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */",
            "/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */",
        ] {
            script.statement(sql);
        }
        Ok(())
    }

    /// Whether a restore computes values that may name months: no others depend on it, and `MariaDB`
    /// lets no column be stored that does.
    fn needs_locale(&self) -> bool {
        let mut tables = self.shared.plan.databases.iter().flat_map(|database| &database.tables);
        self.main.session.flavor() == Flavor::MySql && tables.any(|table| table.computes)
    }

    fn has_loose_keys(&self) -> bool {
        self.shared.options.definitions()
            && self.shared.plan.databases.iter().any(|database| database.loose_keys)
    }

    /// Whether rows of the past are among those of any table.
    fn keeps_history(&self) -> bool {
        let mut tables = self.shared.plan.databases.iter().flat_map(|database| &database.tables);
        self.shared.options.rows()
            && tables.any(|table| history::is_kept(table, &self.shared.options))
    }
}

/// Sets the SQL mode of what follows.
pub(super) fn set_sql_mode(mode: &str) -> String {
    format!("SET sql_mode = '{mode}'")
}

/// The settings under which a program or view was created; `SET NAMES` undoes them.
pub(super) fn set_charset(client: &str, collation: &str) -> String {
    format!(
        "SET character_set_client = {client}, character_set_results = {client}, \
         collation_connection = {collation}"
    )
}

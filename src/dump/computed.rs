//! Stored generated columns whose values a restore does not compute again, and constraints that it would
//! find broken.
//!
//! What an expression with a TIMESTAMP, or with the name of a month, gives depends on the session that
//! wrote the row: its time zone, its locale. A restore computes it in UTC and in English (FORMAT S1),
//! and no statement gives such a column another value. Other settings, as
//! `div_precision_increment`, a restore takes from its server; here they are those of this one. Where
//! that makes a difference, the server can count it.

use std::collections::BTreeMap;

use super::printed;
use super::session_settings::SCRIPT_LOCALE;
use crate::error::Result;
use crate::ident::quote_identifier;
use crate::server::{Column, ColumnKind, Flavor, Generated, Session, Table};

/// Functions whose results depend on the time zone or the locale of the session.
const OF_THE_SESSION: [&str; 7] = [
    "from_unixtime(",
    "unix_timestamp(",
    "convert_tz(",
    "dayname(",
    "monthname(",
    "date_format(",
    "str_to_date(",
];

/// What shows that a result depends on other settings: `div_precision_increment`,
/// `block_encryption_mode`. (The mode of `WEEK` is written into the definition.)
const OF_OTHER_SETTINGS: [&str; 3] = [" / ", "aes_encrypt(", "aes_decrypt("];

/// What the value of a column depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dependence {
    /// On the time zone or the locale.
    zone: bool,
    /// On other settings.
    settings: bool,
}

impl Dependence {
    const fn any(self) -> bool {
        self.zone || self.settings
    }

    const fn and(self, other: Self) -> Self {
        Self { zone: self.zone || other.zone, settings: self.settings || other.settings }
    }

    /// Under what the values were computed, and under what they will be.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self { settings: false, .. } => {
                ("in another time zone or locale", "computes it in UTC and in English")
            }
            Self { zone: false, .. } => {
                ("under other settings", "computes it under those of the script and its server")
            }
            _ => (
                "in another time zone or locale, or under other settings",
                "computes it in UTC, in English and under the settings of the script and its server",
            ),
        }
    }
}

/// Whether a table makes dates of texts, which the SQL mode of the rows matters to. `create` is what the
/// server prints of it.
pub(super) fn makes_dates(table: &Table, create: &str, flavor: Flavor) -> bool {
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let (depending, _) = Depending::in_table(&names, create, flavor);
    let generated = names.iter().any(|name| {
        let printed = printed::type_of(create, name).unwrap_or_default();
        printed::expression(create, name)
            .is_some_and(|expression| depending.makes_date(expression, is_temporal(printed)))
    });
    // Constraints, and keys of expressions.
    let lines = || create.lines().filter(|line| line.contains(" CHECK (") || line.contains("(("));
    generated || (flavor == Flavor::MySql && lines().any(|line| depending.makes_date(line, false)))
}

/// Compares the values of such columns with what a restore will compute, has it check the constraints
/// that no setting takes away (`MySQL`), and says where something differs, one sentence for each column
/// and constraint, and in how many rows all in all. `create` is what the server prints of the table;
/// `condition` chooses the rows; `sql_mode` is that in which they are inserted.
pub(super) async fn check(
    session: &mut Session,
    table: &Table,
    create: &str,
    condition: Option<&str>,
    sql_mode: &str,
) -> Result<(Vec<String>, u64)> {
    let name = quote_identifier(&table.name);
    let doubtful = doubtful(table, create, session.flavor());
    if doubtful.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let counts: Vec<_> = doubtful.iter().map(|one| format!("SUM({})", one.test)).collect();
    let condition = condition.map(|text| format!(" WHERE ({text}\n)")).unwrap_or_default();
    let sql = format!("SELECT {} FROM {name}{condition}", counts.join(","));
    let as_in_script = format!("SET sql_mode = '{sql_mode}', lc_time_names = '{SCRIPT_LOCALE}'");
    session.execute(as_in_script).await?;
    let counted = session.query_one(&sql).await;
    let counted = match counted {
        Err(error) if error.server().is_none() => return Err(error),
        counted => counted,
    };
    session.execute("SET sql_mode = '', lc_time_names = DEFAULT").await?;
    let (mut said, mut differing) = (Vec::new(), 0);
    for (place, one) in doubtful.iter().enumerate() {
        match &counted {
            Err(error) => said.push(format!(
                "table {name}: whether a restore takes {} as it is could not be seen: {}",
                one.what,
                error.chain()
            )),
            Ok(row) => {
                let rows = row.optional_number(place)?.unwrap_or(0);
                if rows > 0 {
                    differing += rows;
                    said.push(format!("table {name}: {}", one.sentence(rows)));
                }
            }
        }
    }
    Ok((said, differing))
}

/// A column, or a constraint, that a restore may take otherwise than it is.
struct Doubtful {
    /// What it is, with its name.
    what: String,
    is_check: bool,
    /// A condition that is true for the rows that it does so with.
    test: String,
    dependence: Dependence,
}

impl Doubtful {
    fn sentence(&self, rows: u64) -> String {
        let Self { what, is_check, dependence, .. } = self;
        let (then, there) = dependence.words();
        if *is_check {
            format!(
                "{what} does not hold for {rows} rows under the settings of a restore: a restore \
                 checks it {there}, and will refuse them, unless it is made NOT ENFORCED before the dump",
                there = there.trim_start_matches("computes it ")
            )
        } else {
            format!(
                "{what} has been computed {then} in {rows} rows; a restore {there}, and it will have \
                 other values there"
            )
        }
    }
}

fn doubtful(table: &Table, create: &str, flavor: Flavor) -> Vec<Doubtful> {
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let (depending, generated) = Depending::in_table(&names, create, flavor);
    let columns = generated.into_iter().filter_map(|(name, expression, dependence)| {
        let column = table.columns.iter().find(|column| column.name == name)?;
        let printed = printed::type_of(create, name).unwrap_or_default();
        (column.generated == Generated::Stored).then(|| Doubtful {
            what: format!("the stored generated column {}", quote_identifier(name)),
            is_check: false,
            test: differs(column, printed, expression),
            dependence,
        })
    });
    let checks = if flavor == Flavor::MySql { printed::checks(create) } else { Vec::new() };
    let checks = checks.into_iter().filter_map(|(name, asked)| {
        let dependence = depending.of(asked);
        dependence.any().then(|| Doubtful {
            what: format!("the constraint {name}"),
            is_check: true,
            test: format!("NOT ({asked})"),
            dependence,
        })
    });
    columns.chain(checks).collect()
}

/// What the columns of a table depend on, as far as expressions can name them.
struct Depending<'a> {
    columns: BTreeMap<&'a str, Dependence>,
    unsigned: Vec<&'a str>,
    /// Those of texts, and those of dates and times.
    texts: Vec<&'a str>,
    temporal: Vec<&'a str>,
    mysql: bool,
}

impl<'a> Depending<'a> {
    /// All that depend on the session, and those among them that are generated, with their expressions.
    fn in_table(
        columns: &[&'a str],
        create: &'a str,
        flavor: Flavor,
    ) -> (Self, Vec<(&'a str, &'a str, Dependence)>) {
        let mysql = flavor == Flavor::MySql;
        let (columns_found, unsigned) = (BTreeMap::new(), Vec::new());
        let (texts, temporal) = (Vec::new(), Vec::new());
        let mut found = Self { columns: columns_found, unsigned, texts, temporal, mysql };
        let mut generated = Vec::new();
        for &name in columns {
            let printed = printed::type_of(create, name).unwrap_or_default();
            if is_unsigned(printed) {
                found.unsigned.push(name);
            }
            if is_text(printed) {
                found.texts.push(name);
            }
            if is_temporal(printed) {
                found.temporal.push(name);
            }
            if let Some(expression) = printed::expression(create, name) {
                // What is cut off or rounded, an SQL mode says (`TIME_TRUNCATE_FRACTIONAL`,
                // `TIME_ROUND_FRACTIONAL`).
                let rounds = has_time(printed) && !printed.contains("(6)");
                generated.push((name, expression, Dependence { zone: false, settings: rounds }));
            } else if printed.starts_with("timestamp") {
                found.columns.insert(name, Dependence { zone: true, settings: false });
            } else if mysql && printed.starts_with("char(") {
                // Whether it is padded, `PAD_CHAR_TO_FULL_LENGTH` says.
                found.columns.insert(name, Dependence { zone: false, settings: true });
            }
        }
        // As often as one column can depend on another.
        for _ in 0..=generated.len() {
            let before = found.columns.clone();
            for (column, expression, dependence) in &mut generated {
                let printed = printed::type_of(create, column).unwrap_or_default();
                let settings = found.makes_date(expression, is_temporal(printed));
                *dependence = dependence.and(found.of(expression));
                dependence.settings |= settings;
                if dependence.any() {
                    found.columns.insert(column, *dependence);
                }
            }
            if found.columns == before {
                break;
            }
        }
        generated.retain(|(_, _, dependence)| dependence.any());
        (found, generated)
    }

    /// What an expression depends on.
    fn of(&self, expression: &str) -> Dependence {
        let lower = expression.to_ascii_lowercase();
        let named = self.columns.iter().filter(|(name, _)| names(&lower, name));
        let by_columns = named.fold(Dependence::default(), |all, (_, one)| all.and(*one));
        let code = without_texts(&lower);
        let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
        // Whether that may be negative, `NO_UNSIGNED_SUBTRACTION` says.
        let of_unsigned = self.mysql
            && has(&[" - "])
            && (has(&["unsigned"]) || self.unsigned.iter().any(|name| names(&code, name)));
        by_columns.and(Dependence {
            zone: has(&OF_THE_SESSION),
            settings: has(&OF_OTHER_SETTINGS) || of_unsigned || self.makes_date(expression, false),
        })
    }

    /// Whether an expression may make a date of a text: that is one in some SQL modes only.
    fn makes_date(&self, expression: &str, of_date: bool) -> bool {
        const WORDS: [&str; 9] =
            ["date", "time", "day", "week", "month", "quarter", "year", "hour", "interval"];
        let lower = expression.to_ascii_lowercase();
        let code = without_texts(&lower);
        let named = |columns: &[&str]| columns.iter().any(|name| names(&code, name));
        let dates =
            of_date || WORDS.iter().any(|word| code.contains(word)) || named(&self.temporal);
        dates && (lower.contains('\'') || named(&self.texts))
    }
}

/// Whether a column, as it is printed from its type on, is of text or JSON.
fn is_text(printed: &str) -> bool {
    const KINDS: [&str; 8] =
        ["char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "enum"];
    KINDS.iter().any(|kind| printed.starts_with(kind))
}

/// Whether a column, as it is printed from its type on, is of dates.
fn is_temporal(printed: &str) -> bool {
    ["date", "timestamp"].iter().any(|kind| printed.starts_with(kind))
}

/// An expression without what stands in its string literals, which are printed with backslashes or
/// doubled quotes for quotes. Names in backticks stay: a quote in one is no literal's.
fn without_texts(expression: &str) -> String {
    let mut rest = String::with_capacity(expression.len());
    let (mut inside, mut escaped) = (None, false);
    for c in expression.chars() {
        if escaped {
            escaped = false;
            continue;
        }
        match (inside, c) {
            (Some('\''), '\\') => escaped = true,
            (Some(quote), _) if quote == c => inside = None,
            (None, '\'' | '`') => inside = Some(c),
            _ => {}
        }
        if inside != Some('\'') {
            rest.push(c);
        }
    }
    rest
}

/// Whether a column, as it is printed from its type on, has a time of the day.
fn has_time(printed: &str) -> bool {
    ["time", "datetime"]
        .iter()
        .any(|kind| printed.strip_prefix(kind).is_some_and(|rest| rest.starts_with(['(', ' '])))
}

/// Whether a column, as it is printed from its type on, holds no negative numbers.
fn is_unsigned(printed: &str) -> bool {
    let line = printed.split('\n').next().unwrap_or_default();
    line.split(" GENERATED ").next().is_some_and(|head| head.contains(" unsigned"))
}

/// Whether an expression, in small letters, names a column: it is printed as somebody wrote it.
fn names(lower: &str, column: &str) -> bool {
    lower.contains(&quote_identifier(column).to_ascii_lowercase())
}

/// A condition that is true where a column, as it is printed from its type on, has another value than
/// its expression.
fn differs(column: &Column, printed: &str, expression: &str) -> String {
    let name = quote_identifier(&column.name);
    let is_bits = printed.starts_with("bit(");
    // Padding is no difference, and no character set is.
    let bytes = |text: &str| {
        format!("CAST(TRIM(TRAILING ' ' FROM CONVERT({text} USING utf8mb4)) AS BINARY)")
    };
    // The type alone: behind it there may be parentheses too.
    let (kind, digits) =
        printed.split(' ').next().unwrap_or_default().split_once('(').unwrap_or_default();
    let digits = digits.trim_end_matches(')');
    let scale = digits.split_once(',').and_then(|(_, scale)| scale.parse::<u32>().ok());
    // A FLOAT has half the digits of what it is computed from: 24 bits. `DOUBLE(10,2)` is rounded, by
    // rules of its own: half a cent is no difference.
    let half = scale.map(|scale| format!("5.000001e-{}", scale.saturating_add(1)));
    let tolerance = match (&column.kind, half) {
        (ColumnKind::Double, half) => half,
        (ColumnKind::Float, None) => Some(format!("ABS({name}) * 1.2e-7")),
        (ColumnKind::Float, Some(half)) => Some(format!("ABS({name}) * 1.2e-7 + {half}")),
        _ => None,
    };
    if let Some(tolerance) = tolerance {
        return format!(
            "NOT ({name} <=> ({expression})) \
             AND COALESCE(ABS({name} - ({expression})) > {tolerance}, TRUE)"
        );
    }
    // Not as dates: MariaDB takes NULL and a date of no calendar for equal, and two NULLs not.
    let moments = |kept: &str, computed: &str| {
        (format!("CAST({kept} AS CHAR)"), format!("CAST({computed} AS CHAR)"))
    };
    let (kept, computed) = match &column.kind {
        ColumnKind::Date => moments(&name, &format!("CAST(({expression}) AS DATE)")),
        ColumnKind::DateTime(digits) => {
            moments(&name, &format!("CAST(({expression}) AS DATETIME({digits}))"))
        }
        ColumnKind::Time(digits) => {
            moments(&name, &format!("CAST(({expression}) AS TIME({digits}))"))
        }
        ColumnKind::Binary if is_bits => (format!("{name} + 0"), format!("ROUND(({expression}))")),
        ColumnKind::Integer | ColumnKind::Year => (name, format!("ROUND(({expression}))")),
        ColumnKind::Decimal if kind == "decimal" => {
            (name, format!("CAST(({expression}) AS DECIMAL({digits}))"))
        }
        ColumnKind::Decimal | ColumnKind::Double | ColumnKind::Float => {
            (name, format!("({expression})"))
        }
        ColumnKind::Json => (name, format!("CAST(({expression}) AS JSON)")),
        ColumnKind::Text(_) | ColumnKind::Ascii | ColumnKind::MemberNumber => {
            (bytes(&name), bytes(&format!("({expression})")))
        }
        ColumnKind::Binary | ColumnKind::Vector { .. } => (
            format!("TRIM(TRAILING 0x00 FROM CAST({name} AS BINARY))"),
            format!("TRIM(TRAILING 0x00 FROM CAST(({expression}) AS BINARY))"),
        ),
    };
    format!("NOT ({kept} <=> {computed})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quote in a name opens no text, and a division in a text divides nothing.
    #[test]
    fn quotes_in_names_hide_nothing() {
        let create = "CREATE TABLE `t` (\n  `it's` int,\n  `a``'b` int,\n  \
                      `q` double GENERATED ALWAYS AS ((`it's` / 7)) STORED,\n  \
                      `r` double GENERATED ALWAYS AS ((`a``'b` / 7)) STORED,\n  \
                      `s` text GENERATED ALWAYS AS (concat('it\\'s `', ' / ', `it's`)) STORED\n)";
        for flavor in [Flavor::MySql, Flavor::MariaDb] {
            let columns = ["it's", "a`'b", "q", "r", "s"];
            let (_, found) = Depending::in_table(&columns, create, flavor);
            let names: Vec<_> = found.into_iter().map(|(name, ..)| name).collect();
            assert_eq!(names, ["q", "r"]);
        }
    }

    #[test]
    fn what_depends_on_settings_is_found() {
        let create = "CREATE TABLE `t` (\n  `u` int unsigned DEFAULT NULL,\n  `n` int,\n  \
                      `c` char(5),\n  `at` timestamp NULL,\n  \
                      `below` int GENERATED ALWAYS AS ((`u` - 5)) STORED,\n  \
                      `less` int unsigned GENERATED ALWAYS AS ((`n` - 5)) STORED,\n  \
                      `q` double GENERATED ALWAYS AS ((`n` / 7)) VIRTUAL,\n  \
                      `both` double GENERATED ALWAYS AS ((`q` + hour(`at`))) STORED,\n  \
                      `l` int GENERATED ALWAYS AS (length(`c`)) STORED,\n  \
                      `day` date GENERATED ALWAYS AS (cast(`at` as date)) STORED\n)";
        let columns = ["u", "n", "c", "at", "below", "less", "q", "both", "l", "day"];
        let (_, generated) = Depending::in_table(&columns, create, Flavor::MySql);
        let found: Vec<_> =
            generated.into_iter().map(|(column, _, on)| (column, on.zone, on.settings)).collect();
        assert_eq!(
            found,
            [
                ("below", false, true),
                ("q", false, true),
                ("both", true, true),
                ("l", false, true),
                ("day", true, false)
            ]
        );
    }
}

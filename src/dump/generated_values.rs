//! Stored generated columns whose values a restore does not compute again.
//!
//! What an expression with a TIMESTAMP, or with the name of a month, gives depends on the session that
//! wrote the row: its time zone, its locale. A restore computes it in UTC and in English (FORMAT S1),
//! and no statement gives such a column another value. Other settings, as
//! `div_precision_increment`, a restore takes from its server; here they are those of this one. Where
//! that makes a difference, the server can count it.

use std::collections::BTreeMap;

use super::printed;
use super::session_settings::{SCRIPT_LOCALE, SCRIPT_SQL_MODE};
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
                ("under other settings", "computes it under those of its server")
            }
            _ => (
                "in another time zone or locale, or under other settings",
                "computes it in UTC, in English and under the settings of its server",
            ),
        }
    }
}

/// Compares the values of such columns with what a restore will compute, and says where they differ,
/// one sentence for each column. `condition` chooses the rows.
pub(super) async fn check(
    session: &mut Session,
    table: &Table,
    condition: Option<&str>,
) -> Result<Vec<String>> {
    if !table.columns.iter().any(|column| column.generated == Generated::Stored) {
        return Ok(Vec::new());
    }
    let name = quote_identifier(&table.name);
    let row = session.query_one(&format!("SHOW CREATE TABLE {name}")).await?;
    let create = String::from_utf8_lossy(row.bytes(1)?.unwrap_or_default()).into_owned();
    let doubtful: Vec<_> = depending_on_session(table, &create, session.flavor())
        .into_iter()
        .map(|(column, expression, dependence)| {
            let printed = printed::type_of(&create, &column.name).unwrap_or_default();
            (column, differs(column, printed, expression), dependence)
        })
        .collect();
    if doubtful.is_empty() {
        return Ok(Vec::new());
    }
    let counts: Vec<_> = doubtful.iter().map(|(_, differs, _)| format!("SUM({differs})")).collect();
    let condition = condition.map(|text| format!(" WHERE ({text}\n)")).unwrap_or_default();
    let sql = format!("SELECT {} FROM {name}{condition}", counts.join(","));
    let as_in_script =
        format!("SET sql_mode = '{SCRIPT_SQL_MODE}', lc_time_names = '{SCRIPT_LOCALE}'");
    session.execute(as_in_script).await?;
    let counted = session.query_one(&sql).await;
    let counted = match counted {
        Err(error) if error.server().is_none() => return Err(error),
        counted => counted,
    };
    session.execute("SET sql_mode = '', lc_time_names = DEFAULT").await?;
    let mut said = Vec::new();
    for (place, (column, _, dependence)) in doubtful.iter().enumerate() {
        let column = quote_identifier(&column.name);
        match &counted {
            Err(error) => said.push(format!(
                "table {name}: whether a restore computes the stored generated column {column} as it \
                 is could not be seen: {}",
                error.chain()
            )),
            Ok(row) => {
                let rows = row.optional_number(place)?.unwrap_or(0);
                if rows > 0 {
                    let (then, there) = dependence.words();
                    said.push(format!(
                        "table {name}: the stored generated column {column} has been computed {then} \
                         in {rows} rows; a restore {there}, and it will have other values there"
                    ));
                }
            }
        }
    }
    Ok(said)
}

/// The stored generated columns whose expressions depend on the session, by themselves or by other
/// columns, with the expressions.
fn depending_on_session<'a>(
    table: &'a Table,
    create: &'a str,
    flavor: Flavor,
) -> Vec<(&'a Column, &'a str, Dependence)> {
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let found = dependences(&names, create, flavor).into_iter();
    let found = found.filter_map(|(name, expression, dependence)| {
        let column = table.columns.iter().find(|column| column.name == name)?;
        (column.generated == Generated::Stored).then_some((column, expression, dependence))
    });
    found.collect()
}

/// The generated columns among those of a table whose expressions depend on the session.
fn dependences<'a>(
    columns: &[&'a str],
    create: &'a str,
    flavor: Flavor,
) -> Vec<(&'a str, &'a str, Dependence)> {
    let mysql = flavor == Flavor::MySql;
    let mut depending: BTreeMap<&str, Dependence> = BTreeMap::new();
    let mut generated = Vec::new();
    let mut unsigned = Vec::new();
    for &name in columns {
        let printed = printed::type_of(create, name).unwrap_or_default();
        if is_unsigned(printed) {
            unsigned.push(name);
        }
        if let Some(expression) = printed::expression(create, name) {
            generated.push((name, expression, Dependence::default()));
        } else if printed.starts_with("timestamp") {
            depending.insert(name, Dependence { zone: true, settings: false });
        } else if mysql && printed.starts_with("char(") {
            // Whether it is padded, `PAD_CHAR_TO_FULL_LENGTH` says.
            depending.insert(name, Dependence { zone: false, settings: true });
        }
    }
    for (_, expression, dependence) in &mut generated {
        let lower = without_texts(&expression.to_ascii_lowercase());
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        // Whether that may be negative, `NO_UNSIGNED_SUBTRACTION` says.
        let of_unsigned = mysql
            && has(&[" - "])
            && (has(&["unsigned"]) || unsigned.iter().any(|name| names(&lower, name)));
        dependence.zone = has(&OF_THE_SESSION);
        dependence.settings = has(&OF_OTHER_SETTINGS) || of_unsigned;
    }
    // As often as one column can depend on another.
    for _ in 0..=generated.len() {
        let before = depending.clone();
        for (column, expression, dependence) in &mut generated {
            let lower = expression.to_ascii_lowercase();
            let named = depending.iter().filter(|(name, _)| names(&lower, name));
            *dependence = named.fold(*dependence, |all, (_, one)| all.and(*one));
            if dependence.any() {
                depending.insert(column, *dependence);
            }
        }
        if depending == before {
            break;
        }
    }
    generated.retain(|(_, _, dependence)| dependence.any());
    generated
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
    let (kept, computed) = match &column.kind {
        ColumnKind::Date => (name, format!("CAST(({expression}) AS DATE)")),
        ColumnKind::DateTime(digits) => {
            (name, format!("CAST(({expression}) AS DATETIME({digits}))"))
        }
        ColumnKind::Time(digits) => (name, format!("CAST(({expression}) AS TIME({digits}))")),
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
            let found = dependences(&["it's", "a`'b", "q", "r", "s"], create, flavor);
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
        let found: Vec<_> = dependences(&columns, create, Flavor::MySql)
            .into_iter()
            .map(|(column, _, on)| (column, on.zone, on.settings))
            .collect();
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

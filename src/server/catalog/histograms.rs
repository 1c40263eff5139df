//! Histograms of columns (`MySQL`): what the optimizer knows of how values are spread.

use crate::error::Result;
use crate::server::flavor::Flavor;
use crate::server::session::Session;

/// A number of a histogram is read back as a double, which keeps so many digits.
const DIGITS_KEPT: usize = 15;

/// The histogram of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    pub(crate) table: String,
    pub(crate) column: String,
    /// The document that the server keeps.
    pub(crate) data: Vec<u8>,
    /// Whether the server makes it from the same document again.
    pub(crate) exact: bool,
    /// Whether the server computes it anew from time to time.
    pub(crate) auto_update: bool,
    /// How many buckets it was asked for.
    pub(crate) buckets: u64,
}

impl Session {
    /// The histograms of the columns of a database.
    pub(crate) async fn histograms(&mut self, database: &str) -> Result<Vec<Histogram>> {
        // Release notes of MySQL 8.0.3.
        if self.flavor() != Flavor::MySql || self.version().number() < (8, 0, 3) {
            return Ok(Vec::new());
        }
        // A bucket begins with its value, or with the first and the last of its values.
        let sql = format!(
            "SELECT TABLE_NAME, COLUMN_NAME, HISTOGRAM, \
             IF(JSON_EXTRACT(HISTOGRAM, '$.\"data-type\"') = 'decimal', \
             JSON_EXTRACT(HISTOGRAM, '$.buckets[*][0]'), NULL), \
             IF(JSON_EXTRACT(HISTOGRAM, '$.\"data-type\"') = 'decimal' \
             AND JSON_EXTRACT(HISTOGRAM, '$.\"histogram-type\"') = 'equi-height', \
             JSON_EXTRACT(HISTOGRAM, '$.buckets[*][1]'), NULL), \
             JSON_EXTRACT(HISTOGRAM, '$.\"auto-update\"'), \
             JSON_EXTRACT(HISTOGRAM, '$.\"number-of-buckets-specified\"') \
             FROM information_schema.COLUMN_STATISTICS WHERE {} ORDER BY TABLE_NAME, COLUMN_NAME",
            self.in_database(database).by("SCHEMA_NAME")
        );
        let mut histograms = Vec::new();
        for row in self.query(&sql).await? {
            let values = [row.optional_text(3)?, row.optional_text(4)?];
            histograms.push(Histogram {
                table: row.text(0)?,
                column: row.text(1)?,
                data: row.bytes(2)?.unwrap_or_default().to_vec(),
                exact: values.iter().flatten().all(|values| are_doubles(values)),
                auto_update: row.optional_text(5)?.is_some_and(|value| value == "true"),
                buckets: row.optional_number(6)?.unwrap_or(100),
            });
        }
        Ok(histograms)
    }
}

/// Whether a double is as good as each of these decimals.
fn are_doubles(decimals: &str) -> bool {
    decimals.split(',').all(|decimal| {
        let digits: String = decimal.chars().filter(char::is_ascii_digit).collect();
        digits.trim_matches('0').len() <= DIGITS_KEPT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_that_a_double_does_not_keep_are_found() {
        for (decimals, expected) in [
            ("[]", true),
            ("[-1.500, 0.00000000000000000001, 123456789012345, 100000000000000000000]", true),
            ("[1.5, 1234567890123456]", false),
            ("[0.1234567890123456, 1.5]", false),
        ] {
            assert_eq!(are_doubles(decimals), expected, "{decimals}");
        }
    }
}

//! A small generator of the same numbers on every run, and values made of them.

/// `SplitMix64`: one addition and a mix per number, which is all that sample rows need.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end - 1`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// The same as a signed number, for arithmetic that may go below zero.
    pub(crate) fn signed_below(&mut self, end: u32) -> i64 {
        i64::try_from(self.below(u64::from(end))).unwrap_or_default()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [first, ..] = self.next().to_le_bytes();
        first
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = self.below(words.len() as u64);
        let index = usize::try_from(index).unwrap_or_default();
        words.get(index).copied().unwrap_or_default()
    }

    pub(crate) fn phrase(&mut self, words: &[&str], count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.pick(words)).collect();
        words.join(" ")
    }

    pub(crate) fn person(&mut self, given: &[&str], family: &[&str]) -> String {
        format!("{} {}", self.pick(given), self.pick(family))
    }

    /// A date within `span` days after day `first`, counted from 1970.
    pub(crate) fn date(&mut self, first: i64, span: u32) -> String {
        civil(first + self.signed_below(span))
    }

    /// A moment, to the microsecond, within `span` days after day `first`.
    pub(crate) fn moment(&mut self, first: i64, span: u32) -> String {
        let day = self.date(first, span);
        let (hour, minute, second) = (self.below(24), self.below(60), self.below(60));
        let micros = self.below(1_000_000);
        format!("{day} {hour:02}:{minute:02}:{second:02}.{micros:06}")
    }

    /// A FLOAT with all its bits in use, as the text of the DOUBLE that it is.
    pub(crate) fn single(&mut self) -> String {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        let number = f32::from_bits(bits);
        let number = if number.is_finite() { number } else { 0.1 };
        format!("{:e}", f64::from(number))
    }

    /// A DOUBLE with all its bits in use.
    pub(crate) fn double(&mut self) -> String {
        let number = f64::from_bits(self.next());
        let number = if number.is_finite() { number } else { 0.1 };
        format!("{number:e}")
    }

    pub(crate) fn signed_decimal(&mut self) -> String {
        let sign = if self.below(4) == 0 { "-" } else { "" };
        format!("{sign}{}.{:04}", self.below(500), self.below(10_000))
    }
}

/// The date of a day counted from 1970, in the Gregorian calendar.
pub(crate) fn civil(day: i64) -> String {
    // Years are counted from March here, so that the leap day is the last one of a year; 719,468
    // days lie between 1 March of year 0 and 1 January 1970, 146,097 in every 400 years.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let (month, carry) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    let year = era * 400 + year_of_era + carry;
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

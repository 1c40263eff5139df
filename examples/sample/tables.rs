//! The rows of each table, one function a table.

use mysql_async::Conn;
use mysql_async::prelude::Queryable;

use super::insert::{Insert, hex, optional, text};
use super::random::{Random, civil};
use super::{Sizes, edges};

/// The first rows of `members` start here, as the table's `AUTO_INCREMENT` says.
const FIRST_MEMBER: u64 = 1000;
const BRANCHES: u64 = 12;

/// Fills the tables, in the order of their references.
pub(crate) struct Filler<'a, P> {
    pub(super) conn: &'a mut Conn,
    pub(super) random: Random,
    pub(super) sizes: Sizes,
    pub(super) made: u64,
    pub(super) on_progress: &'a mut P,
}

const GIVEN: &[&str] = &[
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Esi",
    "Fatima",
    "Grégoire",
    "Hana",
    "İpek",
    "João",
    "Kofi",
    "Łucja",
    "Māra",
    "Nguyễn",
    "O'Brien",
    "Priya",
    "Quentin",
    "Řehoř",
    "Søren",
    "Þóra",
];
const FAMILY: &[&str] = &[
    "Abernathy",
    "Baker",
    "Çelik",
    "D'Angelo",
    "Eriksson",
    "Fraser",
    "Großmann",
    "Hoàng",
    "Ito",
    "Jansen",
    "Kowalska",
    "Lindqvist",
    "Müller",
    "Ngata",
    "Ødegård",
    "Peña",
    "王",
    "Smith-Jones",
];
const THINGS: &[&str] = &[
    "garden",
    "lighthouse",
    "winter",
    "sea",
    "machine",
    "forest",
    "letter",
    "bridge",
    "clock",
    "island",
    "river",
    "mirror",
    "harbour",
    "mountain",
    "orchard",
    "shadow",
    "kitchen",
    "train",
];
const TITLES: &[&str] = &[
    "The",
    "A",
    "Her",
    "Le",
    "Der",
    "An Unquiet",
    "The Last",
    "\"The\"",
    "O'Hara's",
    "C:\\",
    "🌊",
];

impl<P: FnMut(u64) + Send> Filler<'_, P> {
    pub(crate) async fn all(mut self) -> mysql_async::Result<u64> {
        self.branches_and_staff().await?;
        self.works().await?;
        self.copies().await?;
        self.members().await?;
        self.loans().await?;
        self.reservations().await?;
        self.visits().await?;
        self.gate_log().await?;
        let rows = edges::rows();
        self.insert(
            "edges (tiny, medium, big, ubig, dec65, single, twofold, day, clock, moment, \
             instant, vintage, bits, choice, several, fixed, latin, wide, words, raw_fixed, raw, \
             doc, shape)",
            rows.len() as u64,
            |_, index| {
                usize::try_from(index)
                    .ok()
                    .and_then(|index| rows.get(index).cloned())
                    .unwrap_or_default()
            },
        )
        .await?;
        Ok(self.made)
    }

    /// Inserts `count` rows in one transaction; `row` makes each one's list of values.
    async fn insert(
        &mut self,
        table_and_columns: &str,
        count: u64,
        mut row: impl FnMut(&mut Random, u64) -> String + Send,
    ) -> mysql_async::Result<()> {
        self.conn.query_drop("START TRANSACTION").await?;
        let mut insert = Insert::into(table_and_columns);
        for index in 0..count {
            insert.push(&row(&mut self.random, index));
            if insert.is_full() || index + 1 == count {
                self.made += insert.rows();
                self.conn.query_drop(insert.take()).await?;
                (self.on_progress)(self.made);
            }
        }
        self.conn.query_drop("COMMIT").await
    }

    async fn branches_and_staff(&mut self) -> mysql_async::Result<()> {
        self.insert(
            "branches (id, code, name, place, opened, opens_at, floor_area, hours)",
            BRANCHES,
            |random, index| {
                format!(
                    "{}, 'B{index:03}', {}, ST_GeomFromText('POINT({}.{} {})', {}), '{}', \
                     '0{}:30:00', {}, {}",
                    index + 1,
                    text(&format!("{} Street Library", random.pick(FAMILY))),
                    random.below(60),
                    random.below(1_000_000),
                    random.below(60),
                    if index % 3 == 0 { 4326 } else { 0 },
                    random.date(-25_000, 20_000),
                    7 + random.below(3),
                    optional(index % 5 != 4, || format!("{}.{}", random.below(9000), random.below(100))),
                    optional(index % 4 != 3, || {
                        text(&format!(
                            "{{\"mon\": [\"09:30\", \"{}:00\"], \"sun\": null, \"note\": \"caf\u{e9} \\\"☕\\\"\"}}",
                            16 + random.below(5)
                        ))
                    }),
                )
            },
        )
        .await?;
        let staff = self.sizes.staff;
        self.insert(
            "staff (id, branch_id, manager_id, name, email, pin, duties, hired, remark)",
            staff,
            |random, index| {
                format!(
                    "{}, {}, {}, {}, {}, {}, {}, '{}', {}",
                    index + 1,
                    index % BRANCHES + 1,
                    optional(index > 0, || (index / 3 + 1).to_string()),
                    text(&random.person(GIVEN, FAMILY)),
                    optional(index % 7 != 6, || format!("'staff{index}@library.example'")),
                    hex(&random.bytes(16)),
                    random.below(32),
                    random.moment(10_000, 9_000),
                    optional(index % 3 != 0, || text("seen only by those who ask for it")),
                )
            },
        )
        .await?;
        self.conn.query_drop("UPDATE branches SET head_id = id WHERE id % 4 <> 0").await
    }

    async fn works(&mut self) -> mysql_async::Result<()> {
        let count = self.sizes.works;
        self.insert(
            "works (id, title, original_title, medium, published, isbn, blurb, details, price)",
            count,
            |random, index| {
                let title = format!("{} {}", random.pick(TITLES), random.phrase(THINGS, 3));
                format!(
                    "{}, {}, {}, {}, {}, {}, {}, {}, {}",
                    index + 1,
                    text(&title),
                    optional(index % 3 == 0, || text("L'été à Besançon: façades & œuvres")),
                    random.below(5) + 1,
                    optional(index % 6 != 5, || (1901 + random.below(125)).to_string()),
                    optional(index % 2 == 0, || format!("'978{:010}'", random.below(9_999_999_999))),
                    optional(index % 4 != 3, || {
                        let words = 5 + usize::from(random.byte()) / 4;
                        text(&format!("{}.\n\t'{}'", random.phrase(THINGS, words), title))
                    }),
                    optional(index % 5 != 4, || {
                        text(&format!(
                            "{{\"pages\": {}, \"tags\": [\"{}\", \"{}\"], \"size\": {{\"w\": {}.5}}}}",
                            random.below(1200),
                            random.pick(THINGS),
                            random.pick(THINGS),
                            random.below(40)
                        ))
                    }),
                    optional(index % 8 != 7, || format!("{}.{:03}", random.below(300), random.below(1000))),
                )
            },
        )
        .await
    }

    async fn copies(&mut self) -> mysql_async::Result<()> {
        let (count, works) = (self.sizes.copies, self.sizes.works);
        self.insert(
            "copies (barcode, work_id, branch_id, shelf, state, flags, weight, tag, cover, checked)",
            count,
            |random, index| {
                format!(
                    "{}, {}, {}, {}, {}, {}, {}, {}, {}, {}",
                    barcode(index),
                    random.below(works) + 1,
                    random.below(BRANCHES) + 1,
                    optional(index % 9 != 8, || {
                        text(&format!("{}{} ", random.pick(&["A", "b", "ß", "Ω"]), random.below(99)))
                    }),
                    random.below(5) + 1,
                    random.below(4096),
                    optional(index % 10 != 9, || random.single()),
                    optional(index % 3 != 2, || {
                        let length = usize::from(random.byte()) / 4;
                        hex(&random.bytes(length))
                    }),
                    optional(index % 6 == 0, || {
                        let length = usize::from(random.byte());
                        hex(&random.bytes(length))
                    }),
                    optional(index % 4 != 3, || format!("'{}'", random.moment(18_000, 2_500))),
                )
            },
        )
        .await
    }

    async fn members(&mut self) -> mysql_async::Result<()> {
        let count = self.sizes.members;
        self.insert(
            "members (id, card, name, nickname, about, born, joined, balance, score, photo)",
            count,
            |random, index| {
                format!(
                    "{}, 'M{index:09}', {}, {}, {}, {}, '{}', {}, {}, {}",
                    FIRST_MEMBER + index,
                    text(&random.person(GIVEN, FAMILY)),
                    optional(index % 3 == 0, || text("Zoë \"Ünique\" \\o/")),
                    optional(index % 5 == 0, || {
                        text(&format!("likes {} 📖\r\nand 'quotes';", random.phrase(THINGS, 6)))
                    }),
                    match index % 11 {
                        9 => String::from("'0000-00-00'"),
                        10 => String::from("NULL"),
                        _ => format!("'{}'", random.date(-15_000, 33_000)),
                    },
                    random.moment(14_000, 6_000),
                    random.signed_decimal(),
                    optional(index % 7 != 6, || random.double()),
                    optional(index % 20 == 0, || {
                        let length = 4 * usize::from(random.byte());
                        hex(&random.bytes(length))
                    }),
                )
            },
        )
        .await
    }

    async fn loans(&mut self) -> mysql_async::Result<()> {
        let (count, copies, members) = (self.sizes.loans, self.sizes.copies, self.sizes.members);
        self.insert(
            "loans (barcode, member_id, lent, due, returned, renewals)",
            count,
            |random, index| {
                // Days since 1970: 2022 to 2025.
                let day = 19_000 + random.signed_below(1_450);
                format!(
                    "{}, {}, '{}', '{}', {}, {}",
                    barcode(random.below(copies)),
                    FIRST_MEMBER + random.below(members),
                    random.moment(day, 1),
                    civil(day + 21),
                    optional(index % 10 != 0, || format!("'{}'", random.moment(day + 1, 40))),
                    random.below(4),
                )
            },
        )
        .await
    }

    async fn reservations(&mut self) -> mysql_async::Result<()> {
        let (count, works, members) =
            (self.sizes.reservations, self.sizes.works, self.sizes.members);
        self.insert(
            "reservations (member_id, work_id, made, `order`, note)",
            count,
            |random, index| {
                format!(
                    "{}, {}, '{}', {}, {}",
                    FIRST_MEMBER + index % members,
                    (index / members + index % members) % works + 1,
                    random.moment(19_900, 500),
                    optional(index % 2 == 0, || (random.signed_below(65_536) - 32_768).to_string()),
                    match index % 3 {
                        0 => "''",
                        1 => "NULL",
                        _ => "'if it\\'s not too late; -- thanks'",
                    },
                )
            },
        )
        .await?;
        // The trigger on this table wrote as many rows into the journal.
        self.made += count;
        Ok(())
    }

    async fn visits(&mut self) -> mysql_async::Result<()> {
        let count = self.sizes.visits;
        self.insert("visits (day, branch_id, stay)", count, |random, index| {
            format!(
                "'{}', {}, {}",
                random.date(19_300, 1_200),
                random.below(BRANCHES) + 1,
                optional(index % 6 != 5, || {
                    format!(
                        "'{:02}:{:02}:{:02}.{:06}'",
                        random.below(9),
                        random.below(60),
                        random.below(60),
                        random.below(1_000_000)
                    )
                }),
            )
        })
        .await
    }

    async fn gate_log(&mut self) -> mysql_async::Result<()> {
        let count = self.sizes.gate_log;
        self.insert("`gate log` (gate, passed, direction, `a``b`)", count, |random, index| {
            if index % 10 == 0 {
                // The same row again and again.
                String::from("1, '2025-01-01 00:00:00', 'in', NULL")
            } else {
                let moment = random.moment(19_700, 400);
                let seconds = moment.split('.').next().unwrap_or_default();
                format!(
                    "{}, '{seconds}', '{}', {}",
                    random.signed_below(8) - 4,
                    random.pick(&["in", "out"]),
                    random.below(1000),
                )
            }
        })
        .await
    }
}

/// The first copies have the highest numbers a `BIGINT UNSIGNED` can hold.
fn barcode(index: u64) -> u64 {
    if index < 5 { u64::MAX - index } else { 30_000_000_000_000 + index * 7 }
}

//! The speed that this crate is to have beside its peers, and whether it has it.

use std::collections::BTreeMap;

use crate::Contender;
use crate::measure::{Run, median};

/// The most memory that a dump and a restore may take, in MiB.
const DUMP_PEAK: u64 = 64;
const RESTORE_PEAK: u64 = 96;

/// How a program of ours may compare with another one: work, server, what it is about, the names of
/// both, and the most that our time may be of the other's.
type Pair = (char, &'static str, &'static str, &'static str, &'static str, f64);

const DUMPS: [Pair; 6] = [
    ('a', "MariaDB", "dump", "snapdump", "stock dump to nowhere", 1.0),
    ('a', "MariaDB", "dump", "snapdump", "stock dump, gzip", 0.15),
    ('a', "MariaDB", "dump", "snapdump", "mydumper -c", 0.3),
    ('a', "MySQL", "dump", "snapdump", "stock dump, gzip", 0.15),
    ('b', "MySQL", "dump", "snapdump", "stock dump to nowhere", 0.05),
    ('b', "MariaDB", "dump", "snapdump", "stock dump to nowhere", 0.2),
];

const RESTORES: [Pair; 5] = [
    ('a', "MariaDB", "restore", "snapdump", "gunzip, stock client", 0.5),
    ('a', "MariaDB", "restore", "snapdump, no binlog", "myloader, no binlog", 0.9),
    ('a', "MariaDB", "restore", "snapdump, stock file", "gunzip, stock client", 0.7),
    ('b', "MariaDB", "restore", "snapdump", "gunzip, stock client", 0.7),
    ('b', "MySQL", "restore", "snapdump", "gunzip, stock client", 0.7),
];

/// One line of the table: what is compared, what was measured, and what it may be.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    lines: Vec<(String, f64, f64)>,
    /// Time for each row, in seconds, by program and rows.
    growth: BTreeMap<String, Vec<f64>>,
}

impl Targets {
    pub(crate) fn dumps(&mut self, what: &str, server: &str, dumps: &[Contender]) {
        self.pairs(&DUMPS, what, server, dumps);
        self.peak(&format!("dump {what}, {server}"), dumps, DUMP_PEAK);
        if what.starts_with('a')
            && let (Some(ours), Some(stock)) =
                (find(dumps, "snapdump"), find(dumps, "stock dump, gzip"))
        {
            let ratio = ours.bytes as f64 / stock.bytes as f64;
            self.lines.push((format!("dump {what}, {server}: size / `gzip`"), ratio, 1.05));
        }
    }

    pub(crate) fn restores(&mut self, what: &str, server: &str, restores: &[Contender]) {
        self.pairs(&RESTORES, what, server, restores);
        self.peak(&format!("restore {what}, {server}"), restores, RESTORE_PEAK);
    }

    pub(crate) fn growth(&mut self, what: &str, program: &Contender, rows: u64) {
        let wall = median(&program.runs).wall;
        self.growth.entry(program.name.clone()).or_default().push(wall / rows as f64);
        let limit = if program.restores { RESTORE_PEAK } else { DUMP_PEAK };
        let line = format!("{what}: {}", program.name);
        self.peak(&line, std::slice::from_ref(program), limit);
    }

    fn pairs(&mut self, pairs: &[Pair], what: &str, server: &str, contenders: &[Contender]) {
        for &(work, on, operation, ours, theirs, limit) in pairs {
            if what.starts_with(work)
                && on == server
                && let (Some(own), Some(other)) = (find(contenders, ours), find(contenders, theirs))
            {
                let line = format!("{operation} {what}, {server}: {ours} / {theirs}");
                self.lines.push((line, own.wall / other.wall, limit));
            }
        }
    }

    fn peak(&mut self, line: &str, contenders: &[Contender], limit: u64) {
        let ours = contenders.iter().filter(|contender| contender.name.starts_with("snapdump"));
        let peak = ours.flat_map(|contender| &contender.runs).map(|run| run.peak).max();
        self.lines.push((
            format!("{line}: peak MiB"),
            peak.unwrap_or_default() as f64,
            limit as f64,
        ));
    }

    pub(crate) fn print(self) {
        let growth = self.growth.into_iter().filter_map(|(program, times)| {
            let ratio = times.last()? / times.first()?;
            (times.len() > 1)
                .then(|| (format!("{program}: time for a row, 4 times the rows / 1"), ratio, 1.1))
        });
        println!("\n| target | measured | at most | met |\n|---|---|---|---|");
        for (line, measured, limit) in self.lines.into_iter().chain(growth) {
            let met = if measured <= limit { "yes" } else { "no" };
            println!("| {line} | {measured:.2} | {limit} | {met} |");
        }
    }
}

/// The median run of the contender of that name.
fn find(contenders: &[Contender], name: &str) -> Option<Run> {
    contenders.iter().find(|contender| contender.name == name).map(|found| median(&found.runs))
}

//! Retention: which backups stay, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize, Serialize};

use super::list::BackupInfo;
use crate::progress::seconds;
use crate::store::{BackupKind, BackupName};

/// Which backups [`prune`](crate::BackupManager::prune) leaves. A backup stays when any rule keeps
/// it.
///
/// The rules count for the backups of each database, or set of databases, by themselves; times are
/// in UTC, weeks begin on Monday. Periods without a backup do not count. Without any rule for
/// backups no backup is removed, and without a rule for restore points no restore point.
///
/// Whatever the rules say, these stay: the newest whole backup of each database; the restore point
/// of a restore that is left half done; files that are not our own; files that are damaged,
/// because a person should look at them; and files from the future. Those were dated by a clock that
/// has been set back since, so nobody knows how old they are: they do not count as the newest ones,
/// nor for any rule, until their time has come.
///
/// ```
/// use std::time::Duration;
/// use snapdump::RetentionPolicy;
///
/// let policy = RetentionPolicy::new()
///     .keep_last(3)
///     .keep_daily(7)
///     .keep_weekly(4)
///     .keep_restore_points(5, Duration::from_secs(7 * 24 * 3600));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RetentionPolicy {
    last: Option<usize>,
    hourly: Option<usize>,
    daily: Option<usize>,
    weekly: Option<usize>,
    monthly: Option<usize>,
    yearly: Option<usize>,
    #[serde(with = "seconds")]
    min_age: Duration,
    restore_points: Option<RestorePointRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RestorePointRule {
    last: usize,
    #[serde(with = "seconds")]
    min_age: Duration,
}

impl RetentionPolicy {
    /// A policy that removes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the newest backups, this many.
    #[must_use]
    pub const fn keep_last(mut self, backups: usize) -> Self {
        self.last = Some(backups);
        self
    }

    /// Keeps the newest backup of each of the last hours that have one, this many.
    #[must_use]
    pub const fn keep_hourly(mut self, hours: usize) -> Self {
        self.hourly = Some(hours);
        self
    }

    /// Keeps the newest backup of each of the last days that have one.
    #[must_use]
    pub const fn keep_daily(mut self, days: usize) -> Self {
        self.daily = Some(days);
        self
    }

    /// Keeps the newest backup of each of the last weeks that have one.
    #[must_use]
    pub const fn keep_weekly(mut self, weeks: usize) -> Self {
        self.weekly = Some(weeks);
        self
    }

    /// Keeps the newest backup of each of the last months that have one.
    #[must_use]
    pub const fn keep_monthly(mut self, months: usize) -> Self {
        self.monthly = Some(months);
        self
    }

    /// Keeps the newest backup of each of the last years that have one.
    #[must_use]
    pub const fn keep_yearly(mut self, years: usize) -> Self {
        self.yearly = Some(years);
        self
    }

    /// Keeps every backup that is younger than this. Alone it is no rule: nothing is removed
    /// unless another one is given.
    #[must_use]
    pub const fn keep_younger_than(mut self, age: Duration) -> Self {
        self.min_age = age;
        self
    }

    /// Keeps the newest restore points, this many, and all that are younger than `age`.
    #[must_use]
    pub const fn keep_restore_points(mut self, restore_points: usize, age: Duration) -> Self {
        self.restore_points = Some(RestorePointRule { last: restore_points, min_age: age });
        self
    }

    fn periods(&self) -> [PeriodRule; 5] {
        [
            (self.hourly, KeepReason::Hourly, |at| {
                Period(at.year(), at.ordinal0() * 24 + at.hour())
            }),
            (self.daily, KeepReason::Daily, |at| Period(at.year(), at.ordinal0())),
            (self.weekly, KeepReason::Weekly, |at| {
                let week = at.iso_week();
                Period(week.year(), week.week0())
            }),
            (self.monthly, KeepReason::Monthly, |at| Period(at.year(), at.month0())),
            (self.yearly, KeepReason::Yearly, |at| Period(at.year(), 0)),
        ]
    }

    fn has_rule(&self) -> bool {
        self.last.is_some() || self.periods().iter().any(|(count, ..)| count.is_some())
    }
}

/// A year, and a part of it by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period(i32, u32);

/// How many periods keep a backup each, and which one a time is in.
type PeriodRule = (Option<usize>, KeepReason, fn(DateTime<Utc>) -> Period);

/// Why a backup stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeepReason {
    /// It is the newest whole backup of its database.
    NewestWhole,
    /// It is among the last ones.
    Last,
    /// It is the newest of its hour.
    Hourly,
    /// It is the newest of its day.
    Daily,
    /// It is the newest of its week.
    Weekly,
    /// It is the newest of its month.
    Monthly,
    /// It is the newest of its year.
    Yearly,
    /// It is younger than the policy's least age.
    Young,
    /// A restore that is left half done needs it.
    Needed,
    /// It is not our own.
    Foreign,
    /// It is damaged, or not finished.
    Damaged,
    /// It is dated later than now.
    Future,
    /// The policy has no rule for files of its kind.
    NoRule,
}

/// A backup that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeptBackup {
    /// Its name.
    pub name: BackupName,
    /// Every reason to keep it.
    pub reasons: BTreeSet<KeepReason>,
}

/// What pruning has done, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PruneReport {
    /// What was removed, or would be, the newest first.
    pub removed: Vec<BackupName>,
    /// How many bytes that is.
    pub removed_bytes: u64,
    /// What stays, the newest first.
    pub kept: Vec<KeptBackup>,
}

impl PruneReport {
    /// A backup that older ones of the same database give way to, and that is not known to be `whole`.
    pub(super) fn unproven(
        &self,
        backups: &[BackupInfo],
        whole: &BTreeSet<BackupName>,
    ) -> Option<&BackupName> {
        let backup_of = |name: &BackupName| {
            let found = backups.iter().find(|info| info.name == *name);
            found.filter(|info| info.kind == BackupKind::Manual).map(|info| &info.databases)
        };
        let giving_way: BTreeSet<_> = self.removed.iter().filter_map(backup_of).collect();
        self.kept
            .iter()
            .filter(|kept| kept.reasons.contains(&KeepReason::NewestWhole))
            .map(|kept| &kept.name)
            .filter(|name| !whole.contains(name))
            .find(|name| backup_of(name).is_some_and(|databases| giving_way.contains(databases)))
    }
}

/// How much clocks of machines that share a directory may differ: what is dated so little ahead is
/// of now.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Decides about all backups, the newest first. `needed` are the restore points that somebody may
/// have to go back to; `damaged` are files that are not whole although they have a footer.
pub(super) fn decide(
    policy: &RetentionPolicy,
    backups: &[BackupInfo],
    needed: &BTreeSet<BackupName>,
    damaged: &BTreeSet<BackupName>,
    now: DateTime<Utc>,
) -> PruneReport {
    let mut reasons: Vec<BTreeSet<KeepReason>> = vec![BTreeSet::new(); backups.len()];
    let mut groups: BTreeMap<(&[String], bool), Vec<usize>> = BTreeMap::new();
    for (at, (info, reasons)) in backups.iter().zip(&mut reasons).enumerate() {
        if needed.contains(&info.name) {
            reasons.insert(KeepReason::Needed);
        }
        if info.kind == BackupKind::Foreign {
            reasons.insert(KeepReason::Foreign);
        } else if info.created_at > now + CLOCK_TOLERANCE {
            reasons.insert(KeepReason::Future);
        } else if info.is_whole() && !damaged.contains(&info.name) {
            let restore_point = info.kind == BackupKind::RestorePoint;
            groups.entry((&info.databases, restore_point)).or_default().push(at);
        } else {
            reasons.insert(KeepReason::Damaged);
        }
    }
    let mut keep = |at: usize, reason| {
        if let Some(reasons) = reasons.get_mut(at) {
            reasons.insert(reason);
        }
    };
    let young = |at: usize, least: Duration| {
        backups
            .get(at)
            .is_some_and(|info| (now - info.created_at).to_std().unwrap_or_default() < least)
    };
    for ((_, restore_points), group) in &groups {
        let (ruled, last, least_age) = if *restore_points {
            let rule = policy.restore_points;
            (rule.is_some(), rule.map(|rule| rule.last), rule.map(|rule| rule.min_age))
        } else {
            if let Some(&newest) = group.first() {
                keep(newest, KeepReason::NewestWhole);
            }
            (policy.has_rule(), policy.last, Some(policy.min_age))
        };
        for (count, &at) in group.iter().enumerate() {
            if !ruled {
                keep(at, KeepReason::NoRule);
            }
            if last.is_some_and(|last| count < last) {
                keep(at, KeepReason::Last);
            }
            if least_age.is_some_and(|least| young(at, least)) {
                keep(at, KeepReason::Young);
            }
        }
        if *restore_points {
            continue;
        }
        for (wanted, reason, period_of) in policy.periods() {
            let mut left = wanted.unwrap_or(0);
            let mut previous = None;
            for &at in group {
                let period = backups.get(at).map(|info| period_of(info.created_at));
                if left > 0 && period != previous {
                    keep(at, reason);
                    left -= 1;
                }
                previous = period;
            }
        }
    }
    let mut report = PruneReport::default();
    for (info, reasons) in backups.iter().zip(reasons) {
        if reasons.is_empty() {
            report.removed.push(info.name.clone());
            report.removed_bytes = report.removed_bytes.saturating_add(info.size_bytes);
        } else {
            report.kept.push(KeptBackup { name: info.name.clone(), reasons });
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::KeepReason::{Damaged, Foreign, Needed, NewestWhole};
    use super::*;

    fn info(
        kind: BackupKind,
        database: &str,
        created_at: DateTime<Utc>,
        whole: bool,
    ) -> BackupInfo {
        let time = created_at.format("%Y-%m-%d_%H-%M-%S");
        let name = match kind {
            BackupKind::RestorePoint => format!("pre-restore_{time}.sql.gz"),
            BackupKind::Manual => format!("manual_{time}.sql.gz"),
            BackupKind::Foreign => format!("{database}-{time}.sql"),
        };
        BackupInfo {
            name: name.parse().unwrap(),
            kind,
            size_bytes: 10,
            created_at,
            tables: whole.then_some(1),
            rows: whole.then_some(1),
            objects: whole.then_some(1),
            databases: vec![database.to_owned()],
            server: None,
            sha256: None,
            problem: None,
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-03-04T12:30:00Z".parse().unwrap()
    }

    /// One backup every six hours, the newest first.
    fn series(count: i32) -> Vec<BackupInfo> {
        (0..count)
            .map(|n| info(BackupKind::Manual, "shop", now() - TimeDelta::hours(6) * n, true))
            .collect()
    }

    fn kept(policy: &RetentionPolicy, backups: &[BackupInfo]) -> Vec<String> {
        let report = decide(policy, backups, &BTreeSet::new(), &BTreeSet::new(), now());
        assert_eq!(report.kept.len() + report.removed.len(), backups.len());
        report.kept.iter().map(|kept| kept.name.as_str()[7..20].to_owned()).collect()
    }

    #[test]
    fn each_period_keeps_its_newest() {
        let backups = series(4 * 40);
        assert_eq!(kept(&RetentionPolicy::new(), &backups).len(), backups.len());
        let policy = RetentionPolicy::new().keep_last(2);
        assert_eq!(kept(&policy, &backups), ["2026-03-04_12", "2026-03-04_06"]);
        let policy = RetentionPolicy::new().keep_daily(3);
        assert_eq!(kept(&policy, &backups), ["2026-03-04_12", "2026-03-03_18", "2026-03-02_18"]);
        let policy = RetentionPolicy::new().keep_weekly(2).keep_monthly(3);
        // Sundays, and the last day of February and of January.
        assert_eq!(
            kept(&policy, &backups),
            ["2026-03-04_12", "2026-03-01_18", "2026-02-28_18", "2026-01-31_18"]
        );
        let policy = RetentionPolicy::new().keep_hourly(2).keep_yearly(5);
        assert_eq!(kept(&policy, &backups), ["2026-03-04_12", "2026-03-04_06"]);
        let policy =
            RetentionPolicy::new().keep_last(0).keep_younger_than(Duration::from_secs(13 * 3600));
        assert_eq!(kept(&policy, &backups).len(), 3);
    }

    /// Two backups a year, with a year in between that has none.
    #[test]
    fn each_year_keeps_its_newest() {
        let backups: Vec<_> =
            ["2026-01-10", "2025-07-10", "2025-01-10", "2024-12-31", "2024-01-01"]
                .into_iter()
                .chain(["2022-07-10", "2022-01-10", "2021-07-10", "2021-01-10"])
                .map(|day| format!("{day}T23:30:00Z").parse().unwrap())
                .map(|time| info(BackupKind::Manual, "shop", time, true))
                .collect();
        let newest = ["2026-01-10_23", "2025-07-10_23", "2024-12-31_23", "2022-07-10_23"];
        for years in 1..=newest.len() {
            let policy = RetentionPolicy::new().keep_yearly(years);
            assert_eq!(kept(&policy, &backups), newest[..years]);
        }
        let policy = RetentionPolicy::new().keep_yearly(20);
        assert_eq!(kept(&policy, &backups), [&newest[..], &["2021-07-10_23"]].concat());
        let report = decide(&policy, &backups, &BTreeSet::new(), &BTreeSet::new(), now());
        let reasons: Vec<_> = report.kept.iter().map(|kept| kept.reasons.clone()).collect();
        assert_eq!(reasons[0], BTreeSet::from([NewestWhole, KeepReason::Yearly]));
        assert!(
            reasons[1..].iter().all(|reasons| *reasons == BTreeSet::from([KeepReason::Yearly]))
        );
        // Of no year: only what stays whatever the rules say.
        assert_eq!(kept(&RetentionPolicy::new().keep_yearly(0), &backups), newest[..1]);
    }

    /// The last ones stay however old they are, the young ones however many.
    #[test]
    fn restore_points_stay_by_number_and_by_age() {
        let point = |database, age| info(BackupKind::RestorePoint, database, now() - age, true);
        let ages = [1, 2, 3, 10, 20, 30].map(TimeDelta::days);
        let points = ages.map(|age| point("shop", age));
        let manual = info(BackupKind::Manual, "shop", now() - TimeDelta::days(40), true);
        let day = Duration::from_secs(24 * 3600);
        let (last, young) = (KeepReason::Last, KeepReason::Young);
        for (number, least, expected) in [
            (2, 7 * day, vec![vec![last, young], vec![last, young], vec![young]]),
            (4, 2 * day, vec![vec![last, young], vec![last], vec![last], vec![last]]),
            (1, 2 * day, vec![vec![last, young]]),
            // Just as old is no longer younger.
            (0, 10 * day, vec![vec![young]; 3]),
            (0, 10 * day + Duration::from_secs(1), vec![vec![young]; 4]),
            (9, Duration::ZERO, vec![vec![last]; 6]),
        ] {
            let policy = RetentionPolicy::new().keep_restore_points(number, least);
            let backups = [&points[..], std::slice::from_ref(&manual)].concat();
            let mut report = decide(&policy, &backups, &BTreeSet::new(), &BTreeSet::new(), now());
            // It is no rule for other backups.
            assert_eq!(report.kept.pop().unwrap().name, manual.name);
            let reasons = report.kept.iter().map(|kept| kept.reasons.iter().copied().collect());
            assert_eq!(reasons.collect::<Vec<Vec<_>>>(), expected, "{number}, {least:?}");
            let left = points.iter().skip(expected.len()).map(|info| info.name.clone());
            assert_eq!(report.removed, left.collect::<Vec<_>>());
        }
        // Each database by itself.
        let others = ages.map(|age| point("crm", age + TimeDelta::hours(1)));
        let mut backups = [points.clone(), others.clone()].concat();
        backups.sort_by_key(|info| std::cmp::Reverse(info.created_at));
        let policy = RetentionPolicy::new().keep_restore_points(1, 2 * day);
        let report = decide(&policy, &backups, &BTreeSet::new(), &BTreeSet::new(), now());
        let names: Vec<_> = report.kept.into_iter().map(|kept| kept.name).collect();
        assert_eq!(names, [points[0].name.clone(), others[0].name.clone()]);
    }

    #[test]
    fn some_files_stay_whatever_the_rules_say() {
        let old = now() - TimeDelta::days(900);
        let backups = [
            info(BackupKind::Manual, "shop", old, false),
            info(BackupKind::RestorePoint, "shop", old - TimeDelta::days(1), true),
            info(BackupKind::RestorePoint, "shop", old - TimeDelta::days(2), true),
            info(BackupKind::Manual, "shop", old - TimeDelta::days(3), true),
            info(BackupKind::Manual, "shop", old - TimeDelta::days(4), true),
            info(BackupKind::Manual, "crm", old - TimeDelta::days(5), true),
            info(BackupKind::Foreign, "shop", old - TimeDelta::days(6), false),
        ];
        let policy =
            RetentionPolicy::new().keep_last(0).keep_restore_points(0, Duration::from_secs(60));
        let needed = BTreeSet::from([backups[2].name.clone()]);
        let report = decide(&policy, &backups, &needed, &BTreeSet::new(), now());
        let reasons: Vec<_> = report
            .kept
            .iter()
            .map(|kept| kept.reasons.iter().copied().collect::<Vec<_>>())
            .collect();
        assert_eq!(
            reasons,
            [vec![Damaged], vec![Needed], vec![NewestWhole], vec![NewestWhole], vec![Foreign]]
        );
        assert_eq!(report.removed, [backups[1].name.clone(), backups[4].name.clone()]);
        assert_eq!(report.removed_bytes, 20);
    }

    /// The newest one is damaged somewhere in its middle: what others give way to is the next.
    #[test]
    fn others_give_way_only_to_what_is_proven_to_be_whole() {
        let backups = series(4);
        let name = |at: usize| backups[at].name.clone();
        let policy = RetentionPolicy::new().keep_last(1);
        let decided =
            |damaged: &BTreeSet<_>| decide(&policy, &backups, &BTreeSet::new(), damaged, now());
        let report = decided(&BTreeSet::new());
        assert_eq!(report.unproven(&backups, &BTreeSet::new()), Some(&name(0)));
        assert_eq!(report.unproven(&backups, &BTreeSet::from([name(0)])), None);
        let report = decided(&BTreeSet::from([name(0)]));
        assert_eq!(report.unproven(&backups, &BTreeSet::new()), Some(&name(1)));
        assert_eq!(report.kept[0].reasons, BTreeSet::from([Damaged]));
        assert_eq!(report.removed, [name(2), name(3)]);
        // Where nothing is removed, nothing needs to be proven.
        let report =
            decide(&RetentionPolicy::new(), &backups, &BTreeSet::new(), &BTreeSet::new(), now());
        assert_eq!(report.unproven(&backups, &BTreeSet::new()), None);
    }

    /// The clock was ahead by a year and has been set right: the backup that was made since is the
    /// newest one, whatever the dates of the others.
    #[test]
    fn what_is_dated_in_the_future_is_not_the_newest() {
        let backups = [
            info(BackupKind::Manual, "shop", now() + TimeDelta::days(366), true),
            info(BackupKind::Manual, "shop", now() + TimeDelta::days(365), true),
            info(BackupKind::RestorePoint, "shop", now() + TimeDelta::days(365), true),
            info(BackupKind::Manual, "shop", now(), true),
            info(BackupKind::Manual, "shop", now() - TimeDelta::days(1), true),
        ];
        let policy = RetentionPolicy::new()
            .keep_last(1)
            .keep_yearly(1)
            .keep_restore_points(0, Duration::from_secs(60));
        let report = decide(&policy, &backups, &BTreeSet::new(), &BTreeSet::new(), now());
        assert_eq!(report.removed, [backups[4].name.clone()]);
        let future = report.kept.iter().filter(|kept| kept.reasons.contains(&KeepReason::Future));
        assert_eq!(future.count(), 3);
        assert!(report.kept[3].reasons.contains(&NewestWhole), "{report:?}");
        // A year later they are what they say.
        let later = now() + TimeDelta::days(367);
        let report = decide(&policy, &backups, &BTreeSet::new(), &BTreeSet::new(), later);
        assert_eq!(report.kept.len(), 1);
    }

    proptest! {
        /// The newest whole backup of a database always stays, and a second look removes nothing.
        #[test]
        fn pruning_again_removes_nothing(
            hours in proptest::collection::btree_set(0i64..20_000, 1..40),
            whole in proptest::collection::vec(any::<bool>(), 40),
            counts in proptest::collection::vec(proptest::option::of(0usize..4), 6),
        ) {
            let backups: Vec<_> = hours
                .into_iter()
                .zip(whole)
                .map(|(hours, whole)| {
                    info(BackupKind::Manual, "shop", now() - TimeDelta::hours(hours), whole)
                })
                .collect();
            let policy = RetentionPolicy {
                last: counts[0],
                hourly: counts[1],
                daily: counts[2],
                weekly: counts[3],
                monthly: counts[4],
                yearly: counts[5],
                ..RetentionPolicy::new()
            };
            let report = decide(&policy, &backups, &BTreeSet::new(), &BTreeSet::new(), now());
            if let Some(newest) = backups.iter().find(|info| info.is_whole()) {
                prop_assert!(report.kept.iter().any(|kept| kept.name == newest.name));
            }
            let left: Vec<_> =
                backups.into_iter().filter(|info| !report.removed.contains(&info.name)).collect();
            let again = decide(&policy, &left, &BTreeSet::new(), &BTreeSet::new(), now());
            prop_assert_eq!(again.removed, []);
        }
    }
}

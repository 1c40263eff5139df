//! The directions that each case takes: our dump restored by us and by the stock client, and the
//! stock tool's dump restored by us and by the stock client.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use snapdump::{
    ConnectOptions, Context, Databases, DumpOptions, ObjectKind, RestoreOptions, dump_to_path,
    restore,
};
use tokio::time::timeout;

use super::case::Case;
use crate::compare::{Attributes, Description, Kind, Object, compare, describe};
use crate::harness::{TestDatabase, TestServer, run, stderr_of};
use crate::roundtrip::{gunzip, scratch};

/// A trip that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How long a stock tool gets that is known to run forever. Where it needs longer than this to end
/// by itself, because the machine is busy, the case passes all the same.
const HANG_TIMEOUT: Duration = Duration::from_secs(4);

/// The stock client, as it has to be called for a dump to come back as it is: MariaDB's takes the
/// comments out of bodies otherwise. (No `--binary-mode`, which a dump must not need.)
const CLIENT: &[&str] = &["--comments"];

/// Takes a case through every direction; panics with all that went wrong.
pub(crate) async fn every_direction(case: &Case, server: &TestServer, sources: &[TestDatabase]) {
    let mut trips = Trips { case, server, sources, failures: Vec::new() };
    if let Err(error) = trips.take().await {
        trips.failures.push(error);
    }
    let Trips { failures, .. } = trips;
    let list = failures.join("\n  ");
    assert!(failures.is_empty(), "{} on {}:\n  {list}", case.name, server.name);
}

struct Trips<'a> {
    case: &'a Case,
    server: &'a TestServer,
    sources: &'a [TestDatabase],
    failures: Vec<String>,
}

/// Where a dump is restored.
enum Target {
    /// A database of another name.
    Other(TestDatabase),
    /// The databases that the dump names, which were dropped before.
    Same,
}

impl Trips<'_> {
    const fn named(&self) -> bool {
        self.case.databases > 0
    }

    async fn take(&mut self) -> Result<(), String> {
        let (_directory, path) = scratch();
        let source = self.describe(&Target::Same).await;
        let dumped = self.dump(&path, &source).await;
        if let Some(text) = &self.case.refused {
            return match dumped {
                Err(error) if error.contains(text) => Ok(()),
                other => Err(format!("our dump should have been refused: {text}: {other:?}")),
            };
        }
        // Before the named databases are dropped.
        let hangs = self.case.stock_hangs.is_some();
        let limit = if hangs { HANG_TIMEOUT } else { TIMEOUT };
        let stock = timeout(limit, self.stock_dump()).await;

        match dumped {
            Ok(()) => {
                let target = self.target(None).await;
                match self.restore(&path, &target).await {
                    Ok(()) => self.expect_same("ours -> ours", &source, &target).await,
                    Err(error) => self.failures.push(format!("ours -> ours: {error}")),
                }
                drop(target);
                let target = self.target(None).await;
                match self.stock_client(&gunzip(&path), &target).await {
                    Ok(()) => self.expect_same("ours -> client", &source, &target).await,
                    Err(error) => self.failures.push(format!("ours -> client: {error}")),
                }
            }
            Err(error) => self.failures.push(format!("our dump: {error}")),
        }
        match stock {
            Err(_) if hangs => {}
            Err(_) => self.failures.push(format!("stock dump: was not done after {limit:?}")),
            Ok(_) if hangs => self.failures.push("the stock dump tool came to an end".to_owned()),
            Ok(stock) => self.take_stock(&source, stock).await,
        }
        Ok(())
    }

    /// The stock dump, restored by both: the same must come of it, whatever that is.
    async fn take_stock(&mut self, source: &[Description], dump: Result<Vec<u8>, String>) {
        let expected = self.case.stock_fails.is_some();
        let dump = match dump {
            Ok(dump) => dump,
            Err(_) if expected => return,
            Err(error) => return self.failures.push(format!("stock dump: {error}")),
        };
        let target = self.target(Some(source)).await;
        let theirs = match self.stock_client(&dump, &target).await {
            Ok(()) if expected => {
                return self.failures.push("the stock tools should have failed".to_owned());
            }
            Ok(()) => self.describe(&target).await,
            Err(_) if expected => return,
            Err(error) => return self.failures.push(format!("stock -> client: {error}")),
        };
        drop(target);
        let lost = differences(source, &theirs);
        match &self.case.stock_loses {
            None if !lost.is_empty() => {
                let lines = lost.join("\n    ");
                self.failures.push(format!("stock -> client loses:\n    {lines}"));
            }
            Some(reason) if lost.is_empty() => {
                self.failures.push(format!("stock -> client should lose: {reason}"));
            }
            _ => {}
        }

        let (_directory, path) = scratch();
        std::fs::write(&path, &dump).unwrap();
        let target = self.target(Some(source)).await;
        match self.restore(&path, &target).await {
            Err(error)
                if self.case.stock_refused.as_ref().is_some_and(|text| error.contains(text)) =>
            {
                drop(target);
                self.take_stock_with_leave(source, &theirs, &path).await;
            }
            Ok(()) if self.case.stock_refused.is_some() => {
                self.failures.push("stock -> ours: it should have been refused".to_owned());
            }
            Ok(()) => self.expect_same("stock -> ours", &theirs, &target).await,
            Err(error) => self.failures.push(format!("stock -> ours: {error}")),
        }
    }

    /// A stock dump that would leave its database. With leave to do so it comes to the same as with
    /// the stock client. Under another name, what it says of the source is meant for the target:
    /// nothing is lost but what the stock tools lose.
    async fn take_stock_with_leave(
        &mut self,
        source: &[Description],
        theirs: &[Description],
        path: &Path,
    ) {
        let plain = RestoreOptions::default();
        let points = tempfile::tempdir().unwrap();
        let before = self.describe(&Target::Same).await;
        let target = self.target(Some(source)).await;
        let leave =
            plain.clone().with_other_databases(true).with_restore_point_directory(points.path());
        match self.restore_with(path, &target, &leave).await {
            Ok(()) => {
                self.expect_same("stock -> ours, with leave", theirs, &target).await;
                // It was altered on the way, and altered back.
                self.expect_same("stock -> ours, of the source", &before, &Target::Same).await;
            }
            Err(error) => self.failures.push(format!("stock -> ours, with leave: {error}")),
        }
        drop(target);

        let target = self.target(Some(source)).await;
        let Target::Other(database) = &target else { return };
        let rename = plain.with_rename(&self.sources[0].name, &database.name);
        if let Err(error) = self.restore_with(path, &target, &rename).await {
            return self.failures.push(format!("stock -> ours, renamed: {error}"));
        }
        let lost = differences(source, theirs);
        let mut more = differences(source, &self.describe(&target).await);
        more.retain(|line| !lost.contains(line));
        if !more.is_empty() {
            self.failures.push(format!("stock -> ours, renamed:\n    {}", more.join("\n    ")));
        }
    }

    async fn expect_same(&mut self, direction: &str, source: &[Description], target: &Target) {
        let mut differences = differences(source, &self.describe(target).await);
        // What is lost by name is lost in our directions only.
        if direction.starts_with("ours") {
            let lost = |line: &String| {
                let of_object = |object: &String| line.starts_with(&format!("{object}, exists:"));
                self.case.lost.iter().any(of_object)
            };
            let named: Vec<_> = differences.extract_if(.., |line| lost(line)).collect();
            if named.len() != self.case.lost.len() {
                let lost = self.case.lost.join(", ");
                self.failures.push(format!("{direction}: only {named:?} of {lost} are lost"));
            }
            for start in &self.case.changed {
                let known = differences.extract_if(.., |line| line.starts_with(start)).count();
                if known == 0 || self.case.warnings.is_empty() {
                    self.failures
                        .push(format!("{direction}: {start} should differ, with a warning"));
                }
            }
        }
        if !differences.is_empty() {
            self.failures.push(format!("{direction}:\n    {}", differences.join("\n    ")));
        }
    }

    /// An empty place to restore to. A stock dump of one database does not hold its options, so
    /// for that it is made with those of the source.
    async fn target(&self, like: Option<&[Description]>) -> Target {
        if self.named() {
            let mut conn = self.server.conn().await;
            conn.query_drop("SET SESSION foreign_key_checks = 0").await.unwrap();
            for source in self.sources {
                conn.query_drop(format!("DROP DATABASE IF EXISTS {}", source.name)).await.unwrap();
            }
            conn.disconnect().await.unwrap();
            return Target::Same;
        }
        let options = like.and_then(<[_]>::first).map_or_else(String::new, |source| {
            let attributes = &source.objects[&Object::new(Kind::Database, "")];
            format!(
                "CHARACTER SET {} COLLATE {}",
                text(attributes, "DEFAULT_CHARACTER_SET_NAME"),
                text(attributes, "DEFAULT_COLLATION_NAME")
            )
        });
        Target::Other(self.server.database_with(&options).await)
    }

    async fn describe(&self, target: &Target) -> Vec<Description> {
        let databases = match target {
            Target::Other(database) => std::slice::from_ref(database),
            Target::Same => self.sources,
        };
        let mut conn = self.server.conn().await;
        let mut descriptions = Vec::new();
        for database in databases {
            let mut description = describe(&mut conn, &database.name).await.unwrap();
            // The rows of the past stay out of a dump unless they are asked for, and the current
            // ones begin anew when they are restored.
            for data in description.tables.values_mut() {
                data.versions = None;
            }
            descriptions.push(description);
        }
        conn.disconnect().await.unwrap();
        descriptions
    }

    fn connect(&self, target: &Target) -> ConnectOptions {
        let url = match target {
            Target::Other(database) => self.server.url_of(&database.name),
            Target::Same if self.named() => self.server.url.clone(),
            Target::Same => self.server.url_of(&self.sources[0].name),
        };
        ConnectOptions::from_url(&url).unwrap()
    }

    /// Our dump, with the warnings that it should have, and with every object.
    async fn dump(&mut self, path: &Path, source: &[Description]) -> Result<(), String> {
        let mut options = DumpOptions::default();
        if self.named() {
            let names = self.sources.iter().map(|source| source.name.clone()).collect();
            options = options.with_databases(Databases::Named(names));
        }
        let context = Context::new().with_timeout(TIMEOUT);
        let report = dump_to_path(&self.connect(&Target::Same), path, &options, &context)
            .await
            .map_err(|error| error.chain())?;
        let broken = self.case.lost.iter().map(|object| {
            let name = object.split_once(' ').map_or(object.as_str(), |(_, name)| name);
            format!("`{name}` is broken on the server")
        });
        let expected: Vec<String> = self.case.warnings.iter().cloned().chain(broken).collect();
        let odd = |warning: &&String| !expected.iter().any(|text| warning.contains(text));
        let unexpected: Vec<_> = report.warnings.iter().filter(odd).collect();
        let missing = |text: &&String| !report.warnings.iter().any(|line| line.contains(*text));
        let missing: Vec<_> = expected.iter().filter(missing).collect();
        if !unexpected.is_empty() || !missing.is_empty() {
            self.failures.push(format!("warnings: unexpected {unexpected:?}, missing {missing:?}"));
        }
        let counts = counts(source);
        let mut dumped = report.objects;
        dumped.remove(&ObjectKind::Database);
        if dumped != counts {
            self.failures.push(format!("objects: {dumped:?} of {counts:?} are in our dump"));
        }
        Ok(())
    }

    async fn restore(&self, path: &Path, target: &Target) -> Result<(), String> {
        let options = RestoreOptions::default().with_other_databases(self.named());
        self.restore_with(path, target, &options).await
    }

    async fn restore_with(
        &self,
        path: &Path,
        target: &Target,
        options: &RestoreOptions,
    ) -> Result<(), String> {
        let context = Context::new().with_timeout(TIMEOUT);
        restore(&self.connect(target), path, options, &context)
            .await
            .map(drop)
            .map_err(|error| error.chain())
    }

    async fn stock_client(&self, script: &[u8], target: &Target) -> Result<(), String> {
        let mut client = self.server.client();
        client.args(CLIENT);
        if let Target::Other(database) = target {
            client.arg(&database.name);
        }
        let output = run(client, script).await;
        if output.status.success() { Ok(()) } else { Err(stderr_of(&output)) }
    }

    /// The stock dump with everything that it can hold.
    async fn stock_dump(&self) -> Result<Vec<u8>, String> {
        let mut options =
            vec!["--routines", "--events", "--triggers", "--hex-blob", "--single-transaction"];
        if !self.server.is_mariadb() {
            options.extend(["--set-gtid-purged=OFF", "--no-tablespaces"]);
        }
        if self.named() {
            options.push("--databases");
        }
        options.extend(self.sources.iter().map(|source| source.name.as_str()));
        self.server.try_stock_dump(&options).await
    }
}

fn text(attributes: &Attributes, name: &str) -> String {
    String::from_utf8_lossy(attributes[name].as_deref().unwrap_or_default()).into_owned()
}

fn differences(left: &[Description], right: &[Description]) -> Vec<String> {
    let pairs = left.iter().zip(right);
    pairs.flat_map(|(left, right)| compare(left, right)).map(|one| one.to_string()).collect()
}

/// How many objects of each kind a server has.
fn counts(source: &[Description]) -> BTreeMap<ObjectKind, u64> {
    let mut counts = BTreeMap::new();
    for object in source.iter().flat_map(|database| database.objects.keys()) {
        let kind = match object.kind {
            Kind::Database | Kind::Column | Kind::Index | Kind::Partition => continue,
            Kind::Table => ObjectKind::Table,
            Kind::View => ObjectKind::View,
            Kind::Trigger => ObjectKind::Trigger,
            Kind::Function => ObjectKind::Function,
            Kind::Procedure => ObjectKind::Procedure,
            Kind::Package => ObjectKind::Package,
            Kind::PackageBody => ObjectKind::PackageBody,
            Kind::Library => ObjectKind::Library,
            Kind::Event => ObjectKind::Event,
            Kind::Sequence => ObjectKind::Sequence,
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

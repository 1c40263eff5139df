//! What a job says to the log of the application: everything inside a span that says which job it is,
//! and nothing that is secret.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use snapdump::{CreateRequest, RestoreRequest};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use super::setup::{completed, ended, manager};

/// Keeps every span and every event, with the spans that it is in.
#[derive(Clone, Default)]
struct Log(Arc<Inner>);

#[derive(Default)]
struct Inner {
    next: AtomicU64,
    spans: Mutex<HashMap<u64, (&'static Metadata<'static>, String)>>,
    entered: Mutex<Vec<u64>>,
    lines: Mutex<Vec<String>>,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        self.0.lines.lock().unwrap().clone()
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut text = span.metadata().name().to_owned();
        span.record(&mut Fields(&mut text));
        self.0.spans.lock().unwrap().insert(id, (span.metadata(), text));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        let spans = self.0.spans.lock().unwrap();
        for id in self.0.entered.lock().unwrap().iter() {
            write!(line, "[{}] ", spans[id].1).unwrap();
        }
        write!(line, "{} {}:", event.metadata().level(), event.metadata().target()).unwrap();
        event.record(&mut Fields(&mut line));
        self.0.lines.lock().unwrap().push(line);
    }

    fn enter(&self, id: &Id) {
        self.0.entered.lock().unwrap().push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let mut entered = self.0.entered.lock().unwrap();
        let at = entered.iter().rposition(|one| *one == id.into_u64()).unwrap();
        entered.remove(at);
    }

    fn current_span(&self) -> Current {
        let id = self.0.entered.lock().unwrap().last().copied();
        match id {
            Some(id) => Current::new(Id::from_u64(id), self.0.spans.lock().unwrap()[&id].0),
            None => Current::none(),
        }
    }
}

on_each_server! {
    async fn every_event_of_a_job_is_in_its_span(server: TestServer) {
        let database = server.database().await;
        database
            .run(&["CREATE TABLE t (id INT PRIMARY KEY, s TEXT)", "INSERT INTO t VALUES (1, 'hushed')"])
            .await;
        let (directory, manager) = manager(&database).await;
        // As long as a program has one subscriber only, what is logged for the first time on a thread
        // without it is never logged on any other. A second one prevents that.
        let (log, second) = (Log::default(), tracing::Dispatch::new(Log::default()));
        // For this thread, on which all tasks of this test run.
        let _default = tracing::subscriber::set_default(log.clone());
        let job = manager.create(CreateRequest::manual()).await.unwrap();
        completed(&job).await;
        let fails = "UPDATE t SET s = 'hushed up';\nINSERT INTO t VALUES (1, 'hush-hush');\n";
        std::fs::write(directory.path().join("fails.sql"), fails).unwrap();
        let request = RestoreRequest::new("fails.sql".parse().unwrap());
        let failed = manager.restore(request).await.unwrap();
        ended(&failed).await;

        let lines = log.lines();
        for (id, kind, texts) in [
            (job.id(), "create", &["job started", "phase=tables", "phase=objects", "phase=check"][..]),
            (
                failed.id(),
                "restore",
                &["job started", "phase=restore point", "restore point taken", "phase=replay",
                    "did not succeed", "phase=rollback"],
            ),
        ] {
            let span = format!("[job id={id} kind={kind} database={}] ", database.name);
            let own: Vec<_> = lines.iter().filter(|line| line.contains(&span)).collect();
            for text in texts.iter().chain(&["job ended"]) {
                assert!(own.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
            }
        }
        // Nothing that a person should read comes from outside of a job.
        let loud = ["INFO snapdump::", "WARN snapdump::", "ERROR snapdump::"];
        let loud = lines.iter().filter(|line| loud.iter().any(|level| line.starts_with(level)));
        let loud: Vec<_> = loud.collect();
        assert_eq!(loud, Vec::<&String>::new());
        drop(second);
        let opts = mysql_async::Opts::from_url(&server.url).unwrap();
        let (all, password) = (lines.join("\n"), opts.pass().unwrap());
        for secret in [password, "hush-hush", "hushed"] {
            assert!(!all.contains(secret), "{secret}: {all}");
        }
    }
}

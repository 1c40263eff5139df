//! What a job says to the log of the application: everything inside a span that says which job it is,
//! and nothing that is secret.

use snapdump::{CreateRequest, RestoreRequest};

use super::setup::{completed, ended, manager};
use crate::log::{logged, password};

on_each_server! {
    async fn every_event_of_a_job_is_in_its_span(server: TestServer) {
        let database = server.database().await;
        database
            .run(&["CREATE TABLE t (id INT PRIMARY KEY, s TEXT)", "INSERT INTO t VALUES (1, 'hushed')"])
            .await;
        let (directory, manager) = manager(&database).await;
        let fails = "UPDATE t SET s = 'hushed up';\nINSERT INTO t VALUES (1, 'hush-hush');\n";
        std::fs::write(directory.path().join("fails.sql"), fails).unwrap();
        let ((created, failed), lines) = logged(async move {
            let created = manager.create(CreateRequest::manual()).await.unwrap();
            completed(&created).await;
            let request = RestoreRequest::new("fails.sql".parse().unwrap());
            let failed = manager.restore(request).await.unwrap();
            ended(&failed).await;
            (created.id(), failed.id())
        })
        .await;

        let of = |kind, id| format!("[job id={id} kind={kind} database={}] ", database.name);
        let (created, failed) = (of("create", created), of("restore", failed));
        for text in ["phase=tables", "phase=objects"] {
            lines.has(&[&created, "[dump ", text]);
        }
        lines.has(&[&created, "[verify ", "phase=check"]);
        for text in ["phase=restore point", "restore point taken"] {
            lines.has(&[&failed, "[prepare ", text]);
        }
        lines.has(&[&failed, "[apply ", "phase=replay"]);
        lines.has(&[&failed, "did not succeed"]);
        lines.has(&[&failed, "[roll_back ", "phase=check"]);
        lines.has(&[&failed, "[roll_back ", "[apply ", "phase=replay"]);
        lines.has(&[&failed, "[roll_back ", "INFO snapdump::restore::rollback: rolled back"]);
        for job in [&created, &failed] {
            lines.has(&[job, "INFO", "job started"]);
            lines.has(&[job, "INFO", "job ended"]);
        }
        // Nothing that a person should read comes from outside of a job.
        let loud = ["INFO snapdump::", "WARN snapdump::", "ERROR snapdump::"];
        let loud = lines.0.iter().filter(|line| loud.iter().any(|level| line.starts_with(level)));
        let loud: Vec<_> = loud.collect();
        assert_eq!(loud, Vec::<&String>::new());
        lines.never(&[&password(&server), "hush-hush", "hushed"]);
    }
}

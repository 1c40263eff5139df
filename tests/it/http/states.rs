//! How jobs end that nobody wants, and operations that nobody can name, as clients are told of them.

use std::time::Duration;

use axum::http::Method;
use mysql_async::prelude::Queryable as _;
use serde_json::{Value, json};
use snapdump::{ManagerOptions, RestoreMode};

use super::api::{Api, manager};
use super::contract::{completed, ended, events_of, filled};
use crate::harness::TestServer;
use crate::jobs::{Child, asleep};
use crate::roundtrip::connect;

/// A backup that waits for a table for longer than it may take.
#[tokio::test]
async fn a_job_that_runs_out_of_time() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let manager = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let api = Api::new(manager);
    let mut holder = database.conn().await;
    holder.query_drop("LOCK TABLES dish WRITE").await.unwrap();
    // Long enough for a busy machine to get as far as the table.
    let accepted = api.post("/api/backup/create", &json!({"timeout_seconds": 5})).await;
    assert_eq!(accepted.status, 202, "{:?}", accepted.json());
    let status = ended(&api, &accepted).await;
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    holder.disconnect().await.unwrap();
    assert_eq!(status["status"], "timed_out", "{status:#}");
    assert_eq!(status["error"]["error"], "TIMED_OUT");
    assert_eq!(status["error"]["details"]["kind"], "timed_out");
    assert!(status["step"].as_str().unwrap().starts_with("Ran out of time"), "{status:#}");
    assert_eq!(status.get("result"), None);
    assert_eq!(api.get("/api/backup/list").await.json()["total"], 0);
    let id = status["job_id"].as_str().unwrap();
    let events = events_of(&api.get(&format!("/api/jobs/{id}/events")).await);
    assert_eq!(events, std::slice::from_ref(&status));
    assert_eq!(api.get("/api/jobs").await.json()["data"], json!([status]));
    // The next one has a time of its own.
    completed(&api, &api.post("/api/backup/create", &Value::Null).await).await;
}

/// A backup and a restore in processes that are killed.
#[tokio::test]
async fn a_job_whose_process_has_died() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let manager = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let api = Api::new(manager);
    let mut holder = database.conn().await;
    holder.query_drop("LOCK TABLES dish WRITE").await.unwrap();
    let child = Child::create(&database, directory.path()).await;
    let (id, pid) = (child.job().to_string(), child.pid());
    let url = format!("/api/jobs/{id}/status");
    let mut status = api.get(&url).await.json();
    // It has been accepted, and begins.
    while status["status"] == "queued" {
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = api.get(&url).await.json();
    }
    assert_eq!((&status["status"], &status["owner"]["pid"]), (&json!("running"), &json!(pid)));
    let (watcher, events) = (api.clone(), format!("/api/jobs/{id}/events"));
    let watching = tokio::spawn(async move { watcher.get(&events).await });
    child.kill().await;
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    holder.disconnect().await.unwrap();
    let answer = api.get(&url).await;
    assert!(!answer.headers.contains_key("retry-after"));
    let status = answer.json();
    assert_eq!(status["status"], "interrupted", "{status:#}");
    assert_eq!((status.get("error"), &status["target"]), (None, &Value::Null));
    assert!(status["step"].as_str().unwrap().starts_with("Its process died"), "{status:#}");
    assert!(status["finished_at"].is_string(), "{status:#}");
    let events = events_of(&watching.await.unwrap());
    assert_eq!(events.last().unwrap()["status"], "interrupted");
    let again = api.post(&format!("/api/jobs/{id}/cancel"), &Value::Null).await;
    assert_eq!((again.status.as_u16(), &again.json()["status"]), (200, &json!("interrupted")));

    // In the middle of a restore: it stands there as half done, and one call undoes it.
    let slow = "DELETE FROM dish;\nDO SLEEP(120);\n";
    std::fs::write(directory.path().join("slow.sql"), slow).unwrap();
    let child = Child::restore(&database, directory.path(), "slow.sql", RestoreMode::Merge).await;
    let id = child.job().to_string();
    asleep(&database).await;
    child.kill().await;
    let jobs = api.get("/api/jobs").await.json();
    assert_eq!(jobs["data"][0]["job_id"], id.as_str());
    assert_eq!(jobs["data"][0]["status"], "interrupted");
    assert_eq!(jobs["data"][0]["target"], "partial");
    assert_eq!(jobs["half_done"].as_array().unwrap().len(), 1);
    let undo = api.post(&format!("/api/jobs/{id}/rollback"), &Value::Null).await;
    assert_eq!(completed(&api, &undo).await["kind"], "roll_back");
    let status = api.get(&format!("/api/jobs/{id}/status")).await.json();
    let state = (&status["status"], &status["target"]);
    assert_eq!(state, (&json!("interrupted"), &json!("rolled_back")));
    assert_eq!(crate::backup::number(&database, "SELECT COUNT(*) FROM dish").await, 3);
}

/// The directory is locked by somebody who does not say who he is, as by an operation that is no job:
/// there is no id to be told.
#[tokio::test]
async fn what_is_running_may_have_no_name() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let manager = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let api = Api::new(manager);
    let first = completed(&api, &api.post("/api/backup/create", &Value::Null).await).await;
    let name = first["filename"].as_str().unwrap();
    let lock =
        std::fs::File::options().write(true).open(directory.path().join(".snapdump.lock")).unwrap();
    lock.lock().unwrap();
    let delete = format!("/api/backup/delete/{name}");
    for (method, path, body, error) in [
        (Method::POST, "/api/backup/create", json!({}), "BACKUP_IN_PROGRESS"),
        (Method::POST, "/api/backup/restore", json!({"filename": name}), "RESTORE_IN_PROGRESS"),
        (Method::DELETE, &delete, json!({"confirm": "DELETE"}), "BACKUP_IN_USE"),
    ] {
        let answer =
            api.send(method, path, &[("content-type", "application/json")], body.to_string()).await;
        assert_eq!(answer.refusal(), (409, error.into()), "{path}");
        let body = answer.json();
        assert_eq!(body.get("existing_job_id"), Some(&Value::Null), "{body}");
        assert_eq!((body.get("status_url"), body.get("details")), (None, None), "{body}");
    }
    drop(lock);
    completed(&api, &api.post("/api/backup/create", &Value::Null).await).await;
}

//! Every row of the contract, on a real manager and a real server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Request};
use futures::StreamExt as _;
use serde_json::{Value, json};
use snapdump::http::{AuthorizeError, Authorizer, BearerToken, Identity, Role};
use snapdump::{
    BackupManager, ConnectOptions, JobHooks, JobStatus, ManagerOptions, RestoreRequest,
};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::api::{Answer, Api, DOCUMENT, TOKEN, manager};
use crate::backup::number;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::{connect, gunzip};

/// Holds every job at its start until it is let go.
pub(super) struct Gate(pub(super) Arc<Semaphore>);

impl JobHooks for Gate {
    async fn started(&self, _: &JobStatus) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// Lets everybody in who calls himself something.
struct Anybody;

impl Authorizer for Anybody {
    async fn authorize(&self, request: &Parts) -> Result<Identity, AuthorizeError> {
        match request.headers.get("authorization").and_then(|value| value.to_str().ok()) {
            Some("Bearer user") => Ok(Identity::new("user", Role::User)),
            Some("Bearer unavailable") => Err(AuthorizeError::Unavailable),
            Some(_) => Ok(Identity::new("admin", Role::Administrator)),
            None => Err(AuthorizeError::Unauthenticated),
        }
    }
}

/// Waits for the end of a job, as a client does, and returns its last status.
pub(super) async fn ended(api: &Api, accepted: &Answer) -> Value {
    let url = accepted.json()["status_url"].as_str().unwrap().to_owned();
    assert_eq!(accepted.header("location"), url);
    assert_eq!(accepted.header("retry-after"), "5");
    for _ in 0..600 {
        let answer = api.get(&url).await;
        assert_eq!(answer.status, 200);
        let status = answer.json();
        assert_eq!(status["job_id"], accepted.json()["job_id"]);
        assert_eq!(status["retry_after"], 5);
        if status["status"] != "running" {
            assert!(!answer.headers.contains_key("retry-after"), "{status}");
            return status;
        }
        assert_eq!(answer.header("retry-after"), "5");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the job does not end");
}

/// The same, for a job that completes.
pub(super) async fn completed(api: &Api, accepted: &Answer) -> Value {
    assert_eq!(accepted.status, 202, "{:?}", accepted.json());
    let status = ended(api, accepted).await;
    assert_eq!(status["status"], "completed", "{status:#}");
    status
}

pub(super) async fn filled(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE dish (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL)",
            "INSERT INTO dish VALUES (1, 'soup'), (2, 'bread'), (3, 'salt')",
            "CREATE TABLE guest (id INT PRIMARY KEY)",
        ])
        .await;
    database
}

async fn dishes(database: &TestDatabase) -> i64 {
    number(database, "SELECT COUNT(*) FROM dish").await
}

on_each_server! {
    /// Back up, download, damage, restore, delete.
    async fn a_backup_goes_round(server: TestServer) {
        let database = filled(&server).await;
        let directory = tempfile::tempdir().unwrap();
        let manager =
            manager(connect(&database), directory.path(), ManagerOptions::default()).await;
        let api = Api::new(manager);

        let accepted = api.post("/api/backup/create", &Value::Null).await;
        assert_eq!(accepted.json()["status"], "accepted");
        let created = completed(&api, &accepted).await;
        let name = created["result"]["filename"].as_str().unwrap().to_owned();
        assert!(name.starts_with("manual_") && name.ends_with(".sql.gz"), "{name}");
        assert_eq!(created["result"]["table_count"], 2);
        assert_eq!(created["result"]["row_count"], 3);

        let list = api.get("/api/backup/list").await.json();
        let backup = &list["data"][0];
        assert_eq!(backup["filename"], name.as_str());
        assert_eq!(backup["table_count"], 2);
        assert_eq!(backup["kind"], "manual");
        let bytes = api.get(&format!("/api/backup/download/{name}")).await.bytes;
        assert_eq!(bytes, std::fs::read(directory.path().join(&name)).unwrap());
        assert_eq!(backup["size_bytes"], bytes.len());
        assert_eq!(created["result"]["size_bytes"], bytes.len());

        database.run(&["DELETE FROM dish WHERE id > 1", "CREATE TABLE stray (id INT)"]).await;
        let request = json!({"filename": name});
        let restored = completed(&api, &api.post("/api/backup/restore", &request).await).await;
        assert_eq!(restored["target"], "restored");
        assert_eq!(restored["result"]["compared"], true);
        assert_eq!(dishes(&database).await, 3);
        assert_eq!(number(&database, "SELECT COUNT(*) FROM stray").await, 0, "it stays");
        let point = restored["restore_point"].as_str().unwrap().to_owned();
        assert!(point.starts_with("pre-restore_"), "{point}");
        let saved = String::from_utf8(gunzip(&directory.path().join(&point))).unwrap();
        assert!(saved.contains("stray") && !saved.contains("salt"));

        let request = json!({"filename": name, "mode": "replace"});
        completed(&api, &api.post("/api/backup/restore", &request).await).await;
        let left = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
        assert_eq!(number(&database, left).await, 2, "it goes");

        let path = format!("/api/backup/delete/{name}");
        let deleted = api.delete(&path, &json!({"confirm": "DELETE"})).await;
        assert_eq!(deleted.status, 200);
        assert_eq!(deleted.json()["success"], true);
        assert_eq!(deleted.json()["deleted_file"], name.as_str());
        assert_eq!(deleted.json()["deleted_size_bytes"], bytes.len());
        assert!(!directory.path().join(&name).exists());
        let again = api.delete(&path, &json!({"confirm": "DELETE"})).await;
        assert_eq!(again.refusal(), (404, "BACKUP_NOT_FOUND".into()));
    }
}

/// Every status that the document names for an operation, but for the 500 of those that only the
/// disk could make fail, is seen here; and [`Api`] fails on each that it does not name.
#[tokio::test]
async fn every_documented_answer_is_given() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let options = ManagerOptions::default().with_hooks(Gate(Arc::clone(&gate)));
    let jobs = manager(connect(&database), directory.path(), options).await;
    let api = Api::new(jobs.clone());
    // Another manager has no handles of this one's jobs, like one in another process.
    let other = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let other = api.beside(Api::new(other));

    names_that_are_wrong(&api, directory.path()).await;
    let name = one_at_a_time(&api, &other, &gate).await;
    // From here on, jobs begin at once.
    gate.add_permits(1000);
    downloads(&api, directory.path(), &name).await;
    pages(&api, directory.path()).await;
    cancelling(&api, &database, directory.path()).await;
    damaged(&api, directory.path(), &name).await;
    half_done(&api, &jobs, &database, directory.path()).await;
    deleting(&api, directory.path(), &name).await;
    nobody_there(&api, &database).await;
    no_room_and_no_server(&api, &database, &name).await;

    let mut missing = Vec::new();
    let seen = api.seen();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                let one = (format!("{method} {path}"), status.parse().unwrap());
                if !seen.contains(&one) && status != "500" {
                    missing.push(one);
                }
            }
        }
    }
    assert_eq!(missing, []);
    for operation in ["get /api/backup/list", "get /api/jobs"] {
        assert!(seen.contains(&(operation.to_owned(), 500)), "{operation}");
    }
}

async fn names_that_are_wrong(api: &Api, directory: &Path) {
    let restore = async |body: Value| api.post("/api/backup/restore", &body).await.refusal();
    for body in [Value::Null, json!({}), json!({"filename": null}), json!({"filename": ""})] {
        assert_eq!(restore(body).await, (400, "MISSING_FILENAME".into()));
    }
    let long = format!("{}.sql", "a".repeat(252));
    let names = ["../a.sql", "/etc/passwd", "a", ".a.sql", "a\n.sql", "a\u{0}.sql", &long];
    for name in names.into_iter().chain(["latest.shop.sql.gz"]) {
        assert_eq!(restore(json!({"filename": name})).await, (400, "INVALID_FILENAME".into()));
    }
    for value in [json!(7), json!(["a.sql"]), json!({}), json!(true)] {
        assert_eq!(restore(json!({"filename": value})).await, (400, "INVALID_FILENAME".into()));
    }
    let missing = json!({"filename": "missing.sql"});
    assert_eq!(restore(missing).await, (404, "BACKUP_NOT_FOUND".into()));
    for (member, value, error) in [
        ("mode", json!("merge "), "INVALID_MODE"),
        ("mode", json!(1), "INVALID_MODE"),
        ("timeout_seconds", json!(0), "INVALID_TIMEOUT"),
        ("timeout_seconds", json!(0.5), "INVALID_TIMEOUT"),
        ("timeout_seconds", json!("5"), "INVALID_TIMEOUT"),
        ("Mode", json!("replace"), "UNKNOWN_FIELD"),
    ] {
        let body = json!({"filename": "missing.sql", member: value});
        assert_eq!(restore(body).await, (400, error.into()), "{member}");
    }
    let create = async |body: Value| api.post("/api/backup/create", &body).await.refusal();
    assert_eq!(create(json!({"name": "x"})).await, (400, "UNKNOWN_FIELD".into()));
    assert_eq!(create(json!({"timeout_seconds": -1})).await, (400, "INVALID_TIMEOUT".into()));

    // A link out of the directory has the name of a backup, and is none.
    std::os::unix::fs::symlink("/etc/passwd", directory.join("link.sql")).unwrap();
    for name in ["link.sql", "latest.shop.sql.gz", "%2e%2e%2fa.sql", ".hidden.sql", "a.txt"] {
        let answer = api.get(&format!("/api/backup/download/{name}")).await;
        assert_eq!(answer.refusal(), (400, "INVALID_FILENAME".into()), "{name}");
        let answer = api.post(&format!("/api/backup/download/{name}/ticket"), &Value::Null).await;
        assert_eq!(answer.refusal(), (400, "INVALID_FILENAME".into()), "{name}");
    }
    assert_eq!(restore(json!({"filename": "link.sql"})).await, (400, "INVALID_FILENAME".into()));
    let confirm = json!({"confirm": "DELETE"});
    for name in ["latest.shop.sql.gz", "link.sql"] {
        let answer = api.delete(&format!("/api/backup/delete/{name}"), &confirm).await;
        assert_eq!(answer.refusal(), (400, "CANNOT_DELETE_SYMLINK".into()), "{name}");
    }
    let answer = api.delete("/api/backup/delete/..%2fa.sql", &confirm).await;
    assert_eq!(answer.refusal(), (400, "INVALID_FILENAME".into()));
    assert!(directory.join("link.sql").is_symlink());
    for (method, path) in [
        (Method::GET, "status"),
        (Method::GET, "events"),
        (Method::POST, "cancel"),
        (Method::POST, "rollback"),
        (Method::POST, "accept"),
    ] {
        for id in ["01890a5d-ac96-774b-bcce-b302099a8057", "x", "%FF", "..%2f..%2fx"] {
            let answer = api.send(method.clone(), &format!("/api/jobs/{id}/{path}"), &[], "").await;
            assert_eq!(answer.refusal(), (404, "JOB_NOT_FOUND".into()), "{id}");
        }
    }
}

/// Starts a backup and holds it, tries everything else meanwhile, and returns the backup's name.
async fn one_at_a_time(api: &Api, other: &Api, gate: &Semaphore) -> String {
    // The first one, so that there is something to restore.
    let accepted = api.post("/api/backup/create", &json!({"timeout_seconds": 60})).await;
    assert_eq!(accepted.json()["estimated_seconds"], Value::Null);
    gate.add_permits(1);
    let first = completed(api, &accepted).await;
    let name = first["result"]["filename"].as_str().unwrap().to_owned();

    let accepted = api.post("/api/backup/create", &json!({})).await;
    assert!(accepted.json()["estimated_seconds"].as_u64() >= Some(1));
    let id = accepted.json()["job_id"].clone();
    let status_url = accepted.json()["status_url"].clone();
    let status = api.get(status_url.as_str().unwrap()).await;
    assert_eq!(status.json()["status"], "running");
    assert_eq!(status.header("retry-after"), "5");
    let restore = json!({"filename": name});
    for (answer, error) in [
        (api.post("/api/backup/create", &Value::Null).await, "BACKUP_IN_PROGRESS"),
        (api.post("/api/backup/restore", &restore).await, "RESTORE_IN_PROGRESS"),
    ] {
        assert_eq!(answer.refusal(), (409, error.into()));
        let body = answer.json();
        assert_eq!(body["existing_job_id"], id);
        assert_eq!(body["status_url"], status_url);
        assert_eq!(body["details"]["kind"], "create");
        assert_eq!(body["details"]["owner"]["pid"], std::process::id());
    }
    // That there is no such backup is told all the same.
    let answer = api.post("/api/backup/restore", &json!({"filename": "missing.sql"})).await;
    assert_eq!(answer.refusal(), (404, "BACKUP_NOT_FOUND".into()));
    let running = api.get("/api/jobs").await.json();
    assert_eq!(running["data"][0]["job_id"], id);
    assert_eq!(running["data"][0]["status"], "running");
    jobs_of_others(api, other, gate, &accepted).await;

    // A restore needs its file as long as it runs.
    let accepted = api.post("/api/backup/restore", &restore).await;
    let path = format!("/api/backup/delete/{name}");
    let answer = api.delete(&path, &json!({"confirm": "DELETE"})).await;
    assert_eq!(answer.refusal(), (409, "BACKUP_IN_USE".into()));
    assert_eq!(answer.json()["existing_job_id"], accepted.json()["job_id"]);
    let undo = format!("/api/jobs/{}/rollback", id.as_str().unwrap());
    assert_eq!(api.post(&undo, &Value::Null).await.refusal(), (409, "NOTHING_TO_ROLL_BACK".into()));
    gate.add_permits(1);
    completed(api, &accepted).await;
    name
}

/// A running job, seen by another manager of the same directory: watched, but not cancelled.
async fn jobs_of_others(api: &Api, other: &Api, gate: &Semaphore, accepted: &Answer) {
    let id = accepted.json()["job_id"].as_str().unwrap().to_owned();
    assert_eq!(other.get(&format!("/api/jobs/{id}/status")).await.json()["status"], "running");
    let busy = other.post("/api/backup/create", &Value::Null).await;
    assert_eq!(busy.refusal(), (409, "BACKUP_IN_PROGRESS".into()));
    assert_eq!(busy.json()["existing_job_id"], id.as_str());
    let answer = other.post(&format!("/api/jobs/{id}/cancel"), &Value::Null).await;
    assert_eq!(answer.refusal(), (409, "JOB_OF_ANOTHER_PROCESS".into()));
    let (watcher, path) = (other.clone(), format!("/api/jobs/{id}/events"));
    let watching = tokio::spawn(async move { watcher.get(&path).await });
    gate.add_permits(1);
    completed(api, accepted).await;
    let events = watching.await.unwrap();
    assert_eq!(events_of(&events).last().unwrap()["status"], "completed");
}

async fn downloads(api: &Api, directory: &Path, name: &str) {
    let path = format!("/api/backup/download/{name}");
    let bytes = std::fs::read(directory.join(name)).unwrap();
    let get = async |headers: &[(&str, &str)]| api.send(Method::GET, &path, headers, "").await;

    let whole = get(&[]).await;
    assert_eq!((whole.status.as_u16(), &whole.bytes), (200, &bytes));
    assert_eq!(whole.header("content-type"), "application/gzip");
    assert_eq!(whole.header("content-length"), bytes.len().to_string());
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let disposition = whole.header("content-disposition");
    assert!(disposition.starts_with("attachment; "), "{disposition}");
    assert!(disposition.contains(name), "{disposition}");
    let etag = whole.header("etag").to_owned();

    let part = get(&[("range", "bytes=10-19")]).await;
    assert_eq!((part.status.as_u16(), &*part.bytes), (206, &bytes[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", bytes.len()));
    assert_eq!(part.header("content-length"), "10");
    let end = get(&[("range", "bytes=-4"), ("if-range", &etag)]).await;
    assert_eq!((end.status.as_u16(), &*end.bytes), (206, &bytes[bytes.len() - 4..]));
    let other = get(&[("range", "bytes=-4"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status.as_u16(), &other.bytes), (200, &bytes));
    let behind = get(&[("range", "bytes=99999999-")]).await;
    assert_eq!(behind.refusal(), (416, "RANGE_NOT_SATISFIABLE".into()));
    assert_eq!(behind.header("content-range"), format!("bytes */{}", bytes.len()));
    let same = get(&[("if-none-match", &etag)]).await;
    assert_eq!((same.status.as_u16(), same.bytes.len()), (304, 0));
    assert_eq!(same.header("etag"), etag);
    let changed = get(&[("if-match", "\"other\"")]).await;
    assert_eq!(changed.refusal(), (412, "PRECONDITION_FAILED".into()));
    let head = api.send(Method::HEAD, &path, &[], "").await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    let missing = api.get("/api/backup/download/missing.sql.gz").await;
    assert_eq!(missing.refusal(), (404, "BACKUP_NOT_FOUND".into()));

    // A name that is no plain word, of a file that is not compressed.
    let foreign = "größe \"1\" ü.sql";
    std::fs::write(directory.join(foreign), "SELECT 1;\n").unwrap();
    let answer = api.get("/api/backup/download/gr%C3%B6%C3%9Fe%20%221%22%20%C3%BC.sql").await;
    assert_eq!((answer.status.as_u16(), &*answer.bytes), (200, &b"SELECT 1;\n"[..]));
    assert_eq!(answer.header("content-type"), "application/sql");
    let disposition = answer.header("content-disposition");
    assert!(disposition.ends_with("UTF-8''gr%C3%B6%C3%9Fe%20%221%22%20%C3%BC.sql"));
    std::fs::remove_file(directory.join(foreign)).unwrap();

    // A ticket opens this file to whoever has no token, and nothing else.
    let ticket = api.post(&format!("{path}/ticket"), &Value::Null).await;
    assert_eq!(ticket.status, 201);
    let url = ticket.json()["download_url"].as_str().unwrap().to_owned();
    let nobody = api.with_token(None);
    assert_eq!(nobody.get(&url).await.bytes, bytes);
    let part = nobody.send(Method::GET, &url, &[("range", "bytes=0-0")], "").await;
    assert_eq!(part.bytes, bytes[..1]);
    let query = url.split_once('?').unwrap().1;
    for other in [
        "/api/backup/list".to_owned(),
        "/api/jobs".to_owned(),
        "/api/backup/download/other.sql.gz".to_owned(),
        "/api/backup/download/missing.sql.gz".to_owned(),
    ] {
        let answer = nobody.get(&format!("{other}?{query}")).await;
        assert_eq!(answer.refusal().0, 401, "{other}");
    }
    let delete = format!("/api/backup/delete/{name}?{query}");
    let answer = nobody.delete(&delete, &json!({"confirm": "DELETE"})).await;
    assert_eq!(answer.refusal().0, 401);
    let missing = api.post("/api/backup/download/missing.sql/ticket", &Value::Null).await;
    assert_eq!(missing.refusal(), (404, "BACKUP_NOT_FOUND".into()));
    let wrong = api.post(&format!("{path}/ticket"), &json!({"days": 7})).await;
    assert_eq!(wrong.refusal(), (400, "UNKNOWN_FIELD".into()));
}

async fn pages(api: &Api, directory: &Path) {
    let before = api.get("/api/backup/list").await.json()["total"].as_u64().unwrap();
    // Foreign files, the oldest of all, and what is no backup.
    for number in 0..45 {
        let path = directory.join(format!("old-{number:02}.sql"));
        std::fs::write(&path, "SELECT 1;\n").unwrap();
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + number);
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    }
    for name in ["notes.txt", ".hidden.sql", "a.sql.gz.partial"] {
        std::fs::write(directory.join(name), "x").unwrap();
    }
    let total = before + 45;
    let list = async |query: &str| api.get(&format!("/api/backup/list{query}")).await.json();

    let first = list("").await;
    assert_eq!(first["page"], 1);
    assert_eq!(first["page_size"], 20);
    assert_eq!(first["total"], total);
    assert_eq!(first["meta"]["total_count"], total);
    assert_eq!(first["data"].as_array().unwrap().len(), 20);
    assert_eq!(first["links"]["next"], "/api/backup/list?page=2&sort=newest");
    // By its links one comes to every backup once, in order, and the sizes add up.
    let (mut all, mut bytes, mut next) = (Vec::new(), 0, Some("/api/backup/list".to_owned()));
    while let Some(path) = next {
        let page = api.get(&path).await.json();
        for backup in page["data"].as_array().unwrap() {
            all.push(backup["created_at"].as_str().unwrap().to_owned());
            bytes += backup["size_bytes"].as_u64().unwrap();
        }
        next = page["links"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(all.len() as u64, total);
    assert!(all.is_sorted_by(|one, other| one >= other), "{all:?}");
    assert_eq!(first["meta"]["total_size_bytes"], bytes);

    let oldest = list("?sort=oldest&page=1").await;
    assert_eq!(oldest["data"][0]["filename"], "old-00.sql");
    assert_eq!(oldest["data"][0]["kind"], "foreign");
    assert_eq!(oldest["data"][0]["table_count"], Value::Null);
    assert_eq!(oldest["data"][0]["created_at"], "2001-09-09T01:46:40Z");
    assert_eq!(oldest["links"]["next"], "/api/backup/list?page=2&sort=oldest");
    let part = list("?limit=5&offset=2&sort=oldest").await;
    assert_eq!(part["data"][0]["filename"], "old-02.sql");
    assert_eq!(part["data"].as_array().unwrap().len(), 5);
    assert_eq!((&part["limit"], &part["offset"]), (&json!(5), &json!(2)));
    assert_eq!(part["links"]["next"], "/api/backup/list?limit=5&offset=7&sort=oldest");
    assert_eq!(list("?offset=0").await["limit"], 50);
    let beyond = list("?page=4294967295").await;
    assert_eq!((&beyond["data"], &beyond["links"]["next"]), (&json!([]), &Value::Null));
    assert_eq!(list("?limit=1000&offset=4294967295").await["data"], json!([]));

    for (query, error) in [
        ("sort=size", "INVALID_SORT_PARAMETER"),
        ("sort=", "INVALID_SORT_PARAMETER"),
        ("sort=Newest", "INVALID_SORT_PARAMETER"),
        ("page=0", "INVALID_PARAMETER"),
        ("page=-1", "INVALID_PARAMETER"),
        ("page=x", "INVALID_PARAMETER"),
        ("page=4294967296", "INVALID_PARAMETER"),
        ("limit=0", "INVALID_PARAMETER"),
        ("limit=1001", "INVALID_PARAMETER"),
        ("offset=-1", "INVALID_PARAMETER"),
        ("page=1&page=2", "INVALID_PARAMETER"),
    ] {
        let answer = api.get(&format!("/api/backup/list?{query}")).await;
        assert_eq!(answer.refusal(), (400, error.into()), "{query}");
    }
    for query in ["limit=0", "limit=1001", "limit=x"] {
        let answer = api.get(&format!("/api/jobs?{query}")).await;
        assert_eq!(answer.refusal(), (400, "INVALID_PARAMETER".into()), "{query}");
    }
    let jobs = api.get("/api/jobs?limit=2").await.json();
    assert_eq!(jobs["data"].as_array().unwrap().len(), 2);
    assert!(jobs["total"].as_u64() >= Some(3));
}

/// A job that waits for a table is cancelled, and watched by events until it has ended.
async fn cancelling(api: &Api, database: &TestDatabase, directory: &Path) {
    use mysql_async::prelude::Queryable as _;

    let mut holder = database.conn().await;
    holder.query_drop("LOCK TABLES dish WRITE").await.unwrap();
    let accepted = api.post("/api/backup/create", &Value::Null).await;
    let id = accepted.json()["job_id"].as_str().unwrap().to_owned();
    let cancel = format!("/api/jobs/{id}/cancel");
    let wrong = api.post(&cancel, &json!({"now": true})).await;
    assert_eq!(wrong.refusal(), (400, "UNKNOWN_FIELD".into()));

    let events = api.clone();
    let path = format!("/api/jobs/{id}/events");
    let watching = tokio::spawn(async move { events.get(&path).await });
    let cancelled = api.post(&cancel, &Value::Null).await;
    assert_eq!(cancelled.status, 202);
    assert_eq!(cancelled.header("location"), format!("/api/jobs/{id}/status"));
    assert_eq!(cancelled.header("retry-after"), "5");
    let status = ended(api, &accepted).await;
    assert_eq!(status["status"], "cancelled", "{status:#}");
    assert_eq!(status["error"]["error"], "CANCELLED");
    holder.query_drop("UNLOCK TABLES").await.unwrap();
    holder.disconnect().await.unwrap();

    let events = watching.await.unwrap();
    assert_eq!(events.header("content-type"), "text/event-stream");
    let statuses = events_of(&events);
    assert_eq!(statuses.last().unwrap()["status"], "cancelled");
    assert_eq!(statuses.last().unwrap(), &status);
    // Whoever comes later is told the end, and no more.
    let late = api.get(&format!("/api/jobs/{id}/events")).await;
    assert_eq!(events_of(&late), std::slice::from_ref(&status));

    let again = api.post(&cancel, &Value::Null).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, status));
    let partial = std::fs::read_dir(directory)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("partial"));
    assert_eq!(partial.count(), 1, "only the one of this test is left");
}

/// The statuses in server-sent events.
pub(super) fn events_of(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.bytes).unwrap();
    let mut statuses = Vec::new();
    for event in text.split("\n\n").filter(|event| !event.is_empty() && !event.starts_with(':')) {
        let (name, data) = event.split_once('\n').unwrap();
        assert_eq!(name, "event: status");
        let status = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        super::api::validate(&json!({"$ref": "#/components/schemas/JobStatus"}), &status, "event");
        statuses.push(status);
    }
    statuses
}

/// Files that cannot be restored: a fragment is refused at once, other damage by the job.
async fn damaged(api: &Api, directory: &Path, name: &str) {
    let bytes = std::fs::read(directory.join(name)).unwrap();
    std::fs::write(directory.join("cut.sql.gz"), &bytes[..bytes.len() - 40]).unwrap();
    let answer = api.post("/api/backup/restore", &json!({"filename": "cut.sql.gz"})).await;
    assert_eq!(answer.refusal(), (422, "BACKUP_INCOMPLETE".into()));
    let mut flipped = bytes;
    flipped[40] ^= 1;
    std::fs::write(directory.join("flipped.sql.gz"), flipped).unwrap();
    let accepted = api.post("/api/backup/restore", &json!({"filename": "flipped.sql.gz"})).await;
    let status = ended(api, &accepted).await;
    assert_eq!(status["status"], "failed");
    assert_eq!(status["error"]["error"], "BACKUP_DAMAGED", "{status:#}");
    assert_eq!(status["target"], "untouched");
    assert_eq!(status["restore_point"], Value::Null);
    // A script that ends inside a string.
    std::fs::write(directory.join("open.sql"), "DELETE FROM dish;\nSELECT 'and so").unwrap();
    let accepted = api.post("/api/backup/restore", &json!({"filename": "open.sql"})).await;
    let status = ended(api, &accepted).await;
    assert_eq!(status["error"]["error"], "BACKUP_UNREADABLE", "{status:#}");
    assert_eq!(status["target"], "untouched");
}

/// A restore that was left half done is undone by one call, once.
async fn half_done(api: &Api, manager: &BackupManager, database: &TestDatabase, directory: &Path) {
    let broken = "DELETE FROM dish WHERE id = 1;\nCREATE TABLE stray (id INT);\nINSERT INTO dish VALUES (2, 'dup');\n";
    std::fs::write(directory.join("broken.sql"), broken).unwrap();
    let request = RestoreRequest::new("broken.sql".parse().unwrap()).with_rollback(false);
    let job = manager.restore(request).await.unwrap();
    job.wait().await.unwrap_err();
    assert_eq!(dishes(database).await, 2);
    let status = api.get(&format!("/api/jobs/{}/status", job.id())).await.json();
    assert_eq!(status["status"], "failed", "{status:#}");
    assert_eq!(status["target"], "partial", "{status:#}");

    let jobs = api.get("/api/jobs?limit=1").await.json();
    assert_eq!(jobs["half_done"][0], status);
    assert_eq!(jobs["half_done"].as_array().unwrap().len(), 1);

    // What is there now must not become the newest backup, nor its way back be deleted.
    let undo = format!("/api/jobs/{}/rollback", job.id());
    let accept = format!("/api/jobs/{}/accept", job.id());
    let point = status["restore_point"].as_str().unwrap();
    let delete = format!("/api/backup/delete/{point}");
    for answer in [
        api.post("/api/backup/create", &Value::Null).await,
        api.delete(&delete, &json!({"confirm": "DELETE"})).await,
    ] {
        assert_eq!(answer.refusal(), (409, "RESTORE_HALF_DONE".into()));
        let body = answer.json();
        assert_eq!(body["existing_job_id"], job.id().to_string());
        assert_eq!(body["rollback_url"], undo.as_str());
        assert_eq!(body["accept_url"], accept.as_str());
    }
    assert!(directory.join(point).exists());
    let status = completed(api, &api.post(&undo, &Value::Null).await).await;
    assert_eq!(status["kind"], "roll_back");
    assert_eq!(dishes(database).await, 3);
    let stray = "SELECT COUNT(*) FROM information_schema.TABLES \
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'stray'";
    assert_eq!(number(database, stray).await, 0);
    let again = api.post(&undo, &Value::Null).await;
    assert_eq!(again.refusal(), (409, "NOTHING_TO_ROLL_BACK".into()));
    let again = api.post(&accept, &Value::Null).await;
    assert_eq!(again.refusal(), (409, "NOTHING_TO_ROLL_BACK".into()));
    assert_eq!(api.get("/api/jobs").await.json()["half_done"], json!([]));

    // Or it is taken as it is.
    let request = RestoreRequest::new("broken.sql".parse().unwrap()).with_rollback(false);
    let job = manager.restore(request).await.unwrap();
    job.wait().await.unwrap_err();
    let accepted = api.post(&format!("/api/jobs/{}/accept", job.id()), &json!({})).await;
    assert_eq!((accepted.status.as_u16(), &accepted.json()["target"]), (200, &json!("accepted")));
    assert_eq!(dishes(database).await, 2);
    completed(api, &api.post("/api/backup/create", &Value::Null).await).await;
    database.run(&["INSERT INTO dish VALUES (1, 'soup')", "DROP TABLE stray"]).await;

    // By itself a restore that fails does the same.
    let accepted = api.post("/api/backup/restore", &json!({"filename": "broken.sql"})).await;
    let status = ended(api, &accepted).await;
    assert_eq!(status["target"], "rolled_back", "{status:#}");
    assert_eq!(status["rollback"]["succeeded"], true);
    assert_eq!(status["error"]["error"], "DATABASE_ERROR");
    assert_eq!(dishes(database).await, 3);
}

async fn deleting(api: &Api, directory: &Path, name: &str) {
    let path = format!("/api/backup/delete/{name}");
    for body in [
        Value::Null,
        json!({}),
        json!({"confirm": "delete"}),
        json!({"confirm": "DELETE "}),
        json!({"confirm": true}),
        json!({"confirm": ["DELETE"]}),
    ] {
        let answer = api.delete(&path, &body).await;
        assert_eq!(answer.refusal(), (400, "CONFIRMATION_REQUIRED".into()), "{body}");
    }
    let more = json!({"confirm": "DELETE", "force": true});
    assert_eq!(api.delete(&path, &more).await.refusal(), (400, "UNKNOWN_FIELD".into()));
    assert!(directory.join(name).exists());
    let confirm = json!({"confirm": "DELETE"});
    let missing = api.delete("/api/backup/delete/missing.sql", &confirm).await;
    assert_eq!(missing.refusal(), (404, "BACKUP_NOT_FOUND".into()));
    let deleted = api.delete("/api/backup/delete/flipped.sql.gz", &confirm).await;
    assert_eq!(deleted.status, 200);
    assert!(!directory.join("flipped.sql.gz").exists());
}

/// Without an identity, without the role, and when nobody can tell: for every operation.
async fn nobody_there(api: &Api, database: &TestDatabase) {
    let directory = tempfile::tempdir().unwrap();
    let manager = manager(connect(database), directory.path(), ManagerOptions::default()).await;
    let other = api.beside(Api::with_authorizer(manager, Anybody));
    let long = "x".repeat(17 * 1024);
    let json = ("content-type", "application/json");
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        let path = path.replace("{filename}", "a.sql").replace("{id}", "x");
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            for (token, status) in [(None, 401), (Some("user"), 403), (Some("unavailable"), 503)] {
                let answer = other.with_token(token).send(method.clone(), &path, &[], "").await;
                assert_eq!(answer.status, status, "{method} {path}");
            }
            if method != Method::GET {
                for (headers, body, status) in
                    [(&[json][..], "{", 400), (&[], "{}", 415), (&[json], long.as_str(), 413)]
                {
                    let answer = other.send(method.clone(), &path, headers, body.to_owned()).await;
                    assert_eq!(answer.status, status, "{method} {path}");
                }
            }
        }
    }
    assert_eq!(other.get("/api/openapi.json").await.json(), *DOCUMENT);
    // The directory goes away under a manager.
    drop(directory);
    for path in ["/api/backup/list", "/api/jobs"] {
        assert_eq!(other.get(path).await.status, 500, "{path}");
    }
}

/// What is known before a job starts: there is no room on the disk, or no server.
async fn no_room_and_no_server(api: &Api, database: &TestDatabase, name: &str) {
    let directory = tempfile::tempdir().unwrap();
    let options = ManagerOptions::default().with_reserve(u64::MAX / 2);
    let full = manager(connect(database), directory.path(), options).await;
    let full = api.beside(Api::new(full));
    std::fs::write(directory.path().join(name), "SELECT 1;\n").unwrap();
    std::fs::write(directory.path().join("a.sql"), "SELECT 1;\n").unwrap();
    let answer = full.post("/api/backup/create", &Value::Null).await;
    assert_eq!(answer.refusal(), (507, "INSUFFICIENT_STORAGE".into()));
    assert_eq!(answer.json()["details"]["kind"], "no_space");
    // That there will be no restore point is known at once.
    let answer = full.post("/api/backup/restore", &json!({"filename": "a.sql"})).await;
    assert_eq!(answer.refusal(), (503, "PRE_RESTORE_BACKUP_FAILED".into()));
    assert_eq!(answer.header("retry-after"), "5");
    let details = answer.json()["details"].clone();
    assert_eq!(details["kind"], "restore_point");
    assert!(details["cause"].as_str().unwrap().contains("bytes left"), "{details}");
    assert_eq!(full.get("/api/jobs").await.json()["data"], json!([]), "nothing has begun");

    let nowhere = ConnectOptions::from_url("mysql://nobody@127.0.0.1:1/shop").unwrap();
    let down = manager(nowhere, directory.path(), ManagerOptions::default()).await;
    let down = api.beside(Api::new(down));
    for path in ["/api/backup/create", "/api/backup/restore"] {
        let body = if path.ends_with("restore") { json!({"filename": "a.sql"}) } else { json!({}) };
        let answer = down.post(path, &body).await;
        assert_eq!(answer.refusal(), (503, "DATABASE_UNREACHABLE".into()), "{path}");
        assert_eq!(answer.header("retry-after"), "5");
    }
}

/// An account that may not read everything that a restore would overwrite: the restore point cannot
/// be taken, so nothing is changed.
#[tokio::test]
async fn nothing_is_restored_without_a_restore_point() {
    use mysql_async::prelude::Queryable as _;

    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.sql"), "DROP TABLE dish;\n").unwrap();
    let account = format!("{}_half", database.name);
    let mut conn = server.conn().await;
    conn.query_drop(format!("CREATE USER {account} IDENTIFIED BY 'half-a-secret'")).await.unwrap();
    // No TRIGGER, no EVENT: there may be something that it does not see.
    let grant = format!("GRANT SELECT, DROP, CREATE ON {}.* TO {account}", database.name);
    conn.query_drop(grant).await.unwrap();
    let half = ConnectOptions::from_url(&database.url())
        .unwrap()
        .with_user(&account)
        .with_password("half-a-secret");
    let api = Api::new(manager(half, directory.path(), ManagerOptions::default()).await);
    let accepted = api.post("/api/backup/restore", &json!({"filename": "a.sql"})).await;
    let status = ended(&api, &accepted).await;
    conn.query_drop(format!("DROP USER {account}")).await.unwrap();
    conn.disconnect().await.unwrap();

    assert_eq!(status["status"], "failed");
    assert_eq!(status["error"]["error"], "PRE_RESTORE_BACKUP_FAILED", "{status:#}");
    assert!(
        status["error"]["details"]["cause"].as_str().unwrap().contains("TRIGGER"),
        "{status:#}"
    );
    assert_eq!(status["target"], "untouched");
    assert_eq!(status["restore_point"], Value::Null);
    assert_eq!(dishes(&database).await, 3);
    assert!(!status.to_string().contains("half-a-secret"));
}

/// The events of a running job come one by one, not at its end.
#[tokio::test]
async fn events_come_as_they_happen() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let options = ManagerOptions::default().with_hooks(Gate(Arc::clone(&gate)));
    let manager = manager(connect(&database), directory.path(), options).await;
    let router = snapdump::http::router(manager.clone(), BearerToken::new(TOKEN).unwrap());
    let job = manager.create(snapdump::CreateRequest::manual()).await.unwrap();
    let request = Request::get(format!("/api/jobs/{}/events", job.id()))
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .unwrap();
    let mut events = router.oneshot(request).await.unwrap().into_body().into_data_stream();
    // The job cannot end before this has come.
    let first = events.next().await.unwrap().unwrap();
    assert!(std::str::from_utf8(&first).unwrap().contains("\"status\":\"running\""));
    gate.add_permits(1);
    let mut last = first;
    while let Some(event) = events.next().await {
        last = event.unwrap();
    }
    assert!(std::str::from_utf8(&last).unwrap().contains("\"status\":\"completed\""));
}

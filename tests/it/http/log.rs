//! What a request says to the log of the application: everything inside a span that says who asked
//! for what, and nothing that lets another in.

use axum::http::Method;
use serde_json::json;
use snapdump::ManagerOptions;

use super::api::{Api, TOKEN, manager};
use super::contract::filled;
use crate::harness::TestServer;
use crate::log::{logged, password};
use crate::roundtrip::connect;

#[tokio::test]
async fn every_event_of_a_request_is_in_its_span() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let manager = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let ((job, file, ticket), lines) = logged(async move {
        let api = Api::new(manager.clone());
        let begun = api.post("/api/backup/create", &json!({})).await.json();
        let job = begun["job_id"].as_str().unwrap().to_owned();
        manager.handle(job.parse().unwrap()).unwrap().wait().await.unwrap();
        let list = api.get("/api/backup/list?limit=1").await.json();
        let file = list["data"][0]["filename"].as_str().unwrap().to_owned();
        let ticket = api.post(&format!("/api/backup/download/{file}/ticket"), &json!({})).await;
        let ticket = ticket.json()["ticket"].as_str().unwrap().to_owned();
        let stranger = api.with_token(None);
        let download = format!("/api/backup/download/{file}?ticket={ticket}");
        assert_eq!(stranger.get(&download).await.status, 200);
        let refused = stranger.send(Method::DELETE, "/api/backup/delete/a.sql?token=b", &[], "");
        assert_eq!(refused.await.status, 401);
        assert_eq!(stranger.get("/").await.status, 200);
        (job, file, ticket)
    })
    .await;

    let request = |method: &str, path: &str, user: &str| {
        format!("[request method={method} path={path:?}{user}")
    };
    let user = " user=\"administrator\"";
    let create = request("POST", "/api/backup/create", user);
    lines.has(&[&format!("{create}] INFO"), "backup started"]);
    lines.has(&[&format!("{create} status=202] DEBUG"), "answered"]);
    let list = request("GET", "/api/backup/list", user);
    lines.has(&[&format!("{list} status=200] DEBUG"), "answered"]);
    let download = request("GET", &format!("/api/backup/download/{file}"), user);
    lines.has(&[&format!("{download}] INFO"), "download"]);
    lines.has(&[&format!("{download} status=200] DEBUG"), "answered"]);
    let refused = request("DELETE", "/api/backup/delete/a.sql", "");
    lines.has(&[&format!("{refused}] WARN"), "a request without a valid identity"]);
    lines.has(&[&format!("{refused} status=401] DEBUG"), "answered"]);
    lines.has(&["[request method=GET path=\"/\" status=200] DEBUG", "answered"]);

    // A job goes on when the request that began it is answered.
    let job = format!("[job id={job} ");
    lines.has(&[&job, "job started"]);
    for line in lines.0.iter().filter(|line| line.contains("[job ")) {
        assert!(line.starts_with(&job), "{line}");
    }
    lines.never(&[TOKEN, &ticket, "token=", &password(&server)]);
}

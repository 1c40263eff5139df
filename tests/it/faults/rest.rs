//! The REST API: many callers while a job runs, and everything that it says.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures::future::join_all;
use serde_json::{Value, json};
use snapdump::http::{BearerToken, router};
use snapdump::{BackupDir, BackupManager, ConnectOptions, Job, ManagerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

/// A token that must not come out anywhere, and one that nobody has given.
pub(super) const TOKEN: &str = "planted-token-of-an-administrator";
pub(super) const WRONG_TOKEN: &str = "planted-token-of-somebody-else";
/// The end of what [`say_everything`] prints.
pub(super) const LAST_WORDS: &str = "everything has been said";

/// One request on a connection of its own: status and body.
async fn request(address: std::net::SocketAddr, method: &str, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

/// So many callers at once while a job runs: each wants another one and is told which one there is;
/// then as many look. Returns how long the refusals took.
pub(super) async fn callers(manager: &BackupManager, job: &Job, number: usize) -> Vec<Duration> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(manager.clone(), BearerToken::new(TOKEN).unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
    });
    let id = job.id().to_string();
    let refused = (0..number).map(|_| {
        let id = id.clone();
        tokio::spawn(async move {
            let since = Instant::now();
            let (status, body) = request(address, "POST", "/api/backup/create").await;
            let took = since.elapsed();
            assert_eq!((status, &body["error"]), (409, &json!("BACKUP_IN_PROGRESS")), "{body}");
            assert_eq!(body["existing_job_id"], json!(id));
            took
        })
    });
    let took = join_all(refused.collect::<Vec<_>>()).await;
    let asking = (0..number).map(|at| {
        let path = match at % 3 {
            0 => format!("/api/jobs/{id}/status"),
            1 => "/api/jobs".to_owned(),
            _ => "/api/backup/list".to_owned(),
        };
        tokio::spawn(async move {
            let (status, body) = request(address, "GET", &path).await;
            assert_eq!(status, 200, "{path}: {body}");
        })
    });
    for asked in join_all(asking.collect::<Vec<_>>()).await {
        asked.unwrap();
    }
    stop.send(()).unwrap();
    server.await.unwrap();
    took.into_iter().map(Result::unwrap).collect()
}

/// What the child does whose output is searched for secrets: asks for everything that the API has,
/// with and without the right token, and prints every answer, header and body.
pub(super) async fn say_everything(connect: ConnectOptions, directory: &Path) {
    let directory = BackupDir::open(directory).unwrap();
    let options = ManagerOptions::default().with_reserve(1 << 20);
    let manager = BackupManager::open(connect, directory, options).await.unwrap();
    let authorizer = BearerToken::new(TOKEN).unwrap();
    println!("{authorizer:?} {manager:?}");
    let app = router(manager.clone(), authorizer);
    println!("{app:?}");
    let delete = json!({"confirm": "DELETE"});
    for token in [None, Some(WRONG_TOKEN), Some(TOKEN)] {
        for (method, path, body) in [
            ("GET", "/", json!(null)),
            ("GET", "/api/openapi.json", json!(null)),
            ("GET", "/api/backup/list?page=1", json!(null)),
            ("GET", "/api/nothing", json!(null)),
            ("POST", "/api/backup/create", json!(null)),
            ("POST", "/api/backup/restore", json!({"filename": "bad.sql"})),
            ("POST", "/api/backup/restore", json!({"filename": "../bad.sql"})),
            ("POST", "/api/backup/restore", json!({"filename": "good.sql", "mode": "replace"})),
            ("POST", "/api/backup/restore", json!({"nonsense": 1})),
            ("GET", "/api/backup/download/good.sql", json!(null)),
            ("POST", "/api/backup/download/good.sql/ticket", json!(null)),
            ("GET", "/api/backup/download/good.sql?ticket=wrong", json!(null)),
            ("GET", "/api/backup/download/missing.sql", json!(null)),
            ("DELETE", "/api/backup/delete/good.sql", json!({"confirm": "no"})),
            ("DELETE", "/api/backup/delete/missing.sql", delete.clone()),
            ("GET", "/api/jobs", json!(null)),
        ] {
            say(&app, token, method, path, &body).await;
            if let Some(job) = manager.running() {
                let id = job.id();
                say(&app, token, "GET", &format!("/api/jobs/{id}/status"), &json!(null)).await;
                let _ = job.wait().await;
                say(&app, token, "GET", &format!("/api/jobs/{id}/events"), &json!(null)).await;
                say(&app, token, "POST", &format!("/api/jobs/{id}/cancel"), &json!(null)).await;
                say(&app, token, "POST", &format!("/api/jobs/{id}/rollback"), &json!(null)).await;
                println!("{job:?} {:?}", job.status());
            }
        }
    }
    println!("{LAST_WORDS}");
}

async fn say(app: &Router, token: Option<&str>, method: &str, path: &str, body: &Value) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        request = request.header("content-type", "application/json");
        Body::from(body.to_string())
    };
    let response = app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    println!("{method} {path} {} {:?}", response.status(), response.headers());
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
    println!("{}", String::from_utf8_lossy(&bytes));
}

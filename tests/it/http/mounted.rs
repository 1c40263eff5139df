//! The router at a path of an application.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::response::Parts;
use axum::http::{Method, Request};
use serde_json::Value;
use snapdump::ManagerOptions;
use snapdump::http::{BearerToken, router};
use tower::ServiceExt as _;

use super::api::{TOKEN, manager};
use super::contract::filled;
use crate::harness::TestServer;
use crate::roundtrip::connect;

const AT: &str = "/api/admin/backup";

async fn send(app: &Router, method: Method, path: &str) -> (Parts, Bytes) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .unwrap();
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    (parts, axum::body::to_bytes(body, 1 << 20).await.unwrap())
}

async fn json(app: &Router, method: Method, path: &str) -> (Parts, Value) {
    let (parts, body) = send(app, method, path).await;
    (parts, serde_json::from_slice(&body).unwrap())
}

/// However it is mounted, every address that the API gives has the path in it, once; and the page is
/// at the path without a slash at its end, and with one.
#[tokio::test]
async fn addresses_are_those_of_the_mounted_router() {
    let server = TestServer::mariadb_10_11();
    let database = filled(&server).await;
    let directory = tempfile::tempdir().unwrap();
    let manager = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let inner = router(manager.clone(), BearerToken::new(TOKEN).unwrap());
    let with_slash = format!("{AT}/");
    for (app, pages) in [
        (Router::new().nest_service(AT, inner.clone()), &[AT, &with_slash][..]),
        // The other path is the application's.
        (Router::new().nest(AT, inner.clone()), &[AT]),
        (Router::new().nest_service(&with_slash, inner.clone()), &[&with_slash]),
        (Router::new().nest(&with_slash, inner), &[&with_slash]),
    ] {
        let (parts, body) = json(&app, Method::POST, &format!("{AT}/api/backup/create")).await;
        assert_eq!(parts.status, 202, "{body}");
        let url = parts.headers["location"].to_str().unwrap().to_owned();
        assert!(url.starts_with("/api/admin/backup/api/jobs/"), "{url}");
        assert_eq!(body["status_url"], url.as_str());
        let id = body["job_id"].as_str().unwrap().parse().unwrap();
        manager.handle(id).unwrap().wait().await.unwrap();
        let (parts, _) = send(&app, Method::GET, &url).await;
        assert_eq!(parts.status, 200);
        let (_, body) = json(&app, Method::GET, &format!("{AT}/api/backup/list?limit=1")).await;
        let name = body["data"][0]["filename"].as_str().unwrap();
        let path = format!("{AT}/api/backup/download/{name}/ticket");
        let (_, body) = json(&app, Method::POST, &path).await;
        let url = body["download_url"].as_str().unwrap();
        assert!(url.starts_with("/api/admin/backup/api/backup/download/"), "{url}");
        assert_eq!(send(&app, Method::GET, url).await.0.status, 200);
        for page in pages {
            let (parts, body) = send(&app, Method::GET, page).await;
            assert_eq!(parts.status, 200, "{page}");
            assert!(body.starts_with(b"<!doctype html>"), "{page}");
        }
        let (parts, body) = json(&app, Method::GET, &format!("{AT}/api/nothing")).await;
        assert_eq!((parts.status.as_u16(), body["error"].as_str()), (404, Some("ROUTE_NOT_FOUND")));
    }
}

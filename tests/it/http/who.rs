//! Who may use the routes, and from where.

use axum::body::Body;
use axum::http::Method;
use axum::http::request::Parts;

use snapdump::http::{AuthorizeError, Authorizer, Identity, Role};
use snapdump::{ConnectOptions, ManagerOptions};

use super::api::{Api, DOCUMENT, TOKEN, manager};

/// What the header `X-User` says.
struct HeaderUser;

impl Authorizer for HeaderUser {
    async fn authorize(&self, request: &Parts) -> Result<Identity, AuthorizeError> {
        match request.headers.get("x-user").map(axum::http::HeaderValue::as_bytes) {
            Some(b"ada") => Ok(Identity::new("ada", Role::Administrator)),
            Some(b"bob") => Ok(Identity::new("bob", Role::User)),
            Some(b"?") => Err(AuthorizeError::Unavailable),
            _ => Err(AuthorizeError::Unauthenticated),
        }
    }

    fn challenge(&self) -> &'static str {
        "Session"
    }
}

/// Nothing here needs a server: nobody gets as far as that.
async fn api(directory: &std::path::Path, authorizer: impl Authorizer) -> Api {
    let connect = ConnectOptions::from_url("mysql://nobody@127.0.0.1:1/nothing").unwrap();
    let manager = manager(connect, directory, ManagerOptions::default()).await;
    Api::with_authorizer(manager, authorizer).with_token(None)
}

/// Every operation of the document, with values for the variables of its path.
fn operations() -> Vec<(Method, String)> {
    let mut all = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().unwrap() {
        let path = path
            .replace("{filename}", "manual_2026-01-29_22-08-29.sql.gz")
            .replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        for method in methods.as_object().unwrap().keys() {
            all.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    assert!(all.len() >= 12, "{all:?}");
    all
}

#[tokio::test]
async fn every_route_needs_an_administrator() {
    let directory = tempfile::tempdir().unwrap();
    let api = api(directory.path(), HeaderUser).await;
    for (method, path) in operations() {
        let nobody = api.send(method.clone(), &path, &[], "").await;
        assert_eq!(nobody.refusal(), (401, "UNAUTHENTICATED".into()), "{method} {path}");
        assert_eq!(nobody.header("www-authenticate"), "Session");
        let user = api.send(method.clone(), &path, &[("x-user", "bob")], "").await;
        assert_eq!(user.refusal(), (403, "FORBIDDEN".into()), "{method} {path}");
        let unknown = api.send(method.clone(), &path, &[("x-user", "?")], "").await;
        assert_eq!(unknown.refusal(), (503, "IDENTITY_UNAVAILABLE".into()), "{method} {path}");
    }
    // What does not exist is not told either.
    for path in ["/api", "/api/nothing", "/nothing", "/api/jobs/x"] {
        assert_eq!(api.get(path).await.refusal().0, 401, "{path}");
        let ada = api.send(Method::GET, path, &[("x-user", "ada")], "").await;
        assert_eq!(ada.refusal(), (404, "ROUTE_NOT_FOUND".into()), "{path}");
    }
}

#[tokio::test]
async fn only_the_bearer_token_gets_in() {
    let directory = tempfile::tempdir().unwrap();
    let token = snapdump::http::BearerToken::new(TOKEN).unwrap();
    let api = api(directory.path(), token).await;
    assert_eq!(api.with_token(Some(TOKEN)).get("/api/jobs").await.status, 200);
    for token in [None, Some(""), Some("a-token-for-the-test"), Some("A-TOKEN-FOR-THE-TESTS")] {
        let answer = api.with_token(token).get("/api/jobs").await;
        assert_eq!(answer.refusal(), (401, "UNAUTHENTICATED".into()), "{token:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    // A ticket is one of the router's own making, and no token is one.
    for query in ["ticket=", "ticket=a-token-for-the-tests", "token=a-token-for-the-tests"] {
        let path = format!("/api/backup/download/a.sql?{query}");
        assert_eq!(api.get(&path).await.refusal().0, 401, "{query}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let api = api(directory.path(), HeaderUser).await;
    let user = ("x-user", "ada");
    for (method, path) in operations() {
        for from in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("host", "here.example"), ("origin", "https://there.example")],
            &[("cookie", "session=1")],
        ] {
            let headers = [&[user], from].concat();
            let answer = api.send(method.clone(), &path, &headers, "").await;
            if method == Method::GET {
                assert_ne!(answer.status, 403, "{method} {path} {from:?}");
                for (name, _) in &answer.headers {
                    assert!(!name.as_str().starts_with("access-control-"), "{name}");
                }
            } else {
                let expected = (403, "CROSS_SITE_REQUEST".into());
                assert_eq!(answer.refusal(), expected, "{method} {path} {from:?}");
            }
        }
    }
    // And what asks beforehand whether it may gets no word that it may.
    let headers =
        [user, ("origin", "https://there.example"), ("access-control-request-method", "POST")];
    let answer = api.send(Method::OPTIONS, "/api/backup/create", &headers, "").await;
    assert_eq!(answer.refusal().0, 405);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
}

#[tokio::test]
async fn every_answer_is_kept_to_itself() {
    let directory = tempfile::tempdir().unwrap();
    let api = api(directory.path(), HeaderUser).await;
    let user = ("x-user", "ada");
    for path in ["/", "/api/jobs", "/api/nothing", "/api/openapi.json"] {
        let answer = api.send(Method::GET, path, &[user], "").await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let cache = if path == "/" { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), cache, "{path}");
    }
}

#[tokio::test]
async fn every_refusal_is_json() {
    let directory = tempfile::tempdir().unwrap();
    let api = api(directory.path(), HeaderUser).await;
    let user = ("x-user", "ada");
    let json = ("content-type", "application/json");
    for (method, path, allowed) in [
        (Method::POST, "/", "GET,HEAD"),
        (Method::PUT, "/api/backup/list", "GET,HEAD"),
        (Method::GET, "/api/backup/create", "POST"),
        (Method::POST, "/api/backup/delete/a.sql", "DELETE"),
        (Method::PATCH, "/api/jobs/x/status", "GET,HEAD"),
        (Method::OPTIONS, "/api/backup/restore", "POST"),
    ] {
        let answer = api.send(method.clone(), path, &[user], "").await;
        assert_eq!(answer.refusal(), (405, "METHOD_NOT_ALLOWED".into()), "{method} {path}");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
    // Every route that takes a body, with every kind of wrong one.
    let long = "x".repeat(17 * 1024);
    let mut checked = 0;
    for (method, path) in operations() {
        if method == Method::GET {
            continue;
        }
        checked += 1;
        let send = async |headers: &[(&str, &str)], body: &str| {
            let headers = [&[user], headers].concat();
            api.send(method.clone(), &path, &headers, body.to_owned()).await.refusal()
        };
        let bad = (400, "MALFORMED_JSON".to_owned());
        for body in ["{", "[]", "null", "\"x\"", "{\"a\":1} x", "\u{0}", &"[".repeat(1000)] {
            assert_eq!(send(&[json], body).await, bad, "{method} {path} {body:?}");
        }
        let not_json = (415, "UNSUPPORTED_MEDIA_TYPE".to_owned());
        assert_eq!(send(&[], "{}").await, not_json, "{method} {path}");
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(send(&[form], "filename=a.sql").await, not_json, "{method} {path}");
        assert_eq!(send(&[("content-type", "text/plain")], "{}").await, not_json);
        let too_large = (413, "BODY_TOO_LARGE".to_owned());
        assert_eq!(send(&[json], &long).await, too_large, "{method} {path}");
        // A connection that breaks in the middle of the body.
        let half = [Ok("{\"filename\": "), Err(std::io::Error::other("cut"))];
        let half = Body::from_stream(futures::stream::iter(half));
        let answer = api.send(method.clone(), &path, &[user, json], half).await;
        assert_eq!(answer.refusal(), (400, "BODY_UNREADABLE".into()), "{method} {path}");
    }
    assert!(checked >= 6);
    // A path that is no UTF-8.
    let answer = api.send(Method::GET, "/api/backup/download/%FF.sql", &[user], "").await;
    assert_eq!(answer.refusal(), (400, "INVALID_FILENAME".into()));
}

//! A client of the router that holds every answer against the `OpenAPI` document.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use jsonschema::Validator;
use serde_json::{Value, json};
use snapdump::http::{Authorizer, BearerToken, router};
use snapdump::{BackupDir, BackupManager, ConnectOptions, ManagerOptions};
use tower::ServiceExt as _;

pub(crate) const TOKEN: &str = "a-token-for-the-tests";
/// The most bytes of an answer that is read.
const MOST: usize = 64 << 20;

/// The document, as the repository has it.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../src/http/openapi.json")).unwrap());

/// An operation of the document and a status that it was answered with.
pub(crate) type Seen = (String, u16);

/// A router, and what has been seen of it.
#[derive(Clone)]
pub(crate) struct Api {
    router: Router,
    token: Option<String>,
    seen: Arc<Mutex<BTreeSet<Seen>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        match self.headers.get(name) {
            Some(value) => value.to_str().unwrap(),
            None => panic!("there is no header {name}: {:?}", self.headers),
        }
    }

    /// The status and the error name, for a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        assert!(body["message"].is_string(), "{body}");
        (self.status.as_u16(), body["error"].as_str().unwrap().to_owned())
    }
}

/// A manager on a directory.
pub(crate) async fn manager(
    connect: ConnectOptions,
    directory: &Path,
    options: ManagerOptions,
) -> BackupManager {
    let directory = BackupDir::open(directory).unwrap();
    match BackupManager::open(connect, directory, options).await {
        Ok(manager) => manager,
        Err(error) => panic!("{}", error.chain()),
    }
}

impl Api {
    /// The router over a manager, with the token of the tests.
    pub(crate) fn new(manager: BackupManager) -> Self {
        Self::with_authorizer(manager, BearerToken::new(TOKEN).unwrap())
    }

    pub(crate) fn with_authorizer(manager: BackupManager, authorizer: impl Authorizer) -> Self {
        Self {
            router: router(manager, authorizer),
            token: Some(TOKEN.to_owned()),
            seen: Arc::default(),
        }
    }

    /// The same router for a client with another token, or none.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// Another router whose answers count together with those of this one.
    pub(crate) fn beside(&self, other: Self) -> Self {
        Self { seen: Arc::clone(&self.seen), ..other }
    }

    /// Every operation and status that was seen.
    pub(crate) fn seen(&self) -> BTreeSet<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::DELETE, path, body).await
    }

    async fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &[("content-type", "application/json")], body).await
    }

    /// Sends a request, reads the answer, and fails unless the document has foreseen it.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(&method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, MOST).await.unwrap().to_vec();
        let answer = Answer { status: parts.status, headers: parts.headers, bytes };
        if let Some(seen) = foreseen(&method, path, &answer) {
            self.seen.lock().unwrap().insert(seen);
        }
        answer
    }
}

/// Holds an answer against the document. None for routes and methods that are not in it: those
/// answers have to be refusals.
fn foreseen(method: &Method, path: &str, answer: &Answer) -> Option<Seen> {
    let path = path.split('?').next().unwrap();
    let status = answer.status.as_u16();
    let method = if method == Method::HEAD { "get" } else { &method.as_str().to_lowercase() };
    let operation = template(path).and_then(|template| {
        let operation = DOCUMENT["paths"][template].get(method)?;
        Some((format!("{method} {template}"), operation))
    });
    let Some((name, operation)) = operation else {
        if path != "/" || status != 200 {
            validate(&json!({"$ref": "#/components/schemas/Error"}), &answer.json(), path);
        }
        return None;
    };
    let response = &operation["responses"][status.to_string()];
    let response = match response["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => response,
    };
    let place = format!("{name} {status}");
    assert!(response.is_object(), "{place} is not in the document: {answer:?}");
    for (header, about) in response["headers"].as_object().into_iter().flatten() {
        if about["required"] == true {
            assert!(answer.headers.contains_key(header), "{place} has no header {header}");
        }
    }
    if let Some(contents) = response["content"].as_object() {
        let media_type = answer.header("content-type").split(';').next().unwrap().to_owned();
        let content = contents
            .get(&media_type)
            .unwrap_or_else(|| panic!("{place}: {media_type} is not in the document"));
        if media_type == "application/json" && !answer.bytes.is_empty() {
            validate(&content["schema"], &answer.json(), &place);
        }
    } else {
        assert!(answer.bytes.is_empty(), "{place} has a body that is not in the document");
    }
    Some((name, status))
}

/// The path of the document that a path is an instance of.
fn template(path: &str) -> Option<&'static str> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let parts: Vec<_> = path.split('/').collect();
    paths.keys().map(String::as_str).find(|template| {
        let template: Vec<_> = template.split('/').collect();
        template.len() == parts.len()
            && template
                .iter()
                .zip(&parts)
                .all(|(one, other)| one == other || one.starts_with('{') && !other.is_empty())
    })
}

/// Fails unless a value is what a schema of the document says.
pub(crate) fn validate(schema: &Value, value: &Value, place: &str) {
    let mut whole = schema.clone();
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["components"] = DOCUMENT["components"].clone();
    let validator: Validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&whole)
        .unwrap_or_else(|error| panic!("{place}: {error}"));
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{place}: {errors:#?} in {value:#}");
}

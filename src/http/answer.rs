//! What the API answers when it cannot do what it is asked to: a status, an error name, and JSON.

use axum::Json;
use axum::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind};

/// How many seconds a client is asked to wait between two questions about a running job.
pub(super) const RETRY_AFTER_SECONDS: u64 = 5;

/// An answer that is not what was asked for: `{error, message, details?}`.
#[derive(Debug)]
pub(super) struct Refusal(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    /// The name that programs go by.
    error: &'static str,
    /// For people.
    message: String,
    details: Option<Value>,
    /// Further members of the answer's object.
    more: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            error,
            message: message.into(),
            details: None,
            more: Map::new(),
            headers: Vec::new(),
        }))
    }

    pub(super) fn bad_request(error: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, message)
    }

    /// A failure of the library, as a whole answer.
    pub(super) fn of(failure: &Error) -> Self {
        let kind = failure.kind();
        let (status, error) = told(kind);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = failure.chain(), "a request failed");
        }
        let mut refusal = Self::new(status, error, failure.to_string())
            .with_details(json!({"kind": kind, "cause": failure.chain()}));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE) {
            refusal = refusal.with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        refusal
    }

    pub(super) fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Adds a member to the answer's object.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Inner { status, error, message, details, more: mut body, headers } = *self.0;
        body.insert("error".into(), error.into());
        body.insert("message".into(), message.into());
        if let Some(details) = details {
            body.insert("details".into(), details);
        }
        let mut response = (status, Json(body)).into_response();
        for (name, value) in headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// 202 for a job that has started, with where to ask for it and when.
pub(super) fn accepted(location: &str, body: impl serde::Serialize) -> Response {
    let mut response = (StatusCode::ACCEPTED, Json(body)).into_response();
    let headers = response.headers_mut();
    // The path is that of the request, so it can be a header's value.
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    response
}

/// How a kind of failure is told: the status of an answer, and its name there and in the result of
/// a job. Names and statuses that depend on the route are set there.
pub(super) const fn told(kind: ErrorKind) -> (StatusCode, &'static str) {
    const INTERNAL: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    // The request is right, but the file that it names cannot be restored.
    const UNFIT: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    match kind {
        ErrorKind::Config => (INTERNAL, "INVALID_CONFIGURATION"),
        ErrorKind::Connect => (UNAVAILABLE, "DATABASE_UNREACHABLE"),
        ErrorKind::Auth => (UNAVAILABLE, "DATABASE_ACCESS_DENIED"),
        ErrorKind::Privilege => (INTERNAL, "MISSING_PRIVILEGE"),
        ErrorKind::Unsupported => (INTERNAL, "UNSUPPORTED_OBJECT"),
        ErrorKind::Server => (INTERNAL, "DATABASE_ERROR"),
        ErrorKind::Protocol => (INTERNAL, "DATABASE_PROTOCOL_ERROR"),
        ErrorKind::Changed => (INTERNAL, "DATABASE_CHANGED"),
        ErrorKind::Lex => (UNFIT, "BACKUP_UNREADABLE"),
        ErrorKind::Manifest => (UNFIT, "BACKUP_INCOMPLETE"),
        ErrorKind::Digest | ErrorKind::Codec => (UNFIT, "BACKUP_DAMAGED"),
        ErrorKind::Mismatch => (INTERNAL, "RESTORED_DATA_DIFFERS"),
        ErrorKind::Io => (INTERNAL, "STORAGE_ERROR"),
        ErrorKind::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, "INSUFFICIENT_STORAGE"),
        ErrorKind::Busy => (StatusCode::CONFLICT, "OPERATION_IN_PROGRESS"),
        ErrorKind::HalfDone => (StatusCode::CONFLICT, "RESTORE_HALF_DONE"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "BACKUP_NOT_FOUND"),
        ErrorKind::Cancelled => (UNAVAILABLE, "CANCELLED"),
        ErrorKind::TimedOut => (UNAVAILABLE, "TIMED_OUT"),
        ErrorKind::RestorePoint => (UNAVAILABLE, "PRE_RESTORE_BACKUP_FAILED"),
        ErrorKind::Internal => (INTERNAL, "INTERNAL_ERROR"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(refusal: Refusal) -> (StatusCode, Value) {
        let response = refusal.into_response();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn failures_have_the_status_and_the_name_of_the_contract() {
        for (kind, status, name) in [
            (ErrorKind::NoSpace, 507, "INSUFFICIENT_STORAGE"),
            (ErrorKind::RestorePoint, 503, "PRE_RESTORE_BACKUP_FAILED"),
            (ErrorKind::NotFound, 404, "BACKUP_NOT_FOUND"),
            (ErrorKind::Internal, 500, "INTERNAL_ERROR"),
        ] {
            let (got, body) = read(Refusal::of(&Error::new(kind, "why"))).await;
            assert_eq!((got.as_u16(), &body["error"]), (status, &json!(name)));
            assert_eq!(body["message"], "why");
            assert_eq!(body["details"], json!({"kind": kind, "cause": "why"}));
        }
    }

    #[test]
    fn every_503_says_when_to_come_back() {
        let response = Refusal::of(&Error::new(ErrorKind::RestorePoint, "why")).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }
}

//! What the API answers when it cannot do what it is asked to: a status, an error name, and JSON.

use axum::Json;
use axum::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::error_name::ErrorName;
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
    error: ErrorName,
    /// For people.
    message: String,
    details: Option<Value>,
    /// Further members of the answer's object.
    more: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: ErrorName, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            error,
            message: message.into(),
            details: None,
            more: Map::new(),
            headers: Vec::new(),
        }))
    }

    pub(super) fn bad_request(error: ErrorName, message: impl Into<String>) -> Self {
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
        body.insert("error".into(), error.text().into());
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
pub(super) const fn told(kind: ErrorKind) -> (StatusCode, ErrorName) {
    const INTERNAL: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    // The request is right, but the file that it names cannot be restored.
    const UNFIT: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
    match kind {
        ErrorKind::Config => (INTERNAL, ErrorName::InvalidConfiguration),
        ErrorKind::Connect => (UNAVAILABLE, ErrorName::DatabaseUnreachable),
        ErrorKind::Auth => (UNAVAILABLE, ErrorName::DatabaseAccessDenied),
        ErrorKind::Privilege => (INTERNAL, ErrorName::MissingPrivilege),
        ErrorKind::Unsupported => (INTERNAL, ErrorName::UnsupportedObject),
        ErrorKind::Server => (INTERNAL, ErrorName::DatabaseError),
        ErrorKind::Protocol => (INTERNAL, ErrorName::DatabaseProtocolError),
        ErrorKind::Changed => (INTERNAL, ErrorName::DatabaseChanged),
        ErrorKind::Lex => (UNFIT, ErrorName::BackupUnreadable),
        ErrorKind::Manifest => (UNFIT, ErrorName::BackupIncomplete),
        ErrorKind::Digest | ErrorKind::Codec => (UNFIT, ErrorName::BackupDamaged),
        ErrorKind::Mismatch => (INTERNAL, ErrorName::RestoredDataDiffers),
        ErrorKind::Io => (INTERNAL, ErrorName::StorageError),
        ErrorKind::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, ErrorName::InsufficientStorage),
        ErrorKind::Busy => (StatusCode::CONFLICT, ErrorName::OperationInProgress),
        ErrorKind::HalfDone => (StatusCode::CONFLICT, ErrorName::RestoreHalfDone),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, ErrorName::BackupNotFound),
        ErrorKind::Cancelled => (UNAVAILABLE, ErrorName::Cancelled),
        ErrorKind::TimedOut => (UNAVAILABLE, ErrorName::TimedOut),
        ErrorKind::RestorePoint => (UNAVAILABLE, ErrorName::PreRestoreBackupFailed),
        ErrorKind::Internal => (INTERNAL, ErrorName::InternalError),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    async fn read(refusal: Refusal) -> (StatusCode, Value) {
        let response = refusal.into_response();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Every kind of failure, with its status and its name.
    const TABLE: [(ErrorKind, u16, &str); 22] = [
        (ErrorKind::Config, 500, "INVALID_CONFIGURATION"),
        (ErrorKind::Connect, 503, "DATABASE_UNREACHABLE"),
        (ErrorKind::Auth, 503, "DATABASE_ACCESS_DENIED"),
        (ErrorKind::Privilege, 500, "MISSING_PRIVILEGE"),
        (ErrorKind::Unsupported, 500, "UNSUPPORTED_OBJECT"),
        (ErrorKind::Server, 500, "DATABASE_ERROR"),
        (ErrorKind::Protocol, 500, "DATABASE_PROTOCOL_ERROR"),
        (ErrorKind::Changed, 500, "DATABASE_CHANGED"),
        (ErrorKind::Lex, 422, "BACKUP_UNREADABLE"),
        (ErrorKind::Manifest, 422, "BACKUP_INCOMPLETE"),
        (ErrorKind::Digest, 422, "BACKUP_DAMAGED"),
        (ErrorKind::Codec, 422, "BACKUP_DAMAGED"),
        (ErrorKind::Mismatch, 500, "RESTORED_DATA_DIFFERS"),
        (ErrorKind::Io, 500, "STORAGE_ERROR"),
        (ErrorKind::NoSpace, 507, "INSUFFICIENT_STORAGE"),
        (ErrorKind::Busy, 409, "OPERATION_IN_PROGRESS"),
        (ErrorKind::HalfDone, 409, "RESTORE_HALF_DONE"),
        (ErrorKind::NotFound, 404, "BACKUP_NOT_FOUND"),
        (ErrorKind::Cancelled, 503, "CANCELLED"),
        (ErrorKind::TimedOut, 503, "TIMED_OUT"),
        (ErrorKind::RestorePoint, 503, "PRE_RESTORE_BACKUP_FAILED"),
        (ErrorKind::Internal, 500, "INTERNAL_ERROR"),
    ];

    #[test]
    fn the_table_has_every_kind() {
        // Whoever is asked for a kind that there is none of names those that there are.
        let refused = serde_json::from_str::<ErrorKind>("\"\"").unwrap_err().to_string();
        let known: BTreeSet<_> = refused.split('`').skip(3).step_by(2).collect();
        assert_eq!(TABLE.map(|(kind, ..)| kind.word()).into_iter().collect::<BTreeSet<_>>(), known);
    }

    #[tokio::test]
    async fn failures_have_the_status_and_the_name_of_the_contract() {
        for (kind, status, name) in TABLE {
            let (got, body) = read(Refusal::of(&Error::new(kind, "why"))).await;
            assert_eq!((got.as_u16(), &body["error"]), (status, &json!(name)));
            assert_eq!(body["message"], "why");
            assert_eq!(body["details"], json!({"kind": kind, "cause": "why"}));
        }
    }

    /// A failure that any operation can be answered with stands in what the document says of its status.
    #[test]
    fn the_document_has_every_failure_with_its_status() {
        let document: Value = serde_json::from_str(super::super::OPENAPI).unwrap();
        let names = |response: &str| {
            let response = &document["components"]["responses"][response];
            let schema = &response["content"]["application/json"]["schema"];
            let names = schema["properties"]["error"]["enum"].as_array().unwrap().iter();
            names.map(|name| name.as_str().unwrap()).collect::<BTreeSet<_>>()
        };
        let with = |wanted| TABLE.iter().filter(move |(_, status, _)| *status == wanted);
        assert_eq!(names("Failed"), with(500).map(|(.., name)| *name).collect());
        let unavailable = with(503).map(|(.., name)| *name).chain(["IDENTITY_UNAVAILABLE"]);
        assert_eq!(names("Unavailable"), unavailable.collect());
    }

    #[test]
    fn every_503_says_when_to_come_back() {
        for (kind, status, _) in TABLE {
            let response = Refusal::of(&Error::new(kind, "why")).into_response();
            let wait = response.headers().get(RETRY_AFTER);
            assert_eq!(wait, (status == 503).then_some(&HeaderValue::from_static("5")), "{kind}");
        }
    }
}

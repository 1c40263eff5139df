//! What handlers read of a request: a JSON body, query parameters, a path segment, where the router
//! is mounted. All of them refuse in JSON.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::App;
use super::answer::Refusal;
use super::auth::Identity;
use super::error_name::ErrorName;
use crate::error::{Error, ErrorKind};
use crate::job::{BackupManager, JobId};

/// The most bytes of a request's body.
pub(super) const BODY_BYTES: usize = 16 * 1024;

/// The members of a JSON object that is a request's body; none when there is no body.
///
/// It is taken apart by hand, because what is missing or wrong has an error name of its own for
/// each member.
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Takes a member out; a null counts as none.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// Refuses what nobody has taken: an option that is misspelled must not be ignored.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::bad_request(
                ErrorName::UnknownField,
                format!("the request has a member {name:?}, which is not known here"),
            )),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let is_json = is_json(&request);
        let bytes = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        if bytes.is_empty() {
            return Ok(Self(Map::new()));
        }
        if !is_json {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorName::UnsupportedMediaType,
                "the body of the request has to be JSON, with Content-Type: application/json",
            ));
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(malformed("it is not an object")),
            Err(error) => Err(malformed(&error.to_string())),
        }
    }
}

fn is_json(request: &Request) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn malformed(why: &str) -> Refusal {
    Refusal::bad_request(
        ErrorName::MalformedJson,
        format!("the body cannot be read as JSON: {why}"),
    )
}

fn unread(error: &BytesRejection) -> Refusal {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorName::BodyTooLarge,
            format!("the body of the request may have at most {BODY_BYTES} bytes"),
        )
    } else {
        Refusal::bad_request(ErrorName::BodyUnreadable, error.body_text())
    }
}

/// Query parameters.
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(error) => Err(Refusal::bad_request(ErrorName::InvalidParameter, error.body_text())),
        }
    }
}

/// The variable segment of the path, decoded.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // What is no UTF-8 is neither the name of a backup nor the id of a job; nor is a zero byte.
        let segment = Path::from_request_parts(parts, state).await;
        Ok(Self(segment.map_or_else(|_| "\0".to_owned(), |Path(segment)| segment)))
    }
}

/// The path that the router is mounted under, without a slash at its end.
pub(super) struct Prefix(String);

impl Prefix {
    /// Where a job tells its status.
    pub(super) fn status_url(&self, job: JobId) -> String {
        self.job_url(job, "status")
    }

    /// A route of a job.
    pub(super) fn job_url(&self, job: JobId, what: &str) -> String {
        format!("{}/api/jobs/{job}/{what}", self.0)
    }

    /// The path of a route.
    pub(super) fn path(&self, route: &str) -> String {
        format!("{}{route}", self.0)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Prefix {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let OriginalUri(original) = OriginalUri::from_request_parts(parts, state).await?;
        // `nest` takes the prefix off the path of the request, and keeps the whole one aside.
        let prefix = original.path().strip_suffix(parts.uri.path()).unwrap_or_default();
        Ok(Self(prefix.trim_end_matches('/').to_owned()))
    }
}

/// What every handler that does something needs to know of its request.
pub(super) struct Call {
    pub(super) app: App,
    identity: Identity,
    pub(super) prefix: Prefix,
    /// The variable segment of the path; empty where the route has none.
    pub(super) segment: String,
}

impl Call {
    pub(super) fn manager(&self) -> &BackupManager {
        &self.app.manager
    }

    /// Who sends it, for the log.
    pub(super) fn user(&self) -> &str {
        self.identity.name()
    }
}

impl FromRequestParts<App> for Call {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let Some(identity) = parts.extensions.get::<Identity>().cloned() else {
            let message = "a request came past the check of its identity";
            return Err(Refusal::of(&Error::new(ErrorKind::Internal, message)));
        };
        let Ok(prefix) = Prefix::from_request_parts(parts, app).await;
        let Ok(Segment(segment)) = Segment::from_request_parts(parts, app).await;
        Ok(Self { app: Arc::clone(app), identity, prefix, segment })
    }
}

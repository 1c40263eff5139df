//! What stands before every route: a span for the log, who is it, may he, and does another site's page
//! send him.

use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use percent_encoding::percent_decode_str;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::answer::{RETRY_AFTER_SECONDS, Refusal};
use super::auth::{AuthorizeError, Authorizer, Identity, Role};
use super::error_name::ErrorName;
use super::{App, cross_site};
use crate::store::BackupName;

/// The path of downloads, before the name of the file.
const DOWNLOAD: &str = "/api/backup/download/";

/// What [`pass`] needs.
pub(super) struct Guard<A> {
    app: App,
    authorizer: Arc<A>,
}

impl<A> Guard<A> {
    pub(super) fn new(app: App, authorizer: A) -> Self {
        Self { app, authorizer: Arc::new(authorizer) }
    }
}

impl<A> Clone for Guard<A> {
    fn clone(&self) -> Self {
        Self { app: Arc::clone(&self.app), authorizer: Arc::clone(&self.authorizer) }
    }
}

/// The span of a request, for those who learn more of it: the current one can be the application's,
/// which may have fields of the same names.
#[derive(Clone)]
struct RequestSpan(tracing::Span);

/// Answers a request inside a span, which ends when the head of the answer is there.
pub(super) async fn in_span(
    OriginalUri(uri): OriginalUri,
    mut request: Request,
    next: Next,
) -> Response {
    // Without what follows the path: a ticket lets whoever reads it in.
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        path = uri.path(),
        user = Empty,
        status = Empty,
    );
    request.extensions_mut().insert(RequestSpan(span.clone()));
    let answering = async {
        let response = next.run(request).await;
        span.record("status", response.status().as_u16());
        tracing::debug!("answered");
        response
    };
    answering.instrument(span.clone()).await
}

/// Lets an administrator through, with his [`Identity`] in the extensions of the request.
pub(super) async fn pass<A: Authorizer>(
    State(guard): State<Guard<A>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let identity = match holder_of_ticket(&guard.app, &parts) {
        Some(identity) => identity,
        None => identify(&*guard.authorizer, &parts).await?,
    };
    if let Some(RequestSpan(span)) = parts.extensions.get() {
        span.record("user", identity.name());
    }
    if !cross_site::may_write(&parts.method, &parts.uri, &parts.headers) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorName::CrossSiteRequest,
            "a page of another site may not change anything here",
        ));
    }
    parts.extensions.insert(identity);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn identify<A: Authorizer>(authorizer: &A, parts: &Parts) -> Result<Identity, Refusal> {
    match authorizer.authorize(parts).await {
        Ok(identity) if identity.role() == Role::Administrator => Ok(identity),
        Ok(identity) => {
            tracing::warn!(user = identity.name(), path = parts.uri.path(), "not an administrator");
            Err(Refusal::new(
                StatusCode::FORBIDDEN,
                ErrorName::Forbidden,
                "this needs the role of an administrator",
            ))
        }
        Err(AuthorizeError::Unauthenticated) => {
            tracing::warn!(path = parts.uri.path(), "a request without a valid identity");
            let challenge = HeaderValue::from_static(authorizer.challenge());
            Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                ErrorName::Unauthenticated,
                "the request carries no valid identity",
            )
            .with_header(WWW_AUTHENTICATE, challenge))
        }
        Err(AuthorizeError::Unavailable) => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorName::IdentityUnavailable,
            "who sends the request cannot be found out at the moment",
        )
        .with_header(RETRY_AFTER, RETRY_AFTER_SECONDS.into())),
    }
}

/// Who was given the ticket that a download brings in its address, if it holds for that file.
fn holder_of_ticket(app: &App, parts: &Parts) -> Option<Identity> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return None;
    }
    let segment = parts.uri.path().strip_prefix(DOWNLOAD)?;
    let file: BackupName = percent_decode_str(segment).decode_utf8().ok()?.parse().ok()?;
    let ticket = parts.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("ticket="))?;
    let name = app.tickets.holder(&file, ticket)?;
    Some(Identity::new(name, Role::Administrator))
}

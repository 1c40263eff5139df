//! The REST API and the admin page, as an [`axum::Router`] to mount in an application.
//!
//! ```no_run
//! # async fn example(manager: snapdump::BackupManager) -> Result<(), Box<dyn std::error::Error>> {
//! use axum::Router;
//! use snapdump::http::{BearerToken, router};
//!
//! let backup = router(manager, BearerToken::new(std::env::var("BACKUP_TOKEN")?)?);
//! // The page is at /admin/backup and /admin/backup/, the API below /admin/backup/api.
//! let app: Router = Router::new().nest_service("/admin/backup", backup);
//! # Ok(())
//! # }
//! ```
//!
//! | route | does |
//! |---|---|
//! | `GET /` | the admin page |
//! | `GET /api/backup/list` | lists backups |
//! | `POST /api/backup/create` | starts a backup |
//! | `POST /api/backup/restore` | starts a restore |
//! | `GET /api/backup/download/{filename}` | sends a backup, or a range of it |
//! | `POST /api/backup/download/{filename}/ticket` | gives an address for a download by a browser |
//! | `DELETE /api/backup/delete/{filename}` | deletes a backup |
//! | `GET /api/jobs` | lists jobs |
//! | `GET /api/jobs/{id}/status` | tells how a job is |
//! | `GET /api/jobs/{id}/events` | the same as server-sent events, until it ends |
//! | `POST /api/jobs/{id}/cancel` | cancels a job |
//! | `POST /api/jobs/{id}/rollback` | undoes a restore that was left half done |
//! | `POST /api/jobs/{id}/accept` | takes such a restore as it is |
//! | `GET /api/openapi.json` | all of this, as an `OpenAPI` 3.1 document |
//!
//! Every route needs an identity with [`Role::Administrator`]; see [`Authorizer`]. Only the page
//! itself is given to everybody: it holds no data, and asks the routes for it. A download can be
//! begun with a ticket in place of the identity: an administrator gets one for one file, and it
//! holds for a minute.
//!
//! Every refusal is JSON: `{"error": "NAME", "message": "for people", "details": …}`. No header for
//! pages of other sites (CORS) is ever sent, and requests by such pages that would change
//! something are refused. Request bodies have at most 16 KiB.

mod answer;
mod auth;
mod backups;
mod conditional;
mod cross_site;
mod download;
mod error_name;
mod guard;
mod jobs;
mod page;
mod request;
mod status;
mod ticket;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};

use crate::job::BackupManager;
use answer::Refusal;
use error_name::ErrorName;
use page::Page;
use ticket::Tickets;

pub use auth::{AuthorizeError, Authorizer, BearerToken, Identity, Role};

/// The `OpenAPI` document.
const OPENAPI: &str = include_str!("openapi.json");

/// What the handlers share.
struct Shared {
    manager: BackupManager,
    tickets: Tickets,
    page: Page,
}

type App = Arc<Shared>;

/// The routes, each with its methods.
fn routes() -> [(&'static str, MethodRouter<App>); 13] {
    [
        ("/api/backup/list", get(backups::list)),
        ("/api/backup/create", post(backups::create)),
        ("/api/backup/restore", post(backups::restore)),
        ("/api/backup/download/{filename}", get(download::download)),
        ("/api/backup/download/{filename}/ticket", post(download::ticket)),
        ("/api/backup/delete/{filename}", delete(backups::delete)),
        ("/api/jobs", get(jobs::list)),
        ("/api/jobs/{id}/status", get(jobs::status)),
        ("/api/jobs/{id}/events", get(jobs::events)),
        ("/api/jobs/{id}/cancel", post(jobs::cancel)),
        ("/api/jobs/{id}/rollback", post(jobs::roll_back)),
        ("/api/jobs/{id}/accept", post(jobs::accept)),
        ("/api/openapi.json", get(openapi)),
    ]
}

/// The REST API and the admin page over a manager. See the [module](self) for the routes.
///
/// Mount it by [`Router::nest_service`], at any path, or serve it as it is. ([`Router::nest`] would
/// do, but for the path with a slash at its end: that it leaves to the application.) Jobs go on when
/// the router is dropped; [`BackupManager::shutdown`] ends them.
pub fn router<A: Authorizer>(manager: BackupManager, authorizer: A) -> Router {
    let app = Arc::new(Shared { manager, tickets: Tickets::default(), page: Page::new() });
    let guard = guard::Guard::new(Arc::clone(&app), authorizer);
    let api = routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(request::BODY_BYTES))
        .layer(from_fn_with_state(guard, guard::pass::<A>));
    let page = get(|app: axum::extract::State<App>| async move { app.page.response() })
        .fallback(method_not_allowed);
    Router::new()
        .route("/", page)
        .merge(api)
        .layer(map_response(harden))
        .layer(from_fn(guard::in_span))
        .with_state(app)
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], OPENAPI).into_response()
}

async fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, ErrorName::RouteNotFound, "there is no such route")
}

async fn method_not_allowed() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorName::MethodNotAllowed,
        "this route does not know the method of the request; the header Allow names those it knows",
    )
}

/// Headers for all answers, where an answer does not bring its own.
async fn harden(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::Request;
    use axum::http::header::{ALLOW, AUTHORIZATION};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;
    use crate::job::ManagerOptions;
    use crate::server::ConnectOptions;
    use crate::store::BackupDir;

    /// The document has every route with every method, and nothing more.
    #[tokio::test]
    async fn the_document_is_that_of_the_router() {
        let directory = tempfile::tempdir().unwrap();
        let manager = BackupManager::open(
            ConnectOptions::new(),
            BackupDir::open(directory.path()).unwrap(),
            ManagerOptions::default(),
        );
        let authorizer = BearerToken::new("a-token-for-the-tests").unwrap();
        let router = router(manager.await.unwrap(), authorizer);
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
        let known: BTreeSet<&str> = routes().into_iter().map(|(path, _)| path).collect();
        assert_eq!(documented, known);
        for (path, methods) in paths {
            // A method that nobody knows is answered with those that the route knows.
            let request = Request::builder()
                .method("BREW")
                .uri(path.replace(['{', '}'], ""))
                .header(AUTHORIZATION, "Bearer a-token-for-the-tests")
                .body(axum::body::Body::empty())
                .unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let allowed = response.headers()[ALLOW].to_str().unwrap().to_lowercase();
            // HEAD comes with GET and needs no word of its own.
            let allowed: BTreeSet<&str> =
                allowed.split(',').filter(|method| *method != "head").collect();
            let documented: BTreeSet<&str> =
                methods.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(documented, allowed, "{path}");
        }
    }
}

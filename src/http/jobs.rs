//! The routes below `/api/jobs`.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::answer::{RETRY_AFTER_SECONDS, Refusal, accepted};
use super::auth::Identity;
use super::backups::{not_started, started};
use super::request::{Body, Parameters, Prefix, Segment};
use super::status::Status;
use crate::error::{Error, ErrorKind};
use crate::job::{BackupManager, JobId, JobStatus};

/// How often the journal is asked for a job of another process.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How many jobs are told unless the request says otherwise, and at most.
const JOBS: (usize, usize) = (50, 1000);

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<u32>,
}

pub(super) async fn list(
    State(app): State<App>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let (usual, most) = JOBS;
    let limit = query.limit.map_or(usual, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if !(1..=most).contains(&limit) {
        return Err(Refusal::bad_request(
            "INVALID_PARAMETER",
            format!("limit is a number from 1 to {most}"),
        ));
    }
    let jobs = app.manager.jobs().await.map_err(|error| Refusal::of(&error))?;
    let total = jobs.len();
    let data: Vec<_> = jobs.into_iter().take(limit).map(Status::from).collect();
    Ok(Json(json!({"data": data, "total": total, "limit": limit})))
}

pub(super) async fn status(
    State(app): State<App>,
    Segment(id): Segment,
) -> Result<Response, Refusal> {
    let status = Status::from(find(&app, &id).await?);
    let wait = status.is_running().then_some([(RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())]);
    Ok((wait, Json(status)).into_response())
}

pub(super) async fn events(
    State(app): State<App>,
    Segment(id): Segment,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let status = find(&app, &id).await?;
    let events = changes(&app.manager, status).map(|status| {
        let event = Event::default().event("status");
        Ok(event.json_data(Status::from(status)).unwrap_or_else(|error| {
            tracing::error!(%error, "a status could not be written as JSON");
            Event::default().comment("a status is missing here")
        }))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// The statuses of a job from now on. The last one is that of its end.
fn changes(manager: &BackupManager, first: JobStatus) -> BoxStream<'static, JobStatus> {
    if let Some(job) = manager.handle(first.id) {
        return job.watch().boxed();
    }
    let manager = manager.clone();
    stream::unfold(Some((first, Duration::ZERO)), move |next| {
        let manager = manager.clone();
        async move {
            let (before, pause) = next?;
            let mut status = before;
            if pause > Duration::ZERO {
                tokio::time::sleep(pause).await;
                status = manager.job(status.id).await.ok()?;
            }
            let next = (!status.state.is_terminal()).then(|| (status.clone(), LOOK_INTERVAL));
            Some((status, next))
        }
    })
    .boxed()
}

pub(super) async fn cancel(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    prefix: Prefix,
    Segment(id): Segment,
    body: Body,
) -> Result<Response, Refusal> {
    body.finish()?;
    let status = find(&app, &id).await?;
    if status.state.is_terminal() {
        return Ok(Json(Status::from(status)).into_response());
    }
    let Some(job) = app.manager.handle(status.id) else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "JOB_OF_ANOTHER_PROCESS",
            format!("the job belongs to {}, and only that can cancel it", status.owner),
        )
        .with_details(json!({"owner": status.owner})));
    };
    tracing::info!(user = identity.name(), job = %status.id, "job cancelled");
    job.cancel();
    Ok(accepted(&prefix.status_url(status.id), Status::from(job.status())))
}

pub(super) async fn roll_back(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    prefix: Prefix,
    Segment(id): Segment,
    body: Body,
) -> Result<Response, Refusal> {
    body.finish()?;
    let undone = find(&app, &id).await?;
    let job = app.manager.roll_back(undone.id).await.map_err(|error| match error.kind() {
        ErrorKind::Config if !undone.is_half_done() => {
            Refusal::new(StatusCode::CONFLICT, "NOTHING_TO_ROLL_BACK", error.to_string())
        }
        _ => not_started(&error, "RESTORE_IN_PROGRESS", &prefix),
    })?;
    tracing::info!(user = identity.name(), job = %job.id(), undone = %undone.id, "rollback started");
    Ok(started(&job, &prefix))
}

async fn find(app: &App, id: &str) -> Result<JobStatus, Refusal> {
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "JOB_NOT_FOUND", "there is no such job");
    let id: JobId = id.parse().map_err(|_| unknown())?;
    app.manager.job(id).await.map_err(|error: Error| match error.kind() {
        ErrorKind::NotFound => unknown(),
        _ => Refusal::of(&error),
    })
}

//! The routes below `/api/jobs`.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
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
use super::backups::{not_started, started};
use super::error_name::ErrorName;
use super::request::{Body, Call, Parameters, Segment};
use super::status::Status;
use crate::error::{Error, ErrorKind};
use crate::job::{BackupManager, JobId, JobKind, JobStatus};

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
            ErrorName::InvalidParameter,
            format!("limit is a number from 1 to {most}"),
        ));
    }
    let jobs = app.manager.jobs().await.map_err(|error| Refusal::of(&error))?;
    let total = jobs.len();
    // However long ago it was. A roll-back that did not succeed says nothing beyond its restore.
    let half_done = jobs.iter().filter(|job| job.is_half_done() && job.kind == JobKind::Restore);
    let half_done: Vec<_> = half_done.cloned().map(Status::from).collect();
    let data: Vec<_> = jobs.into_iter().take(limit).map(Status::from).collect();
    Ok(Json(json!({"data": data, "half_done": half_done, "total": total, "limit": limit})))
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

pub(super) async fn cancel(call: Call, body: Body) -> Result<Response, Refusal> {
    body.finish()?;
    let status = find(&call.app, &call.segment).await?;
    if status.state.is_terminal() {
        return Ok(Json(Status::from(status)).into_response());
    }
    let Some(job) = call.manager().handle(status.id) else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            ErrorName::JobOfAnotherProcess,
            format!("the job belongs to {}, and only that can cancel it", status.owner),
        )
        .with_details(json!({"owner": status.owner})));
    };
    tracing::info!(user = call.user(), job = %status.id, "job cancelled");
    job.cancel();
    Ok(accepted(&call.prefix.status_url(status.id), Status::from(job.status())))
}

pub(super) async fn roll_back(call: Call, body: Body) -> Result<Response, Refusal> {
    let undone = half_done(&call, body).await?;
    let job = call.manager().roll_back(undone).await.map_err(|error| not_undone(&error, &call))?;
    tracing::info!(user = call.user(), job = %job.id(), %undone, "rollback started");
    Ok(started(&job, &call.prefix))
}

pub(super) async fn accept(call: Call, body: Body) -> Result<Json<Status>, Refusal> {
    let job = half_done(&call, body).await?;
    let status = call.manager().accept(job).await.map_err(|error| not_undone(&error, &call))?;
    tracing::info!(user = call.user(), %job, "half-done restore accepted");
    Ok(Json(Status::from(status)))
}

/// The restore that a call is about, if it was left half done.
async fn half_done(call: &Call, body: Body) -> Result<JobId, Refusal> {
    body.finish()?;
    let status = find(&call.app, &call.segment).await?;
    if status.is_half_done() { Ok(status.id) } else { Err(nothing_to_roll_back()) }
}

fn not_undone(error: &Error, call: &Call) -> Refusal {
    match error.kind() {
        // Somebody else was quicker.
        ErrorKind::Config => nothing_to_roll_back(),
        _ => not_started(error, ErrorName::RestoreInProgress, &call.prefix),
    }
}

fn nothing_to_roll_back() -> Refusal {
    let message = "this job is no restore that was left half done";
    Refusal::new(StatusCode::CONFLICT, ErrorName::NothingToRollBack, message)
}

async fn find(app: &App, id: &str) -> Result<JobStatus, Refusal> {
    let unknown =
        || Refusal::new(StatusCode::NOT_FOUND, ErrorName::JobNotFound, "there is no such job");
    let id: JobId = id.parse().map_err(|_| unknown())?;
    app.manager.job(id).await.map_err(|error: Error| match error.kind() {
        ErrorKind::NotFound => unknown(),
        _ => Refusal::of(&error),
    })
}

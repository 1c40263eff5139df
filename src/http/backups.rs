//! The routes below `/api/backup`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::App;
use super::answer::{Refusal, accepted};
use super::error_name::ErrorName;
use super::request::{Body, Call, Parameters, Prefix};
use crate::error::{Error, ErrorKind};
use crate::job::{
    BackupInfo, BackupReader, CreateRequest, DeleteConfirmation, HalfDoneRestore, Job, ListRequest,
    RestoreRequest, RunningJob, Sort,
};
use crate::restore::RestoreMode;
use crate::store::{BackupKind, BackupName, BackupNameError};

/// How many backups a page has.
const PAGE_SIZE: usize = 20;
/// The most backups of one answer.
const LONGEST_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    page: Option<u32>,
    sort: Option<String>,
    limit: Option<u32>,
    offset: Option<u32>,
}

/// A backup, as the list tells it.
#[derive(Debug, Serialize)]
struct Backup {
    filename: String,
    size_bytes: u64,
    created_at: DateTime<Utc>,
    table_count: Option<u64>,
    row_count: Option<u64>,
    object_count: Option<u64>,
    kind: BackupKind,
    databases: Vec<String>,
    server: Option<String>,
    sha256: Option<String>,
    problem: Option<String>,
}

impl From<BackupInfo> for Backup {
    fn from(info: BackupInfo) -> Self {
        Self {
            filename: info.name.into(),
            size_bytes: info.size_bytes,
            created_at: info.created_at,
            table_count: info.tables,
            row_count: info.rows,
            object_count: info.objects,
            kind: info.kind,
            databases: info.databases,
            server: info.server,
            sha256: info.sha256,
            problem: info.problem,
        }
    }
}

pub(super) async fn list(
    State(app): State<App>,
    prefix: Prefix,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<Value>, Refusal> {
    let (sort, word) = match query.sort.as_deref() {
        None | Some("newest") => (Sort::Newest, "newest"),
        Some("oldest") => (Sort::Oldest, "oldest"),
        Some(_) => {
            return Err(Refusal::bad_request(
                ErrorName::InvalidSortParameter,
                "backups are sorted by newest or by oldest",
            )
            .with_details(json!({"allowed": ["newest", "oldest"]})));
        }
    };
    let by_page = query.limit.is_none() && query.offset.is_none();
    let (limit, offset) = if by_page {
        let page = at_least_one("page", query.page.unwrap_or(1))?;
        (PAGE_SIZE, page.saturating_sub(1).saturating_mul(PAGE_SIZE))
    } else {
        let limit = query.limit.map_or(Ok(50), |limit| at_least_one("limit", limit))?;
        (limit, index(query.offset.unwrap_or(0)))
    };
    if limit > LONGEST_LIMIT {
        return Err(Refusal::bad_request(
            ErrorName::InvalidParameter,
            format!("limit may be at most {LONGEST_LIMIT}"),
        ));
    }
    let request = ListRequest::default().with_sort(sort).with_offset(offset).with_limit(limit);
    let list = app.manager.list(request).await.map_err(|error| Refusal::of(&error))?;
    let page = offset / limit + 1;
    let after = offset.saturating_add(limit);
    let next = (after < list.total).then(|| {
        let part = if by_page {
            format!("page={}", page + 1)
        } else {
            format!("limit={limit}&offset={after}")
        };
        prefix.path(&format!("/api/backup/list?{part}&sort={word}"))
    });
    let data: Vec<_> = list.backups.into_iter().map(Backup::from).collect();
    Ok(Json(json!({
        "data": data,
        "total": list.total,
        "page": page,
        "page_size": limit,
        "limit": limit,
        "offset": offset,
        "links": {"next": next},
        "meta": {"total_count": list.total, "total_size_bytes": list.total_bytes},
    })))
}

fn at_least_one(name: &str, value: u32) -> Result<usize, Refusal> {
    if value == 0 {
        return Err(Refusal::bad_request(
            ErrorName::InvalidParameter,
            format!("{name} begins at 1"),
        ));
    }
    Ok(index(value))
}

fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

pub(super) async fn create(call: Call, mut body: Body) -> Result<Response, Refusal> {
    let mut request = CreateRequest::manual();
    if let Some(timeout) = timeout(&mut body)? {
        request = request.with_timeout(timeout);
    }
    body.finish()?;
    let job = call
        .manager()
        .create(request)
        .await
        .map_err(|error| not_started(&error, ErrorName::BackupInProgress, &call.prefix))?;
    tracing::info!(user = call.user(), job = %job.id(), "backup started");
    Ok(started(&job, &call.prefix))
}

pub(super) async fn restore(call: Call, mut body: Body) -> Result<Response, Refusal> {
    let file = match body.take("filename") {
        None => Err(missing_filename()),
        Some(Value::String(text)) => text.parse().map_err(|error| match error {
            BackupNameError::Empty => missing_filename(),
            error => invalid_filename(error),
        }),
        Some(_) => {
            Err(Refusal::bad_request(ErrorName::InvalidFilename, "the filename has to be a text"))
        }
    }?;
    let mut request = RestoreRequest::new(file);
    match body.take("mode") {
        None => {}
        Some(mode) if mode == "merge" => request = request.with_mode(RestoreMode::Merge),
        Some(mode) if mode == "replace" => request = request.with_mode(RestoreMode::Replace),
        Some(_) => {
            return Err(Refusal::bad_request(
                ErrorName::InvalidMode,
                "the mode of a restore is merge or replace",
            )
            .with_details(json!({"allowed": ["merge", "replace"]})));
        }
    }
    if let Some(timeout) = timeout(&mut body)? {
        request = request.with_timeout(timeout);
    }
    body.finish()?;
    // Whether there is such a file is told even while another operation runs.
    opened(&call, request.file(), ErrorName::InvalidFilename).await?;
    let file = request.file().clone();
    let job = call
        .manager()
        .restore(request)
        .await
        .map_err(|error| not_started(&error, ErrorName::RestoreInProgress, &call.prefix))?;
    tracing::info!(user = call.user(), job = %job.id(), %file, "restore started");
    Ok(started(&job, &call.prefix))
}

/// The member `timeout_seconds`: how long the job may take.
fn timeout(body: &mut Body) -> Result<Option<std::time::Duration>, Refusal> {
    let Some(value) = body.take("timeout_seconds") else { return Ok(None) };
    match value.as_f64() {
        Some(seconds) if (1.0..=604_800.0).contains(&seconds) => {
            Ok(Some(std::time::Duration::from_secs_f64(seconds)))
        }
        _ => Err(Refusal::bad_request(
            ErrorName::InvalidTimeout,
            "timeout_seconds is a number from 1 to 604800, which is a week",
        )),
    }
}

fn missing_filename() -> Refusal {
    Refusal::bad_request(
        ErrorName::MissingFilename,
        "the request has to name a backup by its filename",
    )
}

pub(super) fn invalid_filename(error: BackupNameError) -> Refusal {
    Refusal::bad_request(ErrorName::InvalidFilename, error.to_string())
}

/// Why a job was not started; `busy` is the error name when another one runs.
pub(super) fn not_started(error: &Error, busy: ErrorName, prefix: &Prefix) -> Refusal {
    if let Some(restore) = HalfDoneRestore::of(error) {
        return Refusal::of(error)
            .with("existing_job_id", restore.job.to_string())
            .with("status_url", prefix.status_url(restore.job))
            .with("rollback_url", prefix.job_url(restore.job, "rollback"))
            .with("accept_url", prefix.job_url(restore.job, "accept"));
    }
    if error.kind() != ErrorKind::Busy {
        return Refusal::of(error);
    }
    let refusal = Refusal::new(StatusCode::CONFLICT, busy, error.to_string());
    match RunningJob::of(error) {
        Some(job) => refusal
            .with("existing_job_id", job.id.to_string())
            .with("status_url", prefix.status_url(job.id))
            .with_details(json!({
                "kind": job.kind,
                "owner": job.owner,
                "started_at": job.started_at,
            })),
        None => refusal.with("existing_job_id", Value::Null),
    }
}

pub(super) fn started(job: &Job, prefix: &Prefix) -> Response {
    let url = prefix.status_url(job.id());
    let body = json!({
        "job_id": job.id(),
        "status": "accepted",
        "estimated_seconds": job.status().estimated_seconds,
        "status_url": url,
    });
    accepted(&url, body)
}

/// Opens a backup; `link` is the error name for what is there but no backup.
pub(super) async fn opened(
    call: &Call,
    file: &BackupName,
    link: ErrorName,
) -> Result<BackupReader, Refusal> {
    call.manager().read(file, None).await.map_err(|error| match error.kind() {
        ErrorKind::Config => Refusal::bad_request(link, error.to_string()),
        _ => Refusal::of(&error),
    })
}

pub(super) async fn delete(call: Call, mut body: Body) -> Result<Json<Value>, Refusal> {
    const LINK: ErrorName = ErrorName::CannotDeleteSymlink;
    let file: BackupName = call.segment.parse().map_err(|error| match error {
        BackupNameError::Latest => Refusal::bad_request(LINK, error.to_string()),
        error => invalid_filename(error),
    })?;
    let confirmation: Option<DeleteConfirmation> =
        body.take("confirm").as_ref().and_then(Value::as_str).and_then(|word| word.parse().ok());
    let Some(confirmation) = confirmation else {
        let word = DeleteConfirmation::WORD;
        let message = format!("a backup is deleted only with {{\"confirm\": \"{word}\"}}");
        return Err(Refusal::bad_request(ErrorName::ConfirmationRequired, message));
    };
    body.finish()?;
    opened(&call, &file, LINK).await?;
    let bytes = call
        .manager()
        .delete(&file, confirmation)
        .await
        .map_err(|error| not_started(&error, ErrorName::BackupInUse, &call.prefix))?;
    tracing::info!(user = call.user(), %file, bytes, "backup deleted");
    Ok(Json(json!({
        "success": true,
        "message": format!("{file} is deleted"),
        "deleted_file": file,
        "deleted_size_bytes": bytes,
    })))
}

//! The routes below `/api/backup`.

use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap,
    HeaderValue,
};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use headers::{ETag, HeaderMapExt as _, LastModified};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Refusal, accepted};
use super::auth::Identity;
use super::conditional::{Asked, Current};
use super::request::{Body, Parameters, Prefix, Segment};
use super::{App, ticket};
use crate::error::{Error, ErrorKind};
use crate::job::{
    BackupInfo, BackupReader, CreateRequest, DeleteConfirmation, Job, ListRequest, RestoreRequest,
    RunningJob, Sort,
};
use crate::restore::RestoreMode;
use crate::store::{BackupKind, BackupName, BackupNameError};

/// How many backups a page has.
const PAGE_SIZE: usize = 20;
/// The most backups of one answer.
const LONGEST_LIMIT: usize = 1000;
/// The bytes of a file name that a parameter of Content-Disposition and a URL can hold unescaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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
                "INVALID_SORT_PARAMETER",
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
            "INVALID_PARAMETER",
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
        return Err(Refusal::bad_request("INVALID_PARAMETER", format!("{name} begins at 1")));
    }
    Ok(index(value))
}

fn index(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

pub(super) async fn create(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    prefix: Prefix,
    mut body: Body,
) -> Result<Response, Refusal> {
    let mut request = CreateRequest::manual();
    if let Some(timeout) = timeout(&mut body)? {
        request = request.with_timeout(timeout);
    }
    body.finish()?;
    let job = app
        .manager
        .create(request)
        .await
        .map_err(|error| not_started(&error, "BACKUP_IN_PROGRESS", &prefix))?;
    tracing::info!(user = identity.name(), job = %job.id(), "backup started");
    Ok(started(&job, &prefix))
}

pub(super) async fn restore(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    prefix: Prefix,
    mut body: Body,
) -> Result<Response, Refusal> {
    let file = match body.take("filename") {
        None => Err(missing_filename()),
        Some(Value::String(text)) => text.parse().map_err(|error| match error {
            BackupNameError::Empty => missing_filename(),
            error => invalid_filename(error),
        }),
        Some(_) => Err(Refusal::bad_request("INVALID_FILENAME", "the filename has to be a text")),
    }?;
    let mut request = RestoreRequest::new(file);
    match body.take("mode") {
        None => {}
        Some(mode) if mode == "merge" => request = request.with_mode(RestoreMode::Merge),
        Some(mode) if mode == "replace" => request = request.with_mode(RestoreMode::Replace),
        Some(_) => {
            return Err(Refusal::bad_request(
                "INVALID_MODE",
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
    opened(&app, request.file(), "INVALID_FILENAME").await?;
    let file = request.file().clone();
    let job = app
        .manager
        .restore(request)
        .await
        .map_err(|error| not_started(&error, "RESTORE_IN_PROGRESS", &prefix))?;
    tracing::info!(user = identity.name(), job = %job.id(), %file, "restore started");
    Ok(started(&job, &prefix))
}

/// The member `timeout_seconds`: how long the job may take.
fn timeout(body: &mut Body) -> Result<Option<std::time::Duration>, Refusal> {
    let Some(value) = body.take("timeout_seconds") else { return Ok(None) };
    match value.as_f64() {
        Some(seconds) if (1.0..=604_800.0).contains(&seconds) => {
            Ok(Some(std::time::Duration::from_secs_f64(seconds)))
        }
        _ => Err(Refusal::bad_request(
            "INVALID_TIMEOUT",
            "timeout_seconds is a number from 1 to 604800, which is a week",
        )),
    }
}

fn missing_filename() -> Refusal {
    Refusal::bad_request("MISSING_FILENAME", "the request has to name a backup by its filename")
}

fn invalid_filename(error: BackupNameError) -> Refusal {
    Refusal::bad_request("INVALID_FILENAME", error.to_string())
}

/// Why a job was not started; `busy` is the error name when another one runs.
pub(super) fn not_started(error: &Error, busy: &'static str, prefix: &Prefix) -> Refusal {
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
async fn opened(app: &App, file: &BackupName, link: &'static str) -> Result<BackupReader, Refusal> {
    app.manager.read(file, None).await.map_err(|error| match error.kind() {
        ErrorKind::Config => Refusal::bad_request(link, error.to_string()),
        _ => Refusal::of(&error),
    })
}

pub(super) async fn download(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    Segment(filename): Segment,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let file: BackupName = filename.parse().map_err(invalid_filename)?;
    let reader = opened(&app, &file, "INVALID_FILENAME").await?;
    let current =
        Current { bytes: reader.size_bytes(), etag: etag(&reader)?, modified: reader.modified() };
    let (status, range) = match current.asked(&headers) {
        Asked::Whole => (StatusCode::OK, 0..current.bytes),
        Asked::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first..last.saturating_add(1)),
        Asked::NotModified => {
            let mut response = StatusCode::NOT_MODIFIED.into_response();
            response.headers_mut().typed_insert(current.etag);
            return Ok(response);
        }
        Asked::Changed => {
            return Err(Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                "PRECONDITION_FAILED",
                "the file is not the one that the request is about",
            ));
        }
        Asked::OutOfRange => {
            let all = HeaderValue::from_str(&format!("bytes */{}", current.bytes));
            let refusal = Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "RANGE_NOT_SATISFIABLE",
                format!("the file has {} bytes", current.bytes),
            );
            return Err(match all {
                Ok(all) => refusal.with_header(CONTENT_RANGE, all),
                Err(_) => refusal,
            });
        }
    };
    tracing::info!(user = identity.name(), %file, ?range, "download");
    let reader = reader.with_range(range.clone()).map_err(|error| Refusal::of(&error))?;
    let mut response = (status, Bytes::from_stream(reader.into_stream())).into_response();
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, range.end.saturating_sub(range.start).into());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(&file)));
    headers.typed_insert(current.etag);
    headers.typed_insert(LastModified::from(current.modified));
    let texts = [
        (CONTENT_DISPOSITION, disposition(&file)),
        (CONTENT_RANGE, {
            let last = range.end.saturating_sub(1);
            format!("bytes {}-{last}/{}", range.start, current.bytes)
        }),
    ];
    for (name, text) in texts {
        if (name != CONTENT_RANGE || status == StatusCode::PARTIAL_CONTENT)
            && let Ok(value) = HeaderValue::from_str(&text)
        {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

/// What changes whenever a file of that name is written anew: its length and the time of its last
/// change, to the nanosecond.
fn etag(reader: &BackupReader) -> Result<ETag, Refusal> {
    let modified = reader.modified().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let text = format!("\"{:x}-{:x}\"", reader.size_bytes(), modified.as_nanos());
    text.parse().map_err(|_| {
        Refusal::of(&Error::new(ErrorKind::Internal, "the file has a length or time beyond reason"))
    })
}

fn media_type(file: &BackupName) -> &'static str {
    match file.as_str().strip_suffix(".gz") {
        Some(_) => "application/gzip",
        None => "application/sql",
    }
}

/// `attachment`, with the name twice: in ASCII for old clients, and as it is (RFC 6266).
fn disposition(file: &BackupName) -> String {
    let plain: String = file
        .as_str()
        .chars()
        .map(|c| if c.is_ascii() && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let exact = utf8_percent_encode(file.as_str(), ESCAPED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

pub(super) async fn ticket(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    prefix: Prefix,
    Segment(filename): Segment,
    body: Body,
) -> Result<Response, Refusal> {
    body.finish()?;
    let file: BackupName = filename.parse().map_err(invalid_filename)?;
    opened(&app, &file, "INVALID_FILENAME").await?;
    let name = utf8_percent_encode(file.as_str(), ESCAPED).to_string();
    let ticket = app.tickets.issue(file, identity.name()).map_err(|error| Refusal::of(&error))?;
    let url = prefix.path(&format!("/api/backup/download/{name}?ticket={ticket}"));
    let body = json!({
        "ticket": ticket,
        "download_url": url,
        "expires_in_seconds": ticket::LIFETIME.as_secs(),
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

pub(super) async fn delete(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    prefix: Prefix,
    Segment(filename): Segment,
    mut body: Body,
) -> Result<Json<Value>, Refusal> {
    const LINK: &str = "CANNOT_DELETE_SYMLINK";
    let file: BackupName = filename.parse().map_err(|error| match error {
        BackupNameError::Latest => Refusal::bad_request(LINK, error.to_string()),
        error => invalid_filename(error),
    })?;
    let confirmation: Option<DeleteConfirmation> =
        body.take("confirm").as_ref().and_then(Value::as_str).and_then(|word| word.parse().ok());
    let Some(confirmation) = confirmation else {
        let word = DeleteConfirmation::WORD;
        let message = format!("a backup is deleted only with {{\"confirm\": \"{word}\"}}");
        return Err(Refusal::bad_request("CONFIRMATION_REQUIRED", message));
    };
    body.finish()?;
    opened(&app, &file, LINK).await?;
    let bytes = app
        .manager
        .delete(&file, confirmation)
        .await
        .map_err(|error| not_started(&error, "BACKUP_IN_USE", &prefix))?;
    tracing::info!(user = identity.name(), %file, bytes, "backup deleted");
    Ok(Json(json!({
        "success": true,
        "message": format!("{file} is deleted"),
        "deleted_file": file,
        "deleted_size_bytes": bytes,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_of_any_letters_goes_into_a_header() {
        let of = |name: &str| disposition(&name.parse().unwrap());
        assert_eq!(
            of("manual_2026-01-29_22-08-29.sql.gz"),
            "attachment; filename=\"manual_2026-01-29_22-08-29.sql.gz\"; \
             filename*=UTF-8''manual_2026-01-29_22-08-29.sql.gz"
        );
        assert_eq!(
            of("größe \"a\";b%.sql"),
            "attachment; filename=\"gr__e _a_;b_.sql\"; \
             filename*=UTF-8''gr%C3%B6%C3%9Fe%20%22a%22%3Bb%25.sql"
        );
        HeaderValue::from_str(&of("größe \"a\";b%.sql")).unwrap();
    }
}

//! Downloads: the bytes of a backup, or a range of them; and tickets for a browser.

use axum::Json;
use axum::body::Body as Bytes;
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap,
    HeaderValue,
};
use axum::response::{IntoResponse, Response};
use headers::{ETag, HeaderMapExt as _, LastModified};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::answer::Refusal;
use super::backups::{invalid_filename, opened};
use super::conditional::{Asked, Current};
use super::error_name::ErrorName;
use super::request::{Body, Call};
use super::ticket::LIFETIME;
use crate::error::{Error, ErrorKind};
use crate::job::BackupReader;
use crate::store::BackupName;

/// The bytes of a file name that a parameter of Content-Disposition and a URL can hold unescaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) async fn download(call: Call, headers: HeaderMap) -> Result<Response, Refusal> {
    let file: BackupName = call.segment.parse().map_err(invalid_filename)?;
    let reader = opened(&call, &file, ErrorName::InvalidFilename).await?;
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
                ErrorName::PreconditionFailed,
                "the file is not the one that the request is about",
            ));
        }
        Asked::OutOfRange => {
            let all = HeaderValue::from_str(&format!("bytes */{}", current.bytes));
            let refusal = Refusal::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorName::RangeNotSatisfiable,
                format!("the file has {} bytes", current.bytes),
            );
            return Err(match all {
                Ok(all) => refusal.with_header(CONTENT_RANGE, all),
                Err(_) => refusal,
            });
        }
    };
    tracing::info!(user = call.user(), %file, ?range, "download");
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

pub(super) async fn ticket(call: Call, body: Body) -> Result<Response, Refusal> {
    body.finish()?;
    let file: BackupName = call.segment.parse().map_err(invalid_filename)?;
    opened(&call, &file, ErrorName::InvalidFilename).await?;
    let name = utf8_percent_encode(file.as_str(), ESCAPED).to_string();
    let tickets = &call.app.tickets;
    let ticket = tickets.issue(file, call.user()).map_err(|error| Refusal::of(&error))?;
    let url = call.prefix.path(&format!("/api/backup/download/{name}?ticket={ticket}"));
    let body = json!({
        "ticket": ticket,
        "download_url": url,
        "expires_in_seconds": LIFETIME.as_secs(),
    });
    Ok((StatusCode::CREATED, Json(body)).into_response())
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

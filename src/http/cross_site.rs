//! Keeps the pages of other sites from writing in the name of somebody who is signed in.

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// A header that a page of another site cannot send without being asked whether it may, which is
/// never answered here. Any value will do.
const REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether a request may write: it comes from a page of this site, or from no page at all.
///
/// Browsers say where a request comes from, in `Sec-Fetch-Site` or, without encryption, in `Origin`.
/// A request that says neither and brings cookies could come from an old browser; it has to bring
/// `X-Requested-With` or `Authorization`, which other sites' pages cannot send.
pub(super) fn may_write(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return true;
    }
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return site == "same-origin" || site == "none";
    }
    if let Some(origin) = headers.get(ORIGIN) {
        return is_own(origin, uri, headers);
    }
    !headers.contains_key(COOKIE)
        || headers.contains_key(REQUESTED_WITH)
        || headers.contains_key(AUTHORIZATION)
}

/// Whether an origin is the host that the request was sent to. The scheme is not compared: behind
/// a proxy that ends TLS it is not known.
fn is_own(origin: &HeaderValue, uri: &Uri, headers: &HeaderMap) -> bool {
    let own = match headers.get(HOST) {
        Some(host) => host.to_str().ok(),
        // HTTP/2 has the host in the request line.
        None => uri.authority().map(axum::http::uri::Authority::as_str),
    };
    let Some((_, host)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    own.is_some_and(|own| own.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(method: &Method, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        may_write(method, &Uri::from_static("/api/backup/create"), &map)
    }

    #[test]
    fn pages_of_other_sites_may_not_write() {
        let host = ("host", "backup.example:8080");
        let cookie = ("cookie", "session=1");
        for (headers, expected) in [
            (&[host, ("sec-fetch-site", "same-origin"), cookie][..], true),
            (&[host, ("sec-fetch-site", "none"), cookie], true),
            (&[host, ("sec-fetch-site", "same-site"), cookie], false),
            (&[host, ("sec-fetch-site", "cross-site"), cookie], false),
            (&[host, ("sec-fetch-site", "cross-site"), ("x-requested-with", "x")], false),
            (&[host, ("origin", "https://backup.example:8080"), cookie], true),
            (&[host, ("origin", "https://BACKUP.example:8080"), cookie], true),
            (&[host, ("origin", "https://backup.example"), cookie], false),
            (&[host, ("origin", "https://evil.example"), cookie], false),
            (&[host, ("origin", "null"), cookie], false),
            (&[("origin", "https://backup.example"), cookie], false),
            (&[host, cookie], false),
            (&[host, cookie, ("x-requested-with", "fetch")], true),
            (&[host, cookie, ("authorization", "Bearer x")], true),
            // No browser: curl, another service.
            (&[host], true),
        ] {
            assert_eq!(may(&Method::POST, headers), expected, "{headers:?}");
            assert_eq!(may(&Method::DELETE, headers), expected, "{headers:?}");
            assert!(may(&Method::GET, headers));
            assert!(may(&Method::HEAD, headers));
        }
    }

    #[test]
    fn the_host_may_stand_in_the_request_line() {
        let mut headers = HeaderMap::new();
        headers.insert("origin", HeaderValue::from_static("https://backup.example"));
        let uri = Uri::from_static("https://backup.example/api/backup/create");
        assert!(may_write(&Method::POST, &uri, &headers));
    }
}

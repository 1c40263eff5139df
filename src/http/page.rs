//! The admin page: one document with its style and its script inside.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

const DOCUMENT: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page and the policy that lets exactly its own style and script run.
#[derive(Clone, Debug)]
pub(super) struct Page {
    document: Bytes,
    policy: HeaderValue,
}

impl Page {
    pub(super) fn new() -> Self {
        let document = DOCUMENT.replace("{{style}}", STYLE).replace("{{script}}", SCRIPT);
        let policy = format!(
            "default-src 'none'; script-src {}; style-src {}; img-src data:; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'",
            source(SCRIPT),
            source(STYLE),
        );
        // Only the hashes vary, and they are base64; without a policy the page must not be served.
        let policy = HeaderValue::try_from(policy)
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
        Self { document: document.into(), policy }
    }

    pub(super) fn response(&self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (CONTENT_SECURITY_POLICY, self.policy.clone()),
        ];
        (headers, self.document.clone()).into_response()
    }
}

/// The name of an inline text in a content security policy: its hash.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let document = String::from_utf8(Page::new().document.to_vec()).unwrap();
        assert!(document.contains(STYLE) && document.contains(SCRIPT));
        assert!(!document.contains("{{"));
        // Neither part may end its element early, which would also change what is hashed.
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        for outside in ["http://", "https://", "src=", "@import", "url(", "innerHTML"] {
            assert!(!document.contains(outside), "{outside}");
        }
        assert!(!DOCUMENT.contains("style=") && !DOCUMENT.contains("onclick"));
    }
}

//! What a request for a file really asks for: all of it, a range, or only whether it has changed
//! (RFC 9110, sections 13 and 14).

use std::time::SystemTime;

use axum::http::HeaderMap;
use axum::http::header::{IF_RANGE, RANGE};
use headers::{
    ETag, HeaderMapExt as _, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince,
    LastModified,
};
use http_range_header::{EndPosition, StartPosition, parse_range_header};

/// The state of a file that a request is held against.
#[derive(Debug)]
pub(super) struct Current {
    /// Its length in bytes.
    pub(super) bytes: u64,
    pub(super) etag: ETag,
    pub(super) modified: SystemTime,
}

/// What to answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// 200 with all bytes.
    Whole,
    /// 206 with the bytes from the first to the last, inclusive.
    Part(u64, u64),
    /// 304: the client has them already.
    NotModified,
    /// 412: what the client relies on has changed.
    Changed,
    /// 416: the range lies behind the end.
    OutOfRange,
}

impl Current {
    /// What the headers of a GET or HEAD request ask for.
    pub(super) fn asked(&self, headers: &HeaderMap) -> Asked {
        // The order is that of RFC 9110, 13.2.2.
        if let Some(tags) = headers.typed_get::<IfMatch>() {
            if !tags.precondition_passes(&self.etag) {
                return Asked::Changed;
            }
        } else if let Some(since) = headers.typed_get::<IfUnmodifiedSince>()
            && !since.precondition_passes(self.modified)
        {
            return Asked::Changed;
        }
        if let Some(tags) = headers.typed_get::<IfNoneMatch>() {
            if !tags.precondition_passes(&self.etag) {
                return Asked::NotModified;
            }
        } else if let Some(since) = headers.typed_get::<IfModifiedSince>()
            && !since.is_modified(self.modified)
        {
            return Asked::NotModified;
        }
        if headers.contains_key(IF_RANGE) {
            let modified = LastModified::from(self.modified);
            let holds = headers
                .typed_get::<IfRange>()
                .is_some_and(|range| !range.is_modified(Some(&self.etag), Some(&modified)));
            if !holds {
                return Asked::Whole;
            }
        }
        self.range(headers)
    }

    /// A range that cannot be read is ignored, and so are several at once: RFC 9110, 14.2 lets a
    /// server answer either with the whole.
    fn range(&self, headers: &HeaderMap) -> Asked {
        let mut values = headers.get_all(RANGE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Asked::Whole };
        let Some(parsed) = value.to_str().ok().and_then(|text| parse_range_header(text).ok())
        else {
            return Asked::Whole;
        };
        let [range] = &*parsed.ranges else { return Asked::Whole };
        let Some(last) = self.bytes.checked_sub(1) else { return Asked::OutOfRange };
        let (start, end) = match (range.start, range.end) {
            // A suffix that is longer than the file is the whole file.
            (StartPosition::FromLast(count), _) => (self.bytes.saturating_sub(count), last),
            (StartPosition::Index(start), EndPosition::Index(end)) if end < start => {
                return Asked::Whole;
            }
            (StartPosition::Index(start), EndPosition::Index(end)) => (start, end.min(last)),
            (StartPosition::Index(start), EndPosition::LastByte) => (start, last),
        };
        if start > last { Asked::OutOfRange } else { Asked::Part(start, end) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn asked(bytes: u64, headers: &[(&'static str, &str)]) -> Asked {
        let current = Current {
            bytes,
            etag: "\"v1\"".parse().unwrap(),
            // Sun, 09 Sep 2001 01:46:40 GMT
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        current.asked(&map)
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        use Asked::{OutOfRange, Part, Whole};
        for (range, expected) in [
            ("bytes=0-0", Part(0, 0)),
            ("bytes=0-99", Part(0, 99)),
            ("bytes=0-100", Part(0, 99)),
            ("bytes=0-18446744073709551615", Part(0, 99)),
            ("bytes=10-", Part(10, 99)),
            ("bytes=99-", Part(99, 99)),
            ("bytes=-1", Part(99, 99)),
            ("bytes=-100", Part(0, 99)),
            ("bytes=-1000", Part(0, 99)),
            ("bytes=100-", OutOfRange),
            ("bytes=100-200", OutOfRange),
            ("bytes=18446744073709551615-", OutOfRange),
            ("bytes=5-4", Whole),
            ("bytes=0-1,5-6", Whole),
            ("bytes=99999999999999999999-", Whole),
            ("bytes=", Whole),
            ("bytes=-0", Whole),
            ("bytes=a-b", Whole),
            ("lines=0-1", Whole),
            ("0-1", Whole),
            ("", Whole),
        ] {
            assert_eq!(asked(100, &[("range", range)]), expected, "{range}");
        }
        assert_eq!(asked(0, &[("range", "bytes=0-")]), OutOfRange);
        assert_eq!(asked(0, &[]), Whole);
        assert_eq!(asked(100, &[("range", "bytes=0-1"), ("range", "bytes=0-1")]), Whole);
    }

    #[test]
    fn a_range_is_given_only_of_the_file_that_the_client_has_begun() {
        let range = ("range", "bytes=5-");
        let part = Asked::Part(5, 99);
        assert_eq!(asked(100, &[range, ("if-range", "\"v1\"")]), part);
        assert_eq!(asked(100, &[range, ("if-range", "\"v2\"")]), Asked::Whole);
        assert_eq!(asked(100, &[range, ("if-range", "W/\"v1\"")]), Asked::Whole);
        let date = "Sun, 09 Sep 2001 01:46:40 GMT";
        assert_eq!(asked(100, &[range, ("if-range", date)]), part);
        let earlier = "Sun, 09 Sep 2001 01:46:39 GMT";
        assert_eq!(asked(100, &[range, ("if-range", earlier)]), Asked::Whole);
        assert_eq!(asked(100, &[range, ("if-range", "nonsense")]), Asked::Whole);
    }

    #[test]
    fn conditions_come_before_ranges() {
        let range = ("range", "bytes=5-");
        for (header, value, expected) in [
            ("if-none-match", "\"v1\"", Asked::NotModified),
            ("if-none-match", "W/\"v1\", \"v0\"", Asked::NotModified),
            ("if-none-match", "*", Asked::NotModified),
            ("if-none-match", "\"v2\"", Asked::Part(5, 99)),
            ("if-match", "\"v1\"", Asked::Part(5, 99)),
            ("if-match", "\"v2\"", Asked::Changed),
            ("if-modified-since", "Sun, 09 Sep 2001 01:46:40 GMT", Asked::NotModified),
            ("if-modified-since", "Sun, 09 Sep 2001 01:46:39 GMT", Asked::Part(5, 99)),
            ("if-unmodified-since", "Sun, 09 Sep 2001 01:46:39 GMT", Asked::Changed),
            ("if-unmodified-since", "Sun, 09 Sep 2001 01:46:40 GMT", Asked::Part(5, 99)),
        ] {
            assert_eq!(asked(100, &[range, (header, value)]), expected, "{header}: {value}");
        }
    }
}

//! Patterns for the names of objects.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ident::{ObjectKind, ObjectName};

/// A pattern for object names, optionally of one kind: `orders_*`, `table:log?`, `shop.*`,
/// `trigger:shop.t_*`.
///
/// `*` is any run of characters, `?` any one, `[ab]` one of these, `{a,b}` either of these, and a
/// backslash takes the next character as it is. The pattern is compared with the object's name,
/// and with `database.name`; upper and lower case differ. The words for kinds are those of
/// [`ObjectKind::word`].
///
/// ```
/// use snapdump::Selector;
///
/// let logs: Selector = "table:log_*".parse()?;
/// assert_eq!(logs.to_string(), "table:log_*");
/// # Ok::<_, snapdump::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    kind: Option<ObjectKind>,
    pattern: String,
    matcher: GlobMatcher,
}

impl Selector {
    /// A selector for names of any kind.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the pattern is not well-formed.
    pub fn new(pattern: impl Into<String>) -> Result<Self> {
        let pattern = pattern.into();
        let matcher = GlobBuilder::new(&pattern)
            // Names are not paths: a star matches a slash as well.
            .literal_separator(false)
            .backslash_escape(true)
            .build()
            .map_err(|error| {
                Error::config(format!("'{pattern}' is not a pattern")).with_source(error)
            })?
            .compile_matcher();
        Ok(Self { kind: None, pattern, matcher })
    }

    /// Limits the selector to one kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ObjectKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Whether the selector speaks of objects of this kind.
    #[must_use]
    pub fn covers(&self, kind: ObjectKind) -> bool {
        self.kind.is_none_or(|own| own == kind)
    }

    /// Whether it is a name, so that it matches one object of a database at most of each kind.
    pub(super) fn is_name(&self) -> bool {
        !self.pattern.contains(['*', '?', '[', ']', '{', '}', '\\'])
    }

    /// Whether the selector matches an object.
    #[must_use]
    pub fn matches(&self, object: &ObjectName) -> bool {
        self.covers(object.kind())
            && (self.matcher.is_match(object.name())
                || object.database_name().is_some_and(|database| {
                    self.matcher.is_match(format!("{database}.{}", object.name()))
                }))
    }
}

impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.pattern == other.pattern
    }
}

impl Eq for Selector {}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((word, pattern)) = text.split_once(':') {
            // Anything else before a colon is part of a name.
            if let Ok(kind) = word.parse() {
                return Ok(Self::new(pattern)?.with_kind(kind));
            }
        }
        Self::new(text)
    }
}

impl TryFrom<String> for Selector {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.to_string()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = self.kind {
            write!(f, "{kind}:")?;
        }
        f.write_str(&self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, kind: ObjectKind, name: &str) -> bool {
        let object = ObjectName::new(kind, "shop", name);
        selector.parse::<Selector>().unwrap().matches(&object)
    }

    #[test]
    fn a_selector_matches_the_name_with_or_without_its_database() {
        assert!(matches("ord*", ObjectKind::Table, "orders"));
        assert!(matches("shop.ord*", ObjectKind::View, "orders"));
        assert!(!matches("other.*", ObjectKind::Table, "orders"));
        assert!(!matches("ORD*", ObjectKind::Table, "orders"));
        assert!(matches("a/*", ObjectKind::Table, "a/b/c"));
    }

    #[test]
    fn a_kind_limits_a_selector() {
        assert!(matches("trigger:*", ObjectKind::Trigger, "t"));
        assert!(!matches("trigger:*", ObjectKind::Table, "t"));
        // Not a kind, so it is part of the name.
        assert!(matches("a:b", ObjectKind::Table, "a:b"));
    }

    #[test]
    fn a_malformed_pattern_is_an_error() {
        let error = "a[".parse::<Selector>().unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Config);
        assert!(error.to_string().contains("a["));
    }
}

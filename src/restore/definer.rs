//! Who owns the views and stored programs that a restore makes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ident::quote_identifier;

/// An account of the server: `user@host`. A role has no host.
///
/// Its text is `user@host`, without quotes; the last `@` is the one between the two.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Account {
    user: String,
    host: String,
}

impl Account {
    /// The account of a user at a host; the host of a role is empty.
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self { user: user.into(), host: host.into() }
    }

    /// The user or role.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The host pattern; empty for a role.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> String {
        if self.host.is_empty() {
            quote_identifier(&self.user)
        } else {
            format!("{}@{}", quote_identifier(&self.user), quote_identifier(&self.host))
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        if self.host.is_empty() { Ok(()) } else { write!(f, "@{}", self.host) }
    }
}

/// Reads `user@host`.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for an empty user.
impl FromStr for Account {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (user, host) = text.rsplit_once('@').unwrap_or((text, ""));
        if user.is_empty() {
            return Err(Error::config(format!("'{text}' is no account: write user@host")));
        }
        Ok(Self::new(user, host))
    }
}

impl TryFrom<String> for Account {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

/// What a restore does with the `DEFINER` clauses of views, routines, triggers and events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DefinerPolicy {
    /// As the script has them. Naming another account than one's own needs a privilege (`SUPER`,
    /// `SET USER` or `SET_ANY_DEFINER`).
    #[default]
    Keep,
    /// Left out: the account that restores becomes the definer.
    Drop,
    /// These accounts become those; every other one is kept.
    Map(Vec<(Account, Account)>),
}

impl DefinerPolicy {
    /// The account that an object gets in place of this one; `None` for whoever restores.
    pub(super) fn account(&self, named: &Account) -> Option<Account> {
        match self {
            Self::Keep => Some(named.clone()),
            Self::Drop => None,
            Self::Map(pairs) => {
                // Host names have no letter case.
                let pair = pairs.iter().find(|(from, _)| {
                    from.user == named.user && from.host.eq_ignore_ascii_case(&named.host)
                });
                Some(pair.map_or(named, |(_, to)| to).clone())
            }
        }
    }
}

/// Reads `keep`, `drop` or `map:FROM=TO`, with more pairs behind commas.
///
/// # Errors
/// [`ErrorKind::Config`](crate::ErrorKind::Config) for anything else.
impl FromStr for DefinerPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "keep" => return Ok(Self::Keep),
            "drop" => return Ok(Self::Drop),
            _ => {}
        }
        let pairs = text.strip_prefix("map:").ok_or_else(|| {
            Error::config(format!(
                "'{text}' is no policy for definers: write keep, drop or map:FROM=TO, where each \
                 is user@host"
            ))
        })?;
        let pairs = pairs.split(',').map(|pair| {
            let (from, to) = pair.split_once('=').ok_or_else(|| {
                Error::config(format!(
                    "'{pair}' does not say which account becomes which: write FROM=TO"
                ))
            })?;
            Ok((from.parse()?, to.parse()?))
        });
        Ok(Self::Map(pairs.collect::<Result<_, Error>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_policies_are_read() {
        let account: Account = "a@b@%".parse().unwrap();
        assert_eq!((account.user(), account.host()), ("a@b", "%"));
        assert_eq!(account.quoted(), "`a@b`@`%`");
        assert_eq!("role".parse::<Account>().unwrap().quoted(), "`role`");
        assert!("@host".parse::<Account>().is_err());
        let policy: DefinerPolicy = "map:a@b=c@d,e@f=role".parse().unwrap();
        let becomes = |policy: &DefinerPolicy, text: &str| {
            policy.account(&text.parse().unwrap()).map(|account| account.to_string())
        };
        assert_eq!(becomes(&policy, "a@B").as_deref(), Some("c@d"));
        assert_eq!(becomes(&policy, "e@f").as_deref(), Some("role"));
        assert_eq!(becomes(&policy, "x@b").as_deref(), Some("x@b"));
        assert_eq!(becomes(&"drop".parse().unwrap(), "x@y"), None);
        for wrong in ["", "map", "map:", "map:a@b", "strip"] {
            assert!(wrong.parse::<DefinerPolicy>().is_err(), "{wrong}");
        }
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<DefinerPolicy>(&json).unwrap(), policy);
    }
}

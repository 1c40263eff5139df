//! Who may do what: the application says who sends a request, the router what he may.

use std::fmt;
use std::future::Future;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::{Error, Result};

/// The fewest bytes of a token: about 96 bits if they are random letters and digits.
const SHORTEST_TOKEN_BYTES: usize = 16;

/// What an identity may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Everything that the router offers.
    Administrator,
    /// Nothing here: each request is answered with 403.
    User,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    role: Role,
}

impl Identity {
    /// An identity with the name that the application knows it by; it is written to the log with
    /// everything that it starts, cancels, deletes or downloads.
    #[must_use]
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: name.into(), role }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its role.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }
}

/// Why nobody could be told behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// The request carries no identity, or none that is valid: answered with 401.
    #[error("the request carries no valid identity")]
    Unauthenticated,
    /// Who it is cannot be found out at the moment: answered with 503.
    #[error("who sends the request cannot be found out at the moment")]
    Unavailable,
}

/// Says who sends a request. The application implements it over what it has: a session, a token,
/// a client certificate. [`BearerToken`] is one that is ready.
///
/// Every route but the admin page itself asks it, before anything else is looked at, and goes on
/// only for a [`Role::Administrator`]. The page holds no data and asks the routes for it.
///
/// ```
/// use axum::http::request::Parts;
/// use snapdump::http::{AuthorizeError, Authorizer, Identity, Role};
///
/// /// What a middleware of the application has put into the extensions of the request.
/// #[derive(Clone)]
/// struct CurrentUser { name: String, is_admin: bool }
///
/// struct SessionUser;
///
/// impl Authorizer for SessionUser {
///     async fn authorize(&self, request: &Parts) -> Result<Identity, AuthorizeError> {
///         let user: &CurrentUser =
///             request.extensions.get().ok_or(AuthorizeError::Unauthenticated)?;
///         let role = if user.is_admin { Role::Administrator } else { Role::User };
///         Ok(Identity::new(&user.name, role))
///     }
///
///     // There is nothing to send along with the next request: one signs in to the application.
///     fn challenge(&self) -> &'static str {
///         "Session"
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Who sends the request.
    ///
    /// # Errors
    /// [`AuthorizeError::Unauthenticated`] when the request does not say or proves nothing, and
    /// [`AuthorizeError::Unavailable`] when it cannot be found out at the moment.
    ///
    /// # Cancel safety
    /// The future is dropped when the client goes away.
    fn authorize(
        &self,
        request: &Parts,
    ) -> impl Future<Output = Result<Identity, AuthorizeError>> + Send;

    /// What an answer 401 says in `WWW-Authenticate`. With `Bearer`, the default, the admin page
    /// asks for a token; with anything else it says that one has to sign in to the application.
    fn challenge(&self) -> &'static str {
        "Bearer"
    }
}

/// An [`Authorizer`] that takes one token, in `Authorization: Bearer TOKEN`, for the administrator.
///
/// The token is kept as its SHA-256 only, and compared in constant time.
///
/// ```
/// use snapdump::http::BearerToken;
///
/// let authorizer = BearerToken::new("pW3vKq8nTz6cYb1rXe5m")?;
/// BearerToken::new("").unwrap_err();
/// # Ok::<(), snapdump::Error>(())
/// ```
#[derive(Clone)]
pub struct BearerToken {
    digest: [u8; 32],
    identity: Identity,
}

impl BearerToken {
    /// Takes the token that administrators send. Make it of random characters: it is all that
    /// keeps others out.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it has fewer than 16 bytes, or characters
    /// that the header cannot carry.
    pub fn new(token: impl AsRef<str>) -> Result<Self> {
        let token = token.as_ref();
        if token.len() < SHORTEST_TOKEN_BYTES {
            return Err(Error::config(format!(
                "a bearer token needs at least {SHORTEST_TOKEN_BYTES} characters"
            )));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::config(
                "a bearer token may hold only printable ASCII characters, and no blanks",
            ));
        }
        let identity = Identity::new("administrator", Role::Administrator);
        Ok(Self { digest: Sha256::digest(token).into(), identity })
    }

    /// Sets who the token stands for, instead of an administrator called `administrator`.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Whether a token is the right one. The time that this takes says nothing about the right one:
    /// digests are compared, all 32 bytes of them.
    fn accepts(&self, token: &[u8]) -> bool {
        Sha256::digest(token).as_slice().ct_eq(&self.digest).into()
    }
}

impl Authorizer for BearerToken {
    async fn authorize(&self, request: &Parts) -> Result<Identity, AuthorizeError> {
        let mut values = request.headers.get_all(AUTHORIZATION).iter();
        match (values.next().and_then(|value| token_of(value.as_bytes())), values.next()) {
            (Some(token), None) if self.accepts(token) => Ok(self.identity.clone()),
            _ => Err(AuthorizeError::Unauthenticated),
        }
    }
}

/// The token in the value of `Authorization`. The scheme is the same in any case (RFC 9110, 11.1).
fn token_of(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| rest.trim_ascii())
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken")
            .field("token", &"[redacted]")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::error::ErrorKind;

    const TOKEN: &str = "pW3vKq8nTz6cYb1rXe5m";

    async fn answer(values: &[&str]) -> Result<Identity, AuthorizeError> {
        let mut request = Request::new(()).into_parts().0;
        for value in values {
            request.headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        BearerToken::new(TOKEN).unwrap().authorize(&request).await
    }

    #[tokio::test]
    async fn only_the_right_token_gets_in() {
        for value in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN}")] {
            let identity = answer(&[&value]).await.unwrap();
            assert_eq!(identity.role(), Role::Administrator);
        }
        let (shorter, longer) = (format!("Bearer {}", &TOKEN[1..]), format!("Bearer {TOKEN}x"));
        let right = format!("Bearer {TOKEN}");
        for values in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &[TOKEN],
            &[&shorter],
            &[&longer],
            &["Basic pW3vKq8nTz6cYb1rXe5m"],
            // Two answers to one question: whoever stands in between may have read the other one.
            &[&right, &right],
        ] {
            assert_eq!(answer(values).await, Err(AuthorizeError::Unauthenticated), "{values:?}");
        }
    }

    #[test]
    fn a_weak_token_is_refused() {
        for token in ["", "short", "fifteen-letters", "sixteen letters!", "sixteen-lettersé\n"] {
            assert_eq!(BearerToken::new(token).unwrap_err().kind(), ErrorKind::Config, "{token:?}");
        }
        BearerToken::new("sixteen-letters!").unwrap();
    }

    #[test]
    fn a_token_is_never_printed() {
        let authorizer = BearerToken::new(TOKEN).unwrap();
        assert!(!format!("{authorizer:?}").contains(TOKEN));
    }
}

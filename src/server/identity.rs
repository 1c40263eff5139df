//! What a server says about itself.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Value};

use crate::error::{Error, ErrorKind, Result};

use super::driver_error::from_driver;
use super::flavor::{Flavor, ServerVersion};

/// What a server said about itself, and about the connection it was asked over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerIdentity {
    /// The family of the server.
    pub flavor: Flavor,
    /// Its version.
    pub version: ServerVersion,
    /// The text of `@@version_comment`, such as `MySQL Community Server - GPL`.
    pub comment: String,
    /// The TLS cipher suite of the connection; absent when it is not encrypted.
    pub cipher: Option<String>,
}

/// Asks the server who it is.
pub(crate) async fn identify(conn: &mut Conn) -> Result<ServerIdentity> {
    let doing = "could not ask the server for its version";
    let row: Option<Row> = conn
        .query_first("SELECT @@version, @@version_comment")
        .await
        .map_err(|error| from_driver(error, doing))?;
    let [version, comment] = texts(row).ok_or_else(|| Error::new(ErrorKind::Protocol, doing))?;
    let row: Option<Row> = conn
        .query_first("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        .await
        .map_err(|error| from_driver(error, "could not ask the server for the cipher"))?;
    let cipher = texts(row).map(|[_name, cipher]| cipher);
    Ok(ServerIdentity {
        flavor: Flavor::detect(&version, &comment),
        version: version.parse()?,
        comment,
        cipher: cipher.filter(|cipher| !cipher.is_empty()),
    })
}

fn texts<const N: usize>(row: Option<Row>) -> Option<[String; N]> {
    let texts: Vec<String> = row?
        .unwrap()
        .into_iter()
        .map(|value| match value {
            Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            _ => String::new(),
        })
        .collect();
    texts.try_into().ok()
}

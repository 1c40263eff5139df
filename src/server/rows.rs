//! Rows as they arrive.

use mysql_async::{BinaryProtocol, QueryResult, Row, TextProtocol, Value};

use super::driver_error::from_driver;
use super::peer::Peer;
use super::session::still_busy;
use crate::error::{Error, ErrorKind, Result};

/// An answer of rows in one of the two protocols.
pub(super) enum Answer<'a> {
    Binary(QueryResult<'a, 'static, BinaryProtocol>),
    Text(QueryResult<'a, 'static, TextProtocol>),
}

impl Answer<'_> {
    async fn next(&mut self) -> mysql_async::Result<Option<Row>> {
        match self {
            Self::Binary(result) => result.next().await,
            Self::Text(result) => result.next().await,
        }
    }

    /// Whether the server has said that nothing more comes.
    fn is_over(&self) -> bool {
        match self {
            Self::Binary(result) => result.is_empty(),
            Self::Text(result) => result.is_empty(),
        }
    }
}

/// Rows of a result set that is still being sent, or of several.
pub(crate) struct Rows<'a> {
    pub(super) result: Answer<'a>,
    pub(super) busy: &'a mut bool,
    pub(super) peer: &'a Peer,
}

impl Rows<'_> {
    /// The next row, or `None` after the server has said that there are no more in this set.
    ///
    /// Not cancel safe: a dropped call can have read half a row. The session then still counts as
    /// busy, so it is killed and never used again.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>> {
        let row = self.peer.row(self.result.next()).await?;
        self.note(row)
    }

    /// The same, for queries that the server may take any time for: after the last row of a set the
    /// answer to the next query is waited for.
    pub(super) async fn next_of_slow(&mut self) -> Result<Option<Row>> {
        let row = self.peer.answer(0, self.result.next()).await?;
        self.note(row)
    }

    fn note(&mut self, row: mysql_async::Result<Option<Row>>) -> Result<Option<Row>> {
        match &row {
            Ok(Some(_)) => {}
            Ok(None) => *self.busy = !self.result.is_over(),
            Err(_) => *self.busy = still_busy(&row),
        }
        row.map_err(|error| from_driver(error, "reading rows failed"))
    }

    /// To be called before the first row of each set is read: fails if there is no such set.
    pub(crate) fn begin_set(&self) -> Result<()> {
        if self.result.is_over() {
            return Err(Error::new(
                ErrorKind::Protocol,
                "the server sent fewer answers than it was asked for",
            ));
        }
        Ok(())
    }

    /// Fails unless all sets have been read.
    pub(crate) fn end(self) -> Result<()> {
        if self.result.is_over() {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Protocol,
                "the server sent more answers than it was asked for",
            ))
        }
    }
}

/// A row of the text protocol: every value is text or NULL.
#[derive(Debug)]
pub(crate) struct TextRow(pub(super) Row);

impl TextRow {
    /// Roughly what it takes in memory, in bytes.
    pub(super) fn memory(&self) -> usize {
        let values = (0..self.0.len()).map(|column| match self.0.as_ref(column) {
            Some(Value::Bytes(bytes)) => bytes.len(),
            _ => 0,
        });
        values.fold(0, |sum: usize, bytes| {
            sum.saturating_add(bytes).saturating_add(size_of::<Value>())
        })
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        self.0.len()
    }

    /// The bytes of a column, as the server stores or prints them; `None` for NULL.
    pub(crate) fn bytes(&self, column: usize) -> Result<Option<&[u8]>> {
        match self.0.as_ref(column) {
            Some(Value::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Value::NULL) => Ok(None),
            _ => Err(Error::new(
                ErrorKind::Protocol,
                format!("the server's answer has no text in column {column}"),
            )),
        }
    }

    /// The text of a column, or `None` for NULL.
    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<String>> {
        self.bytes(column)?
            .map(|bytes| {
                String::from_utf8(bytes.to_vec()).map_err(|error| {
                    Error::new(
                        ErrorKind::Protocol,
                        format!("the server's answer is not UTF-8 in column {column}"),
                    )
                    .with_source(error)
                })
            })
            .transpose()
    }

    /// The text of a column; NULL is the empty text.
    pub(crate) fn text(&self, column: usize) -> Result<String> {
        Ok(self.optional_text(column)?.unwrap_or_default())
    }

    /// The whole number in a column, or `None` for NULL.
    pub(crate) fn optional_number(&self, column: usize) -> Result<Option<u64>> {
        self.optional_text(column)?
            .map(|text| {
                text.parse().map_err(|_| {
                    Error::new(
                        ErrorKind::Protocol,
                        format!("the server's answer is not a number in column {column}"),
                    )
                })
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::context::Context;
    use crate::server::TlsMode;
    use crate::server::fake::Fake;
    use crate::server::session::Session;

    /// Of one that is missing the rows would be taken for none.
    #[tokio::test]
    async fn every_query_of_a_text_has_to_be_answered() {
        let queries = |query: &str| {
            let answer: &[&str] = if query.starts_with("SELECT @@version") {
                &["9.7.4", "a comment", "host:3306:1", "0"]
            } else {
                &["1"]
            };
            vec![answer.iter().map(|text| (*text).to_owned()).collect()]
        };
        let fake = Fake { queries: Some(Arc::new(queries)), ..Fake::default() };
        let (options, _) = fake.start().await;
        let options = options.with_tls_mode(TlsMode::Disabled);
        let mut session = Session::open(&options, &Context::new()).await.unwrap();
        let one = session.query_each(&["SELECT 1".to_owned()]).await.unwrap();
        assert_eq!((one.len(), one[0].len()), (1, 1));
        let two = ["SELECT 1", "SELECT 2"].map(str::to_owned);
        let error = session.query_each(&two).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("fewer answers"), "{error}");
    }
}

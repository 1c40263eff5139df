//! Tables that no snapshot covers: they are held still by a READ lock while they are read.

use super::options::{DumpOptions, NonTransactional};
use super::plan::Plan;
use crate::archive::Held;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::ident::{ObjectKind, ObjectName, quote_identifier};
use crate::server::{ConnectOptions, ER_LOCK_WAIT_TIMEOUT, Session};

/// Holds one table at a time, by a connection of its own: `LOCK TABLES` would end the snapshot of
/// the one that reads.
pub(super) struct Still {
    connect: ConnectOptions,
    /// How long to wait for the lock: meanwhile writers of the table queue behind it.
    lock_wait_seconds: u32,
    session: Option<Session>,
}

impl Still {
    pub(super) fn new(connect: &ConnectOptions, lock_wait_seconds: u32) -> Self {
        Self { connect: connect.clone(), lock_wait_seconds, session: None }
    }

    /// Keeps everybody from writing to a table until [`Self::release`]. Tells whether the account
    /// may do that.
    ///
    /// # Errors
    /// If the lock is not to be had in a few seconds: others wait as long as this waits.
    pub(super) async fn hold(&mut self, table: &ObjectName, context: &Context) -> Result<Held> {
        let mut session = if let Some(session) = self.session.take() {
            session
        } else {
            let mut session = Session::open(&self.connect, context).await?;
            session.set_up_for_dump(self.lock_wait_seconds).await?;
            session
        };
        let locked = session
            .execute(format!(
                "LOCK TABLES {}.{} READ",
                quote_identifier(table.database_name().unwrap_or_default()),
                quote_identifier(table.name())
            ))
            .await;
        self.session = Some(session);
        match locked {
            Ok(()) => Ok(Held::ReadLock),
            Err(error) if error.kind() == ErrorKind::Privilege => Ok(Held::Nothing),
            Err(error) => Err(match error.server().cloned() {
                Some(server) if server.number == ER_LOCK_WAIT_TIMEOUT => Error::new(
                    ErrorKind::Server,
                    format!(
                        "it has no transactions, and others have written to it for \
                         {} seconds without a gap in which it could be locked; run the dump again, \
                         or let it wait longer (with_lock_wait_seconds)",
                        self.lock_wait_seconds
                    ),
                )
                .with_source(server),
                _ => error,
            }),
        }
    }

    /// Lets others write again.
    pub(super) async fn release(&mut self) -> Result<()> {
        match &mut self.session {
            Some(session) => session.execute("UNLOCK TABLES").await,
            None => Ok(()),
        }
    }

    /// The connection, if it ever needed one, to be closed.
    pub(super) fn into_session(self) -> Option<Session> {
        self.session
    }
}

/// The tables that are to be read and that no snapshot covers.
pub(super) fn tables(plan: &Plan, options: &DumpOptions) -> Vec<ObjectName> {
    if !options.rows() {
        return Vec::new();
    }
    let all = plan.databases.iter().flat_map(|database| {
        let tables = database.tables.iter();
        let outside = tables.filter(|table| !table.transactional && !table.rows_live_elsewhere());
        outside.map(|table| ObjectName::new(ObjectKind::Table, &database.name, &table.name))
    });
    let left_out = options.tables_without_rows();
    all.filter(|table| !left_out.iter().any(|selector| selector.matches(table))).collect()
}

/// Fails with the names of all of them, where the options want none.
pub(super) fn refuse(plan: &Plan, options: &DumpOptions) -> Result<()> {
    if options.nontransactional() != NonTransactional::Refuse {
        return Ok(());
    }
    let names: Vec<_> = tables(plan, options).iter().map(ObjectName::to_string).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "no snapshot covers tables without transactions, and the options refuse them: {}",
            names.join(", ")
        ),
    ))
}

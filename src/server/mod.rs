//! The server: how to reach it, and what it says about itself.

mod accounts;
mod catalog;
mod connect;
mod connect_url;
mod driver_error;
mod error_number;
#[cfg(test)]
mod fake;
mod flavor;
mod identity;
mod operation_lock;
mod option_file;
mod options;
mod peer;
mod privileges;
mod role_admins;
mod rows;
mod session;
mod settings;
mod snapshot;
mod tls;

pub(crate) use accounts::{Accounts, GrantStatement};
pub(crate) use catalog::{
    Charset, Column, ColumnKind, Database, Fingerprints, Generated, Histogram, InnodbIds, Period,
    Table, TableState, TableStates, Trigger, is_system_database, string_literal,
};
pub(crate) use connect::has_no_free_connection;
pub(crate) use error_number::{
    ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_CANNOT_SET_DATABASE_ENCRYPTION,
    ER_CANT_AGGREGATE_2COLLATIONS, ER_CANT_AGGREGATE_3COLLATIONS, ER_CANT_AGGREGATE_NCOLLATIONS,
    ER_CANT_CREATE_TABLE, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_ILLEGAL_HA,
    ER_ILLEGAL_HA_CREATE_OPTION, ER_LOCK_DEADLOCK, ER_LOCK_WAIT_TIMEOUT, ER_NO_SUCH_USER,
    ER_PARSE_ERROR, ER_SP_DOES_NOT_EXIST, ER_TOO_BIG_ROWSIZE, ER_TOO_MANY_USER_CONNECTIONS,
    ER_USER_LIMIT_REACHED, ER_VIEW_INVALID, ER_VIEW_RECURSIVE, ER_WRONG_VALUE,
    is_missing_or_changed,
};
pub use flavor::{Flavor, ServerVersion};
pub use identity::ServerIdentity;
pub(crate) use operation_lock::{Asked, OperationLock};
pub use options::{ConnectOptions, Password};
pub(crate) use privileges::Privileges;
pub(crate) use rows::{Rows, TextRow};
pub(crate) use session::Session;
pub(crate) use snapshot::{Opened, start_snapshot};
pub use tls::TlsMode;

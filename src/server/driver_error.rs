//! From the driver's errors to ours: nothing of the driver's types passes this file.

use mysql_async::{DriverError, IoError};

use crate::error::{Error, ErrorKind, ServerError};

use super::error_number::{
    ER_ACCESS_DENIED_CHANGE_USER_ERROR, ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR,
    ER_BINLOG_CREATE_ROUTINE_NEED_SUPER, ER_COLUMNACCESS_DENIED_ERROR, ER_CON_COUNT_ERROR,
    ER_DBACCESS_DENIED_ERROR, ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED, ER_KILL_DENIED_ERROR,
    ER_MUST_CHANGE_PASSWORD, ER_MUST_CHANGE_PASSWORD_LOGIN, ER_NO_PERMISSION_TO_CREATE_USER,
    ER_NORMAL_SHUTDOWN, ER_NOT_SUPPORTED_AUTH_MODE, ER_PASSWORD_ANONYMOUS_USER,
    ER_PLUGIN_IS_NOT_LOADED, ER_PROCACCESS_DENIED_ERROR, ER_SERVER_IS_IN_SECURE_AUTH_MODE,
    ER_SERVER_OFFLINE_MODE, ER_SERVER_SHUTDOWN, ER_SHUTDOWN_COMPLETE,
    ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_TOO_MANY_USER_CONNECTIONS,
    ER_USER_LIMIT_REACHED, ER_VIEW_NO_EXPLAIN, mariadb, mysql,
};

/// What the driver said, kept as text: its own types hold packets and rows, which `Debug` of an
/// error must not show.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct DriverFailure(String);

/// Our error for a failure of the driver; `message` says what was being done.
#[cold]
pub(crate) fn from_driver(error: mysql_async::Error, message: impl Into<String>) -> Error {
    match error {
        mysql_async::Error::Server(answer) => {
            let answer = server_error(answer);
            Error::new(kind_of_answer(answer.number), message).with_source(answer)
        }
        mysql_async::Error::Io(IoError::Io(cause)) => {
            Error::new(ErrorKind::Connect, message).with_source(cause)
        }
        #[cfg(feature = "tls")]
        mysql_async::Error::Io(IoError::Tls(cause)) => {
            Error::new(ErrorKind::Connect, message).with_source(DriverFailure(cause.to_string()))
        }
        mysql_async::Error::Driver(DriverError::ConnectionClosed) => {
            Error::new(ErrorKind::Connect, message)
                .with_source(DriverFailure("the connection is closed".into()))
        }
        other => {
            Error::new(ErrorKind::Protocol, message).with_source(DriverFailure(other.to_string()))
        }
    }
}

/// The server's error answer in our type.
pub(super) fn server_error(answer: mysql_async::ServerError) -> ServerError {
    ServerError { number: answer.code, sqlstate: answer.state, message: answer.message }
}

/// The kind of a server's error answer.
///
/// Only numbers that mean the same whatever the flavour is are told apart; the rest is
/// [`ErrorKind::Server`].
pub(crate) fn kind_of_answer(number: u16) -> ErrorKind {
    match number {
        ER_ACCESS_DENIED_ERROR
        | ER_ACCESS_DENIED_NO_PASSWORD_ERROR
        | ER_ACCESS_DENIED_CHANGE_USER_ERROR
        | ER_HOST_IS_BLOCKED
        | ER_HOST_NOT_PRIVILEGED
        | ER_MUST_CHANGE_PASSWORD
        | ER_MUST_CHANGE_PASSWORD_LOGIN
        | ER_NOT_SUPPORTED_AUTH_MODE
        | ER_PLUGIN_IS_NOT_LOADED
        | ER_SERVER_IS_IN_SECURE_AUTH_MODE
        | mysql::ER_ACCOUNT_HAS_BEEN_LOCKED
        | mysql::ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK => ErrorKind::Auth,
        ER_DBACCESS_DENIED_ERROR
        | ER_KILL_DENIED_ERROR
        | ER_PASSWORD_ANONYMOUS_USER
        | ER_TABLEACCESS_DENIED_ERROR
        | ER_COLUMNACCESS_DENIED_ERROR
        | ER_NO_PERMISSION_TO_CREATE_USER
        | ER_SPECIFIC_ACCESS_DENIED_ERROR
        | ER_VIEW_NO_EXPLAIN
        | ER_PROCACCESS_DENIED_ERROR
        | ER_BINLOG_CREATE_ROUTINE_NEED_SUPER
        | mysql::ER_PERSIST_ONLY_ACCESS_DENIED_ERROR
        | mysql::ER_DB_ACCESS_DENIED
        | mysql::ER_SPECIFIC_ACCESS_DENIED => ErrorKind::Privilege,
        ER_CON_COUNT_ERROR
        | ER_TOO_MANY_USER_CONNECTIONS
        | ER_USER_LIMIT_REACHED
        | ER_SERVER_SHUTDOWN
        | ER_NORMAL_SHUTDOWN
        | ER_SHUTDOWN_COMPLETE
        | ER_SERVER_OFFLINE_MODE
        | mysql::ER_SESSION_WAS_KILLED
        | mariadb::ER_CONNECTION_KILLED => ErrorKind::Connect,
        _ => ErrorKind::Server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16) -> mysql_async::Error {
        mysql_async::Error::Server(mysql_async::ServerError {
            code,
            message: "no\nway".into(),
            state: "42000".into(),
        })
    }

    #[test]
    fn a_server_error_keeps_number_state_and_text() {
        let error = from_driver(answer(1146), "could not read table `a`.`b`");
        assert_eq!(error.kind(), ErrorKind::Server);
        let server = error.server().unwrap();
        assert_eq!((server.number, server.sqlstate.as_str()), (1146, "42000"));
        assert_eq!(
            error.chain(),
            "could not read table `a`.`b`: server error 1146 (42000): no\\nway"
        );
    }

    #[test]
    fn the_number_decides_the_kind() {
        for (number, kind) in [
            (1045, ErrorKind::Auth),
            (1130, ErrorKind::Auth),
            (3118, ErrorKind::Auth),
            // A locked account of MariaDB, a bulk load of MySQL.
            (4151, ErrorKind::Server),
            (1044, ErrorKind::Privilege),
            (1142, ErrorKind::Privilege),
            (1227, ErrorKind::Privilege),
            (1040, ErrorKind::Connect),
            (1053, ErrorKind::Connect),
            // A timeout of MySQL, a missing trigger of MariaDB.
            (4031, ErrorKind::Server),
            (1213, ErrorKind::Server),
        ] {
            assert_eq!(from_driver(answer(number), "x").kind(), kind, "{number}");
        }
    }

    #[test]
    fn the_packet_of_a_protocol_error_is_not_shown() {
        let error = from_driver(
            mysql_async::Error::Driver(DriverError::UnexpectedPacket {
                payload: b"secret row".to_vec(),
            }),
            "could not read",
        );
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(error.chain(), "could not read: Driver error: `Unexpected packet.'");
        // The bytes of `secret` as a list of numbers.
        assert!(!format!("{error:?}").contains("115, 101, 99"));
    }

    #[test]
    fn a_broken_stream_is_a_connect_error() {
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let error = from_driver(broken.into(), "lost the connection");
        assert_eq!(error.kind(), ErrorKind::Connect);
        assert!(error.is_retryable());
        let closed = mysql_async::Error::Driver(DriverError::ConnectionClosed);
        assert_eq!(from_driver(closed, "lost").kind(), ErrorKind::Connect);
    }
}

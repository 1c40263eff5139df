//! Error numbers of the server by their symbolic names in the manuals.
//!
//! A number that means the same on MySQL and MariaDB, or exists on one of them only, stands at the
//! top. Where one server uses another's number for something else, the name stands in the module
//! of its server and is compared only when the flavour is known.
#![expect(dead_code, reason = "the list is kept whole; not every number has a user yet")]

pub(crate) const ER_CANT_CREATE_TABLE: u16 = 1005;
pub(crate) const ER_ILLEGAL_HA: u16 = 1031;
pub(crate) const ER_CON_COUNT_ERROR: u16 = 1040;
pub(crate) const ER_DBACCESS_DENIED_ERROR: u16 = 1044;
pub(crate) const ER_ACCESS_DENIED_ERROR: u16 = 1045;
pub(crate) const ER_NO_DB_ERROR: u16 = 1046;
pub(crate) const ER_BAD_DB_ERROR: u16 = 1049;
pub(crate) const ER_BAD_FIELD_ERROR: u16 = 1054;
pub(crate) const ER_SERVER_SHUTDOWN: u16 = 1053;
pub(crate) const ER_PARSE_ERROR: u16 = 1064;
pub(crate) const ER_UNKNOWN_COM_ERROR: u16 = 1047;
pub(crate) const ER_NORMAL_SHUTDOWN: u16 = 1077;
pub(crate) const ER_SHUTDOWN_COMPLETE: u16 = 1079;
pub(crate) const ER_NO_SUCH_THREAD: u16 = 1094;
pub(crate) const ER_KILL_DENIED_ERROR: u16 = 1095;
pub(crate) const ER_TOO_BIG_ROWSIZE: u16 = 1118;
pub(crate) const ER_UNKNOWN_TABLE: u16 = 1109;
pub(crate) const ER_HOST_IS_BLOCKED: u16 = 1129;
pub(crate) const ER_HOST_NOT_PRIVILEGED: u16 = 1130;
pub(crate) const ER_PASSWORD_ANONYMOUS_USER: u16 = 1131;
pub(crate) const ER_NONEXISTING_GRANT: u16 = 1141;
pub(crate) const ER_TABLEACCESS_DENIED_ERROR: u16 = 1142;
pub(crate) const ER_COLUMNACCESS_DENIED_ERROR: u16 = 1143;
pub(crate) const ER_NO_SUCH_TABLE: u16 = 1146;
pub(crate) const ER_NET_PACKET_TOO_LARGE: u16 = 1153;
pub(crate) const ER_UNKNOWN_SYSTEM_VARIABLE: u16 = 1193;
pub(crate) const ER_TOO_MANY_USER_CONNECTIONS: u16 = 1203;
pub(crate) const ER_LOCK_WAIT_TIMEOUT: u16 = 1205;
pub(crate) const ER_NO_PERMISSION_TO_CREATE_USER: u16 = 1211;
pub(crate) const ER_LOCK_DEADLOCK: u16 = 1213;
pub(crate) const ER_USER_LIMIT_REACHED: u16 = 1226;
pub(crate) const ER_SPECIFIC_ACCESS_DENIED_ERROR: u16 = 1227;
pub(crate) const ER_WRONG_VALUE_FOR_VAR: u16 = 1231;
pub(crate) const ER_NOT_SUPPORTED_AUTH_MODE: u16 = 1251;
pub(crate) const ER_SERVER_IS_IN_SECURE_AUTH_MODE: u16 = 1275;
pub(crate) const ER_OPTION_PREVENTS_STATEMENT: u16 = 1290;
pub(crate) const ER_SP_DOES_NOT_EXIST: u16 = 1305;
pub(crate) const ER_QUERY_INTERRUPTED: u16 = 1317;
pub(crate) const ER_VIEW_NO_EXPLAIN: u16 = 1345;
pub(crate) const ER_WRONG_OBJECT: u16 = 1347;
pub(crate) const ER_TRG_DOES_NOT_EXIST: u16 = 1360;
pub(crate) const ER_CANT_AGGREGATE_2COLLATIONS: u16 = 1267;
pub(crate) const ER_CANT_AGGREGATE_3COLLATIONS: u16 = 1270;
pub(crate) const ER_CANT_AGGREGATE_NCOLLATIONS: u16 = 1271;
pub(crate) const ER_WRONG_VALUE: u16 = 1525;
pub(crate) const ER_VIEW_INVALID: u16 = 1356;
pub(crate) const ER_VIEW_RECURSIVE: u16 = 1462;
pub(crate) const ER_PROCACCESS_DENIED_ERROR: u16 = 1370;
pub(crate) const ER_TABLE_DEF_CHANGED: u16 = 1412;
pub(crate) const ER_BINLOG_CREATE_ROUTINE_NEED_SUPER: u16 = 1419;
pub(crate) const ER_NO_SUCH_USER: u16 = 1449;
pub(crate) const ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: u16 = 1792;
pub(crate) const ER_EVENT_DOES_NOT_EXIST: u16 = 1539;
pub(crate) const ER_ILLEGAL_HA_CREATE_OPTION: u16 = 1478;
pub(crate) const ER_PLUGIN_IS_NOT_LOADED: u16 = 1524;
pub(crate) const ER_ACCESS_DENIED_NO_PASSWORD_ERROR: u16 = 1698;
pub(crate) const ER_MUST_CHANGE_PASSWORD: u16 = 1820;
pub(crate) const ER_MUST_CHANGE_PASSWORD_LOGIN: u16 = 1862;
pub(crate) const ER_ACCESS_DENIED_CHANGE_USER_ERROR: u16 = 1873;
pub(crate) const ER_SERVER_OFFLINE_MODE: u16 = 3032;
pub(crate) const ER_SECURE_TRANSPORT_REQUIRED: u16 = 3159;
pub(crate) const ER_CANNOT_SET_DATABASE_ENCRYPTION: u16 = 3827;

/// Whether an error says that an object, or the version of it that a snapshot knows, is not there.
pub(crate) const fn is_missing_or_changed(number: u16) -> bool {
    matches!(
        number,
        ER_BAD_DB_ERROR
            | ER_BAD_FIELD_ERROR
            | ER_NO_SUCH_TABLE
            | ER_SP_DOES_NOT_EXIST
            | ER_WRONG_OBJECT
            | ER_TRG_DOES_NOT_EXIST
            | ER_TABLE_DEF_CHANGED
            | ER_EVENT_DOES_NOT_EXIST
    )
}

/// Numbers of `MySQL`.
pub(crate) mod mysql {
    pub(crate) const ER_PERSIST_ONLY_ACCESS_DENIED_ERROR: u16 = 3630;
    pub(crate) const ER_DB_ACCESS_DENIED: u16 = 3879;
    pub(crate) const ER_SPECIFIC_ACCESS_DENIED: u16 = 6038;
    pub(crate) const ER_QUERY_TIMEOUT: u16 = 3024;
    pub(crate) const ER_ACCOUNT_HAS_BEEN_LOCKED: u16 = 3118;
    pub(crate) const ER_SESSION_WAS_KILLED: u16 = 3169;
    pub(crate) const ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK: u16 = 3955;
    pub(crate) const ER_CLIENT_INTERACTION_TIMEOUT: u16 = 4031;
}

/// Numbers of `MariaDB`.
pub(crate) mod mariadb {
    pub(crate) const ER_CONNECTION_KILLED: u16 = 1927;
    pub(crate) const ER_STATEMENT_TIMEOUT: u16 = 1969;
    pub(crate) const ER_USER_IS_BLOCKED: u16 = 4150;
    pub(crate) const ER_ACCOUNT_HAS_BEEN_LOCKED: u16 = 4151;
}

//! The names by which programs tell refusals and failures apart.

use serde::{Serialize, Serializer};

macro_rules! names {
    ($($name:ident = $text:literal,)+) => {
        /// What has gone wrong, as the member `error` of an answer and of the result of a job.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ErrorName {
            $($name,)+
        }

        impl ErrorName {
            /// All of them. Not outside of tests: there the compiler tells which one nobody uses.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name as clients see it.
            pub(super) const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

names! {
    BackupDamaged = "BACKUP_DAMAGED",
    BackupIncomplete = "BACKUP_INCOMPLETE",
    BackupInProgress = "BACKUP_IN_PROGRESS",
    BackupInUse = "BACKUP_IN_USE",
    BackupNotFound = "BACKUP_NOT_FOUND",
    BackupUnreadable = "BACKUP_UNREADABLE",
    BodyTooLarge = "BODY_TOO_LARGE",
    BodyUnreadable = "BODY_UNREADABLE",
    Cancelled = "CANCELLED",
    CannotDeleteSymlink = "CANNOT_DELETE_SYMLINK",
    ConfirmationRequired = "CONFIRMATION_REQUIRED",
    CrossSiteRequest = "CROSS_SITE_REQUEST",
    DatabaseAccessDenied = "DATABASE_ACCESS_DENIED",
    DatabaseChanged = "DATABASE_CHANGED",
    DatabaseError = "DATABASE_ERROR",
    DatabaseProtocolError = "DATABASE_PROTOCOL_ERROR",
    DatabaseUnreachable = "DATABASE_UNREACHABLE",
    Forbidden = "FORBIDDEN",
    IdentityUnavailable = "IDENTITY_UNAVAILABLE",
    InsufficientStorage = "INSUFFICIENT_STORAGE",
    InternalError = "INTERNAL_ERROR",
    InvalidConfiguration = "INVALID_CONFIGURATION",
    InvalidFilename = "INVALID_FILENAME",
    InvalidMode = "INVALID_MODE",
    InvalidParameter = "INVALID_PARAMETER",
    InvalidSortParameter = "INVALID_SORT_PARAMETER",
    InvalidTimeout = "INVALID_TIMEOUT",
    JobNotFound = "JOB_NOT_FOUND",
    JobOfAnotherProcess = "JOB_OF_ANOTHER_PROCESS",
    MalformedJson = "MALFORMED_JSON",
    MethodNotAllowed = "METHOD_NOT_ALLOWED",
    MissingFilename = "MISSING_FILENAME",
    MissingPrivilege = "MISSING_PRIVILEGE",
    NothingToRollBack = "NOTHING_TO_ROLL_BACK",
    OperationInProgress = "OPERATION_IN_PROGRESS",
    PreconditionFailed = "PRECONDITION_FAILED",
    PreRestoreBackupFailed = "PRE_RESTORE_BACKUP_FAILED",
    RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE",
    RestoredDataDiffers = "RESTORED_DATA_DIFFERS",
    RestoreHalfDone = "RESTORE_HALF_DONE",
    RestoreInProgress = "RESTORE_IN_PROGRESS",
    RouteNotFound = "ROUTE_NOT_FOUND",
    StorageError = "STORAGE_ERROR",
    TimedOut = "TIMED_OUT",
    Unauthenticated = "UNAUTHENTICATED",
    UnknownField = "UNKNOWN_FIELD",
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
    UnsupportedObject = "UNSUPPORTED_OBJECT",
}

impl Serialize for ErrorName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn texts(list: &Value) -> BTreeSet<&str> {
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    }

    /// What stands as the name of an error anywhere in a part of the document.
    fn mentioned<'a>(part: &'a Value, found: &mut BTreeSet<&'a str>) {
        match part {
            Value::Object(members) => {
                for (name, value) in members {
                    match value.get("enum") {
                        Some(list) if name == "error" => found.extend(texts(list)),
                        _ => mentioned(value, found),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| mentioned(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_has_every_name_and_no_other() {
        let document: Value = serde_json::from_str(super::super::OPENAPI).unwrap();
        let all: BTreeSet<_> = ErrorName::ALL.iter().map(|name| name.text()).collect();
        assert_eq!(all.len(), ErrorName::ALL.len(), "two names are the same");
        let schemas = &document["components"]["schemas"];
        assert_eq!(texts(&schemas["ErrorName"]["enum"]), all);
        for schema in ["Error", "Failure"] {
            let name = &schemas[schema]["properties"]["error"]["$ref"];
            assert_eq!(name, "#/components/schemas/ErrorName", "{schema}");
        }
        let mut told = BTreeSet::new();
        mentioned(&document["paths"], &mut told);
        mentioned(&document["components"], &mut told);
        // Those that no operation answers with: of paths and methods that are not in the document,
        // and of jobs that another operation stops.
        let elsewhere = ["METHOD_NOT_ALLOWED", "OPERATION_IN_PROGRESS", "ROUTE_NOT_FOUND"];
        assert!(told.is_disjoint(&elsewhere.into()));
        told.extend(elsewhere);
        assert_eq!(told, all);
    }
}

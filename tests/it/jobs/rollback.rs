//! Restores that do not succeed: what was there before is there again, exactly.

use snapdump::{BackupName, ErrorKind, JobState, RestoreMode, RestoreRequest, TargetState};

use super::setup::{completed, ended, manager};
use crate::backup::{present, state};
use crate::compare::compare;
use crate::harness::TestDatabase;
use crate::sample::sample_database;

/// Fails after it has changed and added something of every kind.
const FAILS_LATE: &str = "DROP TABLE loans;\n\
    CREATE VIEW loans AS SELECT 1 AS one;\n\
    CREATE TABLE added (id INT PRIMARY KEY, other INT, KEY (other));\n\
    CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES added (id));\n\
    INSERT INTO added VALUES (1, 1);\n\
    CREATE VIEW added_view AS SELECT * FROM added;\n\
    CREATE PROCEDURE added_procedure() SELECT 1;\n\
    CREATE FUNCTION added_function() RETURNS INT DETERMINISTIC RETURN 1;\n\
    CREATE TRIGGER added_trigger BEFORE INSERT ON added FOR EACH ROW SET NEW.other = 1;\n\
    CREATE EVENT added_event ON SCHEDULE EVERY 1 DAY DISABLE DO SET @x = 1;\n\
    ALTER DATABASE CHARACTER SET latin1;\n\
    INSERT INTO nowhere VALUES (1);\n";

async fn differences(before: &crate::compare::Description, database: &TestDatabase) -> Vec<String> {
    compare(before, &state(database).await).iter().map(ToString::to_string).collect()
}

fn script(directory: &tempfile::TempDir, text: &str) -> BackupName {
    std::fs::write(directory.path().join("script.sql"), text).unwrap();
    "script.sql".parse().unwrap()
}

on_each_server! {
    /// A database without objects has defaults all the same, and no restore point has them.
    async fn an_empty_database_has_its_options_again(server: TestServer) {
        let (options, other) = if server.is_mariadb() {
            ("COMMENT = 'it''s \\\\ mine'", "COMMENT = ''")
        } else {
            ("DEFAULT ENCRYPTION = 'Y'", "DEFAULT ENCRYPTION = 'N'")
        };
        for other in [other, "CHARACTER SET latin1"] {
            let database = server.database_with(&format!("COLLATE utf8mb4_bin {options}")).await;
            let before = state(&database).await;
            let (directory, manager) = manager(&database).await;
            let text = format!("ALTER DATABASE {other};\nCREATE PROCEDURE p() SELECT 1;\nINSERT INTO nowhere VALUES (1);\n");
            let file = script(&directory, &text);
            let job = manager.restore(RestoreRequest::new(file)).await.unwrap();
            let status = ended(&job).await;
            let error = status.error.unwrap().chain;
            assert!(error.contains("nowhere"), "{error}");
            assert!(status.restore_point.is_none());
            assert_eq!(status.target, Some(TargetState::RolledBack));
            assert_eq!(differences(&before, &database).await, [""; 0]);
        }
    }

    /// Also what the failed restore has added is gone, and both outcomes are told.
    async fn a_restore_that_fails_is_rolled_back_exactly(server: TestServer) {
        let database = sample_database(&server, 200).await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        let file = script(&directory, FAILS_LATE);
        let job = manager.restore(RestoreRequest::new(file.clone())).await.unwrap();
        let error = job.wait().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server, "{}", error.chain());
        let status = ended(&job).await;
        assert_eq!(status.state, JobState::Failed);
        assert_eq!(status.error.as_ref().unwrap().kind, ErrorKind::Server);
        assert!(status.error.as_ref().unwrap().chain.contains("nowhere"));
        let rollback = status.rollback.as_ref().unwrap();
        assert!(rollback.succeeded, "{rollback:?}");
        assert_eq!(status.target, Some(TargetState::RolledBack));
        assert!(status.restore_point.is_some() && status.report.is_none());
        assert_eq!(differences(&before, &database).await, [""; 0]);
        assert_eq!(manager.job(job.id()).await.unwrap(), status);

        // Not put back if nobody wants it; then one call does it later.
        let request = RestoreRequest::new(file).with_rollback(false);
        let status = ended(&manager.restore(request).await.unwrap()).await;
        assert_eq!((status.target, status.rollback.as_ref()), (Some(TargetState::Partial), None));
        assert!(status.is_half_done());
        assert!(present(&database).await.contains("table added"));
        completed(&manager.roll_back(status.id).await.unwrap()).await;
        assert_eq!(differences(&before, &database).await, [""; 0]);
        let after = manager.job(status.id).await.unwrap();
        assert_eq!(after.target, Some(TargetState::RolledBack));
        let again = manager.roll_back(status.id).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Config);
    }

    /// An empty database has no restore point, and is empty again after a failure.
    async fn an_empty_target_is_empty_again(server: TestServer) {
        let database = server.database().await;
        let before = state(&database).await;
        let (directory, manager) = manager(&database).await;
        let file = script(&directory, &FAILS_LATE["DROP TABLE loans;\n".len()..]);
        let status = ended(&manager.restore(RestoreRequest::new(file)).await.unwrap()).await;
        assert_eq!(status.state, JobState::Failed);
        assert_eq!((status.target, status.restore_point), (Some(TargetState::RolledBack), None));
        assert_eq!(differences(&before, &database).await, [""; 0]);
    }

    /// Merge keeps what the file does not hold; replace does not.
    async fn the_mode_says_what_becomes_of_other_objects(server: TestServer) {
        let database = server.database().await;
        database.run(&["CREATE TABLE kept (id INT)"]).await;
        let (directory, manager) = manager(&database).await;
        let file = script(&directory, "CREATE TABLE one (id INT);\nINSERT INTO one VALUES (1);\n");
        completed(&manager.restore(RestoreRequest::new(file.clone())).await.unwrap()).await;
        let names = present(&database).await;
        assert!(names.contains("table kept") && names.contains("table one"), "{names:?}");
        let request = RestoreRequest::new(file).with_mode(RestoreMode::Replace);
        let status = completed(&manager.restore(request).await.unwrap()).await;
        assert_eq!(present(&database).await.into_iter().collect::<Vec<_>>(), ["table one"]);
        // Nothing of it is lost.
        let point = status.restore_point.unwrap();
        completed(&manager.restore(RestoreRequest::new(point)).await.unwrap()).await;
        assert_eq!(present(&database).await, names);
    }
}

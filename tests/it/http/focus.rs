//! The focus on the admin page, for whoever works by keyboard or by ear: what changes by itself leaves
//! it where it is, or where one would look next.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::json;
use snapdump::ManagerOptions;
use snapdump::http::router;
use tokio::sync::Semaphore;

use super::api::manager;
use super::browser::Browser;
use super::contract::Gate;
use super::page::{ENTER, ESCAPE, Session};
use crate::harness::TestServer;
use crate::roundtrip::connect;

/// What has the focus, by its label or its id.
const FOCUS: &str =
    "document.activeElement.getAttribute('aria-label') || document.activeElement.id";
const ROWS: &str = "document.querySelectorAll('#rows tr').length";

/// A page with more backups than it shows at first, and jobs that are held at their start.
struct Visit {
    browser: Browser,
    directory: tempfile::TempDir,
    gate: Arc<Semaphore>,
}

impl Visit {
    async fn focus(&self, label: &str) {
        let selector = json!(format!("#rows button[aria-label='{label}']"));
        self.browser.value(&format!("document.querySelector({selector}).focus()")).await;
        self.has_focus(label).await;
    }

    async fn has_focus(&self, label: &str) {
        assert_eq!(self.browser.value(FOCUS).await, label);
    }

    /// Starts a backup, which does not end before [`Self::end`].
    async fn begin(&self) {
        self.browser.click("#create").await;
        self.browser.until_text("#job-title", "Backing up").await;
    }

    /// Lets it end, and waits until the list has it.
    async fn end(&self) {
        let backups = "document.querySelectorAll('#rows .manual').length";
        let before = self.browser.value(backups).await;
        self.gate.add_permits(1);
        self.browser.until(&format!("{backups} === {before} + 1")).await;
        assert_eq!(self.browser.value(ROWS).await, 40, "the pages that were loaded are shown");
    }

    fn rewrite(&self, name: &str) {
        std::fs::write(self.directory.path().join(name), "SELECT 'something else';\n").unwrap();
    }
}

/// Files of other tools, a day apart.
fn fill(directory: &Path, files: u32) {
    for number in 0..files {
        let path = directory.join(format!("old-{number:02}.sql"));
        std::fs::write(&path, "SELECT 1;\n").unwrap();
        let day = Duration::from_secs(24 * 3600);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000) + day * number;
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
}

#[tokio::test]
async fn the_focus_is_never_lost() {
    let server = TestServer::mariadb_10_11();
    let database = server.database().await;
    let (directory, downloads) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(directory.path(), 45);
    let gate = Arc::new(Semaphore::new(0));
    let options = ManagerOptions::default().with_hooks(Gate(Arc::clone(&gate)));
    let manager = manager(connect(&database), directory.path(), options).await;
    let app = router(manager, Session("administrator"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    let browser = Browser::start(downloads.path()).await;
    let visit = Visit { browser, directory, gate };
    let browser = &visit.browser;
    browser.open(&url).await;
    browser.until(&format!("{ROWS} === 20")).await;

    // More of the list: one reads on where it goes on.
    browser.click("#more").await;
    browser.until(&format!("{ROWS} === 40")).await;
    visit.has_focus("Download old-24.sql").await;

    // A button of a backup keeps it when a job has ended,
    visit.begin().await;
    visit.focus("Delete old-30.sql").await;
    visit.end().await;
    visit.has_focus("Delete old-30.sql").await;
    // also if something about the backup has changed;
    visit.begin().await;
    visit.focus("Restore old-43.sql").await;
    visit.rewrite("old-43.sql");
    visit.end().await;
    visit.has_focus("Restore old-43.sql").await;
    // and if the backup is gone, there is always something to begin with.
    visit.begin().await;
    visit.focus("Delete old-44.sql").await;
    std::fs::remove_file(visit.directory.path().join("old-44.sql")).unwrap();
    visit.end().await;
    visit.has_focus("create").await;

    // A dialogue keeps it, and gives it back to the button that has opened it, or the one in its place.
    visit.begin().await;
    visit.focus("Delete old-42.sql").await;
    browser.keys(ENTER).await;
    browser.until("document.activeElement.id === 'dialog-word'").await;
    visit.rewrite("old-42.sql");
    visit.end().await;
    visit.has_focus("dialog-word").await;
    browser.keys(ESCAPE).await;
    browser.until("!document.querySelector('#dialog').open").await;
    browser.until(&format!("({FOCUS}) === 'Delete old-42.sql'")).await;

    // The button that cancels a job gives way to the one that puts its end away.
    visit.begin().await;
    browser.value("document.querySelector('#job-cancel').focus()").await;
    visit.end().await;
    visit.has_focus("job-dismiss").await;
    browser.keys(ENTER).await;
    browser.until("document.querySelector('#job').hidden").await;
    visit.has_focus("create").await;
    // Pressed once, it cannot be pressed again, and still has it; a cancelled job may end at once.
    visit.begin().await;
    let pressed = "((button) => { button.focus(); button.click(); return [\
         button.getAttribute('aria-disabled'), document.activeElement.id]; \
         })(document.querySelector('#job-cancel'))";
    assert_eq!(browser.value(pressed).await, json!(["true", "job-cancel"]));
    browser.until_text("#job-title", "Backup cancelled").await;
    visit.has_focus("job-dismiss").await;

    // The last of the list: there is no button for more any longer.
    browser.click("#more").await;
    browser.until(&format!("{ROWS} > 40")).await;
    assert!(!browser.sees("#more").await);
    visit.has_focus("Download old-08.sql").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    visit.browser.close().await;
}

//! The admin page, as a person uses it: the program `serve` on a real server, in a real browser.

use std::path::Path;
use std::time::Duration;

use axum::http::request::Parts;
use mysql_async::prelude::Queryable as _;
use snapdump::http::{AuthorizeError, Authorizer, Identity, Role, router};
use snapdump::{BackupManager, ManagerOptions, RestoreRequest};

use super::api::{TOKEN, manager};
use super::browser::Browser;
use super::program::Serve;
use crate::backup::number;
use crate::faults::proxy::Proxy;
use crate::harness::{TestDatabase, TestServer};
use crate::roundtrip::connect;

pub(super) const ENTER: &str = "\u{e007}";
pub(super) const ESCAPE: &str = "\u{e00c}";
const TAB: &str = "\u{e004}";

/// A shop that is large enough for its backup to be something.
async fn shop(server: &TestServer) -> TestDatabase {
    let database = server.database().await;
    database
        .run(&[
            "CREATE TABLE customer (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, \
             note TEXT)",
            "INSERT INTO customer (name, note) SELECT CONCAT('Customer ', seq), \
             SHA2(seq, 512) FROM seq_1_to_20000",
            "CREATE TABLE product (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(80))",
            "INSERT INTO product (title) SELECT CONCAT('Product ', seq) FROM seq_1_to_500",
            "CREATE TABLE zero (id INT PRIMARY KEY)",
        ])
        .await;
    database
}

async fn customers(database: &TestDatabase) -> i64 {
    number(database, "SELECT COUNT(*) FROM customer").await
}

/// The first file in a folder that a browser has finished.
async fn downloaded(folder: &Path) -> std::path::PathBuf {
    for _ in 0..600 {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "gz") {
                return path;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing was downloaded");
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "it is one visit, told from its beginning to its end")]
async fn a_person_backs_up_and_restores() {
    let server = TestServer::mariadb_10_11();
    let database = shop(&server).await;
    let (directory, downloads) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The first backup stops before it reads the last table; the proxy sees that only in clear text.
    let proxy = Proxy::hold_at(&connect(&database), "FROM `zero`", 0).await;
    let mut url: url::Url = database.url().parse().unwrap();
    url.set_port(Some(proxy.options(&connect(&database)).port())).unwrap();
    url.set_query(Some("prefer-socket=false&ssl-mode=disabled"));
    let serve = Serve::with_token(url.as_str(), directory.path()).await;
    let browser = Browser::start(downloads.path()).await;
    browser.dark(false).await;

    // Sign in: not by a wrong token, but by the right one.
    browser.open(&serve.url).await;
    browser.until_text("#sign-in", "Access token").await;
    assert!(!browser.sees("#content").await);
    browser.picture("sign-in").await;
    browser.keys(&format!("not-the-right-token{ENTER}")).await;
    browser.until_text("#sign-in-error", "does not know this token").await;
    browser.keys(&format!("{TOKEN}{ENTER}")).await;
    browser.until_text("#empty", "There is no backup yet").await;
    assert!(!browser.sees("#sign-in").await);
    browser.picture("empty").await;

    // Back up, and look at it meanwhile.
    browser.click("#create").await;
    browser.until_text("#job-title", "Backing up manual_").await;
    proxy.held().await;
    browser.until_text("#job-facts", " of 3").await;
    assert!(browser.sees("#job-bar").await && browser.sees("#job-cancel").await);
    browser.picture("running").await;
    browser.dark(true).await;
    browser.picture("running-dark").await;
    browser.dark(false).await;
    // A second one does not start.
    browser.click("#create").await;
    browser.until_text("#notice", "Another operation is running").await;
    // Loaded again, the page finds the job, and is still signed in.
    browser.reload().await;
    browser.until_text("#job-title", "Backing up manual_").await;
    proxy.release();
    browser.until_text("#job-title", "Backup completed").await;
    browser.until_text("#rows td.name", "manual_").await;
    let name = browser.text("#rows td.name").await;
    assert_eq!(browser.text("#rows td.tables").await, "3");
    assert_eq!(browser.text("#rows .kind").await, "manual");
    assert!(browser.text("#summary").await.starts_with("1 backup, "));
    assert!(!browser.sees("#job-cancel").await);

    // Download: the very bytes, by the browser's own means.
    browser.click("#rows button[aria-label^=Download]").await;
    let copy = downloaded(downloads.path()).await;
    assert_eq!(copy.file_name().unwrap().to_str().unwrap(), name);
    let original = std::fs::read(directory.path().join(&name)).unwrap();
    assert!(std::fs::read(copy).unwrap() == original, "the download is not the backup");
    snapdump::verify(downloads.path().join(&name), &snapdump::Context::new()).await.unwrap();

    // Damage, and restore by the keyboard alone; nothing but the exact word will do.
    database.run(&["DELETE FROM customer WHERE id > 7"]).await;
    browser.value("document.querySelector('#rows button[aria-label^=Restore]').focus()").await;
    browser.keys(ENTER).await;
    browser.until_text("#dialog-title", "Restore this backup?").await;
    assert!(browser.text("#dialog").await.contains("is saved as a restore point and verified"));
    assert_eq!(browser.text("#dialog-file").await, name);
    browser.keys(ESCAPE).await;
    browser.until("!document.querySelector('#dialog').open").await;
    let focus = "document.activeElement.getAttribute('aria-label')";
    assert_eq!(browser.value(focus).await, format!("Restore {name}"));
    browser.keys(ENTER).await;
    browser.until("document.activeElement.id === 'dialog-word'").await;
    for wrong in ["restore", "", "RESTORE ", "DELETE"] {
        browser.value("document.querySelector('#dialog-word').value = ''").await;
        browser.keys(&format!("{wrong}{ENTER}")).await;
        assert!(!browser.is_enabled("#dialog-go").await, "{wrong:?}");
    }
    assert!(browser.sees("#dialog").await);
    browser.value("document.querySelector('#dialog-word').value = ''").await;
    browser.keys("RESTORE").await;
    browser.until("document.querySelector('#dialog-word').value === 'RESTORE'").await;
    browser.until("!document.querySelector('#dialog-go').disabled").await;
    browser.picture("restore").await;
    assert_eq!(customers(&database).await, 7, "nothing has begun");
    browser.keys(ENTER).await;
    browser.until_text("#job-title", "Restore completed").await;
    assert_eq!(customers(&database).await, 20_000);
    browser.until_text("#rows .kind", "restore point").await;
    browser.until_text("#past", "Past operations").await;

    // Cancel, while a table that somebody else has locked holds the backup up.
    let mut holder = database.conn().await;
    holder.query_drop("LOCK TABLES zero WRITE").await.unwrap();
    browser.click("#create").await;
    browser.until_text("#job-title", "Backing up").await;
    browser.click("#job-cancel").await;
    browser.until_text("#job-title", "Backup cancelled").await;
    holder.disconnect().await.unwrap();
    browser.until_text("#job-detail", "CANCELLED").await;
    browser.click("#job-dismiss").await;
    assert!(!browser.sees("#job").await);
    browser.click("#past summary").await;
    browser.until_text("#jobs .cancelled", "Backup cancelled").await;
    browser.click("#past summary").await;

    // What it looks like, on a desk and on a phone.
    browser.click("#create").await;
    browser.until_text("#job-title", "Backup completed").await;
    browser.picture("list").await;
    browser.dark(true).await;
    browser.picture("list-dark").await;
    browser.dark(false).await;
    browser.phone(true).await;
    browser.picture("phone").await;
    let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(browser.value(wide).await, 0, "a phone has to scroll sideways");
    assert!(browser.sees("#rows button[aria-label^=Delete]").await);
    browser.phone(false).await;

    // Delete.
    let gone = format!("#rows button[aria-label='Delete {name}']");
    browser.click(&gone).await;
    browser.until_text("#dialog-title", "Delete this backup?").await;
    browser.keys(&format!("delete{ENTER}")).await;
    assert!(!browser.is_enabled("#dialog-go").await);
    assert!(directory.path().join(&name).exists());
    browser.value("document.querySelector('#dialog-word').value = ''").await;
    browser.keys(&format!("DELETE{TAB}")).await;
    browser.click("#dialog-go").await;
    browser.until(&format!("document.querySelector({gone:?}) === null")).await;
    assert_eq!(browser.value("document.activeElement.id").await, "create");
    assert!(!directory.path().join(&name).exists());

    // Everything that can be pressed or filled in says what it is.
    let nameless = "[...document.querySelectorAll('button, input, select, a')].filter((one) => \
        !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length)).length";
    assert_eq!(browser.value(nameless).await, 0);

    // Without the token nothing is told; and signing out forgets it.
    let status = "fetch('api/backup/list').then((answer) => answer.status)";
    browser.value(&format!("void ({status}.then((status) => {{ window.seen = status; }}))")).await;
    browser.until("window.seen === 401").await;
    browser.click("#sign-out").await;
    browser.until_text("#sign-in", "Access token").await;
    assert_eq!(browser.value("sessionStorage.length").await, 0);
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
    let log = serve.log();
    assert!(!log.contains(TOKEN) && !log.contains("ticket="), "{log}");
}

/// An application that knows its users by itself: the header stands for its session.
pub(super) struct Session(pub(super) &'static str);

impl Authorizer for Session {
    async fn authorize(&self, _: &Parts) -> Result<Identity, AuthorizeError> {
        match self.0 {
            "user" => Ok(Identity::new("bob", Role::User)),
            "administrator" => Ok(Identity::new("ada", Role::Administrator)),
            _ => Err(AuthorizeError::Unauthenticated),
        }
    }

    fn challenge(&self) -> &'static str {
        "Session"
    }
}

/// Mounted in an application at a path, with its own sign-in: who has no business there is told so,
/// who has needs no token.
#[tokio::test]
async fn the_page_is_at_home_in_an_application() {
    let server = TestServer::mariadb_10_11();
    let database = server.database().await;
    let (directory, downloads) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let manager = manager(connect(&database), directory.path(), ManagerOptions::default()).await;
    let mut app = axum::Router::new();
    for who in ["nobody", "user", "administrator"] {
        app = app.nest_service(&format!("/{who}/backup"), router(manager.clone(), Session(who)));
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, app).into_future());
    let browser = Browser::start(downloads.path()).await;

    browser.open(&format!("{base}/nobody/backup")).await;
    browser.until_text("#refused", "Sign in to the application").await;
    assert!(!browser.sees("#sign-in").await && !browser.sees("#content").await);
    browser.open(&format!("{base}/user/backup/")).await;
    browser.until_text("#refused", "needs the role of an administrator").await;
    assert!(!browser.sees("#content").await);

    for slash in ["", "/"] {
        browser.open(&format!("{base}/administrator/backup{slash}")).await;
        browser.until_text("#empty", "There is no backup yet").await;
    }
    assert!(!browser.sees("#sign-out").await);
    browser.click("#create").await;
    browser.until_text("#job-title", "Backup completed").await;
    browser.click("#rows button[aria-label^=Download]").await;
    let copy = downloaded(downloads.path()).await;
    let name = copy.file_name().unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(directory.path().join(name)).unwrap());
    // A directory that cannot be read is an error on the page, which goes away by itself.
    let aside = directory.path().with_extension("aside");
    std::fs::rename(directory.path(), &aside).unwrap();
    browser.reload().await;
    browser.until_text("#list-error", "could not be loaded").await;
    assert!(!browser.sees("#list").await);
    browser.picture("error").await;
    std::fs::rename(&aside, directory.path()).unwrap();
    browser.click("#retry").await;
    browser.until_text("#rows td.name", "manual_").await;
    assert!(!browser.sees("#list-failed").await);
    assert_eq!(browser.value("document.activeElement.id").await, "create");
    // An operation that nobody can name is in the way: it is said, and there is nothing to watch.
    let lock = directory.path().join(".snapdump.lock");
    let lock = std::fs::File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    browser.click("#create").await;
    browser.until_text("#notice", "uses the backup directory").await;
    assert!(!browser.sees("#job").await);
    drop(lock);
    how_fast(&browser, directory.path()).await;
    half_done(&browser, &manager, &database).await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}

/// How fast a job is, and when it will be over, as far as that can be told: here by the bytes of a
/// script that pauses on its way.
async fn how_fast(browser: &Browser, directory: &Path) {
    let row = format!("INSERT INTO pace VALUES ('{}');\nDO SLEEP(0.5);\n", "x".repeat(300_000));
    let script = format!("CREATE TABLE pace (text MEDIUMTEXT);\n{}", row.repeat(60));
    std::fs::write(directory.join("slow.sql"), script).unwrap();
    browser.reload().await;
    browser.click("#rows button[aria-label='Restore slow.sql']").await;
    browser.until("document.activeElement.id === 'dialog-word'").await;
    browser.keys(&format!("RESTORE{ENTER}")).await;
    browser.until_text("#job-title", "Restoring slow.sql").await;
    let fact = |name: &str| {
        format!(
            "[...document.querySelectorAll('#job-facts div')]\
             .find((one) => one.firstChild.textContent === '{name}')?.lastChild.textContent ?? ''"
        )
    };
    browser.until(&format!("/^[1-9][\\d.]* [kM]B\\/s$/.test({})", fact("Rate"))).await;
    browser.until(&format!("/^about \\d+.* (s|min)/.test({})", fact("Time left"))).await;
    browser.until(&format!("/^[1-9]\\d? %$/.test({})", fact("Done"))).await;
    browser.picture("rate").await;
    browser.click("#job-cancel").await;
    browser.until_text("#job-title", "Restore cancelled").await;
    browser.until_text("#job-detail", "Everything is as it was before").await;
    assert!(!browser.sees("#job-facts div:nth-child(2)").await, "only how long it took is left");
    browser.click("#job-dismiss").await;
}

/// A restore that was left half done stands on the page until it is settled, one way or the other.
async fn half_done(browser: &Browser, manager: &BackupManager, database: &TestDatabase) {
    database.run(&["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]).await;
    let script = "INSERT INTO t VALUES (2);\nINSERT INTO nowhere VALUES (1);\n";
    std::fs::write(manager.directory().path().join("broken.sql"), script).unwrap();
    for (button, word, sum) in [("Roll back", "ROLLBACK", 1), ("Keep as it is", "KEEP", 3)] {
        let request = RestoreRequest::new("broken.sql".parse().unwrap()).with_rollback(false);
        manager.restore(request).await.unwrap().wait().await.unwrap_err();
        browser.reload().await;
        browser.until_text("#half-done h2", "left half done").await;
        browser.click("#create").await;
        browser.until_text("#notice", "A restore was left half done").await;
        browser.until_text("#job-title", "Restore failed").await;
        browser.picture("half-done").await;
        browser.dark(true).await;
        browser.picture("half-done-dark").await;
        browser.dark(false).await;
        browser.phone(true).await;
        browser.picture("half-done-phone").await;
        browser.phone(false).await;
        let ask = format!(
            "[...document.querySelectorAll('#half-done button')]\
             .find((one) => one.textContent === '{button}').click()"
        );
        browser.value(&ask).await;
        browser.until("document.activeElement.id === 'dialog-word'").await;
        browser.keys(&format!("{}{ENTER}", word.to_lowercase())).await;
        assert!(!browser.is_enabled("#dialog-go").await);
        browser.value("document.querySelector('#dialog-word').value = ''").await;
        browser.picture(word).await;
        browser.keys(&format!("{word}{ENTER}")).await;
        browser.until("document.querySelector('#half-done').children.length === 0").await;
        assert_eq!(number(database, "SELECT SUM(id) FROM t").await, sum, "{button}");
    }
    browser.click("#create").await;
    browser.until_text("#job-title", "Backup completed").await;
}

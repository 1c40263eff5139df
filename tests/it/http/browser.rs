//! A headless Chromium, driven through chromedriver.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(60);
const HOW_TO_INSTALL: &str = "the test of the admin page needs Chromium and its driver: \
    apt-get install chromium chromium-driver (scripts/test does it where it can)";
/// A folder to put pictures of the page into, if set.
const PICTURES: &str = "SNAPDUMP_TEST_PICTURES";

pub(crate) struct Browser {
    client: Client,
    /// Killed when it is dropped; the browser goes with it.
    _driver: Child,
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        let body = json!({"cmd": self.0, "params": self.1});
        (Method::POST, Some(body.to_string()))
    }
}

/// The messages of the browser's console since the last time.
#[derive(Debug)]
struct Console;

impl WebDriverCompatibleCommand for Console {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

impl Browser {
    /// Starts one that saves what it downloads in a folder.
    pub(crate) async fn start(downloads: &Path) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{error}: {HOW_TO_INSTALL}"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
            let line = line.expect("chromedriver says where it listens");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": [
                    "--headless=new",
                    // It may run as root, which the sandbox does not allow, in a container whose
                    // shared memory is small.
                    "--no-sandbox",
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    "--hide-scrollbars",
                    "--lang=en-GB",
                    "--window-size=1100,800",
                ],
                "prefs": {
                    "download.default_directory": downloads,
                    "download.prompt_for_download": false,
                },
            },
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let client = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error| panic!("{error}: {HOW_TO_INSTALL}"));
        Self { client, _driver: driver }
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// What a JavaScript expression comes to.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        match self.client.execute(&script, Vec::new()).await {
            Ok(value) => value,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// Waits until a JavaScript expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        let begun = std::time::Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.value(expression).await == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never became true: {expression}\n{}", self.text("body").await);
    }

    /// Waits until an element can be seen and holds a text.
    pub(crate) async fn until_text(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!(
            "[...document.querySelectorAll({selector})].some((one) => one.checkVisibility() \
             && one.textContent.includes({text}))"
        ))
        .await;
    }

    /// What a person sees of an element.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn sees(&self, selector: &str) -> bool {
        let selector = json!(selector);
        self.value(&format!("document.querySelector({selector})?.checkVisibility() === true")).await
            == true
    }

    /// Clicks an element, once it is there: the page puts new rows in the place of old ones when an
    /// answer has come.
    pub(crate) async fn click(&self, selector: &str) {
        let begun = std::time::Instant::now();
        loop {
            let clicked = match self.client.find(Locator::Css(selector)).await {
                Ok(element) => element.click().await,
                Err(error) => Err(error),
            };
            match clicked {
                Ok(()) => return,
                Err(error) if begun.elapsed() >= PATIENCE => panic!("{selector}: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Presses keys in whatever has the focus.
    pub(crate) async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    pub(crate) async fn is_enabled(&self, selector: &str) -> bool {
        let element = self.client.find(Locator::Css(selector)).await.unwrap();
        element.is_enabled().await.unwrap()
    }

    pub(crate) async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.tools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Makes the window as wide as a phone, or a desktop again.
    pub(crate) async fn phone(&self, phone: bool) {
        if phone {
            let size = json!(
                {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true}
            );
            self.tools("Emulation.setDeviceMetricsOverride", size).await;
        } else {
            self.tools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        }
    }

    async fn tools(&self, command: &'static str, parameters: Value) {
        self.client.issue_cmd(DevTools(command, parameters)).await.unwrap();
    }

    /// What the browser has to say about the page: errors of scripts, violations of the policy.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Console).await.unwrap();
        let entries = entries.as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            // Answers such as 401 and 409 are told as well.
            .filter(|message| !message.contains("Failed to load resource"))
            .collect()
    }

    /// Takes a picture of the page, if somebody wants to look at it.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os(PICTURES) else { return };
        // Once what moves has come to rest.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}

//! Chromium and ChromeDriver as processes that end with the test.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::port::free_port;
use crate::process::Process;
use crate::scratch::scratch_dir;

/// Seconds on an idle machine.
const START_LIMIT: Duration = Duration::from_secs(120);

/// In a container there are neither the namespaces that Chromium's sandbox needs nor much of /dev/shm; and a test wants no
/// requests but its own.
const OPTIONS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// Dropped in this order, so that nothing writes to the profile when it is removed.
#[derive(Debug)]
pub(crate) struct Programs {
    driver: Process,
    driver_port: u16,
    _chromium: Process,
    chromium_port: u16,
    _profile: TempDir,
}

impl Programs {
    pub(crate) fn start() -> Result<Self> {
        let profile = scratch_dir()?;
        let mut command = Command::new("chromium");
        command.args(OPTIONS).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        command.env("HOME", profile.path());
        let mut chromium = Process::spawn(&command)?;
        let line = chromium.wait_for_line("DevTools listening on ws://", START_LIMIT).context(MISSING)?;
        let chromium_port = number_after(&line, "127.0.0.1:")?;
        // A port that it chooses itself may be taken in the other address family.
        let driver_port = free_port();
        let mut driver = Process::spawn(Command::new("chromedriver").arg(format!("--port={driver_port}")))?;
        driver.wait_for_line("was started successfully", START_LIMIT).context(MISSING)?;
        Ok(Self { driver, driver_port, _chromium: chromium, chromium_port, _profile: profile })
    }

    /// A session with the one page of this Chromium.
    pub(crate) async fn session(&self) -> Result<Client> {
        let options = json!({ "debuggerAddress": format!("127.0.0.1:{}", self.chromium_port) });
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let capabilities = [("goog:chromeOptions", options), ("goog:loggingPrefs", logs)];
        let capabilities = capabilities.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let session =
            builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{}", self.driver_port)).await;
        session.with_context(|| format!("ChromeDriver gives no session\n{}", self.driver.tail()))
    }
}

const MISSING: &str = "Chromium or ChromeDriver does not start: run `make setup-test`";

fn number_after(line: &str, mark: &str) -> Result<u16> {
    let rest = line.split_once(mark).map_or("", |(_, rest)| rest);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("no port in {line:?}"))
}

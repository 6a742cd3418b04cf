//! A real Chromium without a window, driven through ChromeDriver as WebDriver describes it, and by Chromium's own commands
//! (the DevTools protocol) for what WebDriver lacks: widths, colour schemes, requests that were sent.
//!
//! Each browser has a profile of its own, so nothing is remembered from test to test. Chromium is started here rather than by
//! ChromeDriver: so it ends with the test as well, however the test ends.

mod axe;
mod commands;
mod programs;

use std::sync::LazyLock;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::commands::{DevTools, Log};
use self::programs::Programs;

pub use self::axe::Finding;

/// The WebDriver client is asynchronous; tests are not.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a thread can be started")
});

/// How often an element is looked for again because the page replaced it: more often than a page can without being broken.
const RENEWALS_MAX: u32 = 100;

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// Whether the reader prefers light text on a dark page.
    pub dark: bool,
}

impl Viewport {
    /// A desktop.
    pub const WIDE: Self = Self { width: 1440, height: 900, dark: false };
    /// A phone.
    pub const NARROW: Self = Self { width: 390, height: 844, dark: false };

    /// The same in dark colours.
    #[must_use]
    pub fn in_the_dark(self) -> Self {
        Self { dark: true, ..self }
    }

    /// The same in light colours.
    #[must_use]
    pub fn in_the_light(self) -> Self {
        Self { dark: false, ..self }
    }
}

/// A running Chromium with one page. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    session: Client,
    _programs: Programs,
}

impl Browser {
    /// Starts it with an empty page, [`Viewport::WIDE`].
    ///
    /// # Errors
    /// If Chromium or ChromeDriver is missing or does not start.
    pub fn start() -> Result<Self> {
        let programs = Programs::start()?;
        let session = wait_for(programs.session())?;
        let browser = Self { session, _programs: programs };
        browser.look(Viewport::WIDE)?;
        Ok(browser)
    }

    /// Looks at pages like this from now on; the page that is open follows.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn look(&self, viewport: Viewport) -> Result<()> {
        let Viewport { width, height, dark } = viewport;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.dev_tools("Emulation.setDeviceMetricsOverride", size)?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.dev_tools("Emulation.setEmulatedMedia", features).map(drop)
    }

    /// Whether pages may run scripts, from the next page on.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn allow_scripts(&self, allowed: bool) -> Result<()> {
        self.dev_tools("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).map(drop)
    }

    /// Forgets what it keeps of pages, so that the next one is loaded as by somebody who comes for the first time.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn forget(&self) -> Result<()> {
        self.dev_tools("Network.clearBrowserCache", json!({})).map(drop)
    }

    /// Opens a page and waits until it has loaded.
    ///
    /// # Errors
    /// If nothing answers there.
    pub fn open(&self, url: &str) -> Result<()> {
        wait_for(self.session.goto(url)).with_context(|| format!("cannot open {url}"))?;
        self.expect_a_page().with_context(|| format!("cannot open {url}"))
    }

    /// Loads the page again.
    ///
    /// # Errors
    /// If nothing answers any more.
    pub fn reload(&self) -> Result<()> {
        wait_for(self.session.refresh()).context("cannot load the page again")?;
        self.expect_a_page().context("cannot load the page again")
    }

    /// The value of an expression in the page; a promise is waited for. The page's own rules about scripts do not apply.
    ///
    /// # Errors
    /// If the expression throws.
    pub fn evaluate(&self, expression: &str) -> Result<Value> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.dev_tools("Runtime.evaluate", asked)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("the page threw {thrown} in {}", shortened(expression));
        }
        Ok(answer["result"]["value"].take())
    }

    /// The text that a reader sees in the first element that the CSS selector finds.
    ///
    /// # Errors
    /// If there is none.
    pub fn text(&self, selector: &str) -> Result<String> {
        let text = || wait_for(async { self.session.find(Locator::Css(selector)).await?.text().await });
        while_renewed(text).with_context(|| format!("nothing to read at {selector}"))
    }

    /// Clicks the first element that the CSS selector finds.
    ///
    /// # Errors
    /// If there is none, or something covers it.
    pub fn click(&self, selector: &str) -> Result<()> {
        let click = || wait_for(async { self.session.find(Locator::Css(selector)).await?.click().await });
        while_renewed(click).with_context(|| format!("cannot click {selector}"))
    }

    /// Types into the first element that the CSS selector finds; `\u{e007}` is the Enter key, `\u{e004}` the Tab key.
    ///
    /// # Errors
    /// If there is none, or it takes no keys.
    pub fn enter(&self, selector: &str, keys: &str) -> Result<()> {
        let enter = async { self.session.find(Locator::Css(selector)).await?.send_keys(keys).await };
        wait_for(enter).with_context(|| format!("cannot type into {selector}"))
    }

    /// The whole page, also what lies below the window, as PNG.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let metrics = self.dev_tools("Page.getLayoutMetrics", json!({}))?;
        let size = &metrics["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let asked = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.dev_tools("Page.captureScreenshot", asked)?;
        let data = answer["data"].as_str().context("Chromium sent no picture")?;
        Ok(STANDARD.decode(data)?)
    }

    /// By how many pixels the page is wider than its window. 0 if nobody has to scroll sideways.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn overhang(&self) -> Result<i64> {
        let width = self.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")?;
        width.as_i64().context("the page has no width")
    }

    /// The warnings and errors on the console since they were last asked for.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn complaints(&self) -> Result<Vec<String>> {
        let entries = self.log("browser")?;
        let bad = entries.iter().filter(|entry| ["WARNING", "SEVERE"].iter().any(|level| entry["level"] == *level));
        Ok(bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// The addresses of all requests that were sent since they were last asked for.
    ///
    /// # Errors
    /// If the browser has ended.
    pub fn requested(&self) -> Result<Vec<String>> {
        let mut addresses = Vec::new();
        for entry in self.log("performance")? {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap_or_default())?;
            if event["message"]["method"] == "Network.requestWillBeSent" {
                let address = event["message"]["params"]["request"]["url"].as_str();
                addresses.push(address.context("a request without an address")?.to_owned());
            }
        }
        Ok(addresses)
    }

    /// What axe-core finds wrong with the page for people with disabilities, serious and critical findings only.
    ///
    /// # Errors
    /// If axe-core is missing or fails.
    pub fn findings(&self) -> Result<Vec<Finding>> {
        axe::findings(self)
    }

    /// Runs a command of the DevTools protocol, by the names of its documentation.
    ///
    /// # Errors
    /// If Chromium refuses it.
    pub fn dev_tools(&self, command: &'static str, parameters: Value) -> Result<Value> {
        self.issue(DevTools { command, parameters }).with_context(|| format!("Chromium refuses {command}"))
    }

    /// Chromium shows a page of its own where nothing answers.
    fn expect_a_page(&self) -> Result<()> {
        ensure!(self.evaluate("location.protocol")? != "chrome-error:", "nothing answers there");
        Ok(())
    }

    fn log(&self, name: &'static str) -> Result<Vec<Value>> {
        let entries = self.issue(Log { name }).context("Chromium does not show its log")?;
        Ok(entries.as_array().cloned().unwrap_or_default())
    }

    fn issue(&self, command: impl WebDriverCompatibleCommand + Send + 'static) -> Result<Value> {
        Ok(wait_for(self.session.issue_cmd(command))?)
    }
}

/// Looks again while the page replaced the element after it was found: nothing is wrong with a page that renews itself.
fn while_renewed<T>(act: impl Fn() -> Result<T, CmdError>) -> Result<T, CmdError> {
    let mut renewals = 0;
    loop {
        match act() {
            Err(error) if error.is_stale_element_reference() && renewals < RENEWALS_MAX => renewals += 1,
            done => return done,
        }
    }
}

/// Waits for the WebDriver client, on a thread of its own, because a test may itself run in a runtime.
fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| scope.spawn(|| RUNTIME.block_on(future)).join()).expect("the WebDriver client does not panic")
}

fn shortened(expression: &str) -> String {
    expression.chars().take(200).collect()
}

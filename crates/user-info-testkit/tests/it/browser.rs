//! Browsers: what they show, what they tell about a page, and that they end.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use user_info_testkit::{Browser, Viewport, eventually};

const LIMIT: Duration = Duration::from_secs(60);

/// The page has a field without a label, and a picture that is nowhere to be had.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<title>A page</title>
<style>
body { background: white; margin: 0; }
@media (prefers-color-scheme: dark) { body { background: black; } }
div { width: 700px; height: 2000px; }
</style>
<main><h1>Hello</h1><input><button>Go</button><div>wide</div></main>
<img alt="" src="http://127.0.0.1:1/none.png">
<script>
const [field, button, title] = ["input", "button", "h1"].map((name) => document.querySelector(name));
button.addEventListener("click", () => { title.textContent = field.value; });
</script>
</html>"#;

/// A directory with the page, and the page's address.
fn page() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("page.html"), PAGE).unwrap();
    let address = format!("file://{}", directory.path().join("page.html").display());
    (directory, address)
}

/// Whether a process of a browser that this test process started still runs.
fn is_running() -> bool {
    let profile = format!("user-info-test-{}-", std::process::id());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.map(|process| fs::read(process.path().join("cmdline")).unwrap_or_default());
    commands
        .map(|command| String::from_utf8_lossy(&command).into_owned())
        .any(|command| command.contains("chromium") && command.contains(&profile))
}

#[test]
fn a_browser_shows_a_page_tells_about_it_and_ends() {
    let (_directory, address) = page();
    let browser = Browser::start().unwrap();
    browser.open(&address).unwrap();
    assert_eq!(browser.text("h1").unwrap(), "Hello");
    browser.enter("input", "there").unwrap();
    browser.click("button").unwrap();
    assert_eq!(browser.text("h1").unwrap(), "there");

    let requested = browser.requested().unwrap();
    assert_eq!(requested, [address, "http://127.0.0.1:1/none.png".to_owned()]);
    assert_eq!(browser.requested().unwrap(), Vec::<String>::new(), "they were told already");
    let complaints = browser.complaints().unwrap();
    assert!(matches!(&complaints[..], [one] if one.contains("none.png")), "{complaints:?}");

    let findings = browser.findings().unwrap();
    let found: Vec<(&str, &str)> = findings.iter().map(|it| (it.id.as_str(), it.impact.as_str())).collect();
    assert_eq!(found, [("label", "critical")], "{findings:?}");

    assert!(is_running());
    drop(browser);
    eventually(LIMIT, "the browser has ended", || !is_running());
}

#[test]
fn a_page_is_looked_at_in_the_chosen_way() {
    let (_directory, address) = page();
    let browser = Browser::start().unwrap();
    browser.open(&address).unwrap();
    assert_eq!((browser.evaluate("innerWidth").unwrap(), browser.overhang().unwrap()), (json!(1440), 0));
    browser.look(Viewport::NARROW.in_the_dark()).unwrap();
    assert_eq!((browser.evaluate("innerWidth").unwrap(), browser.overhang().unwrap()), (json!(390), 310));
    let ground = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(browser.evaluate(ground).unwrap(), "rgb(0, 0, 0)");
    browser.look(Viewport::WIDE).unwrap();
    assert_eq!(browser.evaluate(ground).unwrap(), "rgb(255, 255, 255)");

    let picture = browser.screenshot().unwrap();
    assert_eq!(&picture[1..4], b"PNG");
    // Width and height stand at fixed places of a PNG's header.
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    assert_eq!(number(16), 1440);
    assert!(number(20) > 2000, "what lies below the window is missing: {}", number(20));

    browser.allow_scripts(false).unwrap();
    browser.reload().unwrap();
    browser.enter("input", "there").unwrap();
    browser.click("button").unwrap();
    assert_eq!(browser.text("h1").unwrap(), "Hello");
}

#[test]
fn what_a_page_replaces_again_and_again_can_be_read_and_clicked() {
    let (_directory, address) = page();
    let browser = Browser::start().unwrap();
    browser.open(&address).unwrap();
    // Rarer than reading or clicking takes on a busy machine, so that one of them gets through; often enough to meet many.
    let renewing = "const renew = (name) => {
        const old = document.querySelector(name);
        old.replaceWith(old.cloneNode(true));
    };
    setInterval(renew, 25, 'h1');
    setInterval(renew, 400, 'button')";
    browser.evaluate(renewing).unwrap();
    for _ in 0..100 {
        assert_eq!(browser.text("h1").unwrap(), "Hello");
    }
    for _ in 0..10 {
        browser.click("button").unwrap();
    }
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let browser = Browser::start().unwrap();
    let thrown = browser.evaluate("nothing.there").unwrap_err().to_string();
    assert!(thrown.contains("nothing is not defined"), "{thrown}");
    assert_eq!(browser.evaluate("Promise.resolve([1, 'two'])").unwrap(), json!([1, "two"]));
    assert!(browser.open("http://127.0.0.1:1/").is_err());
    assert!(browser.click("#missing").is_err());
    assert!(browser.text("#missing").is_err());
    assert!(browser.dev_tools("No.such", json!({})).is_err());
}

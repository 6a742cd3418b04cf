//! What a person meets in a real Chromium: how long a user page takes until it is complete, and how long after a fact was
//! published the count on an open page is another one.
//!
//! `cargo bench -p user-info-bench --bench pages --bench pages`, with Chromium and ChromeDriver installed. Chromium, service and log share
//! the cores. Started without `--bench` it runs small, to show that it works.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first error")]

mod support;
mod users;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use user_info_core::{Fact, Id, Timestamp};
use user_info_log::{Log, NewRecord, ProducerConfig};
use user_info_store::StoreUrl;
use user_info_testkit::{Browser, Viewport};

use support::{open_log, serve};
use users::{filled, user};

/// The page that is looked at.
const USER: u64 = 7;

/// Notes the time at which the count of followers became another one.
const WATCH: &str = "new Promise(resolve => { \
    window.seen = []; \
    const count = document.querySelector('[data-field=followers_count]'); \
    new MutationObserver(() => window.seen.push([Number(count.textContent.replaceAll(',', '')), Date.now()])) \
        .observe(count, { childList: true, characterData: true, subtree: true }); \
    const wait = () => document.querySelector('[data-live]') ? resolve() : setTimeout(wait, 10); wait() })";

const LOADED: &str = "(entry => [entry.responseEnd, entry.domContentLoadedEventEnd, entry.loadEventEnd])\
                      (performance.getEntriesByType('navigation')[0])";

#[derive(Clone, Copy)]
struct Scale {
    users: u64,
    visits: u32,
    facts: u64,
}

#[tokio::main]
async fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let scale = if full {
        Scale { users: 100_000, visits: 100, facts: 300 }
    } else {
        Scale { users: 100, visits: 2, facts: 3 }
    };
    let directory = tempfile::tempdir().unwrap();
    let log = open_log(directory.path());
    let url = StoreUrl::RocksDb { path: directory.path().join("store") };
    let store = tokio::task::spawn_blocking(move || filled(&url, scale.users)).await.unwrap();
    let (address, stop, serving) = serve(&log, store).await;
    let page = format!("http://{address}/@user_{USER}");
    tokio::task::spawn_blocking(move || measure(&page, &log, scale)).await.unwrap();
    stop.cancel();
    serving.await.unwrap();
}

fn measure(page: &str, log: &Log, scale: Scale) {
    for (width, viewport) in [("1440 px", Viewport::WIDE), ("390 px", Viewport::NARROW)] {
        let browser = Browser::start().unwrap();
        browser.look(viewport).unwrap();
        browser.open(page).unwrap();
        print(&format!("complete, the first page of a new browser, {width}"), vec![complete(&browser)]);
        print(&format!("complete, nothing of it kept, {width}"), visits(&browser, scale.visits, true));
        print(&format!("complete, loaded again, {width}"), visits(&browser, scale.visits, false));
    }
    print("from publishing to the count on an open page", counts(page, log, scale.facts));
}

fn visits(browser: &Browser, count: u32, anew: bool) -> Vec<f64> {
    let visit = |_| {
        if anew {
            browser.forget().unwrap();
        }
        browser.reload().unwrap();
        complete(browser)
    };
    (0..count).map(visit).collect()
}

/// Milliseconds from the start of the navigation until everything that the page refers to is there.
fn complete(browser: &Browser) -> f64 {
    let times = browser.evaluate(LOADED).unwrap();
    times[2].as_f64().unwrap()
}

/// Milliseconds from each record's timestamp until the count on the page held it.
fn counts(page: &str, log: &Log, facts: u64) -> Vec<f64> {
    let browser = Browser::start().unwrap();
    browser.open(page).unwrap();
    browser.evaluate(WATCH).unwrap();
    let mut producer = log.producer(&ProducerConfig::default()).unwrap();
    let published: Vec<i64> = (0..facts)
        .map(|number| {
            let at = now_ms();
            producer.publish(&[follow(number)]).unwrap();
            // Not in step with the page, which takes at most ten events a second.
            std::thread::sleep(Duration::from_millis(20 + number * 37 % 200));
            at
        })
        .collect();
    let seen = until_seen(&browser, facts);
    let shown = |followers: u64| seen.iter().find(|(count, _)| *count >= followers).map(|(_, at)| *at).unwrap();
    published.iter().zip(1..).map(|(at, followers)| (shown(followers) - at) as f64).collect()
}

/// The counts that the page showed, and when.
fn until_seen(browser: &Browser, followers: u64) -> Vec<(u64, i64)> {
    loop {
        let seen = browser.evaluate("window.seen").unwrap();
        let of = |entry: &Value| (entry[0].as_u64().unwrap(), entry[1].as_i64().unwrap());
        let seen: Vec<(u64, i64)> = seen.as_array().unwrap().iter().map(of).collect();
        if seen.last().is_some_and(|(count, _)| *count == followers) {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn follow(number: u64) -> NewRecord {
    let created_at = Timestamp::from_millis(1_700_000_000_000).unwrap();
    let follower_id = Id::new(&format!("follower-{number}")).unwrap();
    NewRecord::fact(&Fact::Followed { follower_id, followee_id: user(USER), created_at })
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn print(what: &str, mut times_ms: Vec<f64>) {
    times_ms.sort_by(f64::total_cmp);
    let at = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share) as usize];
    let (p50, p95, max) = (at(0.5), at(0.95), at(1.0));
    println!("{what:<58} p50 {p50:5.0}  p95 {p95:5.0}  max {max:5.0} ms   ({} times)", times_ms.len());
}

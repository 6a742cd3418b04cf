//! The operator's page in a real browser: what it says, that it can be used by everybody, and what it never does.

use std::path::Path;
use std::time::Duration;

use user_info_core::Topic;
use user_info_log::{NewRecord, TopicLayout};
use user_info_service::ServiceConfig;
use user_info_service::clock::now_ms;
use user_info_service::history::recorder::HistoryConfig;
use user_info_service::history::sample::{Reading, Slot};
use user_info_service::history::window::{TOPICS, Window};
use user_info_service::history::{self, Range, Recorded};
use user_info_service::ingest::IngestLimits;
use user_info_testkit::{Browser, Viewport, eventually};

use crate::facts::{bad, followed, tweeted, user};
use crate::http::Connection;
use crate::server::{LIMIT, Server, World, config};

/// Short enough that tests need not wait, long enough that a page is drawn in between.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(300);

/// A user's id as somebody who means harm would choose it: a valid one.
const HOSTILE_ID: &str = "<script>window.hacked=1;<img\"'&";

/// A key that is no key.
const HOSTILE: &str = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'&\u{202e}";

fn recording() -> ServiceConfig {
    let history = HistoryConfig { sample_interval: SAMPLE_INTERVAL, ..HistoryConfig::default() };
    ServiceConfig { history, ..config() }
}

fn recording_to(file: &Path) -> ServiceConfig {
    let mut config = recording();
    config.history.file = Some(file.to_path_buf());
    config
}

fn page(server: &Server) -> String {
    format!("http://{}/", server.admin)
}

/// Facts, dead letters and requests, and samples of all of them.
fn with_traffic(world: &World, server: &Server) {
    let hostile = NewRecord::new(Topic::Users, HOSTILE, Some(b"{}".to_vec()));
    let bad = [bad(Topic::Likes, "1/2"), bad(Topic::Users, HOSTILE_ID), hostile];
    world.publish(&[user("1"), user("2"), followed("1", "2"), tweeted("1", "10")]);
    world.publish(&bad);
    server.until_caught_up(&world.log);
    for _ in 0..50 {
        assert_eq!(server.get("/users/1").status, 200);
    }
    until_page(server, "the traffic is recorded", |html| lines(html, "answers") > 0);
}

/// How many pieces of lines a plot has.
fn lines(html: &str, chart: &str) -> usize {
    let section = html.split_once(&format!("<h3 id=\"{chart}-title\"")).unwrap().1.split_once("</section>").unwrap().0;
    section.matches("stroke-width=\"2\"").count()
}

#[track_caller]
fn until_page(server: &Server, what: &str, wanted: impl Fn(&str) -> bool) {
    eventually(LIMIT, what, || wanted(server.admin("/").text()));
}

#[track_caller]
fn until_shown(browser: &Browser, selector: &str, words: &str) {
    let mut shown = String::new();
    eventually(LIMIT, &format!("{selector} shows {words}"), || {
        // An element may be replaced while it is read.
        shown = browser.text(selector).unwrap_or_default();
        shown.contains(words)
    });
}

#[test]
fn everybody_can_read_it_at_every_width_and_in_both_colours() {
    let world = World::new();
    let server = world.start_with(recording());
    with_traffic(&world, &server);
    let browser = Browser::start().unwrap();
    for size in [Viewport::WIDE, Viewport::NARROW] {
        for viewport in [size.in_the_light(), size.in_the_dark()] {
            for range in ["", "?range=day"] {
                browser.look(viewport).unwrap();
                browser.open(&format!("{}{range}", page(&server))).unwrap();
                assert_eq!(browser.overhang().unwrap(), 0, "{viewport:?} {range}: it is wider than the window");
                assert_eq!(browser.findings().unwrap(), [], "{viewport:?} {range}");
                assert_eq!(browser.complaints().unwrap(), Vec::<String>::new(), "{viewport:?} {range}");
            }
        }
    }
    // Also what is folded away at first.
    browser.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })").unwrap();
    assert_eq!((browser.findings().unwrap(), browser.overhang().unwrap()), (vec![], 0));
    let requested = browser.requested().unwrap();
    assert!(requested.len() >= 16, "{requested:?}");
    let elsewhere: Vec<&String> = requested.iter().filter(|address| !address.starts_with(&page(&server))).collect();
    assert_eq!(elsewhere, Vec::<&String>::new(), "a request left the host");
}

#[test]
fn what_comes_from_records_is_shown_and_does_nothing() {
    let world = World::new();
    let server = world.start_with(recording());
    with_traffic(&world, &server);
    let browser = Browser::start().unwrap();
    browser.open(&page(&server)).unwrap();
    let shown =
        browser.evaluate("[...document.querySelectorAll('#letters code')].map(key => key.textContent)").unwrap();
    let keys: Vec<&str> = shown.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    let times = |wanted: &str| keys.iter().filter(|key| **key == wanted).count();
    assert_eq!((times(HOSTILE_ID), times(HOSTILE)), (2, 1), "as dead letters, and as a tainted key: {keys:?}");
    assert_eq!(browser.evaluate("typeof window.hacked").unwrap(), "undefined");
    assert!(
        browser.text("#letters").unwrap().contains("the value is not a fact"),
        "{}",
        browser.text("#letters").unwrap()
    );
    assert_eq!(browser.complaints().unwrap(), Vec::<String>::new());
}

#[test]
fn the_policy_is_strict_and_nothing_stands_inline() {
    let world = World::new();
    let server = world.start_with(recording());
    with_traffic(&world, &server);
    for target in ["/", "/?range=day", "/operator.css", "/operator.js", "/operator.svg"] {
        let answer = server.admin(target);
        assert_eq!(answer.status, 200, "{target}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        let header = |name| answer.header(name);
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{target}");
        assert_eq!(header("referrer-policy"), Some("no-referrer"), "{target}");
        assert_eq!(header("cache-control"), Some("no-cache"), "{target}");
    }
    let answer = server.admin("/");
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let html = answer.text();
    for inline in ["style=", "<style", "<script>", "onclick", "javascript:"] {
        assert!(!html.contains(inline), "{inline} stands in the page");
    }
    server.get("/operator.js").check_problem(404, "no-such-path");
}

#[test]
fn it_shows_the_partitions_that_matter_and_comes_packed() {
    let world = World::without_topics();
    world.log.create_topics(TopicLayout { partitions: 60, replication: 1 }).unwrap();
    let server = world.start_with(recording());
    server.until_caught_up(&world.log);
    let plain = server.admin("/");
    assert!(plain.text().contains("The 24 of 60 partitions that are farthest behind; /status names all."));
    assert_eq!(plain.text().matches("<th scope=\"row\">59</th>").count(), 0, "none is behind, so the first are shown");
    assert!(plain.body.len() < 50_000, "{} bytes", plain.body.len());
    let packed = Connection::open(server.admin).request("GET", "/", &[("accept-encoding", "gzip")]);
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), (Some("gzip"), Some("accept-encoding")));
    assert!(packed.body.len() < plain.body.len() / 3, "{} of {} bytes", packed.body.len(), plain.body.len());
}

#[test]
fn it_says_what_is_wrong_as_soon_as_it_is() {
    let world = World::new();
    let ingest = IngestLimits { bad_in_a_row_max: 3, ..IngestLimits::default() };
    let server = world.start_with(ServiceConfig { ingest, ..recording() });
    world.publish(&[user("1"), user("2")]);
    server.until_caught_up(&world.log);
    let browser = Browser::start().unwrap();
    browser.open(&page(&server)).unwrap();
    assert_eq!(browser.text("#health h2").unwrap(), "Healthy");
    assert!(browser.text("#health").unwrap().contains("Everything published so far is read, in 15 partitions"));
    browser.evaluate("window.since = 'it was opened'").unwrap();

    world.publish(&[bad(Topic::Likes, "1/1")]);
    until_shown(&browser, "#health", "Needs attention");
    until_shown(&browser, "#health", "1 key has a newest record that could not be used");
    world.publish(&[bad(Topic::Likes, "1/2"), bad(Topic::Likes, "1/3"), bad(Topic::Likes, "1/4")]);
    until_shown(&browser, "#health", "Not healthy");
    let health = browser.text("#health").unwrap();
    assert!(health.contains("Topic likes is halted: ") && health.contains("Way out: mend the producer"), "{health}");
    assert_eq!(browser.evaluate("document.title").unwrap(), "Not healthy · user-info");
    assert_eq!(browser.evaluate("window.since").unwrap(), "it was opened", "the page was loaded again");

    server.stop().unwrap();
    until_shown(&browser, "#health", "No answer");
    until_shown(&browser, "#health", "The service does not answer.");
}

#[test]
fn a_service_that_cannot_answer_yet_is_not_healthy() {
    let world = World::without_topics();
    let server = world.start_with(recording());
    until_page(&server, "the missing topics are told", |html| {
        html.contains("Not healthy")
            && html.contains("It is not ready for requests: the topics have not been read to their end yet.")
            && html.contains("Topic users is waiting for the topic to be created")
    });
    world.create_topics();
    until_page(&server, "it is healthy", |html| html.contains("<title>Healthy · user-info</title>"));
}

#[test]
fn renewing_it_in_place_disturbs_nobody() {
    let world = World::new();
    let server = world.start_with(recording());
    with_traffic(&world, &server);
    let browser = Browser::start().unwrap();
    browser.look(Viewport::NARROW).unwrap();
    browser.open(&page(&server)).unwrap();
    browser.click("#summary-users").unwrap();
    browser.evaluate("window.scrolled = scrollY").unwrap();
    assert_ne!(browser.evaluate("window.scrolled").unwrap(), 0);
    let table = "#partitions-users tbody tr:first-child";
    let before = browser.text("#topics tbody td:nth-child(3)").unwrap();
    world.publish(&[user("3")]);
    eventually(LIMIT, "the table is renewed", || {
        browser.text("#topics tbody td:nth-child(3)").is_ok_and(|text| text != before)
    });
    assert!(!browser.text(table).unwrap().is_empty(), "what was opened stays open");
    assert_eq!(browser.evaluate("document.activeElement.id").unwrap(), "summary-users", "the focus stays");
    assert_eq!(browser.evaluate("scrollY === window.scrolled").unwrap(), true, "the page stays where it is");

    browser.click("#pause").unwrap();
    assert_eq!(browser.text("#pause").unwrap(), "Go on");
    let before = browser.text("#now").unwrap();
    world.publish(&[user("4")]);
    until_page(&server, "there is something new", |html| !html.contains(&before));
    assert_eq!(browser.text("#now").unwrap(), before);
    browser.click("#pause").unwrap();
    eventually(LIMIT, "it goes on", || browser.text("#now").is_ok_and(|now| now != before));
}

#[test]
fn it_is_whole_without_scripts() {
    let world = World::new();
    let server = world.start_with(recording());
    with_traffic(&world, &server);
    let browser = Browser::start().unwrap();
    browser.allow_scripts(false).unwrap();
    browser.open(&page(&server)).unwrap();
    assert!(browser.text("#health").unwrap().contains("Needs attention"));
    assert!(browser.text("#charts").unwrap().contains("slowest"));
    assert!(browser.text("#pause").unwrap().is_empty(), "a button that does nothing");
    browser.click("nav a[href*=day]").unwrap();
    assert_eq!(browser.text("nav a[aria-current]").unwrap(), "Last day");
    browser.click("#summary-users").unwrap();
    assert!(browser.text("#partitions-users").unwrap().contains("at its end"));
}

#[test]
fn plots_hold_after_a_restart() {
    let world = World::new();
    let file = world.path("history");
    let server = world.start_with(recording_to(&file));
    with_traffic(&world, &server);
    until_page(&server, "all of it is recorded", |html| {
        // Every request so far lies in a sample, so the newest one has none.
        html.contains("<dt>99 of 100 answers within</dt><dd>no requests</dd>")
    });
    let before = slowest(&server);
    server.stop().unwrap();

    let server = world.start_with(recording_to(&file));
    until_page(&server, "the plots are there again", |html| lines(html, "answers") > 0);
    assert_eq!(slowest(&server), before);
    let html = server.admin("/").text().to_owned();
    assert!(html.contains(&format!("kept over restarts in {}", file.display())), "{html}");
    assert!(html.contains("users/"), "the dead letters are shown as well");
}

#[test]
fn time_in_which_the_service_was_away_is_a_gap() {
    const MINUTE_MS: i64 = 60_000;
    let world = World::new();
    let file = world.path("history");
    let (window, mut recorded) = (Window::default(), Recorded::default());
    let began_ms = now_ms() - 50 * MINUTE_MS;
    for minute in (0..10).chain(20..30) {
        for part in 1..=6 {
            let at_ms = began_ms + minute * MINUTE_MS + part * 10_000;
            window.answered(0.001);
            let mut slot = Slot::begin(at_ms - 10_000);
            let reading = Reading { at_ms, measured: window.take(), lags: [Some(part); TOPICS], store_bytes: Some(1) };
            slot.add(&reading);
            recorded.push(Range::Hour, slot.sample().unwrap());
        }
    }
    history::file::write(&file, &recorded).unwrap();
    let server = world.start_with(recording_to(&file));
    // Half, 99 of 100 and the slowest, each before and after the gap; nobody asks this server for anything.
    until_page(&server, "two pieces of each line", |html| lines(html, "answers") == 6);
    until_page(&server, "and a third where the service did run", |html| lines(html, "requests") == 3);
}

/// The row of the slowest answers, without what it is now.
fn slowest(server: &Server) -> String {
    let page = server.admin("/");
    let row =
        page.text().lines().find(|line| line.contains("slowest")).expect("a row of the slowest answers").to_owned();
    row.rsplit_once("<td>").unwrap().1.to_owned()
}

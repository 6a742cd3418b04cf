//! The page: everything that the template shows, in words.

use askama::Template;

use super::charts::Charts;
use super::health::{Health, judge};
use super::partitions::TopicRow;
use super::plot::SIZE;
use super::words::{amount, bytes, count, datetime, duration, moment};
use crate::admin::Admin;
use crate::admin::status::{Status, StoreFigures, StoreView, TaintedStatus};
use crate::clock::now_ms;
use crate::errors::RecentError;
use crate::history::Range;
use crate::history::letters::ShownLetter;
use crate::history::sample::Sample;

/// Tainted keys that the page names; `/status` names more.
const TAINTED_SHOWN_MAX: usize = 20;

#[derive(Template)]
#[template(path = "operator.html")]
struct Page<'a> {
    refresh_ms: u128,
    now: String,
    now_machine: String,
    health: Health,
    figures: Vec<Figure>,
    range: Range,
    charts: &'a Charts,
    size: (u32, u32),
    is_recorded: bool,
    topics: Vec<TopicRow>,
    letters: Vec<LetterRow>,
    letters_waiting: usize,
    tainted: Option<&'a TaintedStatus>,
    errors: Vec<ErrorRow>,
    version: &'static str,
    started: String,
    history_place: &'a str,
    store: Option<&'a StoreFigures>,
}

/// A figure of this moment.
struct Figure {
    name: &'static str,
    value: String,
}

struct LetterRow {
    at: String,
    letter: ShownLetter,
}

struct ErrorRow {
    at: String,
    error: RecentError,
}

/// The page as HTML.
pub(crate) fn render(admin: &Admin, status: &Status, range: Range) -> String {
    let now = now_ms();
    let published = admin.history.load();
    let newest = published.recorded.newest();
    let letters = admin.letters.before(&published.recorded.letters);
    let page = Page {
        refresh_ms: admin.refresh.as_millis(),
        now: moment(now, now),
        now_machine: datetime(now),
        health: judge(status, newest),
        figures: figures(status, newest, now),
        range,
        charts: published.charts(range),
        size: SIZE,
        is_recorded: newest.is_some(),
        topics: status.topics.iter().map(|topic| TopicRow::new(topic, now)).collect(),
        letters: letters.into_iter().map(|letter| LetterRow { at: moment(letter.timestamp_ms, now), letter }).collect(),
        letters_waiting: status.dead_letters_waiting.unwrap_or(0),
        tainted: status.tainted.as_ref().filter(|tainted| tainted.count > 0),
        errors: error_rows(&status.last_errors, now),
        version: status.version,
        started: moment(status.started_at_ms, now),
        history_place: &admin.history_place,
        store: store_figures(status),
    };
    page.render().expect("writing to a String cannot fail")
}

/// Newest first.
fn error_rows(errors: &[RecentError], now: i64) -> Vec<ErrorRow> {
    let newest_first = errors.iter().rev();
    newest_first.map(|error| ErrorRow { at: moment(error.at_ms, now), error: error.clone() }).collect()
}

fn figures(status: &Status, newest: Option<&Sample>, now: i64) -> Vec<Figure> {
    let unknown = || "unknown".to_owned();
    let store = store_figures(status);
    let mut figures = vec![
        ("Age of the data", status.age_ms.map_or_else(unknown, |age| duration(age as f64))),
        ("Running for", duration((now - status.started_at_ms) as f64)),
        ("Users, about", store.map_or_else(unknown, |store| count(store.users_estimated))),
        ("Store on disk", store.map_or_else(unknown, |store| bytes(store.bytes as f64))),
        ("Store in memory", store.map_or_else(unknown, |store| bytes(store.memory_bytes as f64))),
    ];
    if let Some(newest) = newest {
        let slow = newest.request_us.map_or_else(|| "no requests".into(), |us| duration(us.p99 as f64 / 1_000.0));
        figures.extend([
            ("Facts per second", amount(newest.per_second(newest.facts()))),
            ("Requests per second", amount(newest.per_second(newest.requests))),
            ("99 of 100 answers within", slow),
        ]);
    }
    figures.into_iter().map(|(name, value)| Figure { name, value }).collect()
}

fn store_figures(status: &Status) -> Option<&StoreFigures> {
    match &status.store {
        StoreView::Available(figures) => Some(figures),
        StoreView::Unavailable { unavailable: _ } => None,
    }
}

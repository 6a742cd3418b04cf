//! Which plots there are, and their figures in words: whoever cannot see a plot reads the same in its table.

use std::collections::VecDeque;

use user_info_core::Topic;

use super::health::{ANSWER_MAX_MS, ANSWER_P95_MS, UPDATE_MAX_MS, UPDATE_P95_MS};
use super::plot::{Plot, Runs, Scale};
use super::words;
use crate::history::sample::{Quantiles, Sample};
use crate::history::{Range, Recorded};

/// Points of a line: one for three pixels on a phone. Of the samples that share one the greatest value is drawn.
const POINTS_MAX: usize = 120;

/// All plots of a range.
#[derive(Debug)]
pub(crate) struct Charts {
    /// What they span, in words.
    pub(crate) span: String,
    /// In the order in which they are shown.
    pub(crate) list: Vec<Chart>,
}

/// A plot and its table.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What was promised, and how often it was kept; or what the plot shows.
    pub(crate) note: String,
    /// Whether promises are drawn.
    pub(crate) is_promise: bool,
    /// The inside of an SVG element, all of it made here from numbers.
    pub(crate) drawing: String,
    pub(crate) rows: Vec<Row>,
}

/// A line in figures.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) now: String,
    pub(crate) highest: String,
}

/// What a line takes of a sample; a gap where there is nothing.
type Figure = Box<dyn Fn(&Sample) -> Option<f64>>;

/// A line: its name, and its value in a sample.
struct Series {
    name: &'static str,
    value: Figure,
}

struct Spec {
    id: &'static str,
    title: &'static str,
    note: String,
    scale: Scale,
    top: f64,
    words: fn(f64) -> String,
    promises: &'static [f64],
    series: Vec<Series>,
}

impl Charts {
    /// Draws them all, up to the newest sample.
    pub(crate) fn draw(recorded: &Recorded, range: Range) -> Self {
        let samples = recorded.samples(range);
        let until_ms = recorded.newest().map_or(0, |newest| newest.at_ms);
        let from_ms = until_ms - range.length_ms();
        let span = format!("{} to {} UTC", words::clock(from_ms), words::clock(until_ms));
        let specs = [answers(samples), updates(samples), lags(), facts(), requests(), store()];
        Self { span, list: specs.iter().map(|spec| spec.draw(samples, range, from_ms)).collect() }
    }
}

impl Spec {
    fn draw(&self, samples: &VecDeque<Sample>, range: Range, from_ms: i64) -> Chart {
        let lines: Vec<Runs> =
            self.series.iter().map(|series| runs(series, samples, range, from_ms, self.scale)).collect();
        let plot = Plot {
            from_ms,
            length_ms: range.length_ms(),
            scale: self.scale,
            top: self.top,
            words: self.words,
            lines: &lines,
            promises: self.promises,
        };
        let row = |series: &Series| self.row(series, samples);
        Chart {
            id: self.id,
            title: self.title,
            note: self.note.clone(),
            is_promise: !self.promises.is_empty(),
            drawing: plot.draw(),
            rows: self.series.iter().map(row).collect(),
        }
    }

    fn row(&self, series: &Series, samples: &VecDeque<Sample>) -> Row {
        let words = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), self.words);
        let highest = samples.iter().filter_map(&series.value).reduce(f64::max);
        Row { name: series.name, now: words(samples.back().and_then(&series.value)), highest: words(highest) }
    }
}

/// The line of a series, interrupted where there was nothing or nobody looked.
fn runs(series: &Series, samples: &VecDeque<Sample>, range: Range, from_ms: i64, scale: Scale) -> Runs {
    let bottom = match scale {
        Scale::Linear => 0.0,
        Scale::Logarithmic(bottom) => bottom,
    };
    let seconds = |at_ms: i64| (at_ms - from_ms).max(0) as f64 / 1_000.0;
    let per_point = range.samples_max().div_ceil(POINTS_MAX);
    let (mut runs, mut ended_ms) = (Runs::new(), None);
    for (index, sample) in samples.iter().enumerate() {
        let Some(value) = (series.value)(sample).map(|value| value.max(bottom)) else {
            ended_ms = None;
            continue;
        };
        let goes_on = ended_ms.is_some_and(|ended_ms| sample.began_ms() - ended_ms <= range.interval_ms());
        ended_ms = Some(sample.at_ms);
        match runs.last_mut().filter(|_| goes_on) {
            None => runs.push(vec![(seconds(sample.began_ms()), value), (seconds(sample.at_ms), value)]),
            Some(run) if index.is_multiple_of(per_point) => extend(run, (seconds(sample.at_ms), value)),
            Some(run) => raise(run, (seconds(sample.at_ms), value)),
        }
    }
    runs
}

/// Adds a point; of a level line only the ends are needed.
fn extend(run: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    if let [.., before, last] = &mut run[..]
        && before.1 == last.1
        && last.1 == point.1
    {
        last.0 = point.0;
    } else {
        run.push(point);
    }
}

/// Lets the last point speak for this one as well.
fn raise(run: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    match run.last_mut() {
        Some(last) if last.1 < point.1 => {
            last.1 = point.1;
            last.0 = point.0;
        }
        Some(_) | None => extend(run, point),
    }
}

fn series(name: &'static str, value: impl Fn(&Sample) -> Option<f64> + 'static) -> Series {
    Series { name, value: Box::new(value) }
}

/// A line for each topic.
fn by_topic(value: impl Fn(&Sample, usize) -> Option<f64> + Copy + 'static) -> Vec<Series> {
    let topics = Topic::FACTS.into_iter().enumerate();
    topics.map(|(index, topic)| series(topic.name(), move |sample| value(sample, index))).collect()
}

fn answers(samples: &VecDeque<Sample>) -> Spec {
    let of = |quantile: fn(&Quantiles) -> u64| {
        move |sample: &Sample| sample.request_us.as_ref().map(|us| quantile(us) as f64 / 1_000.0)
    };
    let kept = |sample: &Sample| {
        sample.request_us.map(|us| us.p95 as f64 <= ANSWER_P95_MS * 1_000.0 && us.max as f64 <= ANSWER_MAX_MS * 1_000.0)
    };
    Spec {
        id: "answers",
        title: "Answer times",
        note: promise("2 ms", "5 ms", samples.iter().filter_map(kept)),
        scale: Scale::Logarithmic(0.01),
        top: 10.0,
        words: words::duration,
        promises: &[ANSWER_P95_MS, ANSWER_MAX_MS],
        series: vec![
            series("half (p50)", of(|us| us.p50)),
            series("99 of 100 (p99)", of(|us| us.p99)),
            series("slowest", of(|us| us.max)),
        ],
    }
}

fn updates(samples: &VecDeque<Sample>) -> Spec {
    let kept = |sample: &Sample| {
        let kept = |ms: Quantiles| ms.p95 as f64 <= UPDATE_P95_MS && ms.max as f64 <= UPDATE_MAX_MS;
        sample.topics.iter().filter_map(|topic| topic.update_ms.map(kept)).reduce(|one, other| one && other)
    };
    Spec {
        id: "updates",
        title: "Time until a record can be read (p95)",
        note: promise("1 s", "10 s", samples.iter().filter_map(kept)),
        scale: Scale::Logarithmic(1.0),
        top: 10_000.0,
        words: words::duration,
        promises: &[UPDATE_P95_MS, UPDATE_MAX_MS],
        series: by_topic(|sample, topic| sample.topics[topic].update_ms.map(|ms| ms.p95 as f64)),
    }
}

/// What was promised, and in how many samples it was kept.
fn promise(p95: &str, max: &str, kept: impl Iterator<Item = bool>) -> String {
    let (mut of, mut times) = (0, 0);
    for kept in kept {
        of += 1;
        times += usize::from(kept);
    }
    let promise = format!("Promised: 95 of 100 within {p95}, all within {max}.");
    match of {
        0 => promise,
        of if of == times => format!("{promise} Kept all the time."),
        of => format!("{promise} Kept {} % of the time.", (100 * times / of).min(99)),
    }
}

fn lags() -> Spec {
    Spec {
        id: "lags",
        title: "Records not read yet",
        note: "Of all partitions of a topic together.".into(),
        scale: Scale::Linear,
        top: 10.0,
        words: words::amount,
        promises: &[],
        series: by_topic(|sample, topic| sample.topics[topic].lag.map(|lag| lag as f64)),
    }
}

fn facts() -> Spec {
    Spec {
        id: "facts",
        title: "Facts read per second",
        note: "By topic.".into(),
        scale: Scale::Linear,
        top: 1.0,
        words: words::amount,
        promises: &[],
        series: by_topic(|sample, topic| Some(sample.per_second(sample.topics[topic].facts))),
    }
}

fn requests() -> Spec {
    Spec {
        id: "requests",
        title: "Requests answered per second",
        note: "On the address for clients.".into(),
        scale: Scale::Linear,
        top: 1.0,
        words: words::amount,
        promises: &[],
        series: vec![series("requests", |sample| Some(sample.per_second(sample.requests)))],
    }
}

fn store() -> Spec {
    Spec {
        id: "store",
        title: "Size of the store",
        note: "On disk; with Redis, in its memory.".into(),
        scale: Scale::Linear,
        top: 1_000.0,
        words: words::bytes,
        promises: &[],
        series: vec![series("size", |sample| sample.store_bytes.map(|bytes| bytes as f64))],
    }
}

//! A stretch of time in figures.

use histogram::Histogram;
use serde::{Deserialize, Serialize};

use super::window::{Measured, TOPICS};

/// What happened until `at_ms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its end, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// How long it is, in milliseconds; more than 0.
    pub length_ms: i64,
    /// Requests answered.
    pub requests: u64,
    /// How long answers took, in microseconds; `None` when there were none.
    pub request_us: Option<Quantiles>,
    /// By topic, in the order of [`user_info_core::Topic::FACTS`].
    pub topics: [TopicSample; TOPICS],
    /// Bytes of the store, on disk or, without one, in memory, at the end; `None` when the store did not answer.
    pub store_bytes: Option<u64>,
}

/// What happened to a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicSample {
    /// Records applied.
    pub facts: u64,
    /// Most offsets between the positions and the ends, of all partitions together; `None` before the topic was described.
    pub lag: Option<i64>,
    /// From a record's timestamp until it could be read, in milliseconds; `None` when no fresh record came.
    pub update_ms: Option<Quantiles>,
}

/// How long something took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half of them took no longer.
    pub p50: u64,
    /// 95 of 100 took no longer.
    pub p95: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// None took longer.
    pub max: u64,
}

impl Sample {
    /// When it began, in milliseconds since the Unix epoch.
    pub fn began_ms(&self) -> i64 {
        self.at_ms - self.length_ms
    }

    /// So many of something in this time, as so many a second.
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 * 1_000.0 / self.length_ms.max(1) as f64
    }

    /// Facts of all topics.
    pub fn facts(&self) -> u64 {
        self.topics.iter().map(|topic| topic.facts).sum()
    }
}

impl Quantiles {
    /// Of everything in the histogram; `None` if it is empty.
    pub fn of(histogram: &Histogram) -> Option<Self> {
        let mut found = [None, None, None, None];
        histogram
            .quantile_buckets_into(&[0.5, 0.95, 0.99, 1.0], &mut found)
            .expect("all quantiles lie between 0 and 1");
        let [p50, p95, p99, max] = found.map(|bucket| bucket.map(|bucket| bucket.end()));
        Some(Self { p50: p50?, p95: p95?, p99: p99?, max: max? })
    }
}

/// What the recorder finds when it looks.
#[derive(Clone, Debug)]
pub struct Reading {
    /// When it looks, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What was measured since it looked last.
    pub measured: Measured,
    /// The lag of each topic now.
    pub lags: [Option<i64>; TOPICS],
    /// Bytes of the store now.
    pub store_bytes: Option<u64>,
}

/// A sample that is not full yet.
#[derive(Clone, Debug)]
pub struct Slot {
    began_ms: i64,
    readings: usize,
    last: Reading,
}

impl Slot {
    /// An empty one that begins at this time.
    pub fn begin(began_ms: i64) -> Self {
        let nothing =
            Reading { at_ms: began_ms, measured: Measured::nothing(), lags: [None; TOPICS], store_bytes: None };
        Self { began_ms, readings: 0, last: nothing }
    }

    /// Adds a later reading. Lags are the greatest that were seen, the store's size is the last.
    pub fn add(&mut self, reading: &Reading) {
        self.readings += 1;
        self.last.at_ms = reading.at_ms;
        self.last.measured.add(&reading.measured);
        self.last.store_bytes = reading.store_bytes;
        for (lag, seen) in self.last.lags.iter_mut().zip(reading.lags) {
            *lag = (*lag).max(seen);
        }
    }

    /// How many readings it holds.
    pub fn readings(&self) -> usize {
        self.readings
    }

    /// Its figures; `None` if no time has passed, or the clock was set back.
    pub fn sample(&self) -> Option<Sample> {
        let Reading { at_ms, measured, lags, store_bytes } = &self.last;
        let length_ms = at_ms - self.began_ms;
        let mut topics = [TopicSample::default(); TOPICS];
        for ((topic, measured), lag) in topics.iter_mut().zip(&measured.topics).zip(lags) {
            *topic = TopicSample { facts: measured.facts, lag: *lag, update_ms: Quantiles::of(&measured.update_ms) };
        }
        (length_ms > 0).then(|| Sample {
            at_ms: *at_ms,
            length_ms,
            requests: count(&measured.request_us),
            request_us: Quantiles::of(&measured.request_us),
            topics,
            store_bytes: *store_bytes,
        })
    }
}

fn count(histogram: &Histogram) -> u64 {
    histogram.as_slice().iter().sum()
}

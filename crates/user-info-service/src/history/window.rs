//! What was measured since the recorder last looked, counted by whoever measures it, without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use histogram::{AtomicHistogram, Histogram};
use user_info_core::Topic;

/// Values are kept to within 1 part in 64.
const GROUPING_POWER: u8 = 6;

/// Greatest value: in microseconds over an hour, in milliseconds 49 days. What is greater counts as this.
const VALUE_POWER_MAX: u8 = 32;
const VALUE_MAX: u64 = (1 << VALUE_POWER_MAX) - 1;

/// The topics of facts, by their place in [`Topic::FACTS`].
pub const TOPICS: usize = Topic::FACTS.len();

/// The open window.
#[derive(Debug)]
pub struct Window {
    request_us: AtomicHistogram,
    topics: [TopicWindow; TOPICS],
}

#[derive(Debug)]
struct TopicWindow {
    facts: AtomicU64,
    update_ms: AtomicHistogram,
}

impl Default for Window {
    fn default() -> Self {
        let topic = || TopicWindow { facts: AtomicU64::new(0), update_ms: atomic_histogram() };
        Self { request_us: atomic_histogram(), topics: Topic::FACTS.map(|_| topic()) }
    }
}

impl Window {
    /// Notes how long an answer took.
    pub fn answered(&self, seconds: f64) {
        add(&self.request_us, (seconds * 1e6) as u64);
    }

    /// Notes that records of a topic were applied.
    pub fn applied(&self, topic: Topic, records: u64) {
        if let Some(window) = self.topic(topic) {
            window.facts.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// Notes that a fresh record could be read this long after its timestamp.
    pub fn became_readable(&self, topic: Topic, after_ms: i64) {
        if let Some(window) = self.topic(topic) {
            add(&window.update_ms, after_ms.try_into().unwrap_or(0));
        }
    }

    /// Takes what was measured since the last time, and begins anew.
    pub fn take(&self) -> Measured {
        let topic = |topic: &TopicWindow| MeasuredTopic {
            facts: topic.facts.swap(0, Ordering::Relaxed),
            update_ms: topic.update_ms.drain(),
        };
        Measured { request_us: self.request_us.drain(), topics: self.topics.each_ref().map(topic) }
    }

    fn topic(&self, topic: Topic) -> Option<&TopicWindow> {
        Topic::FACTS.iter().position(|found| *found == topic).map(|index| &self.topics[index])
    }
}

/// What was measured in some time.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Times of answers, in microseconds.
    pub request_us: Histogram,
    /// By topic, in the order of [`Topic::FACTS`].
    pub topics: [MeasuredTopic; TOPICS],
}

/// What was measured of a topic.
#[derive(Clone, Debug)]
pub struct MeasuredTopic {
    /// Records applied.
    pub facts: u64,
    /// Times from a record's timestamp until it could be read, in milliseconds.
    pub update_ms: Histogram,
}

impl Measured {
    /// Nothing.
    pub fn nothing() -> Self {
        Self {
            request_us: histogram(),
            topics: Topic::FACTS.map(|_| MeasuredTopic { facts: 0, update_ms: histogram() }),
        }
    }

    /// Adds what was measured later.
    pub fn add(&mut self, later: &Self) {
        merge(&mut self.request_us, &later.request_us);
        for (topic, later) in self.topics.iter_mut().zip(&later.topics) {
            topic.facts += later.facts;
            merge(&mut topic.update_ms, &later.update_ms);
        }
    }
}

fn add(histogram: &AtomicHistogram, value: u64) {
    histogram.increment(value.min(VALUE_MAX)).expect("every value up to the greatest has a bucket");
}

fn merge(sum: &mut Histogram, more: &Histogram) {
    sum.checked_add_assign(more).expect("all histograms are alike, and a day has fewer than 2^64 events");
}

fn atomic_histogram() -> AtomicHistogram {
    AtomicHistogram::new(GROUPING_POWER, VALUE_POWER_MAX).expect("the powers are in order")
}

fn histogram() -> Histogram {
    Histogram::new(GROUPING_POWER, VALUE_POWER_MAX).expect("the powers are in order")
}

//! Is it healthy? One pure judgement, in a sentence that needs no colour.

use super::words::{count, duration, several};
use crate::admin::status::{Status, StoreView, TopicStatus};
use crate::history::sample::{Quantiles, Sample};

/// The promise of answers: 95 of 100 within this time, in milliseconds.
pub(crate) const ANSWER_P95_MS: f64 = 2.0;
/// The promise of answers: all of them.
pub(crate) const ANSWER_MAX_MS: f64 = 5.0;
/// The promise of updates, from a record's timestamp until it can be read: 95 of 100.
pub(crate) const UPDATE_P95_MS: f64 = 1_000.0;
/// The promise of updates: all of them.
pub(crate) const UPDATE_MAX_MS: f64 = 10_000.0;

/// Answers that a sample must have before its quantiles mean anything.
const ANSWERS_MIN: u64 = 100;

/// How it is, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// All is well.
    Healthy,
    /// It does what it should, and somebody should look.
    Attention,
    /// It does not do what it should.
    Broken,
}

impl Level {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Attention => "Needs attention",
            Self::Broken => "Not healthy",
        }
    }

    /// The name of its looks.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Attention => "attention",
            Self::Broken => "broken",
        }
    }
}

/// Something that an operator should know.
#[derive(Clone, Debug)]
pub(crate) struct Sign {
    pub(crate) level: Level,
    pub(crate) what: String,
    pub(crate) way_out: Option<&'static str>,
}

/// The judgement.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) level: Level,
    /// What is wrong, worst first; one line that says what is well if nothing is.
    pub(crate) signs: Vec<Sign>,
}

/// Judges what `/status` says and what happened in the last seconds.
pub(crate) fn judge(status: &Status, newest: Option<&Sample>) -> Health {
    let mut signs: Vec<Sign> = status.topics.iter().filter_map(of_topic).collect();
    signs.extend(of_store(status));
    signs.extend(of_log(status));
    signs.extend(of_data(status));
    signs.extend(newest.into_iter().flat_map(of_speed));
    // The sort is stable: of the same level, what was looked at first comes first.
    signs.sort_by_key(|sign| std::cmp::Reverse(sign.level));
    let level = signs.first().map_or(Level::Healthy, |sign| sign.level);
    if signs.is_empty() {
        signs.push(Sign { level, what: well(status), way_out: None });
    }
    Health { level, signs }
}

fn well(status: &Status) -> String {
    let partitions: usize = status.topics.iter().map(|topic| topic.partitions.len()).sum();
    let read =
        if status.caught_up { "Everything published so far is read" } else { "What was published is being read" };
    format!("{read}, in {}; the store answers.", several(partitions, "partition", "partitions"))
}

fn broken(what: String) -> Sign {
    Sign { level: Level::Broken, what, way_out: None }
}

fn attention(what: String) -> Sign {
    Sign { level: Level::Attention, what, way_out: None }
}

fn of_topic(topic: &TopicStatus) -> Option<Sign> {
    let reason = topic.reason.as_deref()?;
    let name = topic.topic;
    match topic.way_out {
        Some(_) => Some(Sign {
            way_out: topic.way_out,
            ..broken(format!("Topic {name} is halted: {reason}. Users are answered without its newer facts."))
        }),
        None => Some(attention(format!("Topic {name} is {reason}."))),
    }
}

fn of_store(status: &Status) -> Option<Sign> {
    match &status.store {
        StoreView::Unavailable { unavailable } => Some(broken(format!("The store does not answer: {unavailable}."))),
        StoreView::Available(figures) => {
            figures.failure.as_ref().map(|failure| broken(format!("The store takes no more writes: {failure}.")))
        }
    }
}

fn of_log(status: &Status) -> Vec<Sign> {
    let mut signs = Vec::new();
    let stopping = status.not_ready_because.as_deref() == Some("stopping");
    if stopping {
        signs.push(broken("The service is stopping.".into()));
    } else if !status.ready && matches!(status.store, StoreView::Available(_)) {
        let reason = status.not_ready_because.as_deref().unwrap_or_default();
        signs.push(broken(format!("It is not ready for requests: {reason}.")));
    }
    if !status.log_answers {
        let age = status.age_ms.map_or_else(|| "of unknown age".into(), |age| format!("{} old", duration(age as f64)));
        signs.push(broken(format!("The log does not answer. Users are answered from the last state, which is {age}.")));
    }
    signs
}

fn of_data(status: &Status) -> Vec<Sign> {
    let mut signs = Vec::new();
    if let Some(age_ms) = status.age_ms.filter(|age| status.log_answers && *age as f64 > UPDATE_MAX_MS) {
        let lag: i64 = status.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.lag).sum();
        let age = duration(age_ms as f64);
        signs.push(attention(format!("The data is {age} old; {} records are not read yet.", count(lag))));
    }
    let tainted = status.tainted.as_ref().map_or(0, |tainted| tainted.count);
    if tainted > 0 {
        let keys = several(tainted, "key has", "keys have");
        signs.push(attention(format!("{keys} a newest record that could not be used; the last good one is in force.")));
    }
    signs
}

fn of_speed(newest: &Sample) -> Vec<Sign> {
    let mut signs = Vec::new();
    let p95_ms = |quantiles: &Quantiles| quantiles.p95 as f64;
    let answers = newest.request_us.as_ref().filter(|_| newest.requests >= ANSWERS_MIN).map(|us| p95_ms(us) / 1_000.0);
    if let Some(p95_ms) = answers.filter(|p95_ms| *p95_ms > ANSWER_P95_MS) {
        signs.push(attention(format!(
            "Answers are slow: 95 of 100 took up to {}, promised are {}.",
            duration(p95_ms),
            duration(ANSWER_P95_MS)
        )));
    }
    let slowest = newest.topics.iter().filter_map(|topic| topic.update_ms.as_ref()).map(p95_ms).fold(0.0, f64::max);
    if slowest > UPDATE_P95_MS {
        signs.push(attention(format!(
            "Updates are slow: 95 of 100 took up to {}, promised is {}.",
            duration(slowest),
            duration(UPDATE_P95_MS)
        )));
    }
    signs
}

//! What the operator's page shows over time: the last hour and the last day, kept over restarts.
//!
//! Requests and ingest count into a [`window`] of atomics; one thread, the [`recorder`], takes it every ten seconds, adds a
//! [`sample`] and publishes what it has as an immutable [`Recorded`]. It alone writes the [`mod@file`]. Nobody waits for it.
//!
//! Invariant: memory and file are bounded, whatever happens: each [`Range`] has a fixed number of samples, and so has the list of
//! dead letters.

pub mod file;
pub mod letters;
pub mod recorder;
pub mod sample;
pub mod window;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use letters::{LETTERS_MAX, ShownLetter};
use sample::Sample;

/// How often what happened since becomes a sample: in a plot of an hour on a phone, a pixel is about as long.
pub const SAMPLE_INTERVAL: Duration = Duration::from_secs(10);

/// Samples of the hour that make one of the day.
pub const HOUR_SAMPLES_PER_DAY_SAMPLE: usize = 30;

/// A span of time that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The last hour, in samples of ten seconds.
    Hour,
    /// The last day, in samples of five minutes.
    Day,
}

impl Range {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// How long it is.
    pub const fn length_ms(self) -> i64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 24 * 3_600_000,
        }
    }

    /// How long a sample of it lasts.
    pub const fn interval_ms(self) -> i64 {
        let interval_ms = SAMPLE_INTERVAL.as_millis() as i64;
        match self {
            Self::Hour => interval_ms,
            Self::Day => interval_ms * HOUR_SAMPLES_PER_DAY_SAMPLE as i64,
        }
    }

    /// How many samples of it are kept.
    pub const fn samples_max(self) -> usize {
        (self.length_ms() / self.interval_ms()) as usize
    }
}

/// What was recorded, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    hour: VecDeque<Sample>,
    day: VecDeque<Sample>,
    /// The last dead letters, newest first.
    pub letters: Vec<ShownLetter>,
}

impl Recorded {
    /// The samples of a range, oldest first.
    pub fn samples(&self, range: Range) -> &VecDeque<Sample> {
        match range {
            Range::Hour => &self.hour,
            Range::Day => &self.day,
        }
    }

    /// The newest sample of the hour.
    pub fn newest(&self) -> Option<&Sample> {
        self.hour.back()
    }

    /// Adds a sample and forgets what is too old or too much. When the clock was set back, what lies ahead of it is forgotten.
    pub fn push(&mut self, range: Range, sample: Sample) {
        let samples = match range {
            Range::Hour => &mut self.hour,
            Range::Day => &mut self.day,
        };
        let oldest_ms = sample.at_ms - range.length_ms();
        samples.retain(|kept| kept.at_ms > oldest_ms && kept.at_ms < sample.at_ms);
        samples.push_back(sample);
        while samples.len() > range.samples_max() {
            samples.pop_front();
        }
    }

    /// Brings what a file says within the bounds.
    fn bounded(mut self) -> Self {
        let excess = |samples: &VecDeque<Sample>, range: Range| samples.len().saturating_sub(range.samples_max());
        self.hour.drain(..excess(&self.hour, Range::Hour));
        self.day.drain(..excess(&self.day, Range::Day));
        self.letters.truncate(LETTERS_MAX);
        self
    }
}

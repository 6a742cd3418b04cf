//! When each message of an archive is due.
//!
//! Invariant: pure; the time is an argument. Time passes only while the replay plays: a pause delays everything by its
//! length. What is late is made up for, and no message ever waits for a date that makes no sense.

use std::time::{Duration, Instant};

/// How fast messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As they were sent, so many times as fast.
    Recorded {
        /// 1 is as it was; more than 0.
        speed: f64,
    },
    /// So many messages per second; more than 0.
    Rate(f64),
    /// As fast as they can be read and taken.
    FlatOut,
}

impl Pace {
    /// Whether a replay at this pace ever gets anywhere.
    pub(super) fn moves(self) -> bool {
        match self {
            Self::Recorded { speed: factor } | Self::Rate(factor) => factor > 0.0 && factor.is_finite(),
            Self::FlatOut => true,
        }
    }
}

/// A step forward by more is a hole in the archive or a wrong date, in milliseconds: it is not waited for.
const GAP_MAX_MS: i64 = 10 * 60 * 1_000;
/// A step back by less is disorder as every stream has it, in milliseconds; by more, time begins anew there.
const DISORDER_MAX_MS: i64 = 60 * 1_000;

/// Says which messages may go.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pace: Pace,
    playing: Duration,
    last_seen: Option<Instant>,
    passed: u64,
    /// The latest date so far, in milliseconds since the Unix epoch.
    newest_ms: Option<i64>,
    /// How much recorded time lies before the latest date.
    recorded_ms: u64,
}

impl Schedule {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, playing: Duration::ZERO, last_seen: None, passed: 0, newest_ms: None, recorded_ms: 0 }
    }

    /// Time goes on, or begins to.
    pub(super) fn play(&mut self, now: Instant) {
        self.playing += now.saturating_duration_since(self.last_seen.unwrap_or(now));
        self.last_seen = Some(now);
    }

    /// Time stands still until the next `play`.
    pub(super) fn pause(&mut self) {
        self.last_seen = None;
    }

    /// The next message has nothing to do with the dates before it.
    pub(super) fn restart(&mut self) {
        self.newest_ms = None;
    }

    /// Lets the next message go if it is due. One without a date goes with the one before it.
    pub(super) fn pass(&mut self, sent_ms: Option<i64>) -> bool {
        let goes = match self.pace {
            Pace::FlatOut => true,
            // The conversion rounds down and saturates.
            Pace::Rate(rate) => self.passed < (self.playing.as_secs_f64() * rate) as u64,
            Pace::Recorded { speed } => self.pass_recorded(sent_ms, speed),
        };
        self.passed += u64::from(goes);
        goes
    }

    fn pass_recorded(&mut self, sent_ms: Option<i64>, speed: f64) -> bool {
        let Some(sent_ms) = sent_ms else { return true };
        let newest_ms = self.newest_ms.unwrap_or(sent_ms);
        let step_ms = sent_ms.saturating_sub(newest_ms);
        let wait_ms = if step_ms > GAP_MAX_MS { 0 } else { step_ms.max(0).unsigned_abs() };
        let recorded_ms = self.recorded_ms + wait_ms;
        if recorded_ms as f64 > self.playing.as_secs_f64() * 1_000.0 * speed {
            return false;
        }
        self.recorded_ms = recorded_ms;
        let disorder = (-DISORDER_MAX_MS..0).contains(&step_ms);
        self.newest_ms = Some(if disorder { newest_ms } else { sent_ms });
        true
    }
}

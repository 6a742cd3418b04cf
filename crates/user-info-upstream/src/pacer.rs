//! Open-loop pacing: how many actions the clock says are due, whatever happened before.
//!
//! Invariant: the number of actions done and due together is the rate times the time since the start, rounded down. So
//! late ticks and slow batches are made up for, and no error adds up.

use std::time::Instant;

/// Counts the actions that are due at a rate.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    rate: f64,
    started: Instant,
    done: u64,
}

impl Pacer {
    /// Starts counting at `started`, at `rate` actions per second. A rate that is not positive means none, ever.
    pub fn new(rate: f64, started: Instant) -> Self {
        Self { rate, started, done: 0 }
    }

    /// How many actions are due at `now` and not done yet.
    pub fn due(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started).as_secs_f64();
        // The conversion saturates: what is negative or not a number becomes 0.
        ((elapsed * self.rate) as u64).saturating_sub(self.done)
    }

    /// Marks `actions` as done, also those that could not be taken: they are not made up for.
    pub fn done(&mut self, actions: u64) {
        self.done += actions;
    }
}

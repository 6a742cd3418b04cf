//! Latencies that a probe notes and the progress line reads meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use user_info_bench::latency::{Latencies, Percentiles};

/// Latencies from the intended time to the answer.
#[derive(Debug, Default)]
pub(crate) struct SharedLatencies(Mutex<Latencies>);

impl SharedLatencies {
    /// Notes one.
    pub(crate) fn record(&self, latency: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).record(latency);
    }

    /// What was noted so far.
    pub(crate) fn percentiles(&self) -> Percentiles {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).percentiles()
    }
}

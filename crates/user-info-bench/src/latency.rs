//! What many latencies amount to. Pure.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency that is told apart. What took longer counts as this.
const LATENCY_MAX: Duration = Duration::from_secs(600);

/// Three digits: a latency of 1.234 ms is told from one of 1.235 ms.
const DIGITS: u8 = 3;

/// Latencies, to a thousandth of each.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

/// The latency that so many of a hundred do not exceed, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many there were.
    pub count: u64,
    /// Half of them.
    pub p50: f64,
    /// 90 of 100.
    pub p90: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p99_9: f64,
    /// 9,999 of 10,000.
    pub p99_99: f64,
    /// All.
    pub max: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        let max_ns = LATENCY_MAX.as_nanos() as u64;
        Self(Histogram::new_with_bounds(1, max_ns, DIGITS).expect("the bounds are valid"))
    }
}

impl Latencies {
    /// Notes one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record((latency.as_nanos().min(LATENCY_MAX.as_nanos()) as u64).max(1));
    }

    /// Adds those that somebody else noted.
    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("histograms of the same bounds add up");
    }

    /// What they amount to.
    pub fn percentiles(&self) -> Percentiles {
        let at = |share| milliseconds(self.0.value_at_quantile(share));
        Percentiles {
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: milliseconds(self.0.max()),
        }
    }

    /// The curve of percentiles: pairs of a share from 0 to 1 and the latency in milliseconds that it does not exceed, finer
    /// towards the end.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        const STEPS_PER_HALF: u32 = 5;
        let steps = self.0.iter_quantiles(STEPS_PER_HALF);
        steps.map(|step| (step.quantile_iterated_to(), milliseconds(step.value_iterated_to()))).collect()
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

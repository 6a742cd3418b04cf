//! How much is answered at most, and how much within the requirement: p95 of 2 ms and 5 ms at most.
//!
//! First a closed loop: each of the connections asks again as soon as it was answered. Then an open one at shares of what that
//! gave, because the latencies of a closed loop flatter.

use std::time::Duration;

use anyhow::Result;
use user_info_bench::load::Pace;

use super::{Bench, Case, Outcome, WARM_UP};
use crate::subject::Running;

/// The requirement, in milliseconds.
pub(crate) const P95_MS_MAX: f64 = 2.0;
/// The requirement, in milliseconds.
pub(crate) const MAX_MS_MAX: f64 = 5.0;

/// Connections of the closed loop: enough to keep two cores busy.
const CONNECTIONS: usize = 32;

/// Shares of the closed loop's throughput at which the open one is tried.
const SHARES: [f64; 8] = [0.1, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9];

/// Each share is tried for a part of what a measurement lasts.
const PARTS: u32 = 4;

pub(super) fn run(bench: &mut Bench<'_>, running: &Running, case: Case) -> Result<Outcome> {
    let publisher = bench.world.publisher(case.facts_per_s);
    let mut outcome = Outcome::default();
    let saturated = bench.load(running.address, Pace::Saturating, CONNECTIONS, WARM_UP, bench.duration)?.figures();
    outcome.figure("saturated_per_s", saturated.achieved_per_s);
    let (mut curve, mut within_p95, mut within_both) = (Vec::new(), 0.0_f64, 0.0_f64);
    for share in SHARES {
        let rate = saturated.achieved_per_s * share;
        let met = bench.open_load(running, rate, part(bench.duration))?.figures();
        let (achieved, latency) = (met.achieved_per_s, met.latency_ms);
        curve.push((achieved, latency.p95));
        if latency.p95 <= P95_MS_MAX {
            within_p95 = within_p95.max(achieved);
        }
        if latency.p95 <= P95_MS_MAX && latency.max <= MAX_MS_MAX {
            within_both = within_both.max(achieved);
        }
    }
    publisher.stop()?;
    outcome.curves.insert("p95_ms_by_throughput".into(), curve);
    outcome.figure("within_p95_per_s", within_p95);
    outcome.figure("within_p95_and_max_per_s", within_both);
    Ok(outcome)
}

fn part(duration: Duration) -> Duration {
    duration / PARTS
}

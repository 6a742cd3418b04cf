//! GET at a fixed rate while facts come in.

use std::time::Instant;

use anyhow::Result;

use super::{Bench, Case, Outcome};
use crate::subject::Running;
use crate::usage::Usage;

pub(super) fn run(bench: &mut Bench<'_>, running: &Running, case: Case) -> Result<Outcome> {
    let publisher = bench.world.publisher(case.facts_per_s);
    let (before, broker_before, began) = (running.usage(), broker(bench), Instant::now());
    let report = bench.open_load(running, f64::from(case.requests_per_s), bench.duration)?;
    let (elapsed, after, broker_after) = (began.elapsed().as_secs_f64(), running.usage(), broker(bench));
    let published = publisher.stop()?;
    let mut outcome = Outcome::default();
    outcome.load(&report);
    outcome.curves.insert("latency_ms".into(), report.latency.curve());
    outcome.figure("facts_per_s", published.per_second());
    let cores = (after.processor - before.processor).as_secs_f64() / elapsed;
    outcome.figure("cores", cores);
    outcome.figure("broker_cores", (broker_after.processor - broker_before.processor).as_secs_f64() / elapsed);
    outcome.figure("memory_mib", after.memory_bytes as f64 / (1024.0 * 1024.0));
    if case.facts_per_s == 0 {
        outcome.figure("processor_us_per_request", cores * 1e6 / f64::from(case.requests_per_s));
    }
    Ok(outcome)
}

fn broker(bench: &Bench<'_>) -> Usage {
    Usage::of(bench.world.broker_process().as_slice())
}

//! What facts cost that come in while nobody asks.

use std::thread;
use std::time::Instant;

use anyhow::Result;

use super::{Bench, Case, Outcome};
use crate::subject::Running;
use crate::usage::Usage;

pub(super) fn run(bench: &mut Bench<'_>, running: &Running, case: Case) -> Result<Outcome> {
    let publisher = bench.world.publisher(case.facts_per_s);
    let broker = || Usage::of(bench.world.broker_process().as_slice());
    let (before, broker_before, began) = (running.usage(), broker(), Instant::now());
    thread::sleep(bench.duration);
    let (elapsed, after, broker_after) = (began.elapsed().as_secs_f64(), running.usage(), broker());
    let mut outcome = Outcome::default();
    outcome.figure("facts_per_s", publisher.stop()?.per_second());
    outcome.figure("cores", (after.processor - before.processor).as_secs_f64() / elapsed);
    outcome.figure("broker_cores", (broker_after.processor - broker_before.processor).as_secs_f64() / elapsed);
    Ok(outcome)
}

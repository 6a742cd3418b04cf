//! GET while a backlog is read: what clients meet after an outage.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use user_info_bench::arrivals::Arrivals;
use user_info_bench::latency::Latencies;
use user_info_bench::load::Pace;

use super::{Bench, CATCH_UP_LIMIT, CONNECTIONS, Case, Outcome};
use crate::subject::Running;

/// How long it may take to answer after its start.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

/// Records of the backlog, of which each user has this many.
const BACKLOG_PER_USER: u64 = 1;

pub(super) fn run(bench: &mut Bench<'_>, running: &mut Option<Running>, case: Case) -> Result<Outcome> {
    running.take().context("a subject is started before it is stopped")?.stop()?;
    let backlog = bench.world.users * BACKLOG_PER_USER;
    bench.world.publish(backlog)?;
    let began = Instant::now();
    let mut started = bench.prepared.start(bench.world)?;
    started.wait_until_it_shows("0", ANSWER_LIMIT)?;
    let latencies = asked_until_caught_up(bench, &mut started, case)?;
    let elapsed = (began.elapsed() - started.settled_after()).as_secs_f64();
    let mut outcome = Outcome::default();
    outcome.percentiles("", &latencies.percentiles());
    outcome.curves.insert("latency_ms".into(), latencies.curve());
    outcome.figure("records", backlog as f64);
    outcome.figure("seconds", elapsed);
    outcome.figure("records_per_s", backlog as f64 / elapsed);
    *running = Some(started);
    Ok(outcome)
}

/// Asks in slices of a second until it has caught up, and adds up what they met.
fn asked_until_caught_up(bench: &Bench<'_>, running: &mut Running, case: Case) -> Result<Latencies> {
    const SLICE: Duration = Duration::from_secs(1);
    let pace = Pace::Open { per_second: f64::from(case.requests_per_s), arrivals: Arrivals::Poisson };
    let mut latencies = Latencies::default();
    thread::scope(|scope| {
        let address = running.address;
        let waiting = scope.spawn(|| running.wait_until_caught_up(bench.world, CATCH_UP_LIMIT));
        while !waiting.is_finished() {
            let report = bench.load(address, pace, CONNECTIONS, Duration::ZERO, SLICE)?;
            latencies.add(&report.latency);
        }
        waiting.join().map_err(|_| anyhow!("waiting panicked"))?
    })?;
    Ok(latencies)
}

//! Stopped and started, killed and started: how long until it answers about a user, and until it has read what came meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Bench, CATCH_UP_LIMIT, Outcome};
use crate::subject::Running;

/// How long it may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1_800);

/// Facts a second that come in before it is ended, so that there is something it may not have written yet.
const FACTS_PER_S: u32 = 1_000;

/// Facts that come in while it is away.
const FACTS: u64 = 10_000;

pub(super) fn run(bench: &mut Bench<'_>, running: &mut Option<Running>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (prefix, is_killed) in [("stopped_", false), ("killed_", true)] {
        let publisher = bench.world.publisher(FACTS_PER_S);
        std::thread::sleep(bench.duration / 4);
        publisher.stop()?;
        let ended = running.take().context("a subject is started before it is ended")?;
        if is_killed {
            ended.kill()?
        } else {
            ended.stop()?
        }
        bench.world.publish(FACTS)?;
        *running = Some(start(bench, prefix, &mut outcome)?);
    }
    Ok(outcome)
}

fn start(bench: &Bench<'_>, prefix: &str, outcome: &mut Outcome) -> Result<Running> {
    let last = (bench.world.users - 1).to_string();
    let began = Instant::now();
    let mut running = bench.prepared.start(bench.world)?;
    running.wait_until_it_shows(&last, ANSWER_LIMIT)?;
    outcome.figure(format!("{prefix}first_answer_s"), began.elapsed().as_secs_f64());
    running.wait_until_caught_up(bench.world, CATCH_UP_LIMIT)?;
    let caught_up = began.elapsed() - running.settled_after();
    outcome.figure(format!("{prefix}caught_up_s"), caught_up.as_secs_f64());
    Ok(running)
}

//! How long a fact takes to show, for a count and for a profile, while others come in.

use std::time::Duration;

use anyhow::Result;
use user_info_bench::freshness::{self, Change, FreshnessConfig};

use super::{Bench, Case, Outcome};
use crate::subject::Running;

/// Facts that are looked for, a second: few beside those that come in.
const PROBES_PER_S: f64 = 20.0;

/// Each has one fact on its way at a time.
const PROBES: u32 = 4;

/// Pause between two looks: the resolution.
const LOOK_INTERVAL: Duration = Duration::from_micros(500);

/// How long a fact may take: a cache keeps an answer for a minute.
const LIMIT: Duration = Duration::from_secs(180);

pub(super) fn run(bench: &mut Bench<'_>, running: &Running, case: Case) -> Result<Outcome> {
    let publisher = bench.world.publisher(case.facts_per_s);
    let mut outcome = Outcome::default();
    for (prefix, change) in [("count_", Change::Count), ("profile_", Change::Profile)] {
        let config = FreshnessConfig {
            server: running.address,
            change,
            probes: PROBES,
            per_second: PROBES_PER_S,
            duration: bench.duration,
            look_interval: LOOK_INTERVAL,
            limit: LIMIT,
        };
        let met = freshness::run(&config, &bench.world.log)?;
        outcome.percentiles(prefix, &met.shown_ms);
        outcome.figure(format!("{prefix}published_p95_ms"), met.published_ms.p95);
    }
    outcome.figure("facts_per_s", publisher.stop()?.per_second());
    Ok(outcome)
}

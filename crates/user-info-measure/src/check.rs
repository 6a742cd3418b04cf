//! Holds the service to the limits of the requirement, on this machine, with the floor's figures beside them.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::arguments::CheckArguments;
use crate::scenario::{Bench, Case, MAX_MS_MAX, Outcome, P95_MS_MAX, Scenario, rebuild};
use crate::subject::Subject;
use crate::world::World;

/// The requirement: how long an update may take to show, in milliseconds.
const UPDATE_P95_MS_MAX: f64 = 1_000.0;
const UPDATE_MAX_MS_MAX: f64 = 10_000.0;

/// A limit and what was met.
struct Limit {
    what: &'static str,
    met_ms: f64,
    allowed_ms: f64,
    /// What the floor took, where it has the figure.
    floor_ms: Option<f64>,
}

impl Limit {
    fn is_kept(&self) -> bool {
        self.met_ms <= self.allowed_ms
    }
}

/// Measures, prints a line for each limit, and says whether all are kept.
#[expect(clippy::print_stdout, reason = "the limits are this command's result")]
pub(crate) fn run(arguments: &CheckArguments) -> Result<ExitCode> {
    let limits = measure(arguments)?;
    println!("{:<28} {:>10} {:>10} {:>10}", "", "met ms", "limit ms", "floor ms");
    for limit in &limits {
        let floor = limit.floor_ms.map_or_else(|| "–".to_owned(), |floor_ms| format!("{floor_ms:.3}"));
        let verdict = if limit.is_kept() { "" } else { "  BROKEN" };
        println!("{:<28} {:>10.3} {:>10.0} {:>10}{verdict}", limit.what, limit.met_ms, limit.allowed_ms, floor);
    }
    Ok(if limits.iter().all(Limit::is_kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(arguments: &CheckArguments) -> Result<Vec<Limit>> {
    let mut world = World::new(arguments.users, arguments.seed, Duration::from_secs(arguments.warm_up.into()))?;
    let reads = Case { requests_per_s: arguments.rate, facts_per_s: arguments.facts };
    let updates = Case { requests_per_s: 0, facts_per_s: arguments.facts };
    let [floor] = of_subject(&mut world, arguments, Subject::Floor, [(Scenario::ReadLatency, reads)])?;
    let scenarios = [(Scenario::ReadLatency, reads), (Scenario::UpdateLatency, updates)];
    let [read, update] = of_subject(&mut world, arguments, Subject::Ours, scenarios)?;
    let limit = |what, outcome: &Outcome, name: &str, allowed_ms, floor: Option<&Outcome>| {
        let met_ms = *outcome.figures.get(name).with_context(|| format!("nothing was measured: {name}"))?;
        let floor_ms = floor.and_then(|floor| floor.figures.get(name).copied());
        anyhow::Ok(Limit { what, met_ms, allowed_ms, floor_ms })
    };
    Ok(vec![
        limit("GET, p95", &read, "p95_ms", P95_MS_MAX, Some(&floor))?,
        limit("GET, at most", &read, "max_ms", MAX_MS_MAX, Some(&floor))?,
        limit("count shown, p95", &update, "count_p95_ms", UPDATE_P95_MS_MAX, None)?,
        limit("count shown, at most", &update, "count_max_ms", UPDATE_MAX_MS_MAX, None)?,
        limit("profile shown, p95", &update, "profile_p95_ms", UPDATE_P95_MS_MAX, None)?,
        limit("profile shown, at most", &update, "profile_max_ms", UPDATE_MAX_MS_MAX, None)?,
    ])
}

fn of_subject<const N: usize>(
    world: &mut World,
    arguments: &CheckArguments,
    subject: Subject,
    scenarios: [(Scenario, Case); N],
) -> Result<[Outcome; N]> {
    let (prepared, running, _) = rebuild(world, subject, &[])?;
    let (mut running, mut outcomes) = (Some(running), Vec::with_capacity(N));
    let duration = Duration::from_secs(arguments.seconds.into());
    for (scenario, case) in scenarios {
        let mut bench = Bench { world, prepared: &prepared, duration, seed: arguments.seed };
        outcomes.push(scenario.run(&mut bench, &mut running, case)?);
    }
    running.context("it runs on")?.stop()?;
    prepared.remove()?;
    Ok(outcomes.try_into().unwrap_or_else(|_| unreachable!("an outcome for each scenario")))
}

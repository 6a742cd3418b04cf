//! What is measured, and what comes out: figures by name, curves by name.

mod catch_up;
mod ingest_cost;
mod peak;
mod read_latency;
mod rebuild;
mod restart;
mod update_latency;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use user_info_bench::arrivals::Arrivals;
use user_info_bench::latency::Percentiles;
use user_info_bench::load::{self, LoadConfig, LoadReport, Pace};
use user_info_bench::users::Population;

use crate::facts::POPULARITY;
use crate::subject::{Prepared, Running, Subject};
use crate::world::World;

pub(crate) use peak::{MAX_MS_MAX, P95_MS_MAX};
pub(crate) use rebuild::rebuild;

/// How long an answer may take before its connection is given up.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long something may take to read what the topics hold: the slowest peer reads 10,000 records a second.
pub(crate) const CATCH_UP_LIMIT: Duration = Duration::from_secs(3 * 60 * 60);

/// Requests before this has passed are not counted: connections open, caches fill.
const WARM_UP: Duration = Duration::from_secs(3);

/// Connections that are kept, each with one request at a time.
const CONNECTIONS: usize = 64;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// From nothing to all that the topics hold
    Rebuild,
    /// GET at a fixed rate, from the time at which each request was due, while facts come in
    ReadLatency,
    /// The most requests a second, and the most within 2 ms at p95 and 5 ms at most
    Peak,
    /// From the time at which a fact is due to be published to the answer that shows it, while others come in
    UpdateLatency,
    /// Processor time that facts take while nobody asks
    IngestCost,
    /// Stopped, killed: how long until it answers, and until it has caught up
    Restart,
    /// GET while a backlog is read
    CatchUp,
}

/// One case of a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Requests a second; 0 where the scenario has none, or its own.
    pub(crate) requests_per_s: u32,
    /// Facts a second that come in.
    pub(crate) facts_per_s: u32,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Numbers, by a name that ends with the unit.
    pub(crate) figures: BTreeMap<String, f64>,
    /// Points of curves, by name.
    pub(crate) curves: BTreeMap<String, Vec<(f64, f64)>>,
    /// What else is to be read, by what it is: the plan of a query.
    pub(crate) texts: BTreeMap<String, String>,
}

/// What a scenario is given.
pub(crate) struct Bench<'bench> {
    pub(crate) world: &'bench mut World,
    pub(crate) prepared: &'bench Prepared,
    /// How long each measurement lasts.
    pub(crate) duration: Duration,
    /// Decides who is asked for and when.
    pub(crate) seed: u64,
}

impl Scenario {
    /// What it is called in commands and files.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().expect("every scenario has a name").get_name().to_owned()
    }

    /// What it measures, in words.
    pub(crate) fn words(self) -> String {
        self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// Its cases.
    pub(crate) fn cases(self) -> Vec<Case> {
        let cases = |requests: &[u32], facts: &[u32]| -> Vec<Case> {
            let pairs = requests.iter().flat_map(|&requests_per_s| facts.iter().map(move |&it| (requests_per_s, it)));
            pairs.map(|(requests_per_s, facts_per_s)| Case { requests_per_s, facts_per_s }).collect()
        };
        match self {
            Self::ReadLatency => cases(&[1_000, 10_000], &[0, 1_000, 5_000]),
            Self::Peak => cases(&[0], &[0, 1_000]),
            Self::UpdateLatency => cases(&[0], &[1_000, 10_000]),
            Self::IngestCost => cases(&[0], &[0, 1_000, 5_000]),
            Self::Rebuild | Self::Restart => cases(&[0], &[0]),
            Self::CatchUp => cases(&[1_000], &[0]),
        }
    }

    /// Whether it says anything about this subject.
    pub(crate) fn suits(self, subject: Subject) -> bool {
        match self {
            Self::ReadLatency | Self::Peak => true,
            Self::UpdateLatency | Self::IngestCost | Self::Rebuild | Self::Restart | Self::CatchUp => {
                subject.follows_the_log()
            }
        }
    }

    /// About how long one run lasts, for the first estimate; later ones go by what runs took.
    pub(crate) fn seconds(self, duration: Duration, users: u64) -> f64 {
        let seconds = duration.as_secs_f64();
        match self {
            Self::ReadLatency | Self::IngestCost => seconds + 3.0,
            Self::Peak => 3.0 * seconds,
            Self::UpdateLatency => 2.0 * seconds,
            Self::Rebuild => users as f64 / 10_000.0,
            Self::Restart => 60.0,
            Self::CatchUp => 2.0 * seconds,
        }
    }

    /// Measures a subject that runs and has caught up. [`Scenario::Rebuild`] is apart: it makes the subject.
    pub(crate) fn run(self, bench: &mut Bench<'_>, running: &mut Option<Running>, case: Case) -> Result<Outcome> {
        match self {
            Self::ReadLatency => read_latency::run(bench, subject(running), case),
            Self::Peak => peak::run(bench, subject(running), case),
            Self::UpdateLatency => update_latency::run(bench, subject(running), case),
            Self::IngestCost => ingest_cost::run(bench, subject(running), case),
            Self::Restart => restart::run(bench, running),
            Self::CatchUp => catch_up::run(bench, running, case),
            Self::Rebuild => unreachable!("a rebuild makes the subject that the others measure"),
        }
    }
}

fn subject(running: &mut Option<Running>) -> &mut Running {
    running.as_mut().expect("a subject is started before it is measured")
}

impl Case {
    /// What it is called in files.
    pub(crate) fn name(self) -> String {
        format!("{}rps-{}fps", self.requests_per_s, self.facts_per_s)
    }
}

impl Outcome {
    pub(crate) fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.figures.insert(name.into(), value);
    }

    /// Percentiles in milliseconds.
    fn percentiles(&mut self, prefix: &str, found: &Percentiles) {
        let Percentiles { count, p50, p90, p95, p99, p99_9, p99_99, max } = *found;
        self.figure(format!("{prefix}count"), count as f64);
        let named = [("p50", p50), ("p90", p90), ("p95", p95), ("p99", p99), ("p99_9", p99_9), ("p99_99", p99_99)];
        for (name, value) in named.into_iter().chain([("max", max)]) {
            self.figure(format!("{prefix}{name}_ms"), value);
        }
    }

    /// What a load met. Answers other than 200 count as errors, and so does what was not answered.
    fn load(&mut self, report: &LoadReport) {
        let figures = report.figures();
        self.percentiles("", &figures.latency_ms);
        self.figure("answered_per_s", figures.achieved_per_s);
        self.figure("lateness_p99_ms", figures.lateness_ms.p99);
        self.figure("lateness_max_ms", figures.lateness_ms.max);
        let wrong: u64 = figures.statuses.iter().filter(|(status, _)| **status != 200).map(|(_, count)| count).sum();
        self.figure("errors", (wrong + figures.faults.values().sum::<u64>()) as f64);
    }
}

impl Bench<'_> {
    /// So many requests a second, as people come, after a while to warm up.
    fn open_load(&self, running: &Running, per_second: f64, duration: Duration) -> Result<LoadReport> {
        let pace = Pace::Open { per_second, arrivals: Arrivals::Poisson };
        self.load(running.address, pace, CONNECTIONS, WARM_UP.min(duration), duration)
    }

    /// Asks a server at a pace.
    fn load(
        &self,
        server: SocketAddr,
        pace: Pace,
        connections: usize,
        warm_up: Duration,
        duration: Duration,
    ) -> Result<LoadReport> {
        let config = LoadConfig {
            server,
            target: "/users/{}".into(),
            pace,
            connections,
            threads: 1,
            warm_up,
            duration,
            answer_limit: ANSWER_LIMIT,
            population: Population::Numbered(self.world.users),
            popularity: POPULARITY,
            unknown_share: 0.0,
            seed: self.seed,
        };
        Ok(load::run(&config, &Arc::default())?)
    }
}

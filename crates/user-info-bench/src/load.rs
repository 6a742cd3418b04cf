//! The load generator. An open loop: each request is sent at the time it is due, and its latency counts from then, so that a
//! server which stalls is charged with everybody who would have asked meanwhile (no coordinated omission).
//!
//! One thread for each [`LoadConfig::threads`] owns its connections and does nothing else: it waits in the kernel until shortly
//! before the next request is due and spins the rest, because a sleeping thread wakes up too late. How late it was by itself is
//! reported; a result whose lateness is not far below its latencies says nothing of the server.

mod alarm;
mod connection;
mod generator;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::Duration;

use serde::Serialize;

use crate::arrivals::{Arrivals, Schedule};
use crate::error::BenchError;
use crate::latency::{Latencies, Percentiles};
use crate::users::{Popularity, Population, Users};
use generator::Generator;

/// How fast requests come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many a second on average, spread like this.
    Open {
        /// Requests a second.
        per_second: f64,
        /// How they are spread.
        arrivals: Arrivals,
    },
    /// As fast as the server answers: each connection asks again as soon as it was answered. For throughput; latencies of such a
    /// closed loop flatter.
    Saturating,
}

/// What is asked, of whom and how.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// The server.
    pub server: SocketAddr,
    /// The request's target; the first `{}` in it is the user's id, percent-encoded already.
    pub target: String,
    /// How fast.
    pub pace: Pace,
    /// Connections that are kept open, each with one request at a time.
    pub connections: usize,
    /// Threads that share rate and connections.
    pub threads: usize,
    /// Requests before this has passed are sent and not counted.
    pub warm_up: Duration,
    /// How long requests are counted after that.
    pub duration: Duration,
    /// How long an answer may take; then its connection is given up. So long after the end, what still waits for a connection is
    /// given up too.
    pub answer_limit: Duration,
    /// Who is asked for.
    pub population: Population,
    /// How often each.
    pub popularity: Popularity,
    /// The share of requests for users who do not exist, from 0 to 1.
    pub unknown_share: f64,
    /// Equal seeds ask the same at the same times.
    pub seed: u64,
}

/// Why a request was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No new connection could be opened.
    Connect,
    /// The server closed the connection, or the system did.
    Broken,
    /// It took longer than [`LoadConfig::answer_limit`].
    TimedOut,
    /// What came was no answer.
    Malformed,
}

impl Fault {
    /// What happened, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Connect => "no connection could be opened",
            Self::Broken => "the connection broke off",
            Self::TimedOut => "it took too long",
            Self::Malformed => "what came was no HTTP",
        }
    }
}

/// What a load met.
#[derive(Clone, Debug)]
pub struct LoadReport {
    /// Requests a second that were due; `None` for [`Pace::Saturating`].
    pub offered_per_s: Option<f64>,
    /// How long requests were counted.
    pub duration: Duration,
    /// From the time at which each request was due to the end of its answer.
    pub latency: Latencies,
    /// From the time at which each request was due to when the generator noticed: its own fault, not the server's.
    pub lateness: Latencies,
    /// Requests that waited for one of the connections because all had one in flight.
    pub queued: u64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub faults: BTreeMap<Fault, u64>,
}

/// A report as it is written.
#[derive(Clone, Debug, Serialize)]
pub struct LoadFigures {
    /// See [`LoadReport::offered_per_s`].
    pub offered_per_s: Option<f64>,
    /// Answers a second.
    pub achieved_per_s: f64,
    /// See [`LoadReport::duration`].
    pub seconds: f64,
    /// In milliseconds.
    pub latency_ms: Percentiles,
    /// In milliseconds.
    pub lateness_ms: Percentiles,
    /// See [`LoadReport::queued`].
    pub queued: u64,
    /// See [`LoadReport::statuses`].
    pub statuses: BTreeMap<u16, u64>,
    /// See [`LoadReport::faults`].
    pub faults: BTreeMap<Fault, u64>,
}

/// Asks, until the time is up. `answered` counts the answers as they come.
pub fn run(config: &LoadConfig, answered: &Arc<AtomicU64>) -> Result<LoadReport, BenchError> {
    let threads = config.threads.clamp(1, config.connections.max(1));
    let generators: Vec<Generator> = (0..threads)
        .map(|number| Generator::new(config, share_of(config, number, threads), Arc::clone(answered)))
        .collect::<Result<_, _>>()?;
    let running: Vec<_> = generators.into_iter().map(|generator| thread::spawn(move || generator.run())).collect();
    let mut report = LoadReport::empty(config);
    for thread in running {
        report.add(&thread.join().expect("the generator does not panic")?);
    }
    Ok(report)
}

/// What one thread does.
struct Share {
    connections: usize,
    schedule: Option<Schedule>,
    users: Users,
}

fn share_of(config: &LoadConfig, number: usize, threads: usize) -> Share {
    let seed = config.seed.wrapping_add(number as u64);
    let schedule = match config.pace {
        Pace::Open { per_second, arrivals } => Some(Schedule::new(arrivals, per_second / threads as f64, seed)),
        Pace::Saturating => None,
    };
    let users = Users::new(config.population.clone(), config.popularity, config.unknown_share, seed);
    Share { connections: (config.connections + number) / threads, schedule, users }
}

impl LoadReport {
    fn empty(config: &LoadConfig) -> Self {
        let offered_per_s = match config.pace {
            Pace::Open { per_second, .. } => Some(per_second),
            Pace::Saturating => None,
        };
        Self {
            offered_per_s,
            duration: config.duration,
            latency: Latencies::default(),
            lateness: Latencies::default(),
            queued: 0,
            statuses: BTreeMap::new(),
            faults: BTreeMap::new(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.latency.add(&other.latency);
        self.lateness.add(&other.lateness);
        self.queued += other.queued;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }

    /// As it is written.
    pub fn figures(&self) -> LoadFigures {
        let (latency_ms, seconds) = (self.latency.percentiles(), self.duration.as_secs_f64());
        LoadFigures {
            offered_per_s: self.offered_per_s,
            achieved_per_s: latency_ms.count as f64 / seconds,
            seconds,
            latency_ms,
            lateness_ms: self.lateness.percentiles(),
            queued: self.queued,
            statuses: self.statuses.clone(),
            faults: self.faults.clone(),
        }
    }
}

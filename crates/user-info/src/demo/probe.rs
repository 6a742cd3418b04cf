//! The probes: what a client sees, measured from the time at which it meant to ask (no coordinated omission).
//!
//! GET probes ask for users at a fixed rate. Update probes publish a profile at a fixed rate and ask until it shows. Each
//! kind has a thread of its own that sleeps by the system's clock: a runtime's timer wakes up to a millisecond late, which
//! is more than an answer takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use hyper::StatusCode;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use user_info_bench::client::Client;
use user_info_bench::freshness::profile;
use user_info_core::Id;
use user_info_log::{Log, NewRecord, Producer, ProducerConfig};
use user_info_upstream::simulator::user_id;

use super::latency::SharedLatencies;
use crate::exit::Failure;

/// Connections that GET probes use in turn.
const GET_CONNECTIONS: usize = 4;

/// GET probes per second.
const GETS_PER_SECOND: u32 = 200;

/// Users that the GET probes ask for: so many of the most active ones, of whom most were seen already.
const USERS_ASKED: u32 = 500;

/// Update probes per second.
const UPDATES_PER_SECOND: u32 = 10;

/// Pause between two looks for an update: the resolution of the update latency.
const LOOK_AGAIN: Duration = Duration::from_micros(500);

/// An update that is not visible after this long is counted as lost.
const UPDATE_MAX: Duration = Duration::from_secs(30);

/// The id of the user whose profile the update probes publish; nobody else publishes it.
const PROBE_USER: &str = "update-probe";

/// What the probes measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) get: SharedLatencies,
    pub(crate) update: SharedLatencies,
    pub(crate) failed: AtomicU64,
}

/// Running probes.
pub(crate) struct Probes {
    figures: Arc<Figures>,
    stop: CancellationToken,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Probes {
    /// Starts asking `address` until `stop`.
    pub(crate) fn start(address: SocketAddr, log: &Log, stop: CancellationToken) -> Result<Self, Failure> {
        let figures = Arc::new(Figures::default());
        let producer = log.producer(&ProducerConfig::default())?;
        let gets = {
            let (figures, stop) = (Arc::clone(&figures), stop.clone());
            spawn("get-probe", move || probe_gets(address, &figures, &stop))?
        };
        let updates = {
            let (figures, stop) = (Arc::clone(&figures), stop.clone());
            spawn("update-probe", move || probe_updates(address, producer, &figures, &stop))?
        };
        Ok(Self { figures, stop, threads: vec![gets, updates] })
    }

    pub(crate) fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.figures)
    }

    /// Stops them; an error is one that made a probe give up.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        self.stop.cancel();
        for thread in self.threads {
            let joined = tokio::task::spawn_blocking(|| thread.join()).await.context("waiting for a probe");
            let probed = joined.and_then(|joined| joined.map_err(|_| anyhow!("a probe panicked"))?);
            probed.map_err(Failure::check)?;
        }
        Ok(())
    }
}

fn spawn<F>(name: &str, probe: F) -> Result<JoinHandle<anyhow::Result<()>>, Failure>
where
    F: FnOnce() -> anyhow::Result<()> + Send + 'static,
{
    let spawned = thread::Builder::new().name(name.into()).spawn(probe);
    spawned.context("starting a probe's thread").map_err(Failure::check)
}

/// Calls `probe` with the number and the intended time of each probe, until `stop`. One that is late is not left out.
fn at_rate(
    per_second: u32,
    stop: &CancellationToken,
    mut probe: impl FnMut(u32, Instant) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let period = Duration::from_secs(1) / per_second;
    let mut intended = Instant::now();
    for number in 0.. {
        thread::sleep(intended.saturating_duration_since(Instant::now()));
        if stop.is_cancelled() {
            break;
        }
        probe(number, intended)?;
        intended += period;
    }
    Ok(())
}

fn probe_gets(address: SocketAddr, figures: &Figures, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut clients = (0..GET_CONNECTIONS).map(|_| Client::connect(address)).collect::<Result<Vec<_>, _>>()?;
    let mut user = 0;
    at_rate(GETS_PER_SECOND, stop, |number, intended| {
        user = (user * 31 + 7) % USERS_ASKED;
        let client = &mut clients[number as usize % GET_CONNECTIONS];
        let (status, _) = ask(client, &format!("/users/{}", user_id(user)))?;
        figures.get.record(intended.elapsed());
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            figures.failed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

fn probe_updates(
    address: SocketAddr,
    mut producer: Producer,
    figures: &Figures,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut client = Client::connect(address)?;
    let user = Id::new(PROBE_USER).expect("the name is an id");
    at_rate(UPDATES_PER_SECOND, stop, |number, intended| {
        producer.publish(&[NewRecord::fact(&profile(&user, format!("Update {number}")))])?;
        if shows(&mut client, number, intended)? {
            figures.update.record(intended.elapsed());
        } else {
            figures.failed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

/// Asks until the update, or a later one, shows.
fn shows(client: &mut Client, number: u32, intended: Instant) -> anyhow::Result<bool> {
    while intended.elapsed() < UPDATE_MAX {
        let (status, body) = ask(client, &format!("/users/{PROBE_USER}"))?;
        if status == StatusCode::OK {
            let answer: Value = serde_json::from_slice(&body).context("the answer is not JSON")?;
            let shown = answer["name"].as_str().and_then(|name| name.strip_prefix("Update ")?.parse::<u32>().ok());
            if shown.is_some_and(|shown| shown >= number) {
                return Ok(true);
            }
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(false)
}

/// A server that fails is nothing to measure.
fn ask(client: &mut Client, path: &str) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let (status, body) = client.get(path)?;
    let status = StatusCode::from_u16(status).context("the answer has no status")?;
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        bail!("{path} was answered with {status}");
    }
    Ok((status, body))
}

//! The probes: what a client sees, measured from the time at which it meant to ask (no coordinated omission).
//!
//! GET probes ask for users at a fixed rate. Update probes publish a profile at a fixed rate and ask until it shows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use user_info_core::{AccountState, Fact, Id, Profile, Timestamp};
use user_info_log::{Log, LogError, NewRecord, Producer, ProducerConfig};
use user_info_upstream::simulator::user_id;

use super::latency::Latencies;
use crate::exit::Failure;

/// Connections that GET probes use, each with one request at a time.
const GET_CONNECTIONS: u32 = 4;

/// GET probes per second on each connection.
const GETS_PER_SECOND: u32 = 50;

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
    pub(crate) get: Latencies,
    pub(crate) update: Latencies,
    pub(crate) failed: AtomicU64,
}

/// Running probes.
pub(crate) struct Probes {
    figures: Arc<Figures>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Probes {
    /// Starts asking `address` until `stop`.
    pub(crate) fn start(address: SocketAddr, log: &Log, stop: CancellationToken) -> Result<Self, Failure> {
        let figures = Arc::new(Figures::default());
        let mut tasks = Vec::new();
        for number in 0..GET_CONNECTIONS {
            tasks.push(tokio::spawn(probe_gets(address, number, Arc::clone(&figures), stop.clone())));
        }
        let publisher = start_publisher(log.producer(&ProducerConfig::default())?)?;
        tasks.push(tokio::spawn(probe_updates(address, publisher, Arc::clone(&figures), stop.clone())));
        Ok(Self { figures, stop, tasks })
    }

    pub(crate) fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.figures)
    }

    /// Stops them; an error is one that made a probe give up.
    pub(crate) async fn finish(self) -> Result<(), Failure> {
        self.stop.cancel();
        for task in self.tasks {
            task.await.context("a probe's task").and_then(|probed| probed).map_err(Failure::check)?;
        }
        Ok(())
    }
}

async fn probe_gets(
    address: SocketAddr,
    number: u32,
    figures: Arc<Figures>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut client = Client::connect(address).await?;
    let period = Duration::from_secs(1) / GETS_PER_SECOND;
    let mut intended = Instant::now() + period * number / GET_CONNECTIONS;
    let mut user = number;
    while stop.run_until_cancelled(sleep_until(intended)).await.is_some() {
        user = (user * 31 + 7) % USERS_ASKED;
        let (status, _) = client.get(&format!("/users/{}", user_id(user))).await?;
        figures.get.record(intended.elapsed());
        if status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE {
            figures.failed.fetch_add(1, Ordering::Relaxed);
        }
        intended += period;
    }
    Ok(())
}

async fn probe_updates(
    address: SocketAddr,
    publisher: mpsc::Sender<Publish>,
    figures: Arc<Figures>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut ticks = interval(Duration::from_secs(1) / UPDATES_PER_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut client = Client::connect(address).await?;
    let mut number = 0_u64;
    while let Some(intended) = stop.run_until_cancelled(ticks.tick()).await {
        number += 1;
        let name = format!("Update {number}");
        let (done, published) = oneshot::channel();
        publisher
            .send(Publish { name: name.clone(), done })
            .await
            .map_err(|_| anyhow!("the update probe's publisher ended"))?;
        published.await.context("the update probe's publisher")??;
        if !shows(&mut client, number, intended).await? {
            figures.failed.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        figures.update.record(intended.elapsed());
    }
    Ok(())
}

/// Asks until the update, or a later one, shows.
async fn shows(client: &mut Client, number: u64, intended: Instant) -> anyhow::Result<bool> {
    while intended.elapsed() < UPDATE_MAX {
        let (status, body) = client.get(&format!("/users/{PROBE_USER}")).await?;
        if status == StatusCode::OK {
            let answer: Value = serde_json::from_slice(&body).context("the answer is not JSON")?;
            let shown = answer["name"].as_str().and_then(|name| name.strip_prefix("Update ")?.parse::<u64>().ok());
            if shown.is_some_and(|shown| shown >= number) {
                return Ok(true);
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(false)
}

/// A profile to publish, and whom to tell when the log has it.
struct Publish {
    name: String,
    done: oneshot::Sender<Result<(), LogError>>,
}

/// Publishing blocks, so it has a thread of its own.
fn start_publisher(mut producer: Producer) -> Result<mpsc::Sender<Publish>, Failure> {
    let (sender, mut receiver) = mpsc::channel::<Publish>(1);
    let work = move || {
        while let Some(Publish { name, done }) = receiver.blocking_recv() {
            let published = producer.publish(&[NewRecord::fact(&probe_fact(name))]).map(drop);
            // Nobody waits any more when the probe was stopped meanwhile.
            let _ = done.send(published);
        }
    };
    let spawned = std::thread::Builder::new().name("update-probe".into()).spawn(work);
    spawned.context("starting the update probe's thread").map_err(Failure::check)?;
    Ok(sender)
}

fn probe_fact(name: String) -> Fact {
    let profile = Profile {
        username: "update_probe".into(),
        name,
        state: AccountState::Active,
        joined_at: Timestamp::from_millis(0).expect("the epoch is a time"),
        bio: Some("I am published again and again to measure how long a change takes to show.".into()),
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
    };
    Fact::UserChanged { user_id: Id::new(PROBE_USER).expect("the name is an id"), profile }
}

/// One connection, one request at a time.
struct Client {
    sender: SendRequest<Empty<Bytes>>,
    host: String,
}

impl Client {
    async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).context("setting TCP_NODELAY")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.context("opening an HTTP connection")?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string() })
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::get(path).header("host", &self.host).body(Empty::new()).context("building a request")?;
        let response = self.sender.send_request(request).await.with_context(|| format!("asking for {path}"))?;
        let status = response.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            bail!("{path} was answered with {status}");
        }
        let body = response.into_body().collect().await.with_context(|| format!("reading the answer to {path}"))?;
        Ok((status, body.to_bytes()))
    }
}

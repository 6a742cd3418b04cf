//! Sends the simulation's messages to every subscriber, at the simulation's rate.
//!
//! Invariant: one task owns simulation and subscribers. It waits for nobody: a subscriber whose queue is full is cut
//! off, so memory stays below the largest queue (chunks are shared) and nobody slows anybody down.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::pacer::Pacer;
use crate::simulator::simulation::Simulation;

/// How often messages are sent. Short enough that their times look natural.
const TICK: Duration = Duration::from_millis(10);
/// Most statuses of one tick, so that a slow machine still gets to answer others in between.
const STATUSES_PER_TICK_MAX: u64 = 1_000;
/// A chunk is sent when it has grown to this size, which bounds a queue in bytes.
const CHUNK_BYTES: usize = 32 * 1024;
/// What keeps a connection alive.
const KEEP_ALIVE: Bytes = Bytes::from_static(b"\r\n");

/// Where a client's part of the stream goes.
#[derive(Debug)]
pub(super) struct Subscriber {
    /// Chunks on their way.
    pub(super) queue: mpsc::Sender<Bytes>,
    /// Cuts the connection.
    pub(super) cut: CancellationToken,
}

/// The simulation and those who listen.
pub(super) struct Feed {
    simulation: Simulation,
    pacer: Pacer,
    subscribers: Vec<Subscriber>,
    keep_alive_after: Duration,
    last_sent: Instant,
}

impl Feed {
    pub(super) fn new(simulation: Simulation, rate: f64, keep_alive_after: Duration) -> Self {
        let now = Instant::now();
        let pacer = Pacer::new(rate, now);
        Self { simulation, pacer, subscribers: Vec::new(), keep_alive_after, last_sent: now }
    }

    /// Runs until it is cancelled. New subscribers get everything from then on.
    pub(super) async fn run(mut self, mut joining: mpsc::Receiver<Subscriber>, shutdown: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(subscriber) = joining.recv() => self.subscribers.push(subscriber),
                _ = ticks.tick() => self.tick(),
            }
        }
    }

    fn tick(&mut self) {
        let due = self.pacer.due(Instant::now()).min(STATUSES_PER_TICK_MAX);
        self.pacer.done(due);
        let mut chunk = Vec::new();
        for _ in 0..due {
            self.simulation.step(clock::now(), &mut chunk);
            if chunk.len() >= CHUNK_BYTES {
                self.send(std::mem::take(&mut chunk).into());
            }
        }
        if !chunk.is_empty() {
            self.send(chunk.into());
        } else if self.last_sent.elapsed() >= self.keep_alive_after {
            self.send(KEEP_ALIVE);
        }
    }

    fn send(&mut self, chunk: Bytes) {
        self.last_sent = Instant::now();
        self.subscribers.retain(|subscriber| match subscriber.queue.try_send(chunk.clone()) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => {
                tracing::warn!("a client reads too slowly and is cut off");
                subscriber.cut.cancel();
                false
            }
        });
    }
}

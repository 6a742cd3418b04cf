//! Sends the source's messages to every subscriber, at the source's pace.
//!
//! Invariant: one task owns source and subscribers. A subscriber whose queue is full is cut off, so memory stays below
//! the largest queue (chunks are shared) and nobody slows anybody down; only a replay flat out waits for subscribers,
//! because it has no other measure, and for none of them longer than `CLIENT_WAIT_MAX` at a time.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::simulator::source::{Given, Source};

/// How often messages are sent. Short enough that their times look natural.
const TICK: Duration = Duration::from_millis(10);
/// Most statuses of one tick, so that a slow machine still gets to answer others in between.
const STATUSES_PER_TICK_MAX: u64 = 1_000;
/// A client that takes nothing for so long is not waited for any longer. Clients themselves give a silent server 90 s.
const CLIENT_WAIT_MAX: Duration = Duration::from_secs(60);
/// The last message of an archive's stream; code 5 is a normal end.
const DISCONNECT: Bytes = Bytes::from_static(
    b"{\"disconnect\":{\"code\":5,\"stream_name\":\"sample\",\"reason\":\"the archive is done\"}}\r\n",
);
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

/// The source and those who listen.
pub(super) struct Feed {
    source: Source,
    subscribers: Vec<Subscriber>,
    keep_alive_after: Duration,
    last_sent: Instant,
    /// Since when a subscriber that is waited for takes nothing.
    waiting_since: Option<Instant>,
}

impl Feed {
    pub(super) fn new(source: Source, keep_alive_after: Duration) -> Self {
        Self { source, subscribers: Vec::new(), keep_alive_after, last_sent: Instant::now(), waiting_since: None }
    }

    /// Runs until it is cancelled, or the source is over. New subscribers get everything from then on.
    pub(super) async fn run(mut self, mut joining: mpsc::Receiver<Subscriber>, shutdown: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(subscriber) = joining.recv() => self.subscribers.push(subscriber),
                _ = ticks.tick() => if self.tick(Instant::now()).is_break() { return },
            }
        }
    }

    fn tick(&mut self, now: Instant) -> ControlFlow<()> {
        self.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        let mut chunk = Vec::new();
        for _ in 0..STATUSES_PER_TICK_MAX {
            if chunk.is_empty() && !self.may_send(now) {
                break;
            }
            match self.source.next(now, &mut chunk) {
                Given::Message if chunk.len() >= CHUNK_BYTES => self.send(std::mem::take(&mut chunk).into()),
                Given::Message => {}
                Given::Over if chunk.is_empty() => {
                    self.send(DISCONNECT);
                    return ControlFlow::Break(());
                }
                // The end is told with the next tick.
                Given::Over | Given::Nothing => break,
            }
        }
        if !chunk.is_empty() {
            self.send(chunk.into());
        } else if self.last_sent.elapsed() >= self.keep_alive_after {
            self.send(KEEP_ALIVE);
        }
        ControlFlow::Continue(())
    }

    /// Whether there is somebody to send to who can take it, or nobody has to be waited for.
    fn may_send(&mut self, now: Instant) -> bool {
        if self.subscribers.is_empty() {
            return self.source.plays_to_nobody();
        }
        if !self.source.waits_for_clients() || self.has_room() {
            self.waiting_since = None;
            return true;
        }
        now.duration_since(*self.waiting_since.get_or_insert(now)) >= CLIENT_WAIT_MAX
    }

    fn has_room(&self) -> bool {
        self.subscribers.iter().all(|subscriber| subscriber.queue.capacity() > 0)
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

//! Sends a source's messages to every subscriber.
//!
//! Invariant: one task owns source and subscribers. Where the clock sets the pace it waits for nobody: a subscriber whose
//! queue is full is cut off, so memory stays below the largest queue (chunks are shared) and nobody slows anybody down.
//! Where readers set the pace it goes on when all of them have taken half of what waits for them, and cuts off those who
//! take nothing for too long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::simulator::batch::{Batch, Batcher};
use crate::simulator::departure::Departure;
use crate::simulator::notices::DisconnectCode;
use crate::simulator::source::{Filled, Source};

/// How often messages are sent. Short enough that their times look natural.
const TICK: Duration = Duration::from_millis(10);
/// Most chunks of one tick, 4 MiB, so that what a slow machine has to make up for does not come at once.
const CHUNKS_PER_TICK_MAX: usize = 64;
/// A chunk is sent when it has grown to this size, which bounds a queue in bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// Room for the message that makes a chunk full.
const CHUNK_SLACK_BYTES: usize = 8 * 1024;
/// How long readers that set the pace may take nothing. Clients themselves give a silent server 90 s.
const IDLE_READER_MAX: Duration = Duration::from_secs(60);

/// Where a client's part of the stream goes.
#[derive(Debug)]
pub(super) struct Subscriber {
    /// Batches on their way.
    pub(super) queue: mpsc::Sender<Arc<Batch>>,
    /// Ends the stream.
    pub(super) departure: Arc<Departure>,
}

impl Subscriber {
    fn has_room(&self) -> bool {
        self.queue.capacity() > self.queue.max_capacity() / 2
    }
}

/// The source and those who listen.
pub(super) struct Feed {
    source: Source,
    batcher: Batcher,
    subscribers: Vec<Subscriber>,
    /// Since when somebody has had no room.
    held_up: Option<Instant>,
}

impl Feed {
    pub(super) fn new(source: Source, batcher: Batcher) -> Self {
        Self { source, batcher, subscribers: Vec::new(), held_up: None }
    }

    /// Runs until it is cancelled or the source is over, and takes its leave of everybody. New subscribers get everything from then on.
    pub(super) async fn run(mut self, mut joining: mpsc::Receiver<Subscriber>, shutdown: CancellationToken) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let code = loop {
            tokio::select! {
                () = shutdown.cancelled() => break DisconnectCode::Shutdown,
                Some(subscriber) = joining.recv() => self.welcome(subscriber),
                _ = ticks.tick() => if self.tick().await == Filled::Over { break DisconnectCode::Normal },
            }
        };
        for subscriber in self.subscribers {
            subscriber.departure.order(code);
        }
    }

    /// Begins with an empty batch, which says how many statuses were left out before.
    fn welcome(&mut self, subscriber: Subscriber) {
        let beginning = Arc::new(self.batcher.batch(Vec::new()));
        // A client that is gone again is noticed with the next batch.
        let _ = subscriber.queue.try_send(beginning);
        self.subscribers.push(subscriber);
    }

    async fn tick(&mut self) -> Filled {
        for _ in 0..CHUNKS_PER_TICK_MAX {
            if !self.may_send() {
                return Filled::NothingMore;
            }
            let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_SLACK_BYTES);
            let filled = self.source.fill(&mut chunk, CHUNK_BYTES);
            self.send(chunk);
            if filled != Filled::Full {
                return filled;
            }
            // Others get to write what they have.
            tokio::task::yield_now().await;
        }
        Filled::Full
    }

    /// Whether there is somebody to send to who can take it, or nobody has to be waited for.
    fn may_send(&mut self) -> bool {
        self.subscribers.retain(|subscriber| !subscriber.queue.is_closed());
        if self.subscribers.is_empty() {
            return self.source.plays_to_nobody();
        }
        !self.source.waits_for_readers() || self.readers_keep_up()
    }

    fn send(&mut self, chunk: Vec<u8>) {
        let batch = self.batcher.batch(chunk);
        if batch.bytes().is_empty() {
            return;
        }
        let batch = Arc::new(batch);
        self.subscribers.retain(|subscriber| match subscriber.queue.try_send(Arc::clone(&batch)) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => {
                tracing::warn!("a client reads too slowly and is cut off");
                subscriber.departure.order(DisconnectCode::Stall);
                false
            }
        });
    }

    /// Whether there is room in every queue. Nobody holds up the others for ever.
    fn readers_keep_up(&mut self) -> bool {
        if self.subscribers.iter().all(Subscriber::has_room) {
            self.held_up = None;
        } else if self.held_up.get_or_insert_with(Instant::now).elapsed() >= IDLE_READER_MAX {
            self.held_up = None;
            self.dismiss_idle();
        }
        self.held_up.is_none()
    }

    fn dismiss_idle(&mut self) {
        self.subscribers.retain(|subscriber| {
            if !subscriber.has_room() {
                tracing::warn!("a client held up everybody and is cut off");
                subscriber.departure.order(DisconnectCode::Stall);
            }
            subscriber.has_room()
        });
    }
}

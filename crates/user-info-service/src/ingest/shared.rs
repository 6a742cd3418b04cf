//! Ingest into a store that others fill too: a consumer group says which partitions this instance reads, the store says from
//! where, and what the others do is read back every second. While such a store is away, ingest waits with the batch in its
//! hands.

use std::sync::Arc;
use std::time::Duration;

use user_info_core::Topic;
use user_info_log::Share;
use user_info_store::{Position, StoreError};

use super::{Ingest, index};
use crate::clock::now_ms;
use crate::errors::{ServiceError, chain};
use crate::view::{Phase, TopicView, View};

/// How old the stored time of completeness may become where other instances learn from it how old the data is, and how often
/// a shared store is asked what they did.
pub(super) const SHARED_INTERVAL_MS: i64 = 1_000;

/// A partition that another instance reads counts as read to its end if it was, by what the store says, within this time:
/// that instance says so every second, and we read it every second.
const OTHERS_FRESH_MS: i64 = 3 * SHARED_INTERVAL_MS;

/// Pauses while the store is away: the first, doubled each time up to the last.
const STORE_RETRY: Duration = Duration::from_millis(50);
const STORE_RETRY_MAX: Duration = Duration::from_secs(1);

impl Ingest {
    /// Takes the store's positions for ours and reads on from there. Records that were polled and not written come again.
    pub(super) fn adopt(&mut self) -> Result<(), ServiceError> {
        let store = self.parts.store.clone();
        self.settled = false;
        let Some(positions) = self.until_store_answers(|| store.take_up())? else { return Ok(()) };
        let Some(tainted) = self.until_store_answers(|| store.tainted())? else { return Ok(()) };
        self.memory.tainted = tainted.into_iter().map(|taint| (taint.key.topic, taint.key.key)).collect();
        self.parts.metrics.tainted.set(self.memory.tainted.len() as i64);
        (self.settled, self.adopted_ms) = (true, now_ms());
        for topic in Topic::FACTS {
            self.adopt_topic(topic, of_topic(&positions, topic))?;
        }
        self.publish_view();
        Ok(())
    }

    fn adopt_topic(&mut self, topic: Topic, stored: Vec<Position>) -> Result<(), ServiceError> {
        let view = self.topics.get_mut(&topic).expect("the five topics of facts are there from the start");
        if matches!(view.phase, Phase::Starting { .. }) {
            view.partitions = TopicView::from_positions(topic, &stored).partitions;
            self.stored.insert(topic, stored);
            return Ok(());
        }
        for partition in &mut view.partitions {
            let found = stored.iter().find(|position| position.partition == partition.position.partition);
            partition.position = found.cloned().unwrap_or_else(|| unread(&partition.position));
            partition.at_end = false;
        }
        let owned: Vec<(Topic, i32)> = self.owned.iter().copied().filter(|&(owned, _)| owned == topic).collect();
        self.read(&owned)
    }

    /// Asks the store until it answers; `None` when the signal to stop came first. What it is waiting for is shown meanwhile.
    pub(super) fn until_store_answers<T>(
        &self,
        ask: impl Fn() -> Result<T, StoreError>,
    ) -> Result<Option<T>, ServiceError> {
        let mut pause = STORE_RETRY;
        loop {
            let error = match ask() {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) if error.is_passing() && !(self.is_new() && error.is_refusal()) => error,
                Err(error) => return Err(error.into()),
            };
            self.parts.errors.note("store", format!("ingest waits for {}: {}", self.store_name(), chain(&error)));
            self.publish_waiting();
            if self.parts.stop.is_cancelled() {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = STORE_RETRY_MAX.min(2 * pause);
        }
    }

    /// Whether the store was never taken up. One that turns us away then is a mistake to be mended, not to be waited for.
    fn is_new(&self) -> bool {
        self.adopted_ms == 0
    }

    fn store_name(&self) -> String {
        self.parts.store.servers().unwrap_or_else(|| "the store".to_owned())
    }

    /// Learns from a shared store, every second, whether its positions still hold and how far other instances are.
    pub(super) fn hear_others(&mut self) -> Result<(), ServiceError> {
        if !self.parts.store.is_shared() || now_ms() - self.checked_ms < SHARED_INTERVAL_MS {
            return Ok(());
        }
        self.checked_ms = now_ms();
        let positions = match self.parts.store.check() {
            Ok(positions) => positions,
            Err(StoreError::Rewound { reason }) => return self.rewind(&reason),
            Err(error) if error.is_passing() => {
                self.parts.errors.note("store", format!("{}, asked again soon: {}", self.store_name(), chain(&error)));
                self.publish_waiting();
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        for position in positions {
            self.note_other(position);
        }
        self.publish_view();
        Ok(())
    }

    fn note_other(&mut self, position: Position) {
        let key = (position.topic, position.partition);
        let known = self.topics[&position.topic].partitions.len();
        if self.owned.contains(&key) || index(position.partition) >= known {
            return;
        }
        let fresh_ms = now_ms() - OTHERS_FRESH_MS;
        let partition = self.partition_mut(key);
        partition.at_end = position.caught_up_at_ms.is_some_and(|at_ms| at_ms >= fresh_ms);
        partition.position = position;
        self.reach_reported_end(key);
    }

    pub(super) fn rewind(&mut self, reason: &str) -> Result<(), ServiceError> {
        self.parts.errors.note_always("positions", format!("reading goes back to the stored positions: {reason}"));
        self.adopt()
    }

    /// Takes what the group gave, and leaves what it took away.
    pub(super) fn take_shares(&mut self, shares: Vec<Share>) -> Result<(), ServiceError> {
        let mut gained = false;
        for share in shares {
            match share {
                Share::Gained(partitions) => {
                    tracing::info!("the group gave {} partitions to this instance", partitions.len());
                    self.owned.extend(partitions);
                    gained = true;
                }
                Share::Lost(partitions) => {
                    tracing::info!("the group took {} partitions from this instance", partitions.len());
                    self.lose(&partitions);
                }
            }
        }
        if gained { self.adopt() } else { Ok(()) }
    }

    fn lose(&mut self, partitions: &[(Topic, i32)]) {
        for &key in partitions {
            self.owned.remove(&key);
            self.live.remove(&key);
            if let Some(partition) =
                self.topics.get_mut(&key.0).and_then(|topic| topic.partitions.get_mut(index(key.1)))
            {
                partition.at_end = false;
            }
        }
    }

    /// While the store is away, what was published stands, but nothing is known to be at its end.
    fn publish_waiting(&self) {
        let published = self.parts.view.load_full();
        let mut topics = published.topics.clone();
        topics.iter_mut().flat_map(|topic| &mut topic.partitions).for_each(|partition| partition.at_end = false);
        let mut view = View::new(topics, self.connected);
        view.was_complete |= published.was_complete;
        self.parts.view.store(Arc::new(view));
    }
}

fn of_topic(positions: &[Position], topic: Topic) -> Vec<Position> {
    positions.iter().filter(|position| position.topic == topic).cloned().collect()
}

/// The position of a partition that the store has none of: where a new one begins, and from the start if it was read before
/// and the store lost it.
fn unread(position: &Position) -> Position {
    if position.last_timestamp_ms.is_none() && position.caught_up_at_ms.is_none() {
        return position.clone();
    }
    Position {
        next_offset: 0,
        reading_since_ms: now_ms(),
        caught_up_at_ms: None,
        last_timestamp_ms: None,
        ..position.clone()
    }
}

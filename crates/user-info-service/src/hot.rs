//! Answers about users who are asked for often, as the bytes that are sent: within a bound of memory, and never older than what
//! the store says. For a store that nobody else writes to.
//!
//! Before ingest writes a batch it takes the users of the batch out, and until the batch is written nothing is put in.
//!
//! Invariant: an answer from here is one that the store would have given at that moment. A batch becomes visible as a whole here
//! as well: of two users whom it moves none is old while the other one is new.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use prometheus_client::metrics::counter::Counter;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, GuardResult};
use user_info_core::Id;
use user_info_store::Decision;

use crate::changes::users_of;

/// What an entry takes besides its id and its body: the table's slot, two counted references, the entity tag.
const ENTRY_BYTES: u64 = 200;

/// What an entry takes in the middle; the table's size is guessed from it.
const MEAN_ENTRY_BYTES: u64 = 800;

/// Nobody waits for somebody else's reading: it takes as long as one's own.
const NO_WAIT: Option<Duration> = Some(Duration::ZERO);

/// An answer that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Its body.
    pub body: Bytes,
    /// Its entity tag.
    pub etag: HeaderValue,
}

/// What is counted about ready answers.
#[derive(Clone, Debug, Default)]
pub struct HotCounts {
    /// Requests that were answered from here.
    pub hits: Counter,
    /// Requests for which the store was read.
    pub misses: Counter,
}

/// The answers that are kept.
#[derive(Debug)]
pub struct HotAnswers {
    entries: Cache<Id, Ready, InBytes>,
    counts: HotCounts,
    /// Beginnings and ends of writes: odd while ingest writes.
    writes: AtomicU64,
}

/// Weighs an entry by the memory that it takes.
#[derive(Clone, Debug)]
struct InBytes;

impl Weighter<Id, Ready> for InBytes {
    fn weight(&self, user: &Id, ready: &Ready) -> u64 {
        ENTRY_BYTES + user.as_str().len() as u64 + ready.body.len() as u64
    }
}

impl HotAnswers {
    /// Keeps answers in so many bytes of memory.
    pub fn new(bytes_max: u64, counts: HotCounts) -> Self {
        let entries = usize::try_from(bytes_max / MEAN_ENTRY_BYTES).unwrap_or(usize::MAX);
        Self { entries: Cache::with_weighter(entries, bytes_max, InBytes), counts, writes: AtomicU64::new(0) }
    }

    /// The memory that they take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// The answer about this user; the one that `read` makes if it is not here, which is kept if it is one.
    pub fn get_or_read<E>(&self, user: &Id, read: impl FnOnce() -> Result<Ready, E>) -> Result<Ready, E> {
        let place = match self.entries.get_value_or_guard(user, NO_WAIT) {
            GuardResult::Value(ready) => {
                self.counts.hits.inc();
                return Ok(ready);
            }
            GuardResult::Guard(place) => Some(place),
            GuardResult::Timeout => None,
        };
        self.counts.misses.inc();
        let before = self.writes.load(Ordering::SeqCst);
        let ready = read()?;
        let undisturbed = before.is_multiple_of(2) && self.writes.load(Ordering::SeqCst) == before;
        if let Some(place) = place.filter(|_| undisturbed) {
            // Refused if ingest has taken the user out meanwhile.
            let _ = place.insert(ready.clone());
        }
        Ok(ready)
    }

    /// Takes the users of a batch out. Until the result is dropped, which must be when the batch is written, nothing is put in.
    pub fn writing(&self, batch: &[Decision]) -> Writing<'_> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        // Also those that are only about to be put in.
        for user in batch.iter().flat_map(|decision| users_of(&decision.change)) {
            self.entries.remove(user);
        }
        Writing(&self.writes)
    }
}

/// A batch that is being written.
#[derive(Debug)]
pub struct Writing<'hot>(&'hot AtomicU64);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

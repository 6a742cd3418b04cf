//! Answers about users who are asked for often, as the bytes that are sent: within a bound of memory, and never older than what
//! the store says. For a store that nobody else writes to.
//!
//! Before ingest writes a batch it takes the users of the batch out, and until the batch is written nothing is put in.
//!
//! Invariant: an answer from here is one that the store would have given at that moment. A batch becomes visible as a whole here
//! as well: of two users whom it moves none is old while the other one is new.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderValue;
use prometheus_client::metrics::counter::Counter;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, EntryAction, EntryResult};
use user_info_core::Id;
use user_info_store::Decision;

use crate::answer::etag;
use crate::changes::users_of;
use crate::fields::Fields;
use crate::twitter::v2;

/// What an entry takes besides its id: the table's slot and a counted reference.
const ENTRY_BYTES: u64 = 120;

/// What an answer takes besides its body: a counted reference, the entity tag.
const ANSWER_BYTES: u64 = 120;

/// Answers that are kept of one user; of more, those that were made last. Clients ask in few forms, each in one.
const FORMS_MAX: usize = 4;

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

impl Ready {
    /// An answer with this body.
    pub fn new(body: Bytes) -> Self {
        Self { etag: etag(&body), body }
    }
}

/// In which form an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The native one, with these fields.
    Native(Fields),
    /// That of API v1.1.
    V1 {
        /// Whether links are marked.
        entities: bool,
    },
    /// That of API v2, with these fields.
    V2(v2::Fields),
}

/// The answers about one user.
type Answers = Arc<[(Form, Ready)]>;

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
    entries: Cache<Id, Answers, InBytes>,
    counts: HotCounts,
    /// Beginnings and ends of writes: odd while ingest writes.
    writes: AtomicU64,
}

/// Weighs an entry by the memory that it takes.
#[derive(Clone, Debug)]
struct InBytes;

impl Weighter<Id, Answers> for InBytes {
    fn weight(&self, user: &Id, answers: &Answers) -> u64 {
        let bodies: u64 = answers.iter().map(|(_, ready)| ANSWER_BYTES + ready.body.len() as u64).sum();
        ENTRY_BYTES + user.as_str().len() as u64 + bodies
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

    /// The answer about this user in this form; the one that `read` makes if it is not here, which is kept if it is one.
    pub fn get_or_read<E>(&self, user: &Id, form: Form, read: impl FnOnce() -> Result<Ready, E>) -> Result<Ready, E> {
        if let Some(ready) = self.entries.get(user).and_then(|answers| in_form(&answers, form)) {
            self.counts.hits.inc();
            return Ok(ready);
        }
        self.counts.misses.inc();
        // Whoever finds answers in other forms alone takes them out, to put them in again with its own.
        let replace = |_: &Id, _: &mut Answers| EntryAction::<Infallible>::ReplaceWithGuard;
        let (place, others) = match self.entries.entry(user, NO_WAIT, replace) {
            EntryResult::Vacant(place) => (Some(place), None),
            EntryResult::Replaced(place, others) => (Some(place), Some(others)),
            EntryResult::Timeout => (None, None),
            EntryResult::Retained(never) => match never {},
            EntryResult::Removed(..) => unreachable!("nobody asked to remove it"),
        };
        let before = self.writes.load(Ordering::SeqCst);
        let ready = read()?;
        let undisturbed = before.is_multiple_of(2) && self.writes.load(Ordering::SeqCst) == before;
        if let Some(place) = place.filter(|_| undisturbed) {
            // Refused if ingest has taken the user out meanwhile.
            let _ = place.insert(with(others.as_deref().unwrap_or_default(), form, &ready));
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

fn in_form(answers: &[(Form, Ready)], form: Form) -> Option<Ready> {
    answers.iter().find(|(found, _)| *found == form).map(|(_, ready)| ready.clone())
}

/// This answer, and the latest of the others.
fn with(others: &[(Form, Ready)], form: Form, ready: &Ready) -> Answers {
    let others = others.iter().filter(|(other, _)| *other != form).take(FORMS_MAX - 1).cloned();
    std::iter::once((form, ready.clone())).chain(others).collect()
}

/// A batch that is being written.
#[derive(Debug)]
pub struct Writing<'hot>(&'hot AtomicU64);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

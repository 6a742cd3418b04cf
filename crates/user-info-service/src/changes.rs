//! Who waits for changes of which user, and what the latest one was.
//!
//! Ingest notes the users of each batch after it was written; whoever waits for one of them looks again. A change is a mark,
//! not a message: many of them before the next look are one, so that nothing piles up for whoever is slow. The first who
//! looks keeps what was found for the others, so that a user whom thousands watch is read once for each change.
//!
//! A store that others write to as well tells of their changes, of users for whom somebody here waits.
//!
//! Invariant: whoever subscribed before a batch was written hears of it. Users for whom nobody waits take no memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use tokio::sync::watch;
use user_info_core::{Change, Id, Relation};
use user_info_store::{Decision, Store, Subscriber};

/// The users for whom somebody waits, and what is to be told of each. Requests without a wait never touch it; ingest holds
/// its lock for as long as it marks the users of one batch, without writing or waiting.
#[derive(Debug)]
pub struct Changes<T> {
    watched: RwLock<HashMap<Id, Arc<Watched<T>>>>,
    /// Hears of what others write.
    others: OnceLock<Subscriber>,
}

/// One user for whom somebody waits.
#[derive(Debug)]
struct Watched<T> {
    /// Counts the changes.
    version: watch::Sender<u64>,
    /// What was found after the change of this number, or a later one.
    found: Mutex<Option<(u64, T)>>,
}

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self { watched: RwLock::default(), others: OnceLock::new() }
    }
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self { version: watch::Sender::new(0), found: Mutex::new(None) }
    }
}

impl<T: Send + 'static> Changes<T> {
    /// For a store, which may be one that others write to.
    pub fn of(store: &Store) -> Arc<Self> {
        let changes = Arc::new(Self::default());
        let heard = Arc::downgrade(&changes);
        let others = store.subscriber(move |user| {
            if let Some(changes) = heard.upgrade() {
                changes.note_user(user);
            }
        });
        if let Some(others) = others {
            changes.others.get_or_init(|| others);
        }
        changes
    }
}

impl<T> Changes<T> {
    /// Waits for changes of a user from now on. `None` if changes of so many users are waited for as can be.
    pub fn subscribe(self: &Arc<Self>, user: Id) -> Option<Subscription<T>> {
        let mut all = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(&user) && self.others.get().is_some_and(|others| !others.subscribe(&user)) {
            return None;
        }
        let watched = Arc::clone(all.entry(user.clone()).or_default());
        let version = watched.version.subscribe();
        Some(Subscription { changes: Arc::clone(self), user, watched, version })
    }

    fn note_user(&self, user: &Id) {
        if let Some(watched) = self.watched.read().unwrap_or_else(PoisonError::into_inner).get(user) {
            watched.version.send_modify(|version| *version += 1);
        }
    }

    /// Tells of a batch that was written.
    pub fn note(&self, decisions: &[Decision]) {
        let watched = self.watched.read().unwrap_or_else(PoisonError::into_inner);
        if watched.is_empty() {
            return;
        }
        for user in decisions.iter().flat_map(|decision| users_of(&decision.change)) {
            if let Some(watched) = watched.get(user) {
                watched.version.send_modify(|version| *version += 1);
            }
        }
    }

    fn leave(&self, user: &Id) {
        let mut watched = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        // The one who leaves still counts.
        if watched.get(user).is_some_and(|watched| watched.version.receiver_count() <= 1) {
            watched.remove(user);
            if let Some(others) = self.others.get() {
                others.unsubscribe(user);
            }
        }
    }
}

/// The user whose record a change moves, and of a follow the other one as well.
pub(crate) fn users_of(change: &Change) -> impl Iterator<Item = &Id> {
    let (user, other) = match change {
        Change::Profile { user, .. } | Change::Forget { user } => (user, None),
        Change::Add(pair) | Change::Remove(pair) => {
            (&pair.owner, (pair.relation == Relation::Follows).then_some(&pair.member))
        }
    };
    std::iter::once(user).chain(other)
}

/// One who waits. Dropping it ends the wait.
#[derive(Debug)]
pub struct Subscription<T> {
    changes: Arc<Changes<T>>,
    user: Id,
    watched: Arc<Watched<T>>,
    version: watch::Receiver<u64>,
}

impl<T: Clone> Subscription<T> {
    /// Whose record it is.
    pub fn user(&self) -> &Id {
        &self.user
    }

    /// Returns when the record may have changed since [`Subscription::version`] was asked. Cancel safe.
    pub async fn changed(&mut self) {
        // The sender lives for as long as this subscription does.
        let _ = self.version.changed().await;
    }

    /// Which change is the latest. What is read from the store after this was asked holds it.
    pub fn version(&mut self) -> u64 {
        *self.version.borrow_and_update()
    }

    /// What somebody found after this change or a later one.
    pub fn found(&self, version: u64) -> Option<T> {
        let found = self.watched.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().filter(|(found_at, _)| *found_at >= version).map(|(_, found)| found.clone())
    }

    /// Keeps what was found after this change for the others, unless somebody has found something later.
    pub fn keep(&self, version: u64, what: T) {
        let mut found = self.watched.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.as_ref().is_none_or(|(found_at, _)| *found_at <= version) {
            *found = Some((version, what));
        }
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.changes.leave(&self.user);
    }
}

//! Hearing of changes that any instance wrote: a connection to each master, apart from those of reads and writes, with a
//! subscription to the channel of each user that somebody here waits for.
//!
//! Invariant: who subscribes to a user and then, with each call for that user, reads the record has seen every change. A call
//! comes with each change, when a subscription has taken hold, and when one takes hold again after messages may have been
//! missed: the connection was lost or stood still, another master has the slot, or a rebuild was swapped in. So there is no
//! queue of messages that could overflow, and nothing to be told of a loss but to read again.

mod line;
mod session;
mod subscriptions;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use user_info_core::Id;

use super::RedisStore;
use super::topology::Node;
use line::{Line, Place};
use subscriptions::Subscriptions;

/// How often masters and the current generation are looked at, and whether a connection still answers.
const BEAT: Duration = Duration::from_secs(1);

/// Hears of changes to the users that are subscribed to, whichever instance writes them. Dropping it ends that.
pub struct Subscriber {
    subscriptions: Arc<Subscriptions>,
    conductor: AbortHandle,
}

impl Subscriber {
    /// From some moment soon, changes of the user are heard. When it has come, there is a call for the user, whether
    /// subscribed before or not. Returns false if there is no room: as many users as there may be are subscribed to.
    ///
    /// Neither blocks nor waits for Redis, and can be called from asynchronous code.
    #[must_use]
    pub fn subscribe(&self, user: &Id) -> bool {
        self.subscriptions.add(user)
    }

    /// No call for the user begins any more. Neither blocks nor waits for Redis.
    pub fn unsubscribe(&self, user: &Id) {
        self.subscriptions.remove(user);
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.conductor.abort();
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Subscriber").finish_non_exhaustive()
    }
}

impl RedisStore {
    /// See [`crate::Store::subscriber`].
    pub fn subscriber(&self, changed: impl Fn(&Id) + Send + Sync + 'static) -> Subscriber {
        let subscriptions = Arc::new(Subscriptions::new(changed));
        let conductor = Conductor { store: self.clone(), subscriptions: Arc::clone(&subscriptions), lines: Vec::new() };
        let conductor = self.0.handle.spawn(conductor.run()).abort_handle();
        Subscriber { subscriptions, conductor }
    }

    /// Where changes are told, as far as is known.
    fn places(&self) -> Vec<Place> {
        let generation = self.generation();
        if generation.number == 0 {
            return Vec::new();
        }
        let topology = self.0.link.topology.load();
        let place = |node: &Node| Place {
            keys: generation.keys.clone(),
            address: node.address.clone(),
            slots: node.slots.clone(),
        };
        topology.nodes.iter().map(place).collect()
    }
}

/// Keeps one line to each master.
struct Conductor {
    store: RedisStore,
    subscriptions: Arc<Subscriptions>,
    lines: Vec<(Place, AbortHandle)>,
}

impl Conductor {
    async fn run(mut self) {
        // They end when this is dropped.
        let mut tasks = JoinSet::new();
        loop {
            if self.store.refresh_topology().await.is_err() {
                self.store.0.link.renew(&self.store.0.handle);
            }
            self.follow(&mut tasks);
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Ends lines to what is no place any more and begins those to new ones.
    fn follow(&mut self, tasks: &mut JoinSet<()>) {
        let places = self.store.places();
        for (_, stale) in self.lines.extract_if(.., |(place, line)| !places.contains(place) || line.is_finished()) {
            stale.abort();
        }
        while tasks.try_join_next().is_some() {}
        for place in places {
            if !self.lines.iter().any(|(known, _)| *known == place) {
                let line = Line::new(place.clone(), Arc::clone(&self.store.0.link), Arc::clone(&self.subscriptions));
                self.lines.push((place, tasks.spawn(line.run())));
            }
        }
    }
}

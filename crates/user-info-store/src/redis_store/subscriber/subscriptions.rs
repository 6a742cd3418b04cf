//! Which users somebody here waits for, and that this changed.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use user_info_core::Id;

/// Users subscribed to at a time: twice as many as a server takes connections by default. To subscribe to all of them again
/// takes Redis 35 ms, and each takes 212 bytes of its memory (7.0.15).
const SUBSCRIBED_USERS_MAX: usize = 20_000;

/// Turns that a line may be behind; beyond that it goes through all users instead.
const TURNS_MAX: usize = 1_024;

/// The users, shared between who waits and the lines to the masters.
pub(super) struct Subscriptions {
    users: Mutex<HashSet<Id>>,
    turns: broadcast::Sender<Id>,
    changed: Box<dyn Fn(&Id) + Send + Sync>,
}

impl Subscriptions {
    pub(super) fn new(changed: impl Fn(&Id) + Send + Sync + 'static) -> Self {
        Self { users: Mutex::default(), turns: broadcast::Sender::new(TURNS_MAX), changed: Box::new(changed) }
    }

    /// False if there is no room.
    pub(super) fn add(&self, user: &Id) -> bool {
        let mut users = self.users();
        if users.len() == SUBSCRIBED_USERS_MAX && !users.contains(user) {
            return false;
        }
        users.insert(user.clone());
        drop(users);
        self.turn(user);
        true
    }

    pub(super) fn remove(&self, user: &Id) {
        if self.users().remove(user) {
            self.turn(user);
        }
    }

    pub(super) fn contains(&self, user: &Id) -> bool {
        self.users().contains(user)
    }

    pub(super) fn all(&self) -> Vec<Id> {
        self.users().iter().cloned().collect()
    }

    /// The users that are added or removed from now on.
    pub(super) fn turns(&self) -> broadcast::Receiver<Id> {
        self.turns.subscribe()
    }

    /// Tells who waits for this user, if somebody does.
    pub(super) fn tell(&self, user: &Id) {
        if self.contains(user) {
            (self.changed)(user);
        }
    }

    /// Nobody listens while there is no line; a line that begins goes through all users.
    fn turn(&self, user: &Id) {
        let _ = self.turns.send(user.clone());
    }

    fn users(&self) -> MutexGuard<'_, HashSet<Id>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: usize) -> Id {
        Id::new(&number.to_string()).unwrap()
    }

    #[test]
    fn there_is_room_for_so_many_users() {
        let subscriptions = Subscriptions::new(|_| {});
        assert!((0..SUBSCRIBED_USERS_MAX).all(|number| subscriptions.add(&numbered(number))));
        let (first, one_more) = (numbered(0), numbered(SUBSCRIBED_USERS_MAX));
        assert!(!subscriptions.add(&one_more), "full");
        assert!(subscriptions.add(&first), "it has its place");
        subscriptions.remove(&first);
        assert!(subscriptions.add(&one_more));
        assert!(!subscriptions.add(&first));
    }
}

//! Accounts that their owners deleted and may take back for a while, and when that while is over.
//!
//! Invariant: at most [`DEPARTURES_MAX`] accounts. One too many is not lost: it is read back from the users topic after
//! the next start.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use user_info_core::Id;

/// Accounts that are waited for: about 150 MiB.
pub const DEPARTURES_MAX: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct Departures {
    grace_ms: i64,
    due: BTreeSet<(i64, Id)>,
    due_of: HashMap<Id, i64>,
}

impl Departures {
    pub(super) fn new(grace: Duration) -> Self {
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        Self { grace_ms, due: BTreeSet::new(), due_of: HashMap::new() }
    }

    /// The account was deactivated at this time.
    pub(super) fn begin(&mut self, user: &Id, at_ms: i64) {
        if self.due_of.len() < DEPARTURES_MAX && !self.due_of.contains_key(user) {
            let due = at_ms.saturating_add(self.grace_ms);
            self.due.insert((due, user.clone()));
            self.due_of.insert(user.clone(), due);
        }
    }

    /// The account came back, or is gone.
    pub(super) fn end(&mut self, user: &Id) {
        if let Some(due) = self.due_of.remove(user) {
            self.due.remove(&(due, user.clone()));
        }
    }

    /// An account whose time is up, which is waited for no longer.
    pub(super) fn next_due(&mut self, now_ms: i64) -> Option<Id> {
        let (due, user) = self.due.first()?;
        if *due > now_ms {
            return None;
        }
        let user = user.clone();
        self.end(&user);
        Some(user)
    }
}

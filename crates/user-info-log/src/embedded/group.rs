//! A group with one member: it has every partition of the topics that it subscribes to and that exist.

use std::collections::BTreeSet;

use user_info_core::Topic;

use super::{TopicState, Topics};
use crate::consumer::Share;
use crate::names::topic_index;

/// What the member asked for, and what it was told that it has.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) subscribed: BTreeSet<Topic>,
    owned: BTreeSet<(Topic, i32)>,
}

impl Group {
    pub(super) fn owns(&self, partition: (Topic, i32)) -> bool {
        self.owned.contains(&partition)
    }

    /// Whether the member has something to hear.
    pub(super) fn is_behind(&self, topics: &Topics) -> bool {
        self.due(topics).ne(self.owned.iter().copied())
    }

    /// What the member has to hear, which it has heard then.
    pub(super) fn catch_up(&mut self, topics: &Topics) -> Vec<Share> {
        let due: BTreeSet<(Topic, i32)> = self.due(topics).collect();
        let lost: Vec<_> = self.owned.difference(&due).copied().collect();
        let gained: Vec<_> = due.difference(&self.owned).copied().collect();
        self.owned = due;
        let mut shares = Vec::new();
        if !lost.is_empty() {
            shares.push(Share::Lost(lost));
        }
        if !gained.is_empty() {
            shares.push(Share::Gained(gained));
        }
        shares
    }

    /// What the member should have, in order.
    fn due(&self, topics: &Topics) -> impl Iterator<Item = (Topic, i32)> {
        self.subscribed.iter().flat_map(|&topic| {
            let partitions = topics[topic_index(topic)].as_ref().map_or(0, TopicState::partitions);
            (0..partitions).map(move |partition| (topic, partition))
        })
    }
}

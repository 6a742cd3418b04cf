//! Membership in a consumer group: what the group gave this member, and what the member still owes the group.
//!
//! librdkafka tells of each change once, by an event, stops fetching, and waits for the answer. What is gained is answered
//! at once, with nothing: librdkafka keeps the account of what belongs to the member apart from what is read, so a
//! partition can be read, moved and left at any time in between. What is lost is answered only when the consumer is used
//! again, so that the caller has written what it polled before anybody else reads the partition.
//!
//! Reading another offset, or no longer, is the same call as that answer. If it comes when a loss is on its way that was
//! not polled yet, it answers this loss too, a moment too early: the others may gain before this member hears that it
//! lost. Every event is answered once more when it is polled, so none stays without an answer.

use std::collections::BTreeSet;
use std::mem;

use user_info_core::Topic;

use super::events::Change;
use crate::consumer::Share;

/// What a member has and owes.
#[derive(Debug, Default)]
pub(super) struct Group {
    owned: BTreeSet<(Topic, i32)>,
    /// The group waits to hear that lost partitions are no longer read.
    owes_answer: bool,
    pub(super) subscribed: BTreeSet<Topic>,
}

impl Group {
    pub(super) fn owns(&self, partition: (Topic, i32)) -> bool {
        self.owned.contains(&partition)
    }

    /// Notes what the group did, and what there is to tell about it.
    pub(super) fn note(&mut self, change: Change, mut partitions: Vec<(Topic, i32)>) -> Option<Share> {
        partitions.sort_unstable();
        match change {
            Change::Gained => self.owned.extend(&partitions),
            Change::Lost => {
                self.owned.retain(|partition| !partitions.contains(partition));
                self.owes_answer = true;
            }
        }
        // Members also hear of changes that do not touch them.
        (!partitions.is_empty()).then_some(match change {
            Change::Gained => Share::Gained(partitions),
            Change::Lost => Share::Lost(partitions),
        })
    }

    /// Whether a loss is to be answered, which the caller does now.
    pub(super) fn settle(&mut self) -> bool {
        mem::take(&mut self.owes_answer)
    }
}

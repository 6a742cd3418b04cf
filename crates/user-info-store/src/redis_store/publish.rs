//! Telling of changes: who waits for a change of a user subscribes to the user's shard channel on the master that has the
//! user, and whoever wrote about the user sends an empty message there.
//!
//! Messages follow when the data is acknowledged, and positions move after that. So whoever subscribes and then reads misses
//! nothing: a subscription that comes too late for the message comes before the read. And a batch whose messages were cut
//! off by a failure or a kill is applied again, and told of again, because its positions did not move.
//!
//! Nearly always nobody waits, so the masters are asked who does, many users in one command. That is a fiftieth of the CPU
//! time that Redis takes for a batch of 5,000 facts, and a seventeenth for a batch of one. A message to nobody took a tenth in
//! a cluster, whose nodes pass it on to their replicas.

use std::collections::BTreeMap;

use redis::{FromRedisValue, Value};
use user_info_core::Id;

use super::keyspace::Keyspace;
use super::link::Call;
use super::topology::slot_of;
use super::{RedisStore, unexpected};
use crate::error::StoreError;

/// Channels in one question, which Redis answers within a tenth of a millisecond.
const CHANNELS_PER_QUESTION_MAX: usize = 512;

impl RedisStore {
    /// Tells those who wait for a change of one of these users.
    pub(super) async fn publish<'batch>(
        &self,
        keys: &Keyspace,
        users: impl Iterator<Item = &'batch Id>,
    ) -> Result<(), StoreError> {
        let questions = self.questions(users.map(|user| keys.channel(user)));
        let answers = self.run_all(questions, "ask who waits for changes").await?;
        let mut messages = Vec::new();
        for answer in answers {
            messages.extend(awaited(answer)?.into_iter().map(message));
        }
        self.run_all(messages, "tell of changes").await.map(drop)
    }

    /// How many subscribers the channels have, asked of the master of each.
    fn questions(&self, channels: impl Iterator<Item = String>) -> Vec<Call> {
        let topology = self.0.link.topology.load();
        let mut by_node: BTreeMap<usize, Vec<(u16, String)>> = BTreeMap::new();
        for channel in channels {
            let slot = slot_of(&channel);
            by_node.entry(topology.index_of(slot)).or_default().push((slot, channel));
        }
        by_node.values().flat_map(|channels| channels.chunks(CHANNELS_PER_QUESTION_MAX)).map(question).collect()
    }
}

fn question(channels: &[(u16, String)]) -> Call {
    let mut command = redis::cmd("PUBSUB");
    command.arg("SHARDNUMSUB");
    for (_, channel) in channels {
        command.arg(channel);
    }
    Call { slot: channels[0].0, command }
}

/// The channels that have subscribers.
fn awaited(answer: Value) -> Result<Vec<String>, StoreError> {
    let counts = Vec::<(String, u64)>::from_redis_value(answer).map_err(|_| unexpected("PUBSUB SHARDNUMSUB"))?;
    Ok(counts.into_iter().filter(|(_, subscribers)| *subscribers > 0).map(|(channel, _)| channel).collect())
}

fn message(channel: String) -> Call {
    let slot = slot_of(&channel);
    let mut command = redis::cmd("SPUBLISH");
    command.arg(channel).arg("");
    Call { slot, command }
}

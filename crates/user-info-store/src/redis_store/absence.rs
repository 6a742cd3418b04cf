//! What it means that a record is not there. A server may never have had it, or it was emptied, restarted without its data, or
//! made a replica of another. So before a user counts as unknown, the master of that user is asked whether it is one and holds
//! everything that was published; it is asked after the record was missed, because until then it can lose anything.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::sync::Mutex;

use super::link::Lane;
use super::standing::unavailable;
use super::topology::Node;
use super::{Generation, RedisStore};
use crate::error::StoreError;

/// About which generation and when a master was last asked, of the questions that it answered well. Reads that miss something meanwhile wait for the
/// lock and share the next question, so that asking for users who do not exist costs Redis one question at a time.
#[derive(Debug, Default)]
pub(super) struct Confirmed(Mutex<Option<(u64, Instant)>>);

impl RedisStore {
    /// Whether the masters with these indices hold everything that was published up to some time.
    pub(super) async fn confirm_absence(
        &self,
        generation: &Generation,
        nodes: &BTreeSet<usize>,
    ) -> Result<(), StoreError> {
        let missed = Instant::now();
        let topology = self.0.link.topology.load_full();
        let confirmed = async {
            for &node in nodes {
                // A number that is beyond the end belongs to masters as they were before.
                let node = topology.nodes.get(node).ok_or_else(|| unavailable(OPERATION, "hash slots have moved"))?;
                self.confirm(node, generation, missed).await?;
            }
            Ok(())
        };
        self.within_a_read(confirmed).await
    }

    async fn confirm(&self, node: &Node, generation: &Generation, missed: Instant) -> Result<(), StoreError> {
        let mut confirmed = node.confirmed.0.lock().await;
        if confirmed.is_some_and(|(about, asked)| about == generation.number && asked >= missed) {
            return Ok(());
        }
        let asked = Instant::now();
        if !self.standing_of(node, &generation.keys, Lane::Reads).await?.is_complete()? {
            return Err(unavailable(OPERATION, "a part of the data is missing and is read again"));
        }
        *confirmed = Some((generation.number, asked));
        Ok(())
    }

    /// See [`crate::Store::answers`].
    pub async fn answers(&self) -> Result<(), StoreError> {
        let (topology, generation) = (self.0.link.topology.load_full(), self.generation());
        let answered = async {
            for node in &topology.nodes {
                self.standing_of(node, &generation.keys, Lane::Reads).await?;
            }
            Ok(())
        };
        self.within_a_read(answered).await
    }

    /// Waits no longer than a read may take. A master that answers, if only that it is none, goes on being asked for records.
    async fn within_a_read<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(self.0.options.read_timeout, asked).await;
        answer.unwrap_or_else(|_| Err(unavailable(OPERATION, "no answer in time")))
    }
}

const OPERATION: &str = "ask a master how it stands";

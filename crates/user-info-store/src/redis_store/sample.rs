//! Some users to begin with, from the first pages of a walk over each master's keys. Bounded work, whatever the store holds.

use std::collections::BTreeSet;

use redis::FromRedisValue;
use user_info_core::Id;

use super::keyspace::UserKey;
use super::{Generation, RedisStore, failed, unexpected};
use crate::error::StoreError;
use crate::record::UserRecord;

const OPERATION: &str = "read some users";

/// Keys of a page: few enough that Redis is not held up, enough that some of them are users' records.
const PAGE_KEYS: u64 = 512;

/// Pages that are looked at in all. A Redis shared with others may have thousands of keys that are none of ours.
const PAGES_MAX: usize = 16;

impl RedisStore {
    /// See [`crate::Store::sample`].
    pub async fn sample(&self, limit: usize) -> Result<Vec<UserRecord>, StoreError> {
        let generation = self.known_generation()?;
        let users = self.in_time(&BTreeSet::new(), self.first_users(&generation, limit)).await?;
        let records = self.read_many(&generation, &users).await?;
        Ok(records.into_iter().flatten().filter(|record| record.profile.is_some()).collect())
    }

    async fn first_users(&self, generation: &Generation, limit: usize) -> Result<Vec<Id>, StoreError> {
        let topology = self.0.link.topology.load_full();
        let (mut users, mut pages) = (BTreeSet::new(), 0);
        for node in &topology.nodes {
            let mut cursor = 0;
            while users.len() < limit && pages < PAGES_MAX {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(generation.keys.users_pattern()).arg("COUNT").arg(PAGE_KEYS);
                let page = self.0.link.send_to(node.anchor, &scan).await.map_err(failed(OPERATION))?;
                let (next, keys) = <(u64, Vec<Vec<u8>>)>::from_redis_value(page).map_err(|_| unexpected("SCAN"))?;
                users.extend(keys.iter().filter_map(|key| match generation.keys.parse_user(key) {
                    Some(UserKey::Record(user)) => Some(user),
                    Some(UserKey::Set(..)) | None => None,
                }));
                pages += 1;
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(users.into_iter().take(limit).collect())
    }
}

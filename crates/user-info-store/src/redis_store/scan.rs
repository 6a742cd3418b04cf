//! Walking over everything, for audits and rebuilds. Redis has no view as of one instant: what is written meanwhile may be
//! seen or not. What is there all the time is seen.

use std::collections::{BTreeMap, BTreeSet};

use redis::{Cmd, FromRedisValue, Value};
use user_info_core::{Id, Pair};

use super::keyspace::{Side, UserKey};
use super::link::Call;
use super::topology::slot_of;
use super::work::Mark;
use super::{RedisStore, failed, record, unexpected};
use crate::error::StoreError;
use crate::record::UserRecord;

/// How many keys a page of a scan is asked to have: long enough for few round trips, short enough for readers not to wait.
const PAGE_KEYS: u64 = 512;

impl RedisStore {
    /// See [`crate::Store::for_each_user`]. All users are held in memory on the way.
    pub fn for_each_user(&self, visit: &mut dyn FnMut(&UserRecord)) -> Result<(), StoreError> {
        let mut users = BTreeMap::new();
        self.for_each_page(&mut |keys| {
            let records = keys.into_iter().filter_map(|key| match key {
                UserKey::Record(user) => Some(user),
                UserKey::Set(..) => None,
            });
            for record in self.records_of(records.collect())? {
                users.insert(record.user.clone(), record);
            }
            Ok(())
        })?;
        users.values().for_each(visit);
        Ok(())
    }

    /// See [`crate::Store::for_each_pair`]. A page of a scan may name a set twice, so the sets seen are held in memory.
    pub fn for_each_pair(&self, visit: &mut dyn FnMut(&Pair)) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        self.for_each_page(&mut |keys| {
            let sets = keys.into_iter().filter_map(|key| match key {
                UserKey::Set(user, side) if side.relation().is_some() => Some((user, side)),
                UserKey::Set(..) | UserKey::Record(_) => None,
            });
            let sets: Vec<(Id, Side)> = sets.filter(|set| seen.insert(set.clone())).collect();
            self.for_each_pair_of(&sets, visit)
        })
    }

    /// Visits the keys about users, page by page. A key may come more than once.
    fn for_each_page(&self, visit: &mut dyn FnMut(Vec<UserKey>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.block_on(self.observe())?;
        let generation = self.generation();
        self.for_each_key(&generation.keys.users_pattern(), &mut |keys| {
            visit(keys.iter().filter_map(|key| generation.keys.parse_user(key)).collect())
        })
    }

    /// Visits the keys that match, page by page, on all masters.
    pub(super) fn for_each_key(
        &self,
        pattern: &str,
        visit: &mut dyn FnMut(Vec<Vec<u8>>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let topology = self.0.link.topology.load_full();
        for node in &topology.nodes {
            let mut cursor = 0;
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE_KEYS);
                let page = self.block_on(self.on_master(node.anchor, &scan))?;
                let (next, keys) = <(u64, Vec<Vec<u8>>)>::from_redis_value(page).map_err(|_| unexpected("SCAN"))?;
                visit(keys)?;
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn on_master(&self, anchor: u16, command: &Cmd) -> Result<Value, StoreError> {
        self.0.link.send_to(anchor, command).await.map_err(failed("scan the store"))
    }

    fn records_of(&self, users: Vec<Id>) -> Result<Vec<UserRecord>, StoreError> {
        let generation = self.generation();
        let replies = self.scan_calls(users.iter().map(|user| generation.keys.record(user)), "GET")?;
        let mut records = Vec::with_capacity(users.len());
        for (user, reply) in users.iter().zip(replies) {
            // Gone since the page was read.
            let Value::BulkString(value) = reply else { continue };
            records.extend(record::decode(user, &value)?);
        }
        Ok(records)
    }

    fn for_each_pair_of(&self, sets: &[(Id, Side)], visit: &mut dyn FnMut(&Pair)) -> Result<(), StoreError> {
        let generation = self.generation();
        let replies = self.scan_calls(sets.iter().map(|(user, side)| generation.keys.set(user, *side)), "HGETALL")?;
        for ((owner, side), reply) in sets.iter().zip(replies) {
            let relation = side.relation().expect("only the owners' sides are asked for");
            let members = BTreeMap::<String, Vec<u8>>::from_redis_value(reply).map_err(|_| unexpected("HGETALL"))?;
            for (member, mark) in &members {
                let mark = Mark::parse(mark).ok_or_else(|| StoreError::damaged("a member has no mark"))?;
                let member = Id::new(member).map_err(|_| StoreError::damaged("a member is no id"))?;
                if mark.is_there() {
                    visit(&Pair { relation, owner: owner.clone(), member });
                }
            }
        }
        Ok(())
    }

    fn scan_calls(&self, keys: impl Iterator<Item = String>, command: &str) -> Result<Vec<Value>, StoreError> {
        let call = |key: String| Call { slot: slot_of(&key), command: redis::cmd(command).arg(key).to_owned() };
        let calls: Vec<Call> = keys.map(call).collect();
        let link = &self.0.link;
        self.block_on(async { link.run_all(calls).await.map_err(failed("scan the store")) })
    }
}

//! Reading users, in one command each; and dead letters, taints and the state of the servers.

use std::collections::{BTreeMap, BTreeSet};

use redis::{FromRedisValue, Value};
use user_info_core::profile::{MAX_USERNAME_BYTES, folded_username};
use user_info_core::{Id, Topic};

use super::keyspace::UserKey;
use super::link::Lane;
use super::standing::unavailable;
use super::topology::{Breaker, slot_of};
use super::{Generation, RedisStore, failed, record, unexpected};
use crate::batch::{DeadLetter, Origin, Taint};
use crate::error::StoreError;
use crate::record::{StoreStatus, UserRecord, WriteFlow};
use crate::{keys, values};

const OPERATION: &str = "read a user";

/// Keys looked at on each master to estimate how many users there are.
const SAMPLED_KEYS: u64 = 1_000;

impl RedisStore {
    /// See [`crate::Store::fetch`].
    pub async fn fetch(&self, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        let generation = self.known_generation()?;
        let record = self.read_one(&generation, user).await?;
        if !has_profile(record.as_ref()) {
            self.confirm_absence(&generation, &self.nodes_of([generation.keys.record(user)])).await?;
        }
        Ok(record)
    }

    /// See [`crate::Store::fetch_many`]. The records of different hash slots may be of different instants.
    pub async fn fetch_many(&self, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
        let generation = self.known_generation()?;
        let records = self.read_many(&generation, users).await?;
        let missing = users.iter().zip(&records).filter(|(_, record)| !has_profile(record.as_ref()));
        let missing = self.nodes_of(missing.map(|(user, _)| generation.keys.record(user)));
        if !missing.is_empty() {
            self.confirm_absence(&generation, &missing).await?;
        }
        Ok(records)
    }

    /// See [`crate::Store::look_up`].
    pub async fn look_up(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        if username.is_empty() || username.len() > MAX_USERNAME_BYTES {
            return Ok(None);
        }
        let generation = self.known_generation()?;
        let (users, found) = self.read_named(&generation, username).await?;
        if found.is_none() {
            let name = [generation.keys.name(&folded_username(username))];
            let looked_at = name.into_iter().chain(users.iter().map(|user| generation.keys.record(user)));
            self.confirm_absence(&generation, &self.nodes_of(looked_at)).await?;
        }
        Ok(found)
    }

    async fn read_one(&self, generation: &Generation, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        let key = generation.keys.record(user);
        let nodes = self.nodes_of([key.clone()]);
        let mut get = redis::cmd("GET");
        get.arg(key);
        decode(user, &self.ask_readers(&nodes, &get).await?)
    }

    pub(super) async fn read_many(
        &self,
        generation: &Generation,
        users: &[Id],
    ) -> Result<Vec<Option<UserRecord>>, StoreError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = users.iter().map(|user| generation.keys.record(user)).collect();
        let nodes = self.nodes_of(keys.iter().cloned());
        // The cluster client asks each slot for its own keys.
        let mut get = redis::cmd("MGET");
        get.arg(keys);
        let reply = self.ask_readers(&nodes, &get).await?;
        let Value::Array(values) = reply else { return Err(unexpected("MGET")) };
        users.iter().zip(&values).map(|(user, value)| decode(user, value)).collect()
    }

    /// Who may have this name, and who has it.
    async fn read_named(
        &self,
        generation: &Generation,
        username: &str,
    ) -> Result<(Vec<Id>, Option<UserRecord>), StoreError> {
        let folded = folded_username(username);
        let key = generation.keys.name(&folded);
        let nodes = self.nodes_of([key.clone()]);
        let mut users = redis::cmd("HKEYS");
        users.arg(key);
        let reply = self.ask_readers(&nodes, &users).await?;
        let users = Vec::<String>::from_redis_value(reply).map_err(|_| unexpected("HKEYS"))?;
        let users: Result<Vec<Id>, _> = users.iter().map(|user| Id::new(user)).collect();
        let users = users.map_err(|_| StoreError::damaged("a name points to what is no user"))?;
        let named =
            self.read_many(generation, &users).await?.into_iter().flatten().filter(|record| record.is_named(&folded));
        let found = named.max_by(|one, other| one.name_rank().cmp(&other.name_rank()));
        Ok((users, found))
    }

    /// The indices of the masters that have these keys.
    fn nodes_of(&self, keys: impl IntoIterator<Item = String>) -> BTreeSet<usize> {
        let topology = self.0.link.topology.load();
        keys.into_iter().map(|key| topology.index_of(slot_of(&key))).collect()
    }

    async fn ask_readers(&self, nodes: &BTreeSet<usize>, command: &redis::Cmd) -> Result<Value, StoreError> {
        let asked = async { self.0.link.send(Lane::Reads, command).await.map_err(failed(OPERATION)) };
        self.in_time(nodes, asked).await
    }

    /// Waits for what is read within its time, and not at all for a master that is known not to answer.
    pub(super) async fn in_time<T>(
        &self,
        nodes: &BTreeSet<usize>,
        reply: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let topology = self.0.link.topology.load_full();
        let breakers = || nodes.iter().filter_map(|&node| topology.nodes.get(node)).map(|node| &node.breaker);
        if !breakers().all(Breaker::admits) {
            return Err(unavailable(OPERATION, "it did not answer a moment ago"));
        }
        let reply = tokio::time::timeout(self.0.options.read_timeout, reply).await;
        let reply = reply.unwrap_or_else(|_| Err(unavailable(OPERATION, "no answer in time")));
        let away = matches!(reply, Err(StoreError::Unavailable { .. }));
        if away {
            self.0.link.renew(&self.0.handle);
        }
        // Which of several masters failed cannot be told.
        if let (1, Some(breaker)) = (nodes.len(), breakers().next()) {
            breaker.note(!away);
        }
        reply
    }

    /// See [`crate::Store::get`].
    pub fn get(&self, user: &Id) -> Result<Option<UserRecord>, StoreError> {
        self.0.handle.block_on(self.read_one(&*self.known_generation()?, user))
    }

    /// See [`crate::Store::get_many`].
    pub fn get_many(&self, users: &[Id]) -> Result<Vec<Option<UserRecord>>, StoreError> {
        self.0.handle.block_on(self.read_many(&*self.known_generation()?, users))
    }

    /// See [`crate::Store::find`].
    pub fn find(&self, username: &str) -> Result<Option<UserRecord>, StoreError> {
        Ok(self.0.handle.block_on(self.read_named(&*self.known_generation()?, username))?.1)
    }

    /// See [`crate::Store::outbox`].
    pub fn outbox(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let key = self.generation().keys.outbox();
        let fields: Vec<String> = self.ask("list dead letters", redis::cmd("HKEYS").arg(&key))?;
        let origins = fields.iter().map(|field| parse_origin(field));
        let mut origins = origins.collect::<Option<Vec<Origin>>>().ok_or_else(|| unexpected("HKEYS"))?;
        origins.sort_unstable();
        origins.truncate(limit);
        if origins.is_empty() {
            return Ok(Vec::new());
        }
        let mut get = redis::cmd("HMGET");
        get.arg(&key);
        get.arg(origins.iter().map(Origin::to_string).collect::<Vec<_>>());
        let found: Vec<Option<Vec<u8>>> = self.ask("read dead letters", &get)?;
        // One that another instance has sent meanwhile is gone.
        let there = origins.into_iter().zip(found).filter_map(|(origin, value)| Some((origin, value?)));
        there.map(|(origin, value)| Ok(values::decode_letter(origin, &value)?)).collect()
    }

    /// See [`crate::Store::outbox_len`].
    pub fn outbox_len(&self) -> Result<usize, StoreError> {
        self.ask("count dead letters", redis::cmd("HLEN").arg(self.generation().keys.outbox()))
    }

    /// See [`crate::Store::tainted`].
    pub fn tainted(&self) -> Result<Vec<Taint>, StoreError> {
        let key = self.generation().keys.tainted();
        let fields: BTreeMap<Vec<u8>, Vec<u8>> = self.ask("list tainted keys", redis::cmd("HGETALL").arg(key))?;
        let tainted = fields.iter().map(|(key, value)| parse_taint(key, value));
        Ok(tainted.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// Sends a command from a thread that may wait.
    pub(super) fn ask<T: FromRedisValue>(
        &self,
        operation: &'static str,
        command: &redis::Cmd,
    ) -> Result<T, StoreError> {
        let asked = async {
            let reply = self.0.link.send(Lane::Writes, command).await.map_err(failed(operation))?;
            T::from_redis_value(reply).map_err(|_| unexpected(operation))
        };
        self.block_on(asked)
    }

    /// See [`crate::Store::status`].
    pub fn status(&self) -> Result<StoreStatus, StoreError> {
        let failure = self.0.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let generation = self.generation();
        let (mut users_estimate, mut memory_bytes) = (0, 0);
        let topology = self.0.link.topology.load_full();
        for node in &topology.nodes {
            let (users, bytes) = self.block_on(self.measure(node.anchor))?;
            users_estimate += users;
            memory_bytes += bytes;
        }
        Ok(StoreStatus {
            format_version: generation.versions.format,
            decoder_version: generation.versions.decoder,
            generation: Some(generation.number),
            users_estimate,
            disk_bytes: 0,
            memory_bytes,
            writes: WriteFlow::Free,
            failure,
        })
    }

    /// About how many users a master has, and the bytes of memory that it takes.
    async fn measure(&self, anchor: u16) -> Result<(u64, u64), StoreError> {
        const OPERATION: &str = "measure the store";
        let keys = self.generation();
        let send = async |command: &redis::Cmd| self.0.link.send_to(anchor, command).await.map_err(failed(OPERATION));
        let size = send(&redis::cmd("DBSIZE")).await?;
        let size = u64::from_redis_value(size).map_err(|_| unexpected("DBSIZE"))?;
        let page = send(redis::cmd("SCAN").arg(0).arg("COUNT").arg(SAMPLED_KEYS)).await?;
        let (cursor, sample) = <(u64, Vec<Vec<u8>>)>::from_redis_value(page).map_err(|_| unexpected("SCAN"))?;
        let is_record = |key: &&Vec<u8>| matches!(keys.keys.parse_user(key), Some(UserKey::Record(_)));
        let records = sample.iter().filter(is_record).count() as u64;
        let users = if cursor == 0 { records } else { records * size / (sample.len().max(1) as u64) };
        let info = send(redis::cmd("INFO").arg("memory")).await?;
        let info = String::from_redis_value(info).map_err(|_| unexpected("INFO"))?;
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok());
        Ok((users, used.unwrap_or_default()))
    }
}

fn has_profile(record: Option<&UserRecord>) -> bool {
    record.is_some_and(|record| record.profile.is_some())
}

fn decode(user: &Id, value: &Value) -> Result<Option<UserRecord>, StoreError> {
    if *value == Value::Nil {
        return Ok(None);
    }
    let Value::BulkString(bytes) = value else { return Err(unexpected("GET")) };
    Ok(record::decode(user, bytes)?)
}

fn parse_origin(field: &str) -> Option<Origin> {
    let (place, offset) = field.rsplit_once('/')?;
    let (topic, partition) = place.rsplit_once('/')?;
    Some(Origin { topic: Topic::from_name(topic)?, partition: partition.parse().ok()?, offset: offset.parse().ok()? })
}

/// `mark taint`; a mark that says "gone" has no taint.
fn parse_taint(key: &[u8], value: &[u8]) -> Result<Option<Taint>, StoreError> {
    let space =
        value.iter().position(|&byte| byte == b' ').ok_or_else(|| StoreError::damaged("a taint has no mark"))?;
    let taint = &value[space + 1..];
    if taint.is_empty() {
        return Ok(None);
    }
    Ok(Some(values::decode_taint(keys::parse_tainted(key)?, taint)?))
}

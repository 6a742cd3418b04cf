//! How the masters stand: their lineages and the positions that they keep; and what a partition's position is when masters
//! disagree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redis::{FromRedisValue, Value};
use user_info_core::Topic;

use super::keyspace::meta;
use super::lineage::{Lineage, Validity};
use super::link::Lane;
use super::scripts::evalsha;
use super::topology::{Node, SLOTS, Topology};
use super::{FORMAT_VERSION, Generation, Keyspace, RedisStore, Versions, failed, unexpected};
use crate::batch::{Position, is_complete};
use crate::error::StoreError;
use crate::values;

/// The only policy under which Redis never drops a key by itself.
const POLICY: &str = "noeviction";

/// A master and what it keeps.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) anchor: u16,
    pub(super) tag: String,
    pub(super) lineage: Lineage,
    /// The lineage that its positions name; empty if there are none.
    pub(super) stored_lineage: String,
    pub(super) validity: Validity,
    /// Positions by field, as they are stored, whether they hold or not.
    pub(super) positions: BTreeMap<String, Vec<u8>>,
}

/// The name of a position in the hash.
pub(super) fn field(topic: Topic, partition: i32) -> String {
    format!("{topic}/{partition}")
}

fn parse_field(field: &str) -> Option<(Topic, i32)> {
    let (topic, partition) = field.rsplit_once('/')?;
    Some((Topic::from_name(topic)?, partition.parse().ok()?))
}

impl Standing {
    /// The positions that say something about this master's data.
    fn valid(&self) -> Option<&BTreeMap<String, Vec<u8>>> {
        (self.validity == Validity::Valid).then_some(&self.positions)
    }

    /// Whether everything that was ever published up to some time is in this master's data.
    pub(super) fn is_complete(&self) -> Result<bool, StoreError> {
        let positions = lowest(std::slice::from_ref(self))?;
        let of_topic = |topic| positions.iter().filter(move |position| position.topic == topic);
        Ok(Topic::FACTS.into_iter().all(|topic| is_complete(of_topic(topic))))
    }
}

/// The positions of the view: of each partition the lowest that any master has. Where a master has none that holds, the
/// partition is to be read from the start; it is not complete then, and counts as being read since it last was, because
/// tombstones can have vanished since.
pub(super) fn lowest(standings: &[Standing]) -> Result<Vec<Position>, StoreError> {
    let fields: BTreeSet<&String> = standings.iter().flat_map(|standing| standing.positions.keys()).collect();
    let mut positions = Vec::new();
    for field in fields {
        let (topic, partition) =
            parse_field(field).ok_or_else(|| StoreError::damaged("a position has no partition"))?;
        let decode = |value: &Vec<u8>| values::decode_position(topic, partition, value).map_err(StoreError::from);
        let known = standings.iter().filter_map(|standing| standing.positions.get(field)).map(decode);
        let known = known.collect::<Result<Vec<_>, _>>()?;
        let valid = standings.iter().map(|standing| standing.valid().and_then(|valid| valid.get(field)).map(decode));
        let valid: Option<Vec<Position>> = valid.map(Option::transpose).collect::<Result<Option<_>, _>>()?;
        positions.extend(match valid {
            Some(valid) => lowest_of(valid),
            None => lowest_of(known).map(from_the_start),
        });
    }
    positions.sort_unstable();
    Ok(positions)
}

fn lowest_of(positions: Vec<Position>) -> Option<Position> {
    positions.into_iter().reduce(|one, other| Position {
        next_offset: one.next_offset.min(other.next_offset),
        reading_since_ms: one.reading_since_ms.min(other.reading_since_ms),
        // None, never complete, is the least.
        caught_up_at_ms: one.caught_up_at_ms.min(other.caught_up_at_ms),
        last_timestamp_ms: one.last_timestamp_ms.min(other.last_timestamp_ms),
        ..one
    })
}

fn from_the_start(position: Position) -> Position {
    Position {
        next_offset: 0,
        reading_since_ms: position.caught_up_at_ms.unwrap_or(position.reading_since_ms),
        caught_up_at_ms: None,
        last_timestamp_ms: None,
        ..position
    }
}

impl Generation {
    /// Before it is known which one is current.
    pub(super) fn none(prefix: &str) -> Self {
        let versions = Versions { format: FORMAT_VERSION, decoder: user_info_core::DECODER_VERSION };
        Self { number: 0, keys: Keyspace::new(prefix, 0), versions }
    }

    pub(super) fn new(prefix: &str, number: u64, versions: Versions) -> Self {
        Self { number, keys: Keyspace::new(prefix, number), versions }
    }
}

/// The field with the versions of a generation: `format decoder`.
pub(super) fn versions_field(number: u64) -> String {
    format!("versions:{number}")
}

impl Versions {
    pub(super) fn text(self) -> String {
        format!("{} {}", self.format, self.decoder)
    }

    pub(super) fn ours() -> Self {
        Self { format: FORMAT_VERSION, decoder: user_info_core::DECODER_VERSION }
    }

    fn parse(text: &str) -> Option<Self> {
        let (format, decoder) = text.split_once(' ')?;
        Some(Self { format: format.parse().ok()?, decoder: decoder.parse().ok()? })
    }
}

impl RedisStore {
    /// Which generation is current; begins the first where there is none.
    pub(super) async fn current_generation(&self) -> Result<Generation, StoreError> {
        let key = meta(&self.0.options.prefix);
        let mut current = self.meta_field("current").await?;
        if current.is_none() && !self.0.read_only {
            for (field, value) in [(versions_field(1), Versions::ours().text()), ("current".into(), "1".into())] {
                let mut begin = redis::cmd("HSETNX");
                begin.arg(&key).arg(field).arg(value);
                self.0.link.send(Lane::Writes, &begin).await.map_err(failed("begin the store"))?;
            }
            current = self.meta_field("current").await?;
        }
        let missing = || StoreError::MissingRedis { url: self.0.url.to_string() };
        let number = current.ok_or_else(missing)?.parse().map_err(|_| unexpected("HGET"))?;
        let versions = self.meta_field(&versions_field(number)).await?;
        let versions = versions.as_deref().and_then(Versions::parse);
        let versions = versions.ok_or_else(|| StoreError::damaged("the version of its generation is missing"))?;
        if versions.format > FORMAT_VERSION {
            return Err(StoreError::NewerFormat { found: versions.format, known: FORMAT_VERSION });
        }
        Ok(Generation::new(&self.0.options.prefix, number, versions))
    }

    pub(super) async fn meta_field(&self, field: &str) -> Result<Option<String>, StoreError> {
        let mut get = redis::cmd("HGET");
        get.arg(meta(&self.0.options.prefix)).arg(field);
        let value = self.0.link.send(Lane::Writes, &get).await.map_err(failed("read which generation is current"))?;
        Option::<String>::from_redis_value(value).map_err(|_| unexpected("HGET"))
    }

    /// Asks every master how it stands. Notes which master has which slots.
    pub(super) async fn observe(&self) -> Result<Vec<Standing>, StoreError> {
        self.refresh_topology().await?;
        let (topology, keys) = (self.0.link.topology.load_full(), self.generation());
        let mut standings = Vec::with_capacity(topology.nodes.len());
        for node in &topology.nodes {
            standings.push(self.standing_of(node, &keys.keys, Lane::Writes).await?);
        }
        if self.0.link.is_cluster() {
            check_coverage(&standings)?;
        }
        Ok(standings)
    }

    pub(super) async fn refresh_topology(&self) -> Result<(), StoreError> {
        if !self.0.link.is_cluster() {
            return Ok(());
        }
        let slots = redis::cmd("CLUSTER").arg("SLOTS").to_owned();
        let reply = self.0.link.send(Lane::Writes, &slots).await.map_err(failed("ask for the slots"))?;
        let found = Topology::parse(&reply, self.0.link.usual_host());
        let found = found.ok_or_else(|| unavailable("ask for the slots", "no slots are assigned"))?;
        if !found.is_like(&self.0.link.topology.load()) {
            self.0.link.topology.store(Arc::new(found));
        }
        Ok(())
    }

    pub(super) async fn standing_of(&self, node: &Node, keys: &Keyspace, lane: Lane) -> Result<Standing, StoreError> {
        let mut command = evalsha(&self.0.link.scripts().standing, &[keys.positions(&node.tag)]);
        command.arg(self.kind());
        let reply = self.0.link.run(lane, &command).await.map_err(failed("ask a master how it stands"))?;
        let (lineage, former, role, policy, fields) =
            <(String, String, String, String, BTreeMap<String, Vec<u8>>)>::from_redis_value(reply)
                .map_err(|_| unexpected("the script that asks how it stands"))?;
        if policy != POLICY {
            return Err(StoreError::Evicts { policy });
        }
        if role != "master" {
            return Err(unavailable("ask a master how it stands", "it is a replica: name its master, or wait for it"));
        }
        Ok(standing(node, Lineage::new(lineage), &former, fields))
    }

    /// How the scripts are told where they run.
    pub(super) fn kind(&self) -> &'static str {
        if self.0.link.is_cluster() { "cluster" } else { "single" }
    }

    /// See [`crate::Store::positions`].
    pub fn positions(&self) -> Result<Vec<Position>, StoreError> {
        let standings = self.block_on(self.observe())?;
        lowest(&standings)
    }
}

fn standing(node: &Node, lineage: Lineage, former: &str, mut fields: BTreeMap<String, Vec<u8>>) -> Standing {
    let stored_lineage = fields.remove("lineage").and_then(|text| String::from_utf8(text).ok()).unwrap_or_default();
    Standing {
        anchor: node.anchor,
        tag: node.tag.clone(),
        validity: lineage.judge(&stored_lineage, former),
        lineage,
        stored_lineage,
        positions: fields,
    }
}

/// A node that has not heard of a change yet may have told an old story: what the masters say of themselves must add up.
fn check_coverage(standings: &[Standing]) -> Result<(), StoreError> {
    let covered: u32 = standings.iter().map(|standing| standing.lineage.slot_count()).sum();
    if covered == u32::from(SLOTS) {
        return Ok(());
    }
    let reason =
        format!("its masters have {covered} of {SLOTS} slots between them: slots are on the move, or uncovered");
    Err(unavailable("ask for the slots", &reason))
}

pub(super) fn unavailable(operation: &'static str, reason: &str) -> StoreError {
    StoreError::Unavailable { operation, reason: reason.to_owned() }
}

/// The reply as text, as scripts answer.
pub(super) fn text(value: &Value) -> Option<&str> {
    let Value::BulkString(bytes) = value else { return None };
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(next_offset: i64, caught_up_at_ms: Option<i64>) -> Position {
        Position {
            topic: Topic::Users,
            partition: 0,
            next_offset,
            topic_id: "id".into(),
            partitions: 1,
            reading_since_ms: 5,
            caught_up_at_ms,
            last_timestamp_ms: Some(next_offset),
        }
    }

    fn standing(validity: Validity, position: Option<Position>) -> Standing {
        Standing {
            anchor: 0,
            tag: "0".into(),
            lineage: Lineage::new("r - - -".into()),
            stored_lineage: "r - - -".into(),
            validity,
            positions: position.map(|it| ("users/0".into(), values::encode_position(&it))).into_iter().collect(),
        }
    }

    #[test]
    fn the_lowest_position_counts() {
        let valid = |position| standing(Validity::Valid, Some(position));
        let found = lowest(&[valid(position(9, Some(90))), valid(position(7, Some(70)))]).unwrap();
        assert_eq!(found, [position(7, Some(70))]);
        let found = lowest(&[valid(position(9, Some(90))), valid(position(7, None))]).unwrap();
        assert_eq!(found, [position(7, None)]);
        assert!(lowest(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_master_without_positions_means_reading_from_the_start() {
        let valid = standing(Validity::Valid, Some(position(9, Some(90))));
        let others = [
            standing(Validity::Absent, None),
            standing(Validity::Valid, None),
            standing(Validity::Void, Some(position(8, Some(95)))),
        ];
        for other in others {
            let found = lowest(&[valid.clone(), other]).unwrap();
            let expected = Position { reading_since_ms: 90, last_timestamp_ms: None, ..position(0, None) };
            assert_eq!(found, [expected], "retention counts from when it was last complete");
        }
    }
}

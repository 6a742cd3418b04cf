//! Which master has which slots, as this process knows it, and which masters do not answer.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use redis::Value;

use super::absence::Confirmed;
use super::access::Address;
use super::keyspace::tag_of_slot;

/// The number of hash slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;

/// While a master does not answer, one read in this time asks whether it does again; the others fail at once. So an
/// outage costs its readers no time and piles up no commands.
const PROBE_INTERVAL_MS: u64 = 100;

/// The hash slot of a key, as the specification of Redis Cluster defines it: of the part between the first braces, if there
/// is one, otherwise of all of it.
pub(super) fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16::State::<crc16::XMODEM>::calculate(hashed.as_bytes()) % SLOTS
}

/// The masters, in the order of their first slots.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) nodes: Vec<Node>,
}

/// From the first to the last slot of each range.
type Ranges = Vec<(u16, u16)>;

/// Slots, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slots(Ranges);

impl Slots {
    pub(super) fn has(&self, slot: u16) -> bool {
        self.0.iter().any(|&(first, last)| (first..=last).contains(&slot))
    }
}

/// One master: of a cluster, or the server.
#[derive(Debug)]
pub(super) struct Node {
    /// Its highest slot: where its positions are. The usual tools take the lowest slots when they move some.
    pub(super) anchor: u16,
    /// What in braces makes a key belong to that slot.
    pub(super) tag: String,
    pub(super) address: Address,
    pub(super) slots: Slots,
    pub(super) breaker: Breaker,
    pub(super) confirmed: Confirmed,
}

impl Topology {
    /// One node that has everything.
    pub(super) fn whole(address: Address) -> Self {
        Self { nodes: vec![Node::new(address, vec![(0, SLOTS - 1)])] }
    }

    /// From the reply to `CLUSTER SLOTS`; `None` if it is not one, or names no slots. Nodes that do not say their host have the
    /// usual one.
    pub(super) fn parse(reply: &Value, usual_host: &str) -> Option<Self> {
        let mut masters: Vec<(&[u8], Address, Ranges)> = Vec::new();
        for range in items(reply)? {
            let [first, last, master, ..] = items(range)? else { return None };
            let (first, last) = (slot(first)?, slot(last)?);
            let [host, port, Value::BulkString(id), ..] = items(master)? else { return None };
            match masters.iter_mut().find(|(known, ..)| known == id) {
                Some((.., ranges)) => ranges.push((first, last)),
                None => masters.push((id, address(host, port, usual_host)?, vec![(first, last)])),
            }
        }
        let mut nodes: Vec<Node> = masters.into_iter().map(|(_, address, ranges)| Node::new(address, ranges)).collect();
        nodes.sort_by(|one, other| one.slots.cmp(&other.slots));
        (!nodes.is_empty()).then_some(Self { nodes })
    }

    /// The index of the node that has a slot; of any, if none has it.
    pub(super) fn index_of(&self, slot: u16) -> usize {
        self.nodes.iter().position(|node| node.slots.has(slot)).unwrap_or_default()
    }

    /// Whether both have the same slots at the same addresses.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let places = |node: &Node| (node.address.clone(), node.slots.clone());
        self.nodes.iter().map(places).eq(other.nodes.iter().map(places))
    }
}

impl Node {
    fn new(address: Address, mut ranges: Ranges) -> Self {
        ranges.sort_unstable();
        let anchor = ranges.last().map_or(0, |&(_, last)| last);
        let (breaker, confirmed) = (Breaker::default(), Confirmed::default());
        Self { anchor, tag: tag_of_slot(anchor), address, slots: Slots(ranges), breaker, confirmed }
    }
}

/// A node that does not know what it is called says nothing, or a question mark.
fn address(host: &Value, port: &Value, usual_host: &str) -> Option<Address> {
    let Value::Int(port) = port else { return None };
    let named = if let Value::BulkString(host) = host { std::str::from_utf8(host).ok()? } else { "" };
    let host = if matches!(named, "" | "?") { usual_host } else { named };
    Some((host.to_owned(), u16::try_from(*port).ok()?))
}

fn items(value: &Value) -> Option<&[Value]> {
    if let Value::Array(items) = value { Some(items) } else { None }
}

fn slot(value: &Value) -> Option<u16> {
    let Value::Int(slot) = value else { return None };
    u16::try_from(*slot).ok().filter(|&slot| slot < SLOTS)
}

/// Lets reads through while a node answers, and a few while it does not.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Milliseconds since the start of the process; 0 while the node answers.
    next_probe_ms: AtomicU64,
}

impl Breaker {
    /// Whether a read should be tried.
    pub(super) fn admits(&self) -> bool {
        let (next_ms, now_ms) = (self.next_probe_ms.load(Ordering::Relaxed), now_ms());
        if next_ms == 0 {
            return true;
        }
        let take = |next_ms| {
            let order = Ordering::Relaxed;
            self.next_probe_ms.compare_exchange(next_ms, now_ms + PROBE_INTERVAL_MS, order, order).is_ok()
        };
        now_ms >= next_ms && take(next_ms)
    }

    /// Notes how a read ended.
    pub(super) fn note(&self, answered: bool) {
        if answered {
            self.next_probe_ms.store(0, Ordering::Relaxed);
        } else {
            self.next_probe_ms.store(now_ms() + PROBE_INTERVAL_MS, Ordering::Relaxed);
        }
    }
}

fn now_ms() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redis::cluster_routing::Slot;

    use super::*;

    proptest! {
        #[test]
        fn slots_are_those_of_the_client(key in "[ab{}é]{0,8}") {
            prop_assert_eq!(Slot::new(slot_of(&key)), Some(Slot::for_key(&key)));
        }
    }

    #[test]
    fn slots_are_found_by_master() {
        let node = |host: Value, id: &str| {
            Value::Array(vec![host, Value::Int(7001), Value::BulkString(id.into()), Value::Array(vec![])])
        };
        let named = || Value::BulkString(b"10.0.0.1".to_vec());
        let range = |first, last, host, id| {
            Value::Array(vec![Value::Int(first), Value::Int(last), node(host, id), node(named(), "replica")])
        };
        let reply = |host| {
            let second = range(100, 16_383, host, "b");
            Value::Array(vec![range(0, 50, named(), "a"), second, range(51, 99, named(), "a")])
        };
        let topology = Topology::parse(&reply(Value::Nil), "usual").unwrap();
        assert_eq!(topology.nodes.iter().map(|node| node.anchor).collect::<Vec<_>>(), [99, 16_383]);
        let hosts: Vec<_> = topology.nodes.iter().map(|node| node.address.0.as_str()).collect();
        assert_eq!(hosts, ["10.0.0.1", "usual"]);
        assert_eq!([0, 99, 100, 16_383].map(|slot| topology.index_of(slot)), [0, 0, 1, 1]);
        for bad in [Value::Nil, Value::Array(vec![]), Value::Array(vec![Value::Int(1)]), range(-1, 3, named(), "a")] {
            assert!(Topology::parse(&bad, "usual").is_none());
        }
        assert!(topology.is_like(&Topology::parse(&reply(Value::BulkString(b"?".to_vec())), "usual").unwrap()));
        assert!(!topology.is_like(&Topology::parse(&reply(named()), "usual").unwrap()), "another server has the slots");
        assert!(!topology.is_like(&Topology::whole(("usual".to_owned(), 7001))));
    }

    #[test]
    fn a_node_that_does_not_answer_is_asked_now_and_then() {
        let breaker = Breaker::default();
        assert!(breaker.admits() && breaker.admits());
        breaker.note(false);
        assert!(!breaker.admits());
        breaker.next_probe_ms.store(1, Ordering::Relaxed);
        assert_eq!([breaker.admits(), breaker.admits()], [now_ms() >= 1, false]);
        breaker.note(true);
        assert!(breaker.admits() && breaker.admits());
    }
}

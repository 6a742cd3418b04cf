//! The naive model: the last good fact of every key, and nothing derived that could drift.
//!
//! There are no counters. A set is counted by going through the last facts of its owner, each time it is asked for. Bad
//! records change nothing; their keys are remembered as tainted until the next good record of the key.
//!
//! Invariant: [`Model::positions`] are those up to which every record was applied. Memory is proportional to the keys
//! that the log has ever had in what is still kept of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use user_info_core::Topic;
use user_info_log::Record;

use crate::positions::Positions;
use crate::reading::{Key, Profile, Statement, read};

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordAt {
    /// Its topic.
    pub topic: Topic,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

impl fmt::Display for RecordAt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// Why a record is bad, in words that complete "the record is bad:".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRecord(pub String);

/// A key whose newest record is bad. Its last good fact is still in force, but compaction may have dropped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tainted {
    /// The key.
    pub key: String,
    /// Where the bad record stands.
    pub at: RecordAt,
    /// Why it is bad.
    pub reason: String,
    /// Whom it is about: one user, or two in the case of a follow.
    pub users: Vec<String>,
}

impl fmt::Display for Tainted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "key {} is tainted: the record at {} is bad: {}", self.key, self.at, self.reason)
    }
}

/// The last good record about a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastProfile {
    /// The profile; `None` after a tombstone.
    pub profile: Option<Profile>,
    /// Where the record stands.
    pub at: RecordAt,
    /// The record's timestamp in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
}

/// The last good record about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastFact {
    /// Whether the member belongs to the set.
    pub belongs: bool,
    /// Where the record stands.
    pub at: RecordAt,
}

/// Everything that the log says.
#[derive(Debug)]
pub struct Model {
    partitions: BTreeMap<Topic, i32>,
    positions: Positions,
    profiles: BTreeMap<String, LastProfile>,
    /// By topic, owner and member.
    facts: BTreeMap<Topic, BTreeMap<String, BTreeMap<String, LastFact>>>,
    /// By followee: everybody of whom a fact about following them was read. Whether they follow, `facts` tells.
    maybe_followers: BTreeMap<String, BTreeSet<String>>,
    /// By lower-case name: everybody who had it at some time. Whether they have it, `profiles` tells.
    maybe_named: BTreeMap<String, BTreeSet<String>>,
    /// The offset of the last record about a user, good or bad, by partition.
    touched: BTreeMap<String, BTreeMap<(Topic, i32), i64>>,
    tainted: BTreeMap<(Topic, Key), Tainted>,
    records: u64,
    bad_records: u64,
}

impl Model {
    /// The model of an empty log whose topics have that many partitions.
    pub fn new(partitions: BTreeMap<Topic, i32>) -> Self {
        Self {
            partitions,
            positions: Positions::default(),
            profiles: BTreeMap::new(),
            facts: BTreeMap::new(),
            maybe_followers: BTreeMap::new(),
            maybe_named: BTreeMap::new(),
            touched: BTreeMap::new(),
            tainted: BTreeMap::new(),
            records: 0,
            bad_records: 0,
        }
    }

    /// Takes the next record of its partition.
    ///
    /// # Panics
    /// When the record's topic is none of those whose partition counts are known.
    pub fn apply(&mut self, record: &Record) -> Result<(), BadRecord> {
        let partitions =
            self.partitions.get(&record.topic).expect("only records of topics that were described are read");
        let reading = read(record, *partitions);
        let at = RecordAt { topic: record.topic, partition: record.partition, offset: record.offset };
        self.positions.raise(record.topic, record.partition, record.offset + 1);
        self.records += 1;
        if let Some(key) = &reading.key {
            self.touch(key, at);
        }
        match (reading.key, reading.says) {
            (Some(key), Ok(statement)) => {
                self.tainted.remove(&(record.topic, key.clone()));
                self.believe(key, statement, at, record.timestamp_ms);
                Ok(())
            }
            (key, Err(reason)) => {
                self.bad_records += 1;
                self.taint(key, at, &reason);
                Err(BadRecord(reason))
            }
            (None, Ok(_)) => unreachable!("what a record says is only read when its key is"),
        }
    }

    /// Notes that everything before these positions was read.
    pub fn advance(&mut self, positions: &Positions) {
        for (topic, partition, next_offset) in positions.iter() {
            self.positions.raise(topic, partition, next_offset);
        }
    }

    fn touch(&mut self, key: &Key, at: RecordAt) {
        for user in users_of(at.topic, key) {
            self.touched.entry(user).or_default().insert((at.topic, at.partition), at.offset);
        }
    }

    fn taint(&mut self, key: Option<Key>, at: RecordAt, reason: &str) {
        let Some(key) = key else { return };
        let (text, users) = (key.to_string(), users_of(at.topic, &key));
        self.tainted.insert((at.topic, key), Tainted { key: text, at, reason: reason.to_owned(), users });
    }

    fn believe(&mut self, key: Key, statement: Statement, at: RecordAt, timestamp_ms: i64) {
        match (key, statement) {
            (Key::User(user), Statement::Profile(profile)) => {
                self.maybe_named.entry(lower_case(&profile.username)).or_default().insert(user.clone());
                self.profiles.insert(user, LastProfile { profile: Some(*profile), at, timestamp_ms });
            }
            (Key::User(user), Statement::Gone | Statement::Belongs) => {
                self.profiles.insert(user, LastProfile { profile: None, at, timestamp_ms });
            }
            (Key::Pair { owner, member }, statement) => {
                if at.topic == Topic::Follows {
                    self.maybe_followers.entry(member.clone()).or_default().insert(owner.clone());
                }
                let fact = LastFact { belongs: statement == Statement::Belongs, at };
                self.facts.entry(at.topic).or_default().entry(owner).or_default().insert(member, fact);
            }
        }
    }

    /// Up to where the log was read.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// How many records were read, the bad ones included.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many of the records were bad.
    pub fn bad_records(&self) -> u64 {
        self.bad_records
    }

    /// Every user that any record with a readable key is about, in order.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.touched.keys().map(String::as_str)
    }

    /// The keys whose newest record is bad.
    pub fn tainted(&self) -> impl Iterator<Item = &Tainted> {
        self.tainted.values()
    }

    /// The user's profile.
    pub fn profile(&self, user: &str) -> Option<&Profile> {
        self.last_profile(user)?.profile.as_ref()
    }

    /// The last good record about the user's profile.
    pub fn last_profile(&self, user: &str) -> Option<&LastProfile> {
        self.profiles.get(user)
    }

    /// The members of the set that a topic's facts give to `owner`, in order.
    pub fn members(&self, topic: Topic, owner: &str) -> impl Iterator<Item = &str> {
        let facts = self.facts.get(&topic).and_then(|owners| owners.get(owner));
        facts.into_iter().flatten().filter(|(_, fact)| fact.belongs).map(|(member, _)| member.as_str())
    }

    /// Who follows the user, in order.
    pub fn followers(&self, user: &str) -> impl Iterator<Item = &str> {
        let maybe = self.maybe_followers.get(user).into_iter().flatten();
        maybe.filter(move |follower| self.belongs(Topic::Follows, follower, user)).map(String::as_str)
    }

    /// Whether `member` belongs to the set that a topic's facts give to `owner`.
    pub fn belongs(&self, topic: Topic, owner: &str, member: &str) -> bool {
        self.last_fact(topic, owner, member).is_some_and(|fact| fact.belongs)
    }

    /// The last good record about a pair.
    pub fn last_fact(&self, topic: Topic, owner: &str, member: &str) -> Option<LastFact> {
        self.facts.get(&topic)?.get(owner)?.get(member).copied()
    }

    /// Every name that anybody had at some time, in lower case, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.maybe_named.keys().map(String::as_str)
    }

    /// Everybody who had the name at some time.
    pub fn maybe_named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.maybe_named.get(&lower_case(name)).into_iter().flatten().map(String::as_str)
    }

    /// Who has the name: of those whose profile carries it, the one with the newest profile record, and of several such
    /// the one with the greatest id.
    pub fn named(&self, name: &str) -> Option<&str> {
        let name = lower_case(name);
        let candidates = self.maybe_named(&name).filter_map(|user| {
            let last = self.last_profile(user)?;
            let carries = lower_case(&last.profile.as_ref()?.username) == name;
            carries.then_some((last.timestamp_ms, user))
        });
        candidates.max().map(|(_, user)| user)
    }

    /// A record about the user that stands at these positions or after them: an answer given there may lack it.
    pub fn touched_after(&self, user: &str, positions: &Positions) -> Option<RecordAt> {
        self.touches(user).find(|at| at.offset >= positions.next(at.topic, at.partition))
    }

    /// Like [`Model::touched_after`], of records about the profile alone.
    pub fn profile_touched_after(&self, user: &str, positions: &Positions) -> Option<RecordAt> {
        let after = |at: &RecordAt| at.offset >= positions.next(at.topic, at.partition);
        self.touches(user).filter(|at| at.topic == Topic::Users).find(after)
    }

    fn touches(&self, user: &str) -> impl Iterator<Item = RecordAt> {
        let touches = self.touched.get(user).into_iter().flatten();
        touches.map(|(&(topic, partition), &offset)| RecordAt { topic, partition, offset })
    }
}

/// Whom a record is about.
fn users_of(topic: Topic, key: &Key) -> Vec<String> {
    match key {
        Key::User(user) => vec![user.clone()],
        Key::Pair { owner, member } if topic == Topic::Follows && owner != member => {
            vec![owner.clone(), member.clone()]
        }
        Key::Pair { owner, .. } => vec![owner.clone()],
    }
}

fn lower_case(name: &str) -> String {
    name.to_lowercase()
}

//! Records as they are read and as they are published.

use user_info_core::{Fact, Key, Topic};

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it was published.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: i32,
    /// Its place in the partition. Offsets grow, and compaction and transactions leave gaps in them.
    pub offset: i64,
    /// When it was published: milliseconds since the Unix epoch, -1 if nobody said.
    pub timestamp_ms: i64,
    /// What it is about.
    pub key: Option<Vec<u8>>,
    /// What it says; `None` in a tombstone.
    pub value: Option<Vec<u8>>,
    /// What else it says, in the order it was written. Header values that are null read as empty.
    pub headers: Vec<Header>,
}

impl Record {
    /// What the record counts against a limit in bytes: key, value and headers.
    pub fn bytes(&self) -> usize {
        content_bytes(self.key.as_deref(), self.value.as_deref(), &self.headers)
    }
}

/// A name and a value that travel beside key and value. Names may repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name; the Kafka backend refuses one that holds a NUL character.
    pub name: String,
    /// The value.
    pub value: Vec<u8>,
}

/// A record to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecord {
    /// Where to publish it.
    pub topic: Topic,
    /// What it is about. A compacted topic, which all topics of the contract are, takes no record without a key.
    pub key: Option<Vec<u8>>,
    /// What it says; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// What else it says.
    pub headers: Vec<Header>,
    /// The partition; `None` for the one that the contract gives to the key, [`user_info_core::topic::partition_of`].
    pub partition: Option<i32>,
    /// When it happened, in milliseconds since the Unix epoch; `None` for now, and 0 as well, as for Kafka's clients.
    pub timestamp_ms: Option<i64>,
}

impl NewRecord {
    /// A record of now, without headers, in the partition of its key.
    pub fn new(topic: Topic, key: impl Into<Vec<u8>>, value: Option<Vec<u8>>) -> Self {
        Self { topic, key: Some(key.into()), value, headers: Vec::new(), partition: None, timestamp_ms: None }
    }

    /// The record that publishes a fact.
    pub fn fact(fact: &Fact) -> Self {
        Self::new(fact.topic(), fact.key().to_string(), Some(fact.to_json()))
    }

    /// The record after which compaction may drop everything about the key.
    pub fn tombstone(key: &Key) -> Self {
        Self::new(key.topic(), key.to_string(), None)
    }

    /// Key, value and headers.
    pub(crate) fn bytes(&self) -> usize {
        content_bytes(self.key.as_deref(), self.value.as_deref(), &self.headers)
    }
}

fn content_bytes(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header]) -> usize {
    let headers: usize = headers.iter().map(|header| header.name.len() + header.value.len()).sum();
    key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len) + headers
}

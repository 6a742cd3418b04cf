//! What ingest has done, as readers see it: positions, ends, halts, and how old the data is.
//!
//! Ingest owns the numbers and publishes an immutable [`View`] after each write to the store. A request takes the
//! newest view *before* it reads the store, so the record it finds is at least as new as the positions it states.

use std::fmt::Write;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::header::HeaderValue;
use user_info_core::Topic;
use user_info_store::{Position, is_complete};

use crate::standing::Halt;

/// The newest [`View`], shared by ingest and every request.
pub type SharedView = Arc<ArcSwap<View>>;

/// How far ingest has come.
#[derive(Clone, Debug)]
pub struct View {
    /// The five topics of facts, in the order of [`Topic::FACTS`].
    pub topics: Vec<TopicView>,
    /// The positions in the form of the `user-info-positions` header.
    pub positions: HeaderValue,
    /// Whether every partition was read to its end at least once, ever: only then is an absent user unknown.
    pub complete: bool,
    /// Whether it was so at any time since the process started: what a shared store has to read again for safety's sake is
    /// no reason to send requests elsewhere.
    pub was_complete: bool,
    /// How fresh the data is.
    pub freshness: Freshness,
    /// Whether the log answers: without it nobody knows where the ends are.
    pub connected: bool,
}

/// Up to when the data is known to be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// A partition was never read, or a topic never described: nobody can tell.
    Unknown,
    /// Whole up to this time, in milliseconds since the Unix epoch.
    Until(i64),
    /// Every partition is at its end, and read by this instance.
    Current,
}

/// One topic of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicView {
    /// Which topic.
    pub topic: Topic,
    /// What ingest does with it.
    pub phase: Phase,
    /// Its partitions in order; empty until the topic was first described.
    pub partitions: Vec<PartitionView>,
}

/// What ingest does with a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting until the log describes the topic.
    Starting {
        /// What it waits for, in words.
        waiting_for: String,
    },
    /// Reading.
    Running,
    /// Stopped until an operator acts; reads go on.
    Halted(Halt),
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionView {
    /// Where ingest stands; what is stored.
    pub position: Position,
    /// The log's end when it was last asked for.
    pub end: Option<i64>,
    /// Whether the client reported the end and nothing came after it; of a partition that another instance reads, whether
    /// that one said so lately.
    pub at_end: bool,
    /// Whether this instance reads it.
    pub owned: bool,
}

impl PartitionView {
    /// How many offsets lie between the position and the end last seen.
    pub fn lag(&self) -> i64 {
        if self.at_end { 0 } else { self.end.map_or(0, |end| (end - self.position.next_offset).max(0)) }
    }

    /// A partition was whole when last caught up, and is in order since. What others read may have got a record by now that
    /// nobody told us of.
    fn freshness(&self, current: bool) -> Freshness {
        if current && self.at_end && self.owned {
            return Freshness::Current;
        }
        let until_ms = self.position.caught_up_at_ms.max(self.position.last_timestamp_ms);
        until_ms.map_or(Freshness::Unknown, Freshness::Until)
    }
}

impl View {
    /// The view of these topics. `connected` tells whether the log answers.
    pub fn new(topics: Vec<TopicView>, connected: bool) -> Self {
        let positions = positions_header(&topics);
        let complete = topics.iter().all(TopicView::is_complete);
        let freshness = freshness(&topics, connected);
        Self { topics, positions, complete, was_complete: complete, freshness, connected }
    }

    /// What a store says before the log was first reached.
    pub fn from_positions(positions: &[Position]) -> Self {
        let topics = Topic::FACTS.into_iter().map(|topic| TopicView::from_positions(topic, positions)).collect();
        Self::new(topics, false)
    }

    /// How old the data is at `now_ms`, in milliseconds: 0 while every partition is at its end, `None` if unknown.
    pub fn age_ms(&self, now_ms: i64) -> Option<i64> {
        match self.freshness {
            Freshness::Unknown => None,
            Freshness::Until(until_ms) => Some((now_ms - until_ms).max(0)),
            Freshness::Current => Some(0),
        }
    }

    /// Whether ingest of any topic is halted.
    pub fn is_halted(&self) -> bool {
        self.topics.iter().any(|topic| matches!(topic.phase, Phase::Halted(_)))
    }

    /// Whether every partition is at its end.
    pub fn is_caught_up(&self) -> bool {
        self.topics.iter().all(TopicView::is_caught_up)
    }
}

impl TopicView {
    /// What a store says of a topic. Partitions that it knows nothing of yet stand at their beginning.
    pub fn from_positions(topic: Topic, positions: &[Position]) -> Self {
        let of_topic: Vec<&Position> = positions.iter().filter(|position| position.topic == topic).collect();
        let count = of_topic.first().map_or(0, |first| first.partitions);
        let position = |partition| {
            let found = of_topic.iter().find(|position| position.partition == partition);
            found.map_or_else(|| nothing_of(partition, of_topic[0]), |&found| found.clone())
        };
        let view = |partition| PartitionView { position: position(partition), end: None, at_end: false, owned: false };
        let partitions = (0..count).map(view).collect();
        Self { topic, phase: Phase::Starting { waiting_for: "the log to describe the topic".into() }, partitions }
    }

    fn is_complete(&self) -> bool {
        is_complete(self.partitions.iter().map(|partition| &partition.position))
    }

    fn is_caught_up(&self) -> bool {
        self.phase == Phase::Running && self.partitions.iter().all(|partition| partition.at_end)
    }
}

fn nothing_of(partition: i32, sibling: &Position) -> Position {
    Position { partition, next_offset: 0, caught_up_at_ms: None, last_timestamp_ms: None, ..sibling.clone() }
}

/// `users=12,7;tweets=3,9;…`: the next offset of each partition, in order.
fn positions_header(topics: &[TopicView]) -> HeaderValue {
    let mut text = String::new();
    for topic in topics.iter().filter(|topic| !topic.partitions.is_empty()) {
        let separator = if text.is_empty() { "" } else { ";" };
        write!(text, "{separator}{}=", topic.topic).expect("writing to a String cannot fail");
        for (index, partition) in topic.partitions.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(text, "{separator}{}", partition.position.next_offset).expect("writing to a String cannot fail");
        }
    }
    HeaderValue::from_str(&text).expect("topic names and numbers are visible ASCII")
}

/// The freshness of the partition most behind.
fn freshness(topics: &[TopicView], connected: bool) -> Freshness {
    let of_topic = |topic: &TopicView| {
        let current = connected && topic.phase == Phase::Running;
        let partitions = topic.partitions.iter().map(move |partition| partition.freshness(current));
        partitions.min().unwrap_or(Freshness::Unknown)
    };
    topics.iter().map(of_topic).min().unwrap_or(Freshness::Unknown)
}

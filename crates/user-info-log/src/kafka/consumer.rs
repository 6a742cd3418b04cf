//! Reading from Kafka: partitions assigned by hand, or within what a group gives; events taken on the caller's thread.
//!
//! Invariant: of each assigned partition, records come in the order of their offsets and none before the offset it was
//! assigned at; of others nothing comes. What librdkafka still holds of an earlier assignment is dropped here.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use user_info_core::Topic;

use super::config;
use super::context::Context;
use super::events::{Change, Event, EventQueue, Failure, Message, Place, Rebalance};
use super::failure::{is_out_of_range, is_topic_gone};
use super::group::Group;
use super::native::is_member;
use crate::consumer::{PartitionEnd, PollLimits, Polled, Problem, Share, Start, no_group};
use crate::error::LogError;
use crate::names::{TopicNames, topic_index};
use crate::record::Record;

/// A cluster that is away is not worth more than one report in this time; librdkafka tells of each broker and attempt.
const UNAVAILABLE_INTERVAL: Duration = Duration::from_secs(1);

/// What was tried when librdkafka refuses a change of what is read.
const ASSIGN: &str = "assign partitions";

/// A reader of partitions of a Kafka cluster.
pub struct KafkaConsumer {
    client: BaseConsumer<Context>,
    assigned: Assigned,
    /// Absent in a consumer that belongs to none.
    group: Option<Group>,
    unavailable_reported: Option<Instant>,
}

impl KafkaConsumer {
    pub(super) fn open(config: &ClientConfig, names: &TopicNames, group: Option<Group>) -> Result<Self, LogError> {
        let client = config::create(config)?;
        Ok(Self { client, assigned: Assigned::new(names), group, unavailable_reported: None })
    }

    pub(crate) fn subscribe(&mut self, topics: BTreeSet<Topic>) -> Result<(), LogError> {
        self.let_go()?;
        let group = self.group.as_mut().ok_or_else(no_group)?;
        if group.subscribed == topics {
            return Ok(());
        }
        // Who was thrown out and is about to join again must not replace its subscription: librdkafka has an assertion
        // against that, which ends the process. Starting anew costs it nothing.
        if topics.is_empty() || !is_member(self.client.client()) {
            self.client.unsubscribe();
        }
        if !topics.is_empty() {
            let names: Vec<&str> = topics.iter().map(|&topic| self.assigned.name(topic)).collect();
            self.client.subscribe(&names).map_err(|error| refused("subscribe to topics", &error))?;
        }
        group.subscribed = topics;
        Ok(())
    }

    pub(crate) fn assign(&mut self, starts: &[Start]) -> Result<(), LogError> {
        self.let_go()?;
        let is_ours =
            |start: &&Start| self.group.as_ref().is_none_or(|group| group.owns((start.topic, start.partition)));
        let starts: Vec<Start> = starts.iter().filter(is_ours).copied().collect();
        if starts.is_empty() {
            return Ok(());
        }
        let moved = starts.iter().map(|start| (start.topic, start.partition));
        let moved = moved.filter(|&(topic, partition)| self.assigned.next(topic, partition).is_some()).collect();
        self.release(moved)?;
        let mut list = TopicPartitionList::with_capacity(starts.len());
        for &Start { topic, partition, offset } in &starts {
            let added = list.add_partition_offset(self.assigned.name(topic), partition, Offset::Offset(offset));
            added.map_err(|error| refused(ASSIGN, &error))?;
        }
        self.client.incremental_assign(&list).map_err(|error| refused(ASSIGN, &error))?;
        for &Start { topic, partition, offset } in &starts {
            self.assigned.set(topic, partition, Some(offset));
        }
        Ok(())
    }

    pub(crate) fn unassign(&mut self, topic: Topic) -> Result<(), LogError> {
        self.let_go()?;
        self.release(self.assigned.partitions(topic).collect())
    }

    fn release(&mut self, partitions: Vec<(Topic, i32)>) -> Result<(), LogError> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.stop_reading(&partitions)
    }

    /// Tells the group, if it waits for that, that what it took away is no longer read.
    fn let_go(&mut self) -> Result<(), LogError> {
        let Some(group) = &mut self.group else { return Ok(()) };
        if !group.settle() {
            return Ok(());
        }
        let read = Topic::ALL.into_iter().flat_map(|topic| self.assigned.partitions(topic));
        let lost: Vec<(Topic, i32)> = read.filter(|&partition| !group.owns(partition)).collect();
        self.stop_reading(&lost)
    }

    fn stop_reading(&mut self, partitions: &[(Topic, i32)]) -> Result<(), LogError> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &(topic, partition) in partitions {
            list.add_partition(self.assigned.name(topic), partition);
        }
        self.client.incremental_unassign(&list).map_err(|error| refused(ASSIGN, &error))?;
        for &(topic, partition) in partitions {
            self.assigned.set(topic, partition, None);
        }
        Ok(())
    }

    pub(crate) fn poll(&mut self, limits: PollLimits, wait: Duration) -> Result<Polled, LogError> {
        self.let_go()?;
        let queue = EventQueue::of_consumer(self.client.client());
        let began = Instant::now();
        let mut polled = Polled::default();
        let mut bytes = 0;
        while polled.records.len() < limits.records && bytes < limits.bytes {
            let wait = if polled.is_empty() { wait.saturating_sub(began.elapsed()) } else { Duration::ZERO };
            match queue.next(wait) {
                None => break,
                Some(Event::Messages(mut messages)) => {
                    while let Some(message) = messages.next() {
                        let Some(record) = self.assigned.take(&message) else { continue };
                        bytes += record.bytes();
                        polled.records.push(record);
                    }
                }
                Some(Event::Rebalance(rebalance)) => {
                    let group = self.group.as_mut().expect("who joined no group hears of none");
                    if let Some(share) = take_rebalance(rebalance, &self.client, &self.assigned, group)? {
                        polled.shares.push(share);
                        break;
                    }
                }
                Some(Event::Failure(failure)) if failure.is_missing_subscription() => {
                    tracing::debug!("waiting for a topic: {}", failure.reason);
                }
                Some(Event::Failure(failure)) => {
                    take_failure(failure, &self.assigned, &mut self.unavailable_reported, &mut polled)?;
                }
            }
        }
        Ok(polled)
    }
}

impl Drop for KafkaConsumer {
    /// The client leaves its group when it is dropped, and waits for as long as the group waits for an answer.
    fn drop(&mut self) {
        if let Err(error) = self.let_go() {
            tracing::warn!("{error}");
        }
    }
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KafkaConsumer").finish_non_exhaustive()
    }
}

fn refused(operation: &str, error: &KafkaError) -> LogError {
    LogError::Kafka { operation: operation.into(), reason: error.to_string() }
}

/// Notes what the group did, and answers a gain. A loss is answered when the caller is done with what it polled.
fn take_rebalance(
    rebalance: Rebalance,
    client: &BaseConsumer<Context>,
    assigned: &Assigned,
    group: &mut Group,
) -> Result<Option<Share>, LogError> {
    let Rebalance { change, partitions } = rebalance;
    if change == Change::Gained {
        client.incremental_assign(&TopicPartitionList::new()).map_err(|error| refused(ASSIGN, &error))?;
    }
    let ours = partitions.into_iter();
    let ours = ours.filter_map(|(name, partition)| Some((assigned.topic(&name)?, partition)));
    Ok(group.note(change, ours.collect()))
}

fn take_failure(
    failure: Failure,
    assigned: &Assigned,
    unavailable_reported: &mut Option<Instant>,
    polled: &mut Polled,
) -> Result<(), LogError> {
    let Failure { code, reason, fatal, place } = failure;
    if fatal {
        return Err(LogError::Kafka { operation: "read".into(), reason });
    }
    if let Some(place) = place {
        let Some((topic, partition, next)) = assigned.find(&place) else { return Ok(()) };
        if code == RDKafkaErrorCode::PartitionEOF {
            if place.offset >= next {
                polled.ends.push(PartitionEnd { topic, partition, offset: place.offset });
            }
            return Ok(());
        }
        if is_out_of_range(code) {
            polled.problems.push(Problem::OutOfRange { topic, partition, reason });
            return Ok(());
        }
        if is_topic_gone(code) {
            polled.problems.push(Problem::TopicGone { topic, reason });
            return Ok(());
        }
    }
    if unavailable_reported.is_none_or(|reported| reported.elapsed() >= UNAVAILABLE_INTERVAL) {
        *unavailable_reported = Some(Instant::now());
        polled.problems.push(Problem::Unavailable { reason });
    }
    Ok(())
}

/// Of each topic its name, and of each assigned partition the lowest offset that may come next.
struct Assigned {
    names: [(CString, Topic); Topic::ALL.len()],
    next: [Vec<Option<i64>>; Topic::ALL.len()],
}

impl Assigned {
    fn new(names: &TopicNames) -> Self {
        let name = |topic| CString::new(names.as_str(topic)).expect("checked names hold no NUL");
        Self { names: Topic::ALL.map(|topic| (name(topic), topic)), next: Default::default() }
    }

    fn name(&self, topic: Topic) -> &str {
        self.names[topic_index(topic)].0.to_str().expect("checked names are ASCII")
    }

    fn topic(&self, name: &CStr) -> Option<Topic> {
        self.names.iter().find(|(known, _)| known.as_c_str() == name).map(|&(_, topic)| topic)
    }

    fn next(&self, topic: Topic, partition: i32) -> Option<i64> {
        *self.next[topic_index(topic)].get(usize::try_from(partition).ok()?)?
    }

    fn set(&mut self, topic: Topic, partition: i32, next: Option<i64>) {
        let partitions = &mut self.next[topic_index(topic)];
        let index = usize::try_from(partition).expect("librdkafka refuses negative partitions");
        partitions.resize(partitions.len().max(index + 1), None);
        partitions[index] = next;
    }

    /// Of a topic those that are assigned.
    fn partitions(&self, topic: Topic) -> impl Iterator<Item = (Topic, i32)> {
        let partitions = (0..).zip(&self.next[topic_index(topic)]);
        partitions.filter(|(_, next)| next.is_some()).map(move |(partition, _)| (topic, partition))
    }

    fn find(&self, place: &Place) -> Option<(Topic, i32, i64)> {
        let topic = self.topic(&place.topic_name)?;
        Some((topic, place.partition, self.next(topic, place.partition)?))
    }

    /// Copies a record that is due, and moves on.
    fn take(&mut self, message: &Message<'_>) -> Option<Record> {
        let topic = self.topic(message.topic_name())?;
        let (partition, offset) = (message.partition(), message.offset());
        if offset < self.next(topic, partition)? {
            return None;
        }
        self.set(topic, partition, Some(offset + 1));
        Some(Record {
            topic,
            partition,
            offset,
            timestamp_ms: message.timestamp_ms(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.value().map(<[u8]>::to_vec),
            headers: message.headers(),
        })
    }
}

//! Reading from Kafka: partitions assigned by hand, events taken on the caller's thread.
//!
//! Invariant: of each assigned partition, records come in the order of their offsets and none before the offset it was
//! assigned at; of others nothing comes. What librdkafka still holds of an earlier assignment is dropped here.

use std::ffi::{CStr, CString};
use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use user_info_core::Topic;

use super::config::{self, ClientSettings};
use super::context::Context;
use super::events::{Event, EventQueue, Failure, Message, Place};
use super::failure::{is_out_of_range, is_topic_gone};
use crate::consumer::{PartitionEnd, PollLimits, Polled, Problem, Start};
use crate::error::LogError;
use crate::names::{TopicNames, topic_index};
use crate::record::Record;

/// A cluster that is away is not worth more than one report in this time; librdkafka tells of each broker and attempt.
const UNAVAILABLE_INTERVAL: Duration = Duration::from_secs(1);

/// A reader of partitions of a Kafka cluster.
pub struct KafkaConsumer {
    client: BaseConsumer<Context>,
    assigned: Assigned,
    unavailable_reported: Option<Instant>,
}

impl KafkaConsumer {
    pub(super) fn open(settings: &ClientSettings, names: &TopicNames) -> Result<Self, LogError> {
        let client = config::create(&settings.consumer())?;
        Ok(Self { client, assigned: Assigned::new(names), unavailable_reported: None })
    }

    pub(crate) fn assign(&mut self, starts: &[Start]) -> Result<(), LogError> {
        let moved = starts.iter().map(|start| (start.topic, start.partition));
        let moved = moved.filter(|&(topic, partition)| self.assigned.next(topic, partition).is_some()).collect();
        self.release(moved)?;
        let mut list = TopicPartitionList::with_capacity(starts.len());
        for &Start { topic, partition, offset } in starts {
            list.add_partition_offset(self.assigned.name(topic), partition, Offset::Offset(offset)).map_err(refused)?;
        }
        self.client.incremental_assign(&list).map_err(refused)?;
        for &Start { topic, partition, offset } in starts {
            self.assigned.set(topic, partition, Some(offset));
        }
        Ok(())
    }

    pub(crate) fn unassign(&mut self, topic: Topic) -> Result<(), LogError> {
        self.release(self.assigned.partitions(topic).map(|partition| (topic, partition)).collect())
    }

    fn release(&mut self, partitions: Vec<(Topic, i32)>) -> Result<(), LogError> {
        if partitions.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &(topic, partition) in &partitions {
            list.add_partition(self.assigned.name(topic), partition);
        }
        self.client.incremental_unassign(&list).map_err(refused)?;
        for (topic, partition) in partitions {
            self.assigned.set(topic, partition, None);
        }
        Ok(())
    }

    pub(crate) fn poll(&mut self, limits: PollLimits, wait: Duration) -> Result<Polled, LogError> {
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
                Some(Event::Failure(failure)) => {
                    take_failure(failure, &self.assigned, &mut self.unavailable_reported, &mut polled)?;
                }
            }
        }
        Ok(polled)
    }
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KafkaConsumer").finish_non_exhaustive()
    }
}

fn refused(error: KafkaError) -> LogError {
    LogError::Kafka { operation: "assign partitions".into(), reason: error.to_string() }
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

    fn partitions(&self, topic: Topic) -> impl Iterator<Item = i32> {
        let partitions = (0..).zip(&self.next[topic_index(topic)]);
        partitions.filter(|(_, next)| next.is_some()).map(|(partition, _)| partition)
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

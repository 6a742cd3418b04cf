//! Questions about topics, and their creation.

use std::ffi::CString;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminOptions, ConfigResource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use user_info_core::Topic;

use super::KafkaLog;
use super::describe::{Described, Refusal, describe_topics};
use super::events::{Event, EventQueue};
use super::failure::{code_of, is_topic_gone, is_unavailable};
use crate::error::LogError;
use crate::log::Offsets;
use crate::topics::{
    COMPACT, CREATE_TIME, Created, DELETE_RETENTION_MS, TopicDescription, TopicId, TopicLayout, TopicSettings,
};

/// How long a question may take: longer than a broker takes to restart is left to those who ask again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon to look again whether a topic that was created is there.
const RECHECK_INTERVAL: Duration = Duration::from_millis(50);

impl KafkaLog {
    pub(crate) fn describe(&self, topic: Topic) -> Result<Option<TopicDescription>, LogError> {
        let mut found = self.describe_all(&[topic])?;
        Ok(found.pop().flatten())
    }

    /// Describes topics; the answers are in the order of the topics.
    pub(crate) fn describe_all(&self, topics: &[Topic]) -> Result<Vec<Option<TopicDescription>>, LogError> {
        let operation = format!("describe topics {}", self.list(topics));
        let mut described = Vec::new();
        for found in self.identify(topics)? {
            match found {
                Ok(found) => described.push(Some(found)),
                Err(refusal) if is_topic_gone(refusal.code) => described.push(None),
                Err(refusal) => return Err(self.failure(operation, refusal)),
            }
        }
        let existing = topics.iter().zip(&described).filter(|(_, found)| found.is_some());
        let names: Vec<String> = existing.map(|(&topic, _)| self.names().name(topic)).collect();
        let configs = self.configs(&names).map_err(|refusal| self.failure(operation, refusal))?;
        let described = topics.iter().zip(described);
        Ok(described
            .map(|(&topic, found)| Some(description(found?, settings_of(self.names().as_str(topic), &configs)?)))
            .collect())
    }

    fn identify(&self, topics: &[Topic]) -> Result<Vec<Result<Described, Refusal>>, LogError> {
        let name = |&topic| CString::new(self.names().as_str(topic)).expect("checked names hold no NUL");
        let names: Vec<CString> = topics.iter().map(name).collect();
        self.reach_cluster()?;
        describe_topics(self.0.admin.inner(), &names, REQUEST_TIMEOUT)
            .map_err(|refusal| self.failure(format!("describe topics {}", self.list(topics)), refusal))
    }

    /// While a cluster that was known is away, librdkafka connects without a pause for as long as it owes the answer to an
    /// administrative request, and takes half a core. Asking for metadata first, which backs off, avoids that.
    fn reach_cluster(&self) -> Result<(), LogError> {
        let found = self.0.admin.inner().fetch_metadata(Some(self.names().as_str(Topic::Users)), REQUEST_TIMEOUT);
        found.map(drop).map_err(|error| self.failure("reach the cluster".into(), refusal(error)))
    }

    /// The configurations of topics; a topic that vanished meanwhile is left out.
    fn configs(&self, names: &[String]) -> Result<Vec<ConfigResource>, Refusal> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let resources: Vec<ResourceSpecifier<'_>> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let answers = wait(self.0.admin.describe_configs(&resources, &options())).map_err(refusal)?;
        let mut configs = Vec::new();
        for answer in answers {
            match answer {
                Ok(config) => configs.push(config),
                Err(code) if is_topic_gone(code) => {}
                Err(code) => return Err(Refusal { code, reason: code.to_string() }),
            }
        }
        Ok(configs)
    }

    pub(crate) fn offsets(&self, topic: Topic, partition: i32) -> Result<Offsets, LogError> {
        let name = self.names().as_str(topic);
        let error = match self.watermarks(name, partition) {
            Ok((start, end)) => return Ok(Offsets { start, end }),
            Err(error) => error,
        };
        if !is_topic_gone(error.code) {
            return Err(self.failure(format!("ask for the offsets of {name}/{partition}"), error));
        }
        // The same code says that the topic is missing, or only the partition.
        match self.describe(topic)? {
            Some(_) => Err(LogError::PartitionMissing { topic, partition }),
            None => Err(LogError::TopicMissing { topic, name: name.into() }),
        }
    }

    /// The first and the next offset. A partition that was just created, or whose leader moved, has none to answer for a
    /// moment.
    fn watermarks(&self, name: &str, partition: i32) -> Result<(i64, i64), Refusal> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            let found = self.0.admin.inner().fetch_watermarks(name, partition, REQUEST_TIMEOUT).map_err(refusal);
            match found {
                Err(refusal) if is_without_leader(refusal.code) && Instant::now() < deadline => {
                    thread::sleep(RECHECK_INTERVAL);
                }
                found => return found,
            }
        }
    }

    pub(crate) fn create_topics(&self, layout: TopicLayout) -> Result<Vec<Created>, LogError> {
        let before = self.describe_all(&Topic::ALL)?;
        let missing = Topic::ALL.into_iter().zip(&before).filter(|(_, found)| found.is_none());
        let missing: Vec<Topic> = missing.map(|(topic, _)| topic).collect();
        self.create(&missing, layout)?;
        self.wait_until_visible(&missing)?;
        let created = Topic::ALL.into_iter().zip(before);
        Ok(created
            .map(|(topic, found)| Created { topic, name: self.names().name(topic), existed: found.is_some() })
            .collect())
    }

    fn create(&self, missing: &[Topic], layout: TopicLayout) -> Result<(), LogError> {
        let retention_ms = DELETE_RETENTION_MS.to_string();
        let new_topic = |&topic: &Topic| {
            NewTopic::new(self.names().as_str(topic), layout.partitions, TopicReplication::Fixed(layout.replication))
                .set("cleanup.policy", COMPACT)
                .set("delete.retention.ms", &retention_ms)
                .set("message.timestamp.type", CREATE_TIME)
        };
        let topics: Vec<NewTopic<'_>> = missing.iter().map(new_topic).collect();
        if topics.is_empty() {
            return Ok(());
        }
        let operation = |name: &str| format!("create topic {name}");
        let answers = wait(self.0.admin.create_topics(&topics, &options()));
        for answer in answers.map_err(|error| self.failure(operation(&self.list(missing)), refusal(error)))? {
            match answer {
                // Somebody else was faster.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    return Err(self.failure(operation(&name), Refusal { code, reason: code.to_string() }));
                }
            }
        }
        Ok(())
    }

    /// The controller knows a new topic before the brokers do.
    fn wait_until_visible(&self, topics: &[Topic]) -> Result<(), LogError> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        while !topics.is_empty() && self.identify(topics)?.iter().any(Result::is_err) {
            if Instant::now() >= deadline {
                let operation = format!("see the topics that were created, {}", self.list(topics));
                return Err(LogError::Unavailable {
                    operation,
                    reason: format!("not there after {REQUEST_TIMEOUT:?}"),
                });
            }
            thread::sleep(RECHECK_INTERVAL);
        }
        Ok(())
    }

    fn list(&self, topics: &[Topic]) -> String {
        topics.iter().map(|&topic| self.names().as_str(topic)).collect::<Vec<_>>().join(", ")
    }

    fn failure(&self, operation: String, Refusal { code, reason }: Refusal) -> LogError {
        if !is_unavailable(code) {
            return LogError::Kafka { operation, reason };
        }
        // A time-out says less than the refused connection or login that led to it.
        let reason = self.last_trouble().unwrap_or(reason);
        LogError::Unavailable { operation, reason }
    }

    /// Takes what the client told since the last time; its queue would grow for as long as the cluster is away.
    fn last_trouble(&self) -> Option<String> {
        let queue = EventQueue::of_client(self.0.admin.inner());
        let mut last = None;
        while let Some(event) = queue.next(Duration::ZERO) {
            match event {
                Event::Failure(failure) => last = failure.cause().or(last),
                Event::Messages(_) | Event::Rebalance(_) => {}
            }
        }
        last
    }
}

fn is_without_leader(code: RDKafkaErrorCode) -> bool {
    matches!(code, RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::LeaderNotAvailable)
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)).operation_timeout(Some(REQUEST_TIMEOUT))
}

fn refusal(error: KafkaError) -> Refusal {
    let code = code_of(&error).unwrap_or(RDKafkaErrorCode::Fail);
    Refusal { code, reason: error.to_string() }
}

fn description(Described { id, partitions, replication }: Described, settings: TopicSettings) -> TopicDescription {
    TopicDescription { id: TopicId(id), partitions, settings: TopicSettings { replication, ..settings } }
}

/// The settings of the topic with this name, without its replication. A topic of which none are told is just being deleted.
fn settings_of(name: &str, configs: &[ConfigResource]) -> Option<TopicSettings> {
    let config = configs.iter().find(|config| config.specifier == OwnedResourceSpecifier::Topic(name.to_owned()))?;
    let text = |entry| config.get(entry).and_then(|entry| entry.value.clone()).unwrap_or_default();
    let delete_retention_ms = text("delete.retention.ms").parse().ok()?;
    // A number that a broker does not tell reads as 0, and so as a problem where it matters.
    let number = |entry| text(entry).parse().unwrap_or(0);
    Some(TopicSettings {
        replication: 0,
        cleanup_policy: text("cleanup.policy"),
        delete_retention_ms,
        max_message_bytes: number("max.message.bytes"),
        timestamp_type: text("message.timestamp.type"),
    })
}

/// Waits for one of the admin client's futures, which another of its threads completes.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

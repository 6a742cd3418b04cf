//! Publishing to Kafka: a slice at a time, done when every delivery is reported.
//!
//! Invariant: nothing of a slice that failed is sent after `publish` returned. Outside of transactions the client is
//! thrown away with all it holds, and the next slice gets a new one; a request that had reached a broker may still be
//! carried out. In a transaction the whole slice is aborted, before the next one at the latest. That client is kept: a
//! new one would fence another producer that took over rightly.

use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};

use super::config::{self, ClientSettings};
use super::context::Context;
use super::events::{Event, EventQueue, Message};
use super::failure::{code_of, is_fenced, is_topic_gone, is_unavailable};
use crate::error::LogError;
use crate::log::Published;
use crate::names::TopicNames;
use crate::record::NewRecord;

/// How long the coordinator of transactions may take to start or commit one: as long as a broker's restart and a change of
/// leader.
const TRANSACTION_STEP_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait for the end of a transaction that failed. What is not settled by then is before the next one.
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for the next report before looking at the whole again; librdkafka reports each record in the end.
const REPORT_WAIT: Duration = Duration::from_secs(1);

/// A publisher to a Kafka cluster.
pub struct KafkaProducer {
    settings: ClientSettings,
    names: TopicNames,
    mode: Mode,
}

enum Mode {
    /// The client is absent after a slice failed.
    Plain(Option<Client>),
    Transactional(Transactional),
}

type Client = BaseProducer<Context>;

impl KafkaProducer {
    pub(super) fn open(
        settings: &ClientSettings,
        names: &TopicNames,
        transactional_id: Option<&str>,
    ) -> Result<Self, LogError> {
        let client = config::create(&settings.producer(transactional_id))?;
        let mode = match transactional_id {
            None => Mode::Plain(Some(client)),
            Some(id) => Mode::Transactional(Transactional::start(id, client)?),
        };
        Ok(Self { settings: settings.clone(), names: names.clone(), mode })
    }

    pub(crate) fn publish(&mut self, records: &[NewRecord]) -> Result<Vec<Published>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        match &mut self.mode {
            Mode::Transactional(transactional) => transactional.publish(&self.names, records),
            Mode::Plain(slot) => {
                let client = match slot.take() {
                    Some(client) => client,
                    None => config::create(&self.settings.producer(None))?,
                };
                let published = deliver(&client, &self.names, records)?;
                *slot = Some(client);
                Ok(published)
            }
        }
    }
}

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KafkaProducer").finish_non_exhaustive()
    }
}

struct Transactional {
    id: String,
    client: Client,
    /// A transaction was begun and neither committed nor aborted.
    unsettled: bool,
}

impl Transactional {
    /// Fences every earlier producer with this id, and aborts what it left open.
    fn start(id: &str, client: Client) -> Result<Self, LogError> {
        let transactional = Self { id: id.to_owned(), client, unsettled: false };
        let started = transactional.client.init_transactions(TRANSACTION_STEP_TIMEOUT);
        started.map_err(|error| transactional.failure("start", &error))?;
        Ok(transactional)
    }

    fn publish(&mut self, names: &TopicNames, records: &[NewRecord]) -> Result<Vec<Published>, LogError> {
        if self.unsettled {
            self.abort()?;
        }
        self.unsettled = true;
        match self.begin_deliver_commit(names, records) {
            Ok(published) => {
                self.unsettled = false;
                Ok(published)
            }
            Err(error) => Err(match self.abort() {
                Ok(()) => error,
                // Only now does a producer whose records were refused learn why.
                Err(cause @ (LogError::Fenced { .. } | LogError::ProducerBroken { .. })) => cause,
                Err(_) => error,
            }),
        }
    }

    fn begin_deliver_commit(&self, names: &TopicNames, records: &[NewRecord]) -> Result<Vec<Published>, LogError> {
        self.client.begin_transaction().map_err(|error| self.failure("begin", &error))?;
        let published = deliver(&self.client, names, records)?;
        let committed = self.client.commit_transaction(TRANSACTION_STEP_TIMEOUT);
        committed.map_err(|error| self.failure("commit", &error))?;
        Ok(published)
    }

    /// Drops what was not sent, waits for the reports of what was, and aborts. The reports come first because librdkafka
    /// waits until they were taken.
    fn abort(&mut self) -> Result<(), LogError> {
        self.client.purge(PurgeConfig::default().queue());
        let queue = EventQueue::of_client(self.client.client());
        let began = Instant::now();
        while self.client.in_flight_count() > 0 && began.elapsed() < ABORT_TIMEOUT {
            drop(queue.next(REPORT_WAIT));
        }
        let aborted = self.client.abort_transaction(ABORT_TIMEOUT);
        aborted.map_err(|error| self.failure("abort", &error))?;
        self.unsettled = false;
        Ok(())
    }

    fn failure(&self, step: &str, error: &KafkaError) -> LogError {
        let operation = format!("{step} a transaction of {}", self.id);
        let fatal = self.client.client().fatal_error();
        let reason = fatal.as_ref().map_or_else(|| error.to_string(), |(_, reason)| reason.clone());
        let code = fatal.as_ref().map(|&(code, _)| code).or_else(|| code_of(error));
        match code {
            Some(code) if is_fenced(code) => LogError::Fenced { transactional_id: self.id.clone() },
            Some(code) if is_unavailable(code) => LogError::Unavailable { operation, reason },
            _ if fatal.is_some() => LogError::ProducerBroken { reason },
            _ => LogError::Kafka { operation, reason },
        }
    }
}

/// Sends all and waits for all reports, or for the first bad one.
fn deliver(client: &Client, names: &TopicNames, records: &[NewRecord]) -> Result<Vec<Published>, LogError> {
    let queue = EventQueue::of_client(client.client());
    let published = vec![None; records.len()];
    let mut reports = Reports { names, records, published, missing: records.len(), trouble: None };
    for (index, record) in records.iter().enumerate() {
        while !enqueue(client, names, record, index)? {
            // The queue of librdkafka is full, and reports make room.
            reports.take(&queue)?;
        }
    }
    while reports.missing > 0 {
        reports.take(&queue)?;
    }
    Ok(reports.published.into_iter().map(|published| published.expect("no report is missing")).collect())
}

/// Hands a record to librdkafka; false if its queue is full.
fn enqueue(client: &Client, names: &TopicNames, record: &NewRecord, index: usize) -> Result<bool, LogError> {
    let mut message = BaseRecord::with_opaque_to(names.as_str(record.topic), index);
    message.key = record.key.as_deref();
    message.payload = record.value.as_deref();
    message.partition = record.partition;
    message.timestamp = record.timestamp_ms;
    if !record.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for header in &record.headers {
            if header.name.contains('\0') {
                let reason = format!("the name of the header {:?} holds a NUL character", header.name);
                return Err(LogError::RecordRefused { topic: record.topic, reason });
            }
            headers = headers.insert(KafkaHeader { key: &header.name, value: Some(&header.value) });
        }
        message.headers = Some(headers);
    }
    match client.send(message) {
        Ok(()) => Ok(true),
        Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
        Err((error, _)) => Err(match code_of(&error) {
            Some(code) => delivery_failure(code, names, record),
            None => LogError::Kafka { operation: "publish".into(), reason: error.to_string() },
        }),
    }
}

/// The reports about one slice.
struct Reports<'slice> {
    names: &'slice TopicNames,
    records: &'slice [NewRecord],
    published: Vec<Option<Published>>,
    missing: usize,
    /// What the client said last about brokers: a report only says that time ran out.
    trouble: Option<String>,
}

impl Reports<'_> {
    /// Waits for reports and takes those of one event.
    fn take(&mut self, queue: &EventQueue<'_>) -> Result<(), LogError> {
        match queue.next(REPORT_WAIT) {
            Some(Event::Messages(mut messages)) => {
                while let Some(report) = messages.next() {
                    self.note(&report)?;
                }
                Ok(())
            }
            Some(Event::Failure(failure)) => {
                self.trouble = failure.cause().or(self.trouble.take());
                Ok(())
            }
            Some(Event::Rebalance(_)) | None => Ok(()),
        }
    }

    fn note(&mut self, report: &Message<'_>) -> Result<(), LogError> {
        let index = report.index();
        if let Some(code) = report.error() {
            return Err(match (delivery_failure(code, self.names, &self.records[index]), self.trouble.take()) {
                (LogError::Unavailable { operation, .. }, Some(reason)) => LogError::Unavailable { operation, reason },
                (error, _) => error,
            });
        }
        let (partition, offset, timestamp_ms) = (report.partition(), report.offset(), report.timestamp_ms());
        let before = self.published[index].replace(Published { partition, offset, timestamp_ms });
        assert!(before.is_none(), "librdkafka reported record {index} of a slice twice");
        self.missing -= 1;
        Ok(())
    }
}

fn delivery_failure(code: RDKafkaErrorCode, names: &TopicNames, record: &NewRecord) -> LogError {
    let NewRecord { topic, partition, .. } = *record;
    let reason = code.to_string();
    let operation = format!("publish to topic {}", names.as_str(topic));
    match (code, partition) {
        (RDKafkaErrorCode::MessageSizeTooLarge, _) => LogError::RecordTooLarge { topic, bytes: record.bytes() },
        (RDKafkaErrorCode::InvalidRecord, _) if record.key.is_none() => {
            LogError::RecordRefused { topic, reason: "it has no key, and the topic is compacted".into() }
        }
        (RDKafkaErrorCode::InvalidRecord, _) => LogError::RecordRefused { topic, reason },
        (RDKafkaErrorCode::UnknownPartition, Some(partition)) => LogError::PartitionMissing { topic, partition },
        _ if is_topic_gone(code) => LogError::TopicMissing { topic, name: names.name(topic) },
        _ if is_unavailable(code) => LogError::Unavailable { operation, reason },
        _ => LogError::Kafka { operation, reason },
    }
}

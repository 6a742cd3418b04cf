//! The outbox: sends dead letters to their topic, on a thread of its own, until the log has them.
//!
//! They were written to the store in the same batch as the positions, so none is lost; their key is where the bad record
//! stands, so sending one again, from here or from another replica, overwrites instead of repeating.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use user_info_core::Topic;
use user_info_log::{Header, Log, LogError, NewRecord, Producer, ProducerConfig};
use user_info_store::{DeadLetter, Origin, Store, StoreError};

use crate::errors::{RecentErrors, ServiceError, chain};

/// Dead letters sent at once: at the size limit of a dead letter they stay below a client's send buffer.
const SEND_RECORDS_MAX: usize = 64;

/// How long to wait for new dead letters before looking for left ones again.
const IDLE: Duration = Duration::from_secs(1);

/// Pause after the log did not take a dead letter.
const RETRY: Duration = Duration::from_secs(2);

/// Sends what is in the outbox until `stop`. Ingest rings `bell` after it wrote dead letters.
pub struct Outbox {
    /// Where the topic is.
    pub log: Log,
    /// Where the dead letters wait.
    pub store: Store,
    /// Rung after dead letters were written.
    pub bell: Receiver<()>,
    /// Where failures are shown.
    pub errors: Arc<RecentErrors>,
    /// Ends the thread.
    pub stop: CancellationToken,
}

impl Outbox {
    /// Runs until stopped. Only a failing store ends it with an error.
    pub fn run(self) -> Result<(), ServiceError> {
        let mut producer = None;
        while !self.stop.is_cancelled() {
            let Some(waiting) = self.ask_store(self.store.outbox(SEND_RECORDS_MAX))? else { continue };
            if waiting.is_empty() {
                self.wait(IDLE);
                continue;
            }
            match self.send(&mut producer, &waiting) {
                Ok(()) => self.forget(&waiting)?,
                Err(error) => self.retry_later(&mut producer, &error),
            }
        }
        Ok(())
    }

    fn send(&self, producer: &mut Option<Producer>, waiting: &[DeadLetter]) -> Result<(), LogError> {
        let producer = match producer {
            Some(producer) => producer,
            None => producer.insert(self.log.producer(&ProducerConfig::default())?),
        };
        let records: Vec<NewRecord> = waiting.iter().map(record).collect();
        producer.publish(&records).map(drop)
    }

    /// What is not forgotten is sent once more, which overwrites.
    fn forget(&self, sent: &[DeadLetter]) -> Result<(), ServiceError> {
        let origins: Vec<Origin> = sent.iter().map(|letter| letter.origin).collect();
        self.ask_store(self.store.sent(&origins)).map(drop)
    }

    /// The store's answer; `None`, after a pause, when the store is away.
    fn ask_store<T>(&self, answer: Result<T, StoreError>) -> Result<Option<T>, ServiceError> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_passing() => {
                self.errors.note("dead letters", format!("dead letters wait for the store: {}", chain(&error)));
                self.wait(RETRY);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn retry_later(&self, producer: &mut Option<Producer>, error: &LogError) {
        *producer = None;
        let topic = Topic::DeadLetters;
        let message = format!("dead letters wait, topic {topic} does not take them, trying again: {}", chain(error));
        self.errors.note("dead letters", message);
        self.wait(RETRY);
    }

    fn wait(&self, length: Duration) {
        match self.bell.recv_timeout(length) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.stop.cancel(),
        }
    }
}

fn record(letter: &DeadLetter) -> NewRecord {
    let header = |name: &str, value: String| Header { name: name.into(), value: value.into_bytes() };
    // A dead letter without a value would be a tombstone, which compaction drops.
    let value = letter.value.clone().unwrap_or_default();
    let mut record = NewRecord::new(Topic::DeadLetters, letter.origin.to_string(), Some(value));
    record.headers = vec![
        header("code", letter.code.clone()),
        header("reason", letter.reason.clone()),
        header("topic", letter.origin.topic.to_string()),
        header("partition", letter.origin.partition.to_string()),
        header("offset", letter.origin.offset.to_string()),
        header("timestamp-ms", letter.timestamp_ms.to_string()),
        header("value-bytes", letter.value_bytes.to_string()),
        header("value-sha256", hex(&letter.value_sha256)),
    ];
    if letter.value.is_none() {
        record.headers.push(header("value-null", "true".into()));
    }
    if let Some(key) = &letter.key {
        record.headers.push(Header { name: "key".into(), value: key.clone() });
    }
    record
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Follows the log from its start and keeps the model.
//!
//! Invariant: the model never runs ahead of what was asked for. Records that a poll brought from behind the wanted
//! positions are held back, so that the model can stand exactly where an answer stood.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use user_info_core::Topic;
use user_info_log::{Consumer, Log, PollLimits, Polled, Problem, Record, Start, TopicDescription};

use crate::error::AuditError;
use crate::model::Model;
use crate::positions::Positions;

/// Enough records to make the cost of a poll vanish, few enough to see progress often.
const POLL_LIMITS: PollLimits = PollLimits { records: 10_000, bytes: 16 * 1024 * 1024 };

/// How long one poll waits for records.
const POLL_WAIT: Duration = Duration::from_millis(100);

/// Reads the log.
pub(crate) struct Reader {
    log: Log,
    consumer: Consumer,
    topics: BTreeMap<Topic, TopicDescription>,
    model: Model,
    /// Up to where records came in, held back or not.
    polled: Positions,
    held: BTreeMap<(Topic, i32), VecDeque<Record>>,
    patience: Duration,
}

impl Reader {
    /// Assigns all partitions of the five topics from their starts. Reads nothing yet.
    pub(crate) fn open(log: &Log, patience: Duration) -> Result<Self, AuditError> {
        let topics = describe(log)?;
        let partitions = topics.iter().map(|(&topic, description)| (topic, description.partitions)).collect();
        let mut model = Model::new(partitions);
        let starts = each_partition(&topics, |topic, partition| Ok(log.offsets(topic, partition)?.start))?;
        model.advance(&starts);
        let mut consumer = log.consumer()?;
        let assigned: Vec<Start> =
            starts.iter().map(|(topic, partition, offset)| Start { topic, partition, offset }).collect();
        consumer.assign(&assigned)?;
        Ok(Self { log: log.clone(), consumer, topics, model, polled: starts, held: BTreeMap::new(), patience })
    }

    /// What the log says, up to where it was read.
    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// The topics as they were at the beginning.
    pub(crate) fn topics(&self) -> &BTreeMap<Topic, TopicDescription> {
        &self.topics
    }

    /// Where the partitions end now.
    pub(crate) fn ends(&self) -> Result<Positions, AuditError> {
        each_partition(&self.topics, |topic, partition| Ok(self.log.offsets(topic, partition)?.end))
    }

    /// The first of these positions that the log does not reach, and where it ends instead.
    pub(crate) fn beyond_end(&self, positions: &Positions) -> Result<Option<BeyondEnd>, AuditError> {
        for (topic, partition, position) in positions.iter() {
            let partitions = self.topics.get(&topic).map_or(0, |description| description.partitions);
            if partition >= partitions {
                return Ok(Some(BeyondEnd { topic, partition, position, end: None }));
            }
            if position > self.polled.next(topic, partition) {
                let end = self.log.offsets(topic, partition)?.end;
                if position > end {
                    return Ok(Some(BeyondEnd { topic, partition, position, end: Some(end) }));
                }
            }
        }
        Ok(None)
    }

    /// Reads until the model stands at these positions, in each partition where it does not stand behind them already.
    /// Waits for records as long as they come; gives up when none came for as long as the audit's patience.
    pub(crate) fn read_to(&mut self, targets: &Positions) -> Result<(), AuditError> {
        let mut deadline = Instant::now() + self.patience;
        loop {
            self.apply_held(targets);
            let Some(missing) = self.missing(targets) else {
                self.model.advance(targets);
                return Ok(());
            };
            let polled = self.consumer.poll(POLL_LIMITS, POLL_WAIT)?;
            if self.take(polled)? {
                deadline = Instant::now() + self.patience;
            } else if Instant::now() >= deadline {
                let (topic, partition, wanted) = missing;
                let reached = self.polled.next(topic, partition);
                return Err(AuditError::LogStalled { topic, partition, reached, wanted, waited: self.patience });
            }
        }
    }

    fn apply_held(&mut self, targets: &Positions) {
        for (topic, partition, target) in targets.iter() {
            let Some(held) = self.held.get_mut(&(topic, partition)) else { continue };
            while let Some(record) = held.pop_front_if(|record| record.offset < target) {
                if let Err(bad) = self.model.apply(&record) {
                    tracing::debug!(%topic, partition, offset = record.offset, "bad record in {topic}: {bad}");
                }
            }
        }
    }

    fn missing(&self, targets: &Positions) -> Option<(Topic, i32, i64)> {
        targets.iter().find(|&(topic, partition, target)| self.polled.next(topic, partition) < target)
    }

    /// Whether the poll brought anything.
    fn take(&mut self, polled: Polled) -> Result<bool, AuditError> {
        let brought = !polled.records.is_empty() || !polled.ends.is_empty();
        for record in polled.records {
            self.polled.raise(record.topic, record.partition, record.offset + 1);
            self.held.entry((record.topic, record.partition)).or_default().push_back(record);
        }
        for end in polled.ends {
            self.polled.raise(end.topic, end.partition, end.offset);
        }
        for problem in polled.problems {
            match problem {
                Problem::OutOfRange { topic, partition, reason } => {
                    return Err(AuditError::LogLost { topic, reason: format!("partition {partition}: {reason}") });
                }
                Problem::TopicGone { topic, reason } => return Err(AuditError::LogLost { topic, reason }),
                Problem::Unavailable { reason } => tracing::warn!(%reason, "the log does not answer: {reason}"),
            }
        }
        Ok(brought)
    }
}

/// A position that the log does not reach.
pub(crate) struct BeyondEnd {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) position: i64,
    /// Where the partition ends; `None` when there is no such partition.
    pub(crate) end: Option<i64>,
}

fn describe(log: &Log) -> Result<BTreeMap<Topic, TopicDescription>, AuditError> {
    let describe = |topic| {
        let description = log.describe(topic)?.ok_or(AuditError::TopicMissing { topic })?;
        Ok((topic, description))
    };
    Topic::FACTS.into_iter().map(describe).collect()
}

fn each_partition(
    topics: &BTreeMap<Topic, TopicDescription>,
    offset: impl Fn(Topic, i32) -> Result<i64, AuditError>,
) -> Result<Positions, AuditError> {
    let mut positions = Positions::default();
    for (&topic, description) in topics {
        for partition in 0..description.partitions {
            positions.set(topic, partition, offset(topic, partition)?);
        }
    }
    Ok(positions)
}

//! Reads topics of the log from given positions on, and knows when it has reached their ends.

use std::collections::HashSet;
use std::time::Duration;

use user_info_core::Topic;
use user_info_log::{Consumer, Log, PartitionEnd, PollLimits, Problem, Record, Start};

use crate::UpstreamError;

/// Large enough for a fast rebuild, small beside what the services remember.
const POLL_LIMITS: PollLimits = PollLimits { records: 10_000, bytes: 16 * 1024 * 1024 };

/// A consumer of a few topics.
pub(crate) struct Reader {
    consumer: Consumer,
    behind: HashSet<(Topic, i32)>,
}

impl Reader {
    /// Reads from `starts` on.
    pub(crate) fn open(log: &Log, starts: &[Start]) -> Result<Self, UpstreamError> {
        let mut reader = Self { consumer: log.consumer()?, behind: HashSet::new() };
        reader.go_to(starts)?;
        Ok(reader)
    }

    /// Whether every partition of `topic` has been read to the end it had at some time since the reader was opened.
    pub(crate) fn has_reached_end(&self, topic: Topic) -> bool {
        self.behind.iter().all(|&(behind, _)| behind != topic)
    }

    /// Reads these partitions from there on, whatever was read of them before.
    pub(crate) fn go_to(&mut self, starts: &[Start]) -> Result<(), UpstreamError> {
        self.consumer.assign(starts)?;
        self.behind.extend(starts.iter().map(|start| (start.topic, start.partition)));
        Ok(())
    }

    /// Reads no more of `topic`.
    pub(crate) fn leave(&mut self, topic: Topic) -> Result<(), UpstreamError> {
        self.behind.retain(|&(behind, _)| behind != topic);
        Ok(self.consumer.unassign(topic)?)
    }

    /// Takes what is there, after waiting up to `wait` for the first record. Returns how many records there were.
    pub(crate) fn poll(&mut self, wait: Duration, mut take: impl FnMut(Record)) -> Result<usize, UpstreamError> {
        let polled = self.consumer.poll(POLL_LIMITS, wait)?;
        let records = polled.records.len();
        polled.records.into_iter().for_each(&mut take);
        for PartitionEnd { topic, partition, .. } in polled.ends {
            self.behind.remove(&(topic, partition));
        }
        for problem in polled.problems {
            check(problem)?;
        }
        Ok(records)
    }

    /// Takes all that is there, without waiting.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(Record)) -> Result<(), UpstreamError> {
        while self.poll(Duration::ZERO, &mut take)? == POLL_LIMITS.records {}
        Ok(())
    }
}

fn check(problem: Problem) -> Result<(), UpstreamError> {
    match problem {
        Problem::OutOfRange { topic, reason, .. } | Problem::TopicGone { topic, reason } => {
            Err(UpstreamError::TopicChanged { topic, reason })
        }
        Problem::Unavailable { reason } => {
            tracing::debug!(reason, "log unavailable, its client tries on");
            Ok(())
        }
    }
}

/// The beginning of every partition of `topic`.
pub(crate) fn from_start(log: &Log, topic: Topic) -> Result<Vec<Start>, UpstreamError> {
    from_tail(log, topic, i64::MAX)
}

/// Positions so close to the ends of `topic` that at most `records` offsets lie before the ends, over all partitions.
pub(crate) fn from_tail(log: &Log, topic: Topic, records: i64) -> Result<Vec<Start>, UpstreamError> {
    let description = log.describe(topic)?.ok_or(UpstreamError::TopicMissing { topic })?;
    let per_partition = records / i64::from(description.partitions);
    let start_of = |partition| {
        let offsets = log.offsets(topic, partition)?;
        let offset = offsets.end.saturating_sub(per_partition).max(offsets.start);
        Ok(Start { topic, partition, offset })
    };
    (0..description.partitions).map(start_of).collect()
}

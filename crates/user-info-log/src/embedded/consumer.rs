//! Reading from the log inside the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use user_info_core::Topic;

use super::database::damaged;
use super::group::Group;
use super::keys::Key;
use super::{Inner, Topics, values};
use crate::consumer::{PartitionEnd, PollLimits, Polled, Problem, Share, Start, no_group};
use crate::error::LogError;
use crate::names::topic_index;
use crate::record::Record;

/// A reader of partitions of the log inside the process.
pub struct EmbeddedConsumer {
    log: Arc<Inner>,
    assigned: BTreeMap<(Topic, i32), Progress>,
    /// Absent in a consumer that belongs to none.
    group: Option<Group>,
    /// Where the last poll stopped: the next one begins behind it, so that no partition waits for ever for a full one.
    last: Option<(Topic, i32)>,
}

/// How far a partition was read.
#[derive(Clone, Copy, Debug)]
struct Progress {
    next: i64,
    /// The end that was reported last.
    reported_end: Option<i64>,
    /// A problem was reported, which only a new assignment solves.
    halted: bool,
}

/// What a partition has for its reader.
enum News {
    Nothing,
    Problem(Problem),
    /// Records may be there below this offset, and if not, this is the end.
    Until(i64),
}

impl EmbeddedConsumer {
    pub(super) fn new(log: Arc<Inner>, group: Option<Group>) -> Self {
        Self { log, assigned: BTreeMap::new(), group, last: None }
    }

    pub(crate) fn subscribe(&mut self, topics: BTreeSet<Topic>) -> Result<(), LogError> {
        self.group.as_mut().ok_or_else(no_group)?.subscribed = topics;
        Ok(())
    }

    pub(crate) fn assign(&mut self, starts: &[Start]) {
        for &Start { topic, partition, offset } in starts {
            if self.group.as_ref().is_some_and(|group| !group.owns((topic, partition))) {
                continue;
            }
            let progress = Progress { next: offset, reported_end: None, halted: false };
            self.assigned.insert((topic, partition), progress);
        }
    }

    pub(crate) fn unassign(&mut self, topic: Topic) {
        self.assigned.retain(|&(assigned, _), _| assigned != topic);
    }

    pub(crate) fn poll(&mut self, limits: PollLimits, wait: Duration) -> Result<Polled, LogError> {
        let news = self.wait_for_news(wait);
        let shares = self.take_shares();
        if !shares.is_empty() {
            return Ok(Polled { shares, ..Polled::default() });
        }
        let mut batch = Batch { polled: Polled::default(), bytes: 0, limits };
        for (key, news) in news {
            if batch.is_full() {
                break;
            }
            self.last = Some(key);
            match news {
                News::Nothing => {}
                News::Problem(problem) => {
                    self.progress(key).halted = true;
                    batch.polled.problems.push(problem);
                }
                News::Until(end) => self.read(key, end, &mut batch)?,
            }
        }
        Ok(batch.polled)
    }

    /// Waits until the group or a partition has something, and then looks at all partitions.
    fn wait_for_news(&self, wait: Duration) -> Vec<((Topic, i32), News)> {
        let nothing = |topics: &mut Topics| {
            self.group.as_ref().is_none_or(|group| !group.is_behind(topics))
                && self
                    .assigned
                    .iter()
                    .all(|(&key, progress)| matches!(self.news(topics, key, progress), News::Nothing))
        };
        let waited = self.log.published.wait_timeout_while(self.log.topics(), wait, nothing);
        let (topics, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let later = self.assigned.range(..).skip_while(|&(&key, _)| Some(key) <= self.last);
        let earlier = self.assigned.range(..).take_while(|&(&key, _)| Some(key) <= self.last);
        later.chain(earlier).map(|(&key, progress)| (key, self.news(&topics, key, progress))).collect()
    }

    /// What the group gave and took; nothing of what it took is read any more.
    fn take_shares(&mut self) -> Vec<Share> {
        let Some(group) = &mut self.group else { return Vec::new() };
        let shares = group.catch_up(&self.log.topics());
        if !shares.is_empty() {
            self.assigned.retain(|&partition, _| group.owns(partition));
        }
        shares
    }

    fn news(&self, topics: &Topics, (topic, partition): (Topic, i32), progress: &Progress) -> News {
        let &Progress { next, reported_end, halted } = progress;
        let state = topics[topic_index(topic)].as_ref();
        let end = state.and_then(|state| state.end(partition));
        match end {
            _ if halted => News::Nothing,
            None => {
                let name = self.log.names.as_str(topic);
                let reason = match state {
                    None => format!("topic {name} does not exist"),
                    Some(state) => format!("{name} has {} partitions, none numbered {partition}", state.partitions()),
                };
                News::Problem(Problem::TopicGone { topic, reason })
            }
            Some(end) if next > end => {
                let reason = format!("offset {next} is beyond the end, {end}");
                News::Problem(Problem::OutOfRange { topic, partition, reason })
            }
            Some(end) if next == end && reported_end == Some(end) => News::Nothing,
            Some(end) => News::Until(end),
        }
    }

    fn read(&mut self, key: (Topic, i32), end: i64, batch: &mut Batch) -> Result<(), LogError> {
        let (topic, partition) = key;
        let mut progress = self.assigned[&key];
        if progress.next < end {
            let next = batch.read(&self.log, key, progress.next..end)?;
            progress.next = next;
        }
        if progress.next == end {
            progress.reported_end = Some(end);
            batch.polled.ends.push(PartitionEnd { topic, partition, offset: end });
        }
        *self.progress(key) = progress;
        Ok(())
    }

    fn progress(&mut self, key: (Topic, i32)) -> &mut Progress {
        self.assigned.get_mut(&key).expect("news are only of assigned partitions")
    }
}

impl fmt::Debug for EmbeddedConsumer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EmbeddedConsumer").field("assigned", &self.assigned).finish_non_exhaustive()
    }
}

struct Batch {
    polled: Polled,
    bytes: usize,
    limits: PollLimits,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.polled.records.len() >= self.limits.records || self.bytes >= self.limits.bytes
    }

    /// Takes records until there are no more or the batch is full; returns the offset to go on from.
    fn read(&mut self, log: &Inner, key: (Topic, i32), offsets: std::ops::Range<i64>) -> Result<i64, LogError> {
        let (topic, partition) = key;
        let mut next = offsets.end;
        log.database.scan_records(key, offsets, |offset, bytes| {
            if self.is_full() {
                next = offset;
                return Ok(false);
            }
            let stored = values::decode(bytes).ok_or_else(|| damaged(Key::Record(topic, partition, offset)))?;
            let values::StoredRecord { timestamp_ms, key, value, headers } = stored;
            let record = Record { topic, partition, offset, timestamp_ms, key, value, headers };
            self.bytes += record.bytes();
            self.polled.records.push(record);
            Ok(true)
        })?;
        Ok(next)
    }
}

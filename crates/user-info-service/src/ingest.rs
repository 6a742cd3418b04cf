//! Ingest: one thread, one loop, the single owner of the positions.
//!
//! Poll what is waiting, fold it into one batch, write once with the positions, publish the view. Low latency when idle,
//! large batches under load, no timer to tune. The loop decides nothing by itself: [`standing`](crate::standing) judges
//! whether a topic may go on, [`assemble`](crate::assemble) turns records into a batch.
//!
//! What a store that is shared brings with it is in the module `shared`.
//!
//! Invariant (I2): the stored positions P imply that the state equals the fold of everything published before P.

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use user_info_core::Topic;
use user_info_log::{Consumer, Log, PartitionEnd, PollLimits, Polled, Problem, Start};
use user_info_store::{Batch, Position, Store, StoreError};

use crate::assemble::{Assembled, Memory, assemble};
use crate::changes::Changes;
use crate::clock::now_ms;
use crate::errors::{RecentErrors, ServiceError};
use crate::events::Latest;
use crate::history::letters::LastLetters;
use crate::hot::HotAnswers;
use crate::metrics::{BadLabels, Metrics, TopicLabels};
use crate::standing::{Halt, TopicReport, judge, judge_end};
use crate::view::{PartitionView, Phase, SharedView, TopicView, View};
use crate::watch::News;
use shared::SHARED_INTERVAL_MS;

/// How long a poll waits for the first record: the longest that a report of the watch or the signal to stop waits.
const POLL_WAIT: Duration = Duration::from_millis(100);

/// How old the stored time of completeness may become before it is written without any record to write it with.
const COMPLETENESS_WRITE_MS: i64 = 30_000;

/// Limits of ingest.
#[derive(Clone, Copy, Debug)]
pub struct IngestLimits {
    /// Records in a batch. A batch of 5,000 amortises the write; a larger one only delays what it holds.
    pub batch_records: usize,
    /// Bytes of keys and values in a batch; bounds memory when records are large.
    pub batch_bytes: usize,
    /// Bad records in a row that halt a topic.
    pub bad_in_a_row_max: u64,
}

impl Default for IngestLimits {
    fn default() -> Self {
        Self { batch_records: 5_000, batch_bytes: 16 * 1024 * 1024, bad_in_a_row_max: 1_000 }
    }
}

/// Which partitions an instance reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// All of them: the store is its own.
    #[default]
    Alone,
    /// Those that this consumer group gives it: the store is shared.
    Group(String),
}

/// What ingest is given.
pub struct IngestParts {
    /// Which partitions are read.
    pub sharing: Sharing,
    /// Where the facts come from.
    pub log: Log,
    /// Where the records go.
    pub store: Store,
    /// Limits of a batch.
    pub limits: IngestLimits,
    /// What the watch learns.
    pub news: Receiver<News>,
    /// Who waits for changes.
    pub changes: Arc<Changes<Arc<Latest>>>,
    /// Answers that a batch makes old.
    pub hot: Option<Arc<HotAnswers>>,
    /// Rung after dead letters were written.
    pub bell: SyncSender<()>,
    /// Where the view is published.
    pub view: SharedView,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// Where failures are shown.
    pub errors: Arc<RecentErrors>,
    /// Where dead letters are shown.
    pub letters: Arc<LastLetters>,
    /// Ends the loop.
    pub stop: CancellationToken,
}

/// When the loop ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: a server follows the log.
    Stopped,
    /// When every partition was read to its end, not necessarily all at the same time: a rebuild is done then.
    CaughtUp,
}

/// Whether a batch was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Yes,
    /// The positions were read again and reading begins anew at them; of the batch some may be written.
    Rewound,
    /// The signal to stop came while the store was away.
    Stopped,
}

/// The owner of positions and of everything that moves them.
pub struct Ingest {
    parts: IngestParts,
    consumer: Consumer,
    topics: BTreeMap<Topic, TopicView>,
    /// The positions that the store had when they were taken up, by topic; needed until a topic begins.
    stored: BTreeMap<Topic, Vec<Position>>,
    /// The partitions that this instance reads.
    owned: BTreeSet<(Topic, i32)>,
    /// Whether what is in memory is in the store too, but for a suffix of the log.
    settled: bool,
    /// When the positions were taken up last.
    adopted_ms: i64,
    checked_ms: i64,
    memory: Memory,
    connected: bool,
    /// Partitions that were at their end since this process started: only their records are fresh ones.
    live: BTreeSet<(Topic, i32)>,
    /// The ends that the watch last reported. One that falls means that the log lost records; a partition that was read
    /// up to it is complete as of the report, also if records come so fast that the client never stands at the end.
    reported_ends: BTreeMap<(Topic, i32), ReportedEnd>,
    completeness_written_ms: i64,
}

#[derive(Clone, Copy)]
struct ReportedEnd {
    offset: i64,
    at_ms: i64,
}

impl Ingest {
    /// Prepares ingest. Does not wait for the log, nor for the store.
    pub fn new(parts: IngestParts) -> Result<Self, ServiceError> {
        let consumer = match &parts.sharing {
            Sharing::Alone => parts.log.consumer()?,
            Sharing::Group(group) => {
                let mut consumer = parts.log.group_consumer(group)?;
                consumer.subscribe(&Topic::FACTS)?;
                consumer
            }
        };
        let topics = View::from_positions(&[]).topics.into_iter().map(|topic| (topic.topic, topic)).collect();
        Ok(Self {
            parts,
            consumer,
            topics,
            stored: BTreeMap::new(),
            owned: BTreeSet::new(),
            settled: true,
            adopted_ms: 0,
            checked_ms: now_ms(),
            memory: Memory::default(),
            connected: false,
            live: BTreeSet::new(),
            reported_ends: BTreeMap::new(),
            completeness_written_ms: now_ms(),
        })
    }

    /// Runs until stopped, until caught up if so told, or until the store fails.
    pub fn run(mut self, until: Until) -> Result<(), ServiceError> {
        self.adopt()?;
        while !self.parts.stop.is_cancelled() {
            self.hear_news()?;
            self.hear_others()?;
            let limits = self.parts.limits;
            let limits = PollLimits { records: limits.batch_records, bytes: limits.batch_bytes };
            let polled = self.consumer.poll(limits, POLL_WAIT)?;
            self.take(polled)?;
            if until == Until::CaughtUp && self.is_done()? {
                break;
            }
        }
        if self.settled {
            self.write_completeness()?;
        }
        Ok(self.parts.store.flush()?)
    }

    /// Reads these partitions from their positions on, if their topic is being read.
    fn read(&mut self, keys: &[(Topic, i32)]) -> Result<(), ServiceError> {
        let running = keys.iter().filter(|(topic, _)| self.topics[topic].phase == Phase::Running);
        let starts: Vec<Start> = running.map(|&key| start_of(&self.partition(key).position)).collect();
        if starts.is_empty() { Ok(()) } else { Ok(self.consumer.assign(&starts)?) }
    }

    /// Whether a rebuild has read everything; an error when a topic cannot be read.
    fn is_done(&self) -> Result<bool, ServiceError> {
        for topic in self.topics.values() {
            if let Phase::Halted(halt) = &topic.phase {
                let (topic, reason) = (topic.topic.name(), halt.to_string());
                return Err(ServiceError::Halted { topic, reason, way_out: halt.way_out() });
            }
        }
        let read = |topic: &TopicView| {
            let mut keys = topic.partitions.iter().map(|partition| (topic.topic, partition.position.partition));
            topic.phase == Phase::Running && keys.all(|key| self.live.contains(&key))
        };
        Ok(self.topics.values().all(read))
    }

    fn hear_news(&mut self) -> Result<(), ServiceError> {
        let mut heard = false;
        while let Ok(news) = self.parts.news.try_recv() {
            heard = true;
            match news {
                News::Report(report) => self.take_report(&report)?,
                News::Missing(topic) => self.take_missing(topic)?,
                News::Silent { reason: _ } => self.connected = false,
            }
        }
        if heard {
            self.publish_view();
        }
        Ok(())
    }

    fn take_report(&mut self, report: &TopicReport) -> Result<(), ServiceError> {
        self.connected = true;
        let topic = &self.topics[&report.topic];
        let positions: Vec<Position> = match topic.phase {
            Phase::Starting { .. } => self.stored.get(&report.topic).cloned().unwrap_or_default(),
            Phase::Running | Phase::Halted(_) => topic.partitions.iter().map(|it| it.position.clone()).collect(),
        };
        match topic.phase {
            Phase::Halted(_) => Ok(()),
            Phase::Running => match judge(&positions, report) {
                Ok(()) => self.note_ends(report),
                Err(halt) => self.halt(report.topic, halt),
            },
            Phase::Starting { .. } => {
                let standing = judge(&positions, report).and_then(|()| judge_end(&positions, report));
                match standing {
                    Ok(()) => self.begin(report),
                    // Other instances may have read on since the log was asked: the next report tells.
                    Err(Halt::OutsideLog { .. }) if self.parts.store.is_shared() && report.at_ms < self.adopted_ms => {
                        Ok(())
                    }
                    Err(halt) => self.halt(report.topic, halt),
                }
            }
        }
    }

    fn take_missing(&mut self, topic: Topic) -> Result<(), ServiceError> {
        self.connected = true;
        let view = self.topics.get_mut(&topic).expect("the five topics of facts are there from the start");
        if !view.partitions.is_empty() {
            return self.halt(topic, Halt::Gone);
        }
        let message = format!("topic {topic} does not exist: run `user-info topics create` with the same --log");
        self.parts.errors.note(topic.name(), message);
        view.phase = Phase::Starting { waiting_for: "the topic to be created (`user-info topics create`)".into() };
        Ok(())
    }

    /// Starts reading a topic, at its stored positions or at the beginning of its log.
    fn begin(&mut self, report: &TopicReport) -> Result<(), ServiceError> {
        let topic = report.topic;
        let stored = self.stored.remove(&topic).unwrap_or_default();
        let mut partitions = first_positions(report);
        let keys: Vec<(Topic, i32)> = partitions.iter().map(|it| (topic, it.position.partition)).collect();
        for position in &stored {
            partitions[index(position.partition)].position = position.clone();
        }
        let is_new = stored.is_empty();
        let view = self.topics.get_mut(&topic).expect("the five topics of facts are there from the start");
        view.partitions = partitions;
        view.phase = Phase::Running;
        if self.parts.sharing == Sharing::Alone {
            self.owned.extend(&keys);
        }
        let owned: Vec<(Topic, i32)> = keys.into_iter().filter(|key| self.owned.contains(key)).collect();
        tracing::info!(partitions = owned.len(), "reading topic {topic}");
        self.read(&owned)?;
        if is_new && self.write_positions()? != Written::Yes {
            return Ok(());
        }
        self.note_ends(report)
    }

    fn note_ends(&mut self, report: &TopicReport) -> Result<(), ServiceError> {
        let mut first = false;
        for (number, offsets) in (0..).zip(&report.offsets) {
            let key = (report.topic, number);
            let end = ReportedEnd { offset: offsets.end, at_ms: report.at_ms };
            if let Some(halt) = self.note_end(key, end) {
                return self.halt(report.topic, halt);
            }
            first |= self.reach_reported_end(key);
        }
        if first {
            self.write_completeness()?;
        }
        Ok(())
    }

    /// Writes how complete the partitions are, now and then, when there is no record to write it with.
    fn write_completeness_in_time(&mut self) -> Result<(), ServiceError> {
        let interval_ms = if self.parts.store.is_shared() { SHARED_INTERVAL_MS } else { COMPLETENESS_WRITE_MS };
        if now_ms() - self.completeness_written_ms < interval_ms { Ok(()) } else { self.write_completeness() }
    }

    fn note_end(&mut self, key: (Topic, i32), end: ReportedEnd) -> Option<Halt> {
        let before = self.reported_ends.insert(key, end);
        let partition = self.partition_mut(key);
        partition.end = partition.end.max(Some(end.offset));
        let next_offset = partition.position.next_offset;
        partition.at_end &= next_offset >= end.offset;
        let fell = before.is_some_and(|before| end.offset < before.offset) && next_offset > end.offset;
        let log = format!("its end fell to {}", end.offset);
        fell.then_some(Halt::OutsideLog { partition: key.1, position: next_offset, log })
    }

    /// A partition that was read up to the end that was reported is complete as of that report. Returns whether it never
    /// was complete before.
    fn reach_reported_end(&mut self, key: (Topic, i32)) -> bool {
        let Some(&ReportedEnd { offset, at_ms }) = self.reported_ends.get(&key) else { return false };
        let position = &mut self.partition_mut(key).position;
        if position.next_offset < offset {
            return false;
        }
        let first = position.caught_up_at_ms.is_none();
        position.caught_up_at_ms = position.caught_up_at_ms.max(Some(at_ms));
        self.live.insert(key);
        first
    }

    /// Partitions that stand at their ends are complete as of now, as far as anybody can tell.
    fn write_completeness(&mut self) -> Result<(), ServiceError> {
        let now = now_ms();
        self.completeness_written_ms = now;
        if self.connected {
            for topic in self.topics.values_mut().filter(|topic| topic.phase == Phase::Running) {
                for partition in topic.partitions.iter_mut().filter(|partition| partition.at_end) {
                    partition.position.caught_up_at_ms = partition.position.caught_up_at_ms.max(Some(now));
                }
            }
        }
        self.write_positions().map(drop)
    }

    /// Writes the positions of the partitions that this instance reads.
    fn write_positions(&mut self) -> Result<Written, ServiceError> {
        let owned = self.owned.iter().filter(|(topic, _)| self.topics[topic].phase == Phase::Running);
        let positions = owned.map(|&key| self.partition(key).position.clone()).collect();
        self.apply(&Batch { positions, ..Batch::default() })
    }

    fn halt(&mut self, topic: Topic, halt: Halt) -> Result<(), ServiceError> {
        let view = self.topics.get_mut(&topic).expect("the five topics of facts are there from the start");
        if matches!(view.phase, Phase::Halted(_)) {
            return Ok(());
        }
        let was_running = view.phase == Phase::Running;
        tracing::error!(
            topic = topic.name(),
            code = halt.code(),
            "ingest of topic {topic} halted: {halt}; {}",
            halt.way_out()
        );
        self.parts.metrics.halted.get_or_create(&TopicLabels { topic: topic.name() }).set(1);
        view.phase = Phase::Halted(halt);
        if was_running {
            self.consumer.unassign(topic)?;
        }
        Ok(())
    }

    fn take(&mut self, polled: Polled) -> Result<(), ServiceError> {
        if polled.is_empty() {
            return self.write_completeness_in_time();
        }
        let Polled { records, ends, problems, shares } = polled;
        self.take_problems(problems)?;
        let running = self.topics.values().filter(|topic| topic.phase == Phase::Running);
        let partitions = running.map(|topic| (topic.topic, topic.partitions.len() as i32)).collect();
        let assembled = assemble(records, &partitions, &mut self.memory, self.parts.limits.bad_in_a_row_max);
        self.connected |= !assembled.moved.is_empty() || !ends.is_empty();
        self.write(assembled, &ends)?;
        self.take_shares(shares)?;
        self.write_completeness_in_time()?;
        self.publish_view();
        Ok(())
    }

    /// Moves the positions and writes them with what the records said, in one batch.
    fn write(&mut self, mut assembled: Assembled, ends: &[PartitionEnd]) -> Result<(), ServiceError> {
        let fresh = self.fresh(&assembled);
        self.move_positions(&assembled);
        let passed_ends = self.reach_ends(ends, &assembled.halts);
        let changed = assembled.moved.keys().chain(&passed_ends);
        assembled.batch.positions = changed.map(|&key| self.partition(key).position.clone()).collect();
        if !assembled.batch.positions.is_empty() {
            if self.apply(&assembled.batch)? != Written::Yes {
                return Ok(());
            }
            self.parts.changes.note(&assembled.batch.changes);
            self.observe(&assembled, &fresh);
        }
        for (topic, halt) in assembled.halts {
            self.halt(topic, halt)?;
        }
        Ok(())
    }

    fn apply(&mut self, batch: &Batch) -> Result<Written, ServiceError> {
        let began = Instant::now();
        let store = self.parts.store.clone();
        let rewound = |result| match result {
            Ok(()) => Ok(None),
            Err(StoreError::Rewound { reason }) => Ok(Some(reason)),
            Err(error) => Err(error),
        };
        let hot = self.parts.hot.clone();
        let writing = hot.as_ref().map(|hot| hot.writing(&batch.changes));
        let applied = self.until_store_answers(|| rewound(store.apply(batch)))?;
        drop(writing);
        match applied {
            Some(None) => {}
            Some(Some(reason)) => return self.rewind(&reason).map(|()| Written::Rewound),
            None => {
                self.settled = false;
                return Ok(Written::Stopped);
            }
        }
        self.parts.metrics.apply_seconds.observe(began.elapsed().as_secs_f64());
        if !batch.dead_letters.is_empty() {
            // A full channel means that the bell was rung already.
            let _ = self.parts.bell.try_send(());
        }
        Ok(Written::Yes)
    }

    /// The topics and timestamps of the records that came after their partition's end was first reached.
    fn fresh(&self, assembled: &Assembled) -> Vec<(Topic, i64)> {
        let live = assembled.timestamps_ms.iter().filter(|(key, _)| self.live.contains(key));
        live.map(|&((topic, _), timestamp_ms)| (topic, timestamp_ms)).collect()
    }

    fn move_positions(&mut self, assembled: &Assembled) {
        for (&key, moved) in &assembled.moved {
            let partition = self.partition_mut(key);
            partition.position.next_offset = moved.next_offset;
            partition.position.last_timestamp_ms = Some(moved.timestamp_ms);
            partition.at_end = false;
            self.reach_reported_end(key);
        }
    }

    /// Returns the partitions whose position must be written: those that were never complete before, and those whose end
    /// lies behind something that is no record (a marker of a transaction, what compaction left out), because answers
    /// state that position from here on. The end of a topic that halts lies beyond the records that were left where they
    /// are.
    fn reach_ends(&mut self, ends: &[PartitionEnd], halts: &BTreeMap<Topic, Halt>) -> Vec<(Topic, i32)> {
        let now = now_ms();
        let mut moved = Vec::new();
        for end in ends {
            let key = (end.topic, end.partition);
            let running = self.topics.get(&end.topic).is_some_and(|topic| topic.phase == Phase::Running);
            if !running || halts.contains_key(&end.topic) {
                continue;
            }
            let partition = self.partition_mut(key);
            if end.offset < partition.position.next_offset {
                continue;
            }
            let passed = end.offset > partition.position.next_offset;
            partition.position.next_offset = end.offset;
            partition.end = Some(partition.end.map_or(end.offset, |known| known.max(end.offset)));
            partition.at_end = true;
            if partition.position.caught_up_at_ms.replace(now).is_none() || passed {
                moved.push(key);
            }
            self.live.insert(key);
        }
        moved
    }

    fn take_problems(&mut self, problems: Vec<Problem>) -> Result<(), ServiceError> {
        for problem in problems {
            match problem {
                Problem::OutOfRange { topic, partition, reason } => {
                    let position = self.partition((topic, partition)).position.next_offset;
                    self.halt(topic, Halt::OutsideLog { partition, position, log: reason })?;
                }
                Problem::TopicGone { topic, reason } => {
                    self.parts.errors.note(topic.name(), format!("topic {topic}: {reason}"));
                    self.halt(topic, Halt::Gone)?;
                }
                Problem::Unavailable { reason } => {
                    self.connected = false;
                    self.parts.errors.note("log", format!("the log is away, reads go on, reconnecting: {reason}"));
                }
            }
        }
        Ok(())
    }

    fn observe(&self, assembled: &Assembled, fresh: &[(Topic, i64)]) {
        let metrics = &self.parts.metrics;
        let now = now_ms();
        for &(topic, timestamp_ms) in fresh {
            metrics.update_seconds.observe((now - timestamp_ms).max(0) as f64 / 1_000.0);
            metrics.window.became_readable(topic, now - timestamp_ms);
        }
        let mut sum = 0;
        for (topic, &records) in &assembled.records {
            metrics.records.get_or_create(&TopicLabels { topic: topic.name() }).inc_by(records);
            metrics.window.applied(*topic, records);
            sum += records;
        }
        metrics.batch_records.observe(sum as f64);
        for (topic, code) in &assembled.bad {
            metrics.bad_records.get_or_create(&BadLabels { topic: topic.name(), code }).inc();
        }
        metrics.dead_letters.inc_by(assembled.batch.dead_letters.len() as u64);
        self.parts.letters.note(&assembled.batch.dead_letters);
        metrics.tainted.set(self.memory.tainted.len() as i64);
    }

    fn publish_view(&self) {
        let mut topics: Vec<TopicView> = self.topics.values().cloned().collect();
        for topic in &mut topics {
            for partition in &mut topic.partitions {
                partition.owned = self.owned.contains(&(topic.topic, partition.position.partition));
            }
        }
        let mut view = View::new(topics, self.connected);
        view.was_complete |= self.parts.view.load().was_complete;
        self.parts.view.store(Arc::new(view));
    }

    fn partition(&self, (topic, partition): (Topic, i32)) -> &PartitionView {
        &self.topics[&topic].partitions[index(partition)]
    }

    fn partition_mut(&mut self, (topic, partition): (Topic, i32)) -> &mut PartitionView {
        let topic = self.topics.get_mut(&topic).expect("the five topics of facts are there from the start");
        &mut topic.partitions[index(partition)]
    }
}

fn index(partition: i32) -> usize {
    usize::try_from(partition).expect("partitions are numbered from 0")
}

fn first_positions(report: &TopicReport) -> Vec<PartitionView> {
    let first = |(partition, offsets): (i32, &user_info_log::Offsets)| PartitionView {
        position: Position {
            topic: report.topic,
            partition,
            next_offset: offsets.start,
            topic_id: report.description.id.0.clone(),
            partitions: report.description.partitions,
            reading_since_ms: report.at_ms,
            caught_up_at_ms: None,
            last_timestamp_ms: None,
        },
        end: None,
        at_end: false,
        owned: false,
    };
    (0..).zip(&report.offsets).map(first).collect()
}

fn start_of(position: &Position) -> Start {
    Start { topic: position.topic, partition: position.partition, offset: position.next_offset }
}

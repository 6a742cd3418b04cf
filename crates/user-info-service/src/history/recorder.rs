//! The recorder: one thread that owns the history, looks every ten seconds, and publishes what it has.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use user_info_core::Topic;
use user_info_store::{Store, StoreStatus};

use super::file::{self, HistoryError};
use super::letters::LastLetters;
use super::sample::{Reading, Slot};
use super::window::TOPICS;
use super::{HOUR_SAMPLES_PER_DAY_SAMPLE, Range, Recorded, SAMPLE_INTERVAL};
use crate::clock::now_ms;
use crate::errors::{RecentErrors, ServiceError, chain};
use crate::metrics::Metrics;
use crate::operator::charts::Charts;
use crate::view::{SharedView, TopicView};

/// How the history is kept.
#[derive(Clone, Debug)]
pub struct HistoryConfig {
    /// Where it is kept over restarts; without a file it is kept in memory alone.
    pub file: Option<PathBuf>,
    /// How long a sample of the hour lasts.
    pub sample_interval: Duration,
    /// How often the file is written; a kill loses as much. A write is some hundred kilobytes.
    pub write_interval: Duration,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { file: None, sample_interval: SAMPLE_INTERVAL, write_interval: Duration::from_secs(60) }
    }
}

impl HistoryConfig {
    /// Where it is kept, in words.
    pub(crate) fn place(&self) -> String {
        match &self.file {
            Some(file) => format!("kept over restarts in {}", file.display()),
            None => "kept in memory only; the option --history FILE keeps them over restarts".into(),
        }
    }
}

/// What the recorder reads.
#[derive(Clone)]
pub struct Sources {
    /// Measures.
    pub metrics: Arc<Metrics>,
    /// Lags.
    pub view: SharedView,
    /// Its size.
    pub store: Store,
    /// The last dead letters.
    pub letters: Arc<LastLetters>,
    /// Where failures are shown.
    pub errors: Arc<RecentErrors>,
}

/// A history as it was at some time, and its plots, which are drawn when somebody first looks.
#[derive(Debug, Default)]
pub struct Published {
    /// The figures.
    pub recorded: Recorded,
    charts: [OnceLock<Charts>; Range::ALL.len()],
}

impl Published {
    fn of(recorded: &Recorded) -> Arc<Self> {
        Arc::new(Self { recorded: recorded.clone(), charts: Default::default() })
    }

    /// The plots of a range.
    pub(crate) fn charts(&self, range: Range) -> &Charts {
        self.charts[range as usize].get_or_init(|| Charts::draw(&self.recorded, range))
    }
}

/// The newest history, shared by the recorder and the page.
pub type SharedHistory = Arc<ArcSwap<Published>>;

/// A running recorder. Dropping it ends its thread.
pub struct Recorder {
    /// What it has.
    pub history: SharedHistory,
    stop: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Recorder {
    /// Starts it, in a runtime. It reads the file itself, so nobody waits for a disk.
    pub fn start(sources: Sources, config: HistoryConfig) -> Result<Self, ServiceError> {
        let history = SharedHistory::default();
        let (stop, stopped) = sync_channel(0);
        let recording = (Arc::clone(&history), Handle::current());
        let body = move || Recording::begin(sources, config, recording.0, recording.1).run(&stopped);
        let thread = std::thread::Builder::new().name("history".into()).spawn(body);
        let thread = thread.map_err(|error| ServiceError::Thread { name: "history", reason: error.to_string() })?;
        Ok(Self { history, stop, thread })
    }

    /// Ends it when it has written what it holds; blocks until then.
    pub fn finish(self) {
        drop(self.stop);
        // What it panicked with stands in the log output, and nothing is lost but figures for people.
        let _ = self.thread.join();
    }
}

struct Recording {
    sources: Sources,
    config: HistoryConfig,
    published: SharedHistory,
    runtime: Handle,
    recorded: Recorded,
    hour: Slot,
    day: Slot,
    written: Instant,
}

impl Recording {
    fn begin(sources: Sources, config: HistoryConfig, published: SharedHistory, runtime: Handle) -> Self {
        let recorded = config.file.as_deref().map_or_else(|| Ok(Recorded::default()), file::read);
        let recorded = recorded.unwrap_or_else(|error| {
            note(&sources.errors, &error);
            Recorded::default()
        });
        published.store(Published::of(&recorded));
        let (hour, day) = (Slot::begin(now_ms()), Slot::begin(now_ms()));
        Self { sources, config, published, runtime, recorded, hour, day, written: Instant::now() }
    }

    fn run(mut self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(self.config.sample_interval) == Err(RecvTimeoutError::Timeout) {
            self.look(false);
            if self.written.elapsed() >= self.config.write_interval {
                self.write();
            }
        }
        self.look(true);
        self.write();
    }

    /// Takes a reading and closes the samples that are full with it; the `last` reading closes both.
    fn look(&mut self, last: bool) {
        let reading = self.reading();
        self.hour.add(&reading);
        self.day.add(&reading);
        close(&mut self.recorded, Range::Hour, &mut self.hour, reading.at_ms);
        if last || self.day.readings() >= HOUR_SAMPLES_PER_DAY_SAMPLE {
            close(&mut self.recorded, Range::Day, &mut self.day, reading.at_ms);
        }
        self.published.store(Published::of(&self.recorded));
    }

    fn reading(&self) -> Reading {
        let Sources { metrics, view, store, .. } = &self.sources;
        let view = view.load();
        let mut lags = [None; TOPICS];
        for (topic, lag) in view.topics.iter().zip(&mut lags) {
            *lag = lag_of(topic);
        }
        // One that does not answer is asked no more: that would take the time of a write.
        let answers = self.runtime.block_on(store.answers());
        let store_bytes = answers.and_then(|()| store.status()).ok().map(|status| size_of(&status));
        Reading { at_ms: now_ms(), measured: metrics.window.take(), lags, store_bytes }
    }

    fn write(&mut self) {
        self.written = Instant::now();
        let Some(path) = &self.config.file else { return };
        self.recorded.letters = self.sources.letters.before(&self.recorded.letters);
        if let Err(error) = file::write(path, &self.recorded) {
            note(&self.sources.errors, &error);
        }
    }
}

fn close(recorded: &mut Recorded, range: Range, slot: &mut Slot, at_ms: i64) {
    if let Some(sample) = slot.sample() {
        recorded.push(range, sample);
    }
    *slot = Slot::begin(at_ms);
}

/// On disk; of a store that has none, in memory.
fn size_of(status: &StoreStatus) -> u64 {
    if status.disk_bytes > 0 { status.disk_bytes } else { status.memory_bytes }
}

/// Of all partitions; `None` before the topic was described.
fn lag_of(topic: &TopicView) -> Option<i64> {
    debug_assert!(Topic::FACTS.contains(&topic.topic), "a view has the topics of facts");
    let lags = topic.partitions.iter().filter(|partition| partition.end.is_some()).map(|partition| partition.lag());
    lags.reduce(|sum, lag| sum + lag)
}

fn note(errors: &RecentErrors, error: &HistoryError) {
    errors.note("history", chain(error));
}

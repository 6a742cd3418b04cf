//! Facts that come in while something else is measured, so many a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use user_info_log::{Log, NewRecord, ProducerConfig};

use crate::facts::Facts;

/// How often facts are published: as often as one is not due alone, and often enough to be a stream.
const SLICE: Duration = Duration::from_millis(10);

/// A thread that publishes until it is stopped or dropped.
pub(crate) struct Publisher {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Published>>>,
}

/// What was published.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Published {
    pub(crate) facts: u64,
    pub(crate) seconds: f64,
}

impl Published {
    pub(crate) fn per_second(self) -> f64 {
        if self.seconds > 0.0 { self.facts as f64 / self.seconds } else { 0.0 }
    }
}

impl Publisher {
    /// Begins at once. With a rate of zero it does nothing.
    pub(crate) fn start(log: &Log, mut facts: Facts, per_second: f64) -> Self {
        let stopping = Arc::<AtomicBool>::default();
        let (log, stopped) = (log.clone(), Arc::clone(&stopping));
        let thread = thread::spawn(move || publish(&log, &mut facts, per_second, &stopped));
        Self { stopping, thread: Some(thread) }
    }

    /// Stops, and says what was published; the error is that of the log.
    pub(crate) fn stop(mut self) -> Result<Published> {
        self.stopping.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it is stopped once");
        thread.join().map_err(|_| anyhow!("the publisher panicked"))?
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn publish(log: &Log, facts: &mut Facts, per_second: f64, stopped: &AtomicBool) -> Result<Published> {
    if per_second == 0.0 {
        return Ok(Published::default());
    }
    let mut producer = log.producer(&ProducerConfig::default())?;
    let (began, mut count) = (Instant::now(), 0_u64);
    while !stopped.load(Ordering::Relaxed) {
        let due = (began.elapsed().as_secs_f64() * per_second) as u64;
        let records: Vec<NewRecord> = (count..due).map(|_| NewRecord::fact(&facts.next())).collect();
        count = due;
        if !records.is_empty() {
            producer.publish(&records)?;
        }
        thread::sleep(SLICE);
    }
    Ok(Published { facts: count, seconds: began.elapsed().as_secs_f64() })
}

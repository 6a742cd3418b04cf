//! How far a replay is and what it had to leave out, for a progress line and for tests.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::admin::Report;
use crate::replay::fault::LocatedFault;

/// Faults that are kept and logged; of further ones only the number is.
pub const FAULTS_KEPT_MAX: usize = 20;

/// Counters that a replay adds to.
#[derive(Debug, Default)]
pub struct ReplayProgress {
    bytes_there: u64,
    bytes_read: AtomicU64,
    messages: AtomicU64,
    bad_lines: AtomicU64,
    damages: AtomicU64,
    rounds: AtomicU64,
    faults: Mutex<Vec<LocatedFault>>,
}

impl ReplayProgress {
    pub(super) fn new(bytes_there: u64) -> Self {
        Self { bytes_there, ..Self::default() }
    }

    /// Bytes of all files, as they lie on the disk.
    pub fn bytes_there(&self) -> u64 {
        self.bytes_there
    }

    /// Bytes of the files in this round up to the message that was served last.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Messages served, of all rounds.
    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Lines that were no messages, of all rounds.
    pub fn bad_lines(&self) -> u64 {
        self.bad_lines.load(Ordering::Relaxed)
    }

    /// Files, entries and packings that could not be read or not to their end, of all rounds.
    pub fn damages(&self) -> u64 {
        self.damages.load(Ordering::Relaxed)
    }

    /// How often the whole archive has been served.
    pub fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// The first faults, bad lines and damages alike, at most [`FAULTS_KEPT_MAX`].
    pub fn first_faults(&self) -> Vec<LocatedFault> {
        self.faults.lock().expect("no thread panics with it").clone()
    }

    pub(super) fn add_bad_line(&self, fault: LocatedFault) {
        self.bad_lines.fetch_add(1, Ordering::Relaxed);
        self.keep(fault);
    }

    pub(super) fn add_damage(&self, fault: LocatedFault) {
        self.damages.fetch_add(1, Ordering::Relaxed);
        self.keep(fault);
    }

    pub(super) fn add_message(&self) {
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_bytes_read(&self, bytes: u64) {
        self.bytes_read.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn end_round(&self) {
        self.bytes_read.store(self.bytes_there, Ordering::Relaxed);
        self.rounds.fetch_add(1, Ordering::Relaxed);
    }

    fn keep(&self, fault: LocatedFault) {
        let mut faults = self.faults.lock().expect("no thread panics with it");
        if faults.len() < FAULTS_KEPT_MAX {
            tracing::warn!(%fault, "left out a part of the archive");
            faults.push(fault);
            if faults.len() == FAULTS_KEPT_MAX {
                tracing::warn!("further parts that are left out are only counted");
            }
        }
    }
}

impl Report for ReplayProgress {
    fn register(&self, registry: &mut Registry) {
        let gauge = |bytes| ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
        registry.register("replay_bytes_there", "Bytes of all files, on the disk", gauge(self.bytes_there()));
        registry.register("replay_bytes_read", "Bytes of the files read in this round", gauge(self.bytes_read()));
        let counters = [
            ("replay_messages", "Messages served", self.messages()),
            ("replay_bad_lines", "Lines that were no messages", self.bad_lines()),
            ("replay_damages", "Files and parts that could not be read to their end", self.damages()),
            ("replay_rounds", "How often the whole archive has been served", self.rounds()),
        ];
        for (name, help, count) in counters {
            registry.register(name, help, ConstCounter::new(count));
        }
    }
}

impl fmt::Display for ReplayProgress {
    /// The progress line: what was served, how far that is, and what was left out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
        write!(formatter, "{} messages replayed", self.messages())?;
        let (read, there) = (mebibytes(self.bytes_read()), mebibytes(self.bytes_there));
        write!(formatter, ", {read:.1} of {there:.1} MiB read")?;
        write!(formatter, ", {} bad lines, {} damages", self.bad_lines(), self.damages())?;
        if self.rounds() > 0 { write!(formatter, ", {} times to the end", self.rounds()) } else { Ok(()) }
    }
}

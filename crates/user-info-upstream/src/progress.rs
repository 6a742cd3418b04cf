//! What the services have done so far, for a progress line and for tests.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that a service adds to while it runs. Several services may share one.
#[derive(Debug, Default)]
pub struct Progress {
    /// Records that are durable in the log, tombstones included.
    pub published: AtomicU64,
    /// Messages of the stream that could not be read and were left out.
    pub malformed: AtomicU64,
    /// Failed deliveries and lost brokers, after each of which a service rebuilt what it knows.
    pub interruptions: AtomicU64,
    /// Connections to the stream that were accepted with status 200.
    pub connections: AtomicU64,
}

impl Progress {
    /// Records that are durable in the log, tombstones included.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    pub(crate) fn add_published(&self, records: usize) {
        self.published.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Returns how many there are with this one.
    pub(crate) fn add_malformed(&self) -> u64 {
        self.malformed.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn add_interruption(&self) {
        self.interruptions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }
}

//! What the server has sent so far.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::simulator::kind::Kind;

/// Counters over all connections. A message counts when it is handed to its connection as a whole, so one that a
/// connection loses on its way counts, and one that a fault cuts does not.
#[derive(Debug, Default)]
pub struct Traffic {
    messages: [AtomicU64; Kind::ALL.len()],
    bytes: AtomicU64,
    streams: AtomicU64,
    refusals: AtomicU64,
    disconnects: AtomicU64,
}

impl Traffic {
    /// Messages of this kind.
    pub fn messages(&self, kind: Kind) -> u64 {
        self.messages[kind as usize].load(Ordering::Relaxed)
    }

    /// Bytes of bodies, as they went out: framed and compressed.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Requests that were answered with a stream.
    pub fn streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    /// Requests that were answered with an error.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Streams that the server ended: by shutdown, for slow reading, for a newer one.
    pub fn disconnects(&self) -> u64 {
        self.disconnects.load(Ordering::Relaxed)
    }

    pub(super) fn add_messages(&self, kind: Kind, count: u64) {
        self.messages[kind as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn add_stream(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_disconnect(&self) {
        self.disconnects.fetch_add(1, Ordering::Relaxed);
    }
}

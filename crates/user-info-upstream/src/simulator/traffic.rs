//! What the server has sent so far.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::admin::Report;
use crate::simulator::kind::Kind;

/// Counters over all connections. A message counts when it is handed to its connection as a whole, so one that a
/// connection loses on its way counts, and one that a fault cuts does not.
#[derive(Debug, Default)]
pub struct Traffic {
    messages: [AtomicU64; Kind::ALL.len()],
    bytes: AtomicU64,
    streams: AtomicU64,
    streams_ended: AtomicU64,
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

    /// Streams that are being written now.
    pub fn open_streams(&self) -> u64 {
        // The one that is read first can only be too small, and never makes the difference negative.
        let ended = self.streams_ended.load(Ordering::Acquire);
        self.streams() - ended
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

    pub(super) fn add_ended_stream(&self) {
        self.streams_ended.fetch_add(1, Ordering::Release);
    }

    pub(super) fn add_refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_disconnect(&self) {
        self.disconnects.fetch_add(1, Ordering::Relaxed);
    }
}

impl Report for Traffic {
    fn register(&self, registry: &mut Registry) {
        let messages = Family::<[(&str, &str); 1], Counter>::default();
        for kind in Kind::ALL {
            messages.get_or_create(&[("kind", kind.name())]).inc_by(self.messages(kind));
        }
        registry.register("stream_messages", "Messages that were handed to connections", messages);
        let counters = [
            ("stream_bytes", "Bytes of streams, framed and compressed", self.bytes()),
            ("streams", "Requests that were answered with a stream", self.streams()),
            ("stream_refusals", "Requests that were answered with an error", self.refusals()),
            ("stream_disconnects", "Streams that the server ended", self.disconnects()),
        ];
        for (name, help, count) in counters {
            registry.register(name, help, ConstCounter::new(count));
        }
        let open = i64::try_from(self.open_streams()).unwrap_or(i64::MAX);
        registry.register("streams_open", "Streams that are being written", ConstGauge::new(open));
    }
}

impl fmt::Display for Traffic {
    /// The progress line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = self.messages(Kind::Status);
        let all: u64 = Kind::ALL.into_iter().map(|kind| self.messages(kind)).sum();
        write!(formatter, "{} clients, {statuses} statuses sent", self.open_streams())?;
        write!(formatter, ", {} other messages", all.saturating_sub(statuses))?;
        write!(formatter, ", {} MB", self.bytes() / 1_000_000)?;
        write!(formatter, ", {} streams begun", self.streams())?;
        write!(formatter, ", {} ended by the server", self.disconnects())?;
        write!(formatter, ", {} requests refused", self.refusals())
    }
}

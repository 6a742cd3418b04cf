//! What the services have done so far, for a progress line, for metrics and for tests.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use user_info_core::Fact;

use crate::admin::Report;
use crate::stream::message::Message;
use crate::tweets::translator::UserCounts;

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
    /// Statuses that came in.
    pub statuses: AtomicU64,
    /// Deletions of statuses that came in.
    pub deletions: AtomicU64,
    /// Changes of accounts that came in.
    pub account_changes: AtomicU64,
    /// Messages of other kinds that came in.
    pub notices: AtomicU64,
    /// User objects that were published.
    pub users_published: AtomicU64,
    /// User objects that said nothing new and were not published for that: what the mode `when-changed` saves.
    pub users_unchanged: AtomicU64,
    /// User objects that were older than what is known, not complete, or of a hidden or deleted account.
    pub users_passed_over: AtomicU64,
    /// Users that are remembered at the moment.
    pub users_remembered: AtomicU64,
    /// Follows, likes and lists that were made up, renames and repetitions included.
    pub added: AtomicU64,
    /// Follows, likes and lists that were taken away.
    pub removed: AtomicU64,
}

impl Progress {
    /// Records that are durable in the log, tombstones included.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Every counter with its name and what it counts, for metrics.
    pub fn counters(&self) -> [(&'static str, &'static str, u64); 13] {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("published", "Records that are durable in the log, tombstones included", count(&self.published)),
            ("malformed", "Messages of the stream that could not be read", count(&self.malformed)),
            ("interruptions", "Failures after which what is known was rebuilt", count(&self.interruptions)),
            ("connections", "Connections to the stream that were accepted", count(&self.connections)),
            ("statuses", "Statuses that came in", count(&self.statuses)),
            ("deletions", "Deletions of statuses that came in", count(&self.deletions)),
            ("account_changes", "Changes of accounts that came in", count(&self.account_changes)),
            ("notices", "Messages of other kinds that came in", count(&self.notices)),
            ("users_published", "User objects that were published", count(&self.users_published)),
            ("users_unchanged", "User objects that said nothing new and were left out", count(&self.users_unchanged)),
            ("users_passed_over", "User objects that were older or incomplete", count(&self.users_passed_over)),
            ("added", "Follows, likes and lists that were made up", count(&self.added)),
            ("removed", "Follows, likes and lists that were taken away", count(&self.removed)),
        ]
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

    pub(crate) fn add_message(&self, message: &Message) {
        let counter = match message {
            Message::Status(_) => &self.statuses,
            Message::Deletion(_) => &self.deletions,
            Message::Account(_) => &self.account_changes,
            Message::GeoScrubbed { .. }
            | Message::StatusWithheld { .. }
            | Message::UserWithheld { .. }
            | Message::Limit { .. }
            | Message::Warning { .. }
            | Message::Disconnect { .. }
            | Message::Unknown { .. } => &self.notices,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_users(&self, counts: UserCounts) {
        self.users_published.fetch_add(counts.published, Ordering::Relaxed);
        self.users_unchanged.fetch_add(counts.unchanged, Ordering::Relaxed);
        self.users_passed_over.fetch_add(counts.passed_over, Ordering::Relaxed);
    }

    pub(crate) fn set_remembered(&self, users: usize) {
        self.users_remembered.store(users as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_fact(&self, fact: &Fact) {
        let counter = if fact.is_deletion() { &self.removed } else { &self.added };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Report for Progress {
    fn register(&self, registry: &mut Registry) {
        for (name, help, count) in self.counters() {
            registry.register(name, help, ConstCounter::new(count));
        }
        let remembered = i64::try_from(self.users_remembered.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        registry.register("users_remembered", "Users of whom a digest is remembered", ConstGauge::new(remembered));
    }
}

impl fmt::Display for Progress {
    /// The progress line: what was done at all, then what came in and what was made up, if anything.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        write!(formatter, "{} records published", count(&self.published))?;
        if count(&self.connections) > 0 {
            write!(formatter, ", {} statuses", count(&self.statuses))?;
            write!(formatter, ", {} deletions", count(&self.deletions))?;
            write!(formatter, ", {} account changes", count(&self.account_changes))?;
            let (published, unchanged) = (count(&self.users_published), count(&self.users_unchanged));
            write!(formatter, ", {published} users published and {unchanged} saved because unchanged")?;
        }
        let (added, removed) = (count(&self.added), count(&self.removed));
        if added + removed > 0 {
            write!(formatter, ", {added} added, {removed} removed")?;
        }
        write!(formatter, ", {} malformed", count(&self.malformed))?;
        write!(formatter, ", {} interruptions", count(&self.interruptions))
    }
}

//! What the demo ends with.

use std::fmt;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use user_info_audit::AuditReport;
use user_info_bench::latency::Percentiles;

use super::progress::Watcher;

/// The figures of a demo. Later versions may add to its JSON form, but not rename.
#[derive(Debug)]
pub(crate) struct DemoResult {
    events: u64,
    users: u64,
    get: Percentiles,
    update: Percentiles,
    failed_probes: u64,
    dead_letters: u64,
    differences: u64,
}

impl DemoResult {
    pub(crate) fn new(watcher: &Watcher, audit: &AuditReport) -> Self {
        Self {
            events: watcher.records(),
            users: audit.users,
            get: watcher.probes.get.percentiles(),
            update: watcher.probes.update.percentiles(),
            failed_probes: watcher.probes.failed.load(Ordering::Relaxed),
            dead_letters: watcher.dead_letters(),
            differences: audit.difference_count,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "events": self.events,
            "users": self.users,
            "get_ms": to_json(self.get),
            "update_ms": to_json(self.update),
            "failed_probes": self.failed_probes,
            "dead_letters": self.dead_letters,
            "differences": self.differences,
        })
    }
}

fn to_json(percentiles: Percentiles) -> Value {
    let Percentiles { count, p50, p95, p99, max, .. } = percentiles;
    json!({"count": count, "p50": p50, "p95": p95, "p99": p99, "max": max})
}

impl fmt::Display for DemoResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "events applied   {}", self.events)?;
        writeln!(formatter, "users            {}", self.users)?;
        for (name, summary) in [("GET", self.get), ("fact to answer", self.update)] {
            let Percentiles { count, p50, p95, p99, max, .. } = summary;
            writeln!(
                formatter,
                "{name:16} p50 {p50:.2}  p95 {p95:.2}  p99 {p99:.2}  max {max:.2} ms  ({count} probes)"
            )?;
        }
        writeln!(formatter, "failed probes    {}", self.failed_probes)?;
        writeln!(formatter, "dead letters     {}", self.dead_letters)?;
        write!(formatter, "differences      {}", self.differences)
    }
}

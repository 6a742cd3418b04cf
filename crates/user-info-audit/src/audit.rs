//! The audit itself: read, ask, ask again.

use std::thread;
use std::time::{Duration, Instant};

use user_info_log::Log;

use crate::error::AuditError;
use crate::reader::Reader;
use crate::report::{AuditReport, Findings};
use crate::subject::{Open, Subject, SubjectConfig};

/// Pause between two passes over what is not settled: what a replica needs to catch up is milliseconds.
const PASS_PAUSE: Duration = Duration::from_millis(50);

/// How an audit is made.
#[derive(Clone, Copy, Debug)]
pub struct AuditOptions {
    /// How long to wait for whatever is behind: a user that does not settle, a server that is not ready, records that
    /// do not come.
    pub settle: Duration,
    /// How many differences, and how many tainted keys, the report lists; all are counted.
    pub listed_max: usize,
    /// How many users are compared; of more, that many are taken, evenly spread.
    pub users_max: usize,
    /// How many usernames are looked up; of more, that many are taken, evenly spread.
    pub usernames_max: usize,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { settle: Duration::from_secs(60), listed_max: 1000, users_max: usize::MAX, usernames_max: 10_000 }
    }
}

/// Recounts every user from `log` and compares `subject` with it.
///
/// Blocks until done; call it on a thread that does not drive an async runtime.
pub fn run(log: &Log, subject: SubjectConfig, options: AuditOptions) -> Result<AuditReport, AuditError> {
    let subject = Subject::new(subject, options.settle)?;
    let mut reader = Reader::open(log, options.settle)?;
    let ends = reader.ends()?;
    reader.read_to(&ends)?;
    tracing::info!(records = reader.model().records(), "read {} records of the log", reader.model().records());

    let mut findings = Findings::new(options.listed_max);
    let mut open = Open::all(reader.model(), options.users_max, options.usernames_max);
    findings.users = open.users.len() as u64;
    findings.usernames = open.names.len() as u64;
    if open.is_empty() {
        subject.reach()?;
    }
    open = subject.pass(&mut reader, open, &mut findings)?;
    let deadline = Instant::now() + options.settle;
    while !open.is_empty() && Instant::now() < deadline {
        tracing::debug!(users = open.users.len(), names = open.names.len(), "asking again for what is not settled");
        thread::sleep(PASS_PAUSE);
        open = subject.pass(&mut reader, open, &mut findings)?;
    }
    open.give_up(reader.model(), options.settle, &mut findings);
    Ok(findings.into_report(reader.model()))
}

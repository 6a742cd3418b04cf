//! What can end the service, and the last errors that did not.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use serde::Serialize;
use user_info_log::LogError;
use user_info_store::StoreError;

use crate::clock::now_ms;

/// How many of the last errors `/status` shows. Older ones are in the log output.
const RECENT_ERRORS_MAX: usize = 32;

/// How long an error that comes again and again about the same thing stays out of the log output: an outage of an hour
/// is worth sixty lines, not thousands.
const LOG_AGAIN_MS: i64 = 60_000;

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store failed; what it holds is what was written before.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The event log failed in a way that waiting does not mend.
    #[error("the event log failed")]
    Log(#[from] LogError),
    /// A thread of the service could not start, or ended with a panic.
    #[error("thread {name} failed: {reason}")]
    Thread {
        /// The thread's name.
        name: &'static str,
        /// What happened.
        reason: String,
    },
    /// A rebuild cannot go on.
    #[error("topic {topic} cannot be rebuilt: {reason}; {way_out}")]
    Halted {
        /// The topic's name.
        topic: &'static str,
        /// Why.
        reason: String,
        /// What an operator can do.
        way_out: &'static str,
    },
    /// The signal to stop came before the work was done.
    #[error("stopped before the rebuild was done; the store is as it was")]
    Stopped,
    /// The threads did not end in time.
    #[error("did not stop within {deadline_ms} ms")]
    StopDeadline {
        /// How long it waited, in milliseconds.
        deadline_ms: u128,
    },
}

/// An error that the service lives with.
#[derive(Clone, Debug, Serialize)]
pub struct RecentError {
    /// What it is about: the log, a topic, the dead letters.
    pub about: String,
    /// When it last happened, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// How often something happened about this.
    pub times: u64,
    /// What happened last and what to do.
    pub message: String,
    #[serde(skip)]
    logged_at_ms: i64,
}

/// The last errors, oldest first, bounded: one for each thing they are about, because the words of a client that cannot
/// reach a broker change with every attempt. Who looks at them never makes ingest wait.
#[derive(Debug, Default)]
pub struct RecentErrors {
    kept: Mutex<VecDeque<RecentError>>,
    shown: ArcSwap<Vec<RecentError>>,
}

impl RecentErrors {
    /// Keeps the error, and logs it unless one about the same thing was logged within the last minute.
    pub fn note(&self, about: &str, message: String) {
        self.keep(about, message, LOG_AGAIN_MS);
    }

    /// Keeps the error and logs it: each of them is worth a line.
    pub fn note_always(&self, about: &str, message: String) {
        self.keep(about, message, 0);
    }

    fn keep(&self, about: &str, message: String, log_again_ms: i64) {
        let now = now_ms();
        let mut errors = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = errors.iter().position(|error| error.about == about).and_then(|index| errors.remove(index));
        let (times, logged_at_ms) = known.map_or((0, None), |known| (known.times, Some(known.logged_at_ms)));
        let logged_at_ms = logged_at_ms.filter(|logged| now - logged < log_again_ms).unwrap_or_else(|| {
            tracing::warn!("{message}");
            now
        });
        if errors.len() == RECENT_ERRORS_MAX {
            errors.pop_front();
        }
        errors.push_back(RecentError { about: about.to_owned(), at_ms: now, times: times + 1, message, logged_at_ms });
        self.shown.store(Arc::new(errors.iter().cloned().collect()));
    }

    /// The last errors, oldest first.
    pub fn list(&self) -> Vec<RecentError> {
        self.shown.load().to_vec()
    }
}

/// An error and its sources in one line, none of them twice.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

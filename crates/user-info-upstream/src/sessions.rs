//! One session after another: what a service does from rebuilding what it knows to its next failure.
//!
//! Invariant: nothing of a failed session is carried over but what its caller keeps on purpose. Only what may pass by
//! itself is retried.

use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use user_info_log::LogError;

use crate::UpstreamError;
use crate::progress::Progress;

/// First wait after a failed session; doubles with every further one. A broker that restarts needs seconds.
const RETRY_FIRST: Duration = Duration::from_millis(250);
/// Longest wait: a service is back soon after its broker is.
const RETRY_MAX: Duration = Duration::from_secs(8);
/// A session that went on for longer than this was a healthy one, and the waits start anew.
const HEALTHY: Duration = Duration::from_secs(30);
/// How often a waiting thread looks whether it is to end.
const CANCEL_CHECK: Duration = Duration::from_millis(20);

/// Runs `blocking` on a thread of its own until it returns. When the returned future is dropped, the token that
/// `blocking` was given is cancelled.
pub(crate) async fn on_thread<T: Send + 'static>(
    shutdown: &CancellationToken,
    blocking: impl FnOnce(CancellationToken) -> T + Send + 'static,
) -> T {
    let stop = shutdown.child_token();
    let _stop_when_dropped = stop.clone().drop_guard();
    match tokio::task::spawn_blocking(move || blocking(stop)).await {
        Ok(output) => output,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Runs sessions until one returns `Ok` (it was cancelled) or fails for good.
pub(crate) fn run(
    service: &'static str,
    progress: &Progress,
    shutdown: &CancellationToken,
    mut session: impl FnMut() -> Result<(), UpstreamError>,
) -> Result<(), UpstreamError> {
    let mut wait = RETRY_FIRST;
    while !shutdown.is_cancelled() {
        let started = Instant::now();
        let error = match session() {
            Ok(()) => break,
            Err(error) if passes(&error) => error,
            Err(error) => return Err(error),
        };
        progress.add_interruption();
        if started.elapsed() > HEALTHY {
            wait = RETRY_FIRST;
        }
        tracing::warn!(service, %error, wait_ms = wait.as_millis() as u64, "interrupted: will rebuild and go on");
        pause(wait, shutdown);
        wait = (wait * 2).min(RETRY_MAX);
    }
    Ok(())
}

/// Sleeps, unless or until cancelled.
pub(crate) fn pause(duration: Duration, shutdown: &CancellationToken) {
    let deadline = Instant::now() + duration;
    while !shutdown.is_cancelled() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(CANCEL_CHECK));
    }
}

/// Whether the cause may go away by itself.
fn passes(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::TopicChanged { .. } => true,
        UpstreamError::Log(error) => log_error_passes(error),
        UpstreamError::InvalidStream { .. }
        | UpstreamError::InvalidConfig { .. }
        | UpstreamError::TopicMissing { .. }
        | UpstreamError::TooManyFacts { .. }
        | UpstreamError::StreamRefused { .. }
        | UpstreamError::Listen(_) => false,
    }
}

fn log_error_passes(error: &LogError) -> bool {
    match error {
        LogError::Unavailable { .. }
        | LogError::ProducerBroken { .. }
        | LogError::PartitionMissing { .. }
        | LogError::Kafka { .. } => true,
        LogError::InvalidUrl { .. }
        | LogError::InvalidOption { .. }
        | LogError::Fenced { .. }
        | LogError::TopicMissing { .. }
        | LogError::NegativeOffset { .. }
        | LogError::RecordTooLarge { .. }
        | LogError::RecordRefused { .. }
        | LogError::InUse { .. }
        | LogError::NewerFormat { .. }
        | LogError::Damaged { .. }
        | LogError::Poisoned { .. }
        | LogError::Io { .. }
        | LogError::Storage { .. } => false,
    }
}

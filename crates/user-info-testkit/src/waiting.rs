//! Waiting for a condition with a deadline. Tests wait for what they need, never for a time to pass.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Short beside anything worth waiting for, long enough to leave a busy 2-core machine to those that are waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Returns as soon as `condition` is true, which it is asked again and again.
///
/// # Panics
/// With `what`, when `within` has passed and the condition is still false.
#[track_caller]
pub fn eventually(within: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let reached = poll(within, || Ok(condition().then_some(())));
    assert!(matches!(reached, Ok(Some(()))), "not within {within:?}: {what}");
}

/// Calls `attempt` until it finds something or fails; `None` when `within` has passed. The last attempt starts after that.
pub(crate) fn poll<T>(within: Duration, mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let deadline = Instant::now() + within;
    loop {
        let overdue = Instant::now() >= deadline;
        if let Some(found) = attempt()? {
            return Ok(Some(found));
        }
        if overdue {
            return Ok(None);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

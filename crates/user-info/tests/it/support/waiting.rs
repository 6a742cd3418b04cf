//! Waiting for a condition that says why it does not hold yet.

use std::thread;
use std::time::{Duration, Instant};

/// More than anything takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Short beside what is waited for; each look costs the machine a request.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Asks again and again, and returns what is found.
///
/// # Panics
/// After [`LIMIT`], with the last reason why it was not there.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        let overdue = began.elapsed() > LIMIT;
        match attempt() {
            Ok(found) => return found,
            Err(reason) if overdue => panic!("not within {LIMIT:?}: {what}: {reason}"),
            Err(_) => thread::sleep(LOOK_AGAIN),
        }
    }
}

/// The same for a plain condition; `seen` is what the failure shows.
#[track_caller]
pub(crate) fn until_true(what: &str, mut condition: impl FnMut() -> bool) {
    until(what, || if condition() { Ok(()) } else { Err("it is still false".to_owned()) });
}

//! A client that asks all the time and believes nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use user_info_audit::positions::Positions;

use crate::support::http::{self, Answer};
use crate::support::replica::{age_ms, positions};

/// Between two requests, so that the reader leaves the machine to those who are tested.
const PAUSE: Duration = Duration::from_millis(5);

/// A thread that asks a server for a few users; it panics when an answer is older than an earlier one, or when the server
/// runs and does not answer.
pub(crate) struct Reader {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    /// Even while the server is known to run; it grows with every kill and every return.
    era: AtomicU64,
}

impl Reader {
    pub(crate) fn start(server: SocketAddr, users: Vec<String>) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || ask_all_the_time(&shared, server, &users))
        };
        Self { shared, thread: Some(thread) }
    }

    /// The server is about to be killed: requests may fail.
    pub(crate) fn server_goes(&self) {
        self.shared.era.fetch_add(1, Ordering::SeqCst);
    }

    /// The server answers again: requests may not fail.
    pub(crate) fn server_is_back(&self) {
        self.shared.era.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::SeqCst)
    }

    /// Fails as soon as the reader has failed.
    pub(crate) fn check(&mut self) {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish();
        }
    }

    /// Ends the reader; how many answers it got.
    pub(crate) fn finish(&mut self) -> u64 {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        self.answered()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }
}

fn ask_all_the_time(shared: &Shared, server: SocketAddr, users: &[String]) {
    let mut seen = Seen::default();
    for user in users.iter().cycle() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let era = shared.era.load(Ordering::SeqCst);
        match http::get(server, &format!("/users/{user}")) {
            Ok(answer) => {
                seen.take(&answer);
                shared.answered.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                let ran_all_the_time = era.is_multiple_of(2) && shared.era.load(Ordering::SeqCst) == era;
                assert!(!ran_all_the_time, "the server runs and does not answer: {error}");
            }
        }
        thread::sleep(PAUSE);
    }
}

/// What was answered so far.
#[derive(Default)]
struct Seen {
    positions: Positions,
    /// Whether the server once had everything; from then on it knows who is unknown.
    complete: bool,
}

impl Seen {
    fn take(&mut self, answer: &Answer) {
        match answer.status {
            200 | 403 | 404 => self.complete |= age_ms(answer).is_some(),
            503 => assert!(!self.complete, "a server that was complete is so no more: {answer:?}"),
            _ => panic!("{answer:?}"),
        }
        let positions = positions(answer);
        let back = self.positions.iter().find(|&(topic, partition, seen)| positions.next(topic, partition) < seen);
        assert_eq!(back, None, "an answer at {positions} came after one at {}", self.positions);
        self.positions = positions;
    }
}

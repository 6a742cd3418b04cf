//! A client that asks all the time, whatever happens to the store.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::redis_failover::publisher::{USERS, name_of};
use crate::support::http::{self, Answer};

/// Between two requests, so that the reader leaves the machine to those who are tested.
const PAUSE: Duration = Duration::from_millis(5);

/// An instance gives up Redis after a quarter of a second; the rest is for a machine that is busy.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A thread that asks the instances for one user after the other. It panics when there is no answer, or one that is neither
/// about the user nor that the store is away.
pub(crate) struct Reader {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Answers>>,
}

/// How many answers there were of each status, and how long the slowest took.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    by_status: BTreeMap<u16, u64>,
    slowest: Duration,
}

impl fmt::Display for Answers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "answers by status {:?}, the slowest took {:.1?}", self.by_status, self.slowest)
    }
}

impl Reader {
    pub(crate) fn start(instances: Vec<SocketAddr>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || ask_until(&stop, &instances))
        };
        Self { stop, thread: Some(thread) }
    }

    /// Fails if the reader has failed.
    pub(crate) fn check(&mut self) {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish();
        }
    }

    /// Ends the reader; what it was answered.
    pub(crate) fn finish(&mut self) -> Answers {
        self.stop.store(true, Ordering::SeqCst);
        let answers = self.thread.take().expect("the reader is finished once").join();
        answers.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

fn ask_until(stop: &AtomicBool, instances: &[SocketAddr]) -> Answers {
    let mut answers = Answers::default();
    let users = (0..USERS).cycle();
    for (user, &instance) in users.zip(instances.iter().cycle()).take_while(|_| !stop.load(Ordering::SeqCst)) {
        let began = Instant::now();
        let answer = http::get(instance, &format!("/users/{}", name_of(user)));
        let answer = answer.unwrap_or_else(|error| panic!("an instance runs and does not answer: {error}"));
        answers.take(&answer, began.elapsed());
        thread::sleep(PAUSE);
    }
    answers
}

impl Answers {
    fn take(&mut self, answer: &Answer, took: Duration) {
        match answer.status {
            200 | 403 | 404 => {}
            503 => assert!(answer.header("retry-after").is_some(), "{answer:?}"),
            _ => panic!("{answer:?}"),
        }
        assert!(took < ANSWER_LIMIT, "{took:?} for {answer:?}");
        *self.by_status.entry(answer.status).or_default() += 1;
        self.slowest = self.slowest.max(took);
    }
}

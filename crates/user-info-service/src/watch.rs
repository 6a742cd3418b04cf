//! The watch: asks the log about the topics at start and every few seconds, on a thread of its own, because such a
//! question may block for seconds while a broker is away.
//!
//! It judges nothing; ingest, the single owner of positions, does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use user_info_core::Topic;
use user_info_log::{Log, LogError};

use crate::clock::now_ms;
use crate::errors::{RecentErrors, chain};
use crate::standing::TopicReport;

/// Reports that wait until ingest looks. It looks after every poll, so more than one round of topics means it is busy.
const REPORTS_MAX: usize = 2 * Topic::FACTS.len();

/// How long the watch waits between two looks at whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// How long the watch waits after an answer that the log could not give.
const RETRY: Duration = Duration::from_secs(1);

/// What the watch learned about a topic.
#[derive(Debug)]
pub enum News {
    /// The topic exists.
    Report(TopicReport),
    /// The topic does not exist.
    Missing(Topic),
    /// The log did not answer.
    Silent {
        /// What the client said.
        reason: String,
    },
}

/// Starts the watch. Its thread ends with `stop`.
pub fn start(
    log: Log,
    interval: Duration,
    errors: Arc<RecentErrors>,
    stop: CancellationToken,
) -> std::io::Result<Receiver<News>> {
    let (sender, receiver) = sync_channel(REPORTS_MAX);
    let watch = Watch { log, interval, errors, stop, sender };
    std::thread::Builder::new().name("watch".into()).spawn(move || watch.run())?;
    Ok(receiver)
}

struct Watch {
    log: Log,
    interval: Duration,
    errors: Arc<RecentErrors>,
    stop: CancellationToken,
    sender: SyncSender<News>,
}

impl Watch {
    fn run(self) {
        while !self.stop.is_cancelled() {
            let all_there = self.look_around();
            self.pause(if all_there { self.interval } else { RETRY.min(self.interval) });
        }
    }

    /// Whether all topics are there. A log that is away is not asked about the remaining ones: each question may block
    /// for seconds.
    fn look_around(&self) -> bool {
        let mut all_there = true;
        for topic in Topic::FACTS {
            match ask(&self.log, topic) {
                Ok(news) => {
                    all_there &= matches!(news, News::Report(_));
                    self.tell(news);
                }
                Err(error) => {
                    all_there = false;
                    self.tell_silence(topic, &error);
                    if matches!(error, LogError::Unavailable { .. }) {
                        return false;
                    }
                }
            }
        }
        all_there
    }

    fn tell_silence(&self, topic: Topic, error: &LogError) {
        let reason = chain(error);
        self.errors.note("watch", format!("the log does not answer about topic {topic}, trying again: {reason}"));
        self.tell(News::Silent { reason });
    }

    /// News that finds no room is old by the time there is some.
    fn tell(&self, news: News) {
        match self.sender.try_send(news) {
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => self.stop.cancel(),
        }
    }

    fn pause(&self, length: Duration) {
        let mut left = length;
        while !left.is_zero() && !self.stop.is_cancelled() {
            let step = left.min(STOP_CHECK);
            std::thread::sleep(step);
            left -= step;
        }
    }
}

fn ask(log: &Log, topic: Topic) -> Result<News, LogError> {
    let Some(description) = log.describe(topic)? else {
        return Ok(News::Missing(topic));
    };
    let offsets =
        (0..description.partitions).map(|partition| log.offsets(topic, partition)).collect::<Result<_, _>>()?;
    Ok(News::Report(TopicReport { topic, description, offsets, at_ms: now_ms() }))
}

//! The tweet and the user service: follows a stream and publishes what it says on the topics tweets and users.
//!
//! Invariant: messages are published in the order in which they came. A batch whose delivery failed is translated anew
//! after a rebuild and published again as a whole: what part of it had reached the log is said twice, in the same order,
//! which changes nothing.

pub mod translator;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use user_info_core::Topic;
use user_info_log::{Log, Producer, ProducerConfig};

use crate::progress::Progress;
use crate::reader::{self, Reader};
use crate::stream::client::{self, ClientLimits, StreamUrl};
use crate::stream::message::Message;
use crate::tweets::translator::Translator;
use crate::{UpstreamError, sessions};

pub use translator::PublishUsers;

/// What the service is told.
#[derive(Clone, Debug)]
pub struct TweetsConfig {
    /// Address of the stream: `http://HOST:PORT/1.1/statuses/sample.json`.
    pub stream: String,
    /// When profiles are published.
    pub publish_users: PublishUsers,
    /// Publish in transactions under this id, which fences a second instance of the service.
    pub transactional_id: Option<String>,
}

/// Messages between the stream and the log: seconds of a busy stream. When they are too many, no more are read.
const QUEUED_MESSAGES_MAX: usize = 4_096;
/// Messages of one publish call.
const BATCH_MESSAGES_MAX: usize = 1_000;
/// How far back, in records over all partitions, deletions are looked for after a start: many times what a late tweet
/// can lag behind its deletion, and read within a second or two.
const DELETIONS_TAIL_RECORDS: i64 = 200_000;
/// How long a rebuild waits for records before it looks whether it is to end.
const REBUILD_WAIT: Duration = Duration::from_millis(100);

/// Runs the tweet and user service until it is cancelled.
pub async fn run(
    log: Log,
    config: TweetsConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    let url: StreamUrl = config.stream.parse()?;
    let (sender, receiver) = mpsc::channel(QUEUED_MESSAGES_MAX);
    let counted = Arc::clone(&progress);
    let publisher = sessions::on_thread(&shutdown, move |stop| {
        let mut publisher =
            Publisher { log, config, receiver, batch: Vec::new(), progress: Arc::clone(&counted), stop: stop.clone() };
        sessions::run("tweets", &counted, &stop, || publisher.session())
    });
    let client = client::run(&url, ClientLimits::default(), sender, progress, shutdown.clone());
    let ((), published) = tokio::join!(client, publisher);
    published
}

struct Publisher {
    log: Log,
    config: TweetsConfig,
    receiver: mpsc::Receiver<Message>,
    /// What is not known to be in the log; outlives a failed session.
    batch: Vec<Message>,
    progress: Arc<Progress>,
    stop: CancellationToken,
}

impl Publisher {
    fn session(&mut self) -> Result<(), UpstreamError> {
        let transactional_id = self.config.transactional_id.clone();
        let mut producer = self.log.producer(&ProducerConfig { transactional_id })?;
        let mut translator = self.rebuild()?;
        while self.fill_batch() {
            self.publish(&mut producer, &mut translator)?;
            self.batch.clear();
        }
        Ok(())
    }

    /// Reads back which deletions were published lately and, if that matters, which profiles.
    fn rebuild(&self) -> Result<Translator, UpstreamError> {
        let mut translator = Translator::new(self.config.publish_users);
        let mut starts = reader::from_tail(&self.log, Topic::Tweets, DELETIONS_TAIL_RECORDS)?;
        match self.config.publish_users {
            PublishUsers::WhenChanged => starts.extend(reader::from_start(&self.log, Topic::Users)?),
            PublishUsers::EveryTime => {}
        }
        let mut reader = Reader::open(&self.log, &starts)?;
        let topics = [Topic::Tweets, Topic::Users];
        while !topics.iter().all(|&topic| reader.has_reached_end(topic)) && !self.stop.is_cancelled() {
            reader.poll(REBUILD_WAIT, |record| {
                translator.learn(record.topic, record.key.as_deref(), record.value.as_deref());
            })?;
        }
        Ok(translator)
    }

    /// Waits for a message, then takes what is there already. False: there will be no more.
    fn fill_batch(&mut self) -> bool {
        if self.batch.is_empty() {
            self.batch.extend(self.receiver.blocking_recv());
            while self.batch.len() < BATCH_MESSAGES_MAX
                && let Ok(message) = self.receiver.try_recv()
            {
                self.batch.push(message);
            }
        }
        !self.batch.is_empty()
    }

    fn publish(&self, producer: &mut Producer, translator: &mut Translator) -> Result<(), UpstreamError> {
        let mut records = Vec::new();
        for message in &self.batch {
            translator.translate(message, &mut records);
        }
        if !records.is_empty() {
            producer.publish(&records)?;
            self.progress.add_published(records.len());
        }
        Ok(())
    }
}

//! The tweet and the user service: follows a stream and publishes what it says on the topics tweets and users. Both run as
//! one, or each alone.
//!
//! Invariant: messages are published in the order in which they came. A batch whose delivery failed is translated anew
//! after a rebuild and published again as a whole: what part of it had reached the log is said twice, in the same order,
//! which changes nothing. When the service is asked to end, it publishes first what it has received.
//!
//! What is remembered is bounded (`translator`, `memory`, `departures`) and read back from the topics before anything is
//! published.

mod departures;
mod memory;
mod profiles;
mod sweeper;
pub mod translator;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use user_info_core::Topic;
use user_info_log::{Log, NewRecord, Producer, ProducerConfig};

use crate::progress::Progress;
use crate::reader::{self, Reader};
use crate::stream::client::{self, ClientOptions, StreamUrl};
use crate::stream::message::{Deletion, Message};
use crate::tweets::profiles::Profiles;
use crate::tweets::sweeper::Order;
use crate::tweets::translator::{Translator, TranslatorConfig};
use crate::{UpstreamError, clock, sessions};

pub use departures::DEPARTURES_MAX;
pub use translator::{PublishUsers, Role};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct TweetsConfig {
    /// Address of the stream: `http://HOST:PORT/1.1/statuses/sample.json`.
    pub stream: String,
    /// How it is asked for.
    pub client: ClientOptions,
    /// What is published, and what is remembered for it.
    pub translator: TranslatorConfig,
    /// Publish in transactions under this id, which fences a second instance of the service.
    pub transactional_id: Option<String>,
}

impl TweetsConfig {
    /// Reads this stream, and is otherwise as usual.
    pub fn new(stream: impl Into<String>) -> Self {
        let (client, translator) = (ClientOptions::default(), TranslatorConfig::default());
        Self { stream: stream.into(), client, translator, transactional_id: None }
    }
}

/// Messages between the stream and the log: a fraction of a second of a busy stream, and some 10 MiB. When they are too
/// many, no more are read.
const QUEUED_MESSAGES_MAX: usize = 4_096;
/// Messages of one publish call: enough that waiting for the log's answer costs little.
const BATCH_MESSAGES_MAX: usize = 2_048;
/// How far back, in records over all partitions, deletions are looked for after a start: many times what a late tweet
/// can lag behind its deletion, and read within a second or two.
const DELETIONS_TAIL_RECORDS: i64 = 200_000;
/// How long a rebuild waits for records before it looks whether it is to end.
const REBUILD_WAIT: Duration = Duration::from_millis(100);
/// How often a service without messages looks for accounts whose grace is over.
const IDLE_LOOK: Duration = Duration::from_millis(500);

/// Runs the tweet and user service until it is cancelled.
pub async fn run(
    log: Log,
    config: TweetsConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    let url: StreamUrl = config.stream.parse()?;
    if config.translator.users_max < 2 {
        return Err(UpstreamError::InvalidConfig { reason: "at least 2 users have to be remembered" });
    }
    let stop = shutdown.child_token();
    let (sender, messages) = mpsc::channel(QUEUED_MESSAGES_MAX);
    let (order, orders) = mpsc::channel(1);
    let sweeping = sweep(config.translator.role, log.clone(), order, Arc::clone(&progress), &stop);
    let client = config.client.clone();
    let (counted, runtime) = (Arc::clone(&progress), Handle::current());
    let publishing = sessions::on_thread(&stop, move |stop| {
        let mut publisher =
            Publisher { log, config, messages, orders, batch: Vec::new(), progress: counted, stop, runtime };
        publisher.run()
    });
    let following = client::run(&url, &client, sender, progress, stop.clone());
    let ended = |result: Result<(), UpstreamError>| {
        stop.cancel();
        result
    };
    let (followed, published, swept) =
        tokio::join!(async { ended(following.await) }, async { ended(publishing.await) }, async {
            ended(sweeping.await)
        });
    followed.and(published).and(swept)
}

/// Only the tweet service deletes tweets. Alone, the user service has nothing to sweep.
async fn sweep(
    role: Role,
    log: Log,
    order: mpsc::Sender<Order>,
    progress: Arc<Progress>,
    stop: &CancellationToken,
) -> Result<(), UpstreamError> {
    if !role.tweets() {
        stop.cancelled().await;
        return Ok(());
    }
    sessions::on_thread(stop, move |stop| sweeper::run(&log, &order, &progress, &stop)).await
}

/// What is to be published.
#[derive(Debug)]
enum Work {
    Message(Message),
    /// A tweet of an account that is gone for good.
    Swept(Deletion),
}

/// What there is to do next.
enum Next {
    Message(Message),
    Order(Order),
    Nothing,
    End,
}

struct Publisher {
    log: Log,
    config: TweetsConfig,
    messages: mpsc::Receiver<Message>,
    orders: mpsc::Receiver<Order>,
    /// What is not known to be in the log; outlives a failed session.
    batch: Vec<Work>,
    progress: Arc<Progress>,
    stop: CancellationToken,
    runtime: Handle,
}

/// What one session knows.
struct Session {
    producer: Producer,
    translator: Translator,
    profiles: Profiles,
}

impl Publisher {
    fn run(&mut self) -> Result<(), UpstreamError> {
        let (progress, stop) = (Arc::clone(&self.progress), self.stop.clone());
        sessions::run("tweets", &progress, &stop, || self.session())
    }

    fn session(&mut self) -> Result<(), UpstreamError> {
        let transactional_id = self.config.transactional_id.clone();
        // Before reading: a transactional producer fences older ones, so that nothing is added to what is read.
        let producer = self.log.producer(&ProducerConfig { transactional_id })?;
        let translator = self.rebuild()?;
        let mut session = Session { producer, translator, profiles: Profiles::new(&self.log)? };
        let mut missing = Vec::new();
        session.translator.mend(&mut missing);
        self.flush(&mut session, &mut missing)?;
        loop {
            self.publish(&mut session)?;
            self.batch.clear();
            match self.wait() {
                Next::Message(message) => self.fill_batch(message),
                Next::Order(Order::Delete(deletions)) => self.batch.extend(deletions.into_iter().map(Work::Swept)),
                Next::Order(Order::Forget { users, noted }) => {
                    users.iter().for_each(|user| session.translator.forget(user));
                    // A sweeper that went away asks again.
                    let _ = noted.send(());
                }
                Next::Nothing => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// Reads back which deletions were published lately, which accounts there are, and which are gone.
    fn rebuild(&self) -> Result<Translator, UpstreamError> {
        let mut translator = Translator::new(self.config.translator);
        let mut starts = reader::from_start(&self.log, Topic::Users)?;
        if self.config.translator.role.tweets() {
            starts.extend(reader::from_tail(&self.log, Topic::Tweets, DELETIONS_TAIL_RECORDS)?);
        }
        let mut reader = Reader::open(&self.log, &starts)?;
        let topics = [Topic::Tweets, Topic::Users];
        while !topics.iter().all(|&topic| reader.has_reached_end(topic)) && !self.stop.is_cancelled() {
            reader.poll(REBUILD_WAIT, |record| translator.learn(&record))?;
        }
        Ok(translator)
    }

    fn wait(&mut self) -> Next {
        let (messages, orders) = (&mut self.messages, &mut self.orders);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                Some(order) = orders.recv() => Next::Order(order),
                message = messages.recv() => message.map_or(Next::End, Next::Message),
                () = tokio::time::sleep(IDLE_LOOK) => Next::Nothing,
            }
        })
    }

    /// Takes what is there already.
    fn fill_batch(&mut self, first: Message) {
        self.batch.push(Work::Message(first));
        while self.batch.len() < BATCH_MESSAGES_MAX
            && let Ok(message) = self.messages.try_recv()
        {
            self.batch.push(Work::Message(message));
        }
        for work in &self.batch {
            if let Work::Message(message) = work {
                self.progress.add_message(message);
            }
        }
    }

    fn publish(&self, session: &mut Session) -> Result<(), UpstreamError> {
        let (now, mut records) = (clock::now(), Vec::new());
        for work in &self.batch {
            match work {
                Work::Message(message) => {
                    if session.translator.wants(message).is_some() {
                        self.flush(session, &mut records)?;
                    }
                    let wanted = session.translator.wants(message);
                    let profile = wanted.map(|wanted| session.profiles.find(&wanted)).transpose()?.flatten();
                    session.translator.translate(message, profile, now, &mut records);
                }
                Work::Swept(deletion) => records.extend(session.translator.sweep(deletion)),
            }
        }
        records.extend(std::iter::from_fn(|| session.translator.end_account(now)));
        self.flush(session, &mut records)
    }

    /// Publishes what was collected; nothing is left of it.
    fn flush(&self, session: &mut Session, records: &mut Vec<NewRecord>) -> Result<(), UpstreamError> {
        if !records.is_empty() {
            let places = session.producer.publish(records)?;
            session.translator.note_places(records, &places);
            self.progress.add_published(records.len());
            records.clear();
        }
        self.progress.add_users(session.translator.take_counts());
        self.progress.set_remembered(session.translator.remembered());
        Ok(())
    }
}

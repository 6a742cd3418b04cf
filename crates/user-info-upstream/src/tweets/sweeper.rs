//! Deletes the tweets of accounts that are gone for good.
//!
//! The users topic says which: a tombstone. What they wrote is found by reading the tweets topic once, because no service
//! remembers all tweets. After every start all tombstones that the users topic still has are swept again: an earlier run
//! may have been killed in between, and what is deleted already is found deleted.
//!
//! Invariant: a sweep begins when the publisher has noted that it publishes nothing of these accounts any more, so that no
//! tweet comes behind it.

use std::collections::HashSet;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use user_info_core::{Decoded, Fact, Id, Key, Topic, decode};
use user_info_log::{Log, Record};

use crate::UpstreamError;
use crate::progress::Progress;
use crate::reader::{self, Reader};
use crate::sessions;
use crate::stream::message::Deletion;

/// Tweets that one sweep collects, about 150 MiB; if there are more, another one follows.
const SWEEP_TWEETS_MAX: usize = 1_000_000;
/// Deletions handed over at once.
const ORDER_DELETIONS_MAX: usize = 1_000;
/// How long a poll waits before it looks whether it is to end.
const WAIT: Duration = Duration::from_millis(100);

/// What the publisher is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Publish nothing of these accounts any more, and say when that is noted.
    Forget {
        /// The accounts.
        users: Vec<Id>,
        /// Takes the word.
        noted: SyncSender<()>,
    },
    /// Publish these deletions.
    Delete(Vec<Deletion>),
}

/// Sweeps until it is cancelled or nobody takes its orders.
pub(super) fn run(
    log: &Log,
    orders: &mpsc::Sender<Order>,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<(), UpstreamError> {
    sessions::run("tweets", progress, stop, || Sweeper { log, orders, stop }.session())
}

struct Sweeper<'run> {
    log: &'run Log,
    orders: &'run mpsc::Sender<Order>,
    stop: &'run CancellationToken,
}

impl Sweeper<'_> {
    fn session(&self) -> Result<(), UpstreamError> {
        let mut users = Reader::open(self.log, &reader::from_start(self.log, Topic::Users)?)?;
        let mut gone = HashSet::new();
        while !self.is_over() {
            users.poll(WAIT, |record| note(&record, &mut gone))?;
            if users.has_reached_end(Topic::Users) && !gone.is_empty() {
                self.sweep(&std::mem::take(&mut gone))?;
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.orders.is_closed()
    }

    fn sweep(&self, gone: &HashSet<Id>) -> Result<(), UpstreamError> {
        if !self.forget(gone) {
            return Ok(());
        }
        while !self.is_over() {
            let tweets = self.tweets_of(gone)?;
            let are_all = tweets.len() < SWEEP_TWEETS_MAX;
            if !tweets.is_empty() {
                tracing::info!(accounts = gone.len(), tweets = tweets.len(), "deleting what deleted accounts wrote");
            }
            self.delete(tweets);
            if are_all {
                break;
            }
        }
        Ok(())
    }

    /// False if nobody listens any more.
    fn forget(&self, gone: &HashSet<Id>) -> bool {
        let (noted, noting) = sync_channel(1);
        if self.orders.blocking_send(Order::Forget { users: gone.iter().cloned().collect(), noted }).is_err() {
            return false;
        }
        loop {
            match noting.recv_timeout(WAIT) {
                Ok(()) => return true,
                Err(RecvTimeoutError::Timeout) if !self.is_over() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// The tweets of these accounts that are there, up to the end that the topic has.
    fn tweets_of(&self, gone: &HashSet<Id>) -> Result<HashSet<Deletion>, UpstreamError> {
        let mut reader = Reader::open(self.log, &reader::from_start(self.log, Topic::Tweets)?)?;
        let mut tweets = HashSet::new();
        while !reader.has_reached_end(Topic::Tweets) && !self.is_over() {
            reader.poll(WAIT, |record| collect(&record, gone, &mut tweets))?;
        }
        Ok(tweets)
    }

    fn delete(&self, tweets: HashSet<Deletion>) {
        let tweets: Vec<_> = tweets.into_iter().collect();
        for deletions in tweets.chunks(ORDER_DELETIONS_MAX) {
            // Nobody takes it only when everything ends.
            let _ = self.orders.blocking_send(Order::Delete(deletions.to_vec()));
        }
    }
}

fn note(record: &Record, gone: &mut HashSet<Id>) {
    let Some(Ok(Key::User(user))) = record.key.as_deref().map(|key| Key::parse(record.topic, key)) else { return };
    if record.value.is_none() {
        gone.insert(user);
    } else {
        gone.remove(&user);
    }
}

fn collect(record: &Record, gone: &HashSet<Id>, tweets: &mut HashSet<Deletion>) {
    let Some(Ok(Key::Pair(pair))) = record.key.as_deref().map(|key| Key::parse(record.topic, key)) else { return };
    if !gone.contains(&pair.owner) {
        return;
    }
    let deletion = Deletion { tweet_id: pair.member, user_id: pair.owner };
    match decode(record.topic, record.key.as_deref(), record.value.as_deref()) {
        Ok(Decoded::Fact(Fact::Tweeted { .. })) if tweets.len() < SWEEP_TWEETS_MAX => drop(tweets.insert(deletion)),
        Ok(Decoded::Fact(Fact::TweetDeleted { .. }) | Decoded::Tombstone(_)) => drop(tweets.remove(&deletion)),
        Ok(Decoded::Fact(_)) | Err(_) => {}
    }
}

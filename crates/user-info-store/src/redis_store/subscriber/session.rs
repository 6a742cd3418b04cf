//! One connection to one master, from connecting to whatever ends it.
//!
//! A reply that nobody asked for (the server ends subscriptions itself when a slot leaves it) could be taken for the reply to
//! a command that is under way. So the session ends with it, as it does with every error: the next one begins from nothing.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Client, Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{MissedTickBehavior, interval};
use user_info_core::Id;

use super::BEAT;
use super::line::Place;
use super::subscriptions::Subscriptions;
use crate::redis_store::access::CONNECT_TIMEOUT;

/// How long a reply may take before the server counts as frozen. A false alarm costs a new connection.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);

/// Commands that wait for their replies at a time.
const COMMANDS_PER_ROUND_MAX: usize = 512;

pub(super) struct Session<'line> {
    place: &'line Place,
    subscriptions: &'line Subscriptions,
    turns: Receiver<Id>,
    connection: MultiplexedConnection,
    held: Arc<Held>,
}

/// What the connection has, for whom it is read.
#[derive(Default)]
struct Held {
    /// The users of subscriptions that were asked for and not ended by us.
    users: Mutex<HashSet<Id>>,
    /// The connection, or a subscription that is held, has ended.
    broken: Notify,
}

impl<'line> Session<'line> {
    pub(super) async fn open(
        client: &Client,
        place: &'line Arc<Place>,
        subscriptions: &'line Arc<Subscriptions>,
    ) -> RedisResult<Self> {
        let held = Arc::new(Held::default());
        let reader =
            Reader { place: Arc::clone(place), subscriptions: Arc::clone(subscriptions), held: Arc::clone(&held) };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(REPLY_TIMEOUT))
            .set_push_sender(move |push| reader.read(&push));
        let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { place, subscriptions, turns: subscriptions.turns(), connection, held })
    }

    /// Subscribes to everybody who is waited for.
    pub(super) async fn begin(&mut self) -> RedisResult<()> {
        let users = self.everybody();
        self.adjust(users).await
    }

    /// Goes with the subscriptions until something fails.
    pub(super) async fn follow(mut self) -> RedisResult<Infallible> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let turn = tokio::select! {
                biased;
                () = self.held.broken.notified() => return Err(broken()),
                _ = beat.tick() => {
                    let _: Value = redis::cmd("PING").query_async(&mut self.connection).await?;
                    continue;
                }
                turn = self.turns.recv() => turn,
            };
            let users = self.turned(turn);
            self.adjust(users).await?;
        }
    }

    /// Who was added or removed: this one, and those who follow already.
    fn turned(&mut self, turn: Result<Id, RecvError>) -> BTreeSet<Id> {
        let mut users = match turn {
            Ok(user) => BTreeSet::from([user]),
            Err(RecvError::Lagged(_) | RecvError::Closed) => self.everybody(),
        };
        while users.len() < COMMANDS_PER_ROUND_MAX {
            match self.turns.try_recv() {
                Ok(user) => users.insert(user),
                Err(TryRecvError::Lagged(_)) => return self.everybody(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            };
        }
        users
    }

    /// Everybody who is waited for, or was.
    fn everybody(&self) -> BTreeSet<Id> {
        let waited_for = self.subscriptions.all();
        self.held.users().iter().cloned().chain(waited_for).collect()
    }

    /// Subscribes to those of these users who are here and waited for, and to the others no more.
    async fn adjust(&mut self, users: BTreeSet<Id>) -> RedisResult<()> {
        let users = Vec::from_iter(users);
        for some in users.chunks(COMMANDS_PER_ROUND_MAX) {
            let (commands, waited_for) = self.plan(some);
            if !commands.is_empty() {
                let replies = self.connection.send_packed_commands(&commands, 0, commands.len()).await?;
                replies.into_iter().try_for_each(|reply| reply.extract_error().map(drop))?;
            }
            waited_for.into_iter().for_each(|user| self.subscriptions.tell(user));
        }
        Ok(())
    }

    /// What has to be said about these users, each of whom is named once; and those of them who are heard then.
    fn plan<'users>(&self, users: &'users [Id]) -> (Pipeline, Vec<&'users Id>) {
        let (mut commands, mut waited_for) = (Pipeline::new(), Vec::new());
        let mut held = self.held.users();
        for user in users {
            let Some(channel) = self.place.channel(user) else { continue };
            if self.subscriptions.contains(user) {
                waited_for.push(user);
                if held.insert(user.clone()) {
                    commands.cmd("SSUBSCRIBE").arg(channel);
                }
            } else if held.remove(user) {
                commands.cmd("SUNSUBSCRIBE").arg(channel);
            }
        }
        (commands, waited_for)
    }
}

/// Reads what the server sends unasked.
struct Reader {
    place: Arc<Place>,
    subscriptions: Arc<Subscriptions>,
    held: Arc<Held>,
}

impl Reader {
    fn read(&self, push: &PushInfo) -> Result<(), SendError> {
        if push.kind == PushKind::SMessage {
            self.user_of(push).iter().for_each(|user| self.subscriptions.tell(user));
        }
        let ended = push.kind == PushKind::SUnsubscribe
            && self.user_of(push).is_some_and(|user| self.held.users().contains(&user));
        if ended || push.kind == PushKind::Disconnection {
            self.held.broken.notify_one();
        }
        Ok(())
    }

    fn user_of(&self, push: &PushInfo) -> Option<Id> {
        let Some(Value::BulkString(channel)) = push.data.first() else { return None };
        self.place.keys.parse_channel(channel)
    }
}

impl Held {
    fn users(&self) -> MutexGuard<'_, HashSet<Id>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken() -> RedisError {
    io::Error::other("the server ended the connection, or a subscription").into()
}

//! A line to one master: sessions, one after the other for as long as the master has these slots.

use std::convert::Infallible;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use user_info_core::Id;

use super::session::Session;
use super::subscriptions::Subscriptions;
use crate::redis_store::access::Address;
use crate::redis_store::keyspace::Keyspace;
use crate::redis_store::link::Link;
use crate::redis_store::topology::{Slots, slot_of};

/// How long to wait before the next session: a server that is away should not be met by a storm of connections.
const PAUSE: Duration = Duration::from_millis(500);

/// A master, what it has, and the generation that is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) keys: Keyspace,
    pub(super) address: Address,
    pub(super) slots: Slots,
}

impl Place {
    /// The channel of the user, if it is here.
    pub(super) fn channel(&self, user: &Id) -> Option<String> {
        let channel = self.keys.channel(user);
        self.slots.has(slot_of(&channel)).then_some(channel)
    }
}

pub(super) struct Line {
    place: Arc<Place>,
    link: Arc<Link>,
    subscriptions: Arc<Subscriptions>,
}

impl Line {
    pub(super) fn new(place: Place, link: Arc<Link>, subscriptions: Arc<Subscriptions>) -> Self {
        Self { place: Arc::new(place), link, subscriptions }
    }

    /// One session after the other. A failure is told once, until changes are heard again.
    pub(super) async fn run(self) {
        let mut deaf = false;
        loop {
            let Err(error) = self.session(&mut deaf).await;
            if !mem::replace(&mut deaf, true) {
                tracing::warn!("changes are not heard from {}: {error}", self.server());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn session(&self, deaf: &mut bool) -> RedisResult<Infallible> {
        let client = self.link.subscribing_client(&self.place.address)?;
        let mut session = Session::open(&client, &self.place, &self.subscriptions).await?;
        session.begin().await?;
        if mem::take(deaf) {
            tracing::info!("changes are heard from {} again", self.server());
        }
        session.follow().await
    }

    fn server(&self) -> String {
        let (host, port) = &self.place.address;
        format!("{host}:{port}")
    }
}

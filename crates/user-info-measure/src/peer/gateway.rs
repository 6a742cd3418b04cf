//! The second design that the requirement turns down: nothing of its own, the five owners are asked for each request, all at
//! once. And what people do about it: a cache in front, whose entries live for a fixed time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde::de::DeserializeOwned;
use user_info_core::{Counts, Id};
use user_info_service::answer::Problem;
use user_info_service::fields::Fields;

use super::front::{self, Source, failed, rendered};
use super::owner::USERS;
use super::page::{Page, ProfileRow, SetCounts};
use super::{listen, shutdown};

/// Where the owners of users, tweets, follows, likes and lists are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owners(pub(crate) [SocketAddr; 5]);

/// Where entries are kept, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct CacheConfig {
    pub(crate) redis: String,
    pub(crate) lifetime: Duration,
}

/// The one in front.
pub(super) struct Gateway {
    client: Client<HttpConnector, Empty<Bytes>>,
    owners: Owners,
    cache: Option<Cache>,
}

struct Cache {
    redis: MultiplexedConnection,
    lifetime_ms: u64,
}

/// Answers until a signal.
pub(crate) async fn run(owners: Owners, cache: Option<CacheConfig>) -> Result<()> {
    let stop = shutdown()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let cache = match cache {
        Some(config) => Some(Cache::open(config).await?),
        None => None,
    };
    front::serve(listen().await?, Source::Gateway(Box::new(Gateway { client, owners, cache })), stop).await;
    Ok(())
}

impl Gateway {
    pub(super) async fn readiness(&self) -> StatusCode {
        let ready =
            |owner| async move { self.ask(owner, "/ready").await.is_ok_and(|(status, _)| status == StatusCode::OK) };
        let [users, tweets, follows, likes, lists] = self.owners.0;
        let all = tokio::join!(ready(users), ready(tweets), ready(follows), ready(likes), ready(lists));
        if all == (true, true, true, true, true) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }

    /// From the cache, or from the owners and then into the cache. What cannot be shown is not kept.
    pub(super) async fn body(&self, user: &Id, fields: Fields) -> Result<Bytes, Problem> {
        let cache = self.cache.as_ref().filter(|_| fields == Fields::ALL);
        if let Some(cache) = cache
            && let Some(body) = cache.get(user).await.map_err(|error| failed(&error))?
        {
            return Ok(body);
        }
        let page = self.page(user).await.map_err(|error| failed(&error))?;
        let body = rendered(page.as_ref(), user, fields)?;
        if let Some(cache) = cache {
            cache.set(user, &body).await.map_err(|error| failed(&error))?;
        }
        Ok(body)
    }

    /// From the owners.
    pub(super) async fn page(&self, user: &Id) -> Result<Option<Page>> {
        let path = format!("{USERS}{user}");
        let [users, tweets, follows, likes, lists] = self.owners.0;
        let (profile, tweets, follows, likes, lists) = tokio::try_join!(
            self.known::<ProfileRow>(users, &path),
            self.known::<SetCounts>(tweets, &path),
            self.known::<SetCounts>(follows, &path),
            self.known::<SetCounts>(likes, &path),
            self.known::<SetCounts>(lists, &path),
        )?;
        let Some(profile) = profile else { return Ok(None) };
        let own = |counts: Option<SetCounts>| counts.unwrap_or_default().own;
        let counts = Counts {
            tweets: own(tweets),
            following: own(follows),
            followers: follows.unwrap_or_default().others,
            likes: own(likes),
            lists: own(lists),
        };
        profile.with(counts).context("the owner of users has a row that nobody can have written").map(Some)
    }

    /// What an owner knows; `None` if it knows nothing.
    async fn known<T: DeserializeOwned>(&self, owner: SocketAddr, path: &str) -> Result<Option<T>> {
        match self.ask(owner, path).await? {
            (StatusCode::OK, body) => Ok(Some(serde_json::from_slice(&body)?)),
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, _) => bail!("{owner} answered {status} to {path}"),
        }
    }

    async fn ask(&self, owner: SocketAddr, path: &str) -> Result<(StatusCode, Bytes)> {
        let uri: Uri = format!("http://{owner}{path}").parse()?;
        let answer = self.client.get(uri).await?;
        Ok((answer.status(), answer.into_body().collect().await?.to_bytes()))
    }
}

impl Cache {
    async fn open(config: CacheConfig) -> Result<Self> {
        let client = redis::Client::open(config.redis)?;
        let lifetime_ms = config.lifetime.as_millis() as u64;
        ensure!(lifetime_ms > 0, "an entry lives for a millisecond at least");
        Ok(Self { redis: client.get_multiplexed_async_connection().await?, lifetime_ms })
    }

    async fn get(&self, user: &Id) -> Result<Option<Bytes>> {
        let body: Option<Vec<u8>> = self.redis.clone().get(user.as_str()).await?;
        Ok(body.map(Bytes::from))
    }

    async fn set(&self, user: &Id, body: &[u8]) -> Result<()> {
        let () = self.redis.clone().pset_ex(user.as_str(), body, self.lifetime_ms).await?;
        Ok(())
    }
}

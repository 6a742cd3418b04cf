//! Where the demo keeps its log and its store.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tempfile::TempDir;
use user_info_log::{LogConfig, LogUrl};
use user_info_store::{RedisOptions, StoreOptions, StoreUrl, remove_keys};

use crate::arguments::{DemoArguments, DemoLog, DemoStore};
use crate::exit::Failure;

/// The demo's log and store, and the temporary directory that goes with it, if there is one.
pub(crate) struct Place {
    pub(crate) log: LogConfig,
    pub(crate) store: StoreUrl,
    pub(crate) store_options: StoreOptions,
    kept: bool,
    _temporary: Option<TempDir>,
}

impl Place {
    /// In `--data`, or in a temporary directory that is removed at the end. On a real broker the topics, and in Redis the
    /// keys, get a prefix of their own, so that a demo never mixes with facts that somebody needs.
    pub(crate) fn choose(arguments: &DemoArguments) -> Result<Self, Failure> {
        let temporary = match arguments.data {
            Some(_) => None,
            None => Some(tempfile::tempdir().context("creating a temporary directory").map_err(Failure::missing)?),
        };
        let chosen = arguments.data.as_deref().or(temporary.as_ref().map(TempDir::path));
        let data = chosen.expect("without --data there is a temporary directory").to_path_buf();
        let mut kafka = arguments.kafka.clone();
        let url = match &arguments.log {
            DemoLog::Embedded => LogUrl::Embedded { path: data.join("log") },
            DemoLog::At(url) => url.clone(),
        };
        if matches!(url, LogUrl::Kafka { .. }) && kafka.topic_prefix.is_none() {
            kafka.topic_prefix = Some(format!("{}.", own_name()));
        }
        let redis = RedisOptions { prefix: own_name(), ..RedisOptions::default() };
        let store_options = StoreOptions { redis, ..StoreOptions::default() };
        let store = match &arguments.store {
            DemoStore::RocksDb => StoreUrl::RocksDb { path: data.join("store") },
            DemoStore::At(url) => url.clone(),
        };
        Ok(Self { log: kafka.config(url), store, store_options, kept: arguments.data.is_some(), _temporary: temporary })
    }

    /// Removes the demo's keys from Redis. Failing leaves keys that say by their prefix where they are from.
    pub(crate) async fn tidy_up(&self) {
        let StoreUrl::Redis(url) = self.store.clone() else { return };
        let options = self.store_options.redis.clone();
        let removed = tokio::task::spawn_blocking(move || remove_keys(&url, &options)).await;
        if let Ok(Err(error)) = removed {
            tracing::warn!("keys beginning with {}: stay in Redis: {error}", self.store_options.redis.prefix);
        }
    }
}

fn own_name() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("user-info-demo-{seconds}")
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.log.url, self.store)?;
        if !self.kept {
            write!(formatter, " (directories are removed at the end; keep them with --data DIR)")?;
        }
        Ok(())
    }
}

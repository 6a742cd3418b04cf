//! The first look at Redis: whatever waiting cannot mend is told with what to do about it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, FromRedisValue, RedisError};

use super::keyspace::meta;
use super::link::Lane;
use super::topology::slot_of;
use super::{Generation, RedisStore, failed, unexpected};
use crate::error::StoreError;

const OPERATION: &str = "look at Redis";

/// The first version of Redis with shard channels.
const MAJOR_VERSION_MIN: u32 = 7;

impl RedisStore {
    /// Which generation is current. Says where it looked if it is refused.
    pub(super) async fn first_look(&self) -> Result<Generation, StoreError> {
        self.look().await.map_err(|error| {
            if let StoreError::Refused { operation, reason } = error {
                return StoreError::Refused { operation, reason: format!("{} {reason}", self.0.url) };
            }
            error
        })
    }

    async fn look(&self) -> Result<Generation, StoreError> {
        let looked = async {
            self.check_kind().await?;
            self.check_version().await?;
            self.current_generation().await
        };
        let looked = looked.await;
        let Err(StoreError::Unavailable { operation, .. }) = &looked else { return looked };
        // The cluster client only says that it has no connection.
        match self.0.link.refusal().await.map(failed(operation)) {
            Some(refusal @ StoreError::Refused { .. }) => Err(refusal),
            Some(_) | None => looked,
        }
    }

    /// A node of a cluster sends most keys elsewhere, which a client of a single server does not follow; and what is no
    /// cluster has no slots.
    async fn check_kind(&self) -> Result<(), StoreError> {
        if self.0.link.is_cluster() {
            return self.refresh_topology().await;
        }
        let mut info = redis::cmd("INFO");
        info.arg("cluster");
        let info = self.0.link.send(Lane::Writes, &info).await.map_err(failed(OPERATION))?;
        let info = String::from_redis_value(info).map_err(|_| unexpected("INFO"))?;
        if info.contains("cluster_enabled:1") {
            let reason = "is a node of a cluster: use redis-cluster://HOST:PORT,… in --store".to_owned();
            return Err(StoreError::Refused { operation: OPERATION, reason });
        }
        Ok(())
    }

    /// Of what the store needs, shard channels came last. Asks the server that is asked next.
    async fn check_version(&self) -> Result<(), StoreError> {
        let slot = slot_of(&meta(&self.0.options.prefix));
        let info = self.0.link.send_to(slot, redis::cmd("INFO").arg("server")).await.map_err(failed(OPERATION))?;
        let info = String::from_redis_value(info).map_err(|_| unexpected("INFO"))?;
        let Some(version) = version_too_old(&info) else { return Ok(()) };
        let reason = format!("has version {version}: the store needs {MAJOR_VERSION_MIN}.0 or newer");
        Err(StoreError::Refused { operation: OPERATION, reason })
    }
}

/// The version of Redis, if it is too old. Servers of other makers state the version that they are like.
fn version_too_old(info: &str) -> Option<&str> {
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"))?.trim();
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major < MAJOR_VERSION_MIN).then_some(version)
}

/// Why an error is one that waiting does not mend, and the way out; `None` if it may pass.
pub(super) fn refusal_of(error: &RedisError) -> Option<String> {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return Some(turned_away(error));
    }
    let error = tls_error(error)?;
    if matches!(error, rustls::Error::InvalidCertificate(_)) {
        let way_out = "name the file with its authority's certificate in --redis-ca-file";
        return Some(format!("shows a certificate that is not trusted ({error}): {way_out}"));
    }
    let way_out = "if it asks for a certificate, give one with --redis-certificate-file";
    matches!(error, rustls::Error::AlertReceived(_)).then(|| format!("refuses the connection ({error}): {way_out}"))
}

pub(super) fn turned_away(error: &RedisError) -> String {
    format!("turns us away ({error}): check the user and the password in --store")
}

/// The error of TLS below an error of the connection.
fn tls_error(error: &RedisError) -> Option<&rustls::Error> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        next = inner(error).or_else(|| error.source());
    }
    None
}

/// What two kinds of wrappers hold, which name as their source only the source of that.
fn inner<'error>(error: &'error (dyn Error + 'static)) -> Option<&'error (dyn Error + 'static)> {
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return Some(&**shared);
    }
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_without_shard_channels_are_too_old() {
        let info = |version: &str| format!("# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\n");
        for old in ["6.2.14", "5.0.0", "2.8"] {
            assert_eq!(version_too_old(&info(old)), Some(old));
        }
        for good in ["7.0.0", "7.2.4", "8.0.1", "255.255.255", "unstable"] {
            assert_eq!(version_too_old(&info(good)), None);
        }
        assert_eq!(version_too_old("# Server"), None);
    }
}

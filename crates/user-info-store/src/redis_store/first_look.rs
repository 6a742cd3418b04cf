//! The first look at Redis: whatever waiting cannot mend is told with what to do about it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, FromRedisValue, RedisError};

use super::link::Lane;
use super::{Generation, RedisStore, failed, unexpected};
use crate::error::StoreError;

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
        let looked = match self.check_kind().await {
            Ok(()) => self.current_generation().await,
            Err(error) => Err(error),
        };
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
        const OPERATION: &str = "look at Redis";
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

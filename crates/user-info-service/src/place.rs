//! A place among those that are limited, counted while it is taken.

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::OwnedSemaphorePermit;

/// A place. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Place {
    open: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// Counts in `open` that the place of this permit is taken.
    pub(crate) fn take(permit: OwnedSemaphorePermit, open: &Gauge) -> Self {
        open.inc();
        Self { open: open.clone(), _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

//! How long to wait before the next connection, as Twitter asks of its clients.
//!
//! At once after a live connection dropped; then longer with every failure, linearly when no connection could be made,
//! doubling when the server answered with an error.

use std::time::Duration;

/// Added to the wait with every connection in a row that could not be made.
pub const TCP_STEP: Duration = Duration::from_millis(250);
/// Longest wait after a connection that could not be made.
pub const TCP_MAX: Duration = Duration::from_secs(16);
/// First wait after an error status; doubles with every further one.
pub const HTTP_FIRST: Duration = Duration::from_secs(5);
/// Longest wait after an error status.
pub const HTTP_MAX: Duration = Duration::from_secs(320);

/// How an attempt to stay connected ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection had delivered at least one message and then ended or stalled.
    Dropped,
    /// No connection could be made, or it ended before its first message.
    Network,
    /// The server answered with another status than 200.
    Status,
}

/// Remembers the failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    network: u32,
    status: u32,
}

impl Backoff {
    /// How long to wait after a connection ended like this.
    pub fn wait_after(&mut self, ending: Ending) -> Duration {
        match ending {
            Ending::Dropped => {
                *self = Self::default();
                Duration::ZERO
            }
            Ending::Network => {
                *self = Self { network: self.network.saturating_add(1), status: 0 };
                TCP_STEP.saturating_mul(self.network).min(TCP_MAX)
            }
            Ending::Status => {
                *self = Self { network: 0, status: self.status.saturating_add(1) };
                HTTP_FIRST.saturating_mul(2_u32.saturating_pow(self.status - 1)).min(HTTP_MAX)
            }
        }
    }
}

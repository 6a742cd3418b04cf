//! How long to wait before the next connection, as Twitter asks of its clients.
//!
//! At once, once, after a live connection dropped; then longer with every failure: linearly when no connection could be
//! made or none lasts, doubling when the server answered with an error, and doubling from a minute when it said that the
//! client comes too often.

use std::time::Duration;

/// Added to the wait with every connection in a row that could not be made.
pub const TCP_STEP: Duration = Duration::from_millis(250);
/// Longest wait after a connection that could not be made.
pub const TCP_MAX: Duration = Duration::from_secs(16);
/// First wait after an error status; doubles with every further one.
pub const HTTP_FIRST: Duration = Duration::from_secs(5);
/// Longest wait after an error status.
pub const HTTP_MAX: Duration = Duration::from_secs(320);
/// First wait after the server said that the client comes too often; doubles with every further time.
pub const RATE_LIMIT_FIRST: Duration = Duration::from_secs(60);
/// Longest wait after that: Twitter counts over windows of 15 minutes, so one of them has passed by then.
pub const RATE_LIMIT_MAX: Duration = Duration::from_secs(16 * 60);

/// How an attempt to stay connected ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A live connection that had lasted ended or stalled.
    Dropped,
    /// A connection was live, but not for long.
    Flapped,
    /// No connection could be made, or it ended before its first byte of the stream.
    Network,
    /// The server answered with a status that may pass.
    Status,
    /// The server said that the client comes too often.
    RateLimited,
}

/// Remembers the failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    network: u32,
    status: u32,
    /// Forgotten only when a connection lasts, because each one lengthens the penalty.
    rate_limited: u32,
    /// Whether the one connection at once has been tried.
    at_once_spent: bool,
}

impl Backoff {
    /// How long to wait after a connection ended like this.
    pub fn wait_after(&mut self, ending: Ending) -> Duration {
        match ending {
            Ending::Dropped => {
                *self = Self { at_once_spent: true, ..Self::default() };
                Duration::ZERO
            }
            Ending::Flapped if !self.at_once_spent => {
                *self = Self { at_once_spent: true, rate_limited: self.rate_limited, ..Self::default() };
                Duration::ZERO
            }
            Ending::Flapped | Ending::Network => {
                *self = Self { network: self.network.saturating_add(1), status: 0, ..*self };
                TCP_STEP.saturating_mul(self.network).min(TCP_MAX)
            }
            Ending::Status => {
                *self = Self { network: 0, status: self.status.saturating_add(1), at_once_spent: false, ..*self };
                doubled(HTTP_FIRST, self.status).min(HTTP_MAX)
            }
            Ending::RateLimited => {
                *self = Self { rate_limited: self.rate_limited.saturating_add(1), ..Self::default() };
                doubled(RATE_LIMIT_FIRST, self.rate_limited).min(RATE_LIMIT_MAX)
            }
        }
    }
}

/// The wait of the first, second, third … failure in a row.
fn doubled(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures - 1))
}

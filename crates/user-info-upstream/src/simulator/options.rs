//! How the server behaves towards its clients.

use std::sync::Arc;
use std::time::Duration;

use crate::UpstreamError;
use crate::simulator::accounts::AccountLimits;
use crate::simulator::authorization::AcceptedKeys;
use crate::simulator::faults::Faults;
use crate::simulator::frequencies;
use crate::simulator::traffic::Traffic;

/// How much a client may take up.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at a time; further ones are closed at once.
    pub connections_max: usize,
    /// For the header of a request, from the first byte that could be one, and for a form.
    pub header_timeout: Duration,
    /// Chunks, of 64 KiB and a message or what a hundredth of a second brings, that may wait for a client before it is cut
    /// off. All clients share the chunks.
    pub queue_chunks_max: usize,
    /// Silence before a blank line is sent. Clients give up after 20 s and more.
    pub keep_alive_after: Duration,
    /// How long a stream that is to end may take to say so to a client that does not read.
    pub farewell_max: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 64,
            header_timeout: Duration::from_secs(10),
            queue_chunks_max: 512,
            keep_alive_after: Duration::from_secs(10),
            farewell_max: Duration::from_secs(1),
        }
    }
}

/// What the server does to every connection in the course of time, as Twitter's did. Counts are of messages of one
/// connection, so that the same seed brings the same stream however fast it is; None: never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upkeep {
    /// When the connection is congested once: nothing goes out until a reader that asked for warnings gets one, at most
    /// for as long as the stream may be silent.
    pub congest_after: Option<u64>,
    /// When the server sheds the connection, with code 12.
    pub shed_after: Option<u64>,
}

impl Upkeep {
    /// As [`frequencies`] states.
    pub const USUAL: Self =
        Self { congest_after: Some(frequencies::CONGESTION_AFTER), shed_after: Some(frequencies::SHED_LOAD_AFTER) };
}

/// Everything that a client can notice, besides what is simulated.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How much a client may take up.
    pub limits: ServerLimits,
    /// Who is let in.
    pub keys: AcceptedKeys,
    /// How often and how many times accounts connect.
    pub accounts: AccountLimits,
    /// The share of statuses that is sent, more than 0 and up to 1; `limit` messages tell how many are not.
    pub sample: f64,
    /// Whether a line feed may stand inside a message, as Twitter allows itself. Clients that read lines rather than
    /// messages (those in Python) stumble over it.
    pub line_feeds: bool,
    /// What happens to every connection in the course of time.
    pub upkeep: Upkeep,
    /// What goes wrong.
    pub faults: Faults,
    /// What was sent.
    pub traffic: Arc<Traffic>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            limits: ServerLimits::default(),
            keys: AcceptedKeys::default(),
            accounts: AccountLimits::default(),
            sample: 1.0,
            line_feeds: true,
            upkeep: Upkeep::default(),
            faults: Faults::default(),
            traffic: Arc::default(),
        }
    }
}

impl From<ServerLimits> for ServerOptions {
    fn from(limits: ServerLimits) -> Self {
        Self { limits, ..Self::default() }
    }
}

impl ServerOptions {
    pub(super) fn check(&self) -> Result<(), UpstreamError> {
        let limits = &self.limits;
        let reason = if !(self.sample > 0.0 && self.sample <= 1.0) {
            "the sample must be more than 0 and at most 1: the share of statuses that is sent"
        } else if limits.queue_chunks_max == 0 || limits.connections_max == 0 {
            "a stream server needs at least one connection and one chunk in its queue"
        } else if limits.keep_alive_after.is_zero() {
            "blank lines cannot follow each other without any time between them: give at least 1ms"
        } else {
            return Ok(());
        };
        Err(UpstreamError::InvalidConfig { reason })
    }
}

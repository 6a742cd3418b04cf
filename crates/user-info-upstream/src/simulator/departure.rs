//! How a stream is told to end, from wherever that is decided.

use std::sync::OnceLock;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::simulator::notices::DisconnectCode;

/// For clients to read what is left when the stream has ended as planned.
pub(super) const DRAIN_MAX: Duration = Duration::from_secs(60);

/// The end of one connection, shared by all who may bring it about.
#[derive(Debug, Default)]
pub(super) struct Departure {
    code: OnceLock<DisconnectCode>,
    ordered: CancellationToken,
    cut: CancellationToken,
}

impl Departure {
    /// Tells the stream to take its leave. The first reason counts. Returns whether this was it.
    pub(super) fn order(&self, code: DisconnectCode) -> bool {
        let is_first = self.code.set(code).is_ok();
        self.ordered.cancel();
        is_first
    }

    /// Ends the connection on the spot, in the middle of whatever it is writing.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Why the stream ends, if it has been told to.
    pub(super) fn code(&self) -> Option<DisconnectCode> {
        self.code.get().copied()
    }

    /// Returns as soon as the stream is to take its leave.
    pub(super) async fn ordered(&self) {
        self.ordered.cancelled().await;
    }

    /// Returns when the connection has to end, whether its stream has taken its leave or not.
    pub(super) async fn due(&self, farewell_max: Duration) {
        tokio::select! {
            () = self.cut.cancelled() => {}
            () = async {
                self.ordered.cancelled().await;
                tokio::time::sleep(if self.code() == Some(DisconnectCode::Normal) { DRAIN_MAX } else { farewell_max }).await;
            } => {}
        }
    }
}

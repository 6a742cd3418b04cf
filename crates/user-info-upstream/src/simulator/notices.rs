//! What the server itself has to say on a stream: that it left something out, that a reader is slow, why it ends.

use serde_json::json;

/// Why the server ends a stream, with Twitter's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DisconnectCode {
    /// The server stops.
    Shutdown = 1,
    /// The same client asked for the same stream too many times.
    DuplicateStream = 2,
    /// Somebody asked the server to.
    ControlRequest = 3,
    /// The client reads too slowly.
    Stall = 4,
    /// As it was meant to.
    Normal = 5,
    /// The account may not any longer.
    TokenRevoked = 6,
    /// The account opened a newer connection, and this was its oldest.
    AdminLogout = 7,
    /// The stream was to end after so many messages.
    MaxMessageLimit = 9,
    /// Something failed.
    StreamException = 10,
    /// What feeds the server has stalled.
    BrokerStall = 11,
    /// There is too much to do.
    ShedLoad = 12,
}

impl DisconnectCode {
    /// All that Twitter's clients know.
    pub const ALL: [Self; 11] = [
        Self::Shutdown,
        Self::DuplicateStream,
        Self::ControlRequest,
        Self::Stall,
        Self::Normal,
        Self::TokenRevoked,
        Self::AdminLogout,
        Self::MaxMessageLimit,
        Self::StreamException,
        Self::BrokerStall,
        Self::ShedLoad,
    ];

    /// Twitter's number.
    pub fn number(self) -> u8 {
        self as u8
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Shutdown => "the server is shut down",
            Self::DuplicateStream => "the same stream was connected too many times",
            Self::ControlRequest => "disconnected on request",
            Self::Stall => "the client was reading too slowly and was disconnected by the server",
            Self::Normal => "the stream ended as planned",
            Self::TokenRevoked => "the token was revoked",
            Self::AdminLogout => "the account connected again, and this was its oldest connection",
            Self::MaxMessageLimit => "the stream has sent as many messages as it was to send",
            Self::StreamException => "an internal error occurred",
            Self::BrokerStall => "the source of the stream has stalled",
            Self::ShedLoad => "the server sheds load",
        }
    }
}

/// `disconnect`, the last message of a stream.
pub(super) fn disconnect(code: DisconnectCode) -> Vec<u8> {
    let body = json!({"code": code.number(), "stream_name": "statuses/sample", "reason": code.reason()});
    message(&json!({ "disconnect": body }))
}

/// `warning`: the reader's queue is this full.
pub(super) fn falling_behind(percent_full: usize) -> Vec<u8> {
    let text = format!(
        "Your connection is falling behind and messages are being queued for delivery to you. Your queue is now \
         {percent_full}% full. You will be disconnected when the queue is full."
    );
    message(&json!({"warning": {"code": "FALLING_BEHIND", "message": text, "percent_full": percent_full}}))
}

/// `limit`: so many statuses were left out since the connection began.
pub(super) fn limit(track: u64) -> Vec<u8> {
    message(&json!({"limit": {"track": track}}))
}

fn message(value: &serde_json::Value) -> Vec<u8> {
    format!("{value}\r\n").into_bytes()
}

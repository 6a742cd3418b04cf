//! Which HTTP a connection without TLS speaks, told by its first bytes. They stay in the kernel's buffer, so that HTTP/1.1,
//! which most connections speak, is read straight from the socket.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

/// What a client that knows that we speak HTTP/2 begins with (RFC 9113, section 3.4). No request of HTTP/1 begins so.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long to wait for the rest of a preface of which only the beginning came, and again twice as long. The kernel wakes
/// nobody for bytes that were looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The longest of these waits: ten thousand clients who leave it at the beginning cost a few thousand looks a second.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(1);

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.0 or 1.1, or nothing that we know.
    Http1,
    /// HTTP/2.
    Http2,
}

/// Waits for as many bytes as it takes to tell.
pub(super) async fn spoken(stream: &TcpStream) -> io::Result<Version> {
    let (mut start, mut pause) = ([0; PREFACE.len()], LOOK_AGAIN);
    loop {
        let count = stream.peek(&mut start).await?;
        if let Some(version) = told_by(&start[..count]) {
            return Ok(version);
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LOOK_AGAIN_MAX);
    }
}

/// `None` if more bytes must come. A client that went away sent none.
fn told_by(start: &[u8]) -> Option<Version> {
    match start {
        PREFACE => Some(Version::Http2),
        [] => Some(Version::Http1),
        _ if PREFACE.starts_with(start) => None,
        _ => Some(Version::Http1),
    }
}

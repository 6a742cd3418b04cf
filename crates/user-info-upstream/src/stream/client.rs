//! Stays connected to a stream and hands over its messages.
//!
//! Invariant: it ends only when it is cancelled or nobody takes its messages any more. Whatever the server does (refuse,
//! stall, cut off, send nonsense) is counted, logged and answered with a new connection after the wait of
//! [`crate::stream::backoff`]. While nobody takes messages it reads no further, so memory stays bounded and the server
//! may cut it off, as slow readers are.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::UpstreamError;
use crate::progress::Progress;
use crate::stream::backoff::{Backoff, Ending};
use crate::stream::message::Message;
use crate::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};

/// The address of a stream: plain HTTP, for TLS put a proxy in between.
#[derive(Clone, Debug)]
pub struct StreamUrl {
    uri: Uri,
    host: String,
    port: u16,
}

/// How long the client waits for a server.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// For a TCP connection.
    pub connect: Duration,
    /// For any byte: three of the keep-alives that real servers send every 30 s.
    pub stall: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), stall: Duration::from_secs(90) }
    }
}

impl std::str::FromStr for StreamUrl {
    type Err = UpstreamError;

    fn from_str(url: &str) -> Result<Self, UpstreamError> {
        let invalid = |reason: String| UpstreamError::InvalidStream { url: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|error: hyper::http::uri::InvalidUri| invalid(error.to_string()))?;
        if uri.scheme_str() != Some("http") {
            return Err(invalid("must begin with http:// (for TLS put a proxy in between)".to_owned()));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(invalid("names no host".to_owned()));
        }
        let port = uri.port_u16().unwrap_or(80);
        Ok(Self { uri, host, port })
    }
}

/// Sends every message of the stream to `messages`, over as many connections as it takes.
pub async fn run(
    url: &StreamUrl,
    limits: ClientLimits,
    messages: mpsc::Sender<Message>,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::default();
    let stream = Stream { url, limits, messages, progress };
    loop {
        let lost = tokio::select! {
            () = shutdown.cancelled() => return,
            () = stream.messages.closed() => return,
            lost = stream.follow() => lost,
        };
        let wait = backoff.wait_after(lost.ending);
        tracing::warn!(reason = %lost.reason, wait_ms = wait.as_millis() as u64, "stream lost, reconnecting");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

struct Stream<'url> {
    url: &'url StreamUrl,
    limits: ClientLimits,
    messages: mpsc::Sender<Message>,
    progress: Arc<Progress>,
}

struct Lost {
    ending: Ending,
    reason: String,
}

impl Lost {
    fn network(reason: impl std::fmt::Display) -> Self {
        Self { ending: Ending::Network, reason: reason.to_string() }
    }
}

impl Stream<'_> {
    /// Follows the stream over one connection, to its end.
    async fn follow(&self) -> Lost {
        let (mut sender, _connection) = match self.connect().await {
            Ok(connected) => connected,
            Err(lost) => return lost,
        };
        let response = match timeout(self.limits.stall, sender.send_request(self.request())).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Lost::network(error),
            Err(_) => return Lost::network("no answer"),
        };
        if response.status() != StatusCode::OK {
            return Lost { ending: Ending::Status, reason: format!("status {}", response.status()) };
        }
        self.progress.add_connection();
        tracing::info!(url = %self.url.uri, "connected to the stream");
        self.read(response).await
    }

    async fn connect(&self) -> Result<(http1::SendRequest<Empty<Bytes>>, AbortOnDropHandle<()>), Lost> {
        let address = (self.url.host.as_str(), self.url.port);
        let connected = timeout(self.limits.connect, TcpStream::connect(address)).await;
        let socket = connected.map_err(|_| Lost::network("no connection in time"))?.map_err(Lost::network)?;
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(Lost::network)?;
        let connection = tokio::spawn(async {
            // The body reports the same error to its reader.
            let _ = connection.await;
        });
        Ok((sender, AbortOnDropHandle::new(connection)))
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let uri = &self.url.uri;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        Request::get(path)
            .header(HOST, authority)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .expect("path and authority come from a valid address")
    }

    async fn read(&self, response: Response<Incoming>) -> Lost {
        let mut body = response.into_body();
        let mut splitter = Splitter::new(MAX_MESSAGE_BYTES);
        let mut pieces = Vec::new();
        let mut ending = Ending::Network;
        let reason = loop {
            let chunk = match timeout(self.limits.stall, body.frame()).await {
                Err(_) => break "stalled".to_owned(),
                Ok(None) => break "ended by the server".to_owned(),
                Ok(Some(Err(error))) => break error.to_string(),
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            splitter.push(&chunk, &mut pieces);
            for piece in pieces.drain(..) {
                ending = Ending::Dropped;
                self.hand_over(&piece).await;
            }
        };
        Lost { ending, reason }
    }

    async fn hand_over(&self, piece: &Piece) {
        let parsed = match piece {
            Piece::Message(bytes) => Message::parse(bytes).map_err(|error| error.to_string()),
            Piece::TooLong => Err(format!("longer than {MAX_MESSAGE_BYTES} bytes")),
        };
        match parsed {
            // A closed channel ends the client in `run`.
            Ok(message) => {
                let _ = self.messages.send(message).await;
            }
            Err(reason) => self.report_malformed(&reason),
        }
    }

    /// At full length only for the 1st, 2nd, 4th, 8th … one, so that a broken server does not fill the log.
    fn report_malformed(&self, reason: &str) {
        let malformed = self.progress.add_malformed();
        if malformed.is_power_of_two() {
            tracing::warn!(malformed, reason, "left out a malformed message of the stream");
        }
    }
}

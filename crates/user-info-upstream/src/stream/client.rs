//! Stays connected to a stream and hands over its messages.
//!
//! Invariant: it ends only when it is cancelled, nobody takes its messages any more, or the server refuses it for good.
//! Whatever else the server does (stall, cut off, send nonsense) is counted, logged and answered with a new connection
//! after the wait of [`crate::stream::backoff`]. While nobody takes messages it reads no further, so memory stays bounded
//! and the server may cut it off, as slow readers are.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub use crate::stream::address::StreamUrl;

use crate::progress::Progress;
use crate::stream::answer::{self, Verdict};
use crate::stream::backoff::{Backoff, Ending};
use crate::stream::credentials::Credentials;
use crate::stream::decoder::{Decoder, Encoding};
use crate::stream::message::Message;
use crate::stream::splitter::{MAX_MESSAGE_BYTES, Piece};
use crate::{UpstreamError, clock};

/// How the client behaves towards a server.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Who it says it is.
    pub credentials: Credentials,
    /// Whether it asks for gzip: less on the wire, more work at both ends.
    pub gzip: bool,
    /// How long it waits.
    pub limits: ClientLimits,
}

/// How long the client waits for a server.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// For a TCP connection.
    pub connect: Duration,
    /// For any byte: three of the keep-alives that real servers send every 30 s.
    pub stall: Duration,
    /// Until a live connection has lasted, so that its loss is the first failure in a row, whatever was before.
    pub lasting: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), stall: Duration::from_secs(90), lasting: Duration::from_secs(60) }
    }
}

/// Sends every message of the stream to `messages`, over as many connections as it takes.
///
/// # Errors
///
/// [`UpstreamError::StreamRefused`] when the server answers with a status that does not pass by itself.
pub async fn run(
    url: &StreamUrl,
    options: &ClientOptions,
    messages: mpsc::Sender<Message>,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    run_with(url, options, messages, progress, shutdown, tokio::time::sleep).await
}

/// The same, with another way to wait between two connections.
pub async fn run_with<Sleeping: Future<Output = ()>>(
    url: &StreamUrl,
    options: &ClientOptions,
    messages: mpsc::Sender<Message>,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
    sleep: impl Fn(Duration) -> Sleeping,
) -> Result<(), UpstreamError> {
    let mut backoff = Backoff::default();
    let stream = Stream { url, options, messages, progress };
    loop {
        let lost = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = stream.messages.closed() => return Ok(()),
            followed = stream.follow() => match followed {
                Followed::Lost(lost) => lost,
                Followed::Refused(error) => return Err(error),
            },
        };
        let wait = backoff.wait_after(lost.ending);
        tracing::warn!(reason = %lost.reason, wait_ms = wait.as_millis() as u64, "stream lost, reconnecting");
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = sleep(wait) => {}
        }
    }
}

struct Stream<'run> {
    url: &'run StreamUrl,
    options: &'run ClientOptions,
    messages: mpsc::Sender<Message>,
    progress: Arc<Progress>,
}

/// How following the stream over one connection ended.
enum Followed {
    /// In a way that may pass.
    Lost(Lost),
    /// For good.
    Refused(UpstreamError),
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
    async fn follow(&self) -> Followed {
        let (response, _connection) = match self.ask().await {
            Ok(answered) => answered,
            Err(lost) => return Followed::Lost(lost),
        };
        let status = response.status();
        let not_now = |ending| Followed::Lost(Lost { ending, reason: format!("status {status}") });
        match answer::judge(status) {
            Verdict::Follow => Followed::Lost(self.read(response).await),
            Verdict::Retry => not_now(Ending::Status),
            Verdict::RateLimited => not_now(Ending::RateLimited),
            Verdict::Fatal { next } => {
                let url = self.url.to_string();
                Followed::Refused(UpstreamError::StreamRefused { url, status: status.as_u16(), next })
            }
        }
    }

    /// Connects and waits for the answer. The connection ends when the handle is dropped.
    async fn ask(&self) -> Result<(Response<Incoming>, AbortOnDropHandle<()>), Lost> {
        let ClientLimits { connect, stall, .. } = self.options.limits;
        let connected = timeout(connect, TcpStream::connect(self.url.host_and_port())).await;
        let socket = connected.map_err(|_| Lost::network("no connection in time"))?.map_err(Lost::network)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(Lost::network)?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async {
            // The body reports the same error to its reader.
            let _ = connection.await;
        }));
        let answered = timeout(stall, sender.send_request(self.request())).await;
        let response = answered.map_err(|_| Lost::network("no answer"))?.map_err(Lost::network)?;
        Ok((response, connection))
    }

    fn request(&self) -> Request<Empty<Bytes>> {
        let mut request = Request::get(self.url.target())
            .header(HOST, self.url.authority())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        if self.options.gzip {
            request = request.header(ACCEPT_ENCODING, "gzip");
        }
        if let Some(authorization) = self.options.credentials.authorization(self.url, clock::now()) {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Empty::new()).expect("path and authority come from a valid address")
    }

    async fn read(&self, response: Response<Incoming>) -> Lost {
        let Some(encoding) = encoding(&response) else {
            let reason = "the body has a content-encoding that was not asked for".to_owned();
            return Lost { ending: Ending::Status, reason };
        };
        self.progress.add_connection();
        tracing::info!(url = %self.url, "connected to the stream");
        let began = Instant::now();
        let mut is_live = false;
        let reason = self.read_body(response.into_body(), encoding, &mut is_live).await;
        let ending = match is_live {
            false => Ending::Network,
            true if began.elapsed() >= self.options.limits.lasting => Ending::Dropped,
            true => Ending::Flapped,
        };
        Lost { ending, reason }
    }

    /// Hands over message after message. Returns why there are no more.
    async fn read_body(&self, mut body: Incoming, encoding: Encoding, is_live: &mut bool) -> String {
        let mut decoder = Decoder::new(encoding, self.url.framing(), MAX_MESSAGE_BYTES);
        let mut pieces = Vec::new();
        loop {
            let chunk = match timeout(self.options.limits.stall, body.frame()).await {
                Err(_) => return "stalled".to_owned(),
                Ok(None) => return "ended by the server".to_owned(),
                Ok(Some(Err(error))) => return error.to_string(),
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            let decoded = decoder.push(&chunk, &mut pieces);
            *is_live |= !chunk.is_empty() && decoded.is_ok();
            for piece in pieces.drain(..) {
                self.hand_over(&piece).await;
            }
            if let Err(error) = decoded {
                return error.to_string();
            }
        }
    }

    async fn hand_over(&self, piece: &Piece) {
        let parsed = match piece {
            Piece::Message(bytes) => Message::parse(bytes).map_err(|error| error.to_string()),
            Piece::TooLong => Err(format!("longer than {MAX_MESSAGE_BYTES} bytes")),
        };
        match parsed {
            Ok(message) => {
                log_notice(&message);
                // A closed channel ends the client in `run`.
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

/// How the body is packed, if it is known how to unpack that.
fn encoding(response: &Response<Incoming>) -> Option<Encoding> {
    match response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Some(Encoding::Plain),
        Some(b"gzip" | b"x-gzip") => Some(Encoding::Gzip),
        Some(_) => None,
    }
}

/// What the server says about this connection; the rest is about the world.
fn log_notice(message: &Message) {
    if let Message::Disconnect { code, reason } = message {
        let meaning = answer::disconnect_reason(*code);
        tracing::warn!(code, reason, "the server ends the connection: {meaning}");
    } else if let Message::Warning { code, message, percent_full } = message {
        tracing::warn!(code, message, percent_full, "the server warns that the stream is read too slowly");
    }
}

//! HTTP/2: how much a client may ask for at once, and when a connection on which nothing moves is closed.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::HEAD_BYTES_MAX;

/// Requests of one connection at a time. A page of a hundred pictures asks for them at once; RFC 9113 wants no less.
const STREAMS_MAX: u32 = 128;

/// Requests that a client took back before they were begun; one more ends the connection. Taking back costs a client nothing
/// and us the work (CVE-2023-44487). This is the default of the `h2` crate.
const TAKEN_BACK_MAX: usize = 20;

/// Requests that we reset because they break the protocol; one more ends the connection. This is hyper's default.
const BROKEN_MAX: usize = 1024;

/// Bytes of one request's body that a client may send before they are read; the largest body has hardly more.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;

/// The same of all requests of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;

/// Bytes of one answer that wait for a client to take them, besides the answer itself.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// After so long without a frame a client is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long it has to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .max_pending_accept_reset_streams(TAKEN_BACK_MAX)
        .max_local_error_reset_streams(BROKEN_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// When something last moved on a connection: a request came, or a piece of an answer was taken.
#[derive(Clone, Debug)]
pub(super) struct Movement {
    began: Instant,
    last_ms: Arc<AtomicU64>,
}

impl Movement {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), last_ms: Arc::default() }
    }

    fn note(&self) {
        self.last_ms.store(self.began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn quiet_for(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }

    /// Resolves when nothing has moved for so long.
    pub(super) async fn ended(self, patience: Duration) {
        while let Some(left) = patience.checked_sub(self.quiet_for()).filter(|left| !left.is_zero()) {
            tokio::time::sleep(left).await;
        }
    }
}

/// A service, or a body, whose movement is noted.
#[derive(Clone, Debug)]
pub(super) struct Noted<T> {
    inner: T,
    movement: Movement,
}

impl<T> Noted<T> {
    pub(super) fn new(inner: T, movement: Movement) -> Self {
        Self { inner, movement }
    }
}

impl<S, B> Service<Request<Incoming>> for Noted<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Noted<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (movement, answer) = (self.movement.clone(), self.inner.call(request));
        movement.note();
        Box::pin(async move {
            let answer = answer.await?;
            movement.note();
            Ok(answer.map(|body| Noted::new(body, movement)))
        })
    }
}

impl<B> Body for Noted<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if polled.is_ready() {
            self.movement.note();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

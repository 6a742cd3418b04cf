//! Accepting connections within limits: how many, how long a head may take, how large it may be, and how long a client
//! may refuse to read. HTTP/1.1 and HTTP/2, with TLS or without.

mod http2;
mod version;

use std::convert::Infallible;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::place::Place;
use crate::tls::{Tls, TlsCounts, is_http2};
use http2::{Movement, Noted};
use version::Version;

/// Largest request head in bytes. A hundred ids of 64 bytes, percent-encoded, take 19 KB.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How long a client may take to say goodbye on a connection on which nothing moves any more.
const GOODBYE: Duration = Duration::from_secs(1);

/// Pause after `accept` failed, for instance because files ran out: trying at once again would only spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Limits of the public address.
#[derive(Clone, Copy, Debug)]
pub struct ListenLimits {
    /// Connections open at once; more are closed at once. Each takes a file and about 40 KB.
    pub connections_max: usize,
    /// How long a request's head may take, and how long a connection may idle between requests.
    pub head_timeout: Duration,
    /// How long a client may leave sent data unread before its connection is dropped.
    pub unread_timeout: Duration,
    /// How long TLS may take to begin.
    pub handshake_timeout: Duration,
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            head_timeout: Duration::from_secs(30),
            unread_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// How listening ends.
#[derive(Clone, Debug)]
pub struct Closing {
    /// No new connections from here on; those without a request are closed, the others after their answer.
    pub signal: CancellationToken,
    /// How long clients have from then on to take their answers. What is left of them is cut off.
    pub grace: Duration,
}

/// What is counted about connections.
#[derive(Clone, Debug, Default)]
pub struct ConnectionCounts {
    /// Those that are open.
    pub open: Gauge,
    /// Those that were refused because too many were open.
    pub refused: Counter,
    /// Those with TLS.
    pub tls: TlsCounts,
}

/// What a connection is held to.
#[derive(Clone)]
struct Terms {
    tls: Option<Tls>,
    limits: ListenLimits,
    counts: ConnectionCounts,
    closing: Closing,
}

/// Serves every client with what `service_for` makes of its address, until told to close, and ends with the last connection.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<Tls>,
    service_for: impl Fn(IpAddr) -> S,
    limits: ListenLimits,
    counts: ConnectionCounts,
    closing: Closing,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let (places, connections) = (Arc::new(Semaphore::new(limits.connections_max)), TaskTracker::new());
    let terms = Terms { tls, limits, counts, closing };
    while let Some(accepted) = terms.closing.signal.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let place = Place::take(place, &terms.counts.open);
                    connections.spawn(connection(stream, service_for(peer.ip()), terms.clone(), place));
                }
                Err(_) => drop(terms.counts.refused.inc()),
            },
            Err(error) => {
                tracing::warn!("accepting a connection failed, trying again: {error}");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection<S, B>(stream: TcpStream, service: S, terms: Terms, _place: Place)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    if prepare(&stream, terms.limits).is_err() {
        return;
    }
    let Terms { tls, limits, counts, closing } = terms;
    let Some(tls) = tls else {
        let version = opened(version::spoken(&stream), limits.head_timeout, &closing).await;
        if let Some(Ok(version)) = version {
            speak(version, stream, service, limits, closing).await;
        }
        return;
    };
    let Some(stream) = opened(tls.accept(stream), limits.handshake_timeout, &closing).await.flatten() else {
        counts.tls.handshakes_failed.inc();
        return;
    };
    let version = if is_http2(&stream) { Version::Http2 } else { Version::Http1 };
    // On the heap, so that connections without TLS have no room for it.
    Box::pin(speak(version, stream, service, limits, closing)).await;
}

/// What a connection begins with; `None` if it took too long, or we are closing.
async fn opened<T>(opening: impl Future<Output = T>, limit: Duration, closing: &Closing) -> Option<T> {
    closing.signal.run_until_cancelled(tokio::time::timeout(limit, opening)).await?.ok()
}

async fn speak<T, S, B>(version: Version, stream: T, service: S, limits: ListenLimits, closing: Closing)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
    S::Future: Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let stream = TokioIo::new(stream);
    match version {
        Version::Http1 => {
            let connection = http1_builder(limits).serve_connection(stream, service);
            until_closed(connection, std::future::pending(), closing).await;
        }
        Version::Http2 => {
            let movement = Movement::new();
            let service = Noted::new(service, movement.clone());
            let stands_still = movement.ended(limits.head_timeout.max(limits.unread_timeout));
            let connection = http2::builder().serve_connection(stream, service);
            Box::pin(until_closed(connection, stands_still, closing)).await;
        }
    }
}

fn http1_builder(limits: ListenLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .half_close(true)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
}

async fn until_closed(connection: impl GracefulConnection, stands_still: impl Future<Output = ()>, closing: Closing) {
    tokio::pin!(connection);
    // An error of the connection is the client's: it went away, or its request was no HTTP and was told so.
    let grace = tokio::select! {
        _ = connection.as_mut() => return,
        () = stands_still => GOODBYE,
        () = closing.signal.cancelled() => closing.grace,
    };
    connection.as_mut().graceful_shutdown();
    if tokio::time::timeout(grace, connection).await.is_err() {
        tracing::info!("a client did not send its request or take its answer in time, its connection is cut off");
    }
}

/// Answers leave at once, and a client that does not read cannot hold its connection for ever.
fn prepare(stream: &TcpStream, limits: ListenLimits) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limits.unread_timeout))
}

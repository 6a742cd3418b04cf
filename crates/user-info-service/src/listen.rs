//! Accepting connections within limits: how many, how long a head may take, how large it may be, and how long a client
//! may refuse to read.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Largest request head in bytes. A hundred ids of 64 bytes, percent-encoded, take 19 KB.
const HEAD_BYTES_MAX: usize = 32 * 1024;

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
}

impl Default for ListenLimits {
    fn default() -> Self {
        Self { connections_max: 10_000, head_timeout: Duration::from_secs(30), unread_timeout: Duration::from_secs(30) }
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
}

/// Serves `service` until told to close, and ends with its last connection.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    limits: ListenLimits,
    counts: ConnectionCounts,
    closing: Closing,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let (places, connections) = (Arc::new(Semaphore::new(limits.connections_max)), TaskTracker::new());
    while let Some(accepted) = closing.signal.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let place = Place::take(place, &counts.open);
                    connections.spawn(connection(stream, service.clone(), limits, closing.clone(), place));
                }
                Err(_) => drop(counts.refused.inc()),
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

/// The place of an open connection.
struct Place {
    open: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn take(permit: OwnedSemaphorePermit, open: &Gauge) -> Self {
        open.inc();
        Self { open: open.clone(), _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.dec();
    }
}

async fn connection<S, B>(stream: TcpStream, service: S, limits: ListenLimits, closing: Closing, _place: Place)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send,
    S::Future: Send,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    if prepare(&stream, limits).is_err() {
        return;
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .half_close(true)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error here is the client's: it went away, or its request was no HTTP and was told so.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = closing.signal.cancelled() => {
            connection.as_mut().graceful_shutdown();
            if tokio::time::timeout(closing.grace, connection).await.is_err() {
                tracing::info!("a client did not send its request or take its answer in time, its connection is cut off");
            }
        }
    }
}

/// Answers leave at once, and a client that does not read cannot hold its connection for ever.
fn prepare(stream: &TcpStream, limits: ListenLimits) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limits.unread_timeout))
}

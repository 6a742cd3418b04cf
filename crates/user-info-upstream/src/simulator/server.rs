//! The HTTP side of the simulator: connections, paths, limits.
//!
//! Invariant: connections, their number, headers and queues are bounded, and every task ends with `shutdown`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::UpstreamError;
use crate::pacer::Pacer;
use crate::replay::Replay;
use crate::simulator::feed::{Feed, Subscriber};
use crate::simulator::simulation::Simulation;
use crate::simulator::source::Source;
use crate::simulator::{STREAM_PATH, SimulatorConfig};

/// How much a client may take up.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at a time; further ones are closed at once.
    pub connections_max: usize,
    /// For the header of a request, from the first byte that could be one.
    pub header_timeout: Duration,
    /// Chunks, of 32 KiB or what a hundredth of a second brings, that may wait for a client before it is cut off.
    pub queue_chunks_max: usize,
    /// Silence before a blank line is sent. Clients give up after 20 s and more.
    pub keep_alive_after: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections_max: 64,
            header_timeout: Duration::from_secs(10),
            queue_chunks_max: 512,
            keep_alive_after: Duration::from_secs(10),
        }
    }
}

/// Wait after a connection could not be accepted: usually the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// For clients to read what is left when the stream has ended.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// Subscriptions on their way to the feed, which takes them at once.
const JOINING_MAX: usize = 16;
/// Longest request header in bytes: many times what any client sends, OAuth included.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Serves the simulated stream until it is cancelled.
pub async fn serve(
    listener: TcpListener,
    config: SimulatorConfig,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    serve_with(listener, config, ServerLimits::default(), shutdown).await
}

/// Serves the simulated stream under other limits than the usual ones.
pub async fn serve_with(
    listener: TcpListener,
    config: SimulatorConfig,
    limits: ServerLimits,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    if config.users == 0 {
        return Err(UpstreamError::InvalidConfig { reason: "the simulator needs at least one user" });
    }
    let simulation = Simulation::new(config.users, config.seed);
    let source = Source::Simulated { simulation: Box::new(simulation), pacer: Pacer::new(config.rate, Instant::now()) };
    serve_source(listener, source, limits, shutdown).await;
    Ok(())
}

/// Serves an archive until it has been served, or this is cancelled. It begins with the first client, stands still while
/// there is none, and ends with a `disconnect` message. Flat out it waits for the slowest client.
pub async fn serve_replay(
    listener: TcpListener,
    replay: Replay,
    limits: ServerLimits,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    serve_source(listener, Source::Replayed(Box::new(replay)), limits, shutdown).await;
    Ok(())
}

async fn serve_source(listener: TcpListener, source: Source, limits: ServerLimits, shutdown: CancellationToken) {
    // Dropped with this future, so that neither cancelling nor dropping it leaves a task behind.
    let stop = shutdown.child_token();
    let _stop_when_dropped = stop.clone().drop_guard();
    let over = CancellationToken::new();
    let (join, joining) = mpsc::channel(JOINING_MAX);
    let feed = Feed::new(source, limits.keep_alive_after).run(joining, stop.clone());
    let tasks = TaskTracker::new();
    tasks.spawn({
        let over = over.clone().drop_guard();
        async move {
            feed.await;
            drop(over);
        }
    });
    let server = Server { limits, join, stop: stop.clone(), over: over.clone(), tasks: tasks.clone() };
    tokio::select! {
        () = stop.cancelled() => {}
        () = over.cancelled() => {}
        () = server.accept(&listener) => {}
    }
    tasks.close();
    if tokio::time::timeout(DRAIN_MAX, tasks.wait()).await.is_err() {
        stop.cancel();
        tasks.wait().await;
    }
}

struct Server {
    limits: ServerLimits,
    join: mpsc::Sender<Subscriber>,
    stop: CancellationToken,
    /// The feed has ended: connections may send what they have, and nothing more.
    over: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    async fn accept(&self, listener: &TcpListener) {
        let slots = Arc::new(Semaphore::new(self.limits.connections_max));
        loop {
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                tracing::warn!(connections_max = self.limits.connections_max, "too many connections, closed a new one");
                continue;
            };
            let connection = self.connection(socket);
            self.tasks.spawn(async {
                connection.await;
                drop(slot);
            });
        }
    }

    /// Serves one connection until it ends or is cut.
    fn connection(&self, socket: TcpStream) -> impl Future<Output = ()> + use<> {
        let cut = self.stop.child_token();
        let client =
            Client { join: self.join.clone(), cut: cut.clone(), queue_chunks_max: self.limits.queue_chunks_max };
        let service = service_fn(move |request| {
            let client = client.clone();
            async move { Ok::<_, Infallible>(client.answer(&request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_header_size(HEADER_BYTES_MAX)
            .serve_connection(TokioIo::new(socket), service);
        let over = self.over.clone();
        async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                () = cut.cancelled() => return,
                ended = connection.as_mut() => ended,
                () = over.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        () = cut.cancelled() => return,
                        ended = connection => ended,
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            }
        }
    }
}

/// What a request can reach.
#[derive(Clone)]
struct Client {
    join: mpsc::Sender<Subscriber>,
    cut: CancellationToken,
    queue_chunks_max: usize,
}

type ResponseBody = Either<Full<Bytes>, LiveStream>;

impl Client {
    async fn answer(&self, request: &Request<Incoming>) -> Response<ResponseBody> {
        if request.method() == Method::GET && request.uri().path() == STREAM_PATH {
            self.subscribe().await
        } else {
            error(StatusCode::NOT_FOUND, r#"{"errors":[{"code":34,"message":"Sorry, that page does not exist"}]}"#)
        }
    }

    async fn subscribe(&self) -> Response<ResponseBody> {
        let (queue, chunks) = mpsc::channel(self.queue_chunks_max);
        match self.join.send(Subscriber { queue, cut: self.cut.clone() }).await {
            Ok(()) => json(StatusCode::OK, Either::Right(LiveStream(chunks))),
            Err(_) => error(StatusCode::SERVICE_UNAVAILABLE, r#"{"errors":[{"code":130,"message":"Over capacity"}]}"#),
        }
    }
}

fn error(status: StatusCode, body: &'static str) -> Response<ResponseBody> {
    json(status, Either::Left(Full::from(body)))
}

fn json(status: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The body of a stream: chunk after chunk, until the feed ends.
struct LiveStream(mpsc::Receiver<Bytes>);

impl Body for LiveStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

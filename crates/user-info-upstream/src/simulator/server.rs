//! The HTTP side of the simulator: connections and their limits. Requests are answered in `answer`.
//!
//! Invariant: connections, their number, headers and queues are bounded, and every task ends with `shutdown`: a
//! stream that is being read with a `disconnect` message, others a second later.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::UpstreamError;
use crate::replay::Replay;
use crate::simulator::SimulatorConfig;
use crate::simulator::answer::{Client, Desk};
use crate::simulator::batch::Batcher;
use crate::simulator::departure::{DRAIN_MAX, Departure};
use crate::simulator::feed::Feed;
use crate::simulator::options::ServerOptions;
use crate::simulator::source::Source;

/// Wait after a connection could not be accepted: usually the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// Subscriptions on their way to the feed, which takes them at once.
const JOINING_MAX: usize = 16;
/// Longest request header in bytes: many times what any client sends, OAuth included.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// What the system may keep for a client: so little that data waits in the queue, which is bounded, is shared and warns.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// What is written and on its way to the system, at least and, but for a last chunk, at most.
const WRITE_BUFFER_BYTES: usize = 64 * 1024;

/// Serves the simulated stream until it is cancelled.
pub async fn serve(
    listener: TcpListener,
    config: SimulatorConfig,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    serve_with(listener, config, ServerOptions::default(), shutdown).await
}

/// Serves the simulated stream in another way than the usual one.
pub async fn serve_with(
    listener: TcpListener,
    config: SimulatorConfig,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    if config.users == 0 {
        return Err(UpstreamError::InvalidConfig { reason: "the simulator needs at least one user" });
    }
    serve_source(listener, Source::simulated(config), options, shutdown).await
}

/// Serves an archive until it has been served, or this is cancelled. It begins with the first client, stands still while
/// there is none, and ends with a `disconnect` message. Flat out it waits for the slowest client.
pub async fn serve_replay(
    listener: TcpListener,
    replay: Replay,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    serve_source(listener, Source::Replayed(Box::new(replay)), options, shutdown).await
}

async fn serve_source(
    listener: TcpListener,
    source: Source,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    options.check()?;
    // Dropped with this future, so that neither cancelling nor dropping it leaves a task behind.
    let (stop, cut) = (shutdown.child_token(), CancellationToken::new());
    let _stop_when_dropped = (stop.clone().drop_guard(), cut.clone().drop_guard());
    let farewell_max = options.limits.farewell_max;
    let (join, joining) = mpsc::channel(JOINING_MAX);
    let feed = Feed::new(source, Batcher::new(options.sample, options.line_feeds)).run(joining, stop.clone());
    let (tasks, over) = (TaskTracker::new(), stop.clone().drop_guard());
    tasks.spawn(async move {
        feed.await;
        drop(over);
    });
    let server = Server { desk: Arc::new(Desk::new(options, join)), stop, cut: cut.clone(), tasks: tasks.clone() };
    tokio::select! {
        () = server.stop.cancelled() => {}
        () = server.accept(&listener) => {}
    }
    drop(listener);
    tasks.close();
    tokio::select! {
        () = tasks.wait() => {}
        () = patience(&shutdown, farewell_max) => {
            cut.cancel();
            tasks.wait().await;
        }
    }
    Ok(())
}

/// Returns when clients have had the time to read the end of a stream: long if it ended by itself.
async fn patience(shutdown: &CancellationToken, farewell_max: Duration) {
    if timeout(DRAIN_MAX, shutdown.cancelled()).await.is_ok() {
        tokio::time::sleep(farewell_max).await;
    }
}

struct Server {
    desk: Arc<Desk>,
    /// No more requests.
    stop: CancellationToken,
    /// Nothing more at all.
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    async fn accept(&self, listener: &TcpListener) {
        let connections_max = self.desk.options.limits.connections_max;
        let slots = Arc::new(Semaphore::new(connections_max));
        loop {
            let (socket, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                tracing::warn!(connections_max, "too many connections, closed a new one");
                continue;
            };
            let connection = self.connection(socket, peer.ip());
            self.tasks.spawn(async {
                connection.await;
                drop(slot);
            });
        }
    }

    /// Serves one connection until it ends or is cut.
    fn connection(&self, socket: TcpStream, address: IpAddr) -> impl Future<Output = ()> + use<> {
        // A delayed message is no live message. Without these a connection only costs more.
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER_BYTES);
        let (stop, cut) = (self.stop.clone(), self.cut.clone());
        let farewell_max = self.desk.options.limits.farewell_max;
        let departure = Arc::new(Departure::default());
        let client = Client { desk: Arc::clone(&self.desk), address, departure: Arc::clone(&departure) };
        let service = service_fn(move |request| {
            let client = client.clone();
            async move { Ok::<_, Infallible>(client.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.desk.options.limits.header_timeout)
            .max_header_size(HEADER_BYTES_MAX)
            .max_buf_size(WRITE_BUFFER_BYTES)
            .serve_connection(TokioIo::new(socket), service);
        async move {
            let mut connection = Box::pin(connection);
            let serving = async {
                tokio::select! {
                    ended = connection.as_mut() => return ended,
                    () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
                }
                connection.await
            };
            tokio::select! {
                () = cut.cancelled() => {}
                () = departure.due(farewell_max) => {}
                ended = serving => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                }
            }
        }
    }
}

//! The HTTP side of the simulator: connections and limits. What a request asks for is read in `request`, who asks in
//! `authorization`, what they get is written in `delivery`.
//!
//! Invariant: connections, their number, headers, forms and queues are bounded, and every task ends with `shutdown`: a
//! stream that is being read with a `disconnect` message, others a second later.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, VARY, WWW_AUTHENTICATE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::replay::Replay;
use crate::simulator::accounts::{Accounts, Connection};
use crate::simulator::authorization::{Account, Authorizer};
use crate::simulator::batch::Batcher;
use crate::simulator::delivery::{Delivery, Terms};
use crate::simulator::departure::{DRAIN_MAX, Departure};
use crate::simulator::faults::Mischief;
use crate::simulator::feed::{Feed, Subscriber};
use crate::simulator::options::ServerOptions;
use crate::simulator::refusal::Refusal;
use crate::simulator::request::StreamRequest;
use crate::simulator::source::Source;
use crate::simulator::{STREAM_PATH, SimulatorConfig};
use crate::stream::oauth;
use crate::{UpstreamError, clock};

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
/// Longest form in bytes: a stream has two parameters, and clients send a few more.
const FORM_BYTES_MAX: usize = 16 * 1024;

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

/// What all requests share.
struct Desk {
    options: ServerOptions,
    authorizer: Authorizer,
    accounts: Arc<Accounts>,
    join: mpsc::Sender<Subscriber>,
    requests: AtomicU64,
}

impl Desk {
    fn new(options: ServerOptions, join: mpsc::Sender<Subscriber>) -> Self {
        let authorizer = Authorizer::new(options.keys.clone());
        let accounts = Arc::new(Accounts::new(options.accounts));
        Self { options, authorizer, accounts, join, requests: AtomicU64::new(0) }
    }
}

/// A connection, from the request's point of view.
#[derive(Clone)]
struct Client {
    desk: Arc<Desk>,
    address: IpAddr,
    departure: Arc<Departure>,
}

type ResponseBody = Either<Full<Bytes>, StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

impl Client {
    async fn answer(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        let traffic = &self.desk.options.traffic;
        match self.open(request).await {
            Ok(response) => {
                traffic.add_stream();
                response
            }
            Err(refusal) => {
                traffic.add_refusal();
                refused(refusal)
            }
        }
    }

    async fn open(&self, request: Request<Incoming>) -> Result<Response<ResponseBody>, Refusal> {
        if request.uri().path() != STREAM_PATH {
            return Err(Refusal::NotFound);
        }
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return Err(Refusal::MethodNotAllowed);
        }
        let connection = self.desk.requests.fetch_add(1, Ordering::Relaxed);
        if connection < self.desk.options.faults.unavailable_first {
            return Err(Refusal::OverCapacity);
        }
        let (head, body) = request.into_parts();
        let parameters = self.parameters(&head, body).await?;
        let wanted = StreamRequest::new(&parameters, &head.headers)?;
        let account = self.account(&head, &parameters)?;
        self.subscribe(wanted, account, connection).await
    }

    /// Those of the query and then those of the form.
    async fn parameters(
        &self,
        head: &hyper::http::request::Parts,
        body: Incoming,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let read = timeout(self.desk.options.limits.header_timeout, Limited::new(body, FORM_BYTES_MAX).collect());
        let body = read.await.map_err(|_| Refusal::Incomplete)?;
        let body = body.map_err(|error| {
            let too_long = error.is::<http_body_util::LengthLimitError>();
            if too_long { Refusal::TooLarge } else { Refusal::Incomplete }
        })?;
        let form = if is_form(head) { body.to_bytes() } else { Bytes::new() };
        let query = head.uri.query().unwrap_or_default();
        let pairs = [query.as_bytes(), &form].into_iter().flat_map(form_urlencoded::parse);
        Ok(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn account(&self, head: &hyper::http::request::Parts, parameters: &[(String, String)]) -> Result<Account, Refusal> {
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let url = format!("{}{}", oauth::origin(text(HOST).unwrap_or_default()), head.uri.path());
        let signed = oauth::Request { method: head.method.as_str(), url: &url, parameters };
        let now_s = clock::now().as_millis() / 1_000;
        self.desk.authorizer.account(text(AUTHORIZATION), &signed, self.address, now_s)
    }

    async fn subscribe(
        &self,
        request: StreamRequest,
        account: Account,
        connection: u64,
    ) -> Result<Response<ResponseBody>, Refusal> {
        let ServerOptions { limits, faults, traffic, .. } = &self.desk.options;
        let departure = Arc::clone(&self.departure);
        let place = Connection { request, address: self.address, departure: Arc::clone(&departure) };
        let seat = Arc::clone(&self.desk.accounts).enter(account, place, Instant::now())?;
        let (queue, batches) = mpsc::channel(limits.queue_chunks_max);
        let subscriber = Subscriber { queue, departure: Arc::clone(&departure) };
        self.desk.join.send(subscriber).await.map_err(|_| Refusal::OverCapacity)?;
        let mischief = faults.touch_stream().then(|| Mischief::new(*faults, connection));
        let (keep_alive_after, traffic) = (limits.keep_alive_after, Arc::clone(traffic));
        let terms = Terms { request, keep_alive_after, departure, mischief, traffic, seat };
        Ok(live(request, Delivery::new(batches, terms)))
    }
}

fn is_form(head: &hyper::http::request::Parts) -> bool {
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.split(';').next().is_some_and(|name| name.trim() == "application/x-www-form-urlencoded")
}

fn live(request: StreamRequest, delivery: Delivery) -> Response<ResponseBody> {
    let frames = unfold(delivery, |mut delivery| async {
        let bytes = delivery.next().await?;
        Some((Ok(Frame::data(bytes)), delivery))
    });
    let mut response = json(StatusCode::OK, Either::Right(StreamBody::new(frames.boxed())));
    let headers = response.headers_mut();
    // A stream that ends says all there was to say.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if request.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn refused(refusal: Refusal) -> Response<ResponseBody> {
    let mut response = json(refusal.status(), Either::Left(Full::from(refusal.body())));
    match refusal.status() {
        StatusCode::METHOD_NOT_ALLOWED => response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST")),
        StatusCode::UNAUTHORIZED => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("OAuth realm=\"stream\", Bearer"))
        }
        _ => None,
    };
    response
}

fn json(status: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

//! What a request is answered: a stream, or the refusal that names its mistake. What it asks for is read in `request`, who
//! asks in `authorization`, what they get is written in `delivery`.
//!
//! Invariant: headers and forms are bounded, and nobody gets a stream who is not in the books of `accounts`.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, VARY, WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::clock;
use crate::simulator::STREAM_PATH;
use crate::simulator::accounts::{Accounts, Connection};
use crate::simulator::authorization::{Account, Authorizer};
use crate::simulator::delivery::{Delivery, Terms};
use crate::simulator::departure::Departure;
use crate::simulator::faults::Mischief;
use crate::simulator::feed::Subscriber;
use crate::simulator::options::ServerOptions;
use crate::simulator::refusal::Refusal;
use crate::simulator::request::StreamRequest;
use crate::stream::oauth;

/// Longest form in bytes: a stream has two parameters, and clients send a few more.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// What all requests share.
pub(super) struct Desk {
    pub(super) options: ServerOptions,
    authorizer: Authorizer,
    accounts: Arc<Accounts>,
    join: mpsc::Sender<Subscriber>,
    requests: AtomicU64,
}

impl Desk {
    pub(super) fn new(options: ServerOptions, join: mpsc::Sender<Subscriber>) -> Self {
        let authorizer = Authorizer::new(options.keys.clone());
        let accounts = Arc::new(Accounts::new(options.accounts));
        Self { options, authorizer, accounts, join, requests: AtomicU64::new(0) }
    }
}

/// A connection, from the request's point of view.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) desk: Arc<Desk>,
    pub(super) address: IpAddr,
    pub(super) departure: Arc<Departure>,
}

pub(super) type ResponseBody = Either<Full<Bytes>, StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

impl Client {
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<ResponseBody> {
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
    async fn parameters(&self, head: &Parts, body: Incoming) -> Result<Vec<(String, String)>, Refusal> {
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

    fn account(&self, head: &Parts, parameters: &[(String, String)]) -> Result<Account, Refusal> {
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
        let ServerOptions { limits, faults, upkeep, traffic, .. } = &self.desk.options;
        let departure = Arc::clone(&self.departure);
        let place = Connection { request, address: self.address, departure: Arc::clone(&departure) };
        let seat = Arc::clone(&self.desk.accounts).enter(account, place, Instant::now())?;
        let (queue, batches) = mpsc::channel(limits.queue_chunks_max);
        let subscriber = Subscriber { queue, departure: Arc::clone(&departure) };
        self.desk.join.send(subscriber).await.map_err(|_| Refusal::OverCapacity)?;
        let mischief = faults.touch_stream().then(|| Mischief::new(*faults, connection));
        let (keep_alive_after, traffic) = (limits.keep_alive_after, Arc::clone(traffic));
        let upkeep = *upkeep;
        let terms = Terms { request, keep_alive_after, departure, mischief, upkeep, traffic, seat };
        Ok(live(request, Delivery::new(batches, terms)))
    }
}

fn is_form(head: &Parts) -> bool {
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

//! The floor: our own HTTP front, answering the same bytes to everybody. What generator, kernel and HTTP take by themselves; no
//! server on this front can be faster.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_service::listen::{Closing, ConnectionCounts, ListenLimits, serve};

/// How long clients have to take their last answers.
const GRACE: Duration = Duration::from_secs(1);

/// Answers every request with this body until told to stop.
pub async fn run(listener: TcpListener, body: Bytes, stop: CancellationToken) {
    let service_for = |_| {
        let body = body.clone();
        service_fn(move |_: Request<Incoming>| {
            let answer = answer(body.clone());
            async move { Ok::<_, Infallible>(answer) }
        })
    };
    let closing = Closing { signal: stop, grace: GRACE };
    serve(listener, None, service_for, ListenLimits::default(), ConnectionCounts::default(), closing).await;
}

/// As many headers as an answer about a user has.
fn answer(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ETAG, HeaderValue::from_static("\"0123456789abcdef\""));
    response
}

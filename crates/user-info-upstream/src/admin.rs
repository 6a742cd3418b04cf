//! The operator's address of a service or of the stream, `/health` and `/metrics`, and its progress line.
//!
//! Invariant: bounded by [`CONNECTIONS_MAX`] connections, heads of [`HEAD_BYTES_MAX`] that take [`HEAD_TIMEOUT`] at most,
//! and nothing else is read of a request.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections open at once, a few probes, scrapers and people; more are closed.
pub const CONNECTIONS_MAX: usize = 64;
/// Largest head of a request in bytes, the least that hyper takes.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;
/// How long a head may take, and a connection idle between requests.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after accepting failed, usually because no file is left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// The media types of the answers.
const OPENMETRICS: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What can be told of a running service: in a line, by its [`fmt::Display`], and as metrics.
pub trait Report: fmt::Display + Send + Sync {
    /// Adds every figure as it stands.
    fn register(&self, registry: &mut Registry);
}

/// Answers operators until it is cancelled.
pub async fn serve(listener: TcpListener, reports: Vec<Arc<dyn Report>>, shutdown: CancellationToken) {
    let reports: Arc<[Arc<dyn Report>]> = reports.into();
    let (places, connections) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), TaskTracker::new());
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, _)) => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let connection = connection(socket, Arc::clone(&reports), shutdown.clone());
                connections.spawn(async {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accepting an operator's connection failed, trying again");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

async fn connection(socket: TcpStream, reports: Arc<[Arc<dyn Report>]>, shutdown: CancellationToken) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &reports);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    // An error is the client's: it went away, or sent no HTTP and was told so.
    let _ = shutdown.run_until_cancelled(connection).await;
}

fn answer(request: &Request<Incoming>, reports: &[Arc<dyn Report>]) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/health") => response(StatusCode::OK, TEXT, "ok\n".to_owned()),
        (&Method::GET, "/metrics") => response(StatusCode::OK, OPENMETRICS, metrics(reports)),
        _ => response(StatusCode::NOT_FOUND, TEXT, "there are GET /health and GET /metrics\n".to_owned()),
    }
}

fn response(status: StatusCode, content_type: HeaderValue, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// All figures as OpenMetrics text.
fn metrics(reports: &[Arc<dyn Report>]) -> String {
    let mut registry = Registry::with_prefix("user_info_upstream");
    for report in reports {
        report.register(&mut registry);
    }
    let mut text = String::new();
    encode(&mut text, &registry).expect("writing to a String cannot fail");
    text
}

/// Logs the progress line at an interval until it is cancelled.
pub async fn log_progress(service: &str, report: &dyn Report, interval: Duration, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
        tracing::info!(service, "{report}");
    }
}

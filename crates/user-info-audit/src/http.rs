//! A small HTTP client for one server: GET only, with TLS or without, every wait and every answer bounded.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::RETRY_AFTER;
use hyper::{HeaderMap, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

use crate::error::AuditError;
use crate::https;

/// The header that says where an answer stands.
const POSITIONS: &str = "user-info-positions";

/// How long one answer may take. A thousand times the time that is promised.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Largest answer that is read: a hundred users whose texts all have their greatest length, every character escaped.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How often a request is sent when the connection fails: a kept connection may have been closed by the server.
const ATTEMPTS: usize = 3;

/// Pause before a server that is not ready is asked again, unless it names one.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Shortest and longest pause that a server may ask for and get.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(10);
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(5);

type Source = Box<dyn Error + Send + Sync>;

/// A client of one server.
pub(crate) struct Client {
    runtime: Runtime,
    http: HyperClient<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    base: String,
    patience: Duration,
}

/// An answer.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) positions: Option<String>,
    pub(crate) body: Bytes,
    retry_after: Duration,
}

impl Client {
    /// A client of the server at `url`, which waits for `patience` while the server is not ready.
    pub(crate) fn new(url: &str, patience: Duration) -> Result<Self, AuditError> {
        let base = url.trim_end_matches('/').to_owned();
        let server = check(&base).map_err(|reason| AuditError::InvalidServer { url: url.to_owned(), reason })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(AuditError::Client)?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(ANSWER_TIME));
        connector.set_nodelay(true);
        let connector = https::connector(&server, connector).map_err(AuditError::Client)?;
        let http = HyperClient::builder(TokioExecutor::new()).build(connector);
        Ok(Self { runtime, http, base, patience })
    }

    /// The answer to `GET path`, which begins with a slash. 503 is waited out.
    pub(crate) fn get(&self, path: &str) -> Result<Answered, AuditError> {
        let deadline = Instant::now() + self.patience;
        let mut failures = 0;
        loop {
            match self.runtime.block_on(self.ask(path)) {
                Ok(answered) if answered.status == StatusCode::SERVICE_UNAVAILABLE => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(AuditError::NotReady { url: self.base.clone(), waited: self.patience });
                    }
                    thread::sleep(answered.retry_after.min(left));
                }
                Ok(answered) => return Ok(answered),
                Err(source) => {
                    failures += 1;
                    if failures == ATTEMPTS {
                        return Err(AuditError::Unreachable { url: self.base.clone(), source });
                    }
                }
            }
        }
    }

    /// The error for an answer that the contract does not have.
    pub(crate) fn unexpected(&self, reason: String) -> AuditError {
        AuditError::Answer { url: self.base.clone(), reason }
    }

    async fn ask(&self, path: &str) -> Result<Answered, Source> {
        let uri: Uri = format!("{}{path}", self.base).parse()?;
        let answer = async {
            let answer = self.http.get(uri).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
            Ok::<_, Source>((head, body))
        };
        let (head, body) = tokio::time::timeout(ANSWER_TIME, answer).await??;
        let positions = text(&head.headers, POSITIONS).map(str::to_owned);
        Ok(Answered { status: head.status.as_u16(), positions, body, retry_after: retry_after(&head.headers) })
    }
}

fn check(url: &str) -> Result<Uri, &'static str> {
    let expected = "not a URL; expected one such as http://127.0.0.1:8080";
    let uri: Uri = url.parse().map_err(|_| expected)?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.query().is_none() => Ok(uri),
        Some("http" | "https") => Err("the URL must not have a query; expected one such as http://127.0.0.1:8080"),
        Some(_) | None => Err(expected),
    }
}

fn text<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    headers.get(name)?.to_str().ok()
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = text(headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
    seconds.map_or(RETRY_PAUSE, Duration::from_secs).clamp(RETRY_PAUSE_MIN, RETRY_PAUSE_MAX)
}

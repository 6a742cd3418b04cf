//! What an app on a phone does so that a user page costs few bytes and little battery: one connection of HTTP/2, only the
//! fields that are shown, what it has already not a second time, packed lists, and live counts only while somebody looks.
//!
//! `docs/phone.md` says why, and what each step takes.

use std::collections::HashMap;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use anyhow::{Context as _, bail, ensure};
use flate2::read::GzDecoder;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::http::request::Builder;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value, json};
use sse_stream::SseStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What the screen of a profile shows.
const PROFILE_FIELDS: &str = "user_id,username,name,bio,location,url,joined_at,profile_image_url,background_image_url";

/// What moves on it.
const COUNT_FIELDS: &str = "tweet_count,following_count,followers_count,like_count,list_count";

/// What a row of a list shows.
const FACE_FIELDS: [&str; 4] = ["user_id", "username", "name", "profile_image_url"];

/// Rows that are asked for at once, as many as the server takes.
const BATCH_IDS_MAX: usize = 1_000;

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The app's side of one server.
pub(crate) struct Phone {
    server: SendRequest<Full<Bytes>>,
    base: Uri,
    traffic: Arc<Traffic>,
    /// The last answer from each address, with its entity tag.
    answers: HashMap<String, (String, Value)>,
    /// The people of lists, by id; `None` of who cannot be shown.
    faces: HashMap<String, Option<Value>>,
    /// The last event that was seen of each user.
    last_events: HashMap<String, String>,
}

/// Bytes that went through the socket: what the network carries without the heads of its packets.
#[derive(Debug, Default)]
struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

/// An answer, and whether the server had to send it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// It is another one than before.
    New(Value),
    /// It is the one that the app has: 304.
    Same(Value),
}

/// Live counts of one user.
pub(crate) struct Live {
    user: String,
    events: SseStream<Incoming>,
    last_event: Option<String>,
}

impl Phone {
    /// Connects: with TLS to `https`, if one of the authorities vouches for the server, and without to `http`, which only a
    /// demo should do.
    pub(crate) async fn connect(server: &Uri, authorities: RootCertStore) -> anyhow::Result<Self> {
        let host = server.host().context("the server's address has no host")?;
        let encrypted = server.scheme_str() == Some("https");
        let port = server.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let traffic = Arc::<Traffic>::default();
        let socket = TcpStream::connect((host, port)).await.with_context(|| format!("connecting to {server}"))?;
        socket.set_nodelay(true)?;
        let socket = Counted { socket, traffic: Arc::clone(&traffic) };
        let connected = if encrypted {
            let name = ServerName::try_from(host.to_owned())?;
            let stream = TlsConnector::from(Arc::new(tls(authorities)?)).connect(name, socket).await?;
            http2(stream).await?
        } else {
            http2(socket).await?
        };
        let (answers, faces, last_events) = (HashMap::new(), HashMap::new(), HashMap::new());
        Ok(Self { server: connected, base: server.clone(), traffic, answers, faces, last_events })
    }

    /// What the head of a profile's screen shows. Whoever comes back to it costs a few dozen bytes as long as it is the same,
    /// however fast the counts move: they are not asked for.
    pub(crate) async fn profile(&mut self, user: &str) -> anyhow::Result<Answer> {
        let path = format!("/users/{user}?fields={PROFILE_FIELDS}");
        let mut request = self.request("GET", &path);
        if let Some((etag, _)) = self.answers.get(&path) {
            request = request.header("if-none-match", etag);
        }
        let response = self.send(request.body(Full::default())?).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            let (_, known) = self.answers.get(&path).context("304 for what was not asked with an entity tag")?;
            return Ok(Answer::Same(known.clone()));
        }
        let etag = response.headers().get("etag").and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let profile = read(response).await?;
        if let Some(etag) = etag {
            self.answers.insert(path, (etag, profile.clone()));
        }
        Ok(Answer::New(profile))
    }

    /// The people of a list, in its order: those that the app has not met in one request, packed. Who is unknown or withheld
    /// is left out.
    pub(crate) async fn faces(&mut self, users: &[&str]) -> anyhow::Result<Vec<Value>> {
        let missing: Vec<&str> = users.iter().copied().filter(|user| !self.faces.contains_key(*user)).collect();
        for ids in missing.chunks(BATCH_IDS_MAX) {
            let body = json!({ "ids": ids, "fields": FACE_FIELDS }).to_string();
            let request = self.request("POST", "/users/batch").header("content-type", "application/json");
            let mut answer = read(self.send(request.body(body.into())?).await?).await?;
            let found = answer["users"].as_array_mut().context("an answer to a batch without users")?;
            for face in found.drain(..) {
                let id = face["user_id"].as_str().context("a user without an id")?.to_owned();
                self.faces.insert(id, Some(face));
            }
            for user in ids {
                self.faces.entry((*user).to_owned()).or_default();
            }
        }
        Ok(users.iter().filter_map(|user| self.faces.get(*user).cloned().flatten()).collect())
    }

    /// The counts of a user, now and as they change. For as long as the screen is in front; hand it back then.
    pub(crate) async fn watch(&mut self, user: &str) -> anyhow::Result<Live> {
        let path = format!("/users/{user}/events?fields={COUNT_FIELDS}");
        let mut request = self.request("GET", &path).header("accept", "text/event-stream");
        let last_event = self.last_events.get(user).cloned();
        if let Some(last_event) = &last_event {
            request = request.header("last-event-id", last_event);
        }
        let response = self.send(request.body(Full::default())?).await?;
        ensure!(response.status() == StatusCode::OK, "{}: {}", response.status(), read(response).await?);
        Ok(Live { user: user.to_owned(), events: SseStream::new(response.into_body()), last_event })
    }

    /// Nobody looks any more: the stream is given up, and not a byte comes from then on. What was seen last is kept, so that
    /// coming back costs one event only if there is something new.
    pub(crate) fn leave(&mut self, live: Live) {
        if let Some(last_event) = live.last_event {
            self.last_events.insert(live.user, last_event);
        }
    }

    /// Bytes sent and received so far.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        (self.traffic.sent.load(Ordering::Relaxed), self.traffic.received.load(Ordering::Relaxed))
    }

    fn request(&self, method: &str, path: &str) -> Builder {
        let address = format!("{}{path}", self.base.to_string().trim_end_matches('/'));
        Request::builder().method(method).uri(address).header("accept-encoding", "gzip")
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
        self.server.ready().await?;
        Ok(self.server.send_request(request).await?)
    }
}

impl Live {
    /// The counts as they are, first now and then after each change. `None` when the server ends the stream.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Map<String, Value>>> {
        while let Some(event) = self.events.next().await {
            let event = event.context("the stream broke off")?;
            // A comment of the server, to say that it is there.
            let Some(data) = event.data else { continue };
            self.last_event = event.id.or(self.last_event.take());
            match event.event.as_deref() {
                Some("user") => return Ok(Some(serde_json::from_str(&data)?)),
                other => bail!("the user cannot be shown any more ({}): {data}", other.unwrap_or_default()),
            }
        }
        Ok(None)
    }
}

fn tls(authorities: RootCertStore) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(authorities).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

async fn http2<T>(stream: T) -> anyhow::Result<SendRequest<Full<Bytes>>>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (server, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    // It ends with the server's side or with the app's; whoever waits for an answer is told by the answer.
    tokio::spawn(connection);
    Ok(server)
}

async fn read(response: Response<Incoming>) -> anyhow::Result<Value> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| anyhow::anyhow!("{error}"))?;
    let body = body.to_bytes();
    let answer: Value = match head.headers.get("content-encoding").map(|coding| coding.as_bytes()) {
        None => serde_json::from_slice(&body)?,
        Some(b"gzip") => serde_json::from_reader(GzDecoder::new(&body[..]).take(ANSWER_BYTES_MAX as u64))?,
        Some(other) => bail!("an answer packed with {:?}, which was not asked for", String::from_utf8_lossy(other)),
    };
    ensure!(head.status.is_success(), "{}: {}", head.status, answer["detail"].as_str().unwrap_or("no reason given"));
    Ok(answer)
}

/// A socket whose bytes are counted.
struct Counted {
    socket: TcpStream,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(context, into);
        self.traffic.received.fetch_add((into.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &polled {
            self.traffic.sent.fetch_add(*count as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

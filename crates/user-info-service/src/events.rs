//! Live counts: a user's record as server-sent events (HTML Living Standard, section "Server-sent events"), now and after
//! each change.
//!
//! A stream holds no queue. It is asked for the next event when the connection can take one, and then looks up what is true
//! at that moment; whoever reads slowly gets fewer events, each of them the latest.
//!
//! Invariant: after the last change the last event is the record as it is. Two events in a row are never the same.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use user_info_core::Id;
use user_info_store::{Store, StoreError, UserRecord};

use crate::answer::{Found, etag, found, json};
use crate::body::AnswerBody;
use crate::changes::{Changes, Subscription};
use crate::clock::now_ms;
use crate::view::SharedView;

/// Limits of streams of events.
#[derive(Clone, Copy, Debug)]
pub struct EventLimits {
    /// Streams open at once; more are refused. Each holds a connection, and reads one record for each of its events.
    pub streams_max: usize,
    /// Silence before a comment is sent. Proxies cut off connections that are silent for a minute, and a phone should not be
    /// woken more often than it must.
    pub heartbeat: Duration,
    /// Least time between two events of a stream: faster than an eye follows, and a bound on what the most popular user
    /// costs.
    pub interval_min: Duration,
}

impl Default for EventLimits {
    fn default() -> Self {
        Self { streams_max: 5_000, heartbeat: Duration::from_secs(15), interval_min: Duration::from_millis(100) }
    }
}

/// How long to wait before the store is asked again when it did not answer.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What a client waits before it connects again, in milliseconds; stands at the beginning of a stream.
const RECONNECT_MS: u32 = 2_000;

/// What all streams share.
#[derive(Clone)]
pub struct Events {
    /// The records.
    pub store: Store,
    /// The newest view.
    pub view: SharedView,
    /// Who waits for whom.
    pub changes: Arc<Changes<Event>>,
    /// How they are held down.
    pub limits: EventLimits,
    /// One permit for each stream.
    pub places: Arc<Semaphore>,
    /// Streams and events are counted.
    pub counts: EventCounts,
    /// Ends all streams.
    pub closing: CancellationToken,
}

/// What is counted about streams of events.
#[derive(Clone, Debug, Default)]
pub struct EventCounts {
    /// Streams that are open.
    pub open: Gauge,
    /// Streams that were refused because too many were open.
    pub refused: Counter,
    /// Events that were sent, without comments.
    pub sent: Counter,
}

/// A stream before its first event. Changes from here on are not missed.
pub struct Opened {
    events: Events,
    subscription: Subscription<Event>,
    place: OwnedSemaphorePermit,
}

impl Events {
    /// Takes a place and begins to listen. `None` if as many streams are open as may be.
    pub fn open(&self, user: Id) -> Option<Opened> {
        let opened = self.take_place(user);
        if opened.is_none() {
            self.counts.refused.inc();
        }
        opened
    }

    fn take_place(&self, user: Id) -> Option<Opened> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let subscription = self.changes.subscribe(user)?;
        Some(Opened { events: self.clone(), subscription, place })
    }
}

impl Opened {
    /// The body: the record as it is, unless the client names it as the last event that it knows, and then each change.
    pub fn stream(self, last_event_id: Option<&str>) -> AnswerBody {
        let Self { events, subscription, place } = self;
        events.counts.open.inc();
        let now = Instant::now();
        let told = last_event_id.map(str::to_owned);
        let live = Live { events, subscription, _place: place, told, began: false, look: true, not_before: now };
        let frames = unfold(live, |mut live| async {
            let bytes = live.next().await?;
            Some((Ok::<_, Infallible>(Frame::data(bytes)), live))
        });
        AnswerBody::Right(StreamBody::new(frames).boxed_unsync())
    }
}

/// One stream.
struct Live {
    events: Events,
    subscription: Subscription<Event>,
    _place: OwnedSemaphorePermit,
    /// The id of what the client knows.
    told: Option<String>,
    /// Whether anything was sent.
    began: bool,
    /// Whether the record may be another than the client knows.
    look: bool,
    /// When the store may be asked next.
    not_before: Instant,
}

impl Live {
    /// The next event or comment; `None` when the service stops.
    async fn next(&mut self) -> Option<Bytes> {
        let closing = self.events.closing.clone();
        let text = closing.run_until_cancelled(self.wait_for_next()).await?;
        if std::mem::replace(&mut self.began, true) {
            return Some(text);
        }
        Some([format!("retry: {RECONNECT_MS}\n").as_bytes(), &text].concat().into())
    }

    async fn wait_for_next(&mut self) -> Bytes {
        let silent_until = Instant::now() + self.events.limits.heartbeat;
        loop {
            if self.look {
                sleep_until(self.not_before).await;
                if let Some(event) = self.look_up().await {
                    return event;
                }
            }
            // A client that knows everything is told so at once, so that it sees that it is connected.
            let silent_until = if self.began { silent_until } else { Instant::now() };
            let until = if self.look { silent_until.min(self.not_before) } else { silent_until };
            match timeout_at(until, self.subscription.changed()).await {
                Ok(()) => self.look = true,
                Err(_) if Instant::now() >= silent_until => return heartbeat(&self.events.view),
                Err(_) => {}
            }
        }
    }

    /// Looks the record up, and gives an event if the client knows another one.
    async fn look_up(&mut self) -> Option<Bytes> {
        self.look = false;
        let version = self.subscription.version();
        let event = match self.subscription.found(version) {
            Some(event) => event,
            None => self.read(version).await?,
        };
        if self.told.as_deref() == Some(&*event.id) {
            return None;
        }
        self.told = Some(event.id.to_string());
        self.not_before = Instant::now() + self.events.limits.interval_min;
        self.events.counts.sent.inc();
        Some(event.text)
    }

    /// Reads the record, and keeps the event that it makes for others. `None` if nobody can tell what it is.
    async fn read(&mut self, version: u64) -> Option<Event> {
        let complete = self.events.view.load().complete;
        let record = match self.events.store.fetch(self.subscription.user()).await {
            Ok(record) => record,
            Err(error) => {
                self.look_again_after(&error);
                return None;
            }
        };
        let event = Event::of(self.subscription.user(), record.as_ref(), complete)?;
        self.subscription.keep(version, event.clone());
        Some(event)
    }

    /// An outage is logged by ingest, once.
    fn look_again_after(&mut self, error: &StoreError) {
        tracing::debug!("a stream of events could not read its record, trying again: {error}");
        self.look = true;
        self.not_before = Instant::now() + STORE_RETRY;
    }
}

/// An event as it is sent to everybody.
#[derive(Clone, Debug)]
pub struct Event {
    id: Arc<str>,
    text: Bytes,
}

impl Event {
    /// What happened to the record, and the record as it is now, in one line. `None` if nobody can tell.
    fn of(user: &Id, record: Option<&UserRecord>, complete: bool) -> Option<Self> {
        match found(record) {
            Found::Shown(user) => Some(Self::new("user", &json(&user))),
            Found::Withheld(withheld, _) => Some(Self::new("withheld", &json(&withheld))),
            Found::Unknown if !complete => None,
            Found::Unknown => Some(Self::new("unknown", &json(&Unknown { user_id: user.as_str() }))),
        }
    }

    fn new(kind: &str, data: &[u8]) -> Self {
        let id = etag(data).replace('"', "");
        let data = std::str::from_utf8(data).expect("JSON is UTF-8");
        Self { text: format!("id: {id}\nevent: {kind}\ndata: {data}\n\n").into(), id: id.into() }
    }
}

/// The data of a user who is not known any more.
#[derive(Serialize)]
struct Unknown<'record> {
    user_id: &'record str,
}

/// A comment that says how old the data is.
fn heartbeat(view: &SharedView) -> Bytes {
    match view.load().age_ms(now_ms()) {
        Some(age_ms) => format!(": age {age_ms} ms\n\n").into(),
        None => Bytes::from_static(b": age unknown\n\n"),
    }
}

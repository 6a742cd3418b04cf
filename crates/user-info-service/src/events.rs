//! Live counts: a user's record as server-sent events (HTML Living Standard, section "Server-sent events"), now and after
//! each change.
//!
//! A stream holds no queue. It is asked for the next event when the connection can take one, and then looks up what is true
//! at that moment; whoever reads slowly gets fewer events, each of them the latest.
//!
//! Invariant: after the last change the last event is the record as it is. Two events in a row are never the same.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use user_info_core::Id;
use user_info_store::{Store, StoreError, UserRecord};

use crate::answer::{UserAnswer, Withheld, etag, json};
use crate::body::AnswerBody;
use crate::changes::{Changes, Subscription};
use crate::clock::now_ms;
use crate::fields::Fields;
use crate::found::Found;
use crate::place::Place;
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
    pub changes: Arc<Changes<Arc<Latest>>>,
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
    subscription: Subscription<Arc<Latest>>,
    place: Place,
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
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let subscription = self.changes.subscribe(user)?;
        Some(Opened { events: self.clone(), subscription, place: Place::take(permit, &self.counts.open) })
    }

    /// Reads the record, and keeps it for others who wait for it.
    async fn read(&self, subscription: &Subscription<Arc<Latest>>, version: u64) -> Result<Arc<Latest>, StoreError> {
        let complete = self.view.load().complete;
        let record = self.store.fetch(subscription.user()).await?;
        let latest = Arc::new(Latest { record, complete, whole: OnceLock::new() });
        if latest.is_certain() {
            subscription.keep(version, Arc::clone(&latest));
        }
        Ok(latest)
    }
}

impl Opened {
    /// The record as it is; the stream begins with it, without reading it again.
    pub async fn look(&mut self) -> Result<Arc<Latest>, StoreError> {
        let version = self.subscription.version();
        self.events.read(&self.subscription, version).await
    }

    /// The body: these fields of the record as it is, unless the client names them as the last event that it knows, and then
    /// each change.
    pub fn stream(self, fields: Fields, last_event_id: Option<&str>) -> AnswerBody {
        let Self { events, subscription, place } = self;
        let now = Instant::now();
        let told = last_event_id.map(str::to_owned);
        let live =
            Live { events, subscription, fields, _place: place, told, began: false, look: true, not_before: now };
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
    subscription: Subscription<Arc<Latest>>,
    fields: Fields,
    _place: Place,
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
        let latest = match self.subscription.found(version) {
            Some(latest) => latest,
            None => self.read(version).await?,
        };
        let event = latest.event(self.subscription.user(), self.fields)?;
        if self.told.as_deref() == Some(&*event.id) {
            return None;
        }
        self.told = Some(event.id.to_string());
        self.not_before = Instant::now() + self.events.limits.interval_min;
        self.events.counts.sent.inc();
        Some(event.text)
    }

    async fn read(&mut self, version: u64) -> Option<Arc<Latest>> {
        let read = self.events.read(&self.subscription, version).await;
        read.inspect_err(|error| self.look_again_after(error)).ok()
    }

    /// An outage is logged by ingest, once.
    fn look_again_after(&mut self, error: &StoreError) {
        tracing::debug!("a stream of events could not read its record, trying again: {error}");
        self.look = true;
        self.not_before = Instant::now() + STORE_RETRY;
    }
}

/// A user's record as it was read after a change.
#[derive(Debug)]
pub struct Latest {
    record: Option<UserRecord>,
    /// Whether the topics were read to their end once, so that nobody's absence is an accident.
    complete: bool,
    /// The event for all who did not ask for some fields only, made once.
    whole: OnceLock<Option<Event>>,
}

impl Latest {
    /// What is known of the user.
    pub fn found(&self) -> Found<'_> {
        Found::of(self.record.as_ref())
    }

    /// Whether a user whose absence is all that was found does not exist.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    fn is_certain(&self) -> bool {
        self.complete || !matches!(self.found(), Found::Unknown)
    }

    /// What those are told who asked for these fields. `None` if nobody can tell.
    fn event(&self, user: &Id, fields: Fields) -> Option<Event> {
        let of = || self.is_certain().then(|| Event::of(user, self.found(), fields));
        if fields == Fields::ALL { self.whole.get_or_init(of).clone() } else { of() }
    }
}

/// An event as it is sent.
#[derive(Clone, Debug)]
struct Event {
    id: Arc<str>,
    text: Bytes,
}

impl Event {
    /// What happened to the record, and the record as it is now, in one line.
    fn of(user: &Id, found: Found<'_>, fields: Fields) -> Self {
        match found {
            Found::Shown(shown) => Self::new("user", &json(&UserAnswer::new(shown, fields))),
            Found::Suspended(user) => Self::new("withheld", &json(&Withheld::suspended(user))),
            Found::Deactivated(user) => Self::new("withheld", &json(&Withheld::deactivated(user))),
            Found::Unknown => Self::new("unknown", &json(&Unknown { user_id: user.as_str() })),
        }
    }

    fn new(kind: &str, data: &[u8]) -> Self {
        let etag = etag(data);
        let id = etag.to_str().expect("an entity tag is visible ASCII").trim_matches('"');
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

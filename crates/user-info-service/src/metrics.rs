//! All metrics of the service in one place, in the OpenMetrics text form. Their help texts are the doc comments' words.
//!
//! Buckets stand around the promises: 2 and 5 ms for an answer, 1 and 10 s from a fact to its answer.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use user_info_core::Topic;

use crate::events::EventCounts;
use crate::history::window::Window;
use crate::hot::HotCounts;
use crate::listen::ConnectionCounts;
use crate::load::LoadCounts;

/// Upper bounds of the answer times, in seconds.
const REQUEST_SECONDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0];

/// Upper bounds of the times from a record's timestamp to its visibility, in seconds.
const UPDATE_SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Upper bounds of the records in a batch.
const BATCH_RECORDS: [f64; 8] = [1.0, 5.0, 25.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0];

/// The kinds of requests that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// One user by id.
    User,
    /// Several users by id.
    Users,
    /// One user by name.
    Username,
    /// Many users by id.
    Batch,
    /// A stream of one user's changes; its time is that until its head.
    Events,
    /// API v1.1: one user.
    V1Show,
    /// API v1.1: many users.
    V1Lookup,
    /// API v2: one user by id.
    V2User,
    /// API v2: several users by id.
    V2Users,
    /// API v2: one user by name.
    V2Username,
    /// API v2: several users by name.
    V2Usernames,
    /// A page, or what one refers to.
    Page,
    /// Anything else.
    Other,
}

impl Route {
    /// In the order of their numbers.
    const ALL: [Self; 13] = [
        Self::User,
        Self::Users,
        Self::Username,
        Self::Batch,
        Self::Events,
        Self::V1Show,
        Self::V1Lookup,
        Self::V2User,
        Self::V2Users,
        Self::V2Username,
        Self::V2Usernames,
        Self::Page,
        Self::Other,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Users => "users",
            Self::Username => "username",
            Self::Batch => "batch",
            Self::Events => "events",
            Self::V1Show => "v1-show",
            Self::V1Lookup => "v1-lookup",
            Self::V2User => "v2-user",
            Self::V2Users => "v2-users",
            Self::V2Username => "v2-username",
            Self::V2Usernames => "v2-usernames",
            Self::Page => "page",
            Self::Other => "other",
        }
    }
}

/// Labels of what is told apart by route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

/// Labels of an answered request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    route: &'static str,
    status: u16,
}

/// Labels of what is told apart by topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TopicLabels {
    /// The topic's contract name.
    pub topic: &'static str,
}

/// Labels of bad records.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BadLabels {
    /// The topic's contract name.
    pub topic: &'static str,
    /// The code of what is wrong.
    pub code: &'static str,
}

/// Labels of what is told apart by partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PartitionLabels {
    /// The topic's contract name.
    pub topic: &'static str,
    /// The partition's number.
    pub partition: i32,
}

/// Every metric, shared by all threads.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// The same things since the recorder of the history last looked.
    pub window: Window,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// The same histograms in the order of [`Route::ALL`], so that a request looks up nothing.
    request_seconds_by_route: [Histogram; Route::ALL.len()],
    requests: Family<RequestLabels, Counter>,
    /// Connections on the public address.
    pub connections: ConnectionCounts,
    /// Streams of events.
    pub events: EventCounts,
    /// Answers that are ready to be sent.
    pub hot: HotCounts,
    /// Seconds from a record's timestamp to its visibility, for records that came after the end was first reached.
    pub update_seconds: Histogram,
    /// Seconds that the store took to apply a batch.
    pub apply_seconds: Histogram,
    /// Records in a batch.
    pub batch_records: Histogram,
    /// Requests that wait, or could not.
    pub load: LoadCounts,
    /// Records read.
    pub records: Family<TopicLabels, Counter>,
    /// Records that could not be used.
    pub bad_records: Family<BadLabels, Counter>,
    /// The same, all of them.
    pub dead_letters: Counter,
    /// Offsets between the position and the end last seen.
    pub lag: Family<PartitionLabels, Gauge>,
    /// 1 for a topic whose ingest is halted.
    pub halted: Family<TopicLabels, Gauge>,
    /// Age of the data in seconds.
    pub age_seconds: Gauge<f64, AtomicU64>,
    /// 1 when the service takes requests and was caught up once.
    pub ready: Gauge,
    /// Dead letters that wait to be sent.
    pub outbox: Gauge,
    /// Keys whose newest record was bad.
    pub tainted: Gauge,
    /// Users in the store, estimated.
    pub users: Gauge,
    /// Bytes that the store takes on disk.
    pub store_bytes: Gauge,
    /// Bytes of memory that the store takes: its caches, or all of Redis.
    pub store_memory_bytes: Gauge,
    /// 1 while the store answers.
    pub store_available: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let new_histogram: fn() -> Histogram = || Histogram::new(REQUEST_SECONDS);
        let request_seconds = Family::new_with_constructor(new_histogram);
        let of_route = |route: Route| request_seconds.get_or_create_owned(&RouteLabels { route: route.name() });
        let mut metrics = Self {
            registry: Registry::with_prefix("user_info"),
            window: Window::default(),
            request_seconds_by_route: Route::ALL.map(of_route),
            request_seconds,
            requests: Family::default(),
            connections: ConnectionCounts::default(),
            events: EventCounts::default(),
            hot: HotCounts::default(),
            update_seconds: Histogram::new(UPDATE_SECONDS),
            apply_seconds: Histogram::new(REQUEST_SECONDS),
            batch_records: Histogram::new(BATCH_RECORDS),
            load: LoadCounts::default(),
            records: Family::default(),
            bad_records: Family::default(),
            dead_letters: Counter::default(),
            lag: Family::default(),
            halted: Family::default(),
            age_seconds: Gauge::default(),
            ready: Gauge::default(),
            outbox: Gauge::default(),
            tainted: Gauge::default(),
            users: Gauge::default(),
            store_bytes: Gauge::default(),
            store_memory_bytes: Gauge::default(),
            store_available: Gauge::default(),
        };
        metrics.register_requests();
        metrics.register_ingest();
        metrics.register_state();
        metrics
    }
}

impl Metrics {
    /// Notes an answered request.
    pub fn answered(&self, route: Route, status: u16, seconds: f64) {
        self.request_seconds_by_route[route as usize].observe(seconds);
        self.window.answered(seconds);
        self.requests.get_or_create(&RequestLabels { route: route.name(), status }).inc();
    }

    /// Records read since the start, of all topics.
    pub fn records_read(&self) -> u64 {
        let topic = |topic: Topic| self.records.get_or_create(&TopicLabels { topic: topic.name() }).get();
        Topic::FACTS.into_iter().map(topic).sum()
    }

    /// All metrics as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }

    fn register_requests(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "request",
            "Time from a request's head to its answer",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("connections", "Open connections on the public address", self.connections.open.clone());
        registry.register(
            "connections_refused",
            "Connections closed at once because too many were open",
            self.connections.refused.clone(),
        );
        registry.register("requests_in_flight", "Requests begun and not answered", self.load.in_flight.clone());
        registry.register("requests_shed", "Requests refused because too many waited", self.load.shed.clone());
        registry.register("requests_late", "Requests that took too long", self.load.late.clone());
        registry.register("event_streams", "Open streams of events", self.events.open.clone());
        registry.register("event_streams_refused", "Streams refused as one too many", self.events.refused.clone());
        registry.register("events", "Events sent", self.events.sent.clone());
        registry.register("hot_hits", "Requests answered with an answer that was ready", self.hot.hits.clone());
        registry.register("hot_misses", "Requests for which the store was read", self.hot.misses.clone());
        self.register_tls();
    }

    fn register_tls(&mut self) {
        let (registry, tls) = (&mut self.registry, &self.connections.tls);
        registry.register_with_unit(
            "tls_certificate_left",
            "Time until the certificate that is served ends",
            Unit::Seconds,
            tls.seconds_left.clone(),
        );
        registry.register("tls_reloads", "Certificates taken while running", tls.reloads.clone());
        registry.register("tls_reloads_refused", "Certificates refused while running", tls.refused.clone());
        registry.register("tls_handshakes_failed", "TLS handshakes that failed", tls.handshakes_failed.clone());
    }

    fn register_ingest(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "update",
            "Time from a record's timestamp to its visibility",
            Unit::Seconds,
            self.update_seconds.clone(),
        );
        registry.register_with_unit(
            "apply",
            "Time that the store took to apply a batch",
            Unit::Seconds,
            self.apply_seconds.clone(),
        );
        registry.register("batch_records", "Records in a batch", self.batch_records.clone());
        registry.register("records", "Records read", self.records.clone());
        registry.register("bad_records", "Records that could not be used", self.bad_records.clone());
        registry.register("dead_letters", "Dead letters written", self.dead_letters.clone());
    }

    fn register_state(&mut self) {
        let registry = &mut self.registry;
        registry.register("lag_records", "Offsets between position and end", self.lag.clone());
        registry.register("halted", "1 for a topic whose ingest is halted", self.halted.clone());
        registry.register_with_unit("age", "Age of the data", Unit::Seconds, self.age_seconds.clone());
        registry.register("ready", "1 when ready for requests", self.ready.clone());
        registry.register("outbox_dead_letters", "Dead letters that wait to be sent", self.outbox.clone());
        registry.register("tainted_keys", "Keys whose newest record was bad", self.tainted.clone());
        registry.register("users_estimated", "Users in the store, estimated", self.users.clone());
        registry.register_with_unit("store", "Size of the store on disk", Unit::Bytes, self.store_bytes.clone());
        registry.register_with_unit(
            "store_memory",
            "Memory that the store takes: its caches, or all of Redis",
            Unit::Bytes,
            self.store_memory_bytes.clone(),
        );
        registry.register("store_available", "1 while the store answers", self.store_available.clone());
    }
}

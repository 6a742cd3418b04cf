//! The operator's address: `/health`, `/ready`, `/status` and `/metrics`. Not a hot path, so it uses a framework.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use user_info_core::DECODER_VERSION;
use user_info_store::{Store, StoreError, StoreStatus};

use crate::clock::now_ms;
use crate::errors::{RecentError, RecentErrors, chain};
use crate::metrics::{Metrics, PartitionLabels};
use crate::view::{PartitionView, Phase, SharedView, TopicView, View};

/// Tainted keys that `/status` names; it always says how many there are.
const TAINTED_SHOWN_MAX: usize = 100;

/// The media type of OpenMetrics text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the operator's endpoints read.
#[derive(Clone)]
pub struct Admin {
    /// The store.
    pub store: Store,
    /// The newest view.
    pub view: SharedView,
    /// Counters, gauges and histograms.
    pub metrics: Arc<Metrics>,
    /// The last errors.
    pub errors: Arc<RecentErrors>,
    /// Set when the service stops.
    pub stopping: Arc<AtomicBool>,
    /// When the service started, in milliseconds since the Unix epoch.
    pub started_ms: i64,
}

/// The routes.
pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(admin))
}

/// The process runs and answers. Nothing else is implied, so that a supervisor does not restart what waits for a broker.
async fn health() -> &'static str {
    "ok\n"
}

/// Whether requests should be sent here: the store was caught up once, and the service is not stopping.
async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let answers = admin.store.answers().await;
    match admin.why_not_ready(answers.err().as_ref()) {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let answers = admin.store.answers().await;
    let text = aside(move || admin.refresh_gauges(answers).map(|()| admin.metrics.text())).await;
    match text {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(error) => store_failed(&error),
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Response {
    let answers = admin.store.answers().await;
    match aside(move || admin.status(answers)).await {
        Ok(status) => Json(status).into_response(),
        Err(error) => store_failed(&error),
    }
}

/// Asks the store on a thread that may wait for it.
async fn aside<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(ask).await.expect("what operators ask for does not panic")
}

fn store_failed(error: &StoreError) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("the store could not be read: {}\n", chain(error))).into_response()
}

#[derive(Serialize)]
struct Status {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_ready_because: Option<String>,
    caught_up: bool,
    age_ms: Option<i64>,
    started_at_ms: i64,
    version: &'static str,
    topics: Vec<TopicStatus>,
    tainted: Option<TaintedStatus>,
    dead_letters_waiting: Option<usize>,
    store: StoreView,
    last_errors: Vec<RecentError>,
}

#[derive(Serialize)]
struct TopicStatus {
    topic: &'static str,
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    way_out: Option<&'static str>,
    topic_id: Option<String>,
    partitions: Vec<PartitionStatus>,
}

#[derive(Serialize)]
struct PartitionStatus {
    partition: i32,
    position: i64,
    end: Option<i64>,
    lag: i64,
    at_end: bool,
    owned: bool,
    caught_up_at_ms: Option<i64>,
    last_timestamp_ms: Option<i64>,
}

#[derive(Serialize)]
struct TaintedStatus {
    count: usize,
    keys: Vec<TaintedKeyStatus>,
}

#[derive(Serialize)]
struct TaintedKeyStatus {
    topic: &'static str,
    key: String,
    dead_letter: String,
    reason: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum StoreView {
    Available {
        users_estimated: u64,
        bytes: u64,
        memory_bytes: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
        format_version: u32,
        decoder_version: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
    },
    Unavailable {
        unavailable: String,
    },
}

impl Admin {
    fn why_not_ready(&self, store: Option<&StoreError>) -> Option<String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("stopping".into());
        }
        if let Some(error) = store {
            return Some(chain(error));
        }
        (!self.view.load().was_complete).then(|| "the topics have not been read to their end yet".into())
    }

    /// `answers` tells whether the store does. One that does not is asked no more: that would take the time of a write.
    fn refresh_gauges(&self, answers: Result<(), StoreError>) -> Result<(), StoreError> {
        let view = self.view.load();
        let is_there = answers.is_ok();
        let store = answers.and_then(|()| self.store.status());
        let age_seconds = view.age_ms(now_ms()).map_or(f64::NAN, |age_ms| age_ms as f64 / 1_000.0);
        self.metrics.age_seconds.set(age_seconds);
        self.metrics.ready.set(i64::from(self.why_not_ready(store.as_ref().err()).is_none()));
        self.metrics.store_available.set(i64::from(store.is_ok()));
        if let Some(status) = available(store)? {
            self.metrics.users.set(gauge(status.users_estimate));
            self.metrics.store_bytes.set(gauge(status.disk_bytes));
            self.metrics.store_memory_bytes.set(gauge(status.memory_bytes));
        }
        if let Some(waiting) = self.dead_letters_waiting(is_there)? {
            self.metrics.outbox.set(gauge(waiting as u64));
        }
        for (topic, partition) in partitions(&view) {
            let labels = PartitionLabels { topic: topic.topic.name(), partition: partition.position.partition };
            self.metrics.lag.get_or_create(&labels).set(partition.lag());
        }
        Ok(())
    }

    fn status(&self, answers: Result<(), StoreError>) -> Result<Status, StoreError> {
        let view = self.view.load();
        let is_there = answers.is_ok();
        let store = answers.and_then(|()| self.store.status());
        let not_ready_because = self.why_not_ready(store.as_ref().err());
        Ok(Status {
            ready: not_ready_because.is_none(),
            not_ready_because,
            caught_up: view.is_caught_up(),
            age_ms: view.age_ms(now_ms()),
            started_at_ms: self.started_ms,
            version: env!("CARGO_PKG_VERSION"),
            topics: view.topics.iter().map(topic_status).collect(),
            tainted: if is_there { self.tainted()? } else { None },
            dead_letters_waiting: self.dead_letters_waiting(is_there)?,
            store: store_view(store)?,
            last_errors: self.errors.list(),
        })
    }

    fn dead_letters_waiting(&self, is_there: bool) -> Result<Option<usize>, StoreError> {
        if is_there { available(self.store.outbox_len()) } else { Ok(None) }
    }

    fn tainted(&self) -> Result<Option<TaintedStatus>, StoreError> {
        let Some(tainted) = available(self.store.tainted())? else { return Ok(None) };
        let shown = tainted.iter().take(TAINTED_SHOWN_MAX).map(|taint| TaintedKeyStatus {
            topic: taint.key.topic.name(),
            key: String::from_utf8_lossy(&taint.key.key).into_owned(),
            dead_letter: taint.origin.to_string(),
            reason: taint.reason.clone(),
        });
        Ok(Some(TaintedStatus { count: tainted.len(), keys: shown.collect() }))
    }
}

fn partitions(view: &View) -> impl Iterator<Item = (&TopicView, &PartitionView)> {
    view.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)))
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn topic_status(view: &TopicView) -> TopicStatus {
    let (phase, code, reason, way_out) = match &view.phase {
        Phase::Starting { waiting_for } => ("starting", None, Some(format!("waiting for {waiting_for}")), None),
        Phase::Running => ("running", None, None, None),
        Phase::Halted(halt) => ("halted", Some(halt.code()), Some(halt.to_string()), Some(halt.way_out())),
    };
    TopicStatus {
        topic: view.topic.name(),
        phase,
        code,
        reason,
        way_out,
        topic_id: view.partitions.first().map(|partition| partition.position.topic_id.clone()),
        partitions: view.partitions.iter().map(partition_status).collect(),
    }
}

fn partition_status(view: &PartitionView) -> PartitionStatus {
    PartitionStatus {
        partition: view.position.partition,
        position: view.position.next_offset,
        end: view.end,
        lag: view.lag(),
        at_end: view.at_end,
        owned: view.owned,
        caught_up_at_ms: view.position.caught_up_at_ms,
        last_timestamp_ms: view.position.last_timestamp_ms,
    }
}

/// What the store says; `None` while it is away, which is no reason not to tell everything else.
fn available<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_passing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn store_view(status: Result<StoreStatus, StoreError>) -> Result<StoreView, StoreError> {
    let status = match status {
        Ok(status) => status,
        Err(error) if error.is_passing() => return Ok(StoreView::Unavailable { unavailable: chain(&error) }),
        Err(error) => return Err(error),
    };
    let older = status.decoder_version < DECODER_VERSION;
    Ok(StoreView::Available {
        users_estimated: status.users_estimate,
        bytes: status.disk_bytes,
        memory_bytes: status.memory_bytes,
        generation: status.generation,
        format_version: status.format_version,
        decoder_version: status.decoder_version,
        failure: status.failure,
        advice: older.then(|| {
            "these records were read by an older decoder: if keys are tainted, run `user-info rebuild`".to_owned()
        }),
    })
}

//! The operator's address: `/health`, `/ready`, `/status`, `/metrics`, and at `/` the operator's page (module `operator`).
//! Not a hot path, so it uses a framework.

pub(crate) mod status;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use user_info_store::{Store, StoreError};

use crate::clock::now_ms;
use crate::errors::{RecentErrors, chain};
use crate::history::letters::LastLetters;
use crate::history::recorder::SharedHistory;
use crate::metrics::{Metrics, PartitionLabels};
use crate::operator;
use crate::view::{PartitionView, SharedView, TopicView, View};
use status::available;

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
    /// The last dead letters.
    pub letters: Arc<LastLetters>,
    /// The last hour and day.
    pub history: SharedHistory,
    /// How often the page renews itself: as often as there are new figures.
    pub refresh: Duration,
    /// Where the history is kept over restarts, in words.
    pub history_place: String,
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
        .merge(operator::routes())
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
pub(crate) async fn aside<T: Send + 'static>(ask: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(ask).await.expect("what operators ask for does not panic")
}

pub(crate) fn store_failed(error: &StoreError) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("the store could not be read: {}\n", chain(error))).into_response()
}

impl Admin {
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
}

fn partitions(view: &View) -> impl Iterator<Item = (&TopicView, &PartitionView)> {
    view.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)))
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

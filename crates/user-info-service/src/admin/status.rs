//! Where everything stands, in one value: `/status` writes it as JSON, the operator's page as HTML.

use std::sync::atomic::Ordering;

use serde::Serialize;
use user_info_core::DECODER_VERSION;
use user_info_store::{StoreError, StoreStatus};

use super::Admin;
use crate::clock::now_ms;
use crate::errors::{RecentError, chain};
use crate::view::{PartitionView, Phase, TopicView};

/// Tainted keys that `/status` names; it always says how many there are.
const TAINTED_SHOWN_MAX: usize = 100;

#[derive(Serialize)]
pub(crate) struct Status {
    pub(crate) ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_ready_because: Option<String>,
    pub(crate) caught_up: bool,
    pub(crate) log_answers: bool,
    pub(crate) age_ms: Option<i64>,
    pub(crate) started_at_ms: i64,
    pub(crate) version: &'static str,
    pub(crate) topics: Vec<TopicStatus>,
    pub(crate) tainted: Option<TaintedStatus>,
    pub(crate) dead_letters_waiting: Option<usize>,
    pub(crate) store: StoreView,
    pub(crate) last_errors: Vec<RecentError>,
}

#[derive(Serialize)]
pub(crate) struct TopicStatus {
    pub(crate) topic: &'static str,
    pub(crate) phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) way_out: Option<&'static str>,
    pub(crate) topic_id: Option<String>,
    pub(crate) partitions: Vec<PartitionStatus>,
}

#[derive(Serialize)]
pub(crate) struct PartitionStatus {
    pub(crate) partition: i32,
    pub(crate) position: i64,
    pub(crate) end: Option<i64>,
    pub(crate) lag: i64,
    pub(crate) at_end: bool,
    pub(crate) owned: bool,
    pub(crate) caught_up_at_ms: Option<i64>,
    pub(crate) last_timestamp_ms: Option<i64>,
}

#[derive(Serialize)]
pub(crate) struct TaintedStatus {
    pub(crate) count: usize,
    pub(crate) keys: Vec<TaintedKeyStatus>,
}

#[derive(Serialize)]
pub(crate) struct TaintedKeyStatus {
    pub(crate) topic: &'static str,
    pub(crate) key: String,
    pub(crate) dead_letter: String,
    pub(crate) reason: String,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum StoreView {
    Available(StoreFigures),
    Unavailable { unavailable: String },
}

#[derive(Serialize)]
pub(crate) struct StoreFigures {
    pub(crate) users_estimated: u64,
    pub(crate) bytes: u64,
    pub(crate) memory_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) generation: Option<u64>,
    pub(crate) format_version: u32,
    pub(crate) decoder_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Admin {
    /// Why no requests should be sent here; `store` is the error that the store answers with, if it does.
    pub(crate) fn why_not_ready(&self, store: Option<&StoreError>) -> Option<String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("stopping".into());
        }
        if let Some(error) = store {
            return Some(chain(error));
        }
        (!self.view.load().was_complete).then(|| "the topics have not been read to their end yet".into())
    }

    /// `answers` tells whether the store does. One that does not is asked no more: that would take the time of a write.
    pub(crate) fn status(&self, answers: Result<(), StoreError>) -> Result<Status, StoreError> {
        let view = self.view.load();
        let is_there = answers.is_ok();
        let store = answers.and_then(|()| self.store.status());
        let not_ready_because = self.why_not_ready(store.as_ref().err());
        Ok(Status {
            ready: not_ready_because.is_none(),
            not_ready_because,
            caught_up: view.is_caught_up(),
            log_answers: view.connected,
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

    pub(crate) fn dead_letters_waiting(&self, is_there: bool) -> Result<Option<usize>, StoreError> {
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
pub(crate) fn available<T>(answer: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
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
    Ok(StoreView::Available(StoreFigures {
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
    }))
}

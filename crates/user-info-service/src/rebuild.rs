//! Starting over from the log: a fresh generation beside the one in use, swapped in only when it is caught up.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use user_info_core::Topic;
use user_info_log::Log;
use user_info_store::{Store, Taint};

use crate::errors::ServiceError;
use crate::ingest::{IngestLimits, Sharing, Until};
use crate::run::{Engine, Shutdown};
use crate::view::{PartitionView, SharedView, View};

/// How often progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);

/// What a rebuild read.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// Offsets passed in all partitions.
    pub offsets: i64,
    /// Keys whose newest record is bad. Their last good fact may have been dropped by compaction.
    pub tainted: Vec<Taint>,
}

/// Fills `fresh`, an empty store, with everything in the log. Returns when every partition was read to its end.
pub async fn rebuild(
    log: &Log,
    fresh: &Store,
    limits: IngestLimits,
    watch_interval: Duration,
    shutdown: Shutdown,
) -> Result<Rebuilt, ServiceError> {
    let mut engine = Engine::start(log, fresh, Sharing::Alone, limits, watch_interval, 0, Until::CaughtUp)?;
    let view = Arc::clone(&engine.view);
    let ended = tokio::select! {
        ended = engine.ended() => ended,
        () = shutdown.cancelled() => Err(ServiceError::Stopped),
        never = tell(&view) => match never {},
    };
    // The threads end before the caller swaps or removes what they write to.
    let finished = engine.finish().await;
    ended.and(finished)?;
    let (view, store) = (view.load_full(), fresh.clone());
    let tainted = tokio::task::spawn_blocking(move || store.tainted()).await;
    let tainted = tainted.map_err(|error| ServiceError::Thread { name: "rebuild", reason: error.to_string() })??;
    Ok(Rebuilt { offsets: sum(&view, |partition| partition.position.next_offset), tainted })
}

async fn tell(view: &SharedView) -> Infallible {
    let mut progress = tokio::time::interval(PROGRESS_INTERVAL);
    loop {
        progress.tick().await;
        tell_once(&view.load());
    }
}

fn tell_once(view: &View) {
    let (read, left) = (sum(view, |partition| partition.position.next_offset), sum(view, PartitionView::lag));
    let topics = Topic::FACTS.len();
    let known = view.topics.iter().filter(|topic| !topic.partitions.is_empty()).count();
    tracing::info!("rebuilding: {known} of {topics} topics found, {read} offsets read, {left} left");
}

fn sum(view: &View, number: impl Fn(&PartitionView) -> i64) -> i64 {
    view.topics.iter().flat_map(|topic| &topic.partitions).map(number).sum()
}

//! What a person sees while the demo runs: one line a second.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use user_info_service::metrics::Metrics;
use user_info_service::view::{PartitionView, SharedView};
use user_info_store::Store;
use user_info_upstream::Progress;

use super::probe::Figures;
use crate::exit::Failure;

/// Time between two lines.
const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// Pause between two looks at whether the service is caught up.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until the service has read the topics, empty or not, to their end: before that its answers are no measure.
pub(crate) async fn until_complete(view: &SharedView, max: Duration) -> Result<(), Failure> {
    let began = Instant::now();
    while !view.load().complete {
        if began.elapsed() > max {
            return Err(Failure::missing(anyhow!(
                "the service could not read the topics within {max:?}; is the broker well?"
            )));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Reads what the demo's parts publish about themselves.
pub(crate) struct Watcher {
    pub(crate) view: SharedView,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Store,
    pub(crate) probes: Arc<Figures>,
    pub(crate) published: Arc<Progress>,
}

impl Watcher {
    /// Prints a line every second, for ever.
    pub(crate) async fn show(&self) -> Infallible {
        let mut before = (Instant::now(), self.records());
        loop {
            tokio::time::sleep(LINE_INTERVAL).await;
            let now = (Instant::now(), self.records());
            let rate = (now.1 - before.1) as f64 / (now.0 - before.0).as_secs_f64();
            tokio::task::block_in_place(|| self.print_line(rate));
            before = now;
        }
    }

    /// Waits until every partition is at its end and stays so with no one publishing.
    pub(crate) async fn until_caught_up(&self, max: Duration) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < max {
            if self.view.load().is_caught_up() && self.lag() == 0 {
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(Failure::check(anyhow!(
            "the service did not reach the end of the log within {max:?}; it lags by {}",
            self.lag()
        )))
    }

    /// Records that the service has read.
    pub(crate) fn records(&self) -> u64 {
        self.metrics.records_read()
    }

    /// Dead letters since the start.
    pub(crate) fn dead_letters(&self) -> u64 {
        self.metrics.dead_letters.get()
    }

    /// Users with a profile, counted: the demo's store is small enough.
    fn users(&self) -> u64 {
        let mut users = 0;
        let counted = self.store.for_each_user(&mut |record| users += u64::from(record.profile.is_some()));
        counted.map_or(0, |()| users)
    }

    fn lag(&self) -> i64 {
        let view = self.view.load();
        view.topics.iter().flat_map(|topic| &topic.partitions).map(PartitionView::lag).sum()
    }

    #[expect(clippy::print_stderr, reason = "for the person who watches; stdout is for the result")]
    fn print_line(&self, rate: f64) {
        let (get, update) = (self.probes.get.percentiles(), self.probes.update.percentiles());
        eprintln!(
            "{} users, {} published, {rate:.0} events/s, lag {}, GET p50 {:.2} p95 {:.2} max {:.2} ms, update p50 {:.1} p95 \
             {:.1} max {:.1} ms",
            self.users(),
            self.published.published.load(Ordering::Relaxed),
            self.lag(),
            get.p50,
            get.p95,
            get.max,
            update.p50,
            update.p95,
            update.max,
        );
    }
}

//! How much is begun at once, and how long it may take: what is more is refused while refusing still helps.
//!
//! The measure is the number of requests that wait: those that are begun and not answered, because Redis or a client's body is
//! awaited, and tasks that the runtime has not come to and its threads have no place for, nearly all of them connections with a
//! request. Both cost a load each, and say nothing of how busy the machine is with something else; a delay would. By Little's
//! law their number is the rate times the time that each waits, so a bound on the one is a bound on the other.

use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::runtime::{Handle, RuntimeMetrics};

/// What is held to.
#[derive(Clone, Copy, Debug)]
pub struct LoadLimits {
    /// Requests that may wait. At 40,000 a second, what two cores answer, 512 are 13 ms of work: more than any answer should
    /// wait for, and less than a Redis that falls silent makes wait until that is noticed.
    pub waiting_max: usize,
    /// How long a request may take, its body included.
    pub deadline: Duration,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self { waiting_max: 512, deadline: Duration::from_secs(2) }
    }
}

/// What is counted about load.
#[derive(Clone, Debug, Default)]
pub struct LoadCounts {
    /// Requests that are begun and not answered.
    pub in_flight: Gauge,
    /// Requests refused because too many waited.
    pub shed: Counter,
    /// Requests that took too long.
    pub late: Counter,
}

/// Why a request was not answered although it made sense. Each API has its own words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many requests wait.
    Overloaded,
    /// It took too long.
    Late,
    /// The caller has used up the requests of the window.
    RateLimited {
        /// Seconds until the window ends.
        retry_after: i64,
    },
}

/// Who is let in.
pub struct Load {
    limits: LoadLimits,
    counts: LoadCounts,
    runtime: RuntimeMetrics,
}

/// The place of a request that is begun.
#[derive(Debug)]
pub struct Begun<'load>(&'load Gauge);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Load {
    /// Of the runtime that it is called in.
    pub fn new(limits: LoadLimits, counts: LoadCounts) -> Self {
        Self { limits, counts, runtime: Handle::current().metrics() }
    }

    /// Lets a request begin, or not.
    pub fn admit(&self) -> Result<Begun<'_>, Refused> {
        let in_flight = usize::try_from(self.counts.in_flight.inc()).unwrap_or(0);
        let begun = Begun(&self.counts.in_flight);
        if in_flight + self.runtime.global_queue_depth() < self.limits.waiting_max {
            return Ok(begun);
        }
        self.counts.shed.inc();
        Err(Refused::Overloaded)
    }

    /// Waits for what a request does, as long as it may take since it began; what takes longer ends as `late` says.
    pub async fn in_time<T, E>(
        &self,
        began: Instant,
        late: E,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let deadline = tokio::time::Instant::from_std(began) + self.limits.deadline;
        tokio::time::timeout_at(deadline, work).await.unwrap_or_else(|_| {
            self.counts.late.inc();
            Err(late)
        })
    }
}

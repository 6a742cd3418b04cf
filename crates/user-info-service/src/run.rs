//! The service as a whole: threads and sockets started in order, and ended in the opposite one.
//!
//! Listeners arrive bound and the signal to stop is an argument, so that what runs in production runs in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::service::service_fn;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use user_info_log::Log;
use user_info_store::Store;

use crate::admin::{self, Admin};
use crate::changes::Changes;
use crate::clock::now_ms;
use crate::cors::Cors;
use crate::errors::{RecentErrors, ServiceError};
use crate::events::{EventLimits, Events, Latest};
use crate::history::letters::LastLetters;
use crate::history::recorder::{HistoryConfig, Recorder, Sources};
use crate::hot::HotAnswers;
use crate::ingest::{Ingest, IngestLimits, IngestParts, Sharing, Until};
use crate::listen::{self, Closing, ConnectionCounts, ListenLimits};
use crate::load::{Load, LoadLimits};
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::pages::{Pages, PagesConfig};
use crate::public::Public;
use crate::rate_limit::{RateLimit, RateLimiter};
use crate::tls::Tls;
use crate::twitter::v2::MissingUser;
use crate::view::{SharedView, View};
use crate::watch;

/// How far ingest stands back, of 0 to 19: it gets a third of what a thread that answers gets, if they want the same core.
const INGEST_NICENESS: i32 = 5;

/// Connections on the operator's address open at once: a few probes, scrapers and people.
const ADMIN_CONNECTIONS_MAX: usize = 256;

/// Answers of 80,000 users, which are four of five requests to a million of them (Zipf, 0.99).
const HOT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long the outbox may take to end after ingest has: it may be waiting for a broker, and holds nothing that is not
/// in the store.
const OUTBOX_PATIENCE: Duration = Duration::from_secs(1);

/// How long the history may take to be written after everything else has ended.
const HISTORY_PATIENCE: Duration = Duration::from_secs(1);

/// Everything about the service that an operator may choose.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Limits of ingest.
    pub ingest: IngestLimits,
    /// The consumer group of the instances that share a store; a store of one's own needs none.
    pub group: String,
    /// Limits of the public address.
    pub listen: ListenLimits,
    /// The certificate of the public address; without one it speaks no TLS.
    pub tls: Option<Tls>,
    /// How many requests a caller may make on the public address; `None` for any number.
    pub rate_limit: Option<RateLimit>,
    /// How API v2 answers about one user who cannot be shown.
    pub v2_missing_user: MissingUser,
    /// How often the log is asked about the topics: how long a topic created anew can go unnoticed.
    pub watch_interval: Duration,
    /// How long, after the signal to stop, requests are still taken while `/ready` says no.
    pub drain: Duration,
    /// How long stopping may take after that. Clients that have not taken their answers by then are cut off.
    pub stop_deadline: Duration,
    /// How many requests may wait, and how long.
    pub load: LoadLimits,
    /// Who may read answers in a browser.
    pub cors: Cors,
    /// Memory for answers that are ready to be sent, in bytes; 0 for none. A shared store has none: others write to it.
    pub hot_bytes_max: u64,
    /// Limits of streams of events.
    pub events: EventLimits,
    /// Pages for people on the public address; `None` to serve programs alone.
    pub pages: Option<PagesConfig>,
    /// What the operator's page shows over time, and where it is kept.
    pub history: HistoryConfig,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            ingest: IngestLimits::default(),
            group: "user-info".to_owned(),
            listen: ListenLimits::default(),
            tls: None,
            rate_limit: None,
            v2_missing_user: MissingUser::default(),
            watch_interval: Duration::from_secs(10),
            drain: Duration::ZERO,
            stop_deadline: Duration::from_secs(10),
            load: LoadLimits::default(),
            cors: Cors::Off,
            hot_bytes_max: HOT_BYTES_MAX,
            events: EventLimits::default(),
            pages: Some(PagesConfig::default()),
            history: HistoryConfig::default(),
        }
    }
}

/// The signal to stop.
pub type Shutdown = CancellationToken;

/// A running ingest: its view, and how it ends.
pub struct Engine {
    /// The newest view.
    pub view: SharedView,
    /// Who waits for changes.
    pub changes: Arc<Changes<Arc<Latest>>>,
    /// Answers that are ready to be sent.
    pub hot: Option<Arc<HotAnswers>>,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// The last errors.
    pub errors: Arc<RecentErrors>,
    /// The last dead letters.
    pub letters: Arc<LastLetters>,
    /// Ends the threads.
    pub stop: CancellationToken,
    /// Ingest and the outbox.
    threads: [Running; 2],
}

struct Running {
    name: &'static str,
    result: oneshot::Receiver<Result<(), ServiceError>>,
}

impl Running {
    /// Waits until the thread has ended. Its error is returned once.
    async fn finish(&mut self) -> Result<(), ServiceError> {
        if self.result.is_terminated() {
            return Ok(());
        }
        let panicked = || ServiceError::Thread { name: self.name, reason: "it panicked, see above".into() };
        (&mut self.result).await.unwrap_or_else(|_| Err(panicked()))
    }
}

impl Engine {
    /// Starts the watch, ingest and the outbox. Does not wait for the log, nor for a shared store.
    pub fn start(
        log: &Log,
        store: &Store,
        sharing: Sharing,
        limits: IngestLimits,
        watch_interval: Duration,
        hot_bytes_max: u64,
        until: Until,
    ) -> Result<Self, ServiceError> {
        // What a store of one's own holds is known before the first request.
        let positions = if store.is_shared() { Vec::new() } else { store.positions()? };
        let view = Arc::new(ArcSwap::from_pointee(View::from_positions(&positions)));
        let (metrics, errors) = (Arc::new(Metrics::default()), Arc::new(RecentErrors::default()));
        let changes = Changes::of(store);
        let is_hot = hot_bytes_max > 0 && !store.is_shared();
        let hot = is_hot.then(|| Arc::new(HotAnswers::new(hot_bytes_max, metrics.hot.clone())));
        let letters = Arc::new(LastLetters::default());
        let stop = CancellationToken::new();
        let news = watch::start(log.clone(), watch_interval, Arc::clone(&errors), stop.clone())
            .map_err(|error| ServiceError::Thread { name: "watch", reason: error.to_string() })?;
        let (bell, rung) = sync_channel(1);
        let parts = IngestParts {
            sharing,
            log: log.clone(),
            store: store.clone(),
            limits,
            news,
            changes: Arc::clone(&changes),
            hot: hot.clone(),
            bell,
            view: Arc::clone(&view),
            metrics: Arc::clone(&metrics),
            errors: Arc::clone(&errors),
            letters: Arc::clone(&letters),
            stop: stop.clone(),
        };
        let outbox = Outbox {
            log: log.clone(),
            store: store.clone(),
            bell: rung,
            errors: Arc::clone(&errors),
            stop: stop.clone(),
        };
        let ingest = Ingest::new(parts)?;
        let behind = move || {
            stand_back();
            ingest.run(until)
        };
        let threads = [spawn("ingest", behind)?, spawn("outbox", move || outbox.run())?];
        Ok(Self { view, changes, hot, metrics, errors, letters, stop, threads })
    }

    /// Resolves when a thread ended: with its error, or `Ok` when ingest was done.
    pub async fn ended(&mut self) -> Result<(), ServiceError> {
        let [ingest, outbox] = &mut self.threads;
        tokio::select! {
            result = ingest.finish() => result,
            result = outbox.finish() => result,
        }
    }

    /// Stops the threads and waits until ingest has written what it holds. Returns the first error that
    /// [`Engine::ended`] has not returned.
    pub async fn finish(mut self) -> Result<(), ServiceError> {
        self.stop.cancel();
        let [ingest, outbox] = &mut self.threads;
        let ingest = ingest.finish().await;
        let outbox = tokio::time::timeout(OUTBOX_PATIENCE, outbox.finish()).await.unwrap_or_else(|_| {
            tracing::info!("the log does not take dead letters, they are sent after the next start");
            Ok(())
        });
        ingest.and(outbox)
    }
}

impl Drop for Engine {
    /// Threads that nobody waits for end as well.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Lets those who answer go first where there are fewer cores than threads: what is written a little later is answered a little
/// later, who is answered late waits.
fn stand_back() {
    // Of this thread alone, on Linux. A system that refuses leaves all threads alike.
    let _ = rustix::process::setpriority_process(None, INGEST_NICENESS);
}

fn spawn(
    name: &'static str,
    work: impl FnOnce() -> Result<(), ServiceError> + Send + 'static,
) -> Result<Running, ServiceError> {
    let (sender, result) = oneshot::channel();
    let body = move || drop(sender.send(work()));
    let spawned = std::thread::Builder::new().name(name.into()).spawn(body);
    spawned.map_err(|error| ServiceError::Thread { name, reason: error.to_string() })?;
    Ok(Running { name, result })
}

/// A service that follows the log and has its sockets; [`Service::serve`] makes it answer.
pub struct Service {
    /// Ingest and what it publishes.
    pub engine: Engine,
    config: ServiceConfig,
    store: Store,
    stopping: Arc<AtomicBool>,
}

impl Service {
    /// Starts ingest.
    pub fn start(config: ServiceConfig, log: &Log, store: Store) -> Result<Self, ServiceError> {
        let sharing = if store.is_shared() { Sharing::Group(config.group.clone()) } else { Sharing::Alone };
        let (interval, hot) = (config.watch_interval, config.hot_bytes_max);
        let engine = Engine::start(log, &store, sharing, config.ingest, interval, hot, Until::Stopped)?;
        Ok(Self { engine, config, store, stopping: Arc::default() })
    }

    /// Answers on both addresses until `shutdown`, then ends in order: not ready, no new connections, requests in flight
    /// finished, ingest stopped with what it holds written.
    pub async fn serve(
        mut self,
        public: TcpListener,
        admin: TcpListener,
        shutdown: Shutdown,
    ) -> Result<(), ServiceError> {
        let closing = Closing { signal: CancellationToken::new(), grace: self.config.stop_deadline };
        if let Some(tls) = self.config.tls.clone() {
            let (counts, errors) = (self.engine.metrics.connections.tls.clone(), Arc::clone(&self.engine.errors));
            tokio::spawn(tls.watch(counts, errors, closing.signal.clone()));
        }
        let public = tokio::spawn(self.serve_public(public, closing.clone()));
        let recorder = Recorder::start(self.sources(), self.config.history.clone())?;
        let admin = tokio::spawn(self.serve_admin(admin, &recorder, closing.clone()));
        let ended = tokio::select! {
            ended = self.engine.ended() => ended,
            () = shutdown.cancelled() => Ok(()),
        };
        if ended.is_ok() {
            self.stopping.store(true, Ordering::Relaxed);
            tracing::info!("stopping: not ready, draining for {} ms", self.config.drain.as_millis());
            tokio::time::sleep(self.config.drain).await;
        }
        closing.signal.cancel();
        let deadline = self.config.stop_deadline;
        let (finished, _, _) = tokio::join!(tokio::time::timeout(deadline, self.engine.finish()), public, admin);
        let recorded = tokio::task::spawn_blocking(|| recorder.finish());
        if tokio::time::timeout(HISTORY_PATIENCE, recorded).await.is_err() {
            tracing::info!("the history could not be written in time, its last minute is lost");
        }
        ended?;
        finished.map_err(|_| ServiceError::StopDeadline { deadline_ms: deadline.as_millis() })?
    }

    fn serve_public(&self, listener: TcpListener, closing: Closing) -> impl Future<Output = ()> + Send + use<> {
        let public = Arc::new(self.public(closing.signal.clone()));
        let counts = public.metrics.connections.clone();
        let service_for = move |peer| {
            let public = Arc::clone(&public);
            service_fn(move |request| {
                let public = Arc::clone(&public);
                async move { Ok(public.answer(request, peer).await) }
            })
        };
        listen::serve(listener, self.config.tls.clone(), service_for, self.config.listen, counts, closing)
    }

    fn serve_admin(
        &self,
        listener: TcpListener,
        recorder: &Recorder,
        closing: Closing,
    ) -> impl Future<Output = ()> + Send + use<> {
        let service = TowerToHyperService::new(admin::router(self.admin(recorder)));
        let limits = ListenLimits { connections_max: ADMIN_CONNECTIONS_MAX, ..self.config.listen };
        listen::serve(listener, None, move |_| service.clone(), limits, ConnectionCounts::default(), closing)
    }

    fn public(&self, closing: CancellationToken) -> Public {
        Public {
            store: self.store.clone(),
            view: Arc::clone(&self.engine.view),
            hot: self.engine.hot.clone(),
            events: self.events(closing),
            metrics: Arc::clone(&self.engine.metrics),
            load: Load::new(self.config.load, self.engine.metrics.load.clone()),
            cors: self.config.cors.clone(),
            pages: self.config.pages.clone().map(Pages::new),
            limiter: Arc::new(RateLimiter::new(self.config.rate_limit)),
            v2_missing_user: self.config.v2_missing_user,
            stopping: Arc::clone(&self.stopping),
        }
    }

    fn events(&self, closing: CancellationToken) -> Events {
        Events {
            store: self.store.clone(),
            view: Arc::clone(&self.engine.view),
            changes: Arc::clone(&self.engine.changes),
            limits: self.config.events,
            places: Arc::new(Semaphore::new(self.config.events.streams_max)),
            counts: self.engine.metrics.events.clone(),
            closing,
        }
    }

    fn sources(&self) -> Sources {
        Sources {
            metrics: Arc::clone(&self.engine.metrics),
            view: Arc::clone(&self.engine.view),
            store: self.store.clone(),
            letters: Arc::clone(&self.engine.letters),
            errors: Arc::clone(&self.engine.errors),
        }
    }

    fn admin(&self, recorder: &Recorder) -> Admin {
        Admin {
            store: self.store.clone(),
            view: Arc::clone(&self.engine.view),
            metrics: Arc::clone(&self.engine.metrics),
            errors: Arc::clone(&self.engine.errors),
            letters: Arc::clone(&self.engine.letters),
            history: Arc::clone(&recorder.history),
            refresh: self.config.history.sample_interval,
            history_place: self.config.history.place(),
            stopping: Arc::clone(&self.stopping),
            started_ms: now_ms(),
        }
    }
}

/// Starts the service and answers until `shutdown`.
pub async fn run(
    config: ServiceConfig,
    log: &Log,
    store: Store,
    public: TcpListener,
    admin: TcpListener,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    Service::start(config, log, store)?.serve(public, admin, shutdown).await
}

//! `user-info demo`: everything in one process, watched from outside, and audited at the end.
//!
//! The services meet in the log alone, as they do in production; the probes use the HTTP address like any client.

mod latency;
mod place;
mod probe;
mod progress;
mod result;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_info_audit::{AuditOptions, AuditReport, SubjectConfig};
use user_info_log::{Log, TopicLayout};
use user_info_service::ServiceConfig;
use user_info_service::history::recorder::HistoryConfig;
use user_info_service::run::Service;
use user_info_store::Store;
use user_info_upstream::simulator::SimulatorConfig;
use user_info_upstream::stream::client::ClientOptions;
use user_info_upstream::{Progress, all};

use crate::arguments::DemoArguments;
use crate::exit::{CHECK_FAILED, Failure};
use crate::history_arguments::beside;
use crate::{serve, signals};

use place::Place;
use probe::Probes;
use progress::Watcher;
use result::DemoResult;

/// Partitions of the demo's topics: enough that order across partitions is lost, few enough for one machine.
const PARTITIONS: i32 = 4;

/// How long the service may take, after the last fact, to reach the end of the log.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

/// Runs the demo; its exit status is 1 if the audit finds a difference.
pub(crate) fn run(arguments: DemoArguments) -> Result<ExitCode, Failure> {
    signals::runtime()?.block_on(demo(arguments))
}

async fn demo(arguments: DemoArguments) -> Result<ExitCode, Failure> {
    let shutdown = signals::shutdown()?;
    let place = Place::choose(&arguments)?;
    let log = open_log(&place).await?;
    let store = open_store(&place).await?;
    let public = serve::bind(arguments.listen).await?;
    let address = public.local_addr().context("asking for the bound address").map_err(Failure::check)?;
    let admin = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let admin_address = admin.local_addr().context("asking for the bound address").map_err(Failure::check)?;

    let history = HistoryConfig { file: beside(&place.store), ..HistoryConfig::default() };
    let config = ServiceConfig { history, ..ServiceConfig::default() };
    let service = Service::start(config, &log, store.clone())?;
    let (view, metrics) = (Arc::clone(&service.engine.view), Arc::clone(&service.engine.metrics));
    let stop_service = CancellationToken::new();
    let serving = tokio::spawn(service.serve(public, admin, stop_service.clone()));
    announce(address, admin_address, &place, arguments.open);

    progress::until_complete(&view, CATCH_UP_MAX).await?;
    let upstream = Upstream::start(&arguments, &log);
    let probes = Probes::start(address, &log, upstream.stop.clone())?;
    let watcher = Watcher { view, metrics, store, probes: probes.figures(), published: Arc::clone(&upstream.progress) };
    let ended_early = watch(&watcher, arguments.duration, &shutdown, upstream.failed.clone()).await;
    upstream.finish().await?;
    probes.finish().await?;
    ended_early?;

    watcher.until_caught_up(CATCH_UP_MAX).await?;
    let audit = audit(&log, address).await?;
    let result = DemoResult::new(&watcher, &audit);
    stop_service.cancel();
    serving.await.context("the service's task").map_err(Failure::check)??;
    place.tidy_up().await;
    print(&result, &audit, arguments.json);
    Ok(if audit.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

async fn open_log(place: &Place) -> Result<Log, Failure> {
    let config = place.log.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let log = Log::open(&config)?;
        log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 })?;
        Ok::<_, Failure>(log)
    });
    opened.await.context("opening the log").map_err(Failure::check)?
}

async fn open_store(place: &Place) -> Result<Store, Failure> {
    let (url, options) = (place.store.clone(), place.store_options.clone());
    let opened = tokio::task::spawn_blocking(move || Store::open(&url, &options)).await;
    Ok(opened.context("opening the store").map_err(Failure::check)??)
}

/// Shows progress until the time is up or a signal asks to stop.
async fn watch(
    watcher: &Watcher,
    duration: Option<Duration>,
    shutdown: &CancellationToken,
    failed: CancellationToken,
) -> Result<(), Failure> {
    let time_is_up = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        never = watcher.show() => match never {},
        () = time_is_up => Ok(()),
        () = shutdown.cancelled() => Ok(()),
        () = failed.cancelled() => Err(Failure::check(anyhow!("an upstream service ended before it should"))),
    }
}

async fn audit(log: &Log, address: SocketAddr) -> Result<AuditReport, Failure> {
    let log = log.clone();
    let subject = SubjectConfig::Server(format!("http://{address}"));
    let audited = tokio::task::spawn_blocking(move || user_info_audit::run(&log, subject, AuditOptions::default()));
    Ok(audited.await.context("the audit's task").map_err(Failure::check)??)
}

/// The upstream services, all of them.
struct Upstream {
    progress: Arc<Progress>,
    stop: CancellationToken,
    failed: CancellationToken,
    running: JoinHandle<Result<(), Failure>>,
}

impl Upstream {
    fn start(arguments: &DemoArguments, log: &Log) -> Self {
        let progress = Arc::new(Progress::default());
        let (stop, failed) = (CancellationToken::new(), CancellationToken::new());
        let (shares, log) = (shares(arguments), log.clone());
        let task = {
            let (progress, stop, failed) = (Arc::clone(&progress), stop.clone(), failed.clone());
            async move {
                let ended = all::run(log, shares, progress, stop.clone()).await;
                if !stop.is_cancelled() {
                    failed.cancel();
                }
                Ok(ended?)
            }
        };
        Self { progress, stop, failed, running: tokio::spawn(task) }
    }

    async fn finish(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.running.await.context("the upstream services' task").map_err(Failure::check)?
    }
}

/// Half of the facts are tweets and, while users are new, their authors; the rest are follows, likes and lists in equal
/// parts.
fn shares(arguments: &DemoArguments) -> all::AllConfig {
    let simulator = SimulatorConfig { users: arguments.users, rate: arguments.rate / 4.0, seed: arguments.seed };
    all::AllConfig { stream: None, client: ClientOptions::default(), simulator, action_rate: arguments.rate / 6.0 }
}

#[expect(clippy::print_stderr, reason = "for the person who watches; stdout is for the result")]
fn announce(address: SocketAddr, admin: SocketAddr, place: &Place, open: bool) {
    let page = format!("http://{address}/");
    eprintln!("watch users:   {page}");
    eprintln!("for operators: http://{admin}/");
    eprintln!("data:          {place}");
    if open && let Err(error) = std::process::Command::new("xdg-open").arg(&page).spawn() {
        tracing::warn!("cannot open a browser ({error}): open {page} yourself");
    }
}

#[expect(clippy::print_stdout, reason = "the figures are this command's result")]
fn print(result: &DemoResult, audit: &AuditReport, as_json: bool) {
    println!("{result}");
    print!("{audit}");
    if as_json {
        println!("{}", result.to_json());
    }
}

//! A log, a store and a running service that end with their test.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use user_info_core::Topic;
use user_info_log::{Log, LogConfig, LogUrl, NewRecord, PollLimits, ProducerConfig, Published, Record, Start};
use user_info_log::{TopicLayout, TopicNames};
use user_info_service::errors::RecentErrors;
use user_info_service::metrics::Metrics;
use user_info_service::run::Service;
use user_info_service::view::SharedView;
use user_info_service::{ServiceConfig, ServiceError, Shutdown};
use user_info_store::{Store, StoreOptions, StoreUrl};
use user_info_testkit::eventually;

use crate::http::{self, Answer};

/// How long a test waits for what takes milliseconds on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Partitions of each topic.
pub(crate) const PARTITIONS: i32 = 3;

/// A directory with an embedded log and room for stores.
pub(crate) struct World {
    pub(crate) log: Log,
    dir: TempDir,
}

impl World {
    /// With the six topics.
    pub(crate) fn new() -> Self {
        let world = Self::without_topics();
        world.create_topics();
        world
    }

    pub(crate) fn without_topics() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = embedded(dir.path().join("log"), TopicNames::default());
        Self { log, dir }
    }

    pub(crate) fn create_topics(&self) {
        self.log.create_topics(TopicLayout { partitions: PARTITIONS, replication: 1 }).unwrap();
    }

    pub(crate) fn publish(&self, records: &[NewRecord]) -> Vec<Published> {
        publish(&self.log, records)
    }

    /// The directory of the store.
    pub(crate) fn store_path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// How the command line names it.
    pub(crate) fn store_url(&self) -> StoreUrl {
        StoreUrl::RocksDb { path: self.store_path() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn open_store(&self) -> Store {
        Store::open(&self.store_url(), &StoreOptions::default()).unwrap()
    }

    /// A service on the log and the store of this world.
    pub(crate) fn start(&self) -> Server {
        self.start_with(config())
    }

    pub(crate) fn start_with(&self, config: ServiceConfig) -> Server {
        Server::start(config, &self.log, self.open_store())
    }

    /// Everything on the topic of dead letters, by partition and offset.
    pub(crate) fn dead_letters(&self) -> Vec<Record> {
        let starts = (0..PARTITIONS).map(|partition| Start { topic: Topic::DeadLetters, partition, offset: 0 });
        let mut consumer = self.log.consumer().unwrap();
        consumer.assign(&starts.collect::<Vec<_>>()).unwrap();
        let (mut records, mut ends) = (Vec::new(), 0);
        while ends < PARTITIONS {
            let polled = consumer.poll(PollLimits { records: 1_000, bytes: usize::MAX }, LIMIT).unwrap();
            records.extend(polled.records);
            ends += i32::try_from(polled.ends.len()).unwrap();
        }
        records
    }
}

pub(crate) fn embedded(path: PathBuf, topic_names: TopicNames) -> Log {
    open_log(LogUrl::Embedded { path }, topic_names)
}

pub(crate) fn open_log(url: LogUrl, topic_names: TopicNames) -> Log {
    Log::open(&LogConfig { url, topic_names, kafka_options: Vec::new(), client_id: "user-info-test".into() }).unwrap()
}

pub(crate) fn publish(log: &Log, records: &[NewRecord]) -> Vec<Published> {
    log.producer(&ProducerConfig::default()).unwrap().publish(records).unwrap()
}

/// What the tests change about the default.
pub(crate) fn config() -> ServiceConfig {
    ServiceConfig { watch_interval: Duration::from_millis(50), ..ServiceConfig::default() }
}

/// A running service. Dropped, it ends.
pub(crate) struct Server {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) view: SharedView,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) errors: Arc<RecentErrors>,
    pub(crate) shutdown: Shutdown,
    /// Where the kernel tells of its threads: ingest, outbox, watch.
    threads: Vec<PathBuf>,
    /// `None` once its result was taken.
    serving: Option<JoinHandle<Result<(), ServiceError>>>,
    runtime: Runtime,
}

impl Server {
    /// Threads that answer.
    pub(crate) const WORKERS: usize = 2;

    /// Runs something beside the requests, on the threads that answer them.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    pub(crate) fn start(config: ServiceConfig, log: &Log, store: Store) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(Self::WORKERS).enable_all().build().unwrap();
        let bind = || runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (public, admin, shutdown) = (bind(), bind(), Shutdown::new());
        let addresses = (public.local_addr().unwrap(), admin.local_addr().unwrap());
        let (service, threads) = with_new_threads(|| Service::start(config, log, store).unwrap());
        let engine = &service.engine;
        let (view, metrics, errors) = (engine.view.clone(), engine.metrics.clone(), engine.errors.clone());
        let serving = Some(runtime.spawn(service.serve(public, admin, shutdown.clone())));
        Self { public: addresses.0, admin: addresses.1, view, metrics, errors, shutdown, threads, serving, runtime }
    }

    /// Processor time that its threads have used, those of clients of a log and of the sockets left out.
    pub(crate) fn processor_time(&self) -> Duration {
        let ticks: u64 = self.threads.iter().map(|thread| ticks(thread)).sum();
        Duration::from_millis(ticks * TICK_MS)
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        http::get(self.public, target)
    }

    pub(crate) fn admin(&self, target: &str) -> Answer {
        http::get(self.admin, target)
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        self.admin("/status").json()
    }

    /// What `/status` says of a topic.
    pub(crate) fn topic_status(&self, topic: Topic) -> serde_json::Value {
        let status = self.status();
        let topics = status["topics"].as_array().unwrap();
        topics.iter().find(|found| found["topic"] == topic.name()).unwrap().clone()
    }

    /// Waits until the status is this one and returns the answer.
    #[track_caller]
    pub(crate) fn until_status(&self, target: &str, status: u16) -> Answer {
        let mut answer = self.get(target);
        eventually(LIMIT, &format!("GET {target} is {status}"), || {
            answer = self.get(target);
            answer.status == status
        });
        answer
    }

    /// Waits until every partition is at its end and every record published before this call was applied.
    #[track_caller]
    pub(crate) fn until_caught_up(&self, log: &Log) {
        let ends: Vec<(Topic, i32, i64)> = Topic::FACTS
            .into_iter()
            .flat_map(|topic| (0..PARTITIONS).map(move |partition| (topic, partition)))
            .map(|(topic, partition)| (topic, partition, log.offsets(topic, partition).unwrap().end))
            .collect();
        eventually(LIMIT, "the service is caught up", || {
            let view = self.view.load();
            let position = |&(topic, partition, _): &(Topic, i32, i64)| {
                let topic = view.topics.iter().find(|found| found.topic == topic)?;
                Some(topic.partitions.get(usize::try_from(partition).ok()?)?.position.next_offset)
            };
            view.is_caught_up() && ends.iter().all(|end| position(end).is_some_and(|position| position >= end.2))
        });
    }

    /// Waits until it is ready.
    #[track_caller]
    pub(crate) fn until_ready(&self) {
        eventually(LIMIT, "the service is ready", || self.admin("/ready").status == 200);
    }

    /// Stops it and returns how it ended.
    pub(crate) fn stop(self) -> Result<(), ServiceError> {
        self.shutdown.cancel();
        self.ended()
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> Result<(), ServiceError> {
        self.wait().expect("it does not end").expect("it can end once")
    }

    fn wait(&mut self) -> Result<Option<Result<(), ServiceError>>, Elapsed> {
        let Some(serving) = self.serving.take() else { return Ok(None) };
        self.runtime.block_on(async { tokio::time::timeout(LIMIT, serving).await }).map(|ended| Some(ended.unwrap()))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.serving.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// One unit of processor time; the same on every Linux.
const TICK_MS: u64 = 10;

/// Runs `start` and finds the threads of a service that it started.
fn with_new_threads<T>(start: impl FnOnce() -> T) -> (T, Vec<PathBuf>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let before = service_threads();
    let started = start();
    let mut threads = Vec::new();
    eventually(LIMIT, "the threads are there", || {
        threads = service_threads().difference(&before).cloned().collect();
        threads.len() == THREAD_NAMES.len()
    });
    (started, threads)
}

const THREAD_NAMES: [&str; 3] = ["ingest", "outbox", "watch"];

fn service_threads() -> BTreeSet<PathBuf> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let is_ours = |name: &String| THREAD_NAMES.contains(&name.trim());
    tasks.filter(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| is_ours(&name))).collect()
}

/// User and system time of a thread; fields are counted behind its name, which may hold anything.
fn ticks(thread: &Path) -> u64 {
    let stat = fs::read_to_string(thread.join("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
        // The store must be closed before its directory goes. How it ended is of no interest to who dropped it.
        let _ = self.wait();
    }
}

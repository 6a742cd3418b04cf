//! The probe of freshness against a service on an embedded log.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_bench::BenchError;
use user_info_bench::freshness::{Change, FreshnessConfig, run};
use user_info_log::{Log, LogConfig, LogUrl, TopicLayout, TopicNames};
use user_info_service::ServiceConfig;
use user_info_service::run::Service;
use user_info_store::{Store, StoreOptions, StoreUrl};

use crate::servers::{answer_all, start, with};

fn config(server: std::net::SocketAddr, change: Change) -> FreshnessConfig {
    FreshnessConfig {
        server,
        change,
        probes: 2,
        per_second: 40.0,
        duration: Duration::from_secs(1),
        look_interval: Duration::from_micros(200),
        limit: Duration::from_secs(30),
    }
}

fn log(directory: &std::path::Path) -> Log {
    let url = LogUrl::Embedded { path: directory.join("log") };
    let config =
        LogConfig { url, topic_names: TopicNames::default(), kafka_options: vec![], client_id: "bench".into() };
    let log = Log::open(&config).unwrap();
    log.create_topics(TopicLayout { partitions: 2, replication: 1 }).unwrap();
    log
}

#[test]
fn every_fact_is_waited_for_until_it_shows() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = CancellationToken::new();
    let (address, serving) = runtime.block_on(async {
        let store = Store::open(&StoreUrl::Memory, &StoreOptions::default()).unwrap();
        let service = Service::start(ServiceConfig::default(), &log, store).unwrap();
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, view) = (public.local_addr().unwrap(), Arc::clone(&service.engine.view));
        let serving = tokio::spawn(service.serve(public, admin, stop.clone()));
        while !view.load().complete {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (address, serving)
    });
    for change in [Change::Profile, Change::Count, Change::Count] {
        let figures = run(&config(address, change), &log).unwrap();
        // Two probes at 20 a second each; the last would be due when the time is up.
        assert_eq!((figures.shown_ms.count, figures.published_ms.count), (38, 38), "{change:?}");
        assert!(figures.shown_ms.p50 >= figures.published_ms.p50, "{figures:?}");
    }
    stop.cancel();
    runtime.block_on(serving).unwrap().unwrap();
}

#[test]
fn a_fact_that_never_shows_ends_the_measurement() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path());
    let server = start(|mut stream| answer_all(&mut stream, |_| Some(with(404, "{}"))));
    let config = FreshnessConfig { limit: Duration::from_secs(1), ..config(server, Change::Profile) };
    let error = run(&config, &log).unwrap_err();
    assert!(matches!(error, BenchError::NotShown { seconds: 1 }), "{error}");
}

//! A service on a log of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_log::{Log, LogConfig, LogUrl, TopicLayout, TopicNames};
use user_info_service::ServiceConfig;
use user_info_service::run::Service;
use user_info_store::Store;

pub(crate) fn open_log(directory: &Path) -> Log {
    let url = LogUrl::Embedded { path: directory.join("log") };
    let config =
        LogConfig { url, topic_names: TopicNames::default(), kafka_options: vec![], client_id: "bench".into() };
    let log = Log::open(&config).unwrap();
    log.create_topics(TopicLayout { partitions: 4, replication: 1 }).unwrap();
    log
}

pub(crate) async fn serve(log: &Log, store: Store) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
    let service = Service::start(ServiceConfig::default(), log, store).unwrap();
    let (public, admin) = (listener().await, listener().await);
    let (address, stop) = (public.local_addr().unwrap(), CancellationToken::new());
    let view = Arc::clone(&service.engine.view);
    let ended = stop.clone();
    let serving = tokio::spawn(async move { service.serve(public, admin, ended).await.unwrap() });
    while !view.load().complete {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (address, stop, serving)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

//! What operators see of a service: its health, its metrics, its progress line.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use user_info_upstream::Progress;
use user_info_upstream::admin::{self, CONNECTIONS_MAX, Report};
use user_info_upstream::tweets::{self, PublishUsers};

use crate::support::{
    DEADLINE, Running, Script, TestLog, account, deletion, eventually, line, serve, status, tweets_config,
};

/// An operator's address of a service that did this.
struct Operated {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Operated {
    async fn start(report: Arc<dyn Report>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let served = tokio::spawn(admin::serve(listener, vec![report], stop.clone()));
        Self { address, stop, served }
    }

    async fn get(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(DEADLINE, socket.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
        answer
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.served).await.expect("it ends in time").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_answered_and_nothing_else() {
    let progress = Arc::new(Progress::default());
    progress.users_unchanged.store(17, Ordering::Relaxed);
    progress.users_remembered.store(4, Ordering::Relaxed);
    let operated = Operated::start(progress).await;
    assert!(operated.get("GET /health").await.starts_with("HTTP/1.1 200"));
    let metrics = operated.get("GET /metrics").await;
    for expected in [
        "application/openmetrics-text",
        "\nuser_info_upstream_users_unchanged_total 17\n",
        "\nuser_info_upstream_users_remembered 4\n",
        "\n# EOF\n",
    ] {
        assert!(metrics.contains(expected), "no {expected:?} in {metrics}");
    }
    for request in ["GET /", "POST /metrics", "GET /metrics/"] {
        assert!(operated.get(request).await.starts_with("HTTP/1.1 404"), "{request}");
    }
    operated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_are_bounded_and_do_not_hold_up_the_end() {
    let operated = Operated::start(Arc::new(Progress::default())).await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        silent.push(TcpStream::connect(operated.address).await.unwrap());
    }
    let mut refused = TcpStream::connect(operated.address).await.unwrap();
    let read = timeout(DEADLINE, refused.read(&mut [0])).await.expect("it is closed at once");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    operated.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_counts_what_it_does() {
    let test = TestLog::new();
    let chunks = vec![
        line(&status(7, 12, "jack", 1)),
        line(&status(8, 12, "jack", 2)),
        line(&deletion(8, 12)),
        line(&account("user_suspend", 12, 3)),
        line(&serde_json::json!({"limit": {"track": 3}})),
    ];
    let config = tweets_config(serve(vec![Script::Silence(chunks)]).await, PublishUsers::WhenChanged);
    let service = Running::start(|progress, stop| tweets::run(test.log.clone(), config, progress, stop));
    let progress = Arc::clone(&service.progress);
    eventually("everything was taken in", || progress.notices.load(Ordering::Relaxed) == 1).await;
    service.published(6).await;
    service.stop().await.unwrap();
    let expected = "6 records published, 2 statuses, 1 deletions, 1 account changes, 1 users published and 1 saved because \
                    unchanged, 0 malformed, 0 interruptions";
    assert_eq!(progress.to_string(), expected);
}

//! The client against servers of every kind: it goes on, whatever they do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use user_info_upstream::stream::client::{self, ClientLimits, ClientOptions, StreamUrl};
use user_info_upstream::stream::message::Message;
use user_info_upstream::{Progress, UpstreamError};

use crate::support::{DEADLINE, Script, deletion, eventually, line, nobody, serve, status};

struct Client {
    messages: mpsc::Receiver<Message>,
    progress: Arc<Progress>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<Result<(), UpstreamError>>,
}

impl Client {
    fn start(url: &str) -> Self {
        Self::start_with(url, ClientLimits::default(), 100)
    }

    fn start_with(url: &str, limits: ClientLimits, queue: usize) -> Self {
        let url: StreamUrl = url.parse().unwrap();
        let (sender, messages) = mpsc::channel(queue);
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let (counted, stopped) = (Arc::clone(&progress), stop.clone());
        let options = ClientOptions { limits, ..ClientOptions::default() };
        let ended = tokio::spawn(async move { client::run(&url, &options, sender, counted, stopped).await });
        Self { messages, progress, stop, ended }
    }

    /// The ids of the next tweets, deleted ones with a minus.
    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let message = timeout(DEADLINE, self.messages.recv()).await.expect("a message in time").unwrap();
            if let Message::Status(status) = message {
                taken.push(status.tweet_id.to_string());
            } else if let Message::Deletion(deletion) = message {
                taken.push(format!("-{}", deletion.tweet_id));
            } else {
                assert_eq!(message, Message::Limit { track: 0 }, "nothing else was sent");
            }
        }
        taken
    }

    fn connections(&self) -> u64 {
        self.progress.connections.load(Ordering::Relaxed)
    }

    fn malformed(&self) -> u64 {
        self.progress.malformed.load(Ordering::Relaxed)
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.ended).await.expect("it ends in time").unwrap().unwrap();
    }
}

fn tweet(id: u64) -> Vec<u8> {
    line(&status(id, 12, "jack", 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_whatever_the_chunks() {
    let whole =
        [&b"\r\n"[..], &tweet(1), b"\r\n", &line(&deletion(1, 12)), b"{\n\"limit\":{}}\r\n", &tweet(2)].concat();
    for size in [1, 2, 7, 100, whole.len()] {
        let chunks = whole.chunks(size).map(<[u8]>::to_vec).collect();
        let mut client = Client::start(&serve(vec![Script::Silence(chunks)]).await);
        assert_eq!(client.take(3).await, ["1", "-1", "2"], "chunks of {size}");
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_with_lengths_if_those_are_asked_for() {
    let with_length = |message: Vec<u8>| [format!("{}\r\n", message.len()).into_bytes(), message].concat();
    let pretty = b"{\n\"limit\":{}}\r\n".to_vec();
    let whole = [&b"\r\n"[..], &with_length(tweet(1)), b"\r\n", &with_length(pretty), &with_length(tweet(2))].concat();
    for size in [1, 2, 7, 100, whole.len()] {
        let chunks = whole.chunks(size).map(<[u8]>::to_vec).collect();
        let url = serve(vec![Script::Silence(chunks)]).await + "?stall_warnings=true&delimited=length";
        let mut client = Client::start(&url);
        assert_eq!(client.take(2).await, ["1", "2"], "chunks of {size}");
        assert_eq!(client.malformed(), 0);
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_the_lengths_that_were_asked_for_is_replaced() {
    let right = [format!("{}\n", tweet(2).len()).into_bytes(), tweet(2)].concat();
    let url = serve(vec![Script::Silence(vec![tweet(1)]), Script::Silence(vec![right])]).await + "?delimited=length";
    let mut client = Client::start(&url);
    assert_eq!(client.take(1).await, ["2"]);
    assert_eq!(client.connections(), 2);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced() {
    let half_a_message = tweet(99)[..50].to_vec();
    let url = serve(vec![
        Script::Cut(vec![tweet(1), half_a_message]),
        Script::End(vec![tweet(2)]),
        Script::Silence(vec![tweet(3)]),
    ])
    .await;
    let mut client = Client::start(&url);
    assert_eq!(client.take(3).await, ["1", "2", "3"]);
    assert_eq!((client.connections(), client.malformed()), (3, 0));
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_replaced() {
    let url = serve(vec![Script::Silence(vec![tweet(1)]), Script::Silence(vec![tweet(2)])]).await;
    let (stall, lasting) = (Duration::from_millis(300), Duration::from_millis(300));
    let limits = ClientLimits { stall, lasting, ..ClientLimits::default() };
    let mut client = Client::start_with(&url, limits, 100);
    assert_eq!(client.take(3).await, ["1", "2", "2"]);
    assert!(client.connections() >= 3);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_is_counted_and_the_next_one_read() {
    let too_long = [&b"{\""[..], &vec![b'x'; 2 << 20], b"\":1}\r\n"].concat();
    let chunks = vec![tweet(1), b"nonsense\r\n".to_vec(), b"{\"delete\":1}\r\n".to_vec(), too_long, tweet(2)];
    let mut client = Client::start(&serve(vec![Script::Silence(chunks)]).await);
    assert_eq!(client.take(2).await, ["1", "2"]);
    assert_eq!((client.connections(), client.malformed()), (1, 3));
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_cancelled_at_any_time() {
    // Waiting for messages, for a place in the queue, for 5 s after an error status, for a server.
    for script in
        [Script::Silence(vec![tweet(1)]), Script::Silence(vec![tweet(1), tweet(2), tweet(3)]), Script::Status(503)]
    {
        let url = serve(vec![script.clone()]).await;
        let client = Client::start_with(&url, ClientLimits::default(), 1);
        if !matches!(script, Script::Status(_)) {
            eventually("it is connected", || client.connections() == 1).await;
        }
        client.stop().await;
    }
    Client::start(&format!("http://{}/", nobody())).stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_waits_for_a_server_to_come() {
    let address = nobody();
    let mut client = Client::start(&format!("http://{address}/1.1/statuses/sample.json"));
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let config = user_info_upstream::simulator::SimulatorConfig { users: 10, rate: 100.0, seed: 1 };
    let stop = CancellationToken::new();
    let server = tokio::spawn(user_info_upstream::simulator::serve(listener, config, stop.clone()));
    assert_eq!(client.take(10).await.len(), 10);
    client.stop().await;
    stop.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_nobody_takes_messages() {
    let Client { messages, ended, .. } = Client::start(&serve(vec![Script::Silence(vec![])]).await);
    drop(messages);
    timeout(DEADLINE, ended).await.expect("it ends in time").unwrap().unwrap();
}

#[test]
fn only_plain_http_addresses_are_taken() {
    for url in ["http://127.0.0.1:8090/1.1/statuses/sample.json", "http://[::1]:80/", "http://localhost"] {
        assert!(url.parse::<StreamUrl>().is_ok(), "{url}");
    }
    for url in ["http://me:secret@127.0.0.1/", "me:secret@127.0.0.1", "https://me:secret@stream.example/"] {
        let refused = url.parse::<StreamUrl>().unwrap_err().to_string();
        assert!(refused.contains("***@") && !refused.contains("secret"), "{refused}");
    }
    for url in ["", "localhost:8090", "https://stream.example/", "/1.1/statuses/sample.json", "http://", "http://a b/"]
    {
        let refused = url.parse::<StreamUrl>();
        assert!(matches!(refused, Err(UpstreamError::InvalidStream { .. })), "{url}: {refused:?}");
    }
}

//! An archive goes through the real server to a client, and all of it arrives.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use user_info_upstream::replay::{Pace, Replay, ReplayConfig, ReplayProgress};
use user_info_upstream::simulator::{STREAM_PATH, ServerLimits, serve_replay};
use user_info_upstream::stream::client::{self, ClientOptions, StreamUrl};
use user_info_upstream::stream::message::Message;
use user_info_upstream::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};
use user_info_upstream::{Progress, UpstreamError};

use super::archives::{Files, Packing, config, message, messages, pack, tar, text};
use crate::support::{DEADLINE, eventually, status};

/// A server of an archive that ends with the test.
struct Server {
    address: std::net::SocketAddr,
    progress: Arc<ReplayProgress>,
    running: JoinHandle<Result<(), UpstreamError>>,
    stop: CancellationToken,
}

impl Server {
    async fn start(config: ReplayConfig, limits: ServerLimits) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let replay = Replay::open(config).unwrap();
        let (progress, stop) = (replay.progress(), CancellationToken::new());
        let running = tokio::spawn(serve_replay(listener, replay, limits.into(), stop.clone()));
        Self { address, progress, running, stop }
    }

    async fn connect(&self) -> TcpStream {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {STREAM_PATH} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    async fn ended(self) {
        timeout(DEADLINE, self.running).await.expect("the server ends in time").unwrap().unwrap();
    }
}

/// Everything until the server ends the stream, which it must do properly.
async fn read_to_end(socket: &mut TcpStream) -> Vec<Vec<u8>> {
    let mut response = Vec::new();
    timeout(DEADLINE, socket.read_to_end(&mut response)).await.expect("the stream ends in time").unwrap();
    let header = response.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let (mut rest, mut pieces) = (&response[header + 4..], Vec::new());
    let mut splitter = Splitter::new(MAX_MESSAGE_BYTES);
    loop {
        let line = rest.windows(2).position(|bytes| bytes == b"\r\n").expect("chunks to the end");
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        splitter.push(&rest[line + 2..line + 2 + size], &mut pieces);
        rest = &rest[line + 4 + size..];
        if size == 0 {
            break;
        }
    }
    let message = |piece| match piece {
        Piece::Message(message) => message,
        Piece::TooLong => panic!("longer than a client keeps"),
    };
    pieces.into_iter().map(message).collect()
}

fn with_disconnect(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let disconnect =
        r#"{"disconnect":{"code":5,"reason":"the stream ended as planned","stream_name":"statuses/sample"}}"#;
    messages.push(disconnect.into());
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_reaches_its_client_whole_at_every_pace() {
    let files = Files::new();
    let minutes = [messages(0..2_000), messages(2_000..2_500)].map(|part| pack(Packing::Bzip2, &text(&part)));
    let path = files.write("a.tar", &tar([("00/00.json.bz2", &minutes[0][..]), ("00/01.json.bz2", &minutes[1])]));
    for pace in [Pace::FlatOut, Pace::Rate(20_000.0), Pace::Recorded { speed: 1.0 }] {
        let server = Server::start(config(std::slice::from_ref(&path), pace), ServerLimits::default()).await;
        let mut client = server.connect().await;
        assert_eq!(read_to_end(&mut client).await, with_disconnect(messages(0..2_500)), "{pace:?}");
        assert_eq!(server.progress.messages(), 2_500);
        server.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_waits_for_the_first_client_and_for_the_next() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..60_000)));
    let limits = ServerLimits { queue_chunks_max: 4, ..ServerLimits::default() };
    let server = Server::start(config(&[path], Pace::FlatOut), limits).await;
    // Whoever asks for something else is no client of the stream.
    let mut other = TcpStream::connect(server.address).await.unwrap();
    other.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
    other.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(server.progress.messages(), 0, "nobody listened");
    let mut first = server.connect().await;
    first.read_exact(&mut vec![0; 10_000]).await.unwrap();
    drop(first);
    let mut second = server.connect().await;
    let rest = read_to_end(&mut second).await;
    let from = 60_001 - rest.len();
    assert!((100..60_000).contains(&from), "the second client begins at {from}");
    assert_eq!(rest, with_disconnect(messages(from..60_000)));
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_though_its_client_left_with_the_last_message() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..3)));
    // The end is told a tick after the last message, at the earliest.
    for _ in 0..20 {
        let server = Server::start(config(std::slice::from_ref(&path), Pace::FlatOut), ServerLimits::default()).await;
        let mut client = server.connect().await;
        let mut read = Vec::new();
        while !read.windows(message(2).len()).any(|window| window == message(2)) {
            assert!(client.read_buf(&mut read).await.unwrap() > 0, "the stream ended before its last message");
        }
        drop(client);
        server.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flat_out_waits_for_a_slow_client() {
    let files = Files::new();
    let path = files.write("a.zst", &pack(Packing::Zstd, &text(&messages(0..400_000))));
    let limits = ServerLimits { queue_chunks_max: 2, ..ServerLimits::default() };
    let server = Server::start(config(&[path], Pace::FlatOut), limits).await;
    let (mut slow, mut eager) = (server.connect().await, server.connect().await);
    let eager = tokio::spawn(async move { read_to_end(&mut eager).await });
    eventually("the stream has begun", || server.progress.messages() > 1_000).await;
    let slow = read_to_end(&mut slow).await;
    assert_eq!(slow, with_disconnect(messages(0..400_000)));
    assert_eq!(eager.await.unwrap().last(), slow.last());
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_client_gets_every_status() {
    let files = Files::new();
    let statuses: Vec<_> = (0..3_000).map(|id| status(id, 1 + id % 7, "somebody", 1_700_000_000_000)).collect();
    let lines: Vec<_> = statuses.iter().map(|status| status.to_string().into_bytes()).collect();
    let broken = b"{\"broken\n".to_vec();
    files.write("00.json.gz", &pack(Packing::Gzip, &[text(&lines[..1_000]), broken].concat()));
    files.write(
        "01.tar.zst",
        &pack(Packing::Zstd, &tar([("x.json.bz2", &pack(Packing::Bzip2, &text(&lines[1_000..]))[..])])),
    );
    let server = Server::start(config(&[files.root()], Pace::Recorded { speed: 1.0 }), ServerLimits::default()).await;
    let url: StreamUrl = format!("http://{}{STREAM_PATH}", server.address).parse().unwrap();
    let (sender, mut messages) = mpsc::channel(100);
    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let (counted, stopped) = (Arc::clone(&progress), stop.clone());
    let client =
        tokio::spawn(async move { client::run(&url, &ClientOptions::default(), sender, counted, stopped).await });
    for id in 0..3_000 {
        let message = timeout(DEADLINE, messages.recv()).await.expect("a message in time").unwrap();
        let Message::Status(status) = message else { panic!("not a status: {message:?}") };
        assert_eq!(status.tweet_id.as_str(), id.to_string());
    }
    assert_eq!((server.progress.messages(), server.progress.bad_lines()), (3_000, 1));
    // An archive stands still without a client, also before it has told its end.
    server.ended().await;
    stop.cancel();
    client.await.unwrap().unwrap();
    assert_eq!(progress.malformed.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_archive_ends_with_the_server() {
    let files = Files::new();
    let path = files.write("a", &text(&messages(0..10)));
    let config = ReplayConfig { repeat: true, ..config(&[path], Pace::FlatOut) };
    let server = Server::start(config, ServerLimits::default()).await;
    let mut client = server.connect().await;
    client.read_exact(&mut vec![0; 100_000]).await.unwrap();
    assert!(server.progress.rounds() > 100);
    server.stop.cancel();
    server.ended().await;
}

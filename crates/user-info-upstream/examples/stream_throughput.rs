//! How much the stream server sends: to one client, and to a thousand at once.
//!
//!     cargo run --release -p user-info-upstream --example stream_throughput [SECONDS]
//!
//! Server and clients are in this process and meet over loopback. Clients read HTTP chunks and split messages. A run fails
//! if any client misses a message between its first and the end of the stream: the messages of each must be the last ones of
//! the client that was there first. It needs two file descriptors for each client (`ulimit -n`) and ends by itself.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "the figures are the result, and a failure ends it")]

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use user_info_upstream::UpstreamError;
use user_info_upstream::simulator::{
    AccountLimits, Kind, STREAM_PATH, ServerLimits, ServerOptions, SimulatorConfig, Traffic, serve_with,
};
use user_info_upstream::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};

/// How long each run is measured, unless another number is given.
const SECONDS: u64 = 10;
const USERS: u32 = 100_000;
/// What a client reads at a time.
const READ_BYTES: usize = 256 * 1024;

fn main() {
    let seconds = std::env::args().nth(1).map_or(SECONDS, |count| count.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (clients, rate, headers) in
        [(1, 50_000.0, ""), (1, f64::INFINITY, ""), (1, f64::INFINITY, "accept-encoding: gzip\r\n"), (1_000, 50.0, "")]
    {
        runtime.block_on(measure(clients, rate, headers, Duration::from_secs(seconds)));
    }
}

async fn measure(clients: usize, rate: f64, headers: &'static str, time: Duration) {
    let server = Server::start(clients, rate).await;
    let hashes = RandomState::new();
    let mut readers: Vec<JoinHandle<Read>> = Vec::new();
    for _ in 0..clients {
        readers.push(tokio::spawn(read(server.address, headers, hashes.clone())));
    }
    while server.traffic.streams() < clients as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (before, began) = (server.sent(), Instant::now());
    tokio::time::sleep(time).await;
    let (after, took) = (server.sent(), began.elapsed());
    let traffic = server.stop().await;
    let mut reads = Vec::new();
    for reader in readers {
        reads.push(reader.await.unwrap());
    }
    let per_second = |count: u64| count as f64 / took.as_secs_f64();
    println!(
        "{clients} clients at {rate} statuses/s{}: {:.0} statuses/s and {:.1} MB/s in all, {}",
        if headers.is_empty() { "" } else { ", packed" },
        per_second(after.statuses - before.statuses),
        per_second(after.bytes - before.bytes) / 1e6,
        if headers.is_empty() { verdict(&reads, &traffic) } else { "not unpacked by the client".to_owned() },
    );
}

fn verdict(reads: &[Read], traffic: &Traffic) -> String {
    let received: u64 = reads.iter().map(|read| read.messages.len() as u64).sum();
    let sent: u64 = Kind::ALL.iter().map(|&kind| traffic.messages(kind)).sum();
    assert_eq!(received, sent, "a message was lost on its way");
    assert!(reads.iter().all(|read| read.whole), "a client was cut off");
    let longest = &reads.iter().max_by_key(|read| read.messages.len()).unwrap().messages;
    assert!(reads.iter().all(|read| longest.ends_with(&read.messages)), "a client missed a message");
    format!("{received} messages received, none missed")
}

/// What was sent to all clients together.
struct Sent {
    statuses: u64,
    bytes: u64,
}

struct Server {
    address: SocketAddr,
    traffic: Arc<Traffic>,
    stop: CancellationToken,
    running: JoinHandle<Result<(), UpstreamError>>,
}

impl Server {
    async fn start(clients: usize, rate: f64) -> Self {
        let limits =
            ServerLimits { connections_max: clients, farewell_max: Duration::from_secs(30), ..ServerLimits::default() };
        let accounts = AccountLimits { connects: None, ..AccountLimits::default() };
        let options = ServerOptions { limits, accounts, ..ServerOptions::default() };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, traffic) = (listener.local_addr().unwrap(), Arc::clone(&options.traffic));
        let (stop, config) = (CancellationToken::new(), SimulatorConfig { users: USERS, rate, seed: 7 });
        let running = tokio::spawn(serve_with(listener, config, options, stop.clone()));
        Self { address, traffic, stop, running }
    }

    fn sent(&self) -> Sent {
        Sent { statuses: self.traffic.messages(Kind::Status), bytes: self.traffic.bytes() }
    }

    async fn stop(self) -> Arc<Traffic> {
        self.stop.cancel();
        self.running.await.unwrap().unwrap();
        self.traffic
    }
}

/// What a client got.
struct Read {
    /// A hash of each message.
    messages: Vec<u64>,
    /// Whether the stream ended as it should.
    whole: bool,
}

async fn read(address: SocketAddr, headers: &str, hashes: RandomState) -> Read {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {STREAM_PATH} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut body = Body::default();
    let mut splitter = Splitter::new(MAX_MESSAGE_BYTES);
    let (mut pieces, mut messages, mut buffer) = (Vec::new(), Vec::new(), vec![0; READ_BYTES]);
    loop {
        let read = socket.read(&mut buffer).await.unwrap();
        if read == 0 {
            return Read { messages, whole: body.ended };
        }
        body.take(&buffer[..read], |chunk| splitter.push(chunk, &mut pieces));
        for piece in pieces.drain(..) {
            if let Piece::Message(message) = piece {
                messages.push(hashes.hash_one(message));
            }
        }
    }
}

/// The body of a chunked response, read bit by bit.
#[derive(Default)]
struct Body {
    /// Of the head or of a chunk's first line.
    line: Vec<u8>,
    begun: bool,
    /// Bytes of the chunk that are to come, with the CRLF behind it.
    left: usize,
    ended: bool,
}

impl Body {
    fn take(&mut self, mut bytes: &[u8], mut chunk: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let taken = if self.left > 0 { self.take_chunk(bytes, &mut chunk) } else { self.take_line(bytes) };
            bytes = &bytes[taken..];
        }
    }

    fn take_chunk(&mut self, bytes: &[u8], chunk: &mut impl FnMut(&[u8])) -> usize {
        let taken = bytes.len().min(self.left);
        let data = self.left.saturating_sub(2).min(taken);
        chunk(&bytes[..data]);
        self.left -= taken;
        taken
    }

    fn take_line(&mut self, bytes: &[u8]) -> usize {
        self.line.push(bytes[0]);
        let end: &[u8] = if self.begun { b"\r\n" } else { b"\r\n\r\n" };
        if self.line.ends_with(end) {
            if self.begun {
                let size = std::str::from_utf8(&self.line[..self.line.len() - 2]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                (self.left, self.ended) = (size + 2, size == 0);
            }
            self.begun = true;
            self.line.clear();
        }
        1
    }
}

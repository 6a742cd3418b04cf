//! The simulator's HTTP side, on real sockets: who gets the stream, and who is cut off.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use user_info_upstream::simulator::{ServerLimits, SimulatorConfig};
use user_info_upstream::{UpstreamError, simulator};

use crate::support::{DEADLINE, Running};
use crate::wire::{BUSY, GET_STREAM, QUIET, body, messages, read_to_end, read_until, request, start};

#[tokio::test(flavor = "multi_thread")]
async fn every_client_gets_the_live_stream_from_when_it_connects() {
    let (server, address) = start(BUSY, ServerLimits::default()).await;
    let mut early = request(address, GET_STREAM).await;
    let before = read_until(&mut early, |bytes| bytes.len() > 500_000).await;
    let mut late = request(address, GET_STREAM).await;
    let late = read_until(&mut late, |bytes| bytes.len() > 500_000).await;
    let late = messages(&body(&late));
    let newest = late.last().unwrap().clone();
    let has_newest = |bytes: &[u8]| bytes.windows(newest.len()).any(|window| window == newest);
    let mut early_bytes = before.clone();
    while !has_newest(&early_bytes) {
        let longer = early_bytes.len() + 100_000;
        let so_far = early_bytes.len();
        early_bytes.extend(read_until(&mut early, |bytes| so_far + bytes.len() > longer).await);
    }
    assert!(before.starts_with(b"HTTP/1.1 200 OK\r\n"));
    let early = messages(&body(&early_bytes));
    let first = early.iter().position(|message| *message == late[0]).expect("both get the same messages");
    assert!(first > 50, "the late one begins where the early one does");
    assert_eq!(early[first..first + late.len()], late[..]);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_one_seed_say_the_same() {
    let mut said = Vec::new();
    for _ in 0..2 {
        let (server, address) = start(BUSY, ServerLimits::default()).await;
        let mut client = request(address, GET_STREAM).await;
        let response = read_until(&mut client, |bytes| bytes.len() > 500_000).await;
        let values = messages(&body(&response));
        let user = |message: &Vec<u8>| {
            let value: Value = serde_json::from_slice(message).unwrap();
            value.get("user").map(|user| (user.clone(), value["text"].clone()))
        };
        said.push(values.iter().filter_map(user).collect::<Vec<_>>());
        server.stop().await.unwrap();
    }
    // Each client may have missed a few messages of the beginning.
    let first = said[1].iter().position(|message| *message == said[0][20]).expect("the same messages");
    assert_eq!(said[0][20..60], said[1][first..first + 40]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_filled_with_blank_lines() {
    let limits = ServerLimits { keep_alive_after: Duration::from_millis(20), ..ServerLimits::default() };
    let (server, address) = start(QUIET, limits).await;
    let mut client = request(address, GET_STREAM).await;
    let response = read_until(&mut client, |bytes| bytes.ends_with(b"2\r\n\r\n\r\n2\r\n\r\n\r\n")).await;
    assert_eq!(body(&response), b"\r\n\r\n");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_and_methods_are_answered_like_twitter_does() {
    let (server, address) = start(QUIET, ServerLimits::default()).await;
    for line in ["GET /", "GET /1.1/statuses/sample.jso", "GET /1.1/statuses/sample.json/x", "POST /"] {
        let mut client = request(address, &format!("{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        let response = String::from_utf8(read_to_end(&mut client).await).unwrap();
        let (header, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(header.starts_with("HTTP/1.1 404 "), "{line}: {response}");
        assert!(header.contains("content-type: application/json"), "{line}: {response}");
        let expected = serde_json::json!({"errors": [{"code": 34, "message": "Sorry, that page does not exist"}]});
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected, "{line}");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_cut_off_and_nobody_else_notices() {
    // Two seconds of the stream, which then brings far more than the queue and the sockets can hold.
    let limits = ServerLimits { queue_chunks_max: 192, ..ServerLimits::default() };
    let (server, address) = start(SimulatorConfig { rate: 1_000.0, ..BUSY }, limits).await;
    let slow = TcpSocket::new_v4().unwrap();
    slow.set_recv_buffer_size(16 * 1024).unwrap();
    let mut slow = slow.connect(address).await.unwrap();
    slow.write_all(GET_STREAM.as_bytes()).await.unwrap();
    let mut eager = request(address, GET_STREAM).await;
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 16];
    while taken < 12_000_000 {
        let read = timeout(DEADLINE, eager.read(&mut buffer)).await.expect("goes on").unwrap();
        assert!(read > 0, "the eager one was cut off");
        taken += read;
    }
    let rest = read_to_end(&mut slow).await;
    assert!(rest.len() < taken, "the slow one got everything");
    let told = messages(&body(&rest)).last().is_some_and(|last| last.starts_with(b"{\"disconnect\":{\"code\":4"));
    assert!(told || !rest.ends_with(b"\r\n0\r\n\r\n"), "cut off, not ended as if that were all");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited() {
    let limits = ServerLimits { connections_max: 2, ..ServerLimits::default() };
    let (server, address) = start(BUSY, limits).await;
    let mut first = request(address, GET_STREAM).await;
    let mut second = request(address, GET_STREAM).await;
    for client in [&mut first, &mut second] {
        assert!(!read_until(client, |bytes| bytes.len() > 1_000).await.is_empty());
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_to_end(&mut third).await, b"", "closed without an answer");
    drop(first);
    // The server notices the free place as soon as it sees the first one gone.
    let mut answer = Vec::new();
    while answer.is_empty() {
        let mut fourth = request(address, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        answer = read_to_end(&mut fourth).await;
    }
    assert!(answer.starts_with(b"HTTP/1.1 404"));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_come_is_not_waited_for() {
    let limits = ServerLimits { header_timeout: Duration::from_millis(50), ..ServerLimits::default() };
    let (server, address) = start(BUSY, limits).await;
    for beginning in ["", "GET /1.1/statuses/sample.json HTTP/1.1\r\nx: "] {
        let mut client = request(address, beginning).await;
        let answer = read_to_end(&mut client).await;
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{beginning:?}");
    }
    let mut client = request(address, GET_STREAM).await;
    let stream = read_until(&mut client, |bytes| bytes.len() > 2_000_000).await;
    assert!(stream.len() > 2_000_000, "a stream outlives the time-out of its header");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_connections() {
    let (server, address) = start(BUSY, ServerLimits::default()).await;
    let mut client = request(address, GET_STREAM).await;
    assert!(!read_until(&mut client, |bytes| bytes.len() > 1_000).await.is_empty());
    server.stop().await.unwrap();
    read_to_end(&mut client).await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_world_without_users_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let config = SimulatorConfig { users: 0, ..QUIET };
    let ended = Running::start(|_, stop| simulator::serve(listener, config, stop)).ended().await;
    assert!(matches!(ended, Err(UpstreamError::InvalidConfig { .. })), "{ended:?}");
}

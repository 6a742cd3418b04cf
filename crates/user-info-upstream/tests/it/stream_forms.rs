//! The forms that a client can ask the stream for: delimited, packed, sampled, with warnings; and what it cannot ask for.

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::time::timeout;
use user_info_upstream::simulator::{Kind, ServerLimits, ServerOptions, SimulatorConfig, Upkeep};

use crate::support::DEADLINE;
use crate::wire::{BUSY, QUIET, body, get_stream, is_whole, messages, read_to_end, read_until, request, start};

/// The messages of a stream that is delimited by length, read by the letter, as far as they are whole.
fn delimited(mut stream: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some(end) = stream.windows(2).position(|pair| pair == b"\r\n") {
        let line = std::str::from_utf8(&stream[..end]).unwrap();
        stream = &stream[end + 2..];
        if line.is_empty() {
            continue;
        }
        let length: usize = line.parse().unwrap_or_else(|_| panic!("no length: {line:?}"));
        let Some(message) = stream.get(..length) else { break };
        messages.push(message);
        stream = &stream[length..];
    }
    messages
}

fn post_stream(form: &str) -> String {
    format!(
        "POST /1.1/statuses/sample.json HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    )
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An unfinished stream ends in an error, behind everything that was there.
    let _ = flate2::read::MultiGzDecoder::new(packed).read_to_end(&mut bytes);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn delimited_messages_have_exactly_the_bytes_that_are_announced() {
    let limits = ServerLimits { keep_alive_after: Duration::from_millis(2), ..ServerLimits::default() };
    let (server, address) = start(SimulatorConfig { rate: 500.0, ..BUSY }, limits).await;
    for asked in [get_stream("?delimited=length", ""), post_stream("stall_warnings=true&delimited=length")] {
        let mut client = request(address, &asked).await;
        let response = read_until(&mut client, |bytes| bytes.len() > 700_000).await;
        let stream = body(&response);
        let messages = delimited(&stream);
        assert!(messages.len() > 100, "only {}", messages.len());
        for message in messages {
            assert!(message.ends_with(b"\r\n"), "the length counts the CRLF");
            serde_json::from_slice::<Value>(message).expect("one message, as a whole");
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_stream_can_be_read_as_it_comes_and_says_the_same() {
    let (server, address) = start(BUSY, ServerOptions::default()).await;
    let mut plain = request(address, &get_stream("", "")).await;
    assert!(!read_until(&mut plain, |bytes| bytes.len() > 1_000).await.is_empty());
    let mut packed = request(address, &get_stream("", "accept-encoding: deflate, gzip;q=0.5\r\n")).await;
    let response = read_until(&mut packed, |bytes| bytes.len() > 100_000).await;
    let head = String::from_utf8_lossy(&response[..400]).into_owned();
    assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
    let unpacked = messages(&unpacked(&body(&response)));
    let plain = read_until(&mut plain, |bytes| bytes.windows(unpacked[99].len()).any(|it| it == unpacked[99])).await;
    let plain = [&b"\r\n"[..], &body(&plain_response(&plain))].concat();
    let plain = messages(&plain);
    let first = plain.iter().position(|message| *message == unpacked[0]).expect("both get the same messages");
    assert_eq!(plain[first..first + 50], unpacked[..50]);
    server.stop().await.unwrap();
}

/// What was read from the middle of a chunked body, from its next chunk on.
fn plain_response(bytes: &[u8]) -> Vec<u8> {
    let chunk = bytes.windows(5).position(|window| window == b"}\r\n\r\n").map_or(0, |at| at + 5);
    [&b"\r\n\r\n"[..], &bytes[chunk..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_chunk_of_a_packed_stream_can_be_unpacked_at_once() {
    let limits = ServerLimits { keep_alive_after: Duration::from_millis(20), ..ServerLimits::default() };
    let (server, address) = start(QUIET, limits).await;
    let mut client = request(address, &get_stream("", "accept-encoding: gzip\r\n")).await;
    let mut response = Vec::new();
    while !response.windows(4).any(|window| window == b"\r\n\r\n") || unpacked(&body(&response)) != b"\r\n\r\n\r\n" {
        let more = timeout(DEADLINE, client.read_buf(&mut response)).await.expect("blank lines come").unwrap();
        assert!(more > 0, "the stream ended");
    }
    server.stop().await.unwrap();
    response.extend(read_to_end(&mut client).await);
    assert!(is_whole(&response));
    let mut end = String::new();
    let whole = flate2::read::MultiGzDecoder::new(&body(&response)[..]).read_to_string(&mut end);
    whole.expect("a stream that ends is packed to its end");
    assert!(end.ends_with("\"stream_name\":\"statuses/sample\"}}\r\n"), "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_want_it_packed_gets_it_plain() {
    let (server, address) = start(BUSY, ServerOptions::default()).await;
    for headers in ["", "accept-encoding: identity\r\n", "accept-encoding: gzip;q=0, br\r\n"] {
        let mut client = request(address, &get_stream("", headers)).await;
        let response = read_until(&mut client, |bytes| bytes.len() > 300_000).await;
        assert!(!String::from_utf8_lossy(&response[..400]).contains("content-encoding"), "{headers}");
        assert!(messages(&body(&response)).len() > 2, "{headers}");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_get_the_status_that_names_the_mistake() {
    let limits = ServerLimits { header_timeout: Duration::from_millis(500), ..ServerLimits::default() };
    let (server, address) = start(QUIET, limits).await;
    let check = async |asked: &str, status: u16, said: &str| {
        let mut client = request(address, asked).await;
        let response = read_until(&mut client, |bytes| bytes.ends_with(b"}")).await;
        let response = String::from_utf8(response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{response}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{asked}: {head}");
        serde_json::from_str::<Value>(body).unwrap();
        assert!(response.contains(said), "{asked}: {response}");
    };
    for method in ["DELETE", "PUT", "HEADS", "OPTIONS"] {
        let asked = get_stream("", "").replace("GET", method);
        check(&asked, 405, "allow: GET, POST").await;
    }
    check(&get_stream("?delimited=4", ""), 406, "delimited").await;
    check(&get_stream("?stall_warnings=maybe", ""), 406, "stall_warnings").await;
    check(&post_stream("delimited=lengths"), 406, "delimited").await;
    check(&post_stream(&"x".repeat(20_000)), 413, "large").await;
    let unfinished = post_stream("delimited=length").replace("length: 16", "length: 17");
    check(&unfinished, 408, "incomplete").await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_come_as_clients_write_them() {
    let limits = ServerLimits { keep_alive_after: Duration::from_millis(10), ..ServerLimits::default() };
    let (server, address) = start(QUIET, limits).await;
    for query in [
        "?delimited=False&stall_warnings=True",
        "?delimited=0&stall_warnings=1&language=en&x=%F0%9F%8E%89",
        "?delimited=&stall_warnings=t",
        "?delimited=LENGTH&stall_warnings=false",
        "?",
    ] {
        let mut client = request(address, &get_stream(query, "")).await;
        let response = read_until(&mut client, |bytes| bytes.ends_with(b"2\r\n\r\n\r\n")).await;
        assert!(response.starts_with(b"HTTP/1.1 200 "), "{query}");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_the_same_for_all_and_limit_counts_the_rest() {
    let options = ServerOptions { sample: 0.25, ..ServerOptions::default() };
    let (server, address) = start(BUSY, options).await;
    let mut samples = Vec::new();
    for _ in 0..2 {
        samples.push(request(address, &get_stream("", "")).await);
    }
    let mut ids = Vec::new();
    for turn in 0..3 {
        if turn == 2 {
            // One that comes late hears only of what was left out since.
            samples.push(request(address, &get_stream("", "")).await);
        }
        let client = &mut samples[turn];
        let two_limits = |bytes: &[u8]| bytes.windows(8).filter(|window| window == b"{\"limit\"").count() >= 2;
        let stream = body(&read_until(client, |bytes| bytes.len() > 1_000_000 && two_limits(bytes)).await);
        let values: Vec<Value> = messages(&stream).iter().map(|it| serde_json::from_slice(it).unwrap()).collect();
        let (mut delivered, mut limits) = (0, 0);
        for value in &values {
            delivered += u64::from(value.get("text").is_some());
            if let Some(track) = value["limit"]["track"].as_u64() {
                limits += 1;
                assert!(track.abs_diff(3 * delivered) <= 4, "{track} left out, {delivered} delivered");
            }
        }
        assert!(limits >= 2);
        ids.push(values.iter().filter_map(|value| value["id_str"].as_str().map(str::to_owned)).collect::<Vec<_>>());
    }
    let first = ids[0].iter().position(|id| *id == ids[1][0]).expect("both get the same sample");
    assert_eq!(ids[0][first..first + 100], ids[1][..100]);
    server.stop().await.unwrap();
}

/// Many chunks more, none of which may bring another warning.
const BYTES_AFTER_WARNING: usize = 500_000;

#[tokio::test(flavor = "multi_thread")]
async fn who_falls_behind_is_warned_if_they_want_to_be() {
    let limits = ServerLimits { queue_chunks_max: 100, ..ServerLimits::default() };
    for (query, warned) in [("?stall_warnings=true", true), ("", false)] {
        let options = ServerOptions::from(limits);
        let traffic = std::sync::Arc::clone(&options.traffic);
        let (server, address) = start(SimulatorConfig { rate: 10_000.0, ..BUSY }, options).await;
        let slow = TcpSocket::new_v4().unwrap();
        slow.set_recv_buffer_size(16 * 1024).unwrap();
        let mut slow = slow.connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut slow, get_stream(query, "").as_bytes()).await.unwrap();
        let mut response = Vec::new();
        // So slow that it falls behind, so steady that it hears about it.
        let reading = async {
            let (mut ended, mut left) = (false, BYTES_AFTER_WARNING);
            while !ended && left > 0 {
                let read = slow.read_buf(&mut response).await.unwrap_or(0);
                ended = read == 0;
                if traffic.messages(Kind::Warning) > 0 {
                    left = left.saturating_sub(read);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(DEADLINE, reading).await.expect("warned or cut in time");
        let rest = tokio::spawn(async move { read_to_end(&mut slow).await });
        server.stop().await.unwrap();
        response.extend(rest.await.unwrap());
        let stream = body(&response);
        let warnings = messages(&stream).iter().filter(|message| message.starts_with(b"{\"warning\"")).count();
        let counted = traffic.messages(Kind::Warning);
        assert_eq!(counted, u64::from(warned), "at most one in five minutes, and only for those who want it");
        assert!(warnings as u64 <= counted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_falls_behind_once_and_is_shed_in_the_end() {
    let upkeep = Upkeep { congest_after: Some(1_000), shed_after: Some(3_000) };
    let limits = ServerLimits { queue_chunks_max: 50, ..ServerLimits::default() };
    for (query, warnings) in [("?stall_warnings=true", 1), ("", 0)] {
        let (server, address) = start(BUSY, ServerOptions { upkeep, limits, ..ServerOptions::default() }).await;
        let mut client = request(address, &get_stream(query, "")).await;
        let response = read_to_end(&mut client).await;
        assert!(is_whole(&response));
        let values: Vec<Value> =
            messages(&body(&response)).iter().map(|message| serde_json::from_slice(message).unwrap()).collect();
        assert_eq!(values.last().unwrap()["disconnect"]["code"], 12);
        let warned: Vec<_> = (0..values.len()).filter(|&index| values[index].get("warning").is_some()).collect();
        assert_eq!(warned.len(), warnings);
        for index in warned {
            assert!((1_000..1_500).contains(&index), "warned after {index} messages");
            assert!(values[index]["warning"]["percent_full"].as_u64().unwrap() >= 60, "{}", values[index]);
        }
        assert!(values.len() > 3_000);
        server.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_that_reads_again_hears_why_its_stream_ends() {
    let limits = ServerLimits { queue_chunks_max: 64, farewell_max: Duration::from_mins(1), ..ServerLimits::default() };
    let (server, address) = start(SimulatorConfig { rate: 5_000.0, ..BUSY }, limits).await;
    let slow = TcpSocket::new_v4().unwrap();
    slow.set_recv_buffer_size(16 * 1024).unwrap();
    let mut slow = slow.connect(address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut slow, get_stream("", "").as_bytes()).await.unwrap();
    let mut eager = request(address, &get_stream("", "")).await;
    let taken = read_until(&mut eager, |bytes| bytes.len() > 30_000_000).await;
    assert!(taken.len() > 30_000_000, "the eager one was cut off");
    let rest = read_to_end(&mut slow).await;
    assert!(is_whole(&rest) && rest.len() < taken.len());
    let messages = messages(&body(&rest));
    let farewell: Value = serde_json::from_slice(messages.last().unwrap()).unwrap();
    assert_eq!(farewell["disconnect"]["code"], 4, "{farewell}");
    for message in messages {
        serde_json::from_slice::<Value>(&message).expect("what comes before it is whole");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_so() {
    let (server, address) = start(BUSY, ServerOptions::default()).await;
    let mut clients = Vec::new();
    for headers in ["", "accept-encoding: identity\r\n"] {
        let mut client = request(address, &get_stream("", headers)).await;
        let beginning = read_until(&mut client, |bytes| bytes.len() > 10_000).await;
        clients.push(tokio::spawn(async move { [beginning, read_to_end(&mut client).await].concat() }));
    }
    server.stop().await.unwrap();
    for client in clients {
        let response = client.await.unwrap();
        assert!(is_whole(&response));
        let messages = messages(&body(&response));
        let farewell: Value = serde_json::from_slice(messages.last().unwrap()).unwrap();
        assert_eq!(farewell["disconnect"]["code"], 1, "{farewell}");
        assert!(farewell["disconnect"]["reason"].is_string() && farewell["disconnect"]["stream_name"].is_string());
    }
}

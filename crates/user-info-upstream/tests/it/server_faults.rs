//! What the server can be told to do wrong, and that it does just that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use user_info_upstream::simulator::{DisconnectCode, Faults, Kind, ServerLimits, ServerOptions};

use crate::wire::{BUSY, body, get_stream, is_whole, messages, read_to_end, read_until, request, start};

fn with(faults: Faults) -> ServerOptions {
    ServerOptions { faults: Faults { seed: 5, ..faults }, ..ServerOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_requests_are_refused_if_so_told() {
    let (server, address) = start(BUSY, with(Faults { unavailable_first: 3, ..Faults::default() })).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let mut client = request(address, &get_stream("", "")).await;
        let response = read_until(&mut client, |bytes| bytes.ends_with(b"}") || bytes.len() > 2_000).await;
        statuses.push(String::from_utf8_lossy(&response[9..12]).into_owned());
    }
    assert_eq!(statuses, ["503", "503", "503", "200", "200"]);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_are_cut_anywhere_and_nothing_is_lost() {
    let (server, address) = start(BUSY, with(Faults { piece_bytes_max: 7, ..Faults::default() })).await;
    let mut client = request(address, &get_stream("?delimited=false", "")).await;
    let response = read_until(&mut client, |bytes| bytes.len() > 200_000).await;
    let begin = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let sizes = response[begin..].windows(3).filter(|window| window[1..] == *b"\r\n" && window[0].is_ascii_digit());
    assert!(sizes.clone().count() > 10_000, "pieces of 4 bytes on average");
    for message in messages(&body(&response)) {
        serde_json::from_slice::<Value>(&message).expect("pieces make whole messages");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_twice_and_in_another_order() {
    let faults = Faults { duplicate_per_mille: 300, reorder_per_mille: 300, ..Faults::default() };
    let (server, address) = start(BUSY, with(faults)).await;
    let mut client = request(address, &get_stream("?delimited=length", "")).await;
    let response = read_until(&mut client, |bytes| bytes.len() > 2_000_000).await;
    let stream = body(&response);
    let ids: Vec<u64> = messages(&stream)
        .iter()
        .filter_map(|message| serde_json::from_slice::<Value>(message).unwrap()["id"].as_u64())
        .collect();
    let mut counts = HashMap::<u64, u32>::new();
    for id in &ids {
        *counts.entry(*id).or_default() += 1;
    }
    let twice = counts.values().filter(|&&count| count > 1).count() * 100 / counts.len();
    assert!((20..45).contains(&twice), "{twice} % came twice");
    let backwards = ids.windows(2).filter(|pair| pair[0] > pair[1]).count() * 100 / ids.len();
    assert!((10..40).contains(&backwards), "{backwards} % came too early");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_breaks_off_in_the_middle_of_a_message() {
    let options = with(Faults { cut_after: Some(500), ..Faults::default() });
    let traffic = Arc::clone(&options.traffic);
    let (server, address) = start(BUSY, options).await;
    let mut client = request(address, &get_stream("", "")).await;
    let response = read_to_end(&mut client).await;
    assert!(!is_whole(&response));
    let stream = body(&response);
    assert_eq!(messages(&stream).len(), 500, "and then a half one");
    assert!(!stream.ends_with(b"\r\n"), "nothing of the message's end has come");
    let sent: u64 = Kind::ALL.iter().map(|&kind| traffic.messages(kind)).sum();
    assert_eq!(sent, 500, "a half one does not count");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_falls_silent() {
    let limits = ServerLimits { keep_alive_after: Duration::from_millis(1), ..ServerLimits::default() };
    let options = ServerOptions { limits, ..with(Faults { stall_after: Some(100), ..Faults::default() }) };
    let (server, address) = start(BUSY, options).await;
    let mut client = request(address, &get_stream("", "")).await;
    let mut other = request(address, &get_stream("", "")).await;
    // The other one falls silent as well; what it has got by the end is all that ever came.
    let reading = tokio::spawn(async move { read_to_end(&mut other).await });
    let response = read_until(&mut client, |bytes| messages(&body_so_far(bytes)).len() == 100).await;
    server.stop().await.unwrap();
    let rest = read_to_end(&mut client).await;
    assert_eq!(rest, b"", "neither messages nor blank lines nor a farewell");
    assert_eq!(messages(&body(&response)).len(), 100);
    assert_eq!(messages(&body(&reading.await.unwrap())).len(), 100);
}

fn body_so_far(bytes: &[u8]) -> Vec<u8> {
    if bytes.windows(4).any(|window| window == b"\r\n\r\n") { body(bytes) } else { Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_any_code() {
    for code in DisconnectCode::ALL {
        let faults = Faults { disconnect_after: Some((50, code)), ..Faults::default() };
        let (server, address) = start(BUSY, with(faults)).await;
        let mut client = request(address, &get_stream("", "")).await;
        let response = read_to_end(&mut client).await;
        assert!(is_whole(&response), "{code:?}");
        let messages = messages(&body(&response));
        assert_eq!(messages.len(), 51, "{code:?}");
        let farewell: Value = serde_json::from_slice(&messages[50]).unwrap();
        assert_eq!(farewell["disconnect"]["code"], code.number(), "{farewell}");
        server.stop().await.unwrap();
    }
}

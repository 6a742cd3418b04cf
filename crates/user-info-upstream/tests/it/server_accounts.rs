//! Who may read the stream, how often they may connect, and whose oldest connection goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use user_info_upstream::simulator::{AcceptedKeys, AccountLimits, ConnectLimit, ServerOptions};
use user_info_upstream::stream::credentials::{Keys, Secret};

use crate::wire::{BUSY, QUIET, body, get_stream, is_whole, messages, read_to_end, read_until, request, start};

/// The status and the body of a refusal; of a stream only that there is one.
async fn answer(address: SocketAddr, asked: &str) -> (u16, String) {
    let mut client = request(address, asked).await;
    let response = read_until(&mut client, |bytes| bytes.ends_with(b"}") || bytes.len() > 4_000).await;
    let response = String::from_utf8_lossy(&response).into_owned();
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{response}"));
    (head[9..12].parse().unwrap(), body.to_owned())
}

fn accepted() -> AcceptedKeys {
    let keys = Keys {
        consumer_key: "key".to_owned(),
        consumer_secret: Secret::new("secret"),
        token: "token".to_owned(),
        token_secret: Secret::new("token secret"),
    };
    AcceptedKeys { oauth: vec![keys], bearer: vec![Secret::new("bearer")] }
}

/// A request that the Python library `oauthlib` signed in 2001, as far as its clock goes.
fn signed_by_others(signature: &str) -> String {
    let query = "?delimited=length&language=de%2Cen";
    let header = format!(
        "authorization: OAuth oauth_nonce=\"nonce\", oauth_timestamp=\"1000000000\", oauth_version=\"1.0\", \
         oauth_signature_method=\"HMAC-SHA1\", oauth_consumer_key=\"key\", oauth_token=\"token\", \
         oauth_signature=\"{signature}\"\r\n"
    );
    get_stream(query, &header).replace("host: localhost", "host: Stream.Example:80")
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_others_are_checked_and_then_their_time() {
    let (server, address) = start(BUSY, ServerOptions { keys: accepted(), ..ServerOptions::default() }).await;
    let check = async |asked: &str, code: u16| {
        let (status, body) = answer(address, asked).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{asked}: {body}"));
        assert_eq!((status, body["errors"][0]["code"].as_u64()), (401, Some(code.into())), "{asked}");
    };
    check(&signed_by_others("Fp2yW4fB0mXs2cQPPedwgvsdS1o%3D"), 135).await;
    check(&signed_by_others("Fp2yW4fB0mXs2cQPPedwgvsdS1p%3D"), 32).await;
    check(&signed_by_others("nonsense"), 32).await;
    check(&signed_by_others("Fp2yW4fB0mXs2cQPPedwgvsdS1o%3D").replace("de%2Cen", "de"), 32).await;
    check(&get_stream("", ""), 215).await;
    check(&get_stream("", "authorization: Basic dXNlcjpwYXNz\r\n"), 215).await;
    check(&get_stream("", "authorization: OAuth\r\n"), 215).await;
    check(&get_stream("", "authorization: OAuth oauth_consumer_key=\"key\"\r\n"), 32).await;
    check(&get_stream("", "authorization: Bearer beare\r\n"), 89).await;
    assert_eq!(answer(address, &get_stream("", "authorization: bearer bearer\r\n")).await.0, 200);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_others_cover_the_form_too() {
    let (server, address) = start(BUSY, ServerOptions { keys: accepted(), ..ServerOptions::default() }).await;
    let form = "delimited=length&track=a+b%21";
    let signed = |signature: &str| {
        format!(
            "POST /1.1/statuses/sample.json?stall_warnings=true HTTP/1.1\r\nhost: stream.example:8090\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\
             authorization: OAuth oauth_nonce=\"nonce\", oauth_timestamp=\"1000000000\", oauth_version=\"1.0\", \
             oauth_signature_method=\"HMAC-SHA1\", oauth_consumer_key=\"key\", oauth_token=\"token\", \
             oauth_signature=\"{signature}\"\r\n\r\n{form}",
            form.len()
        )
    };
    // That only its time is wrong says that the signature is right.
    assert!(answer(address, &signed("HXffM20Tisp5BBwtgfOB78MY1AM%3D")).await.1.contains("135"));
    assert!(answer(address, &signed("HXffM20Tisp5BBwtgfOB78MY1AN%3D")).await.1.contains("32"));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_everybody_is_believed() {
    let (server, address) = start(BUSY, ServerOptions::default()).await;
    for header in [
        "authorization: Bearer anything\r\n",
        "authorization: OAuth oauth_token=\"anybody\", oauth_signature=\"none\"\r\n",
        "authorization: Basic dXNlcjpwYXNz\r\n",
        "authorization: \r\n",
        "",
    ] {
        assert_eq!(answer(address, &get_stream("", header)).await.0, 200, "{header}");
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_too_often_is_told_to_calm_down() {
    let connects = Some(ConnectLimit { attempts_max: 3, window: Duration::from_hours(1) });
    let accounts = AccountLimits { connects, ..AccountLimits::default() };
    let (server, address) = start(BUSY, ServerOptions { accounts, ..ServerOptions::default() }).await;
    for header in ["authorization: Bearer one\r\n", "authorization: Bearer two\r\n", ""] {
        for attempt in 1..=5 {
            let (status, body) = answer(address, &get_stream("", header)).await;
            let expected = if attempt <= 3 { 200 } else { 420 };
            assert_eq!(status, expected, "{header} {attempt}");
            assert!(attempt <= 3 || body.contains("Exceeded connection limit for user"), "{body}");
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_count_for_as_long_as_the_window_and_those_that_fail_count_too() {
    let connects = Some(ConnectLimit { attempts_max: 1, window: Duration::from_millis(400) });
    let accounts = AccountLimits { connects, ..AccountLimits::default() };
    let (server, address) = start(BUSY, ServerOptions { accounts, ..ServerOptions::default() }).await;
    assert_eq!(answer(address, &get_stream("", "")).await.0, 200);
    // Whoever waits long enough gets in, however slow this machine is; waits that are too short only prolong it.
    let mut wait = Duration::from_millis(10);
    while answer(address, &get_stream("", "")).await.0 == 420 {
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    assert!(wait > Duration::from_millis(400), "let in after {wait:?}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_costs_an_account_its_oldest() {
    let accounts = AccountLimits { connections_max: Some(2), ..AccountLimits::default() };
    let options = ServerOptions { accounts, ..ServerOptions::default() };
    let traffic = Arc::clone(&options.traffic);
    let (server, address) = start(QUIET, options).await;
    let mine = "authorization: Bearer mine\r\n";
    let open = async |query: &str, header: &str| {
        let streams = traffic.streams();
        let client = request(address, &get_stream(query, header)).await;
        crate::support::eventually("it is let in", || traffic.streams() > streams).await;
        client
    };
    let mut first = open("?delimited=length", mine).await;
    let mut second = open("", mine).await;
    let mut others = vec![open("", "").await, open("", "").await, open("", "").await];
    others.push(open("", "authorization: Bearer another\r\n").await);
    let _third = open("", mine).await;
    assert_eq!(code(&read_to_end(&mut first).await), 7, "another stream of the same account");
    let _fourth = open("", mine).await;
    assert_eq!(code(&read_to_end(&mut second).await), 2, "the same stream once more");
    assert_eq!(traffic.disconnects(), 2);
    server.stop().await.unwrap();
    for client in &mut others {
        assert_eq!(code(&read_to_end(client).await), 1, "nobody else was disturbed");
    }
}

/// The code with which a stream ends, which ends as it should.
fn code(response: &[u8]) -> u64 {
    assert!(is_whole(response));
    let farewell: Value = serde_json::from_slice(messages(&body(response)).last().unwrap()).unwrap();
    farewell["disconnect"]["code"].as_u64().unwrap()
}

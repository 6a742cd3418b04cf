//! The client against a server that misbehaves: exact waits, exact numbers of attempts, for every class of failure.
//!
//! Sockets and the time until a stall are real; the waits between connections are recorded instead of waited for.

use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use user_info_upstream::stream::answer::{Verdict, judge};
use user_info_upstream::stream::client::{self, ClientLimits, ClientOptions};
use user_info_upstream::{Progress, UpstreamError};

use crate::support::{DEADLINE, nobody, read_header};

/// What the server does with one connection.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Closes it before it has answered.
    Close,
    /// Answers with a status.
    Answer(u16),
    /// Answers 200 and closes it before the first byte of the stream.
    Nothing,
    /// Sends a blank line and cuts the connection.
    KeepAliveThenCut,
    /// Sends half a message and ends the body properly.
    HalfThenEnd,
    /// Sends something that cannot be unpacked.
    FalseGzip,
    /// Packs the body as nobody asked.
    Brotli,
    /// Sends a blank line and then nothing, for as long as the client stays.
    Stall,
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";

async fn treat(socket: &mut TcpStream, does: Does) -> std::io::Result<()> {
    read_header(socket).await?;
    let answer = match does {
        Does::Close => String::new(),
        Does::Answer(status) => format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"),
        Does::Nothing => format!("{HEAD}\r\n"),
        Does::KeepAliveThenCut | Does::Stall => format!("{HEAD}\r\n2\r\n\r\n\r\n"),
        Does::HalfThenEnd => format!("{HEAD}\r\n4\r\n{{\"de\r\n0\r\n\r\n"),
        Does::FalseGzip => format!("{HEAD}content-encoding: gzip\r\n\r\n10\r\n{{\"limit\":{{}}}}    \r\n"),
        Does::Brotli => format!("{HEAD}content-encoding: br\r\n\r\n4\r\n{{\"de\r\n"),
    };
    socket.write_all(answer.as_bytes()).await?;
    if matches!(does, Does::Stall | Does::FalseGzip) {
        tokio::io::copy(socket, &mut tokio::io::sink()).await?;
    }
    Ok(())
}

/// Serves one connection after the other; the last thing is done to all that come after. Counts them.
async fn server(does: Vec<Does>) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/1.1/statuses/sample.json", listener.local_addr().unwrap());
    let attempts = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&attempts);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let number = {
                let mut attempts = counted.lock().unwrap();
                *attempts += 1;
                *attempts - 1
            };
            let does = does[number.min(does.len() - 1)];
            // A client that goes away in between is no fault of the server's.
            tokio::spawn(async move { treat(&mut socket, does).await.unwrap_or_default() });
        }
    });
    (url, attempts)
}

struct Ended {
    result: Result<(), UpstreamError>,
    waits_ms: Vec<u64>,
}

/// Runs the client until it has waited so many times, or ends by itself.
async fn run(url: &str, limits: ClientLimits, waits: usize) -> Ended {
    let recorded = Mutex::new(Vec::new());
    let stop = CancellationToken::new();
    let sleep = |wait: Duration| {
        recorded.lock().unwrap().push(wait.as_millis() as u64);
        let is_last = recorded.lock().unwrap().len() == waits;
        if is_last {
            stop.cancel();
        }
        async move {
            if is_last {
                pending().await
            }
        }
    };
    let (sender, _messages) = mpsc::channel(1);
    let options = ClientOptions { limits, ..ClientOptions::default() };
    let url = url.parse().unwrap();
    let running = client::run_with(&url, &options, sender, Arc::new(Progress::default()), stop.clone(), sleep);
    let result = timeout(DEADLINE, running).await.expect("it ends in time");
    Ended { result, waits_ms: recorded.into_inner().unwrap() }
}

async fn check(limits: ClientLimits, steps: &[(Does, u64)]) {
    let does: Vec<_> = steps.iter().map(|step| step.0).collect();
    let expected: Vec<_> = steps.iter().map(|step| step.1).collect();
    let (url, attempts) = server(does.clone()).await;
    let ended = run(&url, limits, steps.len()).await;
    assert_eq!(ended.waits_ms, expected, "{does:?}");
    assert!(ended.result.is_ok(), "{does:?}: {:?}", ended.result);
    assert_eq!(*attempts.lock().unwrap(), steps.len(), "attempts for {does:?}");
}

#[test]
fn silence_of_90_s_is_death() {
    assert_eq!(ClientLimits::default().stall, Duration::from_secs(90));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_asked_every_250_ms_more() {
    let ended = run(&format!("http://{}/", nobody()), ClientLimits::default(), 70).await;
    let expected: Vec<u64> = (1..=70).map(|attempt| (250 * attempt).min(16_000)).collect();
    assert_eq!(ended.waits_ms, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_bring_nothing_count_as_not_made() {
    let limits = ClientLimits::default();
    check(limits, &[(Does::Close, 250), (Does::Nothing, 500), (Does::FalseGzip, 750), (Does::Close, 1_000)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn error_statuses_double_the_wait() {
    let waits = [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 320_000];
    let statuses = [503, 500, 502, 504, 301, 418, 405, 503];
    let steps: Vec<_> = statuses.map(Does::Answer).into_iter().zip(waits).collect();
    check(ClientLimits::default(), &steps).await;
    check(ClientLimits::default(), &[(Does::Brotli, 5_000), (Does::Answer(503), 10_000)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coming_too_often_doubles_a_longer_wait() {
    let waits = [60_000, 120_000, 240_000, 480_000, 960_000, 960_000];
    let steps: Vec<_> = [420, 429, 420, 420, 429, 420].map(Does::Answer).into_iter().zip(waits).collect();
    check(ClientLimits::default(), &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_connections_that_do_not_last_are_replaced_at_once_only_once() {
    let steps = [
        (Does::KeepAliveThenCut, 0),
        (Does::HalfThenEnd, 250),
        (Does::KeepAliveThenCut, 500),
        (Does::Close, 750),
        (Does::HalfThenEnd, 1_000),
    ];
    check(ClientLimits::default(), &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_lasts_makes_up_for_what_was_before() {
    let limits = ClientLimits { lasting: Duration::ZERO, ..ClientLimits::default() };
    let steps = [
        (Does::Answer(420), 60_000),
        (Does::KeepAliveThenCut, 0),
        (Does::KeepAliveThenCut, 0),
        (Does::Close, 250),
        (Does::Answer(503), 5_000),
        (Does::HalfThenEnd, 0),
        (Does::Answer(503), 5_000),
        (Does::Answer(420), 60_000),
    ];
    check(limits, &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_a_dropped_connection() {
    let stall = Duration::from_millis(200);
    let limits = ClientLimits { stall, lasting: stall, ..ClientLimits::default() };
    check(limits, &[(Does::Stall, 0), (Does::Stall, 0), (Does::Close, 250), (Does::Stall, 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_failures_each_have_their_own_wait() {
    let steps = [
        (Does::Answer(503), 5_000),
        (Does::Answer(500), 10_000),
        (Does::Answer(420), 60_000),
        (Does::Close, 250),
        (Does::Close, 500),
        (Does::Answer(429), 120_000),
        (Does::KeepAliveThenCut, 0),
        (Does::HalfThenEnd, 250),
        (Does::Answer(502), 5_000),
        (Does::Close, 250),
        (Does::Answer(420), 240_000),
    ];
    check(ClientLimits::default(), &steps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_good_ends_it_at_the_first_attempt() {
    for status in [400, 401, 403, 404, 406, 410, 413, 416, 422] {
        let (url, attempts) = server(vec![Does::Answer(status)]).await;
        let ended = run(&url, ClientLimits::default(), 9).await;
        let error = ended.result.expect_err("it ends with an error");
        assert!(matches!(error, UpstreamError::StreamRefused { status: found, .. } if found == status), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("the stream {url} answered with status {status}: ")), "{text}");
        assert!(text.contains("check ") || text.contains("ask ") || text.contains("name "), "what to do next: {text}");
        assert_eq!((ended.waits_ms, *attempts.lock().unwrap()), (vec![], 1), "{status}");
    }
    let (url, attempts) = server(vec![Does::Answer(503), Does::KeepAliveThenCut, Does::Answer(401)]).await;
    let ended = run(&url, ClientLimits::default(), 9).await;
    assert!(matches!(ended.result, Err(UpstreamError::StreamRefused { status: 401, .. })));
    assert_eq!((ended.waits_ms, *attempts.lock().unwrap()), (vec![5_000, 0], 3));
}

#[test]
fn every_status_has_its_meaning() {
    for status in 100..1_000 {
        let expected = match status {
            200 => "follow",
            420 | 429 => "later",
            400 | 401 | 403 | 404 | 406 | 410 | 413 | 416 | 422 => "never",
            _ => "again",
        };
        let found = match judge(StatusCode::from_u16(status).unwrap()) {
            Verdict::Follow => "follow",
            Verdict::RateLimited => "later",
            Verdict::Fatal { .. } => "never",
            Verdict::Retry => "again",
        };
        assert_eq!(found, expected, "{status}");
    }
}

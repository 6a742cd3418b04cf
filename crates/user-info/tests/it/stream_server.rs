//! The Streaming API's server as a command: what it sends in its usual run, whom it lets in, what operators see of it, and
//! how it ends.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use user_info_testkit::Process;
use user_info_upstream::simulator::frequencies as stated;

use crate::support::http;
use crate::support::program::{Program, run};
use crate::support::waiting::{LIMIT, until_true};

/// Messages of a connection are counted in batches of at most this many, so that is how late something may come.
const BATCH: u64 = 200;

struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    fn start(options: &[&str], secrets: &[(&str, &str)]) -> Self {
        let arguments = ["upstream", "stream", "--listen", "127.0.0.1:0"];
        let mut command = Program::under_test().command(arguments.iter().chain(options));
        command.envs(secrets.iter().copied());
        let mut process = Process::spawn(&command).unwrap();
        let line = process.wait_for_line("stream http://", LIMIT).unwrap();
        Self { process, address: address_in(&line) }
    }

    /// Asks for the stream; gives the status and what comes.
    fn ask(&self, query: &str, headers: &str) -> (u16, BufReader<TcpStream>) {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let request = format!("GET /1.1/statuses/sample.json{query} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(socket);
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        (status.split(' ').nth(1).unwrap().parse().unwrap(), reader)
    }

    /// Asks it to end, and requires that it ends well.
    fn stop(mut self) -> Process {
        self.process.terminate().unwrap();
        let status = self.process.wait(LIMIT).unwrap();
        assert!(status.success(), "{status}\n{}", self.process.tail());
        self.process
    }
}

fn address_in(line: &str) -> SocketAddr {
    line.split("http://").nth(1).unwrap().split('/').next().unwrap().trim().parse().unwrap()
}

/// Every message of a chunked response, to its end.
fn messages(reader: BufReader<TcpStream>) -> impl Iterator<Item = Value> {
    let mut chunks = Chunks(reader);
    let mut head = Vec::new();
    while head != b"\r\n" {
        head.clear();
        chunks.0.read_until(b'\n', &mut head).unwrap();
    }
    let mut text = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(end) = text.windows(2).position(|two| two == b"\r\n") {
                let message: Vec<u8> = text.drain(..end + 2).collect();
                if message.len() > 2 {
                    return Some(serde_json::from_slice(&message).unwrap());
                }
            } else {
                text.extend(chunks.next()?);
            }
        }
    })
}

struct Chunks(BufReader<TcpStream>);

impl Iterator for Chunks {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.0.read_line(&mut size).unwrap();
        let mut chunk = vec![0; usize::from_str_radix(size.trim(), 16).unwrap() + 2];
        self.0.read_exact(&mut chunk).unwrap();
        chunk.truncate(chunk.len() - 2);
        (!chunk.is_empty()).then_some(chunk)
    }
}

fn kind(message: &Value) -> &str {
    if message.get("in_reply_to_status_id").is_some() {
        return "status";
    }
    message.as_object().unwrap().keys().next().unwrap()
}

/// Nothing but the rate differs from what a person gets who starts it without options.
#[test]
fn a_usual_run_sends_every_kind_of_message_as_often_as_stated() {
    let server = Server::start(&["--rate", "8000"], &[]);
    let (status, reader) = server.ask("?stall_warnings=true", "");
    assert_eq!(status, 200);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let (mut sent, mut warned_after, mut left_out, mut code) = (0, Vec::new(), 0, Value::Null);
    for message in messages(reader) {
        *counts.entry(kind(&message).to_owned()).or_default() += 1;
        match kind(&message) {
            "warning" => warned_after.push(sent),
            "limit" => left_out = message["limit"]["track"].as_u64().unwrap(),
            "disconnect" => code = message["disconnect"]["code"].clone(),
            _ => sent += 1,
        }
    }
    let kinds = "delete disconnect limit scrub_geo status status_withheld user_delete user_suspend user_undelete \
                 user_unsuspend user_withheld warning";
    assert_eq!(counts.keys().cloned().collect::<Vec<_>>().join(" "), kinds, "{counts:?}");
    let expected = [("status", stated::PER), ("delete", stated::DELETION), ("scrub_geo", stated::SCRUB_GEO)];
    let more = [("status_withheld", stated::STATUS_WITHHELD), ("user_withheld", stated::USER_WITHHELD)];
    for (kind, per) in expected.into_iter().chain(more).chain([("user_suspend", stated::USER_SUSPEND)]) {
        let expected = counts["status"] as f64 * f64::from(per) / f64::from(stated::PER);
        let tolerance = 4.0 * expected.sqrt() + expected / 10.0;
        assert!((counts[kind] as f64 - expected).abs() <= tolerance, "{expected} of {kind} expected: {counts:?}");
    }
    let [warned_after] = warned_after[..] else { panic!("one warning in five minutes, not {warned_after:?}") };
    assert!((stated::CONGESTION_AFTER..stated::CONGESTION_AFTER + BATCH).contains(&warned_after), "{warned_after}");
    // What waited in the queue when the server decided to end the stream still comes.
    assert!((stated::SHED_LOAD_AFTER..2 * stated::SHED_LOAD_AFTER).contains(&sent), "{sent}");
    assert_eq!(code, 12);
    let expected = counts["status"] * u64::from(stated::LEFT_OUT) / u64::from(stated::PER);
    assert!(left_out.abs_diff(expected) <= expected / 5, "{left_out} left out of about {expected}: {counts:?}");
    server.stop();
}

#[test]
fn operators_can_look_at_the_stream() {
    let mut server = Server::start(&["--rate", "500", "--admin", "127.0.0.1:0", "--progress-interval", "50ms"], &[]);
    let operators = address_in(&server.process.wait_for_line("admin http://", LIMIT).unwrap());
    assert_eq!(http::get(operators, "/health").unwrap().status, 200);
    let (_, reader) = server.ask("", "");
    let metrics = || http::get(operators, "/metrics").unwrap().body;
    until_true("a client is counted", || metrics().contains("user_info_upstream_streams_open 1\n"));
    until_true("statuses are counted", || {
        let metrics = metrics();
        let line =
            metrics.lines().find(|line| line.starts_with("user_info_upstream_stream_messages_total{kind=\"status\"}"));
        line.is_some_and(|line| !line.ends_with(" 0"))
    });
    server.process.wait_for_line("1 clients, ", LIMIT).unwrap();
    drop(reader);
    until_true("a client that went away is not counted", || metrics().contains("user_info_upstream_streams_open 0\n"));
    let ended = server.stop();
    assert!(ended.stderr().contains("stopped: 0 clients, "), "{}", ended.tail());
}

#[test]
fn only_who_has_a_key_is_let_in_and_no_key_is_shown() {
    let secrets = [
        ("USER_INFO_ACCEPT_BEARER_TOKEN", "hidden-bearer"),
        ("USER_INFO_ACCEPT_CONSUMER_SECRET", "hidden-1"),
        ("USER_INFO_ACCEPT_TOKEN_SECRET", "hidden-2"),
    ];
    let options = ["--accept-consumer-key", "key", "--accept-token", "token", "--log-level", "trace"];
    let server = Server::start(&options, &secrets);
    let status = |authorization: &str| server.ask("", &format!("authorization: {authorization}\r\n")).0;
    assert_eq!(server.ask("", "").0, 401);
    assert_eq!(status("Bearer another"), 401);
    assert_eq!(status("Bearer hidden-bearer"), 200);
    let url = format!("http://{}/1.1/statuses/sample.json", server.address);
    let read = |consumer_secret: &str| {
        let directory = tempfile::tempdir().unwrap();
        let log = format!("embedded:{}", directory.path().join("log").display());
        Program::under_test().run(["topics", "create", "--log", &log]).with_status(0);
        let mut command = Program::under_test().command(["upstream", "tweets", "--log", &log, "--stream", &url]);
        command.args(["--stream-consumer-key", "key", "--stream-access-token", "token", "--progress-interval", "50ms"]);
        command.env("USER_INFO_STREAM_CONSUMER_SECRET", consumer_secret);
        command.env("USER_INFO_STREAM_ACCESS_SECRET", "hidden-2");
        (directory, command)
    };
    let (_directory, command) = read("wrong");
    run(&command).with_status(2).that_says("status 401");
    let (_directory, command) = read("hidden-1");
    let mut signed = Process::spawn(&command).unwrap();
    signed.wait_for_line(" statuses, ", LIMIT).unwrap();
    signed.terminate().unwrap();
    assert!(signed.wait(LIMIT).unwrap().success(), "{}", signed.tail());
    let ended = server.stop();
    assert!(!ended.stderr().contains("hidden-") && !ended.stdout().contains("hidden-"), "{}", ended.tail());
}

#[test]
fn keys_that_are_not_whole_are_wrong_usage_and_help_hides_them() {
    let stream = |options: &[&str]| {
        let arguments = ["upstream", "stream", "--listen", "127.0.0.1:0"];
        Program::under_test().run(arguments.iter().chain(options))
    };
    stream(&["--accept-consumer-key", "key"]).with_status(2).that_says("--accept-consumer-secret");
    stream(&["--accept-token", "token"]).with_status(2).that_says("--accept-consumer-key");
    stream(&["--sample", "0"]).with_status(2).that_says("more than 0");
    stream(&["--fault-disconnect", "5=8"]).with_status(2).that_says("no code 8");
    let mut command = Program::under_test().command(["upstream", "stream", "--help"]);
    command.env("USER_INFO_ACCEPT_BEARER_TOKEN", "hidden");
    let help = run(&command).with_status(0).stdout;
    assert!(help.contains("USER_INFO_ACCEPT_BEARER_TOKEN") && !help.contains("hidden"), "{help}");
}

#[test]
fn a_stream_that_is_stopped_takes_its_leave() {
    let mut server = Server::start(&["--rate", "1000"], &[]);
    let (status, reader) = server.ask("", "");
    assert_eq!(status, 200);
    let mut messages = messages(reader);
    assert!(messages.next().is_some());
    server.process.terminate().unwrap();
    let last = messages.last().unwrap();
    assert_eq!(last["disconnect"]["code"], 1, "{last}");
    assert!(server.process.wait(LIMIT).unwrap().success(), "{}", server.process.tail());
}

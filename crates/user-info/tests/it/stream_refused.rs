//! A stream that wants to know who asks: what the program sends it, says when it is sent away, and never shows.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread::{self, JoinHandle};

use crate::support::program::{Program, run};

/// Answers one request with a status; gives the request's header.
fn answer_once(status: u16) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/1.1/statuses/sample.json", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(&socket).lines();
        let header: Vec<_> = lines.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        write!(&socket, "HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n").unwrap();
        header.join("\n")
    });
    (url, server)
}

#[test]
fn a_refusal_ends_the_service_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let log = format!("embedded:{}", directory.path().join("log").display());
    Program::under_test().run(["topics", "create", "--log", &log]).with_status(0);
    for (service, status, exit, words) in
        [("tweets", 401, 2, "--stream-bearer-token"), ("all", 403, 2, "credentials"), ("tweets", 404, 3, "--stream")]
    {
        let (url, server) = answer_once(status);
        let mut command = Program::under_test().command(["upstream", service, "--log", &log, "--stream", &url]);
        command.arg("--log-level=trace").env("USER_INFO_STREAM_BEARER_TOKEN", "hidden-token");
        let ended = run(&command).with_status(exit).that_says(&format!("answered with status {status}: "));
        assert!(ended.stderr.lines().last().unwrap().contains(words), "{ended:?}");
        assert!(!ended.stderr.contains("hidden-token") && !ended.stdout.contains("hidden-token"), "{ended:?}");
        assert!(server.join().unwrap().contains("authorization: Bearer hidden-token"));
    }
}

#[test]
fn four_keys_sign_and_fewer_are_wrong_usage() {
    let directory = tempfile::tempdir().unwrap();
    let log = format!("embedded:{}", directory.path().join("log").display());
    Program::under_test().run(["topics", "create", "--log", &log]).with_status(0);
    let (url, server) = answer_once(401);
    let arguments = ["upstream", "tweets", "--log", &log, "--stream", &url, "--stream-consumer-key", "key"];
    let mut command = Program::under_test().command(arguments);
    run(&command).with_status(2).that_says("--stream-access-secret");
    command.args(["--stream-access-token", "token"]);
    command.env("USER_INFO_STREAM_CONSUMER_SECRET", "hidden-1").env("USER_INFO_STREAM_ACCESS_SECRET", "hidden-2");
    let ended = run(&command).with_status(2).that_says("status 401");
    assert!(!ended.stderr.contains("hidden-"), "{ended:?}");
    let header = server.join().unwrap();
    assert!(header.contains("authorization: OAuth oauth_consumer_key=\"key\""), "{header}");
    assert!(header.contains("oauth_token=\"token\"") && !header.contains("hidden-"), "{header}");
    command.env("USER_INFO_STREAM_BEARER_TOKEN", "hidden-3");
    run(&command).with_status(2).that_says("give either");
}

#[test]
fn help_shows_no_secret_wherever_it_comes_from() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("user-info.toml");
    fs::write(&file, "stream-bearer-token = \"hidden-1\"\nstream-consumer-secret = \"hidden-2\"\n").unwrap();
    for service in ["tweets", "all"] {
        let mut command = Program::under_test().command(["upstream", service, "--help"]);
        command.env("USER_INFO_CONFIG", &file).env("USER_INFO_STREAM_ACCESS_SECRET", "hidden-3");
        let help = run(&command).with_status(0);
        assert!(help.stdout.contains("USER_INFO_STREAM_ACCESS_SECRET"), "{}", help.stdout);
        assert!(!help.stdout.contains("hidden-"), "{}", help.stdout);
    }
}

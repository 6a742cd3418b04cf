//! A Redis server starts, answers, keeps what it should over restarts, can be paused, and lets in only whom it should.

use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use user_info_testkit::{Process, RedisConfig, RedisSecurity, RedisServer, eventually};

use crate::subprocess::ignored_test;

const LIMIT: Duration = Duration::from_secs(60);

fn start(security: RedisSecurity, options: &[(&str, &str)]) -> RedisServer {
    let options = options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    RedisServer::start(&RedisConfig { options, security }).unwrap()
}

fn plain() -> RedisServer {
    start(RedisSecurity::Plain, &[])
}

/// What `redis-cli` says to somebody who knows the port and whatever `options` say, and nothing else.
fn stranger(server: &RedisServer, options: &[&str], command: &[&str]) -> Result<String, String> {
    let mut cli = Command::new("redis-cli");
    cli.args(["-e", "-p", &server.port().to_string()]).args(options).args(command);
    let mut cli = Process::spawn(&cli).unwrap();
    let status = cli.wait(LIMIT).unwrap();
    if status.success() { Ok(cli.stdout().trim().to_owned()) } else { Err(cli.tail()) }
}

#[test]
fn replies_come_trimmed_and_errors_as_errors() {
    let server = plain();
    assert_eq!(server.address(), format!("127.0.0.1:{}", server.port()));
    assert_eq!(server.url(), format!("redis://{}", server.address()));
    assert_eq!(server.cli(&["set", "name", "ada"]).unwrap(), "OK");
    assert_eq!(server.cli(&["get", "name"]).unwrap(), "ada");
    assert_eq!(server.cli(&["get", "nothing"]).unwrap(), "");
    assert_eq!(server.cli(&["-3", "mget", "name", "name"]).unwrap(), "ada\nada");
    assert_eq!(server.cli(&["debug", "sleep", "0"]).unwrap(), "OK");

    let error = server.cli(&["incr", "name"]).unwrap_err().to_string();
    assert!(error.contains("incr name") && error.contains("not an integer"), "{error}");
}

#[test]
fn nothing_is_kept_over_a_restart_unless_options_say_so() {
    let mut server = plain();
    let port = server.port();
    server.cli(&["set", "key", "value"]).unwrap();
    server.restart().unwrap();
    assert_eq!((server.port(), server.cli(&["dbsize"]).unwrap().as_str()), (port, "0"));

    let mut server = start(RedisSecurity::Plain, &[("appendonly", "yes")]);
    server.cli(&["set", "key", "value"]).unwrap();
    server.kill().unwrap();
    assert!(!server.is_running().unwrap() && server.cli(&["ping"]).is_err());
    server.restart().unwrap();
    assert_eq!(server.cli(&["get", "key"]).unwrap(), "value", "after a kill");
    server.stop().unwrap();
    server.restart().unwrap();
    assert_eq!(server.cli(&["get", "key"]).unwrap(), "value", "after a clean stop");
}

#[test]
fn a_stop_saves_what_a_kill_loses() {
    let mut server = start(RedisSecurity::Plain, &[("save", "3600 1")]);
    server.cli(&["set", "key", "value"]).unwrap();
    server.kill().unwrap();
    server.restart().unwrap();
    assert_eq!(server.cli(&["get", "key"]).unwrap(), "");

    server.cli(&["set", "key", "value"]).unwrap();
    server.restart().unwrap();
    assert_eq!(server.cli(&["get", "key"]).unwrap(), "value");
}

#[test]
fn a_paused_server_is_silent_until_it_goes_on_and_can_be_stopped_or_dropped() {
    let mut server = plain();
    server.pause().unwrap();
    assert!(server.is_running().unwrap());
    let mut cli = Command::new("redis-cli");
    cli.args(["-p", &server.port().to_string(), "ping"]);
    let mut waiting = Process::spawn(&cli).unwrap();
    assert!(waiting.wait(Duration::from_millis(300)).is_err(), "a paused server answered");
    server.resume().unwrap();
    assert!(waiting.wait(LIMIT).unwrap().success());

    server.pause().unwrap();
    server.stop().unwrap();
    assert!(!server.is_running().unwrap());
    assert!(server.pause().unwrap_err().to_string().contains("not running"));
    server.stop().unwrap();
    server.restart().unwrap();
    assert_eq!(server.cli(&["ping"]).unwrap(), "PONG");

    let address = server.address();
    server.pause().unwrap();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_server_that_was_shut_down_by_a_client_can_be_started_again() {
    let mut server = plain();
    server.cli(&["shutdown"]).unwrap();
    eventually(LIMIT, "the server ends", || !server.is_running().unwrap());
    server.restart().unwrap();
    assert_eq!(server.cli(&["ping"]).unwrap(), "PONG");
}

#[test]
fn options_win_and_a_server_that_cannot_start_says_why() {
    let server = start(RedisSecurity::Plain, &[("maxmemory", "5mb"), ("enable-debug-command", "no")]);
    assert_eq!(server.cli(&["config", "get", "maxmemory"]).unwrap(), "maxmemory\n5242880");
    assert!(server.cli(&["debug", "sleep", "0"]).is_err());

    let options = vec![("no-such-option".to_owned(), String::new())];
    let error = RedisServer::start(&RedisConfig { options, ..RedisConfig::default() }).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("Redis does not start") && error.contains(r#"no-such-option """#), "{error}");
}

#[test]
fn a_password_is_asked_for() {
    let mut server = start(RedisSecurity::Password("open-sesame".to_owned()), &[]);
    assert_eq!(server.cli(&["ping"]).unwrap(), "PONG");
    assert!(stranger(&server, &[], &["ping"]).unwrap_err().contains("NOAUTH"));
    assert_eq!(stranger(&server, &["-a", "open-sesame"], &["ping"]).unwrap(), "PONG");
    server.restart().unwrap();
    assert_eq!(server.cli(&["ping"]).unwrap(), "PONG");
}

#[test]
fn users_may_do_what_their_lines_say_and_the_test_kit_everything() {
    let reader = "reader on >secret ~user:* +get".to_owned();
    let server = start(RedisSecurity::Acl(vec![reader]), &[]);
    let login = ["--user", "reader", "-a", "secret"];
    assert_eq!(server.cli(&["set", "user:1", "ada"]).unwrap(), "OK");
    assert_eq!(stranger(&server, &login, &["get", "user:1"]).unwrap(), "ada");
    assert!(stranger(&server, &login, &["set", "user:1", "eve"]).unwrap_err().contains("NOPERM"));
    assert!(stranger(&server, &login, &["get", "other:1"]).unwrap_err().contains("NOPERM"));
    assert!(stranger(&server, &[], &["get", "user:1"]).unwrap_err().contains("NOAUTH"));
}

#[test]
fn a_server_with_tls_shows_its_certificate_and_does_not_talk_in_the_clear() {
    let mut server = start(RedisSecurity::Tls, &[]);
    assert_eq!(server.url(), format!("rediss://{}", server.address()));
    assert_eq!(server.cli(&["ping"]).unwrap(), "PONG");
    let authority = server.ca_path().unwrap();
    let authority = authority.to_str().unwrap();
    assert_eq!(stranger(&server, &["--tls", "--cacert", authority], &["ping"]).unwrap(), "PONG");
    assert!(stranger(&server, &["--tls"], &["ping"]).unwrap_err().contains("certificate verify failed"));
    assert!(stranger(&server, &[], &["ping"]).is_err());
    server.restart().unwrap();
    assert_eq!(server.cli(&["ping"]).unwrap(), "PONG");
    assert_eq!(plain().ca_path(), None);
}

#[test]
#[ignore = "started by another test as a process of its own"]
fn hold_a_server_until_killed() {
    let server = plain();
    println!("pid={}", field(&server.cli(&["info", "server"]).unwrap(), "process_id:"));
    eventually(LIMIT, "somebody kills this process", || false);
}

fn field(text: &str, before: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix(before)).unwrap().trim().to_owned()
}

#[test]
fn a_killed_test_process_takes_its_server_along() {
    let mut test = Process::spawn(&ignored_test("redis_server::hold_a_server_until_killed")).unwrap();
    let line = test.wait_for_line("pid=", LIMIT).unwrap();
    let server = Path::new("/proc").join(field(&line, "pid="));
    assert!(server.exists());
    test.kill().unwrap();
    eventually(LIMIT, "the kernel kills the server", || !server.exists());
}

//! The command line as scripts see it: results on stdout, reasons on stderr, and the four exit statuses.

use std::fs;
use std::net::TcpListener;

use serde_json::Value;
use user_info_core::Topic;

use crate::support::facts::{followed, tweeted, user};
use crate::support::kafka::shared_broker;
use crate::support::program::{Ended, Program};
use crate::support::turn;
use crate::support::waiting::LIMIT;
use crate::support::watching::Watch;
use crate::support::world::World;

/// Nobody listens there: the port is taken by a listener that was closed.
fn deserted_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    Program::under_test().run(arguments)
}

#[test]
fn get_prints_a_user_for_people_and_for_scripts() {
    let world = World::embedded();
    world.publish(&[user("12", "Twelve"), followed("12", "12"), tweeted("12", "a")]);
    let server = world.replica("store").started();
    server.until_caught_up();
    let url = server.url();

    let answer = run(&["get", "12", "--server", &url, "--json"]).with_status(0).json();
    let fields: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    let mut promised = [
        "user_id",
        "username",
        "name",
        "bio",
        "location",
        "url",
        "joined_at",
        "profile_image_url",
        "background_image_url",
        "tweet_count",
        "following_count",
        "followers_count",
        "like_count",
        "list_count",
    ];
    promised.sort_unstable();
    assert_eq!(fields, promised);
    assert_eq!(answer["joined_at"], "2009-02-13T23:31:30.000Z");
    assert_eq!(answer["background_image_url"], Value::Null);

    let by_name = run(&["get", "@TWELVE", "--server", &url, "--json"]).with_status(0).json();
    assert_eq!(by_name, answer);

    let text = run(&["get", "12", "--server", &url]).with_status(0).stdout;
    assert!(text.contains("@Twelve  12\n") && text.contains("1 tweet · 1 following · 1 follower · "), "{text}");
    assert!(!text.contains('\u{1b}'), "colours only on a terminal: {text}");
}

#[test]
fn get_watches_a_user_until_it_is_told_to_end() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "watched");
    world.publish(&[user("12", "Twelve")]);
    let mut server = world.replica("store").started();
    server.until_caught_up();
    let mut watch = Watch::start("@twelve", &server.url());
    assert_eq!(watch.next()["username"], "Twelve");
    world.publish(&[followed("13", "12")]);
    assert_eq!(watch.next()["followers_count"], 1);
    // It waits for a server that is away, and goes on where it was.
    server.kill();
    server.start();
    world.publish(&[followed("14", "12")]);
    assert_eq!(watch.next()["followers_count"], 2);
    let watching = watch.process();
    watching.terminate().unwrap();
    assert!(watching.wait(LIMIT).unwrap().success(), "{}", watching.tail());
    server.stop();
}

#[test]
fn status_0_is_for_what_went_well() {
    let world = World::embedded();
    world.publish(&[user("1", "one")]);
    let rebuilt = world.rebuild("store").with_status(0);
    assert_eq!(rebuilt.json()["tainted"], 0, "{rebuilt:?}");
    let audit = world.audit_store("store").with_status(0).json();
    assert_eq!((&audit["users"], &audit["records"], &audit["differences"]), (&1.into(), &1.into(), &0.into()));
    assert!(run(&["--version"]).with_status(0).stdout.starts_with("user-info "));
    assert!(run(&["help"]).with_status(0).stdout.contains("serve"));
}

#[test]
fn status_1_is_for_a_check_that_failed() {
    let world = World::embedded();
    world.publish(&[user("1", "one")]);
    world.rebuild("store").with_status(0);
    // The store does not hold what came later, and nobody reads on.
    world.publish(&[followed("1", "2"), followed("2", "1")]);
    let audit = world.run(&["audit"], &["--store", &world.store("store"), "--settle", "1s", "--json"]);
    let report = audit.with_status(1).json();
    assert!(report["differences"].as_u64().unwrap() > 0, "{report}");

    let server = world.replica("store").started();
    server.until_caught_up();
    run(&["get", "nobody", "--server", &server.url()]).with_status(1).that_says("404");
    run(&["get", "no,id", "--server", &server.url()]).with_status(1).that_says("400");
}

#[test]
fn status_2_is_for_wrong_usage() {
    let directory = tempfile::tempdir().unwrap();
    let (log, store) = (directory.path().join("log"), directory.path().join("store"));
    let log = format!("embedded:{}", log.display());
    let store = format!("rocksdb:{}", store.display());
    for (arguments, words) in [
        (&["serve", "--log", "http://localhost", "--store", &store][..], "kafka://HOST:PORT"),
        (&["serve", "--log", &log, "--store", "sqlite:x"], "rocksdb:"),
        (&["serve", "--log", &log], "--store"),
        (&["serve", "--log", &log, "--store", &store, "--listen", "nowhere"], "--listen"),
        (&["serve", "--log", &log, "--store", &store, "--drain", "soon"], "500ms"),
        (
            &["serve", "--log", &log, "--store", &store, "--rate-limit", "5", "--rate-limit-window", "1ms"],
            "at least 1s",
        ),
        (&["serve", "--log", &log, "--store", &store, "--v2-missing-user", "410"], "200, 404"),
        (&["serve", "--log", "kafka://127.0.0.1:9", "--store", &store, "--kafka-option", "acks=0"], "acks"),
        (&["serve", "--log", "kafka://127.0.0.1:9", "--store", &store, "--topic-name", "cats=dogs"], "cats"),
        (&["rebuild", "--log", &log, "--store", "memory:"], "rocksdb:"),
        (&["audit", "--log", &log], "--server"),
        (&["audit", "--log", &log, "--store", &store, "--server", "http://127.0.0.1:1"], "cannot be used with"),
        (&["topics", "create", "--log", &log, "--partitions", "0"], "--partitions"),
        (&["upstream", "tweets", "--log", &log, "--stream", "https://127.0.0.1/x"], "http://"),
        (&["demo", "--log", "redis://127.0.0.1"], "kafka://"),
        (&["get", "12", "--server", "ftp://127.0.0.1"], "http://host:port or https://host:port"),
        (&["serve", "--frobnicate"], "--frobnicate"),
        (&["sing"], "sing"),
    ] {
        run(arguments).with_status(2).that_says(words);
    }
    assert!(!directory.path().join("store").exists(), "wrong usage leaves nothing behind");
}

#[test]
fn status_3_is_for_what_is_missing() {
    let (world, server) = (World::embedded(), deserted_address());
    let url = format!("http://{server}");
    run(&["get", "12", "--server", &url]).with_status(3).that_says("is the server running");
    world.run(&["audit"], &["--server", &url, "--settle", "1s"]).with_status(3).that_says("is the server running");
    world.audit_store("nothing").with_status(3);
    run(&["topics", "check", "--log", &format!("kafka://{server}")]).with_status(3).that_says("does not answer");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut options = vec!["serve".to_owned()];
    options.extend(world.options("store"));
    options.extend(["--listen".to_owned(), address]);
    Program::under_test().run(options).with_status(3).that_says("cannot listen on");
}

#[test]
fn two_servers_never_share_a_directory() {
    let world = World::embedded();
    world.publish(&[user("1", "one")]);
    let mut first = world.replica("store").started();
    first.until_caught_up();

    let second = world.replica("store");
    let refused = second.program.run(second.arguments()).with_status(3);
    let directory = fs::canonicalize(world.path("log")).unwrap();
    assert!(refused.stderr.contains(directory.to_str().unwrap()), "{}", refused.stderr);
    assert!(refused.stderr.contains("is in use: stop the process"), "{}", refused.stderr);

    assert_eq!(first.user("1")["username"], "one", "the first one goes on");
    first.stop();
    let mut second = second.started();
    second.until_caught_up();
    second.stop();
}

#[test]
fn topics_are_created_once_and_checked_on_an_embedded_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = format!("embedded:{}", directory.path().join("log").display());
    let missing = run(&["topics", "check", "--log", &log]).with_status(1).stdout;
    for topic in Topic::ALL {
        let line = format!("topic {topic}: does not exist: run `user-info topics create`");
        assert!(missing.lines().any(|found| found == line), "no {line:?} in\n{missing}");
    }
    let created = run(&["topics", "create", "--log", &log, "--partitions", "2"]).with_status(0).stdout;
    assert_eq!(created.lines().filter(|line| line.ends_with(": created")).count(), Topic::ALL.len(), "{created}");
    let again = run(&["topics", "create", "--log", &log, "--partitions", "5"]).with_status(0).stdout;
    assert_eq!(again.lines().filter(|line| line.ends_with(": exists already")).count(), Topic::ALL.len(), "{again}");
    let checked = run(&["topics", "check", "--log", &log]).with_status(0).stdout;
    assert_eq!(checked.trim(), "all topics are as they should be");
}

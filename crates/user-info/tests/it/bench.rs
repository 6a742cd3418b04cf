//! `user-info bench` as a command: what it prints, and what it says of what makes no sense.

use std::fs;

use crate::support::facts::user;
use crate::support::kafka::shared_broker;
use crate::support::program::{Ended, Program};
use crate::support::turn;
use crate::support::waiting::LIMIT;
use crate::support::world::World;

#[track_caller]
fn bench(arguments: &[&str]) -> Ended {
    Program::under_test().run([&["bench"], arguments].concat())
}

#[test]
fn load_asks_a_server_for_the_users_in_a_file() {
    let world = World::embedded();
    world.publish(&[user("ada", "ada"), user("grace", "grace")]);
    let server = world.replica("store").started();
    server.until_caught_up();
    let file = world.path("ids");
    fs::write(&file, "ada\ngrace\n\nnobody\n").unwrap();
    let address = server.public.to_string();
    let asked = ["load", "--server", &address, "--users-from", file.to_str().unwrap(), "--popularity", "uniform"];
    let pace = ["--rate", "200", "--arrivals", "constant", "--warm-up", "100ms", "--duration", "1s", "--json"];
    let ended = bench(&[&asked[..], &pace].concat()).with_status(0);
    let figures = ended.json();
    let status = |status: &str| figures["statuses"][status].as_u64().unwrap();
    // 5 ms apart, from the end of the warm-up to just before the end.
    assert_eq!(status("200") + status("404"), 200, "{figures}");
    assert!(status("200") > status("404") && status("404") > 20, "{figures}");
    assert_eq!((&figures["offered_per_s"], &figures["latency_ms"]["count"]), (&200.0.into(), &200.into()));
    assert!(ended.stdout.contains("latency     p50 ") && ended.stdout.contains("status 404"), "{}", ended.stdout);
}

#[test]
fn the_floor_answers_as_many_as_ask() {
    let mut floor = Program::under_test().start(["bench", "floor", "--listen", "127.0.0.1:0", "--body-bytes", "100"]);
    let line = floor.wait_for_line("floor http://", LIMIT).unwrap();
    let address = line.trim().trim_start_matches("floor http://");
    let arguments =
        ["load", "--server", address, "--rate", "max", "--connections", "2", "--duration", "200ms", "--json"];
    let figures = bench(&arguments).with_status(0).json();
    assert!(figures["statuses"]["200"].as_u64().unwrap() > 0 && figures["offered_per_s"].is_null(), "{figures}");
    floor.terminate().unwrap();
    assert!(floor.wait(LIMIT).unwrap().success(), "{}", floor.tail());
}

#[test]
fn freshness_is_measured_through_the_log() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "freshness");
    let server = world.replica("store").started();
    server.until_caught_up();
    let address = server.public.to_string();
    let options = world.log_options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    for change in ["count", "profile"] {
        let asked = ["freshness", "--server", &address, "--change", change, "--duration", "1s", "--json"];
        let ended = bench(&[&asked[..], &options].concat()).with_status(0);
        assert_eq!(ended.json()["shown_ms"]["count"], 18, "{}", ended.stdout);
    }
}

#[test]
fn what_makes_no_sense_and_what_is_missing_is_said() {
    for (arguments, words) in [
        (&["--rate", "0"][..], "a number above 0"),
        (&["--popularity", "zipf:-1"], "zipf:EXPONENT"),
        (&["--unknown-share", "2"], "from 0 to 1"),
        (&["--users-from", "/nowhere"], "reading /nowhere"),
        (&["--users", "0"], "users"),
    ] {
        bench(&[&["load"], arguments].concat()).with_status(2).that_says(words);
    }
    let deserted = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    bench(&["load", "--server", &deserted]).with_status(3).that_says("is it running?");
}

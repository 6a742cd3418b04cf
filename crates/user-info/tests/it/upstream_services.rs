//! The upstream services as processes: killed again and again they contradict nothing, a second instance takes over, and
//! operators can look at them.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use user_info_core::Topic;
use user_info_testkit::{BrokerConfig, KafkaBroker, Process, Seed, soak};

use crate::support::checker::Topics;
use crate::support::facts::{tweeted, user};
use crate::support::http;
use crate::support::kafka::shared_broker;
use crate::support::program::Program;
use crate::support::stream::Stream;
use crate::support::turn;
use crate::support::waiting::{LIMIT, until, until_true};
use crate::support::world::World;

/// Every service is killed so often; a soak kills ten times as often.
const KILLS: usize = 10;
/// Before a kill and before the restart: also so short that a service has not read everything back.
const PAUSE_MS: std::ops::Range<u64> = 0..400;

/// A service and how to start it again.
struct Service {
    topic: Topic,
    arguments: Vec<String>,
    process: Process,
}

impl Service {
    fn start(world: &World, topic: Topic, options: &[&str]) -> Self {
        let mut arguments = vec!["upstream".to_owned(), topic.name().to_owned()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        arguments.extend(world.log_options());
        let process = Program::under_test().start(&arguments);
        Self { topic, arguments, process }
    }

    fn restart(&mut self) {
        self.process = Program::under_test().start(&self.arguments);
    }

    /// Asks it to end, and requires that it ends well.
    fn stop(mut self) -> Process {
        until_true("a service that was just started handles SIGTERM", || self.process.handles_sigterm().unwrap());
        self.process.terminate().unwrap();
        let status = self.process.wait(LIMIT).unwrap();
        assert!(status.success(), "{status} of {} after SIGTERM\n{}", self.topic, self.process.tail());
        self.process
    }
}

fn length(world: &World, topic: Topic) -> i64 {
    world.ends().iter().filter(|(of, ..)| *of == topic).map(|(.., end)| end).sum()
}

fn until_more(world: &World, topic: Topic, before: i64) {
    until("the service publishes", || match length(world, topic) {
        now if now > before => Ok(()),
        now => Err(format!("{topic} has {now} records")),
    });
}

#[test]
fn services_that_are_killed_again_and_again_contradict_nothing() {
    let _turn = turn::alone();
    let seed = Seed::of_this_run().value();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let (world, stream) = (World::on(&broker, "killed"), Stream::start(seed));
    let mut server = world.replica("store").started();
    let mut services = start_all(&world, &stream, seed);
    services.iter().for_each(|service| until_more(&world, service.topic, 0));
    for _ in 0..if soak() { 10 * KILLS } else { KILLS } {
        kill_all(&world, &mut services, &mut rng);
    }
    stream.end();
    until("nothing is left of accounts that are gone, and none is leaving", || {
        let topics = Topics::read(&world);
        match [topics.leaving(), topics.left_behind()].concat() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("{} are left, as {}", left.len(), left[0])),
        }
    });
    services.into_iter().for_each(|service| drop(service.stop()));
    let topics = Topics::read(&world);
    assert_eq!(topics.contradictions(), Vec::<String>::new());
    assert_eq!(topics.left_behind(), Vec::<String>::new());
    for (topic, word, least) in [
        (Topic::Users, "null", 5),
        (Topic::Users, "suspended", 10),
        (Topic::Tweets, "tweet_deleted", 100),
        (Topic::Follows, "unfollowed", 100),
        (Topic::Likes, "unliked", 100),
        (Topic::Lists, "list_deleted", 100),
    ] {
        let found = topics.count(topic, word);
        assert!(found >= least, "only {found} × {word}, so little was proved");
    }
    server.until_at(&world.ends());
    assert_eq!(world.audit_server(&server).with_status(0).json()["differences"], 0);
    server.stop();
    assert_eq!(world.audit_store("store").with_status(0).json()["differences"], 0);
}

fn start_all(world: &World, stream: &Stream, seed: u64) -> Vec<Service> {
    let (url, seed) = (stream.url(), seed.to_string());
    let actor = |topic, rate: &str, more: &[&str]| {
        let options = [&["--rate", rate, "--seed", &seed][..], more].concat();
        Service::start(world, topic, &options)
    };
    vec![
        Service::start(world, Topic::Tweets, &["--stream", &url, "--delete-accounts-after", "1s"]),
        actor(Topic::Follows, "700", &["--steer", "ignore"]),
        actor(Topic::Likes, "600", &[]),
        actor(Topic::Lists, "300", &["--repetitions", "0.2"]),
    ]
}

/// Kills all in any order, each at any moment, starts them again, and waits until each has gone on.
fn kill_all(world: &World, services: &mut [Service], rng: &mut ChaCha8Rng) {
    services.shuffle(rng);
    for service in services.iter_mut() {
        thread::sleep(Duration::from_millis(rng.random_range(PAUSE_MS)));
        service.process.kill().unwrap();
    }
    let before: Vec<_> = services.iter().map(|service| length(world, service.topic)).collect();
    for service in services.iter_mut() {
        thread::sleep(Duration::from_millis(rng.random_range(PAUSE_MS)));
        service.restart();
    }
    services.iter().zip(before).for_each(|(service, before)| until_more(world, service.topic, before));
}

/// Steered, it keeps more in mind than its topic says: what the stream wants. None of that may lead to a contradiction.
#[test]
fn a_steered_follow_service_that_is_killed_contradicts_nothing() {
    let _turn = turn::shared();
    let seed = Seed::of_this_run().value();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let broker = shared_broker();
    let (world, stream) = (World::on(&broker, "steered"), Stream::start(seed));
    let server = world.replica("store").started();
    let url = stream.url();
    let tweets = Service::start(&world, Topic::Tweets, &["--stream", &url]);
    let steered = ["--rate", "700", "--steer", "follow-counts", "--stream", &url];
    let mut services = vec![Service::start(&world, Topic::Follows, &steered)];
    until_more(&world, Topic::Follows, 0);
    for _ in 0..if soak() { 10 * KILLS } else { KILLS } {
        kill_all(&world, &mut services, &mut rng);
    }
    stream.end();
    services.into_iter().chain([tweets]).for_each(|service| drop(service.stop()));
    let topics = Topics::read(&world);
    assert_eq!(topics.contradictions(), Vec::<String>::new());
    let unfollowed = topics.count(Topic::Follows, "unfollowed");
    assert!(unfollowed >= 20, "only {unfollowed} unfollowed, so little was proved");
    server.until_at(&world.ends());
    assert_eq!(world.audit_server(&server).with_status(0).json()["differences"], 0);
}

#[test]
fn a_second_instance_of_a_service_takes_over() {
    let _turn = turn::shared();
    let broker = shared_broker();
    let world = World::on(&broker, "taken-over");
    world.publish(&[user("1", "one"), user("2", "two"), tweeted("1", "t")]);
    let options = ["--rate", "200", "--transactional-id", "the likes"];
    let mut first = Service::start(&world, Topic::Likes, &options);
    until_more(&world, Topic::Likes, 0);
    let second = Service::start(&world, Topic::Likes, &options);
    let status = first.process.wait(LIMIT).unwrap();
    assert_eq!(status.code(), Some(1), "{}", first.process.tail());
    let reason = first.process.stderr();
    assert!(reason.contains("the likes"), "{reason}");
    until_more(&world, Topic::Likes, length(&world, Topic::Likes));
    second.stop();
    assert_eq!(Topics::read(&world).contradictions(), Vec::<String>::new());
}

#[test]
fn operators_can_look_at_a_service() {
    let world = World::embedded();
    world.publish(&[user("1", "one"), user("2", "two")]);
    let options = ["--rate", "100", "--admin", "127.0.0.1:0", "--progress-interval", "50ms"];
    let mut service = Service::start(&world, Topic::Follows, &options);
    let line = service.process.wait_for_line("admin http://", LIMIT).unwrap();
    let address: SocketAddr = line.rsplit('/').next().unwrap().trim().parse().unwrap();
    let get = |path: &str| http::get(address, path).unwrap();
    assert_eq!(get("/health").status, 200);
    until_true("facts are counted", || !get("/metrics").body.contains("user_info_upstream_added_total 0\n"));
    assert_eq!(get("/status").status, 404);
    service.process.wait_for_line("records published", LIMIT).unwrap();
    let ended = service.stop();
    assert!(ended.stderr().contains("stopped: "), "{}", ended.tail());
}

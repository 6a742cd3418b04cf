//! Facts on the shared broker, a store in Redis, and a server between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use user_info_core::Topic;
use user_info_log::NewRecord;
use user_info_testkit::{KafkaBroker, Process, RedisConfig, RedisServer};

use crate::support::facts::{followed, liked, list_created, tweeted, unfollowed, unliked, user};
use crate::support::http::Answer;
use crate::support::kafka::shared_broker;
use crate::support::program::Ended;
use crate::support::replica::Replica;
use crate::support::waiting::{until, until_true};
use crate::support::world::World;

/// Everybody follows and likes somebody else in each chapter, so that every partition has something to do.
pub(super) const USERS: usize = 20;

/// A request waits for Redis for a quarter of a second; this is a busy machine's time for that.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Requests in a row while Redis is away. If each of them waited for it, they would take three times [`ROW_MAX`].
const ROW: usize = 200;
const ROW_MAX: Duration = Duration::from_secs(16);

/// Starts a server; each option is a name and a value.
pub(super) fn redis_with(options: &[(&str, &str)]) -> RedisServer {
    let options = options.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    RedisServer::start(&RedisConfig { options, ..RedisConfig::default() }).unwrap()
}

/// Topics, options that name a store, and a server on both.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) server: Replica,
    store: Vec<String>,
    chapters: usize,
    // It ends with the last test that uses it.
    _broker: Arc<KafkaBroker>,
}

impl Scene {
    /// The server does not run yet. The name is that of the topics and of the group.
    pub(super) fn set(name: &str, store: &[&str]) -> Self {
        let broker = shared_broker();
        let world = World::on(&broker, name);
        let store: Vec<String> = ["--store"].iter().chain(store).map(|option| (*option).to_owned()).collect();
        let server = instance(&world, &store);
        Self { world, server, store, chapters: 0, _broker: broker }
    }

    /// The server runs and has read a first chapter.
    pub(super) fn begun(name: &str, store: &[&str]) -> Self {
        let mut scene = Self::set(name, store);
        scene.server.start();
        scene.tell();
        scene.until_read();
        scene
    }

    /// One more server on the same store.
    pub(super) fn another(&self) -> Replica {
        instance(&self.world, &self.store)
    }

    /// Starts the server without waiting for it to answer.
    pub(super) fn launch(&self) -> Process {
        self.server.program.start(self.server.arguments())
    }

    /// Options that name log and store.
    pub(super) fn options(&self) -> Vec<String> {
        self.world.log_options().into_iter().chain(self.store.iter().cloned()).collect()
    }

    /// Publishes the next chapter.
    pub(super) fn tell(&mut self) {
        self.chapters += 1;
        self.world.publish(&chapter(self.chapters));
    }

    #[track_caller]
    pub(super) fn until_read(&self) {
        self.server.until_at(&self.world.ends());
    }

    /// A subcommand on log and store.
    #[track_caller]
    pub(super) fn run(&self, subcommand: &str) -> Ended {
        let store: Vec<&str> = self.store.iter().map(String::as_str).collect();
        self.world.run(&[subcommand], &[&store[..], &["--json"]].concat())
    }

    /// What is stored and what is answered is what the log says, the newest fact included.
    #[track_caller]
    pub(super) fn check(&self) {
        self.until_read();
        self.check_audits(&[&self.server]);
    }

    #[track_caller]
    pub(super) fn check_audits(&self, servers: &[&Replica]) {
        let audits = servers.iter().map(|server| self.world.audit_server(server)).chain([self.run("audit")]);
        for audit in audits {
            let audit = audit.with_status(0);
            let report = audit.json();
            assert_eq!(report["differences"], 0, "{audit:?}");
            assert!(report["users"].as_u64().unwrap() >= USERS as u64, "{audit:?}");
            assert!(report["records"].as_u64().unwrap() >= (self.chapters * USERS) as u64, "{audit:?}");
        }
    }

    /// Waits until this user, who is in every chapter, is answered again.
    #[track_caller]
    pub(super) fn until_answered(&self) {
        until("users are answered again", || {
            let answer = self.ask();
            assert_ne!(answer.status, 404, "a known user is unknown: {answer:?}");
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    }

    /// The answer about a user who is in every chapter.
    #[track_caller]
    pub(super) fn ask(&self) -> Answer {
        self.server.get("/users/u1")
    }

    /// Asks about a user who is in every chapter again and again: each answer has one of these statuses.
    #[track_caller]
    pub(super) fn check_asked(&self, statuses: &[u16]) {
        for _ in 0..ROW {
            let answer = self.ask();
            assert!(statuses.contains(&answer.status), "{answer:?}");
        }
    }

    /// Waits until the newest error about the store says this.
    #[track_caller]
    pub(super) fn until_store_error(&self, words: &str) {
        self.server.until_status(&format!("an error about the store says {words}"), |status| {
            let errors = status["last_errors"].as_array().unwrap();
            let about_store = errors.iter().find(|error| error["about"] == "store");
            about_store.is_some_and(|error| error["message"].as_str().unwrap().contains(words))
        });
    }

    /// Redis is away, for this reason: everybody hears so soon, and nothing else stops.
    #[track_caller]
    pub(super) fn check_away(&self, reason: &str) {
        for path in ["/users/u1", "/users?ids=u1,u2", "/users?username=name-1", "/users/nobody"] {
            check_unavailable(&self.server, path);
        }
        let began = Instant::now();
        (0..ROW).for_each(|number| check_unavailable(&self.server, &format!("/users/{number}")));
        assert!(began.elapsed() < ROW_MAX, "{ROW} requests took {:?}", began.elapsed());
        assert_eq!(self.server.get("/users?ids=").status, 400);
        assert_eq!(self.server.get("/nowhere").status, 404);
        self.check_operators_hear(reason);
    }

    #[track_caller]
    fn check_operators_hear(&self, reason: &str) {
        assert_eq!(self.server.admin("/health").status, 200);
        let ready = self.server.admin("/ready");
        assert!(ready.status == 503 && ready.body.contains(reason), "{ready:?}");
        let metrics = self.server.admin("/metrics");
        let lines: Vec<&str> = metrics.body.lines().collect();
        assert!(lines.contains(&"user_info_store_available 0"), "{metrics:?}");
        assert!(lines.contains(&"user_info_ready 0"), "{metrics:?}");
        let status = self.server.status();
        let says = |value: &Value| value.as_str().is_some_and(|text| text.contains(reason));
        assert!(says(&status["store"]["unavailable"]) && says(&status["not_ready_because"]), "{status}");
        self.until_store_error(reason);
    }
}

/// A server on a store; it looks at the topics twice a second.
fn instance(world: &World, store: &[String]) -> Replica {
    // Nobody else has the names of the world's topics, so they do for its group as well.
    let group = world.name(Topic::Users);
    let options = world.log_options().into_iter().chain(store.iter().cloned()).collect();
    Replica::new(options).with(&["--group", &group, "--watch-interval", "500ms"])
}

/// A request is told soon that the store is away, and when to come again.
#[track_caller]
pub(super) fn check_unavailable(server: &Replica, path: &str) {
    let began = Instant::now();
    let answer = server.get(path);
    let took = began.elapsed();
    let headers = ["retry-after", "content-type"].map(|name| answer.header(name));
    assert_eq!((answer.status, headers), (503, [Some("1"), Some("application/problem+json")]), "{answer:?}");
    assert!(took < ANSWER_MAX, "{path} took {took:?}");
}

/// Waits until Redis answers this to a question.
#[track_caller]
pub(super) fn until_redis_says(redis: &RedisServer, question: &[&str], words: &str) {
    until_true(words, || redis.cli(question).is_ok_and(|reply| reply.contains(words)));
}

/// What users do in a chapter: it adds to the one before, and takes some of that back.
fn chapter(number: usize) -> Vec<NewRecord> {
    (0..USERS).flat_map(|index| deeds(index, number)).collect()
}

fn deeds(index: usize, chapter: usize) -> Vec<NewRecord> {
    let id = |index: usize| format!("u{}", index % USERS);
    let (me, whom, before) = (id(index), id(index + chapter), id(index + chapter - 1));
    let tweet = |chapter: usize| format!("t{chapter}-{index}");
    let mut deeds = vec![
        // Every second chapter brings the old name back.
        user(&me, &format!("name-{}-{index}", chapter % 2)),
        tweeted(&me, &tweet(chapter)),
        followed(&me, &whom),
        liked(&me, &tweet(chapter)),
        list_created(&me, &format!("l{chapter}")),
    ];
    if chapter > 1 {
        deeds.extend(unfollowed(&me, &before));
        deeds.extend(unliked(&me, &tweet(chapter - 1)));
    }
    deeds
}

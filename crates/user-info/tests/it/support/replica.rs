//! `user-info serve` on a directory and on ports of its own, which stay the same over restarts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use user_info_audit::positions::Positions;
use user_info_core::Topic;
use user_info_testkit::{Process, free_port};

use crate::support::http::{self, Answer};
use crate::support::program::Program;
use crate::support::waiting::{LIMIT, until};

/// A server, running or not.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(crate) program: Program,
    arguments: Vec<String>,
    pub(crate) public: SocketAddr,
    admin: SocketAddr,
    process: Option<Process>,
}

impl Replica {
    /// A server with these options besides its addresses; it does not run yet.
    pub(crate) fn new(options: Vec<String>) -> Self {
        let address = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (public, admin) = (address(), address());
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(["--listen".to_owned(), public.to_string(), "--admin".to_owned(), admin.to_string()]);
        arguments.extend(options);
        Self { program: Program::under_test(), arguments, public, admin, process: None }
    }

    /// With more options.
    pub(crate) fn with(mut self, options: &[&str]) -> Self {
        self.arguments.extend(options.iter().map(|option| (*option).to_owned()));
        self
    }

    /// With another program.
    pub(crate) fn run_by(mut self, program: &Program) -> Self {
        self.program = program.clone();
        self
    }

    pub(crate) fn arguments(&self) -> &[String] {
        &self.arguments
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Starts it and waits until it answers.
    #[track_caller]
    pub(crate) fn start(&mut self) {
        let mut process = self.program.start(&self.arguments);
        process.wait_for_line("admin http://", LIMIT).unwrap();
        self.process = Some(process);
        until("the server answers", || http::get(self.admin, "/health").map_err(|error| error.to_string()));
    }

    pub(crate) fn started(mut self) -> Self {
        self.start();
        self
    }

    /// The running process.
    #[track_caller]
    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    /// Ends it at once.
    #[track_caller]
    pub(crate) fn kill(&mut self) {
        self.process().kill().unwrap();
        self.process = None;
    }

    /// Asks it to end, and requires that it ends well.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().expect("the server was started");
        process.terminate().unwrap();
        let status = process.wait(LIMIT).unwrap();
        assert_eq!(status.code(), Some(0), "{status} after SIGTERM\n{}", process.tail());
    }

    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    pub(crate) fn try_get(&self, path: &str) -> io::Result<Answer> {
        http::get(self.public, path)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A user who must be there.
    #[track_caller]
    pub(crate) fn user(&self, user: &str) -> Value {
        let answer = self.get(&format!("/users/{user}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The five counts of a user: tweets, following, followers, likes, lists.
    #[track_caller]
    pub(crate) fn counts(&self, user: &str) -> [u64; 5] {
        let user = self.user(user);
        ["tweet_count", "following_count", "followers_count", "like_count", "list_count"]
            .map(|field| user[field].as_u64().unwrap())
    }

    #[track_caller]
    pub(crate) fn admin(&self, path: &str) -> Answer {
        http::get(self.admin, path).unwrap()
    }

    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let answer = self.admin("/status");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Waits until `/status` is as wanted, and returns it.
    #[track_caller]
    pub(crate) fn until_status(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, || {
            let status = self.status();
            if wanted(&status) { Ok(status) } else { Err(status.to_string()) }
        })
    }

    #[track_caller]
    pub(crate) fn until_caught_up(&self) {
        self.until_status("the server has caught up", |status| status["caught_up"] == true);
    }

    /// Waits until it has read up to `ends` and says that nothing is left.
    #[track_caller]
    pub(crate) fn until_at(&self, ends: &Positions) {
        until("the server has read everything", || {
            let (status, positions) = (self.status(), self.positions());
            let behind = ends.iter().find(|&(topic, partition, end)| positions.next(topic, partition) < end);
            match behind {
                None if status["caught_up"] == true && lag(&status) == 0 => Ok(()),
                _ => Err(format!("{behind:?} is not reached by {positions}: {status}")),
            }
        });
    }

    /// How far the answers go.
    #[track_caller]
    pub(crate) fn positions(&self) -> Positions {
        positions(&self.get("/users/whoever"))
    }

    /// Waits until ingest of a topic is halted with one of these codes, and returns what `/status` says of the topic.
    #[track_caller]
    pub(crate) fn until_halted(&self, topic: Topic, codes: &[&str]) -> Value {
        let what = format!("ingest of {topic} is halted with {codes:?}");
        let halted = |status: &Value| codes.iter().any(|code| topic_of(status, topic)["code"] == **code);
        let status = self.until_status(&what, halted);
        let of_topic = topic_of(&status, topic).clone();
        assert_eq!(of_topic["phase"], "halted");
        of_topic
    }

    /// The phase of each topic.
    #[track_caller]
    pub(crate) fn phases(&self) -> BTreeMap<Topic, String> {
        let status = self.status();
        let phase = |topic| topic_of(&status, topic)["phase"].as_str().unwrap().to_owned();
        Topic::FACTS.into_iter().map(|topic| (topic, phase(topic))).collect()
    }
}

/// What `/status` says of a topic.
#[track_caller]
pub(crate) fn topic_of(status: &Value, topic: Topic) -> &Value {
    let topics = status["topics"].as_array().unwrap();
    topics.iter().find(|found| found["topic"] == topic.name()).unwrap()
}

/// Offsets that all partitions together lag behind.
fn lag(status: &Value) -> i64 {
    let topics = status["topics"].as_array().unwrap();
    let partitions = topics.iter().flat_map(|topic| topic["partitions"].as_array().unwrap());
    partitions.map(|partition| partition["lag"].as_i64().unwrap()).sum()
}

/// The positions that an answer carries.
#[track_caller]
pub(crate) fn positions(answer: &Answer) -> Positions {
    let header = answer.header("user-info-positions");
    header.unwrap_or_else(|| panic!("no positions in {answer:?}")).parse().unwrap()
}

/// The age of the data of an answer in milliseconds; `None` if it is unknown.
#[track_caller]
pub(crate) fn age_ms(answer: &Answer) -> Option<u64> {
    let header = answer.header("user-info-age-ms").unwrap_or_else(|| panic!("no age in {answer:?}"));
    if header == "unknown" { None } else { Some(header.parse().unwrap()) }
}

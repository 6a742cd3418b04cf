//! How long a fact takes from being published to being answered, as a client sees it: publish one, and ask until it shows.
//!
//! Each probe has a thread, a connection and a user of its own, and one fact on its way at a time. A fact that is due while the
//! last one has not shown yet is published late, and its time counts from when it was due. The pause between two looks is the
//! resolution of what is measured.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use user_info_core::{AccountState, Fact, Id, Profile, Timestamp};
use user_info_log::{Log, NewRecord, Producer, ProducerConfig};

use crate::client::Client;
use crate::error::BenchError;
use crate::latency::{Latencies, Percentiles};

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A profile: the name becomes another one.
    Profile,
    /// A count: one more tweet.
    Count,
}

/// What is probed and how.
#[derive(Clone, Debug)]
pub struct FreshnessConfig {
    /// The server that is asked.
    pub server: SocketAddr,
    /// What changes.
    pub change: Change,
    /// Threads, each with a user of its own.
    pub probes: u32,
    /// Facts of all probes together in a second.
    pub per_second: f64,
    /// How long facts are published.
    pub duration: Duration,
    /// Pause between two looks: the resolution.
    pub look_interval: Duration,
    /// How long a fact may take to show.
    pub limit: Duration,
}

/// What the probes met.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FreshnessFigures {
    /// From the time at which a fact was due to the answer that showed it, in milliseconds.
    pub shown_ms: Percentiles,
    /// From the time at which a fact was due to its acknowledgement by the log, in milliseconds.
    pub published_ms: Percentiles,
}

/// Publishes to `log` and asks the server until the time is up.
pub fn run(config: &FreshnessConfig, log: &Log) -> Result<FreshnessFigures, BenchError> {
    let probes: Vec<Probe> =
        (0..config.probes).map(|number| Probe::new(config, log, number)).collect::<Result<_, _>>()?;
    let running: Vec<_> = probes.into_iter().map(|probe| thread::spawn(move || probe.run())).collect();
    let (mut shown, mut published) = (Latencies::default(), Latencies::default());
    for probe in running {
        let measured = probe.join().expect("a probe does not panic")?;
        shown.add(&measured.shown);
        published.add(&measured.published);
    }
    Ok(FreshnessFigures { shown_ms: shown.percentiles(), published_ms: published.percentiles() })
}

struct Probe {
    config: FreshnessConfig,
    user: Id,
    client: Client,
    producer: Producer,
}

#[derive(Default)]
struct Measured {
    shown: Latencies,
    published: Latencies,
}

/// As much of a user as is looked at.
#[derive(Deserialize)]
struct Seen {
    name: String,
    tweet_count: u64,
}

impl Probe {
    fn new(config: &FreshnessConfig, log: &Log, number: u32) -> Result<Self, BenchError> {
        let user = Id::new(&format!("freshness-probe-{number}")).expect("the name is an id");
        let client = Client::connect(config.server)?;
        Ok(Self { config: config.clone(), user, client, producer: log.producer(&ProducerConfig::default())? })
    }

    fn run(mut self) -> Result<Measured, BenchError> {
        let mut measured = Measured::default();
        let first = self.begin()?;
        let interval = Duration::from_secs_f64(f64::from(self.config.probes) / self.config.per_second);
        let began = Instant::now();
        for number in 1.. {
            let due = began + interval * number;
            if due >= began + self.config.duration {
                break;
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let change = first + u64::from(number);
            self.producer.publish(&[NewRecord::fact(&self.fact(change))])?;
            measured.published.record(due.elapsed());
            self.until_shown(change)?;
            measured.shown.record(due.elapsed());
        }
        Ok(measured)
    }

    /// Publishes the user, and says which change an answer shows at the start.
    fn begin(&mut self) -> Result<u64, BenchError> {
        self.producer.publish(&[NewRecord::fact(&self.profile(0))])?;
        let limit = Instant::now() + self.config.limit;
        loop {
            match self.look()? {
                Some(seen) if self.config.change == Change::Count => return Ok(seen.tweet_count),
                Some(seen) if seen.name == name(0) => return Ok(0),
                Some(_) | None => self.wait(limit)?,
            }
        }
    }

    fn until_shown(&mut self, change: u64) -> Result<(), BenchError> {
        let limit = Instant::now() + self.config.limit;
        loop {
            let shown = match (self.look()?, self.config.change) {
                (Some(seen), Change::Count) => seen.tweet_count >= change,
                (Some(seen), Change::Profile) => seen.name == name(change),
                (None, _) => false,
            };
            if shown {
                return Ok(());
            }
            self.wait(limit)?;
        }
    }

    fn wait(&self, limit: Instant) -> Result<(), BenchError> {
        if Instant::now() >= limit {
            return Err(BenchError::NotShown { seconds: self.config.limit.as_secs() });
        }
        thread::sleep(self.config.look_interval);
        Ok(())
    }

    /// What is answered of the user, if it can be shown.
    fn look(&mut self) -> Result<Option<Seen>, BenchError> {
        let (status, body) = self.client.get(&format!("/users/{}", self.user))?;
        let broken = |error| BenchError::Broken { server: self.config.server, reason: format!("no user: {error}") };
        (status == 200).then(|| serde_json::from_slice(&body).map_err(broken)).transpose()
    }

    fn fact(&self, change: u64) -> Fact {
        match self.config.change {
            Change::Profile => self.profile(change),
            Change::Count => Fact::Tweeted {
                user_id: self.user.clone(),
                tweet_id: Id::new(&format!("probe-{change}")).expect("a number is part of an id"),
                text: "published to measure how long it takes to show".into(),
                created_at: Timestamp::from_millis(0).expect("the epoch is a time"),
            },
        }
    }

    fn profile(&self, change: u64) -> Fact {
        profile(&self.user, name(change))
    }
}

/// That a probe's user has this name now.
pub fn profile(user: &Id, name: String) -> Fact {
    let profile = Profile {
        username: user.as_str().replace('-', "_"),
        name,
        state: AccountState::Active,
        joined_at: Timestamp::from_millis(0).expect("the epoch is a time"),
        bio: Some("I am published again and again to measure how long a change takes to show.".into()),
        location: None,
        url: None,
        profile_image_url: None,
        background_image_url: None,
    };
    Fact::UserChanged { user_id: user.clone(), profile }
}

fn name(change: u64) -> String {
    format!("Change {change}")
}

//! The centrepiece: everything is killed again and again while thousands of facts a second come in, and at the end every
//! count is exactly what the log says.
//!
//! A schedule drawn from a printed seed kills the server, the upstream services and the broker with SIGKILL. Beside it a
//! reader asks all the time: no answer may be older than an earlier one, not even across a kill, and as long as the server
//! runs every request is answered, whether the broker is there or not. When the last fault has healed, the server
//! must reach the end of the log, and the audits of the server and of its store must find nothing.

mod reader;
mod services;

use std::thread;
use std::time::{Duration, Instant};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use user_info_core::Topic;
use user_info_testkit::{BrokerConfig, KafkaBroker, Seed, soak};

use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::World;
use reader::Reader;
use services::Services;

/// One round is what every change has to survive; a soak has ten times as much.
const ROUNDS_OF_A_SOAK: usize = 10;
const SERVER_KILLS: usize = 20;
const UPSTREAM_KILLS: usize = 5;
const BROKER_KILLS: usize = 3;

/// Between two faults; the shortest does not let a server finish what it does after a start.
const PAUSE_MS: std::ops::Range<u64> = 200..1_500;

/// Answers that must come while the broker is away.
const ANSWERS_DURING_OUTAGE: u64 = 10;

/// So many records make the counts worth comparing.
const RECORDS_MIN: u64 = 10_000;

#[derive(Clone, Copy, Debug)]
enum Fault {
    Server,
    Upstream,
    Broker,
}

struct Chaos {
    rng: ChaCha8Rng,
    broker: KafkaBroker,
    world: World,
    server: Replica,
    services: Services,
    reader: Reader,
}

#[test]
fn every_count_is_exact_after_everything_was_killed_again_and_again() {
    let _turn = turn::alone();
    let seed = Seed::of_this_run();
    let mut chaos = Chaos::start(seed.value());
    let began = Instant::now();
    for fault in schedule(&mut chaos.rng) {
        chaos.pause();
        eprintln!("{:6.1} s: kill {fault:?}", began.elapsed().as_secs_f64());
        chaos.inject(fault);
        chaos.reader.check();
    }
    chaos.finish(began.elapsed());
}

fn schedule(rng: &mut ChaCha8Rng) -> Vec<Fault> {
    let rounds = if soak() { ROUNDS_OF_A_SOAK } else { 1 };
    let faults = [(Fault::Server, SERVER_KILLS), (Fault::Upstream, UPSTREAM_KILLS), (Fault::Broker, BROKER_KILLS)];
    let mut schedule: Vec<Fault> = faults.into_iter().flat_map(|(fault, count)| vec![fault; count * rounds]).collect();
    schedule.shuffle(rng);
    schedule
}

impl Chaos {
    fn start(seed: u64) -> Self {
        let broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
        let world = World::on(&broker, "crash");
        let services = Services::start(&world, seed);
        let users = until("some users are there", || {
            let records = world.read(Topic::Users);
            let users: Vec<String> =
                records.iter().map(|it| String::from_utf8(it.key.clone().unwrap()).unwrap()).take(5).collect();
            if users.len() == 5 { Ok(users) } else { Err(format!("{users:?}")) }
        });
        let server = world.replica("store").started();
        let reader = Reader::start(server.public, users);
        Self { rng: ChaCha8Rng::seed_from_u64(seed), broker, world, server, services, reader }
    }

    fn pause(&mut self) {
        thread::sleep(Duration::from_millis(self.rng.random_range(PAUSE_MS)));
    }

    fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::Server => self.kill_server(),
            Fault::Upstream => {
                let service = self.rng.random_range(0..self.services.len());
                self.services.kill(service);
                self.pause();
                self.services.restart(service);
            }
            Fault::Broker => self.kill_broker(),
        }
    }

    /// The store is reopened, whatever the kill interrupted, and answers at once.
    fn kill_server(&mut self) {
        self.reader.server_goes();
        self.server.kill();
        self.server.start();
        self.reader.server_is_back();
    }

    fn kill_broker(&mut self) {
        self.broker.kill().unwrap();
        if self.rng.random_bool(0.5) {
            self.pause();
            self.kill_server();
        }
        let before = self.reader.answered();
        self.pause();
        until("the server answers while the broker is away", || match self.reader.answered() - before {
            ANSWERS_DURING_OUTAGE.. => Ok(()),
            few => Err(format!("{few} answers")),
        });
        self.broker.restart().unwrap();
    }

    /// Heals, waits until the end is reached, and audits.
    fn finish(mut self, took: Duration) {
        self.services.stop();
        let ends = self.world.ends();
        self.server.until_at(&ends);
        let answered = self.reader.finish();
        let report = self.world.audit_server(&self.server).with_status(0).json();
        assert_eq!(report["differences"], 0, "{report}");
        self.server.stop();
        let report = self.world.audit_store("store").with_status(0).json();
        assert_eq!(report["differences"], 0, "{report}");
        let records = report["records"].as_u64().unwrap();
        assert!(records > RECORDS_MIN, "only {records} records were published, so little was proved");
        let rate = records as f64 / took.as_secs_f64();
        eprintln!("{records} records in {took:.1?} ({rate:.0} a second), {answered} answers, {report}");
    }
}

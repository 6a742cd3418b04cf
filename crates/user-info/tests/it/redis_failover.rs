//! Masters fail again and again, each time with writes that were acknowledged and that no replica has, while facts that
//! contradict earlier ones keep coming in: at the end every count is exactly what the log says.
//!
//! A schedule drawn from a printed seed picks the masters. Each time the replica is cut off first, then the instances write
//! more, positions included, then the master is frozen and the replica, which knows nothing of all that, takes its place.
//! The old master goes on some time later, believing that it still is one. Beside it a reader asks all the time and must be
//! answered all the time, be it that the store is away.

pub(crate) mod publisher;
mod reader;

use std::sync::Arc;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use user_info_testkit::{ClusterConfig, KafkaBroker, RedisCluster, Seed, soak};

use crate::support::kafka::shared_broker;
use crate::support::program::Program;
use crate::support::replica::Replica;
use crate::support::shared_store::{
    differences_in_answers, differences_in_store, fresh_starts, instance, rewinds, start_all, until_complete_as_of_now,
    until_read,
};
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::World;
use publisher::Publisher;
use reader::Reader;

/// A soak has ten times as many.
const ROUNDS: usize = 20;
const ROUNDS_OF_A_SOAK: usize = 200;

/// Each of them loses so much that three are plenty to notice it.
const ROUNDS_OF_A_MUTANT: usize = 3;

/// Audits read the whole log, so not after each round.
const ROUNDS_PER_AUDIT: usize = 5;

/// Records that are published while the replica is cut off, and while the old master stays frozen for longer.
const LOST_RECORDS: u64 = 300;

struct Failovers {
    // Declared first, so dropped first: they end before those whom they talk to.
    publisher: Publisher,
    reader: Reader,
    rng: ChaCha8Rng,
    world: World,
    instances: [Replica; 2],
    cluster: RedisCluster,
    began: Instant,
    /// It ends with the last of its users.
    _broker: Arc<KafkaBroker>,
}

#[test]
fn every_count_is_exact_after_masters_failed_that_knew_more_than_their_replicas() {
    let _turn = turn::alone();
    let mut failovers = Failovers::start(&Program::under_test());
    for round in 1..=if soak() { ROUNDS_OF_A_SOAK } else { ROUNDS } {
        if round % ROUNDS_PER_AUDIT == 0 {
            assert_eq!(failovers.audit(), 0, "before round {round}");
        }
        failovers.fail_over(round);
    }
    assert_eq!(failovers.finish(), 0);
}

/// How many differences the audits find after a few rounds.
pub(crate) fn differences_with(program: &Program) -> u64 {
    let mut failovers = Failovers::start(program);
    (1..=ROUNDS_OF_A_MUTANT).for_each(|round| failovers.fail_over(round));
    failovers.finish()
}

/// Three masters, each with a replica. Who fails is the test's choice, so nodes give each other more time than usual: a busy
/// machine must not choose as well.
fn cluster() -> RedisCluster {
    let options = vec![("cluster-node-timeout".to_owned(), "5000".to_owned())];
    RedisCluster::start(&ClusterConfig { options, ..ClusterConfig::default() }).unwrap()
}

impl Failovers {
    fn start(program: &Program) -> Self {
        let seed = Seed::of_this_run().value();
        let name = program.path().file_name().unwrap().to_str().unwrap();
        let broker = shared_broker();
        let world = World::on(&broker, &format!("failover-{name}"));
        let cluster = cluster();
        let mut instances = [(); 2].map(|()| instance(&world, &cluster.url()).run_by(program));
        start_all(&mut instances);
        let publisher = Publisher::start(&world, seed);
        publisher.until_published(LOST_RECORDS);
        instances.iter().for_each(|instance| until_read(instance, &world.ends()));
        let reader = Reader::start(instances.each_ref().map(|instance| instance.public).to_vec());
        let (rng, began) = (ChaCha8Rng::seed_from_u64(seed), Instant::now());
        Self { publisher, reader, rng, world, instances, cluster, began, _broker: broker }
    }

    /// A master fails whose replica lacks what was acknowledged last, and every instance notices.
    fn fail_over(&mut self, round: usize) {
        let began = Instant::now();
        let masters = self.cluster.masters().unwrap();
        let master = masters[self.rng.random_range(0..masters.len())];
        let replica = self.cluster.cut_replica(master).unwrap();
        self.publisher.until_published(LOST_RECORDS);
        self.until_read();
        let before = self.instances.each_mut().map(fresh_starts);
        self.cluster.node_mut(master).pause().unwrap();
        self.cluster.promote(replica).unwrap();
        if self.rng.random_bool(0.5) {
            self.publisher.until_published(LOST_RECORDS);
        }
        self.cluster.node_mut(master).resume().unwrap();
        self.until_noticed(before);
        self.cluster.until_replicated().unwrap();
        self.reader.check();
        let (published, took) = (self.publisher.published(), began.elapsed());
        eprintln!("round {round:2}: node {master} failed, {published} records so far, {took:.1?}");
    }

    fn until_read(&self) {
        let ends = self.world.ends();
        self.instances.iter().for_each(|instance| until_read(instance, &ends));
    }

    /// Every instance has asked the masters again since then how they stand.
    fn until_noticed(&mut self, before: [usize; 2]) {
        until("both instances notice that a master was replaced", || {
            let now = self.instances.each_mut().map(fresh_starts);
            let noticed = now.iter().zip(before).all(|(now, before)| *now > before);
            if noticed { Ok(()) } else { Err(format!("fresh starts: {before:?}, then {now:?}")) }
        });
    }

    /// How many differences there are in the answers when everything was read, while nothing new comes.
    fn audit(&self) -> u64 {
        let _rest = self.publisher.rest();
        self.until_read();
        // One that took a master for the right one that was about to learn better has noticed then.
        self.instances.iter().for_each(until_complete_as_of_now);
        self.instances.iter().map(|instance| differences_in_answers(&self.world, instance)).sum()
    }

    fn finish(mut self) -> u64 {
        let took = self.began.elapsed();
        self.publisher.stop();
        let differences = self.audit() + differences_in_store(&self.world, &self.cluster.url());
        let (published, rewinds) = (self.publisher.published(), self.instances.each_mut().map(rewinds));
        let answers = self.reader.finish();
        eprintln!("{published} records in {took:.1?}, rewinds of each instance {rewinds:?}, {answers}");
        self.instances.iter_mut().for_each(Replica::stop);
        differences
    }
}

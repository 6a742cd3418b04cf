//! Two to four instances share a cluster; they are killed, stopped, frozen and started at random, and hash slots move from
//! one master to another, while facts that contradict earlier ones keep coming in. At the end every count is exactly what
//! the log says, and at no time does an instance that runs answer with anything but a user, that there is none, or 503.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use user_info_testkit::{ClusterConfig, RedisCluster, Seed, soak};

use crate::redis_failover::publisher::{Publisher, USERS, name_of};
use crate::support::http;
use crate::support::kafka::shared_broker;
use crate::support::replica::Replica;
use crate::support::shared_store::{differences_in_answers, differences_in_store, instance, until_read};
use crate::support::turn;
use crate::support::waiting::until;
use crate::support::world::World;

const INSTANCES_MAX: usize = 4;
const INSTANCES_AT_FIRST: usize = 2;

/// A soak has ten times as many.
const FAULTS: usize = 24;
const FAULTS_OF_A_SOAK: usize = 240;

/// One fault in so many is a move of slots.
const FAULTS_PER_RESHARD: usize = 8;

/// Slots that move at once: with the keys of some of the users.
const MOVED_SLOTS: std::ops::Range<usize> = 20..60;

/// Between two faults.
const PAUSE_MS: std::ops::Range<u64> = 200..1_500;

/// Records from one fault to the next, at least: what happens between faults is what is tested.
const RECORDS_BETWEEN: u64 = 50;

/// One of the instances, and who may ask it.
struct Member {
    replica: Replica,
    /// Held while it is brought down or up, and while it is asked.
    running: Arc<Mutex<bool>>,
}

struct Chaos {
    rng: ChaCha8Rng,
    world: World,
    cluster: RedisCluster,
    members: Vec<Member>,
    publisher: Publisher,
    reader: Reader,
}

#[test]
fn every_count_is_exact_after_instances_came_and_went_and_slots_moved() {
    let _turn = turn::alone();
    let seed = Seed::of_this_run();
    let broker = shared_broker();
    let world = World::on(&broker, "redis-chaos");
    let mut chaos = Chaos::start(world, seed.value());
    let began = Instant::now();
    for number in 1..=if soak() { FAULTS_OF_A_SOAK } else { FAULTS } {
        chaos.publisher.until_published(RECORDS_BETWEEN);
        let what = chaos.inject(number);
        eprintln!("{:6.1} s: {what}", began.elapsed().as_secs_f64());
        chaos.reader.check();
        thread::sleep(Duration::from_millis(chaos.rng.random_range(PAUSE_MS)));
    }
    chaos.finish(began);
}

impl Chaos {
    fn start(world: World, seed: u64) -> Self {
        let cluster = RedisCluster::start(&ClusterConfig::default()).unwrap();
        let member = |_| Member { replica: instance(&world, &cluster.url()), running: Arc::default() };
        let mut members: Vec<Member> = (0..INSTANCES_MAX).map(member).collect();
        members[..INSTANCES_AT_FIRST].iter_mut().for_each(Member::start);
        let publisher = Publisher::start(&world, seed);
        let reader = Reader::start(&members);
        Self { rng: ChaCha8Rng::seed_from_u64(seed), world, cluster, members, publisher, reader }
    }

    /// Does something to an instance or to the slots; says what.
    fn inject(&mut self, number: usize) -> String {
        if number.is_multiple_of(FAULTS_PER_RESHARD) {
            return self.reshard();
        }
        let chosen = self.rng.random_range(0..self.members.len());
        let running = self.members.iter().filter(|member| member.is_running()).count();
        let fault = self.rng.random_range(0..3);
        let pause = Duration::from_millis(self.rng.random_range(PAUSE_MS));
        let member = &mut self.members[chosen];
        match (member.is_running(), fault) {
            (false, _) => {
                member.start();
                format!("instance {chosen} starts")
            }
            (true, 0) if running > 1 => {
                member.bring_down(Replica::kill);
                format!("instance {chosen} is killed")
            }
            (true, 1) if running > 1 => {
                member.bring_down(Replica::stop);
                format!("instance {chosen} is stopped")
            }
            (true, _) => {
                member.freeze_for(pause);
                format!("instance {chosen} was frozen for {pause:?}")
            }
        }
    }

    fn reshard(&mut self) -> String {
        let masters = self.cluster.masters().unwrap();
        let from = masters[self.rng.random_range(0..masters.len())];
        let to = masters.into_iter().find(|&master| master != from).unwrap();
        let slots = self.rng.random_range(MOVED_SLOTS);
        self.cluster.reshard(from, to, slots).unwrap();
        format!("{slots} slots moved from node {from} to node {to}")
    }

    fn finish(mut self, began: Instant) {
        self.members.iter_mut().filter(|member| !member.is_running()).for_each(Member::start);
        self.publisher.stop();
        let (ends, published) = (self.world.ends(), self.publisher.published());
        for member in &self.members {
            until("slots lie still and everything was read again", || {
                let status = member.replica.status();
                let complete = status["caught_up"] == true || status["age_ms"].as_i64().is_some();
                if complete { Ok(()) } else { Err(status.to_string()) }
            });
            until_read(&member.replica, &ends);
            assert_eq!(differences_in_answers(&self.world, &member.replica), 0);
        }
        assert_eq!(differences_in_store(&self.world, &self.cluster.url()), 0);
        let (answered, unavailable) = self.reader.finish();
        eprintln!("{published} records in {:.1?}, {answered} answers, {unavailable} of them 503", began.elapsed());
        assert!(answered > unavailable, "the instances answered");
        self.members.iter_mut().for_each(|member| member.bring_down(Replica::stop));
    }
}

impl Member {
    fn is_running(&self) -> bool {
        *self.running.lock().unwrap()
    }

    fn start(&mut self) {
        let mut running = self.running.lock().unwrap();
        self.replica.start();
        *running = true;
    }

    fn bring_down(&mut self, how: impl FnOnce(&mut Replica)) {
        let mut running = self.running.lock().unwrap();
        *running = false;
        how(&mut self.replica);
    }

    fn freeze_for(&mut self, pause: Duration) {
        let _running = self.running.lock().unwrap();
        self.replica.process().pause().unwrap();
        thread::sleep(pause);
        self.replica.process().resume().unwrap();
    }
}

/// Asks the instances that run, one after the other, all the time.
struct Reader {
    shared: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Counts {
    stop: AtomicBool,
    answered: AtomicU64,
    unavailable: AtomicU64,
}

impl Reader {
    fn start(members: &[Member]) -> Self {
        let instances = members.iter().map(|member| (member.replica.public, Arc::clone(&member.running)));
        let (instances, shared) = (instances.collect::<Vec<_>>(), Arc::<Counts>::default());
        let counts = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for (user, (address, running)) in (0..USERS).cycle().zip(instances.iter().cycle()) {
                if counts.stop.load(Ordering::SeqCst) {
                    return;
                }
                counts.ask(*address, running, user);
            }
        });
        Self { shared, thread: Some(thread) }
    }

    fn check(&mut self) {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish();
        }
    }

    /// How many answers there were, and how many of them said that the store is away.
    fn finish(&mut self) -> (u64, u64) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
        (self.shared.answered.load(Ordering::SeqCst), self.shared.unavailable.load(Ordering::SeqCst))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }
}

impl Counts {
    fn ask(&self, address: SocketAddr, running: &Mutex<bool>, user: u64) {
        const PAUSE: Duration = Duration::from_millis(5);
        thread::sleep(PAUSE);
        let running = running.lock().unwrap();
        if !*running {
            return;
        }
        let answer = http::get(address, &format!("/users/{}", name_of(user)));
        let answer = answer.unwrap_or_else(|error| panic!("an instance runs and does not answer: {error}"));
        match answer.status {
            200 | 403 | 404 => {}
            503 => {
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                self.unavailable.fetch_add(1, Ordering::SeqCst);
            }
            _ => panic!("{answer:?}"),
        }
        self.answered.fetch_add(1, Ordering::SeqCst);
    }
}

//! A thousand streams of events beside requests: they cost others little and the server no memory, whether they are read
//! or not, and each ends with what is true.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use user_info_testkit::{Process, soak};

use crate::support::facts::user;
use crate::support::kafka::shared_broker;
use crate::support::program::Program;
use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::waiting::{LIMIT, until_true};
use crate::support::world::World;

/// Of these every tenth opens a stream and reads nothing of it.
const READERS: u64 = 1_000;
const FACTS_PER_SECOND: &str = "2000";
/// Requests of one measurement, and the time between two.
const REQUESTS: usize = 400;
const REQUEST_INTERVAL: Duration = Duration::from_millis(5);
/// Both are measured in turns until the better ones are as promised, at most so often: the machine has other work too.
const ROUNDS_MAX: usize = 8;
/// What the server may take more after a while than when all streams had begun.
const MORE_KIB_MAX: u64 = 16 * 1024;

#[test]
fn a_thousand_readers_cost_others_little_and_no_memory() {
    let _turn = turn::alone();
    let broker = shared_broker();
    let world = World::on(&broker, "many-readers");
    let users: Vec<_> = (0..READERS).map(|number| user(&number.to_string(), &format!("user{number}"))).collect();
    world.publish(&users);
    let mut server = world.replica("store").started();
    server.until_caught_up();
    let publishing = publisher(&world);
    let (mut without, mut with) = (Duration::MAX, Duration::MAX);
    let mut rounds = 0;
    while rounds == 0 || with > 2 * without {
        assert!(rounds < ROUNDS_MAX, "p95 of GET is {with:?} with readers and {without:?} without");
        without = without.min(p95(server.public));
        let readers = Readers::start(server.public);
        with = with.min(p95(server.public));
        readers.stop();
        rounds += 1;
    }
    println!("p95 of GET: {without:?} without readers, {with:?} with {READERS}, after {rounds} rounds");
    let readers = Readers::start(server.public);
    let before = resident_kib(&mut server);
    for _ in 0..if soak() { 100 } else { 5 } {
        p95(server.public);
    }
    let after = resident_kib(&mut server);
    println!("resident: {before} KiB when {READERS} streams had begun, {after} KiB later; {} events", readers.events());
    assert!(after < before + MORE_KIB_MAX, "{before} KiB grew to {after} KiB");
    stop(publishing);
    readers.end_with_the_truth(&server);
    server.stop();
}

fn publisher(world: &World) -> Process {
    let mut arguments =
        vec!["upstream".to_owned(), "follows".to_owned(), "--rate".to_owned(), FACTS_PER_SECOND.to_owned()];
    arguments.extend(world.log_options());
    Program::under_test().start(arguments)
}

fn stop(mut publishing: Process) {
    until_true("the publisher handles SIGTERM", || publishing.handles_sigterm().unwrap());
    publishing.terminate().unwrap();
    assert!(publishing.wait(LIMIT).unwrap().success(), "{}", publishing.tail());
}

fn resident_kib(server: &mut Replica) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process().id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Of requests on one connection, at an even pace.
fn p95(address: SocketAddr) -> Duration {
    let mut connection = BufReader::new(TcpStream::connect(address).unwrap());
    connection.get_ref().set_nodelay(true).unwrap();
    let mut times: Vec<_> = (0..REQUESTS)
        .map(|number| {
            thread::sleep(REQUEST_INTERVAL);
            let began = Instant::now();
            get(&mut connection, number);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[REQUESTS * 95 / 100]
}

fn get(connection: &mut BufReader<TcpStream>, number: usize) {
    write!(connection.get_mut(), "GET /users/{number} HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        connection.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    connection.read_exact(&mut vec![0; length]).unwrap();
}

/// Streams of all users, in a runtime of their own.
struct Readers {
    runtime: Runtime,
    events: Arc<AtomicU64>,
    /// The last record of each reader that reads.
    last: Vec<(u64, watch::Receiver<Value>)>,
    _tasks: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Returns when every one has had its first event.
    fn start(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (events, mut last, mut tasks) = (Arc::<AtomicU64>::default(), Vec::new(), Vec::new());
        for number in 0..READERS {
            let (sender, receiver) = watch::channel(Value::Null);
            tasks.push(runtime.spawn(follow(address, number, Arc::clone(&events), sender)));
            last.push((number, receiver));
        }
        until_true("every stream has begun", || last.iter().all(|(_, last)| !last.borrow().is_null()));
        last.retain(|(number, _)| reads(*number));
        Self { runtime, events, last, _tasks: tasks }
    }

    fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    fn stop(self) {
        self.runtime.shutdown_background();
    }

    /// Nothing changes any more: the last event of each is the record as it is.
    fn end_with_the_truth(self, server: &Replica) {
        let changed = self.last.iter().filter(|(_, last)| last.borrow()["followers_count"] != 0).count();
        assert!(changed > self.last.len() / 2, "only {changed} users changed, so little was proved");
        for (number, last) in &self.last {
            until_true("the last event is the record", || *last.borrow() == server.user(&number.to_string()));
        }
        self.stop();
    }
}

fn reads(number: u64) -> bool {
    !number.is_multiple_of(10)
}

async fn follow(address: SocketAddr, number: u64, events: Arc<AtomicU64>, last: watch::Sender<Value>) {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /users/{number}/events HTTP/1.1\r\nhost: test\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut lines = tokio::io::BufReader::new(socket).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Some(data) = line.strip_prefix("data: ") else { continue };
        events.fetch_add(1, Ordering::Relaxed);
        last.send_replace(serde_json::from_str(data).unwrap());
        if !reads(number) {
            return std::future::pending().await;
        }
    }
}

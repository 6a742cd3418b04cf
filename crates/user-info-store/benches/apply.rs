//! How fast the stores take changes and answer, with a million users: RocksDB and then, in the same run, a Redis server of
//! its own. And what the sets of a Redis store would take as other types.
//!
//! `cargo bench -p user-info-store`. Every figure is of this one process; CPU time is of the writing thread, and of all
//! threads, so that flushing and compaction count. Run twice, on a quiet machine, before quoting any.
//! Started without `--bench` (as `cargo test --benches` does) it runs small, to show that it works.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first error")]

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::{Duration, Instant};

use user_info_core::{AccountState, Change, Id, Pair, Profile, Relation, Stamp, StoredProfile, Timestamp, Topic};
use user_info_store::{Batch, Decision, Position, Store, StoreOptions, StoreUrl};
use user_info_testkit::{RedisConfig, RedisServer};

const BATCH_EVENTS: usize = 5_000;

/// How much is measured.
#[derive(Clone, Copy)]
struct Scale {
    users: u64,
    mix_events: usize,
    follow_events: usize,
    gets: usize,
    /// Members of each kind of set that Redis has.
    set_members: usize,
    /// How much write-ahead log to leave behind: nearly as much as there can be.
    log_bytes: u64,
}

const FULL: Scale = Scale {
    users: 1_000_000,
    mix_events: 3_000_000,
    follow_events: 3_000_000,
    gets: 300_000,
    set_members: 300_000,
    log_bytes: 21 << 20,
};
const SMALL: Scale = Scale {
    users: 2_000,
    mix_events: 10_000,
    follow_events: 10_000,
    gets: 1_000,
    set_members: 1_000,
    log_bytes: 1 << 20,
};

fn main() {
    let scale = if std::env::args().any(|argument| argument == "--bench") { FULL } else { SMALL };
    println!("{} users, batches of {BATCH_EVENTS}\n\nRocksDB", scale.users);
    let directory = tempfile::tempdir().unwrap();
    let store = open("open, new", directory.path());
    feed(&store, scale, &mut || {});
    get(&store, scale);
    reopen(store, directory.path(), scale);
    println!("\nRedis, one server on the same cores");
    redis(scale);
    println!("\nsets in Redis, {} members of 19 digits", scale.set_members);
    sets(scale);
}

/// Applies everything; `measure` is called before the first and after each part.
fn feed(store: &Store, scale: Scale, measure: &mut dyn FnMut()) {
    measure();
    let mut feed = Feed { store, offset: 0 };
    feed.run("profiles, new", (0..scale.users).map(profile));
    measure();
    feed.run("mix, new", mix(scale, scale.mix_events));
    measure();
    feed.run("mix, duplicates", mix(scale, scale.mix_events));
    feed.run("follows, new", follows(scale, scale.follow_events, 2));
    feed.run("follows, duplicates", follows(scale, scale.follow_events, 2));
}

fn redis(scale: Scale) {
    let server = RedisServer::start(&RedisConfig::default()).unwrap();
    let store = Store::open(&server.url().parse().unwrap(), &StoreOptions::default()).unwrap();
    let mut memory = Vec::new();
    feed(&store, scale, &mut || memory.push(used_memory(&server)));
    let (users, sides) = (scale.users as f64, sides(scale) as f64);
    let per_user = (memory[1] - memory[0]) as f64 / users;
    let per_member = (memory[2] - memory[1]) as f64 / sides;
    let (mean, profile) = (sides / users, profile_bytes());
    println!("{per_user:.0} bytes for each user with a profile of {profile}, keys and name included");
    println!(
        "{per_member:.0} bytes for each member of a set, {mean:.1} of them for each user in several sets, keys included"
    );
    get(&store, scale);
}

fn used_memory(server: &RedisServer) -> u64 {
    let info = server.cli(&["INFO", "memory"]).unwrap();
    info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()).unwrap()
}

fn profile_bytes() -> usize {
    let Change::Profile { profile, .. } = profile(1) else { unreachable!("it is one") };
    profile.encode().len()
}

/// How many members the mix leaves in the sets of users, with marks of removals: a follow stands on two sides.
fn sides(scale: Scale) -> usize {
    let mut sides = HashSet::new();
    for change in mix(scale, scale.mix_events) {
        if let Change::Add(pair) | Change::Remove(pair) = change {
            let more = pair.relation == Relation::Follows;
            sides.insert(hash(&pair));
            sides.extend(more.then(|| !hash(&pair)));
        }
    }
    sides.len()
}

fn hash(pair: &Pair) -> u64 {
    let mut hasher = DefaultHasher::new();
    pair.hash(&mut hasher);
    hasher.finish()
}

/// Fills sets inside of Redis, so that nothing but the types differs.
fn sets(scale: Scale) {
    const FILL: &str = include_str!("sets.lua");
    let server = RedisServer::start(&RedisConfig::default()).unwrap();
    for kind in ["hash", "sorted set", "set and hash", "set without marks"] {
        for in_each in [5, 50, 1_000, 100_000] {
            server.cli(&["FLUSHALL"]).unwrap();
            let (before, started) = (used_memory(&server), Instant::now());
            server.cli(&["EVAL", FILL, "0", kind, &in_each.to_string(), &scale.set_members.to_string()]).unwrap();
            let each = started.elapsed().as_secs_f64() * 1e6 / scale.set_members as f64;
            let bytes = (used_memory(&server) - before) as f64 / scale.set_members as f64;
            println!("{kind:<18} of {in_each:>6} {bytes:>6.0} bytes   {each:>4.1} µs");
        }
    }
}

fn open(what: &str, path: &Path) -> Store {
    let (started, cpu_before) = (Instant::now(), process_cpu());
    let store = Store::open(&StoreUrl::RocksDb { path: path.into() }, &StoreOptions::default()).unwrap();
    let cpu = process_cpu().saturating_sub(cpu_before);
    println!("{what:<22} {:>9.1} ms   CPU {:>6.1} ms", started.elapsed().as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3);
    store
}

/// Applies events batch by batch; only applying is timed.
struct Feed<'store> {
    store: &'store Store,
    offset: i64,
}

impl Feed<'_> {
    fn run(&mut self, what: &str, events: impl Iterator<Item = Change>) {
        let (mut count, mut taken, mut slowest, mut cpu) = (0, Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let background = || process_cpu().saturating_sub(thread_cpu());
        let background_before = background();
        let mut events = events.peekable();
        while events.peek().is_some() {
            let batch = self.batch(&mut events);
            let (started, cpu_before) = (Instant::now(), thread_cpu());
            self.store.apply(&batch).unwrap();
            cpu += thread_cpu() - cpu_before;
            taken += started.elapsed();
            slowest = slowest.max(started.elapsed());
            count += batch.changes.len();
        }
        let with_background = cpu + background().saturating_sub(background_before);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        println!(
            "{what:<22} {:>9.0} events/s   CPU {:>5.2} µs/event, with background {:>5.2}   slowest batch {:>6.1} ms",
            count as f64 / taken.as_secs_f64(),
            each(cpu),
            each(with_background),
            slowest.as_secs_f64() * 1e3,
        );
    }

    fn batch(&mut self, events: &mut impl Iterator<Item = Change>) -> Batch {
        let offset = self.offset;
        let decision = |(number, change)| Decision { offset: offset + number, change };
        let changes: Vec<Decision> = (0..).zip(events.take(BATCH_EVENTS)).map(decision).collect();
        self.offset += changes.len() as i64;
        let position = |partition| Position {
            topic: Topic::Follows,
            partition,
            next_offset: self.offset,
            topic_id: "u0fIxbtfTYGg6gzVeMPUTQ".into(),
            partitions: 12,
            reading_since_ms: 0,
            caught_up_at_ms: None,
            last_timestamp_ms: Some(self.offset),
        };
        Batch { changes, positions: (0..12).map(position).collect(), ..Batch::default() }
    }
}

fn get(store: &Store, scale: Scale) {
    let mut random = Random(3);
    let mut measure = |what: &str, pick: &dyn Fn(&mut Random) -> Id| {
        let mut latencies: Vec<Duration> = (0..scale.gets)
            .map(|_| {
                let user = pick(&mut random);
                let started = Instant::now();
                std::hint::black_box(store.get(&user).unwrap());
                started.elapsed()
            })
            .collect();
        latencies.sort();
        let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        let (p50, p99, p999, max) = (at(0.5), at(0.99), at(0.999), at(1.0));
        println!("{what:<22} p50 {p50:>6.1}   p99 {p99:>6.1}   p99.9 {p999:>6.1}   max {max:>8.1} µs");
    };
    measure("get, Zipf", &|random| user(random.zipf(scale.users)));
    measure("get, uniform", &|random| user(random.below(scale.users)));
    measure("get, unknown", &|random| Id::new(&format!("9{:018}", random.below(scale.users))).unwrap());
}

/// Without a flush, closing leaves what a kill leaves: the write-ahead log to replay.
fn reopen(store: Store, path: &Path, scale: Scale) {
    let status = store.status().unwrap();
    println!("on disk {:.0} MiB, in memory {:.0} MiB", mebibytes(status.disk_bytes), mebibytes(status.memory_bytes));
    let mut feed = Feed { store: &store, offset: 0 };
    while log_bytes(path) < scale.log_bytes {
        let seed = log_bytes(path);
        feed.store.apply(&feed.batch(&mut follows(scale, BATCH_EVENTS, seed))).unwrap();
    }
    println!("a log of {:.0} MiB to replay", mebibytes(log_bytes(path)));
    drop(store);
    let store = open("open, after a kill", path);
    let started = Instant::now();
    store.flush().unwrap();
    println!("{:<22} {:>9.1} ms", "flush", started.elapsed().as_secs_f64() * 1e3);
    drop(store);
    open("open, after a stop", path);
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// Size of the write-ahead logs.
fn log_bytes(path: &Path) -> u64 {
    let files = std::fs::read_dir(path.join("generations/1")).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
    logs.filter_map(|log| log.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// What the five services publish: 5 % users, 35 % tweets, 20 % follows, 35 % likes, 5 %
/// lists; one in twenty takes something back.
fn mix(scale: Scale, events: usize) -> impl Iterator<Item = Change> {
    let mut random = Random(1);
    (0..events as u64).map(move |number| {
        let someone = random.below(scale.users);
        let takes_back = random.below(20) == 0;
        let relation = match random.below(100) {
            0..5 => return profile(someone),
            5..40 => Relation::Tweets,
            40..60 => Relation::Follows,
            60..95 => Relation::Likes,
            _ => Relation::Lists,
        };
        let member = match relation {
            Relation::Follows => user(random.zipf(scale.users)),
            Relation::Likes => tweet(random.zipf(1 << 24)),
            Relation::Tweets | Relation::Lists => tweet(number),
        };
        let pair = Pair { relation, owner: user(someone), member };
        if takes_back { Change::Remove(pair) } else { Change::Add(pair) }
    })
}

fn follows(scale: Scale, events: usize, seed: u64) -> impl Iterator<Item = Change> {
    let mut random = Random(seed);
    (0..events).map(move |_| {
        let owner = user(random.below(scale.users));
        Change::Add(Pair { relation: Relation::Follows, owner, member: user(random.zipf(scale.users)) })
    })
}

fn profile(number: u64) -> Change {
    let image = format!("https://images.example/profile_images/{number}/normal.jpg");
    let profile = Profile {
        username: format!("user_{number}"),
        name: format!("User Number {number}"),
        state: AccountState::Active,
        joined_at: Timestamp::from_millis(1_300_000_000_000 + number as i64).unwrap(),
        bio: Some("Opinions are my own. Coffee, mountains, distributed systems and a cat called Offset.".into()),
        location: Some("Zurich, Switzerland".into()),
        url: Some(format!("https://example.com/{number}")),
        background_image_url: Some(image.replace("profile_images", "profile_banners")),
        profile_image_url: Some(image),
    };
    let stamp = Stamp { timestamp_ms: number as i64, offset: number as i64 };
    Change::Profile { user: user(number), profile: Box::new(StoredProfile { profile, stamp }) }
}

/// Ten digits without order, as ids that were given out over years look when seen in the order of activity.
fn user(number: u64) -> Id {
    Id::new(&(1_000_000_000 + number * 7_368_787 % 8_999_999_993).to_string()).unwrap()
}

/// Nineteen digits.
fn tweet(number: u64) -> Id {
    Id::new(&(1_500_000_000_000_000_000 + number * 4_194_304).to_string()).unwrap()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A rank below `bound`, the n-th with a probability near 1/n.
    fn zipf(&mut self, bound: u64) -> u64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((bound as f64).powf(share) as u64 - 1).min(bound - 1)
    }
}

/// CPU time of this thread.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// CPU time of all threads of this process.
fn process_cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let of_task = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    tasks.filter_map(|task| of_task(task.unwrap().path())).map(Duration::from_nanos).sum()
}

//! This test binary, started again as a process of its own: to hold a store, to be killed, to run out of disk.
//!
//! What such a process writes is the same in every run, so the test that started it can tell from the positions alone
//! what must be in the store.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use user_info_core::{Relation, Topic};
use user_info_store::{
    Batch, Cleared, RocksOptions, Store, StoreError, StoreOptions, Taint, TaintedKey, begin_rebuild,
};

use crate::builders::*;

/// How long a process may take for a line. Generous, because it is only reached when something hangs.
const LINE_DEADLINE: Duration = Duration::from_secs(120);

const ROLE: &str = "USER_INFO_STORE_TEST_ROLE";
const PATH: &str = "USER_INFO_STORE_TEST_PATH";

/// What a process does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Applies [`step`] after step from where the store stands, and says `step <next>` after each.
    Write,
    /// The same with buffers of a size that a server could have.
    WriteBuffered,
    /// Opens the store, says `ready` and waits.
    Hold,
    /// Begins a rebuild, applies some of it, says `ready` and waits.
    Rebuild,
    /// Applies steps until the disk is full, then says `refused` when the store behaves as it should.
    FillTheDisk,
}

impl Role {
    const ALL: [Self; 5] = [Self::Write, Self::WriteBuffered, Self::Hold, Self::Rebuild, Self::FillTheDisk];

    fn name(self) -> String {
        format!("{self:?}")
    }

    fn act(self, path: &Path) {
        match self {
            Self::Write => write(&open(path)),
            Self::WriteBuffered => write(&Store::open(&url(path), &buffered()).unwrap()),
            Self::Hold => {
                let _store = open(path);
                say("ready");
                wait_until_stdin_ends();
            }
            Self::Rebuild => {
                let rebuild = begin_rebuild(&url(path), &small()).unwrap();
                (0..50).for_each(|number| rebuild.store().apply(&step(number)).unwrap());
                say("ready");
                wait_until_stdin_ends();
            }
            Self::FillTheDisk => fill_the_disk(path),
        }
    }
}

/// A process that is killed at the latest when this is dropped.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(role: Role, path: &Path) -> Self {
        Self::run(Command::new(std::env::current_exe().unwrap()), role, path)
    }

    /// No file that this process writes may grow beyond so many blocks of 512 bytes.
    pub(crate) fn start_with_file_limit(role: Role, path: &Path, blocks: u32) -> Self {
        let mut command = Command::new("sh");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(limited).arg(std::env::current_exe().unwrap());
        Self::run(command, role, path)
    }

    fn run(mut command: Command, role: Role, path: &Path) -> Self {
        command.args(["--exact", "process::act", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role.name()).env(PATH, path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// Waits for a line that begins with `word` and returns the rest of it.
    pub(crate) fn wait_for(&self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LINE_DEADLINE).expect("the process says what is waited for");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Waits until the store has been applied up to this step; returns how far it was when that was said.
    pub(crate) fn wait_for_step(&self, wanted: i64) -> i64 {
        loop {
            let reached = self.wait_for("step").parse().unwrap();
            if reached >= wanted {
                return reached;
            }
        }
    }

    /// SIGKILL. Returns the last step that the process had said.
    pub(crate) fn kill(mut self) -> Option<i64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().filter_map(|line| line.strip_prefix("step ")?.parse().ok()).last()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "started by other tests, as a process of its own"]
fn act() {
    let role = std::env::var(ROLE).expect("other tests start this one and say what to do");
    let path = PathBuf::from(std::env::var_os(PATH).expect("and where"));
    Role::ALL.into_iter().find(|known| known.name() == role).expect("a role").act(&path);
}

/// How many steps a store has behind it.
pub(crate) fn reached(store: &Store) -> i64 {
    store.positions().unwrap().iter().map(|position| position.next_offset).max().unwrap_or(0)
}

/// What a store holds that was applied up to this step.
pub(crate) fn contents_at(next_step: i64) -> Contents {
    let model = memory();
    (0..next_step).for_each(|number| model.apply(&step(number)).unwrap());
    contents(&model)
}

/// The batch with this number, the same in every run.
pub(crate) fn step(number: i64) -> Batch {
    let mut random = Random(number as u64);
    let changes: Vec<_> = (0..40).map(|_| random_change(&mut random, number)).collect();
    let origin = origin(Topic::Likes, 1, number);
    let key = TaintedKey { topic: Topic::Likes, key: random.below(50).to_string().into_bytes() };
    let mut batch = batch(changes);
    batch.positions = vec![position(Topic::Follows, 0, number + 1)];
    if random.below(4) == 0 {
        batch.dead_letters.push(dead_letter(origin, "bad"));
        batch.tainted.push(Taint { key, origin, reason: "bad".into() });
    } else {
        batch.cleared.push(Cleared { key, offset: number });
    }
    batch
}

fn random_change(random: &mut Random, number: i64) -> user_info_core::Change {
    let user = random.below(300).to_string();
    let other = random.below(300).to_string();
    match random.below(10) {
        0..=3 => follow(&user, &other),
        4..=5 => unfollow(&user, &other),
        6 => add(Relation::Likes, &user, &other),
        7 => remove(Relation::Likes, &user, &other),
        8 => profile(&user, &format!("name{}", random.below(200)), number),
        _ => forget(&user),
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A sixteenth of the default.
fn buffered() -> StoreOptions {
    StoreOptions {
        rocksdb: RocksOptions { write_buffer_bytes: 8 << 20, ..RocksOptions::default() },
        ..StoreOptions::default()
    }
}

fn write(store: &Store) {
    for number in reached(store).. {
        store.apply(&step(number)).unwrap();
        say(&format!("step {}", number + 1));
    }
}

fn fill_the_disk(path: &Path) {
    // Nothing is flushed: it is the write-ahead log that meets the limit.
    let options = StoreOptions {
        rocksdb: RocksOptions { write_buffer_bytes: 64 << 20, ..RocksOptions::default() },
        ..StoreOptions::default()
    };
    let store = Store::open(&url(path), &options).unwrap();
    let failed = (reached(&store)..).find_map(|number| store.apply(&step(number)).err()).unwrap();
    assert!(matches!(failed, StoreError::RocksDb { .. }), "{failed:?}");
    let seen = reached(&store);
    assert!(seen > 0);
    assert!(matches!(store.apply(&step(seen)), Err(StoreError::Poisoned { .. })));
    assert!(matches!(store.sent(&[]), Err(StoreError::Poisoned { .. })));
    assert!(store.status().unwrap().failure.is_some());
    assert_eq!(contents(&store), contents_at(seen), "reads go on");
    say(&format!("refused {seen}"));
}

fn say(line: &str) {
    let mut output = std::io::stdout();
    // The harness leaves its own line unfinished.
    write!(output, "\n{line}\n").unwrap();
    output.flush().unwrap();
}

fn wait_until_stdin_ends() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

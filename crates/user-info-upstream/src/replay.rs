//! An archive of recorded messages, read as a stream: plain, compressed, in directories and tars, recognised by content.
//!
//! Two threads run ahead of who takes the messages, `unpack` and `assemble`, by what their bounded channels hold. They
//! start with the first message that is asked for: as long as no client is there, nothing is read, and what is read is
//! for a client. What is no message is counted, told with its place, and left out.
//!
//! Invariant: messages come as they were written, each once (in each round), in the order of the archive: files in the
//! order given, those of directories by name. Memory does not depend on the archive.

mod assemble;
mod fault;
mod files;
mod format;
mod layers;
mod lines;
mod message;
mod progress;
mod schedule;
mod unpack;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc::{self, error::TryRecvError};

use assemble::{Batch, Step};
use schedule::Schedule;
use unpack::Unpacker;

pub use fault::{Fault, LocatedFault};
pub use progress::{FAULTS_KEPT_MAX, ReplayProgress};
pub use schedule::Pace;

/// Pieces on their way from unpacking to checking: 2 MiB of text.
const PIECES_AHEAD_MAX: usize = 8;
/// Batches on their way to the sender: 1 MiB of usual messages.
const BATCHES_AHEAD_MAX: usize = 16;

/// What is replayed, and how.
#[derive(Clone, Debug)]
pub struct ReplayConfig {
    /// Files and directories, at least one.
    pub paths: Vec<PathBuf>,
    /// How fast.
    pub pace: Pace,
    /// Whether to start over at the end.
    pub repeat: bool,
}

/// Why an archive cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A path that was given leads nowhere, or nowhere allowed.
    #[error("cannot replay {path:?}: {source}")]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A pipe, a socket or a device.
    #[error("cannot replay {path:?}: it is neither a file nor a directory; write it to a file first")]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// Only empty directories.
    #[error("nothing to replay: no file was given, and there is none in the directories that were given")]
    NoFiles,
    /// A thicket of links, or far more than anybody archives.
    #[error("more than {max} files and directories: give fewer at a time, or look for links that multiply them")]
    TooManyFiles {
        /// How many may be given.
        max: u64,
    },
    /// A speed or a rate that is no positive number.
    #[error("the speed and the rate of a replay must be more than 0")]
    NoPace,
}

/// What there is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message with the CRLF that ends it.
    Message(Bytes),
    /// Nothing at this time.
    NotYet,
    /// Nothing, ever again.
    Over,
}

/// An archive and how far it has been served.
#[derive(Debug)]
pub struct Replay {
    config: ReplayConfig,
    progress: Arc<ReplayProgress>,
    schedule: Schedule,
    reading: Reading,
    batch: Batch,
    /// Messages of the batch that have been given out.
    given: usize,
}

/// The threads.
#[derive(Debug)]
enum Reading {
    NotStarted,
    Running { steps: mpsc::Receiver<Step>, threads: [JoinHandle<()>; 2] },
    Over,
}

/// What of the archive is there to be given out, due or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loaded {
    Message,
    Nothing,
    Over,
}

impl Replay {
    /// Looks for the files and adds up their sizes; reads nothing of them. Blocks for as long as that takes.
    pub fn open(config: ReplayConfig) -> Result<Self, ReplayError> {
        if !config.pace.moves() {
            return Err(ReplayError::NoPace);
        }
        let progress = Arc::new(ReplayProgress::new(files::total_bytes(&config.paths)?));
        let schedule = Schedule::new(config.pace);
        Ok(Self { config, progress, schedule, reading: Reading::NotStarted, batch: Batch::default(), given: 0 })
    }

    /// Counters that go on while the replay is elsewhere.
    pub fn progress(&self) -> Arc<ReplayProgress> {
        Arc::clone(&self.progress)
    }

    /// How fast it goes.
    pub fn pace(&self) -> Pace {
        self.config.pace
    }

    /// The next message if it is due and has been read. Never blocks.
    pub fn next(&mut self, now: Instant) -> Next {
        self.schedule.play(now);
        match self.load() {
            Loaded::Message => self.next_of_batch(),
            Loaded::Nothing => Next::NotYet,
            Loaded::Over => Next::Over,
        }
    }

    /// Whether all messages have been given out, and none will follow. Starts nothing.
    pub fn is_over(&mut self) -> bool {
        !matches!(self.reading, Reading::NotStarted) && self.load() == Loaded::Over
    }

    /// Returns as soon as `next` has a message, due or not, or that it is over. Cancelling loses nothing.
    pub async fn ready(&mut self) {
        while self.given == self.batch.marks.len() {
            let Some(steps) = self.steps() else { return };
            let step = steps.recv().await;
            self.take(step);
        }
    }

    /// Time stands still until `next` is called again.
    pub fn pause(&mut self) {
        self.schedule.pause();
    }

    fn load(&mut self) -> Loaded {
        while self.given == self.batch.marks.len() {
            match self.steps().map(mpsc::Receiver::try_recv) {
                Some(Ok(step)) => self.take(Some(step)),
                Some(Err(TryRecvError::Disconnected)) => self.take(None),
                Some(Err(TryRecvError::Empty)) => return Loaded::Nothing,
                None => return Loaded::Over,
            }
        }
        Loaded::Message
    }

    fn next_of_batch(&mut self) -> Next {
        let mark = self.batch.marks[self.given];
        if !self.schedule.pass(mark.sent_ms) {
            return Next::NotYet;
        }
        let begin = self.given.checked_sub(1).map_or(0, |before| self.batch.marks[before].end);
        self.given += 1;
        self.progress.add_message();
        if self.given == self.batch.marks.len() {
            self.progress.set_bytes_read(self.batch.read);
        }
        Next::Message(self.batch.messages.slice(begin..mark.end))
    }

    fn take(&mut self, step: Option<Step>) {
        match step {
            Some(Step::Batch(batch)) => (self.batch, self.given) = (batch, 0),
            Some(Step::RoundEnd) => {
                self.progress.end_round();
                self.schedule.restart();
            }
            None => self.end(),
        }
    }

    /// The threads have said all they had to say, unless they panicked.
    fn end(&mut self) {
        if let Reading::Running { threads, .. } = std::mem::replace(&mut self.reading, Reading::Over) {
            for thread in threads {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        }
    }

    /// Where the steps come from; starts the threads if they have not been. None when it is over.
    fn steps(&mut self) -> Option<&mut mpsc::Receiver<Step>> {
        if matches!(self.reading, Reading::NotStarted) {
            self.reading = self.start();
        }
        match &mut self.reading {
            Reading::Running { steps, .. } => Some(steps),
            Reading::NotStarted | Reading::Over => None,
        }
    }

    fn start(&self) -> Reading {
        let (give_pieces, pieces) = std::sync::mpsc::sync_channel(PIECES_AHEAD_MAX);
        let (give_steps, steps) = mpsc::channel(BATCHES_AHEAD_MAX);
        let ReplayConfig { paths, repeat, .. } = self.config.clone();
        let progress = Arc::clone(&self.progress);
        let unpacking = std::thread::spawn(move || Unpacker::new(give_pieces).run(&paths, repeat));
        let assembling = std::thread::spawn(move || assemble::run(&pieces, &give_steps, &progress));
        Reading::Running { steps, threads: [unpacking, assembling] }
    }
}

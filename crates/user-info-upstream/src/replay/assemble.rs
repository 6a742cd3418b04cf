//! From blocks of text to batches of messages: lines that are messages go on, the others are faults. Runs on a thread of
//! its own, so that checking and unpacking each have a core.
//!
//! Invariant: a message is the line's own bytes and CRLF, once, in the order of the archive.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;

use crate::replay::fault::{Fault, LocatedFault};
use crate::replay::lines::{Line, Lines};
use crate::replay::message;
use crate::replay::progress::ReplayProgress;
use crate::replay::unpack::Piece;
use crate::stream::splitter::MAX_MESSAGE_BYTES;

/// A batch is handed over when it has grown to this size: few enough bytes to lie in a cache, enough to make the hand-over
/// cheap.
const BATCH_BYTES: usize = 64 * 1024;

/// Messages that follow each other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The messages, each with its CRLF.
    pub(super) messages: Bytes,
    /// One for each message.
    pub(super) marks: Vec<Mark>,
    /// Bytes read of all files in this round when the last message was there.
    pub(super) read: u64,
}

/// A message within a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Where it ends, its CRLF included.
    pub(super) end: usize,
    /// When it was sent, in milliseconds since the Unix epoch.
    pub(super) sent_ms: Option<i64>,
}

/// What comes out.
#[derive(Debug)]
pub(super) enum Step {
    Batch(Batch),
    /// That was the archive, once.
    RoundEnd,
}

/// Assembles until the pieces end, nobody takes the batches, or a round had no message in it, because none would ever
/// come.
pub(super) fn run(pieces: &Receiver<Piece>, steps: &Sender<Step>, progress: &ReplayProgress) {
    let mut lines = Lines::new(MAX_MESSAGE_BYTES);
    let mut assembly = Assembly::new(steps, progress);
    for piece in pieces {
        match piece {
            Piece::Begin(place) => assembly.begin(place),
            Piece::Block { text, read } => {
                assembly.read = read;
                lines.push(&text, |line| assembly.take(line));
                assembly.hand_over();
            }
            Piece::End => {
                lines.end(|line| assembly.take(line));
                assembly.hand_over();
            }
            Piece::Broken(fault) => {
                lines.abandon();
                assembly.report_broken(fault);
            }
            Piece::Fault(fault) => progress.add_damage(fault),
            Piece::RoundEnd if !assembly.end_round() => return,
            Piece::RoundEnd => {}
        }
        if steps.is_closed() {
            return;
        }
    }
}

/// The batch that grows.
struct Assembly<'run> {
    steps: &'run Sender<Step>,
    progress: &'run ReplayProgress,
    place: Arc<str>,
    /// Lines that have ended, of this text.
    line: u64,
    messages: Vec<u8>,
    marks: Vec<Mark>,
    read: u64,
    /// Messages of this round.
    found: u64,
}

impl<'run> Assembly<'run> {
    fn new(steps: &'run Sender<Step>, progress: &'run ReplayProgress) -> Self {
        let (messages, marks) = (Vec::new(), Vec::new());
        Self { steps, progress, place: "".into(), line: 0, messages, marks, read: 0, found: 0 }
    }

    fn begin(&mut self, place: Arc<str>) {
        (self.place, self.line) = (place, 0);
    }

    fn take(&mut self, line: Line<'_>) {
        self.line += 1;
        let line = match line {
            Line::Kept(line) if line.trim_ascii().is_empty() => return,
            Line::Kept(line) => message::check(line).map(|sent_ms| (line, sent_ms)),
            Line::TooLong => Err(Fault::TooLong),
        };
        match line {
            Ok((line, sent_ms)) => self.append(line, sent_ms),
            Err(fault) => self.progress.add_bad_line(self.located(self.line, fault)),
        }
    }

    fn append(&mut self, message: &[u8], sent_ms: Option<i64>) {
        self.messages.extend_from_slice(message);
        self.messages.extend_from_slice(b"\r\n");
        self.marks.push(Mark { end: self.messages.len(), sent_ms });
        self.found += 1;
        if self.messages.len() >= BATCH_BYTES {
            self.hand_over();
        }
    }

    /// Waits for room. Whether anybody takes the batch is asked elsewhere.
    fn hand_over(&mut self) {
        if !self.marks.is_empty() {
            let (messages, marks) = (std::mem::take(&mut self.messages).into(), std::mem::take(&mut self.marks));
            let _ = self.steps.blocking_send(Step::Batch(Batch { messages, marks, read: self.read }));
        }
    }

    fn report_broken(&mut self, fault: Fault) {
        self.progress.add_damage(self.located(self.line + 1, fault));
    }

    /// Returns whether there were messages in this round.
    fn end_round(&mut self) -> bool {
        let _ = self.steps.blocking_send(Step::RoundEnd);
        std::mem::take(&mut self.found) > 0
    }

    fn located(&self, line: u64, fault: Fault) -> LocatedFault {
        LocatedFault { place: Arc::clone(&self.place), line: Some(line), fault }
    }
}

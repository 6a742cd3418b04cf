//! Messages that were written once and go to everybody.
//!
//! Invariant: a batch holds whole messages, each ended by CRLF, and no CRLF inside one.

use bytes::Bytes;

use crate::simulator::kind::Kind;

/// A message's end in its batch, and what it is.
#[derive(Clone, Copy, Debug)]
struct Entry {
    end: usize,
    kind: Kind,
}

/// Messages in order.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Bytes,
    entries: Vec<Entry>,
    counts: [u32; Kind::ALL.len()],
    /// Statuses that nobody has got since the server began, up to the end of this batch.
    pub(super) left_out: u64,
}

impl Batch {
    /// Every message with its kind.
    pub(super) fn messages(&self) -> impl ExactSizeIterator<Item = (Kind, &[u8])> {
        let mut begin = 0;
        self.entries.iter().map(move |entry| {
            let message = &self.bytes[begin..entry.end];
            begin = entry.end;
            (entry.kind, message)
        })
    }

    /// The messages as they stand.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many there are of each kind.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().zip(self.counts.map(u64::from)).filter(|&(_, count)| count > 0)
    }
}

/// Makes batches of what a source says: sorts out what is left out of the sample.
#[derive(Debug)]
pub(super) struct Batcher {
    /// The share of statuses that is sent, up to 1.
    sample: f64,
    /// What is owed to readers of a sample: a status is sent whenever it reaches 1. So samples are the same for everybody
    /// and every run.
    owed: f64,
    left_out: u64,
    line_feeds: bool,
}

impl Batcher {
    /// `line_feeds`: whether line feeds inside messages stay.
    pub(super) fn new(sample: f64, line_feeds: bool) -> Self {
        Self { sample: sample.clamp(0.0, 1.0), owed: 0.0, left_out: 0, line_feeds }
    }

    /// Takes whole messages.
    pub(super) fn batch(&mut self, chunk: Vec<u8>) -> Batch {
        let mut batch = Batch { bytes: Bytes::new(), entries: Vec::new(), counts: [0; _], left_out: 0 };
        let unchanged = self.sample >= 1.0 && self.line_feeds;
        let mut kept = Vec::new();
        let mut begin = 0;
        for end in message_ends(&chunk) {
            let message = &chunk[begin..end];
            begin = end;
            let kind = Kind::of(message);
            if kind == Kind::Status && !self.is_sampled() {
                self.left_out += 1;
                continue;
            }
            if !unchanged {
                self.keep(message, &mut kept);
            }
            batch.counts[kind as usize] += 1;
            batch.entries.push(Entry { end: if unchanged { end } else { kept.len() }, kind });
        }
        debug_assert_eq!(begin, chunk.len(), "whole messages");
        batch.bytes = if unchanged { chunk.into() } else { kept.into() };
        batch.left_out = self.left_out;
        batch
    }

    fn is_sampled(&mut self) -> bool {
        self.owed += self.sample;
        let is_sampled = self.owed >= 1.0;
        self.owed -= if is_sampled { 1.0 } else { 0.0 };
        is_sampled
    }

    /// A raw line feed in JSON is white space, so nothing is lost with it.
    fn keep(&self, message: &[u8], kept: &mut Vec<u8>) {
        if self.line_feeds {
            kept.extend_from_slice(message);
        } else {
            kept.extend(message.iter().filter(|&&byte| byte != b'\n' && byte != b'\r'));
            kept.extend_from_slice(b"\r\n");
        }
    }
}

/// The index behind each CRLF.
fn message_ends(chunk: &[u8]) -> impl Iterator<Item = usize> {
    let line_feeds = memchr::memchr_iter(b'\n', chunk);
    line_feeds.filter(|&at| at > 0 && chunk[at - 1] == b'\r').map(|at| at + 1)
}

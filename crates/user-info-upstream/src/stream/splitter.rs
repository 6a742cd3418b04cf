//! Cuts a stream of bytes into messages at CRLF, and nowhere else: a bare LF may stand inside a message.
//!
//! Invariant: the pieces depend on the bytes alone, not on how they were cut into chunks. Memory stays below the largest
//! message plus one chunk, whatever arrives.

/// Largest message that is kept. A status is a few KiB, the longest ever documented far below 100 KiB.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// What stands between two separators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A message, without its separator.
    Message(Vec<u8>),
    /// A message that was longer than the limit; its bytes are gone.
    TooLong,
}

/// Collects chunks and gives out whole messages. Blank lines, which keep a connection alive, give none.
#[derive(Debug)]
pub struct Splitter {
    max_bytes: usize,
    /// The message so far, with the first half of its separator if that has come.
    message: Vec<u8>,
    /// Whether the message has outgrown the limit, so that its bytes are not kept.
    overflown: bool,
    /// The last byte taken, for a separator that lies across two chunks.
    last: u8,
}

const SEPARATOR_BYTES: usize = 2;

impl Splitter {
    /// Keeps messages of up to `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, message: Vec::new(), overflown: false, last: 0 }
    }

    /// Takes the next bytes and appends the pieces that they complete.
    pub fn push(&mut self, chunk: &[u8], pieces: &mut Vec<Piece>) {
        for line in chunk.split_inclusive(|&byte| byte == b'\n') {
            let before_end = line.iter().rev().nth(1).copied().unwrap_or(self.last);
            self.take(line);
            if before_end == b'\r' && line.ends_with(b"\n") {
                pieces.extend(self.finish());
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.last = bytes.last().copied().unwrap_or(self.last);
        if self.message.len() + bytes.len() > self.max_bytes + SEPARATOR_BYTES {
            self.overflown = true;
            self.message = Vec::new();
        }
        if !self.overflown {
            self.message.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self) -> Option<Piece> {
        self.last = 0;
        if std::mem::take(&mut self.overflown) {
            return Some(Piece::TooLong);
        }
        let mut message = std::mem::take(&mut self.message);
        message.truncate(message.len() - SEPARATOR_BYTES);
        let blank = message.iter().all(u8::is_ascii_whitespace);
        (!blank).then_some(Piece::Message(message))
    }
}

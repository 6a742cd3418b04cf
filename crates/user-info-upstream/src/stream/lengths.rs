//! Cuts a stream of bytes into messages where each is preceded by its length, as `delimited=length` asks for.
//!
//! Invariant: as in [`crate::stream::splitter`], the pieces depend on the bytes alone, and memory stays below the largest
//! message plus one chunk. What is not a length where one must be ends the reading: nobody can tell where the next one is.

use crate::stream::splitter::Piece;

/// Most digits of a length: a thousand million bytes are many times any message.
const LENGTH_DIGITS_MAX: usize = 9;
/// Longest line that may hold a length, with its line end.
const LENGTH_BYTES_MAX: usize = LENGTH_DIGITS_MAX + 2;
/// What ends a message, and counts as part of it.
const SEPARATOR: &[u8] = b"\r\n";

/// Bytes that are no length where one must be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the length of a message; leave delimited=length out of the address if the server does not know it")]
pub struct NotALength;

/// Collects chunks and gives out whole messages. Blank lines between them, which keep a connection alive, give none.
#[derive(Debug)]
pub struct LengthSplitter {
    max_bytes: usize,
    /// The line so far that is to hold a length.
    line: Vec<u8>,
    /// The message so far; empty while one is left out.
    message: Vec<u8>,
    /// How much of the message is still to come; 0 between messages.
    missing: usize,
    /// Whether the message is longer than the limit, so that its bytes are not kept.
    overflown: bool,
}

impl LengthSplitter {
    /// Keeps messages of up to `max_bytes`, separator not counted.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, line: Vec::new(), message: Vec::new(), missing: 0, overflown: false }
    }

    /// Takes the next bytes and appends the pieces that they complete.
    pub fn push(&mut self, mut chunk: &[u8], pieces: &mut Vec<Piece>) -> Result<(), NotALength> {
        while !chunk.is_empty() {
            let taken = if self.missing == 0 { self.take_line(chunk)? } else { self.take_message(chunk, pieces) };
            chunk = &chunk[taken..];
        }
        Ok(())
    }

    /// Takes bytes up to the end of the line; returns how many.
    fn take_line(&mut self, chunk: &[u8]) -> Result<usize, NotALength> {
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(chunk.len(), |end| end + 1);
        if self.line.len() + taken > LENGTH_BYTES_MAX {
            return Err(NotALength);
        }
        self.line.extend_from_slice(&chunk[..taken]);
        if end.is_some() {
            self.missing = length(&self.line)?;
            self.overflown = self.missing > self.max_bytes + SEPARATOR.len();
            self.line.clear();
        }
        Ok(taken)
    }

    /// Takes bytes of the message; returns how many.
    fn take_message(&mut self, chunk: &[u8], pieces: &mut Vec<Piece>) -> usize {
        let taken = chunk.len().min(self.missing);
        if !self.overflown {
            self.message.extend_from_slice(&chunk[..taken]);
        }
        self.missing -= taken;
        if self.missing == 0 {
            pieces.extend(self.finish());
        }
        taken
    }

    fn finish(&mut self) -> Option<Piece> {
        let mut message = std::mem::take(&mut self.message);
        if message.ends_with(SEPARATOR) {
            message.truncate(message.len() - SEPARATOR.len());
        }
        if self.overflown || message.len() > self.max_bytes {
            return Some(Piece::TooLong);
        }
        let blank = message.iter().all(u8::is_ascii_whitespace);
        (!blank).then_some(Piece::Message(message))
    }
}

/// The number in a line; 0 for a blank line.
fn length(line: &[u8]) -> Result<usize, NotALength> {
    let digits = line.trim_ascii();
    if digits.len() > LENGTH_DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotALength);
    }
    if digits.is_empty() {
        return Ok(0);
    }
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).ok_or(NotALength)
}

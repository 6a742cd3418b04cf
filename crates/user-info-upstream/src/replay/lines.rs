//! Cuts text into lines.
//!
//! Invariant: the lines depend on the text alone, not on how it was cut into blocks. Memory stays below the longest line
//! that is kept, whatever the text.

/// A line, without what ends it (LF or CRLF).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'text> {
    Kept(&'text [u8]),
    /// It was longer than the limit; its bytes are gone.
    TooLong,
}

/// The line that has not ended yet.
#[derive(Debug)]
pub(super) struct Lines {
    max_bytes: usize,
    partial: Vec<u8>,
    overflown: bool,
}

impl Lines {
    /// Keeps lines of up to `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, partial: Vec::new(), overflown: false }
    }

    /// Takes the next block and gives out the lines that it completes.
    pub(super) fn push(&mut self, mut block: &[u8], mut each: impl FnMut(Line<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', block) {
            if self.partial.is_empty() && !self.overflown {
                each(self.line(&block[..end]));
            } else {
                self.append(&block[..end]);
                self.finish(&mut each);
            }
            block = &block[end + 1..];
        }
        self.append(block);
    }

    /// The text is complete: gives out its last line if that did not end.
    pub(super) fn end(&mut self, mut each: impl FnMut(Line<'_>)) {
        if !self.partial.is_empty() || self.overflown {
            self.finish(&mut each);
        }
    }

    /// Forgets the line that has not ended.
    pub(super) fn abandon(&mut self) {
        self.partial.clear();
        self.overflown = false;
    }

    fn append(&mut self, bytes: &[u8]) {
        // One more than a line may have: the CR that may end it.
        self.overflown |= self.partial.len() + bytes.len() > self.max_bytes + 1;
        if self.overflown {
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(Line<'_>)) {
        each(if self.overflown { Line::TooLong } else { self.line(&self.partial) });
        self.abandon();
    }

    fn line<'text>(&self, line: &'text [u8]) -> Line<'text> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > self.max_bytes { Line::TooLong } else { Line::Kept(line) }
    }
}

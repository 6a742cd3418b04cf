//! How messages are told apart on the wire, and how the wire is packed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// How a message's end is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// By the CRLF behind it.
    #[default]
    Lines,
    /// By its length in bytes, CRLF included, on a line before it: `delimited=length`.
    Length,
}

impl Framing {
    /// Appends a message, which ends with CRLF. The line before it ends with Twitter's newline, which is CRLF too.
    pub(super) fn append(self, message: &[u8], output: &mut Vec<u8>) {
        match self {
            Self::Lines => {}
            Self::Length => write!(output, "{}\r\n", message.len()).expect("memory takes everything"),
        }
        output.extend_from_slice(message);
    }
}

/// Packs a stream so that every chunk can be unpacked as soon as it is there. Keeps about 300 KiB.
#[derive(Debug)]
pub(super) struct Gzip(GzEncoder<Vec<u8>>);

impl Gzip {
    /// Fast rather than small, because a stream waits for it.
    pub(super) fn new() -> Self {
        Self(GzEncoder::new(Vec::new(), Compression::fast()))
    }

    /// Packs a chunk, all of which comes out.
    pub(super) fn pack(&mut self, chunk: &[u8]) -> Vec<u8> {
        self.0.write_all(chunk).and_then(|()| self.0.flush()).expect("memory takes everything");
        std::mem::take(self.0.get_mut())
    }

    /// What ends the packed stream.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("memory takes everything")
    }
}

//! From the body of a response to messages: unpacked if it is gzip, and cut by the framing that was asked for.
//!
//! Invariant: the pieces depend on the bytes alone, not on how they were cut into chunks, and memory stays below the
//! largest message plus what one part of a chunk unpacks to.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use crate::stream::lengths::{LengthSplitter, NotALength};
use crate::stream::splitter::{Piece, Splitter};

/// How much is unpacked at a time: deflate makes at most 1,032 bytes of one, so that this gives 4 MiB at most.
const PACKED_BYTES_MAX: usize = 4 * 1024;

/// How the bytes of a body are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// They are not.
    Plain,
    /// As gzip, one member after the other.
    Gzip,
}

/// What separates messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// CRLF.
    Lines,
    /// Each is preceded by its length.
    Lengths,
}

/// Bytes that cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum Undecodable {
    /// Not gzip although the response said so.
    #[error("the body is not gzip: {0}")]
    Gzip(#[from] io::Error),
    /// No length where one must be.
    #[error(transparent)]
    Length(#[from] NotALength),
}

/// Collects chunks and gives out whole messages.
#[derive(Debug)]
pub struct Decoder {
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    frames: Frames,
}

#[derive(Debug)]
enum Frames {
    Lines(Splitter),
    Lengths(LengthSplitter),
}

impl Decoder {
    /// Keeps messages of up to `max_bytes`.
    pub fn new(encoding: Encoding, framing: Framing, max_bytes: usize) -> Self {
        let unpacker = match encoding {
            Encoding::Plain => None,
            Encoding::Gzip => Some(MultiGzDecoder::new(Vec::new())),
        };
        let frames = match framing {
            Framing::Lines => Frames::Lines(Splitter::new(max_bytes)),
            Framing::Lengths => Frames::Lengths(LengthSplitter::new(max_bytes)),
        };
        Self { unpacker, frames }
    }

    /// Takes the next bytes and appends the pieces that they complete. After an error nothing more can be read.
    pub fn push(&mut self, chunk: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Undecodable> {
        let Some(unpacker) = &mut self.unpacker else {
            return self.frames.push(chunk, pieces);
        };
        for part in chunk.chunks(PACKED_BYTES_MAX) {
            unpacker.write_all(part)?;
            // Without it the last messages would wait in there for the next ones.
            unpacker.flush()?;
            self.frames.push(unpacker.get_ref(), pieces)?;
            unpacker.get_mut().clear();
        }
        Ok(())
    }
}

impl Frames {
    fn push(&mut self, bytes: &[u8], pieces: &mut Vec<Piece>) -> Result<(), Undecodable> {
        match self {
            Self::Lines(splitter) => splitter.push(bytes, pieces),
            Self::Lengths(splitter) => splitter.push(bytes, pieces)?,
        }
        Ok(())
    }
}

//! Packing answers where it pays: which coding a client is offered (RFC 9110, section 12.5.3), and the packed bytes. Pure.
//!
//! A single user is sent as it is: packing 600 bytes costs more time than sending them. `docs/native-api.md` has the figures.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Shorter bodies are sent as they are. A packet of the network carries about 1,400 bytes, and our heads take 400 of them:
/// from this length on, that of four users, packing spares at least one packet of two.
pub const PACKED_BYTES_MIN: usize = 2_048;

/// Each of these is the level from which on the next one takes more than half as long again and saves less than a tenth.
const GZIP_LEVEL: u32 = 3;
const BROTLI_LEVEL: u32 = 1;
const ZSTD_LEVEL: i32 = 1;

/// Bits of the window that brotli looks back in: 256 KiB, so that many answers at once take little memory.
const BROTLI_WINDOW_BITS: u32 = 18;

/// Bytes that brotli is handed at a time.
const BROTLI_BUFFER_BYTES: usize = 16 * 1024;

/// A way of packing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    /// All of them, what we like best first: packed in the least time.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Of those that a client accepts, the one it likes best; of several, the one that we do. `None` to send a body as it is.
    pub fn accepted<'value>(headers: impl IntoIterator<Item = &'value str>) -> Option<Self> {
        let mut weights = Weights::default();
        for element in headers.into_iter().flat_map(|value| value.split(',')) {
            weights.note(element);
        }
        weights.best()
    }

    /// Packs a body.
    pub fn pack(self, body: &[u8]) -> Bytes {
        let packed = match self {
            Self::Zstd => zstd::bulk::compress(body, ZSTD_LEVEL),
            Self::Brotli => brotli(body),
            Self::Gzip => gzip(body),
        };
        packed.expect("memory takes what is written to it").into()
    }
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::new(GZIP_LEVEL));
    packer.write_all(body)?;
    packer.finish()
}

fn brotli(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let packed = Vec::with_capacity(body.len() / 2);
    let mut packer = brotli::CompressorWriter::new(packed, BROTLI_BUFFER_BYTES, BROTLI_LEVEL, BROTLI_WINDOW_BITS);
    packer.write_all(body)?;
    packer.flush()?;
    Ok(packer.into_inner())
}

/// What a client says of each coding, in thousandths; `None` of what it says nothing of.
#[derive(Default)]
struct Weights {
    named: [Option<u16>; Coding::ALL.len()],
    identity: Option<u16>,
    rest: Option<u16>,
}

impl Weights {
    fn note(&mut self, element: &str) {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let Some(weight) = weight.map_or(Some(1_000), thousandths) else { return };
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if let Some(index) = Coding::ALL.iter().position(|coding| is(coding.name())) {
            self.named[index] = Some(weight);
        } else if is("x-gzip") {
            self.named[Coding::Gzip as usize] = Some(weight);
        } else if is("identity") {
            self.identity = Some(weight);
        } else if name == "*" {
            self.rest = Some(weight);
        }
    }

    fn best(&self) -> Option<Coding> {
        let weight = |coding: Coding| self.named[coding as usize].or(self.rest).unwrap_or(0);
        // Of equal ones, `max_by_key` takes the last.
        let best = Coding::ALL.into_iter().rev().max_by_key(|coding| weight(*coding))?;
        // What is not named is as welcome as can be least; that packing is wished for was said by naming it.
        (weight(best) > 0 && weight(best) >= self.identity.unwrap_or(0)).then_some(best)
    }
}

/// `0.5` as 500; `None` for what is no weight.
fn thousandths(text: &str) -> Option<u16> {
    let weight: f32 = text.trim().parse().ok()?;
    (0.0..=1.0).contains(&weight).then_some((weight * 1_000.0) as u16)
}

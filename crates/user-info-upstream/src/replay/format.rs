//! What a run of bytes is, by how it begins. Names are not looked at: archives are full of files that are not what they
//! are called.

/// Bytes that decide: the header of a tar entry is the longest.
pub(super) const HEAD_BYTES: usize = 512;

/// What a file, an entry or an unpacked part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Gzip,
    Bzip2,
    Zstd,
    Tar,
    /// Known, not read.
    Unsupported(&'static str),
    /// Everything else.
    Text,
}

impl Format {
    /// Decides by the first bytes, of which there are fewer than `HEAD_BYTES` only if there are no more.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            // A frame, or a skippable frame before one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Unsupported("xz"),
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::Unsupported("7z"),
            [b'P', b'K', 3, 4, ..] => Self::Unsupported("zip"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Unsupported("lz4"),
            _ if is_tar(head) => Self::Tar,
            _ => Self::Text,
        }
    }
}

/// A header with the mark of POSIX tar, one of older tars, which only its checksum gives away, or the end of an empty one.
fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; HEAD_BYTES]>::try_from(head) else { return false };
    let header = tar::Header::from_byte_slice(block);
    let sum = block.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u32::from(byte) });
    block[257..262] == *b"ustar" || header.cksum().is_ok_and(|stated| stated == sum.sum::<u32>()) || *block == [0; 512]
}

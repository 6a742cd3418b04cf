//! From files to blocks of plain text, through whatever they are packed in. Runs on a thread of its own, ahead of who
//! reads the text by the few blocks that the channel holds.
//!
//! Invariant: a damage ends the innermost packing that it lies in, and nothing beside it: the next entry, the next file
//! is read. Each damage is told once, at the place where text is missing. Memory depends on the packings alone (a
//! Zstandard window of up to 128 MiB, otherwise a few hundred KiB), not on sizes, counts or lengths.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;

use crate::replay::fault::{Fault, LocatedFault, printable};
use crate::replay::files;
use crate::replay::format::{Format, HEAD_BYTES};
use crate::replay::layers::{Counted, Failures, Layer, Metered, Whole};

/// Text that is handed over at once. Measured: larger blocks are no faster.
const BLOCK_BYTES: usize = 256 * 1024;
/// What is read of a packing at once.
const BUFFER_BYTES: usize = 64 * 1024;
/// Packings of one text. Archives have two or three (compressed files in a tar, that compressed again).
const NESTING_MAX: usize = 8;
/// What may stand before an entry of a tar: long names and attributes, which its library keeps in memory.
const ENTRY_HEADERS_BYTES_MAX: u64 = 1024 * 1024;

/// A step through the archive.
#[derive(Debug)]
pub(super) enum Piece {
    /// A text begins.
    Begin(Arc<str>),
    /// The text goes on.
    Block {
        text: Vec<u8>,
        /// Bytes read of all files in this round so far.
        read: u64,
    },
    /// The text is complete.
    End,
    /// The text breaks off.
    Broken(Fault),
    /// Something between the texts cannot be read.
    Fault(LocatedFault),
    /// That was the archive.
    RoundEnd,
}

/// Why unpacking does not go on as it was.
enum Stop {
    /// Nobody takes the pieces any more.
    Abandoned,
    /// The packing at this depth broke, and all within it.
    Broken { depth: usize },
}

/// Reads archives, from the files to the pieces.
pub(super) struct Unpacker {
    pieces: SyncSender<Piece>,
    failures: Failures,
    read: Cell<u64>,
}

impl Unpacker {
    pub(super) fn new(pieces: SyncSender<Piece>) -> Self {
        Self { pieces, failures: Failures::default(), read: Cell::new(0) }
    }

    /// Reads everything once, or again and again until nobody takes it any more.
    pub(super) fn run(self, paths: &[PathBuf], repeat: bool) {
        while self.round(paths).is_ok() && repeat {}
    }

    fn round(&self, paths: &[PathBuf]) -> Result<(), Stop> {
        self.read.set(0);
        for file in files::walk(paths) {
            match file.map(|path| self.file(&path)) {
                Err(fault) => self.send(Piece::Fault(fault))?,
                Ok(Err(Stop::Abandoned)) => return Err(Stop::Abandoned),
                Ok(Ok(()) | Err(Stop::Broken { .. })) => {}
            }
        }
        self.send(Piece::RoundEnd)
    }

    fn file(&self, path: &Path) -> Result<(), Stop> {
        let place = files::place(path);
        match File::open(path) {
            Ok(file) => {
                let counted = Counted { inner: file, total: &self.read };
                self.unpack(&place, 0, &mut Layer::new(counted, &place, 0, &self.failures))
            }
            Err(error) => self.fault(&place, Fault::Unopened(error.to_string())),
        }
    }

    /// Unpacks what `reader`, a layer of this depth, delivers.
    fn unpack(&self, place: &Arc<str>, depth: usize, reader: &mut dyn Read) -> Result<(), Stop> {
        self.failures.take();
        let mut head = Vec::with_capacity(HEAD_BYTES);
        // An error comes again when the layer is read on, after what it delivered before.
        let _ = (&mut *reader).take(HEAD_BYTES as u64).read_to_end(&mut head);
        let format = Format::of(&head);
        let inner_depth = depth + 1;
        let inner = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(reader));
        match format {
            Format::Text => self.text(place, inner),
            Format::Unsupported(packing) => self.fault(place, Fault::Unsupported(packing)),
            _ if inner_depth > NESTING_MAX => self.fault(place, Fault::TooDeep(NESTING_MAX)),
            Format::Gzip => self.inner(place, inner_depth, MultiGzDecoder::new(inner)),
            Format::Bzip2 => self.inner(place, inner_depth, MultiBzDecoder::new(inner)),
            Format::Tar => self.entries(place, inner_depth, inner),
            Format::Zstd => match zstd::Decoder::with_buffer(inner) {
                Ok(decoder) => self.inner(place, inner_depth, decoder),
                Err(error) => self.fault(place, Fault::Unreadable(error.to_string())),
            },
        }
    }

    fn inner(&self, place: &Arc<str>, depth: usize, decoder: impl Read) -> Result<(), Stop> {
        self.unpack(place, depth, &mut Layer::new(decoder, place, depth, &self.failures))
    }

    fn text(&self, place: &Arc<str>, mut reader: impl Read) -> Result<(), Stop> {
        self.send(Piece::Begin(Arc::clone(place)))?;
        loop {
            let mut text = Vec::with_capacity(BLOCK_BYTES);
            let outcome = reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut text);
            let is_last = text.len() < BLOCK_BYTES;
            if !text.is_empty() {
                self.send(Piece::Block { text, read: self.read.get() })?;
            }
            if outcome.is_err() {
                let (fault, stop) = self.broken(place);
                self.send(Piece::Broken(fault))?;
                return Err(stop);
            }
            if is_last {
                return self.send(Piece::End);
            }
        }
    }

    /// Unpacks every entry of a tar of this depth.
    fn entries(&self, place: &Arc<str>, depth: usize, reader: impl Read) -> Result<(), Stop> {
        let allowance = Cell::new(ENTRY_HEADERS_BYTES_MAX);
        let mut archive = tar::Archive::new(Metered { inner: reader, allowance: &allowance });
        // Fails only on a reader that has been read from.
        let mut entries = archive.entries().expect("a new archive");
        loop {
            let entry = match entries.next() {
                None => return Ok(()),
                Some(Ok(entry)) => entry,
                Some(Err(error)) => {
                    self.failures.note(depth, place, &error);
                    let (fault, stop) = self.broken(place);
                    self.fault(place, fault)?;
                    return Err(stop);
                }
            };
            allowance.set(u64::MAX);
            let mut entry = Whole { left: packed_bytes(&entry), inner: entry };
            match self.entry(place, depth, &mut entry) {
                Err(Stop::Broken { depth: broken }) if broken > depth => {}
                outcome => outcome?,
            }
            allowance.set(entry.left.saturating_add(ENTRY_HEADERS_BYTES_MAX));
        }
    }

    fn entry<R: Read>(&self, tar: &str, depth: usize, entry: &mut Whole<tar::Entry<'_, R>>) -> Result<(), Stop> {
        let name = entry.inner.path_bytes();
        let place = printable(&format!("{tar}/{}", String::from_utf8_lossy(&name)));
        let kind = entry.inner.header().entry_type();
        if kind.is_file() || kind.is_contiguous() {
            return self.unpack(&place, depth, &mut Layer::new(entry, tar, depth, &self.failures));
        }
        match passed_over(kind) {
            Some(what) => self.fault(&place, Fault::NotAFile(what)),
            None => Ok(()),
        }
    }

    /// The error that came up to `place`, in words, and how far up it reaches.
    fn broken(&self, place: &str) -> (Fault, Stop) {
        let failure = self.failures.take().expect("the layer that failed noted it");
        let reason =
            if failure.name == place { failure.reason } else { format!("{}: {}", failure.name, failure.reason) };
        (Fault::Unreadable(reason), Stop::Broken { depth: failure.depth })
    }

    fn fault(&self, place: &Arc<str>, fault: Fault) -> Result<(), Stop> {
        self.send(Piece::Fault(LocatedFault { place: Arc::clone(place), line: None, fault }))
    }

    fn send(&self, piece: Piece) -> Result<(), Stop> {
        self.pieces.send(piece).map_err(|_| Stop::Abandoned)
    }
}

/// Bytes of an entry in its tar, which for a sparse file is not its size.
fn packed_bytes<R: Read>(entry: &tar::Entry<'_, R>) -> u64 {
    let sparse = entry.header().entry_type().is_gnu_sparse();
    if sparse { entry.header().entry_size().unwrap_or(0) } else { entry.size() }
}

/// What an entry is that is no file, if that is worth telling: directories and global attributes are not.
fn passed_over(kind: tar::EntryType) -> Option<&'static str> {
    if kind.is_dir() || kind.is_pax_global_extensions() {
        return None;
    }
    Some(if kind.is_symlink() || kind.is_hard_link() {
        "a link in a tar"
    } else if kind.is_gnu_sparse() {
        "a sparse file in a tar"
    } else {
        "an entry of another kind than a file in a tar"
    })
}

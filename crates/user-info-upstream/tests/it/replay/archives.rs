//! Makes archives, and reads them through the code under test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;
use tokio::time::timeout;
use user_info_upstream::replay::{Next, Pace, Replay, ReplayConfig, ReplayProgress};

use crate::support::DEADLINE;

/// How a file is compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    Gzip,
    Bzip2,
    Zstd,
}

impl Packing {
    pub(crate) const ALL: [Self; 3] = [Self::Gzip, Self::Bzip2, Self::Zstd];
}

pub(crate) fn pack(packing: Packing, content: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// A tar of files.
pub(crate) fn tar<'files>(files: impl IntoIterator<Item = (&'files str, &'files [u8])>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        append(&mut builder, tar::EntryType::Regular, name, content);
    }
    builder.into_inner().unwrap()
}

pub(crate) fn append(builder: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, content).unwrap();
}

/// A message that can be told from others.
pub(crate) fn message(number: usize) -> Vec<u8> {
    format!(r#"{{"id":{number},"text":"tweet {number} ✓"}}"#).into_bytes()
}

pub(crate) fn messages(numbers: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    numbers.map(message).collect()
}

/// One message per line.
pub(crate) fn text(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|message| [&message[..], b"\n"].concat()).collect()
}

/// Files in a directory that goes with the test.
pub(crate) struct Files {
    dir: TempDir,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}

pub(crate) fn config(paths: &[PathBuf], pace: Pace) -> ReplayConfig {
    ReplayConfig { paths: paths.to_vec(), pace, repeat: false }
}

/// What an archive came to.
pub(crate) struct Replayed {
    /// Without their CRLF.
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) progress: Arc<ReplayProgress>,
}

impl Replayed {
    /// The faults as they are told, with `root` taken out of their places.
    pub(crate) fn faults(&self, root: &Path) -> Vec<String> {
        let prefix = format!("{}/", root.display());
        self.progress.first_faults().iter().map(|fault| fault.to_string().replace(&prefix, "")).collect()
    }
}

/// Everything, flat out.
pub(crate) fn replay(paths: &[PathBuf]) -> Replayed {
    let mut replay = Replay::open(config(paths, Pace::FlatOut)).unwrap();
    let mut messages = Vec::new();
    block_on(async {
        while let Some(message) = next_ready(&mut replay).await {
            messages.push(message);
        }
    });
    let progress = replay.progress();
    assert_eq!(progress.messages(), messages.len() as u64);
    Replayed { messages, progress }
}

/// The next message, flat out, as soon as it has been read.
pub(crate) async fn next_ready(replay: &mut Replay) -> Option<Vec<u8>> {
    timeout(DEADLINE, replay.ready()).await.expect("reading goes on");
    match replay.next(Instant::now()) {
        Next::Message(message) => Some(message.strip_suffix(b"\r\n").expect("a message ends with CRLF").to_vec()),
        Next::NotYet => panic!("ready, and flat out, but not yet"),
        Next::Over => None,
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

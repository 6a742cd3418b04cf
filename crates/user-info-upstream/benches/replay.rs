//! How fast archives are replayed, flat out, beside the mere decompression of the same files by the same libraries in the
//! same run; and how much memory that takes, for a gibibyte of text and for a quarter of it.
//!
//! `cargo bench -p user-info-upstream --bench replay`, with the names of formats behind `--` only those; takes about three
//! minutes and 1.5 GB in the temporary directory, which are removed again. Each figure is the best of three rounds (of
//! bzip2 one), in which both sides take turns; CPU time is that of all threads.
//! Started without `--bench` (as `cargo test --benches` does) it runs small, to show that it works.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first error")]

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use user_info_upstream::replay::{Next, Pace, Replay, ReplayConfig};

/// Text that is made and compressed once; archives repeat it.
const PART_BYTES: usize = 64 << 20;
/// Text of one file in a tar, as a minute of a sample stream has it.
const MINUTE_BYTES: usize = 8 << 20;
/// One of bzip2 is as long as many of the others.
const ROUNDS: usize = 3;
const ROUNDS_OF_BZIP2: usize = 1;

#[derive(Clone, Copy)]
enum Format {
    Plain,
    Gzip,
    Bzip2,
    Zstd,
    TarOfBzip2,
    TarOfGzip,
}

const FORMATS: [(Format, &str); 6] = [
    (Format::Plain, "json"),
    (Format::Gzip, "json.gz"),
    (Format::Bzip2, "json.bz2"),
    (Format::Zstd, "json.zst"),
    (Format::TarOfBzip2, "tar of json.bz2"),
    (Format::TarOfGzip, "tar of json.gz"),
];

fn main() {
    let (options, names): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let (part_bytes, repetitions) =
        if options.contains(&"--bench".to_owned()) { (PART_BYTES, 16) } else { (1 << 20, 4) };
    println!("{} MiB of text, statuses of {} bytes", (part_bytes * repetitions) >> 20, status(0).len());
    println!(
        "{:16} {:>12} {:>12} {:>7} {:>12} {:>12} {:>12} {:>12}",
        "", "decompress", "replay", "ratio", "its CPU", "its CPU", "peak", "peak of 1/4"
    );
    let directory = tempfile::tempdir().unwrap();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for (format, name) in FORMATS.into_iter().filter(|&(_, name)| wanted(name)) {
        let quarter = Archive::write(directory.path(), format, part_bytes, repetitions / 4);
        let peak_of_quarter = peak_of(|| replayed(&quarter));
        let whole = Archive::write(directory.path(), format, part_bytes, repetitions);
        measure(name, &whole, peak_of_quarter);
        std::fs::remove_file(whole.path).unwrap();
    }
}

fn measure(name: &str, archive: &Archive, peak_of_quarter: u64) {
    let (mut decompressing, mut replaying, mut peak) = (Cost::MAX, Cost::MAX, 0);
    let rounds = if matches!(archive.format, Format::Bzip2 | Format::TarOfBzip2) { ROUNDS_OF_BZIP2 } else { ROUNDS };
    for _ in 0..rounds {
        decompressing = decompressing.min(Cost::of(|| decompressed(archive)));
        peak = peak.max(peak_of(|| replaying = replaying.min(Cost::of(|| replayed(archive)))));
    }
    let speed = |cost: Cost| archive.text_bytes as f64 / 1e6 / cost.wall.as_secs_f64();
    println!(
        "{name:16} {:>7.0} MB/s {:>7.0} MB/s {:>7.2} {:>10.2} s {:>10.2} s {:>8.1} MiB {:>8.1} MiB",
        speed(decompressing),
        speed(replaying),
        decompressing.wall.as_secs_f64() / replaying.wall.as_secs_f64(),
        decompressing.cpu.as_secs_f64(),
        replaying.cpu.as_secs_f64(),
        peak as f64 / 1024.0,
        peak_of_quarter as f64 / 1024.0,
    );
}

/// What a piece of work took.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    /// Of all threads.
    cpu: Duration,
}

impl Cost {
    const MAX: Self = Self { wall: Duration::MAX, cpu: Duration::MAX };

    fn of(work: impl FnOnce()) -> Self {
        let (started, cpu_before) = (Instant::now(), cpu());
        work();
        Self { wall: started.elapsed(), cpu: cpu() - cpu_before }
    }

    fn min(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), cpu: self.cpu.min(other.cpu) }
    }
}

/// CPU time of this process, threads that have ended included.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // In user and in kernel mode, in the hundredths of a second that Linux always counts there.
    Duration::from_millis(10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()))
}

/// Reads the file with its library, into nothing.
fn decompressed(archive: &Archive) {
    let file = || BufReader::with_capacity(64 << 10, File::open(&archive.path).unwrap());
    let bytes = match archive.format {
        Format::Plain => drain(file()),
        Format::Gzip => drain(flate2::bufread::MultiGzDecoder::new(file())),
        Format::Bzip2 => drain(bzip2::bufread::MultiBzDecoder::new(file())),
        Format::Zstd => drain(zstd::Decoder::with_buffer(file()).unwrap()),
        Format::TarOfBzip2 => entries(file(), |entry| drain(bzip2::bufread::MultiBzDecoder::new(entry))),
        Format::TarOfGzip => entries(file(), |entry| drain(flate2::bufread::MultiGzDecoder::new(entry))),
    };
    assert_eq!(bytes, archive.text_bytes);
}

fn entries(tar: impl Read, each: impl Fn(BufReader<&mut dyn Read>) -> usize) -> usize {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap();
    entries.map(|entry| each(BufReader::with_capacity(64 << 10, &mut entry.unwrap()))).sum()
}

fn drain(mut reader: impl Read) -> usize {
    let mut buffer = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return bytes,
            read => bytes += read,
        }
    }
}

/// Takes every message, as the sender does.
fn replayed(archive: &Archive) {
    let now = Instant::now();
    let config = ReplayConfig { paths: vec![archive.path.clone()], pace: Pace::FlatOut, repeat: false };
    let mut replay = Replay::open(config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut bytes, mut messages) = (0, 0);
    loop {
        match replay.next(now) {
            Next::Message(message) => (bytes, messages) = (bytes + message.len(), messages + 1),
            Next::NotYet => runtime.block_on(replay.ready()),
            Next::Over => break,
        }
    }
    // A message ends with CRLF, its line with LF.
    assert_eq!(bytes - messages, archive.text_bytes);
}

/// The largest resident size, in KiB, that this process had meanwhile.
fn peak_of(work: impl FnOnce()) -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    work();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A file that is measured.
struct Archive {
    path: PathBuf,
    format: Format,
    text_bytes: usize,
}

impl Archive {
    /// Writes an archive of a text, so many times over. Of the text nothing stays in memory.
    fn write(directory: &Path, format: Format, part_bytes: usize, repetitions: usize) -> Self {
        let text = statuses(part_bytes);
        let part = match format {
            Format::Plain => text.clone(),
            Format::Gzip => gzip(&text),
            Format::Bzip2 => bzip2(&text),
            Format::Zstd => zstd::encode_all(&text[..], 3).unwrap(),
            Format::TarOfBzip2 => minutes(&text, bzip2),
            Format::TarOfGzip => minutes(&text, gzip),
        };
        let path = directory.join("archive");
        let mut file = File::create(&path).unwrap();
        for _ in 0..repetitions {
            file.write_all(&part).unwrap();
        }
        if matches!(format, Format::TarOfBzip2 | Format::TarOfGzip) {
            file.write_all(&[0; 1024]).unwrap();
        }
        Self { path, format, text_bytes: text.len() * repetitions }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The entries of a tar, without its end.
fn minutes(text: &[u8], pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut rest = text;
    let mut builder = tar::Builder::new(Vec::new());
    while !rest.is_empty() {
        let enough = &rest[rest.len().min(MINUTE_BYTES) - 1..];
        let end = rest.len() - enough.len() + enough.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let packed = pack(&rest[..end]);
        let mut header = tar::Header::new_gnu();
        header.set_size(packed.len() as u64);
        builder.append_data(&mut header, "2018/10/01/00/00.json", &packed[..]).unwrap();
        rest = &rest[end..];
    }
    let mut tar = builder.into_inner().unwrap();
    tar.truncate(tar.len() - 1024);
    tar
}

fn statuses(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 8 * 1024);
    for number in 0.. {
        if text.len() >= bytes {
            break;
        }
        text.extend_from_slice(status(number).as_bytes());
        text.push(b'\n');
    }
    text
}

/// Numbers and words that follow from a seed, so that archives are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn words(&mut self, count: usize) -> String {
        let syllables = ["mo", "ka", "ri", "ど", "sel", "un", "🙂", "ta"];
        let word = |_| format!("{}{}", syllables[self.below(8) as usize], self.below(900));
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }
}

/// A status about as long, and about as easy to compress, as the recorded ones.
fn status(number: u64) -> String {
    let mut chance = Chance(number);
    let id = 1_046_000_000_000_000_000 + number * 4_194_304;
    serde_json::json!({
        "created_at": "Mon Oct 01 00:00:00 +0000 2018", "id": id, "id_str": id.to_string(), "text": chance.words(14),
        "source": "<a href=\"http://twitter.com/download/iphone\" rel=\"nofollow\">Twitter for iPhone</a>",
        "truncated": false, "in_reply_to_status_id": null, "in_reply_to_status_id_str": null,
        "in_reply_to_user_id": null, "in_reply_to_user_id_str": null, "in_reply_to_screen_name": null,
        "user": user(&mut chance),
        "geo": null, "coordinates": null, "place": null, "contributors": null, "is_quote_status": false,
        "quote_count": 0, "reply_count": 0, "retweet_count": 0, "favorite_count": 0,
        "entities": {"hashtags": [], "urls": [], "user_mentions": [], "symbols": []},
        "favorited": false, "retweeted": false, "filter_level": "low", "lang": "en",
        "timestamp_ms": (1_538_352_000_000 + number).to_string(),
    })
    .to_string()
}

fn user(chance: &mut Chance) -> serde_json::Value {
    let (id, image) = (chance.below(4_000_000_000), chance.below(1 << 31));
    let mut user = serde_json::json!({
        "id": id, "id_str": id.to_string(), "name": chance.words(2), "screen_name": format!("user_{id}"),
        "location": chance.words(2), "url": null, "description": chance.words(12), "translator_type": "none",
        "followers_count": chance.below(20_000), "friends_count": chance.below(5_000), "listed_count": chance.below(90),
        "favourites_count": chance.below(20_000), "statuses_count": chance.below(90_000),
        "created_at": "Wed Feb 29 19:42:02 +0000 2012", "lang": "en", "following": null,
        "profile_image_url": format!("http://pbs.twimg.com/profile_images/{image}/{id:x}_normal.jpg"),
        "profile_image_url_https": format!("https://pbs.twimg.com/profile_images/{image}/{id:x}_normal.jpg"),
        "profile_banner_url": format!("https://pbs.twimg.com/profile_banners/{id}/{image}"),
    });
    let usual = serde_json::json!({
        "protected": false, "verified": false, "utc_offset": null, "time_zone": null, "geo_enabled": false,
        "contributors_enabled": false, "is_translator": false, "profile_background_color": "C0DEED",
        "profile_background_image_url": "http://abs.twimg.com/images/themes/theme1/bg.png",
        "profile_background_image_url_https": "https://abs.twimg.com/images/themes/theme1/bg.png",
        "profile_background_tile": false, "profile_link_color": "1DA1F2", "profile_sidebar_border_color": "C0DEED",
        "profile_sidebar_fill_color": "DDEEF6", "profile_text_color": "333333", "profile_use_background_image": true,
        "default_profile": true, "default_profile_image": false, "follow_request_sent": null, "notifications": null,
    });
    user.as_object_mut().unwrap().extend(usual.as_object().unwrap().clone());
    user
}

//! Damaged and hostile archives: what is wrong is told with its place, and everything beside it is served.

use user_info_upstream::replay::{Pace, Replay};

use super::archives::{
    Files, Packing, append, block_on, config, message, messages, next_ready, pack, replay, tar, text,
};

const MIB: usize = 1024 * 1024;

#[test]
fn bad_lines_are_told_and_skipped() {
    let files = Files::new();
    let mut content = text(&messages(0..2));
    let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(MIB));
    for line in ["[1,2]\n", "\n", "{\"a\":\n", "12\n", "{} {}\n", "null\n", &long, "{\"a\":\"\t\"}\n"] {
        content.extend_from_slice(line.as_bytes());
    }
    content.extend_from_slice(b"{\"a\":\"\xff\"}\n");
    content.extend_from_slice(&text(&messages(2..3)));
    content.extend_from_slice(b"{\"cut");
    let replayed = replay(&[files.write("dir/a.json", &content)]);
    assert_eq!(replayed.messages, messages(0..3));
    assert_eq!(
        replayed.faults(&files.root()),
        [
            "dir/a.json, line 3: JSON, but not an object",
            "dir/a.json, line 5: not JSON: EOF while parsing a value at column 5",
            "dir/a.json, line 6: JSON, but not an object",
            "dir/a.json, line 7: not JSON: trailing characters at column 4",
            "dir/a.json, line 8: JSON, but not an object",
            "dir/a.json, line 9: longer than 1048576 bytes",
            "dir/a.json, line 10: not JSON: control character (\\u0000-\\u001F) found while parsing a string at column 6",
            "dir/a.json, line 11: not UTF-8",
            "dir/a.json, line 13: not JSON: EOF while parsing a string at column 5",
        ]
    );
    assert_eq!(replayed.progress.bad_lines(), 9);
    assert_eq!(replayed.progress.damages(), 0);
}

#[test]
fn a_line_may_have_a_mebibyte_and_no_byte_more() {
    let files = Files::new();
    let line = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    for end in ["\n", "\r\n", ""] {
        let exact = replay(&[files.write("a", (line(MIB) + end).as_bytes())]);
        assert_eq!(exact.messages, [line(MIB).into_bytes()], "{end:?}");
        let longer = replay(&[files.write("a", (line(MIB + 1) + end).as_bytes())]);
        assert_eq!((longer.messages.len(), longer.progress.bad_lines()), (0, 1), "{end:?}");
    }
}

#[test]
fn only_the_first_faults_are_kept_and_all_are_counted() {
    let files = Files::new();
    let replayed = replay(&[files.write("a", &b"?\n".repeat(5_000))]);
    assert_eq!(replayed.progress.bad_lines(), 5_000);
    assert_eq!(replayed.progress.first_faults().len(), 20);
    assert_eq!(replayed.progress.first_faults()[19].line, Some(20));
}

#[test]
fn a_line_without_end_is_one_fault() {
    let files = Files::new();
    let mut bomb = vec![b'x'; 64 * MIB];
    bomb.extend_from_slice(b"\n");
    bomb.extend_from_slice(&text(&messages(0..1)));
    for packing in Packing::ALL {
        let replayed = replay(&[files.write("bomb", &pack(packing, &bomb))]);
        assert_eq!(replayed.messages, messages(0..1));
        assert_eq!(replayed.faults(&files.root()), ["bomb, line 1: longer than 1048576 bytes"]);
    }
}

#[test]
fn a_file_that_breaks_off_is_served_up_to_there() {
    let content = text(&messages(0..5_000));
    for packing in Packing::ALL {
        let whole = pack(packing, &content);
        for part in 1..8 {
            let files = Files::new();
            files.write("a.json.x", &whole[..whole.len() * part / 8]);
            files.write("b.json", &text(&messages(7_000..7_003)));
            let replayed = replay(&[files.root()]);
            let (served, after) = replayed.messages.split_at(replayed.messages.len() - 3);
            assert_eq!(after, messages(7_000..7_003), "{packing:?} {part}");
            assert_eq!(served, messages(0..served.len()), "{packing:?} {part}");
            let faults = replayed.faults(&files.root());
            let place = format!("a.json.x, line {}: cannot be read on: ", served.len() + 1);
            assert!(faults.len() == 1 && faults[0].starts_with(&place), "{packing:?} {part}: {faults:?}");
            assert_eq!(replayed.progress.damages(), 1);
        }
    }
}

#[test]
fn a_damaged_entry_costs_no_other() {
    let files = Files::new();
    let content = text(&messages(0..1_000));
    let [good, mut bad] = [pack(Packing::Bzip2, &content), pack(Packing::Bzip2, &content)];
    bad.truncate(bad.len() / 2);
    let inner = tar([("x.bz2", &bad[..]), ("y.bz2", &good)]);
    let outer = tar([("1.bz2", &good[..]), ("2.bz2", &bad), ("3.tar", &inner), ("4.bz2", &good)]);
    let replayed = replay(&[files.write("o.tar.gz", &pack(Packing::Gzip, &outer))]);
    assert_eq!(replayed.messages, [(); 3].map(|()| messages(0..1_000)).concat());
    let faults = replayed.faults(&files.root());
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].starts_with("o.tar.gz/2.bz2, line 1: cannot be read on: "), "{faults:?}");
    assert!(faults[1].starts_with("o.tar.gz/3.tar/x.bz2, line 1: cannot be read on: "), "{faults:?}");
}

#[test]
fn a_tar_that_breaks_off_is_told_once_and_by_its_name() {
    let files = Files::new();
    let content = text(&messages(0..5_000));
    let whole = tar([("1.json", &content[..]), ("2.json", &content), ("3.json", &content)]);
    let cut = &whole[..whole.len() / 2];
    for (name, bytes) in [("a.tar", cut.to_vec()), ("a.tar.gz", pack(Packing::Gzip, cut))] {
        let replayed = replay(&[files.write(name, &bytes)]);
        let rest = replayed.messages.len() - 5_000;
        assert_eq!(replayed.messages[5_000..], messages(0..rest));
        let expected = format!("{name}/2.json, line {}: cannot be read on: {name}: it ends within an entry", rest + 1);
        assert_eq!(replayed.faults(&files.root()), [expected]);
    }
    let mut gzip = pack(Packing::Gzip, &whole);
    gzip.truncate(gzip.len() / 2);
    let replayed = replay(&[files.write("b.tar.gz", &gzip)]);
    let faults = replayed.faults(&files.root());
    assert!(faults.len() == 1 && faults[0].contains("cannot be read on: "), "{faults:?}");
    assert!(faults[0].contains("b.tar.gz: "), "{faults:?}");
}

#[test]
fn the_end_of_one_packing_is_not_trusted_to_be_that_of_all() {
    let files = Files::new();
    let trailed = [&pack(Packing::Gzip, &text(&messages(0..3)))[..], b"garbage after it"].concat();
    let replayed = replay(&[files.write("a.gz", &trailed)]);
    assert_eq!(replayed.messages, messages(0..3));
    assert_eq!(replayed.progress.damages(), 1);
}

#[test]
fn a_wrong_checksum_is_told_however_short_the_text() {
    for packing in Packing::ALL {
        for count in [1, 5_000] {
            let files = Files::new();
            let mut packed = pack(packing, &text(&messages(0..count)));
            // Each format ends with a checksum, gzip with the length.
            let at = packed.len() - 2;
            packed[at] ^= 0x10;
            let replayed = replay(&[files.write("a", &packed)]);
            assert_eq!(replayed.progress.damages(), 1, "{packing:?} {count}");
            assert_eq!(replayed.messages, messages(0..replayed.messages.len()), "{packing:?} {count}");
        }
    }
}

#[test]
fn a_damage_is_never_told_of_another_entry() {
    let files = Files::new();
    let mut zip = pack(Packing::Gzip, b"PK\x03\x04 and no more");
    zip.truncate(zip.len() - 9);
    let mut bad = pack(Packing::Bzip2, &text(&messages(0..100)));
    bad.truncate(bad.len() / 2);
    let good = text(&messages(0..1));
    let replayed = replay(&[files.write("a.tar", &tar([("zip", &zip[..]), ("bad", &bad), ("good", &good)]))]);
    assert_eq!(replayed.messages, messages(0..1));
    let faults = replayed.faults(&files.root());
    assert_eq!(faults[0], "a.tar/zip: packed as zip, which is not read here: unpack it first");
    assert!(faults[1].starts_with("a.tar/bad, line 1: cannot be read on: "), "{faults:?}");
    assert!(faults.len() == 2 && !faults[1].contains("zip"), "{faults:?}");
}

#[test]
fn entries_that_are_no_files_are_told_and_passed_over() {
    let files = Files::new();
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, tar::EntryType::Directory, "d/", b"");
    append(&mut builder, tar::EntryType::Symlink, "link", b"");
    append(&mut builder, tar::EntryType::Link, "hard", b"");
    append(&mut builder, tar::EntryType::Fifo, "fifo", b"");
    append(&mut builder, tar::EntryType::Block, "disk", &[b'x'; 1_000]);
    append(&mut builder, tar::EntryType::new(b'Z'), "odd\x1b[2J", &vec![b'x'; 3 * MIB]);
    append(&mut builder, tar::EntryType::Continuous, "good", &text(&messages(0..2)));
    let replayed = replay(&[files.write("a.tar", &builder.into_inner().unwrap())]);
    assert_eq!(replayed.messages, messages(0..2));
    assert_eq!(
        replayed.faults(&files.root()),
        [
            "a.tar/link: a link in a tar, which holds no messages",
            "a.tar/hard: a link in a tar, which holds no messages",
            "a.tar/fifo: an entry of another kind than a file in a tar, which holds no messages",
            "a.tar/disk: an entry of another kind than a file in a tar, which holds no messages",
            "a.tar/odd\\u{1b}[2J: an entry of another kind than a file in a tar, which holds no messages",
        ]
    );
}

#[test]
fn a_name_of_many_mebibytes_ends_its_tar_only() {
    let files = Files::new();
    for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
        let mut builder = tar::Builder::new(Vec::new());
        append(&mut builder, tar::EntryType::Regular, "good", &text(&messages(0..1)));
        append(&mut builder, kind, "././@LongLink", &vec![b'x'; 40 * MIB]);
        append(&mut builder, tar::EntryType::Regular, "never", &text(&messages(1..2)));
        files.write("a.tar.zst", &pack(Packing::Zstd, &builder.into_inner().unwrap()));
        files.write("b.json", &text(&messages(2..3)));
        let replayed = replay(&[files.root()]);
        assert_eq!(replayed.messages, [message(0), message(2)]);
        let expected = "a.tar.zst: cannot be read on: names and attributes of one entry are too long";
        assert_eq!(replayed.faults(&files.root()), [expected]);
    }
}

#[test]
fn packings_have_a_greatest_depth() {
    let files = Files::new();
    let mut content = text(&messages(0..1));
    for depth in 1..=9 {
        content = pack(Packing::ALL[depth % 3], &content);
        let replayed = replay(&[files.write("deep", &content)]);
        let told =
            if depth > 8 { vec!["deep: packed too often: at most 8 packings of one file are read"] } else { vec![] };
        assert_eq!(replayed.faults(&files.root()), told, "{depth}");
        assert_eq!(replayed.messages.len(), usize::from(depth <= 8), "{depth}");
    }
}

#[test]
fn a_packing_that_is_not_read_is_named() {
    let files = Files::new();
    files.write("a.xz", b"\xfd7zXZ\0\0\x04");
    files.write("b.zip", b"PK\x03\x04\x14\0");
    files.write("c.json", &text(&messages(0..1)));
    let replayed = replay(&[files.root()]);
    assert_eq!(replayed.messages, messages(0..1));
    let expected = ["a.xz: packed as xz", "b.zip: packed as zip"]
        .map(|beginning| format!("{beginning}, which is not read here: unpack it first"));
    assert_eq!(replayed.faults(&files.root()), expected);
}

#[test]
fn links_that_lead_back_or_nowhere_are_told() {
    let files = Files::new();
    files.write("d/b/good.json", &text(&messages(0..1)));
    std::os::unix::fs::symlink(files.path("d"), files.path("d/a-loop")).unwrap();
    std::os::unix::fs::symlink(files.path("missing"), files.path("d/c-nowhere")).unwrap();
    std::os::unix::fs::symlink(files.path("d/b"), files.path("d/e-elsewhere")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(files.path("d/d-socket")).unwrap();
    let replayed = replay(&[files.path("d")]);
    assert_eq!(replayed.messages, [message(0), message(0)], "a link elsewhere is followed");
    let faults = replayed.faults(&files.root());
    assert_eq!(faults[0], "d/a-loop: cannot be opened: a link that leads back to d");
    assert!(faults[1].starts_with("d/c-nowhere: cannot be opened: "), "{faults:?}");
    assert_eq!(faults[2], "d/d-socket: a pipe, a socket or a device, which holds no messages");
    assert_eq!(faults.len(), 3);
}

#[test]
fn a_file_that_is_gone_by_then_is_told() {
    let files = Files::new();
    let gone = files.write("gone", &text(&messages(0..1)));
    let mut replay = Replay::open(config(&[gone.clone(), files.write("there", b"{}")], Pace::FlatOut)).unwrap();
    std::fs::remove_file(gone).unwrap();
    assert_eq!(block_on(next_ready(&mut replay)), Some(b"{}".to_vec()));
    let faults = replay.progress().first_faults();
    assert!(faults.len() == 1 && &*faults[0].place == files.path("gone").to_str().unwrap(), "{faults:?}");
}

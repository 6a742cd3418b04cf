//! Every packing is recognised by what it is, not by what it is called.

use super::archives::{Files, Packing, append, message, messages, pack, replay, tar, text};

#[test]
fn every_packing_is_recognised_under_any_name() {
    let plain = text(&messages(0..50));
    let tarred = tar([("a", &plain[..])]);
    let mut contents = vec![plain.clone(), tarred.clone()];
    for packing in Packing::ALL {
        contents.extend([pack(packing, &plain), pack(packing, &tarred), tar([("a", &pack(packing, &plain)[..])])]);
    }
    for content in contents {
        for name in ["x.json", "x.jsonl", "x.gz", "x.bz2", "x.zst", "x.tar", "x"] {
            let files = Files::new();
            let replayed = replay(&[files.write(name, &content)]);
            assert_eq!(replayed.messages, messages(0..50), "{name} {:?}", &content[..8]);
            assert_eq!(replayed.faults(&files.root()), [""; 0]);
        }
    }
}

#[test]
fn members_and_streams_that_follow_each_other_are_one_text() {
    let plain = text(&messages(0..90));
    for packing in Packing::ALL {
        // The second cut lies within a line.
        let parts = [&plain[..1_000], &plain[1_000..1_001], &plain[1_001..]].map(|part| pack(packing, part));
        let files = Files::new();
        assert_eq!(replay(&[files.write("a", &parts.concat())]).messages, messages(0..90), "{packing:?}");
    }
}

#[test]
fn directories_are_read_in_the_order_of_names_and_tars_in_their_own() {
    let files = Files::new();
    let numbered = |number| text(&[message(number)]);
    files.write("2018/10/01/00/01.json", &numbered(1));
    files.write("2018/10/01/00/00.json.bz2", &pack(Packing::Bzip2, &numbered(0)));
    files.write("2018/10/01/01/00.json.gz", &pack(Packing::Gzip, &numbered(2)));
    files.write("2018/10/02.tar", &tar([("9", &numbered(3)[..]), ("1/0", &numbered(4)), ("1/", b"")]));
    files.write("2018/9.json", &numbered(5));
    std::fs::create_dir(files.path("2018/empty")).unwrap();
    let first = files.write("first", &numbered(9));
    let replayed = replay(&[first, files.path("2018")]);
    assert_eq!(replayed.messages, [vec![message(9)], messages(0..6)].concat());
    assert_eq!(replayed.faults(&files.root()), [""; 0]);
}

#[test]
fn bytes_are_those_of_the_line_whatever_ends_it() {
    let files = Files::new();
    let content = b" {\"a\" : \"\\ud800 \\/\" }\t\r\n\r\n\n  \n{\"id\":18446744073709551616,\"id\":\"\"}\n{\"a\":\"\x7f\"}\r\r\n{}";
    let replayed = replay(&[files.write("a", content)]);
    let expected: [&[u8]; 4] =
        [b" {\"a\" : \"\\ud800 \\/\" }\t", b"{\"id\":18446744073709551616,\"id\":\"\"}", b"{\"a\":\"\x7f\"}\r", b"{}"];
    assert_eq!(replayed.messages, expected);
    assert_eq!(replayed.progress.bad_lines(), 0);
}

#[test]
fn old_tars_and_long_names_are_read() {
    let files = Files::new();
    let content = text(&messages(0..3));
    let mut old = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_old();
    header.set_size(content.len() as u64);
    old.append_data(&mut header, "a", &content[..]).unwrap();
    let long = "d/".repeat(150) + "a";
    let mut attributes = tar::Builder::new(Vec::new());
    append(&mut attributes, tar::EntryType::XGlobalHeader, "pax_global_header", b"19 comment=archive\n");
    attributes.append_pax_extensions([("path", &b"b/c"[..])]).unwrap();
    append(&mut attributes, tar::EntryType::Regular, "a", &content);
    for tar in [old.into_inner().unwrap(), tar([(&long[..], &content[..])]), attributes.into_inner().unwrap()] {
        let replayed = replay(&[files.write("a.tar", &tar)]);
        assert_eq!(replayed.messages, messages(0..3));
        assert_eq!(replayed.faults(&files.root()), [""; 0]);
    }
}

#[test]
fn nothing_in_a_file_is_no_fault() {
    let files = Files::new();
    let mut contents = vec![Vec::new(), b"\n".to_vec(), tar([]), tar([("a", &b""[..])])];
    contents.extend(Packing::ALL.map(|packing| pack(packing, b"")));
    for (number, content) in contents.iter().enumerate() {
        files.write(&number.to_string(), content);
    }
    let replayed = replay(&[files.root()]);
    assert_eq!(replayed.messages, [[0; 0]; 0]);
    assert_eq!(replayed.faults(&files.root()), [""; 0]);
}

#[test]
fn progress_is_in_bytes_of_the_files() {
    let files = Files::new();
    let compressed = pack(Packing::Gzip, &text(&messages(0..10_000)));
    files.write("a", &compressed);
    files.write("b", &text(&messages(0..10)));
    let replayed = replay(&[files.root()]);
    let size = compressed.len() as u64 + text(&messages(0..10)).len() as u64;
    assert_eq!(replayed.progress.bytes_there(), size);
    assert_eq!(replayed.progress.bytes_read(), size);
    assert_eq!(replayed.progress.rounds(), 1);
}

//! Archives damaged anywhere, and bytes that are none: no panic, and every file after them is served.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::archives::{Files, Packing, messages, pack, replay, tar, text};

fn archive(kind: usize) -> Vec<u8> {
    let content = text(&messages(0..300));
    let gzip = pack(Packing::Gzip, &content);
    match kind {
        0..3 => pack(Packing::ALL[kind], &content),
        3 => tar([("a", &content[..]), ("b.gz", &gzip)]),
        4 => pack(Packing::Zstd, &tar([("a.gz", &gzip[..]), ("b", &content)])),
        _ => content,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_is_fatal_or_reaches_the_next_file(
        kind in 0_usize..6,
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let files = Files::new();
        let mut bytes = archive(kind);
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        files.write("a", &bytes);
        files.write("b", &text(&messages(900..902)));
        let replayed = replay(&[files.root()]);
        prop_assert!(replayed.messages.ends_with(&messages(900..902)));
        for message in &replayed.messages {
            prop_assert!(serde_json::from_slice::<Value>(message).is_ok_and(|value| value.is_object()));
            prop_assert!(!message.windows(2).any(|pair| pair == b"\r\n"));
        }
    }

    #[test]
    fn any_bytes_after_any_mark_are_survived(
        mark in prop::sample::select(vec![
            &b""[..], b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"BZh9", b"BZh11AY&SY", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18",
        ]),
        bytes in vec(any::<u8>(), 0..2_000),
        is_tar in any::<bool>(),
    ) {
        let files = Files::new();
        let mut content = [mark, &bytes[..]].concat();
        if is_tar && content.len() > 262 {
            content[257..262].copy_from_slice(b"ustar");
        }
        files.write("a", &content);
        files.write("b", &text(&messages(900..902)));
        prop_assert!(replay(&[files.root()]).messages.ends_with(&messages(900..902)));
    }
}

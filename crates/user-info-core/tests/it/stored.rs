//! The stored forms: frozen bytes, and nothing else is read.

use proptest::collection::vec;
use proptest::prelude::*;
use user_info_core::{Counts, InvalidStored, Stamp, StoredProfile, Timestamp};

use crate::generate::{self, FIRST_MILLIS, LAST_MILLIS, config};
use crate::samples::{bare_profile, profile};

const DAMAGED_PROFILE: InvalidStored = InvalidStored::Damaged { what: "profiles" };
const DAMAGED_COUNTS: InvalidStored = InvalidStored::Damaged { what: "counts" };

/// Offsets of the fields that have a fixed place.
const STATE: usize = 1;
const JOINED_AT: usize = 2;
const PRESENT: usize = 26;
const USERNAME_LENGTH: usize = 27;

fn full() -> StoredProfile {
    StoredProfile {
        profile: profile(),
        stamp: Stamp { timestamp_ms: 1_795_422_600_000, offset: 0x0102_0304_0506_0708 },
    }
}

fn bare() -> StoredProfile {
    StoredProfile { profile: bare_profile(), stamp: Stamp { timestamp_ms: -1, offset: 0 } }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|it| it.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

#[test]
fn a_stored_profile_keeps_its_bytes() {
    let mut bytes = from_hex("01 01 716f921e0a010000 40bb8607a2010000 0807060504030201 1f");
    bytes.extend(b"\x04\0\0\0jack\x0b\0\0\0Jack \"J\" \xce\xa9\x1a\0\0\0just setting up\nmy profile\0\0\0\0");
    bytes.extend(b"\x18\0\0\0https://example.com/jack\x19\0\0\0https://example.com/a.png");
    bytes.extend(b"\x19\0\0\0https://example.com/b.png");
    assert_eq!(full().encode().escape_ascii().to_string(), bytes.escape_ascii().to_string());
    assert_eq!(StoredProfile::decode(&bytes), Ok(full()));
}

#[test]
fn a_stored_profile_without_optional_texts_keeps_its_bytes() {
    let bytes = from_hex("01 02 716f921e0a010000 ffffffffffffffff 0000000000000000 00 04000000 6a61636b 00000000");
    assert_eq!(bare().encode().escape_ascii().to_string(), bytes.escape_ascii().to_string());
    assert_eq!(StoredProfile::decode(&bytes), Ok(bare()));
}

/// Each optional text has its own bit, and an empty one is not an absent one.
#[test]
fn each_optional_text_has_its_bit() {
    let texts = |bio, location, url, profile_image_url, background_image_url| {
        let profile =
            user_info_core::Profile { bio, location, url, profile_image_url, background_image_url, ..bare_profile() };
        StoredProfile { profile, ..bare() }
    };
    let some = || Some(String::new());
    let stored = [
        texts(some(), None, None, None, None),
        texts(None, some(), None, None, None),
        texts(None, None, some(), None, None),
        texts(None, None, None, some(), None),
        texts(None, None, None, None, some()),
    ];
    for (bit, stored) in stored.into_iter().enumerate() {
        assert_eq!(stored.encode()[PRESENT], 1 << bit);
        assert_eq!(StoredProfile::decode(&stored.encode()), Ok(stored));
    }
}

#[test]
fn stored_counts_keep_their_bytes() {
    let counts = Counts { tweets: 1, following: 0x0203, followers: u64::MAX, likes: 0, lists: 1 << 56 };
    let bytes = from_hex("01 0100000000000000 0302000000000000 ffffffffffffffff 0000000000000000 0000000000000001");
    assert_eq!(counts.encode()[..], bytes);
    assert_eq!(Counts::decode(&bytes), Ok(counts));
}

#[test]
fn other_versions_are_refused_by_name() {
    let (profile, counts) = (full().encode(), Counts::default().encode());
    for found in (0..=u8::MAX).filter(|version| *version != 1) {
        let profile = [&[found], &profile[1..]].concat();
        let expected = InvalidStored::Version { what: "profiles", found, known: 1 };
        assert_eq!(StoredProfile::decode(&profile), Err(expected));
        let expected = InvalidStored::Version { what: "counts", found, known: 1 };
        assert_eq!(Counts::decode(&[&[found], &counts[1..]].concat()), Err(expected));
        assert_eq!(Counts::decode(&[found]), Err(expected));
    }
    let newer = InvalidStored::Version { what: "counts", found: 2, known: 1 };
    assert_eq!(newer.to_string(), "stored counts have format version 2, this program reads 1");
    assert_eq!(DAMAGED_PROFILE.to_string(), "stored profiles are damaged: run `user-info rebuild`");
}

#[test]
fn too_few_and_too_many_bytes_are_damage() {
    for stored in [full(), bare()] {
        let bytes = stored.encode();
        for end in 0..bytes.len() {
            assert_eq!(StoredProfile::decode(&bytes[..end]), Err(DAMAGED_PROFILE), "cut at {end}");
        }
        assert_eq!(StoredProfile::decode(&[&bytes[..], b"\0"].concat()), Err(DAMAGED_PROFILE));
    }
    let bytes = Counts { tweets: 7, ..Counts::default() }.encode();
    for end in 0..bytes.len() {
        assert_eq!(Counts::decode(&bytes[..end]), Err(DAMAGED_COUNTS), "cut at {end}");
    }
    assert_eq!(Counts::decode(&[&bytes[..], b"\0"].concat()), Err(DAMAGED_COUNTS));
}

fn check_damaged(place: usize, bytes: &[u8]) {
    let mut damaged = full().encode();
    damaged[place..place + bytes.len()].copy_from_slice(bytes);
    assert_eq!(StoredProfile::decode(&damaged), Err(DAMAGED_PROFILE), "{bytes:?} at {place}");
}

#[test]
fn values_that_nothing_encodes_are_damage() {
    for state in [0, 4, 255] {
        check_damaged(STATE, &[state]);
    }
    for present in [0x20, 0x3f, 0x9f, 0xff] {
        check_damaged(PRESENT, &[present]);
    }
    for millis in [i64::MIN, FIRST_MILLIS - 1, LAST_MILLIS + 1, i64::MAX] {
        check_damaged(JOINED_AT, &millis.to_le_bytes());
    }
    check_damaged(USERNAME_LENGTH, &u32::MAX.to_le_bytes());
    check_damaged(USERNAME_LENGTH, &5_u32.to_le_bytes());
    check_damaged(USERNAME_LENGTH + 4, b"\xff");
}

#[test]
fn the_ends_of_time_are_stored() {
    for millis in [FIRST_MILLIS, LAST_MILLIS] {
        let mut stored = full();
        stored.profile.joined_at = Timestamp::from_millis(millis).unwrap();
        assert_eq!(StoredProfile::decode(&stored.encode()), Ok(stored));
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn profiles_read_back(stored in generate::stored_profile()) {
        prop_assert_eq!(StoredProfile::decode(&stored.encode()), Ok(stored));
    }

    #[test]
    fn counts_read_back(counts in generate::counts()) {
        prop_assert_eq!(Counts::decode(&counts.encode()), Ok(counts));
    }

    /// Any bytes are an error or exactly what the value read from them encodes to.
    #[test]
    fn only_what_was_encoded_is_read(mut bytes in vec(any::<u8>(), 0..80), versioned in any::<bool>()) {
        if let Some(version) = bytes.first_mut().filter(|_| versioned) {
            *version = 1;
        }
        if let Ok(stored) = StoredProfile::decode(&bytes) {
            prop_assert_eq!(&stored.encode(), &bytes);
        }
        if let Ok(counts) = Counts::decode(&bytes) {
            prop_assert_eq!(&counts.encode()[..], &bytes);
        }
    }

    #[test]
    fn damaged_profiles_are_no_others(
        stored in generate::stored_profile(),
        places in vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = stored.encode();
        for (place, byte) in places {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        if let Ok(stored) = StoredProfile::decode(&bytes) {
            prop_assert_eq!(stored.encode(), bytes);
        }
    }
}

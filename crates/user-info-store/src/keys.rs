//! The keys of the RocksDB store, one form per column family. Persisted: change none without a new format version.
//!
//! ```text
//! profiles    user                                            the bytes of the id
//! counts      user
//! members     relation u8 │ length u8 │ owner │ member        value empty: the key is the fact
//! usernames   length u16 │ folded name │ user                 value empty: a hint, see the store's `find`
//! positions   topic u8 │ partition u32
//! outbox      topic u8 │ partition u32 │ offset u64
//! tainted     topic u8 │ key                                  the bytes of the record's key, valid or not
//! meta        text
//! ```
//!
//! Integers are big-endian with the sign bit flipped where they are signed, so the order of bytes is the order of
//! numbers. Whatever is not last has a fixed length or its length before it, so no two keys share their bytes.
//!
//! A follow is **one** pair, though two counts move with it.
//!
//! Invariant: `parse(key(x)) == x`, and other bytes are an error, never a panic.

use user_info_core::{Id, Pair, Relation, Topic};

use crate::batch::{Origin, TaintedKey};
use crate::error::StoreError;

/// Under which key [`crate::rocks`] keeps the version of the format, an u32 in little-endian.
pub(crate) const META_FORMAT_VERSION: &[u8] = b"format_version";

/// Under which key it keeps the version of the decoder that began to fill the store, an u32 in little-endian.
pub(crate) const META_DECODER_VERSION: &[u8] = b"decoder_version";

/// Key of a user in `profiles` and `counts`.
pub(crate) fn user(user: &Id) -> &[u8] {
    user.as_str().as_bytes()
}

/// Reads a key of `profiles` or `counts`.
pub(crate) fn parse_user(key: &[u8]) -> Result<Id, StoreError> {
    parse_id(key).ok_or_else(|| damaged("profiles or counts"))
}

/// Key of a pair in `members`.
pub(crate) fn member(pair: &Pair) -> Vec<u8> {
    let (owner, member) = (pair.owner.as_str().as_bytes(), pair.member.as_str().as_bytes());
    let length = u8::try_from(owner.len()).expect("an id has at most 64 bytes");
    let mut key = Vec::with_capacity(2 + owner.len() + member.len());
    key.extend_from_slice(&[pair.relation.number(), length]);
    key.extend_from_slice(owner);
    key.extend_from_slice(member);
    key
}

/// Reads a key of `members`.
pub(crate) fn parse_member(key: &[u8]) -> Result<Pair, StoreError> {
    let parse = || {
        let (&[relation, length], ids) = key.split_first_chunk()?;
        let (owner, member) = ids.split_at_checked(usize::from(length))?;
        Some(Pair { relation: Relation::from_number(relation)?, owner: parse_id(owner)?, member: parse_id(member)? })
    };
    parse().ok_or_else(|| damaged("members"))
}

/// Key of a user in `usernames`. `folded` is the name without regard to case.
pub(crate) fn username(folded: &str, user: &Id) -> Vec<u8> {
    let mut key = username_prefix(folded).expect("a username has at most 256 bytes, folded a few times that");
    key.extend_from_slice(user.as_str().as_bytes());
    key
}

/// What the keys of all users of a name begin with; `None` for a text longer than any name.
pub(crate) fn username_prefix(folded: &str) -> Option<Vec<u8>> {
    username_beginning(folded.len(), folded)
}

/// What the keys of all users begin with whose names have this many bytes and begin so; `None` for more bytes than any name
/// has.
pub(crate) fn username_beginning(length: usize, beginning: &str) -> Option<Vec<u8>> {
    let length = u16::try_from(length).ok()?;
    let mut key = Vec::with_capacity(2 + beginning.len() + 64);
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(beginning.as_bytes());
    Some(key)
}

/// Reads the folded name in a key of `usernames`, and whom it points to.
pub(crate) fn parse_username(key: &[u8]) -> Result<(&str, Id), StoreError> {
    let parse = || {
        let (&length, rest) = key.split_first_chunk()?;
        let (folded, user) = rest.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
        Some((std::str::from_utf8(folded).ok()?, parse_id(user)?))
    };
    parse().ok_or_else(|| damaged("usernames"))
}

/// Reads whom a key of `usernames` points to.
pub(crate) fn parse_username_user(key: &[u8]) -> Result<Id, StoreError> {
    parse_username(key).map(|(_, user)| user)
}

/// Key of a partition in `positions`.
pub(crate) fn position(topic: Topic, partition: i32) -> [u8; 5] {
    let mut key = [topic.number(); 5];
    key[1..].copy_from_slice(&(partition ^ i32::MIN).to_be_bytes());
    key
}

/// Reads a key of `positions`.
pub(crate) fn parse_position(key: &[u8]) -> Result<(Topic, i32), StoreError> {
    let parse = || {
        let (&[topic], partition) = key.split_first_chunk()?;
        Some((Topic::from_number(topic)?, i32::from_be_bytes(partition.try_into().ok()?) ^ i32::MIN))
    };
    parse().ok_or_else(|| damaged("positions"))
}

/// Key of a dead letter in `outbox`.
pub(crate) fn letter(origin: &Origin) -> [u8; 13] {
    let mut key = [0; 13];
    key[..5].copy_from_slice(&position(origin.topic, origin.partition));
    key[5..].copy_from_slice(&(origin.offset ^ i64::MIN).to_be_bytes());
    key
}

/// Reads a key of `outbox`.
pub(crate) fn parse_letter(key: &[u8]) -> Result<Origin, StoreError> {
    let parse = || {
        let (position, offset) = key.split_at_checked(5)?;
        let (topic, partition) = parse_position(position).ok()?;
        Some(Origin { topic, partition, offset: i64::from_be_bytes(offset.try_into().ok()?) ^ i64::MIN })
    };
    parse().ok_or_else(|| damaged("outbox"))
}

/// Key of a tainted key in `tainted`.
pub(crate) fn tainted(tainted: &TaintedKey) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + tainted.key.len());
    key.push(tainted.topic.number());
    key.extend_from_slice(&tainted.key);
    key
}

/// Reads a key of `tainted`.
pub(crate) fn parse_tainted(key: &[u8]) -> Result<TaintedKey, StoreError> {
    let parse = || {
        let (&[topic], key) = key.split_first_chunk()?;
        Some(TaintedKey { topic: Topic::from_number(topic)?, key: key.to_vec() })
    };
    parse().ok_or_else(|| damaged("tainted"))
}

fn parse_id(bytes: &[u8]) -> Option<Id> {
    Id::new(std::str::from_utf8(bytes).ok()?).ok()
}

fn damaged(family: &str) -> StoreError {
    StoreError::damaged(format!("a key of {family} cannot be read"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids() -> impl Strategy<Value = Id> {
        let short = "[a-c0-1é]{1,3}";
        let long = "[a-z0-9:._-]{1,64}";
        prop_oneof![short, long].prop_map(|text: String| Id::new(&text).unwrap())
    }

    fn pairs() -> impl Strategy<Value = Pair> {
        let relations = proptest::sample::select(&Relation::ALL[..]);
        (relations, ids(), ids()).prop_map(|(relation, owner, member)| Pair { relation, owner, member })
    }

    fn origins() -> impl Strategy<Value = Origin> {
        (proptest::sample::select(&Topic::ALL[..]), any::<i32>(), any::<i64>())
            .prop_map(|(topic, partition, offset)| Origin { topic, partition, offset })
    }

    #[test]
    fn a_pair_has_this_form() {
        let pair = Pair { relation: Relation::Follows, owner: Id::new("ab").unwrap(), member: Id::new("c").unwrap() };
        assert_eq!(member(&pair), b"\x03\x02abc");
        assert_eq!(username("ann", &pair.owner), b"\x00\x03annab");
        assert_eq!(position(Topic::Users, 2), [1, 0x80, 0, 0, 2]);
        let origin = Origin { topic: Topic::Lists, partition: 1, offset: 258 };
        assert_eq!(letter(&origin), [5, 0x80, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(tainted(&TaintedKey { topic: Topic::Likes, key: b"x".to_vec() }), b"\x04x");
    }

    proptest! {
        #[test]
        fn users_round_trip_in_the_order_of_ids(one in ids(), other in ids()) {
            prop_assert_eq!(&parse_user(user(&one)).unwrap(), &one);
            prop_assert_eq!(user(&one).cmp(user(&other)), one.cmp(&other));
        }

        #[test]
        fn members_round_trip_grouped_by_relation_and_owner(one in pairs(), other in pairs()) {
            prop_assert_eq!(&parse_member(&member(&one)).unwrap(), &one);
            let order = |pair: &Pair| (pair.relation.number(), pair.owner.as_str().len(), pair.owner.clone(), pair.member.clone());
            prop_assert_eq!(member(&one).cmp(&member(&other)), order(&one).cmp(&order(&other)));
        }

        #[test]
        fn usernames_round_trip_and_share_a_prefix_only_when_equal(
            (one, other) in ("[a-c]{1,4}", "[a-c]{1,4}"),
            someone in ids(),
        ) {
            let key = username(&one, &someone);
            prop_assert_eq!(parse_username(&key).unwrap(), (one.as_str(), someone.clone()));
            prop_assert_eq!(&parse_username_user(&key).unwrap(), &someone);
            prop_assert_eq!(key.starts_with(&username_prefix(&other).unwrap()), one == other);
        }

        #[test]
        fn positions_and_letters_round_trip_in_the_order_of_the_log(one in origins(), other in origins()) {
            prop_assert_eq!(parse_letter(&letter(&one)).unwrap(), one);
            prop_assert_eq!(letter(&one).cmp(&letter(&other)), one.cmp(&other));
            let place = |origin: &Origin| (origin.topic, origin.partition);
            prop_assert_eq!(parse_position(&position(one.topic, one.partition)).unwrap(), place(&one));
            let key = |origin: &Origin| position(origin.topic, origin.partition);
            prop_assert_eq!(key(&one).cmp(&key(&other)), place(&one).cmp(&place(&other)));
        }

        #[test]
        fn tainted_keys_round_trip(topic in proptest::sample::select(&Topic::ALL[..]), key: Vec<u8>) {
            let one = TaintedKey { topic, key };
            prop_assert_eq!(parse_tainted(&tainted(&one)).unwrap(), one);
        }

        #[test]
        fn other_bytes_are_an_error_or_the_key_they_parse_to(bytes in proptest::collection::vec(0..8_u8, 0..20)) {
            if let Ok(pair) = parse_member(&bytes) {
                prop_assert_eq!(member(&pair), bytes.clone());
            }
            if let Ok(origin) = parse_letter(&bytes) {
                prop_assert_eq!(letter(&origin).to_vec(), bytes.clone());
            }
            if let Ok((topic, partition)) = parse_position(&bytes) {
                prop_assert_eq!(position(topic, partition).to_vec(), bytes.clone());
            }
            prop_assert!(parse_username_user(&bytes).is_err(), "ids have no control characters");
        }
    }

    #[test]
    fn a_name_longer_than_any_has_no_prefix() {
        assert!(username_prefix(&"x".repeat(70_000)).is_none());
    }
}

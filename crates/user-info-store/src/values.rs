//! The values of the RocksDB store that the core does not define: positions, dead letters, taints, versions.
//!
//! Every form opens with its version; a reader refuses versions it does not know. Integers are little-endian. A text or
//! bytes with a length have it as u32 before them; an optional one has a byte 0 or 1 before that.
//!
//! ```text
//! position      version u8 = 1 │ next_offset i64 │ partitions i32 │ reading_since_ms i64
//!               │ caught_up_at_ms optional i64 │ last_timestamp_ms optional i64 │ topic_id text
//! dead letter   version u8 = 1 │ timestamp_ms i64 │ value_bytes u64 │ value_sha256 [u8; 32] │ key optional bytes
//!               │ value optional bytes │ code text │ reason text
//! taint         version u8 = 1 │ topic u8 │ partition i32 │ offset i64 │ reason text
//! ```
//!
//! Invariant: `decode(encode(value)) == value`, and decoding any other bytes is an error, never a panic.

use user_info_core::{InvalidStored, Topic};

use crate::batch::{DeadLetter, Origin, Position, Taint, TaintedKey};

/// Version of everything stored: the column families, their keys and their values. Raise it with any change that an
/// older program would misread.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Version of each form in this module.
const VALUE_VERSION: u8 = 1;

pub(crate) fn encode_position(position: &Position) -> Vec<u8> {
    let mut writer = Writer(vec![VALUE_VERSION]);
    writer.put(&position.next_offset.to_le_bytes());
    writer.put(&position.partitions.to_le_bytes());
    writer.put(&position.reading_since_ms.to_le_bytes());
    writer.optional_number(position.caught_up_at_ms);
    writer.optional_number(position.last_timestamp_ms);
    writer.text(position.topic_id.as_bytes());
    writer.0
}

pub(crate) fn decode_position(topic: Topic, partition: i32, value: &[u8]) -> Result<Position, InvalidStored> {
    decode("positions", value, |reader| {
        Some(Position {
            topic,
            partition,
            next_offset: i64::from_le_bytes(reader.array()?),
            partitions: i32::from_le_bytes(reader.array()?),
            reading_since_ms: i64::from_le_bytes(reader.array()?),
            caught_up_at_ms: reader.optional(Reader::number)?,
            last_timestamp_ms: reader.optional(Reader::number)?,
            topic_id: reader.text()?,
        })
    })
}

pub(crate) fn encode_letter(letter: &DeadLetter) -> Vec<u8> {
    let mut writer = Writer(vec![VALUE_VERSION]);
    writer.put(&letter.timestamp_ms.to_le_bytes());
    writer.put(&letter.value_bytes.to_le_bytes());
    writer.put(&letter.value_sha256);
    writer.optional_bytes(letter.key.as_deref());
    writer.optional_bytes(letter.value.as_deref());
    writer.text(letter.code.as_bytes());
    writer.text(letter.reason.as_bytes());
    writer.0
}

pub(crate) fn decode_letter(origin: Origin, value: &[u8]) -> Result<DeadLetter, InvalidStored> {
    decode("dead letters", value, |reader| {
        Some(DeadLetter {
            origin,
            timestamp_ms: i64::from_le_bytes(reader.array()?),
            value_bytes: u64::from_le_bytes(reader.array()?),
            value_sha256: reader.array()?,
            key: reader.optional(Reader::bytes)?,
            value: reader.optional(Reader::bytes)?,
            code: reader.text()?,
            reason: reader.text()?,
        })
    })
}

pub(crate) fn encode_taint(taint: &Taint) -> Vec<u8> {
    let mut writer = Writer(vec![VALUE_VERSION, taint.origin.topic.number()]);
    writer.put(&taint.origin.partition.to_le_bytes());
    writer.put(&taint.origin.offset.to_le_bytes());
    writer.text(taint.reason.as_bytes());
    writer.0
}

pub(crate) fn decode_taint(key: TaintedKey, value: &[u8]) -> Result<Taint, InvalidStored> {
    decode("taints", value, |reader| {
        let [topic] = reader.array()?;
        let origin = Origin {
            topic: Topic::from_number(topic)?,
            partition: i32::from_le_bytes(reader.array()?),
            offset: i64::from_le_bytes(reader.array()?),
        };
        Some(Taint { key, origin, reason: reader.text()? })
    })
}

pub(crate) fn decode_version(value: &[u8]) -> Result<u32, InvalidStored> {
    value.try_into().map(u32::from_le_bytes).map_err(|_| InvalidStored::Damaged { what: "versions" })
}

fn decode<'value, T>(
    what: &'static str,
    value: &'value [u8],
    read: impl FnOnce(&mut Reader<'value>) -> Option<T>,
) -> Result<T, InvalidStored> {
    let mut reader = Reader(value);
    match reader.array() {
        Some([VALUE_VERSION]) => {}
        Some([found]) => return Err(InvalidStored::Version { what, found, known: VALUE_VERSION }),
        None => return Err(InvalidStored::Damaged { what }),
    }
    read(&mut reader).filter(|_| reader.0.is_empty()).ok_or(InvalidStored::Damaged { what })
}

struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("a record is bounded far below 4 GiB");
        self.put(&length.to_le_bytes());
        self.put(bytes);
    }

    fn optional_number(&mut self, number: Option<i64>) {
        self.0.push(u8::from(number.is_some()));
        number.into_iter().for_each(|number| self.put(&number.to_le_bytes()));
    }

    fn optional_bytes(&mut self, bytes: Option<&[u8]>) {
        self.0.push(u8::from(bytes.is_some()));
        bytes.into_iter().for_each(|bytes| self.text(bytes));
    }
}

struct Reader<'value>(&'value [u8]);

impl Reader<'_> {
    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (&taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(u32::from_le_bytes(self.array()?)).ok()?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    /// The outer `None` is damage, the inner one an absent value.
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.array()? {
            [0] => Some(None),
            [1] => read(self).map(Some),
            [_] => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: Origin = Origin { topic: Topic::Likes, partition: 3, offset: 77 };

    proptest! {
        #[test]
        fn positions_round_trip(next_offset: i64, partitions: i32, times: (i64, Option<i64>, Option<i64>), topic_id in ".*") {
            let (reading_since_ms, caught_up_at_ms, last_timestamp_ms) = times;
            let (topic, partition) = (ORIGIN.topic, ORIGIN.partition);
            let position = Position {
                topic,
                partition,
                next_offset,
                topic_id,
                partitions,
                reading_since_ms,
                caught_up_at_ms,
                last_timestamp_ms,
            };
            let value = encode_position(&position);
            prop_assert_eq!(decode_position(topic, partition, &value).unwrap(), position);
            prop_assert!(decode_position(topic, partition, &value[..value.len() - 1]).is_err());
        }

        #[test]
        fn letters_round_trip(
            numbers: (i64, u64),
            value_sha256: [u8; 32],
            contents: (Option<Vec<u8>>, Option<Vec<u8>>),
            (code, reason) in (".*", ".*"),
        ) {
            let ((timestamp_ms, value_bytes), (key, value)) = (numbers, contents);
            let letter = DeadLetter { origin: ORIGIN, timestamp_ms, key, value, value_bytes, value_sha256, code, reason };
            let bytes = encode_letter(&letter);
            prop_assert_eq!(decode_letter(ORIGIN, &bytes).unwrap(), letter);
            prop_assert!(decode_letter(ORIGIN, &bytes[..bytes.len() - 1]).is_err());
        }

        #[test]
        fn taints_round_trip(key: Vec<u8>, reason in ".*") {
            let taint = Taint { key: TaintedKey { topic: Topic::Users, key }, origin: ORIGIN, reason };
            let value = encode_taint(&taint);
            prop_assert_eq!(decode_taint(taint.key.clone(), &value).unwrap(), taint);
        }

        #[test]
        fn other_bytes_are_an_error_never_a_panic(version in 0..3_u8, rest: Vec<u8>) {
            let value: Vec<u8> = std::iter::once(version).chain(rest).collect();
            let position = decode_position(ORIGIN.topic, ORIGIN.partition, &value);
            if let Ok(position) = &position {
                prop_assert_eq!(encode_position(position), value.clone());
            }
            if version != VALUE_VERSION {
                let expected = InvalidStored::Version { what: "positions", found: version, known: VALUE_VERSION };
                prop_assert_eq!(position, Err(expected));
                prop_assert!(decode_letter(ORIGIN, &value).is_err());
            }
        }
    }
}

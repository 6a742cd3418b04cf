//! How a record is stored.
//!
//! ```text
//! timestamp ms i64 | key | value | number of headers u32 | name, value of each header
//! ```
//!
//! Numbers are big-endian. A key, a value or a name is its length in a u32 and its bytes; a null one has the length
//! `u32::MAX` and no bytes.

use crate::record::{Header, NewRecord};

const NULL: u32 = u32::MAX;

/// A stored record, without its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredRecord {
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<Header>,
}

/// Writes a record that is no larger than [`super::RECORD_BYTES_MAX`].
pub(super) fn encode(record: &NewRecord, timestamp_ms: i64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(record.bytes() + 20 + 8 * record.headers.len());
    bytes.extend(timestamp_ms.to_be_bytes());
    put(&mut bytes, record.key.as_deref());
    put(&mut bytes, record.value.as_deref());
    bytes.extend(length(record.headers.len()).to_be_bytes());
    for header in &record.headers {
        put(&mut bytes, Some(header.name.as_bytes()));
        put(&mut bytes, Some(&header.value));
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, content: Option<&[u8]>) {
    match content {
        None => bytes.extend(NULL.to_be_bytes()),
        Some(content) => {
            bytes.extend(length(content.len()).to_be_bytes());
            bytes.extend(content);
        }
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a record is smaller than its limit")
}

/// `None` for bytes that are no record.
pub(super) fn decode(mut bytes: &[u8]) -> Option<StoredRecord> {
    let rest = &mut bytes;
    let timestamp_ms = i64::from_be_bytes(*take_chunk(rest)?);
    let key = take(rest)?.map(<[u8]>::to_vec);
    let value = take(rest)?.map(<[u8]>::to_vec);
    let count = u32::from_be_bytes(*take_chunk(rest)?);
    let mut headers = Vec::new();
    for _ in 0..count {
        let name = std::str::from_utf8(take(rest)??).ok()?.to_owned();
        headers.push(Header { name, value: take(rest)??.to_vec() });
    }
    rest.is_empty().then_some(StoredRecord { timestamp_ms, key, value, headers })
}

/// Of a stored record its key, and whether it is a tombstone.
pub(super) fn decode_key(mut bytes: &[u8]) -> Option<(Option<&[u8]>, bool)> {
    let rest = &mut bytes;
    take_chunk::<8>(rest)?;
    let key = take(rest)?;
    Some((key, take(rest)?.is_none()))
}

fn take_chunk<'bytes, const N: usize>(rest: &mut &'bytes [u8]) -> Option<&'bytes [u8; N]> {
    let (chunk, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(chunk)
}

/// The outer `None` is for bytes that are too short, the inner one for null.
fn take<'bytes>(rest: &mut &'bytes [u8]) -> Option<Option<&'bytes [u8]>> {
    let length = u32::from_be_bytes(*take_chunk(rest)?);
    if length == NULL {
        return Some(None);
    }
    let (content, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = after;
    Some(Some(content))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use user_info_core::Topic;

    use super::*;

    fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..50)
    }

    fn any_header() -> impl Strategy<Value = Header> {
        (".{0,8}", any_bytes()).prop_map(|(name, value)| Header { name, value })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            timestamp_ms in any::<i64>(),
            key in prop::option::of(any_bytes()),
            value in prop::option::of(any_bytes()),
            headers in prop::collection::vec(any_header(), 0..4),
        ) {
            let record = NewRecord { key, value, headers, ..NewRecord::new(Topic::Users, "", None) };
            let bytes = encode(&record, timestamp_ms);
            prop_assert_eq!(decode_key(&bytes), Some((record.key.as_deref(), record.value.is_none())));
            let NewRecord { key, value, headers, .. } = record;
            prop_assert_eq!(decode(&bytes), Some(StoredRecord { timestamp_ms, key, value, headers }));
            for cut in 0..bytes.len() {
                prop_assert_eq!(decode(&bytes[..cut]), None);
            }
        }
    }
}

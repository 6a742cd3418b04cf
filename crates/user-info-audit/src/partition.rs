//! Which partition a key belongs to, from the published description of the hash: MurmurHash2 with 32 bits, seeded as
//! Kafka's Java client seeds it, its sign bit cleared, modulo the number of partitions.

use std::num::Wrapping;

/// Kafka's seed.
const SEED: u32 = 0x9747_b28c;

/// The hash's multiplier, `m` in its description.
const M: Wrapping<u32> = Wrapping(0x5bd1_e995);

/// The hash's shift, `r` in its description.
const R: usize = 24;

/// The partition, of `partitions`, that a record with `key` must stand in.
pub(crate) fn home(key: &[u8], partitions: i32) -> i32 {
    let cleared = murmur2(key) % (1 << 31);
    i32::try_from(i64::from(cleared) % i64::from(partitions)).expect("a remainder of division by an i32 is an i32")
}

fn murmur2(key: &[u8]) -> u32 {
    let byte = |at: usize| Wrapping(u32::from(key[at]));
    let length = u32::try_from(key.len()).expect("a record's key is far shorter than 4 GiB");
    let mut h = Wrapping(SEED ^ length);
    let mut at = 0;
    while key.len() - at >= 4 {
        let mut k = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
        k *= M;
        k ^= k >> R;
        k *= M;
        h *= M;
        h ^= k;
        at += 4;
    }
    let left = key.len() - at;
    if left >= 3 {
        h ^= byte(at + 2) << 16;
    }
    if left >= 2 {
        h ^= byte(at + 1) << 8;
    }
    if left >= 1 {
        h ^= byte(at);
        h *= M;
    }
    h ^= h >> 13;
    h *= M;
    h ^= h >> 15;
    h.0
}

#[cfg(test)]
mod tests {
    use super::murmur2;

    /// The values that Kafka's own unit tests expect.
    #[test]
    fn hashes_as_kafka_does() {
        let expected: [(&str, i32); 7] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
            ("", 275_646_681),
        ];
        for (text, hash) in expected {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text:?}");
        }
    }
}

//! Whether a line is a message, and when the message was sent.
//!
//! Invariant: every JSON object is one, whatever is in it; what is odd about its time only makes it have none.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use user_info_core::v1_date;

use crate::replay::fault::Fault;

/// The time that ids of statuses count from, in milliseconds since the Unix epoch: Twitter's, since November 2010.
const ID_EPOCH_MS: i64 = 1_288_834_974_657;
/// Bits of an id below its time.
const ID_SEQUENCE_BITS: u32 = 22;
/// Ids below were given out one by one, before ids had a time.
const TIMED_ID_MIN: u64 = 1 << 35;

/// Returns when a message was sent, in milliseconds since the Unix epoch if that can be told.
pub(super) fn check(line: &[u8]) -> Result<Option<i64>, Fault> {
    let line = std::str::from_utf8(line).map_err(|_| Fault::NotUtf8)?;
    match serde_json::from_str(line) {
        Ok(Envelope(times)) => Ok(times.sent()),
        Err(error) if error.is_data() => Err(Fault::NotAnObject),
        // The line within the archive is told elsewhere.
        Err(error) => Err(Fault::NotJson(error.to_string().replace(" at line 1 column ", " at column "))),
    }
}

/// The fields that tell the time, unread.
#[derive(Default)]
struct Times<'line> {
    timestamp_ms: Option<&'line RawValue>,
    created_at: Option<&'line RawValue>,
    id: Option<&'line RawValue>,
    /// Deletions say within when they were sent.
    delete: Option<&'line RawValue>,
}

impl Times<'_> {
    fn sent(&self) -> Option<i64> {
        let stated = self.timestamp_ms.and_then(|raw| unquoted(raw).parse().ok());
        stated.or_else(|| self.written()).or_else(|| self.deleted())
    }

    /// The date has seconds only; the id's milliseconds refine it where both agree.
    fn written(&self) -> Option<i64> {
        let id_time = self.id.and_then(|raw| time_of_id(unquoted(raw).parse().ok()?));
        let date = self.created_at.and_then(|raw| v1_date::parse(unquoted(raw)));
        match (date.map(|date| date.as_millis()), id_time) {
            (Some(date), Some(id_time)) if id_time.div_euclid(1_000) == date.div_euclid(1_000) => Some(id_time),
            (Some(date), _) => Some(date),
            (None, id_time) => id_time,
        }
    }

    fn deleted(&self) -> Option<i64> {
        let Envelope(within) = serde_json::from_str(self.delete?.get()).ok()?;
        within.timestamp_ms.and_then(|raw| unquoted(raw).parse().ok())
    }
}

fn time_of_id(id: u64) -> Option<i64> {
    (id >= TIMED_ID_MIN).then(|| i64::try_from(id >> ID_SEQUENCE_BITS).map_or(i64::MAX, |since| since + ID_EPOCH_MS))
}

/// A number or a text without escapes, as it is.
fn unquoted(raw: &RawValue) -> &str {
    raw.get().trim_matches('"')
}

/// An object of which only the times are looked at.
struct Envelope<'line>(Times<'line>);

impl<'line> Deserialize<'line> for Envelope<'line> {
    fn deserialize<D: Deserializer<'line>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'line> Visitor<'line> for EnvelopeVisitor {
    type Value = Envelope<'line>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'line>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut times = Times::default();
        while let Some(field) = map.next_key()? {
            match field {
                Field::TimestampMs => times.timestamp_ms = Some(map.next_value()?),
                Field::CreatedAt => times.created_at = Some(map.next_value()?),
                Field::Id => times.id = Some(map.next_value()?),
                Field::Delete => times.delete = Some(map.next_value()?),
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Envelope(times))
    }
}

#[derive(Clone, Copy)]
enum Field {
    TimestampMs,
    CreatedAt,
    Id,
    Delete,
    Other,
}

impl<'line> Deserialize<'line> for Field {
    fn deserialize<D: Deserializer<'line>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(FieldVisitor)
    }
}

struct FieldVisitor;

impl Visitor<'_> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Field, E> {
        Ok(match name {
            "timestamp_ms" => Field::TimestampMs,
            "created_at" => Field::CreatedAt,
            "id" => Field::Id,
            "delete" => Field::Delete,
            _ => Field::Other,
        })
    }
}

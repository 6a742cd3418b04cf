//! Reads single profiles back from the users topic: a fact carries all fields, so whoever changes the state of an account
//! needs the rest of its profile, and keeping them all would take gigabytes.

use std::time::{Duration, Instant};

use user_info_core::topic::partition_of;
use user_info_core::{Decoded, Fact, Profile, Topic, decode};
use user_info_log::{Log, LogError, Record, Start};

use crate::UpstreamError;
use crate::reader::Reader;
use crate::tweets::translator::ProfileWanted;

/// How long reading one profile may take. With an offset it takes milliseconds; a search reads one partition.
const FIND_MAX: Duration = Duration::from_secs(60);
/// How long one poll waits.
const WAIT: Duration = Duration::from_millis(100);

/// Finds profiles.
pub(super) struct Profiles {
    log: Log,
    partitions: i32,
    reader: Reader,
}

impl Profiles {
    pub(super) fn new(log: &Log) -> Result<Self, UpstreamError> {
        let topic = Topic::Users;
        let description = log.describe(topic)?.ok_or(UpstreamError::TopicMissing { topic })?;
        Ok(Self { log: log.clone(), partitions: description.partitions, reader: Reader::open(log, &[])? })
    }

    /// The profile that was published last, or at the given offset.
    pub(super) fn find(&mut self, wanted: &ProfileWanted) -> Result<Option<Profile>, UpstreamError> {
        let (topic, key) = (Topic::Users, wanted.user_id.as_str().as_bytes());
        let partition = partition_of(key, self.partitions);
        let offset = match wanted.offset {
            Some(offset) => offset,
            None => self.log.offsets(topic, partition)?.start,
        };
        self.reader.go_to(&[Start { topic, partition, offset }])?;
        let found = self.read(key, wanted.offset.is_some());
        self.reader.leave(topic)?;
        found
    }

    fn read(&mut self, key: &[u8], first_is_enough: bool) -> Result<Option<Profile>, UpstreamError> {
        let (began, mut last) = (Instant::now(), None);
        while began.elapsed() < FIND_MAX {
            self.reader.poll(WAIT, |record| {
                if record.key.as_deref() == Some(key) && !(first_is_enough && last.is_some()) {
                    last = Some(profile(&record));
                }
            })?;
            if self.reader.has_reached_end(Topic::Users) || (first_is_enough && last.is_some()) {
                return Ok(last.flatten());
            }
        }
        let (operation, reason) = ("read a profile back".to_owned(), format!("not done within {FIND_MAX:?}"));
        Err(LogError::Unavailable { operation, reason }.into())
    }
}

fn profile(record: &Record) -> Option<Profile> {
    match decode(record.topic, record.key.as_deref(), record.value.as_deref()) {
        Ok(Decoded::Fact(Fact::UserChanged { profile, .. })) => Some(profile),
        Ok(Decoded::Fact(_) | Decoded::Tombstone(_)) | Err(_) => None,
    }
}

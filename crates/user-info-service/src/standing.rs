//! May ingest of a topic go on from where the store stands? One pure judgement, made at start and again with every
//! report of the watch.
//!
//! Order within a key is what exactness rests on, and a tombstone that compaction dropped leaves no gap to see. So a
//! topic that was created anew, whose partition count changed, whose log does not reach our position, or from which we
//! were away longer than its tombstones are kept, is never resumed: ingest of it halts, says why and names the way out.

use std::fmt;

use user_info_core::Topic;
use user_info_log::{Offsets, TopicDescription};
use user_info_store::Position;

/// The part of the retention of tombstones that is kept in reserve: being away for longer than nine tenths of it is
/// being away too long, because reading up to the end takes time as well.
const RETENTION_RESERVE_DIVISOR: i64 = 10;

/// What the log says of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicReport {
    /// Which topic.
    pub topic: Topic,
    /// Its identity, partition count and settings.
    pub description: TopicDescription,
    /// Start and end of each partition, in order.
    pub offsets: Vec<Offsets>,
    /// When the log was asked, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Why ingest of a topic stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The topic was deleted, or deleted and created anew.
    CreatedAnew {
        /// The id whose records the store holds.
        stored: String,
        /// The id that the log reports.
        found: String,
    },
    /// The topic does not exist any more.
    Gone,
    /// The number of partitions changed.
    PartitionsChanged {
        /// The count that the store knows.
        stored: i32,
        /// The count that the log reports.
        found: i32,
    },
    /// The log does not reach the position: records below it were deleted, or records above were lost.
    OutsideLog {
        /// Which partition.
        partition: i32,
        /// The position.
        position: i64,
        /// What the log holds, in words.
        log: String,
    },
    /// The partition was last complete too long ago: tombstones may have vanished unseen.
    AwayTooLong {
        /// Which partition.
        partition: i32,
        /// For how long, in milliseconds.
        away_ms: i64,
        /// For how long tombstones are kept, in milliseconds.
        retention_ms: i64,
    },
    /// Too many bad records in a row.
    BadRecords {
        /// How many.
        in_a_row: u64,
        /// What was wrong with the last one.
        last: String,
    },
}

impl Halt {
    /// A stable word for scripts and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CreatedAnew { .. } => "created-anew",
            Self::Gone => "gone",
            Self::PartitionsChanged { .. } => "partitions-changed",
            Self::OutsideLog { .. } => "outside-log",
            Self::AwayTooLong { .. } => "away-too-long",
            Self::BadRecords { .. } => "bad-records",
        }
    }

    /// What an operator can do.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::CreatedAnew { .. } | Self::OutsideLog { .. } | Self::AwayTooLong { .. } => {
                "run `user-info rebuild` with the same --log and --store, then restart this server"
            }
            Self::Gone => "create the topic and publish its facts again, then run `user-info rebuild` and restart",
            Self::PartitionsChanged { .. } => {
                "publish the facts to a new topic with the wanted number of partitions, point --topic-name at it, then run \
                 `user-info rebuild` and restart"
            }
            Self::BadRecords { .. } => {
                "mend the producer (or this program's decoder) and restart; if good facts were lost, have them published \
                 again or run `user-info rebuild`"
            }
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreatedAnew { stored, found } => {
                write!(formatter, "the topic was deleted and created anew (id {stored} became {found})")
            }
            Self::Gone => write!(formatter, "the topic is gone"),
            Self::PartitionsChanged { stored, found } => {
                write!(formatter, "the topic has {found} partitions, it had {stored}: keys moved, their order is lost")
            }
            Self::OutsideLog { partition, position, log } => {
                write!(formatter, "partition {partition}: position {position} is outside the log ({log})")
            }
            Self::AwayTooLong { partition, away_ms, retention_ms } => write!(
                formatter,
                "partition {partition} was last complete {away_ms} ms ago, tombstones are kept for {retention_ms} ms: \
                 some may have vanished unseen"
            ),
            Self::BadRecords { in_a_row, last } => {
                write!(formatter, "{in_a_row} bad records in a row, the last one: {last}")
            }
        }
    }
}

/// Judges whether `positions`, those of one topic, may be resumed or kept up, given what the log reports.
pub fn judge(positions: &[Position], report: &TopicReport) -> Result<(), Halt> {
    let Some(first) = positions.first() else {
        return Ok(());
    };
    let TopicDescription { id, partitions, settings } = &report.description;
    if first.topic_id != id.0 {
        return Err(Halt::CreatedAnew { stored: first.topic_id.clone(), found: id.0.clone() });
    }
    if first.partitions != *partitions {
        return Err(Halt::PartitionsChanged { stored: first.partitions, found: *partitions });
    }
    for position in positions {
        judge_retention(position, settings.delete_retention_ms, report.at_ms)?;
        judge_start(position, report)?;
    }
    Ok(())
}

/// Judges, before ingest has moved since the report, whether a position lies beyond the log's end.
pub fn judge_end(positions: &[Position], report: &TopicReport) -> Result<(), Halt> {
    for position in positions {
        let offsets = offsets_of(position, report);
        if position.next_offset > offsets.end {
            return Err(outside(position, offsets));
        }
    }
    Ok(())
}

fn judge_start(position: &Position, report: &TopicReport) -> Result<(), Halt> {
    let offsets = offsets_of(position, report);
    if position.next_offset < offsets.start { Err(outside(position, offsets)) } else { Ok(()) }
}

fn offsets_of(position: &Position, report: &TopicReport) -> Offsets {
    let index = usize::try_from(position.partition).expect("partitions are numbered from 0");
    report.offsets[index]
}

fn outside(position: &Position, offsets: Offsets) -> Halt {
    Halt::OutsideLog {
        partition: position.partition,
        position: position.next_offset,
        log: format!("it holds {} to {}", offsets.start, offsets.end),
    }
}

fn judge_retention(position: &Position, retention_ms: i64, now_ms: i64) -> Result<(), Halt> {
    let complete_at_ms = position.caught_up_at_ms.unwrap_or(position.reading_since_ms);
    let away_ms = now_ms - complete_at_ms;
    if away_ms <= retention_ms - retention_ms / RETENTION_RESERVE_DIVISOR {
        return Ok(());
    }
    Err(Halt::AwayTooLong { partition: position.partition, away_ms, retention_ms })
}

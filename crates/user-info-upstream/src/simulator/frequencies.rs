//! How often everything happens in the simulated world.
//!
//! Frequencies count per 100,000 new statuses. The world's calendar counts statuses too, not seconds: one of its days is
//! over when [`STATUSES_PER_USER_AND_DAY`] statuses per user were sent, however fast. So what is stated here per status
//! is also so much per user and day, and a stream that sends a thousand statuses a second gets to see what a real one
//! shows in weeks.

/// What the frequencies below are relative to.
pub const PER: u32 = 100_000;

/// How much a user writes on an average day: 500 million statuses a day of 330 million users, rounded.
pub const STATUSES_PER_USER_AND_DAY: u64 = 2;

/// Statuses that repeat another one.
pub const RETWEET: u32 = 20_000;
/// Statuses that answer another one.
pub const REPLY: u32 = 20_000;
/// Statuses that quote another one.
pub const QUOTE: u32 = 8_000;
/// Statuses, other than retweets, with more than 140 characters, which are sent cut with the whole in `extended_tweet`.
pub const LONG: u32 = 12_000;
/// Words that are a hashtag, of the words of statuses.
pub const HASHTAG: u32 = 4_000;
/// Words that mention somebody.
pub const MENTION: u32 = 2_000;
/// Words that are a link.
pub const LINK: u32 = 2_000;
/// Statuses with a position, of those of users who allow it.
pub const POSITION: u32 = 10_000;

/// Deletions of a status that was sent.
pub const DELETION: u32 = 4_000;
/// Deletions that are sent before their status.
pub const DELETION_BEFORE_STATUS: u32 = 200;
/// Users who take back the positions of their statuses.
pub const SCRUB_GEO: u32 = 100;
/// Statuses that are withheld in some countries.
pub const STATUS_WITHHELD: u32 = 100;
/// Users who are withheld in some countries.
pub const USER_WITHHELD: u32 = 50;

/// Users who are suspended; as many come back.
pub const USER_SUSPEND: u32 = 100;
/// Users who deactivate their account.
pub const USER_DELETE: u32 = 100;
/// Of a hundred users who deactivate their account, so many come back; the others are deleted when the time for it is
/// over.
pub const RETURNING_PERCENT: u32 = 60;
/// Edits of a profile: 0.04 per user and day.
pub const EDIT: u32 = 2_000;
/// Of a hundred edits, so many change the screen name: 1.5 per user and year.
pub const RENAME_PERCENT: u32 = 10;

/// Messages that come a second time, byte by byte.
pub const REPETITION: u32 = 1_000;
/// Statuses whose author has -1 or null for every count.
pub const COUNTS_UNKNOWN: u32 = 1_000;
/// Statuses with a line feed inside the message.
pub const BARE_LINE_FEED: u32 = 5_000;

/// Statuses that the server of the stream leaves out, so that a `limit` tells of them, at most once a second.
pub const LEFT_OUT: u32 = 100;
/// The message of a connection after which its reader, if it wants to be warned, falls behind and gets a `warning`: five
/// minutes at 200 a second.
pub const CONGESTION_AFTER: u64 = 60_000;
/// The message of a connection after which the server ends it with a `disconnect`: about twenty minutes at 200 a second.
pub const SHED_LOAD_AFTER: u64 = 250_000;

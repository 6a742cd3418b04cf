//! What somebody wrote, and what others made of it.

use std::sync::Arc;

use user_info_core::Timestamp;

use crate::simulator::graph::User;
use crate::simulator::text::Text;

/// One text of one author. It does not change any more, except that its position can be taken back.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) id: u64,
    pub(super) author: User,
    pub(super) created_at: Timestamp,
    pub(super) language: &'static str,
    pub(super) text: Text,
    /// What is shown of a text that is too long.
    pub(super) cut: Option<Text>,
    pub(super) reply_to: Option<ReplyTo>,
    pub(super) quoted_id: Option<u64>,
    pub(super) position: Option<Position>,
}

/// The status that is answered.
#[derive(Clone, Debug)]
pub(super) struct ReplyTo {
    pub(super) status_id: u64,
    pub(super) user: User,
    pub(super) screen_name: String,
}

/// A place on earth, in degrees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

/// How often others reacted to a status, as far as the world remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reactions {
    pub(super) retweets: u32,
    pub(super) quotes: u32,
    pub(super) replies: u32,
}

/// A status that was sent, with the whole of what it refers to. A quote within a quote is not kept, as Twitter does not
/// send it; so no chain of them grows.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) post: Arc<Post>,
    pub(super) refers_to: Reference,
    pub(super) reactions: Reactions,
}

/// The other status in a status, and the reactions to it by then.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    None,
    Quoted(Arc<Post>, Reactions),
    Retweeted(Arc<Post>, Reactions),
}

impl Sent {
    /// Whether others can answer, repeat or quote it: Twitter takes them to the original of a retweet instead.
    pub(super) fn is_original(&self) -> bool {
        !matches!(self.refers_to, Reference::Retweeted(..))
    }
}

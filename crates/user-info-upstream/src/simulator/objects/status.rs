//! The status object, with what it repeats, quotes or answers.

use serde::Serialize;
use user_info_core::v1_date;

use super::entities::{Entities, display_url};
use super::{InWords, Null, UserObject};
use crate::simulator::draw::{mixed, pick};
use crate::simulator::population::user_id;
use crate::simulator::post::{Position, Post, Reactions};
use crate::simulator::text::Meaning;

#[derive(Serialize)]
pub(in crate::simulator) struct StatusObject<'post> {
    created_at: String,
    id: u64,
    id_str: InWords<u64>,
    text: &'post str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_text_range: Option<[usize; 2]>,
    source: &'static str,
    truncated: bool,
    in_reply_to_status_id: Option<u64>,
    in_reply_to_status_id_str: Option<InWords<u64>>,
    in_reply_to_user_id: Option<u64>,
    in_reply_to_user_id_str: Option<InWords<u64>>,
    in_reply_to_screen_name: Option<&'post str>,
    user: UserObject<'post>,
    geo: Option<Point>,
    coordinates: Option<Point>,
    place: Null,
    contributors: Null,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweeted_status: Option<Box<Self>>,
    is_quote_status: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted_status_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted_status_id_str: Option<InWords<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted_status: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quoted_status_permalink: Option<Permalink<'post>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_tweet: Option<ExtendedTweet<'post>>,
    quote_count: u32,
    reply_count: u32,
    retweet_count: u32,
    favorite_count: u32,
    entities: Entities<'post>,
    favorited: bool,
    retweeted: bool,
    filter_level: &'static str,
    lang: &'static str,
    timestamp_ms: InWords<i64>,
}

/// A place on earth. `geo` has the latitude first, `coordinates` the longitude.
#[derive(Serialize)]
struct Point {
    r#type: &'static str,
    coordinates: [f64; 2],
}

#[derive(Serialize)]
struct Permalink<'post> {
    url: &'post str,
    expanded: &'post str,
    display: String,
}

/// The whole of a text that was cut.
#[derive(Serialize)]
struct ExtendedTweet<'post> {
    full_text: &'post str,
    display_text_range: [usize; 2],
    entities: Entities<'post>,
}

const SOURCES: [&str; 4] = [
    r#"<a href="https://stream.example/" rel="nofollow">Simulator</a>"#,
    r#"<a href="https://stream.example/phone" rel="nofollow">Simulator for Phones</a>"#,
    r#"<a href="https://stream.example/phone" rel="nofollow">Simulator for Phones</a>"#,
    r#"<a href="https://deck.example/?a=1&amp;b=2" rel="nofollow">Deck &amp; Co</a>"#,
];

impl<'post> StatusObject<'post> {
    pub(in crate::simulator) fn new(post: &'post Post, user: UserObject<'post>, reactions: Reactions) -> Self {
        let reply_to = post.reply_to.as_ref();
        let (status_id, user_id) = (reply_to.map(|to| to.status_id), reply_to.map(|to| user_id(to.user)));
        let shown = post.cut.as_ref().unwrap_or(&post.text);
        let is_cut = post.cut.is_some();
        Self {
            created_at: v1_date::format(post.created_at),
            id: post.id,
            id_str: InWords(post.id),
            text: &shown.text,
            display_text_range: is_cut.then_some([0, shown.length]),
            source: pick(&SOURCES, mixed(u64::from(post.author))),
            truncated: is_cut,
            in_reply_to_status_id: status_id,
            in_reply_to_status_id_str: status_id.map(InWords),
            in_reply_to_user_id: user_id,
            in_reply_to_user_id_str: user_id.map(InWords),
            in_reply_to_screen_name: reply_to.map(|to| to.screen_name.as_str()),
            user,
            geo: post.position.map(|Position { latitude, longitude }| Point::new([latitude, longitude])),
            coordinates: post.position.map(|Position { latitude, longitude }| Point::new([longitude, latitude])),
            place: (),
            contributors: (),
            retweeted_status: None,
            is_quote_status: post.quoted_id.is_some(),
            quoted_status_id: post.quoted_id,
            quoted_status_id_str: post.quoted_id.map(InWords),
            quoted_status: None,
            quoted_status_permalink: None,
            extended_tweet: is_cut.then(|| ExtendedTweet::new(post)),
            quote_count: reactions.quotes,
            reply_count: reactions.replies,
            retweet_count: reactions.retweets,
            favorite_count: reactions.retweets * 3,
            entities: Entities(&shown.entities),
            favorited: false,
            retweeted: false,
            filter_level: "low",
            lang: post.language,
            timestamp_ms: InWords(post.created_at.as_millis()),
        }
    }

    /// The same status, which repeats another one.
    pub(in crate::simulator) fn retweeting(mut self, original: Self) -> Self {
        self.retweeted_status = Some(Box::new(original));
        self
    }

    /// The same status, which ends with a link to the one that it quotes.
    pub(in crate::simulator) fn quoting(mut self, post: &'post Post, quoted: Self) -> Self {
        self.quoted_status_permalink = post.text.entities.last().and_then(|entity| match &entity.meaning {
            Meaning::Link { url, expanded_url: expanded } => {
                Some(Permalink { url, expanded, display: display_url(expanded) })
            }
            Meaning::Hashtag(_) | Meaning::Mention { .. } => None,
        });
        self.quoted_status = Some(Box::new(quoted));
        self
    }
}

impl Point {
    fn new(coordinates: [f64; 2]) -> Self {
        Self { r#type: "Point", coordinates }
    }
}

impl<'post> ExtendedTweet<'post> {
    /// What is shown of an answer begins after the name of whom it answers.
    fn new(post: &'post Post) -> Self {
        let first_end = post.text.entities.first().map_or(0, |entity| entity.end + 1);
        let start = if post.reply_to.is_some() { first_end } else { 0 };
        Self {
            full_text: &post.text.text,
            display_text_range: [start, post.text.length],
            entities: Entities(&post.text.entities),
        }
    }
}

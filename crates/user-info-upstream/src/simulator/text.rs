//! Texts of statuses, and what in them is more than text.
//!
//! Invariant: places of entities count code points of the text as it is sent, `&amp;` being five of them, as Twitter's do.

use crate::simulator::graph::User;

/// A text with its entities, in the order in which they stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    /// In code points.
    pub(super) length: usize,
    pub(super) entities: Vec<Entity>,
}

/// A part of a text that means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    /// Code points before it.
    pub(super) start: usize,
    /// Code points before what follows it.
    pub(super) end: usize,
    pub(super) meaning: Meaning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Hashtag(&'static str),
    /// Who is mentioned, with the names of that moment.
    Mention {
        user: User,
        screen_name: String,
        name: String,
    },
    /// The short address stands in the text, the long one is where it leads.
    Link {
        url: String,
        expanded_url: String,
    },
}

/// Most code points of a text that is sent whole. A status with more is cut.
pub(super) const WHOLE_TEXT_MAX: usize = 140;
/// Code points of a short address, with the space before it and the ellipsis before that.
const LINK_AND_ELLIPSIS: usize = 25;

impl Text {
    /// An empty text with room for as much as most have, in bytes.
    pub(super) fn with_room() -> Self {
        Self { text: String::with_capacity(256), ..Self::default() }
    }

    pub(super) fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.length += piece.chars().count();
    }

    pub(super) fn push_hashtag(&mut self, hashtag: &'static str) {
        let start = self.length;
        self.push("#");
        self.push(hashtag);
        self.mark(start, Meaning::Hashtag(hashtag));
    }

    pub(super) fn push_mention(&mut self, user: User, screen_name: String, name: String) {
        let start = self.length;
        self.push("@");
        self.push(&screen_name);
        self.mark(start, Meaning::Mention { user, screen_name, name });
    }

    /// Adds the short form of an address, which `draw` decides.
    pub(super) fn push_link(&mut self, draw: u64, expanded_url: String) {
        let start = self.length;
        let url = short_url(draw);
        self.push(&url);
        self.mark(start, Meaning::Link { url, expanded_url });
    }

    /// Adds as much of another text as fits into a text that is sent whole, with an ellipsis if that is not all of it.
    pub(super) fn push_as_fits(&mut self, other: &Self) {
        let (before, room) = (self.length, WHOLE_TEXT_MAX.saturating_sub(self.length));
        let (kept, ending) = if other.length <= room { (other.length, "") } else { (room.saturating_sub(1), "…") };
        self.push(prefix(&other.text, kept));
        self.push(ending);
        let fitting = other.entities.iter().filter(|entity| entity.end <= kept).cloned();
        self.entities.extend(fitting.map(|entity| Entity {
            start: before + entity.start,
            end: before + entity.end,
            ..entity
        }));
    }

    /// The text as it stands in a status that has no room for all of it: its beginning and where to read the rest.
    pub(super) fn cut(&self, draw: u64, expanded_url: String) -> Self {
        let kept = WHOLE_TEXT_MAX - LINK_AND_ELLIPSIS;
        let mut cut = Self::default();
        cut.push(prefix(&self.text, kept));
        cut.entities.extend(self.entities.iter().filter(|entity| entity.end <= kept).cloned());
        cut.push("… ");
        cut.push_link(draw, expanded_url);
        cut
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.length > WHOLE_TEXT_MAX
    }

    fn mark(&mut self, start: usize, meaning: Meaning) {
        self.entities.push(Entity { start, end: self.length, meaning });
    }
}

/// At most so many code points of the text from its beginning; `&amp;` and the like stay whole.
fn prefix(text: &str, length: usize) -> &str {
    let prefix = text.char_indices().nth(length).map_or(text, |(end, _)| &text[..end]);
    match prefix.rfind('&') {
        Some(start) if !prefix[start..].contains(';') => &prefix[..start],
        Some(_) | None => prefix,
    }
}

/// A short address of 23 characters, as long as Twitter's.
fn short_url(draw: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut url = String::from("https://t.example/");
    let mut rest = draw;
    for _ in 0..5 {
        url.push(char::from(DIGITS[(rest % 62) as usize]));
        rest /= 62;
    }
    url
}

//! How a status comes about: on its own, or as a reaction to another one.

use std::sync::Arc;

use rand::{Rng, RngExt};
use user_info_core::Timestamp;

use crate::simulator::frequencies::{PER, POSITION, QUOTE, REPLY, RETWEET};
use crate::simulator::graph::User;
use crate::simulator::population::Population;
use crate::simulator::post::{Position, Post, Reactions, Reference, ReplyTo, Sent};
use crate::simulator::text::Text;
use crate::simulator::writing;

/// What an author can do with somebody else's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    Retweet,
    Reply,
    Quote,
}

impl Reaction {
    /// What the author of the next status does, if anything.
    pub(super) fn draw(rng: &mut impl Rng) -> Option<Self> {
        match rng.random_range(0..PER) {
            0..RETWEET => Some(Self::Retweet),
            draw if draw < RETWEET + REPLY => Some(Self::Reply),
            draw if draw < RETWEET + REPLY + QUOTE => Some(Self::Quote),
            _ => None,
        }
    }
}

/// A status to which somebody reacts.
pub(super) struct Reacted {
    pub(super) how: Reaction,
    pub(super) post: Arc<Post>,
    pub(super) reactions: Reactions,
}

/// A new status.
pub(super) struct NewPost {
    pub(super) id: u64,
    pub(super) author: User,
    pub(super) created_at: Timestamp,
}

impl NewPost {
    /// The status, with what the author says.
    pub(super) fn compose(self, reacted: Option<Reacted>, population: &Population, rng: &mut impl Rng) -> Sent {
        let mut post = self.blank(population, rng);
        let refers_to = match reacted {
            None => {
                writing::write(&mut post.text, post.author, population, rng);
                Reference::None
            }
            Some(Reacted { how: Reaction::Retweet, post: original, reactions }) => {
                post.repeat(&original, population);
                Reference::Retweeted(original, reactions)
            }
            Some(Reacted { how: Reaction::Reply, post: answered, .. }) => {
                post.answer(&answered, population);
                writing::write(&mut post.text, post.author, population, rng);
                Reference::None
            }
            Some(Reacted { how: Reaction::Quote, post: quoted, reactions }) => {
                writing::write(&mut post.text, post.author, population, rng);
                post.quote(&quoted, population, rng.next_u64());
                Reference::Quoted(quoted, reactions)
            }
        };
        post.cut_if_long(rng.next_u64());
        Sent { post: Arc::new(post), refers_to, reactions: Reactions::default() }
    }

    fn blank(self, population: &Population, rng: &mut impl Rng) -> Post {
        let Self { id, author, created_at } = self;
        let region = population.graph().region(author);
        let has_position = population.is_geo_enabled(author) && rng.random_ratio(POSITION, PER);
        let (latitude, longitude) = region.middle;
        let position = has_position.then(|| Position {
            latitude: latitude + f64::from(rng.random_range(-1_000..1_000_i32)) / 1_000.0,
            longitude: longitude + f64::from(rng.random_range(-1_000..1_000_i32)) / 1_000.0,
        });
        let language = region.vocabulary.language;
        let (text, cut, reply_to, quoted_id) = (Text::with_room(), None, None, None);
        Post { id, author, created_at, language, text, cut, reply_to, quoted_id, position }
    }
}

impl Post {
    fn repeat(&mut self, original: &Self, population: &Population) {
        self.text.push("RT ");
        writing::mention(&mut self.text, original.author, population);
        self.text.push(": ");
        self.text.push_as_fits(&original.text);
        self.language = original.language;
        self.quoted_id = original.quoted_id;
        self.position = None;
    }

    fn answer(&mut self, answered: &Self, population: &Population) {
        let (user, screen_name) = (answered.author, population.screen_name(answered.author));
        writing::mention(&mut self.text, user, population);
        self.reply_to = Some(ReplyTo { status_id: answered.id, user, screen_name });
    }

    fn quote(&mut self, quoted: &Self, population: &Population, draw: u64) {
        self.text.push(" ");
        let screen_name = population.screen_name(quoted.author);
        let permalink = format!("https://stream.example/{screen_name}/status/{}", quoted.id);
        self.text.push_link(draw, permalink);
        self.quoted_id = Some(quoted.id);
    }

    fn cut_if_long(&mut self, draw: u64) {
        let address = || format!("https://stream.example/i/web/status/{}", self.id);
        self.cut = self.text.is_too_long().then(|| self.text.cut(draw, address()));
    }
}

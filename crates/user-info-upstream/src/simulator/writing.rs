//! What users write: words of their language, with hashtags, links and mentions between them.

use rand::{Rng, RngExt};

use crate::simulator::frequencies::{HASHTAG, LINK, LONG, MENTION, PER};
use crate::simulator::graph::User;
use crate::simulator::population::Population;
use crate::simulator::text::{Text, WHOLE_TEXT_MAX};
use crate::simulator::vocabulary::Vocabulary;

/// Words of most statuses.
const WORDS: std::ops::Range<u32> = 1..16;
/// Code points that a text may have, as Twitter's since 2017.
const TEXT_MAX: usize = 280;
/// Room for the longest word, hashtag, mention or link with its space, and for a link at the end.
const WORD_MAX: usize = 50;

/// Adds what the author has to say: a few words, or many.
pub(super) fn write(text: &mut Text, author: User, population: &Population, rng: &mut impl Rng) {
    let vocabulary = population.graph().region(author).vocabulary;
    if rng.random_ratio(LONG, PER) {
        let enough = rng.random_range(WHOLE_TEXT_MAX + 1..TEXT_MAX - WORD_MAX);
        while text.length < enough {
            write_word(text, author, vocabulary, population, rng);
        }
    } else {
        for _ in 0..rng.random_range(WORDS) {
            if text.length < WHOLE_TEXT_MAX - WORD_MAX {
                write_word(text, author, vocabulary, population, rng);
            }
        }
    }
}

fn write_word(text: &mut Text, author: User, vocabulary: &Vocabulary, population: &Population, rng: &mut impl Rng) {
    let what = rng.random_range(0..PER);
    let is_plain = what >= HASHTAG + MENTION + LINK;
    // Whatever the language, an entity stands apart.
    let follows_entity = text.entities.last().is_some_and(|entity| entity.end == text.length);
    if text.length > 0 {
        text.push(if is_plain && !follows_entity { vocabulary.space } else { " " });
    }
    if is_plain {
        text.push(vocabulary.words[rng.random_range(0..vocabulary.words.len())]);
    } else if what < HASHTAG {
        text.push_hashtag(vocabulary.hashtags[rng.random_range(0..vocabulary.hashtags.len())]);
    } else if what < HASHTAG + MENTION {
        let user = population.graph().popular_with(author, rng.next_u64()).unwrap_or(author);
        mention(text, user, population);
    } else {
        let draw = rng.next_u64();
        text.push_link(draw, format!("https://news{}.example/story/{}", draw % 89, draw >> 40));
    }
}

/// Adds `@` and the user's present name.
pub(super) fn mention(text: &mut Text, user: User, population: &Population) {
    text.push_mention(user, population.screen_name(user), population.name(user));
}

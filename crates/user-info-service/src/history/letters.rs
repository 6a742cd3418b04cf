//! The last dead letters, for people to look at. The letters themselves are in their topic.

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use user_info_store::DeadLetter;

/// How many are shown. All of them are in the topic of dead letters.
pub const LETTERS_MAX: usize = 20;

/// Characters of a key or a reason that are shown: a key may be of any length.
const TEXT_CHARS_MAX: usize = 300;

/// A dead letter in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownLetter {
    /// Where the record stands, `topic/partition/offset`: the letter's key in its topic.
    pub origin: String,
    /// The record's timestamp in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The record's key, as far as it is text.
    pub key: Option<String>,
    /// The kind of fault.
    pub code: String,
    /// The fault.
    pub reason: String,
}

impl From<&DeadLetter> for ShownLetter {
    fn from(letter: &DeadLetter) -> Self {
        Self {
            origin: letter.origin.to_string(),
            timestamp_ms: letter.timestamp_ms,
            key: letter.key.as_deref().map(|key| shortened(&String::from_utf8_lossy(key))),
            code: letter.code.clone(),
            reason: shortened(&letter.reason),
        }
    }
}

/// The last dead letters of this process, newest first. Ingest alone writes, so readers never make it wait.
#[derive(Debug, Default)]
pub struct LastLetters(ArcSwap<Vec<ShownLetter>>);

impl LastLetters {
    /// Adds what ingest has written to the store.
    pub fn note(&self, letters: &[DeadLetter]) {
        if letters.is_empty() {
            return;
        }
        let newest: Vec<ShownLetter> = letters.iter().rev().take(LETTERS_MAX).map(ShownLetter::from).collect();
        self.0.store(newest_of(newest, &self.0.load()).into());
    }

    /// These, and then those that were shown `before` this process started.
    pub fn before(&self, before: &[ShownLetter]) -> Vec<ShownLetter> {
        newest_of(self.0.load().to_vec(), before)
    }
}

/// What was read again, after a kill or from another position, is not shown twice.
fn newest_of(mut newest: Vec<ShownLetter>, older: &[ShownLetter]) -> Vec<ShownLetter> {
    for letter in older {
        if newest.len() < LETTERS_MAX && newest.iter().all(|kept| kept.origin != letter.origin) {
            newest.push(letter.clone());
        }
    }
    newest
}

fn shortened(text: &str) -> String {
    let mut shortened: String = text.chars().take(TEXT_CHARS_MAX).collect();
    if shortened.len() < text.len() {
        shortened.push('…');
    }
    shortened
}

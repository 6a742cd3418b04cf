//! What in a text is more than text: hashtags, links and mentions, each kind in a list of its own.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{InWords, Null};
use crate::simulator::population::user_id;
use crate::simulator::text::{Entity, Meaning};

/// The entities of a text.
pub(super) struct Entities<'post>(pub(super) &'post [Entity]);

#[derive(Serialize)]
struct Hashtag {
    text: &'static str,
    indices: [usize; 2],
}

#[derive(Serialize)]
struct Link<'post> {
    url: &'post str,
    expanded_url: &'post str,
    display_url: String,
    indices: [usize; 2],
}

#[derive(Serialize)]
struct Mention<'post> {
    screen_name: &'post str,
    name: &'post str,
    id: u64,
    id_str: InWords<u64>,
    indices: [usize; 2],
}

impl Serialize for Entities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut lists = serializer.serialize_struct("Entities", 4)?;
        lists.serialize_field("hashtags", &List(self.0, hashtag))?;
        lists.serialize_field("urls", &List(self.0, link))?;
        lists.serialize_field("user_mentions", &List(self.0, mention))?;
        lists.serialize_field::<[Null; 0]>("symbols", &[])?;
        lists.end()
    }
}

/// Those of the entities that are of one kind.
struct List<'post, T>(&'post [Entity], fn(&'post Entity) -> Option<T>);

impl<T: Serialize> Serialize for List<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter_map(self.1))
    }
}

fn hashtag(entity: &Entity) -> Option<Hashtag> {
    match entity.meaning {
        Meaning::Hashtag(text) => Some(Hashtag { text, indices: indices(entity) }),
        Meaning::Mention { .. } | Meaning::Link { .. } => None,
    }
}

fn link(entity: &Entity) -> Option<Link<'_>> {
    match &entity.meaning {
        Meaning::Link { url, expanded_url } => {
            Some(Link { url, expanded_url, display_url: display_url(expanded_url), indices: indices(entity) })
        }
        Meaning::Hashtag(_) | Meaning::Mention { .. } => None,
    }
}

fn mention(entity: &Entity) -> Option<Mention<'_>> {
    match &entity.meaning {
        Meaning::Mention { user, screen_name, name } => {
            let id = user_id(*user);
            Some(Mention { screen_name, name, id, id_str: InWords(id), indices: indices(entity) })
        }
        Meaning::Hashtag(_) | Meaning::Link { .. } => None,
    }
}

fn indices(entity: &Entity) -> [usize; 2] {
    [entity.start, entity.end]
}

/// An address as people read it, cut where it gets long. Addresses are ASCII.
pub(super) fn display_url(url: &str) -> String {
    const LENGTH_MAX: usize = 26;
    let bare = url.trim_start_matches("https://");
    bare.get(..LENGTH_MAX).filter(|_| bare.len() > LENGTH_MAX).map_or(bare.to_owned(), |start| format!("{start}…"))
}

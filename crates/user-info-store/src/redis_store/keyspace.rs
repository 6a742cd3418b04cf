//! The keys in Redis. Persisted: change none without a new format version.
//!
//! ```text
//! ui:meta                  hash     current generation, and the version of each generation
//! ui:1:{user}              string   the user's record, see `record`
//! ui:1:{user}t             hash     tweets: member → mark; g following, f followers, l likes, o lists likewise
//! ui:1:n:<folded name>     hash     user → mark of the profile that brought the name: hints, see the store's `find`
//! ui:1:p:{tag}             hash     positions, one on each master: topic/partition → position, and the master's lineage
//! ui:1:outbox              hash     topic/partition/offset → dead letter
//! ui:1:tainted             hash     topic/key → mark and taint
//! ```
//!
//! Beside them, shard channels have the names of users' records, and carry empty messages: see `publish`.
//!
//! `ui` is the prefix that the operator chose, `1` the generation. Everything about a user is in one hash slot; ids hold
//! no braces, so none can leave it. Names may hold any, and stand in keys that share their slot with nobody.
//!
//! Invariant: `parse(key(x)) == x`, and other keys parse to nothing.

use user_info_core::{Id, Relation};

use super::topology::slot_of;

/// The sets of a user, one for each count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Tweets,
    Following,
    Followers,
    Likes,
    Lists,
}

impl Side {
    const ALL: [Self; 5] = [Self::Tweets, Self::Following, Self::Followers, Self::Likes, Self::Lists];

    /// The side that the owner of a pair sees.
    pub(super) fn of_owner(relation: Relation) -> Self {
        match relation {
            Relation::Tweets => Self::Tweets,
            Relation::Follows => Self::Following,
            Relation::Likes => Self::Likes,
            Relation::Lists => Self::Lists,
        }
    }

    /// The pairs whose owner sees this side; none for followers, whom the other side of the pair counts.
    pub(super) fn relation(self) -> Option<Relation> {
        match self {
            Self::Tweets => Some(Relation::Tweets),
            Self::Following => Some(Relation::Follows),
            Self::Followers => None,
            Self::Likes => Some(Relation::Likes),
            Self::Lists => Some(Relation::Lists),
        }
    }

    /// Where the record keeps the count, as the scripts number its fields.
    pub(super) fn field(self) -> usize {
        match self {
            Self::Tweets => 2,
            Self::Following => 3,
            Self::Followers => 4,
            Self::Likes => 5,
            Self::Lists => 6,
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Tweets => 't',
            Self::Following => 'g',
            Self::Followers => 'f',
            Self::Likes => 'l',
            Self::Lists => 'o',
        }
    }
}

/// What a key about a user holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UserKey {
    Record(Id),
    Set(Id, Side),
}

/// The keys of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keyspace {
    base: String,
}

/// The key of what all generations share.
pub(super) fn meta(prefix: &str) -> String {
    format!("{prefix}:meta")
}

/// What `SCAN` matches to find every key of every generation.
pub(super) fn all_keys_pattern(prefix: &str) -> String {
    format!("{}:*", glob_escaped(prefix))
}

impl Keyspace {
    pub(super) fn new(prefix: &str, generation: u64) -> Self {
        Self { base: format!("{prefix}:{generation}:") }
    }

    pub(super) fn record(&self, user: &Id) -> String {
        format!("{}{{{user}}}", self.base)
    }

    /// The shard channel on which a change of the user is told, in the hash slot of the user's keys.
    pub(super) fn channel(&self, user: &Id) -> String {
        self.record(user)
    }

    pub(super) fn parse_channel(&self, channel: &[u8]) -> Option<Id> {
        match self.parse_user(channel) {
            Some(UserKey::Record(user)) => Some(user),
            Some(UserKey::Set(..)) | None => None,
        }
    }

    pub(super) fn set(&self, user: &Id, side: Side) -> String {
        format!("{}{{{user}}}{}", self.base, side.letter())
    }

    pub(super) fn name(&self, folded: &str) -> String {
        format!("{}n:{folded}", self.base)
    }

    pub(super) fn positions(&self, tag: &str) -> String {
        format!("{}p:{{{tag}}}", self.base)
    }

    pub(super) fn outbox(&self) -> String {
        format!("{}outbox", self.base)
    }

    pub(super) fn tainted(&self) -> String {
        format!("{}tainted", self.base)
    }

    /// What `SCAN` matches to find every key about a user.
    pub(super) fn users_pattern(&self) -> String {
        format!("{}{{*", glob_escaped(&self.base))
    }

    /// What `SCAN` matches to find every key of the generation.
    pub(super) fn pattern(&self) -> String {
        format!("{}*", glob_escaped(&self.base))
    }

    pub(super) fn parse_user(&self, key: &[u8]) -> Option<UserKey> {
        let (id, side) = std::str::from_utf8(key).ok()?.strip_prefix(&self.base)?.strip_prefix('{')?.split_once('}')?;
        let id = Id::new(id).ok()?;
        if side.is_empty() {
            return Some(UserKey::Record(id));
        }
        let side = Side::ALL.into_iter().find(|known| side.chars().eq([known.letter()]))?;
        Some(UserKey::Set(id, side))
    }
}

/// The text as a pattern that matches nothing else.
fn glob_escaped(text: &str) -> String {
    text.chars()
        .flat_map(|it| matches!(it, '*' | '?' | '[' | ']' | '\\').then_some('\\').into_iter().chain([it]))
        .collect()
}

/// A text that belongs to this slot when it stands in braces in a key.
pub(super) fn tag_of_slot(slot: u16) -> String {
    let found = (0_u32..).map(|number| number.to_string()).find(|tag| slot_of(tag) == slot);
    found.expect("every slot is some number's")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_about_users_round_trip(text in "[a-z0-9:.é_-]{1,20}", generation: u64, index in 0..5_usize) {
            let (keyspace, user) = (Keyspace::new("u*i", generation), Id::new(&text).unwrap());
            prop_assert_eq!(keyspace.parse_user(keyspace.record(&user).as_bytes()), Some(UserKey::Record(user.clone())));
            let side = Side::ALL[index];
            let key = keyspace.set(&user, side);
            prop_assert_eq!(keyspace.parse_user(key.as_bytes()), Some(UserKey::Set(user.clone(), side)));
            prop_assert_eq!(slot_of(&key), slot_of(&keyspace.record(&user)));
            prop_assert_eq!(slot_of(&key), slot_of(&keyspace.channel(&user)));
            prop_assert_eq!(keyspace.parse_channel(keyspace.channel(&user).as_bytes()), Some(user));
        }

        #[test]
        fn other_keys_are_nobodys(name in ".{0,20}", bytes: Vec<u8>) {
            let keyspace = Keyspace::new("ui", 1);
            for key in [keyspace.name(&name), keyspace.positions("1"), keyspace.outbox(), keyspace.tainted(), meta("ui")] {
                prop_assert_eq!(keyspace.parse_user(key.as_bytes()), None);
            }
            prop_assert_eq!(keyspace.parse_user(&bytes), None);
        }

        #[test]
        fn a_tag_belongs_to_its_slot(slot in 0..16_384_u16) {
            prop_assert_eq!(slot_of(&Keyspace::new("ui", 1).positions(&tag_of_slot(slot))), slot);
        }
    }

    #[test]
    fn generations_do_not_run_together() {
        let key = Keyspace::new("ui", 11).record(&Id::new("7").unwrap());
        assert_eq!(key, "ui:11:{7}");
        assert_eq!(Keyspace::new("ui", 1).parse_user(key.as_bytes()), None);
        assert_eq!(Keyspace::new("u*", 1).users_pattern(), "u\\*:1:{*");
    }
}

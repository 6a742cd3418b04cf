//! From a batch to what has to be said to Redis: of each user what the batch decides about them. Pure.
//!
//! A follow is split here: its owner's side and the followee's side are kept apart, each with its user. What a batch says
//! about one thing several times is said once, as it was last.

use std::collections::BTreeMap;

use user_info_core::profile::folded_username;
use user_info_core::{Change, Id, Pair, Relation, StoredProfile};

use super::keyspace::Side;
use crate::batch::Decision;

/// What is stored beside whatever a fact decided: twice the fact's offset, plus one if it says that something is there. A
/// greater mark is a newer fact. Scripts calculate with it in doubles, which are exact below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(i64);

/// The offsets that marks can carry: four quadrillion facts in one partition.
const OFFSET_MAX: i64 = (1 << 52) - 1;

impl Mark {
    pub(super) fn new(offset: i64, is_there: bool) -> Self {
        assert!((0..=OFFSET_MAX).contains(&offset), "offset {offset} is beyond what the store can mark");
        Self(2 * offset + i64::from(is_there))
    }

    /// From its text in Redis.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        std::str::from_utf8(text).ok()?.parse().ok().map(Self)
    }

    pub(super) fn is_there(self) -> bool {
        self.0 & 1 == 1
    }

    pub(super) fn number(self) -> i64 {
        self.0
    }

    /// That what this mark is about is not there.
    pub(super) fn gone(self) -> Self {
        Self(self.0 & !1)
    }
}

/// What a batch decides about one user.
#[derive(Debug, Default)]
pub(super) struct UserWork<'batch> {
    /// The profile, or that there is none.
    pub(super) profile: Option<(Mark, Option<&'batch StoredProfile>)>,
    /// Members of the sets.
    pub(super) sets: BTreeMap<Side, BTreeMap<&'batch Id, Mark>>,
}

/// A name and who may have it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hint<'batch> {
    pub(super) folded: String,
    pub(super) user: &'batch Id,
    pub(super) mark: Mark,
}

/// What a batch decides, by user.
pub(super) fn users_of<'batch>(
    changes: impl IntoIterator<Item = &'batch Decision>,
) -> BTreeMap<&'batch Id, UserWork<'batch>> {
    let mut users: BTreeMap<&Id, UserWork<'_>> = BTreeMap::new();
    for Decision { offset, change } in changes {
        match change {
            Change::Profile { user, profile } => {
                users.entry(user).or_default().profile = Some((Mark::new(*offset, true), Some(profile)));
            }
            Change::Forget { user } => {
                users.entry(user).or_default().profile = Some((Mark::new(*offset, false), None));
            }
            Change::Add(pair) => note_pair(&mut users, pair, Mark::new(*offset, true)),
            Change::Remove(pair) => note_pair(&mut users, pair, Mark::new(*offset, false)),
        }
    }
    users
}

fn note_pair<'batch>(users: &mut BTreeMap<&'batch Id, UserWork<'batch>>, pair: &'batch Pair, mark: Mark) {
    let mut note = |user, side, member| {
        users.entry(user).or_default().sets.entry(side).or_default().insert(member, mark);
    };
    note(&pair.owner, Side::of_owner(pair.relation), &pair.member);
    if pair.relation == Relation::Follows {
        note(&pair.member, Side::Followers, &pair.owner);
    }
}

/// The names that the profiles of a batch bring.
pub(super) fn hints_of<'batch>(users: &BTreeMap<&'batch Id, UserWork<'batch>>) -> Vec<Hint<'batch>> {
    let hint = |(&user, work): (&&'batch Id, &UserWork<'batch>)| {
        let (mark, profile) = work.profile?;
        Some(Hint { folded: folded_username(&profile?.profile.username), user, mark })
    };
    users.iter().filter_map(hint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn decided(offset: i64, is_there: bool, relation: Relation, owner: &str, member: &str) -> Decision {
        let pair = Pair { relation, owner: id(owner), member: id(member) };
        Decision { offset, change: if is_there { Change::Add(pair) } else { Change::Remove(pair) } }
    }

    #[test]
    fn a_follow_is_said_on_both_sides_and_only_as_it_was_last() {
        let batch = [
            decided(3, true, Relation::Follows, "1", "2"),
            decided(7, false, Relation::Follows, "1", "2"),
            decided(5, true, Relation::Tweets, "1", "2"),
        ];
        let users = users_of(&batch);
        assert_eq!(users.len(), 2);
        let (one, two) = (&users[&id("1")].sets, &users[&id("2")].sets);
        assert_eq!(one[&Side::Following], BTreeMap::from([(&id("2"), Mark::new(7, false))]));
        assert_eq!(one[&Side::Tweets], BTreeMap::from([(&id("2"), Mark::new(5, true))]));
        assert_eq!(two[&Side::Followers], BTreeMap::from([(&id("1"), Mark::new(7, false))]));
        assert_eq!((one.len(), two.len()), (2, 1));
    }

    #[test]
    fn newer_marks_are_greater_whatever_they_say() {
        let marks = [(0, false), (0, true), (1, false), (1, true), (OFFSET_MAX, true)];
        let marks = marks.map(|(offset, is_there)| Mark::new(offset, is_there));
        assert!(marks.is_sorted_by(|one, other| one < other));
        assert_eq!(marks.map(Mark::is_there), [false, true, false, true, true]);
        assert!(marks.iter().all(|mark| Mark::parse(mark.number().to_string().as_bytes()) == Some(*mark)));
        assert!((marks[4].number() as f64) < 2_f64.powi(53));
        assert_eq!(marks[3].gone(), marks[2]);
    }
}

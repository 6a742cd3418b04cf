//! Audits a store: profiles, counts, every member, usernames, and whether the counts are those of its own members.
//!
//! A store in a directory that is open read-only is one view as of one moment, so its positions are exact. Redis has no such
//! view: what is read there may be newer than the positions, so the log is read to its end before anything is compared. What
//! is not settled in one view is looked up in the next.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use user_info_core::Topic;
use user_info_store::{Position, Store, StoreError, StoreOptions, StoreUrl, UserRecord};

use crate::error::AuditError;
use crate::model::{LastProfile, Model};
use crate::page::{Fields, counts, differing, profile};
use crate::positions::Positions;
use crate::reader::Reader;
use crate::report::{About, Findings, Mismatch};
use crate::subject::{Open, Wait, name_touched_after, read_to_end, stand_at, written};
use crate::time;

/// The topics whose facts make sets.
const SETS: [(Topic, &str); 4] = [
    (Topic::Tweets, "tweet_count"),
    (Topic::Follows, "following_count"),
    (Topic::Likes, "like_count"),
    (Topic::Lists, "list_count"),
];

/// Where a store is.
pub(crate) struct StoreView {
    url: StoreUrl,
    options: StoreOptions,
}

impl StoreView {
    pub(crate) fn new(url: StoreUrl, options: StoreOptions) -> Self {
        Self { url, options }
    }

    pub(crate) fn pass(&self, reader: &mut Reader, open: Open, findings: &mut Findings) -> Result<Open, AuditError> {
        let store = Store::open_read_only(&self.url, &self.options)?;
        let stored = store.positions()?;
        let positions = positions_of(&stored);
        let same_topics = same_topics(reader, &stored, &positions, findings);
        if !same_topics || !stand_at(reader, &positions, findings)? {
            return Ok(Open::default());
        }
        let first = open.first;
        let (ready, mut still) = sort_out(reader.model(), open, &positions);
        let names = found_names(&store, reader.model(), ready.names)?;
        let asks_users = first || !ready.users.is_empty();
        let view = if asks_users { View::read(&store, (!first).then_some(&ready.users))? } else { View::default() };
        if store.is_shared() {
            read_to_end(reader)?;
        }
        if asks_users {
            let model = reader.model();
            for user in view.everybody(&ready.users) {
                match model.touched_after(user, &positions) {
                    Some(at) => drop(still.users.insert(user.to_owned(), Some(Wait::new(at, &positions)))),
                    None => compare(model, &view, user, &positions, findings),
                }
            }
            findings.users += if first { view.strangers(model) } else { 0 };
        }
        for (name, found) in names {
            compare_name(reader.model(), name, found, &positions, &mut still, findings);
        }
        Ok(still)
    }
}

/// Whom the store has under each name.
fn found_names(
    store: &Store,
    model: &Model,
    names: BTreeMap<String, Option<Wait>>,
) -> Result<Vec<(String, Option<UserRecord>)>, StoreError> {
    let find = |name: String| store.find(written(model, &name)).map(|found| (name, found));
    names.into_keys().map(find).collect()
}

fn positions_of(stored: &[Position]) -> Positions {
    let mut positions = Positions::default();
    for position in stored {
        positions.set(position.topic, position.partition, position.next_offset);
    }
    positions
}

/// Offsets say something only about the topic they were counted in.
fn same_topics(reader: &Reader, stored: &[Position], positions: &Positions, findings: &mut Findings) -> bool {
    let mut same = true;
    for (&topic, description) in reader.topics() {
        let other = stored.iter().find(|it| it.topic == topic && it.topic_id != description.id.0);
        let Some(other) = other else { continue };
        let found = format!("the store was filled from the topic with id {}", other.topic_id);
        let expected = format!("the log's has id {}: rebuild the store; nothing was compared", description.id.0);
        findings.add(reader.model(), About::Topic(topic), Mismatch::new(found, expected), positions);
        same = false;
    }
    same
}

/// Which questions can be settled at these positions, and which cannot.
fn sort_out(model: &Model, open: Open, positions: &Positions) -> (Open, Open) {
    let (mut ready, mut still) = (Open::default(), Open::default());
    for user in open.users.into_keys() {
        match model.touched_after(&user, positions) {
            Some(at) => still.users.insert(user, Some(Wait::new(at, positions))),
            None => ready.users.insert(user, None),
        };
    }
    for name in open.names.into_keys() {
        match name_touched_after(model, &name, None, positions) {
            Some(at) => still.names.insert(name, Some(Wait::new(at, positions))),
            None => ready.names.insert(name, None),
        };
    }
    (ready, still)
}

/// What a store holds: of everybody, or of those who are asked for.
#[derive(Default)]
struct View {
    users: BTreeMap<String, UserRecord>,
    members: BTreeMap<(Topic, String), BTreeSet<String>>,
    followers: BTreeMap<String, u64>,
}

impl View {
    fn read(store: &Store, only: Option<&BTreeMap<String, Option<Wait>>>) -> Result<Self, StoreError> {
        let wanted = |user: &str| only.is_none_or(|only| only.contains_key(user));
        let mut view = Self::default();
        store.for_each_user(&mut |record| {
            if wanted(record.user.as_str()) {
                view.users.insert(record.user.as_str().to_owned(), record.clone());
            }
        })?;
        store.for_each_pair(&mut |pair| {
            let (topic, owner, member) = (pair.relation.topic(), pair.owner.as_str(), pair.member.as_str());
            if wanted(owner) {
                view.members.entry((topic, owner.to_owned())).or_default().insert(member.to_owned());
            }
            if topic == Topic::Follows && wanted(member) {
                *view.followers.entry(member.to_owned()).or_default() += 1;
            }
        })?;
        Ok(view)
    }

    /// Those who are asked for and those who are there, each once.
    fn everybody<'a>(&'a self, asked: &'a BTreeMap<String, Option<Wait>>) -> BTreeSet<&'a str> {
        let there = self.users.keys().chain(self.members.keys().map(|(_, owner)| owner)).chain(self.followers.keys());
        there.chain(asked.keys()).map(String::as_str).collect()
    }

    /// How many are there of whom the log says nothing.
    fn strangers(&self, model: &Model) -> u64 {
        let nobody = BTreeMap::new();
        let known: BTreeSet<&str> = model.users().collect();
        self.everybody(&nobody).difference(&known).count() as u64
    }

    fn members(&self, topic: Topic, owner: &str) -> BTreeSet<&str> {
        let members = self.members.get(&(topic, owner.to_owned()));
        members.into_iter().flatten().map(String::as_str).collect()
    }
}

fn compare(model: &Model, view: &View, user: &str, positions: &Positions, findings: &mut Findings) {
    let record = view.users.get(user);
    let stored_counts = stored_counts(record);
    let mut mismatches = compare_profiles(user, model.last_profile(user), record);
    mismatches.extend(differing(&counts(model, user), &stored_counts));
    mismatches.extend(recount(view, user, &stored_counts));
    for mismatch in mismatches {
        findings.add(model, About::User(user.to_owned()), mismatch, positions);
    }
    for (topic, _) in SETS {
        compare_members(model, view, topic, user, positions, findings);
    }
}

fn compare_profiles(user: &str, last: Option<&LastProfile>, record: Option<&UserRecord>) -> Vec<Mismatch> {
    let said = last.and_then(|last| Some((last, last.profile.as_ref()?)));
    let stored = record.and_then(stored_profile);
    match (said, stored) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![Mismatch::new("the store has a profile", "the log says there is none")],
        (Some((last, _)), None) => {
            vec![Mismatch::new("the store has no profile", format!("the log has one at {}", last.at))]
        }
        (Some((last, said)), Some(stored)) => {
            let mut expected: Fields = profile(user, said);
            expected.push(("state", said.state.clone().into()));
            expected.push(("record_timestamp_ms", last.timestamp_ms.into()));
            expected.push(("record_offset", last.at.offset.into()));
            differing(&expected, &stored)
        }
    }
}

fn stored_profile(record: &UserRecord) -> Option<Map<String, Value>> {
    let stored = record.profile.as_ref()?;
    let profile = &stored.profile;
    let fields: [(&str, Value); 12] = [
        ("user_id", record.user.as_str().into()),
        ("username", profile.username.clone().into()),
        ("name", profile.name.clone().into()),
        ("bio", profile.bio.clone().into()),
        ("location", profile.location.clone().into()),
        ("url", profile.url.clone().into()),
        ("joined_at", time::written(profile.joined_at.as_millis()).into()),
        ("profile_image_url", profile.profile_image_url.clone().into()),
        ("background_image_url", profile.background_image_url.clone().into()),
        ("state", profile.state.name().into()),
        ("record_timestamp_ms", stored.stamp.timestamp_ms.into()),
        ("record_offset", stored.stamp.offset.into()),
    ];
    Some(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A user that is not in the store has no members.
fn stored_counts(record: Option<&UserRecord>) -> Map<String, Value> {
    let counts = record.map(|record| record.counts).unwrap_or_default();
    let fields = [
        ("tweet_count", counts.tweets),
        ("following_count", counts.following),
        ("followers_count", counts.followers),
        ("like_count", counts.likes),
        ("list_count", counts.lists),
    ];
    fields.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect()
}

/// Each stored count against the number of members in the store.
fn recount(view: &View, user: &str, stored: &Map<String, Value>) -> Vec<Mismatch> {
    let followers = view.followers.get(user).copied().unwrap_or_default();
    let owned = SETS.map(|(topic, field)| (field, view.members(topic, user).len() as u64));
    let recounted = owned.into_iter().chain([("followers_count", followers)]);
    let differing = recounted.filter(|(field, members)| stored[*field] != *members);
    let mismatch = |(field, members): (&str, u64)| {
        Mismatch::new(format!("{field} is {}", stored[field]), format!("the store itself holds {members} of them"))
    };
    differing.map(mismatch).collect()
}

fn compare_members(model: &Model, view: &View, topic: Topic, owner: &str, at: &Positions, findings: &mut Findings) {
    let stored = view.members(topic, owner);
    let said: BTreeSet<&str> = model.members(topic, owner).collect();
    for member in stored.symmetric_difference(&said) {
        let last = model.last_fact(topic, owner, member);
        let found = if stored.contains(member) { "the store has it" } else { "the store does not have it" };
        let expected = match last {
            Some(last) if last.belongs => format!("the log says it is there since {}", last.at),
            Some(last) => format!("the log says it is gone since {}", last.at),
            None => "the log has never heard of it".to_owned(),
        };
        let about = About::Pair { topic, owner: owner.to_owned(), member: (*member).to_owned() };
        findings.add(model, about, Mismatch::new(found, expected), at);
    }
}

fn compare_name(
    model: &Model,
    name: String,
    found: Option<UserRecord>,
    positions: &Positions,
    still: &mut Open,
    findings: &mut Findings,
) {
    let found = found.as_ref().map(|record| record.user.as_str());
    if let Some(at) = name_touched_after(model, &name, found, positions) {
        still.names.insert(name, Some(Wait::new(at, positions)));
        return;
    }
    let expected = model.named(&name);
    if found != expected {
        let user = |user: Option<&str>| user.map_or("nobody".to_owned(), |user| format!("user {user}"));
        let mismatch =
            Mismatch::new(format!("it is {}", user(found)), format!("the log says it is {}", user(expected)));
        findings.add(model, About::Username(name), mismatch, positions);
    }
}

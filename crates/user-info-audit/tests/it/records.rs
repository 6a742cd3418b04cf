//! Records as producers might publish them: good ones, and good ones with something done to them.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use user_info_core::Topic;
use user_info_log::NewRecord;

use crate::world::{fact, followed, liked, listed, profile, tweeted, unfollowed};

/// How many partitions the topics have whose records these are.
pub(crate) const PARTITIONS: i32 = 4;

pub(crate) fn topics() -> impl Strategy<Value = Topic> {
    select(Topic::FACTS.to_vec())
}

/// Ids that are mostly valid, some of them at the limits.
pub(crate) fn ids() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z0-9:._-]{1,8}",
        1 => "\\PC{1,4}",
        1 => "é{31,33}",
        1 => select(vec!["", " ", "a/b", "a,b", "{", "a}", "a\u{2003}b", "\u{1}", "x\u{200b}y"]).prop_map(str::to_owned),
    ]
}

/// Good records, and some that are bad by their ids alone.
pub(crate) fn facts() -> impl Strategy<Value = NewRecord> {
    (ids(), ids(), 0..9).prop_map(|(owner, member, kind)| match kind {
        0 => profile(&owner, "Some_Name"),
        1 => tweeted(&owner, &member),
        2 => fact(
            Topic::Tweets,
            &format!("{owner}/{member}"),
            &deleted("tweet_deleted", "user_id", "tweet_id", &owner, &member),
        ),
        3 => followed(&owner, &member),
        4 => unfollowed(&owner, &member),
        5 => liked(&owner, &member),
        6 => fact(
            Topic::Likes,
            &format!("{owner}/{member}"),
            &deleted("unliked", "user_id", "tweet_id", &owner, &member),
        ),
        7 => listed(&owner, &member),
        _ => fact(
            Topic::Lists,
            &format!("{owner}/{member}"),
            &deleted("list_deleted", "owner_id", "list_id", &owner, &member),
        ),
    })
}

fn deleted(kind: &str, owner_field: &str, member_field: &str, owner: &str, member: &str) -> Value {
    json!({"type": kind, owner_field: owner, member_field: member})
}

/// What a field can be set to, as JSON text, not all of it valid.
pub(crate) fn contents() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "1.5",
        "01",
        "[]",
        "[1,[2]]",
        "{}",
        "{\"a\":{\"a\":1,\"a\":2}}",
        "\"\"",
        "\"active\"",
        "\"suspended\"",
        "\"user_changed\"",
        "\"liked\"",
        "\"1\"",
        "\"a b\"",
        "\"\\u0061\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\x\"",
        "\"\\u00\"",
        "\"\n\"",
        "\"open",
        "",
        "nul",
        "\"2020-01-01T00:00:00Z\"",
        "\"2020-01-01T00:00:00.123456789123Z\"",
        "\"2020-01-01 00:00:00Z\"",
        "\"2020-01-01T24:00:00Z\"",
        "\"2020-01-01T23:59:60Z\"",
        "\"2020-01-01T23:59:60.9999Z\"",
        "\"9999-12-30T22:00:00.0009Z\"",
        "\"9999-12-30T22:00:00.001Z\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"0000-01-01T00:00:00+00:01\"",
        "\"2020-01-01T00:00:00.Z\"",
        "\"2020-01-01T00:00:00-23:59\"",
        "\"2020-01-01T00:00:00+12:60\"",
        "\"2020-01-01T00:00Z\"",
        "\"20200101T000000Z\"",
        "\"+002020-01-01T00:00:00Z\"",
        "\"-009999-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"2020-01-01T00:00:00+25:00\"",
        "\"2020-01-01T00:00:00+01:00[Europe/Paris]\"",
        "\"2020-01-01t00:00:00z\"",
        "\"2020-06-30T12:00:00,5-03\"",
    ];
    prop_oneof![
        8 => select(odd.to_vec()).prop_map(str::to_owned),
        2 => ids().prop_map(|id| Value::from(id).to_string()),
        1 => (16_382_usize..16_387).prop_map(|bytes| format!("\"{}\"", "x".repeat(bytes))),
        1 => (254_usize..259).prop_map(|bytes| format!("\"{}\"", "n".repeat(bytes))),
        1 => (124_usize..130).prop_map(|levels| "[".repeat(levels) + &"]".repeat(levels)),
        1 => (60_usize..66).prop_map(|levels| "[{\"a\":".repeat(levels) + "0" + &"}]".repeat(levels)),
    ]
}

fn field_names() -> impl Strategy<Value = String> {
    let names = [
        "type",
        "user_id",
        "tweet_id",
        "follower_id",
        "followee_id",
        "owner_id",
        "list_id",
        "created_at",
        "joined_at",
        "username",
        "name",
        "state",
        "text",
        "bio",
        "location",
        "url",
        "profile_image_url",
        "background_image_url",
        "later",
        "Type",
        "",
        "ty\\u0070e",
        "\\ud800",
        "user_id ",
    ];
    select(names.to_vec()).prop_map(str::to_owned)
}

/// A change to a record that keeps most of it.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    Field { name: String, content: String, first: bool },
    Content(Index, String),
    NoField(Index),
    Byte(Index, u8),
    Cut(Index),
    Padding(&'static str),
    Topic(Topic),
    Key(String),
    Partition(i32),
    Null,
}

pub(crate) fn mutations() -> impl Strategy<Value = Mutation> {
    let padding = vec![" ", "\n", "\u{c}", "x", "[", "\u{feff}", "{}"];
    prop_oneof![
        4 => (field_names(), contents(), any::<bool>())
            .prop_map(|(name, content, first)| Mutation::Field { name, content, first }),
        4 => (any::<Index>(), contents()).prop_map(|(which, content)| Mutation::Content(which, content)),
        2 => any::<Index>().prop_map(Mutation::NoField),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(which, byte)| Mutation::Byte(which, byte)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => select(padding).prop_map(Mutation::Padding),
        1 => topics().prop_map(Mutation::Topic),
        1 => ids().prop_map(Mutation::Key),
        1 => (0..PARTITIONS).prop_map(Mutation::Partition),
        1 => Just(Mutation::Null),
    ]
}

impl Mutation {
    pub(crate) fn of(&self, record: NewRecord) -> NewRecord {
        match self {
            Self::Field { name, content, first } => with_field(record, name, content, *first),
            Self::Content(which, content) => edited(record, *which, |fields, at| fields[at].1.clone_from(content)),
            Self::NoField(which) => edited(record, *which, |fields, at| drop(fields.remove(at))),
            Self::Byte(which, byte) => with_byte(record, *which, *byte),
            Self::Cut(which) => cut(record, *which),
            Self::Padding(text) => padded(record, text),
            Self::Topic(topic) => NewRecord { topic: *topic, ..record },
            Self::Key(key) => NewRecord { key: Some(key.clone().into()), ..record },
            Self::Partition(partition) => NewRecord { partition: Some(*partition), ..record },
            Self::Null => NewRecord { value: None, ..record },
        }
    }
}

fn text_of(record: &NewRecord) -> String {
    String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned()
}

fn with_text(record: NewRecord, text: String) -> NewRecord {
    NewRecord { value: Some(text.into_bytes()), ..record }
}

fn with_field(record: NewRecord, name: &str, content: &str, first: bool) -> NewRecord {
    let text = text_of(&record);
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(&text).to_owned();
    let field = format!("\"{name}\":{content}");
    let text = if first { format!("{{{field},{inner}}}") } else { format!("{{{inner},{field}}}") };
    with_text(record, text)
}

fn edited(record: NewRecord, which: Index, edit: impl Fn(&mut Vec<(String, String)>, usize)) -> NewRecord {
    let Ok(Value::Object(object)) = serde_json::from_str(&text_of(&record)) else { return record };
    let mut fields: Vec<(String, String)> =
        object.iter().map(|(name, content)| (Value::from(name.as_str()).to_string(), content.to_string())).collect();
    if fields.is_empty() {
        return record;
    }
    let at = which.index(fields.len());
    edit(&mut fields, at);
    let fields: Vec<String> = fields.into_iter().map(|(name, content)| format!("{name}:{content}")).collect();
    with_text(record, format!("{{{}}}", fields.join(",")))
}

fn with_byte(mut record: NewRecord, which: Index, byte: u8) -> NewRecord {
    if let Some(value) = record.value.as_mut().filter(|value| !value.is_empty()) {
        let at = which.index(value.len());
        value[at] = byte;
    }
    record
}

fn cut(mut record: NewRecord, which: Index) -> NewRecord {
    if let Some(value) = record.value.as_mut().filter(|value| !value.is_empty()) {
        value.truncate(which.index(value.len()));
    }
    record
}

fn padded(record: NewRecord, text: &str) -> NewRecord {
    let padded = format!("{text}{}{text}", text_of(&record));
    with_text(record, padded)
}

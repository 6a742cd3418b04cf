//! The two modes of the user service, side by side: what the second one leaves out makes no difference.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use user_info_core::Topic;
use user_info_log::{NewRecord, Published};
use user_info_upstream::stream::message::Message;
use user_info_upstream::tweets::PublishUsers;
use user_info_upstream::tweets::translator::{Translator, TranslatorConfig, UserCounts};

use crate::support::{status, time};

/// The last value of each key.
type Topics = HashMap<Vec<u8>, Option<Vec<u8>>>;

/// What the users topic says in the end, and how many records it took.
fn publish(config: TranslatorConfig, messages: &[Value]) -> (Topics, usize, UserCounts) {
    let (mut translator, mut last, mut count) = (Translator::new(config), HashMap::new(), 0);
    for message in messages {
        let message = Message::parse(message.to_string().as_bytes()).unwrap();
        let mut records = Vec::new();
        translator.translate(&message, None, time(), &mut records);
        let places = vec![Published { partition: 0, offset: 0, timestamp_ms: 0 }; records.len()];
        translator.note_places(&records, &places);
        for NewRecord { key, value, .. } in records.into_iter().filter(|record| record.topic == Topic::Users) {
            last.insert(key.unwrap(), value);
            count += 1;
        }
    }
    (last, count, translator.take_counts())
}

/// A status of one of a few users, who are renamed now and then and repeat others, with times out of order and counts that
/// the server does not always know.
fn any_status() -> impl Strategy<Value = Value> {
    (0..9_u64, 0..4_u8, 0..50_i64, prop::option::of(0..9_u64), prop::bool::weighted(0.1)).prop_map(
        |(user, name, at, repeated, unknown)| {
            let mut message = status(7, user, &format!("name{}", name / 3), at);
            if let Some(repeated) = repeated {
                message["retweeted_status"] = status(8, repeated, "name0", at);
            }
            if unknown {
                message["user"]["followers_count"] = json!(-1);
            }
            message
        },
    )
}

proptest! {
    #[test]
    fn both_modes_end_with_the_same_users(messages in prop::collection::vec(any_status(), 0..200)) {
        let config = TranslatorConfig::default();
        let (every_time, all, _) = publish(config, &messages);
        let when_changed = TranslatorConfig { publish_users: PublishUsers::WhenChanged, ..config };
        let (changed, some, counts) = publish(when_changed, &messages);
        prop_assert_eq!(every_time, changed);
        prop_assert_eq!(all, some + usize::try_from(counts.unchanged).unwrap(), "what is saved is counted");
        prop_assert_eq!(some, usize::try_from(counts.published).unwrap());
    }
}

#[test]
fn the_second_mode_saves_what_did_not_change() {
    let messages: Vec<_> = (0..10_000_u64)
        .map(|number| {
            let user = number * 7_919 % 1_000;
            status(number, user, &format!("name{}", number / 5_000), i64::try_from(number).unwrap())
        })
        .collect();
    let config = TranslatorConfig::default();
    let (.., all, _) = publish(config, &messages);
    let when_changed = TranslatorConfig { publish_users: PublishUsers::WhenChanged, ..config };
    let (.., some, counts) = publish(when_changed, &messages);
    assert_eq!((all, some, counts.unchanged), (10_000, 2_000, 8_000), "each of 1,000 users once, and once renamed");
    let little = TranslatorConfig { users_max: 100, ..when_changed };
    let (.., forgetful, _) = publish(little, &messages);
    assert!((some..=all).contains(&forgetful), "forgetting costs publishes, {forgetful} of them, and nothing else");
}

//! What the simulated users do: the same for the same seed, and all that a stream can bring.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use user_info_core::Timestamp;
use user_info_upstream::simulator::simulation::Simulation;
use user_info_upstream::stream::message::Message;
use user_info_upstream::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};

const START_MS: i64 = 1_795_422_600_000;

/// The bytes of so many steps, 2 ms apart.
fn run(users: u32, seed: u64, steps: i64) -> Vec<u8> {
    run_from(START_MS, users, seed, steps)
}

fn run_from(start_ms: i64, users: u32, seed: u64, steps: i64) -> Vec<u8> {
    let mut simulation = Simulation::new(users, seed);
    let mut bytes = Vec::new();
    for step in 0..steps {
        simulation.step(Timestamp::from_millis(start_ms + 2 * step).unwrap(), &mut bytes);
    }
    bytes
}

fn messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    Splitter::new(MAX_MESSAGE_BYTES).push(bytes, &mut pieces);
    let message = |piece| match piece {
        Piece::Message(message) => message,
        Piece::TooLong => panic!("too long"),
    };
    pieces.into_iter().map(message).collect()
}

fn values(bytes: &[u8]) -> Vec<Value> {
    messages(bytes).iter().map(|message| serde_json::from_slice(message).unwrap()).collect()
}

fn statuses(values: &[Value]) -> impl Iterator<Item = &Value> {
    values.iter().filter(|value| value.get("delete").is_none())
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let first = run(1_000, 7, 10_000);
    assert!(first == run(1_000, 7, 10_000), "two runs with one seed differ");
    assert!(first != run(1_000, 8, 10_000), "two seeds give the same");
    assert!(first.starts_with(&run(1_000, 7, 100)), "a shorter run is not the beginning of a longer one");
}

#[test]
fn time_changes_dates_and_ids_alone() {
    let timeless = |bytes: &[u8]| {
        let authors_and_texts = |value: &Value| (value["user"].clone(), value["text"].clone());
        statuses(&values(bytes)).map(authors_and_texts).collect::<Vec<_>>()
    };
    let (now, later) = (run(100, 7, 2_000), run_from(START_MS + 86_400_000, 100, 7, 2_000));
    assert!(timeless(&now) == timeless(&later));
    let ids = |bytes: &[u8]| statuses(&values(bytes)).map(|value| value["id"].to_string()).collect::<HashSet<_>>();
    assert!(ids(&now).is_disjoint(&ids(&later)), "ids are used again after a restart");
}

#[test]
fn every_message_can_be_read() {
    for message in messages(&run(500, 3, 10_000)) {
        let parsed = Message::parse(&message).unwrap();
        assert_ne!(parsed, Message::Other, "{}", String::from_utf8_lossy(&message));
    }
}

#[test]
fn every_status_has_the_whole_user() {
    const KEYS: &str = "id id_str name screen_name location description url entities protected verified followers_count \
        friends_count listed_count favourites_count statuses_count created_at profile_image_url profile_image_url_https \
        profile_banner_url profile_background_color profile_background_image_url profile_background_image_url_https \
        profile_background_tile profile_link_color profile_sidebar_border_color profile_sidebar_fill_color \
        profile_text_color profile_use_background_image default_profile default_profile_image contributors_enabled \
        geo_enabled is_translator lang time_zone utc_offset following follow_request_sent notifications \
        withheld_in_countries withheld_scope";
    for status in statuses(&values(&run(50, 3, 1_000))) {
        assert!(status.get("in_reply_to_status_id").is_some(), "{status}");
        assert_eq!(status["id"].to_string(), status["id_str"].as_str().unwrap());
        let user = status["user"].as_object().unwrap();
        for key in KEYS.split_whitespace() {
            assert!(user.contains_key(key), "no {key}: {status}");
        }
        assert_eq!(user["id"].to_string(), user["id_str"].as_str().unwrap());
    }
}

#[test]
fn few_users_write_much() {
    let values = values(&run(1_000, 11, 15_000));
    let mut by_user: HashMap<String, usize> = HashMap::new();
    for status in statuses(&values) {
        *by_user.entry(status["user"]["id_str"].to_string()).or_default() += 1;
    }
    let mut counts: Vec<_> = by_user.values().copied().collect();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let total: usize = counts.iter().sum();
    let busiest: usize = counts.iter().take(10).sum();
    assert!(busiest * 4 > total, "the busiest 10 of 1000 wrote {busiest} of {total}");
    assert!(counts.len() > 900, "only {} users wrote anything", counts.len());
}

#[test]
fn names_are_unique_and_change() {
    let values = values(&run(100, 5, 15_000));
    let mut name_of: HashMap<String, String> = HashMap::new();
    let mut owner_of: HashMap<String, String> = HashMap::new();
    let (mut renames, mut edits) = (0, 0);
    let mut profile_of: HashMap<String, Value> = HashMap::new();
    for status in statuses(&values).filter(|status| status.get("retweeted_status").is_none()) {
        let user = &status["user"];
        let (id, name) = (user["id_str"].to_string(), user["screen_name"].as_str().unwrap().to_lowercase());
        assert_eq!(owner_of.entry(name.clone()).or_insert_with(|| id.clone()), &id, "{name} had another owner");
        renames += usize::from(name_of.insert(id.clone(), name.clone()).is_some_and(|before| before != name));
        let profile: Value = ["name", "description", "location", "url", "profile_banner_url"]
            .map(|key| user[key].clone())
            .to_vec()
            .into();
        edits += usize::from(profile_of.insert(id, profile.clone()).is_some_and(|before| before != profile));
    }
    assert!(renames > 20, "{renames} renames");
    assert!(edits > 100, "{edits} edits");
}

#[test]
fn everything_that_a_stream_can_bring_comes() {
    let bytes = run(300, 2, 15_000);
    let values = values(&bytes);
    let mut sent: HashMap<String, usize> = HashMap::new();
    let mut deleted = HashSet::new();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (position, value) in values.iter().enumerate() {
        let mut see = |what, happens: bool| *seen.entry(what).or_default() += usize::from(happens);
        if let Some(status) = value.pointer("/delete/status") {
            let id = status["id_str"].to_string();
            see("deletion", true);
            see("deletion before its status", !sent.contains_key(&id));
            see("deletion right after its status", sent.get(&id).is_some_and(|&at| position - at < 8));
            assert!(deleted.insert(id), "deleted twice: {value}");
            continue;
        }
        let id = value["id_str"].to_string();
        see("status", true);
        see("status once more", sent.contains_key(&id));
        see("status after its deletion", deleted.contains(&id));
        see("retweet", value.get("retweeted_status").is_some());
        see("reply", value["in_reply_to_status_id"].is_number());
        see("count of -1", value["user"]["followers_count"] == -1);
        see("count of null", value["user"]["followers_count"].is_null());
        see("id beyond doubles", value["user"]["id"].as_u64().unwrap() > 1 << 53);
        sent.entry(id).or_insert(position);
    }
    seen.insert("bare line feed", messages(&bytes).iter().filter(|message| message.contains(&b'\n')).count());
    assert_eq!(seen.len(), 12, "{seen:?}");
    assert!(seen.values().all(|&times| times >= 10), "{seen:?}");
}

#[test]
fn a_user_alone_can_talk() {
    assert!(!values(&run(1, 0, 1_000)).is_empty());
    assert!(!values(&run(0, 0, 10)).is_empty(), "there is always somebody");
}

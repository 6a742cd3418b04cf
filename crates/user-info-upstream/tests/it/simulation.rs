//! What the simulated users say: the same for the same seed, and all of it readable.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use user_info_upstream::stream::message::Message;

use crate::world::{START_MS, each_embedded, is_status, run, run_from, statuses};

const DAY_MS: i64 = 86_400_000;

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert!(run(1_000, 7, 10_000).eq(run(1_000, 7, 10_000)), "two runs with one seed differ");
    assert!(run(1_000, 7, 10_000).ne(run(1_000, 8, 10_000)), "two seeds give the same");
}

#[test]
fn a_day_later_only_dates_and_ids_differ() {
    let statuses_from = |start_ms| statuses(run_from(start_ms, 2, 100, 7, 2_000));
    let timeless = |value: Value| (value["user"].clone(), value["text"].clone());
    assert!(statuses_from(START_MS).map(timeless).eq(statuses_from(START_MS + DAY_MS).map(timeless)));
    let ids = |start_ms| statuses_from(start_ms).map(|value| value["id"].to_string()).collect::<HashSet<_>>();
    assert!(ids(START_MS).is_disjoint(&ids(START_MS + DAY_MS)), "ids are used again after a restart");
}

#[test]
fn every_message_can_be_read() {
    for message in run(500, 3, 10_000) {
        let value: Value = serde_json::from_slice(&message).unwrap();
        let full_text = value.pointer("/extended_tweet/full_text").or(value.get("text"));
        let parsed = Message::parse(&message).unwrap();
        assert!(!matches!(parsed, Message::Unknown { .. }), "{value}");
        if let Message::Status(status) = parsed {
            assert_eq!(full_text.unwrap(), &status.text);
        } else if let Message::Deletion(deletion) = parsed {
            assert_eq!(value["delete"]["status"]["id_str"], deletion.tweet_id.to_string());
        } else {
            assert!(!is_status(&value) && value.get("delete").is_none(), "{value}");
        }
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
    for status in statuses(run(50, 3, 1_000)).flat_map(each_embedded) {
        assert_eq!(status["id"].to_string(), status["id_str"].as_str().unwrap());
        let user = status["user"].as_object().unwrap();
        for key in KEYS.split_whitespace() {
            assert!(user.contains_key(key), "no {key}: {status}");
        }
        assert_eq!(user["id"].to_string(), user["id_str"].as_str().unwrap());
    }
}

#[test]
fn pictures_are_all_that_profiles_can_have() {
    let mut seen = HashSet::new();
    for status in statuses(run(2_000, 3, 5_000)) {
        let user = &status["user"];
        let (image, background) = (&user["profile_image_url_https"], &user["profile_background_image_url_https"]);
        let is_default = image.as_str().unwrap().contains("default_profile_images");
        assert_eq!(user["default_profile_image"], is_default, "{user}");
        assert_eq!(user["default_profile"], background == "", "{user}");
        for key in ["profile_image_url", "profile_background_image_url"] {
            let secure = user[format!("{key}_https")].as_str().unwrap();
            assert_eq!(user[key].as_str().unwrap(), secure.replacen("https", "http", 1));
        }
        seen.insert((is_default, user["profile_banner_url"].is_string(), background != ""));
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn names_are_unique_and_change() {
    let mut name_of: HashMap<String, String> = HashMap::new();
    let mut owner_of: HashMap<String, String> = HashMap::new();
    let mut renames = 0;
    for status in statuses(run(100, 5, 15_000)) {
        let user = &status["user"];
        let written = user["screen_name"].as_str().unwrap();
        let is_allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
        assert!(written.len() <= 15 && written.chars().all(is_allowed), "{written}");
        let (id, name) = (user["id_str"].to_string(), written.to_lowercase());
        assert_eq!(owner_of.entry(name.clone()).or_insert_with(|| id.clone()), &id, "{name} had another owner");
        renames += usize::from(name_of.insert(id, name.clone()).is_some_and(|before| before != name));
    }
    assert!(renames > 20, "{renames} renames");
}

#[test]
fn texts_hold_what_is_hard_to_handle() {
    type Hard = (&'static str, fn(char) -> bool);
    const HARD: [Hard; 6] = [
        ("emoji", |character| ('\u{1f300}'..'\u{1faff}').contains(&character)),
        ("joiner", |character| character == '\u{200d}' || character == '\u{200c}'),
        ("combining mark", |character| ('\u{300}'..'\u{36f}').contains(&character) || character == '\u{3099}'),
        ("right to left", |character| ('\u{600}'..'\u{6ff}').contains(&character)),
        ("mark of no width", |character| ('\u{200b}'..'\u{200f}').contains(&character)),
        ("beyond ASCII", |character| !character.is_ascii()),
    ];
    let statuses: Vec<_> = statuses(run(2_000, 3, 5_000)).collect();
    let texts =
        |path: &str| -> String { statuses.iter().filter_map(|status| status.pointer(path)?.as_str()).collect() };
    for path in ["/text", "/user/name", "/user/description"] {
        let text = texts(path);
        for (name, is_hard) in HARD {
            assert!(text.chars().any(is_hard), "no {name} in {path}");
        }
    }
    assert!(["&amp;", "&lt;", "&gt;"].iter().all(|escaped| texts("/text").contains(escaped)));
    let unescaped = texts("/text").replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!unescaped.contains(['&', '<', '>']), "statuses are sent escaped");
    assert!(texts("/user/description").contains("\r\n"), "bios have lines");
}

#[test]
fn a_user_alone_can_talk() {
    assert_eq!(statuses(run(1, 0, 1_000)).map(|status| status["id"].to_string()).collect::<HashSet<_>>().len(), 1_000);
}

//! Every kind of message that the world makes comes, as often as stated and in its shape.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use user_info_upstream::simulator::frequencies as stated;

use crate::world::{each_embedded, is_status, run, statuses, values, with_embedded};

/// How often each kind came in a run, by what is stated for it.
fn counted(messages: impl Iterator<Item = Vec<u8>>) -> HashMap<&'static str, u32> {
    let (mut sent, mut deleted) = (HashSet::new(), HashSet::new());
    let mut seen: HashMap<&'static str, u32> = HashMap::new();
    for message in messages {
        let value: Value = serde_json::from_slice(&message).unwrap();
        let mut see = |what, happens: bool| *seen.entry(what).or_default() += u32::from(happens);
        let id = value["id_str"].to_string();
        if is_status(&value) && !sent.insert(id.clone()) {
            see("repetition", true);
            continue;
        }
        if is_status(&value) {
            let is_retweet = value.get("retweeted_status").is_some();
            see("status", true);
            see("status after its deletion", deleted.contains(&value["id"].to_string()));
            see("retweet", is_retweet);
            see("quote", value.get("quoted_status").is_some());
            see("reply", value["in_reply_to_status_id"].is_number());
            see("truncated", value["truncated"] == true);
            see("counts unknown", value["user"]["followers_count"].as_i64().is_none_or(|count| count == -1));
            see("bare line feed", message.contains(&b'\n'));
        } else {
            let (kind, notice) = value.as_object().unwrap().iter().next().unwrap();
            let status = notice.pointer("/status/id").map(Value::to_string).unwrap_or_default();
            see("delete", kind == "delete");
            if kind == "delete" {
                assert!(deleted.insert(status), "deleted twice: {value}");
            }
            for known in ["scrub_geo", "status_withheld", "user_withheld", "user_suspend", "user_unsuspend"] {
                see(known, kind == known);
            }
            see("user_undelete", kind == "user_undelete");
            see("user_delete", kind == "user_delete" && notice.get("permanent").is_none());
            see("permanent user_delete", notice["permanent"] == true);
        }
    }
    seen
}

#[test]
fn a_default_run_brings_every_kind_as_often_as_stated() {
    let returning = stated::USER_DELETE * stated::RETURNING_PERCENT / 100;
    let originals = stated::PER - stated::RETWEET;
    let expected = [
        ("status", stated::PER),
        ("retweet", stated::RETWEET),
        ("quote", stated::QUOTE),
        ("reply", stated::REPLY),
        ("truncated", stated::LONG * (originals / 100) / (stated::PER / 100)),
        ("counts unknown", stated::COUNTS_UNKNOWN),
        ("bare line feed", stated::BARE_LINE_FEED),
        ("repetition", stated::REPETITION),
        ("delete", stated::DELETION),
        ("status after its deletion", stated::DELETION_BEFORE_STATUS),
        ("scrub_geo", stated::SCRUB_GEO),
        ("status_withheld", stated::STATUS_WITHHELD),
        ("user_withheld", stated::USER_WITHHELD),
        ("user_suspend", stated::USER_SUSPEND),
        ("user_unsuspend", stated::USER_SUSPEND),
        ("user_delete", stated::USER_DELETE),
        ("user_undelete", returning),
        ("permanent user_delete", stated::USER_DELETE - returning),
    ];
    let counted = counted(run(2_000, 2, 60_000));
    assert_eq!(counted.len(), expected.len(), "{counted:?}");
    for (kind, frequency) in expected {
        let expected = f64::from(frequency) / f64::from(stated::PER) * 60_000.0;
        let seen = f64::from(counted[kind]);
        let tolerance = 4.0 * expected.sqrt() + expected / 10.0;
        assert!((seen - expected).abs() <= tolerance, "{kind}: {seen} of {expected} expected");
    }
}

/// The part of a text between two places, which count code points.
fn between(text: &Value, indices: &Value) -> String {
    let place = |index: usize| usize::try_from(indices[index].as_u64().unwrap()).unwrap();
    let part: String = text.as_str().unwrap().chars().skip(place(0)).take(place(1) - place(0)).collect();
    assert_eq!(part.chars().count(), place(1) - place(0), "{indices} lies in {text}");
    part
}

#[test]
fn entities_stand_where_they_say() {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for status in statuses(run(1_000, 4, 5_000)).flat_map(each_embedded) {
        let extended = status.get("extended_tweet");
        let texts = [Some((&status["text"], &status["entities"]))];
        let full = extended.map(|extended| (&extended["full_text"], &extended["entities"]));
        for (text, entities) in texts.into_iter().chain([full]).flatten() {
            assert_eq!(entities["symbols"], json!([]));
            for (kind, sign, named) in
                [("hashtags", "#", "text"), ("user_mentions", "@", "screen_name"), ("urls", "", "url")]
            {
                for entity in entities[kind].as_array().unwrap() {
                    let expected = format!("{sign}{}", entity[named].as_str().unwrap());
                    assert_eq!(between(text, &entity["indices"]), expected, "{status}");
                    *seen.entry(kind).or_default() += 1;
                }
            }
        }
    }
    assert!(seen.len() == 3 && seen.values().all(|&times| times > 100), "{seen:?}");
}

#[test]
fn a_long_text_is_cut_and_comes_whole_beside() {
    let mut seen = 0;
    for status in statuses(run(1_000, 4, 5_000)).flat_map(each_embedded) {
        let shown: Vec<char> = status["text"].as_str().unwrap().chars().collect();
        assert!(shown.len() <= 140, "{status}");
        let Some(extended) = status.get("extended_tweet") else {
            assert_eq!(status["truncated"], false);
            continue;
        };
        let full: Vec<char> = extended["full_text"].as_str().unwrap().chars().collect();
        let kept = shown.iter().zip(&full).take_while(|(one, other)| one == other).count();
        assert!(status["truncated"] == true && full.len() > 140 && kept >= 111, "{status}");
        assert_eq!(extended["display_text_range"][1], full.len());
        let link = status["entities"]["urls"].as_array().unwrap().last().unwrap();
        let leads_to_itself = link["expanded_url"].as_str().unwrap().ends_with(status["id_str"].as_str().unwrap());
        assert!(leads_to_itself && link["indices"] == json!([shown.len() - 23, shown.len()]), "{status}");
        if status["in_reply_to_status_id"].is_number() {
            let mention = &extended["entities"]["user_mentions"][0]["indices"][1];
            assert_eq!(extended["display_text_range"][0], mention.as_u64().unwrap() + 1);
        }
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn what_is_repeated_quoted_or_answered_is_what_was_sent() {
    let mut sent = HashMap::new();
    let words = |status: &Value| (status["text"].clone(), status["user"]["id"].clone(), status["created_at"].clone());
    for status in statuses(run(1_000, 4, 10_000)) {
        for embedded in with_embedded(&status).skip(1) {
            assert_eq!(words(embedded), sent[&embedded["id_str"].to_string()]);
            assert!(embedded.get("retweeted_status").is_none(), "a retweet repeats an original");
        }
        if let Some(original) = status.get("retweeted_status") {
            let name = original["user"]["screen_name"].as_str().unwrap();
            assert!(status["text"].as_str().unwrap().starts_with(&format!("RT @{name}: ")), "{status}");
            assert!(original["retweet_count"].as_u64().unwrap() > 0);
        }
        if let Some(quoted) = status.get("quoted_status") {
            assert_eq!(status["is_quote_status"], true);
            assert_eq!(
                (&status["quoted_status_id"], &status["quoted_status_id_str"]),
                (&quoted["id"], &quoted["id_str"])
            );
            let permalink = &status["quoted_status_permalink"];
            assert!(permalink["expanded"].as_str().unwrap().ends_with(quoted["id_str"].as_str().unwrap()));
            let full_text = status.pointer("/extended_tweet/full_text").unwrap_or(&status["text"]);
            assert!(full_text.as_str().unwrap().ends_with(permalink["url"].as_str().unwrap()), "{status}");
        }
        if status["in_reply_to_status_id"].is_number() {
            let answered = &sent[&status["in_reply_to_status_id_str"].to_string()];
            assert_eq!(status["in_reply_to_user_id"], answered.1);
            let name = status["in_reply_to_screen_name"].as_str().unwrap();
            assert!(status["text"].as_str().unwrap().starts_with(&format!("@{name}")), "{status}");
        }
        sent.insert(status["id_str"].to_string(), words(&status));
    }
}

#[test]
fn notices_have_the_shapes_of_twitter() {
    let mut shapes: HashMap<String, HashSet<String>> = HashMap::new();
    for value in values(run(500, 6, 30_000)).filter(|value| !is_status(value)) {
        let (kind, notice) = value.as_object().unwrap().iter().next().unwrap();
        let mut keys: Vec<_> = notice.as_object().unwrap().keys().cloned().collect();
        keys.extend(notice.get("status").into_iter().flat_map(|status| status.as_object().unwrap().keys().cloned()));
        keys.sort_unstable();
        assert_eq!(value.as_object().unwrap().len(), 1, "{value}");
        assert!(notice["timestamp_ms"].is_string(), "{value}");
        if let Some(countries) = notice.get("withheld_in_countries") {
            assert!(countries[0].as_str().unwrap().len() == 2, "{value}");
        }
        for (id, text) in [("id", "id_str"), ("user_id", "user_id_str"), ("up_to_status_id", "up_to_status_id_str")] {
            if let Some(id) = notice.get(id) {
                assert_eq!(id.to_string(), notice[text].as_str().unwrap());
            }
        }
        shapes.entry(kind.clone()).or_default().insert(keys.join(" "));
    }
    let shape = |kind: &str| {
        let mut shapes: Vec<_> = shapes[kind].iter().map(String::as_str).collect();
        shapes.sort_unstable();
        shapes.join(" | ")
    };
    assert_eq!(shape("delete"), "id id_str status timestamp_ms user_id user_id_str");
    assert_eq!(shape("scrub_geo"), "timestamp_ms up_to_status_id up_to_status_id_str user_id user_id_str");
    assert_eq!(shape("status_withheld"), "id id_str timestamp_ms user_id user_id_str withheld_in_countries");
    assert_eq!(shape("user_withheld"), "id id_str timestamp_ms withheld_in_countries");
    for kind in ["user_suspend", "user_unsuspend", "user_undelete"] {
        assert_eq!(shape(kind), "id id_str timestamp_ms");
    }
    assert_eq!(shape("user_delete"), "id id_str permanent timestamp_ms | id id_str timestamp_ms");
    assert_eq!(shapes.len(), 8);
}

#[test]
fn positions_that_were_taken_back_do_not_come_again() {
    let mut scrubbed: HashMap<String, u64> = HashMap::new();
    let (mut positions, mut without, mut sent) = (0, 0, HashSet::new());
    for value in values(run(300, 6, 30_000)) {
        // A message that comes once more may be older than the notice.
        if is_status(&value) && !sent.insert(value["id"].to_string()) {
            continue;
        }
        if let Some(notice) = value.get("scrub_geo") {
            scrubbed.insert(notice["user_id"].to_string(), notice["up_to_status_id"].as_u64().unwrap());
        }
        for status in std::iter::once(&value).filter(|value| is_status(value)).flat_map(with_embedded) {
            assert_eq!(status["geo"].is_null(), status["coordinates"].is_null());
            let user = status["user"]["id"].to_string();
            let is_scrubbed = scrubbed.get(&user).is_some_and(|&up_to| status["id"].as_u64().unwrap() <= up_to);
            without += usize::from(is_scrubbed);
            if status["geo"].is_object() && !is_scrubbed {
                assert_eq!(status["user"]["geo_enabled"], true);
                assert_eq!(status["geo"]["coordinates"][0], status["coordinates"]["coordinates"][1]);
                positions += 1;
            }
            assert!(!is_scrubbed || status["geo"].is_null(), "{status}");
        }
    }
    assert!(positions > 100 && without > 10, "{positions}, {without}");
}

#[test]
fn who_is_withheld_says_so() {
    let mut withheld = HashSet::new();
    let mut seen = 0;
    for value in values(run(100, 6, 20_000)) {
        if let Some(notice) = value.get("user_withheld") {
            withheld.insert((notice["id"].to_string(), notice["withheld_in_countries"][0].clone()));
        }
        // A message that comes once more is older than it seems.
        for status in std::iter::once(&value).filter(|value| is_status(value)) {
            let countries = status["user"]["withheld_in_countries"].as_array().unwrap();
            assert_eq!(status["user"]["withheld_scope"].is_string(), !countries.is_empty());
            if let [country] = &countries[..] {
                assert!(withheld.contains(&(status["user"]["id"].to_string(), country.clone())), "{status}");
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

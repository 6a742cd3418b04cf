//! What a world's stream tells about it.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use user_info_core::Timestamp;
use user_info_upstream::simulator::activity::local_hour;
use user_info_upstream::simulator::frequencies::STATUSES_PER_USER_AND_DAY;
use user_info_upstream::simulator::graph::FollowGraph;
use user_info_upstream::simulator::simulation::Simulation;
use user_info_upstream::simulator::user_id;

/// 2026-11-23T00:00:00Z.
const START_MS: i64 = 1_795_392_000_000;
const DAY_MS: i64 = 86_400_000;
/// What somebody can change.
const FIELDS: [&str; 8] = [
    "screen_name",
    "name",
    "description",
    "location",
    "url",
    "profile_image_url_https",
    "profile_banner_url",
    "profile_background_image_url_https",
];

/// What was read in a stream.
#[derive(Default)]
pub(crate) struct StreamFigures {
    pub(crate) users: u32,
    pub(crate) days: u32,
    pub(crate) statuses: u64,
    /// How often each kind of message came.
    pub(crate) kinds: BTreeMap<&'static str, u32>,
    /// Statuses of each user who wrote any.
    pub(crate) by_user: HashMap<u64, u32>,
    /// Statuses by region and hour of its clocks.
    pub(crate) by_hour: BTreeMap<&'static str, [u32; 24]>,
    /// At the end of each day: how many more are suspended, deactivated and deleted than at the beginning.
    pub(crate) away: Vec<[i32; 3]>,
    pub(crate) edits_per_user_and_day: f64,
}

/// Reads the stream of a world whose days are days.
pub(crate) fn measure(users: u32, days: u32, seed: u64) -> serde_json::Result<StreamFigures> {
    let per_day = i64::from(users) * STATUSES_PER_USER_AND_DAY.cast_signed();
    let (mut world, mut reader) = (Simulation::new(users, seed), Reader::new(users, seed));
    let mut messages = Vec::new();
    for step in 0..per_day * i64::from(days) {
        let now = START_MS + step * DAY_MS / per_day;
        world.step(Timestamp::from_millis(now).expect("a time of this century"), &mut messages);
        for message in String::from_utf8_lossy(&messages).split_terminator("\r\n") {
            reader.read(&serde_json::from_str(message)?, message.contains('\n'));
        }
        messages.clear();
        if (step + 1) % per_day == 0 {
            reader.figures.away.push(reader.away);
        }
    }
    Ok(reader.finish(users, days))
}

struct Reader {
    figures: StreamFigures,
    away: [i32; 3],
    sent: HashSet<u64>,
    deleted: HashSet<u64>,
    region_of: HashMap<u64, &'static user_info_upstream::simulator::regions::Region>,
    /// The fields of each user as last seen, with the statuses at the first and the last sight.
    profiles: HashMap<u64, (u64, u64, [Value; 8])>,
    edits: u32,
}

impl Reader {
    fn new(users: u32, seed: u64) -> Self {
        let graph = FollowGraph::new(users, seed);
        let region_of = (0..users).map(|user| (user_id(user), graph.region(user))).collect();
        let (figures, profiles) = (StreamFigures::default(), HashMap::new());
        Self { figures, away: [0; 3], sent: HashSet::new(), deleted: HashSet::new(), region_of, profiles, edits: 0 }
    }

    fn see(&mut self, kind: &'static str, happens: bool) {
        *self.figures.kinds.entry(kind).or_default() += u32::from(happens);
    }

    fn read(&mut self, value: &Value, has_line_feed: bool) {
        if value.get("in_reply_to_status_id").is_some() {
            self.read_status(value, has_line_feed);
        } else {
            self.read_notice(value);
        }
    }

    fn read_status(&mut self, value: &Value, has_line_feed: bool) {
        let id = value["id"].as_u64().unwrap_or_default();
        if !self.sent.insert(id) {
            self.see("repetition", true);
            return;
        }
        self.figures.statuses += 1;
        self.see("retweet", value.get("retweeted_status").is_some());
        self.see("quote", value.get("quoted_status").is_some());
        self.see("reply", value["in_reply_to_status_id"].is_number());
        self.see("truncated", value["truncated"] == true);
        self.see("counts unknown", value["user"]["followers_count"].as_i64().is_none_or(|count| count < 0));
        self.see("bare line feed", has_line_feed);
        self.see("delete before its status", self.deleted.contains(&id));
        self.read_author(&value["user"], value["timestamp_ms"].as_str().and_then(|millis| millis.parse().ok()));
    }

    fn read_author(&mut self, user: &Value, millis: Option<i64>) {
        let id = user["id"].as_u64().unwrap_or_default();
        *self.figures.by_user.entry(id).or_default() += 1;
        if let (Some(region), Some(now)) =
            (self.region_of.get(&id), millis.and_then(|ms| Timestamp::from_millis(ms).ok()))
        {
            self.figures.by_hour.entry(region.name).or_insert([0; 24])[local_hour(region, now)] += 1;
        }
        let (now, fields) = (self.figures.statuses, FIELDS.map(|field| user[field].clone()));
        let (_, last, before) = self.profiles.entry(id).or_insert_with(|| (now, now, fields.clone()));
        self.edits += before.iter().zip(&fields).filter(|(before, after)| before != after).count() as u32;
        (*last, *before) = (now, fields);
    }

    fn read_notice(&mut self, value: &Value) {
        let [suspended, deactivated, deleted] = &mut self.away;
        let is_permanent = value["user_delete"]["permanent"] == true;
        if let Some(status) = value.pointer("/delete/status/id") {
            self.deleted.insert(status.as_u64().unwrap_or_default());
        }
        let kind = match value.as_object().and_then(|object| object.keys().next()).map(String::as_str) {
            Some("delete") => "delete",
            Some("scrub_geo") => "scrub_geo",
            Some("status_withheld") => "status_withheld",
            Some("user_withheld") => "user_withheld",
            Some("user_suspend") => {
                *suspended += 1;
                "user_suspend"
            }
            Some("user_unsuspend") => {
                *suspended -= 1;
                "user_unsuspend"
            }
            Some("user_delete") if is_permanent => {
                *deactivated -= 1;
                *deleted += 1;
                "user_delete, permanent"
            }
            Some("user_delete") => {
                *deactivated += 1;
                "user_delete"
            }
            Some("user_undelete") => {
                *deactivated -= 1;
                "user_undelete"
            }
            _ => "unknown",
        };
        self.see(kind, true);
    }

    fn finish(self, users: u32, days: u32) -> StreamFigures {
        let observed: u64 = self.profiles.values().map(|(first, last, _)| last - first).sum();
        let user_days = observed as f64 / (f64::from(users) * STATUSES_PER_USER_AND_DAY as f64);
        StreamFigures { users, days, edits_per_user_and_day: f64::from(self.edits) / user_days, ..self.figures }
    }
}

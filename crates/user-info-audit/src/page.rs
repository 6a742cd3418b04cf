//! The fields of a user page, as the log says they are, and their comparison with what was found.

use serde_json::{Map, Value};
use user_info_core::Topic;

use crate::model::Model;
use crate::reading::Profile;
use crate::report::{Mismatch, shown};
use crate::time::written;

/// Names and values of fields.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// The five counts of a user, each by going through the set.
pub(crate) fn counts(model: &Model, user: &str) -> Fields {
    let owned = |topic| model.members(topic, user).count();
    vec![
        ("tweet_count", owned(Topic::Tweets).into()),
        ("following_count", owned(Topic::Follows).into()),
        ("followers_count", model.followers(user).count().into()),
        ("like_count", owned(Topic::Likes).into()),
        ("list_count", owned(Topic::Lists).into()),
    ]
}

/// The fields of a profile, the state not among them: it decides whether the page is shown.
pub(crate) fn profile(user: &str, profile: &Profile) -> Fields {
    vec![
        ("user_id", user.into()),
        ("username", profile.username.clone().into()),
        ("name", profile.name.clone().into()),
        ("bio", profile.bio.clone().into()),
        ("location", profile.location.clone().into()),
        ("url", profile.url.clone().into()),
        ("joined_at", written(profile.joined_at_ms).into()),
        ("profile_image_url", profile.profile_image_url.clone().into()),
        ("background_image_url", profile.background_image_url.clone().into()),
    ]
}

/// Where the fields found are not the expected ones. Other fields than those expected may stand beside them.
pub(crate) fn differing(expected: &Fields, found: &Map<String, Value>) -> Vec<Mismatch> {
    let differing = expected.iter().filter(|(name, value)| found.get(*name) != Some(value));
    let mismatch = |(name, value): &(&'static str, Value)| {
        let found = found.get(*name).map_or("missing".into(), Value::to_string);
        Mismatch::new(format!("{name} is {}", shown(&found)), format!("the log says {}", shown(&value.to_string())))
    };
    differing.map(mismatch).collect()
}

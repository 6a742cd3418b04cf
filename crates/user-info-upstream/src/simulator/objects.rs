//! Messages as Twitter's v1.1 API writes them. Every key that clients know of a user is there, null where
//! nothing is known; only `status` is not, because the user stands in one.

use serde::Serialize;
use user_info_core::Timestamp;

use crate::simulator::population::Profile;
use crate::stream::v1_date;

/// A JSON `null`.
type Null = ();

#[derive(Serialize)]
pub(super) struct StatusObject {
    created_at: String,
    id: u64,
    id_str: String,
    text: String,
    source: &'static str,
    truncated: bool,
    in_reply_to_status_id: Option<u64>,
    in_reply_to_status_id_str: Option<String>,
    in_reply_to_user_id: Option<u64>,
    in_reply_to_user_id_str: Option<String>,
    in_reply_to_screen_name: Option<String>,
    user: UserObject,
    geo: Null,
    coordinates: Null,
    place: Null,
    contributors: Null,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweeted_status: Option<Box<Self>>,
    is_quote_status: bool,
    quote_count: u32,
    reply_count: u32,
    retweet_count: u32,
    favorite_count: u32,
    entities: StatusEntities,
    favorited: bool,
    retweeted: bool,
    filter_level: &'static str,
    lang: &'static str,
    timestamp_ms: String,
}

/// What differs between statuses.
pub(super) struct NewStatus {
    pub(super) id: u64,
    pub(super) text: String,
    pub(super) created_at: Timestamp,
    pub(super) user: UserObject,
    pub(super) reply_to: Option<ReplyTo>,
    pub(super) retweeted: Option<StatusObject>,
}

pub(super) struct ReplyTo {
    pub(super) status_id: u64,
    pub(super) user_id: u64,
    pub(super) screen_name: String,
}

impl From<NewStatus> for StatusObject {
    fn from(status: NewStatus) -> Self {
        let reply_to = status.reply_to;
        let (status_id, user_id) = (reply_to.as_ref().map(|to| to.status_id), reply_to.as_ref().map(|to| to.user_id));
        Self {
            created_at: v1_date::format(status.created_at),
            id: status.id,
            id_str: status.id.to_string(),
            text: status.text,
            source: r#"<a href="https://stream.example/" rel="nofollow">Simulator</a>"#,
            truncated: false,
            in_reply_to_status_id: status_id,
            in_reply_to_status_id_str: status_id.map(|id| id.to_string()),
            in_reply_to_user_id: user_id,
            in_reply_to_user_id_str: user_id.map(|id| id.to_string()),
            in_reply_to_screen_name: reply_to.map(|to| to.screen_name),
            user: status.user,
            geo: (),
            coordinates: (),
            place: (),
            contributors: (),
            retweeted_status: status.retweeted.map(Box::new),
            is_quote_status: false,
            quote_count: 0,
            reply_count: 0,
            retweet_count: 0,
            favorite_count: 0,
            entities: StatusEntities::default(),
            favorited: false,
            retweeted: false,
            filter_level: "low",
            lang: "en",
            timestamp_ms: status.created_at.as_millis().to_string(),
        }
    }
}

/// The simulator's texts hold nothing that would be an entity.
#[derive(Default, Serialize)]
struct StatusEntities {
    hashtags: [Null; 0],
    urls: [Null; 0],
    user_mentions: [Null; 0],
    symbols: [Null; 0],
}

#[derive(Serialize)]
pub(super) struct UserObject {
    id: u64,
    id_str: String,
    name: String,
    screen_name: String,
    location: Option<&'static str>,
    url: Option<String>,
    description: Option<String>,
    entities: UserEntities,
    protected: bool,
    verified: bool,
    followers_count: Option<i64>,
    friends_count: Option<i64>,
    listed_count: Option<i64>,
    favourites_count: Option<i64>,
    statuses_count: Option<i64>,
    created_at: String,
    utc_offset: Null,
    time_zone: Null,
    geo_enabled: bool,
    lang: Null,
    contributors_enabled: bool,
    is_translator: bool,
    profile_background_color: &'static str,
    profile_background_image_url: &'static str,
    profile_background_image_url_https: &'static str,
    profile_background_tile: bool,
    profile_image_url: String,
    profile_image_url_https: String,
    profile_banner_url: Option<String>,
    profile_link_color: &'static str,
    profile_sidebar_border_color: &'static str,
    profile_sidebar_fill_color: &'static str,
    profile_text_color: &'static str,
    profile_use_background_image: bool,
    default_profile: bool,
    default_profile_image: bool,
    following: Null,
    follow_request_sent: Null,
    notifications: Null,
    withheld_in_countries: [Null; 0],
    withheld_scope: Null,
}

#[derive(Serialize)]
struct UserEntities {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<UrlEntities>,
    description: DescriptionEntities,
}

#[derive(Serialize)]
struct UrlEntities {
    urls: [UrlEntity; 1],
}

#[derive(Serialize)]
struct UrlEntity {
    url: String,
    expanded_url: String,
    display_url: String,
    indices: [usize; 2],
}

#[derive(Default, Serialize)]
struct DescriptionEntities {
    urls: [Null; 0],
}

/// What the counts of a user object say.
#[derive(Clone, Copy)]
pub(super) enum CountsKnown {
    /// The counts.
    Yes,
    /// -1 everywhere, as when Twitter could not fetch them in time.
    MinusOne,
    /// null everywhere, for the same reason.
    Null,
}

impl UserObject {
    pub(super) fn new(profile: Profile, known: CountsKnown) -> Self {
        let count = |count: u32| match known {
            CountsKnown::Yes => Some(i64::from(count)),
            CountsKnown::MinusOne => Some(-1),
            CountsKnown::Null => None,
        };
        Self {
            id: profile.id,
            id_str: profile.id.to_string(),
            followers_count: count(profile.followers),
            friends_count: count(profile.friends),
            listed_count: count(profile.followers / 1_000),
            favourites_count: count(profile.friends * 3),
            statuses_count: count(profile.statuses),
            name: profile.name,
            screen_name: profile.screen_name,
            location: profile.location,
            entities: UserEntities::new(profile.url.as_deref()),
            url: profile.url,
            description: profile.description,
            protected: false,
            verified: profile.verified,
            created_at: v1_date::format(profile.joined_at),
            utc_offset: (),
            time_zone: (),
            geo_enabled: false,
            lang: (),
            contributors_enabled: false,
            is_translator: false,
            profile_background_color: "F5F8FA",
            profile_background_image_url: "",
            profile_background_image_url_https: "",
            profile_background_tile: false,
            profile_image_url: profile.image_url.replacen("https", "http", 1),
            profile_image_url_https: profile.image_url,
            profile_banner_url: profile.banner_url,
            profile_link_color: "1DA1F2",
            profile_sidebar_border_color: "C0DEED",
            profile_sidebar_fill_color: "DDEEF6",
            profile_text_color: "333333",
            profile_use_background_image: true,
            default_profile: true,
            default_profile_image: false,
            following: (),
            follow_request_sent: (),
            notifications: (),
            withheld_in_countries: [],
            withheld_scope: (),
        }
    }
}

impl UserEntities {
    fn new(url: Option<&str>) -> Self {
        let entity = |url: &str| UrlEntity {
            url: url.to_owned(),
            expanded_url: url.to_owned(),
            display_url: url.trim_start_matches("https://").to_owned(),
            indices: [0, url.chars().count()],
        };
        Self { url: url.map(|url| UrlEntities { urls: [entity(url)] }), description: DescriptionEntities::default() }
    }
}

/// Says that a status is gone.
#[derive(Serialize)]
pub(super) struct DeletionMessage {
    delete: DeletedStatus,
}

#[derive(Serialize)]
struct DeletedStatus {
    status: DeletedIds,
    timestamp_ms: String,
}

#[derive(Serialize)]
struct DeletedIds {
    id: u64,
    id_str: String,
    user_id: u64,
    user_id_str: String,
}

impl DeletionMessage {
    pub(super) fn new(status_id: u64, user_id: u64, deleted_at: Timestamp) -> Self {
        let status =
            DeletedIds { id: status_id, id_str: status_id.to_string(), user_id, user_id_str: user_id.to_string() };
        Self { delete: DeletedStatus { status, timestamp_ms: deleted_at.as_millis().to_string() } }
    }
}

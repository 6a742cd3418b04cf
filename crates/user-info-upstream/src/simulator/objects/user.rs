//! The user object of a status.
//!
//! Every key that clients know of a user is there; only `status` is not, because the user stands in one. Zone and
//! language are null since 2018.

use serde::{Serialize, Serializer};
use user_info_core::v1_date;

use super::{InWords, Null};
use crate::simulator::profile::Profile;

#[derive(Serialize)]
pub(in crate::simulator) struct UserObject<'profile> {
    id: u64,
    id_str: InWords<u64>,
    name: &'profile str,
    screen_name: &'profile str,
    location: Option<&'static str>,
    url: Option<&'profile str>,
    description: Option<&'profile str>,
    entities: UserEntities<'profile>,
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
    profile_background_image_url: Insecure<'profile>,
    profile_background_image_url_https: &'profile str,
    profile_background_tile: bool,
    profile_image_url: Insecure<'profile>,
    profile_image_url_https: &'profile str,
    profile_banner_url: Option<&'profile str>,
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
    withheld_in_countries: Countries,
    withheld_scope: Option<&'static str>,
}

#[derive(Serialize)]
struct UserEntities<'profile> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<UrlEntities<'profile>>,
    description: DescriptionEntities,
}

#[derive(Serialize)]
struct UrlEntities<'profile> {
    urls: [UrlEntity<'profile>; 1],
}

#[derive(Serialize)]
struct UrlEntity<'profile> {
    url: &'profile str,
    expanded_url: &'profile str,
    display_url: &'profile str,
    indices: [usize; 2],
}

#[derive(Default, Serialize)]
struct DescriptionEntities {
    urls: [Null; 0],
}

/// What the counts of a user object say.
#[derive(Clone, Copy)]
pub(in crate::simulator) enum CountsKnown {
    /// The counts.
    Yes,
    /// -1 everywhere, as when Twitter could not fetch them in time.
    MinusOne,
    /// null everywhere, for the same reason.
    Null,
}

impl<'profile> UserObject<'profile> {
    pub(in crate::simulator) fn new(profile: &'profile Profile, known: CountsKnown) -> Self {
        let count = |count: u32| match known {
            CountsKnown::Yes => Some(i64::from(count)),
            CountsKnown::MinusOne => Some(-1),
            CountsKnown::Null => None,
        };
        let image = profile.image_url.as_deref().unwrap_or(DEFAULT_IMAGE);
        let background = profile.background_url.as_deref();
        Self {
            id: profile.id,
            id_str: InWords(profile.id),
            followers_count: count(profile.followers),
            friends_count: count(profile.friends),
            listed_count: count(profile.followers / 50),
            favourites_count: count(profile.friends * 3),
            statuses_count: count(profile.statuses),
            name: &profile.name,
            screen_name: &profile.screen_name,
            location: profile.location,
            entities: UserEntities::new(profile.url.as_deref()),
            url: profile.url.as_deref(),
            description: profile.description.as_deref(),
            protected: false,
            verified: profile.verified,
            created_at: v1_date::format(profile.joined_at),
            utc_offset: (),
            time_zone: (),
            geo_enabled: profile.geo_enabled,
            lang: (),
            contributors_enabled: false,
            is_translator: false,
            profile_background_color: "F5F8FA",
            profile_background_image_url: Insecure(background.unwrap_or_default()),
            profile_background_image_url_https: background.unwrap_or_default(),
            profile_background_tile: false,
            profile_image_url: Insecure(image),
            profile_image_url_https: image,
            profile_banner_url: profile.banner_url.as_deref(),
            profile_link_color: "1DA1F2",
            profile_sidebar_border_color: "C0DEED",
            profile_sidebar_fill_color: "DDEEF6",
            profile_text_color: "333333",
            profile_use_background_image: true,
            default_profile: background.is_none(),
            default_profile_image: profile.image_url.is_none(),
            following: (),
            follow_request_sent: (),
            notifications: (),
            withheld_in_countries: profile.withheld_in.map_or(Countries::None([]), |country| Countries::One([country])),
            withheld_scope: profile.withheld_in.map(|_| "user"),
        }
    }
}

impl<'profile> UserEntities<'profile> {
    fn new(url: Option<&'profile str>) -> Self {
        let entity = |url: &'profile str| UrlEntity {
            url,
            expanded_url: url,
            display_url: url.trim_start_matches("https://"),
            indices: [0, url.chars().count()],
        };
        Self { url: url.map(|url| UrlEntities { urls: [entity(url)] }), description: DescriptionEntities::default() }
    }
}

/// The picture of users who chose none.
const DEFAULT_IMAGE: &str = "https://images.example/sticky/default_profile_images/default_profile_normal.png";

/// An address that begins with `https`, without the `s`; nothing stays nothing.
struct Insecure<'profile>(&'profile str);

impl Serialize for Insecure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.strip_prefix("https") {
            Some(rest) => serializer.collect_str(&format_args!("http{rest}")),
            None => serializer.serialize_str(self.0),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Countries {
    None([Null; 0]),
    One([&'static str; 1]),
}

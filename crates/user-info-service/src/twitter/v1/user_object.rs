//! The user object of v1.1.
//!
//! Every key that clients know is there, `null` where nothing is known; only `status` is not, because there are clients that
//! read a tweet out of whatever it holds. Colours, switches and pictures always have a value, because others insist on that:
//! they are those of an account that changed nothing.

use serde::Serialize;
use user_info_core::v1_date;

use crate::found::Shown;
use crate::twitter::links::{self, Link};

/// The picture of users who have none: a grey pixel inside the address, so that no other host is asked for it.
const NO_PICTURE: &str = "data:image/gif;base64,R0lGODlhAQABAIAAAMzMzP///yH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";

/// Known of no user.
type Unknown = ();

/// A user as v1.1 shows one.
#[derive(Debug, Serialize)]
pub struct UserObject<'record> {
    /// `null` if the id is no number that clients could read.
    id: Option<u64>,
    id_str: &'record str,
    name: &'record str,
    screen_name: &'record str,
    location: Option<&'record str>,
    description: Option<&'record str>,
    url: Option<&'record str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entities: Option<UserEntities<'record>>,
    protected: bool,
    verified: bool,
    suspended: bool,
    followers_count: i32,
    friends_count: i32,
    /// Lists that the user is on, of which nothing is known here.
    listed_count: i32,
    /// Lists that the user owns; Twitter had no such key.
    lists_count: u64,
    favourites_count: i32,
    statuses_count: i32,
    created_at: String,
    utc_offset: Unknown,
    time_zone: Unknown,
    geo_enabled: bool,
    lang: Unknown,
    contributors_enabled: bool,
    is_translator: bool,
    profile_background_color: &'static str,
    profile_background_image_url: Unknown,
    profile_background_image_url_https: Unknown,
    profile_background_tile: bool,
    profile_image_url: &'record str,
    profile_image_url_https: &'record str,
    profile_banner_url: Option<&'record str>,
    profile_link_color: &'static str,
    profile_sidebar_border_color: &'static str,
    profile_sidebar_fill_color: &'static str,
    profile_text_color: &'static str,
    profile_use_background_image: bool,
    default_profile: bool,
    default_profile_image: bool,
    following: Unknown,
    follow_request_sent: Unknown,
    notifications: Unknown,
    withheld_in_countries: [Unknown; 0],
    withheld_scope: Unknown,
}

#[derive(Debug, Serialize)]
struct UserEntities<'record> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Urls<'record>>,
    description: Urls<'record>,
}

#[derive(Debug, Serialize)]
struct Urls<'record> {
    urls: Vec<UrlEntity<'record>>,
}

#[derive(Debug, Serialize)]
struct UrlEntity<'record> {
    url: &'record str,
    expanded_url: &'record str,
    display_url: &'record str,
    indices: [usize; 2],
}

impl<'record> UserObject<'record> {
    /// The object of a user, with links marked in it or not.
    pub fn new(shown: Shown<'record>, entities: bool) -> Self {
        let Shown { user: id, profile, counts } = shown;
        let picture = profile.profile_image_url.as_deref();
        Self {
            id: number(id.as_str()),
            id_str: id.as_str(),
            name: &profile.name,
            screen_name: &profile.username,
            location: profile.location.as_deref(),
            description: profile.bio.as_deref(),
            url: profile.url.as_deref(),
            entities: entities.then(|| UserEntities::new(profile.url.as_deref(), profile.bio.as_deref())),
            protected: false,
            verified: false,
            suspended: false,
            followers_count: saturated(counts.followers),
            friends_count: saturated(counts.following),
            listed_count: 0,
            lists_count: counts.lists,
            favourites_count: saturated(counts.likes),
            statuses_count: saturated(counts.tweets),
            created_at: v1_date::format(profile.joined_at),
            utc_offset: (),
            time_zone: (),
            geo_enabled: false,
            lang: (),
            contributors_enabled: false,
            is_translator: false,
            profile_background_color: "F5F8FA",
            profile_background_image_url: (),
            profile_background_image_url_https: (),
            profile_background_tile: false,
            profile_image_url: picture.unwrap_or(NO_PICTURE),
            profile_image_url_https: picture.unwrap_or(NO_PICTURE),
            profile_banner_url: profile.background_image_url.as_deref(),
            profile_link_color: "1DA1F2",
            profile_sidebar_border_color: "C0DEED",
            profile_sidebar_fill_color: "DDEEF6",
            profile_text_color: "333333",
            profile_use_background_image: true,
            default_profile: true,
            default_profile_image: picture.is_none(),
            following: (),
            follow_request_sent: (),
            notifications: (),
            withheld_in_countries: [],
            withheld_scope: (),
        }
    }
}

impl<'record> UserEntities<'record> {
    fn new(url: Option<&'record str>, description: Option<&'record str>) -> Self {
        let urls = |links: Vec<Link<'record>>| Urls { urls: links.into_iter().map(UrlEntity::new).collect() };
        let page = url.and_then(links::page);
        Self {
            url: page.map(|page| urls(vec![page])),
            description: urls(description.map_or_else(Vec::new, links::in_text)),
        }
    }
}

impl<'record> UrlEntity<'record> {
    fn new(link: Link<'record>) -> Self {
        let (url, indices) = (link.url, [link.start, link.end]);
        Self { url, expanded_url: url, display_url: link.display_url(), indices }
    }
}

/// The number that is written exactly like this.
fn number(id: &str) -> Option<u64> {
    let is_canonical = id == "0" || id.starts_with(|first: char| ('1'..='9').contains(&first));
    is_canonical.then(|| id.parse().ok()).flatten()
}

/// Clients read counts as numbers of 32 bits: beyond 2,147,483,647 they are told just that.
fn saturated(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

//! The user object of v2: id, name and username, and what else is asked for. What is empty or unknown is left out.

use serde::Serialize;
use user_info_core::Counts;

use super::fields::{Field, Fields};
use crate::found::Shown;
use crate::twitter::links::{self, Link};

/// A user as v2 shows one.
#[derive(Debug, Serialize)]
pub struct UserObject<'record> {
    id: &'record str,
    name: &'record str,
    username: &'record str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'record str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entities: Option<Entities<'record>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'record str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_banner_url: Option<&'record str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_image_url: Option<&'record str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protected: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_metrics: Option<PublicMetrics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'record str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_type: Option<&'static str>,
}

/// Tweets under the name of today's specification and under the one that client libraries read.
#[derive(Debug, Serialize)]
struct PublicMetrics {
    followers_count: u64,
    following_count: u64,
    tweet_count: u64,
    post_count: u64,
    /// Lists that the user is on, of which nothing is known here.
    listed_count: u64,
    /// Likes that the user gave.
    like_count: u64,
}

#[derive(Debug, Serialize)]
struct Entities<'record> {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Urls<'record>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Urls<'record>>,
}

#[derive(Debug, Serialize)]
struct Urls<'record> {
    urls: Vec<UrlEntity<'record>>,
}

#[derive(Debug, Serialize)]
struct UrlEntity<'record> {
    start: usize,
    end: usize,
    url: &'record str,
    expanded_url: &'record str,
    display_url: &'record str,
}

impl<'record> UserObject<'record> {
    /// The object of a user, with these fields.
    pub fn new(shown: Shown<'record>, fields: Fields) -> Self {
        let Shown { user: id, profile, counts } = shown;
        let (bio, url) = (profile.bio.as_deref(), profile.url.as_deref());
        Self {
            id: id.as_str(),
            name: &profile.name,
            username: &profile.username,
            created_at: fields.of(Field::CreatedAt, || profile.joined_at.to_string()),
            description: fields.of(Field::Description, || bio).flatten(),
            entities: fields.of(Field::Entities, || Entities::new(url, bio)).flatten(),
            location: fields.of(Field::Location, || profile.location.as_deref()).flatten(),
            profile_banner_url: fields
                .of(Field::ProfileBannerUrl, || profile.background_image_url.as_deref())
                .flatten(),
            profile_image_url: fields.of(Field::ProfileImageUrl, || profile.profile_image_url.as_deref()).flatten(),
            protected: fields.of(Field::Protected, || false),
            public_metrics: fields.of(Field::PublicMetrics, || PublicMetrics::new(counts)),
            url: fields.of(Field::Url, || url).flatten(),
            verified: fields.of(Field::Verified, || false),
            verified_type: fields.of(Field::VerifiedType, || "none"),
        }
    }
}

impl PublicMetrics {
    fn new(counts: Counts) -> Self {
        Self {
            followers_count: counts.followers,
            following_count: counts.following,
            tweet_count: counts.tweets,
            post_count: counts.tweets,
            listed_count: 0,
            like_count: counts.likes,
        }
    }
}

impl<'record> Entities<'record> {
    fn new(url: Option<&'record str>, bio: Option<&'record str>) -> Option<Self> {
        let page = url.and_then(links::page).into_iter().collect();
        let url = Urls::new(page);
        let description = Urls::new(bio.map_or_else(Vec::new, links::in_text));
        (url.is_some() || description.is_some()).then_some(Self { url, description })
    }
}

impl<'record> Urls<'record> {
    fn new(links: Vec<Link<'record>>) -> Option<Self> {
        let entity = |link: Link<'record>| {
            let Link { url, start, end } = link;
            UrlEntity { start, end, url, expanded_url: url, display_url: link.display_url() }
        };
        (!links.is_empty()).then(|| Self { urls: links.into_iter().map(entity).collect() })
    }
}

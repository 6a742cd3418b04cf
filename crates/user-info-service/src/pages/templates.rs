//! What the templates of the pages are filled with. Whatever comes from users is text, and escaped where it is written.

use std::borrow::Cow;

use askama::Template;
use user_info_core::Profile;

use super::assets::Assets;
use super::images::{self, ImageOrigin};
use super::text::{self, Link};
use crate::found::Shown;

/// What every page has around its own.
pub(super) struct Frame<'page> {
    pub(super) assets: &'page Assets,
    /// How old the data is, in words, unless it is current.
    pub(super) age: Option<String>,
}

/// A user as pages show one.
pub(super) struct Person<'record> {
    pub(super) id: &'record str,
    /// What the user is called; the username if that is blank.
    pub(super) name: &'record str,
    pub(super) username: &'record str,
    pub(super) page_path: String,
    pub(super) api_path: String,
    pub(super) home_path: String,
    pub(super) card_path: String,
    pub(super) picture: Cow<'record, str>,
    pub(super) banner: Cow<'record, str>,
    pub(super) counts: ShownCounts,
}

/// Counts as text.
pub(super) struct ShownCounts {
    pub(super) tweets: String,
    pub(super) following: String,
    pub(super) followers: String,
    pub(super) likes: String,
    pub(super) lists: String,
}

impl<'record> Person<'record> {
    pub(super) fn new(shown: Shown<'record>, origins: &[ImageOrigin]) -> Self {
        let Shown { user, profile, counts } = shown;
        let id = user.as_str();
        let blank = profile.name.trim().is_empty();
        let own = |address: &'record Option<String>, generated| images::picture(address.as_deref(), origins, generated);
        Self {
            id,
            name: if blank { &profile.username } else { &profile.name },
            username: &profile.username,
            page_path: text::user_path(&profile.username),
            api_path: format!("/users/{}", text::path_part(id)),
            home_path: format!("/home?user={}", text::path_part(id)),
            card_path: format!("/cards/{}", text::path_part(id)),
            picture: own(&profile.profile_image_url, images::avatar_path(id)),
            banner: own(&profile.background_image_url, images::banner_path(id)),
            counts: ShownCounts {
                tweets: text::grouped(counts.tweets),
                following: text::grouped(counts.following),
                followers: text::grouped(counts.followers),
                likes: text::grouped(counts.likes),
                lists: text::grouped(counts.lists),
            },
        }
    }

    /// `1 follower`, `4,711 followers`.
    pub(super) fn followers_words(&self) -> String {
        let followers = &self.counts.followers;
        if followers == "1" { "1 follower".into() } else { format!("{followers} followers") }
    }

    /// What is shown instead of the user's own picture if that does not come.
    pub(super) fn picture_instead(&self) -> Option<String> {
        (!self.picture.starts_with('/')).then(|| images::avatar_path(self.id))
    }

    /// What is shown instead of the user's own banner if that does not come.
    pub(super) fn banner_instead(&self) -> Option<String> {
        (!self.banner.starts_with('/')).then(|| images::banner_path(self.id))
    }
}

/// The page of a user.
#[derive(Template)]
#[template(path = "user.html")]
pub(super) struct UserPage<'page> {
    pub(super) frame: Frame<'page>,
    pub(super) person: Person<'page>,
    title: String,
    bio: Option<&'page str>,
    location: Option<&'page str>,
    link: Option<Link<'page>>,
    joined: String,
    joined_day: String,
    joined_on: String,
}

impl<'page> UserPage<'page> {
    pub(super) fn new(frame: Frame<'page>, person: Person<'page>, profile: &'page Profile) -> Self {
        let filled = |text: &'page Option<String>| text.as_deref().filter(|text| !text.trim().is_empty());
        Self {
            title: format!("{} (@{})", text::title(person.name), text::title(person.username)),
            bio: filled(&profile.bio),
            location: filled(&profile.location),
            link: filled(&profile.url).map(Link::new),
            joined: text::month(profile.joined_at),
            joined_day: text::day(profile.joined_at),
            joined_on: text::machine_day(profile.joined_at),
            frame,
            person,
        }
    }
}

/// The start page.
#[derive(Template)]
#[template(path = "start.html")]
pub(super) struct StartPage<'page> {
    pub(super) frame: Frame<'page>,
    /// What is searched for; empty when nothing is.
    pub(super) search: &'page str,
    /// Who was found, or some users when nothing is searched for.
    pub(super) people: Vec<Person<'page>>,
    /// Whether names are found by their beginning.
    pub(super) by_beginning: bool,
}

/// The home page around a card.
#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage<'page> {
    pub(super) frame: Frame<'page>,
    /// Who is signed in.
    pub(super) person: Option<Person<'page>>,
    /// Who else there is.
    pub(super) people: Vec<Person<'page>>,
}

/// The home card, with its style, to be put into another page.
#[derive(Template)]
#[template(path = "card_fragment.html")]
pub(super) struct CardFragment<'page> {
    pub(super) frame: Frame<'page>,
    pub(super) card: Card<'page>,
}

/// The home card as a document.
#[derive(Template)]
#[template(path = "card_frame.html")]
pub(super) struct CardFrame<'page> {
    pub(super) frame: Frame<'page>,
    pub(super) card: Card<'page>,
}

/// What stands in a card.
pub(super) enum Card<'page> {
    /// The user.
    Of(Box<Person<'page>>),
    /// Why there is none.
    Without(String),
}

/// A page that says why there is no other.
#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct MessagePage<'page> {
    pub(super) frame: Frame<'page>,
    pub(super) heading: &'static str,
    pub(super) detail: String,
    /// After how many seconds it makes sense to ask again.
    pub(super) again_after: Option<u32>,
}

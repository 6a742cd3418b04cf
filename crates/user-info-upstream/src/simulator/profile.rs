//! What others see of a user, made on demand.
//!
//! Invariant: ids and screen names are unique: both carry the user's number. Screen names have at most 15 characters, as
//! Twitter's, in worlds of up to 1.6 million users.

use std::fmt::Write as _;

use user_info_core::Timestamp;

use crate::simulator::draw::{below, mixed, pick};
use crate::simulator::graph::User;
use crate::simulator::population::{has_long_id, snowflake_joined_ms, user_id};
use crate::simulator::vocabulary::Vocabulary;

/// What a user can edit.
#[derive(Clone, Copy, Debug)]
pub(super) enum EditableField {
    ScreenName,
    Name,
    Description,
    Location,
    Url,
    Image,
    Banner,
    Background,
}

impl EditableField {
    pub(super) const ALL: [Self; 8] = [
        Self::ScreenName,
        Self::Name,
        Self::Description,
        Self::Location,
        Self::Url,
        Self::Image,
        Self::Banner,
        Self::Background,
    ];
}

/// What others see of a user.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) id: u64,
    pub(super) screen_name: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) location: Option<&'static str>,
    pub(super) url: Option<String>,
    /// `None`: the picture of those who chose none.
    pub(super) image_url: Option<String>,
    pub(super) banner_url: Option<String>,
    /// `None`: the theme's.
    pub(super) background_url: Option<String>,
    pub(super) joined_at: Timestamp,
    pub(super) verified: bool,
    pub(super) geo_enabled: bool,
    pub(super) withheld_in: Option<&'static str>,
    pub(super) statuses: u32,
    pub(super) followers: u32,
    pub(super) friends: u32,
}

/// What a profile is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProfileSource<'population> {
    pub(super) seed: u64,
    pub(super) user: User,
    pub(super) edits: &'population [u8; EditableField::ALL.len()],
    pub(super) vocabulary: &'static Vocabulary,
}

/// 2006-03-21, the day of the first tweet ever.
const FIRST_JOINED_MS: i64 = 1_142_899_200_000;
/// 2015-11-01, from when on users have long ids.
const LAST_JOINED_MS: i64 = 1_446_336_000_000;
/// Of a hundred users, so many have not filled in a field that need not be.
const EMPTY_PERCENT: u64 = 25;
/// Of a hundred users, so many have no picture of their own.
const NO_IMAGE_PERCENT: u64 = 6;
/// Of a hundred users, so many have a background of their own.
const BACKGROUND_PERCENT: u64 = 30;
/// One of so many users is verified.
const VERIFIED_ONE_OF: u32 = 97;
/// Statuses of users from before the world began, at most.
const EARLIER_STATUSES_MAX: u64 = 400_000;

/// Countries that have content withheld.
pub(super) const WITHHOLDING_COUNTRIES: [&str; 6] = ["BR", "DE", "FR", "IN", "RU", "TR"];

const ADJECTIVES: [&str; 16] = [
    "Quiet", "Brave", "Early", "Sunny", "Lucky", "Plain", "Rapid", "Salty", "Tidy", "Vivid", "Witty", "Young", "Amber",
    "Bold", "Calm", "Dusty",
];
const ANIMALS: [&str; 16] = [
    "Heron", "Otter", "Wren", "Lynx", "Moth", "Newt", "Orca", "Puma", "Robin", "Seal", "Tapir", "Vole", "Yak", "Zebra",
    "Crane", "Finch",
];

impl ProfileSource<'_> {
    /// The profile, with the counts from before the world began.
    pub(super) fn profile(&self) -> Profile {
        let id = user_id(self.user);
        Profile {
            id,
            screen_name: self.screen_name(),
            name: self.name(),
            description: self.description(),
            location: self
                .is_filled(EditableField::Location)
                .then(|| self.pick(EditableField::Location, self.vocabulary.places)),
            url: self.url(id),
            image_url: self.file(EditableField::Image, "profile_images", "_normal.jpg", 100 - NO_IMAGE_PERCENT),
            banner_url: self.file(EditableField::Banner, "profile_banners", "", 100 - EMPTY_PERCENT),
            background_url: self.file(
                EditableField::Background,
                "profile_background_images",
                ".jpg",
                BACKGROUND_PERCENT,
            ),
            joined_at: self.joined_at(),
            verified: self.user.is_multiple_of(VERIFIED_ONE_OF),
            geo_enabled: self.is_geo_enabled(),
            withheld_in: None,
            statuses: (below(self.constant(1), EARLIER_STATUSES_MAX) / u64::from(self.user / 64 + 1)) as u32,
            followers: 0,
            friends: 0,
        }
    }

    pub(super) fn screen_name(&self) -> String {
        let draw = self.draw(EditableField::ScreenName);
        let mut name = String::with_capacity(24);
        name.push_str(pick(&ADJECTIVES, draw));
        name.push_str(pick(&ANIMALS, draw.rotate_left(16)));
        if draw & 1 == 0 {
            name.make_ascii_lowercase();
        }
        name.push('_');
        push_base_36(&mut name, self.user);
        name
    }

    pub(super) fn name(&self) -> String {
        let draw = self.draw(EditableField::Name);
        let (given, family) = (self.vocabulary.given_names, self.vocabulary.family_names);
        let (given, family) = (pick(given, draw), pick(family, draw.rotate_left(16)));
        if family.is_empty() { given.to_owned() } else { [given, " ", family].concat() }
    }

    pub(super) fn is_geo_enabled(&self) -> bool {
        below(self.constant(3), 5) < 2
    }

    /// Where the user is withheld, if anywhere.
    pub(super) fn withholding_country(&self) -> &'static str {
        pick(&WITHHOLDING_COUNTRIES, self.constant(4))
    }

    fn description(&self) -> Option<String> {
        if !self.is_filled(EditableField::Description) {
            return None;
        }
        let draw = self.draw(EditableField::Description);
        let separator = if draw & 7 == 0 { "\r\n" } else { ", " };
        let interest = |rotation| pick(self.vocabulary.interests, draw.rotate_left(rotation));
        Some([interest(0), separator, interest(16), separator, interest(32)].concat())
    }

    fn url(&self, id: u64) -> Option<String> {
        self.is_filled(EditableField::Url).then(|| {
            let host = self.pick(EditableField::Url, &ANIMALS);
            format!("https://{host}.example/{id}").to_lowercase()
        })
    }

    /// The address of a picture, which so many of a hundred users have.
    fn file(&self, field: EditableField, folder: &str, ending: &str, percent: u64) -> Option<String> {
        let draw = self.draw(field);
        (below(draw, 100) < percent).then(|| {
            let mut url = String::with_capacity(96);
            let number = draw as u32;
            write!(url, "https://images.example/{folder}/{}/{number}{ending}", user_id(self.user))
                .expect("a String takes all");
            url
        })
    }

    fn is_filled(&self, field: EditableField) -> bool {
        below(self.draw(field).rotate_left(48), 100) >= EMPTY_PERCENT
    }

    fn joined_at(&self) -> Timestamp {
        let joined_at_ms = if has_long_id(self.user) {
            snowflake_joined_ms(self.user)
        } else {
            FIRST_JOINED_MS + below(self.constant(2), LAST_JOINED_MS.abs_diff(FIRST_JOINED_MS)).cast_signed()
        };
        // Whole seconds: dates of the API have no finer ones.
        Timestamp::from_millis(joined_at_ms / 1_000 * 1_000).expect("between 2006 and 2023")
    }

    fn pick<T: Copy>(&self, field: EditableField, choices: &[T]) -> T {
        pick(choices, self.draw(field))
    }

    /// The random number behind a field in its present edition.
    fn draw(&self, field: EditableField) -> u64 {
        let edits = self.edits[field as usize];
        mixed(self.seed ^ mixed(u64::from(self.user) << 32 | u64::from(edits) << 8 | field as u64))
    }

    /// A random number that no edit changes.
    fn constant(&self, which: u64) -> u64 {
        mixed(!self.seed ^ mixed(u64::from(self.user) << 32 | which))
    }
}

fn push_base_36(text: &mut String, number: u32) {
    let mut digits = [0; 7];
    let (mut start, mut rest) = (digits.len(), number);
    loop {
        start -= 1;
        digits[start] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits[start..].iter().map(|&digit| char::from(digit)));
}

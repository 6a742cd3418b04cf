//! The users: who they are, and how their profiles change.
//!
//! Invariant: a profile is a pure function of the seed, the user and how often each of its fields was edited; a user is
//! a few counters in memory. Ids and screen names are unique: both carry the user's number.

use rand::{Rng, RngExt};
use user_info_core::Timestamp;

/// A user, by number from 0; the lower, the busier.
pub(super) type User = u32;

/// Everybody.
#[derive(Debug)]
pub(super) struct Population {
    seed: u64,
    accounts: Vec<Account>,
}

#[derive(Clone, Debug, Default)]
struct Account {
    edits: [u16; Field::ALL.len()],
    statuses: u32,
}

/// What a user can edit.
#[derive(Clone, Copy, Debug)]
enum Field {
    ScreenName,
    Name,
    Description,
    Location,
    Url,
    Image,
    Banner,
}

impl Field {
    const ALL: [Self; 7] =
        [Self::ScreenName, Self::Name, Self::Description, Self::Location, Self::Url, Self::Image, Self::Banner];
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
    pub(super) image_url: String,
    pub(super) banner_url: Option<String>,
    pub(super) joined_at: Timestamp,
    pub(super) verified: bool,
    pub(super) statuses: u32,
    pub(super) followers: u32,
    pub(super) friends: u32,
}

/// 2006-03-21, the day of the first tweet ever.
const FIRST_JOINED_MS: i64 = 1_142_899_200_000;
/// 2019-01-01.
const LAST_JOINED_MS: i64 = 1_546_300_800_000;

const ADJECTIVES: [&str; 16] = [
    "Quiet", "Brave", "Early", "Sunny", "Lucky", "Plain", "Rapid", "Salty", "Tidy", "Vivid", "Witty", "Young", "Amber",
    "Bold", "Calm", "Dusty",
];
const ANIMALS: [&str; 16] = [
    "Heron", "Otter", "Wren", "Lynx", "Moth", "Newt", "Orca", "Puma", "Robin", "Seal", "Tapir", "Vole", "Yak", "Zebra",
    "Crane", "Finch",
];
const GIVEN_NAMES: [&str; 16] = [
    "Mia", "Zoë", "José", "Anouk", "Kofi", "Yuki", "Olga", "Søren", "Priya", "Liam", "Chloé", "Amara", "Jürgen",
    "Noor", "Ines", "陽菜",
];
const FAMILY_NAMES: [&str; 16] = [
    "Okafor",
    "Müller",
    "García",
    "Tanaka",
    "Novák",
    "Silva",
    "Haddad",
    "O’Brien",
    "Kaya",
    "Larsen",
    "Rossi",
    "Singh",
    "Dubois",
    "Kim",
    "🌻",
    "",
];
const PLACES: [&str; 12] = [
    "Berlin",
    "São Paulo",
    "東京",
    "Lagos",
    "Reykjavík",
    "Colorado",
    "Kyiv",
    "Pune",
    "over there",
    "🌍",
    "Montréal",
    "Oslo",
];
const INTERESTS: [&str; 16] = [
    "coffee",
    "trains",
    "long walks",
    "jazz",
    "compilers",
    "gardening",
    "football",
    "maps",
    "old cameras",
    "bread",
    "astronomy",
    "chess",
    "rivers",
    "typography",
    "🐈",
    "поэзия",
];

impl Population {
    pub(super) fn new(users: u32, seed: u64) -> Self {
        Self { seed, accounts: vec![Account::default(); users as usize] }
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.accounts.len()).expect("made from a u32")
    }

    /// The user edits one field of the profile.
    pub(super) fn edit(&mut self, user: User, rng: &mut impl Rng) {
        let edits = &mut self.accounts[user as usize].edits[rng.random_range(0..Field::ALL.len())];
        *edits = edits.wrapping_add(1);
    }

    /// The user writes another status.
    pub(super) fn count_status(&mut self, user: User) {
        self.accounts[user as usize].statuses += 1;
    }

    pub(super) fn profile(&self, user: User) -> Profile {
        let id = user_id(user);
        let host = pick(&ANIMALS, self.draw(user, Field::Url)).to_lowercase();
        let image = self.draw(user, Field::Image) >> 32;
        let banner = self.draw(user, Field::Banner) >> 32;
        Profile {
            id,
            screen_name: self.screen_name(user),
            name: self.name(user),
            description: self.description(user),
            location: self.is_filled(user, Field::Location).then(|| pick(&PLACES, self.draw(user, Field::Location))),
            url: self.is_filled(user, Field::Url).then(|| format!("https://{host}.example/{id}")),
            image_url: format!("https://images.example/profile_images/{id}/{image}_normal.jpg"),
            banner_url: self
                .is_filled(user, Field::Banner)
                .then(|| format!("https://images.example/profile_banners/{id}/{banner}")),
            joined_at: self.joined_at(user),
            verified: user.is_multiple_of(97),
            statuses: self.accounts[user as usize].statuses,
            followers: 1_000_000 / (user + 1) + user % 13,
            friends: 7 + user % 991,
        }
    }

    pub(super) fn screen_name(&self, user: User) -> String {
        let draw = self.draw(user, Field::ScreenName);
        let name = format!("{}{}{user}", pick(&ADJECTIVES, draw), pick(&ANIMALS, draw >> 16));
        if draw >> 32 & 1 == 0 { name } else { name.to_lowercase() }
    }

    fn name(&self, user: User) -> String {
        let draw = self.draw(user, Field::Name);
        format!("{} {}", pick(&GIVEN_NAMES, draw), pick(&FAMILY_NAMES, draw >> 16)).trim_end().to_owned()
    }

    fn description(&self, user: User) -> Option<String> {
        let draw = self.draw(user, Field::Description);
        let separator = if draw >> 48 & 7 == 0 { "\r\n" } else { ", " };
        let interests = [pick(&INTERESTS, draw), pick(&INTERESTS, draw >> 16), pick(&INTERESTS, draw >> 32)];
        self.is_filled(user, Field::Description).then(|| interests.join(separator))
    }

    /// Whether an optional field is filled in: three of four are.
    fn is_filled(&self, user: User, field: Field) -> bool {
        self.draw(user, field) >> 60 & 3 != 0
    }

    fn joined_at(&self, user: User) -> Timestamp {
        let span = LAST_JOINED_MS.abs_diff(FIRST_JOINED_MS);
        let into_span = mixed(self.seed ^ mixed(u64::from(user))) % span;
        // Whole seconds: dates of the API have no finer ones.
        let joined_at_ms = (FIRST_JOINED_MS + into_span.cast_signed()) / 1_000 * 1_000;
        Timestamp::from_millis(joined_at_ms).expect("between 2006 and 2019")
    }

    /// The random number behind a field in its present edition.
    fn draw(&self, user: User, field: Field) -> u64 {
        let edits = self.accounts[user as usize].edits[field as usize];
        mixed(self.seed ^ mixed(u64::from(user) << 32 | u64::from(edits) << 8 | field as u64))
    }
}

/// The id of a user, the most active one being number 0. Three users of four have a short id, the others one that no
/// double can hold exactly.
pub fn user_id(number: u32) -> u64 {
    let number = u64::from(number);
    if number % 4 == 3 { 1_200_000_000_000_000_001 + number * 4_096 } else { 12 + number * 61 }
}

fn pick(choices: &'static [&'static str], draw: u64) -> &'static str {
    choices[usize::from(draw as u16) % choices.len()]
}

/// The finisher of SplitMix64: every bit of the result depends on every bit of the number.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

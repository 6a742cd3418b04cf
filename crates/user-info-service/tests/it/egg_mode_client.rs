//! The user type of `egg-mode`, a client that nobody here wrote, reads every user object of v1.1.

use egg_mode::user::TwitterUser;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use user_info_core::{AccountState, Counts, Profile, Stamp, StoredProfile, Timestamp};
use user_info_log::NewRecord;
use user_info_service::twitter::v1::{self, Endpoint};
use user_info_store::UserRecord;

use crate::facts::{id, user_changed};
use crate::server::World;

/// How many users go through the service: two requests of a hundred.
const USERS: usize = 200;

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("(\\PC|https?://[a-z]{1,5}\\.example/|[\"\\\\<>&\n 🦀ü]){0,12}")
}

fn address() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("(https?|javascript|data):(//)?[a-zA-Zü0-9./%?&=]{0,20}")
}

/// From the year 0 on, to the millisecond.
fn time() -> impl Strategy<Value = Timestamp> {
    (-62_167_219_200_000_i64..253_402_207_200_000).prop_map(|millis| Timestamp::from_millis(millis).unwrap())
}

fn profile() -> impl Strategy<Value = Profile> {
    let names = ("[^\\s\\p{Cc}]{1,12}", "\\PC{0,12}", time());
    (names, text(), text(), address(), address(), address()).prop_map(
        |((username, name, joined_at), bio, location, url, profile_image_url, background_image_url)| Profile {
            username,
            name,
            state: AccountState::Active,
            joined_at,
            bio,
            location,
            url,
            profile_image_url,
            background_image_url,
        },
    )
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![0..10_u64, Just(i32::MAX as u64), Just(i32::MAX as u64 + 1), any::<u64>()]
}

fn counts() -> impl Strategy<Value = Counts> {
    (count(), count(), count(), count(), count()).prop_map(|(tweets, following, followers, likes, lists)| Counts {
        tweets,
        following,
        followers,
        likes,
        lists,
    })
}

/// What clients read of a count.
fn read(count: u64) -> i32 {
    count.min(i32::MAX as u64) as i32
}

fn check(user: &TwitterUser, number: u64, profile: &Profile, counts: Counts) {
    assert_eq!((user.id, &user.screen_name, &user.name), (number, &profile.username, &profile.name));
    assert_eq!((&user.description, &user.location, &user.url), (&profile.bio, &profile.location, &profile.url));
    assert_eq!(user.created_at.timestamp(), profile.joined_at.as_millis().div_euclid(1_000));
    assert_eq!(user.profile_banner_url, profile.background_image_url);
    assert_eq!(user.default_profile_image, profile.profile_image_url.is_none());
    if let Some(image) = &profile.profile_image_url {
        assert_eq!(&user.profile_image_url_https, image);
    }
    let found = [user.statuses_count, user.friends_count, user.followers_count, user.favourites_count];
    assert_eq!(found, [counts.tweets, counts.following, counts.followers, counts.likes].map(read));
}

proptest! {
    #[test]
    fn every_user_object_is_read(profile in profile(), counts in counts(), number in any::<u64>(), entities in any::<bool>()) {
        let stamp = Stamp { timestamp_ms: 1, offset: 1 };
        let stored = StoredProfile { profile, stamp };
        let record = UserRecord { user: id(&number.to_string()), profile: Some(stored.clone()), counts };
        let shown = v1::answer(Endpoint::Show, &[Some(record.clone())], true, entities).unwrap();
        check(&serde_json::from_slice(&shown).unwrap(), number, &stored.profile, counts);
        let listed = v1::answer(Endpoint::Lookup, &[Some(record)], true, entities).unwrap();
        let users: Vec<TwitterUser> = serde_json::from_slice(&listed).unwrap();
        prop_assert_eq!(users.len(), 1);
        check(&users[0], number, &stored.profile, counts);
    }
}

#[test]
fn users_that_were_published_are_read_over_http() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let profiles = vec(profile(), USERS).new_tree(&mut runner).unwrap().current();
    let world = World::new();
    let server = world.start();
    let record =
        |(number, profile): (usize, &Profile)| NewRecord::fact(&user_changed(&number.to_string(), profile.clone()));
    world.publish(&profiles.iter().enumerate().map(record).collect::<Vec<_>>());
    server.until_caught_up(&world.log);
    for (first, profiles) in profiles.chunks(100).enumerate() {
        let ids = (0..profiles.len()).map(|index| (first * 100 + index).to_string()).collect::<Vec<_>>();
        let answer = server.get(&format!("/1.1/users/lookup.json?user_id={}", ids.join(",")));
        let users: Vec<TwitterUser> = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(users.len(), profiles.len());
        for ((user, id), profile) in users.iter().zip(&ids).zip(profiles) {
            check(user, id.parse().unwrap(), profile, Counts::default());
            let one: TwitterUser =
                serde_json::from_slice(&server.get(&format!("/1.1/users/show.json?user_id={id}")).body).unwrap();
            check(&one, id.parse().unwrap(), profile, Counts::default());
        }
    }
}

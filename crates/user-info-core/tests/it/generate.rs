//! Arbitrary values of the core's types, and how many cases of each property run.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use user_info_core::{
    AccountState, CountDelta, Counts, Decoded, Fact, Id, Key, Profile, Stamp, StoredProfile, Timestamp,
};

const CASES: u32 = 256;
const SOAK_CASES: u32 = 5_000;

/// 0000-01-01T00:00:00.000Z.
pub(crate) const FIRST_MILLIS: i64 = -62_167_219_200_000;

/// 9999-12-30T22:00:00.000Z.
pub(crate) const LAST_MILLIS: i64 = 253_402_207_200_000;

/// A failing case is printed at its smallest: paste it into a test of its own. So nothing is kept in files.
pub(crate) fn config() -> ProptestConfig {
    let soak = std::env::var_os("USER_INFO_SOAK").is_some_and(|value| value == "1");
    let (cases, rng_seed) = if soak { (SOAK_CASES, RngSeed::Random) } else { (CASES, RngSeed::Fixed(7)) };
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

/// Ids as the known sources write them, and the oddest that are allowed.
pub(crate) fn id() -> impl Strategy<Value = Id> {
    prop_oneof![
        "[0-9]{1,20}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "did:plc:[a-z2-7]{24}",
        "[!-+.0-z|~-]{1,64}",
        vec(visible(), 1..=16).prop_map(|text| String::from_iter(text).replace(['/', '{', '}', ','], "|")),
    ]
    .prop_map(|text| Id::new(&text).unwrap())
}

/// Any character that is neither whitespace nor control. Mapped, because a filter gives up in long runs.
fn visible() -> impl Strategy<Value = char> {
    any::<char>().prop_map(|it| if it.is_whitespace() || it.is_control() { '_' } else { it })
}

/// Three ids, so that pairs meet again, users follow themselves and one id names users, tweets and lists.
fn few_ids() -> impl Strategy<Value = Id> {
    prop_oneof!["a", "b", "c"].prop_map(|text| Id::new(&text).unwrap())
}

/// Any text, control characters and quotes included.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,40}", vec(any::<char>(), 0..20).prop_map(String::from_iter)]
}

fn username() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_]{1,15}", vec(visible(), 1..20).prop_map(String::from_iter)]
}

/// Every point in time there is, the ends more often.
pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        1 => Just(FIRST_MILLIS),
        1 => Just(LAST_MILLIS),
        8 => -10_000..10_000_i64,
        30 => FIRST_MILLIS..=LAST_MILLIS,
    ]
    .prop_map(|millis| Timestamp::from_millis(millis).unwrap())
}

pub(crate) fn profile() -> impl Strategy<Value = Profile> {
    let optional = || proptest::option::of(text());
    let state = proptest::sample::select(&AccountState::ALL[..]);
    let required = (username(), text(), state, timestamp());
    (required, optional(), optional(), optional(), optional(), optional()).prop_map(
        |((username, name, state, joined_at), bio, location, url, profile_image_url, background_image_url)| Profile {
            username,
            name,
            state,
            joined_at,
            bio,
            location,
            url,
            profile_image_url,
            background_image_url,
        },
    )
}

fn stamp() -> impl Strategy<Value = Stamp> {
    (any::<i64>(), any::<i64>()).prop_map(|(timestamp_ms, offset)| Stamp { timestamp_ms, offset })
}

pub(crate) fn stored_profile() -> impl Strategy<Value = StoredProfile> {
    (profile(), stamp()).prop_map(|(profile, stamp)| StoredProfile { profile, stamp })
}

pub(crate) fn counts() -> impl Strategy<Value = Counts> {
    any::<[u64; 5]>().prop_map(|[tweets, following, followers, likes, lists]| Counts {
        tweets,
        following,
        followers,
        likes,
        lists,
    })
}

pub(crate) fn delta() -> impl Strategy<Value = CountDelta> {
    any::<[i64; 5]>().prop_map(|[tweets, following, followers, likes, lists]| CountDelta {
        tweets,
        following,
        followers,
        likes,
        lists,
    })
}

/// Any of the nine facts about any ids.
pub(crate) fn fact() -> impl Strategy<Value = Fact> {
    fact_about(id)
}

/// Facts and tombstones about a few ids, in log order.
pub(crate) fn log() -> impl Strategy<Value = Vec<Decoded>> {
    let record = (fact_about(few_ids), proptest::bool::weighted(0.2)).prop_map(|(fact, tombstone)| {
        let key: Key = fact.key();
        if tombstone { Decoded::Tombstone(key) } else { Decoded::Fact(fact) }
    });
    vec(record, 0..120)
}

fn fact_about<I: Strategy<Value = Id> + 'static>(id: fn() -> I) -> impl Strategy<Value = Fact> {
    let pair = move || (id(), id());
    prop_oneof![
        (id(), profile()).prop_map(|(user_id, profile)| Fact::UserChanged { user_id, profile }),
        (pair(), text(), timestamp()).prop_map(|((user_id, tweet_id), text, created_at)| Fact::Tweeted {
            user_id,
            tweet_id,
            text,
            created_at
        }),
        pair().prop_map(|(user_id, tweet_id)| Fact::TweetDeleted { user_id, tweet_id }),
        (pair(), timestamp()).prop_map(|((follower_id, followee_id), created_at)| Fact::Followed {
            follower_id,
            followee_id,
            created_at
        }),
        pair().prop_map(|(follower_id, followee_id)| Fact::Unfollowed { follower_id, followee_id }),
        (pair(), timestamp()).prop_map(|((user_id, tweet_id), created_at)| Fact::Liked {
            user_id,
            tweet_id,
            created_at
        }),
        pair().prop_map(|(user_id, tweet_id)| Fact::Unliked { user_id, tweet_id }),
        (pair(), text(), timestamp()).prop_map(|((owner_id, list_id), name, created_at)| Fact::ListCreated {
            owner_id,
            list_id,
            name,
            created_at
        }),
        pair().prop_map(|(owner_id, list_id)| Fact::ListDeleted { owner_id, list_id }),
    ]
}

//! A store full of users.

use user_info_core::{AccountState, Change, Id, Profile, Stamp, StoredProfile, Timestamp};
use user_info_store::{Batch, Decision, Store, StoreOptions, StoreUrl};

pub(crate) fn filled(url: &StoreUrl, users: u64) -> Store {
    const BATCH: u64 = 5_000;
    let store = Store::open(url, &StoreOptions::default()).unwrap();
    for first in (0..users).step_by(BATCH as usize) {
        let numbers = first..users.min(first + BATCH);
        let decision = |number| Decision { offset: number as i64, change: profile(number) };
        store.apply(&Batch { changes: numbers.map(decision).collect(), ..Batch::default() }).unwrap();
    }
    store
}

fn profile(number: u64) -> Change {
    let image = format!("https://images.example/profile_images/{number}/normal.jpg");
    let profile = Profile {
        username: format!("user_{number}"),
        name: format!("User Number {number}"),
        state: AccountState::Active,
        joined_at: Timestamp::from_millis(1_300_000_000_000).unwrap(),
        bio: Some("Opinions are my own. Coffee, mountains, distributed systems and a cat called Offset.".into()),
        location: Some("Zurich, Switzerland".into()),
        url: Some(format!("https://example.com/{number}")),
        background_image_url: Some(image.replace("profile_images", "profile_banners")),
        profile_image_url: Some(image),
    };
    let stamp = Stamp { timestamp_ms: 0, offset: 0 };
    Change::Profile { user: user(number), profile: Box::new(StoredProfile { profile, stamp }) }
}

pub(crate) fn user(number: u64) -> Id {
    Id::new(&number.to_string()).unwrap()
}

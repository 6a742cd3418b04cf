//! Who writes, and when: few write most, and everybody sleeps.
//!
//! How much users write is log-normal. A log-normal distribution weighted by itself is one again, shifted by σ² in the
//! logarithm; so the author of a status is drawn directly as a rank, in constant time and without a table of users.

use rand::{Rng, RngExt};
use user_info_core::Timestamp;

use crate::simulator::draw::{Quantiles, normal_above, normal_tail};
use crate::simulator::graph::User;
use crate::simulator::regions::Region;

/// Standard deviation of the logarithm of how much users write. With it the busiest tenth writes 80 % of all statuses, as
/// the Pew Research Center found for adults of the US in 2019.
const ACTIVITY_SIGMA: f64 = 2.12;

/// How much is written in each hour of a user's day, from midnight, in hundredths of the busiest hour.
pub const HOURLY_PERCENT: [u32; 24] =
    [45, 30, 20, 14, 11, 12, 18, 30, 45, 55, 60, 64, 70, 68, 65, 66, 70, 75, 82, 90, 97, 100, 88, 65];

const MINUTE_MS: i64 = 60_000;
const MINUTES_PER_DAY: i64 = 24 * 60;

/// Chooses authors.
#[derive(Debug)]
pub(super) struct Activity {
    /// The rank of an author, as a share of all ranks.
    ranks: Quantiles,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { ranks: Quantiles::new(|chance| normal_tail(ACTIVITY_SIGMA + normal_above(chance))) }
    }

    /// The author of a status, whatever the time.
    pub(super) fn author(&self, rng: &mut impl Rng, users: u32) -> User {
        let rank = self.ranks.at(rng.next_u64()) * f64::from(users);
        (rank as User).min(users - 1)
    }
}

/// Whether somebody of the region who would write now is not asleep or busy.
pub(super) fn is_awake(region: &Region, now: Timestamp, rng: &mut impl Rng) -> bool {
    rng.random_range(0..100) < HOURLY_PERCENT[local_hour(region, now)]
}

/// The hour of the day, from 0, on the region's clocks.
pub fn local_hour(region: &Region, now: Timestamp) -> usize {
    let minutes = now.as_millis().div_euclid(MINUTE_MS) + i64::from(region.utc_offset_minutes);
    usize::try_from(minutes.rem_euclid(MINUTES_PER_DAY) / 60).expect("an hour of the day")
}

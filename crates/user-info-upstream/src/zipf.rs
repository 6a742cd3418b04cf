//! Few do most: Zipf-like choice by rank, in integers alone, so that a seed gives the same choices everywhere.

use rand::{Rng, RngExt};

/// A rank below `count`; rank `r` comes about as often as `1 / (r + 1)`. `count` must not be 0.
///
/// Every octave of ranks (1, 2–3, 4–7, …) is equally likely, and so is every rank of an octave.
pub(crate) fn rank(rng: &mut impl Rng, count: u32) -> u32 {
    assert!(count > 0, "nobody to choose from");
    loop {
        let lowest = 1_u64 << rng.random_range(0..=count.ilog2());
        let chosen = rng.random_range(lowest..2 * lowest);
        if chosen <= u64::from(count) {
            return u32::try_from(chosen - 1).expect("below count");
        }
    }
}

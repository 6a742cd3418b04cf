//! Whom requests ask for. Pure; the same seed asks for the same users in the same order.

use std::borrow::Cow;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Zipf};

/// A prime that no number of users is a multiple of: multiplying by it modulo that number gives each rank an id of its own, and
/// spreads the popular ones over all ids.
const SPREAD: u64 = (1 << 61) - 1;

/// Who can be asked for.
#[derive(Clone, Debug)]
pub enum Population {
    /// Users called `0` to one less than this.
    Numbered(u64),
    /// These ids, the most popular first.
    Listed(Arc<[String]>),
}

impl Population {
    fn count(&self) -> u64 {
        match self {
            Self::Numbered(count) => *count,
            Self::Listed(ids) => ids.len() as u64,
        }
    }
}

/// How often each of them is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Popularity {
    /// The n-th most popular user so often that it is in proportion to n to the power of minus this exponent: 0.99 is YCSB's.
    Zipf(f64),
    /// Everybody equally often.
    Uniform,
}

/// Picks users, without an end.
#[derive(Clone, Debug)]
pub struct Users {
    population: Population,
    zipf: Option<Zipf<f64>>,
    /// The share of requests for users who do not exist, from 0 to 1.
    unknown_share: f64,
    random: ChaCha8Rng,
}

impl Users {
    /// Picks of this population, which must not be empty; a Zipf exponent must be zero or above.
    pub fn new(population: Population, popularity: Popularity, unknown_share: f64, seed: u64) -> Self {
        let count = population.count() as f64;
        let zipf = match popularity {
            Popularity::Zipf(exponent) => {
                Some(Zipf::new(count, exponent).expect("somebody, and an exponent of zero or above"))
            }
            Popularity::Uniform => None,
        };
        Self { population, zipf, unknown_share, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The id to ask for next.
    pub fn pick(&mut self) -> Cow<'_, str> {
        let rank = self.rank();
        if self.unknown_share > 0.0 && self.random.random_bool(self.unknown_share) {
            return Cow::Owned(format!("unknown-{rank}"));
        }
        match &self.population {
            Population::Numbered(count) => Cow::Owned(spread(rank, *count).to_string()),
            Population::Listed(ids) => Cow::Borrowed(&ids[rank as usize]),
        }
    }

    /// From zero on, the most popular first.
    fn rank(&mut self) -> u64 {
        let count = self.population.count();
        match &self.zipf {
            Some(zipf) => (zipf.sample(&mut self.random) as u64).clamp(1, count) - 1,
            None => self.random.random_range(0..count),
        }
    }
}

/// The popular users would else have neighbouring ids, and lie in the same blocks of a store.
fn spread(rank: u64, count: u64) -> u64 {
    ((u128::from(rank) * u128::from(SPREAD)) % u128::from(count)) as u64
}

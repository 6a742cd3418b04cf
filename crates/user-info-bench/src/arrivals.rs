//! When requests are due. An open loop sends each at its time, whether or not earlier ones were answered, as users do who do
//! not know of each other. Pure.

use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// Independently of each other: distances are distributed exponentially, so that some come close together.
    #[default]
    Poisson,
}

/// The times at which requests are due, from the start on, without an end.
#[derive(Clone, Debug)]
pub struct Schedule {
    arrivals: Arrivals,
    distance_ns: f64,
    number: u64,
    /// Of the last one.
    due_ns: f64,
    random: ChaCha8Rng,
}

impl Schedule {
    /// `per_second` requests on average, which must be above zero.
    pub fn new(arrivals: Arrivals, per_second: f64, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { arrivals, distance_ns: 1e9 / per_second, number: 0, due_ns: 0.0, random }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.number += 1;
        self.due_ns = match self.arrivals {
            // Multiplied, so that rounding does not add up.
            Arrivals::Constant => self.distance_ns * self.number as f64,
            Arrivals::Poisson => {
                let distance: f64 = Exp1.sample(&mut self.random);
                self.due_ns + distance * self.distance_ns
            }
        };
        Some(Duration::from_nanos(self.due_ns as u64))
    }
}

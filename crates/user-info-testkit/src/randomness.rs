//! Randomized tests that can be replayed, and how long they run.

use std::env;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

const SEED_VARIABLE: &str = "USER_INFO_TEST_SEED";
const SOAK_VARIABLE: &str = "USER_INFO_SOAK";

/// The seed of a randomized test: a new one for each run, or the one in `USER_INFO_TEST_SEED` to replay a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// Takes the seed of this run and prints it; the test harness shows that line when the test fails.
    ///
    /// # Panics
    /// If `USER_INFO_TEST_SEED` is set to something that is not a whole number below 2^64.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a failed test must show the seed that replays it")]
    pub fn of_this_run() -> Self {
        let seed = match env::var(SEED_VARIABLE) {
            Ok(text) => Self(
                text.parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE}={text:?} is not a whole number below 2^64")),
            ),
            Err(_) => Self(random_u64()),
        };
        eprintln!("seed {seed}: {SEED_VARIABLE}={seed} replays this run");
        seed
    }

    /// The number to seed a generator with.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Whether randomized tests should run for long: `USER_INFO_SOAK` is set, and not to `0`.
#[must_use]
pub fn soak() -> bool {
    env::var_os(SOAK_VARIABLE).is_some_and(|value| !value.is_empty() && value != "0")
}

/// From the operating system's randomness, by way of the keys that hash maps get.
pub(crate) fn random_u64() -> u64 {
    RandomState::new().hash_one(0)
}

//! What the core promises, proved through its public interface.
//!
//! Properties run the same cases every time; `USER_INFO_SOAK=1` runs many more of them, different ones each time.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod bad_records;
mod counts;
mod decode;
mod facts;
mod fold;
mod generate;
mod hostile;
mod ids;
mod keys;
mod model;
mod partitions;
mod profiles;
mod purity;
mod replay;
mod samples;
mod stored;
mod timestamps;
mod v1_dates;

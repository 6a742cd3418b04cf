//! The audit: recounts every user from the log with a naive model, and compares a store or a server with it.
//!
//! It proves the promise that counts never drift, so it must not share what it checks: records are read and judged
//! here by rules of its own (`reading`), state is the last fact of each key, and every count goes through a set
//! ([`model`]). Of the core it uses the names of topics, and what stores answer with. A test over these sources keeps
//! it so.
//!
//! The log may move meanwhile. Answers carry positions; the model is read up to them (`reader`), and a user with a
//! record behind them is asked again (`subject`) until it is settled or the patience is at its end.
//!
//! Memory grows with the number of keys in the log; auditing a store holds the store's members besides.
//!
//! Suggested reading order: `reading`, `json`, `time`, `partition`, [`model`], [`positions`], `reader`, `subject`, `page`,
//! `report`, `audit`.

mod audit;
mod error;
mod http;
pub mod https;
mod json;
pub mod model;
mod page;
mod partition;
pub mod positions;
mod reader;
mod reading;
mod report;
mod subject;
mod time;

pub use audit::{AuditOptions, run};
pub use error::AuditError;
pub use reading::Profile;
pub use report::{About, AuditReport, Difference};
pub use subject::SubjectConfig;

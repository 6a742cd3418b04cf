//! What is audited, and what is still to be asked.
//!
//! A pass asks everything that is open and compares what it can: an answer that carries positions P is compared with the
//! model when the model has read up to P and no record about the user stands at P or after it. Otherwise the question
//! stays open for the next pass.

pub(crate) mod server;
pub(crate) mod store;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use user_info_store::{StoreOptions, StoreUrl};

use crate::error::AuditError;
use crate::model::{Model, RecordAt};
use crate::positions::Positions;
use crate::reader::{BeyondEnd, Reader};
use crate::report::{About, Findings, Mismatch};

use server::{Server, Stands};
use store::StoreView;

/// Longest username that can be asked for, in bytes. Some names grow when they are written in lower case.
const USERNAME_BYTES_MAX: usize = 256;

/// What to audit.
#[derive(Clone, Debug)]
pub enum SubjectConfig {
    /// A store, opened read-only beside its writers.
    Store(StoreUrl, Box<StoreOptions>),
    /// A server, by the URL of its public address, such as `http://127.0.0.1:8080`.
    Server(String),
    /// A server that says nothing of where its answers stand, by its URL. Only while nothing is published, and once the server
    /// has taken in all of the log: every answer is held against the log's end.
    ServerAtRest(String),
}

/// What is audited.
pub(crate) enum Subject {
    Store(Box<StoreView>),
    Server(Box<Server>),
}

impl Subject {
    pub(crate) fn new(config: SubjectConfig, patience: Duration) -> Result<Self, AuditError> {
        match config {
            SubjectConfig::Store(url, options) => Ok(Self::Store(Box::new(StoreView::new(url, *options)))),
            SubjectConfig::Server(url) => Ok(Self::Server(Box::new(Server::new(&url, Stands::AsStated, patience)?))),
            SubjectConfig::ServerAtRest(url) => {
                Ok(Self::Server(Box::new(Server::new(&url, Stands::AtTheEnd, patience)?)))
            }
        }
    }

    /// Makes sure that somebody answers: an audit of nobody must not pass for a server that is away.
    pub(crate) fn reach(&self) -> Result<(), AuditError> {
        match self {
            Self::Store(_) => Ok(()),
            Self::Server(server) => server.reach(),
        }
    }

    /// Asks what is open and gives back what still is.
    pub(crate) fn pass(&self, reader: &mut Reader, open: Open, findings: &mut Findings) -> Result<Open, AuditError> {
        match self {
            Self::Store(store) => store.pass(reader, open, findings),
            Self::Server(server) => server.pass(reader, open, findings),
        }
    }
}

/// Questions without a settled answer, and what each waits for once it was asked.
#[derive(Debug, Default)]
pub(crate) struct Open {
    /// Whether nothing was asked yet.
    pub(crate) first: bool,
    pub(crate) users: BTreeMap<String, Option<Wait>>,
    /// Lower-case usernames.
    pub(crate) names: BTreeMap<String, Option<Wait>>,
}

/// The record that an answer did not cover.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    at: RecordAt,
    position: i64,
}

impl Wait {
    pub(crate) fn new(at: RecordAt, positions: &Positions) -> Self {
        Self { at, position: positions.next(at.topic, at.partition) }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "its last record is {}, the answer stood at offset {}", self.at, self.position)
    }
}

impl Open {
    /// What a model can be asked: at most `users_max` of its users and `names_max` of its names, evenly spread.
    pub(crate) fn all(model: &Model, users_max: usize, names_max: usize) -> Self {
        let names = || model.names().filter(|name| name.len() <= USERNAME_BYTES_MAX);
        Self {
            first: true,
            users: spread(model.users(), model.users().count(), users_max),
            names: spread(names(), names().count(), names_max),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.names.is_empty()
    }

    /// Reports everything that is still open.
    pub(crate) fn give_up(self, model: &Model, waited: Duration, findings: &mut Findings) {
        let users = self.users.into_iter().map(|(user, wait)| (About::User(user), wait));
        let names = self.names.into_iter().map(|(name, wait)| (About::Username(name), wait));
        for (about, wait) in users.chain(names) {
            let reason = wait.map_or("it was never answered".to_owned(), |wait| wait.to_string());
            let mismatch = Mismatch::new(format!("not settled within {waited:?}"), reason);
            findings.add(model, about, mismatch, model.positions());
        }
    }
}

/// At most `most` of so many, evenly spread, none of them asked yet.
fn spread<'model>(all: impl Iterator<Item = &'model str>, count: usize, most: usize) -> BTreeMap<String, Option<Wait>> {
    let step = count.div_ceil(most.max(1)).max(1);
    all.step_by(step).take(most).map(|asked| (asked.to_owned(), None)).collect()
}

/// A record that keeps an answer about a username from being compared: one about the profile of anybody who had the
/// name at some time, or of `found`.
pub(crate) fn name_touched_after(model: &Model, name: &str, found: Option<&str>, at: &Positions) -> Option<RecordAt> {
    model.maybe_named(name).chain(found).find_map(|user| model.profile_touched_after(user, at))
}

/// The name as its holder writes it, so that the look-up has to ignore case.
pub(crate) fn written<'a>(model: &'a Model, name: &'a str) -> &'a str {
    let holder = model.named(name).and_then(|user| model.profile(user));
    holder.map_or(name, |profile| profile.username.as_str())
}

/// Reads everything that the log holds by now: whatever an answer could show that is newer than the positions it states.
pub(crate) fn read_to_end(reader: &mut Reader) -> Result<(), AuditError> {
    let ends = reader.ends()?;
    reader.read_to(&ends)
}

/// Reads the log up to where an answer stood. `false`, and a difference, when the log does not reach that far: then
/// nothing can be compared.
pub(crate) fn stand_at(
    reader: &mut Reader,
    positions: &Positions,
    findings: &mut Findings,
) -> Result<bool, AuditError> {
    let Some(BeyondEnd { topic, partition, position, end }) = reader.beyond_end(positions)? else {
        reader.read_to(positions)?;
        return Ok(true);
    };
    let found = format!("the answer stood at offset {position} of partition {partition}");
    let expected = match end {
        Some(end) => format!("the log ends at {end}: it is another log, or was truncated; nothing was compared"),
        None => "the log has no such partition: it is another log; nothing was compared".to_owned(),
    };
    findings.add(reader.model(), About::Topic(topic), Mismatch::new(found, expected), positions);
    Ok(false)
}

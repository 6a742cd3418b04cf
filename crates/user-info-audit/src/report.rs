//! What an audit found, in words that name what is wrong, where it was seen and what the log says.

use std::fmt;

use user_info_core::Topic;

use crate::model::{Model, Tainted};
use crate::positions::Positions;

/// How much of a text a difference shows. A bio may have 16 KiB; its beginning is enough to find it.
const SHOWN_CHARS_MAX: usize = 100;

/// What an audit found.
#[derive(Clone, Debug, Default)]
pub struct AuditReport {
    /// Users that were compared.
    pub users: u64,
    /// Usernames that were looked up.
    pub usernames: u64,
    /// Records of the log that were read, the bad ones included.
    pub records: u64,
    /// Bad records among them.
    pub bad_records: u64,
    /// The first differences, at most [`AuditOptions::listed_max`](crate::AuditOptions::listed_max).
    pub differences: Vec<Difference>,
    /// All differences, the listed ones included.
    pub difference_count: u64,
    /// The first keys whose newest record is bad, as many as differences at most.
    pub tainted: Vec<Tainted>,
    /// All such keys, the listed ones included.
    pub tainted_count: u64,
}

impl AuditReport {
    /// Whether everything is as the log says.
    pub fn is_clean(&self) -> bool {
        self.difference_count == 0
    }
}

impl fmt::Display for AuditReport {
    /// One line for each difference and each tainted key that is listed, then what was compared.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.differences.iter().try_for_each(|difference| writeln!(formatter, "{difference}"))?;
        if let more @ 1.. = self.difference_count.saturating_sub(self.differences.len() as u64) {
            writeln!(formatter, "and {more} more differences")?;
        }
        self.tainted.iter().try_for_each(|tainted| writeln!(formatter, "{tainted}"))?;
        let Self { users, usernames, records, bad_records, difference_count, tainted_count, .. } = self;
        writeln!(
            formatter,
            "{users} users and {usernames} usernames compared with {records} records: {difference_count} differences; \
             {bad_records} bad records, {tainted_count} tainted keys"
        )
    }
}

/// What a difference is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A user.
    User(String),
    /// A username, in lower case.
    Username(String),
    /// One pair of a topic.
    Pair {
        /// Whose facts decide the pair.
        topic: Topic,
        /// Whose set.
        owner: String,
        /// Its member.
        member: String,
    },
    /// A whole topic.
    Topic(Topic),
}

impl fmt::Display for About {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(formatter, "user {user}"),
            Self::Username(name) => write!(formatter, "username @{name}"),
            Self::Pair { topic, owner, member } => write!(formatter, "{topic} {owner}/{member}"),
            Self::Topic(topic) => write!(formatter, "topic {topic}"),
        }
    }
}

/// Something that is not as the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about.
    pub about: About,
    /// What was found: `followers_count is 7`.
    pub found: String,
    /// What should be: `the log says 6`.
    pub expected: String,
    /// Where the answer stood.
    pub positions: String,
    /// A bad record that may explain it.
    pub hint: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}, {}", self.about, self.found, self.expected)?;
        if let Some(hint) = &self.hint {
            write!(formatter, "; {hint}")?;
        }
        write!(formatter, " (positions {})", self.positions)
    }
}

/// One thing that is not as it should be, without where it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Mismatch {
    pub(crate) fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into() }
    }
}

/// Collects differences; keeps the first ones and counts all.
#[derive(Debug)]
pub(crate) struct Findings {
    listed_max: usize,
    pub(crate) users: u64,
    pub(crate) usernames: u64,
    differences: Vec<Difference>,
    total: u64,
}

impl Findings {
    pub(crate) fn new(listed_max: usize) -> Self {
        Self { listed_max, users: 0, usernames: 0, differences: Vec::new(), total: 0 }
    }

    pub(crate) fn add(&mut self, model: &Model, about: About, mismatch: Mismatch, positions: &Positions) {
        self.total += 1;
        if self.differences.len() < self.listed_max {
            let hint = hint(model, &about);
            let Mismatch { found, expected } = mismatch;
            self.differences.push(Difference { about, found, expected, positions: positions.to_string(), hint });
        }
    }

    pub(crate) fn into_report(self, model: &Model) -> AuditReport {
        AuditReport {
            users: self.users,
            usernames: self.usernames,
            records: model.records(),
            bad_records: model.bad_records(),
            differences: self.differences,
            difference_count: self.total,
            tainted: model.tainted().take(self.listed_max).cloned().collect(),
            tainted_count: model.tainted().count() as u64,
        }
    }
}

fn hint(model: &Model, about: &About) -> Option<String> {
    let concerns = |tainted: &&Tainted| match about {
        About::User(user) => tainted.users.contains(user),
        About::Pair { topic, owner, member } => {
            tainted.at.topic == *topic && tainted.key == format!("{owner}/{member}")
        }
        About::Username(_) | About::Topic(_) => false,
    };
    let tainted = model.tainted().find(concerns)?;
    Some(format!("{tainted}, and compaction may have dropped the last good fact of that key"))
}

/// A text cut to what a message can show.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

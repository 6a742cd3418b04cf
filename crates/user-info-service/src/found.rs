//! What is known of a user, as far as answers go. Pure.

use user_info_core::{AccountState, Counts, Id, Profile};
use user_info_store::UserRecord;

use crate::answer::Problem;

/// A record, or the lack of one, sorted by what may be told.
#[derive(Clone, Copy, Debug)]
pub enum Found<'record> {
    /// Everything.
    Shown(Shown<'record>),
    /// That the account is suspended.
    Suspended(&'record Id),
    /// That the owner deactivated the account.
    Deactivated(&'record Id),
    /// Nothing: unknown, forgotten, or no profile published yet.
    Unknown,
}

/// A user that can be shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'record> {
    /// Who it is.
    pub user: &'record Id,
    /// What the user says of themself.
    pub profile: &'record Profile,
    /// How much of everything there is.
    pub counts: Counts,
}

impl<'record> Found<'record> {
    /// What may be told of the user with this record, or without any.
    pub fn of(record: Option<&'record UserRecord>) -> Self {
        let Some((record, stored)) = record.and_then(|record| Some((record, record.profile.as_ref()?))) else {
            return Self::Unknown;
        };
        match stored.profile.state {
            AccountState::Active => {
                Self::Shown(Shown { user: &record.user, profile: &stored.profile, counts: record.counts })
            }
            AccountState::Suspended => Self::Suspended(&record.user),
            AccountState::Deactivated => Self::Deactivated(&record.user),
        }
    }

    /// The user, or why there is nobody to show: `asked` says in words who was asked for. While the topics were never read to
    /// their end (`complete`), nobody can be told to be unknown.
    pub fn or_problem(self, complete: bool, asked: impl FnOnce() -> String) -> Result<Shown<'record>, Problem> {
        match self {
            Self::Shown(shown) => Ok(shown),
            Self::Suspended(user) => Err(Problem::Suspended(user.clone())),
            Self::Deactivated(user) => Err(Problem::Deactivated(user.clone())),
            Self::Unknown if !complete => Err(Problem::NotCaughtUp),
            Self::Unknown => Err(Problem::UnknownUser { asked: asked() }),
        }
    }
}

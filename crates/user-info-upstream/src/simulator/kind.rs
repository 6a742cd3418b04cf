//! Which kinds of messages there are on the stream.

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tweet, whatever else it is.
    Status,
    /// `delete`
    Delete,
    /// `scrub_geo`
    ScrubGeo,
    /// `limit`
    Limit,
    /// `status_withheld`
    StatusWithheld,
    /// `user_withheld`
    UserWithheld,
    /// `warning`
    Warning,
    /// `disconnect`
    Disconnect,
    /// What an account went through: `user_delete`, `user_suspend` and what takes them back.
    Account,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Delete,
        Self::ScrubGeo,
        Self::Limit,
        Self::StatusWithheld,
        Self::UserWithheld,
        Self::Warning,
        Self::Disconnect,
        Self::Account,
    ];

    /// Tells by the first key: notices have one key, and a status never begins with one of theirs.
    pub(super) fn of(message: &[u8]) -> Self {
        let mut quoted = message.splitn(3, |&byte| byte == b'"').skip(1);
        match quoted.next().unwrap_or_default() {
            b"delete" => Self::Delete,
            b"scrub_geo" => Self::ScrubGeo,
            b"limit" => Self::Limit,
            b"status_withheld" => Self::StatusWithheld,
            b"user_withheld" => Self::UserWithheld,
            b"warning" => Self::Warning,
            b"disconnect" => Self::Disconnect,
            b"user_delete" | b"user_undelete" | b"user_suspend" | b"user_unsuspend" => Self::Account,
            _ => Self::Status,
        }
    }

    /// The name of the message, `status` for tweets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Delete => "delete",
            Self::ScrubGeo => "scrub_geo",
            Self::Limit => "limit",
            Self::StatusWithheld => "status_withheld",
            Self::UserWithheld => "user_withheld",
            Self::Warning => "warning",
            Self::Disconnect => "disconnect",
            Self::Account => "account",
        }
    }
}

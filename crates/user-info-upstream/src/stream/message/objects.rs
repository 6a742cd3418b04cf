//! The JSON of messages, read in one pass: only what the services use is kept, the rest is skipped without being stored.

use std::borrow::Cow;

use serde::Deserialize;
use user_info_core::{Id, Timestamp, v1_date};

use super::user::{UserObject, bounded};
use super::{AccountChange, AccountChangeKind, Deletion, MalformedMessage, Message, Status, User};
use super::{id, milliseconds, present};

type Text<'message> = Cow<'message, str>;

/// A message of any kind. Every status has `in_reply_to_status_id`, null or not, and nothing else has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Envelope<'message> {
    #[serde(rename = "in_reply_to_status_id", deserialize_with = "present")]
    is_status: bool,
    #[serde(borrow)]
    id_str: Text<'message>,
    #[serde(borrow)]
    created_at: Text<'message>,
    /// With milliseconds, which `created_at` lacks; only on the stream.
    timestamp_ms: Option<String>,
    text: Option<String>,
    full_text: Option<String>,
    extended_tweet: Option<ExtendedTweet>,
    #[serde(borrow)]
    user: Option<UserObject<'message>>,
    #[serde(borrow)]
    retweeted_status: Option<Box<Embedded<'message>>>,
    #[serde(borrow)]
    quoted_status: Option<Box<Embedded<'message>>>,
    delete: Option<DeleteObject>,
    user_delete: Option<AccountObject>,
    user_undelete: Option<AccountObject>,
    user_suspend: Option<AccountObject>,
    user_unsuspend: Option<AccountObject>,
    scrub_geo: Option<ScrubGeoObject>,
    status_withheld: Option<StatusWithheldObject>,
    user_withheld: Option<UserWithheldObject>,
    limit: Option<LimitObject>,
    warning: Option<WarningObject>,
    disconnect: Option<DisconnectObject>,
}

#[derive(Deserialize)]
struct ExtendedTweet {
    full_text: Option<String>,
}

/// A repeated or quoted tweet: whose it is, and whose it repeats or quotes in turn.
#[derive(Deserialize)]
struct Embedded<'message> {
    #[serde(borrow)]
    user: Option<UserObject<'message>>,
    #[serde(borrow)]
    retweeted_status: Option<Box<Self>>,
    #[serde(borrow)]
    quoted_status: Option<Box<Self>>,
}

#[derive(Deserialize)]
struct DeleteObject {
    status: Option<DeletedStatus>,
}

#[derive(Deserialize)]
struct DeletedStatus {
    id_str: String,
    user_id_str: String,
}

/// Compliance messages about users have a number alone; text is read too, in case they get it.
#[derive(Deserialize)]
struct AccountObject {
    id: Option<u64>,
    id_str: Option<String>,
    timestamp_ms: Option<String>,
    #[serde(default)]
    permanent: bool,
}

#[derive(Deserialize)]
struct ScrubGeoObject {
    user_id: Option<u64>,
    user_id_str: Option<String>,
}

/// The stream has the id beside the countries, the compliance stream a status in between.
#[derive(Deserialize)]
struct StatusWithheldObject {
    id: Option<u64>,
    id_str: Option<String>,
    status: Option<NumberedObject>,
    #[serde(default)]
    withheld_in_countries: Vec<String>,
}

/// The same for users.
#[derive(Deserialize)]
struct UserWithheldObject {
    id: Option<u64>,
    id_str: Option<String>,
    user: Option<NumberedObject>,
    #[serde(default)]
    withheld_in_countries: Vec<String>,
}

#[derive(Deserialize)]
struct NumberedObject {
    id: Option<u64>,
    id_str: Option<String>,
}

#[derive(Deserialize)]
struct LimitObject {
    #[serde(default)]
    track: u64,
}

#[derive(Deserialize)]
struct WarningObject {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    percent_full: Option<u64>,
}

#[derive(Deserialize)]
struct DisconnectObject {
    code: Option<u64>,
    #[serde(default)]
    reason: String,
}

impl Envelope<'_> {
    /// `None` for a kind that is not known.
    pub(super) fn into_message(self) -> Result<Option<Message>, MalformedMessage> {
        if self.is_status {
            return Ok(Some(Message::Status(Box::new(self.into_status()?))));
        }
        if let Some(DeleteObject { status: Some(status) }) = self.delete {
            return Ok(Some(Message::Deletion(status.into_deletion()?)));
        }
        let accounts = [
            (self.user_delete, AccountChangeKind::Deleted),
            (self.user_undelete, AccountChangeKind::Undeleted),
            (self.user_suspend, AccountChangeKind::Suspended),
            (self.user_unsuspend, AccountChangeKind::Unsuspended),
        ];
        if let Some((account, kind)) = accounts.into_iter().find_map(|(account, kind)| Some((account?, kind))) {
            return Ok(Some(Message::Account(account.into_change(kind)?)));
        }
        let notices = Notices {
            scrub_geo: self.scrub_geo,
            status_withheld: self.status_withheld,
            user_withheld: self.user_withheld,
            limit: self.limit,
            warning: self.warning,
            disconnect: self.disconnect,
        };
        notices.into_message()
    }

    fn into_status(self) -> Result<Status, MalformedMessage> {
        let missing = |field| MalformedMessage::Field { field, reason: "missing" };
        let created_at = v1_date::parse(&self.created_at).ok_or(MalformedMessage::Field {
            field: "created_at",
            reason: "expected a date such as Wed Feb 29 19:42:02 +0000 2012",
        })?;
        let text = self.extended_tweet.and_then(|extended| extended.full_text).or(self.full_text).or(self.text);
        let mut others = Vec::new();
        collect(self.retweeted_status, self.quoted_status, &mut others);
        Ok(Status {
            tweet_id: id("id_str", &self.id_str)?,
            text: bounded("text", text.ok_or(missing("text"))?)?,
            created_at: self.timestamp_ms.and_then(|millis| milliseconds(&millis)).unwrap_or(created_at),
            author: self.user.ok_or(missing("user"))?.into_user()?,
            others,
        })
    }
}

/// Whoever is embedded but cannot be read does not make the whole message unreadable.
fn collect(retweeted: Option<Box<Embedded<'_>>>, quoted: Option<Box<Embedded<'_>>>, users: &mut Vec<User>) {
    for embedded in [retweeted, quoted].into_iter().flatten() {
        users.extend(embedded.user.and_then(|user| user.into_user().ok()));
        collect(embedded.retweeted_status, embedded.quoted_status, users);
    }
}

impl DeletedStatus {
    fn into_deletion(self) -> Result<Deletion, MalformedMessage> {
        Ok(Deletion { tweet_id: id("id_str", &self.id_str)?, user_id: id("user_id_str", &self.user_id_str)? })
    }
}

impl AccountObject {
    fn into_change(self, kind: AccountChangeKind) -> Result<AccountChange, MalformedMessage> {
        let is_for_good = kind == AccountChangeKind::Deleted && self.permanent;
        let kind = if is_for_good { AccountChangeKind::DeletedForGood } else { kind };
        let at: Option<Timestamp> = self.timestamp_ms.and_then(|millis| milliseconds(&millis));
        Ok(AccountChange { user_id: text_or_number("id", self.id_str, self.id)?, kind, at })
    }
}

/// What the services take note of at most.
struct Notices {
    scrub_geo: Option<ScrubGeoObject>,
    status_withheld: Option<StatusWithheldObject>,
    user_withheld: Option<UserWithheldObject>,
    limit: Option<LimitObject>,
    warning: Option<WarningObject>,
    disconnect: Option<DisconnectObject>,
}

impl Notices {
    fn into_message(self) -> Result<Option<Message>, MalformedMessage> {
        if let Some(ScrubGeoObject { user_id, user_id_str }) = self.scrub_geo {
            let user_id = text_or_number("user_id", user_id_str, user_id)?;
            return Ok(Some(Message::GeoScrubbed { user_id }));
        }
        if let Some(withheld) = self.status_withheld {
            let inner = withheld.status.unwrap_or(NumberedObject { id: withheld.id, id_str: withheld.id_str });
            let tweet_id = text_or_number("id", inner.id_str, inner.id)?;
            return Ok(Some(Message::StatusWithheld { tweet_id, countries: withheld.withheld_in_countries }));
        }
        if let Some(withheld) = self.user_withheld {
            let inner = withheld.user.unwrap_or(NumberedObject { id: withheld.id, id_str: withheld.id_str });
            let user_id = text_or_number("id", inner.id_str, inner.id)?;
            return Ok(Some(Message::UserWithheld { user_id, countries: withheld.withheld_in_countries }));
        }
        if let Some(LimitObject { track }) = self.limit {
            return Ok(Some(Message::Limit { track }));
        }
        if let Some(WarningObject { code, message, percent_full }) = self.warning {
            return Ok(Some(Message::Warning { code, message, percent_full }));
        }
        Ok(self.disconnect.map(|DisconnectObject { code, reason }| Message::Disconnect { code, reason }))
    }
}

/// Text wins: a number may have been rounded on its way through a language that has none of 64 bits.
fn text_or_number(field: &'static str, text: Option<String>, number: Option<u64>) -> Result<Id, MalformedMessage> {
    let text = text.or_else(|| number.map(|number| number.to_string()));
    id(field, &text.ok_or(MalformedMessage::Field { field, reason: "missing" })?)
}

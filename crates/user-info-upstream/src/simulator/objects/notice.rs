//! Messages that are no statuses: what became of statuses and accounts.
//!
//! `delete`, `scrub_geo`, `status_withheld` and `user_withheld` are those of the v1.1 stream. The accounts' lives are told
//! in the words of Twitter's compliance stream ("Compliance Data Objects"): `user_suspend`, `user_unsuspend`,
//! `user_delete`, `user_undelete`. Every notice has `timestamp_ms`, as there. Two things are added: `id_str` beside every
//! id, and `"permanent": true` in the `user_delete` that ends the 30 days in which a deactivated account can come back.
//! Twitter leaves those days to the reader's calendar; the days of this world are shorter.

use serde::Serialize;
use user_info_core::Timestamp;

use super::InWords;

/// A notice, under the key that names it.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simulator) enum Notice {
    Delete(Delete),
    ScrubGeo(ScrubGeo),
    StatusWithheld(StatusWithheld),
    UserWithheld(UserWithheld),
    UserSuspend(UserNotice),
    UserUnsuspend(UserNotice),
    UserDelete(UserNotice),
    UserUndelete(UserNotice),
}

#[derive(Serialize)]
pub(in crate::simulator) struct Delete {
    status: StatusIds,
    timestamp_ms: InWords<i64>,
}

#[derive(Serialize)]
struct StatusIds {
    id: u64,
    id_str: InWords<u64>,
    user_id: u64,
    user_id_str: InWords<u64>,
}

#[derive(Serialize)]
pub(in crate::simulator) struct ScrubGeo {
    user_id: u64,
    user_id_str: InWords<u64>,
    up_to_status_id: u64,
    up_to_status_id_str: InWords<u64>,
    timestamp_ms: InWords<i64>,
}

#[derive(Serialize)]
pub(in crate::simulator) struct StatusWithheld {
    id: u64,
    id_str: InWords<u64>,
    user_id: u64,
    user_id_str: InWords<u64>,
    withheld_in_countries: [&'static str; 1],
    timestamp_ms: InWords<i64>,
}

#[derive(Serialize)]
pub(in crate::simulator) struct UserWithheld {
    id: u64,
    id_str: InWords<u64>,
    withheld_in_countries: [&'static str; 1],
    timestamp_ms: InWords<i64>,
}

#[derive(Serialize)]
pub(in crate::simulator) struct UserNotice {
    id: u64,
    id_str: InWords<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permanent: Option<bool>,
    timestamp_ms: InWords<i64>,
}

impl Notice {
    /// The status is gone.
    pub(in crate::simulator) fn delete(status_id: u64, user_id: u64, now: Timestamp) -> Self {
        Self::Delete(Delete { status: StatusIds::new(status_id, user_id), timestamp_ms: timestamp_ms(now) })
    }

    /// The user's statuses up to this one have no position any more.
    pub(in crate::simulator) fn scrub_geo(user_id: u64, up_to_status_id: u64, now: Timestamp) -> Self {
        Self::ScrubGeo(ScrubGeo {
            user_id,
            user_id_str: InWords(user_id),
            up_to_status_id,
            up_to_status_id_str: InWords(up_to_status_id),
            timestamp_ms: timestamp_ms(now),
        })
    }

    /// The status must not be shown in a country.
    pub(in crate::simulator) fn status_withheld(
        status_id: u64,
        user_id: u64,
        country: &'static str,
        now: Timestamp,
    ) -> Self {
        Self::StatusWithheld(StatusWithheld {
            id: status_id,
            id_str: InWords(status_id),
            user_id,
            user_id_str: InWords(user_id),
            withheld_in_countries: [country],
            timestamp_ms: timestamp_ms(now),
        })
    }

    /// The user must not be shown in a country.
    pub(in crate::simulator) fn user_withheld(id: u64, country: &'static str, now: Timestamp) -> Self {
        let timestamp_ms = timestamp_ms(now);
        Self::UserWithheld(UserWithheld { id, id_str: InWords(id), withheld_in_countries: [country], timestamp_ms })
    }

    /// The account is in another state; deleted when that is `permanent`.
    pub(in crate::simulator) fn user(
        state: fn(UserNotice) -> Self,
        id: u64,
        is_permanent: bool,
        now: Timestamp,
    ) -> Self {
        let permanent = is_permanent.then_some(true);
        state(UserNotice { id, id_str: InWords(id), permanent, timestamp_ms: timestamp_ms(now) })
    }
}

impl StatusIds {
    fn new(id: u64, user_id: u64) -> Self {
        Self { id, id_str: InWords(id), user_id, user_id_str: InWords(user_id) }
    }
}

fn timestamp_ms(now: Timestamp) -> InWords<i64> {
    InWords(now.as_millis())
}

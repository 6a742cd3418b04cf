//! How many requests a caller may make within a window of time. Off unless the operator wants it.
//!
//! Windows are as long as each other and begin at the same moments for everybody, counted from the Unix epoch; so an answer
//! can say when the next one begins although nothing is remembered of who is not limited. Callers are not authenticated
//! here: the limit shares the service out among those who mean well, it keeps nobody out.
//!
//! Invariant: memory is bounded, whoever calls: one entry of a few bytes for each caller of the window, at most
//! [`CALLERS_MAX`] of them.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

/// What Twitter published for a user's requests to users/show and users/lookup: this many within [`PUBLISHED_WINDOW`]. What
/// headers say while nothing is limited.
pub const PUBLISHED_REQUESTS_MAX: u32 = 900;

/// The window of [`PUBLISHED_REQUESTS_MAX`].
pub const PUBLISHED_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Callers remembered in a window; they take about 3 MB. When there are more, everybody's window begins anew.
pub const CALLERS_MAX: usize = 100_000;

/// Shortest window: headers count in seconds.
pub const WINDOW_MIN: Duration = Duration::from_secs(1);

const LIMIT_HEADER: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const REMAINING_HEADER: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RESET_HEADER: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests of a caller within the window; more are refused.
    pub requests_max: u32,
    /// The window, at least [`WINDOW_MIN`].
    pub window: Duration,
    /// Who counts as one caller.
    pub by: CallerBy,
}

/// Who counts as one caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerBy {
    /// The bearer token, OAuth token or OAuth consumer key of the request; without any, the address.
    Key,
    /// The address that the connection comes from; of IPv6 the network of 64 bits, which is what one customer gets.
    Address,
}

/// What is left to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests within the window.
    pub limit: u32,
    /// Those that are left after this one.
    pub remaining: u32,
    /// When the window ends, in seconds since the Unix epoch.
    pub reset_s: i64,
    /// How many seconds that is from now, if this request was one too many.
    pub refused_for_s: Option<i64>,
}

impl Quota {
    /// States the quota as Twitter did.
    pub fn add_headers(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT_HEADER, HeaderValue::from(self.limit));
        headers.insert(REMAINING_HEADER, HeaderValue::from(self.remaining));
        headers.insert(RESET_HEADER, HeaderValue::from(self.reset_s));
    }
}

/// Counts the requests of every caller.
#[derive(Debug, Default)]
pub struct RateLimiter {
    limit: Option<RateLimit>,
    /// Seeded anew in every process, so that nobody can choose keys that count as somebody else's.
    hasher: RandomState,
    counted: Mutex<Counted>,
}

/// The requests of one window.
#[derive(Debug, Default)]
struct Counted {
    window: i64,
    /// By the digest of the caller.
    requests: HashMap<u64, u32>,
}

impl RateLimiter {
    /// With this limit, or none.
    pub fn new(limit: Option<RateLimit>) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Whether there is a limit.
    pub fn is_on(&self) -> bool {
        self.limit.is_some()
    }

    /// Counts a request at `now_ms`, in milliseconds since the Unix epoch.
    pub fn take(&self, headers: &HeaderMap, peer: IpAddr, now_ms: i64) -> Quota {
        let Some(limit) = self.limit else {
            let limit = PUBLISHED_REQUESTS_MAX;
            let reset_s = window_end_s(PUBLISHED_WINDOW, now_ms);
            return Quota { limit, remaining: limit, reset_s, refused_for_s: None };
        };
        let caller = self.caller(limit.by, headers, peer);
        let before = self.count(caller, now_ms.div_euclid(millis(limit.window)));
        let reset_s = window_end_s(limit.window, now_ms);
        let is_refused = before >= limit.requests_max;
        Quota {
            limit: limit.requests_max,
            remaining: limit.requests_max.saturating_sub(before.saturating_add(1)),
            reset_s,
            refused_for_s: is_refused.then(|| (reset_s - now_ms.div_euclid(1_000)).max(1)),
        }
    }

    /// How many requests the caller made before this one.
    fn count(&self, caller: u64, window: i64) -> u32 {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = counted.requests.len() >= CALLERS_MAX && !counted.requests.contains_key(&caller);
        if counted.window != window || is_full {
            counted.requests.clear();
            counted.window = window;
        }
        let requests = counted.requests.entry(caller).or_default();
        let before = *requests;
        *requests = before.saturating_add(1);
        before
    }

    fn caller(&self, by: CallerBy, headers: &HeaderMap, peer: IpAddr) -> u64 {
        let key = match by {
            CallerBy::Key => headers.get(header::AUTHORIZATION).and_then(|value| key_in(value.to_str().ok()?)),
            CallerBy::Address => None,
        };
        match key {
            Some(key) => self.hasher.hash_one(("key", key)),
            None => self.hasher.hash_one(("address", network(peer))),
        }
    }
}

/// The key in the value of an `Authorization` header: the token if there is one, else the consumer key.
fn key_in(authorization: &str) -> Option<&str> {
    let (scheme, rest) = authorization.trim().split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim()).filter(|token| !token.is_empty());
    }
    if !scheme.eq_ignore_ascii_case("oauth") {
        return None;
    }
    oauth_value(rest, "oauth_token").or_else(|| oauth_value(rest, "oauth_consumer_key"))
}

fn oauth_value<'header>(parameters: &'header str, name: &str) -> Option<&'header str> {
    let mut pairs = parameters.split(',').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    Some(value.trim().trim_matches('"')).filter(|value| !value.is_empty())
}

fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

/// When the window ends, rounded up to a second.
fn window_end_s(window: Duration, now_ms: i64) -> i64 {
    let length = millis(window);
    let end_ms = (now_ms.div_euclid(length) + 1) * length;
    (end_ms + 999).div_euclid(1_000)
}

fn millis(window: Duration) -> i64 {
    i64::try_from(window.max(WINDOW_MIN).as_millis()).unwrap_or(i64::MAX / 2)
}

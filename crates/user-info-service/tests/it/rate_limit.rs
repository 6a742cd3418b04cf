//! `rate_limit`: who counts as one caller, and what is left to whom when. Time is an argument.

use std::net::IpAddr;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};
use user_info_service::rate_limit::{CALLERS_MAX, CallerBy, Quota, RateLimit, RateLimiter};

const LIMIT: RateLimit = RateLimit { requests_max: 3, window: Duration::from_secs(60), by: CallerBy::Key };

/// In the middle of a minute, and half a second.
const NOW_MS: i64 = 1_700_000_030_500;
/// When that minute ends.
const RESET_S: i64 = 1_700_000_040;

fn peer(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn with_key(authorization: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap())])
}

fn quota(limit: u32, remaining: u32, refused_for_s: Option<i64>) -> Quota {
    Quota { limit, remaining, reset_s: RESET_S, refused_for_s }
}

/// Uses up a request of the caller, and tells how many are left.
fn left(limiter: &RateLimiter, headers: &HeaderMap, peer: IpAddr) -> u32 {
    limiter.take(headers, peer, NOW_MS).remaining
}

#[test]
fn without_a_limit_everything_is_left_of_what_twitter_published() {
    let limiter = RateLimiter::default();
    let expected = Quota { limit: 900, remaining: 900, reset_s: 1_700_000_100, refused_for_s: None };
    for _ in 0..1_000 {
        assert_eq!(limiter.take(&HeaderMap::new(), peer("10.0.0.1"), NOW_MS), expected);
    }
    assert!(!limiter.is_on());
}

#[test]
fn requests_are_counted_down_refused_and_given_anew_with_the_window() {
    let limiter = RateLimiter::new(Some(LIMIT));
    let take = |now_ms| limiter.take(&HeaderMap::new(), peer("10.0.0.1"), now_ms);
    assert!(limiter.is_on());
    for remaining in [2, 1, 0] {
        assert_eq!(take(NOW_MS), quota(3, remaining, None));
    }
    assert_eq!(take(NOW_MS), quota(3, 0, Some(10)));
    assert_eq!(take(RESET_S * 1_000 - 1), quota(3, 0, Some(1)));
    let next = Quota { limit: 3, remaining: 2, reset_s: RESET_S + 60, refused_for_s: None };
    assert_eq!(take(RESET_S * 1_000), next);
}

#[test]
fn nothing_at_all_can_be_allowed() {
    let limiter = RateLimiter::new(Some(RateLimit { requests_max: 0, ..LIMIT }));
    assert_eq!(limiter.take(&HeaderMap::new(), peer("10.0.0.1"), NOW_MS), quota(0, 0, Some(10)));
}

#[test]
fn a_caller_is_a_key_wherever_it_comes_from() {
    let same = [
        ("Bearer abc", "bearer  abc "),
        ("OAuth oauth_token=\"t\", oauth_consumer_key=\"c\"", "OAuth oauth_consumer_key=\"d\",oauth_token=\"t\""),
        ("OAuth oauth_consumer_key=\"c\"", "OAuth oauth_nonce=\"1\", oauth_consumer_key=\"c\", oauth_token=\"\""),
    ];
    for (first, second) in same {
        let limiter = RateLimiter::new(Some(LIMIT));
        assert_eq!(left(&limiter, &with_key(first), peer("10.0.0.1")), 2);
        assert_eq!(left(&limiter, &with_key(second), peer("10.0.0.2")), 1, "{first} and {second}");
        assert_eq!(left(&limiter, &with_key("Bearer other"), peer("10.0.0.1")), 2, "another key");
        assert_eq!(left(&limiter, &HeaderMap::new(), peer("10.0.0.1")), 2, "no key");
    }
}

#[test]
fn what_is_no_key_leaves_the_address() {
    let limiter = RateLimiter::new(Some(LIMIT));
    let mut left_before = 3;
    for authorization in
        ["Basic abc", "Bearer", "Bearer ", "OAuth ", "OAuth oauth_nonce=\"1\"", "", "OAuth oauth_token"]
    {
        let left = left(&limiter, &with_key(authorization), peer("10.0.0.1"));
        assert_eq!(left, left_before - u32::from(left_before > 0), "{authorization:?}");
        left_before = left;
    }
}

#[test]
fn a_caller_by_address_is_a_host_or_the_network_of_a_customer() {
    let limiter = RateLimiter::new(Some(RateLimit { by: CallerBy::Address, requests_max: 100, ..LIMIT }));
    let expect = |address: &str, remaining| {
        assert_eq!(left(&limiter, &with_key("Bearer abc"), peer(address)), remaining, "{address}");
    };
    expect("10.0.0.1", 99);
    expect("10.0.0.2", 99);
    expect("::ffff:10.0.0.1", 98);
    expect("2001:db8:0:1::1", 99);
    expect("2001:db8:0:1:ffff:ffff:ffff:ffff", 98);
    expect("2001:db8:0:2::1", 99);
}

#[test]
fn when_too_many_call_all_windows_begin_anew() {
    let limiter = RateLimiter::new(Some(LIMIT));
    let number = |number: u32| IpAddr::from(number.to_be_bytes());
    let nobody = HeaderMap::new();
    assert_eq!(left(&limiter, &nobody, number(0)), 2);
    for caller in 1..u32::try_from(CALLERS_MAX).unwrap() {
        assert_eq!(left(&limiter, &nobody, number(caller)), 2);
    }
    assert_eq!(left(&limiter, &nobody, number(0)), 1, "all of them are remembered");
    assert_eq!(left(&limiter, &nobody, number(u32::MAX)), 2);
    assert_eq!(left(&limiter, &nobody, number(0)), 2, "forgotten with all others");
}

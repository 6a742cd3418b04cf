//! Who a client is, and whether that is true. Pure.
//!
//! Invariant: as long as no keys are configured everybody is believed; as soon as there are, nobody is without proof.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use crate::simulator::refusal::Refusal;
use crate::stream::credentials::{Keys, Secret};
use crate::stream::oauth::{Request, SIGNATURE_METHOD, protocol_parameters};

/// How far the clock of a client that signs may be off, in seconds. As Twitter has it.
const TIMESTAMP_TOLERANCE_S: i64 = 300;

/// Keys that are accepted. None at all: everything is.
#[derive(Clone, Debug, Default)]
pub struct AcceptedKeys {
    /// For signed requests.
    pub oauth: Vec<Keys>,
    /// Tokens of those who do not sign.
    pub bearer: Vec<Secret>,
}

/// Who connects, as far as limits go: the token, or the address of those who have none. Of a token only a keyed digest is
/// kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Account {
    Token(u64),
    Address(IpAddr),
}

/// Tells accounts apart.
#[derive(Debug)]
pub(super) struct Authorizer {
    keys: AcceptedKeys,
    digests: RandomState,
}

impl Authorizer {
    pub(super) fn new(keys: AcceptedKeys) -> Self {
        Self { keys, digests: RandomState::new() }
    }

    /// Whose request this is. `header` is that of `authorization`, `now_s` the time in seconds.
    pub(super) fn account(
        &self,
        header: Option<&str>,
        request: &Request<'_>,
        address: IpAddr,
        now_s: i64,
    ) -> Result<Account, Refusal> {
        let (scheme, rest) = header.and_then(|header| header.trim().split_once(' ')).unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.bearer(rest.trim());
        }
        if scheme.eq_ignore_ascii_case("oauth") {
            return self.signed(protocol_parameters(rest), request, now_s);
        }
        if self.is_open() { Ok(Account::Address(address)) } else { Err(Refusal::NoAuthentication) }
    }

    fn is_open(&self) -> bool {
        self.keys.oauth.is_empty() && self.keys.bearer.is_empty()
    }

    fn token(&self, token: &str) -> Account {
        Account::Token(self.digests.hash_one(token))
    }

    fn bearer(&self, token: &str) -> Result<Account, Refusal> {
        // Digests under a key that nobody knows: how long they take to compare says nothing about a token.
        let digest = self.digests.hash_one(token);
        let known = self.keys.bearer.iter().any(|known| self.digests.hash_one(known.reveal()) == digest);
        if self.is_open() || known { Ok(Account::Token(digest)) } else { Err(Refusal::InvalidToken) }
    }

    fn signed(
        &self,
        mut protocol: Vec<(String, String)>,
        request: &Request<'_>,
        now_s: i64,
    ) -> Result<Account, Refusal> {
        let signature = take(&mut protocol, "oauth_signature").unwrap_or_default();
        // Stands in the header, and is no part of what is signed.
        take(&mut protocol, "realm");
        let value = |name: &str| protocol.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let account = self.token(value("oauth_token"));
        if self.is_open() {
            return Ok(account);
        }
        let timestamp: i64 = value("oauth_timestamp").parse().map_err(|_| Refusal::NotAuthenticated)?;
        let keys = self.keys.oauth.iter().find(|keys| keys.consumer_key == value("oauth_consumer_key"));
        let keys = keys.ok_or(Refusal::NotAuthenticated)?;
        if keys.token != value("oauth_token") {
            return Err(Refusal::InvalidToken);
        }
        if value("oauth_signature_method") != SIGNATURE_METHOD || !request.is_signed_by(keys, &protocol, &signature) {
            return Err(Refusal::NotAuthenticated);
        }
        let late = now_s.abs_diff(timestamp) > TIMESTAMP_TOLERANCE_S.unsigned_abs();
        if late { Err(Refusal::TimestampOutOfBounds) } else { Ok(account) }
    }
}

fn take(pairs: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = pairs.iter().position(|(key, _)| key == name)?;
    Some(pairs.remove(at).1)
}

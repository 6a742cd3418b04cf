//! Signatures of OAuth 1.0a (RFC 5849, section 3.4) with HMAC-SHA1, the one method that Twitter takes.
//!
//! Pure but for the nonce, which is random. Both ends of the stream use it. What is signed is the address as the client sees
//! it: behind a proxy that speaks TLS the server sees another one, and needs a bearer token instead.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha1::Sha1;

use crate::stream::address::StreamUrl;
use crate::stream::credentials::Keys;

/// Everything but the unreserved characters of RFC 3986 is encoded (RFC 5849, 3.6).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The only method of signing that Twitter takes.
pub(crate) const SIGNATURE_METHOD: &str = "HMAC-SHA1";

/// What a signature covers.
#[derive(Clone, Debug)]
pub(crate) struct Request<'request> {
    /// In capitals.
    pub(crate) method: &'request str,
    /// `http://host[:port]/path`, in lower case up to the path and without the usual port.
    pub(crate) url: &'request str,
    /// Of query and form.
    pub(crate) parameters: &'request [(String, String)],
}

/// The header's value for a `GET` of `url`, at `seconds` since 1970. The nonce must be another one each time.
pub fn authorization(url: &StreamUrl, keys: &Keys, nonce: &str, seconds: i64) -> String {
    let parameters: Vec<_> = url.parameters().map(|(name, value)| (decode_query(name), decode_query(value))).collect();
    let request = Request { method: "GET", url: &url.base(), parameters: &parameters };
    request.authorization(keys, seconds, nonce)
}

/// Different each time: 128 bits from the operating system.
pub(crate) fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `http://host[:port]` as signatures have it.
pub(crate) fn origin(authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    format!("http://{}", authority.strip_suffix(":80").unwrap_or(&authority))
}

impl Request<'_> {
    /// The value of the header `authorization` that signs this request.
    pub(crate) fn authorization(&self, keys: &Keys, timestamp_s: i64, nonce: &str) -> String {
        let timestamp = timestamp_s.to_string();
        let mut protocol = vec![
            ("oauth_consumer_key", keys.consumer_key.as_str()),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", SIGNATURE_METHOD),
            ("oauth_timestamp", &timestamp),
            ("oauth_token", &keys.token),
            ("oauth_version", "1.0"),
        ];
        let signature = STANDARD.encode(self.mac(keys, &protocol).finalize().into_bytes());
        protocol.push(("oauth_signature", &signature));
        let pairs: Vec<_> = protocol.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
        format!("OAuth {}", pairs.join(", "))
    }

    /// Whether `signature` is that of this request; takes as long whatever is wrong with it.
    pub(crate) fn is_signed_by(&self, keys: &Keys, protocol: &[(String, String)], signature: &str) -> bool {
        let protocol: Vec<_> = protocol.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        self.mac(keys, &protocol).verify_slice(&signature).is_ok()
    }

    fn mac(&self, keys: &Keys, protocol: &[(&str, &str)]) -> Hmac<Sha1> {
        let key = format!("{}&{}", encode(keys.consumer_secret.reveal()), encode(keys.token_secret.reveal()));
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length is one");
        mac.update(self.base_string(protocol).as_bytes());
        mac
    }

    /// RFC 5849, 3.4.1.
    fn base_string(&self, protocol: &[(&str, &str)]) -> String {
        let own = self.parameters.iter().map(|(name, value)| (encode(name), encode(value)));
        let mut all: Vec<_> = own.chain(protocol.iter().map(|(name, value)| (encode(name), encode(value)))).collect();
        all.sort_unstable();
        let parameters: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}&{}&{}", self.method, encode(self.url), encode(&parameters.join("&")))
    }
}

/// The pairs of an `authorization` header behind its scheme, in order. Pairs that are none are left out.
pub(crate) fn protocol_parameters(header: &str) -> Vec<(String, String)> {
    let pairs = header.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (decode(name.trim()), decode(value.trim().trim_matches('"')))).collect()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A name or value as it stands in an address, where a plus is a space.
fn decode_query(text: &str) -> String {
    decode(&text.replace('+', " "))
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::credentials::Secret;

    /// The example that Twitter's documentation signs step by step ("Creating a signature").
    #[test]
    fn the_documented_example_has_the_documented_signature() {
        let keys = Keys {
            consumer_key: "xvz1evFS4wEEPTGEFPHBog".to_owned(),
            consumer_secret: Secret::new("kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"),
            token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb".to_owned(),
            token_secret: Secret::new("LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"),
        };
        let parameters = [
            ("status".to_owned(), "Hello Ladies + Gentlemen, a signed OAuth request!".to_owned()),
            ("include_entities".to_owned(), "true".to_owned()),
        ];
        let url = "https://api.twitter.com/1.1/statuses/update.json";
        let request = Request { method: "POST", url, parameters: &parameters };
        let header = request.authorization(&keys, 1_318_622_958, "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg");
        let pairs = protocol_parameters(header.strip_prefix("OAuth ").expect("the scheme"));
        let signature = pairs.iter().find(|(name, _)| name == "oauth_signature").expect("is signed");
        assert_eq!(signature.1, "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
    }
}

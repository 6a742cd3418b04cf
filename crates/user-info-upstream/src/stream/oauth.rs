//! Signatures of OAuth 1.0a (RFC 5849, section 3.4) with HMAC-SHA1, the one method that Twitter takes.
//!
//! Pure but for the nonce, which is random. What is signed is the address as the client sees it: behind a proxy that
//! speaks TLS the server sees another one, and needs a bearer token instead.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha1::Sha1;

use crate::stream::address::StreamUrl;
use crate::stream::credentials::Keys;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The header's value for a `GET` of `url`, at `seconds` since 1970. The nonce must be another one each time.
pub fn authorization(url: &StreamUrl, keys: &Keys, nonce: &str, seconds: i64) -> String {
    let timestamp = seconds.to_string();
    let mut parameters = vec![
        ("oauth_consumer_key", keys.consumer_key.as_str()),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &timestamp),
        ("oauth_token", keys.token.as_str()),
        ("oauth_version", "1.0"),
    ];
    let signature = signature(url, keys, &parameters);
    parameters.push(("oauth_signature", &signature));
    let fields = parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value)));
    format!("OAuth {}", fields.collect::<Vec<_>>().join(", "))
}

/// Different each time: 128 bits from the operating system.
pub(crate) fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signature(url: &StreamUrl, keys: &Keys, oauth_parameters: &[(&str, &str)]) -> String {
    let mut parameters: Vec<_> = oauth_parameters.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    parameters.extend(url.parameters().map(|(name, value)| (encode(&decode(name)), encode(&decode(value)))));
    parameters.sort();
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("GET&{}&{}", encode(&url.base()), encode(&pairs.join("&")));
    let key = format!("{}&{}", encode(keys.consumer_secret.reveal()), encode(keys.token_secret.reveal()));
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key of any length will do");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A name or value as it stands in an address, where a plus is a space.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

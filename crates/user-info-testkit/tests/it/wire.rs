//! Just enough of Kafka's protocol to see that a broker answers: requests with header version 1, and what their answers say.

use std::io::{Read, Write};

pub(crate) const METADATA: i16 = 3;
pub(crate) const SASL_HANDSHAKE: i16 = 17;
pub(crate) const CREATE_TOPICS: i16 = 19;
pub(crate) const SASL_AUTHENTICATE: i16 = 36;

/// Far more than any answer here.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The form in which Kafka writes most text: a 16-bit length and the bytes.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let length = i16::try_from(text.len()).unwrap();
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// Bytes with a 32-bit length.
pub(crate) fn bytes(bytes: &[u8]) -> Vec<u8> {
    let length = i32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes()[..], bytes].concat()
}

/// Sends one request and returns the body of its answer.
pub(crate) fn exchange(stream: &mut (impl Read + Write), api: i16, version: i16, body: &[u8]) -> Vec<u8> {
    const CORRELATION: [u8; 4] = [0, 0, 0, 7];
    const NO_CLIENT_ID: [u8; 2] = (-1_i16).to_be_bytes();
    let request = [&api.to_be_bytes()[..], &version.to_be_bytes(), &CORRELATION, &NO_CLIENT_ID, body].concat();
    stream.write_all(&bytes(&request)).unwrap();
    stream.flush().unwrap();

    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap();
    assert!(length <= ANSWER_BYTES_MAX, "an answer of {length} bytes");
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..4], CORRELATION);
    answer.split_off(4)
}

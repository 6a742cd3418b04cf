//! Answers, piece by piece.

use proptest::prelude::*;
use user_info_bench::response::{Malformed, RESPONSE_BYTES_MAX, header, parse};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nuser-info-age-ms: 0\r\n\r\nhello";

#[test]
fn an_answer_is_there_with_its_last_byte_and_not_before() {
    for length in 0..ANSWER.len() {
        assert_eq!(parse(&ANSWER[..length]), Ok(None), "{length} bytes");
    }
    let answer = parse(ANSWER).unwrap().unwrap();
    assert_eq!((answer.status, answer.body, answer.closes, answer.length), (200, &b"hello"[..], false, ANSWER.len()));
    let more = [ANSWER, b"HTTP/1.1"].concat();
    assert_eq!(parse(&more).unwrap().unwrap().length, ANSWER.len());
}

#[test]
fn answers_without_a_body_and_those_that_end_the_connection_are_told() {
    let known = parse(b"HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n").unwrap().unwrap();
    assert_eq!((known.status, known.body), (304, &b""[..]));
    let last =
        parse(b"HTTP/1.1 503 Service Unavailable\r\nConnection: Close\r\ncontent-length: 0\r\n\r\n").unwrap().unwrap();
    assert!(last.closes);
}

#[test]
fn a_header_is_found_in_any_case_and_none_is_made_up() {
    assert_eq!(header(ANSWER, "User-Info-Age-Ms"), Some("0"));
    assert_eq!(header(ANSWER, "etag"), None);
    assert_eq!(header(b"SSH-2.0-OpenSSH\r\n\r\n", "etag"), None);
}

#[test]
fn what_is_no_answer_is_told() {
    assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), Err(Malformed::NotHttp));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Err(Malformed::NoLength));
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", RESPONSE_BYTES_MAX + 1);
    assert_eq!(parse(long.as_bytes()), Err(Malformed::TooLong));
    assert_eq!(parse(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n"), Err(Malformed::NoLength));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
        let _ = parse(&[b"HTTP/1.1 200 OK\r\n", &bytes[..]].concat());
    }
}

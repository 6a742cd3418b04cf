//! Bytes to messages: only CRLF separates, and chunks do not matter.

use proptest::collection::vec;
use proptest::prelude::*;
use user_info_upstream::stream::splitter::{Piece, Splitter};

fn split(max_bytes: usize, chunks: &[&[u8]]) -> Vec<Piece> {
    let mut splitter = Splitter::new(max_bytes);
    let mut pieces = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, &mut pieces);
    }
    pieces
}

fn message(text: &str) -> Piece {
    Piece::Message(text.as_bytes().to_vec())
}

#[test]
fn only_crlf_separates() {
    let check = |stream: &str, expected: &[Piece]| assert_eq!(split(8, &[stream.as_bytes()]), expected, "{stream:?}");
    check("", &[]);
    check("one", &[]);
    check("one\r\n", &[message("one")]);
    check("one\r\ntwo\r\nthr", &[message("one"), message("two")]);
    check("a\nb\r\n", &[message("a\nb")]);
    check("\na\r\n", &[message("\na")]);
    check("a\rb\r\n", &[message("a\rb")]);
    check("a\r\r\n", &[message("a\r")]);
    check("a\n\r\n", &[message("a\n")]);
}

#[test]
fn blank_lines_are_no_messages() {
    let check = |stream: &str, expected: &[Piece]| assert_eq!(split(8, &[stream.as_bytes()]), expected, "{stream:?}");
    check("\r\n", &[]);
    check("\r\n\r\none\r\n\r\n", &[message("one")]);
    check(" \n \r\n", &[]);
}

#[test]
fn a_message_has_a_largest_size() {
    let check = |stream: &str, expected: &[Piece]| assert_eq!(split(4, &[stream.as_bytes()]), expected, "{stream:?}");
    check("1234\r\n", &[message("1234")]);
    check("12345\r\n", &[Piece::TooLong]);
    check("123456789\r\nabc\r\n", &[Piece::TooLong, message("abc")]);
    check("1234567\n89\r\nabc\r\n", &[Piece::TooLong, message("abc")]);
    check("         \r\n", &[Piece::TooLong]);
}

#[test]
fn a_separator_may_lie_across_chunks() {
    assert_eq!(split(8, &[b"one\r", b"\ntwo\r\n"]), [message("one"), message("two")]);
    assert_eq!(split(8, &[b"a\n", b"b", b"\r", b"", b"\n"]), [message("a\nb")]);
    assert_eq!(split(8, &[b"a\r\n", b"\n", b"b\r\n"]), [message("a"), message("\nb")]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_messages(
        stream in vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), b'a'..=b'c'], 0..60),
        cuts in vec(0_usize..60, 0..8),
        max_bytes in 1_usize..12,
    ) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<_> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(split(max_bytes, &chunks), naive(&stream, max_bytes));
    }
}

/// The whole stream at once, by the letter of the format.
fn naive(stream: &[u8], max_bytes: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = stream;
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let message = &rest[..end];
        rest = &rest[end + 2..];
        if message.len() > max_bytes {
            pieces.push(Piece::TooLong);
        } else if !message.trim_ascii().is_empty() {
            pieces.push(Piece::Message(message.to_vec()));
        }
    }
    pieces
}

//! Bytes to messages: only CRLF or lengths separate, and chunks do not matter.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use user_info_upstream::stream::decoder::{Decoder, Encoding, Framing};
use user_info_upstream::stream::lengths::{LengthSplitter, NotALength};
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

fn split_by_length(max_bytes: usize, chunks: &[&[u8]]) -> Result<Vec<Piece>, NotALength> {
    let mut splitter = LengthSplitter::new(max_bytes);
    let mut pieces = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, &mut pieces)?;
    }
    Ok(pieces)
}

#[test]
fn a_length_says_where_a_message_ends() {
    let check =
        |stream: &str, expected: &[Piece]| assert_eq!(split_by_length(8, &[stream.as_bytes()]).unwrap(), expected);
    check("", &[]);
    check("5\n", &[]);
    check("5\none\r", &[]);
    check("5\none\r\n", &[message("one")]);
    check("5\r\none\r\n5\r\ntwo\r\n", &[message("one"), message("two")]);
    check("\r\n\r\n5\none\r\n\r\n", &[message("one")]);
    check("8\na\r\nb\r\n\r\n", &[message("a\r\nb\r\n")]);
    check("3\none", &[message("one")]);
    check("2\n\r\n0\n", &[]);
    check("10\n12345678\r\n", &[message("12345678")]);
    check("11\n123456789\r\n3\nabc", &[Piece::TooLong, message("abc")]);
    check("10\n1234567890", &[Piece::TooLong]);
}

#[test]
fn what_is_no_length_ends_the_reading() {
    for stream in
        ["{}\r\n", "-1\n", "1 2\n", "1234567890\n", "999999999999", "            \n", "3\none\r\n{\n", "\u{661}\n"]
    {
        assert_eq!(split_by_length(8, &[stream.as_bytes()]), Err(NotALength), "{stream:?}");
    }
}

/// A message as servers write it, and what they may send before it.
#[derive(Clone, Debug)]
struct Sent {
    keep_alives: usize,
    message: Vec<u8>,
}

fn sent() -> impl Strategy<Value = Sent> {
    // Line feeds, carriage returns and digits inside, but no CRLF, and not blank.
    let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b' '), Just(b'7'), Just(b'{'), any::<u8>()];
    let message = vec(byte, 1..40).prop_map(|mut message| {
        message.insert(0, b'{');
        message.push(b'}');
        while let Some(at) = message.windows(2).position(|pair| pair == b"\r\n") {
            message.remove(at);
        }
        message
    });
    (0_usize..3, message).prop_map(|(keep_alives, message)| Sent { keep_alives, message })
}

/// The bytes of the stream, by the letter of the format.
fn written(sent: &[Sent], framing: Framing) -> Vec<u8> {
    let mut stream = Vec::new();
    for Sent { keep_alives, message } in sent {
        stream.extend(b"\r\n".repeat(*keep_alives));
        if framing == Framing::Lengths {
            stream.extend(format!("{}\n", message.len() + 2).into_bytes());
        }
        stream.extend_from_slice(message);
        stream.extend_from_slice(b"\r\n");
    }
    stream
}

/// Packed as servers do it: flushed now and then, and begun anew.
fn packed(stream: &[u8], flushes: &[usize]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut begun = Vec::new();
    for (number, part) in cut(stream, flushes).into_iter().enumerate() {
        encoder.write_all(part).unwrap();
        encoder.flush().unwrap();
        if number % 3 == 2 {
            let full = std::mem::replace(&mut encoder, GzEncoder::new(Vec::new(), Compression::fast()));
            begun.extend(full.finish().unwrap());
        }
    }
    // Not finished: a stream that is live has no end.
    begun.extend_from_slice(encoder.get_ref());
    begun
}

fn cut<'stream>(stream: &'stream [u8], cuts: &[usize]) -> Vec<&'stream [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn any_messages_come_out_as_they_went_in(
        sent in vec(sent(), 0..12),
        framing in prop_oneof![Just(Framing::Lines), Just(Framing::Lengths)],
        encoding in prop_oneof![Just(Encoding::Plain), Just(Encoding::Gzip)],
        flushes in vec(any::<usize>(), 0..6),
        cuts in vec(any::<usize>(), 0..20),
    ) {
        let stream = written(&sent, framing);
        let body = if encoding == Encoding::Gzip { packed(&stream, &flushes) } else { stream };
        let (mut decoder, mut pieces) = (Decoder::new(encoding, framing, 64), Vec::new());
        for chunk in cut(&body, &cuts) {
            decoder.push(chunk, &mut pieces).unwrap();
        }
        let expected: Vec<_> = sent.into_iter().map(|sent| Piece::Message(sent.message)).collect();
        prop_assert_eq!(pieces, expected);
    }
}

#[test]
fn what_is_not_gzip_ends_the_reading() {
    let mut pieces = Vec::new();
    let mut decoder = Decoder::new(Encoding::Gzip, Framing::Lines, 64);
    assert!(decoder.push(b"{\"limit\":{\"track\":1}}\r\n", &mut pieces).is_err());
    assert_eq!(pieces, []);
}

#[test]
fn a_message_that_unpacks_to_too_much_is_left_out() {
    let mut stream = vec![b'x'; 64 << 20];
    stream.extend_from_slice(b"\r\nshort\r\n");
    let packed = packed(&stream, &[]);
    assert!(packed.len() < 1 << 20);
    let (mut decoder, mut pieces) = (Decoder::new(Encoding::Gzip, Framing::Lines, 64), Vec::new());
    decoder.push(&packed, &mut pieces).unwrap();
    assert_eq!(pieces, [Piece::TooLong, message("short")]);
}

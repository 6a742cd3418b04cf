//! Packed answers: who gets which, that they say the same, and that a client can still ask whether they changed.

use std::io::Read;

use user_info_service::encoding::{Coding, PACKED_BYTES_MIN};

use crate::facts::user;
use crate::http::{Answer, Connection, head};
use crate::server::{Server, World};

#[track_caller]
fn check(accepted: &[&str], expected: Option<Coding>) {
    assert_eq!(Coding::accepted(accepted.iter().copied()), expected, "{accepted:?}");
}

#[test]
fn a_client_gets_what_it_likes_best_and_of_equals_what_we_do() {
    use Coding::{Brotli, Gzip, Zstd};
    let cases: [(&[&str], Option<Coding>); 24] = [
        (&[], None),
        (&[""], None),
        (&["identity"], None),
        (&["deflate, compress"], None),
        (&["gzip"], Some(Gzip)),
        (&["x-gzip"], Some(Gzip)),
        (&["GZIP"], Some(Gzip)),
        (&["gzip, deflate, br"], Some(Brotli)),
        (&["gzip, deflate, br, zstd"], Some(Zstd)),
        (&["gzip", "zstd"], Some(Zstd)),
        (&["*"], Some(Zstd)),
        (&["*;q=0.5, gzip"], Some(Gzip)),
        (&["zstd;q=0, *"], Some(Brotli)),
        (&["gzip;q=0"], None),
        (&["*;q=0"], None),
        (&["gzip;q=0.8, br;q=0.9"], Some(Brotli)),
        (&["gzip ; q=0.8 , br;q=0.7"], Some(Gzip)),
        (&["gzip;Q=0.8,br;q=0.7"], Some(Gzip)),
        (&["gzip;q=0.2, identity;q=0.5"], None),
        (&["gzip;q=0.5, identity;q=0.5"], Some(Gzip)),
        (&["gzip;q=often"], None),
        (&["gzip;q=2"], None),
        (&["gzip;q=NaN"], None),
        (&[";;;,,q=1"], None),
    ];
    for (accepted, expected) in cases {
        check(accepted, expected);
    }
}

fn unpacked(coding: &str, packed: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    match coding {
        "gzip" => drop(flate2::read::GzDecoder::new(packed).read_to_end(&mut body).unwrap()),
        "br" => drop(brotli::Decompressor::new(packed, 4_096).read_to_end(&mut body).unwrap()),
        "zstd" => body = zstd::decode_all(packed).unwrap(),
        other => panic!("{other}"),
    }
    body
}

const HUNDRED: usize = 100;

/// A server with a hundred users, and the address of all of them.
fn server() -> (World, Server, String) {
    let world = World::new();
    let server = world.start();
    let ids: Vec<String> = (0..HUNDRED).map(|number| number.to_string()).collect();
    world.publish(&ids.iter().map(|id| user(id)).collect::<Vec<_>>());
    server.until_caught_up(&world.log);
    let target = format!("/users?ids={}", ids.join(","));
    (world, server, target)
}

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Answer {
    Connection::open(server.public).request("GET", target, headers)
}

#[test]
fn a_long_answer_is_packed_as_asked_and_says_the_same() {
    let (_world, server, target) = server();
    let plain = server.get(&target);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("accept-encoding"));
    for coding in Coding::ALL.map(Coding::name) {
        let packed = get(&server, &target, &[("accept-encoding", coding)]);
        assert_eq!((packed.status, packed.header("content-encoding")), (200, Some(coding)));
        assert_eq!(packed.header("vary"), Some("accept-encoding"));
        assert_eq!(packed.header("content-type"), Some("application/json"));
        assert_eq!(unpacked(coding, &packed.body), plain.body, "{coding}");
        assert!(packed.body.len() * 4 < plain.body.len(), "{coding}: {} bytes", packed.body.len());
        let head = Connection::open(server.public).request("HEAD", &target, &[("accept-encoding", coding)]);
        assert_eq!(head.header("content-length"), packed.header("content-length"), "{coding}");
    }
}

#[test]
fn a_batch_is_packed_too() {
    let (_world, server, _) = server();
    let body = serde_json::json!({ "ids": (0..HUNDRED).map(|id| id.to_string()).collect::<Vec<_>>() }).to_string();
    let post = |accepted: &str| {
        let length = body.len().to_string();
        let headers =
            [("content-type", "application/json"), ("content-length", &length), ("accept-encoding", accepted)];
        let mut connection = Connection::open(server.public);
        connection.send(head("POST", "/users/batch", &headers) + &body);
        connection.answer("POST").unwrap()
    };
    assert_eq!(unpacked("gzip", &post("gzip").body), post("identity").body);
}

#[test]
fn what_is_packed_can_be_validated_in_any_coding() {
    let (world, server, target) = server();
    let strong = server.get(&target).header("etag").unwrap().to_owned();
    let weak = get(&server, &target, &[("accept-encoding", "br")]).header("etag").unwrap().to_owned();
    assert_eq!(weak, format!("W/{strong}"), "other bytes, the same content");
    for tag in [&strong, &weak] {
        for (accepted, expected) in [("br", &weak), ("zstd", &weak), ("identity", &strong)] {
            let answer = get(&server, &target, &[("accept-encoding", accepted), ("if-none-match", tag)]);
            assert_eq!((answer.status, answer.header("etag")), (304, Some(expected.as_str())), "{accepted} {tag}");
            assert_eq!((answer.header("content-encoding"), answer.header("vary")), (None, Some("accept-encoding")));
        }
    }
    world.publish(&[crate::facts::tweeted("1", "10")]);
    server.until_caught_up(&world.log);
    assert_eq!(get(&server, &target, &[("accept-encoding", "br"), ("if-none-match", &weak)]).status, 200);
}

#[test]
fn a_short_answer_is_sent_as_it_is_and_does_not_vary() {
    let (_world, server, _) = server();
    for target in ["/users/1", "/users?ids=1,2", "/users?username=name-1", "/users/1000", "/nothing"] {
        let answer = get(&server, target, &[("accept-encoding", "gzip, br, zstd")]);
        assert!(answer.body.len() < PACKED_BYTES_MIN, "{target}");
        assert_eq!((answer.header("content-encoding"), answer.header("vary")), (None, None), "{target}");
    }
}

//! HTTP/2 without TLS, in frames written by hand: what clients get, and what they are held to.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use user_info_service::ServiceConfig;
use user_info_service::listen::ListenLimits;
use user_info_service::pages::PagesConfig;
use user_info_testkit::eventually;

use crate::facts::user;
use crate::server::{LIMIT, World, config};

const SHORT: Duration = Duration::from_secs(1);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Settings.
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const MAX_HEADER_LIST_SIZE: u16 = 6;

const ENHANCE_YOUR_CALM: u32 = 11;

/// `:status: 200` and `404` as HPACK's static table has them.
const OK: u8 = 0x88;
const NOT_FOUND: u8 = 0x8d;

#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

struct Client(TcpStream);

impl Client {
    /// Sends the preface and these settings.
    fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut client = Self::connect(address);
        client.0.write_all(PREFACE).unwrap();
        let setting = |&(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = settings.iter().flat_map(setting).collect();
        client.send(SETTINGS, 0, 0, &payload).unwrap();
        client
    }

    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        self.0.write_all(&[&head[..], payload].concat())
    }

    /// `:method: GET`, `:scheme: http` by number, `:authority` and `:path` in words.
    fn get(&mut self, stream: u32, path: &str) -> std::io::Result<()> {
        let words = |name: u8, value: &str| [&[name, value.len() as u8], value.as_bytes()].concat();
        let block = [&[0x82, 0x86][..], &words(0x01, "test"), &words(0x04, path)].concat();
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &block)
    }

    /// The next frame; `None` when the connection is closed.
    fn frame(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.0.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
            Err(error) => panic!("{error}"),
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).unwrap();
        if head[3] == PING && head[4] & ACK == 0 {
            // That nothing moves is not that nobody is there.
            let _ = self.send(PING, ACK, 0, &payload);
        }
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of this type.
    #[track_caller]
    fn until(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.frame().unwrap_or_else(|| panic!("closed before a frame of type {kind}"));
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// The answers to so many streams, whose bodies fit into the windows: their first header byte and body, by stream.
    fn answers(&mut self, count: usize) -> Vec<(u32, u8, Vec<u8>)> {
        let mut answers: Vec<(u32, u8, Vec<u8>)> = Vec::new();
        let mut ended = 0;
        while ended < count {
            let frame = self.frame().expect("closed before the answers");
            match frame.kind {
                HEADERS => answers.push((frame.stream, frame.payload[0], Vec::new())),
                DATA => {
                    let answer = answers.iter_mut().find(|(stream, ..)| *stream == frame.stream).unwrap();
                    answer.2.extend(frame.payload);
                }
                _ => continue,
            }
            ended += usize::from(frame.flags & END_STREAM != 0);
        }
        answers.sort_unstable();
        answers
    }

    /// The error code that the other side ends the connection with, having closed it.
    fn goodbye(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.frame() {
            if frame.kind == GOAWAY {
                code = Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()));
            }
        }
        code
    }
}

#[test]
fn a_client_with_prior_knowledge_gets_the_same_answers_all_at_once() {
    let world = World::new();
    let server = world.start();
    world.publish(&[user("1"), user("2")]);
    server.until_caught_up(&world.log);
    let mut client = Client::open(server.public, &[]);
    let paths = ["/users/1", "/users/2", "/users/9", "/users?ids=1,2", "/nothing"];
    for (number, path) in paths.iter().enumerate() {
        client.get(2 * number as u32 + 1, path).unwrap();
    }
    let answers = client.answers(paths.len());
    for ((_, status, body), path) in answers.iter().zip(paths) {
        let expected = server.get(path);
        assert_eq!((*status == OK, *status == NOT_FOUND), (expected.status == 200, expected.status == 404), "{path}");
        assert_eq!(body, &expected.body, "{path}");
    }
    eventually(LIMIT, "it is the only connection", || server.metrics.connections.open.get() == 1);
}

#[test]
fn a_preface_may_arrive_in_pieces_and_half_of_one_is_cut_off() {
    let world = World::new();
    let server = world.start_with(limited(ListenLimits { head_timeout: SHORT, ..ListenLimits::default() }));
    server.until_ready();
    let mut half = Client::connect(server.public);
    half.0.write_all(&PREFACE[..10]).unwrap();
    let mut slow = Client::connect(server.public);
    slow.0.write_all(&PREFACE[..1]).unwrap();
    // By then the server has looked at what is there.
    eventually(LIMIT, "both are connected", || server.metrics.connections.open.get() == 2);
    server.get("/users/9");
    for byte in &PREFACE[1..] {
        slow.0.write_all(&[*byte]).unwrap();
    }
    slow.send(SETTINGS, 0, 0, &[]).unwrap();
    slow.get(1, "/users/9").unwrap();
    assert_eq!(slow.answers(1)[0].1, NOT_FOUND);
    assert!(half.frame().is_none());
}

fn limited(listen: ListenLimits) -> ServiceConfig {
    ServiceConfig { listen, ..config() }
}

#[test]
fn clients_are_told_how_much_they_may_ask_for() {
    let world = World::new();
    let server = world.start();
    let settings = Client::open(server.public, &[]).until(SETTINGS).payload;
    let value = |name: u16| {
        let of = |setting: &[u8]| (setting[..2] == name.to_be_bytes()).then(|| setting[2..].to_vec());
        settings.chunks(6).find_map(of).map(|value| u32::from_be_bytes(value.try_into().unwrap()))
    };
    assert_eq!(value(MAX_CONCURRENT_STREAMS), Some(128));
    assert_eq!(value(MAX_HEADER_LIST_SIZE), Some(32 * 1024));
    assert_eq!(value(INITIAL_WINDOW_SIZE), Some(64 * 1024));
}

#[test]
fn who_takes_requests_back_as_fast_as_they_are_sent_is_sent_away() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    let mut client = Client::open(server.public, &[]);
    for stream in (1..20_001).step_by(2) {
        let sent =
            client.get(stream, "/users/1").and_then(|()| client.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        if sent.is_err() {
            break;
        }
    }
    // The reason may be lost when the connection is reset with requests unread.
    assert!(matches!(client.goodbye(), Some(ENHANCE_YOUR_CALM) | None));
    eventually(LIMIT, "the connection is closed", || server.metrics.connections.open.get() == 0);
    assert_eq!(server.get("/users/1").status, 404);
}

#[test]
fn a_connection_on_which_nothing_moves_is_closed() {
    let world = World::new();
    let limits = ListenLimits { head_timeout: SHORT, unread_timeout: SHORT, ..ListenLimits::default() };
    let start = Some(Bytes::from(vec![b'x'; 1024 * 1024]));
    let pages = Some(PagesConfig { start, ..PagesConfig::default() });
    let server = world.start_with(ServiceConfig { pages, ..limited(limits) });
    server.until_ready();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut idle = Client::open(server.public, &[]);
            idle.get(1, "/users/1").unwrap();
            assert_eq!(idle.answers(1)[0].1, NOT_FOUND);
            assert_eq!(idle.goodbye(), Some(0), "it is told that it is over");
        });
        // It asks for what it has no window to take.
        scope.spawn(|| {
            let mut stalled = Client::open(server.public, &[(INITIAL_WINDOW_SIZE, 0)]);
            stalled.get(1, "/").unwrap();
            stalled.until(HEADERS);
            while stalled.frame().is_some() {}
        });
    });
    eventually(LIMIT, "their places are free", || server.metrics.connections.open.get() == 0);
}

#[test]
fn a_server_that_stops_lets_its_clients_go() {
    let world = World::new();
    let server = world.start();
    server.until_ready();
    let mut client = Client::open(server.public, &[]);
    client.get(1, "/users/1").unwrap();
    assert_eq!(client.answers(1)[0].1, NOT_FOUND);
    let stopping = thread::spawn(move || server.stop());
    assert_eq!(client.goodbye(), Some(0));
    stopping.join().unwrap().unwrap();
}

//! Clients that nobody here wrote read the simulated stream, side by side, and get what was sent.
//!
//! Between them and the server lies a network that delivers few bytes at a time and cuts every connection in the middle
//! of something. The server itself repeats messages, sends kinds that the clients do not know, ids beyond 2^53, and
//! deletions before their statuses.

use std::collections::{BTreeSet, HashSet};
use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use user_info_testkit::Process;
use user_info_upstream::replay::{Pace, Replay, ReplayConfig};
use user_info_upstream::simulator::{
    DisconnectCode, Faults, STREAM_PATH, ServerOptions, SimulatorConfig, serve, serve_replay,
};
use user_info_upstream::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};

use crate::support::{Running, eventually};
use crate::world;

/// How long the clients read.
const READ_S: u64 = 60;
/// How long they may take to start and to end on a busy machine, besides.
const MORE: Duration = Duration::from_secs(120);
/// In a minute every kind comes a few times, and the slowest client keeps up with a fraction of a processor.
const WORLD: SimulatorConfig = SimulatorConfig { users: 5_000, rate: 300.0, seed: 11 };
/// What a connection carries before it is cut: about a quarter of the minute, because all of these clients ask for gzip.
const CUT_AFTER_BYTES: usize = 2 << 20;
/// Most bytes that arrive at once.
const SEGMENT_BYTES_MAX: usize = 1_500;

/// A message: its kind, and what tells it from others of its kind.
type Seen = (String, Value);

/// The kinds that the last tweepy with all of them hands to methods of their own.
const TWEEPY_4_12: &[&str] = &["status", "delete", "scrub_geo", "status_withheld", "user_withheld"];
/// What is left of them in the last tweepy with a stream.
const TWEEPY_4_13: &[&str] = &["status"];
/// All kinds that the world sends; python-twitter hands over whatever comes.
const ALL: &[&str] = &[
    "status",
    "delete",
    "scrub_geo",
    "status_withheld",
    "user_withheld",
    "user_suspend",
    "user_unsuspend",
    "user_delete",
];

/// An archive with every kind of the world, of which the statuses of a minute at [`FAULTY_RATE`] are a part.
const ARCHIVED_STEPS: i64 = 8_000;
const FAULTY_RATE: f64 = 100.0;
/// What goes wrong on every connection; how it ends comes besides.
const FAULTS: Faults = Faults {
    unavailable_first: 4,
    piece_bytes_max: 700,
    duplicate_per_mille: 20,
    reorder_per_mille: 20,
    stall_after: None,
    cut_after: None,
    disconnect_after: None,
    seed: 3,
};
/// Connections end after about a fifth of the minute.
const END_AFTER: u64 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_bear_all_that_the_server_can_do_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("world.json");
    let messages: Vec<_> = world::run(2_000, 12, ARCHIVED_STEPS).filter(|message| !message.contains(&b'\n')).collect();
    std::fs::write(&archive, messages.join(&b'\n')).unwrap();
    let recorded: HashSet<Seen> = messages.into_iter().map(|message| identify(&Piece::Message(message))).collect();
    let cut = Faults { cut_after: Some(END_AFTER), ..FAULTS };
    let shed = Faults { disconnect_after: Some((END_AFTER, DisconnectCode::ShedLoad)), ..FAULTS };
    let (cut, shed) = tokio::join!(read_faulty(&archive, cut), read_faulty(&archive, shed));
    for (faults, readers) in [("cut", cut), ("shed", shed)] {
        for (name, lines) in readers {
            check_faulty(&format!("{name}, {faults}"), &lines, &recorded);
        }
    }
}

/// What all clients say of a server with faults.
async fn read_faulty(archive: &Path, faults: Faults) -> Vec<(&'static str, Vec<Vec<Value>>)> {
    let replay = ReplayConfig { paths: vec![archive.to_owned()], pace: Pace::Rate(FAULTY_RATE), repeat: true };
    let replay = Replay::open(replay).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let options = ServerOptions { faults, ..ServerOptions::default() };
    let server = Running::start(|_, stop| serve_replay(listener, replay, options, stop));
    let home = home();
    let readers = [
        ("tweepy 4.12", "read_with_tweepy.py", Some("tweepy-4.12")),
        ("tweepy 4.13", "read_with_tweepy.py", None),
        ("python-twitter", "read_with_python_twitter.py", None),
    ];
    let started =
        readers.map(|(name, script, library)| (name, reader(&home, script, &origin, library, FAULTS_ARE_MEANT)));
    let mut said = Vec::new();
    for (name, process) in started {
        said.push((name, tokio::task::spawn_blocking(|| finish(process)).await.unwrap()));
    }
    server.stop().await.unwrap();
    said
}

fn check_faulty(name: &str, lines: &[Vec<Value>], recorded: &HashSet<Seen>) {
    let errors: Vec<_> = lines.iter().filter(|line| line[0] == "error").collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
    let received = messages(lines);
    let by_server = |seen: &Seen| seen.0 == "disconnect";
    let unknown: Vec<_> = received.iter().filter(|&seen| !recorded.contains(seen) && !by_server(seen)).collect();
    assert!(unknown.is_empty(), "{name} received what was not sent: {unknown:?}");
    let connections = lines.iter().filter(|line| line[0] == "connected").count();
    let twice = received.windows(2).filter(|two| two[0] == two[1]).count();
    let ids = received.iter().filter(|(kind, _)| kind == "status").filter_map(|(_, id)| id.as_u64());
    let ids: Vec<u64> = ids.collect();
    let backwards = ids.windows(2).filter(|two| two[0] > two[1]).count();
    println!("{name}: {} messages over {connections} connections, {twice} twice", received.len());
    assert!(connections > 2 && twice > 10 && backwards > 10, "{name}: {connections}, {twice}, {backwards}");
    assert!(received.len() > 2 * usize::try_from(END_AFTER).unwrap(), "{name}: only {} messages", received.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_others_read_what_was_sent() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Running::start(|_, stop| serve(listener, WORLD, stop));
    let sent = listen(address).await;
    eventually("the stream runs", || !sent.lock().unwrap().is_empty()).await;
    let origin = format!("http://{}", network(address).await);
    let home = home();
    let readers = [
        ("tweepy 4.12", TWEEPY_4_12, reader(&home, "read_with_tweepy.py", &origin, Some("tweepy-4.12"), "")),
        ("tweepy 4.13", TWEEPY_4_13, reader(&home, "read_with_tweepy.py", &origin, None, "")),
        ("python-twitter", ALL, reader(&home, "read_with_python_twitter.py", &origin, None, "")),
    ];
    let received = readers.map(|(name, kinds, process)| (name, kinds, tokio::task::spawn_blocking(|| finish(process))));
    for (name, kinds, lines) in received {
        let lines = lines.await.unwrap();
        let sent = sent.lock().unwrap().clone();
        check(name, kinds, &lines, &sent);
    }
    server.stop().await.unwrap();
}

/// Everything that the server sends from now on.
async fn listen(address: SocketAddr) -> Arc<Mutex<Vec<Seen>>> {
    let socket = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(STREAM_PATH).header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&sent);
    tokio::spawn(async move {
        let (mut splitter, mut pieces) = (Splitter::new(MAX_MESSAGE_BYTES), Vec::new());
        while let Some(Ok(frame)) = body.frame().await {
            splitter.push(&frame.into_data().unwrap(), &mut pieces);
            noted.lock().unwrap().extend(pieces.drain(..).map(|piece| identify(&piece)));
        }
    });
    sent
}

fn identify(piece: &Piece) -> Seen {
    let Piece::Message(bytes) = piece else { panic!("{piece:?}") };
    let message: Value = serde_json::from_slice(bytes).unwrap();
    if message.get("in_reply_to_status_id").is_some() {
        return ("status".to_owned(), message["id"].clone());
    }
    let (kind, body) = message.as_object().unwrap().iter().next().unwrap();
    let id = match kind.as_str() {
        "delete" => &body["status"]["id"],
        "scrub_geo" => &body["up_to_status_id"],
        "status_withheld" | "user_withheld" => &body["id"],
        "limit" => &body["track"],
        "warning" => &body["percent_full"],
        "disconnect" => &body["code"],
        _ => &Value::Null,
    };
    (kind.clone(), id.clone())
}

/// A network in front of the server. Returns its address.
async fn network(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for seed in 0.. {
            let (client, _) = listener.accept().await.unwrap();
            // Either side may go away in between.
            tokio::spawn(async move { carry(client, server, seed).await.unwrap_or_default() });
        }
    });
    address
}

async fn carry(client: TcpStream, server: SocketAddr, seed: u64) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let asking = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut carried, mut segment) = (0, [0; SEGMENT_BYTES_MAX]);
    while carried < CUT_AFTER_BYTES {
        let taken = from_server.read(&mut segment[..rng.random_range(1..=SEGMENT_BYTES_MAX)]).await?;
        if taken == 0 {
            break;
        }
        to_client.write_all(&segment[..taken]).await?;
        carried += taken;
    }
    asking.abort();
    Ok(())
}

fn home() -> PathBuf {
    let home = env::var_os("USER_INFO_STREAM_CLIENTS_HOME").map_or_else(
        || Path::new(&env::var_os("HOME").unwrap()).join(".cache/user-info/stream-clients"),
        PathBuf::from,
    );
    assert!(home.join("requirements.sha256").is_file(), "no stream clients in {}: run make setup-test", home.display());
    home
}

/// Tells a reader that refusals and ends of connections are no errors.
const FAULTS_ARE_MEANT: &str = "faults-are-meant";

fn reader(home: &Path, script: &str, origin: &str, library: Option<&str>, meant: &str) -> Process {
    let mut command = Command::new(home.join("bin/python"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients").join(script);
    command.arg(script).arg(origin).arg(READ_S.to_string()).arg(meant);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "*").env_remove("PYTHONPATH");
    if let Some(library) = library {
        command.env("PYTHONPATH", home.join(library));
    }
    Process::spawn(&command).unwrap()
}

/// Waits for the reader's end; what it said, line by line.
fn finish(mut process: Process) -> Vec<Vec<Value>> {
    let status = process.wait(Duration::from_secs(READ_S) + MORE).unwrap();
    assert!(status.success(), "{status}: {}", process.tail());
    process.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check(name: &str, kinds: &[&str], lines: &[Vec<Value>], sent: &[Seen]) {
    let errors: Vec<_> = lines.iter().filter(|line| line[0] == "error").collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
    let sent: Vec<&Seen> = sent.iter().filter(|(kind, _)| kinds.contains(&kind.as_str()) || kinds == ALL).collect();
    let connections: Vec<Vec<Seen>> = lines.split(|line| line[0] == "connected").skip(1).map(messages).collect();
    assert!(connections.len() > 2, "{name} was cut off only {} times", connections.len());
    for received in &connections {
        assert!(is_run(received, &sent), "{name} received what was not sent like that");
    }
    let seen: BTreeSet<_> = connections.iter().flatten().map(|(kind, _)| kind.as_str()).collect();
    assert!(kinds.iter().all(|kind| seen.contains(kind)), "{name} has seen only {seen:?}");
    let received: usize = connections.iter().map(Vec::len).sum();
    println!("{name}: {received} of {} messages over {} connections", sent.len(), connections.len());
    assert!(received > sent.len() / 2, "{name} received {received} of {} messages", sent.len());
}

fn messages(lines: &[Vec<Value>]) -> Vec<Seen> {
    let messages = lines.iter().filter(|line| line.len() == 2);
    messages.map(|line| (line[0].as_str().unwrap().to_owned(), line[1].clone())).collect()
}

/// Whether exactly this was sent, one right after the other.
fn is_run(received: &[Seen], sent: &[&Seen]) -> bool {
    received.is_empty() || sent.windows(received.len()).any(|sent| sent.iter().copied().eq(received))
}

//! What a request costs the server over each of the APIs, in processor time: all that this process takes, less what the thread
//! of the client takes.
//!
//! `cargo bench -p user-info-bench --bench apis --bench apis`. One user after the other, on one connection, from RocksDB, nothing coming
//! in; the APIs take turns. Started without `--bench` it runs small, to show that it works.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first error")]

mod random;
mod support;
mod users;

use std::net::SocketAddr;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use user_info_bench::client::Client;
use user_info_store::StoreUrl;

use random::Random;
use support::{open_log, serve};
use users::filled;

/// How a user is asked for, before and after the id.
const APIS: [(&str, &str, &str); 4] = [
    ("native", "/users/", ""),
    ("v1.1 users/show", "/1.1/users/show.json?user_id=", ""),
    ("v2", "/2/users/", ""),
    ("v2, all that a page shows", "/2/users/", PAGE_FIELDS),
];

const PAGE_FIELDS: &str = "?user.fields=created_at,description,entities,location,profile_banner_url,profile_image_url,\
                           public_metrics,url";

#[derive(Clone, Copy)]
struct Scale {
    users: u64,
    turns: u32,
    /// Of each API in each turn.
    requests: u32,
}

#[tokio::main]
async fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let scale = if full {
        Scale { users: 100_000, turns: 10, requests: 10_000 }
    } else {
        Scale { users: 100, turns: 1, requests: 100 }
    };
    let directory = tempfile::tempdir().unwrap();
    let log = open_log(directory.path());
    let url = StoreUrl::RocksDb { path: directory.path().join("store") };
    let store = tokio::task::spawn_blocking(move || filled(&url, scale.users)).await.unwrap();
    let (address, stop, serving) = serve(&log, store).await;
    let spent = tokio::task::spawn_blocking(move || measure(address, scale)).await.unwrap();
    let each = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(scale.turns * scale.requests);
    let native = each(spent[0]);
    for ((name, ..), spent) in APIS.iter().zip(spent) {
        println!("{name:<26} {:6.2} µs a request   {:.2} of native", each(spent), each(spent) / native);
    }
    stop.cancel();
    serving.await.unwrap();
}

/// The processor time that the server took for each of the APIs.
fn measure(address: SocketAddr, scale: Scale) -> [Duration; APIS.len()] {
    let (mut client, mut random) = (Client::connect(address).unwrap(), Random(5));
    let mut spent = [Duration::ZERO; APIS.len()];
    let mut turn = |spent: &mut [Duration; APIS.len()]| {
        for ((_, before, after), spent) in APIS.iter().zip(spent) {
            let began = server_time();
            for _ in 0..scale.requests {
                assert_eq!(client.get(&format!("{before}{}{after}", random.below(scale.users))).unwrap().0, 200);
            }
            *spent += server_time().saturating_sub(began);
        }
    };
    // The first one warms up, and does not count.
    turn(&mut [Duration::ZERO; APIS.len()]);
    for _ in 0..scale.turns {
        turn(&mut spent);
    }
    spent
}

/// Of all threads but this one.
fn server_time() -> Duration {
    let clock = |id| Duration::try_from(clock_gettime(id)).unwrap();
    clock(ClockId::ProcessCPUTime).saturating_sub(clock(ClockId::ThreadCPUTime))
}

//! How fast one core makes statuses, and what the users take: `simulation_speed [USERS] [STATUSES]`.
#![expect(clippy::print_stdout, reason = "a program whose result is what it prints")]

use std::time::Instant;

use user_info_core::Timestamp;
use user_info_upstream::simulator::BYTES_PER_USER;
use user_info_upstream::simulator::simulation::Simulation;

/// 2026-11-23T18:30:00Z.
const START_MS: i64 = 1_795_458_600_000;
/// The buffer is emptied when it has grown to this size, as a server does.
const CHUNK_BYTES: usize = 32 * 1024;
/// Statuses per millisecond of the world's clock.
const STATUSES_PER_MS: u64 = 50;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse().expect("a number"));
    let users = numbers.next().unwrap_or(1_000_000);
    let statuses = u64::from(numbers.next().unwrap_or(1_000_000));
    let before = resident_bytes();
    let begin = Instant::now();
    let mut simulation = Simulation::new(users, 7);
    let per_user = resident_bytes().saturating_sub(before) / u64::from(users.max(1));
    println!("{users} users after {:?}; {per_user} bytes each, at most {BYTES_PER_USER}", begin.elapsed());
    let begin = Instant::now();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for status in 0..statuses {
        let now = START_MS + (status / STATUSES_PER_MS).cast_signed();
        simulation.step(Timestamp::from_millis(now).expect("a time of this century"), &mut chunk);
        if chunk.len() >= CHUNK_BYTES {
            bytes += chunk.len();
            chunk.clear();
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{statuses} statuses in {seconds:.2} s: {:.0} a second", statuses as f64 / seconds);
    println!("{:.0} MB a second, {} bytes a status", bytes as f64 / seconds / 1e6, bytes as u64 / statuses.max(1));
}

/// The memory that this process occupies; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1_024
}

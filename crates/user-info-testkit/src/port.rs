//! Ports for servers that cannot be asked to choose one, and for those that must come back on the same one.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::randomness::random_u64;

/// Below Linux's default range for outgoing connections (from 32768), so that no connection of a client takes the port of a
/// server that is down for a moment.
const PORTS: Range<u16> = 16_000..32_000;

/// Far more than needed where most of the range is free.
const ATTEMPTS_MAX: u32 = 1_000;

static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A TCP port of 127.0.0.1 that nobody listens on and that this process has not been given before.
///
/// # Panics
/// If no free port is found.
#[must_use]
pub fn free_port() -> u16 {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let port = (0..ATTEMPTS_MAX).map(|_| random_port()).find(|&port| !given.contains(&port) && is_free(port));
    let port = port.expect("no free port in 16000-31999: is another program listening on all of them?");
    given.insert(port);
    port
}

fn random_port() -> u16 {
    let offset = random_u64() % u64::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(offset).expect("smaller than the range of ports")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

//! A way to a server that can fail as networks do: without a word to either end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// How often a connection that stands still looks whether the relay is gone.
const PAUSE: Duration = Duration::from_millis(10);

/// Passes connections on, until it is dropped.
pub(crate) struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Connections of earlier ages stand still.
    age: AtomicU32,
    ended: AtomicBool,
}

impl Relay {
    /// To a port of 127.0.0.1.
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { port: listener.local_addr().unwrap().port(), shared: Arc::default() };
        let shared = Arc::clone(&relay.shared);
        thread::spawn(move || accept(&listener, port, &shared));
        relay
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on, nothing passes on the connections that there are. They stay open; new ones work.
    pub(crate) fn freeze_connections(&self) {
        self.shared.age.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Whoever waits for a connection notices.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn accept(listener: &TcpListener, port: u16, shared: &Arc<Shared>) {
    loop {
        let Ok((near, _)) = listener.accept() else { return };
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        let age = shared.age.load(Ordering::SeqCst);
        for (from, to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
            let shared = Arc::clone(shared);
            thread::spawn(move || pass(from, to, age, &shared));
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, age: u32, shared: &Shared) {
    let mut bytes = [0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes);
        while shared.age.load(Ordering::SeqCst) != age && !shared.ended.load(Ordering::SeqCst) {
            thread::sleep(PAUSE);
        }
        match read {
            Ok(read) if read > 0 && !shared.ended.load(Ordering::SeqCst) => {
                if to.write_all(&bytes[..read]).is_err() {
                    return;
                }
            }
            Ok(_) | Err(_) => {
                let _ = to.shutdown(std::net::Shutdown::Both);
                return;
            }
        }
    }
}

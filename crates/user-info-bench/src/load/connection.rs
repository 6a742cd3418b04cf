//! One connection to the server, with at most one request in flight.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::Fault;
use crate::response::{self, Response};

/// Bytes that are read at a time.
const READ_BYTES: usize = 16 * 1024;

/// How long connecting may take; the generator waits for it.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A connection.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    in_flight: Option<InFlight>,
    unsent: Vec<u8>,
    received: Vec<u8>,
}

/// A request that is not answered yet.
#[derive(Clone, Copy)]
struct InFlight {
    due: Instant,
    sent: Instant,
}

/// An answer that came.
pub(super) struct Answered {
    pub(super) due: Instant,
    pub(super) status: u16,
    /// Whether the server closes the connection.
    pub(super) closes: bool,
}

impl Connection {
    pub(super) fn open(server: SocketAddr) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect_timeout(&server, CONNECT_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let received = Vec::with_capacity(READ_BYTES);
        Ok(Self { stream: TcpStream::from_std(stream), in_flight: None, unsent: Vec::new(), received })
    }

    /// Sends a request that was due then.
    pub(super) fn send(&mut self, request: &[u8], due: Instant, now: Instant) -> Result<(), Fault> {
        self.in_flight = Some(InFlight { due, sent: now });
        self.unsent.extend_from_slice(request);
        self.flush()
    }

    /// Sends what the socket had no room for.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Fault::Broken),
            }
        }
        Ok(())
    }

    /// Takes what has come; the answer if it is whole.
    pub(super) fn receive(&mut self) -> Result<Option<Answered>, Fault> {
        let ended = self.read()?;
        let Some(in_flight) = self.in_flight else {
            // Nobody asked.
            return if ended || !self.received.is_empty() { Err(Fault::Broken) } else { Ok(None) };
        };
        let answered = match response::parse(&self.received) {
            Ok(Some(Response { status, closes, length, .. })) if length == self.received.len() => {
                Answered { due: in_flight.due, status, closes: closes || ended }
            }
            Ok(None) if ended => return Err(Fault::Broken),
            Ok(None) => return Ok(None),
            Ok(Some(_)) | Err(_) => return Err(Fault::Malformed),
        };
        self.received.clear();
        self.in_flight = None;
        Ok(Some(answered))
    }

    /// When the request that is in flight was due, if there is one.
    pub(super) fn due(&self) -> Option<Instant> {
        self.in_flight.map(|in_flight| in_flight.due)
    }

    /// Whether its request has been in flight for longer than this.
    pub(super) fn is_late(&self, now: Instant, limit: Duration) -> bool {
        self.in_flight.is_some_and(|in_flight| now.saturating_duration_since(in_flight.sent) > limit)
    }

    /// Reads until nothing more has come; whether the server will send no more.
    fn read(&mut self) -> Result<bool, Fault> {
        loop {
            let before = self.received.len();
            self.received.resize(before + READ_BYTES, 0);
            let read = self.stream.read(&mut self.received[before..]);
            self.received.truncate(before + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) => return Ok(true),
                Ok(_) if self.received.len() > response::RESPONSE_BYTES_MAX => return Err(Fault::Malformed),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Fault::Broken),
            }
        }
    }
}

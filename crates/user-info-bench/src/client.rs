//! A client that blocks: one connection, one request at a time. It costs as little as can be, because what it takes counts as
//! the server's.

use std::fmt::Display;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::error::BenchError;
use crate::response;

/// Bytes that are read at a time.
const READ_BYTES: usize = 4_096;

/// A connection that is kept.
#[derive(Debug)]
pub struct Client {
    server: SocketAddr,
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    /// Connects.
    pub fn connect(server: SocketAddr) -> Result<Self, BenchError> {
        let connected = TcpStream::connect(server).and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        let stream = connected.map_err(|source| BenchError::Connect { server, source })?;
        Ok(Self { server, stream, received: Vec::with_capacity(READ_BYTES) })
    }

    /// The status and the body of the answer to a GET.
    pub fn get(&mut self, target: &str) -> Result<(u16, Vec<u8>), BenchError> {
        let answer = self.ask(target)?;
        Ok((answer.status, answer.body.to_vec()))
    }

    /// A header of the answer to a GET, as far as it is text; `None` if the answer has none of this name.
    pub fn header(&mut self, target: &str, name: &str) -> Result<Option<String>, BenchError> {
        self.ask(target)?;
        Ok(response::header(&self.received, name).map(str::to_owned))
    }

    fn ask(&mut self, target: &str) -> Result<response::Response<'_>, BenchError> {
        let request = format!("GET {target} HTTP/1.1\r\nhost: {}\r\n\r\n", self.server);
        self.stream.write_all(request.as_bytes()).map_err(|error| self.broken(&error))?;
        self.received.clear();
        let mut piece = [0; READ_BYTES];
        while !self.is_whole()? {
            let count = self.stream.read(&mut piece).map_err(|error| self.broken(&error))?;
            if count == 0 {
                return Err(self.broken(&"the connection was closed"));
            }
            self.received.extend_from_slice(&piece[..count]);
        }
        let answer = response::parse(&self.received).ok().flatten();
        Ok(answer.expect("it was whole"))
    }

    fn is_whole(&self) -> Result<bool, BenchError> {
        let answer = response::parse(&self.received).map_err(|malformed| self.broken(&malformed))?;
        Ok(answer.is_some())
    }

    fn broken(&self, reason: &dyn Display) -> BenchError {
        BenchError::Broken { server: self.server, reason: reason.to_string() }
    }
}

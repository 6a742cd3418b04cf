//! The stream's bytes as they are: requests and responses by hand.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use user_info_upstream::simulator::{ServerOptions, SimulatorConfig, serve_with};
use user_info_upstream::stream::splitter::{MAX_MESSAGE_BYTES, Piece, Splitter};

use crate::support::{DEADLINE, Running};

pub(crate) const GET_STREAM: &str = "GET /1.1/statuses/sample.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
pub(crate) const QUIET: SimulatorConfig = SimulatorConfig { users: 10, rate: 0.0, seed: 1 };
pub(crate) const BUSY: SimulatorConfig = SimulatorConfig { users: 100, rate: 3_000.0, seed: 1 };

/// A server in its usual place.
pub(crate) async fn start(config: SimulatorConfig, options: impl Into<ServerOptions>) -> (Running, SocketAddr) {
    let options = options.into();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (Running::start(|_, stop| serve_with(listener, config, options, stop)), address)
}

/// Sends a request and returns the connection.
pub(crate) async fn request(address: SocketAddr, request: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// Reads until what was read satisfies `enough` or the connection ends, however it ends.
pub(crate) async fn read_until(socket: &mut TcpStream, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reading = async { while !enough(&bytes) && matches!(socket.read_buf(&mut bytes).await, Ok(1..)) {} };
    timeout(DEADLINE, reading).await.expect("the server sends enough in time, or ends the connection");
    bytes
}

pub(crate) async fn read_to_end(socket: &mut TcpStream) -> Vec<u8> {
    read_until(socket, |_| false).await
}

/// The body of a chunked response, as far as it has come.
pub(crate) fn body(response: &[u8]) -> Vec<u8> {
    let header = response.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let mut rest = &response[header + 4..];
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else { break };
        body.extend_from_slice(chunk);
        rest = rest.get(line + 4 + size..).unwrap_or_default();
    }
    body
}

pub(crate) fn messages(body: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    Splitter::new(MAX_MESSAGE_BYTES).push(body, &mut pieces);
    pieces
        .into_iter()
        .filter_map(|piece| if let Piece::Message(message) = piece { Some(message) } else { None })
        .collect()
}

/// A request for the stream with these parameters and headers, each of which ends with CRLF.
pub(crate) fn get_stream(query: &str, headers: &str) -> String {
    format!("GET /1.1/statuses/sample.json{query} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")
}

/// Whether a chunked response ended as it should.
pub(crate) fn is_whole(response: &[u8]) -> bool {
    response.ends_with(b"\r\n0\r\n\r\n")
}

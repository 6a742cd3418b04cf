//! Servers that answer as a test wants it, on a thread for each connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// Starts a server that leaves every connection to `serve`. It ends with the test's process.
pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// A floor that runs in the background until it is told to stop.
pub(crate) fn floor(runtime: &Runtime, stop: &CancellationToken) -> SocketAddr {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(user_info_bench::floor::run(listener, "{}".into(), stop.clone()));
    address
}

/// The next request's head; `None` when the client has gone.
pub(crate) fn request(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Answers every request on a connection with what `answer` makes of it, until that is `None`.
pub(crate) fn answer_all(stream: &mut TcpStream, answer: impl Fn(&str) -> Option<String>) {
    stream.set_nodelay(true).unwrap();
    while let Some(request) = request(stream) {
        let Some(answer) = answer(&request) else { return };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// An answer with this status and body.
pub(crate) fn with(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

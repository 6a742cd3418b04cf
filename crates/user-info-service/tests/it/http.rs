//! HTTP/1.1 over a plain socket, so that the tests see the bytes that clients see, malformed requests included.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Nothing here takes long; a test that hangs should say where.
const IO_LIMIT: Duration = Duration::from_secs(30);

/// An answer as it arrived.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of the one header of this name.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} stands there twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that this is a problem of the given status and kind, with the headers of every problem.
    #[track_caller]
    pub(crate) fn check_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let body = self.json();
        assert_eq!(body["type"], format!("urn:user-info:problem:{code}"));
        assert_eq!(body["status"], status);
    }
}

/// A connection that is kept alive.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(IO_LIMIT)).unwrap();
        stream.set_write_timeout(Some(IO_LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())
    }

    /// Says that nothing more will be sent.
    pub(crate) fn end_sending(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.request("GET", target, &[])
    }

    pub(crate) fn request(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(head(method, target, headers));
        self.answer(method).expect("the connection was closed without an answer")
    }

    /// Sends a form in the body.
    pub(crate) fn post(&mut self, target: &str, form: &str) -> Answer {
        let length = form.len().to_string();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send(head("POST", target, &[kind, ("content-length", &length)]) + form);
        self.answer("POST").expect("the connection was closed without an answer")
    }

    /// Reads the answer to a request with this method; `None` if the connection was closed instead.
    pub(crate) fn answer(&mut self, method: &str) -> Option<Answer> {
        let mut answer = self.answer_head()?;
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let has_body = method != "HEAD" && answer.status != 304;
        answer.body = vec![0; if has_body { length } else { 0 }];
        self.0.read_exact(&mut answer.body).unwrap();
        Some(answer)
    }

    /// Asks for a stream and reads the head of the answer.
    pub(crate) fn open_stream(&mut self, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(head("GET", target, headers));
        self.answer_head().expect("the connection was closed without an answer")
    }

    /// The next chunk of a stream; `None` when it has ended as it should.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        let size = usize::from_str_radix(&self.line().expect("closed within a stream"), 16).unwrap();
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).unwrap();
        assert_eq!(self.line().as_deref(), Some(""), "a chunk ends with a line's end");
        (size > 0).then(|| String::from_utf8(chunk).unwrap())
    }

    fn answer_head(&mut self) -> Option<Answer> {
        let line = self.line()?;
        let status = line.strip_prefix("HTTP/1.1 ").or(line.strip_prefix("HTTP/1.0 "));
        let status = status.unwrap_or_else(|| panic!("no status line: {line:?}"))[..3].parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().expect("closed within a head");
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None if line.is_empty() => break,
                None => panic!("no header: {line:?}"),
            }
        }
        Some(Answer { status, headers, body: Vec::new() })
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches("\r\n").to_owned()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error} while reading a line"),
        }
    }

    /// Waits until the other side closes the connection, and returns what it sent before.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => rest,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => rest,
            Err(error) => panic!("not closed: {error}"),
        }
    }
}

/// The head of a request.
pub(crate) fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {target} HTTP/1.1\r\nhost: test\r\n{headers}\r\n")
}

/// One GET on a connection of its own.
pub(crate) fn get(address: SocketAddr, target: &str) -> Answer {
    Connection::open(address).get(target)
}

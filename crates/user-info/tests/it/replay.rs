//! An archive from the command line: served to the first client, told about on stderr, and over with status 0.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use tempfile::TempDir;

use crate::support::program::Program;
use crate::support::waiting::LIMIT;

fn archive(lines: &str) -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.json"), lines).unwrap();
    let path = directory.path().to_str().unwrap().to_owned();
    (directory, path)
}

/// What a client of the stream gets until it ends.
fn read(stream_line: &str) -> String {
    let address = stream_line.strip_prefix("stream http://").unwrap().split('/').next().unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(b"GET /1.1/statuses/sample.json HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn an_archive_is_served_and_then_the_command_ends() {
    let (_directory, path) = archive("{\"id\":1}\n{\"id\":2}\nnot json\n{\"id\":3}\n");
    for pace in ["recorded", "flat-out"] {
        let arguments = ["upstream", "stream", "--listen", "127.0.0.1:0", "--replay", &path, "--replay-pace", pace];
        let mut process = Program::under_test().start(arguments);
        let response = read(&process.wait_for_line("stream ", LIMIT).unwrap());
        for message in ["{\"id\":1}\r\n", "{\"id\":2}\r\n", "{\"id\":3}\r\n", "\"disconnect\""] {
            assert!(response.contains(message), "{pace}: {message} is not in {response}");
        }
        assert!(process.wait(LIMIT).unwrap().success(), "{}", process.tail());
        let stderr = process.stderr();
        assert!(stderr.contains("a.json, line 3: not JSON"), "{stderr}");
        assert!(stderr.contains("ended: 3 messages replayed"), "{stderr}");
        assert!(stderr.contains("1 bad lines"), "{stderr}");
    }
}

#[test]
fn what_cannot_be_replayed_is_said_with_its_status() {
    let (directory, path) = archive("{}");
    let replay = |path: &str, more: &[&str]| {
        let arguments = ["upstream", "stream", "--listen", "127.0.0.1:0", "--replay", path];
        Program::under_test().run(arguments.iter().chain(more))
    };
    replay("/nowhere/x.json", &[]).with_status(3).that_says("cannot replay \"/nowhere/x.json\"");
    replay(&path, &["--replay-speed", "0"]).with_status(2).that_says("must be more than 0");
    replay(&path, &["--replay-pace", "slow"]).with_status(2).that_says("flat-out");
    std::fs::remove_file(Path::new(&path).join("a.json")).unwrap();
    replay(&path, &[]).with_status(3).that_says("nothing to replay");
    drop(directory);
}

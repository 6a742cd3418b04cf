//! Who the client says it is, and that nobody else learns it; what the server says goodbye with.

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use user_info_upstream::stream::answer::disconnect_reason;
use user_info_upstream::stream::client::{self, ClientOptions};
use user_info_upstream::stream::credentials::{Credentials, Keys, Secret};
use user_info_upstream::stream::oauth;
use user_info_upstream::{Progress, UpstreamError};

use crate::support::DEADLINE;

/// The example of the OAuth Core 1.0 specification, appendix A.
fn keys() -> Keys {
    Keys {
        consumer_key: "dpf43f3p2l4k3l03".to_owned(),
        consumer_secret: Secret::from("kd94hf93k423kf44"),
        token: "nnch734d00sl2jdk".to_owned(),
        token_secret: Secret::from("pfkkdhi9sl3r4s00"),
    }
}

#[test]
fn the_signature_is_that_of_the_specification() {
    let url = "http://photos.example.net/photos?file=vacation.jpg&size=original".parse().unwrap();
    let header = oauth::authorization(&url, &keys(), "kllo9940pd9333jh", 1_191_242_096);
    assert_eq!(
        header,
        "OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_nonce=\"kllo9940pd9333jh\", \
         oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1191242096\", oauth_token=\"nnch734d00sl2jdk\", \
         oauth_version=\"1.0\", oauth_signature=\"tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D\""
    );
}

#[test]
fn the_same_address_written_differently_is_signed_alike() {
    let signed = |url: &str| oauth::authorization(&url.parse().unwrap(), &keys(), "nonce", 1);
    assert_eq!(signed("http://Host:80/p?b=1&a=x%20y"), signed("http://host/p?a=x+y&b=1"));
    assert_ne!(signed("http://host/p?a=1"), signed("http://host/p?a=2"));
    assert_ne!(signed("http://host/p"), signed("http://host:81/p"));
}

/// Sends the client away and gives the header of its request, line by line in lower case but for values.
async fn header_of(options: ClientOptions) -> Vec<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/1.1/statuses/sample.json", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = BufReader::new(socket);
        let mut header = Vec::new();
        loop {
            let mut line = String::new();
            socket.read_line(&mut line).await.unwrap();
            if line.trim().is_empty() {
                break;
            }
            header.push(line.trim_end().to_owned());
        }
        socket.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        header
    });
    let (sender, _messages) = mpsc::channel(1);
    let ended = client::run(&url, &options, sender, Arc::new(Progress::default()), CancellationToken::new());
    let ended = timeout(DEADLINE, ended).await.expect("it ends in time");
    assert!(matches!(ended, Err(UpstreamError::StreamRefused { status: 403, .. })), "{ended:?}");
    server.await.unwrap()
}

fn value<'header>(header: &'header [String], name: &str) -> Option<&'header str> {
    header.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn with(credentials: Credentials) -> ClientOptions {
    ClientOptions { credentials, ..ClientOptions::default() }
}

#[tokio::test]
async fn a_request_says_who_asks_and_how_the_answer_may_be_packed() {
    let nobody = header_of(ClientOptions::default()).await;
    assert_eq!(nobody[0], "GET /1.1/statuses/sample.json HTTP/1.1");
    assert_eq!((value(&nobody, "authorization"), value(&nobody, "accept-encoding")), (None, None));
    let packed = header_of(ClientOptions { gzip: true, ..ClientOptions::default() }).await;
    assert_eq!(value(&packed, "accept-encoding"), Some("gzip"));
    let bearer = header_of(with(Credentials::bearer(&Secret::from("AAAA%2FzZ")).unwrap())).await;
    assert_eq!(value(&bearer, "authorization"), Some("Bearer AAAA%2FzZ"));
}

#[tokio::test]
async fn every_signed_request_is_another_one() {
    let mut signed = Vec::new();
    for _ in 0..2 {
        let header = header_of(with(Credentials::Keys(keys()))).await;
        let value = value(&header, "authorization").unwrap().to_owned();
        assert!(value.starts_with("OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_nonce=\""), "{value}");
        for secret in ["kd94hf93k423kf44", "pfkkdhi9sl3r4s00"] {
            assert!(!value.contains(secret), "{value}");
        }
        signed.push(value.split('"').nth(3).unwrap().to_owned());
    }
    assert_ne!(signed[0], signed[1], "nonces");
}

#[test]
fn a_token_that_cannot_be_sent_is_refused_without_being_shown() {
    for token in ["", "two words", "line\nfeed", "clé"] {
        let refused = Credentials::bearer(&Secret::from(token));
        assert!(matches!(refused, Err(UpstreamError::InvalidConfig { .. })), "{token:?}: {refused:?}");
        assert!(token.is_empty() || !refused.unwrap_err().to_string().contains(token));
    }
}

#[test]
fn secrets_are_not_shown_to_developers_either() {
    let bearer = format!("{:?}", with(Credentials::bearer(&Secret::from("hidden-token")).unwrap()));
    let keys = format!("{:?}", with(Credentials::Keys(keys())));
    for secret in ["hidden-token", "kd94hf93k423kf44", "pfkkdhi9sl3r4s00"] {
        assert!(!bearer.contains(secret) && !keys.contains(secret), "{bearer} {keys}");
    }
}

/// What was logged on this thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_goodbye_is_logged_with_its_code_and_the_token_never() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let goodbye = "{\"disconnect\":{\"code\":12,\"stream_name\":\"sample\",\"reason\":\"bye\"}}\r\n";
    let url = crate::support::serve(vec![
        crate::support::Script::End(vec![goodbye.into()]),
        crate::support::Script::Status(401),
    ]);
    let url = url.await.parse().unwrap();
    let options = with(Credentials::bearer(&Secret::from("hidden-token")).unwrap());
    let (sender, _messages) = mpsc::channel(10);
    let ended = client::run(&url, &options, sender, Arc::new(Progress::default()), CancellationToken::new());
    let ended = timeout(DEADLINE, ended).await.expect("it ends in time");
    assert!(matches!(ended, Err(UpstreamError::StreamRefused { status: 401, .. })), "{ended:?}");
    let log = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("the server ends the connection")).expect("it is logged");
    assert!(line.contains("code=12") && line.contains("overloaded") && line.contains("bye"), "{line}");
    assert!(!log.contains("hidden-token"), "{log}");
}

#[test]
fn every_code_of_a_goodbye_means_something() {
    for code in [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12] {
        assert_ne!(disconnect_reason(Some(code)), disconnect_reason(None), "{code}");
    }
    assert_eq!(disconnect_reason(Some(99)), disconnect_reason(None));
}

//! A broker starts, answers, keeps its data over restarts, can be paused, and lets in only whom it should.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use user_info_testkit::{BrokerConfig, Credentials, KafkaBroker, Security, eventually};

use crate::wire::{CREATE_TOPICS, METADATA, SASL_AUTHENTICATE, SASL_HANDSHAKE, bytes, exchange, text};

const LIMIT: Duration = Duration::from_secs(60);

fn connect(broker: &KafkaBroker) -> TcpStream {
    let stream = TcpStream::connect(broker.bootstrap()).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Creates a topic of one partition; the answer is Kafka's error code, 0 for success.
fn create_topic(broker: &KafkaBroker, name: &str) -> i16 {
    let no_assignments_and_configs = [0; 8];
    let topic = [text(name), 1_i32.to_be_bytes().to_vec(), 1_i16.to_be_bytes().to_vec()].concat();
    let timeout_ms_and_not_only_validate = [0, 0, 0x75, 0x30, 0];
    let body =
        [&1_i32.to_be_bytes()[..], &topic, &no_assignments_and_configs, &timeout_ms_and_not_only_validate].concat();
    let answer = exchange(&mut connect(broker), CREATE_TOPICS, 2, &body);
    let error_at = 4 + 4 + text(name).len();
    i16::from_be_bytes([answer[error_at], answer[error_at + 1]])
}

fn metadata(stream: &mut TcpStream) -> Vec<u8> {
    let all_topics = (-1_i32).to_be_bytes();
    exchange(stream, METADATA, 1, &all_topics)
}

fn has_topic(broker: &KafkaBroker, name: &str) -> bool {
    let name = text(name);
    metadata(&mut connect(broker)).windows(name.len()).any(|window| window == name)
}

#[test]
fn data_and_port_stay_over_a_kill_and_a_clean_stop() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let bootstrap = broker.bootstrap();
    assert!(!has_topic(&broker, "kept"));
    assert_eq!(create_topic(&broker, "kept"), 0);

    broker.kill().unwrap();
    assert!(TcpStream::connect(&bootstrap).is_err());
    broker.restart().unwrap();
    assert_eq!(broker.bootstrap(), bootstrap);
    assert!(has_topic(&broker, "kept"), "after a kill");

    broker.stop().unwrap();
    assert!(TcpStream::connect(&bootstrap).is_err());
    broker.restart().unwrap();
    assert!(has_topic(&broker, "kept"), "after a clean stop");
}

#[test]
fn a_paused_broker_is_silent_until_it_goes_on_and_can_be_stopped() {
    let mut broker = KafkaBroker::start(&BrokerConfig::default()).unwrap();
    let mut stream = connect(&broker);
    assert!(!metadata(&mut stream).is_empty());

    broker.pause().unwrap();
    stream.write_all(&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 9, 255, 255, 255, 255, 255, 255]).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut first_byte = [0];
    assert_eq!(stream.read(&mut first_byte).unwrap_err().kind(), io::ErrorKind::WouldBlock);

    broker.resume().unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.read_exact(&mut first_byte).unwrap();

    broker.pause().unwrap();
    broker.stop().unwrap();
    assert!(broker.pause().unwrap_err().to_string().contains("not running"));
    eventually(LIMIT, "nobody listens", || TcpStream::connect(broker.bootstrap()).is_err());
}

#[test]
fn extra_properties_win_and_a_broker_that_cannot_start_says_why() {
    let reporter = ("metric.reporters".to_owned(), "no.such.Reporter".to_owned());
    let config = BrokerConfig { properties: vec![reporter], ..BrokerConfig::default() };
    let error = format!("{:#}", KafkaBroker::start(&config).unwrap_err());
    assert!(error.contains("Kafka does not start") && error.contains("no.such.Reporter"), "{error}");

    let unknown = ("process.roles".to_owned(), "spectator".to_owned());
    let config = BrokerConfig { properties: vec![unknown], ..BrokerConfig::default() };
    let error = format!("{:#}", KafkaBroker::start(&config).unwrap_err());
    assert!(error.contains("cannot format the broker's storage") && error.contains("spectator"), "{error}");
}

/// `openssl s_client` as the TLS side of a connection; it accepts only the authority of the broker's credentials.
struct TlsPipe(Child);

impl TlsPipe {
    fn connect(broker: &KafkaBroker) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1"]);
        command.arg("-CAfile").arg(&broker.credentials().unwrap().ca_path).arg("-connect").arg(broker.bootstrap());
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Read for TlsPipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.stdout.as_mut().unwrap().read(buffer)
    }
}

impl Write for TlsPipe {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.stdin.as_mut().unwrap().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.stdin.as_mut().unwrap().flush()
    }
}

impl Drop for TlsPipe {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The first message of a login: Kafka's error code (0 for success) and the rest of the answer.
fn login(broker: &KafkaBroker, mechanism: &str, message: &str) -> (i16, String) {
    let mut stream = TlsPipe::connect(broker);
    let answer = exchange(&mut stream, SASL_HANDSHAKE, 1, &text(mechanism));
    assert_eq!(answer[..2], [0, 0], "{mechanism} is not offered: {}", String::from_utf8_lossy(&answer));
    let answer = exchange(&mut stream, SASL_AUTHENTICATE, 0, &bytes(message.as_bytes()));
    (i16::from_be_bytes([answer[0], answer[1]]), String::from_utf8_lossy(&answer[2..]).into_owned())
}

#[test]
fn a_secure_broker_knows_its_user_in_plain_and_in_scram() {
    const FAILED: i16 = 58;
    let config = BrokerConfig { security: Security::SaslSsl, ..BrokerConfig::default() };
    let broker = KafkaBroker::start(&config).unwrap();
    let Credentials { user, password, .. } = broker.credentials().unwrap().clone();

    assert_eq!(login(&broker, "PLAIN", &format!("\0{user}\0{password}")).0, 0);
    assert_eq!(login(&broker, "PLAIN", &format!("\0{user}\0wrong")).0, FAILED);

    let (error, challenge) = login(&broker, "SCRAM-SHA-256", &format!("n,,n={user},r=nonce"));
    assert!(error == 0 && challenge.contains("r=nonce") && challenge.contains(",i="), "{error} {challenge}");
    assert_eq!(login(&broker, "SCRAM-SHA-256", "n,,n=somebody,r=nonce").0, FAILED);
}

#[test]
fn a_secure_broker_does_not_talk_in_the_clear() {
    let config = BrokerConfig { security: Security::SaslSsl, ..BrokerConfig::default() };
    let broker = KafkaBroker::start(&config).unwrap();
    let mut stream = connect(&broker);
    stream.write_all(&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 9, 255, 255, 255, 255, 255, 255]).unwrap();
    let mut answer = Vec::new();
    // TLS answers with an alert (or an end), never with the answer to correlation id 9.
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.windows(4).any(|window| window == [0, 0, 0, 9]), "{answer:?}");
}

//! TLS: a client that trusts the authority gets answers, the certificate changes while the service runs, and what is wrong with
//! the files is said.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use user_info_service::ServiceConfig;
use user_info_service::listen::ListenLimits;
use user_info_service::tls::{LOOK_INTERVAL, Tls, TlsError, TlsOptions};
use user_info_testkit::{Certificates, eventually};

use crate::http::{Connection, head};
use crate::server::{LIMIT, Server, World, config};

const SHORT: Duration = Duration::from_millis(50);

fn options(certificates: &Certificates) -> TlsOptions {
    TlsOptions { certificate: certificates.certificate(), key: certificates.key(), look_interval: LOOK_INTERVAL }
}

fn with_tls(tls: Tls) -> ServiceConfig {
    ServiceConfig { tls: Some(tls), ..config() }
}

/// A client's side of a connection that trusts the authority and offers these protocols.
fn connect(
    address: SocketAddr,
    certificates: &Certificates,
    protocols: &[&[u8]],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates.authority()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let session = ClientConnection::new(Arc::new(client), ServerName::try_from("localhost").unwrap()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    StreamOwned::new(session, stream)
}

/// One GET over HTTP/1.1, as text, and the certificate that was shown.
fn get(address: SocketAddr, certificates: &Certificates, target: &str) -> (String, CertificateDer<'static>) {
    let mut stream = connect(address, certificates, &[b"http/1.1"]);
    stream.write_all(head("GET", target, &[("connection", "close")]).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    (answer, stream.conn.peer_certificates().unwrap()[0].clone().into_owned())
}

fn shown(certificates: &Certificates) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(certificates.certificate()).unwrap()
}

fn served(server: &Server, certificates: &Certificates) -> CertificateDer<'static> {
    get(server.public, certificates, "/users/1").1
}

#[test]
fn clients_that_trust_the_authority_get_answers_in_the_protocol_that_they_offer() {
    let (world, certificates) = (World::new(), Certificates::new().unwrap());
    let server = world.start_with(with_tls(Tls::load(options(&certificates)).unwrap()));
    server.until_ready();
    let (answer, certificate) = get(server.public, &certificates, "/users/1");
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("unknown-user"), "{answer}");
    assert_eq!(certificate, shown(&certificates));
    // HTTP/2 is what we like best.
    let mut both = connect(server.public, &certificates, &[b"http/1.1", b"h2"]);
    both.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    both.read_exact(&mut frame).unwrap();
    assert_eq!((both.conn.alpn_protocol(), frame[3]), (Some(&b"h2"[..]), 4), "the first frame is of settings");
    // Who offers nothing speaks HTTP/1.1.
    let mut none = connect(server.public, &certificates, &[]);
    none.write_all(head("GET", "/users/1", &[("connection", "close")]).as_bytes()).unwrap();
    let mut answer = String::new();
    none.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    // Operators are not clients.
    assert_eq!(server.admin("/health").status, 200);
}

#[test]
fn who_does_not_speak_tls_or_says_nothing_is_closed_and_counted() {
    let (world, certificates) = (World::new(), Certificates::new().unwrap());
    let listen = ListenLimits { handshake_timeout: Duration::from_secs(1), ..ListenLimits::default() };
    let tls = Tls::load(options(&certificates)).unwrap();
    let server = world.start_with(ServiceConfig { listen, ..with_tls(tls) });
    server.until_ready();
    let mut silent = Connection::open(server.public);
    let mut plain = Connection::open(server.public);
    plain.send(head("GET", "/users/1", &[]));
    let refused = plain.until_closed();
    assert!(!refused.starts_with(b"HTTP"), "{refused:?}");
    assert_eq!(silent.until_closed(), b"");
    eventually(LIMIT, "both are counted", || server.metrics.connections.tls.handshakes_failed.get() == 2);
    assert!(get(server.public, &certificates, "/users/1").0.starts_with("HTTP/1.1 404"));
}

#[test]
fn a_new_certificate_is_served_to_those_who_come_later() {
    let (world, certificates) = (World::new(), Certificates::new().unwrap());
    let tls = Tls::load(TlsOptions { look_interval: SHORT, ..options(&certificates) }).unwrap();
    let server = world.start_with(with_tls(tls));
    server.until_ready();
    let before = served(&server, &certificates);
    let mut open = connect(server.public, &certificates, &[]);
    open.write_all(head("GET", "/users/1", &[]).as_bytes()).unwrap();
    certificates.renew().unwrap();
    eventually(LIMIT, "the new certificate is served", || served(&server, &certificates) == shown(&certificates));
    assert_ne!(before, shown(&certificates));
    // Who was there before is not disturbed.
    open.write_all(head("GET", "/users/1", &[("connection", "close")]).as_bytes()).unwrap();
    let mut answers = String::new();
    open.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 2, "{answers}");
    let metrics = server.admin("/metrics");
    let left = metrics.text().lines().find_map(|line| line.strip_prefix("user_info_tls_certificate_left_seconds "));
    let left: f64 = left.unwrap().parse().unwrap();
    assert!((86_400.0..=2.0 * 86_400.0).contains(&left), "{left}");
}

#[test]
fn a_broken_pair_is_refused_and_the_old_one_stays() {
    let (world, certificates) = (World::new(), Certificates::new().unwrap());
    let tls = Tls::load(options(&certificates)).unwrap();
    let server = world.start_with(with_tls(tls.clone()));
    server.until_ready();
    let (before, key) = (shown(&certificates), fs::read(certificates.key()).unwrap());
    certificates.renew().unwrap();
    let new_key = fs::read(certificates.key()).unwrap();
    // The wrong key, no key, no file.
    let steps: [(&dyn Fn(), &str); 3] = [
        (&|| fs::write(certificates.key(), &key).unwrap(), "is not that of the first certificate"),
        (&|| fs::write(certificates.key(), "").unwrap(), "holds no private key"),
        (&|| fs::remove_file(certificates.key()).unwrap(), "cannot read private key"),
    ];
    for (number, (spoil, reason)) in steps.into_iter().enumerate() {
        spoil();
        tls.look();
        eventually(LIMIT, reason, || server.errors.list().iter().any(|error| error.message.contains(reason)));
        assert_eq!(server.metrics.connections.tls.refused.get(), number as u64 + 1);
        assert_eq!(served(&server, &certificates), before);
    }
    // What is as bad as before is not said again; then it is whole.
    tls.look();
    fs::write(certificates.key(), &new_key).unwrap();
    tls.look();
    eventually(LIMIT, "the new certificate is served", || served(&server, &certificates) == shown(&certificates));
    assert_ne!(shown(&certificates), before);
    assert_eq!(server.metrics.connections.tls.reloads.get(), 1);
}

#[track_caller]
fn refuses(options: TlsOptions, words: &[&str]) {
    let error: TlsError = Tls::load(options).unwrap_err();
    for word in words {
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_their_names() {
    let certificates = Certificates::new().unwrap();
    let other = Certificates::new().unwrap();
    let with = |certificate: PathBuf, key: PathBuf| TlsOptions { certificate, key, ..options(&certificates) };
    let path = |path: PathBuf| path.display().to_string();
    let (certificate, key) = (certificates.certificate(), certificates.key());
    refuses(with("/nowhere.pem".into(), key.clone()), &["/nowhere.pem", "No such file"]);
    refuses(with(certificate.clone(), "/nowhere.key".into()), &["/nowhere.key", "No such file"]);
    refuses(with(key.clone(), key.clone()), &[&path(key.clone()), "no certificate"]);
    refuses(with(certificate.clone(), certificate.clone()), &[&path(certificate.clone()), "no private key"]);
    refuses(
        with(certificate.clone(), other.key()),
        &[&path(certificate.clone()), &path(other.key()), "belong together"],
    );
    let text = certificates.authority().with_file_name("text.pem");
    fs::write(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    refuses(with(text.clone(), key.clone()), &[&path(text), "cannot be used"]);
}

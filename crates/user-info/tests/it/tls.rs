//! `serve` with TLS, asked by curl, which shares no code with it: HTTP/2, a certificate that is renewed, and what is wrong.

use std::fs;
use std::process::Command;

use user_info_testkit::Certificates;

use crate::support::facts::{followed, user};
use crate::support::kafka::shared_broker;
use crate::support::program::{Ended, Program, run};
use crate::support::replica::Replica;
use crate::support::turn;
use crate::support::waiting::{LIMIT, until};
use crate::support::watching::Watch;
use crate::support::world::World;

/// A server that shows the certificate, and looks for another one only when told to.
fn server(world: &World, certificates: &Certificates) -> Replica {
    let (certificate, key) = (certificates.certificate(), certificates.key());
    let files = ["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    world.replica("store").with(&files).with(&["--tls-look-interval", "1h"])
}

/// What curl says of a request: the version of HTTP, the status and then the body.
fn curl(options: &[&str], url: &str) -> Ended {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--max-time",
        "30",
        "--write-out",
        "%{stderr}%{http_version} %{http_code}",
    ]);
    run(command.args(options).arg(url))
}

#[test]
fn curl_gets_users_over_tls_in_both_versions_and_without_tls_by_prior_knowledge() {
    let (world, certificates) = (World::embedded(), Certificates::new().unwrap());
    world.publish(&[user("1", "one")]);
    let server = server(&world, &certificates).started();
    server.until_caught_up();
    let url = format!("https://{}/users/1", server.public);
    let authority = certificates.authority();
    let trusting = ["--cacert", authority.to_str().unwrap()];
    for (version, said) in [("--http2", "2 200"), ("--http1.1", "1.1 200")] {
        let answer = curl(&[&trusting[..], &[version]].concat(), &url).with_status(0).that_says(said);
        assert_eq!(answer.json()["username"], "one");
    }
    // 60: the authority is not trusted.
    curl(&[], &url).with_status(60);
    drop(server);
    let plain = world.replica("store").started();
    plain.until_caught_up();
    let answer = curl(&["--http2-prior-knowledge"], &format!("{}/users/1", plain.url())).with_status(0);
    assert_eq!(answer.that_says("2 200").json()["username"], "one");
}

#[test]
fn get_watch_and_audit_ask_over_tls_and_only_whom_they_can_believe() {
    let _turn = turn::shared();
    let (broker, certificates) = (shared_broker(), Certificates::new().unwrap());
    let world = World::on(&broker, "tls-clients");
    world.publish(&[user("1", "one")]);
    let server = server(&world, &certificates).started();
    server.until_caught_up();
    let url = format!("https://{}", server.public);
    let command = |arguments: &[&str]| {
        let mut command = Program::under_test().command(arguments);
        command.args(["--server", &url]).env("SSL_CERT_FILE", certificates.authority());
        command
    };
    let answer = run(&command(&["get", "1", "--json"])).with_status(0);
    assert_eq!(answer.json()["username"], "one");
    let mut watch = Watch::of(&command(&["get", "@one", "--json", "--watch"]));
    assert_eq!(watch.next()["followers_count"], 0);
    world.publish(&[followed("2", "1")]);
    assert_eq!(watch.next()["followers_count"], 1);
    run(command(&["audit"]).args(world.log_options())).with_status(0);
    run(command(&["get", "1"]).env_remove("SSL_CERT_FILE")).with_status(3).that_says("certificate");
}

/// As in a small container.
#[test]
fn where_no_authority_is_known_servers_without_tls_are_asked_all_the_same() {
    let world = World::embedded();
    world.publish(&[user("1", "one")]);
    let server = world.replica("store").started();
    server.until_caught_up();
    let none = world.path("none.pem");
    fs::write(&none, "").unwrap();
    let get = |url: &str| {
        let mut command = Program::under_test().command(["get", "1", "--json", "--server", url]);
        command.env("SSL_CERT_FILE", &none).env_remove("SSL_CERT_DIR");
        run(&command)
    };
    assert_eq!(get(&server.url()).with_status(0).json()["username"], "one");
    get("https://127.0.0.1:1").with_status(3).that_says("no native root CA certificates found");
}

#[test]
fn a_renewed_certificate_is_taken_at_sighup() {
    let (world, certificates) = (World::embedded(), Certificates::new().unwrap());
    let mut server = server(&world, &certificates).started();
    server.process().wait_for_line("serving the certificate", LIMIT).unwrap();
    let before = fs::read(certificates.key()).unwrap();
    certificates.renew().unwrap();
    let renewed = fs::read(certificates.key()).unwrap();
    // Half of a renewal is none.
    fs::write(certificates.key(), before).unwrap();
    server.process().hang_up().unwrap();
    server.process().wait_for_line("the new certificate is refused, the old one stays", LIMIT).unwrap();
    fs::write(certificates.key(), renewed).unwrap();
    server.process().hang_up().unwrap();
    server.process().wait_for_line("now serving the certificate", LIMIT).unwrap();
    until("the metrics say so", || {
        let metrics = server.admin("/metrics").body;
        let taken = metrics.contains("user_info_tls_reloads_total 1\n");
        let refused = metrics.contains("user_info_tls_reloads_refused_total 1\n");
        if taken && refused { Ok(()) } else { Err(metrics) }
    });
    server.stop();
}

#[test]
fn a_server_does_not_start_with_files_that_do_not_fit() {
    let (world, certificates) = (World::embedded(), Certificates::new().unwrap());
    let (certificate, key) = (certificates.certificate(), certificates.key());
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let serve = |options: &[&str]| {
        let store = world.store("store");
        world.run(&["serve"], &[&["--store", &store], options].concat()).with_status(2)
    };
    serve(&["--tls-certificate", certificate]).that_says("both --tls-certificate and --tls-key");
    serve(&["--tls-certificate", "/nowhere", "--tls-key", key]).that_says("cannot read certificate from /nowhere");
    serve(&["--tls-certificate", certificate, "--tls-key", certificate]).that_says("holds no private key");
    let other = Certificates::new().unwrap();
    serve(&["--tls-certificate", certificate, "--tls-key", other.key().to_str().unwrap()]).that_says("belong together");
}

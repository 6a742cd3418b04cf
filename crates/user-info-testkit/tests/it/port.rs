//! `free_port` gives ports that can be listened on, each once, away from those of outgoing connections.

use std::collections::HashSet;
use std::net::TcpListener;

use user_info_testkit::free_port;

#[test]
fn ports_are_free_and_distinct() {
    let ports: Vec<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len(), "{ports:?}");
    for port in ports {
        TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}

#[test]
fn ports_are_not_those_of_outgoing_connections() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let first_outgoing: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    let port = free_port();
    assert!(port < first_outgoing, "{port} is taken by outgoing connections ({range})");
}

//! The upstream services as processes of their own.

use std::net::{Ipv4Addr, SocketAddr};

use user_info_testkit::{Process, free_port};

use crate::support::http;
use crate::support::program::Program;
use crate::support::waiting::{LIMIT, until, until_true};
use crate::support::world::World;

/// Statuses per second; each is a tweet, and its author's profile when that changed.
const STATUSES: &str = "1000";

/// Facts per second of the follow, the like and the list service; together more than 2,000 with the statuses.
const RATES: [(&str, &str); 3] = [("follows", "700"), ("likes", "600"), ("lists", "300")];

/// The services, and how to start each again.
pub(crate) struct Services(Vec<Service>);

struct Service {
    arguments: Vec<String>,
    process: Process,
}

impl Services {
    /// Starts the simulated stream and the four services.
    pub(crate) fn start(world: &World, seed: u64) -> Self {
        let stream = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let seed = seed.to_string();
        let listen = ["--listen", &stream.to_string(), "--users", "3000", "--rate", STATUSES, "--seed", &seed];
        let mut services = vec![Service::start("stream", &listen, Vec::new())];
        until("the stream answers", || match http::get(stream, "/") {
            // Any answer, also one that the small client does not read.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Err(error.to_string()),
            Ok(_) | Err(_) => Ok(()),
        });
        let url = format!("http://{stream}/1.1/statuses/sample.json");
        services.push(Service::start("tweets", &["--stream", &url], world.log_options()));
        for (name, rate) in RATES {
            services.push(Service::start(name, &["--rate", rate, "--seed", &seed], world.log_options()));
        }
        Self(services)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn kill(&mut self, index: usize) {
        self.0[index].process.kill().unwrap();
    }

    pub(crate) fn restart(&mut self, index: usize) {
        self.0[index].process = Program::under_test().start(&self.0[index].arguments);
    }

    /// Asks all to end, and requires that each ends well.
    pub(crate) fn stop(&mut self) {
        for service in &mut self.0 {
            until_true("a service that was just started handles SIGTERM", || {
                service.process.handles_sigterm().unwrap()
            });
            service.process.terminate().unwrap();
        }
        for service in &mut self.0 {
            let status = service.process.wait(LIMIT).unwrap();
            assert!(status.success(), "{status} after SIGTERM\n{}", service.process.tail());
        }
    }
}

impl Service {
    fn start(name: &str, options: &[&str], log: Vec<String>) -> Self {
        let mut arguments = vec!["upstream".to_owned(), name.to_owned()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        arguments.extend(log);
        let process = Program::under_test().start(&arguments);
        Self { arguments, process }
    }
}

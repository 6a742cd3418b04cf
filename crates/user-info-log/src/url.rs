//! How a log is named on the command line: `kafka://host:9092,host:9092` or `embedded:DIR`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::LogError;

const KAFKA_SCHEME: &str = "kafka://";
const EMBEDDED_SCHEME: &str = "embedded:";

/// Which log, and where. [`fmt::Display`] writes what [`FromStr`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogUrl {
    /// A Kafka cluster: `kafka://host:9092,host:9092`.
    Kafka {
        /// Brokers to ask first, as librdkafka takes them: `host:port`, separated by commas.
        bootstrap: String,
    },
    /// A log inside the process: `embedded:DIR`.
    Embedded {
        /// The directory of the log.
        path: PathBuf,
    },
}

impl FromStr for LogUrl {
    type Err = LogError;

    fn from_str(url: &str) -> Result<Self, LogError> {
        let invalid = |reason| LogError::InvalidUrl { url: url.into(), reason };
        if let Some(bootstrap) = url.strip_prefix(KAFKA_SCHEME) {
            let bootstrap = bootstrap.strip_suffix('/').unwrap_or(bootstrap);
            bootstrap.split(',').try_for_each(check_broker).map_err(invalid)?;
            return Ok(Self::Kafka { bootstrap: bootstrap.into() });
        }
        match url.strip_prefix(EMBEDDED_SCHEME) {
            Some("") => Err(invalid("a directory must follow, as in embedded:./log")),
            Some(path) if path.starts_with("//") => {
                Err(invalid("a directory follows without slashes, as in embedded:./log"))
            }
            Some(path) => Ok(Self::Embedded { path: path.into() }),
            None => Err(invalid("expected kafka://HOST:PORT,… or embedded:DIR")),
        }
    }
}

fn check_broker(broker: &str) -> Result<(), &'static str> {
    if broker.contains('@') {
        return Err(
            "users and passwords are options of the Kafka client (sasl.username, sasl.password), not of the URL",
        );
    }
    if broker.chars().any(|character| character.is_whitespace() || matches!(character, '/' | '?' | '#')) {
        return Err("after the brokers nothing may follow, and they hold no spaces, as in kafka://host:9092,host:9092");
    }
    // The port follows the last colon, unless that belongs to an IPv6 address.
    let (host, port) = match broker.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (broker, None),
    };
    if host.is_empty() {
        return Err("each broker needs a host, as in kafka://host:9092,host:9092");
    }
    match port {
        Some(port) if !port.parse::<u16>().is_ok_and(|port| port > 0) => Err("a port is a number from 1 to 65535"),
        _ => Ok(()),
    }
}

impl fmt::Display for LogUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka { bootstrap } => write!(formatter, "{KAFKA_SCHEME}{bootstrap}"),
            Self::Embedded { path } => write!(formatter, "{EMBEDDED_SCHEME}{}", path.display()),
        }
    }
}

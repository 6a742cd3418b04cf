//! Why nothing was measured.

use std::io;
use std::net::SocketAddr;

use user_info_log::LogError;

/// Why a measurement did not begin or was given up.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The server cannot be reached.
    #[error("cannot connect to {server}; is it running?")]
    Connect {
        /// Who was asked.
        server: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses what the generator needs.
    #[error("the load generator cannot run")]
    Generator(#[source] io::Error),
    /// A server closed a connection in the middle, or answered with what is no HTTP.
    #[error("{server} broke off: {reason}")]
    Broken {
        /// Who was asked.
        server: SocketAddr,
        /// In which way.
        reason: String,
    },
    /// The probe's fact did not show.
    #[error("a fact did not show within {seconds} s; does the server read this log?")]
    NotShown {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The log takes no facts.
    #[error(transparent)]
    Log(#[from] LogError),
}

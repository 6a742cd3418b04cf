//! What is measured: the service, the other designs, and the floor. Each is a set of processes on servers of its own.

mod prepared;
mod running;
mod streams;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub(crate) use prepared::{Prepared, postgres_settings};
pub(crate) use running::Running;
pub(crate) use streams::build as build_streams;

/// One of the designs, with one of its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// The service, on RocksDB
    Ours,
    /// The service, on a Redis server
    OursRedis,
    /// The same HTTP front with fixed bytes
    Floor,
    /// Shared tables in PostgreSQL, tuned
    SharedTables,
    /// Shared tables in PostgreSQL as it is shipped
    SharedTablesDefault,
    /// Five services asked for each request, on PostgreSQL, tuned
    Microservices,
    /// Five services asked for each request, on PostgreSQL as it is shipped
    MicroservicesDefault,
    /// The five services with a cache in front whose entries live 5 s, tuned
    CacheAside,
    /// The five services with a cache in front whose entries live 60 s, PostgreSQL as it is shipped
    CacheAsideDefault,
    /// Kafka Streams, a processor written by hand, tuned
    StreamsProcessor,
    /// Kafka Streams, a processor written by hand, with the settings it comes with
    StreamsProcessorDefault,
    /// Kafka Streams, its DSL, tuned
    StreamsDsl,
    /// Kafka Streams, its DSL, with the settings it comes with
    StreamsDslDefault,
}

/// How a subject does its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Design {
    Ours { on_redis: bool },
    Floor,
    SharedTables,
    Microservices { cache_lifetime_s: Option<u64> },
    Streams { topology: &'static str },
}

impl Subject {
    /// Everything, ours first.
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub(crate) fn design(self) -> Design {
        match self {
            Self::Ours => Design::Ours { on_redis: false },
            Self::OursRedis => Design::Ours { on_redis: true },
            Self::Floor => Design::Floor,
            Self::SharedTables | Self::SharedTablesDefault => Design::SharedTables,
            Self::Microservices | Self::MicroservicesDefault => Design::Microservices { cache_lifetime_s: None },
            Self::CacheAside => Design::Microservices { cache_lifetime_s: Some(5) },
            Self::CacheAsideDefault => Design::Microservices { cache_lifetime_s: Some(60) },
            Self::StreamsProcessor | Self::StreamsProcessorDefault => Design::Streams { topology: "processor" },
            Self::StreamsDsl | Self::StreamsDslDefault => Design::Streams { topology: "dsl" },
        }
    }

    /// Whether its settings were chosen for the job.
    pub(crate) fn is_tuned(self) -> bool {
        match self {
            Self::Ours
            | Self::OursRedis
            | Self::Floor
            | Self::SharedTables
            | Self::Microservices
            | Self::CacheAside
            | Self::StreamsProcessor
            | Self::StreamsDsl => true,
            Self::SharedTablesDefault
            | Self::MicroservicesDefault
            | Self::CacheAsideDefault
            | Self::StreamsProcessorDefault
            | Self::StreamsDslDefault => false,
        }
    }

    /// What it is called in commands and files.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().expect("every subject has a name").get_name().to_owned()
    }

    /// What it is, in words.
    pub(crate) fn words(self) -> String {
        self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }

    /// Whether it reads the topics, so that there is something to fill, audit and restart.
    pub(crate) fn follows_the_log(self) -> bool {
        self.design() != Design::Floor
    }
}

//! The command line: a contract that scripts rely on. Options only; what they mean is the subcommands' business.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use user_info_core::Topic;
use user_info_log::{Log, LogConfig, LogUrl, TopicNames};
use user_info_store::{ClientCertificate, RedisOptions, RocksOptions, StoreOptions, StoreUrl, without_password};

use crate::api_arguments::ApiArguments;
use crate::bench_arguments::BenchArguments;
use crate::config_file;
use crate::exit::Failure;
use crate::history_arguments::HistoryArguments;
use crate::page_arguments::PageArguments;
use crate::public_arguments::PublicArguments;
use crate::tls_arguments::TlsArguments;
use crate::upstream_arguments::UpstreamArguments;

/// Everything a user page shows about a user, kept ready from Kafka topics and answered in well under 2 ms.
///
/// Every option can also come from the environment (--listen from USER_INFO_LISTEN) and from a TOML file (--config).
#[derive(Debug, Parser)]
#[command(name = "user-info", version, propagate_version = true, max_term_width = 120)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) logging: LoggingArguments,
    /// TOML file with options; keys are the options' names, tables those of the subcommands
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct LoggingArguments {
    /// What is logged to stderr: error, warn, info, debug or trace, also by module
    #[arg(long, global = true, default_value = "info", value_name = "LEVEL")]
    pub(crate) log_level: String,
    /// How log lines are written
    #[arg(long, global = true, default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process and watch it: upstream services, log, service, probes, and an audit at the end
    Demo(DemoArguments),
    /// Run the User Information Service
    Serve(Box<ServeArguments>),
    /// Run the simulated services that own the data and publish it
    Upstream(UpstreamArguments),
    /// Create the topics, or check the ones that exist
    Topics(TopicsArguments),
    /// Start over from the log into a fresh directory, swapped in when caught up
    Rebuild(RebuildArguments),
    /// Ask a server for one user
    Get(GetArguments),
    /// Recount every user from the log and compare with a store or a server; exit status 1 if anything differs
    Audit(AuditArguments),
    /// Measure a server as its clients meet it
    Bench(BenchArguments),
}

/// Where the facts are.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogArguments {
    /// The event log: kafka://host:9092,host:9092 or embedded:DIR
    #[arg(long, value_name = "URL")]
    pub(crate) log: LogUrl,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct KafkaArguments {
    /// Put before the name of every topic
    #[arg(long, value_name = "TEXT")]
    pub(crate) topic_prefix: Option<String>,
    /// Another name for a topic, as users=NAME; may be given several times
    #[arg(long, value_name = "TOPIC=NAME", value_parser = parse_topic_name)]
    topic_name: Vec<(Topic, String)>,
    /// An option of librdkafka, as security.protocol=SASL_SSL; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair, hide_env_values = true)]
    kafka_option: Vec<(String, String)>,
}

impl LogArguments {
    /// Opens the log. A Kafka cluster that is away is not noticed here.
    pub(crate) fn open(&self) -> Result<Log, Failure> {
        Ok(Log::open(&self.kafka.config(self.log.clone()))?)
    }
}

impl KafkaArguments {
    /// The configuration of the log at `url`.
    pub(crate) fn config(&self, url: LogUrl) -> LogConfig {
        let mut topic_names = TopicNames::default();
        if let Some(prefix) = &self.topic_prefix {
            topic_names = topic_names.with_prefix(prefix);
        }
        for (topic, name) in &self.topic_name {
            topic_names = topic_names.with_name(*topic, name);
        }
        LogConfig { url, topic_names, kafka_options: self.kafka_option.clone(), client_id: "user-info".into() }
    }
}

/// Where the records are.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArguments {
    /// The store: rocksdb:DIR, redis://HOST:PORT, redis-cluster://HOST:PORT,… (rediss… for TLS), or memory: to keep nothing
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub(crate) store: StoreUrl,
    /// Memory for blocks of a store in RocksDB, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    block_cache_mib: usize,
    #[command(flatten)]
    redis: RedisArguments,
}

impl StoreArguments {
    pub(crate) fn options(&self) -> StoreOptions {
        let block_cache_bytes = self.block_cache_mib.saturating_mul(1024 * 1024);
        StoreOptions {
            rocksdb: RocksOptions { block_cache_bytes, ..RocksOptions::default() },
            redis: self.redis.options(),
        }
    }
}

/// How to reach Redis.
#[derive(Args, Clone, Debug)]
pub(crate) struct RedisArguments {
    /// What every key in Redis begins with
    #[arg(long, value_name = "TEXT", default_value = "ui")]
    pub(crate) redis_prefix: String,
    /// How long a request waits for Redis at most, before it is answered 503
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = parse_duration)]
    redis_timeout: Duration,
    /// Certificates of the authorities to trust with rediss://, in PEM; without it those of the system
    #[arg(long, value_name = "FILE")]
    redis_ca_file: Option<PathBuf>,
    /// A certificate to show to Redis, in PEM
    #[arg(long, value_name = "FILE", requires = "redis_key_file")]
    redis_certificate_file: Option<PathBuf>,
    /// The key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "redis_certificate_file")]
    redis_key_file: Option<PathBuf>,
}

impl RedisArguments {
    pub(crate) fn options(&self) -> RedisOptions {
        let files = self.redis_certificate_file.clone().zip(self.redis_key_file.clone());
        RedisOptions {
            prefix: self.redis_prefix.clone(),
            read_timeout: self.redis_timeout,
            ca_file: self.redis_ca_file.clone(),
            certificate: files.map(|(certificate_file, key_file)| ClientCertificate { certificate_file, key_file }),
            ..RedisOptions::default()
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// The consumer group of the instances that share a store in Redis; those on RocksDB read everything, without a group
    #[arg(long, default_value = "user-info", value_name = "NAME")]
    pub(crate) group: String,
    /// Address for clients
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) tls: TlsArguments,
    #[command(flatten)]
    pub(crate) public: PublicArguments,
    /// Address for operators: a page at /, and /health /ready /status /metrics
    #[arg(long, default_value = "127.0.0.1:9100", value_name = "ADDRESS")]
    pub(crate) admin: SocketAddr,
    #[command(flatten)]
    pub(crate) history: HistoryArguments,
    /// Connections open at once on the clients' address; more are closed
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    pub(crate) connections_max: usize,
    /// Streams of events open at once on the clients' address; more are answered 503
    #[arg(long, default_value_t = 5_000, value_name = "COUNT")]
    pub(crate) event_streams_max: usize,
    #[command(flatten)]
    pub(crate) api: ApiArguments,
    /// How often the log is asked whether the topics are still the same
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) watch_interval: Duration,
    /// Bad records in a row that halt a topic
    #[arg(long, default_value_t = 1_000, value_name = "COUNT")]
    pub(crate) bad_records_max: u64,
    /// How long requests are still taken after SIGTERM, while /ready says no
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) drain: Duration,
    /// How long stopping may take after that
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) stop_deadline: Duration,
    #[command(flatten)]
    pub(crate) pages: PageArguments,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// Directory for log and store, kept afterwards; without it a temporary one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Users who tweet
    #[arg(long, default_value_t = 2_000, value_name = "COUNT")]
    pub(crate) users: u32,
    /// Facts published per second, all services together, about
    #[arg(long, default_value_t = 500.0, value_name = "COUNT")]
    pub(crate) rate: f64,
    /// How long; without it until Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,
    /// Address for clients
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The event log: embedded, or kafka://host:9092 to use a real broker
    #[arg(long, default_value = "embedded", value_name = "URL", value_parser = parse_demo_log)]
    pub(crate) log: DemoLog,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
    /// The store: rocksdb, redis://HOST:PORT or redis-cluster://HOST:PORT,… (under keys that go with the demo), or memory:
    #[arg(long, default_value = "rocksdb", value_name = "URL", value_parser = parse_demo_store)]
    pub(crate) store: DemoStore,
    /// Seed of everything that is simulated
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Open the page in a browser
    #[arg(long)]
    pub(crate) open: bool,
    /// End with the result as one JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// The log of the demo.
#[derive(Clone, Debug)]
pub(crate) enum DemoLog {
    /// In the demo's directory.
    Embedded,
    /// Somewhere else.
    At(LogUrl),
}

/// The store of the demo.
#[derive(Clone, Debug)]
pub(crate) enum DemoStore {
    /// In the demo's directory.
    RocksDb,
    /// Somewhere else.
    At(StoreUrl),
}

#[derive(Args, Debug)]
pub(crate) struct TopicsArguments {
    #[command(subcommand)]
    pub(crate) action: TopicsAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsAction {
    /// Create the topics that do not exist yet
    Create(TopicsCreateArguments),
    /// Say what is wrong with the topics that exist; exit status 1 if anything is
    Check(TopicsCheckArguments),
}

#[derive(Args, Debug)]
pub(crate) struct TopicsCreateArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// Partitions of each topic, fixed for its life
    #[arg(long, default_value_t = 12, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    pub(crate) partitions: i32,
    /// Replicas of each partition
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..=100))]
    pub(crate) replication: i32,
}

#[derive(Args, Debug)]
pub(crate) struct TopicsCheckArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RebuildArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// End with the result as one JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct GetArguments {
    /// A user id, or @username
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// The server to ask; for https, SSL_CERT_FILE names authorities to believe in place of the system's
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub(crate) server: String,
    /// Print the answer as one JSON object on a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Show each change as well, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AuditArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    #[command(flatten)]
    pub(crate) subject: SubjectArguments,
    #[command(flatten)]
    pub(crate) redis: RedisArguments,
    /// How long users that change meanwhile are asked again before they count as different
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) settle: Duration,
    /// End with the result as one JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// What an audit checks.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct SubjectArguments {
    /// The store to check, opened read-only: rocksdb:DIR, redis://… or redis-cluster://…
    #[arg(long, value_name = "URL", hide_env_values = true)]
    pub(crate) store: Option<StoreUrl>,
    /// The server to check: http://host:port, or https with the authorities of the system or of SSL_CERT_FILE
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// Reads the command line, the environment and the configuration file, in this order of precedence.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Cli, Failure> {
    let file = match config_file::named_in(&arguments) {
        Some(path) => config_file::read(&path).map_err(Failure::usage)?,
        None => toml::Table::new(),
    };
    let command = config_file::merge(Cli::command(), &file).map_err(Failure::usage)?;
    let matches = command.try_get_matches_from(arguments).unwrap_or_else(|error| without_secrets(error).exit());
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The error without the password of a URL that is none.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let shown = without_password(value);
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    error
}

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a time such as 500ms, 30s or 5m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "a time must not be negative".to_owned())
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_topic_name(text: &str) -> Result<(Topic, String), String> {
    let (topic, name) = parse_pair(text)?;
    let topics = Topic::ALL.map(Topic::name).join(", ");
    Ok((Topic::from_name(&topic).ok_or(format!("no topic {topic:?}; there are {topics}"))?, name))
}

fn parse_demo_log(text: &str) -> Result<DemoLog, anyhow::Error> {
    if text == "embedded" { Ok(DemoLog::Embedded) } else { Ok(DemoLog::At(text.parse().map_err(|e| anyhow!("{e}"))?)) }
}

fn parse_demo_store(text: &str) -> Result<DemoStore, anyhow::Error> {
    if text == "rocksdb" {
        Ok(DemoStore::RocksDb)
    } else {
        Ok(DemoStore::At(text.parse().map_err(|e| anyhow!("{e}"))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        let command = config_file::merge(Cli::command(), &toml::Table::new()).expect("an empty file is fine");
        command.debug_assert();
    }
}

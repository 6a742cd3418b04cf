//! Options of the measurements.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::arguments::{LogArguments, parse_duration};

#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    #[command(subcommand)]
    pub(crate) measurement: Measurement,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Measurement {
    /// Ask a server at a rate and say how long its answers take, from the times at which requests were due
    Load(Box<LoadArguments>),
    /// Publish facts and say how long they take to be answered
    Freshness(FreshnessArguments),
    /// Answer everybody with the same bytes: the floor that a load on this machine cannot go below
    Floor(FloorArguments),
}

#[derive(Args, Debug)]
pub(crate) struct LoadArguments {
    /// The server to ask
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) server: SocketAddr,
    /// What to ask for; {} stands for a user's id
    #[arg(long, default_value = "/users/{}", value_name = "TARGET")]
    pub(crate) target: String,
    /// Requests per second, or max for as many as are answered
    #[arg(long, default_value = "1000", value_name = "COUNT", value_parser = parse_rate)]
    pub(crate) rate: Rate,
    /// How requests are spread over time
    #[arg(long, default_value = "poisson", value_name = "HOW")]
    pub(crate) arrivals: ArrivalsArgument,
    /// Connections that are kept, each with one request at a time
    #[arg(long, default_value_t = 64, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// Threads of the generator; each spins for part of the time
    #[arg(long, default_value_t = 1, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: u32,
    /// How long requests are sent before they are counted
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) warm_up: Duration,
    /// How long requests are counted
    #[arg(long, default_value = "20s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Duration,
    /// How long an answer may take
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) answer_limit: Duration,
    /// Users to ask for, called 0 to one less than this
    #[arg(long, default_value_t = 1_000_000, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) users: u64,
    /// Ask for the users in this file instead, one id on each line, the most popular first
    #[arg(long, value_name = "FILE", conflicts_with = "users")]
    pub(crate) users_from: Option<PathBuf>,
    /// How often each user is asked for: uniform, or zipf:EXPONENT
    #[arg(long, default_value = "zipf:0.99", value_name = "HOW", value_parser = parse_popularity)]
    pub(crate) popularity: Popularity,
    /// The share of requests for users who do not exist, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = parse_share)]
    pub(crate) unknown_share: f64,
    /// Equal seeds ask the same at the same times
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// End with the result as one JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// How fast requests come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    PerSecond(f64),
    Max,
}

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArrivalsArgument {
    /// Independently of each other
    Poisson,
    /// At equal distances
    Constant,
}

#[derive(Args, Debug)]
pub(crate) struct FreshnessArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// The server to ask
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub(crate) server: SocketAddr,
    /// What changes
    #[arg(long, default_value = "count", value_name = "WHAT")]
    pub(crate) change: ChangeArgument,
    /// Facts per second, of all probes together
    #[arg(long, default_value_t = 20.0, value_name = "COUNT", value_parser = parse_positive)]
    pub(crate) rate: f64,
    /// Probes, each with a thread, a user and one fact on its way at a time
    #[arg(long, default_value_t = 2, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) probes: u32,
    /// How long facts are published
    #[arg(long, default_value = "20s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Duration,
    /// How long a fact may take to show
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) limit: Duration,
    /// End with the result as one JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChangeArgument {
    /// A profile
    Profile,
    /// A count
    Count,
}

#[derive(Args, Debug)]
pub(crate) struct FloorArguments {
    /// Address of the floor
    #[arg(long, default_value = "127.0.0.1:8070", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Bytes of each answer's body: a user with a profile has about 550
    #[arg(long, default_value_t = 550, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    pub(crate) body_bytes: u32,
}

/// How often each user is asked for.
pub(crate) use user_info_bench::users::Popularity;

fn parse_rate(text: &str) -> Result<Rate, String> {
    if text == "max" { Ok(Rate::Max) } else { parse_positive(text).map(Rate::PerSecond) }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "expected a number above 0".to_owned())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

fn parse_popularity(text: &str) -> Result<Popularity, String> {
    if text == "uniform" {
        return Ok(Popularity::Uniform);
    }
    let exponent = text.strip_prefix("zipf:").and_then(|exponent| exponent.parse().ok());
    let exponent = exponent.filter(|exponent: &f64| exponent.is_finite() && *exponent >= 0.0);
    exponent.map(Popularity::Zipf).ok_or_else(|| "expected uniform, or zipf:EXPONENT such as zipf:0.99".to_owned())
}

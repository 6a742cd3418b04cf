//! Options of the simulated services. Secrets are best given in the environment, where no list of processes shows them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use user_info_upstream::FACTS_MAX;
use user_info_upstream::stream::client::ClientOptions;
use user_info_upstream::stream::credentials::{Credentials, Keys, Secret};
use user_info_upstream::tweets::translator::USERS_MAX;

use crate::arguments::{LogArguments, parse_duration};
use crate::exit::Failure;
use crate::server_arguments::ServerArguments;

#[derive(Args, Debug)]
pub(crate) struct UpstreamArguments {
    #[command(subcommand)]
    pub(crate) service: UpstreamService,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UpstreamService {
    /// The simulated Streaming API: sends statuses and deletions over HTTP
    Stream(StreamArguments),
    /// The tweet and user service: reads a stream, publishes tweets and users
    Tweets(TweetsArguments),
    /// The follow service: users follow and unfollow each other
    Follows(FollowsArguments),
    /// The like service: users like and unlike tweets
    Likes(ActorArguments),
    /// The list service: users create, rename and delete lists
    Lists(ActorArguments),
    /// All of them in one process
    All(AllArguments),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SimulatorArguments {
    /// Users who tweet
    #[arg(long, default_value_t = 100_000, value_name = "COUNT")]
    pub(crate) users: u32,
    /// Statuses (of the stream) or actions (of a service) per second
    #[arg(long, default_value_t = 200.0, value_name = "COUNT")]
    pub(crate) rate: f64,
    /// Seed of everything that is simulated
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
}

#[derive(Args, Debug)]
pub(crate) struct StreamArguments {
    /// Address of the Streaming API
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) simulator: SimulatorArguments,
    #[command(flatten)]
    pub(crate) replay: ReplayArguments,
    #[command(flatten)]
    pub(crate) operation: OperationArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

/// An archive instead of a simulation.
#[derive(Args, Debug)]
pub(crate) struct ReplayArguments {
    /// Serve recorded messages, one per line, instead of simulated ones: files, directories and tars, also gzip, bzip2
    /// and zstd, recognised by content. They begin with the first client and wait while there is none
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) replay: Vec<PathBuf>,
    /// How fast: as recorded, at --rate, or flat-out, as fast as the slowest client reads
    #[arg(long, default_value = "recorded", value_name = "PACE")]
    pub(crate) replay_pace: ReplayPaceArgument,
    /// How many times as fast as recorded
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    pub(crate) replay_speed: f64,
    /// Start over at the end, instead of ending
    #[arg(long)]
    pub(crate) replay_loop: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReplayPaceArgument {
    Recorded,
    Rate,
    FlatOut,
}

#[derive(Args, Debug)]
pub(crate) struct TweetsArguments {
    /// The stream to read
    #[arg(long, default_value = "http://127.0.0.1:8090/1.1/statuses/sample.json", value_name = "URL")]
    pub(crate) stream: String,
    #[command(flatten)]
    pub(crate) client: StreamClientArguments,
    /// Which of the two services runs
    #[arg(long, default_value = "both", value_name = "WHAT")]
    pub(crate) publish: PublishArgument,
    /// When the users of a status are published
    #[arg(long, default_value = "when-changed", value_name = "WHEN")]
    pub(crate) publish_users: PublishUsersArgument,
    /// Users of whom a digest is remembered, of about 65 bytes each; when they are more, some are published once more
    #[arg(long, default_value_t = USERS_MAX, value_name = "COUNT")]
    pub(crate) users_remembered: usize,
    /// How long after user_delete an account and all that is its own are gone for good
    #[arg(long, default_value = "720h", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) delete_accounts_after: Duration,
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// Publish in transactions under this id: it fences a second instance, and costs latency
    #[arg(long, value_name = "ID")]
    pub(crate) transactional_id: Option<String>,
    #[command(flatten)]
    pub(crate) operation: OperationArguments,
}

/// Who asks for the stream, and how. Secrets are better given in the environment than on the command line, which others see.
#[derive(Args, Debug)]
pub(crate) struct StreamClientArguments {
    /// OAuth 2.0 bearer token that the stream is asked for with
    #[arg(long, value_name = "TOKEN", value_parser = parse_secret, hide_env_values = true, hide_default_value = true)]
    stream_bearer_token: Option<Secret>,
    /// OAuth 1.0a: the application's key; needs the other three
    #[arg(long, value_name = "KEY")]
    stream_consumer_key: Option<String>,
    /// OAuth 1.0a: the application's secret
    #[arg(long, value_name = "SECRET", value_parser = parse_secret, hide_env_values = true, hide_default_value = true)]
    stream_consumer_secret: Option<Secret>,
    /// OAuth 1.0a: the account's access token
    #[arg(long, value_name = "TOKEN")]
    stream_access_token: Option<String>,
    /// OAuth 1.0a: the secret of the access token
    #[arg(long, value_name = "SECRET", value_parser = parse_secret, hide_env_values = true, hide_default_value = true)]
    stream_access_secret: Option<Secret>,
    /// Ask for the stream packed with gzip
    #[arg(long)]
    stream_gzip: bool,
}

impl StreamClientArguments {
    pub(crate) fn options(&self) -> Result<ClientOptions, Failure> {
        Ok(ClientOptions { credentials: self.credentials()?, gzip: self.stream_gzip, ..ClientOptions::default() })
    }

    /// Checked here and not by clap, which would let half of them pass if the rest is in the configuration file.
    fn credentials(&self) -> Result<Credentials, Failure> {
        let application = (&self.stream_consumer_key, &self.stream_consumer_secret);
        let account = (&self.stream_access_token, &self.stream_access_secret);
        match (&self.stream_bearer_token, application, account) {
            (None, (None, None), (None, None)) => Ok(Credentials::None),
            (Some(token), (None, None), (None, None)) => Ok(Credentials::bearer(token)?),
            (None, (Some(consumer_key), Some(consumer_secret)), (Some(token), Some(token_secret))) => {
                Ok(Credentials::Keys(Keys {
                    consumer_key: consumer_key.clone(),
                    consumer_secret: consumer_secret.clone(),
                    token: token.clone(),
                    token_secret: token_secret.clone(),
                }))
            }
            _ => Err(Failure::usage(anyhow!(
                "give either --stream-bearer-token or all of --stream-consumer-key, --stream-consumer-secret, \
                 --stream-access-token and --stream-access-secret"
            ))),
        }
    }
}

/// How a service is watched.
#[derive(Args, Debug)]
pub(crate) struct OperationArguments {
    /// Address for operators: /health /metrics; without it there is none
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<SocketAddr>,
    /// Time between two lines of the log that say what was done
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) progress_interval: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PublishArgument {
    Both,
    Tweets,
    Users,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PublishUsersArgument {
    EveryTime,
    WhenChanged,
}

#[derive(Args, Debug)]
pub(crate) struct ActorArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// Actions per second
    #[arg(long, default_value_t = 200.0, value_name = "COUNT")]
    pub(crate) rate: f64,
    /// Seed of everything that is simulated
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Share of the actions that take something away, from 0 to 1
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub(crate) removals: f64,
    /// Share of the actions that say again what is so: follow again, rename a list; without it 0.008, 0 or 0.1
    #[arg(long, value_name = "SHARE")]
    pub(crate) repetitions: Option<f64>,
    /// Facts that may be alive at a time, of about 100 bytes of memory each; beyond them the service only takes away
    #[arg(long, default_value_t = FACTS_MAX, value_name = "COUNT")]
    pub(crate) facts_max: usize,
    /// Publish in transactions under this id: it fences a second instance, and costs latency
    #[arg(long, value_name = "ID")]
    pub(crate) transactional_id: Option<String>,
    #[command(flatten)]
    pub(crate) operation: OperationArguments,
}

#[derive(Args, Debug)]
pub(crate) struct FollowsArguments {
    #[command(flatten)]
    pub(crate) actor: ActorArguments,
    /// What decides who follows whom: chance, or followers_count and friends_count of the stream's users
    #[arg(long, default_value = "ignore", value_name = "WHAT")]
    pub(crate) steer: SteerArgument,
    /// The stream to read when steered by it
    #[arg(long, default_value = "http://127.0.0.1:8090/1.1/statuses/sample.json", value_name = "URL")]
    pub(crate) stream: String,
    #[command(flatten)]
    pub(crate) client: StreamClientArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SteerArgument {
    FollowCounts,
    Ignore,
}

#[derive(Args, Debug)]
pub(crate) struct AllArguments {
    #[command(flatten)]
    pub(crate) log: LogArguments,
    /// The stream to read; without it one is simulated
    #[arg(long, value_name = "URL")]
    pub(crate) stream: Option<String>,
    #[command(flatten)]
    pub(crate) client: StreamClientArguments,
    #[command(flatten)]
    pub(crate) simulator: SimulatorArguments,
    #[command(flatten)]
    pub(crate) operation: OperationArguments,
}

fn parse_secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::from(text))
}

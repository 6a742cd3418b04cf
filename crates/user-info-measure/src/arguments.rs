//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use user_info_core::Topic;

use crate::peer::gateway::Owners;
use crate::peer::pool::Database;
use crate::results::Step;
use crate::scenario::Scenario;
use crate::subject::Subject;

/// By then Java's compiler has had its say.
const WARM_UP_S: u32 = 20;

/// Measures the User Information Service beside the other ways to do its job, on real servers that it starts and stops
#[derive(Debug, Parser)]
#[command(name = "user-info-measure", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Measure scenarios
    Run(RunArguments),
    /// Measure everything: all scenarios of ours, and of each peer what it needs to be compared
    #[command(name = "all")]
    Matrix(RunArguments),
    /// Write what was measured as a page and pictures
    Report(ReportArguments),
    /// Hold the service to the limits of the requirement; exit status 1 if one is broken
    Check(CheckArguments),
    /// Be one of the peers (the measurements start these)
    #[command(hide = true)]
    Peer(PeerArguments),
}

#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// What to measure; everything if nothing is named
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// Of whom
    #[arg(long, value_name = "SUBJECT", value_delimiter = ',', default_value = "ours,floor")]
    subjects: Vec<Subject>,
    /// How many users there are; several, to see how figures grow
    #[arg(long, value_name = "COUNT", value_delimiter = ',', default_value = "1000000")]
    users: Vec<u64>,
    /// How often each is measured
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    rounds: u32,
    /// How long each measurement lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// Equal seeds publish and ask the same
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// How long the broker is kept busy before anything is measured, while Java compiles it
    #[arg(long, value_name = "SECONDS", default_value_t = WARM_UP_S)]
    pub(crate) warm_up: u32,
    /// A further argument of `user-info serve`, as --with=--hot-answers-mib=0; may be given several times
    #[arg(long, value_name = "ARGUMENT")]
    pub(crate) with: Vec<String>,
    /// The folder of results; what is there already is not measured again
    #[arg(long, value_name = "FOLDER", default_value = "data/measurements")]
    pub(crate) results: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// The folder of results
    #[arg(long, value_name = "FOLDER", default_value = "data/measurements")]
    pub(crate) results: PathBuf,
    /// The folder to write to
    #[arg(long, value_name = "FOLDER", default_value = "data/report")]
    pub(crate) out: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// How many users there are
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) users: u64,
    /// Requests a second
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// Facts a second that come in
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    pub(crate) facts: u32,
    /// How long each measurement lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// Equal seeds publish and ask the same
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// How long the broker is kept busy before anything is measured, while Java compiles it
    #[arg(long, value_name = "SECONDS", default_value_t = WARM_UP_S)]
    pub(crate) warm_up: u32,
}

#[derive(Args, Debug)]
pub(crate) struct PeerArguments {
    #[command(subcommand)]
    pub(crate) kind: PeerKind,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeerKind {
    /// All data in the tables of one database
    Tables(FeedArguments),
    /// The service that owns one kind of data
    Owner {
        #[arg(long, value_parser = parse_topic)]
        topic: Topic,
        #[command(flatten)]
        feed: FeedArguments,
    },
    /// The one in front of the owners
    Gateway {
        /// Of users, tweets, follows, likes and lists
        #[arg(long, value_parser = parse_owners)]
        owners: Owners,
        #[arg(long)]
        redis: Option<String>,
        #[arg(long, default_value_t = 60)]
        cache_lifetime_s: u64,
    },
}

#[derive(Args, Debug)]
pub(crate) struct FeedArguments {
    #[arg(long)]
    pub(crate) bootstrap: String,
    #[arg(long)]
    postgres: String,
    #[arg(long)]
    schema: String,
}

impl FeedArguments {
    pub(crate) fn database(&self) -> Database {
        Database { connection: self.postgres.clone(), schema: self.schema.clone() }
    }
}

fn parse_topic(text: &str) -> Result<Topic, String> {
    Topic::FACTS.into_iter().find(|topic| topic.name() == text).ok_or_else(|| "no topic of facts".into())
}

fn parse_owners(text: &str) -> Result<Owners, String> {
    let addresses: Result<Vec<_>, _> = text.split(',').map(str::parse).collect();
    let addresses = addresses.map_err(|error| format!("{error}"))?;
    addresses.try_into().map(Owners).map_err(|_| "expected five addresses".into())
}

impl RunArguments {
    fn scenarios(&self) -> &[Scenario] {
        if self.scenarios.is_empty() { Scenario::value_variants() } else { &self.scenarios }
    }

    /// What is asked for: each scenario of each subject.
    pub(crate) fn matrix(&self) -> Vec<Step> {
        self.steps(&self.subjects, |_, scenario| self.scenarios().contains(&scenario))
    }

    /// Everything of ours; of the others what can be compared in reasonable time.
    pub(crate) fn whole_matrix(&self) -> Vec<Step> {
        self.steps(Subject::all(), |subject, scenario| {
            let compared = matches!(
                scenario,
                Scenario::Rebuild | Scenario::ReadLatency | Scenario::Peak | Scenario::UpdateLatency
            );
            let is_wanted = match subject {
                Subject::Ours => true,
                Subject::StreamsProcessor | Subject::StreamsDsl => compared || scenario == Scenario::Restart,
                Subject::Floor
                | Subject::OursRedis
                | Subject::SharedTables
                | Subject::SharedTablesDefault
                | Subject::Microservices
                | Subject::MicroservicesDefault
                | Subject::CacheAside
                | Subject::CacheAsideDefault
                | Subject::StreamsProcessorDefault
                | Subject::StreamsDslDefault => compared,
            };
            is_wanted && self.scenarios().contains(&scenario)
        })
    }

    fn steps(&self, subjects: &[Subject], is_wanted: impl Fn(Subject, Scenario) -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        for &users in &self.users {
            for round in 1..=self.rounds {
                for &subject in subjects {
                    let scenarios = Scenario::value_variants().iter().copied();
                    let wanted = scenarios.filter(|&it| it.suits(subject) && is_wanted(subject, it));
                    let cases =
                        wanted.flat_map(|scenario| scenario.cases().into_iter().map(move |case| (scenario, case)));
                    steps.extend(cases.map(|(scenario, case)| Step { users, scenario, case, subject, round }));
                }
            }
        }
        steps
    }
}

//! Measures the service beside the other ways to do its job.
//!
//! Not part of the program: it starts real brokers, databases and peers with what the tests start them with, which the program
//! must not contain. What it measures it runs as the processes that an operator would run, on the machine it runs on itself.
//!
//! Suggested reading order: [`facts`], [`world`], [`subject`], [`scenario`], [`run`], [`results`], [`report`], [`check`], and the
//! peers in [`peer`].

mod arguments;
mod check;
mod facts;
mod machine;
mod peer;
mod progress;
mod publisher;
mod report;
mod results;
mod run;
mod scenario;
mod subject;
mod usage;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use arguments::{Arguments, Command, PeerKind, RunArguments};
use peer::gateway::CacheConfig;
use peer::{gateway, owner, tables};
use results::Results;
use run::{Failures, RunConfig};

#[expect(clippy::print_stderr, reason = "why nothing was measured is for who waited")]
fn main() -> ExitCode {
    run_command(Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run_command(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(arguments) => carry_out(&arguments, arguments.matrix()),
        Command::Matrix(arguments) => carry_out(&arguments, arguments.whole_matrix()),
        Command::Report(arguments) => {
            report::write(&Results::new(&arguments.results), &arguments.out)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(arguments) => check::run(&arguments),
        Command::Peer(arguments) => {
            serve(arguments.kind)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[expect(clippy::print_stderr, reason = "what failed is for who waited")]
fn carry_out(arguments: &RunArguments, steps: Vec<results::Step>) -> Result<ExitCode> {
    let config = RunConfig {
        results: Results::new(&arguments.results),
        duration: Duration::from_secs(arguments.seconds.into()),
        seed: arguments.seed,
        with: arguments.with.clone(),
        warm_up: Duration::from_secs(arguments.warm_up.into()),
    };
    let Failures(failures) = run::run(&config, &steps)?;
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} could not be measured; run the same again to try what is missing", failures.len());
    failures.iter().for_each(|failure| eprintln!("- {failure}"));
    Ok(ExitCode::FAILURE)
}

fn serve(kind: PeerKind) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        match kind {
            PeerKind::Tables(feed) => tables::run(&feed.bootstrap, &feed.database()).await,
            PeerKind::Owner { topic, feed } => owner::run(&feed.bootstrap, &feed.database(), topic).await,
            PeerKind::Gateway { owners, redis, cache_lifetime_s } => {
                let lifetime = Duration::from_secs(cache_lifetime_s);
                gateway::run(owners, redis.map(|redis| CacheConfig { redis, lifetime })).await
            }
        }
    })
}

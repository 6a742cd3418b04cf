//! `user-info upstream …`: the simulated services, alone or all in one process.

use std::process::ExitCode;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use user_info_upstream::all::AllConfig;
use user_info_upstream::simulator::SimulatorConfig;
use user_info_upstream::tweets::{PublishUsers, TweetsConfig};
use user_info_upstream::{GeneratorConfig, Progress, all, follows, likes, lists, simulator, tweets};

use crate::arguments::{
    ActorArguments, AllArguments, PublishUsersArgument, SimulatorArguments, StreamArguments, TweetsArguments,
    UpstreamArguments, UpstreamService,
};
use crate::exit::Failure;
use crate::{serve, signals};

/// Runs a service until a signal.
pub(crate) fn run(arguments: UpstreamArguments) -> Result<ExitCode, Failure> {
    signals::runtime()?.block_on(async {
        let shutdown = signals::shutdown()?;
        let progress = Arc::new(Progress::default());
        match arguments.service {
            UpstreamService::Stream(arguments) => stream(arguments, shutdown).await?,
            UpstreamService::Tweets(arguments) => publish_tweets(arguments, progress, shutdown).await?,
            UpstreamService::Follows(arguments) => {
                follows::run(arguments.log.open()?, generator(&arguments), progress, shutdown).await?;
            }
            UpstreamService::Likes(arguments) => {
                likes::run(arguments.log.open()?, generator(&arguments), progress, shutdown).await?;
            }
            UpstreamService::Lists(arguments) => {
                lists::run(arguments.log.open()?, generator(&arguments), progress, shutdown).await?;
            }
            UpstreamService::All(arguments) => everything(arguments, progress, shutdown).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

#[expect(clippy::print_stdout, reason = "the bound address is this command's result")]
async fn stream(arguments: StreamArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let listener = serve::bind(arguments.listen).await?;
    let address = listener.local_addr().map_err(Failure::check)?;
    println!("stream http://{address}/1.1/statuses/sample.json");
    Ok(simulator::serve(listener, simulated(&arguments.simulator), shutdown).await?)
}

async fn publish_tweets(
    arguments: TweetsArguments,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let publish_users = match arguments.publish_users {
        PublishUsersArgument::EveryTime => PublishUsers::EveryTime,
        PublishUsersArgument::WhenChanged => PublishUsers::WhenChanged,
    };
    let TweetsArguments { stream, transactional_id, log, .. } = arguments;
    let config = TweetsConfig { stream, publish_users, transactional_id };
    Ok(tweets::run(log.open()?, config, progress, shutdown).await?)
}

async fn everything(
    arguments: AllArguments,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let simulator = simulated(&arguments.simulator);
    let config = AllConfig { stream: arguments.stream, simulator, action_rate: simulator.rate };
    Ok(all::run(arguments.log.open()?, config, progress, shutdown).await?)
}

fn simulated(arguments: &SimulatorArguments) -> SimulatorConfig {
    SimulatorConfig { users: arguments.users, rate: arguments.rate, seed: arguments.seed }
}

fn generator(arguments: &ActorArguments) -> GeneratorConfig {
    let ActorArguments { rate, seed, transactional_id, log: _ } = arguments;
    GeneratorConfig { rate: *rate, seed: *seed, transactional_id: transactional_id.clone() }
}

//! `user-info upstream …`: the simulated services, alone or all in one process.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use user_info_upstream::admin::Report;
use user_info_upstream::all::AllConfig;
use user_info_upstream::follows::{FollowsConfig, Steer};
use user_info_upstream::replay::{Pace, Replay, ReplayConfig};
use user_info_upstream::simulator::{ServerOptions, SimulatorConfig};
use user_info_upstream::tweets::translator::TranslatorConfig;
use user_info_upstream::tweets::{PublishUsers, Role, TweetsConfig};
use user_info_upstream::{
    GeneratorConfig, Mix, Progress, UpstreamError, admin, all, follows, likes, lists, simulator, tweets,
};

use crate::exit::Failure;
use crate::upstream_arguments::{
    ActorArguments, AllArguments, FollowsArguments, OperationArguments, PublishArgument, PublishUsersArgument,
    ReplayArguments, ReplayPaceArgument, SimulatorArguments, SteerArgument, StreamArguments, TweetsArguments,
    UpstreamArguments, UpstreamService,
};
use crate::{replay_progress, serve, signals};

/// An archive is told of in lines of its own.
const NEVER: Duration = Duration::MAX;

/// Runs a service until a signal.
pub(crate) fn run(arguments: UpstreamArguments) -> Result<ExitCode, Failure> {
    signals::runtime()?.block_on(async {
        let shutdown = signals::shutdown()?;
        match arguments.service {
            UpstreamService::Stream(arguments) => stream(arguments, shutdown).await?,
            UpstreamService::Tweets(arguments) => publish_tweets(arguments, shutdown).await?,
            UpstreamService::Follows(arguments) => publish_follows(arguments, shutdown).await?,
            UpstreamService::Likes(arguments) => {
                let (log, config) = (arguments.log.open()?, generator(&arguments));
                let likes = |progress, stop| likes::run(log, config, progress, stop);
                operate("likes", &arguments.operation, shutdown, likes).await?;
            }
            UpstreamService::Lists(arguments) => {
                let (log, config) = (arguments.log.open()?, generator(&arguments));
                let lists = |progress, stop| lists::run(log, config, progress, stop);
                operate("lists", &arguments.operation, shutdown, lists).await?;
            }
            UpstreamService::All(arguments) => everything(arguments, shutdown).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Runs a service with its operator's address and its progress line, until it ends.
async fn operate<Running: Future<Output = Result<(), UpstreamError>>>(
    name: &str,
    operation: &OperationArguments,
    shutdown: CancellationToken,
    service: impl FnOnce(Arc<Progress>, CancellationToken) -> Running,
) -> Result<(), Failure> {
    let progress = Arc::new(Progress::default());
    let running = service(Arc::clone(&progress), shutdown);
    watch(name, operation.admin, operation.progress_interval, vec![progress], running).await
}

/// Runs what the first report tells of, until it ends, and tells of it.
async fn watch(
    name: &str,
    admin: Option<SocketAddr>,
    interval: Duration,
    reports: Vec<Arc<dyn Report>>,
    running: impl Future<Output = Result<(), UpstreamError>>,
) -> Result<(), Failure> {
    let ended = CancellationToken::new();
    let listener = bind_admin(admin).await?;
    let line = Arc::clone(&reports[0]);
    let operators = async {
        if let Some(listener) = listener {
            admin::serve(listener, reports, ended.clone()).await;
        }
    };
    let running = async {
        let result = running.await;
        ended.cancel();
        result
    };
    let lines = admin::log_progress(name, &*line, interval, ended.clone());
    let (result, (), ()) = tokio::join!(running, operators, lines);
    result?;
    tracing::info!(service = name, "stopped: {line}");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the bound address is this command's result")]
async fn bind_admin(address: Option<SocketAddr>) -> Result<Option<TcpListener>, Failure> {
    let Some(address) = address else { return Ok(None) };
    let listener = serve::bind(address).await?;
    println!("admin http://{}", listener.local_addr().map_err(Failure::check)?);
    Ok(Some(listener))
}

#[expect(clippy::print_stdout, reason = "the bound address is this command's result")]
async fn stream(arguments: StreamArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let replay = if arguments.replay.replay.is_empty() { None } else { Some(open_replay(&arguments).await?) };
    let listener = serve::bind(arguments.listen).await?;
    let address = listener.local_addr().map_err(Failure::check)?;
    println!("stream http://{address}/1.1/statuses/sample.json");
    let options = arguments.server.options(arguments.simulator.seed, replay.is_some());
    let (traffic, operation) = (Arc::clone(&options.traffic), &arguments.operation);
    if let Some(replay) = replay {
        let reports: Vec<Arc<dyn Report>> = vec![traffic, replay.progress()];
        let running = serve_replay(listener, replay, options, shutdown);
        return watch("stream", operation.admin, NEVER, reports, running).await;
    }
    let running = simulator::serve_with(listener, simulated(&arguments.simulator), options, shutdown);
    watch("stream", operation.admin, operation.progress_interval, vec![traffic], running).await
}

/// Serves an archive and shows how far it is.
async fn serve_replay(
    listener: TcpListener,
    replay: Replay,
    options: ServerOptions,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    let progress = replay.progress();
    tokio::select! {
        never = replay_progress::show(&progress) => match never {},
        ended = simulator::serve_replay(listener, replay, options, shutdown) => ended?,
    }
    tracing::info!("ended: {progress}");
    Ok(())
}

async fn open_replay(arguments: &StreamArguments) -> Result<Replay, Failure> {
    let config = replayed(arguments);
    let opened = tokio::task::spawn_blocking(move || Replay::open(config)).await;
    Ok(opened.context("looking for the archive").map_err(Failure::check)??)
}

async fn publish_tweets(arguments: TweetsArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let translator = TranslatorConfig {
        role: match arguments.publish {
            PublishArgument::Both => Role::Both,
            PublishArgument::Tweets => Role::Tweets,
            PublishArgument::Users => Role::Users,
        },
        publish_users: match arguments.publish_users {
            PublishUsersArgument::EveryTime => PublishUsers::EveryTime,
            PublishUsersArgument::WhenChanged => PublishUsers::WhenChanged,
        },
        users_max: arguments.users_remembered,
        grace: arguments.delete_accounts_after,
    };
    let TweetsArguments { stream, client, transactional_id, log, operation, .. } = arguments;
    let client = client.options()?;
    let (log, config) = (log.open()?, TweetsConfig { stream, client, translator, transactional_id });
    operate("tweets", &operation, shutdown, |progress, stop| tweets::run(log, config, progress, stop)).await
}

async fn publish_follows(arguments: FollowsArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let FollowsArguments { actor, steer, stream, client } = arguments;
    let client = client.options()?;
    let steer = match steer {
        SteerArgument::FollowCounts => Steer::FollowCounts { stream, client },
        SteerArgument::Ignore => Steer::Ignore,
    };
    let (log, config) = (actor.log.open()?, FollowsConfig { generator: generator(&actor), steer });
    operate("follows", &actor.operation, shutdown, |progress, stop| follows::run(log, config, progress, stop)).await
}

async fn everything(arguments: AllArguments, shutdown: CancellationToken) -> Result<(), Failure> {
    let simulator = simulated(&arguments.simulator);
    let client = arguments.client.options()?;
    let config = AllConfig { stream: arguments.stream, client, simulator, action_rate: simulator.rate };
    let log = arguments.log.open()?;
    operate("all", &arguments.operation, shutdown, |progress, stop| all::run(log, config, progress, stop)).await
}

fn simulated(arguments: &SimulatorArguments) -> SimulatorConfig {
    SimulatorConfig { users: arguments.users, rate: arguments.rate, seed: arguments.seed }
}

fn replayed(arguments: &StreamArguments) -> ReplayConfig {
    let ReplayArguments { replay, replay_pace, replay_speed, replay_loop } = &arguments.replay;
    let pace = match replay_pace {
        ReplayPaceArgument::Recorded => Pace::Recorded { speed: *replay_speed },
        ReplayPaceArgument::Rate => Pace::Rate(arguments.simulator.rate),
        ReplayPaceArgument::FlatOut => Pace::FlatOut,
    };
    ReplayConfig { paths: replay.clone(), pace, repeat: *replay_loop }
}

fn generator(arguments: &ActorArguments) -> GeneratorConfig {
    let ActorArguments { rate, seed, transactional_id, removals, repetitions, facts_max, .. } = arguments;
    let mix = Mix { removals: *removals, repetitions: *repetitions };
    GeneratorConfig { rate: *rate, seed: *seed, transactional_id: transactional_id.clone(), mix, facts_max: *facts_max }
}

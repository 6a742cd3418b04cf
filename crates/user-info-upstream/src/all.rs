//! All upstream services in one process, with a simulated stream unless another is named.
//!
//! Invariant: when one of them ends with an error, all end, and that error is the result.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use user_info_log::Log;

use crate::follows::{self, FollowsConfig, Steer};
use crate::simulator::{self, STREAM_PATH, SimulatorConfig};
use crate::stream::client::ClientOptions;
use crate::tweets::{self, TweetsConfig};
use crate::{GeneratorConfig, Progress, UpstreamError, likes, lists};

/// What the services are told.
#[derive(Clone, Debug)]
pub struct AllConfig {
    /// Address of the stream. `None`: a simulated one on a free port of 127.0.0.1.
    pub stream: Option<String>,
    /// How the stream is asked for.
    pub client: ClientOptions,
    /// The simulated stream; its seed is also that of the generators.
    pub simulator: SimulatorConfig,
    /// Facts per second of each of the follow, like and list services.
    pub action_rate: f64,
}

/// Runs all services until they are cancelled. They share `progress`.
pub async fn run(
    log: Log,
    config: AllConfig,
    progress: Arc<Progress>,
    shutdown: CancellationToken,
) -> Result<(), UpstreamError> {
    let AllConfig { stream, client, simulator, action_rate } = config;
    let stop = shutdown.child_token();
    let mut services = JoinSet::new();
    let stream = match stream {
        Some(stream) => stream,
        None => start_simulator(simulator, &mut services, stop.clone()).await?,
    };
    let tweets = TweetsConfig { client, ..TweetsConfig::new(stream) };
    let generator = GeneratorConfig::new(action_rate, simulator.seed);
    let follows = FollowsConfig { generator: generator.clone(), steer: Steer::Ignore };
    services.spawn(tweets::run(log.clone(), tweets, Arc::clone(&progress), stop.clone()));
    services.spawn(follows::run(log.clone(), follows, Arc::clone(&progress), stop.clone()));
    services.spawn(likes::run(log.clone(), generator.clone(), Arc::clone(&progress), stop.clone()));
    services.spawn(lists::run(log, generator, progress, stop.clone()));
    wait_for_all(services, stop).await
}

async fn start_simulator(
    config: SimulatorConfig,
    services: &mut JoinSet<Result<(), UpstreamError>>,
    stop: CancellationToken,
) -> Result<String, UpstreamError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(UpstreamError::Listen)?;
    let address = listener.local_addr().map_err(UpstreamError::Listen)?;
    services.spawn(simulator::serve(listener, config, stop));
    Ok(format!("http://{address}{STREAM_PATH}"))
}

async fn wait_for_all(
    mut services: JoinSet<Result<(), UpstreamError>>,
    stop: CancellationToken,
) -> Result<(), UpstreamError> {
    let mut result = Ok(());
    while let Some(ended) = services.join_next().await {
        let ended = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        if ended.is_err() {
            stop.cancel();
        }
        result = result.and(ended);
    }
    result
}

//! The connections to Redis, through the `redis` crate's multiplexed and cluster clients: commands to nodes, pipelines of
//! scripts by node, scripts that a server lost, and connections that are replaced when they led nowhere.
//!
//! Readers and the writer have connections of their own, so that a read never waits behind a batch. To a cluster, a batch
//! is sent in one pipeline for each master without following redirections, because those would take the whole pipeline to
//! another node; when one is met, the commands of that pipeline are sent one by one, each following its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{
    MultipleNodeRoutingInfo, ResponsePolicy, Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr,
};
use redis::{Client, Cmd, ConnectionInfo, Pipeline, RedisResult, ServerErrorKind, TlsMode, Value};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::access::{Access, Address, CONNECT_TIMEOUT, tcp_settings};
use super::scripts::Scripts;
use super::topology::{Node, Topology};
use crate::error::StoreError;
use crate::options::RedisOptions;
use crate::url::RedisUrl;

/// Commands in one pipeline. Redis serves its clients in turns, so this is not what readers wait for; it bounds what is
/// held in memory on both sides, and a few hundred make the round trips count for nothing.
const PIPELINE_COMMANDS_MAX: usize = 512;

/// Connections are replaced at most this often: a server that is away should not be met by a storm of new ones.
const RENEW_INTERVAL: Duration = Duration::from_secs(1);

/// How often a redirected or refused command of the writer is tried within its time.
const WRITE_ATTEMPTS: u32 = 8;

/// A read is redirected once or twice at most while slots move; longer is for the caller to try again.
const READ_ATTEMPTS: u32 = 2;

/// Reads that wait in a connection. More wait for a place, within the time of a read.
const READS_IN_FLIGHT_MAX: usize = 4_096;

/// Which connection a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Of requests.
    Reads,
    /// Of the writer.
    Writes,
}

/// A command and the hash slot of its keys.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) slot: u16,
    pub(super) command: Cmd,
}

/// The connections to a server or a cluster.
pub(super) struct Link {
    access: Access,
    target: Target,
    connections: ArcSwap<Connections>,
    pub(super) topology: ArcSwap<Topology>,
    scripts: Scripts,
    renewed: Mutex<Instant>,
}

enum Target {
    Server { client: Box<Client>, options: RedisOptions },
    Cluster(Box<Clients>),
}

/// Clients of a cluster that differ in patience.
struct Clients {
    reads: ClusterClient,
    pipelines: ClusterClient,
    writes: ClusterClient,
    /// Of single nodes, which tell why they turn somebody away.
    nodes: Vec<Client>,
}

enum Connections {
    Server { reads: ConnectionManager, writes: ConnectionManager },
    Cluster { reads: ClusterConnection, pipelines: ClusterConnection, writes: ClusterConnection },
}

impl Link {
    /// Connections that are made when they are first needed. Needs a runtime.
    pub(super) fn new(url: &RedisUrl, options: &RedisOptions) -> Result<Self, StoreError> {
        let access = Access::new(url, options)?;
        let target = Target::new(&access, options).map_err(invalid_options)?;
        let connections = target.connect().map_err(invalid_options)?;
        Ok(Self {
            access,
            target,
            connections: ArcSwap::from_pointee(connections),
            topology: ArcSwap::from_pointee(Topology::whole(url.nodes[0].clone())),
            scripts: Scripts::default(),
            renewed: Mutex::new(Instant::now()),
        })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster { .. })
    }

    /// A client of one server for whoever subscribes there.
    pub(super) fn subscribing_client(&self, address: &Address) -> RedisResult<Client> {
        self.access.subscribing_client(address)
    }

    /// Where a server is that answers without naming its host: at the one that was asked, as far as we know.
    pub(super) fn usual_host(&self) -> &str {
        &self.access.url().nodes[0].0
    }

    pub(super) fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Replaces the connections, once there are others: one to a server that stopped answering, or became a replica, may
    /// never notice. What goes on working meanwhile goes on being used.
    pub(super) fn renew(self: &Arc<Self>, runtime: &Handle) {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.elapsed() < RENEW_INTERVAL {
            return;
        }
        *renewed = Instant::now();
        let link = Arc::clone(self);
        runtime.spawn(async move {
            if let Ok(connections) = link.target.reconnect().await {
                link.connections.store(Arc::new(connections));
            }
        });
    }

    /// What goes wrong with a connection to the first node of a cluster that lets nobody in or is none: the cluster client
    /// only says that it found no connection.
    pub(super) async fn refusal(&self) -> Option<redis::RedisError> {
        let Target::Cluster(clients) = &self.target else { return None };
        for node in &clients.nodes {
            if let Err(error) = ask_alone(node).await {
                return Some(error);
            }
        }
        None
    }

    /// Sends a command to wherever its keys are.
    pub(super) async fn send(&self, lane: Lane, command: &Cmd) -> RedisResult<Value> {
        match (&**self.connections.load(), lane) {
            (Connections::Server { reads, .. }, Lane::Reads) => command.query_async(&mut reads.clone()).await,
            (Connections::Server { writes, .. }, Lane::Writes) => command.query_async(&mut writes.clone()).await,
            (Connections::Cluster { reads, .. }, Lane::Reads) => command.query_async(&mut reads.clone()).await,
            (Connections::Cluster { writes, .. }, Lane::Writes) => command.query_async(&mut writes.clone()).await,
        }
    }

    /// Sends a command to the master of a slot, whatever its keys are.
    pub(super) async fn send_to(&self, slot: u16, command: &Cmd) -> RedisResult<Value> {
        let connections = self.connections.load_full();
        match &*connections {
            Connections::Server { .. } => self.send(Lane::Writes, command).await,
            Connections::Cluster { writes, .. } => {
                let route = RoutingInfo::SingleNode(master_of(slot));
                writes.clone().route_command(command.clone(), route).await?.extract_error()
            }
        }
    }

    /// Runs a script; loads it where it is not known.
    pub(super) async fn run(&self, lane: Lane, command: &Cmd) -> RedisResult<Value> {
        match self.send(lane, command).await {
            Err(error) if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.load_scripts().await?;
                self.send(lane, command).await
            }
            result => result,
        }
    }

    /// Sends many commands, those of each master in pipelines, the masters at the same time. The replies stand in the order
    /// of the calls; the first error ends it, and some of the commands may have been carried out.
    pub(super) async fn run_all(self: &Arc<Self>, calls: Vec<Call>) -> RedisResult<Vec<Value>> {
        let (calls, topology) = (Arc::new(calls), self.topology.load_full());
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, call) in calls.iter().enumerate() {
            groups.entry(topology.index_of(call.slot)).or_default().push(index);
        }
        let mut tasks = JoinSet::new();
        for (node, indices) in groups {
            let (link, calls, topology) = (Arc::clone(self), Arc::clone(&calls), Arc::clone(&topology));
            tasks.spawn(async move { link.run_on(&topology.nodes[node], &calls, indices).await });
        }
        let mut replies = vec![Value::Nil; calls.len()];
        while let Some(done) = tasks.join_next().await {
            for (index, reply) in done.expect("a task that sends commands does not panic")? {
                replies[index] = reply;
            }
        }
        Ok(replies)
    }

    async fn run_on(&self, node: &Node, calls: &[Call], indices: Vec<usize>) -> RedisResult<Vec<(usize, Value)>> {
        let mut replies = Vec::with_capacity(indices.len());
        for chunk in indices.chunks(PIPELINE_COMMANDS_MAX) {
            let values: Vec<Option<Value>> = match self.pipeline(node, calls, chunk).await {
                Ok(values) => values.into_iter().map(|value| (!is_no_script(&value)).then_some(value)).collect(),
                Err(error) if self.is_cluster() && error.is_cluster_error() => vec![None; chunk.len()],
                Err(error) => return Err(error),
            };
            for (&index, value) in chunk.iter().zip(values) {
                let value = match value {
                    Some(value) => value.extract_error()?,
                    None => self.run(Lane::Writes, &calls[index].command).await?,
                };
                replies.push((index, value));
            }
        }
        Ok(replies)
    }

    async fn pipeline(&self, node: &Node, calls: &[Call], chunk: &[usize]) -> RedisResult<Vec<Value>> {
        let mut pipeline = Pipeline::with_capacity(chunk.len());
        for &index in chunk {
            pipeline.add_command(calls[index].command.clone());
        }
        let connections = self.connections.load_full();
        match &*connections {
            Connections::Server { writes, .. } => writes.clone().send_packed_commands(&pipeline, 0, chunk.len()).await,
            Connections::Cluster { pipelines, .. } => {
                pipelines.clone().route_pipeline(pipeline, 0, chunk.len(), master_of(node.anchor)).await
            }
        }
    }

    /// Puts all scripts on every master.
    pub(super) async fn load_scripts(&self) -> RedisResult<()> {
        let connections = self.connections.load_full();
        for command in self.scripts.load_commands() {
            match &*connections {
                Connections::Server { .. } => drop(self.send(Lane::Writes, &command).await?),
                Connections::Cluster { writes, .. } => {
                    let masters = (MultipleNodeRoutingInfo::AllMasters, Some(ResponsePolicy::AllSucceeded));
                    writes.clone().route_command(command, RoutingInfo::MultiNode(masters)).await?.extract_error()?;
                }
            }
        }
        Ok(())
    }
}

/// Asks a node what it has, whatever the other nodes are like.
async fn ask_alone(node: &Client) -> RedisResult<Value> {
    let asked = async {
        let mut connection = node.get_multiplexed_async_connection().await?;
        redis::cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await
    };
    let late = |_| redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(CONNECT_TIMEOUT, asked).await.map_err(late)?
}

fn master_of(slot: u16) -> SingleNodeRoutingInfo {
    SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master))
}

fn is_no_script(value: &Value) -> bool {
    matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

fn invalid_options(error: redis::RedisError) -> StoreError {
    StoreError::Refused { operation: "prepare the connection to Redis", reason: error.to_string() }
}

impl Target {
    fn new(access: &Access, options: &RedisOptions) -> RedisResult<Self> {
        let infos = access.url().nodes.iter().map(|node| access.info(node)).collect::<RedisResult<Vec<_>>>()?;
        if access.url().cluster {
            return Self::cluster(access, options, infos);
        }
        let info = infos.into_iter().next().expect("a URL names at least one node");
        Ok(Self::Server { client: Box::new(access.client(info)?), options: options.clone() })
    }

    fn cluster(access: &Access, options: &RedisOptions, infos: Vec<ConnectionInfo>) -> RedisResult<Self> {
        let client = |timeout, retries| {
            let builder = ClusterClientBuilder::new(infos.clone());
            let mut builder = builder
                .connection_timeout(CONNECT_TIMEOUT)
                .response_timeout(timeout)
                .overall_response_timeout(Some(timeout))
                .retries(retries)
                .tcp_settings(tcp_settings());
            if access.url().tls {
                builder = builder.tls(TlsMode::Secure);
            }
            if let Some(certificates) = access.certificates() {
                builder = builder.certs(certificates);
            }
            builder.build()
        };
        Ok(Self::Cluster(Box::new(Clients {
            nodes: infos.iter().cloned().map(|info| access.client(info)).collect::<RedisResult<_>>()?,
            reads: client(options.read_timeout, READ_ATTEMPTS)?,
            pipelines: client(options.write_timeout, 0)?,
            writes: client(options.write_timeout, WRITE_ATTEMPTS)?,
        })))
    }

    /// Connections that are there. To a server they may be made when they are needed, because nothing else works meanwhile.
    async fn reconnect(&self) -> RedisResult<Connections> {
        match self {
            Self::Server { .. } => self.connect(),
            Self::Cluster(clients) => Ok(Connections::Cluster {
                reads: clients.reads.get_async_connection().await?,
                pipelines: clients.pipelines.get_async_connection().await?,
                writes: clients.writes.get_async_connection().await?,
            }),
        }
    }

    /// Connections that are made in the background.
    fn connect(&self) -> RedisResult<Connections> {
        match self {
            Self::Server { client, options } => {
                let config = |timeout| {
                    ConnectionManagerConfig::new()
                        .set_number_of_retries(0)
                        .set_connection_timeout(Some(CONNECT_TIMEOUT))
                        .set_response_timeout(Some(timeout))
                };
                let manager = |config| ConnectionManager::new_lazy_with_config(Client::clone(client), config);
                Ok(Connections::Server {
                    reads: manager(config(options.read_timeout).set_concurrency_limit(READS_IN_FLIGHT_MAX))?,
                    writes: manager(config(options.write_timeout))?,
                })
            }
            Self::Cluster(clients) => {
                let connection = |client: &ClusterClient| {
                    client.get_pending_async_connection_with_config(redis::cluster::ClusterConfig::new())
                };
                Ok(Connections::Cluster {
                    reads: connection(&clients.reads),
                    pipelines: connection(&clients.pipelines),
                    writes: connection(&clients.writes),
                })
            }
        }
    }
}

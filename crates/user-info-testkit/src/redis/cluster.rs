//! A Redis Cluster of real servers, and what can happen to it: failovers, writes that are lost, slots that move.
//!
//! Nodes gossip, so each has its own view of the cluster. What waits here waits until all nodes that should answer (those not
//! killed, stopped or paused) see the same.

mod view;

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::configuration::RedisConfig;
use super::server::RedisServer;
use crate::port::free_port;
use crate::waiting::poll;
use view::{Member, View};

/// What `cluster-node-timeout` is unless a test says otherwise. A failover takes about twice as long; less would take a busy 2-core
/// machine for a dead node.
const NODE_TIMEOUT_MS: &str = "2000";

/// How many slots every Redis Cluster has.
const SLOTS: &str = "16384";

/// To create a cluster takes 4 s and a failover 5 s on a quiet 2-core machine.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);

/// To move a third of all slots takes 10 s on a 2-core machine while somebody writes.
const RESHARD_LIMIT: Duration = Duration::from_secs(300);

/// A password that a replica gives to its master, which has no passwords and therefore turns it away.
const TURNED_AWAY: &str = "turned-away";

/// What differs between the clusters of different tests.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// How many nodes own slots; at least 3, or Redis refuses.
    pub masters: usize,
    /// How many replicas each of them has.
    pub replicas: usize,
    /// Lines of every node's `redis.conf`, as in [`RedisConfig::options`]. `cluster-node-timeout` is 2,000 ms; everything else is
    /// as Redis has it, so a cluster of which some slots are lost refuses all of them unless `cluster-require-full-coverage` is
    /// `no`.
    pub options: Vec<(String, String)>,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self { masters: 3, replicas: 1, options: Vec::new() }
    }
}

/// A Redis Cluster of a test, killed when it is dropped. A node keeps its index for life, whether it is master or replica.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts a new, empty cluster and waits until every node finds it whole and every replica follows its master.
    ///
    /// # Errors
    /// If `redis-server` is missing, or with what a node or `redis-cli --cluster create` says.
    pub fn start(config: &ClusterConfig) -> Result<Self> {
        let count = config.masters * (1 + config.replicas);
        let nodes = (0..count).map(|_| start_node(&config.options)).collect::<Result<_>>()?;
        let cluster = Self { nodes };
        cluster.create(config.replicas)?;
        cluster.until_replicated()?;
        Ok(cluster)
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// One node.
    ///
    /// # Panics
    /// If there is no such index.
    #[must_use]
    pub fn node(&self, index: usize) -> &RedisServer {
        &self.nodes[index]
    }

    /// One node, to be killed, paused, or started again.
    ///
    /// # Panics
    /// If there is no such index.
    #[must_use]
    pub fn node_mut(&mut self, index: usize) -> &mut RedisServer {
        &mut self.nodes[index]
    }

    /// The addresses of all nodes, in the order of their indices.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::address).collect()
    }

    /// Its URL, `redis-cluster://127.0.0.1:port,127.0.0.1:port,…`, with all nodes.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis-cluster://{}", self.addresses().join(","))
    }

    /// The reply to a command about one key, from whichever node owns it; see [`RedisServer::cli`].
    ///
    /// # Errors
    /// With the reply if it is an error, and if no node answers.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        let live = self.live().next().context("no node of the cluster runs")?;
        live.cli(&[&["-c"], arguments].concat())
    }

    /// The indices of the nodes that own slots, as the first node that answers sees it. One that was killed owns its slots until
    /// somebody else takes them.
    ///
    /// # Errors
    /// If no node answers.
    pub fn masters(&self) -> Result<Vec<usize>> {
        let view = self.view()?;
        let mut masters = view.owners().map(|owner| self.index_of(owner)).collect::<Result<Vec<_>>>()?;
        masters.sort_unstable();
        Ok(masters)
    }

    /// The index of a replica of this master, as the first node that answers sees it.
    ///
    /// # Errors
    /// If it has none, or no node answers.
    pub fn replica_of(&self, master: usize) -> Result<usize> {
        let view = self.view()?;
        let master_id = &view.on_port(self.nodes[master].port())?.id;
        let replica = view.members.iter().find(|member| member.master.as_ref() == Some(master_id));
        self.index_of(replica.with_context(|| format!("node {master} has no replica"))?)
    }

    /// From now on, [`RedisCluster::replica_of`] this master gets nothing more from it, though both live and the cluster sees
    /// nothing wrong: what is written to the master now is lost when the replica is promoted. Returns the replica's index.
    /// [`RedisCluster::promote`] ends this, and so does a restart of the replica; until then [`RedisCluster::until_replicated`]
    /// waits in vain. Other replicas of this master are cut off for a moment only.
    ///
    /// # Errors
    /// If the master has no replica, or either does not answer.
    pub fn cut_replica(&self, master: usize) -> Result<usize> {
        let index = self.replica_of(master)?;
        let replica = &self.nodes[index];
        settle("the replica follows its master", || check_linked(replica))?;
        // Before the link is cut: it comes back at once, unless the master turns the replica away.
        replica.cli(&["config", "set", "masterauth", TURNED_AWAY])?;
        settle("the replica is cut off", || {
            self.nodes[master].cli(&["client", "kill", "type", "replica"])?;
            ensure!(check_linked(replica).is_err(), "it still follows its master");
            Ok(())
        })?;
        Ok(index)
    }

    /// Makes a replica the master of its master's slots, whatever the others think of it (`CLUSTER FAILOVER TAKEOVER`), and waits
    /// until every node that answers knows. One that is paused goes on first.
    ///
    /// # Errors
    /// If it is no replica, or the others do not come to know.
    pub fn promote(&mut self, replica: usize) -> Result<()> {
        self.nodes[replica].resume()?;
        let node = &self.nodes[replica];
        node.cli(&["cluster", "failover", "takeover"])?;
        settle("every node knows the new master", || self.check_known(node))?;
        // It may have been cut off, and may have to follow another master one day.
        node.cli(&["config", "set", "masterauth", ""])?;
        Ok(())
    }

    /// Moves this many slots with their keys from one master to another, also while clients write, and waits until every node that
    /// answers knows.
    ///
    /// # Errors
    /// With what `redis-cli --cluster reshard` says, for instance if the nodes do not agree before; see
    /// [`RedisCluster::until_ok`].
    pub fn reshard(&self, from: usize, to: usize, slots: usize) -> Result<()> {
        let [from_id, to_id] = [self.id(from)?, self.id(to)?];
        let (address, slots) = (self.nodes[to].address(), slots.to_string());
        let command = ["--cluster", "reshard", &address, "--cluster-from", &from_id, "--cluster-to", &to_id];
        let command = [&command[..], &["--cluster-slots", &slots, "--cluster-yes"]].concat();
        self.nodes[to].cli_within(&command, RESHARD_LIMIT)?;
        self.until_ok()
    }

    /// Waits until every node that answers finds the cluster whole, all agree on who owns which slots and who follows whom, and
    /// every owner of slots is one of them. So it waits for the failover after a master was killed or paused.
    ///
    /// # Errors
    /// If that does not come about.
    pub fn until_ok(&self) -> Result<()> {
        settle("all nodes find the cluster whole", || self.check_ok())
    }

    /// Waits as [`RedisCluster::until_ok`] does, and until every replica that answers has everything that its master has.
    ///
    /// # Errors
    /// If that does not come about.
    pub fn until_replicated(&self) -> Result<()> {
        settle("all replicas have what their masters have", || {
            self.check_ok()?;
            self.live().try_for_each(|node| self.check_in_sync(node))
        })
    }

    fn create(&self, replicas: usize) -> Result<()> {
        let addresses = self.addresses();
        let mut command = vec!["--cluster", "create"];
        command.extend(addresses.iter().map(String::as_str));
        let replicas = replicas.to_string();
        command.extend(["--cluster-replicas", &replicas, "--cluster-yes"]);
        let first = self.nodes.first().context("a cluster needs nodes")?;
        first.cli_within(&command, SETTLE_LIMIT).context("cannot create the cluster")?;
        Ok(())
    }

    fn live(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.is_live())
    }

    /// The view of the first node that answers.
    fn view(&self) -> Result<View> {
        let mut last_error = anyhow!("no node of the cluster runs");
        for node in self.live() {
            match view_of(node) {
                Ok(view) => return Ok(view),
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    fn views(&self) -> Result<Vec<View>> {
        self.live().map(view_of).collect()
    }

    fn id(&self, index: usize) -> Result<String> {
        self.nodes[index].cli(&["cluster", "myid"])
    }

    fn index_of(&self, member: &Member) -> Result<usize> {
        let index = self.nodes.iter().position(|node| node.port() == member.port);
        index.with_context(|| format!("the cluster has a node on port {}, which is none of ours", member.port))
    }

    fn check_ok(&self) -> Result<()> {
        self.live().try_for_each(check_whole)?;
        let views = self.views()?;
        ensure!(views.windows(2).all(|pair| pair[0] == pair[1]), "the nodes disagree: {views:#?}");
        for owner in views.first().context("no node of the cluster runs")?.owners() {
            let owner = &self.nodes[self.index_of(owner)?];
            ensure!(owner.is_live(), "slots belong to {}, which does not run", owner.address());
        }
        Ok(())
    }

    /// Every node that answers sees this one as it sees itself: as an owner of slots.
    fn check_known(&self, node: &RedisServer) -> Result<()> {
        let own = view_of(node)?.on_port(node.port())?.clone();
        ensure!(!own.slots.is_empty(), "{} owns no slots", node.address());
        for view in self.views()? {
            ensure!(view.members.contains(&own), "one node sees {view:#?} instead of {own:?}");
        }
        Ok(())
    }

    /// This node is a master, or has everything that its master had just before.
    fn check_in_sync(&self, node: &RedisServer) -> Result<()> {
        let info = replication(node)?;
        if field(&info, "role")? == "master" {
            return Ok(());
        }
        let master_port: u16 = field(&info, "master_port")?.parse()?;
        let master = self.nodes.iter().find(|other| other.port() == master_port);
        let sent = replication(master.context("it follows none of our nodes")?)?;
        check_linked(node)?;
        let got = replication(node)?;
        let histories = [field(&got, "master_replid")?, field(&sent, "master_replid")?];
        ensure!(histories[0] == histories[1], "{} has another history than its master", node.address());
        let [got, sent] = [field(&got, "slave_repl_offset")?, field(&sent, "master_repl_offset")?];
        ensure!(got.parse::<u64>()? >= sent.parse()?, "{} is at {got} of {sent}", node.address());
        Ok(())
    }
}

fn start_node(options: &[(String, String)]) -> Result<RedisServer> {
    let bus_port = free_port().to_string();
    let own = [("cluster-enabled", "yes"), ("cluster-port", &bus_port), ("cluster-node-timeout", NODE_TIMEOUT_MS)];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = own.into_iter().chain(options.iter().cloned()).collect();
    RedisServer::start(&RedisConfig { options, ..RedisConfig::default() })
}

fn view_of(node: &RedisServer) -> Result<View> {
    View::parse(&node.cli(&["cluster", "nodes"])?)
}

fn replication(node: &RedisServer) -> Result<String> {
    node.cli(&["info", "replication"])
}

/// This node finds that every slot has an owner that answers.
fn check_whole(node: &RedisServer) -> Result<()> {
    let info = node.cli(&["cluster", "info"])?;
    let (state, slots) = (field(&info, "cluster_state")?, field(&info, "cluster_slots_ok")?);
    ensure!(state == "ok" && slots == SLOTS, "{} says {state}, with {slots} of {SLOTS} slots", node.address());
    Ok(())
}

/// This replica gets what its master writes.
fn check_linked(replica: &RedisServer) -> Result<()> {
    let status = replication(replica)?;
    let status = field(&status, "master_link_status")?;
    ensure!(status == "up", "{} says that the link to its master is {status}", replica.address());
    Ok(())
}

/// The value of a line `name:value` of `INFO` or `CLUSTER INFO`.
fn field<'a>(info: &'a str, name: &str) -> Result<&'a str> {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(str::trim).with_context(|| format!("no {name} in {info}"))
}

/// Waits until `attempt` succeeds. While nodes start, fail over and gossip, an error means not yet; the last one tells what was
/// amiss to the end.
fn settle(what: &str, mut attempt: impl FnMut() -> Result<()>) -> Result<()> {
    let mut last_error = None;
    let reached = poll(SETTLE_LIMIT, || {
        last_error = attempt().err();
        Ok(last_error.is_none().then_some(()))
    })?;
    match (reached, last_error) {
        (None, Some(error)) => Err(error.context(format!("not within {SETTLE_LIMIT:?}: {what}"))),
        _ => Ok(()),
    }
}

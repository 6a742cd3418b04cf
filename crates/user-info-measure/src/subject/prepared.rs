//! What of a subject outlives its processes: databases and folders. Processes are started on it and stopped, again and again.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use user_info_core::Topic;
use user_info_testkit::{PostgresConfig, PostgresServer, Process, RedisConfig, RedisServer};

use super::running::{Place, Running};
use super::{Design, Subject, streams};
use crate::peer::LISTENING;
use crate::peer::data::joined;
use crate::usage;
use crate::world::World;

/// A server starts within milliseconds, a Java machine within seconds; this is for busy machines.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a statement of an operator may take: a table of millions of rows is gone through.
const STATEMENT_LIMIT: Duration = Duration::from_secs(900);

/// PostgreSQL for this job on a machine with 2 cores and 24 GiB. The tables are filled again from the topics if they are lost,
/// so no commit waits for the disk.
const POSTGRES_TUNED: &[(&str, &str)] = &[
    ("shared_buffers", "4GB"),
    ("effective_cache_size", "12GB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "512MB"),
    ("synchronous_commit", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    ("autovacuum_vacuum_insert_scale_factor", "0.02"),
];

/// Databases and folders of one subject.
pub(crate) struct Prepared {
    pub(crate) subject: Subject,
    folder: TempDir,
    postgres: Option<PostgresServer>,
    redis: Option<RedisServer>,
    /// Further arguments of the service.
    with: Vec<String>,
}

impl Prepared {
    /// Starts what it needs, empty.
    pub(crate) fn new(subject: Subject, with: &[String]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("user-info-measure-").tempdir()?;
        let (wants_postgres, wants_redis) = match subject.design() {
            Design::Ours { on_redis } => (false, on_redis),
            Design::Floor | Design::Streams { .. } => (false, false),
            Design::SharedTables => (true, false),
            Design::Microservices { cache_lifetime_s } => (true, cache_lifetime_s.is_some()),
        };
        let settings = postgres_settings(subject);
        let settings = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let postgres = wants_postgres.then(|| PostgresServer::start(&PostgresConfig { settings })).transpose()?;
        let redis = wants_redis.then(|| RedisServer::start(&RedisConfig::default())).transpose()?;
        Ok(Self { subject, folder, postgres, redis, with: with.to_vec() })
    }

    /// Starts its processes, and returns when they listen.
    pub(crate) fn start(&self, world: &World) -> Result<Running> {
        match self.subject.design() {
            Design::Ours { .. } => self.start_ours(world),
            Design::Floor => self.start_floor(),
            Design::SharedTables => {
                let peer = peer("tables", |command| self.name_database(command, world, "public"))?;
                Ok(self.running(vec![peer]))
            }
            Design::Microservices { cache_lifetime_s } => self.start_services(world, cache_lifetime_s),
            Design::Streams { topology } => {
                let mut command = streams::command(topology, self.subject.is_tuned());
                command.args(["--bootstrap-servers", &world.bootstrap()]);
                command.arg("--state-directory").arg(self.folder.path().join("state"));
                Ok(self.running(vec![listening(&command, LISTENING)?]))
            }
        }
    }

    fn running(&self, processes: Vec<(Process, SocketAddr)>) -> Running {
        let databases =
            [self.postgres.as_ref().and_then(PostgresServer::id), self.redis.as_ref().and_then(RedisServer::id)];
        Running::new(processes, databases.into_iter().flatten().collect(), Place::Ready)
    }

    fn start_ours(&self, world: &World) -> Result<Running> {
        let store = match &self.redis {
            Some(redis) => redis.url(),
            None => format!("rocksdb:{}", self.store_folder().display()),
        };
        let log = format!("kafka://{}", world.bootstrap());
        let mut command = program()?;
        command.args(["serve", "--log", &log, "--store", &store, "--log-level", "warn"]);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(&self.with);
        let started = listening(&command, "public http://")?;
        let mut running = self.running(vec![started]);
        running.place = Place::Stated;
        Ok(running)
    }

    fn start_floor(&self) -> Result<Running> {
        let mut command = program()?;
        command.args(["bench", "floor", "--listen", "127.0.0.1:0"]);
        let mut running = self.running(vec![listening(&command, "floor http://")?]);
        running.place = Place::Nowhere;
        Ok(running)
    }

    fn start_services(&self, world: &World, cache_lifetime_s: Option<u64>) -> Result<Running> {
        let mut processes = Vec::new();
        for topic in Topic::FACTS {
            let name = topic.name();
            let schema = format!("owner_of_{}", name.rsplit('-').next().unwrap_or(name));
            processes.push(peer("owner", |command| {
                command.args(["--topic", name]);
                self.name_database(command, world, &schema)
            })?);
        }
        let owners: Vec<String> = processes.iter().map(|(_, address)| address.to_string()).collect();
        let gateway = peer("gateway", |command| {
            command.args(["--owners", &owners.join(",")]);
            if let (Some(redis), Some(lifetime_s)) = (&self.redis, cache_lifetime_s) {
                command.args(["--redis", &redis.url(), "--cache-lifetime-s", &lifetime_s.to_string()]);
            }
            Ok(())
        })?;
        // The first is who is asked.
        processes.insert(0, gateway);
        Ok(self.running(processes))
    }

    fn name_database(&self, command: &mut Command, world: &World, schema: &str) -> Result<()> {
        let postgres = self.postgres.as_ref().context("this design has a database")?;
        command.args(["--bootstrap", &world.bootstrap(), "--postgres", &postgres.connection(), "--schema", schema]);
        Ok(())
    }

    fn store_folder(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// What an operator does once tables are filled, and what happens by itself later: statistics, and the map of pages that are
    /// visible to all, without which no count is answered from an index alone.
    pub(crate) fn tidy(&self) -> Result<()> {
        if let Some(postgres) = &self.postgres {
            postgres.sql("VACUUM ANALYZE", STATEMENT_LIMIT)?;
        }
        // A cache that the audit filled would be taken for a warm one.
        if let (Some(redis), Design::Microservices { .. }) = (&self.redis, self.subject.design()) {
            redis.cli(&["flushall"])?;
        }
        Ok(())
    }

    /// Bytes on the disk, without those of the topics.
    pub(crate) fn disk_bytes(&self) -> Result<u64> {
        match &self.postgres {
            Some(postgres) => Ok(postgres.sql("SELECT pg_database_size('postgres')", STATEMENT_LIMIT)?.parse()?),
            None => Ok(usage::disk_bytes(self.folder.path())),
        }
    }

    /// How PostgreSQL goes about the query that joins the five tables, in its own words, for the user who is asked for and followed
    /// most. `None` if the design has no such query.
    pub(crate) fn query_plan(&self) -> Result<Option<String>> {
        let postgres = self.postgres.as_ref().filter(|_| self.subject.design() == Design::SharedTables);
        let query = joined().replace("$1", "'0'");
        let explain = format!("EXPLAIN (ANALYZE, BUFFERS) {query}");
        postgres.map(|postgres| postgres.sql(&explain, STATEMENT_LIMIT)).transpose()
    }

    /// Ends what is there, and the folder.
    pub(crate) fn remove(self) -> Result<()> {
        let Self { postgres, redis, folder, .. } = self;
        drop((postgres, redis));
        let path = folder.path().to_owned();
        fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))
    }
}

/// The settings of PostgreSQL that a subject has, besides the ones that it is shipped with.
pub(crate) fn postgres_settings(subject: Subject) -> &'static [(&'static str, &'static str)] {
    if subject.is_tuned() { POSTGRES_TUNED } else { &[] }
}

/// The program that is shipped, beside this one.
fn program() -> Result<Command> {
    let program = std::env::current_exe()?.with_file_name("user-info");
    anyhow::ensure!(
        program.exists(),
        "{} is missing: run `cargo build --release --workspace --bins`",
        program.display()
    );
    Ok(Command::new(program))
}

/// This program as a peer.
fn peer(kind: &str, arguments: impl FnOnce(&mut Command) -> Result<()>) -> Result<(Process, SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["peer", kind]);
    arguments(&mut command)?;
    listening(&command, LISTENING)
}

/// Starts a server and reads its address from the line that begins so.
fn listening(command: &Command, beginning: &str) -> Result<(Process, SocketAddr)> {
    let mut process = Process::spawn(command)?;
    let line = process.wait_for_line(beginning, START_LIMIT)?;
    let address = line.strip_prefix(beginning).and_then(|address| address.parse().ok());
    let address = address.with_context(|| format!("no address in {line:?}"))?;
    Ok((process, address))
}

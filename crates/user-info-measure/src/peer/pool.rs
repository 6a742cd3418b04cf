//! Connections to the database of a peer.

use anyhow::{Context, Result};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::{Client, Config, NoTls};

/// Connections that requests share. Each is a process of the server; more than this only take memory from one another.
const CONNECTIONS: usize = 16;

/// How the tables of one owner are reached: the server, and the schema that is the owner's.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// In the words of libpq.
    pub(crate) connection: String,
    /// Letters only: it stands in statements as it is.
    pub(crate) schema: String,
}

impl Database {
    fn config(&self) -> Result<Config> {
        let mut config: Config = self.connection.parse().context("no connection of PostgreSQL")?;
        config.options(format!("-c search_path={}", self.schema));
        Ok(config)
    }

    /// Connections for requests, each used by one at a time, statements prepared once on each.
    pub(super) fn pool(&self) -> Result<Pool> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(self.config()?, NoTls, recycling);
        Ok(Pool::builder(manager).max_size(CONNECTIONS).build()?)
    }

    /// A connection of one's own, in a schema that is there.
    pub(super) async fn connect(&self) -> Result<Client> {
        let (client, connection) = self.config()?.connect(NoTls).await.context("PostgreSQL does not answer")?;
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", self.schema)).await?;
        Ok(client)
    }
}

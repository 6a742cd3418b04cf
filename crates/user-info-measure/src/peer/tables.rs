//! The first design that the requirement turns down: all data in one database, joined when somebody asks.

use anyhow::Result;
use deadpool_postgres::Pool;
use user_info_core::{Id, Topic};

use super::data;
use super::feed::{self, Standing};
use super::front::{self, Source};
use super::page::Page;
use super::pool::Database;
use super::{listen, shutdown};

/// The tables, and how far they are filled.
pub(super) struct Tables {
    pool: Pool,
    query: String,
    pub(super) standing: Standing,
}

impl Tables {
    pub(super) async fn page(&self, user: &Id) -> Result<Option<Page>> {
        data::page(&self.pool, &self.query, user).await
    }
}

/// Fills the tables from the topics and answers from them, until a signal.
pub(crate) async fn run(bootstrap: &str, database: &Database) -> Result<()> {
    let stop = shutdown()?;
    let standing = feed::start(bootstrap, database, &Topic::FACTS).await?;
    let tables = Tables { pool: database.pool()?, query: data::joined(), standing };
    front::serve(listen().await?, Source::Tables(tables), stop).await;
    Ok(())
}

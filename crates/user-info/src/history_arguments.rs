//! Where the figures of the operator's page are kept.

use std::path::PathBuf;

use clap::Args;
use user_info_service::history::recorder::HistoryConfig;
use user_info_store::StoreUrl;

/// What the name of the store's directory is followed by.
const SUFFIX: &str = ".history";

/// The history of the operator's page.
#[derive(Args, Debug)]
pub(crate) struct HistoryArguments {
    /// File that keeps the operator's figures of the last day over restarts; with rocksdb:DIR it is DIR.history unless you name
    /// another, with other stores there is none unless you name one
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

impl HistoryArguments {
    pub(crate) fn config(&self, store: &StoreUrl) -> HistoryConfig {
        HistoryConfig { file: self.history.clone().or_else(|| beside(store)), ..HistoryConfig::default() }
    }
}

/// Beside the directory of a store, so that a rebuild, or a store that is thrown away, leaves it alone.
pub(crate) fn beside(store: &StoreUrl) -> Option<PathBuf> {
    match store {
        StoreUrl::RocksDb { path } => {
            let mut name = path.file_name()?.to_owned();
            name.push(SUFFIX);
            Some(path.with_file_name(name))
        }
        StoreUrl::Redis(_) | StoreUrl::Memory => None,
    }
}

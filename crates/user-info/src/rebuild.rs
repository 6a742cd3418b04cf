//! `user-info rebuild`: a fresh generation of the store from the log, swapped in when caught up.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use serde_json::json;
use user_info_log::Log;
use user_info_service::ServiceConfig;
use user_info_store::{Rebuild, StoreUrl, Taint, begin_rebuild};

use crate::arguments::RebuildArguments;
use crate::exit::Failure;
use crate::signals;

/// Rebuilds the store. Until it is done, what was there stays in force.
pub(crate) fn run(arguments: &RebuildArguments) -> Result<ExitCode, Failure> {
    if arguments.store.store == StoreUrl::Memory {
        return Err(Failure::usage(anyhow!(
            "a memory: store keeps nothing that could be rebuilt; rocksdb: and redis: stores do"
        )));
    }
    let log = arguments.log.open()?;
    let rebuild = begin_rebuild(&arguments.store.store, &arguments.store.options())?;
    signals::runtime()?.block_on(fill(arguments, &log, rebuild))
}

async fn fill(arguments: &RebuildArguments, log: &Log, rebuild: Rebuild) -> Result<ExitCode, Failure> {
    let shutdown = signals::shutdown()?;
    let ServiceConfig { ingest, watch_interval, .. } = ServiceConfig::default();
    let filled = user_info_service::rebuild(log, rebuild.store(), ingest, watch_interval, shutdown).await;
    // Swapping it in and removing it may both take a while.
    let ended = tokio::task::spawn_blocking(move || {
        let rebuilt = filled?;
        rebuild.finish()?;
        Ok::<_, Failure>(rebuilt)
    });
    let rebuilt = ended.await.context("swapping in the rebuild").map_err(Failure::check)??;
    print(arguments, &rebuilt.tainted, rebuilt.offsets);
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "what was rebuilt is this command's result")]
fn print(arguments: &RebuildArguments, tainted: &[Taint], offsets: i64) {
    for taint in tainted {
        let (topic, key) = (taint.key.topic, String::from_utf8_lossy(&taint.key.key));
        println!("tainted: {topic} {key}: {}; its last good fact may be lost, have it published again", taint.reason);
    }
    let servers = match arguments.store.store {
        StoreUrl::Redis(_) => "servers on it go over to it by themselves",
        StoreUrl::RocksDb { .. } | StoreUrl::Memory => {
            "a server that runs on it serves the old state until it is restarted"
        }
    };
    println!("{} is rebuilt; {servers}", arguments.store.store);
    if arguments.json {
        println!("{}", json!({"offsets": offsets, "tainted": tainted.len()}));
    }
}

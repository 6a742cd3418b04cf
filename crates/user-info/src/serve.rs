//! `user-info serve`: the User Information Service.

use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;
use user_info_service::events::EventLimits;
use user_info_service::ingest::IngestLimits;
use user_info_service::listen::ListenLimits;
use user_info_service::tls::Tls;
use user_info_service::{ServiceConfig, run as run_service};
use user_info_store::Store;

use crate::arguments::ServeArguments;
use crate::exit::Failure;
use crate::signals;

/// Runs the service until a signal, and prints its addresses on stdout once they are bound.
pub(crate) fn run(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    signals::runtime()?.block_on(serve(arguments))
}

async fn serve(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    let shutdown = signals::shutdown()?;
    let tls = arguments.tls.load()?;
    if let Some(tls) = tls.clone() {
        signals::on_hangup(move || tls.look())?;
    }
    let log = arguments.log.open()?;
    let store = Store::open_unseen(&arguments.store.store, &arguments.store.options())?;
    let public = bind(arguments.listen).await?;
    let admin = bind(arguments.admin).await?;
    print_address("public", if tls.is_some() { "https" } else { "http" }, &public)?;
    print_address("admin", "http", &admin)?;
    run_service(config(&arguments, tls), &log, store, public, admin, shutdown).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn config(arguments: &ServeArguments, tls: Option<Tls>) -> ServiceConfig {
    ServiceConfig {
        group: arguments.group.clone(),
        ingest: IngestLimits { bad_in_a_row_max: arguments.bad_records_max, ..IngestLimits::default() },
        listen: ListenLimits { connections_max: arguments.connections_max, ..ListenLimits::default() },
        tls,
        events: EventLimits { streams_max: arguments.event_streams_max, ..EventLimits::default() },
        rate_limit: arguments.api.rate_limit(),
        v2_missing_user: arguments.api.v2_missing_user(),
        watch_interval: arguments.watch_interval,
        drain: arguments.drain,
        stop_deadline: arguments.stop_deadline,
        load: arguments.public.load(),
        hot_bytes_max: arguments.public.hot_bytes_max(),
        cors: arguments.public.cors(),
        history: arguments.history.config(&arguments.store.store),
        pages: arguments.pages.config(),
    }
}

/// Binds an address; port 0 takes a free one.
pub(crate) async fn bind(address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on {address}; choose another address")).map_err(Failure::missing)
}

#[expect(clippy::print_stdout, reason = "the bound addresses are this command's result")]
pub(crate) fn print_address(name: &str, scheme: &str, listener: &TcpListener) -> Result<(), Failure> {
    let address = listener.local_addr().context("asking for the bound address").map_err(Failure::check)?;
    println!("{name} {scheme}://{address}");
    Ok(())
}

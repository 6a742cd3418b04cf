//! The other designs of the requirement, built to be measured against: each a server of its own, as a process of its own, behind
//! the HTTP front of the service and with its words.
//!
//! - [`tables`]: all data in the tables of one database, joined for each request.
//! - [`owner`] and [`gateway`]: a service for each kind of data, with tables of its own, and one in front that asks all of them
//!   for each request; with a cache in front of that, if one is named.
//!
//! What fills their tables is the same for all: [`feed`] reads the same topics.

pub(crate) mod data;
mod feed;
mod front;
pub(crate) mod gateway;
pub(crate) mod owner;
mod page;
pub(crate) mod pool;
mod schema;
pub(crate) mod tables;

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The line that says where a peer listens begins so.
pub(crate) const LISTENING: &str = "listening on ";

/// Binds a free port and says which.
#[expect(clippy::print_stdout, reason = "the address is what the one who starts it waits for")]
async fn listen() -> Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("no port is free")?;
    println!("{LISTENING}{}", listener.local_addr()?);
    Ok(listener)
}

/// Cancelled by SIGTERM and SIGINT.
fn shutdown() -> Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancelled.cancel();
    });
    Ok(token)
}

//! SIGTERM and Ctrl-C: the first one asks to stop, a second one ends the process at once. SIGHUP asks to look at files anew.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// Exit status after a second signal: that of a process which SIGINT ended.
const IMPATIENT: i32 = 130;

/// A token that the first signal cancels.
pub(crate) fn shutdown() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM").map_err(Failure::check)?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for Ctrl-C").map_err(Failure::check)?;
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if first.is_cancelled() {
                std::process::exit(IMPATIENT);
            }
            first.cancel();
        }
    });
    Ok(token)
}

/// Calls `look` at every SIGHUP, which would end the process otherwise.
pub(crate) fn on_hangup(look: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let mut hangup = signal(SignalKind::hangup()).context("listening for SIGHUP").map_err(Failure::check)?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            look();
        }
    });
    Ok(())
}

/// The runtime of commands that await.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
        .map_err(Failure::check)
}

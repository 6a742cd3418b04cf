//! The processes of a subject while they run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use user_info_bench::client::Client;
use user_info_core::Topic;
use user_info_testkit::Process;

use crate::usage::Usage;
use crate::world::{World, wait_until};

/// Whoever stops writes what it holds.
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// A peer that says ready for so long has read what was there before.
const SETTLED: Duration = Duration::from_millis(500);

/// How a subject says how far it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Each answer states positions.
    Stated,
    /// `/ready` is 200 at the ends.
    Ready,
    /// It does not read.
    Nowhere,
}

/// A running subject; dropping it kills its processes.
pub(crate) struct Running {
    processes: Vec<Process>,
    /// Of the databases, which are not stopped with it.
    databases: Vec<u32>,
    /// Whom clients ask.
    pub(crate) address: SocketAddr,
    pub(super) place: Place,
}

impl Running {
    /// Of processes, of which the first is who is asked.
    pub(super) fn new(processes: Vec<(Process, SocketAddr)>, databases: Vec<u32>, place: Place) -> Self {
        let address = processes[0].1;
        let processes = processes.into_iter().map(|(process, _)| process).collect();
        Self { processes, databases, address, place }
    }

    /// Waits until it has taken in all that the topics hold by now.
    pub(crate) fn wait_until_caught_up(&mut self, world: &World, limit: Duration) -> Result<()> {
        let ends = world.ends()?;
        let mut since = None;
        let place = self.place;
        wait_until("it takes in what the topics hold", limit, || {
            self.check()?;
            Ok(match place {
                Place::Stated => self.stands_at(&ends)?,
                Place::Ready => {
                    let is_ready = self.get("/ready")?.is_some_and(|(status, _)| status == 200);
                    since = if is_ready { since.or_else(|| Some(Instant::now())) } else { None };
                    since.is_some_and(|since| since.elapsed() >= SETTLED)
                }
                Place::Nowhere => true,
            })
        })
    }

    /// How long it takes to be noticed that it has caught up.
    pub(crate) fn settled_after(&self) -> Duration {
        if self.place == Place::Ready { SETTLED } else { Duration::ZERO }
    }

    /// Waits until it shows this user.
    pub(crate) fn wait_until_it_shows(&mut self, user: &str, limit: Duration) -> Result<()> {
        let path = format!("/users/{user}");
        wait_until("it answers", limit, || {
            self.check()?;
            Ok(self.get(&path)?.is_some_and(|(status, _)| status == 200))
        })
    }

    /// Status and body of an answer; `None` if nobody takes the connection.
    fn get(&self, path: &str) -> Result<Option<(u16, Vec<u8>)>> {
        let Ok(mut client) = Client::connect(self.address) else { return Ok(None) };
        Ok(client.get(path).ok())
    }

    fn stands_at(&self, ends: &[(Topic, i32, i64)]) -> Result<bool> {
        let Some(stated) = self.positions()? else { return Ok(false) };
        let next = |topic, partition| stated.get(&(topic, partition)).copied().unwrap_or_default();
        Ok(ends.iter().all(|&(topic, partition, end)| next(topic, partition) >= end))
    }

    /// The next offset of each partition, as answers state them.
    fn positions(&self) -> Result<Option<BTreeMap<(Topic, i32), i64>>> {
        let Ok(mut client) = Client::connect(self.address) else { return Ok(None) };
        let Ok(Some(header)) = client.header("/users/0", "user-info-positions") else { return Ok(None) };
        let positions: user_info_audit::positions::Positions = header.parse()?;
        Ok(Some(positions.iter().map(|(topic, partition, offset)| ((topic, partition), offset)).collect()))
    }

    /// What its processes and databases use.
    pub(crate) fn usage(&self) -> Usage {
        let ours = self.processes.iter().map(Process::id);
        Usage::of(&ours.chain(self.databases.iter().copied()).collect::<Vec<u32>>())
    }

    /// Fails if a process has ended by itself.
    pub(crate) fn check(&mut self) -> Result<()> {
        for process in &mut self.processes {
            if !process.is_running()? {
                let tail = process.tail();
                anyhow::bail!("a process ended by itself\n{tail}");
            }
        }
        Ok(())
    }

    /// Ends its processes in order.
    pub(crate) fn stop(mut self) -> Result<()> {
        for process in &mut self.processes {
            process.terminate().context("it has already ended")?;
            let status = process.wait(STOP_LIMIT)?;
            ensure!(status.success(), "it ended with {status}\n{}", process.tail());
        }
        Ok(())
    }

    /// Kills its processes.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.processes.iter_mut().try_for_each(|process| process.kill().map(drop))
    }
}

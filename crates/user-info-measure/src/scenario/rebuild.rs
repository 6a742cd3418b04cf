//! From nothing to all that the topics hold.

use std::time::Instant;

use anyhow::Result;

use super::{CATCH_UP_LIMIT, Outcome};
use crate::subject::{Prepared, Running, Subject};
use crate::world::World;

/// Starts a subject on nothing and waits until it has read everything.
pub(crate) fn rebuild(world: &World, subject: Subject, with: &[String]) -> Result<(Prepared, Running, Outcome)> {
    let (prepared, records) = (Prepared::new(subject, with)?, world.records()?);
    let began = Instant::now();
    let mut running = prepared.start(world)?;
    running.wait_until_caught_up(world, CATCH_UP_LIMIT)?;
    let (elapsed, usage) = ((began.elapsed() - running.settled_after()).as_secs_f64(), running.usage());
    let mut outcome = Outcome::default();
    outcome.figure("records", records as f64);
    outcome.figure("seconds", elapsed);
    outcome.figure("records_per_s", records as f64 / elapsed);
    outcome.figure("records_per_core_s", records as f64 / usage.processor.as_secs_f64());
    outcome.figure("processor_us_per_record", usage.processor.as_secs_f64() * 1e6 / records as f64);
    outcome.figure("memory_mib", usage.memory_bytes as f64 / (1024.0 * 1024.0));
    outcome.figure("memory_bytes_per_user", usage.memory_bytes as f64 / world.users as f64);
    outcome.figure("disk_bytes_per_user", prepared.disk_bytes()? as f64 / world.users as f64);
    Ok((prepared, running, outcome))
}

//! What processes use: processor time, memory, bytes on the disk. Linux's own figures, see proc_pid_stat(5) and
//! proc_pid_status(5).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// The unit of processor time in `/proc`, which Linux never changed (sysconf(3), `_SC_CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What some processes and their children use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    /// Processor time since they began.
    pub(crate) processor: Duration,
    /// Memory that is theirs, or that they share with each other, in bytes: the proportional set size.
    pub(crate) memory_bytes: u64,
}

impl Usage {
    /// Of these processes and all their descendants that are alive.
    pub(crate) fn of(processes: &[u32]) -> Self {
        let family = family(processes);
        Self {
            processor: family.iter().filter_map(|id| processor(*id)).sum(),
            memory_bytes: family.iter().filter_map(|id| memory(*id)).sum(),
        }
    }
}

fn family(processes: &[u32]) -> BTreeSet<u32> {
    let mut found: BTreeSet<u32> = processes.iter().copied().collect();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<(u32, u32)> = entries.filter_map(|entry| with_parent(entry.file_name().to_str()?)).collect();
    loop {
        let children = all.iter().filter(|(id, parent)| found.contains(parent) && !found.contains(id));
        let children: Vec<u32> = children.map(|(id, _)| *id).collect();
        if children.is_empty() {
            return found;
        }
        found.extend(children);
    }
}

fn with_parent(name: &str) -> Option<(u32, u32)> {
    let id = name.parse().ok()?;
    Some((id, fields(id)?.get(1)?.parse().ok()?))
}

/// The fields of `stat` behind the program's name, of which the first is the state.
fn fields(id: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split_whitespace().map(str::to_owned).collect())
}

fn processor(id: u32) -> Option<Duration> {
    let fields = fields(id)?;
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some(Duration::from_secs_f64((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}

fn memory(id: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let kibibytes = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?.trim().strip_suffix(" kB")?;
    Some(kibibytes.trim().parse::<u64>().ok()? * 1024)
}

/// Processor time that the machine would have used and its host gave to others, since it began: what is measured meanwhile is
/// measured on less than the machine seems to be. Zero where nobody says.
pub(crate) fn stolen() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat.lines().next().and_then(|all| all.split_whitespace().nth(8)?.parse::<f64>().ok());
    Duration::from_secs_f64(ticks.unwrap_or_default() / TICKS_PER_SECOND)
}

/// The bytes of all files in a folder.
pub(crate) fn disk_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It was removed meanwhile.
        Err(_) => 0,
    };
    entries.map(of).sum()
}

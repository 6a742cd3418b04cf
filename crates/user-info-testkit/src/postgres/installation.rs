//! Where PostgreSQL's programs are, and whom they run as.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where Debian puts the programs of each major version, in a folder `N/bin`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Whom Debian's package runs the server as.
const USER: &str = "postgres";

/// A PostgreSQL that is installed on this machine.
#[derive(Debug)]
pub(super) struct Installation {
    programs: PathBuf,
    /// Whom to run as instead of root.
    owner: Option<Owner>,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    user: u32,
    group: u32,
}

impl Installation {
    /// Finds the newest version that Debian's package installed.
    pub(super) fn locate() -> Result<Self> {
        let folders = fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|entry| entry.path());
        let numbered = folders.filter_map(|path| Some((version(&path)?, path.join("bin"))));
        let newest = numbered.filter(|(_, programs)| programs.join("postgres").exists()).max();
        let (_, programs) = newest.with_context(|| format!("no PostgreSQL in {VERSIONS}: run `make setup-test`"))?;
        let owner = if rustix::process::geteuid().is_root() { Some(owner()?) } else { None };
        Ok(Self { programs, owner })
    }

    /// Makes the server the owner of a directory.
    pub(super) fn give_away(&self, directory: &Path) -> Result<()> {
        let Some(Owner { user, group }) = self.owner else { return Ok(()) };
        chown(directory, Some(user), Some(group)).with_context(|| format!("cannot give {} away", directory.display()))
    }

    /// One of its programs.
    pub(super) fn command(&self, program: impl AsRef<OsStr> + AsRef<Path>) -> Command {
        let program = self.programs.join(program);
        let Some(Owner { user, group }) = self.owner else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"]);
        // A change of the user takes the signal back that the process was to get at its parent's end.
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    }
}

fn version(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.parse().ok()
}

/// From `/etc/passwd`, see passwd(5).
fn owner() -> Result<Owner> {
    let users = fs::read_to_string("/etc/passwd")?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == USER);
    let fields = fields.with_context(|| format!("no user {USER}, which Debian's package makes"))?;
    ensure!(fields.len() > 3, "/etc/passwd has a line that cannot be read");
    Ok(Owner { user: fields[2].parse()?, group: fields[3].parse()? })
}

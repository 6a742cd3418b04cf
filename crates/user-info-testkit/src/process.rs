//! A program under test as a process: its output, its signals, its end.
//!
//! Output goes to files, so a program never blocks on a pipe that nobody reads, and what it wrote can be read at any time.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::scratch::scratch_dir;
use crate::starter;
use crate::waiting::poll;

/// It takes milliseconds, or a few time slices of a busy machine; a thread that waits for a disk takes as long as the disk.
const PAUSE_LIMIT: Duration = Duration::from_secs(60);

/// Enough to see what happened, short enough to read.
const TAIL_LINES: usize = 40;

/// The files that the output goes to.
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

/// A running program. Dropping it kills it; while a test panics, that prints the end of its output.
#[derive(Debug)]
pub struct Process {
    child: Child,
    program: String,
    output: TempDir,
}

impl Process {
    /// Starts `command` with its arguments, its directory and the variables it sets or removes. Its standard input is empty and
    /// its output is captured, whatever the command says about them; `env_clear` has no effect.
    ///
    /// # Errors
    /// If the process cannot be made. A program that does not exist shows as exit status 127.
    pub fn spawn(command: &Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = scratch_dir()?;
        let stdout = File::create(output.path().join(STDOUT))?;
        let stderr = File::create(output.path().join(STDERR))?;
        let child = starter::start(command, Stdio::from(stdout), Stdio::from(stderr));
        let child = child.with_context(|| format!("cannot start {program} with setpriv: run `make setup-test`"))?;
        Ok(Self { child, program, output })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard output so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.text(STDOUT)
    }

    /// What it wrote to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.text(STDERR)
    }

    /// The last lines of both streams, with headings.
    #[must_use]
    pub fn tail(&self) -> String {
        let section = |stream| format!("--- {}, end of {stream}\n{}\n", self.program, last_lines(&self.text(stream)));
        section(STDOUT) + &section(STDERR)
    }

    /// Whether it has not ended yet.
    ///
    /// # Errors
    /// If the operating system cannot tell.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The first line of either stream that contains `part`, as soon as it is there; lines already written count.
    ///
    /// # Errors
    /// With the end of the output, if the program ends without such a line or `within` passes.
    pub fn wait_for_line(&mut self, part: &str, within: Duration) -> Result<String> {
        let mut streams = [self.lines(STDOUT)?, self.lines(STDERR)?];
        let child = &mut self.child;
        let found = poll(within, || {
            // Asked before reading, so that all that an ended program wrote is read before it is given up.
            let ended = child.try_wait()?;
            for lines in &mut streams {
                if let Some(line) = lines.find(part)? {
                    return Ok(Some(Ok(line)));
                }
            }
            Ok(ended.map(Err))
        })?;
        match found {
            Some(Ok(line)) => Ok(line),
            Some(Err(status)) => Err(self.failure(&format!("ended ({status}) without a line with {part:?}"))),
            None => Err(self.failure(&format!("wrote no line with {part:?} within {within:?}"))),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// With the end of the output, if it still runs when `within` has passed.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let child = &mut self.child;
        let status = poll(within, || Ok(child.try_wait()?))?;
        status.ok_or_else(|| self.failure(&format!("still runs after {within:?}")))
    }

    /// Ends it at once (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// Asks it to end, as `kill` and service managers do (SIGTERM).
    ///
    /// # Errors
    /// If it has already ended.
    pub fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Whether SIGTERM reaches a handler of its own; before that, also [`Process::terminate`] just kills it. From
    /// `/proc`, see proc_pid_status(5).
    ///
    /// # Errors
    /// If it has already ended.
    pub fn handles_sigterm(&self) -> Result<bool> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.ok_or_else(|| self.failure("has already ended"))?;
        let caught = u64::from_str_radix(caught.trim(), 16)?;
        Ok(caught >> (Signal::TERM.as_raw() - 1) & 1 == 1)
    }

    /// Asks it to end, as Ctrl-C does (SIGINT).
    ///
    /// # Errors
    /// If it has already ended.
    pub fn interrupt(&mut self) -> Result<()> {
        self.signal(Signal::INT)
    }

    /// Asks it to look at its files anew, as services read it (SIGHUP).
    ///
    /// # Errors
    /// If it has already ended.
    pub fn hang_up(&mut self) -> Result<()> {
        self.signal(Signal::HUP)
    }

    /// Freezes it where it stands (SIGSTOP): its connections stay open and nothing answers. Returns when all of its threads stand
    /// still; on a busy machine, the signal takes a while to reach those that are running.
    ///
    /// # Errors
    /// If it has already ended.
    pub fn pause(&mut self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let id = self.id();
        let paused = poll(PAUSE_LIMIT, || Ok(stands_still(id).then_some(())))?;
        paused.ok_or_else(|| self.failure(&format!("is not paused after {PAUSE_LIMIT:?}")))
    }

    /// Lets it go on after [`Process::pause`] (SIGCONT).
    ///
    /// # Errors
    /// If it has already ended.
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        // The id of a process that was waited for may belong to another one.
        if let Some(status) = self.child.try_wait()? {
            return Err(self.failure(&format!("has already ended ({status})")));
        }
        kill_process(Pid::from_child(&self.child), signal).with_context(|| format!("cannot signal {}", self.program))
    }

    fn failure(&self, what: &str) -> anyhow::Error {
        anyhow!("{} {what}\n{}", self.program, self.tail())
    }

    fn text(&self, stream: &str) -> String {
        let bytes = fs::read(self.output.path().join(stream)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn lines(&self, stream: &str) -> Result<Lines> {
        let file = File::open(self.output.path().join(stream))?;
        Ok(Lines { reader: BufReader::new(file), line: Vec::new() })
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the test harness shows it with the panic that it explains")]
    fn drop(&mut self) {
        // Fails only for a process that is already gone.
        let _ = self.kill();
        if thread::panicking() {
            eprintln!("{}", self.tail());
        }
    }
}

/// Whether all threads of a process are stopped. From `/proc`, see proc_pid_stat(5).
fn stands_still(id: u32) -> bool {
    // A thread that ends meanwhile did not stand still.
    let is_stopped = |thread: &Path| {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('T'))
    };
    let threads = fs::read_dir(format!("/proc/{id}/task"));
    threads.is_ok_and(|mut threads| threads.all(|thread| thread.is_ok_and(|thread| is_stopped(&thread.path()))))
}

/// Reads a growing file line by line. The last line may still be growing.
struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
}

impl Lines {
    /// The next line that contains `part`, without its end; `None` when there is none yet.
    fn find(&mut self, part: &str) -> io::Result<Option<String>> {
        loop {
            self.reader.read_until(b'\n', &mut self.line)?;
            if self.line.last() != Some(&b'\n') {
                return Ok(None);
            }
            let line = String::from_utf8_lossy(&self.line).trim_end().to_owned();
            self.line.clear();
            if line.contains(part) {
                return Ok(Some(line));
            }
        }
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

//! Starts child processes that the kernel kills when this process ends, however it ends.
//!
//! The kernel watches the *thread* that started a child, and the threads of a test harness come and go. So one thread, which
//! lives as long as the process, starts every child: a child may be shared by several tests.

use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

struct Request {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

static STARTER: LazyLock<Sender<Request>> = LazyLock::new(|| {
    let (sender, requests) = mpsc::channel::<Request>();
    thread::spawn(move || {
        for Request { mut command, reply } in requests {
            // The caller waits for the reply, so there is always somebody to take it.
            let _ = reply.send(command.spawn());
        }
    });
    sender
});

/// Starts `command` with its arguments, its directory and the variables it sets or removes; its standard input is empty.
pub(crate) fn start(command: &Command, stdout: Stdio, stderr: Stdio) -> io::Result<Child> {
    let mut tied = tied_to_its_parent(command);
    tied.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    let (reply, answer) = mpsc::channel();
    STARTER.send(Request { command: tied, reply }).expect("the starter thread never ends");
    answer.recv().expect("the starter thread answers every request")
}

/// The same command by way of `setpriv`, which asks the kernel for the signal and then becomes the command.
fn tied_to_its_parent(command: &Command) -> Command {
    let mut tied = Command::new("setpriv");
    tied.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        tied.current_dir(dir);
    }
    tied
}
